use assay_array::Scalar;
use assay_array::ndarray::Array2;
use assay_tensor::burn::prelude::Tensor;
use assay_tensor::burn::tensor::Element;
use assay_tensor::convert::from_array;
use assay_tensor::{custom_grad_segments, with_scalar};

use crate::{Bags, Constraint, Error, Marginals, Outcome, Result, marginals};

/// What [`neg_log_z`] returns.
#[derive(Debug, Clone)]
pub struct NegLogZ {
    /// `−log Z` of each bag, `[B]`; `+∞` where no labelling satisfies the constraint. Autodiff goes
    /// through it: the gradient with respect to the logits is `p − γ`, and zero for infeasible bags.
    pub values: Tensor<1>,
    /// The posterior `γ`, `[N, C]`, a constant; zeros in the rows of infeasible bags.
    pub posterior: Tensor<2>,
    /// What became of each bag, `B` of them.
    pub outcomes: Vec<Outcome>,
}

impl NegLogZ {
    /// `−log Z` of each bag, `[B]`, with 0 for infeasible bags, so that it can be summed. What is masked
    /// follows from [`outcomes`](Self::outcomes), not from the values on the device.
    pub fn feasible_values(&self) -> Tensor<1> {
        super::part::zero_where_infeasible(self.values.clone(), &self.outcomes)
    }
}

/// The negative logarithm of the probability that the labels of each bag satisfy what is known of it,
/// for logits `[N, C]` of all the bags' instances in a row.
///
/// The gradient is exact and costs no graph through time: `∂(−log Z)/∂logits = p − γ`, with
/// `p = softmax(logits)` and `γ` the posterior. It runs on the host in the tensor's own element type
/// (`f32` unless the tensor is `f64`), on one thread a bag; with the feature `wgpu` or `cuda`, an `f32`
/// tensor on a GPU stays there (`neg_log_z_on_gpu`).
///
/// # Errors
/// As [`Bags::new`] and [`marginals`]: lengths that disagree with the logits, logits that are not
/// finite, constraints that name a missing class. An infeasible bag is not an error but an outcome.
///
/// # Examples
/// ```
/// use assay_tensor::{burn::prelude::Tensor, device};
/// use glws_nfa::{Constraint, tensor::neg_log_z};
///
/// # #[cfg(feature = "flex")] {
/// let training = device("flex")?.autodiff();
/// let logits = Tensor::<2>::from_floats([[0.0, 2.0], [1.0, 0.0], [0.0, 0.5]], &training);
/// let logits = logits.require_grad();
/// // The first two images show exactly one of class 1 together; the third does not show it.
/// let known = [Constraint::Count { class: 1, count: 1 }, Constraint::Absent { class: 1 }];
/// let result = neg_log_z(logits.clone(), &[2, 1], &known)?;
/// let gradients = result.values.mean().backward();
/// assert!(logits.grad(&gradients).is_some());
/// # }
/// # Ok::<(), glws_nfa::Error>(())
/// ```
pub fn neg_log_z(
    logits: Tensor<2>,
    lengths: &[usize],
    constraints: &[Constraint],
) -> Result<NegLogZ> {
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    if let Some(result) = super::neg_log_z_on_gpu(logits.clone(), lengths, constraints)? {
        return Ok(result);
    }
    with_scalar!(logits.dtype(), T => typed::<T>(logits, lengths, constraints))
}

fn typed<T: Scalar + Element>(
    logits: Tensor<2>,
    lengths: &[usize],
    constraints: &[Constraint],
) -> Result<NegLogZ> {
    let device = logits.device();
    let mut found =
        Marginals { outcomes: Vec::new(), posterior: Array2::from_elem((0, 0), T::ZERO) };
    let values = custom_grad_segments::<T, 2, Error>(logits, lengths, |logits, need| {
        let bags = Bags::new(logits, lengths)?;
        let result = marginals(&bags, constraints)?;
        let neg_log_z = result.outcomes.iter().map(|outcome| T::from_f64(-outcome.log_z()));
        let neg_log_z = neg_log_z.collect();
        let gradient = need.then(|| result.gradient(&bags)).transpose()?;
        found = result;
        Ok((neg_log_z, gradient))
    })?;
    let posterior = from_array(found.posterior, &device.without_autodiff())?;
    Ok(NegLogZ { values, posterior, outcomes: found.outcomes })
}
