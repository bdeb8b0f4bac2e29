//! Distance-Aware Calibration: a temperature for every class from how far tuning moved its text.

use assay_array::Scalar;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::features::{check_k, check_metric, check_widths, prepared, proximities};
use crate::kernel::row;
use crate::{Error, Logits, Metric, Normalisation, Probs, Result};

const OPERATION: &str = "distance-aware calibration [classes, width]";
/// Classes closer than this to a base class, in the tuned space, are base classes and keep their
/// logits: hard-coded in the authors' code.
pub const BASE_GUARD: f64 = 0.05;

/// How Distance-Aware Calibration measures.
///
/// Deviations from the authors' code, each with its reason:
/// - with fewer base classes than `K`, the mean is over those there are (they divide by `K` all the
///   same);
/// - distances are computed in `f64` from `f32` or `f64` features (theirs are in half precision);
/// - features must be of unit length, or are made so (theirs are trusted to be).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DistanceAwareConfig {
    k: usize,
    guard: Option<f64>,
    metric: Metric,
    normalisation: Normalisation,
}

impl Default for DistanceAwareConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl DistanceAwareConfig {
    /// Five neighbours, the guard [`BASE_GUARD`], Euclidean, unit vectors required.
    pub fn new() -> Self {
        let (metric, normalisation) = Default::default();
        Self { k: 5, guard: Some(BASE_GUARD), metric, normalisation }
    }

    /// Sets the number of base classes that proximity averages over.
    #[must_use]
    pub fn with_k(self, k: usize) -> Self {
        Self { k, ..self }
    }

    /// Sets how close to a base class a class counts as one; `None` scales every class. Always a
    /// Euclidean distance.
    #[must_use]
    pub fn with_guard(self, guard: Option<f64>) -> Self {
        Self { guard, ..self }
    }

    /// Sets the metric.
    #[must_use]
    pub fn with_metric(self, metric: Metric) -> Self {
        Self { metric, ..self }
    }

    /// Sets what happens to features that are not of unit length.
    #[must_use]
    pub fn with_normalisation(self, normalisation: Normalisation) -> Self {
        Self { normalisation, ..self }
    }
}

/// The four matrices of text features that Distance-Aware Calibration compares; rows are classes.
#[derive(Debug, Clone, Copy)]
pub struct TextFeatures<'a, T> {
    /// Base classes, before tuning `[base, width]`.
    pub base_zero_shot: ArrayView2<'a, T>,
    /// Base classes, after tuning `[base, width]`.
    pub base_tuned: ArrayView2<'a, T>,
    /// The classes to predict, before tuning `[classes, width]`.
    pub zero_shot: ArrayView2<'a, T>,
    /// The classes to predict, after tuning `[classes, width]`.
    pub tuned: ArrayView2<'a, T>,
}

/// Distance-Aware Calibration (Wang et al. 2024, *Open-Vocabulary Calibration for Fine-tuned CLIP*).
///
/// Tuning a vision-language model on some classes moves the text features of all. A class that moved
/// away from the base classes is predicted with too much confidence; its logits are scaled down:
///
/// `prox(x, B) = exp(−(1/K) Σ_{k≤K} d_(k)(x, B))`, `γ_c = prox(N'_c, B') / prox(N_c, B)`,
/// `z'_i = γ_ŷ · z_i` with `ŷ = argmax_c z_ic`,
///
/// where `B`, `N` are the features of base and current classes before tuning and `B'`, `N'` after.
/// `γ_c = 1` for classes within the guard of a base class. No labels, no images, nothing fitted;
/// `γ > 0`, so predictions stay the same.
///
/// ```
/// use dac_calibration::{DistanceAware, DistanceAwareConfig, Logits, TextFeatures};
/// use ndarray::array;
/// let base = array![[1.0, 0.0], [0.8, 0.6]];
/// let (zero_shot, tuned) = (array![[0.6, 0.8]], array![[0.0, 1.0]]); // moved away from both
/// let text = TextFeatures {
///     base_zero_shot: base.view(),
///     base_tuned: base.view(),
///     zero_shot: zero_shot.view(),
///     tuned: tuned.view(),
/// };
/// let dac = DistanceAware::fit(&DistanceAwareConfig::new().with_k(2), &text)?;
/// assert!(dac.gamma()[0] < 1.0);
/// let scaled = dac.apply(&Logits::new(array![[30.0]].view())?)?;
/// assert_eq!(scaled.view()[[0, 0]], 30.0 * dac.gamma()[0]);
/// # Ok::<(), dac_calibration::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Stored"))]
pub struct DistanceAware {
    config: DistanceAwareConfig,
    gamma: Vec<f64>,
    zero_shot_proximity: Vec<f64>,
    tuned_proximity: Vec<f64>,
    guarded: Vec<bool>,
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "DistanceAware")]
struct Stored {
    config: DistanceAwareConfig,
    gamma: Vec<f64>,
    zero_shot_proximity: Vec<f64>,
    tuned_proximity: Vec<f64>,
    guarded: Vec<bool>,
}

#[cfg(feature = "serde")]
impl TryFrom<Stored> for DistanceAware {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let Stored { config, gamma, zero_shot_proximity, tuned_proximity, guarded } = stored;
        let classes = gamma.len();
        let lengths = [zero_shot_proximity.len(), tuned_proximity.len(), guarded.len()];
        let positive = gamma.iter().all(|gamma| *gamma > 0.0 && gamma.is_finite());
        if classes == 0 || lengths != [classes; 3] || !positive {
            let expected = "a positive gamma, two proximities and a flag for every class";
            let got = format!("{classes} gammas beside {lengths:?}");
            return Err(Error::Fitted { operation: "distance-aware calibration", expected, got });
        }
        Ok(Self { config, gamma, zero_shot_proximity, tuned_proximity, guarded })
    }
}

