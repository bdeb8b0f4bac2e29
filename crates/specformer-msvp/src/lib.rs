//! Robustness that can be trained, attacked and proved.
//!
//! Three questions about a classifier, and where their answers are:
//!
//! - *How far may an input move before the answer can change?* [`lipschitz`] derives constants layer by
//!   layer from [`spectral`] norms that are really upper bounds; a margin makes a radius of them.
//! - *How far need it not move?* [`attack`] has the adversaries, up to the standard ensemble.
//! - *How does one train so that the two come closer?* [`msvp`] is the penalty on the largest singular
//!   values of attention's weights (Hu et al. 2024, *SpecFormer*); on burn, the module `tensor` has it
//!   for any model with attention, a vision transformer, and the losses of robust training.
//!
//! Everything that needs no tensors works on `ndarray` views:
//!
//! ```
//! use ndarray::array;
//! use specformer_msvp::attack::{Attack, Batch, Norm, Pgd, Threat};
//! use specformer_msvp::lipschitz::{Derivation, certified_radius};
//! use specformer_msvp::{Classifier, Knowledge, LinearClassifier, evaluate};
//!
//! let w = array![[1.0_f64, 0.2], [0.1, 1.0]];
//! let model = LinearClassifier::new(w.clone(), array![0.0, 0.0])?;
//! let (x, labels) = (array![[0.9, 0.1], [0.4, 0.6]], [0, 1]);
//!
//! // What is proved: no change shorter than the radius changes the answer.
//! let certificate = Derivation::global().linear("head", w.view())?.finish();
//! println!("{certificate}");
//! let radii: Vec<f64> = model
//!     .logits(x.view())?
//!     .outer_iter()
//!     .zip(labels)
//!     .map(|(z, y)| certified_radius(&z.to_vec(), y, certificate.value))
//!     .collect::<Result<_, _>>()?;
//!
//! // What an adversary achieves, and both beside one another.
//! let pgd = Pgd::new(20);
//! let knowledge = Knowledge { certified: Some(&radii), ..Knowledge::default() };
//! let threat = Threat::new(Norm::L2, 0.0);
//! let sizes = [0.05, 0.2, 0.8];
//! let found = evaluate(&model, x.view(), &labels, &[&pgd], &threat, &sizes, &knowledge)?;
//! assert!(found.evaluation.violations.is_empty()); // certified ≤ attacked ≤ clean
//! # Ok::<(), specformer_msvp::Error>(())
//! ```
//!
//! # Features
//! `burn` with the backends `flex` (default), `ndarray`, `wgpu` and `cuda`; `report` (default): an
//! [`Evaluation`] as JSON, Markdown and a page; `serde`: every state, setting and result.
//!
//! No function panics on any input; [`Error`] says what was expected and what came. The book's chapter
//! says what is proved and what is not.
#![forbid(unsafe_code)]

pub mod attack;
mod bound;
mod classifier;
mod error;
mod evaluation;
mod kernel;
pub mod lipschitz;
pub mod msvp;
#[cfg(feature = "report")]
pub mod report;
pub mod spectral;
#[cfg(feature = "burn")]
pub mod tensor;

pub use bound::{CertifiedUpper, LowerBound};
pub use classifier::{Classifier, LinearClassifier, Normalized, Weigh};
pub use error::{Error, Result};
pub use evaluation::{AttackCurve, Evaluated, Evaluation, Knowledge, evaluate};
