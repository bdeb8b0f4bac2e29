//! Weighted automata over class labels.

use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};

/// An arc: reading an instance of `class` leads from `source` to `target` with `log_weight`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NfaArc {
    /// Where it starts.
    pub source: usize,
    /// The class it reads.
    pub class: usize,
    /// Where it ends.
    pub target: usize,
    /// The natural logarithm of its weight; `0` for a hard constraint, `−∞` for an arc that is not
    /// there.
    pub log_weight: f64,
}

/// A weighted non-deterministic finite automaton `(Q, Σ, Δ, λ, ρ)` whose symbols are the classes.
///
/// It states which label sequences of a bag agree with what is known of it, and with which weight:
/// a sequence weighs the sum over its paths of `exp(λ + Σ arc weights + ρ)`. An automaton without
/// initial states, without final states or without states is legal: its language is empty and
/// every bag is infeasible under it.
///
/// Sums run over *paths*. They are sums over *sequences*, and hence probabilities, only when the
/// automaton is unambiguous: when each accepted sequence has one path. The constructors of this type
/// give unambiguous automata, and [`Constraint::Automaton`](crate::Constraint::Automaton) refuses any
/// other: [`determinise`](Self::determinise) makes one of it, and
/// [`Constraint::Paths`](crate::Constraint::Paths) takes it as it is.
///
/// ```
/// use glws_nfa::NfaBuilder;
///
/// // One contiguous block of ones: 0*1+0*.
/// let nfa = NfaBuilder::new(3, 2)
///     .initial(0)
///     .arc(0, 0, 0).arc(0, 1, 1)
///     .arc(1, 1, 1).arc(1, 0, 2)
///     .arc(2, 0, 2)
///     .accepting(1).accepting(2)
///     .build()?;
/// assert_eq!((nfa.num_states(), nfa.num_classes(), nfa.arcs().len()), (3, 2, 5));
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Nfa {
    num_classes: usize,
    initial: Vec<f64>,
    accepting: Vec<f64>,
    arcs: Vec<NfaArc>,
    pub(crate) engine: Compiled,
    pub(crate) ambiguity: Ambiguity,
}

/// The ambiguity test's answer, kept from the first time that somebody asks. It follows from the rest
/// of the automaton, so that any two are equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ambiguity(pub(crate) Arc<OnceLock<Result<Option<Vec<usize>>>>>);

impl PartialEq for Ambiguity {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Nfa {
    /// How many states there are; they are numbered from 0.
    pub fn num_states(&self) -> usize {
        self.initial.len()
    }

    /// The size of the alphabet; classes are numbered from 0.
    pub fn num_classes(&self) -> usize {
        self.num_classes
    }

    /// All arcs, in ascending order of source, then target, then class.
    pub fn arcs(&self) -> &[NfaArc] {
        &self.arcs
    }

    /// The log weight of starting in each state, `λ`; `−∞` where no sequence starts.
    pub fn initial_log_weights(&self) -> &[f64] {
        &self.initial
    }

    /// The log weight of ending in each state, `ρ`; `−∞` where no sequence ends.
    pub fn final_log_weights(&self) -> &[f64] {
        &self.accepting
    }
}

/// Collects an automaton's parts; [`build`](Self::build) checks them.
#[derive(Debug, Clone, PartialEq)]
pub struct NfaBuilder {
    num_states: usize,
    num_classes: usize,
    arcs: Vec<NfaArc>,
    initial: Vec<(usize, f64)>,
    accepting: Vec<(usize, f64)>,
}

impl NfaBuilder {
    /// An automaton of `num_states` states over `num_classes` classes, without arcs.
    pub fn new(num_states: usize, num_classes: usize) -> Self {
        Self { num_states, num_classes, arcs: vec![], initial: vec![], accepting: vec![] }
    }

    /// Adds an arc of weight one.
    #[must_use]
    pub fn arc(self, source: usize, class: usize, target: usize) -> Self {
        self.weighted_arc(source, class, target, 0.0)
    }

    /// Adds an arc. Two arcs with the same source, class and target stay two paths: their weights
    /// add up.
    #[must_use]
    pub fn weighted_arc(
        mut self,
        source: usize,
        class: usize,
        target: usize,
        log_weight: f64,
    ) -> Self {
        self.arcs.push(NfaArc { source, class, target, log_weight });
        self
    }

    /// Lets sequences start in `state`.
    #[must_use]
    pub fn initial(self, state: usize) -> Self {
        self.weighted_initial(state, 0.0)
    }

