use assay_tensor::burn::prelude::Tensor;

use super::part::{Views, part_loss};
use crate::{Error, Outcome, Result, WeakLabels};

/// How the two parts of the loss are weighed; both by 1 unless told, as in the paper.
///
/// ```
/// use glws_nfa::tensor::WeakLossConfig;
/// let loss = WeakLossConfig::new().with_unsupervised_weight(0.5).init()?;
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WeakLossConfig {
    /// The weight of `−log Z`.
    pub supervised_weight: f64,
    /// The weight of the cross entropy between the views.
    pub unsupervised_weight: f64,
}

impl Default for WeakLossConfig {
    fn default() -> Self {
        Self { supervised_weight: 1.0, unsupervised_weight: 1.0 }
    }
}

impl WeakLossConfig {
    /// Both weights 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the weight of `−log Z`.
    #[must_use]
    pub fn with_supervised_weight(self, weight: f64) -> Self {
        Self { supervised_weight: weight, ..self }
    }

    /// Sets the weight of the cross entropy between the views.
    #[must_use]
    pub fn with_unsupervised_weight(self, weight: f64) -> Self {
        Self { unsupervised_weight: weight, ..self }
    }

    /// The loss.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a weight that is negative or not finite.
    pub fn init(self) -> Result<WeakLoss> {
        for (name, value) in [
            ("supervised_weight", self.supervised_weight),
            ("unsupervised_weight", self.unsupervised_weight),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::Parameter {
                    name,
                    expected: "a finite weight of 0 or more",
                    got: value,
                });
            }
        }
        Ok(WeakLoss { config: self })
    }
}

/// The GLWS loss, for whatever is known of the labels (Chen et al. 2024, arXiv 2402.01922, eq. 5):
///
/// `L = w_s · (1/B) Σ_b −log Z_b  +  w_u · (1/N) Σ_i Σ_c −γ_i(c) log p_i^s(c)`
///
/// `Z_b` is the probability, under the weak view's predictions, that the labels of bag `b` satisfy what
/// is known of it; `γ` is the posterior of the weak view, a constant; `p^s = softmax` of the strong
/// view's logits. `B` and `N` count feasible bags and their instances.
///
/// Labels of several parts ([`WeakLabels::and`]) have this loss for each part, and their sum in all.
#[derive(Debug, Clone, PartialEq)]
pub struct WeakLoss {
    config: WeakLossConfig,
}

/// The parts of a [`WeakLoss`].
#[derive(Debug, Clone)]
pub struct WeakLossOutput {
    /// The mean of `−log Z` over the feasible bags, summed over the parts of the labels, `[1]`.
    pub supervised: Tensor<1>,
    /// The cross entropy from the posterior to the strong view, mean over the instances of feasible
    /// bags, summed over the parts of the labels, `[1]`; `None` without a strong view.
    pub unsupervised: Option<Tensor<1>>,
    /// The weighted sum, `[1]`: what to call `backward` on.
    pub total: Tensor<1>,
    /// The posterior `γ` of the weak view, `[N, C]`, a constant; zeros for infeasible bags.
    pub posterior: Tensor<2>,
    /// What became of each bag. Infeasible bags count in no mean and move no weight. Read one class
    /// against the rest, a part has an outcome for each class and bag, class 0 first.
    pub outcomes: Vec<Outcome>,
}

