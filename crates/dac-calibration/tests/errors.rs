//! Bad input: a typed error, or the limit case that the documentation promises.

use dac_calibration::conformal::{ConformalConfig, ConformalQuantile, SplitConformal};
use dac_calibration::measures::{Bandwidth, PieceConfig, RiskTies, SmoothEceConfig, regression};
use dac_calibration::streaming::{
    ForecastCounts, MassSketch, PieceCounts, PredictionCounts, SmoothCounts,
};
use dac_calibration::{
    Beta, BetaConfig, BetaCurve, BinMeanShift, BinMeanShiftConfig, BinaryForecasts, Binning,
    Calibrator, DensityRatio, DensityRatioConfig, DistanceAware, DistanceAwareConfig, EdgeRule,
    EnsembleTemperature, EnsembleTemperatureConfig, Error, Histogram, HistogramConfig, Isotonic,
    IsotonicConfig, IsotonicCurve, Logits, Metric, Normalisation, Platt, PlattConfig, Predictions,
    Probs, ProximityConfig, Sigmoid, Spline, SplineConfig, Temperature, TemperatureConfig,
    TextFeatures, Vector, VectorConfig, VennAbers, VennAbersConfig, Warning,
};
use ndarray::{Array2, array};

#[test]
fn logits_and_probabilities_are_told_apart() {
    let logits = array![[2.0, -1.0], [0.0, 1.0]];
    assert!(matches!(
        Probs::new(logits.view()),
        Err(Error::Probability { row: 0, column: 0, value: 2.0, .. })
    ));
    let unnormalised = array![[0.5, 0.5], [0.2, 0.2]];
    assert!(matches!(Probs::new(unnormalised.view()), Err(Error::RowSum { row: 1, .. })));
    assert!(matches!(
        Probs::new(array![[-0.1, 1.1]].view()),
        Err(Error::Probability { column: 0, .. })
    ));
    assert!(matches!(
        Probs::new(array![[f64::NAN, 1.0]].view()),
        Err(Error::Probability { column: 0, .. })
    ));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let z = array![[0.0, 1.0], [1.0, bad]];
        assert!(matches!(Logits::new(z.view()), Err(Error::NotFinite { row: 1, column: 1, .. })));
        assert!(Logits::from_array(z).is_err());
    }
    assert!(matches!(Logits::new(Array2::<f64>::zeros((0, 3)).view()), Err(Error::Empty { .. })));
    assert!(matches!(Logits::new(Array2::<f32>::zeros((3, 0)).view()), Err(Error::Empty { .. })));
    assert!(matches!(Probs::new(Array2::<f64>::zeros((0, 0)).view()), Err(Error::Empty { .. })));
    // Half-precision rows are off by rounding and pass.
    assert!(Probs::new(array![[0.7002_f32, 0.2998]].view()).is_ok());
    // A transposed view is read in its own order.
    let z = array![[1.0, 2.0, 3.0], [0.0, 5.0, 1.0]];
    assert_eq!(Logits::new(z.t()).unwrap().predicted(), [0, 1, 0]);
    let message = Probs::new(logits.view()).unwrap_err().to_string();
    assert!(message.contains("got 2 at [0, 0]") && message.contains("Logits"), "{message}");
}

#[test]
fn huge_logits_have_finite_numbers() {
    for size in [1e300, f64::MAX] {
        let z = array![[size, -size, 0.0], [-size, size, 1.0], [0.0, size, -size]];
        let logits = Logits::new(z.view()).unwrap();
        for labels in [[0, 1, 1], [1, 0, 0]] {
            let overview = logits.overview(&labels, 15).unwrap();
            let numbers =
                [overview.accuracy, overview.brier, overview.entropy, overview.nll.unwrap()];
            assert!(numbers.iter().all(|n| n.is_finite()), "{overview:?}");
            let fitted =
                Temperature::fit(&TemperatureConfig::new(), &(&logits).into(), &labels).unwrap();
            assert!(fitted.value() > 0.0 && fitted.value().is_finite());
            assert!(Probs::new(fitted.transform(&(&logits).into()).unwrap().view()).is_ok());
        }
    }
}

