//! What every calibrator owes: probabilities, a report, a stored form; and each its optimum.

use assay_array::random::{stream, uniform};
use assay_array::testing::assert_close;
use dac_calibration::{
    Bbq, BbqConfig, Beta, BetaConfig, BetaCurve, BetaShape, BinMeanShift, BinMeanShiftConfig,
    BinaryForecasts, Calibrator, DensityRatio, DensityRatioConfig, Dirichlet, DirichletConfig,
    EnsembleLoss, EnsembleTemperature, EnsembleTemperatureConfig, Histogram, HistogramConfig,
    Isotonic, IsotonicConfig, Logits, Matrix, MatrixConfig, MultiIsotonic, MultiIsotonicConfig,
    Platt, PlattConfig, Predictions, Probs, Sigmoid, Spline, SplineConfig, Temperature,
    TemperatureConfig, Vector, VectorConfig, VennAbers, VennAbersConfig, Warning,
};
use ndarray::{Array2, array};

use crate::common::classifier;

#[cfg(feature = "serde")]
trait Stored: serde::Serialize + serde::de::DeserializeOwned {}
#[cfg(feature = "serde")]
impl<C: serde::Serialize + serde::de::DeserializeOwned> Stored for C {}
#[cfg(not(feature = "serde"))]
trait Stored {}
#[cfg(not(feature = "serde"))]
impl<C> Stored for C {}

fn check<C: Calibrator + Stored>(config: &C::Config, keeps_accuracy: bool) -> C {
    let (z, labels, proximity) = classifier(3, 600, 4);
    let (new, _, new_proximity) = classifier(4, 100, 4);
    let logits = Logits::new(z.view()).unwrap();
    let predictions = Predictions::from(&logits).with_proximity(&proximity).unwrap();
    let fitted = C::fit(config, &predictions, &labels).unwrap();
    let report = fitted.report();
    assert!(report.converged, "{}: {report:?}", C::NAME);
    assert_eq!(report.samples, 600);
    if let Some(objective) = report.objective {
        assert!(objective.after <= objective.before, "{}: {objective:?}", C::NAME);
    }
    // An overconfident classifier: everything makes it better on the samples fitted on.
    assert!(report.after.ece < report.before.ece, "{}: {report:?}", C::NAME);
    assert!(report.after.brier < report.before.brier, "{}: {report:?}", C::NAME);
    if keeps_accuracy {
        assert_eq!(report.after.accuracy, report.before.accuracy, "{}", C::NAME);
    }
    let new_logits = Logits::new(new.view()).unwrap();
    let unseen = Predictions::from(&new_logits).with_proximity(&new_proximity).unwrap();
    let calibrated = fitted.transform(&unseen).unwrap();
    Probs::new(calibrated.view()).unwrap_or_else(|error| panic!("{}: {error}", C::NAME));
    // f32 outputs are the same but for their rounding.
    let narrow = new.mapv(|z| z as f32);
    let narrow = Logits::new(narrow.view()).unwrap();
    let narrow = Predictions::from(&narrow).with_proximity(&new_proximity).unwrap();
    let narrow = fitted.transform(&narrow).unwrap();
    let off =
        narrow.view().iter().zip(calibrated.view()).filter(|(a, b)| (*a - *b).abs() > 1e-3).count();
    assert!(off <= 8, "{}: {off} of 400", C::NAME); // step functions may step
    // Another number of classes is refused.
    let three = Logits::new(array![[1.0, 2.0, 3.0]].view()).unwrap().softmax();
    let three = Predictions::from(&three).with_proximity(&[0.5]).unwrap();
    assert!(fitted.transform(&three).is_err(), "{}", C::NAME);
    #[cfg(feature = "serde")]
    {
        let stored = serde_json::to_string(&fitted).unwrap();
        let read: C = serde_json::from_str(&stored).unwrap();
        // JSON's numbers are read to within a rounding.
        let read = read.transform(&unseen).unwrap();
        let off = read
            .view()
            .iter()
            .zip(calibrated.view())
            .filter(|(a, b)| (*a - *b).abs() > 1e-9)
            .count();
        assert_eq!(off, 0, "{}", C::NAME);
    }
    fitted
}

