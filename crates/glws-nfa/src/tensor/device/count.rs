//! Exact counts: the tilted count recursion of the host's kernel, one cube for each bag.
//!
//! Let `p̃_i = σ(z_i + λ)` with `λ` such that `Σ p̃_i ≈ m`. Then
//!
//! `ln P(m) = ln P̃(m) + Σ_i [softplus(z_i + λ) − softplus(z_i) − λ p̃_i] + λ (Σ_i p̃_i − m)`,
//!
//! where the terms of the first sum are `−KL(p̃_i ‖ p_i)`, all of one sign, so that `f32` will do. The rows
//! of `α` and `β` are probabilities of counts under `p̃`; `P̃(m)` is about `1/(L + 1)` or more, and what
//! underflows beside it matters to nobody, so that they need no scale.

use assay_tensor::cube::cubecl;
use assay_tensor::cube::cubecl::prelude::*;

use super::reduce::{MOST_UNITS, largest, sum};
use super::rows::{LARGEST_ODDS, NO_ODDS, log_odds, logistic, write_binary};

/// Words of a bag's record: first row, length, number, class, count, first cell of its scratch.
const RECORD: usize = 6;

/// Newton's method takes 3 to 6 steps, bisection from the widest bracket some 40.
const MOST_STEPS: u32 = 64;
/// A tilted probability of the wanted count below this means that tilting failed.
const SMALLEST_TOTAL: f32 = 1e-12;

/// Cells that a bag needs: `p̃`, `1 − p̃`, `L` rows of `α`, two of `β`.
pub(super) fn cells(length: usize, count: usize) -> Option<usize> {
    let states = count.min(length.checked_sub(count)?) + 1;
    length.checked_add(2)?.checked_mul(states)?.checked_add(length.checked_mul(2)?)
}

/// Writes `γ`, and for each bag `log Z` and 0, or anything and 1 to pass the bag on to the host.
#[cube(launch)]
pub(super) fn count_kernel(
    logits: &[f32],
    records: &[u32],
    scratch: &mut [f32],
    posterior: &mut [f32],
    summary: &mut [f32],
    classes: usize,
) {
    let record = CUBE_POS_X as usize * RECORD;
    let first = records[record] as usize;
    let length = records[record + 1] as usize;
    let bag = records[record + 2] as usize;
    let class = records[record + 3] as usize;
    let count = records[record + 4] as usize;
    let odds = records[record + 5] as usize;
    let unit = UNIT_POS_X as usize;
    let units = CUBE_DIM_X as usize;
    let mut shared = Shared::<[f32]>::new_slice(MOST_UNITS);

    // The rarer label is counted.
    let flipped = 2 * count > length;
    let mut wanted = count;
    if flipped {
        wanted = length - count;
    }
    let target = f32::cast_from(wanted);

    let mut own_largest = 0.0f32;
    let mut own_sum = 0.0f32;
    let mut i = unit;
    while i < length {
        let mut z = log_odds(logits, (first + i) * classes, classes, class);
        if flipped {
            z = -z;
        }
        scratch[odds + i] = z;
        own_largest = f32::max(own_largest, z.abs());
        own_sum += z;
        i += units;
    }
    let widest = largest(own_largest, &mut shared);
    let mean = sum(own_sum, &mut shared) / f32::max(f32::cast_from(length), 1.0);

    let mut lambda = 0.0f32;
    if wanted > 0 {
        lambda = tilt(scratch, odds, length, wanted, mean, widest, &mut shared);
    }

    let complement = odds + length;
    let mut own_expected = 0.0f32;
    let mut own_correction = 0.0f32;
    let mut i = unit;
    while i < length {
        let z = scratch[odds + i];
        let mut p = 0.0f32;
        let mut q = 1.0f32;
        let untilted = f32::max(z, 0.0) + (1.0 + (-z.abs()).exp()).ln();
        if wanted == 0 {
            own_correction -= untilted;
        } else {
            let t = z + lambda;
            p = logistic(t);
            q = logistic(-t);
            own_expected += p;
            own_correction += difference(z, t, lambda, p, q);
        }
        scratch[odds + i] = p;
        scratch[complement + i] = q;
        i += units;
    }
    let expected = sum(own_expected, &mut shared);
    let correction = sum(own_correction, &mut shared) + lambda * (expected - target);

    let total = recursions(scratch, odds, length, wanted);

    let alpha = complement + length;
    let states = wanted + 1;
    let mut i = unit;
    while i < length {
        let mut paths = 0.0f32;
        for j in 0..wanted {
            paths += scratch[alpha + i * states + j];
        }
        let mut gamma = f32::min(scratch[odds + i] * paths / total, 1.0);
        if flipped {
            gamma = 1.0 - gamma;
        }
        write_binary(logits, posterior, (first + i) * classes, classes, class, gamma);
        i += units;
    }
    if unit == 0 {
        let mut pass_on = 1.0f32;
        if widest <= LARGEST_ODDS && lambda < NO_ODDS && total >= SMALLEST_TOTAL {
            pass_on = 0.0f32;
        }
        summary[2 * bag] = total.ln() + correction;
        summary[2 * bag + 1] = pass_on;
    }
}

