//! Every measure that reads a [`Spectrum`].

use assay_array::numeric::xlogx;

use crate::{Error, LogBase, Normaliser, Result, Spectrum};

impl Spectrum {
    /// Matrix entropy `H = −Σ p_k log p_k`, in nats: the von Neumann entropy of the matrix divided by
    /// its trace. Between 0 and [`cap`](Self::cap).
    pub fn entropy(&self) -> f64 {
        // From the smallest weight; −Σ of terms that are not positive, so never below zero.
        -self.weights().iter().rev().map(|&p| xlogx(p)).sum::<f64>().min(0.0)
    }

    /// The entropy in nats or bits.
    pub fn entropy_in(&self, base: LogBase) -> f64 {
        base.from_nats(self.entropy())
    }

    /// The entropy divided by what the normaliser says. `LogD` divides by `log d` even where `N − 1`
    /// rows cannot reach it, as the paper does: short texts then come out small.
    pub fn normalised_entropy(&self, normaliser: Normaliser) -> f64 {
        normalise(self.entropy(), normaliser, self.rows(), self.columns())
    }

    /// Effective rank `exp(H)` (Roy and Vetterli 2007), between 1 and [`rank_limit`](Self::rank_limit).
    pub fn effective_rank(&self) -> f64 {
        self.entropy().exp()
    }

    /// Rényi entropy `log Σ p^α / (1 − α)` of any order `α ≥ 0`, in nats: the logarithm of
    /// [`rank`](Self::rank) at 0, the matrix entropy at 1, `−log p_max` at infinity. It does not
    /// increase with `α`.
    ///
    /// Orders below 1 weigh small eigenvalues up, so weights that rounding explains are left out
    /// there: those up to `max(N, d) ε` of the largest, with the `ε` of the element type.
    ///
    /// # Errors
    /// [`Error::Setting`] for an order that is negative or NaN.
    ///
    /// ```
    /// use matrix_entropy::Spectrum;
    /// let spectrum = Spectrum::from_eigenvalues(&[0.5, 0.25, 0.125, 0.125])?;
    /// assert!((spectrum.renyi(1.0)? - spectrum.entropy()).abs() < 1e-15);
    /// assert!((spectrum.renyi(f64::INFINITY)? - 2.0_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), matrix_entropy::Error>(())
    /// ```
    pub fn renyi(&self, order: f64) -> Result<f64> {
        check_order("Rényi entropy", order)?;
        if order == 0.0 {
            return Ok((self.rank() as f64).ln());
        }
        if order == 1.0 {
            return Ok(self.entropy());
        }
        let largest = self.largest_weight();
        if order == f64::INFINITY {
            return Ok(-largest.ln());
        }
        let value = if (order - 1.0).abs() < NEAR_ONE {
            // Σ p^α − 1 without cancellation.
            self.power_excess(order).ln_1p() / (1.0 - order)
        } else {
            let scaled: f64 = self.certain(order).rev().map(|p| (p / largest).powf(order)).sum();
            (scaled.ln() + order * largest.ln()) / (1.0 - order)
        };
        Ok(value.max(0.0))
    }

    /// Tsallis entropy `(1 − Σ p^q) / (q − 1)`, the matrix entropy at 1. Small weights are treated as
    /// in [`renyi`](Self::renyi).
    ///
    /// # Errors
    /// [`Error::Setting`] for an order that is negative, infinite or NaN.
    pub fn tsallis(&self, order: f64) -> Result<f64> {
        const OPERATION: &str = "Tsallis entropy";
        check_order(OPERATION, order)?;
        if order == f64::INFINITY {
            let expected = "finite";
            return Err(Error::Setting {
                operation: OPERATION,
                name: "order",
                expected,
                got: order,
            });
        }
        if order == 1.0 {
            return Ok(self.entropy());
        }
        if order == 0.0 {
            return Ok(self.rank() as f64 - 1.0);
        }
        Ok((self.power_excess(order) / (1.0 - order)).max(0.0))
    }