#[test]
fn every_calibrator_calibrates() {
    check::<Temperature>(&TemperatureConfig::new(), true);
    check::<Vector>(&VectorConfig::new(), false);
    check::<Matrix>(&MatrixConfig::new(), false);
    check::<Dirichlet>(&DirichletConfig::new(), false);
    check::<Platt>(&PlattConfig::new(), false);
    check::<Beta>(&BetaConfig::new(), false);
    check::<Beta>(&BetaConfig::new().with_shape(BetaShape::Am), false);
    check::<Beta>(&BetaConfig::new().with_shape(BetaShape::Ab), false);
    check::<EnsembleTemperature>(&EnsembleTemperatureConfig::new(), true);
    let cross_entropy = EnsembleTemperatureConfig::new().with_loss(EnsembleLoss::CrossEntropy);
    check::<EnsembleTemperature>(&cross_entropy, true);
    check::<Histogram>(&HistogramConfig::new(), false);
    check::<Isotonic>(&IsotonicConfig::default(), false);
    check::<MultiIsotonic>(&MultiIsotonicConfig::default(), true);
    check::<Spline>(&SplineConfig::new(), false);
    check::<Bbq>(&BbqConfig::new(), false);
    check::<VennAbers>(&VennAbersConfig::default(), false);
    check::<DensityRatio>(&DensityRatioConfig::default(), false);
    check::<BinMeanShift<Temperature>>(&BinMeanShiftConfig::new(TemperatureConfig::new()), false);
    check::<BinMeanShift<Isotonic>>(&BinMeanShiftConfig::new(IsotonicConfig::default()), false);
}

fn nll(z: &Array2<f64>, labels: &[usize], map: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
    let row = |(z, &label): (ndarray::ArrayView1<'_, f64>, &usize)| {
        let z = map(&z.to_vec());
        let max = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        max + z.iter().map(|z| (z - max).exp()).sum::<f64>().ln() - z[label]
    };
    z.outer_iter().zip(labels).map(row).sum::<f64>() / labels.len() as f64
}

#[test]
fn temperature_is_optimal_to_a_hundred_millionth() {
    for (seed, scale) in [(1, 1.0), (2, 0.01), (3, 50.0), (4, 1000.0)] {
        let (z, labels, _) = classifier(seed, 300, 5);
        let z = z * scale;
        let logits = Logits::new(z.view()).unwrap();
        let fitted =
            Temperature::fit(&TemperatureConfig::new(), &(&logits).into(), &labels).unwrap();
        // The slope's sign by bisection, in plain code.
        let slope = |beta: f64| {
            let mut sum = 0.0;
            for (z, &label) in z.outer_iter().zip(&labels) {
                let max = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                let e = z.mapv(|z| (beta * (z - max)).exp());
                sum += (&e * &z).sum() / e.sum() - z[label];
            }
            sum
        };
        let (mut low, mut high) = (1e-9, 1e3);
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if slope(middle) < 0.0 { low = middle } else { high = middle }
        }
        let want = 1.0 / f64::midpoint(low, high);
        assert!((fitted.value() / want - 1.0).abs() < 1e-8, "{} {want}", fitted.value());
        assert!(
            fitted.report().converged && fitted.report().iterations < 20,
            "{:?}",
            fitted.report()
        );
    }
}

