//! Feature vectors: checked, of unit length where that is needed, and how close they are.

use assay_array::Scalar;
use ndarray::{ArrayView2, CowArray, Ix2};

use crate::kernel::row::all_finite;
use crate::kernel::{dot, knn};
use crate::{Error, Result};

/// How far the norm of a unit vector may be from 1: half precision is off by about this.
pub const UNIT_TOLERANCE: f64 = 1e-3;

/// The distance between feature vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Metric {
    /// Euclidean, `‖a − b‖`, in `[0, 2]` on unit vectors.
    #[default]
    Euclidean,
    /// Cosine, `1 − cos(a, b) = ‖a − b‖²/2` on unit vectors, in `[0, 2]`.
    Cosine,
}

/// What happens to feature vectors that are not of unit length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Normalisation {
    /// They are an error: the norm must be 1 within [`UNIT_TOLERANCE`].
    #[default]
    Require,
    /// They are divided by their norm, which must not be 0.
    Normalise,
    /// They are taken as they are; only for the Euclidean metric on features that are no directions.
    AsGiven,
}

/// Checks a feature matrix and applies the rule.
pub(crate) fn prepared<'a, T: Scalar>(
    operation: &'static str,
    features: ArrayView2<'a, T>,
    rule: Normalisation,
) -> Result<CowArray<'a, T, Ix2>> {
    for (row, values) in features.outer_iter().enumerate() {
        if values.as_slice().is_some_and(all_finite) {
            continue;
        }
        if let Some(column) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                operation,
                row,
                column,
                value: values[column].to_f64(),
            });
        }
    }
    if rule == Normalisation::AsGiven {
        return Ok(features.into());
    }
    let norms: Vec<f64> = features.outer_iter().map(|row| dot(row, row).sqrt()).collect();
    if rule == Normalisation::Require {
        let expected = "rows of unit length (or Normalisation::Normalise)";
        return match norms.iter().position(|norm| (norm - 1.0).abs() > UNIT_TOLERANCE) {
            Some(row) => Err(Error::Norm { operation, expected, row, norm: norms[row] }),
            None => Ok(features.into()),
        };
    }
    let (expected, usable) =
        ("rows that have a direction", |norm: &f64| *norm > 0.0 && norm.is_finite());
    if let Some(row) = norms.iter().position(|norm| !usable(norm)) {
        return Err(Error::Norm { operation, expected, row, norm: norms[row] });
    }
    let mut unit = features.to_owned();
    for (mut row, norm) in unit.outer_iter_mut().zip(norms) {
        row.mapv_inplace(|value| T::from_f64(value.to_f64() / norm));
    }
    Ok(unit.into())
}

/// The distance from a squared Euclidean one.
fn distance(metric: Metric, squared: f64) -> f64 {
    match metric {
        Metric::Euclidean => squared.sqrt(),
        Metric::Cosine => squared / 2.0,
    }
}

/// Proximity of every query and the distance of its nearest neighbour.
pub(crate) struct Proximities {
    pub(crate) values: Vec<f64>,
    pub(crate) nearest: Vec<f64>,
}

/// `exp(−(1/K) Σ_{k≤K} d_(k))` over the `K` nearest rows of `reference`.
pub(crate) fn proximities<T: Scalar>(
    operation: &'static str,
    queries: ArrayView2<'_, T>,
    reference: ArrayView2<'_, T>,
    k: usize,
    metric: Metric,
    excluded: impl Fn(usize) -> Option<usize> + Sync,
) -> Result<Proximities> {
    let squared = knn::nearest(operation, queries, reference, k, excluded)?;
    let row = |row: ndarray::ArrayView1<'_, f64>| {
        let mean = row.iter().map(|&d| distance(metric, d)).sum::<f64>() / k as f64;
        // The guard is always Euclidean.
        ((-mean).exp(), row.iter().next().map_or(f64::INFINITY, |d| d.sqrt()))
    };
    let (values, nearest) = squared.outer_iter().map(row).unzip();
    Ok(Proximities { values, nearest })
}

/// How close samples lie to those a calibrator is fitted on.
///
/// `exp(−(1/K) Σ_{k≤K} d_(k))`, with `d_(k)` the distance to the `k`-th nearest reference row: near 1
/// amid them, towards 0 far away. `K` is lowered to the number of rows there are.
///
/// ```
/// use dac_calibration::ProximityConfig;
/// use ndarray::array;
/// let reference = array![[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]];
/// let proximity = ProximityConfig::new().with_k(1).init()?;
/// let found = proximity.of(array![[1.0, 0.0], [-1.0, 0.0]].view(), reference.view())?;
/// assert!(found[0] == 1.0 && found[1] < 0.3);
/// # Ok::<(), dac_calibration::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProximityConfig {
    k: usize,
    metric: Metric,
    normalisation: Normalisation,
}

