//! Pairs of two classes in closed form, a pair in each lane.
//!
//! With the log odds `z` of each instance, being similar has
//! `Z = (1 + e^t) / ((1 + e^{z_1}) (1 + e^{z_2}))` and `γ(1) = σ(t)` for `t = z_1 + z_2`; being
//! dissimilar is being similar to the other one's opposite.

use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};

use super::super::ln::ln;
use super::Job;
use crate::Outcome;

/// Pairs side by side: one of the widest vectors of `f64`.
const LANES: usize = 8;

/// Log odds beyond this are as good as infinite, and their sums stay finite.
const LARGEST_ODDS: f64 = 1e150;

/// Writes all outcomes and posteriors. Every job is a pair of two classes.
pub(super) fn posteriors<T: Scalar>(jobs: &mut [Job<'_, T>]) {
    Arch::new().dispatch(Pairs { jobs });
}

struct Pairs<'j, 'a, T> {
    jobs: &'j mut [Job<'a, T>],
}

impl<T: Scalar> WithSimd for Pairs<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for jobs in self.jobs.chunks_mut(LANES) {
            let mut first = [0.0; LANES];
            let mut second = [0.0; LANES];
            let mut similar = [true; LANES];
            for (k, job) in jobs.iter().enumerate() {
                let &[a, b, c, d] = job.logits else { continue };
                similar[k] = matches!(job.constraint, crate::Constraint::Similar);
                first[k] = b.to_f64() - a.to_f64();
                // Being dissimilar is being similar to the other one's opposite.
                let odds = d.to_f64() - c.to_f64();
                second[k] = if similar[k] { odds } else { -odds };
            }
            let mut rest = [0.0; LANES];
            let mut gamma = [0.0; LANES];
            let mut log_z = [0.0; LANES];
            for k in 0..LANES {
                let one = first[k].clamp(-LARGEST_ODDS, LARGEST_ODDS);
                let two = second[k].clamp(-LARGEST_ODDS, LARGEST_ODDS);
                let t = one + two;
                let e = (-t.abs()).exp_branchless();
                let e_one = (-one.abs()).exp_branchless();
                let e_two = (-two.abs()).exp_branchless();
                let likely = 1.0 / (1.0 + e);
                let unlikely = e * likely;
                gamma[k] = if t >= 0.0 { likely } else { unlikely };
                rest[k] = if t >= 0.0 { unlikely } else { likely };
                let linear = t.max(0.0) - one.max(0.0) - two.max(0.0);
                log_z[k] = linear + ln((1.0 + e) / ((1.0 + e_one) * (1.0 + e_two)));
            }
            for (k, job) in jobs.iter_mut().enumerate() {
                *job.outcome = Outcome::Feasible { log_z: log_z[k] };
                let [one_0, one_1, two_0, two_1] = &mut *job.rows else { continue };
                let (no, yes) = (T::from_f64(rest[k]), T::from_f64(gamma[k]));
                (*one_0, *one_1) = (no, yes);
                (*two_0, *two_1) = if similar[k] { (no, yes) } else { (yes, no) };
            }
        }
    }
}
