use assay_array::Scalar;
use ndarray::{Array2, ArrayView2};

use crate::kernel::gram;
use crate::kernel::rows::{Prepared, prepare};
use crate::{Center, Conventions, Error, Result, RowNorm};

/// How similar two rows are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Kernel {
    /// `x·y`.
    Linear,
    /// `cos(x, y)`, after subtracting the mean row if asked: with [`Center::Mean`] the paper's
    /// normalisation.
    Cosine(Center),
    /// `exp(−‖x − y‖²/(2σ²))`.
    Rbf {
        /// `σ`, positive.
        sigma: f64,
    },
}

impl Kernel {
    /// The kernel matrix `[N, N]` of rows `[N, d]`, in `f64`.
    ///
    /// # Errors
    /// As [`Spectrum::of`](crate::Spectrum::of); [`Error::Setting`] for a `σ` that is not positive and
    /// finite.
    pub fn matrix<T: Scalar>(self, x: ArrayView2<'_, T>) -> Result<Array2<f64>> {
        const OPERATION: &str = "kernel matrix";
        let linear = Conventions::cosine().with_row_norm(RowNorm::No);
        match self {
            Self::Linear => {
                let Prepared { rows, .. } = prepare(OPERATION, x, linear)?;
                Ok(gram::outer(rows.view())?.finish())
            }
            Self::Cosine(center) => {
                let conventions = Conventions::paper().with_center(center);
                let Prepared { rows, .. } = prepare(OPERATION, x, conventions)?;
                Ok(gram::outer(rows.view())?.finish())
            }
            Self::Rbf { sigma } => {
                if !(sigma > 0.0 && sigma.is_finite()) {
                    let (name, expected) = ("sigma", "positive and finite");
                    return Err(Error::Setting {
                        operation: OPERATION,
                        name,
                        expected,
                        got: sigma,
                    });
                }
                // Distances do not see the mean; products of centred rows cancel less.
                let center = if x.nrows() < 2 { Center::No } else { Center::Mean };
                let Prepared { rows, .. } = prepare(OPERATION, x, linear.with_center(center))?;
                let products = gram::outer(rows.view())?.finish();
                let scale = -0.5 / (sigma * sigma);
                Ok(Array2::from_shape_fn(products.dim(), |(i, j)| {
                    if i == j {
                        return 1.0;
                    }
                    let squared = products[[i, i]] + products[[j, j]] - 2.0 * products[[i, j]];
                    (scale * squared.max(0.0)).exp()
                }))
            }
        }
    }

    /// The kernel as two numbers, for stored accumulators.
    pub(super) fn stored(self) -> (u64, f64) {
        match self {
            Self::Linear => (0, 0.0),
            Self::Cosine(Center::No) => (1, 0.0),
            Self::Cosine(Center::Mean) => (2, 0.0),
            Self::Rbf { sigma } => (3, sigma),
        }
    }

    /// The kernel that two numbers stand for.
    pub(super) fn from_stored(code: u64, parameter: f64) -> Option<Self> {
        let kernel = match code {
            0 => Self::Linear,
            1 => Self::Cosine(Center::No),
            2 => Self::Cosine(Center::Mean),
            3 if parameter > 0.0 && parameter.is_finite() => Self::Rbf { sigma: parameter },
            _ => return None,
        };
        (kernel.stored().1.to_bits() == parameter.to_bits()).then_some(kernel)
    }
}
