use assay_array::Scalar;
use assay_tensor::burn::prelude::Tensor;
use assay_tensor::burn::tensor::Element;
use assay_tensor::{Need, custom_grad_segments, with_scalar};
use ndarray::{Array1, Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;

use super::kernel::{Measure, evaluate};
use crate::{Center, Conventions, Error, Result, RowNorm, RowPolicy, SpectrumKind};

const OPERATION: &str = "spectral loss";

/// A [`Measure`] of hidden states as a loss, and the conventions by which rows become a spectrum: the
/// paper's, unless told otherwise, but for [`RowPolicy::Skip`].
///
/// ```
/// use matrix_entropy::RowNorm;
/// use matrix_entropy::tensor::{Measure, SpectralLossConfig};
/// let rate = SpectralLossConfig::new(Measure::CodingRate { epsilon: 0.5 }).init()?;
/// let rank = SpectralLossConfig::new(Measure::EffectiveRank).with_row_norm(RowNorm::No).init()?;
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SpectralLossConfig {
    /// What is measured.
    pub measure: Measure,
    /// Whether the mean row is subtracted.
    pub center: Center,
    /// Whether rows are divided by their length.
    pub row_norm: RowNorm,
    /// What to do with a row that has no direction: leaving it out gives it no gradient of its own.
    pub zero_rows: RowPolicy,
}

impl SpectralLossConfig {
    /// The paper's conventions.
    pub fn new(measure: Measure) -> Self {
        Self { measure, center: Center::Mean, row_norm: RowNorm::L2, zero_rows: RowPolicy::Skip }
    }

    /// Sets whether the mean row is subtracted.
    #[must_use]
    pub fn with_center(self, center: Center) -> Self {
        Self { center, ..self }
    }

    /// Sets whether rows are divided by their length.
    #[must_use]
    pub fn with_row_norm(self, row_norm: RowNorm) -> Self {
        Self { row_norm, ..self }
    }

    /// Sets what to do with a row that has no direction.
    #[must_use]
    pub fn with_zero_rows(self, zero_rows: RowPolicy) -> Self {
        Self { zero_rows, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the distortion of a coding rate is positive and finite.
    pub fn init(self) -> Result<SpectralLoss> {
        if let Measure::CodingRate { epsilon } = self.measure
            && !(epsilon > 0.0 && epsilon.is_finite())
        {
            let (name, expected) = ("epsilon", "positive and finite");
            return Err(Error::Setting { operation: OPERATION, name, expected, got: epsilon });
        }
        Ok(SpectralLoss { config: self })
    }
}

/// A checked [`SpectralLossConfig`].
///
/// The value and its exact first derivative are computed on the host in `f64`, whatever the tensor's
/// type and device; add the loss, or subtract it, with a weight of your own.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralLoss {
    config: SpectralLossConfig,
}

impl SpectralLoss {
    /// The measure of one matrix of rows `[N, d]`, as a tensor `[1]`.
    ///
    /// # Errors
    /// As [`Spectrum::of`](crate::Spectrum::of).
    ///
    /// # Examples
    /// ```
    /// use assay_tensor::{burn::prelude::Tensor, device};
    /// use matrix_entropy::tensor::{Measure, SpectralLossConfig};
    ///
    /// # #[cfg(feature = "flex")] {
    /// let training = device("flex")?.autodiff();
    /// let hidden = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]], &training);
    /// let hidden = hidden.require_grad();
    /// let entropy = SpectralLossConfig::new(Measure::Entropy).init()?.forward(hidden.clone())?;
    /// let gradients = entropy.backward();
    /// assert!(hidden.grad(&gradients).is_some());
    /// # }
    /// # Ok::<(), matrix_entropy::Error>(())
    /// ```
    pub fn forward(&self, x: Tensor<2>) -> Result<Tensor<1>> {
        let rows = x.dims()[0];
        self.forward_segments(x, &[rows])
    }

    /// The measure of each segment of consecutive rows, such as the sentences of a batch without its
    /// padding: `[B]` for `B` lengths that sum to the rows. Segments run in parallel.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), for the first segment that fails; lengths that do not sum to the
    /// number of rows.
    pub fn forward_segments(&self, x: Tensor<2>, lengths: &[usize]) -> Result<Tensor<1>> {
        with_scalar!(x.dtype(), T => self.typed::<T>(x, lengths))
    }

    fn typed<T: Scalar + Element>(&self, x: Tensor<2>, lengths: &[usize]) -> Result<Tensor<1>> {
        custom_grad_segments::<T, 2, Error>(x, lengths, |x, need| {
            self.kernel(x.mapv(Scalar::to_f64).view(), lengths, need)
        })
    }

    fn kernel<T: Scalar>(
        &self,
        x: ArrayView2<'_, f64>,
        lengths: &[usize],
        need: Need,
    ) -> Result<(Array1<T>, Option<Array2<T>>)> {
        let SpectralLossConfig { measure, center, row_norm, zero_rows } = self.config;
        let kind = SpectrumKind::Variance;
        let conventions = Conventions { center, row_norm, kind, zero_rows, ..Conventions::paper() };
        let mut start = 0;
        let segments: Vec<ArrayView2<'_, f64>> = lengths
            .iter()
            .map(|&length| {
                // The caller checked that lengths sum to the rows.
                let end = (start + length).min(x.nrows());
                let segment = x.slice_axis_move(Axis(0), Slice::from(start..end));
                start = end;
                segment
            })
            .collect();
        let found: Vec<_> = segments
            .par_iter()
            .map(|segment| evaluate(measure, *segment, conventions, need == Need::Gradient))
            .collect();
        let mut values = Vec::with_capacity(lengths.len());
        let mut gradient = Array2::from_elem(x.dim(), T::ZERO);
        let mut row = 0;
        for (found, &length) in found.into_iter().zip(lengths) {
            let (value, rows) = found?;
            values.push(T::from_f64(value));
            if let Some(rows) = rows {
                let mut part = gradient.slice_axis_mut(Axis(0), Slice::from(row..row + length));
                part.zip_mut_with(&rows, |to, from| *to = T::from_f64(*from));
            }
            row += length;
        }
        Ok((values.into(), need.then(|| gradient)))
    }
}
