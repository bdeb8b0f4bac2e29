//! How two distributions over the same labels differ.

use std::collections::HashMap;

use assay_array::Scalar;

use super::{Bag, Posteriors};
use crate::algebra::{Budget, DEFAULT_STATE_CAP};
use crate::error::{Error, Result};
use crate::nfa::Nfa;
use crate::semiring::{Divergence, DivergenceWeight, Edge, fold};

/// How far the distribution `P` of a bag's labels is from another, `Q`; in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// `KL(P ‖ Q) = Σ_Y P(Y) ln(P(Y)/Q(Y))`, at least 0; `+∞` when `P` holds something possible that
    /// `Q` rules out.
    pub kl_divergence: f64,
    /// `−Σ_Y P(Y) ln Q(Y)`, the entropy of `P` plus the divergence.
    pub cross_entropy: f64,
}

impl<T: Scalar> Posteriors<'_, T> {
    /// How far each bag's distribution, `P`, is from the one that `other` gives the same instances,
    /// `Q`: from other knowledge, from other logits or from both. `None` where either is infeasible.
    ///
    /// The sums run over the product of the two automata, `O(L · |Δ_P| · |Δ_Q|)` at most, and have no
    /// negative terms: near 0 a divergence keeps its digits.
    ///
    /// ```
    /// use glws_nfa::{Bags, Constraint, Posteriors};
    /// use ndarray::array;
    ///
    /// let logits = array![[0.0_f64, 0.0], [0.0, 0.0], [0.0, 0.0]];
    /// let bags = Bags::new(logits.view(), &[3])?;
    /// let one = Posteriors::new(&bags, &[Constraint::Count { class: 1, count: 1 }])?;
    /// let some = Posteriors::new(&bags, &[Constraint::Present { class: 1 }])?;
    /// // Three of seven equally likely sequences: learning the count is worth ln(7/3).
    /// let distance = one.distance(&some)?[0].expect("both are feasible");
    /// assert!((distance.kl_divergence - (7.0_f64 / 3.0).ln()).abs() < 1e-12);
    /// let back = some.distance(&one)?[0].expect("both are feasible");
    /// assert_eq!(back.kl_divergence, f64::INFINITY);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] when the bags' numbers, lengths or classes differ; [`Error::Ambiguous`];
    /// [`Error::TooManyStates`] and [`Error::TooManySteps`] for a product, or a determinised `Q`,
    /// beyond the caps of [`DEFAULT_STATE_CAP`].
    pub fn distance(&self, other: &Posteriors<'_, T>) -> Result<Vec<Option<Distance>>> {
        if self.offsets != other.offsets || self.classes != other.classes {
            let shape = |p: &Posteriors<'_, T>| {
                vec![p.len(), p.offsets.last().copied().unwrap_or(0), p.classes]
            };
            return Err(Error::Shape {
                operation: "bags to compare, of the same lengths [B, N, C]",
                expected: shape(self),
                got: shape(other),
            });
        }
        self.check_unambiguous("distance")?;
        other.check_unambiguous("distance")?;
        let entropy = self.entropy()?;
        self.each_indexed(|index, p| {
            let (Some(p), Some(q)) = (p, &other.automata[index]) else { return Ok(None) };
            let q = other.bag(index, q);
            let Some(entropy) = entropy[index] else { return Ok(None) };
            let Some(kl_divergence) = divergence(p, &q)? else { return Ok(None) };
            Ok(Some(Distance { kl_divergence, cross_entropy: entropy + kl_divergence }))
        })
    }
}

