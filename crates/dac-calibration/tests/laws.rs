//! The laws of `Mergeable` for every accumulator: reports equal to the last bit.

use assay_score::{Mergeable, laws};
use dac_calibration::measures::{Bandwidth, RiskTies, SmoothEceConfig};
use dac_calibration::streaming::{
    ForecastCounts, IntervalBatch, IntervalCounts, Labelled, MassSketch, PieceBatch, PieceCounts,
    PredictionCounts, SmoothCounts,
};
use dac_calibration::{BinaryForecasts, Binning, EdgeRule, Logits, Probs};
use ndarray::{Array2, Axis, Slice};
use proptest::prelude::*;

/// Cuts `0..n` into consecutive non-empty ranges.
fn ranges(n: usize, lengths: &[usize]) -> Vec<std::ops::Range<usize>> {
    let (mut start, mut all) = (0, Vec::new());
    for &length in lengths {
        let end = (start + length.max(1)).min(n);
        if start < end {
            all.push(start..end);
        }
        start = end;
    }
    if start < n {
        all.push(start..n);
    }
    all
}

fn confidence() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..=1.0_f64, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(0.3), 1 => Just(0.5)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn forecasts(
        data in prop::collection::vec((confidence(), any::<bool>()), 1..60),
        lengths in prop::collection::vec(1..20_usize, 0..5),
        rule in prop::sample::select(vec![
            EdgeRule::LeftClosed, EdgeRule::RightClosed, EdgeRule::Guo,
            EdgeRule::TorchMetrics, EdgeRule::ClipCalibration,
        ]),
        given_edges in any::<bool>(),
    ) {
        let (p, y): (Vec<f64>, Vec<bool>) = data.into_iter().unzip();
        let whole = BinaryForecasts::new(&p, &y).unwrap();
        let parts: Vec<_> = ranges(p.len(), &lengths)
            .into_iter()
            .map(|range| BinaryForecasts::new(&p[range.clone()], &y[range]).unwrap())
            .collect();
        let binning = if given_edges {
            Binning::edges(vec![0.0, 0.2, 0.3, 0.9, 1.0])
        } else {
            Binning::equal_width(7)
        };
        let counts = ForecastCounts::new(&binning.clone().with_edge_rule(rule)).unwrap();
        laws::check(&counts, whole.clone(), &parts, |a, b| assert_eq!(a, b));
        // Streaming and the whole at once see the same bins.
        let mut counts = counts;
        counts.update(whole.clone()).unwrap();
        let at_once = whole.reliability(&binning.with_edge_rule(rule)).unwrap();
        prop_assert_eq!(&counts.finish().unwrap().reliability, &at_once);
    }

    #[test]
    fn mass_sketches(
        data in prop::collection::vec((confidence(), any::<bool>()), 1..60),
        lengths in prop::collection::vec(1..20_usize, 0..5),
    ) {
        let (p, y): (Vec<f64>, Vec<bool>) = data.into_iter().unzip();
        let parts: Vec<_> = ranges(p.len(), &lengths)
            .into_iter()
            .map(|range| BinaryForecasts::new(&p[range.clone()], &y[range]).unwrap())
            .collect();
        let whole = BinaryForecasts::new(&p, &y).unwrap();
        laws::check(&MassSketch::new(), whole.clone(), &parts, |a, b| assert_eq!(a, b));
        // Bounds hold what they bound.
        let mut sketch = MassSketch::new();
        sketch.extend(&whole).unwrap();
        let report = sketch.finish().unwrap();
        let (aurc, got) = (whole.risk_coverage(RiskTies::Expected).aurc(), report.aurc());
        prop_assert!(got.lower <= aurc + 1e-12 && aurc <= got.upper + 1e-12, "{aurc}: {got:?}");
        prop_assert!(got.lower <= got.estimate + 1e-12 && got.estimate <= got.upper + 1e-12);
        if let (Ok(auroc), Ok(got)) = (whole.auroc(), report.auroc()) {
            prop_assert!(got.lower <= auroc + 1e-12 && auroc <= got.upper + 1e-12);
        }
    }

    #[test]
    fn predictions(
        data in prop::collection::vec((prop::collection::vec(-3.0..3.0_f64, 3), 0..3_usize), 1..25),
        lengths in prop::collection::vec(1..10_usize, 0..5),
    ) {
        let (z, labels): (Vec<Vec<f64>>, Vec<usize>) = data.into_iter().unzip();
        let z = Array2::from_shape_vec((z.len(), 3), z.concat()).unwrap();
        let probs = Logits::new(z.view()).unwrap().softmax().into_array();
        let part = |range: std::ops::Range<usize>| Labelled {
            probs: Probs::new(probs.slice_axis(Axis(0), Slice::from(range.clone()))).unwrap(),
            labels: &labels[range],
        };
        let parts: Vec<_> = ranges(labels.len(), &lengths).into_iter().map(part).collect();
        let counts = PredictionCounts::new(3, &Binning::equal_width(4)).unwrap();
        laws::check(&counts, part(0..labels.len()), &parts, |a, b| assert_eq!(a, b));
    }

    #[test]
    fn proximities(
        data in prop::collection::vec((confidence(), any::<bool>(), 0.0..=1.0_f64), 1..40),
        lengths in prop::collection::vec(1..20_usize, 0..5),
    ) {
        let p: Vec<f64> = data.iter().map(|item| item.0).collect();
        let y: Vec<bool> = data.iter().map(|item| item.1).collect();
        let d: Vec<f64> = data.iter().map(|item| item.2).collect();
        let part = |range: std::ops::Range<usize>| PieceBatch {
            forecasts: BinaryForecasts::new(&p[range.clone()], &y[range.clone()]).unwrap(),
            proximity: &d[range],
        };
        let parts: Vec<_> = ranges(p.len(), &lengths).into_iter().map(part).collect();
        let counts = PieceCounts::new(&[0.0, 0.4, 0.6, 1.0], 5).unwrap();
        laws::check(&counts, part(0..p.len()), &parts, |a, b| assert_eq!(a, b));
    }

    #[test]
    fn intervals(
        data in prop::collection::vec((-5.0..5.0_f64, -5.0..5.0_f64, 0.0..5.0_f64), 1..40),
        lengths in prop::collection::vec(1..20_usize, 0..5),
    ) {
        let targets: Vec<f64> = data.iter().map(|item| item.0).collect();
        let lower: Vec<f64> = data.iter().map(|item| item.1).collect();
        let upper: Vec<f64> = data.iter().map(|item| item.1 + item.2).collect();
        let part = |range: std::ops::Range<usize>| IntervalBatch {
            targets: &targets[range.clone()],
            lower: &lower[range.clone()],
            upper: &upper[range],
        };
        let parts: Vec<_> = ranges(targets.len(), &lengths).into_iter().map(part).collect();
        laws::check(&IntervalCounts::new(), part(0..targets.len()), &parts, |a, b| assert_eq!(a, b));
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ForecastCounts::from_bytes(&bytes);
        let _ = PredictionCounts::from_bytes(&bytes);
        let _ = PieceCounts::from_bytes(&bytes);
        let _ = SmoothCounts::from_bytes(&bytes);
        let _ = MassSketch::from_bytes(&bytes);
        let _ = IntervalCounts::from_bytes(&bytes);
    }
}