    /// Lets sequences start in `state` with a log weight; a later call replaces an earlier one.
    #[must_use]
    pub fn weighted_initial(mut self, state: usize, log_weight: f64) -> Self {
        self.initial.push((state, log_weight));
        self
    }

    /// Lets sequences end in `state`.
    #[must_use]
    pub fn accepting(self, state: usize) -> Self {
        self.weighted_accepting(state, 0.0)
    }

    /// Lets sequences end in `state` with a log weight; a later call replaces an earlier one.
    #[must_use]
    pub fn weighted_accepting(mut self, state: usize, log_weight: f64) -> Self {
        self.accepting.push((state, log_weight));
        self
    }

    /// Checks the parts and makes the automaton.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::Alphabet`] for more than 2^20 classes,
    /// [`Error::StateOutOfRange`], [`Error::ClassOutOfRange`],
    /// [`Error::LogWeight`] for a weight that is NaN or `+∞`, and [`Error::TooManyStates`] above
    /// [`MAX_STATES`].
    pub fn build(self) -> Result<Nfa> {
        let Self { num_states, num_classes, mut arcs, initial, accepting } = self;
        if num_classes == 0 {
            return Err(Error::NoClasses { operation: "automaton" });
        }
        // The alphabet's bound: a wrong number must not become an allocation.
        crate::regex::Alphabet::new(num_classes)?;
        check_num_states("automaton", Some(num_states))?;
        for arc in &arcs {
            check_state("arc", arc.source, num_states)?;
            check_state("arc", arc.target, num_states)?;
            check_log_weight("arc", arc.log_weight)?;
            if arc.class >= num_classes {
                let class = arc.class;
                return Err(Error::ClassOutOfRange { operation: "arc", class, num_classes });
            }
        }
        let initial = state_weights("initial state", &initial, num_states)?;
        let accepting = state_weights("final state", &accepting, num_states)?;
        // The sort is stable: parallel arcs of one class stay in the caller's order.
        arcs.sort_by_key(|arc| (arc.source, arc.target, arc.class));
        let engine = Compiled::new(num_states, num_classes, &arcs, &initial, &accepting);
        Ok(Nfa { num_classes, initial, accepting, arcs, engine, ambiguity: Ambiguity::default() })
    }
}

/// The most states an automaton can have: a table of them for one step then takes 32 MiB.
pub const MAX_STATES: usize = 1 << 22;

/// Refuses sizes above [`MAX_STATES`]; `None` stands for an overflow.
pub(crate) fn check_num_states(
    operation: &'static str,
    num_states: Option<usize>,
) -> Result<usize> {
    match num_states {
        Some(num_states) if num_states <= MAX_STATES => Ok(num_states),
        _ => Err(Error::TooManyStates {
            operation,
            num_states: num_states.unwrap_or(usize::MAX),
            limit: MAX_STATES,
        }),
    }
}

fn check_state(operation: &'static str, state: usize, num_states: usize) -> Result<()> {
    if state < num_states {
        Ok(())
    } else {
        Err(Error::StateOutOfRange { operation, state, num_states })
    }
}

fn check_log_weight(operation: &'static str, log_weight: f64) -> Result<()> {
    if log_weight < f64::INFINITY {
        Ok(())
    } else {
        Err(Error::LogWeight { operation, log_weight })
    }
}

fn state_weights(
    operation: &'static str,
    listed: &[(usize, f64)],
    num_states: usize,
) -> Result<Vec<f64>> {
    let mut weights = vec![f64::NEG_INFINITY; num_states];
    for &(state, log_weight) in listed {
        check_state(operation, state, num_states)?;
        check_log_weight(operation, log_weight)?;
        weights[state] = log_weight;
    }
    Ok(weights)
}

/// The automaton as the engine's loops want it: parallel arcs collapsed into one edge whose emission
/// is `Σ_c p(c) e^w` over its *symbol class*, a set of weighted classes that many edges share. The
/// counting automaton's arcs over ten classes become a fifth, with two emissions a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compiled {
    /// For each state where its outgoing edges start in `outgoing`; one more entry at the end.
    pub(crate) outgoing_start: Vec<u32>,
    pub(crate) outgoing: Vec<Edge>,
    /// The same edges by target; `Edge::other` is then the source.
    pub(crate) incoming_start: Vec<u32>,
    pub(crate) incoming: Vec<Edge>,
    /// The weighted classes of every symbol class, and where each one's start.
    pub(crate) symbol_start: Vec<u32>,
    pub(crate) symbols: Vec<(u32, f64)>,
    /// `e^λ` and `e^ρ`, each divided by its largest value, whose logarithm is kept.
    pub(crate) initial: Vec<f64>,
    pub(crate) log_initial_max: f64,
    pub(crate) accepting: Vec<f64>,
    pub(crate) log_accepting_max: f64,
    /// An upper bound on how much one step multiplies any state's mass:
    /// `max_{q, c} Σ_{q'} e^{w(q, c, q')}`, at least 1.
    pub(crate) growth: f64,
}

