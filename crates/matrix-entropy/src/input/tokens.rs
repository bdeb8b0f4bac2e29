use assay_array::Scalar;
use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

use crate::{Error, Result};

/// Which of a sentence's real tokens count. Padding never does.
///
/// The first token of many language models (BOS) is an attention sink with activations hundreds of
/// times larger than all others; spectra that are not centred and normalised by rows then describe that
/// token alone.
///
/// ```
/// use matrix_entropy::input::TokenPolicy;
/// let policy = TokenPolicy::new().with_drop_first(1).with_keep(256);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TokenPolicy {
    /// Tokens left out at the beginning: 1 drops BOS or CLS.
    pub drop_first: usize,
    /// Tokens left out at the end: 1 drops EOS or SEP.
    pub drop_last: usize,
    /// How many of the rest are kept, from the first; all if `None`.
    pub keep: Option<usize>,
}

impl TokenPolicy {
    /// All tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many tokens are left out at the beginning.
    #[must_use]
    pub fn with_drop_first(self, drop_first: usize) -> Self {
        Self { drop_first, ..self }
    }

    /// Sets how many tokens are left out at the end.
    #[must_use]
    pub fn with_drop_last(self, drop_last: usize) -> Self {
        Self { drop_last, ..self }
    }

    /// Sets how many tokens are kept at most.
    #[must_use]
    pub fn with_keep(self, keep: usize) -> Self {
        Self { keep: Some(keep), ..self }
    }

    /// The places that count among a sentence's real tokens.
    fn range(&self, real: usize) -> std::ops::Range<usize> {
        let end = real.saturating_sub(self.drop_last);
        let start = self.drop_first.min(end);
        start..end.min(start.saturating_add(self.keep.unwrap_or(usize::MAX)))
    }
}

/// Sentences without padding, and what was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentences<T> {
    /// `[N_i, d]` each, in order; one with no token left is `[0, d]`, so that places are kept.
    pub sentences: Vec<Array2<T>>,
    /// Tokens that the mask calls padding.
    pub padding: usize,
    /// Real tokens that the policy left out.
    pub dropped: usize,
    /// Sentences with no token left.
    pub empty: usize,
}

/// Cuts a padded batch `[B, T, d]` into sentences: the tokens whose mask `[B, T]` is true, all without
/// a mask, and of those what the policy keeps. Padding may be on either side.
///
/// # Errors
/// [`Error::Shape`] for a mask of another shape; [`Error::TooFewRows`] where no token is left at all.
///
/// ```
/// use matrix_entropy::input::{TokenPolicy, sentences};
/// use ndarray::{Array3, array};
/// let states = Array3::<f32>::from_shape_fn((2, 3, 4), |(b, t, j)| (b + t * j) as f32);
/// let mask = array![[true, true, true], [true, true, false]];
/// let found = sentences(states.view(), Some(mask.view()), &TokenPolicy::new().with_drop_first(1))?;
/// assert_eq!((found.sentences[0].nrows(), found.sentences[1].nrows()), (2, 1));
/// assert_eq!((found.padding, found.dropped), (1, 2));
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn sentences<T: Scalar>(
    states: ArrayView3<'_, T>,
    mask: Option<ArrayView2<'_, bool>>,
    policy: &TokenPolicy,
) -> Result<Sentences<T>> {
    const OPERATION: &str = "sentences of a batch";
    let (batch, tokens, _) = states.dim();
    if let Some(mask) = mask
        && mask.dim() != (batch, tokens)
    {
        let expected = format!("a mask [{batch}, {tokens}]");
        return Err(Error::Shape { operation: OPERATION, expected, got: mask.shape().to_vec() });
    }
    let mut found = Sentences { sentences: vec![], padding: 0, dropped: 0, empty: 0 };
    for (index, sentence) in states.outer_iter().enumerate() {
        let real: Vec<usize> =
            (0..tokens).filter(|&t| mask.is_none_or(|mask| mask[[index, t]])).collect();
        let kept = &real[policy.range(real.len())];
        found.padding += tokens - real.len();
        found.dropped += real.len() - kept.len();
        found.empty += usize::from(kept.is_empty());
        found.sentences.push(sentence.select(Axis(0), kept));
    }
    if found.empty == batch {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 1, got: 0 });
    }
    Ok(found)
}
