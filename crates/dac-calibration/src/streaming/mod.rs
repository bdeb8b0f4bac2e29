//! Calibration of more predictions than fit anywhere: accumulators that merge.
//!
//! Each is a [`Mergeable`](assay_score::Mergeable): update it with batches on any number of machines,
//! store it as bytes, merge in any order, read the report. Counts and sums are whole numbers
//! underneath (a confidence is a multiple of 2^-50, a log loss of 2^-40), so that every order and
//! every split gives **the same bits**, for up to `2^53` forecasts.
//!
//! | accumulator | takes | reports |
//! |---|---|---|
//! | [`ForecastCounts`] | binary forecasts | [`Reliability`](crate::Reliability), Brier score, log loss |
//! | [`PredictionCounts`] | class probabilities and labels | [`Overview`](crate::Overview) and class-wise bins |
//! | [`PieceCounts`] | forecasts with proximities | reliability by proximity |
//! | [`SmoothCounts`] | binary forecasts | smooth ECE at a fixed width |
//! | [`MassSketch`] | binary forecasts | quantiles with a stated error, equal-mass bins, AUROC and AURC with bounds |
//! | [`IntervalCounts`] | prediction intervals | coverage |
//!
//! ```
//! use assay_score::Mergeable;
//! use dac_calibration::{Binning, BinaryForecasts, streaming::ForecastCounts};
//! let mut here = ForecastCounts::new(&Binning::equal_width(15))?;
//! here.update(BinaryForecasts::new(&[0.9, 0.6], &[true, false])?)?;
//! let mut there = ForecastCounts::new(&Binning::equal_width(15))?;
//! there.update(BinaryForecasts::new(&[0.7], &[true])?)?;
//! here.merge(&ForecastCounts::from_bytes(&there.to_bytes())?)?;
//! assert_eq!(here.finish()?.reliability.count, 3);
//! # Ok::<(), dac_calibration::Error>(())
//! ```

mod cells;
mod forecasts;
mod intervals;
mod mass;
mod piece;
mod predictions;
mod smooth;

pub use forecasts::{ForecastCounts, ForecastReport};
pub use intervals::{IntervalBatch, IntervalCounts};
pub use mass::{Bounds, MassReport, MassSketch};
pub use piece::{PieceBatch, PieceCounts};
pub use predictions::{Labelled, PredictionCounts, PredictionReport};
pub use smooth::SmoothCounts;
