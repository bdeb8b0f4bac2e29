//! Does the model know what it knows?
//!
//! A classifier that says 90 % should be right nine times out of ten. This crate measures whether it
//! is, repairs what is not, and makes prediction sets that hold the truth as often as promised.
//!
//! # Logits and probabilities
//! [`Logits`] and [`Probs`] are different types, checked once: the users' classic bug, a softmax taken
//! twice or not at all, does not compile. Both borrow `f32` or `f64` arrays `[samples, classes]`.
//! [`BinaryForecasts`] are binary: probabilities of events, and whether they came true.
//!
//! # Measure
//! ```
//! use dac_calibration::{Binning, EdgeRule, Logits, MassRule};
//! use ndarray::array;
//!
//! let z = array![[4.0_f32, 0.0], [0.0, 3.0], [1.0, 0.5], [2.0, 0.0]];
//! let labels = [0, 1, 1, 0];
//! let logits = Logits::new(z.view())?;
//!
//! // Accuracy, confidence, NLL, Brier score and reliability bins in one pass.
//! let overview = logits.overview(&labels, 15)?;
//! assert_eq!(overview.accuracy, 0.75);
//!
//! // Any measure, with its conventions said aloud.
//! let top = logits.top_label(&labels)?;
//! let bins = top.reliability(&Binning::equal_width(10).with_edge_rule(EdgeRule::RightClosed))?;
//! println!("ECE {}, MCE {}", bins.ece(), bins.mce());
//! let mass = Binning::equal_mass(2).with_mass_rule(MassRule::SplitTies);
//! println!("adaptive, debiased: {}", top.reliability(&mass)?.debiased_l2());
//! println!("without bins: {:?}", top.smooth_ece(Default::default())?);
//! println!("p-values: {:?}", top.cumulative_test());
//! # Ok::<(), dac_calibration::Error>(())
//! ```
//! | question | measure |
//! |---|---|
//! | how far off is the confidence? | [`Reliability::ece`], [`BinaryForecasts::smooth_ece`] |
//! | at worst? | [`Reliability::mce`], [`CumulativeTest::ks`](measures::CumulativeTest::ks) |
//! | more than chance explains? | [`BinaryForecasts::cumulative_test`], [`BinaryForecasts::spiegelhalter`], [`Reliability::debiased_l2`] |
//! | for every class? | [`Probs::classwise`] |
//! | far from the training data? | [`BinaryForecasts::piece`] |
//! | what could recalibration gain? | [`BinaryForecasts::corp_brier`], [`BinaryForecasts::murphy`] |
//! | does confidence rank? | [`BinaryForecasts::auroc`], [`BinaryForecasts::risk_coverage`] |
//! | regression? | [`measures::regression`] |
//! | how sure is the measure? | [`BinaryForecasts::bootstrap`] |
//!
//! # Repair
//! Every calibrator implements [`Calibrator`]: `fit` on held-out samples, `transform`, and a
//! [`FitReport`] that says whether it converged, what it gained, and what a user should know.
//!
//! | calibrator | for |
//! |---|---|
//! | [`Temperature`] | the first to try: one number, predictions unchanged |
//! | [`EnsembleTemperature`], [`MultiIsotonic`], [`Spline`] | more shape, predictions (nearly) unchanged |
//! | [`Vector`], [`Matrix`], [`Dirichlet`] | classes off in different ways, with samples enough |
//! | [`Platt`], [`Beta`], [`Isotonic`], [`Histogram`], [`Bbq`], [`VennAbers`] | every class against the rest |
//! | [`DensityRatio`], [`BinMeanShift`] | confidence off where samples are rare |
//! | [`DistanceAware`] | new classes after tuning a vision-language model: no labels needed |
//!
//! # Promise
//! [`conformal`] makes sets and intervals that hold the truth with a chosen probability.
//!
//! # Count without end
//! [`streaming`] has accumulators that merge to the last bit, for more predictions than fit anywhere.
//!
//! # Features
//! - `flex` (default), `ndarray`, `wgpu`, `cuda`: burn backends; any of them brings the module
//!   `tensor`.
//! - `serde`: settings, fitted calibrators and reports are serialised.
//! - `pictures`: the module `pictures` draws reliability diagrams and their like.
//!
//! No function panics on any input, and no result holds a NaN: what is not defined is an [`Error`] or
//! `None`.
#![forbid(unsafe_code)]
// Every calibrator takes its settings by reference, however small they are.
#![allow(clippy::trivially_copy_pass_by_ref)]

mod binning;
mod calibrator;
mod calibrators;
pub mod conformal;
mod distance_aware;
#[cfg(doctest)]
mod doc_tests;
mod error;
mod features;
mod forecasts;
mod kernel;
pub mod measures;
mod optimise;
mod outputs;
#[cfg(feature = "pictures")]
pub mod pictures;
mod reliability;
pub mod streaming;
#[cfg(feature = "burn")]
pub mod tensor;

pub use binning::{Binning, EdgeRule, MassRule};
pub use calibrator::{Calibrator, FitReport, Objective, Predictions, Quality, Warning};
pub use calibrators::*;
pub use distance_aware::{BASE_GUARD, DistanceAware, DistanceAwareConfig, TextFeatures};
pub use error::{Error, Result};
pub use features::{Metric, Normalisation, Proximity, ProximityConfig, UNIT_TOLERANCE};
pub use forecasts::BinaryForecasts;
pub use measures::Overview;
pub use outputs::{LOG_FLOOR, Logits, Probs, SUM_TOLERANCE};
pub use reliability::{Bin, Reliability};
