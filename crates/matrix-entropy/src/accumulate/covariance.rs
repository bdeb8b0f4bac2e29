use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};
use ndarray::{Array2, ArrayView2};

use super::column_mean::join;
use super::state::{Sum, compatible, empty_batch, some_columns};
use crate::kernel::rows::{Mean, check, prepare_about};
use crate::no_eigen::mean_row;
use crate::spectrum::denominator;
use crate::{Conventions, Denominator, Error, Result, Spectrum};

const KIND: Kind = *b"covar\0\0\0";
const VERSION: u16 = 1;
const OPERATION: &str = "covariance";

/// A mean this far off makes a product that sums cannot hold.
const LARGEST_PRODUCT: f64 = 1e280;

/// `M₂ = Σ (x − μ)(x − μ)ᵀ` and the mean `μ`, joined by the formula of Chan, Golub and LeVeque (1979):
/// `M₂ = M₂ᵃ + M₂ᵇ + δδᵀ nₐn_b/n` with `δ = μ_b − μ_a`. Each batch is centred about its own mean
/// before its products are taken, so a large mean cancels nothing.
///
/// ```
/// use assay_score::Mergeable;
/// use matrix_entropy::accumulate::Covariance;
/// use ndarray::array;
/// let mut covariance = Covariance::new(2)?;
/// covariance.extend(array![[1000.0_f32, 1.0], [1001.0, 1.0]].view())?;
/// covariance.extend(array![[1002.0_f32, 4.0], [1003.0, 2.0]].view())?;
/// assert_eq!(covariance.mean(), [1001.5, 2.0]);
/// assert!((covariance.matrix(Default::default())?[[0, 0]] - 1.25).abs() < 1e-12);
/// println!("{}", covariance.finish()?.participation_ratio());
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    mean: Vec<f64>,
    sum: Sum,
}

impl Covariance {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// [`Error::NoColumns`]; [`Error::Array`] when the triangle does not fit in memory's range.
    pub fn new(columns: usize) -> Result<Self> {
        some_columns(OPERATION, columns)?;
        // The triangle first: it is what may not fit.
        let sum = Sum::new(columns)?;
        Ok(Self { mean: vec![0.0; columns], sum })
    }

    /// Counts a batch of `f32` or `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width, [`Error::NotFinite`], [`Error::Overflow`],
    /// [`Error::Array`] for magnitudes whose squares leave the element type's range.
    pub fn extend<T: Scalar>(&mut self, batch: ArrayView2<'_, T>) -> Result<()> {
        if empty_batch(OPERATION, batch, self.mean.len())? {
            return Ok(());
        }
        check(OPERATION, batch, 1)?;
        let mean = mean_row(OPERATION, batch)?;
        let dense = batch.as_standard_layout();
        let data = dense.as_slice().unwrap_or(&[]);
        let conventions = Conventions::covariance();
        let centred =
            prepare_about(OPERATION, data, batch.dim(), Some(&Mean::given(&mean)), conventions)?;
        let (before, added) = (self.rows(), batch.nrows() as u64);
        let step = Step::new(&self.mean, before, &mean, added)?;
        self.sum.add(centred.rows.view(), 0)?;
        self.take(step)
    }

    /// Moves to the joint mean; the products of both parts are in the sum already.
    fn take(&mut self, step: Step) -> Result<()> {
        if let Some((difference, weight)) = &step.outer {
            self.sum.gram.add_outer(difference, *weight)?;
        }
        self.mean = step.mean;
        Ok(())
    }

    /// Columns, `d`.
    pub fn columns(&self) -> usize {
        self.mean.len()
    }

    /// Rows counted.
    pub fn rows(&self) -> u64 {
        self.sum.rows()
    }

    /// The mean row; zeros before the first.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// `M₂`, the lower triangle by rows.
    pub fn lower(&self) -> &[f64] {
        self.sum.gram.lower()
    }

    /// The covariance matrix `M₂/N` or `M₂/(N − 1)`, `[d, d]`.
    ///
    /// # Errors
    /// [`Error::TooFewRows`].
    pub fn matrix(&self, by: Denominator) -> Result<Array2<f64>> {
        let rows = self.rows() as f64;
        if rows == 0.0 {
            return Err(Error::TooFewRows { operation: OPERATION, needed: 1, got: 0 });
        }
        Ok(self.sum.gram.finish() / denominator(OPERATION, rows, by)?)
    }

    /// Rényi entropy of order 2, without eigenvalues.
    ///
    /// # Errors
    /// [`Error::ZeroTrace`] where all rows are equal or there is none.
    pub fn renyi_2(&self) -> Result<f64> {
        self.sum.renyi_2(OPERATION)
    }
}

/// What joining two parts does beside adding their products.
struct Step {
    mean: Vec<f64>,
    outer: Option<(Vec<f64>, f64)>,
}

impl Step {
    fn new(a: &[f64], rows_a: u64, b: &[f64], rows_b: u64) -> Result<Self> {
        if rows_a == 0 {
            return Ok(Self { mean: b.to_vec(), outer: None });
        }
        if rows_b == 0 {
            return Ok(Self { mean: a.to_vec(), outer: None });
        }
        let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
        let weight = rows_a as f64 * (rows_b as f64 / (rows_a as f64 + rows_b as f64));
        let largest = difference.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        // Checked before anything changes.
        if !(largest.is_finite() && largest * largest * weight <= LARGEST_PRODUCT) {
            return Err(Error::Overflow { operation: OPERATION, element: "f64" });
        }
        Ok(Self { mean: join(a, rows_a, b, rows_b), outer: Some((difference, weight)) })
    }
}

impl Mergeable for Covariance {
    type Batch<'a> = ArrayView2<'a, f64>;
    type Report = Spectrum;
    type Error = Error;

    fn update(&mut self, batch: ArrayView2<'_, f64>) -> Result<()> {
        self.extend(batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        compatible(OPERATION, "the columns", self.columns(), other.columns())?;
        let step = Step::new(&self.mean, self.rows(), &other.mean, other.rows())?;
        self.sum.merge(&other.sum)?;
        self.take(step)
    }

    /// # Errors
    /// [`Error::TooFewRows`] before the second row, [`Error::ZeroTrace`] where all are equal.
    fn finish(&self) -> Result<Spectrum> {
        self.sum.spectrum(OPERATION, Conventions::covariance())
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.sum.write(Writer::new(KIND, VERSION).f64s(&self.mean)).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let mean = reader.f64s()?;
        let sum = Sum::read(&mut reader)?;
        let plausible = mean.len() == sum.gram.columns()
            && mean.iter().all(|x| x.is_finite())
            && (sum.rows() > 0 || mean.iter().all(|x| x.to_bits() == 0))
            && (sum.rows() > 1 || sum.gram.trace() == 0.0)
            && sum.skipped == 0;
        if !plausible {
            return Err(reader.invalid("a covariance of some rows", "another state").into());
        }
        reader.finish()?;
        Ok(Self { mean, sum })
    }
}
