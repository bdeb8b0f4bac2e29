//! Drawings of automata: Graphviz text, and SVG with a layout of our own.

mod dot;
mod label;
mod layout;
mod svg;

use crate::algebra::{Budget, EpsilonNfa};
use crate::error::Result;
use crate::nfa::Nfa;
use crate::regex::Alphabet;

/// Most states of an SVG drawing: beyond, nobody can read it, and Graphviz lays it out better.
const MAX_DRAWN_STATES: usize = 512;

impl Nfa {
    /// The automaton in the DOT language of Graphviz.
    ///
    /// Arcs between the same states are one arrow, labelled with their classes, `0,2-4`, `any` or
    /// `not 3`, by name where `names` has one, and with their log weight when it is not 0. Double
    /// circles accept.
    ///
    /// ```
    /// let dot = glws_nfa::Nfa::from_regex(".*1.*", 2)?.to_dot(None);
    /// assert!(dot.starts_with("digraph nfa {"));
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    pub fn to_dot(&self, names: Option<&Alphabet>) -> String {
        dot::write(&Diagram::new(self, names))
    }

    /// The automaton as an SVG image that stands on its own.
    ///
    /// Drawn as [`to_dot`](Self::to_dot) says, from left to right. Lines and text have the colour of
    /// the surrounding text (`currentColor`) on a transparent ground, so the image suits light and
    /// dark pages that it is written into.
    ///
    /// # Errors
    /// [`Error::TooManyStates`](crate::Error::TooManyStates) above 512 states, and
    /// [`Error::TooManySteps`](crate::Error::TooManySteps).
    pub fn to_svg(&self, names: Option<&Alphabet>) -> Result<String> {
        let mut budget = Budget::new("drawing", MAX_DRAWN_STATES);
        budget.states(self.num_states())?;
        let diagram = Diagram::new(self, names);
        let layout = layout::Layout::new(&diagram, &mut budget)?;
        Ok(svg::write(&diagram, &layout))
    }
}

/// What is drawn.
struct Diagram {
    num_states: usize,
    /// The states with an arrow from nowhere, and the text on it.
    starts: Vec<(usize, String)>,
    /// For an accepting state, the text beside it.
    ends: Vec<Option<String>>,
    edges: Vec<Edge>,
}

/// An arrow.
struct Edge {
    from: usize,
    to: usize,
    label: String,
}

impl Diagram {
    fn new(nfa: &Nfa, names: Option<&Alphabet>) -> Self {
        let num_classes = nfa.num_classes();
        let nfa = EpsilonNfa::from_nfa(nfa);
        let mut arcs = nfa.arcs;
        arcs.sort_by(|a, b| {
            (a.from, a.to)
                .cmp(&(b.from, b.to))
                .then(b.log_weight.total_cmp(&a.log_weight))
                .then(a.symbol.cmp(&b.symbol))
        });
        let mut edges: Vec<Edge> = Vec::new();
        for group in
            arcs.chunk_by(|a, b| (a.from, a.to) == (b.from, b.to) && a.log_weight == b.log_weight)
        {
            let Some(first) = group.first() else { continue };
            let classes: Vec<usize> =
                group.iter().filter_map(|arc| arc.symbol).map(|class| class as usize).collect();
            let mut text = label::classes(&classes, num_classes, names);
            if first.log_weight != 0.0 {
                text = format!("{text} : {}", label::weight(first.log_weight));
            }
            let (from, to) = (first.from as usize, first.to as usize);
            match edges.last_mut() {
                Some(edge) if (edge.from, edge.to) == (from, to) => {
                    edge.label = format!("{}; {text}", edge.label);
                }
                _ => edges.push(Edge { from, to, label: text }),
            }
        }
        let shown = |weight: f64| if weight == 0.0 { String::new() } else { label::weight(weight) };
        let mut ends = vec![None; nfa.num_states];
        for &(state, weight) in &nfa.finals {
            ends[state as usize] = Some(shown(weight));
        }
        let starts =
            nfa.initial.iter().map(|&(state, weight)| (state as usize, shown(weight))).collect();
        Self { num_states: nfa.num_states, starts, ends, edges }
    }
}
