//! Stored accumulators of matrix-entropy from any source, and layer patterns on any name.
#![no_main]

use assay_score::Mergeable;
use libfuzzer_sys::fuzz_target;
use matrix_entropy::accumulate::{
    CenteredMoment, CkaMoments, ColumnMean, Covariance, PerSentence, SecondMoment,
};
use matrix_entropy::input::LayerPattern;
use matrix_entropy::pair::MiniBatchCka;

/// Reads, then checks that the state stores as it came and can be counted on.
fn read<A: Mergeable + Clone>(bytes: &[u8]) {
    if let Ok(mut read) = A::from_bytes(bytes) {
        assert_eq!(read.to_bytes(), bytes);
        let copy = read.clone();
        let _ = read.merge(&copy);
        let _ = read.finish();
    }
}

fuzz_target!(|bytes: &[u8]| {
    read::<PerSentence>(bytes);
    read::<SecondMoment>(bytes);
    read::<ColumnMean>(bytes);
    read::<CenteredMoment>(bytes);
    read::<Covariance>(bytes);
    read::<CkaMoments>(bytes);
    read::<MiniBatchCka>(bytes);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some((pattern, name)) = text.split_once('\n')
        && let Ok(pattern) = LayerPattern::new(pattern)
    {
        let _ = pattern.matches(name);
    }
});
