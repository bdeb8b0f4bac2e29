//! The general forward-backward over any automaton, one cube for each bag, a unit for each state.
//!
//! `α` and `β` are tables of [`scaled`](super::scaled) numbers; they are filled together, one from the
//! start and one from the end, with one barrier for each step. Then each unit takes instances of its own:
//! `γ_i(c) ∝ p_i(c) Σ_s w_s(c) Σ_{arcs of symbol s} α_i(q) β_{i+1}(q')`.

use assay_tensor::cube::cubecl;
use assay_tensor::cube::cubecl::prelude::*;

use super::reduce::{MOST_UNITS, largest};
use super::rows::{WIDEST_ROW, row_max, row_sum, row_width};
use super::scaled::{ZERO, aligned, store};

/// Words of a bag's record: first row, length, number, first word of its automaton, first cell of its
/// scratch.
const RECORD: usize = 5;

/// Words before an automaton's tables, which say where the tables are.
pub(super) const HEADER: usize = 11;
const STATES: usize = 0;
const SYMBOLS: usize = 1;
/// For each state where its edges start, and one more; edges are pairs of a state and a symbol.
const INCOMING_START: usize = 2;
const INCOMING: usize = 3;
const OUTGOING_START: usize = 4;
const OUTGOING: usize = 5;
/// For each symbol where its classes start, and one more; each is a class and its weight.
const CLASSES_START: usize = 6;
const CLASSES: usize = 7;
/// For each symbol where its edges start, and one more; edges are pairs of states.
const EDGES_START: usize = 8;
const EDGES: usize = 9;
/// Initial weights, then final ones, each a mantissa and an exponent.
const ENDS: usize = 10;

/// Binary digits that a probability may lose in a row.
pub(super) const ROW_DIGITS: usize = 2900;

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// `ln 2` in two parts, the first of few digits.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// Cells that a bag needs: an emission for each instance and symbol, `α`, `β`, and `Z`.
pub(super) fn cells(length: usize, states: usize, symbols: usize) -> Option<usize> {
    let rows = length.checked_add(1)?.checked_mul(states)?.checked_mul(2)?;
    length.checked_mul(symbols)?.checked_add(rows)?.checked_add(1)
}

/// Writes `γ`, and for each bag `log Z` and 0; 1 for the host to do it; 2 when no sequence is accepted.
#[cube(launch)]
#[allow(clippy::too_many_lines)] // where the tables lie, then one phase after another
pub(super) fn automaton_kernel(
    logits: &[f32],
    words: &[u32],
    mantissas: &mut [f32],
    exponents: &mut [i32],
    posterior: &mut [f32],
    summary: &mut [f32],
    records: usize,
    classes: usize,
) {
    let record = records + CUBE_POS_X as usize * RECORD;
    let first = words[record] as usize;
    let length = words[record + 1] as usize;
    let bag = words[record + 2] as usize;
    let automaton = words[record + 3] as usize;
    let emissions = words[record + 4] as usize;
    let states = words[automaton + STATES] as usize;
    let symbols = words[automaton + SYMBOLS] as usize;
    let ends = words[automaton + ENDS] as usize;
    let alpha = emissions + length * symbols;
    let beta = alpha + (length + 1) * states;
    let result = beta + (length + 1) * states;
    let unit = UNIT_POS_X as usize;
    let units = CUBE_DIM_X as usize;
    let mut shared = Shared::<[f32]>::new_slice(MOST_UNITS);

    // What each symbol's classes weigh at each instance.
    let mut own_widest = 0.0f32;
    let mut i = unit;
    while i < length {
        let row = (first + i) * classes;
        let cell = emissions + i * symbols;
        let width = emit(logits, words, mantissas, exponents, automaton, row, classes, cell);
        own_widest = f32::max(own_widest, width);
        i += units;
    }
    let widest = largest(own_widest, &mut shared);

    let mut state = unit;
    while state < states {
        let initial = ends + 2 * state;
        let accepting = initial + 2 * states;
        mantissas[alpha + state] = f32::reinterpret(words[initial]);
        exponents[alpha + state] = i32::reinterpret(words[initial + 1]);
        mantissas[beta + length * states + state] = f32::reinterpret(words[accepting]);
        exponents[beta + length * states + state] = i32::reinterpret(words[accepting + 1]);
        state += units;
    }
    sync_storage();

    let incoming_start = words[automaton + INCOMING_START] as usize;
    let incoming = words[automaton + INCOMING] as usize;
    let outgoing_start = words[automaton + OUTGOING_START] as usize;
    let outgoing = words[automaton + OUTGOING] as usize;
    for step in 0..length {
        let later = length - step;
        let mut state = unit;
        while state < states {
            step_to(
                words,
                mantissas,
                exponents,
                incoming_start + state,
                incoming,
                alpha + step * states,
                emissions + step * symbols,
                alpha + (step + 1) * states + state,
            );
            step_to(
                words,
                mantissas,
                exponents,
                outgoing_start + state,
                outgoing,
                beta + later * states,
                emissions + (later - 1) * symbols,
                beta + (later - 1) * states + state,
            );
            state += units;
        }
        sync_storage();
    }

    if unit == 0 {
        let end = length * states;
        let value = total(mantissas, exponents, alpha + end, beta + end, states, result);
        let mut log_z = 0.0f32;
        let mut outcome = 0.0f32;
        if value > 0.0 {
            log_z =
                mantissas[result].ln() + f32::cast_from(exponents[result]) * std::f32::consts::LN_2;
        } else {
            outcome = 2.0f32;
        }
        if widest > WIDEST_ROW {
            outcome = 1.0f32;
        }
        summary[2 * bag] = log_z;
        summary[2 * bag + 1] = outcome;
    }
    sync_storage();

    if mantissas[result] > 0.0 {
        let mut i = unit;
        while i < length {
            gather(
                words,
                mantissas,
                exponents,
                automaton,
                alpha + i * states,
                beta + (i + 1) * states,
                emissions + i * symbols,
            );
            let cell = emissions + i * symbols;
            let row = (first + i) * classes;
            write_row(
                logits, words, mantissas, exponents, posterior, automaton, row, classes, cell,
            );
            i += units;
        }
    }
}

