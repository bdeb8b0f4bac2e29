//! What has a closed form: presence and instances known one by one, a cube for each bag; pairs, a unit for
//! each.
//!
//! All sums of exponentials are taken relative to their largest term, so that nothing underflows that
//! matters.

use assay_tensor::cube::cubecl;
use assay_tensor::cube::cubecl::prelude::*;

use super::reduce::{MOST_UNITS, largest, sum};
use super::rows::{
    LARGEST_ODDS, WIDEST_ROW, log_odds, logistic, other_max, row_max, row_sum, row_width,
    write_binary,
};

/// Words of a record: first row, length, number, kind, and the class or the first word of the evidence.
/// The last is for what other kernels need, scratch.
const RECORD: usize = 6;

/// What a record's constraint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Unknown,
    Evidence,
    Absent,
    Present,
    Similar,
    Dissimilar,
}

const EVIDENCE: u32 = Kind::Evidence as u32;
const ABSENT: u32 = Kind::Absent as u32;
const PRESENT: u32 = Kind::Present as u32;
const SIMILAR: u32 = Kind::Similar as u32;

/// When all log odds are below this, `Z = Σ e^{z_i}` to all digits.
const RARE: f32 = -60.0;
/// The logarithm of an evidence of 0: far below all others, and three of it can be added.
pub(super) const RULED_OUT: f32 = -1e30;

const THIRD: f32 = 1.0 / 3.0;
const SIXTH: f32 = 1.0 / 6.0;
const TWENTY_FOURTH: f32 = 1.0 / 24.0;
const HUNDRED_AND_TWENTIETH: f32 = 1.0 / 120.0;

/// Pairs of a cube.
pub(super) const PAIRS: usize = 64;

/// Writes `γ`, and for each bag `log Z` and 0, or anything and 1 to pass the bag on to the host.
#[cube(launch)]
pub(super) fn bag_kernel(
    logits: &[f32],
    words: &[u32],
    posterior: &mut [f32],
    summary: &mut [f32],
    records: usize,
    classes: usize,
) {
    let record = records + CUBE_POS_X as usize * RECORD;
    let first = words[record] as usize;
    let length = words[record + 1] as usize;
    let bag = words[record + 2] as usize;
    let kind = words[record + 3];
    let at = words[record + 4] as usize;
    let mut shared = Shared::<[f32]>::new_slice(MOST_UNITS);
    if kind == PRESENT || kind == ABSENT {
        let found = presence(logits, posterior, first, length, classes, at, kind, &mut shared);
        report(summary, bag, found.log_z, found.widest, LARGEST_ODDS);
    } else {
        let found =
            one_by_one(logits, words, posterior, first, length, classes, at, kind, &mut shared);
        report(summary, bag, found.log_z, found.widest, WIDEST_ROW);
    }
}

/// Writes `log Z` and 0, or 1 when something is wider than is allowed; every unit of a bag writes the same.
#[cube]
fn report(summary: &mut [f32], bag: usize, log_z: f32, widest: f32, allowed: f32) {
    let mut pass_on = 0.0f32;
    if widest > allowed {
        pass_on = 1.0f32;
    }
    summary[2 * bag] = log_z;
    summary[2 * bag + 1] = pass_on;
}

#[derive(CubeType)]
struct Found {
    log_z: f32,
    widest: f32,
}

/// With `s = −ln Π(1 − p_i) = Σ softplus(z_i)`: none of the class has `Z = e^{−s}`, at least one
/// `Z = 1 − e^{−s}` and `γ_i = p_i / Z`.
#[cube]
#[allow(clippy::too_many_arguments)] // where things lie
fn presence(
    logits: &[f32],
    posterior: &mut [f32],
    first: usize,
    length: usize,
    classes: usize,
    class: usize,
    kind: u32,
    shared: &mut [f32],
) -> Found {
    let unit = UNIT_POS_X as usize;
    let units = CUBE_DIM_X as usize;
    let mut own_widest = 0.0f32;
    let mut own_highest = -LARGEST_ODDS.runtime();
    let mut own_none = 0.0f32;
    let mut i = unit;
    while i < length {
        let z = log_odds(logits, (first + i) * classes, classes, class);
        own_widest = f32::max(own_widest, z.abs());
        own_highest = f32::max(own_highest, z);
        own_none += f32::max(z, 0.0) + ln_one_plus((-z.abs()).exp());
        i += units;
    }
    let widest = largest(own_widest, shared);
    let highest = largest(own_highest, shared);
    let none = sum(own_none, shared);

    let mut log_z = -none;
    let mut some = 1.0f32;
    if kind == PRESENT {
        if highest < RARE {
            let mut own_rare = 0.0f32;
            let mut i = unit;
            while i < length {
                let z = log_odds(logits, (first + i) * classes, classes, class);
                own_rare += (z - highest).exp();
                i += units;
            }
            some = sum(own_rare, shared);
            log_z = highest + some.ln();
        } else {
            some = one_minus_exp(none);
            log_z = some.ln();
        }
    }

    let mut i = unit;
    while i < length {
        let row = (first + i) * classes;
        let mut gamma = 0.0f32;
        if kind == PRESENT {
            let z = log_odds(logits, row, classes, class);
            if highest < RARE {
                gamma = (z - highest).exp() / some;
            } else {
                gamma = logistic(z) / some;
            }
        }
        write_binary(logits, posterior, row, classes, class, f32::min(gamma, 1.0));
        i += units;
    }
    Found { log_z, widest }
}