impl Default for ProximityConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl ProximityConfig {
    /// Five neighbours, Euclidean, unit vectors required.
    pub fn new() -> Self {
        Self { k: 5, metric: Metric::default(), normalisation: Normalisation::default() }
    }

    /// Sets the number of neighbours.
    #[must_use]
    pub fn with_k(self, k: usize) -> Self {
        Self { k, ..self }
    }

    /// Sets the metric.
    #[must_use]
    pub fn with_metric(self, metric: Metric) -> Self {
        Self { metric, ..self }
    }

    /// Sets what happens to vectors that are not of unit length.
    #[must_use]
    pub fn with_normalisation(self, normalisation: Normalisation) -> Self {
        Self { normalisation, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no neighbours, or the cosine metric on vectors as given.
    pub fn init(self) -> Result<Proximity> {
        check_k(self.k)?;
        check_metric(self.metric, self.normalisation)?;
        Ok(Proximity(self))
    }
}

pub(crate) fn check_k(k: usize) -> Result<()> {
    if k == 0 {
        return Err(Error::Parameter { name: "k", expected: "at least one neighbour", got: 0.0 });
    }
    Ok(())
}

pub(crate) fn check_metric(metric: Metric, normalisation: Normalisation) -> Result<()> {
    if metric == Metric::Cosine && normalisation == Normalisation::AsGiven {
        let (name, expected) = ("normalisation", "unit vectors for the cosine metric");
        return Err(Error::Parameter { name, expected, got: f64::NAN });
    }
    Ok(())
}

/// A checked [`ProximityConfig`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proximity(ProximityConfig);

impl Proximity {
    /// The proximity of every query row to the reference rows; both `[rows, width]`.
    ///
    /// # Errors
    /// [`Error::Empty`] for no reference rows or no width, [`Error::Shape`] for different widths,
    /// [`Error::NotFinite`], [`Error::Norm`].
    pub fn of<T: Scalar>(
        &self,
        queries: ArrayView2<'_, T>,
        reference: ArrayView2<'_, T>,
    ) -> Result<Vec<f64>> {
        self.compute(queries, reference, |_| None, reference.nrows())
    }

    /// The proximity of every row to the other rows: leave-one-out, as calibration samples need.
    ///
    /// # Errors
    /// As [`of`](Self::of), and [`Error::TooFew`] for a single row.
    pub fn among<T: Scalar>(&self, features: ArrayView2<'_, T>) -> Result<Vec<f64>> {
        if features.nrows() == 1 {
            let (items, needed, got) = ("rows", 2, 1);
            return Err(Error::TooFew { operation: "proximity among rows", items, needed, got });
        }
        self.compute(features, features, Some, features.nrows().saturating_sub(1))
    }

    fn compute<T: Scalar>(
        &self,
        queries: ArrayView2<'_, T>,
        reference: ArrayView2<'_, T>,
        excluded: impl Fn(usize) -> Option<usize> + Sync,
        others: usize,
    ) -> Result<Vec<f64>> {
        let operation = "proximity [rows, width]";
        check_widths(operation, queries, reference)?;
        let queries = prepared("proximity: queries", queries, self.0.normalisation)?;
        let reference = prepared("proximity: reference", reference, self.0.normalisation)?;
        let k = self.0.k.min(others);
        Ok(proximities(operation, queries.view(), reference.view(), k, self.0.metric, excluded)?
            .values)
    }
}

/// Checks that there is something to be near to, in the same space.
pub(crate) fn check_widths<T>(
    operation: &'static str,
    queries: ArrayView2<'_, T>,
    reference: ArrayView2<'_, T>,
) -> Result<()> {
    if reference.nrows() == 0 || reference.ncols() == 0 {
        let item = if reference.nrows() == 0 { "reference row" } else { "feature" };
        return Err(Error::Empty { operation, item });
    }
    if queries.ncols() != reference.ncols() {
        let expected = vec![queries.nrows(), reference.ncols()];
        return Err(Error::Shape {
            operation,
            expected,
            got: vec![queries.nrows(), queries.ncols()],
        });
    }
    Ok(())
}
