use assay_array::Scalar;
use assay_array::linalg::{Gram, eigvalsh, svdvals};
use ndarray::{Array2, ArrayView2};

use crate::kernel::gram;
use crate::kernel::rows::{Prepared, check, finite, prepare};
use crate::{Center, Conventions, Denominator, Error, Result, SpectrumKind};

/// An eigenvalue below zero by more than this part of the largest is not rounding: the matrix was not
/// positive semi-definite. Gram matrices of `f32` reach about 1e-6.
pub const NEGATIVE_LIMIT: f64 = 1e-5;

/// The spectrum of a matrix of rows: computed once, then every measure reads it.
///
/// With `Z` the rows as the [`Conventions`] say, `[N, d]`, and `λ_k` the eigenvalues of `ZᵀZ/N`, the
/// weights are `p_k = λ_k / Σλ` (or `σ_k / Σσ` with `σ_k = √(Nλ_k)`, for
/// [`SpectrumKind::Singular`]). There are `min(N, d)` of them; what is missing to `d` is zero.
///
/// The eigenproblem has the side `min(N, d)`: `ZZᵀ` and `ZᵀZ` share the eigenvalues that are not zero.
/// Products run in the input's element type by blocks summed in `f64`, the decomposition in `f64`.
///
/// Eigenvalues below zero by rounding are set to zero, as is the smallest where centring makes it zero
/// exactly (`N ≤ d`); [`discarded`](Self::discarded) says how much that was.
///
/// ```
/// use matrix_entropy::{Conventions, Spectrum};
/// use ndarray::array;
/// let hidden = array![[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]];
/// let spectrum = Spectrum::of(hidden.view(), Conventions::paper())?;
/// // Two directions, used equally.
/// assert!((spectrum.entropy() - 2.0_f64.ln()).abs() < 1e-12);
/// assert!((spectrum.effective_rank() - 2.0).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Spectrum {
    /// Eigenvalues, descending, none negative.
    values: Vec<f64>,
    /// `p`, descending.
    weights: Vec<f64>,
    rows: usize,
    columns: usize,
    skipped: usize,
    rank_limit: usize,
    discarded: f64,
    epsilon: f64,
    kind: SpectrumKind,
}

/// What a spectrum is of, besides its eigenvalues.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) operation: &'static str,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) skipped: usize,
    /// Rank that no data of this shape exceed.
    pub(crate) rank_limit: usize,
    /// The rounding of the element type that the products ran in.
    pub(crate) epsilon: f64,
    pub(crate) kind: SpectrumKind,
}

impl Facts {
    pub(crate) fn new<T: Scalar>(
        operation: &'static str,
        (rows, columns): (usize, usize),
        conventions: Conventions,
    ) -> Self {
        let centred = usize::from(conventions.center == Center::Mean);
        Self {
            operation,
            rows,
            columns,
            skipped: 0,
            rank_limit: rows.saturating_sub(centred).min(columns),
            epsilon: T::EPSILON.to_f64(),
            kind: conventions.kind,
        }
    }
}

impl Spectrum {
    /// The spectrum of rows `[N, d]`, one a token or sample.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] (2 where rows are centred), [`Error::NoColumns`], [`Error::NotFinite`];
    /// [`Error::ZeroRow`] or, where all rows are skipped, [`Error::AllSkipped`];
    /// [`Error::ZeroTrace`] where every row is zero; [`Error::Array`] for magnitudes beyond 1e144
    /// (4e17 in `f32`) that nothing normalises.
    pub fn of<T: Scalar>(x: ArrayView2<'_, T>, conventions: Conventions) -> Result<Self> {
        const OPERATION: &str = "spectrum";
        let Prepared { rows: z, skipped, .. } = prepare(OPERATION, x, conventions)?;
        let facts = Facts { skipped, ..Facts::new::<T>(OPERATION, z.dim(), conventions) };
        let denominator = denominator(OPERATION, z.nrows() as f64, conventions.denominator)?;
        match conventions.kind {
            SpectrumKind::Variance => {
                let values = eigenvalues(&gram::smaller(z.view())?)?;
                Self::new(values.into_iter().map(|v| v / denominator).collect(), facts)
            }
            // From the matrix itself: roots of a Gram matrix's eigenvalues lose half the digits.
            SpectrumKind::Singular => {
                let values = svdvals(z.mapv(Scalar::to_f64).view())?;
                Self::new(values.iter().map(|s| s * s / denominator).collect(), facts)
            }
        }
    }

    /// The spectrum of a sum `ZᵀZ` over `rows` rows that were prepared elsewhere.
    pub(crate) fn of_gram(gram: &Gram, denominator: f64, facts: Facts) -> Result<Self> {
        let values = eigenvalues(gram)?;
        Self::new(values.into_iter().map(|v| v / denominator).collect(), facts)
    }

