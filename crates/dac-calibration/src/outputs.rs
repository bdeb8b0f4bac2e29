//! What a classifier puts out: logits or probabilities, told apart by type.

use assay_array::Scalar;
use ndarray::{Array2, ArrayView2, CowArray, Ix2};
use rayon::prelude::*;

use crate::kernel::row;
use crate::{Error, Result};

/// How far a row's sum may be from 1: a softmax computed in half precision is off by about this.
pub const SUM_TOLERANCE: f64 = 2e-3;
/// Probabilities below this are raised to it before a logarithm is taken: a class of probability 0
/// would otherwise have an infinite logit. scikit-learn adds the same number.
pub const LOG_FLOOR: f64 = 1e-12;

/// Unnormalised log probabilities, rows are samples and columns are classes; all finite.
///
/// Borrowed or owned. There is no silent softmax anywhere: what needs [`Probs`] asks for them.
///
/// ```
/// use dac_calibration::{Logits, Probs};
/// use ndarray::array;
/// let z = array![[2.0_f32, 0.0, -1.0]];
/// let logits = Logits::new(z.view())?;
/// assert!(Probs::new(z.view()).is_err()); // logits are no probabilities
/// assert!((logits.softmax().view().sum() - 1.0).abs() < 1e-12);
/// # Ok::<(), dac_calibration::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Logits<'a, T: Scalar = f64>(CowArray<'a, T, Ix2>);

/// Class probabilities, rows are samples and columns are classes; each in `[0, 1]`, each row's sum
/// within [`SUM_TOLERANCE`] of 1.
///
/// Borrowed or owned.
#[derive(Debug, Clone, PartialEq)]
pub struct Probs<'a, T: Scalar = f64>(CowArray<'a, T, Ix2>);

fn rows_and_classes<T>(operation: &'static str, view: ArrayView2<'_, T>) -> Result<()> {
    if view.nrows() == 0 {
        return Err(Error::Empty { operation, item: "sample" });
    }
    if view.ncols() == 0 {
        return Err(Error::Empty { operation, item: "class" });
    }
    Ok(())
}

/// Row-major rows without gaps: whatever else comes is copied once.
fn contiguous<T: Scalar>(view: ArrayView2<'_, T>) -> CowArray<'_, T, Ix2> {
    if view.is_standard_layout() {
        view.into()
    } else {
        view.as_standard_layout().into_owned().into()
    }
}

fn slice<'a, T: Scalar>(array: &'a CowArray<'_, T, Ix2>) -> &'a [T] {
    // `contiguous` made it so.
    array.as_slice().unwrap_or_default()
}

impl<'a, T: Scalar> Logits<'a, T> {
    /// Checks logits `[samples, classes]`.
    ///
    /// # Errors
    /// [`Error::Empty`] for no samples or no classes, [`Error::NotFinite`] with the first NaN or
    /// infinity.
    pub fn new(view: ArrayView2<'a, T>) -> Result<Self> {
        rows_and_classes("logits", view)?;
        let array = contiguous(view);
        check_finite("logits", &array)?;
        Ok(Self(array))
    }

    /// As [`new`](Self::new), taking the array.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_array(array: Array2<T>) -> Result<Logits<'static, T>> {
        rows_and_classes("logits", array.view())?;
        let array = if array.is_standard_layout() {
            array
        } else {
            array.as_standard_layout().into_owned()
        };
        let array = CowArray::from(array);
        check_finite("logits", &array)?;
        Ok(Logits(array))
    }

    /// Finite by construction.
    pub(crate) fn trusted(array: Array2<T>) -> Logits<'static, T> {
        Logits(array.into())
    }

    /// The array `[samples, classes]`.
    pub fn view(&self) -> ArrayView2<'_, T> {
        self.0.view()
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.0.nrows()
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.0.ncols()
    }

    /// `p_ic = exp(z_ic) / Σ_k exp(z_ik)` in `f64`.
    pub fn softmax(&self) -> Probs<'static, f64> {
        self.softmax_at(1.0)
    }

    /// `softmax(β z)`.
    pub(crate) fn softmax_at(&self, beta: f64) -> Probs<'static, f64> {
        let classes = self.classes();
        let mut out = Array2::zeros((self.samples(), classes));
        if let Some(all) = out.as_slice_mut() {
            let block = row::block(classes);
            all.par_chunks_mut(block).zip(self.as_slice().par_chunks(block)).for_each(
                |(out, logits)| {
                    row::softmax_rows(logits, classes, beta, out);
                },
            );
        }
        Probs(out.into())
    }

    /// The entries, row by row.
    pub(crate) fn as_slice(&self) -> &[T] {
        slice(&self.0)
    }

    /// Borrows.
    pub(crate) fn reborrow(&self) -> Logits<'_, T> {
        Logits(self.0.view().into())
    }
}