#[test]
fn forecasts_are_checked() {
    assert!(matches!(BinaryForecasts::<f64>::new(&[], &[]), Err(Error::Empty { .. })));
    assert!(matches!(
        BinaryForecasts::new(&[0.5], &[true, false]),
        Err(Error::Length { expected: 1, got: 2, .. })
    ));
    for bad in [f64::NAN, -1e-9, 1.0 + 1e-9, f64::INFINITY] {
        assert!(matches!(
            BinaryForecasts::new(&[0.1, bad], &[true, true]),
            Err(Error::Value { index: 1, .. })
        ));
    }
    let one = BinaryForecasts::new(&[0.5], &[true]).unwrap();
    for binning in [Binning::equal_width(0), Binning::equal_mass(0), Binning::equal_width(1 << 30)]
    {
        assert!(matches!(one.reliability(&binning), Err(Error::Parameter { name: "bins", .. })));
    }
    for edges in [
        vec![],
        vec![0.0],
        vec![0.0, 0.5],
        vec![0.1, 1.0],
        vec![0.0, 0.5, 0.5, 1.0],
        vec![0.0, f64::NAN, 1.0],
    ] {
        assert!(one.reliability(&Binning::edges(edges)).is_err());
    }
    assert!(one.smooth_ece(SmoothEceConfig::new().with_bandwidth(Bandwidth::Width(0.0))).is_err());
    assert!(one.smooth_curve(f64::NAN).is_err());
    assert!(one.mmce_with(0.0).is_err());
    assert!(one.piece(&[], &PieceConfig::new()).is_err());
    assert!(one.piece(&[1.5], &PieceConfig::new()).is_err());
    assert!(one.risk_coverage(RiskTies::Expected).risk_at(0.0).is_err());
    assert!(one.risk_coverage(RiskTies::Expected).risk_at(f64::NAN).is_err());
}

#[test]
fn certain_and_constant_forecasts_have_their_limits() {
    let certain = BinaryForecasts::new(&[0.0, 1.0, 1.0], &[false, true, false]).unwrap();
    for rule in [EdgeRule::LeftClosed, EdgeRule::RightClosed] {
        let bins = certain.reliability(&Binning::equal_width(10).with_edge_rule(rule)).unwrap();
        assert_eq!(bins.bins.iter().map(|bin| bin.count).sum::<u64>(), 3, "no forecast is dropped");
        assert!((bins.ece() - 1.0 / 3.0).abs() < 1e-12);
    }
    assert_eq!(certain.scores().nll, None);
    assert!(matches!(certain.corp_log(), Err(Error::Undefined { .. })));
    assert!(matches!(certain.spiegelhalter(), Err(Error::Undefined { .. })));
    assert_eq!(certain.cumulative_test().ks_p_value, None);
    let all_right = BinaryForecasts::new(&[0.8, 0.8], &[true, true]).unwrap();
    assert!(matches!(all_right.auroc(), Err(Error::Undefined { .. })));
    assert_eq!(all_right.risk_coverage(RiskTies::Expected).aurc(), 0.0);
    assert_eq!(all_right.sweep().bins.len(), 2);
    let constant = all_right.reliability(&Binning::equal_mass(5)).unwrap();
    assert_eq!(constant.bins.iter().filter(|bin| bin.count > 0).count(), 1);
    assert!(
        constant.bins.iter().all(|bin| bin.interval(0.95).unwrap().is_some() == (bin.count > 0))
    );
    assert!(constant.bins[0].interval(1.5).is_err());
}

#[test]
fn labels_are_checked_everywhere() {
    let z = array![[1.0, 0.0], [0.0, 1.0], [0.5, 0.0]];
    let logits = Logits::new(z.view()).unwrap();
    let probs = logits.softmax();
    for labels in [&[0, 1][..], &[0, 1, 2]] {
        assert!(logits.overview(labels, 15).is_err());
        assert!(probs.overview(labels, 15).is_err());
        assert!(logits.top_label(labels).is_err());
        assert!(probs.top_label(labels).is_err());
        assert!(probs.of_class(0, labels).is_err());
        assert!(probs.classwise(labels, &Binning::default()).is_err());
        assert!(probs.all_classes(labels).is_err());
        let predictions = Predictions::from(&logits).with_proximity(&[0.1, 0.2, 0.3]).unwrap();
        assert!(Temperature::fit(&TemperatureConfig::new(), &predictions, labels).is_err());
        assert!(Vector::fit(&VectorConfig::new(), &predictions, labels).is_err());
        assert!(Histogram::fit(&HistogramConfig::new(), &predictions, labels).is_err());
        assert!(Spline::fit(&SplineConfig::new(), &predictions, labels).is_err());
        assert!(VennAbers::fit(&VennAbersConfig::default(), &predictions, labels).is_err());
        assert!(DensityRatio::fit(&DensityRatioConfig::default(), &predictions, labels).is_err());
        assert!(SplitConformal::fit(&ConformalConfig::lac(0.1), &probs, labels).is_err());
    }
    assert!(matches!(
        probs.of_class(2, &[0, 1, 0]),
        Err(Error::Label { label: 2, classes: 2, .. })
    ));
    assert!(Predictions::from(&logits).with_proximity(&[0.5]).is_err());
    assert!(Predictions::from(&logits).with_proximity(&[0.5, 0.5, 1.5]).is_err());
}

