use ndarray::ArrayView2;

use crate::{Constraint, Error, Result};

/// What is known of the labels of a batch: bags of consecutive instances, and one constraint a bag.
///
/// One constructor a setting; [`WeakLabels::new`] takes any mixture of constraints. The instances of
/// bag 0 come first, then those of bag 1, and so on; lengths may differ.
///
/// ```
/// use glws_nfa::WeakLabels;
/// // Two bags of 3 and 4 images; the first holds two nines, the second none.
/// let labels = WeakLabels::label_proportions(9, &[3, 4], &[2, 0])?;
/// assert_eq!(labels.lengths(), [3, 4]);
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WeakLabels {
    lengths: Vec<usize>,
    constraints: Vec<Constraint>,
}

impl WeakLabels {
    /// Any constraints, one a bag.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many constraints as lengths.
    pub fn new(
        lengths: impl Into<Vec<usize>>,
        constraints: impl Into<Vec<Constraint>>,
    ) -> Result<Self> {
        let (lengths, constraints) = (lengths.into(), constraints.into());
        same_count("weak labels [B]", lengths.len(), constraints.len())?;
        Ok(Self { lengths, constraints })
    }

    /// Label proportions: bag `b` holds exactly `counts[b]` instances of `class`.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many counts as lengths. A count above the bag's length
    /// makes the bag infeasible, which the loss reports.
    pub fn label_proportions(class: usize, lengths: &[usize], counts: &[usize]) -> Result<Self> {
        same_count("label proportions [B]", lengths.len(), counts.len())?;
        let constraints = counts.iter().map(|&count| Constraint::Count { class, count });
        Ok(Self { lengths: lengths.to_vec(), constraints: constraints.collect() })
    }

    /// Label proportions of all classes jointly: bag `b` holds exactly `counts[[b, c]]` instances of
    /// each class `c`; `counts` is `[B, C]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many rows of counts as lengths.
    pub fn class_counts(lengths: &[usize], counts: ArrayView2<'_, usize>) -> Result<Self> {
        same_count("class counts [B]", lengths.len(), counts.nrows())?;
        let constraints = counts.outer_iter().map(|row| Constraint::CountVector(row.to_vec()));
        Ok(Self { lengths: lengths.to_vec(), constraints: constraints.collect() })
    }

    /// Multiple instances: whether bag `b` holds at least one instance of `class`, or none.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many answers as lengths.
    pub fn multiple_instances(class: usize, lengths: &[usize], present: &[bool]) -> Result<Self> {
        same_count("multiple instances [B]", lengths.len(), present.len())?;
        let constraint = |&present: &bool| {
            if present { Constraint::Present { class } } else { Constraint::Absent { class } }
        };
        let constraints = present.iter().map(constraint).collect();
        Ok(Self { lengths: lengths.to_vec(), constraints })
    }

    /// Pairwise similarity: whether the two instances of pair `b`, rows `2b` and `2b + 1`, are of one
    /// class.
    pub fn pairwise_similarity(similar: &[bool]) -> Self {
        let constraint =
            |&similar: &bool| if similar { Constraint::Similar } else { Constraint::Dissimilar };
        Self {
            lengths: vec![2; similar.len()],
            constraints: similar.iter().map(constraint).collect(),
        }
    }

    /// The number of instances of each bag.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// What is known of each bag.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }
}

fn same_count(what: &'static str, lengths: usize, given: usize) -> Result<()> {
    if lengths == given {
        return Ok(());
    }
    Err(Error::Shape { operation: what, expected: vec![lengths], got: vec![given] })
}