impl<'a, T: Scalar> Probs<'a, T> {
    /// Checks probabilities `[samples, classes]`.
    ///
    /// # Errors
    /// [`Error::Empty`] for no samples or no classes, [`Error::Probability`] for an entry that is
    /// NaN, negative or above 1, [`Error::RowSum`] for a row that does not sum to 1.
    pub fn new(view: ArrayView2<'a, T>) -> Result<Self> {
        rows_and_classes("probabilities", view)?;
        let array = contiguous(view);
        check_probabilities(&array)?;
        Ok(Self(array))
    }

    /// As [`new`](Self::new), taking the array.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_array(array: Array2<T>) -> Result<Probs<'static, T>> {
        rows_and_classes("probabilities", array.view())?;
        let array = if array.is_standard_layout() {
            array
        } else {
            array.as_standard_layout().into_owned()
        };
        let array = CowArray::from(array);
        check_probabilities(&array)?;
        Ok(Probs(array))
    }

    /// Probabilities by construction.
    pub(crate) fn trusted(array: Array2<T>) -> Probs<'static, T> {
        Probs(array.into())
    }

    /// The array `[samples, classes]`.
    pub fn view(&self) -> ArrayView2<'_, T> {
        self.0.view()
    }

    /// The array, copied only if it was borrowed.
    pub fn into_array(self) -> Array2<T> {
        self.0.into_owned()
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.0.nrows()
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.0.ncols()
    }

    /// Logits of these probabilities: `ln max(p, LOG_FLOOR)`. Softmax gives the probabilities back,
    /// normalised, except for what lay below [`LOG_FLOOR`].
    pub fn ln(&self) -> Logits<'static, f64> {
        Logits::trusted(self.0.mapv(|p| p.to_f64().max(LOG_FLOOR).ln()))
    }

    /// The entries, row by row.
    pub(crate) fn as_slice(&self) -> &[T] {
        slice(&self.0)
    }

    /// Borrows.
    pub(crate) fn reborrow(&self) -> Probs<'_, T> {
        Probs(self.0.view().into())
    }
}

fn check_finite<T: Scalar>(operation: &'static str, array: &CowArray<'_, T, Ix2>) -> Result<()> {
    let values = slice(array);
    // Blocks without an early exit, so that the comparisons vectorise.
    let block = 1 << 14;
    let bad = values.par_chunks(block).position_first(|block| !row::all_finite(block));
    let Some(start) = bad.map(|index| index * block) else { return Ok(()) };
    let found = values[start..].iter().position(|value| !value.is_finite());
    let index = start + found.unwrap_or_default();
    let (row, column) = (index / array.ncols(), index % array.ncols());
    Err(Error::NotFinite { operation, row, column, value: values[index].to_f64() })
}

fn check_probabilities<T: Scalar>(array: &CowArray<'_, T, Ix2>) -> Result<()> {
    let (operation, classes) = ("probabilities", array.ncols());
    let values = slice(array);
    let bad =
        values.par_chunks(classes).position_first(|row| !row::is_distribution(row, SUM_TOLERANCE));
    let Some(row) = bad else { return Ok(()) };
    let values = &values[row * classes..(row + 1) * classes];
    let outside = |p: &T| !(T::ZERO..=T::ONE).contains(p);
    match values.iter().position(outside) {
        Some(column) => {
            Err(Error::Probability { operation, row, column, value: values[column].to_f64() })
        }
        None => Err(Error::RowSum { operation, row, sum: values.iter().map(|p| p.to_f64()).sum() }),
    }
}

/// Checks one label a sample, each below the number of classes.
pub(crate) fn check_labels(
    operation: &'static str,
    labels: &[usize],
    samples: usize,
    classes: usize,
) -> Result<()> {
    if labels.len() != samples {
        let (items, expected, got) = ("labels", samples, labels.len());
        return Err(Error::Length { operation, items, expected, got });
    }
    match labels.iter().position(|&label| label >= classes) {
        Some(index) => Err(Error::Label { operation, index, label: labels[index], classes }),
        None => Ok(()),
    }
}
