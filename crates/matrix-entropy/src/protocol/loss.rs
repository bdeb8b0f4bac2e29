use crate::{Error, Result};

/// The mean loss `−(1/T) Σ log P(u_i | u_<i)` of tokens from the logarithms of their probabilities.
///
/// # Errors
/// [`Error::TooFewRows`] for no token; [`Error::Setting`] for a logarithm that is positive, infinite or
/// NaN.
pub fn mean_loss(log_probabilities: &[f64]) -> Result<f64> {
    const OPERATION: &str = "mean loss";
    if log_probabilities.is_empty() {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 1, got: 0 });
    }
    if let Some(&got) = log_probabilities.iter().find(|&&p| !(p <= 0.0 && p.is_finite())) {
        let (name, expected) = ("log probabilities", "of 0 or less, finite");
        return Err(Error::Setting { operation: OPERATION, name, expected, got });
    }
    Ok(-log_probabilities.iter().sum::<f64>() / log_probabilities.len() as f64)
}

/// The reduced loss `ΔL = L(untrained) − L(trained)` that Diff-eRank is compared with.
///
/// # Errors
/// As [`mean_loss`].
///
/// ```
/// use matrix_entropy::protocol::reduced_loss;
/// let reduced = reduced_loss(&[-10.0, -11.0], &[-2.0, -3.0])?;
/// assert_eq!(reduced, 8.0);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn reduced_loss(untrained: &[f64], trained: &[f64]) -> Result<f64> {
    Ok(mean_loss(untrained)? - mean_loss(trained)?)
}
