//! Stored calibration counts from any source: read or refused, never a panic, and usable.
#![no_main]

use assay_score::Mergeable;
use dac_calibration::streaming::{
    ForecastCounts, IntervalCounts, MassSketch, PieceCounts, PredictionCounts, SmoothCounts,
};
use libfuzzer_sys::fuzz_target;

fn read<A: Mergeable + Clone>(bytes: &[u8]) -> Option<A::Report> {
    let mut read = A::from_bytes(bytes).ok()?;
    assert_eq!(read.to_bytes(), bytes);
    let copy = read.clone();
    let _ = read.merge(&copy);
    let _ = read.finish();
    copy.finish().ok()
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(report) = read::<ForecastCounts>(bytes) {
        let (bins, numbers) = (report.reliability, [report.rate, report.mean, report.brier]);
        assert!(numbers.into_iter().chain([bins.ece(), bins.mce()]).all(f64::is_finite));
    }
    if let Some(report) = read::<MassSketch>(bytes) {
        assert!(report.quantile(0.5).is_ok_and(f64::is_finite));
        assert!(report.reliability(10).is_ok_and(|bins| bins.ece().is_finite()));
    }
    let _ = read::<PredictionCounts>(bytes);
    let _ = read::<PieceCounts>(bytes);
    let _ = read::<SmoothCounts>(bytes);
    let _ = read::<IntervalCounts>(bytes);
});
