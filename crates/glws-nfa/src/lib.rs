//! Learning from weak supervision over automata: exact, fast, differentiable.
#![forbid(unsafe_code)]

mod algebra;
mod bags;
mod constraint;
#[cfg(doctest)]
mod doc_tests;
mod draw;
mod error;
mod kernel;
mod languages;
mod marginals;
mod nfa;
pub mod openfst;
pub mod regex;
#[cfg(feature = "serde")]
mod serialise;
#[cfg(feature = "burn")]
pub mod tensor;
mod weak_labels;

pub use algebra::DEFAULT_STATE_CAP;
pub use bags::Bags;
pub use constraint::{Constraint, Infeasible};
pub use error::{Error, Result};
pub use languages::Parity;
pub use marginals::{Marginals, Outcome, count_distribution, cross_entropy, marginals};
pub use nfa::{MAX_STATES, Nfa, NfaArc, NfaBuilder};
pub use regex::{Alphabet, Regex, RegexError, RegexErrorKind};
pub use weak_labels::WeakLabels;
