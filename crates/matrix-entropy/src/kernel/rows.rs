//! Rows as a measure wants them: centred, of length 1, without those that have no direction.

use assay_array::Scalar;
use ndarray::{Array2, ArrayView2};
use pulp::{Arch, Simd, WithSimd};

use crate::{Center, Conventions, Error, Result, RowNorm, RowPolicy};

/// A centred row this many times shorter, relative to the row itself, than the rounding of the
/// subtraction is the mean: what is left of it is noise.
const ROUNDINGS: f64 = 4.0;

/// What became of a matrix of rows.
#[derive(Debug, Clone)]
pub(crate) struct Prepared<T> {
    /// The rows that were kept, row-major.
    pub(crate) rows: Array2<T>,
    /// Their places in the input; for gradients.
    #[cfg_attr(not(feature = "burn"), expect(dead_code))]
    pub(crate) kept: Vec<usize>,
    /// Their lengths after centring, before they were divided by them; for gradients.
    #[cfg_attr(not(feature = "burn"), expect(dead_code))]
    pub(crate) lengths: Vec<f64>,
    /// Rows left out because they have no direction.
    pub(crate) skipped: usize,
}

/// Centres and normalises as the conventions say.
///
/// Means are accumulated about the first row, so that equal rows have exactly that row as their mean
/// whatever its size.
pub(crate) fn prepare<T: Scalar>(
    operation: &'static str,
    x: ArrayView2<'_, T>,
    conventions: Conventions,
) -> Result<Prepared<T>> {
    let (n, d) = check(operation, x, if conventions.center == Center::Mean { 2 } else { 1 })?;
    let dense = x.as_standard_layout();
    // cannot be otherwise: standard layout is contiguous.
    let data = dense.as_slice().unwrap_or(&[]);
    let found = match conventions.center {
        Center::Mean => Some(column_means(operation, data, d)?),
        Center::No => None,
    };
    let mean = found.as_ref().map(|(row, noise)| Mean { row, noise: *noise });
    prepare_about(operation, data, (n, d), mean.as_ref(), conventions)
}

/// A mean row, and how far rounding may have moved it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mean<'a> {
    row: &'a [f64],
    noise: f64,
}

impl<'a> Mean<'a> {
    /// A mean that somebody else computed, as well as `f64` can.
    pub(crate) fn given(row: &'a [f64]) -> Self {
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        Self { row, noise: if length.is_finite() { f64::EPSILON * length } else { 0.0 } }
    }
}

/// The same about a mean that is known already.
pub(crate) fn prepare_about<T: Scalar>(
    operation: &'static str,
    data: &[T],
    (n, d): (usize, usize),
    mean: Option<&Mean<'_>>,
    conventions: Conventions,
) -> Result<Prepared<T>> {
    let mut rows = vec![T::ZERO; n * d];
    let (mut kept, mut lengths) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let normalise = conventions.row_norm == RowNorm::L2;
    let arch = Arch::new();
    for (index, row) in data.chunks_exact(d).enumerate() {
        let out = &mut rows[kept.len() * d..(kept.len() + 1) * d];
        let length = arch.dispatch(Place { row, mean, normalise, out });
        match length {
            Length::Overflow => return Err(Error::Overflow { operation, element: T::NAME }),
            Length::Zero if normalise => {
                if conventions.zero_rows == RowPolicy::Error {
                    let from = if mean.is_some() { "the mean" } else { "zero" };
                    return Err(Error::ZeroRow { operation, from, row: index });
                }
            }
            Length::Zero => {
                out.fill(T::ZERO);
                kept.push(index);
                lengths.push(0.0);
            }
            Length::Of(length) => {
                kept.push(index);
                lengths.push(length);
            }
        }
    }
    if kept.is_empty() {
        return Err(Error::AllSkipped { operation, rows: n });
    }
    rows.truncate(kept.len() * d);
    let skipped = n - kept.len();
    let got = vec![kept.len(), d];
    let rows = Array2::from_shape_vec((kept.len(), d), rows).map_err(|_| Error::Shape {
        operation,
        expected: "rows of one length".into(),
        got,
    })?;
    Ok(Prepared { rows, kept, lengths, skipped })
}