#[test]
fn calibrators_refuse_what_has_no_fit() {
    let z = array![[1.0, 0.0], [2.0, 0.0], [3.0, 0.5]];
    let logits = Logits::new(z.view()).unwrap();
    let predictions = || Predictions::from(&logits);
    let proximity = [0.5, 0.6, 0.7];
    let near = || predictions().with_proximity(&proximity).unwrap();
    let density =
        |labels: &[usize]| DensityRatio::fit(&DensityRatioConfig::default(), &near(), labels);
    assert!(
        matches!(density(&[0, 0, 0]), Err(Error::Undefined { reason, .. }) if reason.contains("none") || reason.contains("wrong"))
    );
    assert!(
        matches!(density(&[1, 1, 1]), Err(Error::Undefined { reason, .. }) if reason.contains("right"))
    );
    assert!(
        matches!(density(&[0, 1, 0]), Err(Error::Undefined { .. })),
        "one wrong sample has no spread"
    );
    assert!(matches!(
        DensityRatio::fit(&DensityRatioConfig::default(), &predictions(), &[0, 1, 0]),
        Err(Error::NoProximity { .. })
    ));
    let config = BinMeanShiftConfig::new(HistogramConfig::new());
    assert!(matches!(
        Shift::fit(&config, &predictions(), &[0, 1, 0]),
        Err(Error::NoProximity { .. })
    ));
    assert!(Shift::fit(&config.with_groups(0), &near(), &[0, 1, 0]).is_err());

    let constant = Logits::from_array(array![[1.0, 1.0], [2.0, 2.0]]).unwrap();
    let temperature = |logits: &Logits<'_>, labels: &[usize]| {
        Temperature::fit(&TemperatureConfig::new(), &logits.into(), labels)
    };
    assert!(matches!(temperature(&constant, &[0, 1]), Err(Error::Undefined { .. })));
    let single = Logits::from_array(array![[1.0], [3.0]]).unwrap();
    assert!(matches!(temperature(&single, &[0, 0]), Err(Error::Undefined { .. })));
    let config = TemperatureConfig::new().with_tolerance(0.0);
    assert!(Temperature::fit(&config, &predictions(), &[0, 1, 0]).is_err());

    assert!(matches!(
        Sigmoid::fit(&PlattConfig::new(), &[1.0, 1.0], &[true, false]),
        Err(Error::Undefined { .. })
    ));
    assert!(
        Sigmoid::fit(&PlattConfig::new(), &[1.0, 2.0], &[true, true]).is_ok(),
        "smoothing has a fit"
    );
    assert!(
        Sigmoid::fit(&PlattConfig::new().without_smoothing(), &[1.0, 2.0], &[true, true]).is_err()
    );
    assert!(Sigmoid::fit(&PlattConfig::new(), &[f64::NAN, 2.0], &[true, true]).is_err());
    assert!(Sigmoid::fit(&PlattConfig::new(), &[], &[]).is_err());
    let one_sided = BinaryForecasts::new(&[0.5, 0.6], &[true, true]).unwrap();
    assert!(matches!(BetaCurve::fit(&BetaConfig::new(), &one_sided), Err(Error::Undefined { .. })));
    assert!(IsotonicCurve::regress(&[], &[]).is_err());
    assert!(IsotonicCurve::regress(&[1.0], &[f64::NAN]).is_err());
    assert!(VectorFit::negative(&predictions()).is_err());
    for knots in [0, 2, 21] {
        assert!(
            Spline::fit(&SplineConfig::new().with_knots(knots), &predictions(), &[0, 1, 0])
                .is_err()
        );
    }
    for (low, high) in [(0.0, 1.0), (2.0, 1.0), (1.0, f64::INFINITY), (f64::NAN, 1.0)] {
        let config = EnsembleTemperatureConfig::new().with_bounds(low, high);
        assert!(EnsembleTemperature::fit(&config, &predictions(), &[0, 1, 0]).is_err());
    }
}