#[test]
fn temperature_stops_at_its_bounds_and_says_so() {
    let z = array![[2.0, 0.0], [0.0, 3.0], [1.0, 0.0]];
    let logits = Logits::new(z.view()).unwrap();
    let all_right =
        Temperature::fit(&TemperatureConfig::new(), &(&logits).into(), &[0, 1, 0]).unwrap();
    assert!(all_right.value() < 1e-6 && all_right.report().at_bound(), "{all_right:?}");
    let all_wrong =
        Temperature::fit(&TemperatureConfig::new(), &(&logits).into(), &[1, 0, 1]).unwrap();
    assert!(all_wrong.value() > 1e6 && all_wrong.report().at_bound(), "{all_wrong:?}");
}

#[test]
fn a_falling_nll_with_a_rising_ece_is_reported() {
    // The specification's second workload in small: the margins are not shaped like a softmax's.
    let (n, classes) = (1500, 1000);
    let mut rng = stream(11, "margins", 0);
    // Four uniforms: nearly normal, without its tails.
    let mut draw = || (0..4).map(|_| uniform(&mut rng) - 0.5).sum::<f64>() * 3.0_f64.sqrt();
    let mut z = Array2::from_shape_simple_fn((n, classes), || 5.0 * draw());
    let labels: Vec<usize> = (0..n).map(|i| i % classes).collect();
    for (i, &label) in labels.iter().enumerate() {
        z[[i, label]] += 2.5 * (2.0 + 12.0 * uniform(&mut rng));
    }
    let logits = Logits::new(z.view()).unwrap();
    let fitted = Temperature::fit(&TemperatureConfig::new(), &(&logits).into(), &labels).unwrap();
    let report = fitted.report();
    let fell = report.after.nll.unwrap() < report.before.nll.unwrap();
    let rose = report.after.ece > report.before.ece * 1.02;
    let said = report.warnings.iter().any(|w| matches!(w, Warning::NllFallsEceRises { .. }));
    assert_eq!(said, fell && rose, "{report:?}");
    assert!(fell && rose, "the data no longer show the effect: {report:?}");
}

#[test]
fn linear_maps_are_at_their_optimum() {
    let (z, labels, _) = classifier(7, 400, 3);
    let logits = Logits::new(z.view()).unwrap();
    let predictions = Predictions::from(&logits);
    let vector = Vector::fit(&VectorConfig::new(), &predictions, &labels).unwrap();
    let plain = MatrixConfig::new().with_weight_penalty(0.0).with_bias_penalty(0.0);
    let matrix = Matrix::fit(&plain, &predictions, &labels).unwrap();
    for report in [vector.report(), matrix.report()] {
        assert!(report.converged && report.objective.unwrap().gradient <= 1e-8, "{report:?}");
    }
    let at = |w: &Array2<f64>, b: &[f64]| {
        nll(&z, &labels, |z| {
            (0..3).map(|i| b[i] + (0..3).map(|j| w[[i, j]] * z[j]).sum::<f64>()).collect()
        })
    };
    // No direction leads down, for either family; and the larger family is no worse.
    for (w, b, diagonal) in
        [(vector.weights(), vector.bias(), true), (matrix.weights(), matrix.bias(), false)]
    {
        let best = at(&w, b);
        for i in 0..3 {
            for step in [-1e-3, 1e-3] {
                let mut moved = b.to_vec();
                moved[i] += step;
                assert!(at(&w, &moved) >= best - 1e-12);
                for j in 0..3 {
                    if diagonal && i != j {
                        continue;
                    }
                    let mut moved = w.clone();
                    moved[[i, j]] += step;
                    assert!(at(&moved, b) >= best - 1e-12);
                }
            }
        }
    }
    let temperature = Temperature::fit(&TemperatureConfig::new(), &predictions, &labels).unwrap();
    let after = |report: &dac_calibration::FitReport| report.after.nll.unwrap();
    assert!(after(vector.report()) <= after(temperature.report()) + 1e-12);
    assert!(after(matrix.report()) <= after(vector.report()) + 1e-12);
    // A heavy penalty leads back to the identity.
    let heavy = VectorConfig::new().with_weight_penalty(1e6).with_bias_penalty(1e6);
    let heavy = Vector::fit(&heavy, &predictions, &labels).unwrap();
    assert!(heavy.weights().diag().iter().all(|w| (w - 1.0).abs() < 1e-4));
}

