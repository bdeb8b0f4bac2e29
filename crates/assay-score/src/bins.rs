use crate::histogram::{EdgeRule, setting};
use crate::{Error, Result};

/// Checked edges, and how to find the bin of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bins {
    pub(crate) edges: Vec<f64>,
    pub(crate) edge_rule: EdgeRule,
    /// Bins per unit, where a guess from it is off by one at most: the edges are about even.
    scale: Option<f64>,
}

impl Bins {
    /// Takes at least two edges.
    pub(crate) fn new(edges: Vec<f64>, edge_rule: EdgeRule) -> Result<Self> {
        let (lower, upper) = (-f64::MAX / 2.0, f64::MAX / 2.0);
        let in_range = |edge: f64| (lower..=upper).contains(&edge);
        if let Some(index) = edges.iter().position(|&edge| !in_range(edge)) {
            let (operation, value) = ("histogram edges", edges[index]);
            return Err(Error::Value { operation, index, value, lower, upper });
        }
        if let Some(pair) = edges.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(setting("edges", "that increase strictly", pair[1]));
        }
        let last = edges.len() - 1;
        let scale = last as f64 / (edges[last] - edges[0]);
        let off = |(i, &edge): (usize, &f64)| ((edge - edges[0]) * scale - i as f64).abs();
        let even = scale.is_finite() && edges.iter().enumerate().all(|edge| off(edge) < 0.5);
        Ok(Self { scale: even.then_some(scale), edges, edge_rule })
    }

    /// The bin of a value inside the edges.
    #[inline]
    pub(crate) fn of(&self, value: f64) -> usize {
        let last = self.edges.len() - 2;
        let bin = if let Some(scale) = self.scale {
            // The cast saturates, there are fewer bins than 2^32, and the comparisons settle edges.
            let guess = (((value - self.edges[0]) * scale) as u32 as usize).min(last);
            let (lower, upper) = (self.edges[guess], self.edges[guess + 1]);
            let (below, above) = match self.edge_rule {
                EdgeRule::LowerClosed => (value < lower, value >= upper),
                EdgeRule::UpperClosed => (value <= lower, value > upper),
            };
            (guess + usize::from(above)).saturating_sub(usize::from(below))
        } else {
            let edges_below = match self.edge_rule {
                EdgeRule::LowerClosed => self.edges.partition_point(|&edge| edge <= value),
                EdgeRule::UpperClosed => self.edges.partition_point(|&edge| edge < value),
            };
            edges_below.saturating_sub(1)
        };
        bin.min(last)
    }
}