type Shift = BinMeanShift<Histogram>;

struct VectorFit;
impl VectorFit {
    fn negative(predictions: &Predictions<'_>) -> Result<Vector, Error> {
        Vector::fit(&VectorConfig::new().with_weight_penalty(-1.0), predictions, &[0, 1, 0])
    }
}

#[test]
fn absent_classes_and_single_classes_are_calibrated_with_a_warning() {
    let z = array![[2.0, 0.0, 0.1], [0.0, 1.5, 0.2], [0.3, 0.4, 0.1], [1.0, 0.9, -1.0]];
    let logits = Logits::new(z.view()).unwrap();
    let labels = [0, 1, 0, 1];
    let warned = |report: &dac_calibration::FitReport| {
        report.warnings.contains(&Warning::AbsentClass { class: 2 })
    };
    let predictions = Predictions::from(&logits);
    let beta = Beta::fit(&BetaConfig::new(), &predictions, &labels).unwrap();
    let isotonic = Isotonic::fit(&IsotonicConfig::default(), &predictions, &labels).unwrap();
    let platt = Platt::fit(&PlattConfig::new(), &predictions, &labels).unwrap();
    let histogram = Histogram::fit(&HistogramConfig::new(), &predictions, &labels).unwrap();
    for report in [beta.report(), isotonic.report(), platt.report(), histogram.report()] {
        assert!(warned(report), "{report:?}");
    }
    // A row that every curve maps to 0 stays as it was, and is never NaN.
    for probs in
        [histogram.transform(&predictions).unwrap(), isotonic.transform(&predictions).unwrap()]
    {
        assert!(Probs::new(probs.view()).is_ok());
    }
    let one = Logits::from_array(array![[0.3], [0.2]]).unwrap();
    let one = Predictions::from(&one);
    let isotonic = Isotonic::fit(&IsotonicConfig::default(), &one, &[0, 0]).unwrap();
    assert_eq!(isotonic.transform(&one).unwrap().view(), array![[1.0], [1.0]]);
    let spline = Spline::fit(&SplineConfig::new(), &one, &[0, 0]).unwrap();
    assert_eq!(spline.transform(&one).unwrap().view(), array![[1.0], [1.0]]);
}

#[test]
fn a_group_without_a_fit_falls_back() {
    // Constant proximities: all samples in one group, the others empty.
    let z = array![[1.0, 0.0], [0.2, 0.4], [3.0, 0.5], [0.1, 0.0]];
    let logits = Logits::new(z.view()).unwrap();
    let predictions = Predictions::from(&logits).with_proximity(&[0.5; 4]).unwrap();
    let config = BinMeanShiftConfig::new(TemperatureConfig::new()).with_groups(3);
    let fitted = BinMeanShift::<Temperature>::fit(&config, &predictions, &[0, 1, 1, 0]).unwrap();
    let fallbacks = fitted.report().warnings.iter();
    assert_eq!(fallbacks.filter(|w| matches!(w, Warning::GroupFallsBack { .. })).count(), 2);
    assert!(fitted.transform(&predictions).is_ok());
}