#[test]
fn dirichlet_maps_recover_themselves() {
    // Labels drawn from softmax(W ln p + b): the fit finds W and b, up to what softmax ignores.
    let (w, b) = (array![[1.4, -0.1], [0.2, 0.7]], [0.3, -0.3]);
    let n = 40_000;
    let mut rng = stream(13, "dirichlet", 0);
    let mut p = Array2::zeros((n, 2));
    let mut labels = Vec::new();
    for mut row in p.outer_iter_mut() {
        row[0] = 0.02 + 0.96 * uniform(&mut rng);
        row[1] = 1.0 - row[0];
        let ln = row.mapv(f64::ln);
        let z: Vec<f64> = (0..2).map(|i| b[i] + w.row(i).dot(&ln)).collect();
        labels.push(usize::from(uniform(&mut rng) > 1.0 / (1.0 + (z[1] - z[0]).exp())));
    }
    let probs = Probs::new(p.view()).unwrap();
    let config = DirichletConfig::new().with_weight_penalty(1e-9).with_bias_penalty(1e-9);
    let fitted = Dirichlet::fit(&config, &(&probs).into(), &labels).unwrap();
    let (got, bias) = (fitted.weights(), fitted.bias());
    let difference =
        |w: &Array2<f64>, b: &[f64]| [w[[0, 0]] - w[[1, 0]], w[[0, 1]] - w[[1, 1]], b[0] - b[1]];
    assert_close(&difference(&got, bias), &difference(&w, &b), 0.0, 0.08);
}

