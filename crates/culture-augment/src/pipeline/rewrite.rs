use assay_language::{Embedder, Error as LanguageError, Request, RunConfig, TextModel, parse};

use super::similar_to;
use crate::dedup::normalised;
use crate::{Result, prompt};

/// What a seed's rewriting came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rewrites {
    /// The rewrites that survived, with their cosine to the seed, in the order in which they came.
    pub kept: Vec<(String, f64)>,
    /// Sentences that the model gave.
    pub proposed: usize,
    /// Sentences equal to the seed or to an earlier one.
    pub repeated: usize,
    /// Sentences too far from the seed.
    pub far: usize,
    /// Rounds asked.
    pub rounds: usize,
    /// Answers that declined.
    pub refusals: usize,
    /// Answers without a list.
    pub unread: usize,
    /// Requests that failed, with their reasons.
    pub failures: Vec<String>,
}

/// Asks a model for `n` rewrites of every seed, in rounds, until each has `n` that are new and close
/// enough or `rounds` are over. A model that refuses, repeats itself or says nothing costs `rounds`
/// requests a seed and no more.
///
/// # Errors
/// A failed request is counted, not fatal; [`LanguageError::Cancelled`] ends the run, as does a model
/// whose failures will not change: a spent cost cap, a missing recording, or a file that cannot be
/// written.
#[expect(clippy::too_many_arguments, reason = "each is a tool or a setting of its own")]
pub fn rewrite(
    seeds: &[&str],
    n: usize,
    rounds: usize,
    temperature: f64,
    threshold: f64,
    model: &dyn TextModel,
    embedder: &dyn Embedder,
    run: &RunConfig,
) -> Result<Vec<Rewrites>> {
    let mut all = vec![Rewrites::default(); seeds.len()];
    for round in 0..rounds {
        let open: Vec<usize> =
            (0..seeds.len()).filter(|&i| all.get(i).is_some_and(|r| r.kept.len() < n)).collect();
        if open.is_empty() {
            break;
        }
        let requests = open.iter().filter_map(|&i| seeds.get(i)).map(|seed| {
            Request::new(prompt::rewrite(seed.trim_end_matches('.'), n))
                .with_temperature(temperature)
                .with_sample(round as u64)
        });
        let answers = run.collect(model, requests, |_| ())?;
        for (&i, answer) in open.iter().zip(answers) {
            let (Some(rewrites), Some(seed)) = (all.get_mut(i), seeds.get(i)) else { continue };
            rewrites.rounds += 1;
            match answer {
                Ok(answer) => rewrites.take(seed, answer.text(), n, threshold, embedder)?,
                Err(error) if lasting(&error) => return Err(error.into()),
                Err(error) => rewrites.failures.push(error.to_string()),
            }
        }
    }
    Ok(all)
}

/// Whether asking on is pointless.
pub(crate) fn lasting(error: &LanguageError) -> bool {
    matches!(
        error,
        LanguageError::Cancelled
            | LanguageError::CostCap { .. }
            | LanguageError::NoAnswer { .. }
            | LanguageError::File { .. }
    )
}

impl Rewrites {
    fn take(
        &mut self,
        seed: &str,
        answer: &str,
        n: usize,
        threshold: f64,
        embedder: &dyn Embedder,
    ) -> Result<()> {
        let list = parse::numbered_list(answer).items;
        if list.is_empty() {
            if parse::is_refusal(answer) {
                self.refusals += 1;
            } else {
                self.unread += 1;
            }
            return Ok(());
        }
        self.proposed += list.len();
        let mut known: Vec<String> = self.kept.iter().map(|(text, _)| normalised(text)).collect();
        known.push(normalised(seed));
        known.push(String::new()); // punctuation alone is no sentence
        let mut fresh = Vec::new();
        for text in list {
            let form = normalised(&text);
            if known.contains(&form) {
                self.repeated += 1;
            } else {
                known.push(form);
                fresh.push(text);
            }
        }
        let close = similar_to(seed, &fresh, embedder, threshold)?;
        for (text, (cosine, keep)) in fresh.into_iter().zip(close) {
            if !keep {
                self.far += 1;
            } else if self.kept.len() < n {
                self.kept.push((text, cosine));
            }
        }
        Ok(())
    }
}
