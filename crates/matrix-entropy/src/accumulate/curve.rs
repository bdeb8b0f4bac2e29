use assay_array::Scalar;
use assay_array::random::{below, stream};
use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use crate::{Conventions, Error, Result, Spectrum};

/// The entropy of subsamples of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CurvePoint {
    /// Rows drawn.
    pub rows: usize,
    /// The mean entropy over draws, nats.
    pub entropy: f64,
    /// The standard deviation between draws; `None` for one.
    pub standard_deviation: Option<f64>,
    /// What no entropy of so many rows exceeds.
    pub cap: f64,
    /// Draws.
    pub draws: usize,
}

/// The entropy of random subsamples without replacement, for each size: the plug-in entropy grows with
/// `N`, and a curve that still rises at the last size says that the number is not yet the population's.
///
/// Draw `r` of size `n` comes from the stream `(seed, "subsample", r)`, so smaller samples are part of
/// larger ones.
///
/// # Errors
/// [`Error::Setting`] for a size above the number of rows or no draws; those of [`Spectrum::of`].
///
/// ```
/// use matrix_entropy::Conventions;
/// use matrix_entropy::accumulate::subsample_curve;
/// use ndarray::Array2;
/// let x = Array2::from_shape_fn((60, 8), |(i, j)| ((i * i * (j + 1)) as f64).sin());
/// let curve = subsample_curve(x.view(), Conventions::paper(), &[5, 20, 60], 4, 7)?;
/// assert!(curve[0].entropy < curve[1].entropy && curve[1].entropy < curve[2].entropy);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn subsample_curve<T: Scalar>(
    x: ArrayView2<'_, T>,
    conventions: Conventions,
    sizes: &[usize],
    draws: usize,
    seed: u64,
) -> Result<Vec<CurvePoint>> {
    const OPERATION: &str = "subsample curve";
    let n = x.nrows();
    let setting = |name, expected, got: usize| {
        Err(Error::Setting { operation: OPERATION, name, expected, got: got as f64 })
    };
    if draws == 0 {
        return setting("draws", "one or more", draws);
    }
    if let Some(&size) = sizes.iter().find(|&&size| size > n) {
        return setting("sizes", "no larger than the number of rows", size);
    }
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let orders: Vec<Vec<usize>> = (0..draws)
        .map(|draw| {
            // The beginning of a Fisher-Yates shuffle.
            let mut rng = stream(seed, "subsample", draw as u64);
            let mut places: Vec<usize> = (0..n).collect();
            for i in 0..largest.min(n.saturating_sub(1)) {
                places.swap(i, i + below(&mut rng, n - i));
            }
            places
        })
        .collect();
    sizes
        .iter()
        .map(|&size| {
            let spectra: Vec<Spectrum> = orders
                .par_iter()
                .map(|order| Spectrum::of(x.select(Axis(0), &order[..size]).view(), conventions))
                .collect::<Result<_>>()?;
            let count = draws as f64;
            let entropies: Vec<f64> = spectra.iter().map(Spectrum::entropy).collect();
            let mean = entropies.iter().sum::<f64>() / count;
            let squares: f64 = entropies.iter().map(|h| (h - mean) * (h - mean)).sum();
            Ok(CurvePoint {
                rows: size,
                entropy: mean,
                standard_deviation: (draws > 1).then(|| (squares / (count - 1.0)).sqrt()),
                cap: spectra.first().map_or(0.0, Spectrum::cap),
                draws,
            })
        })
        .collect()
}