    /// Vendi score of order `q`, `exp` of the Rényi entropy (Friedman and Dieng 2023; Pasarkar and
    /// Dieng 2024): the effective number of different items.
    ///
    /// # Errors
    /// As [`renyi`](Self::renyi).
    pub fn vendi_score(&self, order: f64) -> Result<f64> {
        Ok(self.renyi(order)?.exp())
    }

    /// The number of weights above rounding (`max(N, d) ε` of the largest).
    pub fn rank(&self) -> usize {
        let threshold = self.noise() * self.largest_weight();
        self.weights().iter().filter(|&&p| p > threshold).count()
    }

    /// RankMe (Garrido et al. 2023): `exp(−Σ q_k log q_k)` with `q_k = p_k + ε`, which do not sum to
    /// one; their `ε` is 1e-7. Meant for [`Conventions::rankme`](crate::Conventions::rankme), whose
    /// weights are singular values.
    ///
    /// # Errors
    /// [`Error::Setting`] for an `ε` that is negative or not finite.
    pub fn rankme(&self, epsilon: f64) -> Result<f64> {
        if !(epsilon >= 0.0 && epsilon.is_finite()) {
            let (name, expected) = ("epsilon", "of 0 or more, finite");
            return Err(Error::Setting { operation: "RankMe", name, expected, got: epsilon });
        }
        Ok((-self.weights().iter().rev().map(|&p| xlogx(p + epsilon)).sum::<f64>()).exp())
    }

    /// Participation ratio `(Σλ)² / Σλ²`, the exponential of the Rényi entropy of order 2. It grows
    /// with `N`; [`participation_ratio_unbiased`](crate::participation_ratio_unbiased) corrects that.
    pub fn participation_ratio(&self) -> f64 {
        let (sum, squares) = self.scaled_sums();
        sum * sum / squares
    }

    /// Stable rank `‖Z‖²_F / ‖Z‖²₂ = Σλ / λ_max`.
    pub fn stable_rank(&self) -> f64 {
        self.scaled_sums().0
    }

    /// NESum (He and Ozay 2022), `Σλ / λ_max` of the covariance: the [stable rank](Self::stable_rank)
    /// of centred rows, under the name that papers on collapse use.
    pub fn nesum(&self) -> f64 {
        self.stable_rank()
    }

    /// `σ_max / σ_min` over all `min(N, d)` singular values; `None` where the smallest is zero.
    pub fn condition_number(&self) -> Option<f64> {
        let (largest, smallest) = (self.eigenvalues().first()?, self.eigenvalues().last()?);
        (*smallest > 0.0).then(|| (largest / smallest).sqrt())
    }