#[test]
fn features_are_checked() {
    let unit = array![[1.0, 0.0], [0.0, 1.0]];
    let fit = |config: DistanceAwareConfig, base: &Array2<f64>, new: &Array2<f64>| {
        let text = TextFeatures {
            base_zero_shot: base.view(),
            base_tuned: base.view(),
            zero_shot: new.view(),
            tuned: new.view(),
        };
        DistanceAware::fit(&config, &text)
    };
    let config = DistanceAwareConfig::new();
    // K above the base classes is the number of base classes.
    assert_eq!(
        fit(config.with_k(50), &unit, &unit).unwrap(),
        fit(config.with_k(50), &unit, &unit).unwrap()
    );
    let all = fit(config.with_k(50).with_guard(None), &unit, &unit).unwrap();
    let two = fit(config.with_k(2).with_guard(None), &unit, &unit).unwrap();
    assert_eq!(all.zero_shot_proximity(), two.zero_shot_proximity());
    assert!(fit(config.with_k(0), &unit, &unit).is_err());
    assert!(fit(config.with_guard(Some(f64::NAN)), &unit, &unit).is_err());
    assert!(fit(config.with_guard(Some(-1.0)), &unit, &unit).is_err());
    assert!(matches!(fit(config, &unit, &array![[1.0, 0.0, 0.0]]), Err(Error::Shape { .. })));
    assert!(matches!(fit(config, &Array2::zeros((0, 2)), &unit), Err(Error::Empty { .. })));
    assert!(matches!(fit(config, &unit, &Array2::zeros((0, 2))), Err(Error::Empty { .. })));
    assert!(matches!(fit(config, &unit, &array![[2.0, 0.0]]), Err(Error::Norm { norm: 2.0, .. })));
    assert!(matches!(fit(config, &unit, &array![[f64::NAN, 0.0]]), Err(Error::NotFinite { .. })));
    let normalise = config.with_normalisation(Normalisation::Normalise);
    assert!(fit(normalise, &unit, &array![[2.0, 0.0]]).is_ok());
    assert!(matches!(
        fit(normalise, &unit, &array![[0.0, 0.0]]),
        Err(Error::Norm { norm: 0.0, .. })
    ));
    let cosine = config.with_metric(Metric::Cosine).with_normalisation(Normalisation::AsGiven);
    assert!(fit(cosine, &unit, &unit).is_err());
    // So far apart that a proximity is 0: no ratio.
    let far = config.with_normalisation(Normalisation::AsGiven);
    assert!(matches!(
        fit(far, &array![[1e6, 0.0]], &array![[0.0, 1e6]]),
        Err(Error::Undefined { .. })
    ));
    // Matrices before and after tuning with different classes.
    let text = TextFeatures {
        base_zero_shot: unit.view(),
        base_tuned: unit.view(),
        zero_shot: unit.view(),
        tuned: unit.slice_axis(ndarray::Axis(0), ndarray::Slice::from(0..1)),
    };
    assert!(matches!(DistanceAware::fit(&config, &text), Err(Error::Shape { .. })));
    let fitted = fit(config, &unit, &unit).unwrap();
    assert!(fitted.apply(&Logits::new(array![[1.0, 2.0, 3.0]].view()).unwrap()).is_err());

    let proximity = ProximityConfig::new().init().unwrap();
    assert!(proximity.among(array![[1.0, 0.0]].view()).is_err());
    assert!(proximity.of(unit.view(), Array2::zeros((0, 2)).view()).is_err());
    assert!(ProximityConfig::new().with_k(0).init().is_err());
    // Left out of its own neighbours, a row that has a twin still finds the twin.
    let twins = array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let among = ProximityConfig::new().with_k(1).init().unwrap().among(twins.view()).unwrap();
    assert_eq!(among[0], 1.0);
    assert!((among[2] - (-2.0_f64.sqrt()).exp()).abs() < 1e-12);
}

#[test]
fn conformal_settings_are_checked() {
    let probs = Probs::from_array(array![[0.6, 0.4], [0.3, 0.7]]).unwrap();
    for alpha in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(SplitConformal::fit(&ConformalConfig::lac(alpha), &probs, &[0, 1]).is_err());
        assert!(ConformalQuantile::fit(&[1.0], &[0.0], &[2.0], alpha).is_err());
    }
    assert!(SplitConformal::fit(&ConformalConfig::raps(0.1, -1.0, 0), &probs, &[0, 1]).is_err());
    assert!(
        SplitConformal::fit_by_group(&ConformalConfig::lac(0.1), &probs, &[0, 1], &[0, 5], 2)
            .is_err()
    );
    assert!(
        SplitConformal::fit_with_shares(&ConformalConfig::aps(0.1), &probs, &[0, 1], &[0.5])
            .is_err()
    );
    let fitted = SplitConformal::fit(&ConformalConfig::lac(0.1), &probs, &[0, 1]).unwrap();
    assert!(fitted.sets_by_group(&probs, &[0, 0]).is_err());
    let sets = fitted.sets(&probs).unwrap();
    assert_eq!(sets.sets(), [[0, 1], [0, 1]], "two samples promise nothing at 10 %");
    assert!(sets.report(&[0]).is_err());
    assert!(fitted.sets(&Probs::from_array(array![[1.0]]).unwrap()).is_err());
    let few = ConformalQuantile::fit(&[1.0], &[0.0], &[2.0], 0.1).unwrap();
    assert_eq!(few.margin(), None);
    assert!(few.intervals(&[0.0], &[1.0]).is_err());
    assert!(ConformalQuantile::fit(&[1.0], &[2.0], &[0.0], 0.5).is_err());
}

