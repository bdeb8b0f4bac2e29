use assay_array::ndarray::Array2;
use assay_array::random;
use assay_language::{Embedder, Request, RunConfig, TextModel, cosine, parse};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::report::{Outcome, Sample, SeedReport, Shortfall, StageReport, Step};
use super::{Fill, Rewrites, Select, Template, lasting, rewrite};
use crate::dedup::{NearCopies, normalised};
use crate::survey::SeedQuestion;
use crate::words::{Tagger, Thesaurus};
use crate::{Error, Result, prompt};

/// Where synonyms come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Synonyms {
    /// The thesaurus.
    #[default]
    Thesaurus,
    /// The model, which is shown the sentence.
    Model,
    /// The model, asked as published: without the sentence.
    ModelCompat,
}

/// How to augment.
///
/// ```
/// use assay_language::{HashedEmbedderConfig, RunConfig};
/// use culture_augment::pipeline::{PipelineConfig, Tools, offline_model};
/// use culture_augment::survey::demo_seeds;
/// use culture_augment::words::{LexiconTagger, MiniThesaurus};
///
/// let seeds = demo_seeds()?;
/// let model = offline_model(MiniThesaurus);
/// let embedder = HashedEmbedderConfig::new().init()?;
/// let tagger = LexiconTagger::new(MiniThesaurus);
/// let tools = Tools { model: &model, embedder: &embedder, thesaurus: &MiniThesaurus, tagger: &tagger };
/// let pipeline = PipelineConfig::new().with_samples(10).with_seed(7).init()?;
/// let outcome = pipeline.run(&seeds, &tools, &RunConfig::new())?;
/// assert!(outcome.complete() && outcome.samples.len() == 10 * seeds.len());
/// # Ok::<(), culture_augment::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PipelineConfig {
    rewrites: usize,
    samples: usize,
    rounds: usize,
    temperature: f64,
    threshold: Option<f64>,
    synonyms: Synonyms,
    synonyms_a_word: usize,
    changes: usize,
    keep_rewrites: bool,
    near_copies: Vec<NearCopies>,
    select: Select,
    seed: u64,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl PipelineConfig {
    /// As CultureLLM: five rewrites in at most ten rounds at temperature 0.7, ten samples a seed, five
    /// synonyms a word. The threshold is the embedder's; up to three words of a sentence change; the
    /// rewrites themselves may be taken; copies are dropped and near copies are not; samples are taken
    /// by marginal relevance with λ = 0.5.
    pub fn new() -> Self {
        Self {
            rewrites: 5,
            samples: 10,
            rounds: 10,
            temperature: 0.7,
            threshold: None,
            synonyms: Synonyms::default(),
            synonyms_a_word: 5,
            changes: 3,
            keep_rewrites: true,
            near_copies: Vec::new(),
            select: Select::Mmr { lambda: 0.5 },
            seed: 0,
        }
    }

    /// Sets the number of rewrites of a seed.
    #[must_use]
    pub fn with_rewrites(self, rewrites: usize) -> Self {
        Self { rewrites, ..self }
    }

    /// Sets the number of samples of a seed.
    #[must_use]
    pub fn with_samples(self, samples: usize) -> Self {
        Self { samples, ..self }
    }

    /// Sets the most rounds of asking.
    #[must_use]
    pub fn with_rounds(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// Sets the temperature of rewriting.
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        Self { temperature, ..self }
    }

    /// Sets the cosine above which texts are alike, instead of the embedder's recommendation.
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self { threshold: Some(threshold), ..self }
    }

    /// Sets where synonyms come from and how many a word gets.
    #[must_use]
    pub fn with_synonyms(self, synonyms: Synonyms, a_word: usize) -> Self {
        Self { synonyms, synonyms_a_word: a_word, ..self }
    }

    /// Sets how many words of a sentence may change.
    #[must_use]
    pub fn with_changes(self, changes: usize) -> Self {
        Self { changes, ..self }
    }

    /// Sets whether rewrites may be samples as they are.
    #[must_use]
    pub fn with_keep_rewrites(self, keep: bool) -> Self {
        Self { keep_rewrites: keep, ..self }
    }

    /// Sets how near copies are found among the candidates of all seeds, one way after the other. Of
    /// what is alike the first stays: of the earlier seed, of the earlier rewrite, a rewrite before its
    /// fills.
    #[must_use]
    pub fn with_near_copies(self, ways: impl Into<Vec<NearCopies>>) -> Self {
        Self { near_copies: ways.into(), ..self }
    }

    /// Sets how samples are taken.
    #[must_use]
    pub fn with_select(self, select: Select) -> Self {
        Self { select, ..self }
    }

    /// Sets the seed of chance.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for no samples, more than a million of them, a threshold outside `[−1, 1]`,
    /// a λ outside `[0, 1]`, or a way of finding near copies that [`NearCopies::check`] refuses.
    pub fn init(self) -> Result<Pipeline> {
        const OPERATION: &str = "pipeline";
        if !(1..=1_000_000).contains(&self.samples) {
            let expected = "from 1 to 1,000,000";
            return Err(Error::setting(OPERATION, "samples a seed", expected, self.samples));
        }
        if let Some(threshold) = self.threshold
            && !(-1.0..=1.0).contains(&threshold)
        {
            return Err(Error::setting(OPERATION, "threshold", "in [−1, 1]", threshold));
        }
        if let Select::Mmr { lambda } = self.select
            && !(0.0..=1.0).contains(&lambda)
        {
            return Err(Error::setting(OPERATION, "λ", "in [0, 1]", lambda));
        }
        self.near_copies.iter().try_for_each(|way| way.check())?;
        Ok(Pipeline { config: self })
    }
}

