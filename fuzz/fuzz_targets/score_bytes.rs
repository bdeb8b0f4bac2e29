//! Stored accumulators from any source: read or refused, never a panic, and what was read is usable.
#![no_main]

use assay_score::classification::{Forecasts, MultiLabel, RankingMeans, Ratings};
use assay_score::statistics::Matches;
use assay_score::text::{Bleu, Chrf, ErrorRate, Meteor, Rouge, Ter};
use assay_score::{ConfusionMatrix, Histogram, Mergeable, Moments};
use libfuzzer_sys::fuzz_target;

/// Reads, then checks that the state stores as it came and can be counted on.
fn read<A: Mergeable + Clone>(bytes: &[u8]) -> Option<A> {
    let mut read = A::from_bytes(bytes).ok()?;
    assert_eq!(read.to_bytes(), bytes);
    let copy = read.clone();
    if read.merge(&copy).is_ok() {
        let _ = read.finish();
    }
    Some(copy)
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(moments) = read::<Moments>(bytes)
        && let Ok(report) = moments.finish()
    {
        let numbers = [Some(report.mean), report.variance, report.skewness, report.excess_kurtosis];
        assert!(numbers.into_iter().flatten().all(f64::is_finite), "{report:?}");
    }
    let _ = read::<Histogram>(bytes);
    let _ = read::<ConfusionMatrix>(bytes);
    let _ = read::<MultiLabel>(bytes);
    let _ = read::<Ratings>(bytes);
    let _ = read::<Forecasts>(bytes);
    let _ = read::<RankingMeans>(bytes);
    let _ = read::<Matches>(bytes);
    let _ = read::<Bleu>(bytes);
    let _ = read::<Chrf>(bytes);
    let _ = read::<Ter>(bytes);
    let _ = read::<Rouge>(bytes);
    let _ = read::<Meteor>(bytes);
    let _ = read::<ErrorRate>(bytes);
});
