//! The story of augmentation: survey answers and seeds in, templates, samples and their diversity out.
//! The program `augment` and the tour tell it alike.

use assay_array::ndarray::{Axis as Dimension, Slice};
use assay_language::{Embedder, HashedEmbedderConfig, RunConfig, TextModel};
use assay_report::{Axis, BarChart, Cell, Section, Table, Text, number, percent};
use culture_augment::measure::{
    compression_ratio, distinct, diversity_gain, gram, self_bleu, vendi,
};
use culture_augment::pipeline::{Outcome, Pipeline, SeedReport, StageReport, Step, Tools};
use culture_augment::survey::{Answer, SeedQuestion, Survey};
use culture_augment::words::{LexiconTagger, MiniThesaurus, Thesaurus, WordNet};
use culture_augment::{Error, Result};
use serde::Serialize;

/// The measures of one set of texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diversity {
    /// What the texts are.
    pub of: String,
    /// How many.
    pub texts: usize,
    /// The share of word pairs that are different ones.
    pub distinct_2: f64,
    /// Self-BLEU-4; `None` for a single text.
    pub self_bleu: Option<f64>,
    /// The effective number of different texts, as a share of their number.
    pub vendi_share: f64,
    /// Size over compressed size.
    pub compression: Option<f64>,
    /// The mean distance to the nearest seed; `None` for the seeds themselves.
    pub gain: Option<f64>,
}

/// What the story found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Augmented {
    /// What the pipeline made.
    pub outcome: Outcome,
    /// Seeds, rewrites and samples.
    pub diversity: Vec<Diversity>,
}

/// WordNet where it is installed, the small thesaurus elsewhere.
pub fn thesaurus() -> Box<dyn Thesaurus> {
    WordNet::locate()
        .map_or_else(|_| Box::new(MiniThesaurus) as Box<dyn Thesaurus>, |w| Box::new(w))
}

/// Augments the seeds and measures what came of it.
///
/// # Errors
/// As [`Pipeline::run`].
pub fn augment(
    pipeline: &Pipeline,
    seeds: &[SeedQuestion],
    model: &dyn TextModel,
    thesaurus: &dyn Thesaurus,
    run: &RunConfig,
) -> Result<Augmented> {
    let embedder = HashedEmbedderConfig::new().init()?;
    let tagger = LexiconTagger::new(thesaurus);
    let tools = Tools { model, embedder: &embedder, thesaurus, tagger: &tagger };
    let outcome = pipeline.run(seeds, &tools, run)?;
    let originals: Vec<&str> = seeds.iter().map(|seed| seed.content.as_str()).collect();
    let rewrites: Vec<&str> = outcome.rewrites.iter().flatten().map(String::as_str).collect();
    let samples: Vec<&str> = outcome.samples.iter().map(|s| s.text.as_str()).collect();
    let diversity = [("seeds", &originals), ("rewrites", &rewrites), ("samples", &samples)]
        .into_iter()
        .filter(|(_, texts)| !texts.is_empty())
        .map(|(of, texts)| measure(of, texts, &originals, &embedder))
        .collect::<Result<_>>()?;
    Ok(Augmented { outcome, diversity })
}

/// The Vendi score takes time cubic in the texts; of more than so many it is that of a part.
const VENDI_TEXTS: usize = 1000;

fn measure(of: &str, texts: &[&str], seeds: &[&str], embedder: &dyn Embedder) -> Result<Diversity> {
    let rows = embedder.embed(texts)?;
    let gain = if of == "seeds" {
        None
    } else {
        Some(diversity_gain(rows.view(), embedder.embed(seeds)?.view())?)
    };
    // Spread over all, because neighbours are variants of one question.
    let step = texts.len().div_ceil(VENDI_TEXTS).max(1);
    let spread = rows.slice_axis(Dimension(0), Slice::from(..).step_by(step.cast_signed()));
    let bleu = if texts.len() > 1 { Some(self_bleu(texts, 4)?.mean) } else { None };
    Ok(Diversity {
        of: of.to_owned(),
        texts: texts.len(),
        distinct_2: distinct(texts, 2)?.value,
        self_bleu: bleu,
        vendi_share: vendi(gram(spread)?.view(), 1.0)? / spread.nrows() as f64,
        compression: compression_ratio(texts),
        gain,
    })
}

/// The story as a part of a page.
pub fn section(
    title: &str,
    seeds: &[SeedQuestion],
    cultures: &[(String, Vec<Answer>)],
    survey: &Survey,
    found: &Augmented,
) -> Section {
    let mut section = Section::new(title).with_id("augment");
    section.paragraph(
        "A survey says how a culture answers a few questions. To teach that to a language model, every question \
         is asked in many ways: a model rewrites it, what strays from its meaning is dropped, words are replaced \
         by synonyms in the right form, and the most different of what is left are taken. All answers, models and \
         thesauri can be exchanged; here the model works by rules and needs no server.",
    );
    section.table(stages(found));
    let short = found.outcome.seeds.iter().filter(|seed| seed.short.is_some()).count();
    if short > 0 {
        section.warning(format!("{short} questions have fewer samples than asked for."));
    }
    section.section(answers(seeds, cultures, survey));
    section.section(templates(seeds, found));
    section.section(diversity(found));
    section
}

