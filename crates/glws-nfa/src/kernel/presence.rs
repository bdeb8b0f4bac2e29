//! Multiple-instance supervision in closed form.
//!
//! At least one positive: `Z = 1 − Π(1 − p_i)`, `γ_i = p_i / Z`. None: `Z = Π(1 − p_i)`, `γ_i = 0`.

use assay_array::{Scalar, numeric};
use pulp::{Arch, Simd, WithSimd};

use super::binary::{Buffers, LANES, SoftplusSum, lanes, log_odds, restore};
use super::softmax::normalise;

/// When all log odds are below this, `Z = Σ e^{z_i}` to all digits, and the probabilities themselves
/// may be too small for the element type.
pub(super) const RARE: f64 = -40.0;

/// At least one instance of `class`: returns `log Z`.
pub(super) fn present<T: Scalar>(
    logits: &[T],
    classes: usize,
    class: usize,
    posterior: &mut [T],
    buffers: &mut Buffers<T>,
) -> f64 {
    Arch::new().dispatch(Present { logits, classes, class, posterior, buffers })
}

struct Present<'a, T> {
    logits: &'a [T],
    classes: usize,
    class: usize,
    posterior: &'a mut [T],
    buffers: &'a mut Buffers<T>,
}

impl<T: Scalar> WithSimd for Present<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> f64 {
        let Self { logits, classes, class, posterior, buffers: Buffers { z, p } } = self;
        let length = logits.len() / classes;
        log_odds(logits, classes, class, z, posterior);
        p.resize(z.len(), T::ZERO);
        let mut sum = SoftplusSum::new();
        let mut highest = [T::NEG_INFINITY; LANES];
        for (z, p) in z.chunks_exact(LANES).zip(p.chunks_exact_mut(LANES)) {
            let z = lanes(z);
            let mut e = [T::ZERO; LANES];
            let mut linear = [0.0; LANES];
            for k in 0..LANES {
                e[k] = (-z[k].abs()).exp_branchless();
                let reciprocal = T::ONE / (T::ONE + e[k]);
                p[k] = (if z[k] >= T::ZERO { T::ONE } else { e[k] }) * reciprocal;
                linear[k] = z[k].max(T::ZERO).to_f64();
                highest[k] = if z[k] > highest[k] { z[k] } else { highest[k] };
            }
            sum.add(linear, e);
        }
        let highest = highest.iter().fold(T::NEG_INFINITY, |max, &z| max.max(z));
        if highest.to_f64() < RARE {
            let mut gamma: Vec<f64> = z[..length].iter().map(|z| z.to_f64()).collect();
            let log_z = normalise(&mut gamma);
            restore(posterior, classes, class, gamma.into_iter().map(T::from_f64));
            return log_z;
        }
        // −ln Π(1 − p_i), at least p of the most likely instance
        let none = sum.finish();
        let scale = -1.0 / (-none).exp_m1();
        let gamma = p.iter().map(|p| T::from_f64((p.to_f64() * scale).min(1.0)));
        restore(posterior, classes, class, gamma);
        numeric::log1m_exp(-none)
    }
}

/// No instance of `class`: returns `log Z`.
pub(super) fn absent<T: Scalar>(
    logits: &[T],
    classes: usize,
    class: usize,
    posterior: &mut [T],
    buffers: &mut Buffers<T>,
) -> f64 {
    Arch::new().dispatch(Certain { logits, classes, class, positive: false, posterior, buffers })
}

/// Every instance of `class`: returns `log Z`.
pub(super) fn all<T: Scalar>(
    logits: &[T],
    classes: usize,
    class: usize,
    posterior: &mut [T],
    buffers: &mut Buffers<T>,
) -> f64 {
    Arch::new().dispatch(Certain { logits, classes, class, positive: true, posterior, buffers })
}

struct Certain<'a, T> {
    logits: &'a [T],
    classes: usize,
    class: usize,
    positive: bool,
    posterior: &'a mut [T],
    buffers: &'a mut Buffers<T>,
}

impl<T: Scalar> WithSimd for Certain<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> f64 {
        let Self { logits, classes, class, positive, posterior, buffers: Buffers { z, .. } } = self;
        let length = logits.len() / classes;
        log_odds(logits, classes, class, z, posterior);
        if positive {
            for z in &mut z[..length] {
                *z = -*z;
            }
        }
        let gamma = if positive { T::ONE } else { T::ZERO };
        restore(posterior, classes, class, std::iter::repeat_n(gamma, length));
        -softplus_sum(z)
    }
}

/// `Σ ln(1 + e^{x_i})` over a whole number of [`LANES`].
#[inline(always)]
pub(super) fn softplus_sum<T: Scalar>(x: &[T]) -> f64 {
    let mut sum = SoftplusSum::new();
    for x in x.chunks_exact(LANES) {
        let x = lanes(x);
        let mut e = [T::ZERO; LANES];
        let mut linear = [0.0; LANES];
        for k in 0..LANES {
            e[k] = (-x[k].abs()).exp_branchless();
            linear[k] = x[k].max(T::ZERO).to_f64();
        }
        sum.add(linear, e);
    }
    sum.finish()
}
