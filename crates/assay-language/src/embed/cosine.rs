use assay_array::Scalar;
use assay_array::ndarray::ArrayView2;

use crate::{Error, Result};

/// The cosine of the angle between two vectors, in f64; 0 if one of them is zero.
///
/// # Errors
/// [`Error::Length`] for vectors of different lengths, [`Error::Setting`] for a number that is not
/// finite.
pub fn cosine<T: Scalar>(a: &[T], b: &[T]) -> Result<f64> {
    if a.len() != b.len() {
        let (expected, got) = (a.len(), b.len());
        return Err(Error::Length { operation: "cosine", items: "components", expected, got });
    }
    let largest = |v: &[T]| v.iter().fold(0.0_f64, |m, x| m.max(x.to_f64().abs()));
    if let Some(bad) = a.iter().chain(b).map(|x| x.to_f64()).find(|x| !x.is_finite()) {
        return Err(Error::Setting {
            operation: "cosine",
            name: "components",
            expected: "finite",
            got: bad.to_string(),
        });
    }
    let (scale_a, scale_b) = (largest(a), largest(b));
    if scale_a == 0.0 || scale_b == 0.0 {
        return Ok(0.0);
    }
    // Scaled by a power of two, so that squares neither overflow nor vanish and no digit changes.
    let power = |largest: f64| 2.0_f64.powi(-(largest.log2() as i32).clamp(-1000, 1000));
    let (scale_a, scale_b) = (power(scale_a), power(scale_b));
    let (mut dot, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x.to_f64() * scale_a, y.to_f64() * scale_b);
        dot += x * y;
        aa += x * x;
        bb += y * y;
    }
    Ok((dot / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
}

/// Whether the cosine is above the threshold; one exactly at it is not. Compared in f64: in f32 the
/// nearest number to 0.8 is larger than 0.8 in f64.
///
/// # Errors
/// As [`cosine`].
pub fn similar<T: Scalar>(a: &[T], b: &[T], threshold: f64) -> Result<bool> {
    Ok(cosine(a, b)? > threshold)
}

/// The mean of the rows whose mask is true, in f64: how a sentence's token vectors become one, with
/// padding masked out. `None` when every row is masked.
///
/// # Errors
/// [`Error::Length`] when rows and mask differ in number, [`Error::Setting`] for a number that is not
/// finite in a row that counts.
pub fn mean_pool<T: Scalar>(rows: ArrayView2<'_, T>, mask: &[bool]) -> Result<Option<Vec<f64>>> {
    const OPERATION: &str = "mean pool";
    if rows.nrows() != mask.len() {
        let (expected, got) = (rows.nrows(), mask.len());
        return Err(Error::Length { operation: OPERATION, items: "marks", expected, got });
    }
    let mut sum = vec![0.0; rows.ncols()];
    let mut count = 0.0;
    for (row, _) in rows.rows().into_iter().zip(mask).filter(|(_, counts)| **counts) {
        for (total, x) in sum.iter_mut().zip(row) {
            *total += x.to_f64();
        }
        count += 1.0;
    }
    if let Some(bad) = sum.iter().find(|x| !x.is_finite()) {
        return Err(Error::Setting {
            operation: OPERATION,
            name: "components",
            expected: "finite",
            got: bad.to_string(),
        });
    }
    Ok((count > 0.0).then(|| sum.into_iter().map(|total| total / count).collect()))
}
