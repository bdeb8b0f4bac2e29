//! The standard error of a mean, with items that are independent or come in clusters.

use assay_array::Scalar;

use super::{finite, mean, variance};
use crate::{Clusters, Error, Result};

/// How the sum over clusters is corrected for small numbers of them.
///
/// With `d_i = x_i − x̄`, `n` items and `C` clusters:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ClusterCorrection {
    /// `SE² = n⁻² Σ_c (Σ_{i∈c} d_i)² · C/(C − 1)`, as inspect_ai and most econometrics software.
    #[default]
    Clusters,
    /// `SE² = n⁻² Σ_c (Σ_{i∈c} d_i)²` (Miller 2024, arXiv 2411.00640): too small for few clusters.
    None,
    /// `SE² = Σ d_i² / (n (n − 1)) + n⁻² Σ_c [(Σ_{i∈c} d_i)² − Σ_{i∈c} d_i²]`: the independent form plus
    /// the products within clusters; agrees with [`standard_error`] for clusters of one.
    Items,
}

/// `√(Σ (x_i − x̄)² / (n (n − 1)))` for independent items.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two values, [`Error::Value`] for one that is not finite.
pub fn standard_error<T: Scalar>(values: &[T]) -> Result<f64> {
    let values = finite("standard error", values, 2)?;
    Ok((variance(&values) / values.len() as f64).sqrt())
}

/// The standard error of a mean of items that depend on each other within clusters, such as several
/// answers to one prompt: treating them as independent makes it too small.
///
/// ```
/// use assay_score::{Clusters, statistics::{ClusterCorrection, clustered_standard_error}};
/// let scores = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0];
/// let clusters = Clusters::new(&["a", "a", "b", "b", "c", "c", "d", "d"]);
/// let error = clustered_standard_error(&scores, &clusters, ClusterCorrection::Items)?;
/// assert!((error - 0.2171497597).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] unless there is a value for each clustered item, [`Error::TooFew`] for fewer
/// than two clusters (whose error nothing can tell), [`Error::Value`] for a value that is not finite.
pub fn clustered_standard_error<T: Scalar>(
    values: &[T],
    clusters: &Clusters,
    correction: ClusterCorrection,
) -> Result<f64> {
    let operation = "clustered standard error";
    let (expected, got) = (clusters.items(), values.len());
    if expected != got {
        return Err(Error::Length { operation, items: "values", expected, got });
    }
    let values = finite(operation, values, 0)?;
    let groups = clusters.len();
    if groups < 2 {
        return Err(Error::TooFew { operation, items: "clusters", needed: 2, got: groups });
    }
    let (n, center) = (values.len() as f64, mean(&values));
    let (mut between, mut within) = (0.0, 0.0);
    for cluster in clusters.iter() {
        let deviations = || cluster.iter().map(|&i| values[i] - center);
        between += deviations().sum::<f64>().powi(2);
        within += deviations().map(|d| d * d).sum::<f64>();
    }
    let square = match correction {
        ClusterCorrection::None => between / (n * n),
        ClusterCorrection::Clusters => between / (n * n) * (groups as f64 / (groups as f64 - 1.0)),
        ClusterCorrection::Items => within / (n * (n - 1.0)) + (between - within) / (n * n),
    };
    Ok(square.max(0.0).sqrt())
}