/// `KL(P ‖ Q)`; `None` when one of them is infeasible.
///
/// The product sums over the sequences of both. What `Q` gives to others is missing from its mass
/// there: `KL(P ‖ Q) = KL(P ‖ Q given both) + ln Z_Q − ln Q(both)`.
fn divergence(p: &Bag<'_>, q: &Bag<'_>) -> Result<Option<f64>> {
    let log_z = q.log_z();
    if p.log_z() == f64::NEG_INFINITY || log_z == f64::NEG_INFINITY {
        return Ok(None);
    }
    if !within(p.nfa, q.nfa, p.length)? {
        return Ok(Some(f64::INFINITY));
    }
    let product = Product::new(p.nfa, q.nfa)?;
    let weight = |position: usize, arc: usize| {
        let (a, b) = product.arcs[arc];
        let (a, b) = (&p.nfa.arcs()[a as usize], &q.nfa.arcs()[b as usize]);
        let at = position * p.classes + a.class;
        DivergenceWeight::single(a.log_weight + p.log_p[at], b.log_weight + q.log_p[at])
    };
    let ends = |a: &[f64], b: &[f64]| -> Vec<DivergenceWeight> {
        let pairs = product.pairs.iter();
        pairs.map(|&(i, j)| DivergenceWeight::single(a[i as usize], b[j as usize])).collect()
    };
    let mut initial = ends(p.nfa.initial_log_weights(), q.nfa.initial_log_weights());
    // Pairs that were found on the way are no starts unless both are.
    for weight in &mut initial {
        if weight.log_p == f64::NEG_INFINITY || weight.log_q == f64::NEG_INFINITY {
            *weight = DivergenceWeight::single(f64::NEG_INFINITY, f64::NEG_INFINITY);
        }
    }
    let mut accepting = ends(p.nfa.final_log_weights(), q.nfa.final_log_weights());
    for weight in &mut accepting {
        if weight.log_p == f64::NEG_INFINITY || weight.log_q == f64::NEG_INFINITY {
            *weight = DivergenceWeight::single(f64::NEG_INFINITY, f64::NEG_INFINITY);
        }
    }
    let both = fold(&Divergence, p.length, initial, &product.edges, weight, &accepting);
    Ok(Some((both.divergence + (log_z - both.log_q).max(0.0)).max(0.0)))
}

/// Whether every sequence of `length` that `p` accepts is one of `q`'s.
fn within(p: &Nfa, q: &Nfa, length: usize) -> Result<bool> {
    let rest = p.support()?.difference(&q.support()?, DEFAULT_STATE_CAP)?;
    Ok(rest.log_count_accepted(length)? == f64::NEG_INFINITY)
}

/// The pairs of states that one sequence can lead two automata to.
struct Product {
    pairs: Vec<(u32, u32)>,
    edges: Vec<Edge>,
    /// The arcs of both that each edge stands for.
    arcs: Vec<(u32, u32)>,
}

impl Product {
    fn new(p: &Nfa, q: &Nfa) -> Result<Self> {
        let mut budget = Budget::new("product", DEFAULT_STATE_CAP);
        let mut product = Self { pairs: vec![], edges: vec![], arcs: vec![] };
        let mut number = HashMap::new();
        let starts = |weights: &[f64]| -> Vec<u32> {
            (0..weights.len())
                .filter(|&s| weights[s] > f64::NEG_INFINITY)
                .map(|s| s as u32)
                .collect()
        };
        for &a in &starts(p.initial_log_weights()) {
            for &b in &starts(q.initial_log_weights()) {
                product.state(&mut number, (a, b), &mut budget)?;
            }
        }
        let (of_p, of_q) = (by_source(p), by_source(q));
        let mut source = 0;
        while let Some(&(a, b)) = product.pairs.get(source) {
            for &i in &of_p[a as usize] {
                for &j in &of_q[b as usize] {
                    budget.spend(1)?;
                    let (arc, other) = (&p.arcs()[i as usize], &q.arcs()[j as usize]);
                    if arc.class == other.class {
                        let pair = (arc.target as u32, other.target as u32);
                        let target = product.state(&mut number, pair, &mut budget)?;
                        product.edges.push(Edge { source, target });
                        product.arcs.push((i, j));
                    }
                }
            }
            source += 1;
        }
        Ok(product)
    }

    fn state(
        &mut self,
        number: &mut HashMap<(u32, u32), usize>,
        pair: (u32, u32),
        budget: &mut Budget,
    ) -> Result<usize> {
        let fresh = self.pairs.len();
        let state = *number.entry(pair).or_insert(fresh);
        if state == fresh {
            self.pairs.push(pair);
            budget.states(self.pairs.len())?;
        }
        Ok(state)
    }
}

/// The arcs that leave each state, without those of weight `−∞`.
fn by_source(nfa: &Nfa) -> Vec<Vec<u32>> {
    let mut arcs = vec![vec![]; nfa.num_states()];
    for (number, arc) in nfa.arcs().iter().enumerate() {
        if arc.log_weight > f64::NEG_INFINITY {
            arcs[arc.source].push(number as u32);
        }
    }
    arcs
}
