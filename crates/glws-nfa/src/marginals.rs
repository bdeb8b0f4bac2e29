//! The probability of what is known of each bag, and each instance's labels given it.

use std::sync::{Mutex, PoisonError};

use assay_array::Scalar;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::bags::Bags;
use crate::constraint::{Constraint, Infeasible};
use crate::error::{Error, Result};
use crate::kernel::Workspace;
use crate::kernel::lanes::{self, Job};
use crate::languages::check_class;

/// What came out for one bag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Some label sequence agrees with what is known.
    Feasible {
        /// `ln P(W | X)`, at most 0 for a constraint without weights.
        log_z: f64,
    },
    /// None does: `log Z = −∞`, and the bag must be left out of a loss.
    Infeasible(Infeasible),
}

impl Outcome {
    /// `ln P(W | X)`; `−∞` for an infeasible bag.
    pub fn log_z(self) -> f64 {
        match self {
            Self::Feasible { log_z } => log_z,
            Self::Infeasible(_) => f64::NEG_INFINITY,
        }
    }

    /// Whether some label sequence agrees with what is known.
    pub fn is_feasible(self) -> bool {
        matches!(self, Self::Feasible { .. })
    }
}

/// What [`marginals`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Marginals<T> {
    /// One outcome for each bag.
    pub outcomes: Vec<Outcome>,
    /// `γ`, of shape `[N, C]`: the probability of each class of each instance given what is known of
    /// its bag. Rows sum to 1. The rows of an infeasible bag have no posterior and are all 0, so
    /// that a cross-entropy against them is 0 and has no gradient.
    pub posterior: Array2<T>,
}

impl<T: Scalar> Marginals<T> {
    /// The gradient of `Σ_bags −log Z` with respect to the logits, `p − γ`, of shape `[N, C]`; 0 for
    /// infeasible bags, which have no loss.
    ///
    /// It is also the gradient of the cross-entropy from `γ`, held fixed, to the same logits' softmax:
    /// one EM step's target and the likelihood pull the same way.
    ///
    /// # Errors
    /// [`Error::Shape`] when `bags` are not those that the marginals were computed from.
    pub fn gradient(&self, bags: &Bags<'_, T>) -> Result<Array2<T>> {
        if bags.logits().dim() != self.posterior.dim() || bags.len() != self.outcomes.len() {
            let shape = |dim: (usize, usize), bags| vec![bags, dim.0, dim.1];
            return Err(Error::Shape {
                operation: "gradient [B, N, C]",
                expected: shape(self.posterior.dim(), self.outcomes.len()),
                got: shape(bags.logits().dim(), bags.len()),
            });
        }
        let classes = bags.num_classes();
        let mut gradient = self.posterior.clone();
        let Some(rows) = gradient.as_slice_mut() else { return Ok(gradient) };
        for (bag, outcome) in self.outcomes.iter().enumerate() {
            if !outcome.is_feasible() {
                continue;
            }
            let range = bags.offsets()[bag] * classes..bags.offsets()[bag + 1] * classes;
            crate::kernel::softmax::minus_posterior(
                &bags.values()[range.clone()],
                classes,
                &mut rows[range],
            );
        }
        Ok(gradient)
    }

    /// `log Z` of each bag, `−∞` for an infeasible one.
    pub fn log_z(&self) -> Vec<f64> {
        self.outcomes.iter().map(|outcome| outcome.log_z()).collect()
    }
}

