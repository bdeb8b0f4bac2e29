use assay_array::Scalar;

use crate::{BinaryForecasts, Binning, Probs, Reliability, Result};

/// How much each class counts in a mean over classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ClassWeights {
    /// Every class alike: class-wise ECE (Kull et al. 2019), the static calibration error of Nixon
    /// et al. (2019).
    #[default]
    Equal,
    /// By the number of labels of the class.
    ByFrequency,
}

/// One-against-rest reliability of every class.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Classwise {
    /// The bins of each class.
    pub classes: Vec<Reliability>,
    /// How often each class is the label.
    pub labels: Vec<u64>,
}

impl Classwise {
    fn mean(&self, weights: ClassWeights, measure: impl Fn(&Reliability) -> f64) -> f64 {
        let total: u64 = self.labels.iter().sum();
        let weight = |label: &u64| match weights {
            ClassWeights::Equal => 1.0 / self.classes.len() as f64,
            ClassWeights::ByFrequency => *label as f64 / total as f64,
        };
        self.classes
            .iter()
            .zip(&self.labels)
            .map(|(bins, label)| weight(label) * measure(bins))
            .sum()
    }

    /// The mean over classes of each class's ECE.
    pub fn ece(&self, weights: ClassWeights) -> f64 {
        self.mean(weights, Reliability::ece)
    }

    /// Marginal calibration error (Kumar, Liang and Ma 2019): `√(mean over classes of RMSCE²)`.
    pub fn marginal(&self, weights: ClassWeights) -> f64 {
        self.mean(weights, |bins| bins.rmsce().powi(2)).sqrt()
    }

    /// As [`marginal`](Self::marginal), with each class's error debiased.
    pub fn marginal_debiased(&self, weights: ClassWeights) -> f64 {
        self.mean(weights, |bins| bins.debiased_l2().powi(2)).sqrt()
    }

    /// The largest ECE of any class.
    pub fn worst(&self) -> f64 {
        self.classes.iter().map(Reliability::ece).fold(0.0, f64::max)
    }
}

impl<T: Scalar> Probs<'_, T> {
    /// Bins the probabilities of every class against "the label is that class".
    ///
    /// # Errors
    /// As [`Probs::of_class`] and [`BinaryForecasts::reliability`].
    pub fn classwise(&self, labels: &[usize], binning: &Binning) -> Result<Classwise> {
        let classes = 0..self.classes();
        let bins = |class| self.of_class(class, labels)?.reliability(binning);
        let reliabilities = classes.map(bins).collect::<Result<_>>()?;
        let mut counts = vec![0_u64; self.classes()];
        for &label in labels {
            if let Some(count) = counts.get_mut(label) {
                *count += 1;
            }
        }
        Ok(Classwise { classes: reliabilities, labels: counts })
    }

    /// All `N·C` class probabilities as one set of forecasts, row by row.
    ///
    /// # Errors
    /// As [`Probs::of_class`].
    pub fn all_classes(&self, labels: &[usize]) -> Result<BinaryForecasts<'static, T>> {
        crate::outputs::check_labels("class forecasts", labels, self.samples(), self.classes())?;
        let outcome = labels.iter().flat_map(|&label| (0..self.classes()).map(move |c| c == label));
        BinaryForecasts::from_vecs(self.as_slice().to_vec(), outcome.collect())
    }
}
