//! Chapter 5: the language half. Its first part augments survey questions, offline; its fourth scores
//! recorded answers for trust.

mod trust;

use assay_examples::augmentation::{Augmented, augment, culture, section};
use assay_language::RunConfig;
use culture_augment::pipeline::{PipelineConfig, offline_model};
use culture_augment::survey::{self, Answer, AnswerRule, Pooling, SurveyReader};
use culture_augment::words::MiniThesaurus;
use serde::Serialize;

use crate::chapters::{ChapterError, Found, Tour};

/// The cultures of the made-up survey.
const CULTURES: [&str; 4] = ["North=NOR", "South=SUD", "Islands=INS", "All=NOR+SUD+INS"];

/// What the chapter found.
#[derive(Debug, Serialize)]
struct Numbers {
    cultures: Vec<(String, Vec<Answer>)>,
    augmented: Augmented,
    trust: trust::Numbers,
}

/// Augments the seeds that come with the crate, and scores the answers that do.
pub(crate) fn run(tour: &Tour) -> Result<Found, ChapterError> {
    tour.progress.expect(2);
    let task = tour.progress.task("augment survey questions", 1);
    let seeds = survey::demo_seeds()?;
    let ids: Vec<&str> = seeds.iter().map(|seed| seed.id.as_str()).collect();
    let table = SurveyReader::new().with_weight("W_WEIGHT").read(survey::demo_survey(), &ids)?;
    let cultures: Vec<(String, Vec<Answer>)> = CULTURES
        .iter()
        .map(|text| {
            let culture = culture(text)?;
            let answers =
                survey::answers(&table, &culture, &seeds, AnswerRule::Mean, Pooling::Equal, 0.5)?;
            Ok((culture.name, answers))
        })
        .collect::<culture_augment::Result<_>>()?;
    // The small thesaurus, so that the tour's numbers do not depend on what is installed.
    let model = offline_model(MiniThesaurus);
    let samples = if tour.quick { 3 } else { 10 };
    let pipeline = PipelineConfig::new().with_samples(samples).with_seed(tour.seed).init()?;
    let augmented = augment(&pipeline, &seeds, &model, &MiniThesaurus, &RunConfig::new())?;
    task.advance(1);
    let mut part =
        section("5. Teach a culture with a few questions", &seeds, &cultures, &table, &augmented);
    let mut summary = vec!["Survey questions, augmented".to_owned()];
    for d in &augmented.diversity {
        let line = format!("  {:10} {:4} texts, distinct-2 {:.3}", d.of, d.texts, d.distinct_2);
        summary.push(line);
    }
    let (fourth, trust, lines) = trust::part(tour)?;
    part.section(fourth);
    summary.extend(lines);
    Ok(Found::new(part, &Numbers { cultures, augmented, trust }, summary)?)
}
