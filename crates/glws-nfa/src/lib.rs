//! Learning from weak supervision over automata: exact, fast, differentiable.
//!
//! Often nobody knows the label of each instance, but something is known of a *bag* of them: how
//! many are positive, whether any is, whether two are alike. An automaton over the classes states
//! which label sequences agree with that. Given the logits of a classifier, this crate sums over all
//! of them exactly: the probability of what is known, `Z`, whose `−log Z` is a loss, and each
//! instance's posterior `γ`, whose `p − γ` is the loss's gradient (Chen et al. 2024, *A General
//! Framework for Learning from Weak Supervision*).
//!
//! # On the host
//!
//! [`Bags`] is a ragged batch of logits, a [`Constraint`] is what is known of one bag, and
//! [`marginals()`] brings them together:
//!
//! ```
//! use glws_nfa::{Bags, Constraint, Outcome, marginals};
//! use ndarray::array;
//!
//! // Two bags, of three and two instances; class 1 is "a nine".
//! let logits = array![
//!     [1.0_f64, -1.0], [0.0, 0.5], [2.0, -2.0],
//!     [0.3, 0.1], [-0.2, 0.4],
//! ];
//! let bags = Bags::new(logits.view(), &[3, 2])?;
//! let known = [
//!     Constraint::Count { class: 1, count: 1 }, // exactly one nine among the three
//!     Constraint::Present { class: 1 },         // at least one among the two
//! ];
//! let result = marginals(&bags, &known)?;
//!
//! // Exactly one is expected where exactly one is known, and it is most likely the second.
//! let nines = result.posterior.column(1);
//! assert!((nines[0] + nines[1] + nines[2] - 1.0).abs() < 1e-12);
//! assert!(nines[1] > nines[0] && nines[1] > nines[2]);
//!
//! // The loss, and its gradient for whatever made the logits.
//! let loss: f64 = -result.log_z().iter().sum::<f64>();
//! let gradient = result.gradient(&bags)?;
//! assert!(loss > 0.0 && gradient.dim() == logits.dim());
//!
//! // A bag that cannot be is a result of its own, never a NaN in the batch.
//! let result = marginals(&bags, &[Constraint::Count { class: 1, count: 4 }, known[1].clone()])?;
//! assert!(matches!(result.outcomes[0], Outcome::Infeasible(_)));
//! assert!(result.outcomes[1].is_feasible());
//! # Ok::<(), glws_nfa::Error>(())
//! ```
//!
//! Whatever has no constraint of its own is an automaton; [`NfaBuilder`] takes its arcs, with
//! weights where the knowledge is soft:
//!
//! ```
//! use std::sync::Arc;
//!
//! use glws_nfa::{Bags, Constraint, NfaBuilder, marginals};
//! use ndarray::array;
//!
//! // An annotator says "1" and is right nine times out of ten.
//! let noisy = NfaBuilder::new(2, 2)
//!     .initial(0)
//!     .weighted_arc(0, 1, 1, 0.9_f64.ln())
//!     .weighted_arc(0, 0, 1, 0.1_f64.ln())
//!     .accepting(1)
//!     .build()?;
//! let logits = array![[0.0_f64, 0.0]];
//! let bags = Bags::new(logits.view(), &[1])?;
//! let result = marginals(&bags, &[Constraint::Automaton(Arc::new(noisy))])?;
//! assert!((result.posterior[[0, 1]] - 0.9).abs() < 1e-12);
//! # Ok::<(), glws_nfa::Error>(())
//! ```
//!
//! [`Posteriors`] answers what else one may ask of the same bags: the likeliest labels, exact draws, how
//! uncertain the rest is, how often each arc was taken; and [`semiring`] whatever can be summed over
//! paths:
//!
//! ```
//! use glws_nfa::{Bags, Constraint, Posteriors};
//! use ndarray::array;
//!
//! let logits = array![[1.0_f64, -1.0], [0.0, 0.5], [2.0, -2.0]];
//! let bags = Bags::new(logits.view(), &[3])?;
//! let posteriors = Posteriors::new(&bags, &[Constraint::Count { class: 1, count: 1 }])?;
//! let likeliest = &posteriors.k_best(2)?[0];
//! assert_eq!((&likeliest[0].labels[..], &likeliest[1].labels[..]), (&[0, 1, 0][..], &[1, 0, 0][..]));
//! # Ok::<(), glws_nfa::Error>(())
//! ```
//!
//! # Settings
//!
//! [`WeakLabels`] has a constructor for every setting of the paper and some more: partial, complementary,
//! ordinal and noisy labels, confidences, comparisons, proportions, presence, positives and unlabelled.
//! [`WeakLabels::and`] puts two kinds side by side; `tensor::WeakLoss` makes the loss of any of them.
//! [`generate`] makes each from a labelled set, for experiments, and [`compat`] has the published code's
//! numbers where they differ from the mathematics.
//!
//! Counts, presence and pairs run on kernels of their own, which the tests hold equal to the
//! automaton's general forward-backward. Bags run in parallel; any number of threads gives the same
//! bits.
//!
//! # On the GPU
//!
//! With the feature `wgpu` or `cuda`, `tensor::neg_log_z` and the losses of an `f32` tensor on a GPU run
//! there, by two kernels that the tests hold equal to the host's: one for exact counts and one for any
//! automaton. `tensor::neg_log_z_on_gpu` says what they leave to the host.
#![forbid(unsafe_code)]

mod algebra;
mod alignment;
mod bags;
pub mod compat;
mod constraint;
#[cfg(all(doctest, feature = "burn"))]
mod doc_tests;
mod draw;
mod equivalent;
mod error;
pub mod generate;
mod kernel;
mod languages;
mod marginals;
mod nfa;
pub mod openfst;
mod posteriors;
pub mod regex;
pub mod semiring;
#[cfg(feature = "serde")]
mod serialise;
#[cfg(feature = "burn")]
pub mod tensor;
mod weak_labels;

pub use algebra::DEFAULT_STATE_CAP;
pub use alignment::DistributionAlignment;
pub use bags::Bags;
pub use constraint::{Constraint, Infeasible};
pub use error::{Error, Result};
pub use languages::Parity;
pub use marginals::{Marginals, Outcome, count_distribution, cross_entropy, marginals};
pub use nfa::{MAX_STATES, Nfa, NfaArc, NfaBuilder};
pub use posteriors::{Distance, LabelSequence, PathCounts, Posteriors};
pub use regex::{Alphabet, Regex, RegexError, RegexErrorKind};
pub use weak_labels::{Ordinal, WeakLabels, binomial_log_weights};
