use assay_language::Embedder;
use rayon::prelude::*;

use super::Deduplicated;
use crate::{Error, Result};

/// Drops texts whose embedding has a cosine above `threshold` with a kept one's.
///
/// Every text is compared with all kept ones: quadratic, for thousands of texts and not for millions.
///
/// # Errors
/// [`Error::Setting`] for a threshold that is NaN; what the embedder refuses.
pub fn semantic<S: AsRef<str>>(
    texts: &[S],
    embedder: &dyn Embedder,
    threshold: f64,
) -> Result<Deduplicated> {
    if threshold.is_nan() {
        return Err(Error::setting("semantic deduplication", "threshold", "a number", threshold));
    }
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let rows = embedder.embed(&texts)?;
    let mut found = Deduplicated::default();
    for (index, row) in rows.rows().into_iter().enumerate() {
        // Rows have length one or zero: the product is the cosine.
        let like = found.kept.par_iter().find_first(|&&other| {
            let cosine: f64 =
                rows.row(other).iter().zip(row).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            cosine > threshold
        });
        match like.copied() {
            Some(other) => found.dropped.push((index, other)),
            None => found.kept.push(index),
        }
        found.compared += found.kept.len();
    }
    Ok(found)
}
