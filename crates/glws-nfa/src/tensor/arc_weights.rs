//! Weights of an automaton that learn with the classifier.

use std::sync::Arc;

use assay_array::Scalar;
use assay_array::ndarray::{Array1, Array2};
use assay_tensor::burn;
use assay_tensor::burn::module::{Module, Param};
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::Element;
use assay_tensor::convert::{from_array, into_array};
use assay_tensor::{custom_grad_segments_with, with_scalar};

use super::NegLogZ;
use crate::{Bags, Constraint, Error, Marginals, Nfa, Outcome, Posteriors, Result, marginals};

/// The log weights of an automaton's arcs as a module that learns.
///
/// The automaton gives the states, the arcs and the weights to start from; the weights here take the
/// place of its own. `∂ log Z / ∂ w(arc) = Σ_i ξ_i(arc)`, the expected number of times that the arc is
/// taken, so that a step against `−log Z` makes likelier what the classifier thinks likely and the
/// automaton allows.
///
/// Weights without a norm grow without end under `−log Z` alone: tie them into distributions, as
/// [`NoiseMatrix`](super::NoiseMatrix) does, or penalise them. [`neg_log_z_of_arcs`] takes any tensor of
/// log weights, such as a `log_softmax` of parameters of your own.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use assay_tensor::burn::prelude::Tensor;
/// use glws_nfa::{NfaBuilder, tensor::{ArcWeights, neg_log_z_of_arcs}};
///
/// // A sequence that stays in a class or changes it, at rates to be learned.
/// let chain = NfaBuilder::new(2, 2)
///     .initial(0).initial(1)
///     .arc(0, 0, 0).arc(0, 1, 1).arc(1, 0, 0).arc(1, 1, 1)
///     .accepting(0).accepting(1)
///     .build()?;
/// let training = assay_tensor::device("flex")?.autodiff();
/// let weights = ArcWeights::new(&chain, &training)?;
/// let logits = Tensor::<2>::from_floats([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0]], &training);
/// let result = neg_log_z_of_arcs(logits, &[3], &chain, weights.log_weights.val())?;
/// let gradients = result.values.mean().backward();
/// // Each instance takes one arc: the expected uses sum to three.
/// let gradient = weights.log_weights.val().grad(&gradients).expect("the weights take part");
/// assert!((gradient.sum().into_scalar::<f32>() + 3.0).abs() < 1e-5);
/// let learned = weights.automaton(&chain)?; // the automaton with the weights as they stand
/// # }
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Module, Debug)]
pub struct ArcWeights {
    /// The log weights, `[arcs]`, in the order of [`Nfa::arcs`].
    pub log_weights: Param<Tensor<1>>,
}

impl ArcWeights {
    /// Starts from the automaton's own weights.
    ///
    /// # Errors
    /// [`Error::LogWeight`] for an arc of weight `−∞`, which would never move: leave it out.
    pub fn new(nfa: &Nfa, device: &Device) -> Result<Self> {
        let weights: Vec<f32> = nfa.arcs().iter().map(|arc| arc.log_weight as f32).collect();
        if let Some(&weight) = weights.iter().find(|w| !w.is_finite()) {
            let (operation, log_weight) = ("arc that learns", f64::from(weight));
            return Err(Error::LogWeight { operation, log_weight });
        }
        let data = TensorData::new(weights, [nfa.arcs().len()]);
        Ok(Self { log_weights: Param::from_tensor(Tensor::from_data(data, device)) })
    }

    /// The automaton with these weights on its arcs.
    ///
    /// # Errors
    /// [`Error::Shape`] when the automaton has another number of arcs, [`Error::LogWeight`] for a weight
    /// that became NaN or `+∞`.
    pub fn automaton(&self, nfa: &Nfa) -> Result<Nfa> {
        let weights = self.log_weights.val().without_autodiff();
        let weights: Vec<f64> = with_scalar!(weights.dtype(), T => {
            into_array::<T, 1>(weights)?.iter().map(|w| w.to_f64()).collect()
        });
        with_weights(nfa, &weights)
    }
}