    /// The spectrum of a kernel (similarity) matrix `[n, n]` of `n` items, divided by `n`: with
    /// [`vendi_score`](Self::vendi_score), the Vendi score of any similarity. Only the lower triangle
    /// is read.
    ///
    /// # Errors
    /// [`Error::Shape`] unless square, [`Error::NotFinite`], [`Error::Indefinite`] when the matrix is
    /// not positive semi-definite, [`Error::ZeroTrace`].
    pub fn of_kernel<T: Scalar>(kernel: ArrayView2<'_, T>) -> Result<Self> {
        let n = square("spectrum of a kernel", kernel)?;
        Self::of_weighted_kernel(kernel, &vec![1.0 / n.max(1) as f64; n])
    }

    /// The same with items of unequal probability: the spectrum of `√p_i K_ij √p_j`.
    ///
    /// # Errors
    /// As [`of_kernel`](Self::of_kernel); [`Error::Setting`] for weights that are not a distribution.
    pub fn of_weighted_kernel<T: Scalar>(
        kernel: ArrayView2<'_, T>,
        probabilities: &[f64],
    ) -> Result<Self> {
        const OPERATION: &str = "spectrum of a kernel";
        let n = square(OPERATION, kernel)?;
        if n == 0 {
            return Err(Error::ZeroTrace { operation: OPERATION, trace: 0.0 });
        }
        distribution(OPERATION, probabilities, n)?;
        let root: Vec<f64> = probabilities.iter().map(|p| p.sqrt()).collect();
        let weighted =
            Array2::from_shape_fn((n, n), |(i, j)| kernel[[i, j]].to_f64() * root[i] * root[j]);
        let values = eigvalsh(weighted.view())?;
        let conventions = Conventions::cosine();
        Self::new(values.to_vec(), Facts::new::<T>(OPERATION, (n, n), conventions))
    }

    /// The spectrum of rows of unequal probability: the eigenvalues of `Zᵀ diag(p) Z`. The Vendi score
    /// of weighted embeddings, without their kernel matrix.
    ///
    /// # Errors
    /// As [`of`](Self::of); [`Error::Setting`] for weights that are not a distribution;
    /// [`Error::Undefined`] for conventions that centre (the mean would have to be weighted) or skip
    /// rows.
    pub fn of_weighted<T: Scalar>(
        x: ArrayView2<'_, T>,
        probabilities: &[f64],
        conventions: Conventions,
    ) -> Result<Self> {
        const OPERATION: &str = "spectrum of weighted rows";
        if conventions.center == Center::Mean {
            let reason = "weights of rows and a mean without weights contradict each other";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        let Prepared { rows: mut z, skipped, .. } = prepare(OPERATION, x, conventions)?;
        distribution(OPERATION, probabilities, x.nrows())?;
        if skipped > 0 {
            let reason = "a row without direction has a probability";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        for (mut row, p) in z.rows_mut().into_iter().zip(probabilities) {
            let root = T::from_f64(p.sqrt());
            row.mapv_inplace(|x| x * root);
        }
        let facts = Facts::new::<T>(OPERATION, z.dim(), conventions);
        Self::new(eigenvalues(&gram::smaller(z.view())?)?, facts)
    }

    /// The spectrum of a covariance or second moment `[d, d]` of `rows` rows. Only the lower triangle
    /// is read.
    ///
    /// # Errors
    /// As [`of_kernel`](Self::of_kernel).
    pub fn of_covariance<T: Scalar>(
        covariance: ArrayView2<'_, T>,
        rows: usize,
        conventions: Conventions,
    ) -> Result<Self> {
        const OPERATION: &str = "spectrum of a covariance";
        let d = square(OPERATION, covariance)?;
        check(OPERATION, covariance, 1)?;
        let values = eigvalsh(covariance.mapv(Scalar::to_f64).view())?;
        Self::new(values.to_vec(), Facts::new::<T>(OPERATION, (rows, d), conventions))
    }

    /// A spectrum from eigenvalues in any order, of a `[k, k]` matrix for `k` of them.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Indefinite`], [`Error::ZeroTrace`] (also of no eigenvalues).
    ///
    /// ```
    /// use matrix_entropy::Spectrum;
    /// let spectrum = Spectrum::from_eigenvalues(&[1.0, 2.0, 1.0])?;
    /// assert_eq!(spectrum.weights(), [0.5, 0.25, 0.25]);
    /// # Ok::<(), matrix_entropy::Error>(())
    /// ```
    pub fn from_eigenvalues(values: &[f64]) -> Result<Self> {
        const OPERATION: &str = "spectrum from eigenvalues";
        if let Some(column) = values.iter().position(|v| !v.is_finite()) {
            let (row, value) = (0, values[column]);
            return Err(Error::NotFinite { operation: OPERATION, row, column, value });
        }
        let side = values.len();
        let facts = Facts::new::<f64>(OPERATION, (side, side), Conventions::cosine());
        Self::new(values.to_vec(), facts)
    }

    /// Clips, sorts and normalises.
    pub(crate) fn new(mut values: Vec<f64>, facts: Facts) -> Result<Self> {
        let operation = facts.operation;
        values.sort_unstable_by(|a, b| b.total_cmp(a));
        let (Some(&largest), Some(&smallest)) = (values.first(), values.last()) else {
            return Err(Error::ZeroTrace { operation, trace: 0.0 });
        };
        if smallest < -NEGATIVE_LIMIT * largest.max(0.0) {
            return Err(Error::Indefinite { operation, smallest, largest });
        }
        let before: f64 = values.iter().map(|v| v.abs()).sum();
        for (k, value) in values.iter_mut().enumerate() {
            if *value < 0.0 || k >= facts.rank_limit {
                *value = 0.0;
            }
        }
        // From the smallest: what is small adds up before it meets what is large.
        let total: f64 = values.iter().rev().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(Error::ZeroTrace { operation, trace: total });
        }
        let weight = |value: f64| match facts.kind {
            SpectrumKind::Variance => value / total,
            SpectrumKind::Singular => (value / total).sqrt(),
        };
        let mut weights: Vec<f64> = values.iter().map(|&value| weight(value)).collect();
        if facts.kind == SpectrumKind::Singular {
            let sum: f64 = weights.iter().rev().sum();
            for weight in &mut weights {
                *weight /= sum;
            }
        }
        Ok(Self {
            values,
            weights,
            rows: facts.rows,
            columns: facts.columns,
            skipped: facts.skipped,
            rank_limit: facts.rank_limit,
            discarded: ((before - total) / before).max(0.0),
            epsilon: facts.epsilon,
            kind: facts.kind,
        })
    }

    /// The eigenvalues `λ` of the second moment, descending; `min(N, d)` of them, the others are zero.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.values
    }

