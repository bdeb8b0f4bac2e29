//! The pieces of robust training: losses on adversarial examples, mixing of samples, schedules.
//!
//! They are functions from a batch to a loss tensor, for any loop around `backward` and an optimiser;
//! the penalty of [`Penalty`](super::Penalty) adds to each.

mod beta;
mod losses;
mod mix;
mod schedule;

pub use losses::{Method, RobustLoss, RobustTraining, soft_cross_entropy};
pub use mix::{Mixed, Mixing};
pub use schedule::Schedule;