/// What a pipeline works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Rewrites.
    pub model: &'a dyn TextModel,
    /// Measures closeness of meaning.
    pub embedder: &'a dyn Embedder,
    /// Knows synonyms.
    pub thesaurus: &'a dyn Thesaurus,
    /// Tells kinds of words.
    pub tagger: &'a dyn Tagger,
}

impl std::fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools")
            .field("model", &self.model.id())
            .field("embedder", &self.embedder.id())
            .field("thesaurus", &self.thesaurus.id())
            .finish_non_exhaustive()
    }
}

/// A checked [`PipelineConfig`], which augments.
///
/// Everything is asked of the model through the run's settings, so that a cache or a
/// [`Run`](assay_language::Run) folder makes the whole resumable. For one seed of chance the outcome
/// is the same whatever the number of threads and the order of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    config: PipelineConfig,
}

impl Pipeline {
    /// The settings.
    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// Augments seeds.
    ///
    /// # Errors
    /// [`Error::Empty`] without seeds or for a seed without words; [`Error::Language`] when the run is
    /// cancelled, the cost cap is spent, or the embedder fails. A model that refuses or repeats
    /// itself is no error: the reports say what came of it.
    pub fn run(
        &self,
        seeds: &[SeedQuestion],
        tools: &Tools<'_>,
        run: &RunConfig,
    ) -> Result<Outcome> {
        if seeds.is_empty() {
            return Err(Error::Empty { operation: "pipeline", item: "seed" });
        }
        if seeds.iter().any(|seed| normalised(&seed.content).is_empty()) {
            return Err(Error::Empty { operation: "pipeline", item: "word in every seed" });
        }
        let config = &self.config;
        let threshold = config.threshold.unwrap_or(tools.embedder.recommended_threshold());
        let contents: Vec<&str> = seeds.iter().map(|seed| seed.content.as_str()).collect();
        let rewrites = rewrite(
            &contents,
            config.rewrites,
            config.rounds,
            config.temperature,
            threshold,
            tools.model,
            tools.embedder,
            run,
        )?;
        let templates = self.templates(&contents, &rewrites, tools, run)?;
        let mut candidates: Vec<Candidates> = templates
            .par_iter()
            .enumerate()
            .map(|(seed, templates)| self.candidates(seed, templates, &rewrites, tools, threshold))
            .collect::<Result<_>>()?;
        self.drop_near_copies(&mut candidates, tools.embedder)?;
        // Across seeds in their order: what an earlier seed has taken, no later one takes again.
        let mut taken: FxHashSet<String> = contents.iter().map(|c| normalised(c)).collect();
        let mut outcome = Outcome {
            samples: Vec::new(),
            seeds: Vec::new(),
            rewrites: templates
                .iter()
                .map(|own| own.iter().map(|t| t.text().to_owned()).collect())
                .collect(),
            threshold,
        };
        for (seed, (found, rewrites)) in candidates.into_iter().zip(&rewrites).enumerate() {
            let (samples, report) =
                self.select(seed, &seeds[seed], found, rewrites, &mut taken, tools.embedder)?;
            outcome.samples.extend(samples);
            outcome.seeds.push(report);
        }
        Ok(outcome)
    }