impl DistanceAware {
    /// Compares the features of every class before and after tuning.
    ///
    /// # Errors
    /// [`Error::Empty`] for no base classes, classes or features; [`Error::Shape`] for matrices that
    /// do not go together; [`Error::NotFinite`]; [`Error::Norm`] for features of another length than
    /// 1 (or of length 0, where they are to be normalised); [`Error::Parameter`] for `K = 0`, a
    /// negative guard, or the cosine metric on features as given.
    pub fn fit<T: Scalar>(
        config: &DistanceAwareConfig,
        text: &TextFeatures<'_, T>,
    ) -> Result<Self> {
        check_k(config.k)?;
        check_metric(config.metric, config.normalisation)?;
        if let Some(guard) = config.guard.filter(|guard| guard.is_nan() || *guard < 0.0) {
            return Err(Error::Parameter { name: "guard", expected: "at least 0", got: guard });
        }
        if text.tuned.nrows() == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "class" });
        }
        check_widths(OPERATION, text.zero_shot, text.base_zero_shot)?;
        check_widths(OPERATION, text.tuned, text.base_tuned)?;
        for (one, other) in [(text.base_zero_shot, text.base_tuned), (text.zero_shot, text.tuned)] {
            // Tuning may change the width of the features, never the classes.
            if one.nrows() != other.nrows() {
                let expected = vec![one.nrows(), other.ncols()];
                return Err(Error::Shape {
                    operation: OPERATION,
                    expected,
                    got: other.shape().to_vec(),
                });
            }
        }
        let ready = |name, features| prepared(name, features, config.normalisation);
        let base_zero_shot = ready("base features before tuning", text.base_zero_shot)?;
        let base_tuned = ready("base features after tuning", text.base_tuned)?;
        let zero_shot = ready("features before tuning", text.zero_shot)?;
        let tuned = ready("features after tuning", text.tuned)?;

        let k = config.k.min(base_tuned.nrows());
        let of = |queries: ArrayView2<'_, T>, base: ArrayView2<'_, T>| {
            proximities(OPERATION, queries, base, k, config.metric, |_| None)
        };
        let before = of(zero_shot.view(), base_zero_shot.view())?;
        let after = of(tuned.view(), base_tuned.view())?;
        let guarded: Vec<bool> =
            after.nearest.iter().map(|&d| config.guard.is_some_and(|guard| d < guard)).collect();
        let ratio = |((&guarded, after), before): ((&bool, &f64), &f64)| {
            if guarded { 1.0 } else { after / before }
        };
        let gamma: Vec<f64> =
            guarded.iter().zip(&after.values).zip(&before.values).map(ratio).collect();
        if gamma.iter().any(|gamma| !(*gamma > 0.0 && gamma.is_finite())) {
            let reason = "a proximity underflowed: the features are too far apart to compare";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        Ok(Self {
            config: *config,
            gamma,
            zero_shot_proximity: before.values,
            tuned_proximity: after.values,
            guarded,
        })
    }

    /// The factor of every class.
    pub fn gamma(&self) -> &[f64] {
        &self.gamma
    }

    /// The proximity of every class to the base classes before tuning.
    pub fn zero_shot_proximity(&self) -> &[f64] {
        &self.zero_shot_proximity
    }

    /// The proximity of every class to the base classes after tuning.
    pub fn tuned_proximity(&self) -> &[f64] {
        &self.tuned_proximity
    }

    /// Which classes the guard took for base classes.
    pub fn guarded(&self) -> &[bool] {
        &self.guarded
    }

    /// The settings.
    pub fn config(&self) -> &DistanceAwareConfig {
        &self.config
    }

    /// Scales every row by the factor of its predicted class; of equal logits the first is predicted.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of classes, [`Error::NotFinite`] where a product
    /// overflows.
    pub fn apply<T: Scalar>(&self, logits: &Logits<'_, T>) -> Result<Logits<'static, T>> {
        self.scaled(logits, 1.0)
    }

    /// The probabilities of scaled logits: `softmax(γ_ŷ z)`.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn probabilities<T: Scalar>(&self, logits: &Logits<'_, T>) -> Result<Probs<'static>> {
        Ok(self.apply(logits)?.softmax())
    }

    /// Distance-Aware Calibration on top of a temperature fitted on base classes:
    /// `softmax(z γ_ŷ / T)`.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn probabilities_at<T: Scalar>(
        &self,
        logits: &Logits<'_, T>,
        temperature: &crate::Temperature,
    ) -> Result<Probs<'static>> {
        Ok(self.scaled(logits, 1.0 / temperature.value())?.softmax())
    }

    fn scaled<T: Scalar>(&self, logits: &Logits<'_, T>, beta: f64) -> Result<Logits<'static, T>> {
        let classes = logits.classes();
        if classes != self.gamma.len() {
            let expected = vec![logits.samples(), self.gamma.len()];
            let (operation, got) = ("logits [samples, classes]", vec![logits.samples(), classes]);
            return Err(Error::Shape { operation, expected, got });
        }
        let mut out: Array2<T> = logits.view().to_owned();
        if let Some(all) = out.as_slice_mut() {
            all.par_chunks_mut(classes).for_each(|row| {
                let gamma = self.gamma.get(row::argmax(row)).copied().unwrap_or(1.0);
                let factor = gamma * beta;
                for z in row {
                    *z = T::from_f64(z.to_f64() * factor);
                }
            });
        }
        Logits::from_array(out)
    }
}