/// Refuses too few rows, no columns, and numbers that are not finite.
pub(crate) fn check<T: Scalar>(
    operation: &'static str,
    x: ArrayView2<'_, T>,
    needed: usize,
) -> Result<(usize, usize)> {
    let (n, d) = x.dim();
    if d == 0 {
        return Err(Error::NoColumns { operation, rows: n });
    }
    if n < needed {
        return Err(Error::TooFewRows { operation, needed, got: n });
    }
    finite(operation, x)?;
    Ok((n, d))
}

/// Refuses numbers that are not finite.
pub(crate) fn finite<T: Scalar>(operation: &'static str, x: ArrayView2<'_, T>) -> Result<()> {
    let all = match x.as_slice_memory_order() {
        Some(slice) => {
            let pass = |block: &[T]| block.iter().fold(true, |ok, x| ok & x.is_finite());
            slice.chunks(1024).all(pass)
        }
        None => x.iter().all(|x| x.is_finite()),
    };
    if all {
        return Ok(());
    }
    match x.indexed_iter().find(|(_, x)| !x.is_finite()) {
        Some(((row, column), value)) => {
            Err(Error::NotFinite { operation, row, column, value: value.to_f64() })
        }
        None => Ok(()),
    }
}

/// The mean row in `f64`, about the first row, and a bound of its rounding error; the data are `n ≥ 1`
/// rows of `d`.
pub(crate) fn column_means<T: Scalar>(
    operation: &'static str,
    data: &[T],
    d: usize,
) -> Result<(Vec<f64>, f64)> {
    let n = (data.len() / d) as f64;
    let pivot: Vec<f64> = data.iter().take(d).map(|x| x.to_f64()).collect();
    let (mut mean, mut apart) = (vec![0.0; d], vec![0.0; d]);
    Arch::new().dispatch(AddRows { data, pivot: &pivot, sums: &mut mean, apart: &mut apart });
    for (mean, pivot) in mean.iter_mut().zip(&pivot) {
        *mean = pivot + *mean / n;
    }
    if !mean.iter().all(|x| x.is_finite()) {
        return Err(Error::Overflow { operation, element: T::NAME });
    }
    // A sum of n numbers is off by at most n ε times the sum of their magnitudes; half an ulp of the
    // mean comes on top.
    let length = |v: &[f64]| {
        let largest = v.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        if largest > 0.0 && largest.is_finite() {
            largest * v.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
        } else {
            0.0
        }
    };
    let noise = f64::EPSILON * (length(&apart) + length(&mean));
    Ok((mean, noise))
}

/// Adds every row less the pivot to `sums`, and the magnitudes of that to `apart`.
///
/// Kernels are structs, not closures: a closure that borrows is called through a shim that is not
/// inlined, and would be compiled for the oldest processor.
struct AddRows<'a, T> {
    data: &'a [T],
    pivot: &'a [f64],
    sums: &'a mut [f64],
    apart: &'a mut [f64],
}

impl<T: Scalar> WithSimd for AddRows<'_, T> {
    type Output = ();

    #[allow(clippy::inline_always)] // else it is not compiled for the instructions found at run time
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { data, pivot, sums, apart } = self;
        for row in data.chunks_exact(pivot.len()) {
            for (((sum, apart), pivot), x) in sums.iter_mut().zip(&mut *apart).zip(pivot).zip(row) {
                let x = x.to_f64() - pivot;
                *sum += x;
                *apart += x.abs();
            }
        }
    }
}

/// The length of a centred row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    Of(f64),
    Zero,
    Overflow,
}

