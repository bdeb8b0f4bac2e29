use assay_array::Scalar;
use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::kernel::rows::{Prepared, check, prepare};
use crate::{Conventions, Error, Result};

/// Which angle is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Curvature {
    /// Between successive steps `v_k = z_{k+1} − z_k`, as the papers define it (Hénaff et al. 2019;
    /// Hosseini and Fedorenko 2023). 0 for a straight line at any speed.
    #[default]
    Steps,
    /// Between the states themselves, centred and of length 1, this many tokens apart: what the
    /// published code of Skean et al. computes with 1. It is not a curvature.
    States {
        /// Tokens apart, 1 or more.
        lag: usize,
    },
}

/// The mean angle along a trajectory of tokens `[N, d]`, in radians, `0..=π`.
///
/// # Errors
/// [`Error::TooFewRows`] below three tokens (`lag + 1` for states); [`Error::ZeroRow`] where two
/// successive tokens are equal, or a token equals the mean; [`Error::NotFinite`];
/// [`Error::Setting`] for a lag of 0.
///
/// ```
/// use matrix_entropy::layers::{Curvature, curvature};
/// use ndarray::array;
/// let square = array![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
/// let angle = curvature(square.view(), Curvature::Steps)?;
/// assert!((angle - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn curvature<T: Scalar>(x: ArrayView2<'_, T>, of: Curvature) -> Result<f64> {
    const OPERATION: &str = "curvature";
    let (directions, lag) = match of {
        Curvature::Steps => {
            check(OPERATION, x, 3)?;
            let steps = Array2::from_shape_fn((x.nrows() - 1, x.ncols()), |(i, j)| {
                x[[i + 1, j]].to_f64() - x[[i, j]].to_f64()
            });
            let Prepared { rows, .. } = prepare(OPERATION, steps.view(), Conventions::cosine())?;
            (rows, 1)
        }
        Curvature::States { lag: 0 } => {
            let (name, expected) = ("lag", "of 1 or more");
            return Err(Error::Setting { operation: OPERATION, name, expected, got: 0.0 });
        }
        Curvature::States { lag } => {
            check(OPERATION, x, lag.saturating_add(1).max(2))?;
            let wide = x.mapv(Scalar::to_f64);
            let Prepared { rows, .. } = prepare(OPERATION, wide.view(), Conventions::paper())?;
            (rows, lag)
        }
    };
    let pairs = directions.outer_iter().zip(directions.outer_iter().skip(lag));
    let (sum, count) =
        pairs.fold((0.0, 0_usize), |(sum, count), (a, b)| (sum + angle(a, b), count + 1));
    Ok(sum / count as f64)
}

/// The angle between unit vectors: `2 atan2(‖a − b‖, ‖a + b‖)` keeps the digits that the arc cosine
/// loses near 0 and π.
fn angle(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    let (mut apart, mut together) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        apart += (a - b) * (a - b);
        together += (a + b) * (a + b);
    }
    2.0 * f64::atan2(apart.sqrt(), together.sqrt())
}
