//! The loss of bags that are averaged with each other.

use std::ops::Range;

use assay_tensor::burn::prelude::{Bool, Tensor, TensorData};
use assay_tensor::burn::tensor::activation::log_softmax;

use super::{NegLogZ, neg_log_z};
use crate::weak_labels::Reading;
use crate::{Constraint, Error, Outcome, Result};

/// The logits of the two views, of one shape.
#[derive(Debug, Clone)]
pub(super) struct Views {
    pub(super) weak: Tensor<2>,
    pub(super) strong: Option<Tensor<2>>,
}

/// The two parts of a loss, unweighted.
pub(super) struct PartLoss {
    pub(super) supervised: Tensor<1>,
    pub(super) unsupervised: Option<Tensor<1>>,
    pub(super) posterior: Tensor<2>,
    pub(super) outcomes: Vec<Outcome>,
}

impl Views {
    pub(super) fn new(weak: Tensor<2>, strong: Option<Tensor<2>>) -> Result<Self> {
        if let Some(strong) = &strong {
            if strong.dims() != weak.dims() {
                return Err(Error::Shape {
                    operation: "strong view [N, C]",
                    expected: weak.dims().to_vec(),
                    got: strong.dims().to_vec(),
                });
            }
            check_finite("strong view", strong)?;
        }
        Ok(Self { weak, strong })
    }

    pub(super) fn rows(&self, rows: Range<usize>) -> Self {
        if rows == (0..self.weak.dims()[0]) {
            return self.clone();
        }
        let classes = 0..self.weak.dims()[1];
        let slice = |view: &Tensor<2>| view.clone().slice([rows.clone(), classes.clone()]);
        Self { weak: slice(&self.weak), strong: self.strong.as_ref().map(slice) }
    }

    fn map(self, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        Self { weak: f(self.weak), strong: self.strong.map(f) }
    }
}

/// Refuses NaN and infinities.
pub(super) fn check_finite(operation: &'static str, tensor: &Tensor<2>) -> Result<()> {
    let plain = tensor.clone().without_autodiff();
    let bad = plain.clone().is_nan().bool_or(plain.is_inf()).any();
    if read_flag(bad)? { Err(Error::NotFinite { operation }) } else { Ok(()) }
}

pub(super) fn read_flag(flag: Tensor<1, Bool>) -> Result<bool> {
    let values = assay_tensor::convert::into_bool_array(flag)?;
    Ok(values.iter().any(|&value| value))
}

pub(super) fn part_loss(
    views: Views,
    lengths: &[usize],
    constraints: &[Constraint],
    reading: Reading,
) -> Result<PartLoss> {
    match reading {
        Reading::Joint => joint(views, lengths, constraints),
        Reading::OneVsRest => one_vs_rest(views, lengths, constraints),
    }
}

fn joint(views: Views, lengths: &[usize], constraints: &[Constraint]) -> Result<PartLoss> {
    let Views { weak, strong } = views;
    let NegLogZ { values, posterior, outcomes } = neg_log_z(weak, lengths, constraints)?;
    let supervised = mean_of_feasible(values, &outcomes);
    let feasible = lengths.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_feasible());
    let instances: usize = feasible.map(|(length, _)| length).sum();
    let unsupervised = strong.map(|strong| cross_entropy(&posterior, strong, instances));
    Ok(PartLoss { supervised, unsupervised, posterior, outcomes })
}

/// The mean of the values of feasible bags; 0 when there is none.
pub(super) fn mean_of_feasible(values: Tensor<1>, outcomes: &[Outcome]) -> Tensor<1> {
    let feasible = outcomes.iter().filter(|outcome| outcome.is_feasible()).count();
    zero_where_infeasible(values, outcomes).sum() / feasible.max(1) as f64
}

