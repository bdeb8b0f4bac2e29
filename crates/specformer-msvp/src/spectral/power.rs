use assay_array::Scalar;
use assay_array::random::{normal, stream};
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::kernel::{Rows, add_outer, fused, norm, times, times_transposed};
use crate::{Error, LowerBound, Result};

/// Which vector a step of power iteration updates first.
///
/// For a matrix that does not change, all three run through the same sequence of `σ`, from another
/// starting vector. While the weights change between steps, they differ by half a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PowerOrder {
    /// Whichever of the two below takes one pass over the matrix as it lies in memory.
    #[default]
    OnePass,
    /// `v = Wᵀu/‖·‖`, then `u = Wv/‖·‖`, `σ = ‖Wv‖`: the published code of SpecFormer.
    VFirst,
    /// `u = Wv/‖·‖`, then `v = Wᵀu/‖·‖`, `σ = ‖Wᵀu‖`: PyTorch's `spectral_norm`.
    UFirst,
}

/// Power iteration on one matrix, kept from step to step: the warm start that makes a single step a
/// training step enough (Miyato et al. 2018).
///
/// - `u`, length `m`, and `v`, length `n`: unit vectors, or zero while the matrix is zero;
/// - `sigma = uᵀWv`, the estimate of the largest singular value, never above it but for rounding.
///
/// The state is in `f64` whatever the weights are in; a step multiplies in the weights' type.
///
/// ```
/// use ndarray::array;
/// use specformer_msvp::spectral::{PowerOrder, PowerState};
/// let w = array![[3.0_f64, 0.0], [0.0, 4.0]];
/// let mut state = PowerState::random(w.dim(), 42, 0);
/// for _ in 0..60 {
///     state.step(w.view(), PowerOrder::OnePass)?;
/// }
/// assert!((state.sigma() - 4.0).abs() < 1e-12);
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Saved", into = "Saved"))]
pub struct PowerState {
    u: Vec<f64>,
    v: Vec<f64>,
    sigma: f64,
}

impl PowerState {
    /// Random unit vectors for a matrix of this shape, from the stream `(seed, index)`.
    pub fn random((m, n): (usize, usize), seed: u64, index: u64) -> Self {
        let mut rng = stream(seed, "power iteration", index);
        let mut unit = |length| {
            let mut x: Vec<f64> = (0..length).map(|_| normal(&mut rng)).collect();
            normalise(&mut x);
            x
        };
        Self { u: unit(m), v: unit(n), sigma: 0.0 }
    }