#[test]
fn regression_inputs_are_checked() {
    use regression::{deviation_calibration, interval_coverage, pinball, quantile_calibration};
    assert!(interval_coverage(&[], &[], &[]).is_err());
    assert!(interval_coverage(&[1.0], &[0.0], &[]).is_err());
    assert!(interval_coverage(&[1.0], &[f64::NAN], &[2.0]).is_err());
    assert!(interval_coverage(&[1.0], &[3.0], &[2.0]).is_err());
    assert!(deviation_calibration(&[1.0], &[1.0], &[0.0], 3).is_err());
    assert!(deviation_calibration(&[1.0], &[1.0], &[1.0], 0).is_err());
    assert_eq!(deviation_calibration(&[1.0], &[1.0], &[1.0], 9).unwrap().bins.len(), 1);
    assert!(pinball(&[1.0], &[1.0], 1.0).is_err());
    assert!(pinball(&[1.0], &[f64::INFINITY], 0.5).is_err());
    assert!(quantile_calibration(&[], &[0.5]).is_err());
    assert!(quantile_calibration(&[0.5], &[1.5]).is_err());
    let exact = quantile_calibration(&[0.1, 0.3, 0.5, 0.7, 0.9], &[0.2, 0.4, 0.6, 0.8]).unwrap();
    assert!(exact.mean_error() < 1e-12 && exact.mean_square_error() < 1e-12);
}

#[test]
fn accumulators_refuse_what_they_cannot_count() {
    use assay_score::Mergeable;
    assert!(matches!(ForecastCounts::new(&Binning::equal_mass(5)), Err(Error::Undefined { .. })));
    assert!(PredictionCounts::new(0, &Binning::default()).is_err());
    assert!(PredictionCounts::new(1 << 40, &Binning::default()).is_err());
    assert!(PieceCounts::new(&[0.5], 10).is_err());
    assert!(PieceCounts::new(&[0.5, 0.5], 10).is_err());
    assert!(SmoothCounts::new(0.0).is_err());
    let empty = ForecastCounts::new(&Binning::default()).unwrap();
    assert!(matches!(empty.finish(), Err(Error::Empty { .. })));
    assert!(MassSketch::new().finish().is_err());
    let mut other = ForecastCounts::new(&Binning::equal_width(3)).unwrap();
    assert!(other.merge(&empty).is_err());
    let mut counts = PredictionCounts::new(2, &Binning::default()).unwrap();
    let three = Probs::from_array(array![[0.2, 0.3, 0.5]]).unwrap();
    assert!(counts.extend(&three, &[0]).is_err());
    assert!(counts.finish().is_err());
}

#[cfg(feature = "serde")]
#[test]
fn conformal_predictors_that_were_spoilt_are_refused() {
    use dac_calibration::conformal::PredictionSets;

    fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str, wanted: &str) {
        let error = serde_json::from_str::<T>(text).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
    let probs = array![[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]];
    let probs = Probs::new(probs.view()).unwrap();
    let config = ConformalConfig::lac(0.3);
    let fitted = SplitConformal::fit(&config, &probs, &[0, 1, 2, 1]).unwrap();
    let stored = serde_json::to_value(&fitted).unwrap();
    assert_eq!(serde_json::from_value::<SplitConformal>(stored.clone()).unwrap(), fitted);
    for (field, value, wanted) in [
        ("thresholds", serde_json::json!([]), "a threshold for all"),
        ("thresholds", serde_json::json!([0.1, 0.2]), "a threshold for all"),
        ("classes", serde_json::json!(0), "classes"),
        ("condition", serde_json::json!("Class"), "one a class"),
    ] {
        let mut spoilt = stored.clone();
        spoilt[field] = value;
        refused::<SplitConformal>(&spoilt.to_string(), wanted);
    }
    let mut spoilt = stored;
    spoilt["config"]["alpha"] = serde_json::json!(1.5);
    refused::<SplitConformal>(&spoilt.to_string(), "alpha");
    // An overflowing number is an infinity to some writers; JSON has none.
    refused::<ConformalQuantile>(r#"{"margin": 1e999}"#, "");
    refused::<PredictionSets>(r#"{"sets": [[1, 0]], "classes": 2}"#, "ascending");
    refused::<PredictionSets>(r#"{"sets": [[0, 2]], "classes": 2}"#, "below their number");
}