    /// The weights `p`, descending; they sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// What the weights are of.
    pub fn kind(&self) -> SpectrumKind {
        self.kind
    }

    /// Rows counted, `N`.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, `d`.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows left out under [`RowPolicy::Skip`](crate::RowPolicy::Skip).
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The part of the trace that was set to zero: rounding, if it is small.
    pub fn discarded(&self) -> f64 {
        self.discarded
    }

    /// The largest rank that data of this shape can have: `min(N − 1, d)` for centred rows, `min(N, d)`
    /// otherwise.
    pub fn rank_limit(&self) -> usize {
        self.rank_limit
    }

    /// The logarithm of [`rank_limit`](Self::rank_limit), which no entropy exceeds.
    pub fn cap(&self) -> f64 {
        (self.rank_limit.max(1) as f64).ln()
    }

    /// The weight up to which nothing can be told from rounding, relative to the largest:
    /// `max(N, d) · ε`, numpy's rule for ranks.
    pub(crate) fn noise(&self) -> f64 {
        self.rows.max(self.columns) as f64 * self.epsilon
    }
}

/// Eigenvalues of a sum, in `f64`.
fn eigenvalues(gram: &Gram) -> Result<Vec<f64>> {
    Ok(eigvalsh(gram.finish().view())?.to_vec())
}

/// `N` or `N − 1` as a number.
pub(crate) fn denominator(
    operation: &'static str,
    rows: f64,
    denominator: Denominator,
) -> Result<f64> {
    match denominator {
        Denominator::N => Ok(rows),
        Denominator::NMinusOne if rows >= 2.0 => Ok(rows - 1.0),
        Denominator::NMinusOne => {
            Err(Error::TooFewRows { operation, needed: 2, got: rows as usize })
        }
    }
}

/// The side of a square matrix of finite numbers.
pub(crate) fn square<T: Scalar>(operation: &'static str, a: ArrayView2<'_, T>) -> Result<usize> {
    let (rows, columns) = a.dim();
    if rows != columns {
        let expected = "a square matrix".to_owned();
        return Err(Error::Shape { operation, expected, got: vec![rows, columns] });
    }
    finite(operation, a)?;
    Ok(rows)
}

/// Refuses what is not a distribution over `n` items.
pub(crate) fn distribution(operation: &'static str, p: &[f64], n: usize) -> Result<()> {
    /// Sums of honest distributions are this close to 1.
    const SLACK: f64 = 1e-6;
    if p.len() != n {
        let expected = format!("{n} probabilities");
        return Err(Error::Shape { operation, expected, got: vec![p.len()] });
    }
    if let Some(&got) = p.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::Setting {
            operation,
            name: "probabilities",
            expected: "in [0, 1]",
            got,
        });
    }
    let got: f64 = p.iter().sum();
    if (got - 1.0).abs() > SLACK {
        return Err(Error::Setting {
            operation,
            name: "probabilities",
            expected: "that sum to 1",
            got,
        });
    }
    Ok(())
}
