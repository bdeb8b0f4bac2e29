//! The average normalised Levenshtein similarity.

use super::align::{Positions, distance};
use super::words::{lower, words};
use crate::{Error, Result};

/// Which of the forms in use [`anls`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AnlsConfig {
    /// As defined (Biten et al. 2019): distance and length of the normalised texts, and a similarity
    /// of exactly one minus the threshold counts as none.
    #[default]
    Strict,
    /// As two evaluation harnesses compute it: the length is that of the raw texts, so that spaces
    /// raise the score, and a similarity at the threshold is kept.
    PeerCompatible,
}

/// The similarity `1 − d/max(|p|, |r|)` of prediction and the reference that suits it best, with the
/// Levenshtein distance `d` in code points of the texts in lower case with white space joined; 0 unless
/// `d/max < threshold` (0.5 by convention). Two empty texts are alike.
///
/// ```
/// use assay_score::text::{AnlsConfig, anls};
/// assert_eq!(anls("Hello World", &["hello world"], 0.5, AnlsConfig::Strict)?, 1.0);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for no reference, [`Error::Setting`] for a threshold outside `[0, 1]`.
pub fn anls(
    prediction: &str,
    references: &[&str],
    threshold: f64,
    form: AnlsConfig,
) -> Result<f64> {
    let operation = "ANLS";
    if references.is_empty() {
        return Err(Error::Empty { operation, item: "reference" });
    }
    if !(0.0..=1.0).contains(&threshold) {
        let (name, expected) = ("threshold", "from 0 to 1");
        return Err(Error::Setting { operation, name, expected, got: threshold });
    }
    let mut positions = Positions::default();
    let (normal, raw) = (normalized(prediction), prediction.chars().count());
    let mut best = 0.0_f64;
    for reference in references {
        let other = normalized(reference);
        let length = match form {
            AnlsConfig::Strict => normal.len().max(other.len()),
            AnlsConfig::PeerCompatible => raw.max(reference.chars().count()),
        };
        let away = distance(&normal, &other, &mut positions) as f64 / length.max(1) as f64;
        let kept = match form {
            AnlsConfig::Strict => away < threshold,
            AnlsConfig::PeerCompatible => 1.0 - away >= threshold,
        };
        if kept {
            best = best.max(1.0 - away);
        }
    }
    Ok(best)
}

fn normalized(text: &str) -> Vec<u32> {
    let text = lower(text);
    let mut letters = Vec::with_capacity(text.len());
    for word in words(&text) {
        if !letters.is_empty() {
            letters.push(u32::from(' '));
        }
        letters.extend(word.chars().map(u32::from));
    }
    letters
}
