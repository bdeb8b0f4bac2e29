//! A transition matrix of label noise that learns with the classifier.

use assay_tensor::burn;
use assay_tensor::burn::module::{Module, Param};
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::activation::log_softmax;

use crate::{Error, Result};

/// How a [`NoiseMatrix`] starts.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use glws_nfa::tensor::NoiseMatrixConfig;
/// let training = assay_tensor::device("flex")?.autodiff();
/// let noise = NoiseMatrixConfig::new(10).with_stay(0.8).init(&training)?;
/// assert_eq!(noise.transition().dims(), [10, 10]);
/// # }
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NoiseMatrixConfig {
    /// How many classes there are.
    pub num_classes: usize,
    /// The probability, at the start, that a label is right; the other classes share the rest.
    pub stay: f64,
    /// How much faster the matrix moves than its parameters: `T = softmax(speed · W)`.
    pub speed: f64,
}

impl NoiseMatrixConfig {
    /// Labels are right with probability 0.9 at the start; speed 1.
    pub fn new(num_classes: usize) -> Self {
        Self { num_classes, stay: 0.9, speed: 1.0 }
    }

    /// Sets the probability, at the start, that a label is right.
    #[must_use]
    pub fn with_stay(self, stay: f64) -> Self {
        Self { stay, ..self }
    }

    /// Sets how much faster the matrix moves than its parameters. An optimiser such as Adam moves every
    /// parameter by its step size; the few of a noise matrix have a longer way to go than the
    /// classifier's, and 10 lets them.
    #[must_use]
    pub fn with_speed(self, speed: f64) -> Self {
        Self { speed, ..self }
    }

    /// The matrix on `device`, in the device's own float type.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::Alphabet`] for more than 2^20 classes, and [`Error::Parameter`]
    /// when `stay` is not strictly between 0 and 1 (a probability of exactly 0 or 1 would never move) or
    /// `speed` is not positive and finite.
    pub fn init(self, device: &Device) -> Result<NoiseMatrix> {
        let Self { num_classes, stay, speed } = self;
        if num_classes == 0 {
            return Err(Error::NoClasses { operation: "noise matrix" });
        }
        crate::Alphabet::new(num_classes)?;
        if !(stay > 0.0 && stay < 1.0) {
            let (name, expected) = ("stay", "a probability strictly between 0 and 1");
            return Err(Error::Parameter { name, expected, got: stay });
        }
        if !(speed.is_finite() && speed > 0.0) {
            let (name, expected) = ("speed", "a positive finite number");
            return Err(Error::Parameter { name, expected, got: speed });
        }
        // Softmax of (a, 0, 0, …) is `stay` at the first place for a = ln(stay · (C − 1)/(1 − stay)).
        let others = (num_classes - 1).max(1) as f64;
        let diagonal = ((stay * others / (1.0 - stay)).ln() / speed) as f32;
        let values: Vec<f32> = (0..num_classes * num_classes)
            .map(|at| if at / num_classes == at % num_classes { diagonal } else { 0.0 })
            .collect();
        let data = TensorData::new(values, [num_classes, num_classes]);
        Ok(NoiseMatrix { logits: Param::from_tensor(Tensor::from_data(data, device)), speed })
    }
}

/// The probabilities `T(c, y) = P(label y is seen | class c)` as a module that learns: each row is the
/// softmax of a row of parameters.
///
/// Give its parameters to an optimiser together with the classifier's. Its evidence goes to
/// [`WeakLoss::forward_evidence`](super::WeakLoss::forward_evidence), whose `−log Z` is the negative log
/// likelihood `−log Σ_c p(c) T(c, y)` of the labels seen; its gradient reaches the classifier and the
/// matrix.
///
/// The likelihood alone cannot tell noise of the teacher from doubt of the classifier: a classifier that
/// predicts how often each label is *seen*, with the identity as the matrix, is as likely as one that is
/// certain, with the right matrix. Nor can it tell a permuted classifier with a permuted matrix from the
/// right one. Start with a heavy diagonal, and add a little of the mean entropy of the predictions to the
/// loss; the program `noisy_labels` of the examples does.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use assay_tensor::burn::prelude::Tensor;
/// use glws_nfa::tensor::{NoiseMatrixConfig, WeakLossConfig};
/// let training = assay_tensor::device("flex")?.autodiff();
/// let noise = NoiseMatrixConfig::new(3).init(&training)?;
/// let logits = Tensor::<2>::from_floats([[2.0, 0.0, 1.0], [0.0, 0.5, 0.1]], &training).require_grad();
/// let loss = WeakLossConfig::new().init()?;
/// let output = loss.forward_evidence(logits, None, noise.observed(&[0, 2])?)?;
/// let gradients = output.total.backward();
/// assert!(noise.logits.val().grad(&gradients).is_some());
/// # }
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Module, Debug)]
pub struct NoiseMatrix {
    /// The parameters, `[C, C]`; row `c` is for the true class `c`.
    pub logits: Param<Tensor<2>>,
    /// What they are multiplied by.
    pub speed: f64,
}

