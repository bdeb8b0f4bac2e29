//! What must hold whatever the data, against slow and obvious code.

use assay_array::random::{below, normal, stream, uniform};
use assay_array::testing::assert_close;
use assay_score::BootstrapConfig;
use dac_calibration::measures::{PieceConfig, RiskTies, SmoothEceConfig, regression};
use dac_calibration::{
    BinaryForecasts, Binning, DistanceAware, DistanceAwareConfig, EdgeRule, Error, IsotonicCurve,
    Logits, MassRule, Metric, Normalisation, Probs, ProximityConfig, TextFeatures, VennAbersCurve,
};
use ndarray::{Array2, Axis};
use proptest::prelude::*;

use crate::common::{forecasts, slow_ece};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn bins_are_those_of_a_search(seed in any::<u64>(), n in 1..3000_usize, bins in 1..80_usize) {
        let (p, y) = forecasts(&mut stream(seed, "test", 0), n);
        let step = 1.0 / bins as f64;
        let mut edges: Vec<f64> = (0..=bins).map(|k| k as f64 * step).collect();
        edges[bins] = 1.0;
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let ece = |rule| {
            all.reliability(&Binning::equal_width(bins).with_edge_rule(rule)).unwrap().ece()
        };
        let left = slow_ece(&edges, &p, &y, |p, low, high, b| {
            p >= low && (p < high || (b + 1 == bins && p == high))
        });
        let right = slow_ece(&edges, &p, &y, |p, low, high, b| {
            p <= high && (p > low || (b == 0 && p == low))
        });
        let guo = slow_ece(&edges, &p, &y, |p, low, high, _| p <= high && p > low);
        prop_assert!((ece(EdgeRule::LeftClosed) - left).abs() < 1e-12);
        prop_assert!((ece(EdgeRule::RightClosed) - right).abs() < 1e-12);
        prop_assert!((ece(EdgeRule::Guo) - guo).abs() < 1e-12);
        // The same edges, given: another path to the same bins.
        let given = all.reliability(&Binning::edges(edges)).unwrap();
        prop_assert_eq!(given.bins, all.reliability(&Binning::equal_width(bins)).unwrap().bins);
        // f32 forecasts are their own f64 values.
        let narrow: Vec<f32> = p.iter().map(|&p| p as f32).collect();
        let wide: Vec<f64> = narrow.iter().map(|&p| f64::from(p)).collect();
        prop_assert_eq!(
            BinaryForecasts::new(&narrow, &y).unwrap().reliability(&Binning::equal_width(bins)).unwrap(),
            BinaryForecasts::new(&wide, &y).unwrap().reliability(&Binning::equal_width(bins)).unwrap()
        );
    }

    #[test]
    fn kernels_over_pairs_are_the_double_sums(seed in any::<u64>(), n in 1..120_usize) {
        let (p, y) = forecasts(&mut stream(seed, "test", 1), n);
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let r: Vec<f64> = p.iter().zip(&y).map(|(p, &y)| f64::from(u8::from(y)) - p).collect();
        let mut sum = 0.0;
        let (mut pairs, mut ranked) = (0.0, 0.0);
        for i in 0..n {
            for j in 0..n {
                sum += r[i] * r[j] * (-(p[i] - p[j]).abs() / 0.4).exp();
                if y[i] && !y[j] {
                    pairs += 1.0;
                    ranked += if p[i] > p[j] { 1.0 } else if p[i] == p[j] { 0.5 } else { 0.0 };
                }
            }
        }
        prop_assert!((all.mmce() - sum.max(0.0).sqrt() / n as f64).abs() < 1e-7);
        if let Ok(auroc) = all.auroc() {
            prop_assert!((auroc - ranked / pairs).abs() < 1e-12);
        } else {
            prop_assert_eq!(pairs, 0.0);
        }
    }

    #[test]
    fn risk_coverage_is_the_running_error_rate(seed in any::<u64>(), n in 1..200_usize) {
        let (p, y) = forecasts(&mut stream(seed, "test", 2), n);
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        let mut wrong = 0.0;
        let slow: Vec<f64> = order
            .iter()
            .enumerate()
            .map(|(k, &i)| {
                wrong += f64::from(u8::from(!y[i]));
                wrong / (k + 1) as f64
            })
            .collect();
        assert_close(&all.risk_coverage(RiskTies::InputOrder).risks, &slow, 1e-12, 1e-12);
        // The expectation over orders agrees wherever a group of equal confidences is complete.
        let expected = all.risk_coverage(RiskTies::Expected);
        for k in 0..n {
            if k + 1 == n || p[order[k]] != p[order[k + 1]] {
                prop_assert!((expected.risks[k] - slow[k]).abs() < 1e-12);
            }
        }
        prop_assert!(expected.excess_aurc() >= -1e-12);
        prop_assert!((expected.risk_at(1.0).unwrap() - (1.0 - all.rate())).abs() < 1e-12);
    }

    #[test]
    fn decompositions_add_up(seed in any::<u64>(), n in 1..300_usize) {
        let (p, y) = forecasts(&mut stream(seed, "test", 3), n);
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let corp = all.corp_brier().unwrap();
        let brier = all.scores().brier;
        prop_assert!((corp.miscalibration - corp.discrimination + corp.uncertainty - brier).abs() < 1e-12);
        prop_assert!(corp.miscalibration > -1e-12 && corp.discrimination > -1e-12);
        let refinement = corp.refinement();
        prop_assert!((refinement.calibration + refinement.refinement - brier).abs() < 1e-12);
        // With a bin for every distinct forecast nothing is left within bins.
        let mut edges = p.clone();
        edges.extend([0.0, 1.0]);
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let bins = all.reliability(&Binning::edges(edges)).unwrap();
        let murphy = all.murphy(&bins);
        let last_bin_is_pure = !p.contains(&1.0);
        if last_bin_is_pure {
            prop_assert!(murphy.within.abs() < 1e-12);
        }
        if let Ok(corp) = all.corp_log() {
            let nll = all.scores().nll.unwrap();
            prop_assert!((corp.miscalibration - corp.discrimination + corp.uncertainty - nll).abs() < 1e-9);
        }
    }

    #[test]
    fn more_groups_see_more_error(seed in any::<u64>(), n in 2..400_usize) {
        let mut rng = stream(seed, "test", 4);
        let (p, y) = forecasts(&mut rng, n);
        let proximity: Vec<f64> = (0..n).map(|_| uniform(&mut rng)).collect();
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let piece = all.piece(&proximity, &PieceConfig::default()).unwrap().piece();
        let bins = all.reliability(&Binning::equal_width(10)).unwrap();
        prop_assert!(piece >= bins.ece() - 1e-12);
        prop_assert!(bins.mce() >= bins.rmsce() - 1e-12 && bins.rmsce() >= bins.ece() - 1e-12);
        prop_assert!(bins.debiased_l2() <= bins.rmsce() + 1e-12);
        // A forecast's place in the input does not matter.
        let test = all.cumulative_test();
        let reversed: (Vec<f64>, Vec<bool>) = (p.iter().rev().copied().collect(), y.iter().rev().copied().collect());
        let reversed = BinaryForecasts::new(&reversed.0, &reversed.1).unwrap();
        prop_assert!((test.ks - reversed.cumulative_test().ks).abs() < 1e-12);
        prop_assert!(test.ks <= test.kuiper + 1e-12 && test.kuiper <= 2.0 * test.ks + 1e-12);
        // |Σ (y − p)| is at most what any binning sees, and any binning at most what KS bounds.
        prop_assert!((all.rate() - all.mean()).abs() <= bins.ece() + 1e-12);
    }

    #[test]
    fn equal_mass_bins_hold_equal_mass(seed in any::<u64>(), n in 1..400_usize, bins in 1..20_usize) {
        let mut rng = stream(seed, "test", 5);
        let p: Vec<f64> = (0..n).map(|_| uniform(&mut rng)).collect(); // no ties
        let y: Vec<bool> = (0..n).map(|_| uniform(&mut rng) < 0.5).collect();
        let all = BinaryForecasts::new(&p, &y).unwrap();
        for rule in [MassRule::SplitTies, MassRule::Linear, MassRule::AveragedInvertedCdf] {
            let made = all.reliability(&Binning::equal_mass(bins).with_mass_rule(rule)).unwrap();
            let counts: Vec<u64> = made.bins.iter().map(|bin| bin.count).collect();
            prop_assert_eq!(counts.iter().sum::<u64>(), n as u64);
            if n >= 2 * bins {
                let even = n as f64 / bins as f64;
                prop_assert!(counts.iter().all(|&c| (c as f64 - even).abs() <= 1.5), "{:?} {:?}", rule, counts);
            }
        }
    }

    #[test]
    fn venn_abers_is_two_isotonic_fits(seed in any::<u64>(), n in 1..60_usize) {
        let (p, y) = forecasts(&mut stream(seed, "test", 6), n);
        let curve = VennAbersCurve::fit(&BinaryForecasts::new(&p, &y).unwrap());
        let mut scores: Vec<f64> = p.clone();
        scores.extend([0.0, 0.05, 0.333, 0.71, 1.0]);
        for s in scores {
            let refit = |outcome: f64| {
                let (mut x, mut t) = (p.clone(), y.iter().map(|&y| f64::from(u8::from(y))).collect::<Vec<_>>());
                x.push(s);
                t.push(outcome);
                IsotonicCurve::regress(&x, &t).unwrap().predict(s)
            };
            let got = curve.predict(s);
            prop_assert!((got.p0 - refit(0.0)).abs() < 1e-12 && (got.p1 - refit(1.0)).abs() < 1e-12);
            prop_assert!(got.p0 <= got.p1 && got.merged() >= got.p0 - 1e-12 && got.merged() <= got.p1 + 1e-12);
        }
    }

    #[test]
    fn proximities_are_those_of_all_pairs(
        seed in any::<u64>(),
        rows in 1..12_usize,
        reference in 1..80_usize,
        width in 1..6_usize,
        k in 1..7_usize,
        cosine in any::<bool>(),
    ) {
        let mut rng = stream(seed, "test", 7);
        let mut make = |rows| Array2::from_shape_simple_fn((rows, width), || normal(&mut rng));
        let (a, b): (Array2<f64>, Array2<f64>) = (make(rows), make(reference));
        let metric = if cosine { Metric::Cosine } else { Metric::Euclidean };
        let config = ProximityConfig::new().with_k(k).with_metric(metric);
        let got = config.with_normalisation(Normalisation::Normalise).init().unwrap().of(a.view(), b.view()).unwrap();
        let unit = |x: &Array2<f64>| {
            let norms = x.map_axis(Axis(1), |row| row.dot(&row).sqrt()).insert_axis(Axis(1));
            x / &norms
        };
        let (a, b) = (unit(&a), unit(&b));
        for (row, got) in a.outer_iter().zip(got) {
            let mut d: Vec<f64> = b
                .outer_iter()
                .map(|other| {
                    let square = (&row - &other).mapv(|d| d * d).sum();
                    if cosine { square / 2.0 } else { square.sqrt() }
                })
                .collect();
            d.sort_by(f64::total_cmp);
            let k = k.min(d.len());
            let want = (-d[..k].iter().sum::<f64>() / k as f64).exp();
            prop_assert!((got - want).abs() < 1e-12, "{} {}", got, want);
        }
    }

    #[test]
    fn distance_awareness_keeps_predictions(seed in any::<u64>(), classes in 1..9_usize, base in 1..9_usize) {
        let mut rng = stream(seed, "test", 8);
        let mut unit = |rows| {
            let x = Array2::from_shape_simple_fn((rows, 4), || normal(&mut rng));
            let norms = x.map_axis(Axis(1), |row| row.dot(&row).sqrt()).insert_axis(Axis(1));
            x / norms
        };
        let (b0, b1, n0, n1): (Array2<f64>, _, _, _) = (unit(base), unit(base), unit(classes), unit(classes));
        let text = |base_tuned, tuned| TextFeatures {
            base_zero_shot: b0.view(),
            base_tuned,
            zero_shot: n0.view(),
            tuned,
        };
        let dac = DistanceAware::fit(&DistanceAwareConfig::new(), &text(b1.view(), n1.view())).unwrap();
        let bound = 2.0_f64.exp();
        prop_assert!(dac.gamma().iter().all(|&gamma| gamma > 1.0 / bound && gamma < bound));
        let z = Array2::from_shape_simple_fn((20, classes), || 10.0 * normal(&mut rng));
        let logits = Logits::new(z.view()).unwrap();
        prop_assert_eq!(dac.probabilities(&logits).unwrap().predicted(), logits.predicted());
        // Nothing moved: nothing changes.
        let same = DistanceAware::fit(&DistanceAwareConfig::new(), &text(b0.view(), n0.view())).unwrap();
        prop_assert!(same.gamma().iter().all(|&gamma| gamma == 1.0));
        // Classes that are base classes: nothing changes either.
        let base_only = TextFeatures { zero_shot: b0.view(), tuned: b1.view(), ..text(b1.view(), b1.view()) };
        let base_only = DistanceAware::fit(&DistanceAwareConfig::new(), &base_only).unwrap();
        prop_assert!(base_only.gamma().iter().all(|&gamma| gamma == 1.0));
        prop_assert!(base_only.guarded().iter().all(|&guarded| guarded));
    }

    #[test]
    fn one_pass_says_what_many_say(seed in any::<u64>(), n in 1..50_usize, classes in 1..40_usize) {
        let mut rng = stream(seed, "test", 9);
        let z = Array2::from_shape_simple_fn((n, classes), || (3.0 * normal(&mut rng)) as f32);
        let labels: Vec<usize> = (0..n).map(|_| below(&mut rng, classes)).collect();
        let logits = Logits::new(z.view()).unwrap();
        let (one, probs) = (logits.overview(&labels, 15).unwrap(), logits.softmax());
        let other = probs.overview(&labels, 15).unwrap();
        assert_close(
            &[one.accuracy, one.confidence, one.brier, one.entropy, one.nll.unwrap(), one.reliability.ece()],
            &[other.accuracy, other.confidence, other.brier, other.entropy, other.nll.unwrap(), other.reliability.ece()],
            1e-9,
            1e-9,
        );
        let top = probs.top_label(&labels).unwrap();
        let scores: Vec<f64> = probs.view().outer_iter().zip(&labels).map(|(p, &y)| {
            p.iter().enumerate().map(|(c, p)| (p - f64::from(u8::from(c == y))).powi(2)).sum()
        }).collect();
        prop_assert!((one.brier - scores.iter().sum::<f64>() / n as f64).abs() < 1e-12);
        prop_assert!((one.accuracy - top.rate()).abs() < 1e-12);
        prop_assert!(Probs::new(probs.view()).is_ok());
    }

    #[test]
    fn smooth_error_is_between_bias_and_mean_gap(seed in any::<u64>(), n in 1..200_usize) {
        let (p, y) = forecasts(&mut stream(seed, "test", 10), n);
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let smooth = all.smooth_ece(SmoothEceConfig::new()).unwrap();
        prop_assert!(smooth.width > 0.0 && smooth.width <= 1.0);
        // No smoothing lets the residuals' mean vanish, none exceeds their mean size.
        let gap = p.iter().zip(&y).map(|(p, &y)| (f64::from(u8::from(y)) - p).abs()).sum::<f64>() / n as f64;
        prop_assert!(smooth.value <= gap * 1.25 + 0.01, "{} {}", smooth.value, gap);
        prop_assert!(smooth.value + 0.02 >= (all.rate() - all.mean()).abs() * 0.9);
    }

    #[test]
    fn quantiles_and_intervals_count(seed in any::<u64>(), n in 1..100_usize) {
        let mut rng = stream(seed, "test", 11);
        let y: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
        let mu: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
        let sigma: Vec<f64> = (0..n).map(|_| 0.1 + uniform(&mut rng)).collect();
        let one = regression::deviation_calibration(&y, &mu, &sigma, 1).unwrap();
        let mse = y.iter().zip(&mu).map(|(y, m)| (y - m).powi(2)).sum::<f64>() / n as f64;
        let variance = sigma.iter().map(|s| s * s).sum::<f64>() / n as f64;
        prop_assert!((one.uce() - (mse - variance).abs()).abs() < 1e-12);
        prop_assert!((one.ence() - (mse.sqrt() - variance.sqrt()).abs() / variance.sqrt()).abs() < 1e-9);
        let half = regression::pinball(&y, &mu, 0.5).unwrap();
        let mae = y.iter().zip(&mu).map(|(y, m)| (y - m).abs()).sum::<f64>() / n as f64;
        prop_assert!((2.0 * half - mae).abs() < 1e-12);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let mut rng = stream(1, "test", 20);
    let (p, y) = forecasts(&mut rng, 300_000);
    let z = Array2::from_shape_simple_fn((2000, 7), || normal(&mut rng));
    let labels: Vec<usize> = (0..2000).map(|_| below(&mut rng, 7)).collect();
    let all = BinaryForecasts::new(&p, &y).unwrap();
    let logits = Logits::new(z.view()).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            (
                all.reliability(&Binning::equal_width(15)).unwrap(),
                logits.overview(&labels, 15).unwrap(),
            )
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn tests_of_calibration_have_their_level() {
    // Calibrated forecasts: p-values are uniform, so about 10 % are below 0.1 (five standard errors
    // of 400 trials, and the asymptotics of 500 forecasts).
    let (mut spiegelhalter, mut ks, mut kuiper) = (0, 0, 0);
    for trial in 0..400 {
        let mut rng = stream(5, "level", trial);
        let p: Vec<f64> = (0..500).map(|_| uniform(&mut rng)).collect();
        let y: Vec<bool> = p.iter().map(|&p| uniform(&mut rng) < p).collect();
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let test = all.cumulative_test();
        spiegelhalter += i32::from(all.spiegelhalter().unwrap().p_value < 0.1);
        ks += i32::from(test.ks_p_value.unwrap() < 0.1);
        kuiper += i32::from(test.kuiper_p_value.unwrap() < 0.1);
    }
    for rejections in [spiegelhalter, ks, kuiper] {
        assert!((10..=80).contains(&rejections), "{spiegelhalter} {ks} {kuiper} of 400");
    }
}

#[test]
fn debiasing_removes_what_chance_adds() {
    // Calibrated forecasts, few a bin: the plug-in sees an error, the debiased ones centre on none.
    let (mut plug_in, mut l1, mut l2) = (0.0, 0.0, 0.0);
    for trial in 0..200 {
        let mut rng = stream(6, "debias", trial);
        let p: Vec<f64> = (0..150).map(|_| uniform(&mut rng)).collect();
        let y: Vec<bool> = p.iter().map(|&p| uniform(&mut rng) < p).collect();
        let all = BinaryForecasts::new(&p, &y).unwrap();
        let bins = all.reliability(&Binning::equal_mass(15)).unwrap();
        plug_in += bins.ece() / 200.0;
        l1 += bins.debiased_l1() / 200.0;
        l2 += bins.debiased_l2().powi(2) / 200.0;
    }
    assert!(plug_in > 0.08 && l1.abs() < plug_in * 0.75 && l2 < 0.004, "{plug_in} {l1} {l2}");
}

#[test]
fn the_bootstrap_knows_the_error_of_a_mean() {
    // A Brier score is a mean: its standard error is known without resampling.
    let mut rng = stream(7, "bootstrap", 0);
    let p: Vec<f64> = (0..800).map(|_| uniform(&mut rng)).collect();
    let y: Vec<bool> = p.iter().map(|&p| uniform(&mut rng) < p).collect();
    let all = BinaryForecasts::new(&p, &y).unwrap();
    let bootstrap = BootstrapConfig::new().with_resamples(2000).init().unwrap();
    let brier = all.bootstrap(&bootstrap, |f| Ok(f.scores().brier)).unwrap();
    let losses = p.iter().zip(&y).map(|(p, &y)| (p - f64::from(u8::from(y))).powi(2));
    let spread = losses.map(|loss| (loss - brier.estimate).powi(2)).sum::<f64>() / 800.0;
    let expected = (spread / 800.0).sqrt();
    assert!((brier.standard_error / expected - 1.0).abs() < 0.1, "{brier:?} {expected}");
    assert!(brier.interval.lower < brier.estimate && brier.estimate < brier.interval.upper);
    // Sharpness, as its definition has it.
    let mean = p.iter().sum::<f64>() / 800.0;
    let variance = p.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / 800.0;
    assert!((all.scores().variance - variance).abs() < 1e-12);
    // A measure that fails on a resample is an error, not a number.
    let fails = |_: &BinaryForecasts<'static, f64>| Err(Error::Empty { operation: "a", item: "b" });
    assert!(all.bootstrap(&bootstrap, fails).is_err());
}
