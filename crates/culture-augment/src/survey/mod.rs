//! Surveys: scales and questions, answers read from tables, and what a culture answered.

mod answer;
mod culture;
mod question;
mod table;

pub(crate) use answer::published_label;
pub use answer::{Answer, AnswerRule, Refused, Tally};
pub use culture::{Culture, Pooling, answers};
pub use question::{Kind, Scale, SeedQuestion, read_seeds};
pub use table::{BadRow, Country, Survey, SurveyReader};

/// The seeds that come with the crate, written for it: twelve questions on six topics.
///
/// # Errors
/// Never; the text is checked by a test.
pub fn demo_seeds() -> crate::Result<Vec<SeedQuestion>> {
    read_seeds(&include_bytes!("../../data/seeds.jsonl")[..])
}

/// The survey that comes with the crate, made up for it: three countries that do not exist.
pub fn demo_survey() -> &'static [u8] {
    include_bytes!("../../data/survey.csv")
}
