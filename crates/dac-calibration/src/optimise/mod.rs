//! Minimising smooth functions of one, a few, and many parameters.

mod lbfgs;
mod newton;
mod scalar;

pub(crate) use lbfgs::{Minimum, lbfgs};
pub(crate) use newton::newton;
pub(crate) use scalar::golden_section;
