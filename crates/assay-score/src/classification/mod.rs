//! Measures of classes, scores and rankings.
//!
//! | question | answer | merges |
//! |---|---|---|
//! | one class an item | [`ConfusionMatrix`] | exactly |
//! | a set of labels an item | [`MultiLabel`] | exactly |
//! | do raters agree? | [`ConfusionMatrix::kappa`] for two, [`Ratings`] for any number | exactly |
//! | are stated probabilities good? | [`Forecasts`] | to rounding |
//! | do scores separate two classes? | [`roc`], [`roc_curve`], [`average_precision`] | no: ranks need all scores at once |
//! | is a ranked list good? | [`RankedList`], and [`RankingMeans`] over queries | to rounding |

mod agreement;
mod confusion;
mod curve;
mod forecast;
mod multilabel;
mod ranking;

pub use agreement::{
    KappaWeights, Level, MISSING, RatingRows, Ratings, RatingsConfig, RatingsReport,
};
pub use confusion::{
    Absent, ClassReport, ConfusionConfig, ConfusionMatrix, ConfusionReport, Labels, Scores,
    UNPARSED, Unparsed,
};
pub use curve::{RocPoint, RocReport, average_precision, roc, roc_curve};
pub use forecast::{Forecasts, ForecastsReport, ProbabilityRows, expected_calibration_error};
pub use multilabel::{LabelSets, MultiLabel, MultiLabelConfig, MultiLabelReport};
pub use ranking::{Gain, RankedList, RankingMeans, RankingMeansReport, ndcg_of_scores};
