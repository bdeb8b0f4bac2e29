//! The four ways to train one small vision transformer.

use assay_examples::mnist::{CLASSES, SIDE};
use assay_report::Color;
use serde::Serialize;
use specformer_msvp::tensor::vit::{AttentionKind, NormKind, Pooling, VitConfig};

/// A way to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// Cross-entropy on the images as they are.
    Plain,
    /// The same, and the penalty on the largest singular values of queries, keys and values.
    Penalty,
    /// Cross-entropy on what an adversary makes of the images.
    Adversarial,
    /// Every matrix held to a norm, with layers that have a Lipschitz constant everywhere.
    Bounded,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "as it is",
            Self::Penalty => "with the penalty",
            Self::Adversarial => "adversarially",
            Self::Bounded => "with bounded norms",
        }
    }

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Plain => "robust-plain",
            Self::Penalty => "robust-penalty",
            Self::Adversarial => "robust-adversarial",
            Self::Bounded => "robust-bounded",
        }
    }

    pub(super) fn color(self) -> Color {
        match self {
            Self::Plain => Color::Orange,
            Self::Penalty => Color::Blue,
            Self::Adversarial => Color::Purple,
            Self::Bounded => Color::Green,
        }
    }

    /// Patches of 14 by 14 pixels make four tokens, whose mean is classified.
    pub(super) fn config(self) -> VitConfig {
        let config = VitConfig::new([1, SIDE, SIDE], SIDE / 2, CLASSES).with_pooling(Pooling::Mean);
        match self {
            // Constants multiply: one block, one head.
            Self::Bounded => config
                .with_width(48)
                .with_hidden(96)
                .with_depth(1)
                .with_heads(1)
                .with_attention(AttentionKind::L2)
                .with_norm(NormKind::Center),
            _ => config.with_width(32).with_hidden(64).with_depth(2).with_heads(4),
        }
    }
}