    /// `½ log det(I + d/ε² · ZᵀZ/N) = ½ Σ log(1 + d λ_k / ε²)`: the total coding rate (Ma et al. 2007),
    /// nats to code the rows up to the squared distortion `ε²`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `ε` is positive and finite.
    pub fn coding_rate(&self, epsilon: f64) -> Result<f64> {
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            let (name, expected) = ("epsilon", "positive and finite");
            return Err(Error::Setting { operation: "coding rate", name, expected, got: epsilon });
        }
        let d = self.columns() as f64;
        let bits = self.eigenvalues().iter().rev().map(|v| (d * v / epsilon / epsilon).ln_1p());
        Ok(0.5 * bits.sum::<f64>())
    }

    /// IsoScore (Rudman et al. 2022) of the covariance: 1 for variance spread evenly over all `d`
    /// directions, 0 for a single one. `None` where `d = 1`.
    ///
    /// With `λ̂ = λ √d / ‖λ‖` and `δ = ‖λ̂ − 1‖ / √(2(d − √d))`, it is
    /// `((d − δ²(d − √d))² − d) / (d(d − 1))`.
    pub fn isoscore(&self) -> Option<f64> {
        let d = self.columns() as f64;
        if self.columns() < 2 {
            return None;
        }
        let (sum, squares) = self.scaled_sums();
        // ‖λ̂ − 1‖² = d + d − 2 Σ λ̂, with the missing eigenvalues zero.
        let distance = 2.0 * d - 2.0 * d.sqrt() * sum / squares.sqrt();
        let defect = distance / (2.0 * (d - d.sqrt()));
        let share = d - defect * (d - d.sqrt());
        Some(((share * share - d) / (d * (d - 1.0))).clamp(0.0, 1.0))
    }

    /// `−log λ_max · (1 − Σp²)`, the FINGER approximation of the entropy from two numbers that need no
    /// decomposition (Chen et al. 2019). It is a lower bound.
    pub fn finger_entropy(&self) -> f64 {
        let squares: f64 = self.weights().iter().rev().map(|p| p * p).sum();
        -self.largest_weight().ln() * (1.0 - squares).max(0.0)
    }

    pub(crate) fn largest_weight(&self) -> f64 {
        self.weights().first().copied().unwrap_or(1.0)
    }

    /// `Σλ` and `Σλ²` with `λ_max` scaled to 1, so that neither overflows nor vanishes.
    fn scaled_sums(&self) -> (f64, f64) {
        let largest = self.eigenvalues().first().copied().unwrap_or(1.0);
        let scaled = || self.eigenvalues().iter().rev().map(|v| v / largest);
        (scaled().sum(), scaled().map(|v| v * v).sum())
    }

    /// The weights that an order sees: all from 1 on, those above rounding below it.
    fn certain(&self, order: f64) -> impl DoubleEndedIterator<Item = f64> {
        let threshold = if order < 1.0 { self.noise() * self.largest_weight() } else { 0.0 };
        self.weights().iter().copied().filter(move |&p| p > threshold)
    }

    /// `Σ p^α − 1 = Σ p (p^(α−1) − 1)`, exact near `α = 1`.
    fn power_excess(&self, order: f64) -> f64 {
        self.certain(order).rev().map(|p| p * ((order - 1.0) * p.ln()).exp_m1()).sum()
    }
}

/// Orders this close to 1 use the form that does not cancel there.
const NEAR_ONE: f64 = 0.5;

fn check_order(operation: &'static str, got: f64) -> Result<()> {
    if got >= 0.0 {
        return Ok(());
    }
    Err(Error::Setting { operation, name: "order", expected: "of 0 or more", got })
}

/// An entropy of `[rows, columns]` data divided as asked; 0 where the divisor is.
pub(crate) fn normalise(entropy: f64, by: Normaliser, rows: usize, columns: usize) -> f64 {
    let size = match by {
        Normaliser::Raw => return entropy,
        Normaliser::LogD => columns,
        Normaliser::LogN => rows,
        Normaliser::LogMin => rows.min(columns),
    };
    if size > 1 { entropy / (size as f64).ln() } else { 0.0 }
}

/// The entropy of the spectrum with one eigenvalue `l₁` and `d − 1` equal ones `l₂` that has a given
/// `Σp² = squares`: what a decomposition-free guess knows beside the trace.
///
/// `l₁ = (1 + √((d − 1)(d · squares − 1))) / d`, `l₂ = (1 − l₁)/(d − 1)`.
///
/// Returns `(l₁, l₂, entropy)`.
///
/// # Errors
/// [`Error::Setting`] where `squares` is outside `[1/d, 1)`, as no spectrum of `d` weights has it or
/// `l₂` would not be positive.
pub fn radial_entropy(squares: f64, columns: usize) -> Result<(f64, f64, f64)> {
    const OPERATION: &str = "radial entropy";
    let d = columns as f64;
    if !(columns >= 2 && squares < 1.0 && squares * d >= 1.0 - 1e-12) {
        let (name, expected) = ("squares", "in [1/d, 1), with d of 2 or more");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: squares });
    }
    let first = (1.0 + ((d - 1.0) * (d * squares - 1.0).max(0.0)).sqrt()) / d;
    let second = (1.0 - first) / (d - 1.0);
    if second <= 0.0 {
        let reason = "the tail would not be positive";
        return Err(Error::Undefined { operation: OPERATION, reason });
    }
    Ok((first, second, -xlogx(first) - (d - 1.0) * xlogx(second)))
}