/// Writes `Z = Σ α_L ρ`, from the rows `α_L` and `β_L = ρ`, to the cell `result`; returns it at an exponent
/// of its own.
#[cube]
fn total(
    mantissas: &mut [f32],
    exponents: &mut [i32],
    alpha: usize,
    beta: usize,
    states: usize,
    result: usize,
) -> f32 {
    let mut value = 0.0f32;
    let mut top = ZERO.runtime();
    for state in 0..states {
        let exponent = exponents[alpha + state] + exponents[beta + state];
        let higher = larger(top, exponent);
        let mantissa = mantissas[alpha + state] * mantissas[beta + state];
        value = aligned(value, top, higher) + aligned(mantissa, exponent, higher);
        top = higher;
    }
    store(mantissas, exponents, result, value, top);
    value
}

/// Writes what each symbol's classes weigh at an instance, from `cell` on; returns the row's width.
#[cube]
#[allow(clippy::too_many_arguments)] // where things lie
fn emit(
    logits: &[f32],
    words: &[u32],
    mantissas: &mut [f32],
    exponents: &mut [i32],
    automaton: usize,
    row: usize,
    classes: usize,
    cell: usize,
) -> f32 {
    let symbols = words[automaton + SYMBOLS] as usize;
    let sets_start = words[automaton + CLASSES_START] as usize;
    let sets = words[automaton + CLASSES] as usize;
    let highest = row_max(logits, row, classes);
    let total = row_sum(logits, row, classes, highest);
    for symbol in 0..symbols {
        let mut value = 0.0f32;
        let mut top = ZERO.runtime();
        for at in words[sets_start + symbol]..words[sets_start + symbol + 1] {
            let set = sets + 3 * at as usize;
            let x = logits[row + words[set] as usize] - highest;
            let mantissa = probability(x, total) * f32::reinterpret(words[set + 1]);
            let exponent = digits(x) + i32::reinterpret(words[set + 2]);
            let higher = larger(top, exponent);
            value = aligned(value, top, higher) + aligned(mantissa, exponent, higher);
            top = higher;
        }
        store(mantissas, exponents, cell + symbol, value, top);
    }
    row_width(logits, row, classes, highest)
}

