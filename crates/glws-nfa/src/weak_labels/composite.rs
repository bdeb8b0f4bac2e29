//! Settings of two kinds of knowledge, put together by [`WeakLabels::and`].
//!
//! Two classes, of which 1 is the positive one. The unlabelled instances are a batch drawn at random, so
//! their count is binomial; where the count of this very batch is known, or the published code's
//! `int(π n)` is wanted, join [`WeakLabels::label_proportions`] instead.

use super::WeakLabels;
use crate::error::Result;

impl WeakLabels {
    /// Positives and unlabelled: `positives` instances of class 1, then `unlabelled` ones drawn from a
    /// population in which a share `prior` is positive.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a prior outside 0 to 1.
    ///
    /// ```
    /// use glws_nfa::WeakLabels;
    /// let labels = WeakLabels::positive_unlabelled(4, 64, 0.4)?;
    /// assert_eq!(labels.num_instances(), 68);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    pub fn positive_unlabelled(positives: usize, unlabelled: usize, prior: f64) -> Result<Self> {
        let positives = Self::labelled(2, &vec![1; positives])?;
        Ok(positives.and(Self::population_proportions(1, &[unlabelled], &[prior])?))
    }

    /// Unlabelled and unlabelled: two batches, `(instances, prior)` each, from populations with different
    /// shares of class 1.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a prior outside 0 to 1.
    pub fn unlabelled_unlabelled(first: (usize, f64), second: (usize, f64)) -> Result<Self> {
        let batch = |(n, prior)| Self::population_proportions(1, &[n], &[prior]);
        Ok(batch(first)?.and(batch(second)?))
    }

    /// Similar and dissimilar pairs and unlabelled: first the pairs, two rows each, then `unlabelled`
    /// instances from a population in which a share `prior` is of class 1. Pairs of one kind only are
    /// similar-unlabelled and dissimilar-unlabelled learning.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a prior outside 0 to 1.
    pub fn similar_dissimilar_unlabelled(
        similar: &[bool],
        unlabelled: usize,
        prior: f64,
    ) -> Result<Self> {
        let pairs = Self::pairwise_similarity(similar);
        Ok(pairs.and(Self::population_proportions(1, &[unlabelled], &[prior])?))
    }

    /// Semi-supervised: first the labelled instances, then `unlabelled` ones, of which the strong view
    /// learns what the weak view predicts. For targets that are aligned with the classes' frequencies,
    /// join [`DistributionAlignment`](crate::DistributionAlignment) instead.
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`](crate::Error::ClassOutOfRange).
    pub fn semi_supervised(
        num_classes: usize,
        labels: &[usize],
        unlabelled: usize,
    ) -> Result<Self> {
        Ok(Self::labelled(num_classes, labels)?.and(Self::unlabelled(unlabelled)))
    }
}