/// The `λ` with `Σ σ(z_i + λ) ≈ m`, by Newton's method that a bracket safeguards; [`NO_ODDS`] when it is not
/// found.
#[cube]
fn tilt(
    scratch: &mut [f32],
    odds: usize,
    length: usize,
    wanted: usize,
    mean: f32,
    widest: f32,
    shared: &mut [f32],
) -> f32 {
    let units = CUBE_DIM_X as usize;
    let target = f32::cast_from(wanted);
    let logit = (target / f32::cast_from(length - wanted)).ln();
    let mut low = logit - widest;
    let mut high = logit + widest;
    let mut lambda = logit - mean;
    let mut found = 0u32;
    let mut steps = 0u32;
    while found == 0 && steps < MOST_STEPS {
        let mut own_expected = 0.0f32;
        let mut own_variance = 0.0f32;
        let mut i = UNIT_POS_X as usize;
        while i < length {
            let p = logistic(scratch[odds + i] + lambda);
            own_expected += p;
            own_variance += p * (1.0 - p);
            i += units;
        }
        let excess = sum(own_expected, shared) - target;
        let variance = sum(own_variance, shared);
        // A quarter of a standard deviation off costs 3 % of P̃(m).
        if excess.abs() <= 0.25 * f32::max(variance, 1.0).sqrt() {
            found = 1u32;
        } else {
            if excess > 0.0 {
                high = lambda;
            } else {
                low = lambda;
            }
            let newton = lambda - excess / f32::max(variance, 1e-20);
            lambda = 0.5 * low + 0.5 * high;
            if newton > low && newton < high {
                lambda = newton;
            }
            steps += 1u32;
        }
    }
    if found == 0 {
        lambda = NO_ODDS;
    }
    lambda
}

/// Both recursions over the bag, whose `p̃`, `1 − p̃` and tables start at `odds`: returns `P̃(m)`, and leaves
/// in the rows of `α` the paths on which an instance is positive.
#[cube]
fn recursions(scratch: &mut [f32], odds: usize, length: usize, wanted: usize) -> f32 {
    let unit = UNIT_POS_X as usize;
    let units = CUBE_DIM_X as usize;
    let states = wanted + 1;
    let complement = odds + length;
    // α_i(j), the probability of j among the first i; and β before its first step.
    let alpha = complement + length;
    let beta = alpha + length * states;
    let mut j = unit;
    while j < states {
        let mut start = 0.0f32;
        if j == 0 {
            start = 1.0f32;
        }
        scratch[alpha + j] = start;
        scratch[beta + j] = start;
        j += units;
    }
    sync_storage();
    for step in 1..length {
        let before = alpha + (step - 1) * states;
        let p = scratch[odds + step - 1];
        let q = scratch[complement + step - 1];
        let mut j = unit;
        while j < states {
            scratch[before + states + j] = next_cell(scratch, before, j, p, q);
            j += units;
        }
        sync_storage();
    }

    // β(k), the probability of k among the later ones; α_i(j) becomes α_i(j) β(m − 1 − j), the paths on
    // which instance i is the one after j.
    for step in 0..length {
        let i = length - 1 - step;
        let here = beta + (step % 2) * states;
        let next = beta + ((step + 1) % 2) * states;
        let p = scratch[odds + i];
        let q = scratch[complement + i];
        let mut j = unit;
        while j < states {
            let mut later = 0.0f32;
            if j < wanted {
                later = scratch[here + wanted - 1 - j];
            }
            scratch[alpha + i * states + j] *= later;
            scratch[next + j] = next_cell(scratch, here, j, p, q);
            j += units;
        }
        sync_storage();
    }
    scratch[beta + (length % 2) * states + wanted]
}

/// `softplus(t) − softplus(z) − λ p` where `t = z + λ` and `p = σ(t)`, `q = 1 − p`, without the large
/// terms that cancel.
#[cube]
fn difference(z: f32, t: f32, lambda: f32, p: f32, q: f32) -> f32 {
    let mut linear = -lambda * p;
    if t >= 0.0 {
        linear = lambda * q;
        if z < 0.0 {
            linear += z;
        }
    } else if z >= 0.0 {
        linear -= z;
    }
    linear + (1.0 + (-t.abs()).exp()).ln() - (1.0 + (-z.abs()).exp()).ln()
}

/// `q row(j) + p row(j − 1)`.
#[cube]
fn next_cell(scratch: &mut [f32], row: usize, j: usize, p: f32, q: f32) -> f32 {
    let mut cell = scratch[row + j] * q;
    if j > 0 {
        cell += scratch[row + j - 1] * p;
    }
    cell
}
