use std::fmt;

/// A number that is proved to be at most the true value: what power iteration, Lanczos and a
/// Jacobian at a point give.
///
/// There is no way from here to a [`CertifiedUpper`]: an estimate from below, however close, makes a
/// certificate that lies.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LowerBound(f64);

impl LowerBound {
    pub(crate) const ZERO: Self = Self(0.0);

    /// `value` less a relative margin for the rounding that made it.
    pub(crate) fn with_margin(value: f64, relative: f64) -> Self {
        Self((value / (1.0 + relative)).next_down().max(0.0))
    }

    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl fmt::Display for LowerBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "≥ {:.6}", self.0)
    }
}

/// A number that is proved to be at least the true value, rounding included. Only these enter a
/// certificate.
///
/// Arithmetic on them rounds upwards: each operation is followed by a step to the next larger `f64`,
/// which exceeds the error of one correctly rounded operation.
///
/// ```
/// use specformer_msvp::CertifiedUpper;
/// let third = CertifiedUpper::known(1.0) * CertifiedUpper::known(1.0 / 3.0);
/// assert!(third.value() > 1.0 / 3.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CertifiedUpper(f64);

impl CertifiedUpper {
    pub(crate) const ZERO: Self = Self(0.0);

    /// A bound that the caller has proved by other means; a NaN or a negative number becomes `+∞`,
    /// which bounds everything.
    pub fn known(value: f64) -> Self {
        Self(if value >= 0.0 { value } else { f64::INFINITY })
    }

    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }

    /// The square root, rounded upwards.
    pub fn sqrt(self) -> Self {
        Self::up(self.0.sqrt())
    }

    /// The larger of two.
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The smaller of two bounds on one value.
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    fn up(value: f64) -> Self {
        // 0 · ∞: a factor that is exactly zero wins, because the other is a bound on a finite number.
        Self(if value.is_nan() || value == 0.0 { 0.0 } else { value.next_up() })
    }
}

impl std::ops::Mul for CertifiedUpper {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let product = Self::up(self.0 * other.0);
        // Two positive numbers whose product underflows have not become zero.
        if product.0 == 0.0 && self.0 > 0.0 && other.0 > 0.0 {
            Self(f64::from_bits(1))
        } else {
            product
        }
    }
}

impl std::ops::Add for CertifiedUpper {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::up(self.0 + other.0)
    }
}

impl fmt::Display for CertifiedUpper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "≤ {:.6}", self.0)
    }
}

/// An upper bound on `(1 + u)ⁿ`-type growth: `γ_n = n u / (1 − n u)` for `n` roundings with unit
/// roundoff `u = 2⁻⁵³` (Higham 2002, lemma 3.1), itself rounded upwards.
pub(crate) fn gamma(n: usize) -> f64 {
    let nu = n as f64 * (f64::EPSILON / 2.0);
    if nu >= 0.5 { f64::INFINITY } else { (nu / (1.0 - nu)) * (1.0 + 4.0 * f64::EPSILON) }
}
