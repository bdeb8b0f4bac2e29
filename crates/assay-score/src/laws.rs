//! The laws of [`Mergeable`] as one function for the tests of every implementer.

use std::fmt::Debug;

use crate::Mergeable;

/// Checks every law of [`Mergeable`] on one data set, given whole and cut into consecutive parts.
///
/// - `empty` is a configured accumulator that counted nothing.
/// - `same` compares two reports and panics where they differ by more than the implementer's stated
///   rounding: `|a, b| assert_eq!(a, b)` where everything is an integer.
///
/// The parts are merged from the left, from the right, backwards, as a balanced tree and cut in two
/// at every place; the stored form is cut at every place, lengthened and changed byte by byte.
///
/// ```
/// use assay_score::{laws, Moments};
/// let data = [0.5, 0.25, 8.0];
/// let parts: Vec<&[f64]> = data.chunks(1).collect();
/// laws::check(&Moments::new(), &data, &parts, |a, b| assert!((a.mean - b.mean).abs() < 1e-12));
/// ```
///
/// # Panics
/// When a law does not hold, with its name.
pub fn check<'a, A>(
    empty: &A,
    whole: A::Batch<'a>,
    parts: &[A::Batch<'a>],
    same: impl Fn(&A::Report, &A::Report),
) where
    A: Mergeable + Clone + Debug,
    A::Batch<'a>: Clone,
{
    let counted = |batches: &[A::Batch<'a>]| {
        let mut accumulator = empty.clone();
        for batch in batches {
            must("update with valid data", accumulator.update(batch.clone()));
        }
        accumulator
    };
    let agree = |law: &str, got: &A, want: &A| match (got.finish(), want.finish()) {
        (Ok(got), Ok(want)) => same(&got, &want),
        (Err(_), Err(_)) => {}
        (got, want) => panic!(
            "{law}: one side has a report and the other has not: {:?} and {:?}",
            got.err().map(|error| error.to_string()),
            want.err().map(|error| error.to_string()),
        ),
    };

    let one_update = counted(&[whole]);
    agree("updates in parts", &counted(parts), &one_update);

    for cut in 0..=parts.len() {
        let (left, right) = parts.split_at(cut);
        let (left, right) = (counted(left), counted(right));
        agree("any split", &merged(&left, &right), &one_update);
        agree("commutative", &merged(&right, &left), &one_update);
    }

    let each: Vec<A> = parts.iter().map(|part| counted(std::slice::from_ref(part))).collect();
    let from_left = each.iter().fold(empty.clone(), |sum, part| merged(&sum, part));
    let from_right = each.iter().rfold(empty.clone(), |sum, part| merged(part, &sum));
    let backwards = each.iter().rfold(empty.clone(), |sum, part| merged(&sum, part));
    agree("associative, from the left", &from_left, &one_update);
    agree("associative, from the right", &from_right, &one_update);
    agree("associative, backwards", &backwards, &one_update);
    let mut level = each;
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| pair[1..].iter().fold(pair[0].clone(), |sum, part| merged(&sum, part)))
            .collect();
    }
    if let Some(tree) = level.first() {
        agree("associative, as a tree", tree, &one_update);
    }

    let stored = one_update.to_bytes();
    assert_eq!(merged(&one_update, empty).to_bytes(), stored, "merging with empty is identity");
    assert_eq!(merged(empty, &one_update).to_bytes(), stored, "merging into empty is identity");
    let read = must("reading one's own bytes", A::from_bytes(&stored));
    assert_eq!(read.to_bytes(), stored, "bytes round-trip");
    agree("bytes round-trip", &read, &one_update);
    let read_empty = must("reading the bytes of nothing", A::from_bytes(&empty.to_bytes()));
    assert_eq!(read_empty.to_bytes(), empty.to_bytes(), "bytes of nothing round-trip");
    hostile::<A>(&stored);
}

/// Damages a stored form in every simple way: a cut or an extra byte is an error, a changed byte is
/// an error or another valid state.
fn hostile<A: Mergeable>(stored: &[u8]) {
    for length in 0..stored.len() {
        assert!(A::from_bytes(&stored[..length]).is_err(), "bytes cut to {length} were read");
    }
    let mut longer = stored.to_vec();
    longer.push(0);
    assert!(A::from_bytes(&longer).is_err(), "bytes with one too many were read");
    for index in 0..stored.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut changed = stored.to_vec();
            changed[index] ^= mask;
            if let Ok(read) = A::from_bytes(&changed) {
                // Whatever was read must be usable: no panic here, and it stores as it came.
                let _ = read.finish();
                assert_eq!(read.to_bytes(), changed, "a state read from bytes stores differently");
            }
        }
    }
}

fn merged<A: Mergeable + Clone>(left: &A, right: &A) -> A {
    let mut sum = left.clone();
    must("merge of accumulators configured alike", sum.merge(right));
    sum
}

fn must<T, E: std::error::Error>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what} failed: {error}"))
}