/// The mass of each symbol's edges between two rows of `α` and `β` takes the place of its emission.
#[cube]
fn gather(
    words: &[u32],
    mantissas: &mut [f32],
    exponents: &mut [i32],
    automaton: usize,
    before: usize,
    after: usize,
    cell: usize,
) {
    let symbols = words[automaton + SYMBOLS] as usize;
    let edges_start = words[automaton + EDGES_START] as usize;
    let edges = words[automaton + EDGES] as usize;
    for symbol in 0..symbols {
        let mut value = 0.0f32;
        let mut top = ZERO.runtime();
        for at in words[edges_start + symbol]..words[edges_start + symbol + 1] {
            let edge = edges + 2 * at as usize;
            let a = before + words[edge] as usize;
            let b = after + words[edge + 1] as usize;
            let exponent = exponents[a] + exponents[b];
            let higher = larger(top, exponent);
            value = aligned(value, top, higher)
                + aligned(mantissas[a] * mantissas[b], exponent, higher);
            top = higher;
        }
        store(mantissas, exponents, cell + symbol, value, top);
    }
}

/// `γ(c) ∝ p(c) Σ_s w_s(c) mass_s`.
#[cube]
#[allow(clippy::too_many_arguments)] // where things lie
fn write_row(
    logits: &[f32],
    words: &[u32],
    mantissas: &mut [f32],
    exponents: &mut [i32],
    posterior: &mut [f32],
    automaton: usize,
    row: usize,
    classes: usize,
    cell: usize,
) {
    let symbols = words[automaton + SYMBOLS] as usize;
    let sets_start = words[automaton + CLASSES_START] as usize;
    let sets = words[automaton + CLASSES] as usize;
    let highest = row_max(logits, row, classes);
    // Relative to each other only: the sum of the row's exponentials cancels.
    let mut value = 0.0f32;
    let mut top = ZERO.runtime();
    for symbol in 0..symbols {
        let mass = cell + symbol;
        for at in words[sets_start + symbol]..words[sets_start + symbol + 1] {
            let set = sets + 3 * at as usize;
            let x = logits[row + words[set] as usize] - highest;
            let mantissa = probability(x, 1.0) * f32::reinterpret(words[set + 1]) * mantissas[mass];
            let exponent = digits(x) + i32::reinterpret(words[set + 2]) + exponents[mass];
            let higher = larger(top, exponent);
            value = aligned(value, top, higher) + aligned(mantissa, exponent, higher);
            top = higher;
        }
    }
    for symbol in 0..symbols {
        let mass = cell + symbol;
        for at in words[sets_start + symbol]..words[sets_start + symbol + 1] {
            let set = sets + 3 * at as usize;
            let class = words[set] as usize;
            let x = logits[row + class] - highest;
            let mantissa = probability(x, 1.0) * f32::reinterpret(words[set + 1]) * mantissas[mass];
            let exponent = digits(x) + i32::reinterpret(words[set + 2]) + exponents[mass];
            posterior[row + class] += aligned(mantissa, exponent, top) / value;
        }
    }
}

/// `row'(q) = Σ_{edges of q} row(other) · emission(symbol)`; the edges of `q` start at `words[start]`.
#[cube]
#[allow(clippy::too_many_arguments)] // where things lie
fn step_to(
    words: &[u32],
    mantissas: &mut [f32],
    exponents: &mut [i32],
    start: usize,
    edges: usize,
    from: usize,
    emissions: usize,
    to: usize,
) {
    let mut value = 0.0f32;
    let mut top = ZERO.runtime();
    for at in words[start]..words[start + 1] {
        let edge = edges + 2 * at as usize;
        let a = from + words[edge] as usize;
        let e = emissions + words[edge + 1] as usize;
        let exponent = exponents[a] + exponents[e];
        let higher = larger(top, exponent);
        value =
            aligned(value, top, higher) + aligned(mantissas[a] * mantissas[e], exponent, higher);
        top = higher;
    }
    store(mantissas, exponents, to, value, top);
}

#[cube]
fn larger(a: i32, b: i32) -> i32 {
    let mut larger = a;
    if b > a {
        larger = b;
    }
    larger
}

/// `⌊x / ln 2⌋`: `e^x = 2^digits(x) · probability(x, 1)`.
#[cube]
fn digits(x: f32) -> i32 {
    i32::cast_from((x * LOG2_E).floor())
}

/// `e^x 2^(−digits(x)) / total`, in `[1, 2]` for a total of 1.
#[cube]
fn probability(x: f32, total: f32) -> f32 {
    let digits = (x * LOG2_E).floor();
    (x - digits * LN_2_HIGH - digits * LN_2_LOW).exp() / total
}