    /// Starts from vectors of the caller's, which are normalised here.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn from_vectors(u: Vec<f64>, v: Vec<f64>) -> Result<Self> {
        let bad = |x: &[f64]| x.iter().position(|x| !x.is_finite());
        for x in [&u, &v] {
            if let Some(i) = bad(x) {
                let operation = "power iteration: starting vector";
                return Err(Error::NotFinite { operation, index: vec![i], value: x[i] });
            }
        }
        let (mut u, mut v) = (u, v);
        normalise(&mut u);
        normalise(&mut v);
        Ok(Self { u, v, sigma: 0.0 })
    }

    /// A saved state, bit by bit.
    #[cfg(any(feature = "burn", feature = "serde"))]
    pub(crate) fn from_parts(u: Vec<f64>, v: Vec<f64>, sigma: f64) -> Result<Self> {
        if !(sigma >= 0.0 && sigma.is_finite()) {
            let operation = "saved power iteration: sigma";
            return Err(Error::NotFinite { operation, index: vec![], value: sigma });
        }
        // Checked, but not normalised again.
        Self::from_vectors(u.clone(), v.clone())?;
        Ok(Self { u, v, sigma })
    }

    /// The left vector.
    pub fn u(&self) -> &[f64] {
        &self.u
    }

    /// The right vector.
    pub fn v(&self) -> &[f64] {
        &self.v
    }

    /// `uᵀWv` after the last step; 0 before the first.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// Rows and columns of the matrix that the state belongs to.
    pub fn shape(&self) -> (usize, usize) {
        (self.u.len(), self.v.len())
    }

    /// One step; returns the new `sigma`. A zero matrix gives 0 and keeps the vectors for later.
    ///
    /// # Errors
    /// [`Error::State`] for another shape; [`Error::NotFinite`] for a NaN or infinity in the matrix.
    /// The state is then as before.
    pub fn step<T: Scalar>(&mut self, w: ArrayView2<'_, T>, order: PowerOrder) -> Result<f64> {
        self.check(w.dim())?;
        // One pass needs the contiguous direction as rows.
        if w.strides()[1] != 1 && w.strides()[0] == 1 {
            self.transpose();
            let order = match order {
                PowerOrder::OnePass => PowerOrder::OnePass,
                PowerOrder::VFirst => PowerOrder::UFirst,
                PowerOrder::UFirst => PowerOrder::VFirst,
            };
            let result = self.advance(&Rows::new(w.reversed_axes()), order);
            self.transpose();
            // The place of a bad number is told in the caller's axes.
            return result.map_err(|error| match error {
                Error::NotFinite { operation, mut index, value } => {
                    index.reverse();
                    Error::NotFinite { operation, index, value }
                }
                other => other,
            });
        }
        self.advance(&Rows::new(w), order)
    }

    /// `G += s · u vᵀ`. With `s = 1` this adds `∂σ/∂W`, with `s = 2σ` it adds `∂σ²/∂W`: exact for
    /// the `u` and `v` of the last step held constant, a subgradient of the true `σ` at convergence.
    /// After a zero matrix it adds zero.
    ///
    /// # Errors
    /// [`Error::State`] for another shape.
    pub fn add_gradient<T: Scalar>(&self, s: f64, g: ArrayViewMut2<'_, T>) -> Result<()> {
        self.check(g.dim())?;
        if self.sigma > 0.0 {
            add_outer(s, &self.u, &self.v, g);
        }
        Ok(())
    }

    /// `‖Wv‖` for the state's unit `v`, in `f64` and less its rounding: a rigorous lower bound.
    ///
    /// # Errors
    /// As [`PowerState::step`].
    pub fn lower_bound<T: Scalar>(&self, w: ArrayView2<'_, T>) -> Result<LowerBound> {
        self.check(w.dim())?;
        Ok(image("lower bound of the spectral norm", &Rows::new(w), &self.v)?.0)
    }

    fn check(&self, (m, n): (usize, usize)) -> Result<()> {
        let operation = "power iteration";
        if self.u.len() != m {
            return Err(Error::State { operation, what: "rows", expected: m, got: self.u.len() });
        }
        if self.v.len() != n {
            return Err(Error::State {
                operation,
                what: "columns",
                expected: n,
                got: self.v.len(),
            });
        }
        Ok(())
    }

    fn transpose(&mut self) {
        std::mem::swap(&mut self.u, &mut self.v);
    }

    fn advance<T: Scalar>(&mut self, w: &Rows<'_, T>, order: PowerOrder) -> Result<f64> {
        // Products of W with vectors of length 1/σ are near 1 and products of those with Wᵀ near σ:
        // neither squares what is extreme. The last σ is a good enough guess, if there is one.
        if self.sigma > 0.0
            && let Some(next) = attempt(w, self, order, self.sigma)
        {
            *self = next;
            return Ok(self.sigma);
        }
        let largest = w.magnitude().map_err(|(i, j, value)| Error::NotFinite {
            operation: "power iteration",
            index: vec![i, j],
            value,
        })?;
        if largest == 0.0 {
            self.sigma = 0.0;
            return Ok(0.0);
        }
        // A cold start, or weights that have changed beyond recognition, or numbers at the end of their
        // type's range: once on a copy that has none of these problems.
        let (w, factor) = w.scaled(largest);
        let next = attempt(&w, self, order, 1.0).or_else(|| {
            // The vector is orthogonal to all that W sees. Its largest row is not.
            let mut v = w.largest()?.to_vec();
            normalise(&mut v);
            let start = Self { u: self.u.clone(), v, sigma: 0.0 };
            attempt(&w, &start, PowerOrder::UFirst, 1.0)
        });
        match next {
            Some(next) => *self = Self { sigma: next.sigma * factor, ..next },
            None => self.sigma = 0.0, // cannot be: the largest row has a product
        }
        Ok(self.sigma)
    }
}