impl NoiseMatrix {
    /// `log T`, `[C, C]`.
    pub fn log_transition(&self) -> Tensor<2> {
        log_softmax(self.logits.val() * self.speed, 1)
    }

    /// `T`, `[C, C]`; rows sum to 1.
    pub fn transition(&self) -> Tensor<2> {
        self.log_transition().exp()
    }

    /// The log evidence of the labels seen, `log T(c, y_i)`, `[N, C]`.
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`].
    pub fn observed(&self, labels: &[usize]) -> Result<Tensor<2>> {
        let num_classes = self.num_classes();
        for &class in labels {
            crate::languages::check_class("noisy labels", class, num_classes)?;
        }
        let seen = |at: usize| labels[at / num_classes] == at % num_classes;
        Ok(self.evidence_of(labels.len(), seen))
    }

    /// The log evidence of candidate sets, `Σ_{s ∈ S_i} log T(c, s)`, `[N, C]`, from `candidates`,
    /// `[N, C]`: partial labels in which each candidate is a noisy label of its own.
    ///
    /// # Errors
    /// [`Error::Shape`] for candidates of another number of classes.
    pub fn candidates(&self, candidates: ndarray::ArrayView2<'_, bool>) -> Result<Tensor<2>> {
        let num_classes = self.num_classes();
        crate::weak_labels::same_count("candidates [C]", num_classes, candidates.ncols())?;
        let seen = |at: usize| candidates[[at / num_classes, at % num_classes]];
        Ok(self.evidence_of(candidates.nrows(), seen))
    }

    fn num_classes(&self) -> usize {
        self.logits.dims()[0]
    }

    /// `S (log T)ᵀ` for the indicator matrix `S`.
    fn evidence_of(&self, rows: usize, seen: impl Fn(usize) -> bool) -> Tensor<2> {
        let num_classes = self.num_classes();
        let indicator: Vec<f32> =
            (0..rows * num_classes).map(|at| if seen(at) { 1.0 } else { 0.0 }).collect();
        let log_transition = self.log_transition();
        let options = (&log_transition.device(), log_transition.dtype());
        let indicator =
            Tensor::<2>::from_data(TensorData::new(indicator, [rows, num_classes]), options);
        indicator.matmul(log_transition.transpose())
    }
}

/// `KL(uniform ‖ mean prediction)`, from logits `[N, C]`: 0 when the predictions of a batch are balanced
/// over the classes on average, and large when a class is forgotten. `[1]`.
///
/// An additional term, which the published code weighs by 0.1, for settings that otherwise allow a
/// degenerate solution.
///
/// # Errors
/// [`Error::NoClasses`], and [`Error::NotFinite`] for logits that are not finite.
pub fn class_balance(logits: Tensor<2>) -> Result<Tensor<1>> {
    let [rows, classes] = logits.dims();
    if classes == 0 {
        return Err(Error::NoClasses { operation: "class balance" });
    }
    super::part::check_finite("class balance", &logits)?;
    if rows == 0 {
        return Ok(Tensor::zeros([1], (&logits.device(), logits.dtype())));
    }
    // ln mean p through a log-sum-exp over the rows, so that a forgotten class has a finite logarithm.
    let log_p = log_softmax(logits, 1);
    let highest = log_p.clone().detach().max_dim(0);
    let log_sum = (log_p - highest.clone()).exp().sum_dim(0).log() + highest;
    let log_mean = log_sum - (rows as f64).ln();
    Ok(log_mean.mean().neg() - (classes as f64).ln())
}
