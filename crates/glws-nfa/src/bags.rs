//! Ragged batches of instances.

use assay_array::Scalar;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, CowArray, Ix2};

use crate::error::{Error, Result};

/// A batch of bags: the logits of all instances, one bag after the other, and where each bag ends.
///
/// - logits: `[N, C]`, `N` instances of all bags, `C` classes; unnormalised log scores, all finite;
/// - lengths: one for each bag; they sum to `N`.
///
/// An empty bag is legal. It has one label sequence, the empty one: whatever accepts that has
/// `log Z = 0`, and everything else is [infeasible](crate::Outcome::Infeasible). A bag whose mask is
/// all padding is an empty bag.
///
/// ```
/// use glws_nfa::Bags;
/// use ndarray::{array, Array3};
///
/// let logits = array![[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]];
/// let bags = Bags::new(logits.view(), &[2, 1])?;
/// assert_eq!((bags.len(), bags.num_instances(), bags.num_classes()), (2, 3, 2));
///
/// // The same from a padded array; what stands in the padding does not matter.
/// let mut padded = Array3::from_elem((2, 2, 2), f64::NAN);
/// padded[[0, 0, 0]] = 0.0;
/// padded[[0, 0, 1]] = 1.0;
/// padded[[0, 1, 0]] = 2.0;
/// padded[[0, 1, 1]] = -1.0;
/// padded[[1, 0, 0]] = 0.5;
/// padded[[1, 0, 1]] = 0.5;
/// assert_eq!(Bags::from_padded(padded.view(), &[2, 1])?.logits(), bags.logits());
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Bags<'a, T> {
    logits: CowArray<'a, T, Ix2>,
    /// Where each bag starts, and the end.
    offsets: Vec<usize>,
    padding: Option<Padding>,
}

/// Where the instances stood in the padded array.
#[derive(Debug, Clone, PartialEq)]
struct Padding {
    length: usize,
    positions: Vec<(usize, usize)>,
}

impl<'a, T: Scalar> Bags<'a, T> {
    /// Bags that stand one after the other in `logits`. Copies only what is not in row order.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::LengthSum`] when the lengths do not sum to the rows, and
    /// [`Error::NonFiniteLogit`].
    pub fn new(logits: ArrayView2<'a, T>, lengths: &[usize]) -> Result<Self> {
        let sum = lengths.iter().try_fold(0_usize, |sum, &length| sum.checked_add(length));
        if sum != Some(logits.nrows()) {
            let sum = sum.unwrap_or(usize::MAX);
            return Err(Error::LengthSum { sum, rows: logits.nrows() });
        }
        let logits = if logits.is_standard_layout() {
            CowArray::from(logits)
        } else {
            CowArray::from(logits.as_standard_layout().into_owned())
        };
        Self::checked(logits, lengths, None)
    }

    /// Bags that are the first `lengths[b]` rows of `logits[b]`, for logits of shape `[B, L, C]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when there is not one length for each bag, [`Error::LengthAbovePadding`],
    /// [`Error::NoClasses`] and [`Error::NonFiniteLogit`]; values in the padding are not looked at.
    pub fn from_padded(logits: ArrayView3<'_, T>, lengths: &[usize]) -> Result<Self> {
        let (bags, padded, _) = logits.dim();
        if lengths.len() != bags {
            let (expected, got) = (vec![bags], vec![lengths.len()]);
            return Err(Error::Shape { operation: "lengths of padded bags [B]", expected, got });
        }
        if let Some(bag) = lengths.iter().position(|&length| length > padded) {
            return Err(Error::LengthAbovePadding { bag, length: lengths[bag], padded });
        }
        Self::gathered(logits, lengths, |bag, row| row < lengths[bag])
    }

    /// Bags that are the rows of `logits[b]` where `mask[b]` is true, for logits of shape
    /// `[B, L, C]` and a mask of shape `[B, L]`. The mask may have holes.
    ///
    /// # Errors
    /// [`Error::Shape`] when the mask has another shape, [`Error::NoClasses`] and
    /// [`Error::NonFiniteLogit`]; values in the padding are not looked at.
    pub fn from_mask(logits: ArrayView3<'_, T>, mask: ArrayView2<'_, bool>) -> Result<Self> {
        let (bags, padded, _) = logits.dim();
        if mask.dim() != (bags, padded) {
            let (expected, got) = (vec![bags, padded], mask.shape().to_vec());
            return Err(Error::Shape { operation: "mask of padded bags [B, L]", expected, got });
        }
        let lengths: Vec<usize> =
            mask.rows().into_iter().map(|row| row.iter().filter(|&&kept| kept).count()).collect();
        Self::gathered(logits, &lengths, |bag, row| mask[[bag, row]])
    }

