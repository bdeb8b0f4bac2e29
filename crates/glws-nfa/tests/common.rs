//! What the tests share.

use assay_array::random::{normal, stream};
use glws_nfa::Nfa;
use ndarray::Array2;

/// Normal logits with the standard deviation `scale`.
pub(crate) fn logits(seed: u64, instances: usize, classes: usize, scale: f64) -> Array2<f64> {
    let mut rng = stream(seed, "glws tests", 0);
    Array2::from_shape_simple_fn((instances, classes), || scale * normal(&mut rng))
}

/// Each row's `ln softmax`.
pub(crate) fn log_softmax(logits: &Array2<f64>) -> Array2<f64> {
    let mut out = logits.clone();
    for mut row in out.rows_mut() {
        let lse = assay_array::numeric::log_sum_exp(&row.to_vec());
        row -= lse;
    }
    out
}

/// What enumeration says of one bag.
#[derive(Debug)]
pub(crate) struct Enumerated {
    pub(crate) log_z: f64,
    pub(crate) accepted: u64,
    pub(crate) posterior: Array2<f64>,
    /// Every accepted sequence with its log weight, in lexicographic order.
    pub(crate) sequences: Vec<(Vec<usize>, f64)>,
}

impl Enumerated {
    /// `P(Y | W, X)` of each sequence.
    pub(crate) fn probabilities(&self) -> Vec<f64> {
        self.sequences.iter().map(|(_, weight)| (weight - self.log_z).exp()).collect()
    }
}

/// Sums over every label sequence; `log_weight` is `−∞` for a sequence that is not accepted.
pub(crate) fn enumerate(logits: &Array2<f64>, log_weight: impl Fn(&[usize]) -> f64) -> Enumerated {
    let (length, classes) = logits.dim();
    let log_p = log_softmax(logits);
    let mut labels = vec![0; length];
    let mut found: Vec<(Vec<usize>, f64)> = vec![];
    for code in 0..classes.pow(length as u32) {
        let mut rest = code;
        for label in labels.iter_mut().rev() {
            *label = rest % classes;
            rest /= classes;
        }
        let weight = log_weight(&labels);
        if weight > f64::NEG_INFINITY {
            let log_p: f64 = labels.iter().enumerate().map(|(i, &c)| log_p[[i, c]]).sum();
            found.push((labels.clone(), weight + log_p));
        }
    }
    let log_z = assay_array::numeric::log_sum_exp(&found.iter().map(|f| f.1).collect::<Vec<_>>());
    let mut posterior = Array2::zeros((length, classes));
    for (labels, weight) in &found {
        for (i, &c) in labels.iter().enumerate() {
            posterior[[i, c]] += (weight - log_z).exp();
        }
    }
    Enumerated { log_z, accepted: found.len() as u64, posterior, sequences: found }
}

/// The log of the total weight of a sequence's paths, path by path.
pub(crate) fn path_weight(nfa: &Nfa, labels: &[usize]) -> f64 {
    let mut weights: Vec<f64> = nfa.initial_log_weights().iter().map(|w| w.exp()).collect();
    for &label in labels {
        let mut next = vec![0.0; weights.len()];
        for arc in nfa.arcs().iter().filter(|arc| arc.class == label) {
            next[arc.target] += weights[arc.source] * arc.log_weight.exp();
        }
        weights = next;
    }
    let ends = nfa.final_log_weights().iter().map(|w| w.exp());
    weights.iter().zip(ends).map(|(w, e)| w * e).sum::<f64>().ln()
}
