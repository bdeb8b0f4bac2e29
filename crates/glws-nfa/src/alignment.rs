//! Distribution alignment: unlabelled targets with the frequencies that classes have.

use assay_array::Scalar;
use ndarray::{ArrayView1, ArrayView2};

use crate::bags::Bags;
use crate::constraint::Constraint;
use crate::error::{Error, Result};
use crate::marginals::marginals;
use crate::weak_labels::WeakLabels;

/// Turns predictions on unlabelled instances into targets whose classes are balanced on average
/// (Berthelot et al. 2020, *ReMixMatch*, section 3.1; with a uniform class distribution as the aim).
///
/// It keeps a running mean `p̂` of the predictions. The target is `γ(c) ∝ p(c)/p̂(c)`: the same as the
/// evidence `1/p̂(c)`, and that is how [`labels`](Self::labels) states it. A classifier that favours a
/// class on all instances is then not told that it is right.
///
/// ```
/// use glws_nfa::{DistributionAlignment, WeakLabels};
/// use ndarray::array;
///
/// let mut alignment = DistributionAlignment::new(3)?;
/// let unlabelled = array![[1.0, 0.2, 0.3], [0.9, 1.0, 0.0]]; // the weak view's logits
/// // Two labelled instances, then the two unlabelled ones.
/// let labels = WeakLabels::labelled(3, &[0, 2])?.and(alignment.labels(unlabelled.view())?);
/// assert_eq!(labels.lengths(), [1, 1, 1, 1]);
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DistributionAlignment {
    average: Vec<f64>,
    momentum: f64,
    top: Option<usize>,
}

/// A class's running frequency is not taken for less, so that its evidence stays a number.
const LOWEST_AVERAGE: f64 = 1e-12;

impl DistributionAlignment {
    /// Starts from the same frequency for each class, with a momentum of 0.999 and all classes kept.
    ///
    /// # Errors
    /// [`Error::NoClasses`].
    pub fn new(num_classes: usize) -> Result<Self> {
        crate::languages::check_class("distribution alignment", 0, num_classes)?;
        let average = vec![1.0 / num_classes as f64; num_classes];
        Ok(Self { average, momentum: 0.999, top: None })
    }

    /// Sets the weight of the past in the running mean, from 0 to 1.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn with_momentum(self, momentum: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&momentum) {
            let (name, expected) = ("momentum", "a number from 0 to 1");
            return Err(Error::Parameter { name, expected, got: momentum });
        }
        Ok(Self { momentum, ..self })
    }

    /// Keeps only the `top` largest classes of each target. The published code keeps three, which the
    /// paper does not say.
    #[must_use]
    pub fn with_top(self, top: usize) -> Self {
        Self { top: Some(top), ..self }
    }

    /// Starts from these frequencies.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of classes, [`Error::Weight`] for a frequency that is not
    /// positive and finite.
    pub fn with_average(self, average: ArrayView1<'_, f64>) -> Result<Self> {
        let operation = "running mean [C]";
        crate::weak_labels::same_count(operation, self.average.len(), average.len())?;
        match average.iter().find(|f| !(f.is_finite() && **f > 0.0)) {
            Some(&weight) => Err(Error::Weight { operation, weight }),
            None => Ok(Self { average: average.to_vec(), ..self }),
        }
    }

    /// The running mean of the predictions.
    pub fn average(&self) -> &[f64] {
        &self.average
    }

    /// Takes the weak view's logits of unlabelled instances, `[N, C]`, into the running mean, and states
    /// their aligned targets. The targets count in the unsupervised part of the loss only: they are a
    /// guess, whose likelihood is no goal.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of classes, [`Error::NonFiniteLogit`].
    pub fn labels<T: Scalar>(&mut self, logits: ArrayView2<'_, T>) -> Result<WeakLabels> {
        let classes = self.average.len();
        crate::weak_labels::same_count("logits to align [C]", classes, logits.ncols())?;
        let rows = logits.nrows();
        let bags = Bags::new(logits, &[rows])?;
        let predictions = marginals(&bags, &[Constraint::Unknown])?.posterior;
        if rows > 0 {
            for (average, column) in self.average.iter_mut().zip(predictions.columns()) {
                let mean = column.iter().map(|p| p.to_f64()).sum::<f64>() / rows as f64;
                *average = self.momentum * *average + (1.0 - self.momentum) * mean;
            }
        }
        let evidence: Vec<f64> =
            self.average.iter().map(|average| average.max(LOWEST_AVERAGE).recip()).collect();
        let constraints = predictions.rows().into_iter().map(|row| {
            let mut evidence = evidence.clone();
            if let Some(top) = self.top {
                let ratio = |class: &usize| row[*class].to_f64() * evidence[*class];
                let mut order: Vec<usize> = (0..classes).collect();
                order.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
                for &class in order.iter().skip(top) {
                    evidence[class] = 0.0;
                }
            }
            Constraint::Evidence(evidence)
        });
        let constraints: Vec<Constraint> = constraints.collect();
        WeakLabels::new(vec![1; rows], constraints)?.weighted(0.0, 1.0)
    }
}