/// One step with the scale `σ ≈ scale`; `None` when a norm on the way is zero or not finite.
fn attempt<T: Scalar>(
    w: &Rows<'_, T>,
    state: &PowerState,
    order: PowerOrder,
    scale: f64,
) -> Option<PowerState> {
    let small = 1.0 / scale;
    if !small.is_finite() {
        return None;
    }
    let cast = |x: &[f64]| -> Vec<T> { x.iter().map(|&x| T::from_f64(x * small)).collect() };
    let (mut x, mut y) = (vec![T::ZERO; w.len()], vec![T::ZERO; w.columns()]);
    if order == PowerOrder::VFirst {
        times_transposed(w, &cast(&state.u), &mut y);
        let (v, _) = unit(&y)?;
        times(w, &cast(&v), &mut x);
        let (u, length) = unit(&x)?;
        return Some(PowerState { u, v, sigma: length * scale });
    }
    fused(w, &cast(&state.v), &mut x, &mut y);
    let (u, length) = unit(&x)?;
    let (v, product) = unit(&y)?;
    let sigma = product / length;
    (sigma > 0.0 && sigma.is_finite()).then_some(PowerState { u, v, sigma })
}

/// The vector at length one in `f64`, and its length, if that is a positive number.
fn unit<T: Scalar>(x: &[T]) -> Option<(Vec<f64>, f64)> {
    let length = norm(x);
    (length > 0.0 && length.is_finite())
        .then(|| (x.iter().map(|x| x.to_f64() / length).collect(), length))
}

fn normalise(x: &mut [f64]) {
    let length = norm(x);
    if length > 0.0 {
        for x in x {
            *x /= length;
        }
    }
}

/// `‖Wv‖/‖v‖` less the rounding of its computation in `f64`, and the unit vector of `Wv`; zeros where
/// `W` or `v` is zero.
pub(crate) fn image<T: Scalar>(
    operation: &'static str,
    w: &Rows<'_, T>,
    v: &[f64],
) -> Result<(LowerBound, Vec<f64>)> {
    let (m, n) = (w.len(), w.columns());
    let largest = w.magnitude().map_err(|(i, j, value)| Error::NotFinite {
        operation,
        index: vec![i, j],
        value,
    })?;
    if largest == 0.0 {
        return Ok((LowerBound::ZERO, vec![0.0; m]));
    }
    // Scaled by a power of two, because squares of what is extreme are not numbers any more.
    let factor = (-largest.log2().floor()).clamp(-1020.0, 1020.0).exp2();
    let scaled: Vec<f64> = v.iter().map(|v| v * factor).collect();
    let mut x = w.times_wide(&scaled);
    let length = norm(&x);
    let value = length / norm(v) / factor;
    for x in &mut x {
        *x /= length;
    }
    if !value.is_finite() {
        return Ok((LowerBound::ZERO, vec![0.0; m])); // a zero vector says nothing
    }
    // |fl(Wv) − Wv| ≤ γ |W||v| ≤ γ ‖W‖_F ‖v‖ ≤ γ √min(m, n) σ ‖v‖ (Higham 2002, §3.5).
    let relative = crate::bound::gamma(2 * (m + n) + 10) * (m.min(n) as f64).sqrt() * 1.01;
    Ok((LowerBound::with_margin(value, relative), x))
}

/// How a state is written down; checked when it comes back.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    u: Vec<f64>,
    v: Vec<f64>,
    sigma: f64,
}

#[cfg(feature = "serde")]
impl From<PowerState> for Saved {
    fn from(state: PowerState) -> Self {
        Self { u: state.u, v: state.v, sigma: state.sigma }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Saved> for PowerState {
    type Error = Error;

    fn try_from(saved: Saved) -> Result<Self> {
        Self::from_parts(saved.u, saved.v, saved.sigma)
    }
}