/// `Z = Π_i Σ_c p_i(c) e(c)`, `γ_i(c) ∝ p_i(c) e(c)`, for the logarithms of the evidence `e` from word `at`
/// on; all ones when nothing is known.
#[cube]
#[allow(clippy::too_many_arguments)] // where things lie
fn one_by_one(
    logits: &[f32],
    words: &[u32],
    posterior: &mut [f32],
    first: usize,
    length: usize,
    classes: usize,
    at: usize,
    kind: u32,
    shared: &mut [f32],
) -> Found {
    let units = CUBE_DIM_X as usize;
    let mut own_widest = 0.0f32;
    let mut own_log_z = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < length {
        let row = (first + i) * classes;
        let highest = row_max(logits, row, classes);
        own_widest = f32::max(own_widest, row_width(logits, row, classes, highest));
        // ln of p(c) e(c) times the sum of the row's exponentials.
        let mut best = RULED_OUT.runtime();
        for c in 0..classes {
            let mut joint = logits[row + c] - highest;
            if kind == EVIDENCE {
                joint += f32::reinterpret(words[at + c]);
            }
            posterior[row + c] = joint;
            best = f32::max(best, joint);
        }
        let total = finish(posterior, row, classes, best);
        own_log_z += best + total.ln() - row_sum(logits, row, classes, highest).ln();
        i += units;
    }
    Found { log_z: sum(own_log_z, shared), widest: largest(own_widest, shared) }
}

/// Similar: `Z = Σ_c p(c) q(c)`, `γ(c) ∝ p(c) q(c)` for both. Dissimilar: `γ(c) ∝ p(c) (1 − q(c))`, and
/// likewise for the other. One unit for each record.
#[cube(launch)]
pub(super) fn pair_kernel(
    logits: &[f32],
    words: &[u32],
    posterior: &mut [f32],
    summary: &mut [f32],
    pairs: usize,
    classes: usize,
) {
    let pair = CUBE_POS_X as usize * PAIRS + UNIT_POS_X as usize;
    if pair < pairs {
        let record = pair * RECORD;
        let one = words[record] as usize * classes;
        let two = one + classes;
        let bag = words[record + 2] as usize;
        let one_max = row_max(logits, one, classes);
        let two_max = row_max(logits, two, classes);
        let one_sum = row_sum(logits, one, classes, one_max).ln();
        let two_sum = row_sum(logits, two, classes, two_max).ln();
        let mut log_z = -one_sum;
        if words[record + 3] == SIMILAR {
            let mut best = RULED_OUT.runtime();
            for c in 0..classes {
                let joint = (logits[one + c] - one_max) + (logits[two + c] - two_max);
                posterior[one + c] = joint;
                best = f32::max(best, joint);
            }
            let total = finish(posterior, one, classes, best);
            for c in 0..classes {
                posterior[two + c] = posterior[one + c];
            }
            log_z += best + total.ln() - two_sum;
        } else {
            against_others(logits, posterior, two, one, classes, two_max, one_max, one_sum);
            log_z +=
                against_others(logits, posterior, one, two, classes, one_max, two_max, two_sum);
        }
        let width = f32::max(
            row_width(logits, one, classes, one_max),
            row_width(logits, two, classes, two_max),
        );
        report(summary, bag, log_z, width, WIDEST_ROW);
    }
}

/// Writes `γ(c) ∝ p(c) (1 − q(c))` for the row `one` of `p` beside the row `two` of `q`, whose sum of
/// exponentials has the logarithm `two_sum`; returns `ln Z` without that of `p`.
#[cube]
#[allow(clippy::too_many_arguments)] // where things lie
fn against_others(
    logits: &[f32],
    posterior: &mut [f32],
    one: usize,
    two: usize,
    classes: usize,
    one_max: f32,
    two_max: f32,
    two_sum: f32,
) -> f32 {
    let mut likeliest = 0usize;
    for c in 0..classes {
        if logits[two + c] > logits[two + likeliest] {
            likeliest = c;
        }
    }
    let mut best = RULED_OUT.runtime();
    for c in 0..classes {
        // At most a half, but for the likeliest.
        let mut others = (1.0 - (logits[two + c] - two_max - two_sum).exp()).ln();
        if c == likeliest {
            // Not 1 − q(c), which has no digits left when q(c) is nearly 1.
            let second = other_max(logits, two, classes, c);
            let mut total = 0.0f32;
            for k in 0..classes {
                if k != c {
                    total += (logits[two + k] - second).exp();
                }
            }
            others = second - two_max + total.ln() - two_sum;
        }
        let joint = logits[one + c] - one_max + others;
        posterior[one + c] = joint;
        best = f32::max(best, joint);
    }
    let total = finish(posterior, one, classes, best);
    best + total.ln()
}

/// Makes shares of the logarithms in a row of the posterior, of which `best` is the largest; returns the
/// sum of `e^{· − best}`.
#[cube]
fn finish(posterior: &mut [f32], row: usize, classes: usize, best: f32) -> f32 {
    let mut total = 0.0f32;
    for c in 0..classes {
        let share = (posterior[row + c] - best).exp();
        posterior[row + c] = share;
        total += share;
    }
    for c in 0..classes {
        posterior[row + c] /= total;
    }
    total
}

/// `ln(1 + e)` for `e` in `[0, 1]`, to all digits of small ones.
#[cube]
fn ln_one_plus(e: f32) -> f32 {
    let mut value = (1.0 + e).ln();
    if e < 0.03 {
        value = e * (1.0 - e * (0.5 - e * (THIRD - e * 0.25)));
    }
    value
}

/// `1 − e^{−s}` for `s ≥ 0`, to all digits of small ones.
#[cube]
fn one_minus_exp(s: f32) -> f32 {
    let mut value = 1.0f32 - (-s).exp();
    if s < 0.25f32 {
        value =
            s * (1.0 - s * (0.5 - s * (SIXTH - s * (TWENTY_FOURTH - s * HUNDRED_AND_TWENTIETH))));
    }
    value
}
