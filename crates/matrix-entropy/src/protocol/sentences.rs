use assay_array::Scalar;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::kernel::rows::check;
use crate::no_eigen::mean_row;
use crate::{Conventions, Error, Result, RowPolicy, Spectrum};

/// The spectrum of each sentence `[N_i, d]`, in parallel; in order, the same for any number of
/// threads.
///
/// Under [`RowPolicy::Skip`] a sentence without enough different tokens is `None`.
///
/// # Errors
/// As [`Spectrum::of`], for the first sentence that fails.
pub fn sentence_spectra<T: Scalar>(
    sentences: &[ArrayView2<'_, T>],
    conventions: Conventions,
) -> Result<Vec<Option<Spectrum>>> {
    let one = |sentence: &ArrayView2<'_, T>| match Spectrum::of(*sentence, conventions) {
        Ok(spectrum) => Ok(Some(spectrum)),
        Err(Error::AllSkipped { .. } | Error::TooFewRows { .. } | Error::ZeroTrace { .. })
            if conventions.zero_rows == RowPolicy::Skip =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    };
    // All are computed before any error is looked at, so that the first one is always the same.
    let all: Vec<Result<Option<Spectrum>>> = sentences.par_iter().map(one).collect();
    all.into_iter().collect()
}

/// The mean token of each sentence, `[sentences, d]`: the rows of dataset-level measures ("dataset
/// entropy" of Skean et al. 2025).
///
/// # Errors
/// [`Error::TooFewRows`] for a sentence without tokens, [`Error::NotFinite`], [`Error::Shape`] for
/// sentences of different widths.
pub fn pooled<T: Scalar>(sentences: &[ArrayView2<'_, T>]) -> Result<Array2<f64>> {
    const OPERATION: &str = "pooled sentences";
    let d = sentences.first().map_or(0, ArrayView2::ncols);
    let mut means = Vec::with_capacity(sentences.len() * d);
    for sentence in sentences {
        check(OPERATION, *sentence, 1)?;
        if sentence.ncols() != d {
            let expected = format!("sentences of {d} columns");
            let got = vec![sentence.nrows(), sentence.ncols()];
            return Err(Error::Shape { operation: OPERATION, expected, got });
        }
        means.extend(mean_row(OPERATION, *sentence)?);
    }
    Array2::from_shape_vec((sentences.len(), d), means).map_err(|_| Error::Shape {
        operation: OPERATION,
        expected: "a row a sentence".to_owned(),
        got: vec![sentences.len(), d],
    })
}