/// Writes the row, centred and perhaps divided by its length, and returns that length.
struct Place<'a, T> {
    row: &'a [T],
    mean: Option<&'a Mean<'a>>,
    normalise: bool,
    out: &'a mut [T],
}

impl<T: Scalar> WithSimd for Place<'_, T> {
    type Output = Length;

    #[allow(clippy::inline_always)] // as above
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Length {
        place(self.row, self.mean, self.normalise, self.out)
    }
}

#[allow(clippy::inline_always)] // as above
#[inline(always)]
fn place<T: Scalar>(row: &[T], mean: Option<&Mean<'_>>, normalise: bool, out: &mut [T]) -> Length {
    let (mean, noise) = (mean.map(|mean| mean.row), mean.map_or(0.0, |mean| mean.noise));
    let (own, centred) = squares(row, mean);
    // Squares of ordinary magnitudes; others need the careful length.
    let safe = |square: f64| (1e-200..1e200).contains(&square);
    let (own, length) = if safe(own) && (centred == 0.0 || safe(centred)) {
        (own.sqrt(), centred.sqrt())
    } else {
        (careful(row, None), careful(row, mean))
    };
    if !length.is_finite() {
        return Length::Overflow;
    }
    if length == 0.0
        || (mean.is_some() && length <= ROUNDINGS * (T::EPSILON.to_f64() * own + noise))
    {
        return Length::Zero;
    }
    // A length below the normal numbers has no finite reciprocal: such rows are scaled in two steps.
    let (first, second) = if !normalise {
        (1.0, 1.0)
    } else if length < 1e-290 {
        (1e250, 1.0 / (length * 1e250))
    } else {
        (1.0 / length, 1.0)
    };
    match mean {
        Some(mean) => {
            for ((out, x), mean) in out.iter_mut().zip(row).zip(mean) {
                *out = T::from_f64((x.to_f64() - mean) * first * second);
            }
        }
        None => {
            for (out, x) in out.iter_mut().zip(row) {
                *out = T::from_f64(x.to_f64() * first * second);
            }
        }
    }
    Length::Of(length)
}

/// Sums of squares of a row and of the centred row, in independent lanes that become vector registers.
#[allow(clippy::inline_always)] // as above
#[inline(always)]
fn squares<T: Scalar>(row: &[T], mean: Option<&[f64]>) -> (f64, f64) {
    const LANES: usize = 16;
    let (mut own, mut centred) = ([0.0; LANES], [0.0; LANES]);
    let (chunks, rest) = row.as_chunks::<LANES>();
    let Some(mean) = mean else {
        for chunk in chunks {
            for (own, x) in own.iter_mut().zip(chunk) {
                *own += x.to_f64() * x.to_f64();
            }
        }
        let tail: f64 = rest.iter().map(|x| x.to_f64() * x.to_f64()).sum();
        let own = own.iter().sum::<f64>() + tail;
        return (own, own);
    };
    let (mean_chunks, mean_rest) = mean.as_chunks::<LANES>();
    for (chunk, mean) in chunks.iter().zip(mean_chunks) {
        for lane in 0..LANES {
            let x = chunk[lane].to_f64();
            let c = x - mean[lane];
            own[lane] += x * x;
            centred[lane] += c * c;
        }
    }
    for (lane, (x, mean)) in rest.iter().zip(mean_rest).enumerate() {
        let x = x.to_f64();
        own[lane] += x * x;
        centred[lane] += (x - mean) * (x - mean);
    }
    (own.iter().sum(), centred.iter().sum())
}

/// The length of a row whose squares may overflow or vanish.
#[cold]
fn careful<T: Scalar>(row: &[T], mean: Option<&[f64]>) -> f64 {
    let at = |j: usize| row[j].to_f64() - mean.map_or(0.0, |mean| mean[j]);
    let largest = (0..row.len()).map(|j| at(j).abs()).fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let sum: f64 = (0..row.len()).map(|j| (at(j) / largest) * (at(j) / largest)).sum();
    largest * sum.sqrt()
}
