use assay_score::{Interval, Mergeable};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{Error, Result};

/// What [`jackknife`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JackknifeReport {
    /// The statistic of all blocks together.
    pub estimate: f64,
    /// `√((B − 1)/B Σ (θ_(b) − mean)²)` over the values without one block.
    pub standard_error: f64,
    /// `(B − 1)(mean θ_(b) − θ)`, what the statistic's bias of order `1/N` is estimated to be.
    pub bias: f64,
    /// `estimate ± t · standard_error`, Student's t with `B − 1` degrees of freedom. Not corrected for
    /// the bias.
    pub interval: Interval,
    /// The statistic without each block in turn.
    pub without: Vec<f64>,
}

/// The uncertainty of any statistic of an accumulator by leaving out one block of data at a time.
///
/// `blocks` are accumulators of disjoint parts of about one size, such as the batches of a corpus. Rows
/// are never repeated, which would lower any diversity: an ordinary bootstrap of rows is biased here.
/// Everything but each block is merged from prefixes and suffixes: `3B` merges, `2B` accumulators of
/// memory.
///
/// # Errors
/// [`Error::TooFewRows`] for fewer than two blocks; [`Error::Setting`] for a level outside `(0, 1)`;
/// those of merging and of the statistic; [`Error::Undefined`] where the statistic is NaN or infinite.
///
/// ```
/// use assay_score::Mergeable;
/// use matrix_entropy::accumulate::{Covariance, jackknife};
/// use ndarray::{Array2, Axis};
/// let rows = Array2::from_shape_fn((40, 3), |(i, j)| ((i * (j + 2)) as f64).sin());
/// let mut blocks = Vec::new();
/// for block in rows.axis_chunks_iter(Axis(0), 8) {
///     let mut covariance = Covariance::new(3)?;
///     covariance.update(block)?;
///     blocks.push(covariance);
/// }
/// let report = jackknife(&blocks, 0.95, |c| Ok(c.finish()?.entropy()))?;
/// assert!(report.interval.contains(report.estimate) && report.standard_error > 0.0);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn jackknife<A>(
    blocks: &[A],
    level: f64,
    statistic: impl Fn(&A) -> Result<f64>,
) -> Result<JackknifeReport>
where
    A: Mergeable<Error = Error> + Clone,
{
    const OPERATION: &str = "jackknife over blocks";
    let count = blocks.len();
    let [first, .., last] = blocks else {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 2, got: count });
    };
    if !(level > 0.0 && level < 1.0) {
        let (name, expected) = ("level", "between 0 and 1");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: level });
    }
    let of = |accumulator: &A| {
        let value = statistic(accumulator)?;
        if value.is_finite() {
            return Ok(value);
        }
        let reason = "the statistic is not finite";
        Err(Error::Undefined { operation: OPERATION, reason })
    };
    // after[b] holds everything from block b + 1 on, `None` for the last.
    let mut after = vec![None; count];
    let mut suffix = last.clone();
    for b in (0..count - 1).rev() {
        after[b] = Some(suffix.clone());
        let mut longer = blocks[b].clone();
        longer.merge(&suffix)?;
        suffix = longer;
    }
    let estimate = of(&suffix)?;
    let mut without = Vec::with_capacity(count);
    let mut before: Option<A> = None;
    for (block, after) in blocks.iter().zip(after) {
        let rest = match (before.clone(), after) {
            (Some(mut before), Some(after)) => {
                before.merge(&after)?;
                before
            }
            (Some(rest), None) | (None, Some(rest)) => rest,
            (None, None) => first.clone(),
        };
        without.push(of(&rest)?);
        before = Some(match before {
            Some(mut before) => {
                before.merge(block)?;
                before
            }
            None => block.clone(),
        });
    }
    let b = count as f64;
    let mean = without.iter().sum::<f64>() / b;
    let squares: f64 = without.iter().map(|v| (v - mean) * (v - mean)).sum();
    let standard_error = ((b - 1.0) / b * squares).sqrt();
    let t = StudentsT::new(0.0, 1.0, b - 1.0)
        .map_or(f64::INFINITY, |student| student.inverse_cdf(f64::midpoint(1.0, level)));
    let half = t * standard_error;
    Ok(JackknifeReport {
        estimate,
        standard_error,
        bias: (b - 1.0) * (mean - estimate),
        interval: Interval { lower: estimate - half, upper: estimate + half, level },
        without,
    })
}
