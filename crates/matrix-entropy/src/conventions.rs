//! The choices on which published numbers differ, each an enum.

/// Whether the mean row is subtracted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Center {
    /// Rows are what they are.
    No,
    /// The mean over rows is subtracted from each.
    #[default]
    Mean,
}

/// Whether rows are divided by their length, after centring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RowNorm {
    /// Long rows weigh more.
    No,
    /// Each row has Euclidean length 1, so that the trace of the second moment is exactly 1.
    #[default]
    L2,
}

/// What is normalised to sum 1 and read as a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SpectrumKind {
    /// The eigenvalues `λ` of the second moment `ZᵀZ/N`: variances.
    #[default]
    Variance,
    /// The singular values `σ = √(Nλ)` of `Z` itself.
    Singular,
}

/// What the second moment is divided by. Entropies do not depend on it; eigenvalues and coding rates
/// do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Denominator {
    /// The number of rows.
    #[default]
    N,
    /// One less, the unbiased covariance of centred rows.
    NMinusOne,
}

/// What to do with a row that has no direction (see [`Error::ZeroRow`](crate::Error::ZeroRow)); only
/// [`RowNorm::L2`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RowPolicy {
    /// Refuse.
    #[default]
    Error,
    /// Leave it out, divide by the rows that remain, and count it in the report.
    Skip,
}

/// What an entropy is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Normaliser {
    /// Nothing: nats.
    #[default]
    Raw,
    /// `log d`, as in the first version of the paper; 0 where `d = 1`.
    LogD,
    /// `log N`; 0 where `N = 1`.
    LogN,
    /// `log min(N, d)`; 0 where that is 1.
    LogMin,
}

/// The unit of information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LogBase {
    /// Nats.
    #[default]
    E,
    /// Bits.
    Two,
}

impl LogBase {
    /// Converts nats to this unit.
    pub fn from_nats(self, nats: f64) -> f64 {
        match self {
            Self::E => nats,
            Self::Two => nats / std::f64::consts::LN_2,
        }
    }
}

/// How a matrix of rows becomes a spectrum.
///
/// | preset | centre | rows | spectrum | used by |
/// |---|---|---|---|---|
/// | [`Conventions::paper`] | mean | length 1 | variances | Diff-eRank (arXiv 2401.17139) |
/// | [`Conventions::covariance`] | mean | as they are | variances | participation ratio, NESum, α-ReQ |
/// | [`Conventions::cosine`] | no | length 1 | variances | the Vendi score of embeddings |
/// | [`Conventions::rankme`] | no | as they are | singular values | RankMe (Garrido et al. 2023) |
///
/// ```
/// use matrix_entropy::{Conventions, RowPolicy};
/// let tolerant = Conventions::paper().with_zero_rows(RowPolicy::Skip);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Conventions {
    /// Whether the mean row is subtracted first.
    pub center: Center,
    /// Whether rows are divided by their length.
    pub row_norm: RowNorm,
    /// What is read as a distribution.
    pub kind: SpectrumKind,
    /// What the second moment is divided by.
    pub denominator: Denominator,
    /// What to do with a row without direction.
    pub zero_rows: RowPolicy,
}

impl Conventions {
    /// The paper's: subtract the mean, divide rows by their length, `Σ = ZᵀZ/N`. The default.
    pub const fn paper() -> Self {
        Self {
            center: Center::Mean,
            row_norm: RowNorm::L2,
            kind: SpectrumKind::Variance,
            denominator: Denominator::N,
            zero_rows: RowPolicy::Error,
        }
    }

    /// The covariance matrix: centred rows as they are.
    pub const fn covariance() -> Self {
        Self { row_norm: RowNorm::No, ..Self::paper() }
    }

    /// The Gram matrix of cosines: rows of length 1, not centred.
    pub const fn cosine() -> Self {
        Self { center: Center::No, ..Self::paper() }
    }

    /// RankMe's: the singular values of the matrix as it is.
    pub const fn rankme() -> Self {
        Self {
            center: Center::No,
            row_norm: RowNorm::No,
            kind: SpectrumKind::Singular,
            ..Self::paper()
        }
    }

    /// Sets whether the mean row is subtracted.
    #[must_use]
    pub const fn with_center(self, center: Center) -> Self {
        Self { center, ..self }
    }

    /// Sets whether rows are divided by their length.
    #[must_use]
    pub const fn with_row_norm(self, row_norm: RowNorm) -> Self {
        Self { row_norm, ..self }
    }

    /// Sets what is read as a distribution.
    #[must_use]
    pub const fn with_kind(self, kind: SpectrumKind) -> Self {
        Self { kind, ..self }
    }

    /// Sets what the second moment is divided by.
    #[must_use]
    pub const fn with_denominator(self, denominator: Denominator) -> Self {
        Self { denominator, ..self }
    }

    /// Sets what to do with a row without direction.
    #[must_use]
    pub const fn with_zero_rows(self, zero_rows: RowPolicy) -> Self {
        Self { zero_rows, ..self }
    }
}