/// The values with 0 for infeasible bags, whose value is +∞.
///
/// A mask, not a factor, because 0 · ∞ is NaN; made on the host, because shaders need not honour
/// infinities and so cannot be asked which values are.
pub(super) fn zero_where_infeasible(values: Tensor<1>, outcomes: &[Outcome]) -> Tensor<1> {
    let infeasible: Vec<bool> = outcomes.iter().map(|outcome| !outcome.is_feasible()).collect();
    let data = TensorData::new(infeasible, [outcomes.len()]);
    let mask = Tensor::<1, Bool>::from_data(data, &values.device());
    values.mask_fill(mask, 0.0)
}

/// `−Σ γ log softmax(strong)` over all rows, divided by the number of `instances` that count.
pub(super) fn cross_entropy(
    posterior: &Tensor<2>,
    strong: Tensor<2>,
    instances: usize,
) -> Tensor<1> {
    let none = posterior.clone().equal_elem(0.0);
    // A class without target mass costs nothing, even where its log probability overflows.
    let each = (posterior.clone() * log_softmax(strong, 1)).mask_fill(none, 0.0);
    each.sum().neg() / instances.max(1) as f64
}

/// A binary problem for each class, averaged.
fn one_vs_rest(views: Views, lengths: &[usize], constraints: &[Constraint]) -> Result<PartLoss> {
    let [rows, classes] = views.weak.dims();
    if classes < 2 {
        let operation = "one class against the rest [N, C]";
        return Err(Error::Shape { operation, expected: vec![rows, 2], got: vec![rows, classes] });
    }
    let mut each = Vec::with_capacity(classes * constraints.len());
    for class in 0..classes {
        for (bag, constraint) in constraints.iter().enumerate() {
            each.push(against_rest(constraint, class, classes, bag)?);
        }
    }
    let lengths = lengths.repeat(classes);
    let loss = joint(views.map(collapse), &lengths, &each)?;
    // The probability of each class against its rest, [C · N] in a row, as [N, C].
    let ones = loss.posterior.slice([0..classes * rows, 1..2]);
    let posterior = ones.reshape([classes, rows]).transpose();
    Ok(PartLoss { posterior, ..loss })
}

/// What a statement about all classes says of one of them, which is class 1 of two.
fn against_rest(
    constraint: &Constraint,
    class: usize,
    classes: usize,
    bag: usize,
) -> Result<Constraint> {
    let check = |operation, got: usize| {
        if got == classes {
            Ok(())
        } else {
            Err(Error::Shape { operation, expected: vec![classes], got: vec![got] })
        }
    };
    match constraint {
        Constraint::CountVector(counts) => {
            check("count vector [C]", counts.len())?;
            Ok(Constraint::Count { class: 1, count: counts[class] })
        }
        Constraint::PresenceVector(present) => {
            check("presence vector [C]", present.len())?;
            Ok(if present[class] {
                Constraint::Present { class: 1 }
            } else {
                Constraint::Absent { class: 1 }
            })
        }
        _ => Err(Error::NotOneVsRest { bag }),
    }
}

/// Logits `[N, C]` as logits of each class against the rest, `[C · N, 2]`, class after class:
/// `(ln Σ_{k≠c} e^{z_k}, z_c)`.
fn collapse(logits: Tensor<2>) -> Tensor<2> {
    let [rows, classes] = logits.dims();
    let own = logits.clone().transpose().reshape([classes * rows, 1]);
    let all = logits.reshape([1, rows, classes]).repeat_dim(0, classes);
    let diagonal: Vec<bool> =
        (0..classes * classes).map(|at| at / classes == at % classes).collect();
    let mask = Tensor::<3, Bool>::from_data(
        TensorData::new(diagonal, [classes, 1, classes]),
        &all.device(),
    );
    let others = all.mask_fill(mask.repeat_dim(1, rows), f64::NEG_INFINITY);
    let highest = others.clone().detach().max_dim(2);
    let rest = (others - highest.clone()).exp().sum_dim(2).log() + highest;
    Tensor::cat(vec![rest.reshape([classes * rows, 1]), own], 1)
}