/// `−log Z` of each bag under one automaton for all, whose arcs have the log weights of a tensor,
/// `[arcs]` in the order of [`Nfa::arcs`]; the automaton's own weights on arcs count nothing.
///
/// Autodiff goes through logits and weights: `∂(−log Z)/∂logits = p − γ`, `∂(−log Z)/∂w = −Σ_i ξ_i`. It
/// runs on the host. Sums run over paths, also where the automaton is ambiguous, as in a hidden Markov
/// model; infeasible bags have the value `+∞` and no gradient.
///
/// # Errors
/// As [`neg_log_z`](super::neg_log_z), and [`Error::Shape`] when there is not a weight for each arc,
/// [`Error::LogWeight`] for a weight that is NaN or `+∞`.
pub fn neg_log_z_of_arcs(
    logits: Tensor<2>,
    lengths: &[usize],
    nfa: &Nfa,
    log_weights: Tensor<1>,
) -> Result<NegLogZ> {
    with_scalar!(logits.dtype(), T => typed::<T>(logits, lengths, nfa, log_weights))
}

fn typed<T: Scalar + Element>(
    logits: Tensor<2>,
    lengths: &[usize],
    nfa: &Nfa,
    log_weights: Tensor<1>,
) -> Result<NegLogZ> {
    let device = logits.device();
    let mut found =
        Marginals { outcomes: Vec::new(), posterior: Array2::from_elem((0, 0), T::ZERO) };
    let values = custom_grad_segments_with::<T, 2, Tensor<1>, Error>(
        logits,
        lengths,
        log_weights,
        |logits, log_weights, need| {
            let weights: Vec<f64> = log_weights.iter().copied().map(Scalar::to_f64).collect();
            let nfa = Arc::new(with_weights(nfa, &weights)?);
            let bags = Bags::new(logits, lengths)?;
            let constraints = vec![Constraint::Paths(Arc::clone(&nfa)); lengths.len()];
            let result = marginals(&bags, &constraints)?;
            let gradient = need
                .then(|| -> Result<_> {
                    let of_logits = result.gradient(&bags)?;
                    let mut of_weights = Array2::from_elem((lengths.len(), weights.len()), T::ZERO);
                    let counts = Posteriors::new(&bags, &constraints)?.path_counts()?;
                    for (mut row, counts) in of_weights.rows_mut().into_iter().zip(counts) {
                        let uses = counts.map(|counts| counts.arcs).unwrap_or_default();
                        for (gradient, uses) in row.iter_mut().zip(uses) {
                            *gradient = T::from_f64(-uses);
                        }
                    }
                    Ok((of_logits, of_weights))
                })
                .transpose()?;
            let values: Array1<T> =
                result.outcomes.iter().map(|outcome| T::from_f64(-outcome.log_z())).collect();
            found = result;
            Ok((values, gradient))
        },
    )?;
    let outcomes: Vec<Outcome> = found.outcomes;
    let posterior = from_array(found.posterior, &device.without_autodiff())?;
    Ok(NegLogZ { values, posterior, outcomes })
}

fn with_weights(nfa: &Nfa, log_weights: &[f64]) -> Result<Nfa> {
    let arcs = nfa.arcs();
    crate::weak_labels::same_count("arc weights [arcs]", arcs.len(), log_weights.len())?;
    let mut builder = crate::NfaBuilder::new(nfa.num_states(), nfa.num_classes());
    for (arc, &log_weight) in arcs.iter().zip(log_weights) {
        builder = builder.weighted_arc(arc.source, arc.class, arc.target, log_weight);
    }
    for (state, &weight) in nfa.initial_log_weights().iter().enumerate() {
        builder = builder.weighted_initial(state, weight);
    }
    for (state, &weight) in nfa.final_log_weights().iter().enumerate() {
        builder = builder.weighted_accepting(state, weight);
    }
    // The builder's sort is stable and the arcs are sorted: the order stays.
    builder.build()
}