#[test]
fn mixtures_meet_their_optimality_conditions() {
    let (z, labels, _) = classifier(9, 500, 4);
    let logits = Logits::new(z.view()).unwrap();
    for loss in [EnsembleLoss::SquaredError, EnsembleLoss::CrossEntropy] {
        let config = EnsembleTemperatureConfig::new().with_loss(loss);
        let fitted = EnsembleTemperature::fit(&config, &(&logits).into(), &labels).unwrap();
        let weights = fitted.weights();
        assert!(
            (weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && weights.iter().all(|w| *w >= 0.0)
        );
        assert!(
            fitted.report().objective.unwrap().gradient < 1e-6,
            "{loss:?}: {:?}",
            fitted.report()
        );
    }
    // The temperature may not leave its bounds, and says when it would.
    let narrow = EnsembleTemperatureConfig::new().with_bounds(0.5, 0.6);
    let fitted = EnsembleTemperature::fit(&narrow, &(&logits).into(), &labels).unwrap();
    assert!(fitted.report().at_bound() && (fitted.temperature() - 0.6).abs() < 1e-6);
}

#[test]
fn beta_curves_do_not_fall_unless_asked() {
    // Outcomes against the forecasts: the free fit falls, the default is flat or rises.
    let p: Vec<f64> = (1..200).map(|i| f64::from(i) / 200.0).collect();
    let y: Vec<bool> = (1..200).map(|i| (i * 61) % 200 > i).collect();
    let forecasts = BinaryForecasts::new(&p, &y).unwrap();
    let free = BetaCurve::fit(&BetaConfig::new().unconstrained(), &forecasts).unwrap();
    let tame = BetaCurve::fit(&BetaConfig::new(), &forecasts).unwrap();
    assert!(free.predict(0.9) < free.predict(0.1) && free.converged);
    assert!(tame.a >= 0.0 && tame.b >= 0.0 && tame.predict(0.9) >= tame.predict(0.1));
    assert!(tame.nll >= free.nll);
}

#[test]
fn platt_without_smoothing_is_logistic_regression() {
    let mut rng = stream(15, "platt", 0);
    let s: Vec<f64> = (0..300).map(|_| 1e4 * (uniform(&mut rng) - 0.3)).collect();
    let y: Vec<bool> =
        s.iter().map(|s| uniform(&mut rng) < 1.0 / (1.0 + (-s / 2e3).exp())).collect();
    let fitted = Sigmoid::fit(&PlattConfig::new().without_smoothing(), &s, &y).unwrap();
    // At the optimum, residuals sum to zero, plain and weighted by the score.
    let residual: Vec<f64> =
        s.iter().zip(&y).map(|(&s, &y)| f64::from(u8::from(y)) - fitted.predict(s)).collect();
    let (sum, weighted) =
        residual.iter().zip(&s).fold((0.0, 0.0), |sums, (r, s)| (sums.0 + r, sums.1 + r * s));
    assert!(sum.abs() < 1e-6 && weighted.abs() < 1e-2, "{sum} {weighted}");
}

#[test]
fn conformal_sets_cover_and_cqr_too() {
    use dac_calibration::conformal::{ConformalConfig, ConformalQuantile, SplitConformal};
    let (z, labels, _) = classifier(21, 4000, 5);
    let probs = Logits::new(z.view()).unwrap().softmax();
    let half = |range: std::ops::Range<usize>| {
        Probs::from_array(
            probs.view().slice_axis(ndarray::Axis(0), ndarray::Slice::from(range)).to_owned(),
        )
        .unwrap()
    };
    let (calibration, test) = (half(0..2000), half(2000..4000));
    for config in [
        ConformalConfig::lac(0.1),
        ConformalConfig::aps(0.1),
        ConformalConfig::aps(0.1).randomised(1),
        ConformalConfig::raps(0.1, 0.01, 2).randomised(1),
        ConformalConfig::saps(0.1, 0.2),
        ConformalConfig::saps(0.1, 0.2).randomised(1),
    ] {
        let fitted = SplitConformal::fit(&config, &calibration, &labels[..2000]).unwrap();
        let report = fitted.sets(&test).unwrap().report(&labels[2000..]).unwrap();
        // Four standard errors of 2000 test samples, and as much from the calibration.
        assert!((report.coverage - 0.9).abs() < 0.04, "{config:?}: {}", report.coverage);
        let by_class =
            SplitConformal::fit_by_class(&config, &calibration, &labels[..2000]).unwrap();
        let report = by_class.sets(&test).unwrap().report(&labels[2000..]).unwrap();
        assert!(
            report.by_class.iter().all(|c| (c.unwrap() - 0.9).abs() < 0.08),
            "{config:?}: {report:?}"
        );
        let groups: Vec<usize> = (0..2000).map(|i| i % 3).collect();
        let mondrian =
            SplitConformal::fit_by_group(&config, &calibration, &labels[..2000], &groups, 3)
                .unwrap();
        let sets = mondrian.sets_by_group(&test, &groups).unwrap();
        assert!((sets.report(&labels[2000..]).unwrap().coverage - 0.9).abs() < 0.05);
    }
    // Nine samples at 10 %: the threshold is the largest score; eight: infinite, every class.
    let few = |n: usize| {
        let fitted =
            SplitConformal::fit(&ConformalConfig::lac(0.1), &half(0..n), &labels[..n]).unwrap();
        fitted.thresholds()[0]
    };
    let largest = (0..9).map(|i| 1.0 - probs.view()[[i, labels[i]]]).fold(0.0, f64::max);
    assert_eq!((few(9), few(8)), (Some(largest), None));
    let mut rng = stream(22, "cqr", 0);
    let y: Vec<f64> = (0..2000).map(|_| uniform(&mut rng)).collect();
    let (low, high) = (vec![0.4; 1000], vec![0.6; 1000]);
    let cqr = ConformalQuantile::fit(&y[..1000], &low, &high, 0.2).unwrap();
    let coverage = cqr.intervals(&low, &high).unwrap().coverage(&y[1000..]).unwrap();
    assert!((coverage.picp - 0.8).abs() < 0.06, "{coverage:?}");
}

/// Every number of a stored calibrator is spoilt in turn: what is read either is refused or predicts
/// probabilities.
#[cfg(feature = "serde")]
mod stored {
    use serde_json::Value;

    use super::*;

    fn paths(value: &Value, at: &mut Vec<String>, found: &mut Vec<String>) {
        match value {
            Value::Number(_) => found.push(format!("/{}", at.join("/"))),
            Value::Array(items) => {
                // The first and the last stand for the rest.
                let ends = [0, items.len().saturating_sub(1)];
                for (i, item) in items.iter().enumerate().filter(|(i, _)| ends.contains(i)) {
                    at.push(i.to_string());
                    paths(item, at, found);
                    at.pop();
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields.iter().filter(|(name, _)| *name != "report") {
                    at.push(name.clone());
                    paths(field, at, found);
                    at.pop();
                }
            }
            _ => {}
        }
    }

    /// How many of the spoilt ones were refused.
    fn refused<C: Calibrator + Stored>(config: &C::Config) -> usize {
        let (z, labels, proximity) = classifier(7, 200, 3);
        let logits = Logits::new(z.view()).unwrap();
        let predictions = Predictions::from(&logits).with_proximity(&proximity).unwrap();
        let fitted = C::fit(config, &predictions, &labels).unwrap();
        let stored = serde_json::to_value(&fitted).unwrap();
        let mut found = Vec::new();
        paths(&stored, &mut Vec::new(), &mut found);
        let mut refused = 0;
        for path in found {
            for spoilt in [Value::from(-3), Value::from(1e300), Value::from(0)] {
                let mut copy = stored.clone();
                *copy.pointer_mut(&path).unwrap() = spoilt;
                match serde_json::from_value::<C>(copy) {
                    Err(_) => refused += 1,
                    Ok(read) => {
                        // Where it applies at all.
                        if let Ok(probs) = read.transform(&predictions) {
                            let view = probs.view();
                            assert!(
                                Probs::new(view).is_ok(),
                                "{} with {path} spoilt: {:?}",
                                C::NAME,
                                view.row(0)
                            );
                        }
                    }
                }
            }
        }
        // An array cut short, where there is one.
        for (name, field) in stored.as_object().unwrap() {
            if field.as_array().is_some_and(|items| !items.is_empty()) {
                let mut copy = stored.clone();
                copy[name].as_array_mut().unwrap().clear();
                assert!(serde_json::from_value::<C>(copy).is_err(), "{} without {name}", C::NAME);
            }
        }
        refused
    }

    #[test]
    fn what_a_file_holds_is_checked() {
        assert!(refused::<Temperature>(&TemperatureConfig::new()) > 0);
        assert!(refused::<EnsembleTemperature>(&EnsembleTemperatureConfig::new()) > 0);
        assert!(refused::<Spline>(&SplineConfig::new()) > 0);
        assert!(refused::<MultiIsotonic>(&MultiIsotonicConfig::default()) > 0);
        assert!(refused::<Isotonic>(&IsotonicConfig::default()) > 0);
        assert!(refused::<Histogram>(&HistogramConfig::new()) > 0);
        assert!(refused::<VennAbers>(&VennAbersConfig::default()) > 0);
        assert!(refused::<Bbq>(&BbqConfig::new()) > 0);
        assert!(refused::<DensityRatio>(&DensityRatioConfig::default()) > 0);
        let groups = BinMeanShiftConfig::new(IsotonicConfig::default());
        assert!(refused::<BinMeanShift<Isotonic>>(&groups) > 0);
        // Any finite parameters are a curve; only the number of them can be wrong.
        refused::<Platt>(&PlattConfig::new());
        refused::<Beta>(&BetaConfig::new());
        refused::<Vector>(&VectorConfig::new());
    }
}