/// The grid has 1001 points, whose bytes are cut and changed one by one: once is enough.
#[test]
fn smooth_counts_merge_in_any_order() {
    let p: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 61) / 60.0).collect();
    let y: Vec<bool> = (0..60).map(|i| i % 3 == 0).collect();
    let batch =
        |range: std::ops::Range<usize>| BinaryForecasts::new(&p[range.clone()], &y[range]).unwrap();
    let counted = |batches: &[std::ops::Range<usize>]| {
        let mut counts = SmoothCounts::new(0.1).unwrap();
        for range in batches {
            counts.update(batch(range.clone())).unwrap();
        }
        counts
    };
    let whole = counted(std::slice::from_ref(&(0..60)));
    let (a, b) = (counted(std::slice::from_ref(&(0..20))), counted(&[20..21, 21..60]));
    let (mut ab, mut ba) = (a.clone(), b.clone());
    ab.merge(&b).unwrap();
    ba.merge(&a).unwrap();
    assert_eq!(ab, whole);
    assert_eq!(ba, whole);
    assert_eq!(SmoothCounts::from_bytes(&whole.to_bytes()).unwrap(), whole);
    let mut with_empty = whole.clone();
    with_empty.merge(&SmoothCounts::new(0.1).unwrap()).unwrap();
    assert_eq!(with_empty, whole);
    assert!(with_empty.merge(&SmoothCounts::new(0.2).unwrap()).is_err());
    assert_eq!(with_empty, whole);
    let stored = whole.to_bytes();
    for cut in (0..stored.len()).step_by(997) {
        assert!(SmoothCounts::from_bytes(&stored[..cut]).is_err());
    }
    // It is the smooth ECE of the whole, to the rounding of its units.
    let config = SmoothEceConfig::new().with_bandwidth(Bandwidth::Width(0.1));
    let direct = batch(0..60).smooth_ece(config).unwrap();
    assert!((whole.finish().unwrap().value - direct.value).abs() < 1e-9);
}