    /// The templates of every seed: its rewrites, or the seed itself where there is none.
    fn templates(
        &self,
        seeds: &[&str],
        rewrites: &[Rewrites],
        tools: &Tools<'_>,
        run: &RunConfig,
    ) -> Result<Vec<Vec<Template>>> {
        let mut templates: Vec<Vec<Template>> = seeds
            .iter()
            .zip(rewrites)
            .map(|(seed, rewrites)| {
                let of = |text: &str| Template::of(text, tools.tagger);
                if rewrites.kept.is_empty() {
                    return vec![of(seed)];
                }
                rewrites.kept.iter().map(|(text, _)| of(text)).collect()
            })
            .collect();
        if self.config.synonyms == Synonyms::Thesaurus {
            templates.par_iter_mut().flatten().for_each(|template| {
                template.add_synonyms(tools.thesaurus, self.config.synonyms_a_word);
            });
        } else {
            self.ask_synonyms(&mut templates, tools.model, run)?;
        }
        Ok(templates)
    }

    /// Asks the model for the synonyms of every word, each question once.
    fn ask_synonyms(
        &self,
        templates: &mut [Vec<Template>],
        model: &dyn TextModel,
        run: &RunConfig,
    ) -> Result<()> {
        let compat = self.config.synonyms == Synonyms::ModelCompat;
        let question = |template: &Template, word: &str, penn: &str| {
            if compat {
                prompt::synonyms_compat(word, penn)
            } else {
                prompt::synonyms_in_context(word, template.text(), self.config.synonyms_a_word)
            }
        };
        let mut places: FxHashMap<String, usize> = FxHashMap::default();
        let mut prompts: Vec<String> = Vec::new();
        for template in templates.iter().flatten() {
            for slot in template.slots() {
                let Some(word) = slot.options.first() else { continue };
                let text = question(template, word, slot.tag.penn());
                places.entry(text.clone()).or_insert_with(|| {
                    prompts.push(text);
                    prompts.len() - 1
                });
            }
        }
        let requests = prompts.iter().map(Request::new);
        let answers = run.collect(model, requests, |_| ())?;
        let mut lists: Vec<Vec<String>> = Vec::with_capacity(answers.len());
        for answer in answers {
            match answer {
                Ok(answer) => {
                    let mut list = parse::numbered_list(answer.text()).items;
                    list.truncate(self.config.synonyms_a_word);
                    lists.push(list);
                }
                Err(error) if lasting(&error) => return Err(error.into()),
                // A word without synonyms stays as it is.
                Err(_) => lists.push(Vec::new()),
            }
        }
        for template in templates.iter_mut().flatten() {
            let words: Vec<(String, &'static str)> = template
                .slots()
                .iter()
                .filter_map(|slot| Some((slot.options.first()?.clone(), slot.tag.penn())))
                .collect();
            for (word, penn) in words {
                let place = places.get(&question(template, &word, penn));
                if let Some(list) = place.and_then(|&place| lists.get(place)) {
                    template.add_options(&word, list);
                }
            }
        }
        Ok(())
    }

    /// Rewrites and fills that are close enough and no copies of each other.
    fn candidates(
        &self,
        seed: usize,
        templates: &[Template],
        rewrites: &[Rewrites],
        tools: &Tools<'_>,
        threshold: f64,
    ) -> Result<Candidates> {
        let config = &self.config;
        let mut found = Candidates::default();
        let is_rewrite = rewrites.get(seed).is_some_and(|r| !r.kept.is_empty());
        // Enough that each template alone could give all samples, and some to choose from.
        let wanted = config.samples.saturating_mul(2).max(16);
        for (place, template) in templates.iter().enumerate() {
            found.words += template.slots().len();
            found.with_synonyms += template.slots().iter().filter(|s| s.options.len() > 1).count();
            if config.keep_rewrites && is_rewrite {
                found.push(template.text().to_owned(), Step::Rewrite(place));
            }
            let index = (seed as u64) << 20 | place as u64;
            let mut stream = random::stream(config.seed, "fill", index);
            let fills = template.sample(wanted, config.changes, &mut stream);
            found.drawn += fills.len();
            let texts: Vec<&str> = fills.iter().map(|fill| fill.text.as_str()).collect();
            let close = super::similar_to(template.text(), &texts, tools.embedder, threshold)?;
            for (Fill { text, choice }, (_, keep)) in fills.into_iter().zip(close) {
                if keep && !has_doubled_word(&text) {
                    found.close += 1;
                    found.push(text, Step::Fill { rewrite: place, choice });
                }
            }
        }
        Ok(found)
    }

    /// Drops near copies among the candidates of all seeds.
    fn drop_near_copies(
        &self,
        candidates: &mut [Candidates],
        embedder: &dyn Embedder,
    ) -> Result<()> {
        for way in &self.config.near_copies {
            let all = candidates.iter().flat_map(|own| &own.items);
            let texts: Vec<&str> = all.map(|(text, _)| text.as_str()).collect();
            let mut keep = vec![false; texts.len()];
            for index in way.find(&texts, embedder)?.kept {
                if let Some(keep) = keep.get_mut(index) {
                    *keep = true;
                }
            }
            let mut keep = keep.into_iter();
            for own in &mut *candidates {
                let before = own.items.len();
                own.items.retain(|_| keep.next().unwrap_or(true));
                own.near += before - own.items.len();
            }
        }
        Ok(())
    }

    fn select(
        &self,
        seed: usize,
        question: &SeedQuestion,
        mut found: Candidates,
        rewrites: &Rewrites,
        taken: &mut FxHashSet<String>,
        embedder: &dyn Embedder,
    ) -> Result<(Vec<Sample>, SeedReport)> {
        let proposed = found.proposed;
        found.items.retain(|(text, _)| !taken.contains(&normalised(text)));
        let texts: Vec<&str> = found.items.iter().map(|(text, _)| text.as_str()).collect();
        let rows: Array2<f32> = embedder.embed(&texts)?;
        let of_seed = embedder.embed(&[&question.content])?.row(0).to_vec();
        let to_seed: Vec<f64> = rows
            .rows()
            .into_iter()
            .map(|row| cosine(&of_seed, &row.to_vec()))
            .collect::<Result<_, _>>()?;
        let groups: Vec<usize> = found
            .items
            .iter()
            .map(|(_, step)| match step {
                Step::Rewrite(place) | Step::Fill { rewrite: place, .. } => *place,
            })
            .collect();
        let wanted = self.config.samples;
        let picked = self.config.select.pick(wanted, rows.view(), &to_seed, &groups);
        let samples: Vec<Sample> = picked
            .iter()
            .filter_map(|&index| {
                let (text, step) = found.items.get(index)?;
                taken.insert(normalised(text));
                Some(Sample {
                    seed,
                    seed_id: question.id.clone(),
                    text: text.clone(),
                    step: step.clone(),
                    similarity: *to_seed.get(index)?,
                })
            })
            .collect();
        let got = samples.len();
        let short = (got < wanted).then_some(if found.words == 0 && rewrites.kept.is_empty() {
            Shortfall::NothingToWorkWith { got }
        } else if found.with_synonyms == 0 {
            Shortfall::NoSynonyms { got }
        } else {
            Shortfall::Exhausted { got }
        });
        let fresh = rewrites.proposed - rewrites.repeated;
        let report = SeedReport {
            seed_id: question.id.clone(),
            rounds: rewrites.rounds,
            rewritten: StageReport { came: rewrites.proposed, went: fresh },
            filtered: StageReport { came: fresh, went: rewrites.kept.len() },
            words: StageReport { came: found.words, went: found.with_synonyms },
            filled: StageReport { came: found.drawn, went: found.close },
            deduplicated: StageReport { came: proposed, went: found.items.len() + found.near },
            near: StageReport { came: found.items.len() + found.near, went: found.items.len() },
            selected: StageReport { came: found.items.len(), went: got },
            refusals: rewrites.refusals,
            unread: rewrites.unread,
            failures: rewrites.failures.clone(),
            short,
        };
        Ok((samples, report))
    }
}

/// What a seed has to choose from.
#[derive(Debug, Default)]
struct Candidates {
    items: Vec<(String, Step)>,
    forms: FxHashSet<String>,
    proposed: usize,
    words: usize,
    with_synonyms: usize,
    drawn: usize,
    close: usize,
    /// Near copies dropped.
    near: usize,
}

impl Candidates {
    /// Adds a candidate unless it is a copy of one.
    fn push(&mut self, text: String, step: Step) {
        self.proposed += 1;
        if self.forms.insert(normalised(&text)) {
            self.items.push((text, step));
        }
    }
}

/// "very very": the mark of a fill that took the word next to it.
fn has_doubled_word(text: &str) -> bool {
    let words: Vec<String> = text.split_whitespace().map(normalised).collect();
    words.windows(2).any(|pair| pair[0] == pair[1] && !pair[0].is_empty())
}
