//! A layered layout: states in columns by their distance from the start, few crossings.
//!
//! K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
//! structures", 1981, with barycentres for the order and for the heights. An arrow over several
//! columns gets a point in each, which takes part in the layout as a state does.

use std::collections::VecDeque;

use super::Diagram;
use crate::algebra::Budget;
use crate::error::Result;

/// Radius of a state's circle.
pub(super) const RADIUS: f64 = 18.0;
/// Height that a state takes: its circle, a loop with its label above, and air.
const STATE_HEIGHT: f64 = 88.0;
/// Height that a passing arrow takes.
const PASSING_HEIGHT: f64 = 34.0;
/// Least distance of columns, between circles.
const COLUMN_GAP: f64 = 56.0;
/// Sweeps over the columns; the order hardly changes after a few.
const SWEEPS: usize = 8;

/// Where everything is.
pub(super) struct Layout {
    /// The centres of the states.
    pub(super) states: Vec<(f64, f64)>,
    /// For every edge, the points it passes between its ends, from its start to its end.
    pub(super) via: Vec<Vec<(f64, f64)>>,
}

/// Something with a place: a state, or a point of an arrow.
struct Node {
    column: usize,
    height: f64,
    y: f64,
    before: Vec<usize>,
    after: Vec<usize>,
}

impl Layout {
    pub(super) fn new(diagram: &Diagram, budget: &mut Budget) -> Result<Self> {
        let column = columns(diagram);
        let node =
            |column, height| Node { column, height, y: 0.0, before: Vec::new(), after: Vec::new() };
        let mut nodes: Vec<Node> =
            column.iter().map(|&column| node(column, STATE_HEIGHT)).collect();
        let mut chains: Vec<Vec<usize>> = Vec::with_capacity(diagram.edges.len());
        for edge in &diagram.edges {
            // Arrows to the left are laid out as if they went to the right.
            let backwards = column[edge.from] > column[edge.to];
            let (left, right) = if backwards { (edge.to, edge.from) } else { (edge.from, edge.to) };
            let mut chain = Vec::new();
            let mut last = left;
            budget.spend(16 * (1 + column[right] - column[left]))?;
            for between in column[left] + 1..column[right] {
                nodes.push(node(between, PASSING_HEIGHT));
                let here = nodes.len() - 1;
                nodes[last].after.push(here);
                nodes[here].before.push(last);
                chain.push(here);
                last = here;
            }
            if column[left] != column[right] {
                nodes[last].after.push(right);
                nodes[right].before.push(last);
            }
            if backwards {
                chain.reverse();
            }
            chains.push(chain);
        }
        let mut ranks: Vec<Vec<usize>> =
            vec![Vec::new(); 1 + nodes.iter().map(|node| node.column).max().unwrap_or(0)];
        for (index, node) in nodes.iter().enumerate() {
            ranks[node.column].push(index);
        }
        arrange(&mut nodes, &mut ranks);
        let x = across(diagram, &column, ranks.len());
        let place = |index: usize| (x[nodes[index].column], nodes[index].y);
        Ok(Self {
            states: (0..diagram.num_states).map(place).collect(),
            via: chains
                .iter()
                .map(|chain| chain.iter().map(|&index| place(index)).collect())
                .collect(),
        })
    }
}

/// The distance of every state from the start; states that cannot be reached stand first too.
fn columns(diagram: &Diagram) -> Vec<usize> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); diagram.num_states];
    for edge in &diagram.edges {
        next[edge.from].push(edge.to);
    }
    let mut column: Vec<Option<usize>> = vec![None; diagram.num_states];
    let mut waiting: VecDeque<(usize, usize)> =
        diagram.starts.iter().map(|&(state, _)| (state, 0)).collect();
    while let Some((state, distance)) = waiting.pop_front() {
        if column[state].is_none() {
            column[state] = Some(distance);
            waiting.extend(next[state].iter().map(|&to| (to, distance + 1)));
        }
    }
    column.into_iter().map(Option::unwrap_or_default).collect()
}

/// Orders every column by the mean height of its neighbours and sets the heights.
fn arrange(nodes: &mut [Node], ranks: &mut [Vec<usize>]) {
    for rank in ranks.iter() {
        settle(nodes, rank, None);
    }
    for sweep in 0..SWEEPS {
        let forwards = sweep % 2 == 0;
        let order: Vec<usize> =
            if forwards { (0..ranks.len()).collect() } else { (0..ranks.len()).rev().collect() };
        for index in order {
            let wanted: Vec<f64> = ranks[index]
                .iter()
                .map(|&node| {
                    let side = if forwards { &nodes[node].before } else { &nodes[node].after };
                    if side.is_empty() {
                        return nodes[node].y;
                    }
                    side.iter().map(|&other| nodes[other].y).sum::<f64>() / side.len() as f64
                })
                .collect();
            let mut order: Vec<usize> = (0..wanted.len()).collect();
            order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
            let sorted: Vec<f64> = order.iter().map(|&place| wanted[place]).collect();
            ranks[index] = order.iter().map(|&place| ranks[index][place]).collect();
            settle(nodes, &ranks[index], Some(&sorted));
        }
    }
}

/// Gives the nodes of a column heights near those wanted, in order and without overlap.
fn settle(nodes: &mut [Node], rank: &[usize], wanted: Option<&[f64]>) {
    let mut y = Vec::with_capacity(rank.len());
    let mut lowest = f64::NEG_INFINITY;
    for (place, &node) in rank.iter().enumerate() {
        let half = nodes[node].height / 2.0;
        let wish = wanted.map_or(0.0, |wanted| wanted[place]);
        let here = wish.max(lowest + half);
        y.push(here);
        lowest = here + half;
    }
    // Pushing apart moved everything down; move the column back by the mean of that.
    let shift: f64 = y
        .iter()
        .enumerate()
        .map(|(place, here)| here - wanted.map_or(0.0, |wanted| wanted[place]))
        .sum();
    let shift = shift / rank.len().max(1) as f64;
    for (&node, here) in rank.iter().zip(y) {
        nodes[node].y = here - shift;
    }
}

/// The places of the columns: far enough apart for the longest label between two.
fn across(diagram: &Diagram, column: &[usize], count: usize) -> Vec<f64> {
    let mut gap = vec![COLUMN_GAP; count];
    for edge in &diagram.edges {
        let left = column[edge.from].min(column[edge.to]);
        let right = column[edge.from].max(column[edge.to]);
        // An arrow within a column bulges to the right of it.
        let room = match right - left {
            0 if edge.from == edge.to => super::svg::width(&edge.label) - RADIUS,
            0 => super::svg::width(&edge.label) + 40.0,
            _ => super::svg::width(&edge.label) + 26.0,
        };
        let middle = left + right.saturating_sub(left + 1) / 2;
        gap[middle] = gap[middle].max(room);
    }
    let mut x = Vec::with_capacity(count);
    let mut here = 0.0;
    for gap in gap {
        x.push(here);
        here += gap + 2.0 * RADIUS;
    }
    x
}