impl WeakLoss {
    /// The loss of a batch: logits `[N, C]` of the weak view and, if there is one, of the strong view
    /// of the same instances, in the order of `labels`.
    ///
    /// Without a strong view the loss is `−log Z` alone: on one view the second part has the same
    /// gradient as the first.
    ///
    /// If no bag is feasible the loss is 0 and no weight moves; `outcomes` says so.
    ///
    /// # Errors
    /// As [`neg_log_z`](super::neg_log_z), and a strong view of another shape or with NaN in it.
    ///
    /// # Examples
    /// ```
    /// use assay_tensor::{burn::prelude::Tensor, device};
    /// use glws_nfa::{WeakLabels, tensor::WeakLossConfig};
    ///
    /// # #[cfg(feature = "flex")] {
    /// let training = device("flex")?.autodiff();
    /// let logits = Tensor::<2>::from_floats([[0.0, 2.0], [1.0, 0.0]], &training).require_grad();
    /// let labels = WeakLabels::pairwise_similarity(&[true]);
    /// let loss = WeakLossConfig::new().init()?.forward(logits, None, &labels)?;
    /// let gradients = loss.total.backward();
    /// # }
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    pub fn forward(
        &self,
        weak: Tensor<2>,
        strong: Option<Tensor<2>>,
        labels: &WeakLabels,
    ) -> Result<WeakLossOutput> {
        let views = Views::new(weak, strong)?;
        let [rows, _] = views.weak.dims();
        if labels.num_instances() != rows {
            return Err(Error::LengthSum { sum: labels.num_instances(), rows });
        }
        let zero = || Tensor::zeros([1], (&views.weak.device(), views.weak.dtype()));
        let mut supervised = zero();
        let mut unsupervised = views.strong.is_some().then(zero);
        let mut posteriors = Vec::with_capacity(labels.parts().len());
        let mut outcomes = Vec::with_capacity(labels.lengths().len());
        let (mut bag, mut row) = (0, 0);
        for part in labels.parts() {
            let lengths = &labels.lengths()[bag..bag + part.bags];
            let constraints = &labels.constraints()[bag..bag + part.bags];
            let instances: usize = lengths.iter().sum();
            let views = views.rows(row..row + instances);
            let loss = part_loss(views, lengths, constraints, part.reading)?;
            supervised = supervised + loss.supervised * part.supervised;
            if let (Some(sum), Some(loss)) = (&mut unsupervised, loss.unsupervised) {
                *sum = sum.clone() + loss * part.unsupervised;
            }
            posteriors.push(loss.posterior);
            outcomes.extend(loss.outcomes);
            (bag, row) = (bag + part.bags, row + instances);
        }
        let posterior = match posteriors.len() {
            0 => views.weak.without_autodiff(),
            _ => Tensor::cat(posteriors, 0),
        };
        Ok(self.output(supervised, unsupervised, posterior, outcomes))
    }

    /// The loss of single instances whose evidence is a tensor, `[N, C]`: `log e_i(c)`, the log
    /// likelihood of what was observed of instance `i` if its class is `c`. With
    /// `Z_i = Σ_c p_i(c) e_i(c)`, everything else is as in [`forward`](Self::forward).
    ///
    /// Autodiff goes through the evidence as well, so that whatever made it can learn: a
    /// [`NoiseMatrix`](super::NoiseMatrix), or a model of the annotators. All of it is tensor code that
    /// runs where the tensors are. `−∞` is the evidence of what cannot be; an instance all of whose
    /// classes have it is infeasible. Such entries must be constants.
    ///
    /// # Errors
    /// [`Error::Shape`] for views or evidence of another shape; [`Error::NotFinite`] for logits that are
    /// not finite and for evidence that is NaN or `+∞`.
    pub fn forward_evidence(
        &self,
        weak: Tensor<2>,
        strong: Option<Tensor<2>>,
        log_evidence: Tensor<2>,
    ) -> Result<WeakLossOutput> {
        let views = Views::new(weak, strong)?;
        let loss = super::evidence::evidence_loss(views, log_evidence)?;
        Ok(self.output(loss.supervised, loss.unsupervised, loss.posterior, loss.outcomes))
    }

    fn output(
        &self,
        supervised: Tensor<1>,
        unsupervised: Option<Tensor<1>>,
        posterior: Tensor<2>,
        outcomes: Vec<Outcome>,
    ) -> WeakLossOutput {
        let mut total = supervised.clone() * self.config.supervised_weight;
        if let Some(unsupervised) = &unsupervised {
            total = total + unsupervised.clone() * self.config.unsupervised_weight;
        }
        WeakLossOutput { supervised, unsupervised, total, posterior, outcomes }
    }
}
