//! Semirings whose weights are single numbers.

use super::{PathSemiring, Semiring, Step, log_add};

/// `(ln(e^a + e^b), a + b)` on logarithms: sums over paths that neither under- nor overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Log;

impl Semiring for Log {
    type Weight = f64;

    fn zero(&self) -> f64 {
        f64::NEG_INFINITY
    }
    fn one(&self) -> f64 {
        0.0
    }
    fn plus(&self, a: &f64, b: &f64) -> f64 {
        log_add(*a, *b)
    }
    fn times(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }
}

impl PathSemiring for Log {
    fn step(&self, step: &Step) -> f64 {
        step.log_weight
    }
    fn end(&self, log_weight: f64) -> f64 {
        log_weight
    }
}

/// `(max(a, b), a + b)` on logarithms: the heaviest path (Viterbi 1967).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tropical;

impl Semiring for Tropical {
    type Weight = f64;

    fn zero(&self) -> f64 {
        f64::NEG_INFINITY
    }
    fn one(&self) -> f64 {
        0.0
    }
    fn plus(&self, a: &f64, b: &f64) -> f64 {
        a.max(*b)
    }
    fn times(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }
}

impl PathSemiring for Tropical {
    fn step(&self, step: &Step) -> f64 {
        step.log_weight
    }
    fn end(&self, log_weight: f64) -> f64 {
        log_weight
    }
}

/// `(a + b, a · b)` on numbers of 0 or more. Long bags underflow to 0; [`Log`] does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Real;

impl Semiring for Real {
    type Weight = f64;

    fn zero(&self) -> f64 {
        0.0
    }
    fn one(&self) -> f64 {
        1.0
    }
    fn plus(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }
    fn times(&self, a: &f64, b: &f64) -> f64 {
        a * b
    }
}

impl PathSemiring for Real {
    fn step(&self, step: &Step) -> f64 {
        step.log_weight.exp()
    }
    fn end(&self, log_weight: f64) -> f64 {
        log_weight.exp()
    }
}

/// `(a or b, a and b)`: whether there is a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Boolean;

impl Semiring for Boolean {
    type Weight = bool;

    fn zero(&self) -> bool {
        false
    }
    fn one(&self) -> bool {
        true
    }
    fn plus(&self, a: &bool, b: &bool) -> bool {
        *a || *b
    }
    fn times(&self, a: &bool, b: &bool) -> bool {
        *a && *b
    }
}

impl PathSemiring for Boolean {
    fn step(&self, step: &Step) -> bool {
        step.log_weight > f64::NEG_INFINITY
    }
    fn end(&self, log_weight: f64) -> bool {
        log_weight > f64::NEG_INFINITY
    }
}

/// `(a + b, a · b)` on whole numbers: how many paths there are. The largest number, `2^128 − 1`, stands
/// for itself and everything above; the laws hold for it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counting;

impl Semiring for Counting {
    type Weight = u128;

    fn zero(&self) -> u128 {
        0
    }
    fn one(&self) -> u128 {
        1
    }
    fn plus(&self, a: &u128, b: &u128) -> u128 {
        a.saturating_add(*b)
    }
    fn times(&self, a: &u128, b: &u128) -> u128 {
        a.saturating_mul(*b)
    }
}

impl PathSemiring for Counting {
    fn step(&self, step: &Step) -> u128 {
        u128::from(step.log_weight > f64::NEG_INFINITY)
    }
    fn end(&self, log_weight: f64) -> u128 {
        u128::from(log_weight > f64::NEG_INFINITY)
    }
}