    fn gathered(
        logits: ArrayView3<'_, T>,
        lengths: &[usize],
        kept: impl Fn(usize, usize) -> bool,
    ) -> Result<Self> {
        let (bags, length, classes) = logits.dim();
        let positions: Vec<(usize, usize)> = (0..bags)
            .flat_map(|bag| (0..length).map(move |row| (bag, row)))
            .filter(|&(bag, row)| kept(bag, row))
            .collect();
        let mut rows = Array2::from_elem((positions.len(), classes), T::ZERO);
        for (mut row, &(bag, position)) in rows.rows_mut().into_iter().zip(&positions) {
            row.assign(&logits.index_axis(Axis(0), bag).row(position));
        }
        Self::checked(CowArray::from(rows), lengths, Some(Padding { length, positions }))
    }

    fn checked(
        logits: CowArray<'a, T, Ix2>,
        lengths: &[usize],
        padding: Option<Padding>,
    ) -> Result<Self> {
        if logits.ncols() == 0 {
            return Err(Error::NoClasses { operation: "bags" });
        }
        let mut offsets = Vec::with_capacity(lengths.len() + 1);
        offsets.push(0);
        let mut end = 0;
        offsets.extend(lengths.iter().map(|&length| {
            end += length;
            end
        }));
        let bags = Self { logits, offsets, padding };
        match bags.first_non_finite() {
            Some(error) => Err(error),
            None => Ok(bags),
        }
    }

    fn first_non_finite(&self) -> Option<Error> {
        let values = self.values();
        // `0 · x` is 0 for finite numbers and NaN for the others, and a sum of them vectorises.
        let mut lanes = [T::ZERO; 16];
        let chunks = values.chunks_exact(16);
        let mut bad = chunks.remainder().iter().any(|v| !v.is_finite());
        for chunk in chunks {
            for (lane, &v) in lanes.iter_mut().zip(chunk) {
                *lane += v * T::ZERO;
            }
        }
        bad |= lanes.iter().any(|lane| lane.is_nan());
        if !bad {
            return None;
        }
        let index = values.iter().position(|v| !v.is_finite())?;
        let (row, class) = (index / self.num_classes(), index % self.num_classes());
        let bag = self.offsets.partition_point(|&start| start <= row) - 1;
        let instance = row - self.offsets[bag];
        Some(Error::NonFiniteLogit { bag, instance, class, value: values[index].to_f64() })
    }

    /// How many bags there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no bag.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many instances all bags have together.
    pub fn num_instances(&self) -> usize {
        self.logits.nrows()
    }

    /// How many classes there are.
    pub fn num_classes(&self) -> usize {
        self.logits.ncols()
    }

    /// The logits of all instances, `[N, C]`.
    pub fn logits(&self) -> ArrayView2<'_, T> {
        self.logits.view()
    }

    /// Where each bag starts among the instances, and after the last one where it ends.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The size of one bag, or `None` when there is no such bag.
    pub fn length(&self, bag: usize) -> Option<usize> {
        Some(self.offsets.get(bag.checked_add(1)?)? - self.offsets.get(bag)?)
    }

    /// Writes one row for each instance (`[N, C]`, such as a gradient) back to the shape `[B, L, C]`
    /// that the bags were made from, with zeros in the padding.
    ///
    /// # Errors
    /// [`Error::NotPadded`] when the bags come from [`new`](Self::new), and [`Error::Shape`] when
    /// there is not one row for each instance.
    pub fn scatter(&self, rows: ArrayView2<'_, T>) -> Result<Array3<T>> {
        let padding = self.padding.as_ref().ok_or(Error::NotPadded)?;
        if rows.nrows() != self.num_instances() {
            let (expected, got) = (vec![self.num_instances(), rows.ncols()], rows.shape().to_vec());
            return Err(Error::Shape { operation: "rows to scatter [N, C]", expected, got });
        }
        let mut padded = Array3::from_elem((self.len(), padding.length, rows.ncols()), T::ZERO);
        for (row, &(bag, position)) in rows.rows().into_iter().zip(&padding.positions) {
            padded.index_axis_mut(Axis(0), bag).row_mut(position).assign(&row);
        }
        Ok(padded)
    }

    /// All logits in row order.
    pub(crate) fn values(&self) -> &[T] {
        // cannot fail: the constructors keep only arrays in standard layout
        self.logits.as_slice().unwrap_or(&[])
    }
}
