//! Single instances whose evidence is a tensor that may learn.

use assay_array::Scalar;
use assay_tensor::burn::prelude::Tensor;
use assay_tensor::burn::tensor::DType;
use assay_tensor::burn::tensor::activation::log_softmax;
use assay_tensor::convert::into_array;
use assay_tensor::with_scalar;

use super::part::{PartLoss, Views, check_finite, cross_entropy, mean_of_feasible, read_flag};
use crate::{Error, Infeasible, Outcome, Result};

/// Stands for `−∞` where a difference of two of them would be NaN.
const LOWEST: f64 = -1e30;

pub(super) fn evidence_loss(views: Views, log_evidence: Tensor<2>) -> Result<PartLoss> {
    let Views { weak, strong } = views;
    if log_evidence.dims() != weak.dims() {
        return Err(Error::Shape {
            operation: "log evidence [N, C]",
            expected: weak.dims().to_vec(),
            got: log_evidence.dims().to_vec(),
        });
    }
    if weak.dims()[1] == 0 {
        return Err(Error::NoClasses { operation: "log evidence" });
    }
    check_finite("weak view", &weak)?;
    let plain = log_evidence.clone().without_autodiff();
    if read_flag(plain.clone().is_nan().bool_or(plain.equal_elem(f64::INFINITY)).any())? {
        return Err(Error::NotFinite { operation: "log evidence" });
    }
    let ruled_out = log_evidence.clone().without_autodiff().equal_elem(f64::NEG_INFINITY);
    let joint = log_softmax(weak, 1) + log_evidence.mask_fill(ruled_out, LOWEST);
    let highest = joint.clone().detach().max_dim(1);
    let log_z = (joint.clone() - highest.clone()).exp().sum_dim(1).log() + highest;
    let outcomes: Vec<Outcome> = read(log_z.clone().without_autodiff())?
        .into_iter()
        .map(|log_z| {
            if log_z > LOWEST / 2.0 {
                Outcome::Feasible { log_z }
            } else {
                Outcome::Infeasible(Infeasible::RuledOut)
            }
        })
        .collect();
    let rows = outcomes.len();
    let feasible = outcomes.iter().filter(|outcome| outcome.is_feasible()).count();
    let supervised = mean_of_feasible(log_z.clone().neg().reshape([rows]), &outcomes);
    let plain = joint.without_autodiff();
    let log_z = log_z.without_autodiff();
    let lost = log_z.clone().lower_elem(LOWEST / 2.0).repeat_dim(1, plain.dims()[1]);
    let posterior = (plain - log_z).exp().mask_fill(lost, 0.0);
    let unsupervised = strong.map(|strong| cross_entropy(&posterior, strong, feasible));
    Ok(PartLoss { supervised, unsupervised, posterior, outcomes })
}

/// The values of a column on the host.
fn read(column: Tensor<2>) -> Result<Vec<f64>> {
    let dtype = if column.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let column = column.cast(dtype);
    Ok(with_scalar!(dtype, T => into_array::<T, 2>(column)?.iter().map(|v| v.to_f64()).collect()))
}
