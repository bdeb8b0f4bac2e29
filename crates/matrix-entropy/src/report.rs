use crate::{Conventions, Normaliser, Result, Spectrum};
use assay_array::Scalar;
use ndarray::ArrayView2;

/// The common measures of one matrix of rows, with what is needed to judge them: entropies grow with
/// `N` up to [`cap`](Self::cap), so numbers of different `N` or `d` do not compare.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Report {
    /// Rows counted, `N`.
    pub rows: usize,
    /// Columns, `d`.
    pub columns: usize,
    /// Rows left out because they have no direction.
    pub skipped: usize,
    /// How the rows became a spectrum.
    pub conventions: Conventions,
    /// The logarithm of the largest rank possible, which the entropy cannot exceed.
    pub cap: f64,
    /// The part of the trace that rounding took.
    pub discarded: f64,
    /// The matrix entropy, nats.
    pub entropy: f64,
    /// The entropy over `log d`.
    pub entropy_over_log_d: f64,
    /// The entropy over `log min(N, d)`.
    pub entropy_over_log_min: f64,
    /// `exp(entropy)`.
    pub effective_rank: f64,
    /// The number of weights above rounding.
    pub rank: usize,
    /// The Rényi entropy of order 2, nats.
    pub renyi_2: f64,
    /// `−log p_max`, nats.
    pub min_entropy: f64,
    /// `(Σλ)²/Σλ²`.
    pub participation_ratio: f64,
    /// `Σλ/λ_max`.
    pub stable_rank: f64,
    /// [`Spectrum::isoscore`]; `None` where `d = 1`.
    pub isoscore: Option<f64>,
}

impl Report {
    /// Every common measure of rows `[N, d]`.
    ///
    /// # Errors
    /// As [`Spectrum::of`].
    ///
    /// ```
    /// use matrix_entropy::{Conventions, Report};
    /// use ndarray::array;
    /// let hidden = array![[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]];
    /// let report = Report::of(hidden.view(), Conventions::paper())?;
    /// assert_eq!((report.rows, report.columns), (4, 2));
    /// assert!(report.entropy <= report.cap + 1e-12);
    /// # Ok::<(), matrix_entropy::Error>(())
    /// ```
    pub fn of<T: Scalar>(x: ArrayView2<'_, T>, conventions: Conventions) -> Result<Self> {
        Spectrum::of(x, conventions)?.report(conventions)
    }
}

impl Spectrum {
    /// The common measures, with the conventions that the spectrum was made by.
    ///
    /// # Errors
    /// None for any spectrum that exists.
    pub fn report(&self, conventions: Conventions) -> Result<Report> {
        Ok(Report {
            rows: self.rows(),
            columns: self.columns(),
            skipped: self.skipped(),
            conventions,
            cap: self.cap(),
            discarded: self.discarded(),
            entropy: self.entropy(),
            entropy_over_log_d: self.normalised_entropy(Normaliser::LogD),
            entropy_over_log_min: self.normalised_entropy(Normaliser::LogMin),
            effective_rank: self.effective_rank(),
            rank: self.rank(),
            renyi_2: self.renyi(2.0)?,
            min_entropy: self.renyi(f64::INFINITY)?,
            participation_ratio: self.participation_ratio(),
            stable_rank: self.stable_rank(),
            isoscore: self.isoscore(),
        })
    }
}