/// A stage's name, and its counts in a seed's report.
type Stage = (&'static str, fn(&SeedReport) -> StageReport);

fn stages(found: &Augmented) -> Table {
    let mut table = Table::new(["stage", "in", "out"]);
    let stages: [Stage; 7] = [
        ("rewrites that are new", |s| s.rewritten),
        ("close enough to the question", |s| s.filtered),
        ("words with synonyms", |s| s.words),
        ("fills close enough to their rewrite", |s| s.filled),
        ("no copies", |s| s.deduplicated),
        ("no near copies", |s| s.near),
        ("taken", |s| s.selected),
    ];
    for (name, stage) in stages {
        let sum = |pick: fn(StageReport) -> usize| -> usize {
            found.outcome.seeds.iter().map(|seed| pick(stage(seed))).sum()
        };
        let (came, went) = (sum(|s| s.came), sum(|s| s.went));
        table.push([
            Cell::text(name),
            Cell::number(came.to_string()),
            Cell::number(went.to_string()),
        ]);
    }
    table
}

fn answers(seeds: &[SeedQuestion], cultures: &[(String, Vec<Answer>)], survey: &Survey) -> Section {
    let mut section = Section::new("What people answered");
    section.paragraph(format!(
        "{} rows of the table were counted and {} left out. A dash is a question that too few answered.",
        survey.rows, survey.rows_left_out
    ));
    let head = std::iter::once("question".to_owned()).chain(cultures.iter().map(|c| c.0.clone()));
    let mut table = Table::new(head);
    for (index, seed) in seeds.iter().enumerate() {
        let of_culture = |(_, answers): &(String, Vec<Answer>)| match answers.get(index) {
            Some(Answer { label: Some(label), mean: Some(mean), .. }) => {
                Cell::number(label.to_string()).small(number(*mean))
            }
            _ => Cell::missing(),
        };
        let question = Cell::text(seed.content.as_str()).small(seed.options.as_str());
        table.push(std::iter::once(question).chain(cultures.iter().map(of_culture)));
    }
    section.table(table);
    section
}

/// Up to so many questions are shown with their samples.
const SHOWN: usize = 4;

fn templates(seeds: &[SeedQuestion], found: &Augmented) -> Section {
    let mut section = Section::new("Ways of asking");
    for (index, seed) in seeds.iter().enumerate().take(SHOWN) {
        section.paragraph(Text::default().strong(&seed.content));
        let mut table = Table::new(["sample", "from", "similarity"]);
        for sample in found.outcome.of_seed(index) {
            let from = match &sample.step {
                Step::Rewrite(place) => format!("rewrite {}", place + 1),
                Step::Fill { rewrite, choice } => {
                    let changed = choice.iter().filter(|&&option| option != 0).count();
                    format!("rewrite {}, {changed} words replaced", rewrite + 1)
                }
            };
            table.push([
                Cell::text(sample.text.as_str()),
                Cell::text(from),
                Cell::number(number(sample.similarity)),
            ]);
        }
        section.table(table);
    }
    section
}

fn diversity(found: &Augmented) -> Section {
    let mut section = Section::new("How diverse it is");
    let mut table = Table::new([
        "texts",
        "number",
        "distinct-2",
        "self-BLEU-4",
        "Vendi share",
        "compression",
        "gain",
    ]);
    let cell = |value: Option<f64>| value.map_or_else(Cell::missing, |v| Cell::number(number(v)));
    for d in &found.diversity {
        table.push([
            Cell::text(d.of.as_str()),
            Cell::number(d.texts.to_string()),
            Cell::number(percent(d.distinct_2)),
            cell(d.self_bleu),
            Cell::number(percent(d.vendi_share)),
            cell(d.compression),
            cell(d.gain),
        ]);
    }
    section.table(table);
    let names = found.diversity.iter().map(|d| d.of.clone());
    let chart = BarChart::new("Different word pairs and different texts", names)
        .axis(Axis::new("share").percent())
        .series("distinct-2", found.diversity.iter().map(|d| d.distinct_2))
        .series("Vendi score", found.diversity.iter().map(|d| d.vendi_share));
    section.figure(
        chart.svg(),
        format!(
            "More ways of asking one question repeat more of its words: both shares fall with the number of \
             texts, so compare sets of one size. The Vendi score is that of {VENDI_TEXTS} texts at most."
        ),
    );
    section
}

/// The culture of `NAME=CODE+CODE`, or of a country by its code alone.
///
/// # Errors
/// [`Error::Setting`] for an empty name or code.
pub fn culture(text: &str) -> Result<culture_augment::survey::Culture> {
    let (name, codes) = text.split_once('=').unwrap_or((text, text));
    let countries: Vec<(String, f64)> =
        codes.split('+').map(|c| (c.trim().to_owned(), 1.0)).collect();
    if name.trim().is_empty() || countries.iter().any(|(code, _)| code.is_empty()) {
        return Err(Error::Setting {
            operation: "culture",
            name: "NAME=CODE+CODE",
            expected: "with a name and codes",
            got: text.to_owned(),
        });
    }
    Ok(culture_augment::survey::Culture { name: name.trim().to_owned(), countries })
}
