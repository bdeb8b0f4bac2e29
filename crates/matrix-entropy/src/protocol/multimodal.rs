use assay_score::Mergeable;

use crate::accumulate::PerSentence;
use crate::{Error, Result};

/// The effective ranks of a multimodal model's five representations (paper, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Modalities<V> {
    /// Image tokens after the vision encoder.
    pub encoder: V,
    /// Image tokens after the connector (projector).
    pub connector: V,
    /// The language model's output for the image alone.
    pub image: V,
    /// Its output for the text alone, instruction and response.
    pub text: V,
    /// Its output for both.
    pub pair: V,
}

/// How effective ranks of many inputs become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RankMean {
    /// `exp(mean H_i)`.
    #[default]
    Geometric,
    /// `mean exp(H_i)`.
    Arithmetic,
}

/// How a multimodal model's representations relate.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MultimodalAlignment {
    /// `(eRank₁ − eRank₂)/eRank₁`: what the connector condenses.
    pub image_reduction_ratio: f64,
    /// `mean(eRank₃, eRank₄, eRank₅)/max(…)`, in `(1/3, 1]`: near 1 where image, text and pair are
    /// represented alike.
    pub image_text_alignment: f64,
    /// The ranks that they are of.
    pub ranks: Modalities<f64>,
}

/// Image reduction ratio and image-text alignment from five effective ranks.
///
/// # Errors
/// [`Error::Setting`] for a rank below 1 or not finite.
///
/// ```
/// use matrix_entropy::protocol::{Modalities, multimodal_alignment};
/// // LLaVA-1.5 on detail_23k, table 2 of the paper.
/// let ranks =
///     Modalities { encoder: 18.34, connector: 11.28, image: 45.62, text: 74.21, pair: 76.34 };
/// let alignment = multimodal_alignment(ranks)?;
/// assert!((alignment.image_reduction_ratio - 0.3850).abs() < 5e-5);
/// assert!((alignment.image_text_alignment - 0.8566).abs() < 5e-5);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn multimodal_alignment(ranks: Modalities<f64>) -> Result<MultimodalAlignment> {
    let Modalities { encoder, connector, image, text, pair } = ranks;
    // A hair below 1: exp of an entropy that rounding left below zero.
    let bad = |rank: &f64| !(*rank >= 1.0 - 1e-9 && rank.is_finite());
    if let Some(got) = [encoder, connector, image, text, pair].into_iter().find(bad) {
        let (name, expected) = ("effective ranks", "of 1 or more, finite");
        return Err(Error::Setting { operation: "multimodal alignment", name, expected, got });
    }
    Ok(MultimodalAlignment {
        image_reduction_ratio: (encoder - connector) / encoder,
        image_text_alignment: (image + text + pair) / 3.0 / image.max(text).max(pair),
        ranks,
    })
}

impl Modalities<&PerSentence> {
    /// The same from five accumulators, each of whose "sentences" is one input's tokens.
    ///
    /// # Errors
    /// [`Error::Score`] where an accumulator is empty.
    pub fn alignment(&self, mean: RankMean) -> Result<MultimodalAlignment> {
        let rank = |sums: &PerSentence| -> Result<f64> {
            let report = sums.finish()?;
            Ok(match mean {
                RankMean::Geometric => report.geometric_rank(),
                RankMean::Arithmetic => report.arithmetic_rank(),
            })
        };
        multimodal_alignment(Modalities {
            encoder: rank(self.encoder)?,
            connector: rank(self.connector)?,
            image: rank(self.image)?,
            text: rank(self.text)?,
            pair: rank(self.pair)?,
        })
    }
}
