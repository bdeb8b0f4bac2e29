//! Short bags with some or none of a class, a bag in each lane; the closed forms of
//! [`presence`](super::super::presence).
//!
//! With `linear = Σ max(z, 0)` and `E = Π(1 + e^{−|z|}) − 1` a bag has none with probability
//! `u = e^{−linear} / (1 + E)`, and some with probability `1 − u = (E + 1 − e^{−linear}) / (1 + E)`: a
//! quotient of sums of positive terms, exact for likely and for unlikely bags.

use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};

use super::super::binary::{self, LANES, lanes, log_odds, restore};
use super::super::ln::{ln, ln_1p};
use super::super::presence::RARE;
use super::Job;

/// Bags up to this length go side by side; longer ones fill the lanes on their own. At most 2^64 stays
/// far below the largest number.
pub(super) const LONGEST: usize = 64;

/// What the lanes work in.
#[derive(Debug, Default)]
pub(crate) struct Buffers<T> {
    z: Vec<T>,
    p: Vec<T>,
}

/// `log Z` of each job, and its posterior; `None` for those that must run alone.
pub(super) fn posteriors<T: Scalar>(
    jobs: &mut [Job<'_, T>],
    classes: usize,
    buffers: &mut Buffers<T>,
    binary: &mut binary::Buffers<T>,
) -> [Option<f64>; LANES] {
    Arch::new().dispatch(Presence { jobs, classes, buffers, binary })
}

struct Presence<'j, 'a, T> {
    jobs: &'j mut [Job<'a, T>],
    classes: usize,
    buffers: &'j mut Buffers<T>,
    binary: &'j mut binary::Buffers<T>,
}

impl<T: Scalar> WithSimd for Presence<'_, '_, T> {
    type Output = [Option<f64>; LANES];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> [Option<f64>; LANES] {
        let Self { jobs, classes, buffers: Buffers { z, p }, binary } = self;
        let steps = jobs.iter().map(|job| job.logits.len() / classes).max().unwrap_or(0);
        z.clear();
        z.resize(steps * LANES, T::NEG_INFINITY);
        p.resize(steps * LANES, T::ZERO);
        let mut of = [(0, true); LANES];
        for (k, (job, of)) in jobs.iter_mut().zip(&mut of).enumerate() {
            *of = match *job.constraint {
                crate::Constraint::Present { class } => (class, true),
                crate::Constraint::Absent { class } => (class, false),
                _ => continue,
            };
            let length = job.logits.len() / classes;
            if classes == 2 {
                binary::gather(z, k, job.logits, of.0 == 1);
                continue;
            }
            log_odds(job.logits, classes, of.0, &mut binary.z, job.rows);
            for (cell, &odds) in z.iter_mut().skip(k).step_by(LANES).zip(&binary.z[..length]) {
                *cell = odds;
            }
        }
        let mut linear = [0.0; LANES];
        let mut excess = [0.0; LANES];
        let mut highest = [T::NEG_INFINITY; LANES];
        for (z, p) in z.chunks_exact(LANES).zip(p.chunks_exact_mut(LANES)) {
            let z = lanes(z);
            for k in 0..LANES {
                let e = (-z[k].abs()).exp_branchless();
                let likely = T::ONE / (T::ONE + e);
                p[k] = if z[k] >= T::ZERO { likely } else { e * likely };
                highest[k] = if z[k] > highest[k] { z[k] } else { highest[k] };
                linear[k] += z[k].to_f64().max(0.0);
                let e = e.to_f64();
                excess[k] = excess[k] * e + (excess[k] + e);
            }
        }
        let mut scale = [0.0; LANES];
        let mut some = [0.0; LANES];
        let mut none = [0.0; LANES];
        for k in 0..LANES {
            let bound = (-linear[k]).exp_branchless();
            let all = 1.0 + excess[k];
            let z = (excess[k] + (1.0 - bound)) / all;
            let u = bound / all;
            // Where some is likely, ln(1 − u); else ln Z itself.
            let near = ln_1p(-u.min(0.5));
            some[k] = if u < 0.5 { near } else { ln(z) };
            scale[k] = 1.0 / z;
            none[k] = -(linear[k] + ln_1p(excess[k]));
        }
        let mut log_z = [None; LANES];
        for (k, job) in jobs.iter_mut().enumerate() {
            let (class, present) = of[k];
            if present && highest[k].to_f64() < RARE {
                continue; // the probabilities may be too small for the element type
            }
            let length = job.logits.len() / classes;
            let scale = if present { scale[k] } else { 0.0 };
            let p = p[..length * LANES].iter().skip(k).step_by(LANES);
            let gamma = p.map(|p| T::from_f64((p.to_f64() * scale).min(1.0)));
            restore(job.rows, classes, class, gamma);
            log_z[k] = Some(if present { some[k] } else { none[k] });
        }
        log_z
    }
}