/// For each bag the log probability `log Z = ln P(W | X)` of what is known of it, and for each of
/// its instances the posterior `γ_i(c) = P(y_i = c | W, X)`.
///
/// The labels of a bag's instances are independent given the instances: `P(Y | X) = Π_i p_i(y_i)`
/// with `p_i = softmax(logits_i)`. With `A` the automaton of the constraint,
///
/// `Z = Σ_Y A(Y) Π_i p_i(y_i)`, and `∂(−log Z)/∂logits_i = p_i − γ_i`
///
/// (Chen et al. 2024, *A General Framework for Learning from Weak Supervision*). Bags run in
/// parallel on rayon's current pool; the result is the same for every number of threads.
///
/// # Errors
/// [`Error::Shape`] when there is not one constraint for each bag, or a vector or automaton has
/// another number of classes than the bags; [`Error::ClassOutOfRange`]; [`Error::NotAPair`];
/// [`Error::TooManyStates`] for count or presence vectors whose lattice would not fit in memory.
///
/// ```
/// use glws_nfa::{Bags, Constraint, marginals};
/// use ndarray::array;
///
/// // Two instances, both undecided; exactly one is of class 1.
/// let logits = array![[0.0_f64, 0.0], [0.0, 0.0]];
/// let bags = Bags::new(logits.view(), &[2])?;
/// let result = marginals(&bags, &[Constraint::Count { class: 1, count: 1 }])?;
/// assert!((result.outcomes[0].log_z() - 0.5_f64.ln()).abs() < 1e-12);
/// assert!((result.posterior[[0, 1]] - 0.5).abs() < 1e-12);
/// # Ok::<(), glws_nfa::Error>(())
/// ```
pub fn marginals<T: Scalar>(
    bags: &Bags<'_, T>,
    constraints: &[Constraint],
) -> Result<Marginals<T>> {
    if constraints.len() != bags.len() {
        let (expected, got) = (vec![bags.len()], vec![constraints.len()]);
        return Err(Error::Shape { operation: "constraints [B]", expected, got });
    }
    let classes = bags.num_classes();
    let mut cost = 0_usize;
    for (bag, constraint) in constraints.iter().enumerate() {
        let length = bags.offsets()[bag + 1] - bags.offsets()[bag];
        constraint.check(bag, length, classes)?;
        cost = cost.saturating_add(constraint.cost(length, classes));
    }
    let mut posterior = Array2::from_elem(bags.logits().dim(), T::ZERO);
    let mut outcomes = vec![Outcome::Feasible { log_z: 0.0 }; bags.len()];
    let mut rest = posterior.as_slice_mut().unwrap_or(&mut []);
    let bounds = bags.offsets().windows(2).zip(constraints).zip(&mut outcomes);
    let jobs = bounds.map(|((range, constraint), outcome)| {
        let (rows, later) = std::mem::take(&mut rest).split_at_mut((range[1] - range[0]) * classes);
        rest = later;
        let logits = &bags.values()[range[0] * classes..range[1] * classes];
        Job { constraint, logits, rows, outcome }
    });
    let tasks = lanes::tasks(jobs, classes);
    let threads = if cost < PARALLEL_COST { 1 } else { rayon::current_num_threads() };
    let workers = threads.min(tasks.len());
    let queue = Mutex::new(tasks.into_iter());
    // A thread takes one task after the other: its tables stay in its cache, and nobody waits at the end.
    let work = || {
        Workspace::of_this_thread(|workspace| {
            while let Some(task) = { queue.lock().unwrap_or_else(PoisonError::into_inner).next() } {
                lanes::run(task, classes, workspace);
            }
        });
    };
    if workers < 2 {
        work();
    } else {
        (0..workers).into_par_iter().with_max_len(1).for_each(|_| work());
    }
    Ok(Marginals { outcomes, posterior })
}

/// Below this many (estimated) nanoseconds waking other threads costs more than they save.
const PARALLEL_COST: usize = 50_000;

/// The mean over instances of the cross-entropy `−Σ_c γ_i(c) · ln softmax(logits_i)_c`, the
/// consistency loss between the posterior of a weakly augmented view and the prediction on a
/// strongly augmented one. Accumulates in `f64`; 0 for no instances.
///
/// # Errors
/// [`Error::Shape`] when the two differ in shape, and [`Error::NoClasses`].
pub fn cross_entropy<T: Scalar>(
    posterior: ArrayView2<'_, T>,
    logits: ArrayView2<'_, T>,
) -> Result<f64> {
    if posterior.dim() != logits.dim() {
        return Err(Error::Shape {
            operation: "cross-entropy [N, C]",
            expected: posterior.shape().to_vec(),
            got: logits.shape().to_vec(),
        });
    }
    if logits.ncols() == 0 {
        return Err(Error::NoClasses { operation: "cross-entropy" });
    }
    let mut sum = 0.0;
    for (target, row) in posterior.rows().into_iter().zip(logits.rows()) {
        let row: Vec<f64> = row.iter().map(|v| v.to_f64()).collect();
        let lse = assay_array::numeric::log_sum_exp(&row);
        // A class without target mass costs nothing, even where its log probability overflows.
        sum += target
            .iter()
            .zip(&row)
            .filter(|(t, _)| **t != T::ZERO)
            .map(|(t, z)| t.to_f64() * (lse - z))
            .sum::<f64>();
    }
    Ok(if logits.nrows() == 0 { 0.0 } else { sum / logits.nrows() as f64 })
}

/// How many instances of `class` each bag has: `P(count = k)` for `k = 0..=L`, the Poisson-binomial
/// distribution, in `f64`. Probabilities below 1e-308 are 0. Takes `O(L²)` for a bag of `L`.
///
/// # Errors
/// [`Error::ClassOutOfRange`].
///
/// ```
/// use glws_nfa::{Bags, count_distribution};
/// use ndarray::array;
///
/// let logits = array![[0.0_f64, 0.0], [0.0, 0.0]];
/// let bags = Bags::new(logits.view(), &[2])?;
/// assert_eq!(count_distribution(&bags, 1)?, [vec![0.25, 0.5, 0.25]]);
/// # Ok::<(), glws_nfa::Error>(())
/// ```
pub fn count_distribution<T: Scalar>(bags: &Bags<'_, T>, class: usize) -> Result<Vec<Vec<f64>>> {
    let classes = bags.num_classes();
    check_class("count distribution", class, classes)?;
    let distribution = |range: &[usize]| {
        let logits = &bags.values()[range[0] * classes..range[1] * classes];
        crate::kernel::count_distribution(logits, classes, class)
    };
    Ok(bags.offsets().par_windows(2).map(distribution).collect())
}
