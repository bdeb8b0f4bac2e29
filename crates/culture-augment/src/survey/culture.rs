use serde::{Deserialize, Serialize};

use super::{Answer, AnswerRule, Refused, SeedQuestion, Survey, Tally};
use crate::{Error, Result};

/// A culture as one or more countries of a survey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Culture {
    /// Its name, as prompts call it.
    pub name: String,
    /// Its countries by their names in the table, each with its population (any unit).
    pub countries: Vec<(String, f64)>,
}

impl Culture {
    /// One country of the same name as the culture, or of another.
    pub fn of(name: impl Into<String>, country: impl Into<String>) -> Self {
        Self { name: name.into(), countries: vec![(country.into(), 1.0)] }
    }
}

/// How the countries of a culture count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Pooling {
    /// Every country alike: the mean of their distributions.
    #[default]
    Equal,
    /// Every respondent alike: one table.
    Respondents,
    /// By population.
    Population,
}

/// What a culture answered to each seed, in the seeds' order.
///
/// A label is refused when the share of valid answers, over all rows of the culture, is below
/// `least_valid`. With [`AnswerRule::CompatOriginal`] the label of several countries is that of the mean
/// of their published means, and nothing is refused that has a row.
///
/// # Errors
/// [`Error::Unknown`] for a country that is not in the survey or a question that was not read,
/// [`Error::Setting`] for a share outside `[0, 1]` or a population that is not above 0,
/// [`Error::Empty`] for a culture without countries, and as [`Scale::parse`](super::Scale::parse).
pub fn answers(
    survey: &Survey,
    culture: &Culture,
    seeds: &[SeedQuestion],
    rule: AnswerRule,
    pooling: Pooling,
    least_valid: f64,
) -> Result<Vec<Answer>> {
    const OPERATION: &str = "answers";
    if !(0.0..=1.0).contains(&least_valid) {
        return Err(Error::setting(OPERATION, "share of valid answers", "in [0, 1]", least_valid));
    }
    if culture.countries.is_empty() {
        return Err(Error::Empty { operation: OPERATION, item: "country" });
    }
    seeds
        .iter()
        .map(|seed| {
            let tallies: Vec<(&Tally, f64)> = culture
                .countries
                .iter()
                .map(|(name, population)| {
                    if !(population.is_finite() && *population > 0.0) {
                        return Err(Error::setting(OPERATION, "population", "above 0", population));
                    }
                    let tally = survey.country(name)?.tally(&seed.id);
                    let unknown = || Error::Unknown {
                        operation: OPERATION,
                        what: "question",
                        name: seed.id.clone(),
                    };
                    Ok((tally.ok_or_else(unknown)?, *population))
                })
                .collect::<Result<_>>()?;
            pooled(&tallies, seed, rule, pooling, least_valid)
        })
        .collect()
}

fn pooled(
    tallies: &[(&Tally, f64)],
    seed: &SeedQuestion,
    rule: AnswerRule,
    pooling: Pooling,
    least_valid: f64,
) -> Result<Answer> {
    let scale = seed.scale()?;
    if let [(only, _)] = tallies {
        return Ok(refuse(rule.answer(only, &scale)?, rule, least_valid));
    }
    let weighted = rule == AnswerRule::WeightedMean;
    let mut masses = vec![0.0; scale.steps()];
    for (tally, population) in tallies {
        let own = tally.masses(&scale, weighted);
        let total: f64 = own.iter().sum();
        let share = match pooling {
            Pooling::Respondents => 1.0,
            Pooling::Equal if total > 0.0 => 1.0 / total,
            Pooling::Population if total > 0.0 => population / total,
            _ => 0.0,
        };
        for (mass, own) in masses.iter_mut().zip(own) {
            *mass += own * share;
        }
    }
    let mut answer = rule.of_masses(&masses, &scale)?;
    answer.rows = tallies.iter().map(|(t, _)| t.rows()).sum();
    answer.valid = tallies.iter().map(|(t, _)| t.valid(&scale)).sum();
    let mut missing = std::collections::BTreeMap::new();
    for (code, count) in tallies.iter().flat_map(|(t, _)| t.codes()) {
        if !scale.contains(code) {
            *missing.entry(code).or_insert(0) += count;
        }
    }
    answer.missing = missing.into_iter().collect();
    if rule == AnswerRule::CompatOriginal {
        // The published files hold a block a country; their labels are those of each country. One
        // label for all of them is the label of the mean of their means.
        let means: Vec<f64> = tallies.iter().filter_map(|(t, _)| t.published_mean()).collect();
        answer.mean = (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64);
        answer.label = answer.mean.map(super::answer::published_label);
        answer.refused = answer.label.is_none().then_some(Refused::NoValidAnswer);
    }
    Ok(refuse(answer, rule, least_valid))
}

fn refuse(mut answer: Answer, rule: AnswerRule, least: f64) -> Answer {
    if rule == AnswerRule::CompatOriginal || answer.label.is_none() {
        return answer;
    }
    let share = answer.valid as f64 / answer.rows.max(1) as f64;
    if share < least {
        answer.label = None;
        answer.refused = Some(Refused::TooFewValid { share, least });
    }
    answer
}
