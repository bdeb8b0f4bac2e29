//! How automata are written and read by serde.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::nfa::{Nfa, NfaBuilder};

/// What is written. Log weights of −∞ are `null`, because JSON knows no infinity; states that are not
/// initial or final are left out.
#[derive(Serialize, Deserialize)]
struct Parts {
    num_states: usize,
    num_classes: usize,
    initial: Vec<(usize, f64)>,
    accepting: Vec<(usize, f64)>,
    /// Source, class, target and log weight.
    arcs: Vec<(usize, usize, usize, Option<f64>)>,
}

impl Serialize for Nfa {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let present = |weight: f64| (weight > f64::NEG_INFINITY).then_some(weight);
        let ends = |weights: &[f64]| {
            let weights = weights.iter().copied().enumerate();
            weights.filter_map(|(state, weight)| Some((state, present(weight)?))).collect()
        };
        let arcs = self.arcs().iter();
        Parts {
            num_states: self.num_states(),
            num_classes: self.num_classes(),
            initial: ends(self.initial_log_weights()),
            accepting: ends(self.final_log_weights()),
            arcs: arcs
                .map(|arc| (arc.source, arc.class, arc.target, present(arc.log_weight)))
                .collect(),
        }
        .serialize(serializer)
    }
}

/// Reading goes through the builder's checks: there is no way to an automaton that it refuses.
impl<'de> Deserialize<'de> for Nfa {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = Parts::deserialize(deserializer)?;
        let mut builder = NfaBuilder::new(parts.num_states, parts.num_classes);
        for (state, weight) in parts.initial {
            builder = builder.weighted_initial(state, weight);
        }
        for (state, weight) in parts.accepting {
            builder = builder.weighted_accepting(state, weight);
        }
        for (source, class, target, weight) in parts.arcs {
            let weight = weight.unwrap_or(f64::NEG_INFINITY);
            builder = builder.weighted_arc(source, class, target, weight);
        }
        builder.build().map_err(serde::de::Error::custom)
    }
}