/// A collapsed edge seen from one of its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    /// The state at the other end.
    pub(crate) other: u32,
    /// The symbol class.
    pub(crate) symbol: u32,
}

impl Compiled {
    fn new(
        num_states: usize,
        num_classes: usize,
        arcs: &[NfaArc],
        initial: &[f64],
        accepting: &[f64],
    ) -> Self {
        let mut symbols: Vec<(u32, f64)> = vec![];
        let mut symbol_start = vec![0_u32];
        let mut known = std::collections::HashMap::new();
        let mut edges: Vec<(u32, u32, u32)> = vec![];
        let mut out = vec![0.0; num_classes];
        let mut growth: f64 = 1.0;
        let present = |arc: &NfaArc| arc.log_weight > f64::NEG_INFINITY;
        for from in arcs.chunk_by(|a, b| a.source == b.source) {
            for group in from.chunk_by(|a, b| a.target == b.target) {
                let mut set: Vec<(u32, f64)> = vec![];
                for arc in group.iter().filter(|arc| present(arc)) {
                    let weight = arc.log_weight.exp();
                    out[arc.class] += weight;
                    match set.last_mut() {
                        Some((class, sum)) if *class == arc.class as u32 => *sum += weight,
                        _ => set.push((arc.class as u32, weight)),
                    }
                }
                let Some(first) = group.first().filter(|_| !set.is_empty()) else { continue };
                let key: Vec<(u32, u64)> = set.iter().map(|&(c, w)| (c, w.to_bits())).collect();
                let symbol = *known.entry(key).or_insert_with(|| {
                    symbols.extend_from_slice(&set);
                    symbol_start.push(symbols.len() as u32);
                    symbol_start.len() as u32 - 2
                });
                edges.push((first.source as u32, first.target as u32, symbol));
            }
            // Only what was touched: a state may have few arcs and the alphabet many classes.
            for arc in from {
                growth = growth.max(std::mem::take(&mut out[arc.class]));
            }
        }
        let (outgoing_start, outgoing) = rows(
            num_states,
            edges.iter().map(|&(source, other, symbol)| (source, Edge { other, symbol })),
        );
        edges.sort_by_key(|&(source, target, _)| (target, source));
        let (incoming_start, incoming) = rows(
            num_states,
            edges.iter().map(|&(other, target, symbol)| (target, Edge { other, symbol })),
        );
        let (initial, log_initial_max) = linear(initial);
        let (accepting, log_accepting_max) = linear(accepting);
        Self {
            outgoing_start,
            outgoing,
            incoming_start,
            incoming,
            symbol_start,
            symbols,
            initial,
            log_initial_max,
            accepting,
            log_accepting_max,
            growth,
        }
    }
}

impl Compiled {
    /// The weighted classes of each symbol class in turn.
    pub(crate) fn symbol_sets(&self) -> impl Iterator<Item = &[(u32, f64)]> {
        self.symbol_start
            .windows(2)
            .map(|range| &self.symbols[range[0] as usize..range[1] as usize])
    }

    /// The edges of each state in turn.
    pub(crate) fn by_state<'a>(
        start: &'a [u32],
        edges: &'a [Edge],
    ) -> impl Iterator<Item = &'a [Edge]> {
        start.windows(2).map(|range| &edges[range[0] as usize..range[1] as usize])
    }
}

/// Compressed rows from edges that are sorted by row.
fn rows(num_states: usize, edges: impl Iterator<Item = (u32, Edge)>) -> (Vec<u32>, Vec<Edge>) {
    let mut start = vec![0_u32; num_states + 1];
    let edges: Vec<Edge> = edges
        .map(|(row, edge)| {
            start[row as usize + 1] += 1;
            edge
        })
        .collect();
    for state in 0..num_states {
        start[state + 1] += start[state];
    }
    (start, edges)
}

fn linear(log_weights: &[f64]) -> (Vec<f64>, f64) {
    let max = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shift = if max.is_finite() { max } else { 0.0 };
    (log_weights.iter().map(|w| (w - shift).exp()).collect(), max)
}
