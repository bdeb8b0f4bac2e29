use assay_array::Scalar;
use assay_score::{BootstrapConfig, BootstrapReport, Mergeable};
use ndarray::ArrayView2;

use super::sentence_spectra;
use crate::accumulate::{PerSentence, SentenceReport};
use crate::{Conventions, Error, Result, RowPolicy, Spectrum};

/// One draw of the untrained model: its hidden states, and the seed that made them, so that somebody
/// else can. The published code draws one without a seed; its Diff-eRank cannot be repeated.
#[derive(Debug, Clone)]
pub struct UntrainedDraw<'a, T> {
    /// The seed of the initial weights.
    pub seed: u64,
    /// Layers, then sentences `[N_i, d]`.
    pub layers: Vec<Vec<ArrayView2<'a, T>>>,
}

/// How [`diff_erank`] counts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DiffErankConfig {
    /// What to do with a token equal to its sentence's mean, and with a sentence without two different
    /// tokens.
    pub zero_rows: RowPolicy,
    /// The bootstrap over sentences.
    pub bootstrap: BootstrapConfig,
}

impl Default for DiffErankConfig {
    fn default() -> Self {
        Self { zero_rows: RowPolicy::Skip, bootstrap: BootstrapConfig::new() }
    }
}

/// What [`diff_erank`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DiffErank {
    /// One a layer, in order. The paper looks at the last: other layers are not monotone in the
    /// model's size.
    pub layers: Vec<LayerDiffErank>,
    /// Sentences left out everywhere, because some model has no two different tokens for them.
    pub skipped_sentences: usize,
}

/// One layer's numbers.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LayerDiffErank {
    /// The trained model.
    pub trained: SentenceReport,
    /// Each draw of the untrained model.
    pub untrained: Vec<UntrainedReport>,
    /// Definition 3.5, "algorithm (a)": `exp(mean H(untrained)) − exp(mean H(trained))`, the mean over
    /// draws, with its interval over sentences.
    pub geometric: BootstrapReport,
    /// "Algorithm (b)": `mean eRank(untrained) − mean eRank(trained)`, likewise.
    pub arithmetic: BootstrapReport,
    /// The standard deviation of (a) between draws; `None` for one. No interval over sentences shows
    /// it.
    pub between_draws: Option<f64>,
    /// `eRank(untrained) − eRank(trained)` of each sentence that counts, the mean over draws.
    pub sentences: Vec<f64>,
}

/// One untrained draw of a layer.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UntrainedReport {
    /// The seed of the weights.
    pub seed: u64,
    /// Its entropies.
    pub entropies: SentenceReport,
}

/// The paper's protocol in one call: entropies of every sentence in every layer of the trained model
/// and of each untrained draw, and Diff-eRank by both algorithms. Positive where training compresses.
///
/// `trained` holds layers, then sentences; every draw must have the same layers and sentences of the
/// same lengths. Widths may differ from layer to layer.
///
/// # Errors
/// [`Error::Shape`] where models disagree about layers, sentences or tokens; [`Error::TooFewRows`] for
/// no draw or no sentence left; those of [`Spectrum::of`] and of the bootstrap.
///
/// ```
/// use matrix_entropy::protocol::{DiffErankConfig, UntrainedDraw, diff_erank};
/// use ndarray::Array2;
/// let states = |a: f64| {
///     Array2::from_shape_fn((9, 6), |(i, j)| (a * ((i + 1) * (j + 1)) as f64).sin())
/// };
/// let (trained, first, second) = (states(0.01), states(0.9), states(1.1));
/// let draws = [
///     UntrainedDraw { seed: 7, layers: vec![vec![first.view()]] },
///     UntrainedDraw { seed: 8, layers: vec![vec![second.view()]] },
/// ];
/// let report = diff_erank(&[vec![trained.view()]], &draws, &DiffErankConfig::default())?;
/// assert!(report.layers[0].geometric.estimate > 0.0); // training compressed
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn diff_erank<T: Scalar>(
    trained: &[Vec<ArrayView2<'_, T>>],
    untrained: &[UntrainedDraw<'_, T>],
    config: &DiffErankConfig,
) -> Result<DiffErank> {
    const OPERATION: &str = "Diff-eRank";
    if untrained.is_empty() {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 1, got: 0 });
    }
    for draw in untrained {
        check_alike(OPERATION, trained, &draw.layers)?;
    }
    let conventions = Conventions::paper().with_zero_rows(config.zero_rows);
    let spectra = |layers: &[Vec<ArrayView2<'_, T>>]| -> Result<Vec<Vec<Option<Spectrum>>>> {
        layers.iter().map(|layer| sentence_spectra(layer, conventions)).collect()
    };
    let trained_spectra = spectra(trained)?;
    let drawn = untrained.iter().map(|draw| spectra(&draw.layers)).collect::<Result<Vec<_>>>()?;
    // A sentence counts where every layer of every model has a spectrum of it.
    let sentences = trained.first().map_or(0, Vec::len);
    let mut counts = vec![true; sentences];
    for layer in trained_spectra.iter().chain(drawn.iter().flatten()) {
        for (counts, spectrum) in counts.iter_mut().zip(layer) {
            *counts &= spectrum.is_some();
        }
    }
    let kept: Vec<usize> = (0..sentences).filter(|&i| counts[i]).collect();
    if kept.is_empty() {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 1, got: 0 });
    }
    let layers = trained
        .iter()
        .enumerate()
        .map(|(index, states)| {
            let of_draws: Vec<_> = drawn.iter().map(|draw| draw[index].as_slice()).collect();
            layer(config, states, &trained_spectra[index], untrained, &of_draws, &kept)
        })
        .collect::<Result<_>>()?;
    Ok(DiffErank { layers, skipped_sentences: sentences - kept.len() })
}

/// Refuses models that disagree about what was read.
fn check_alike<T>(
    operation: &'static str,
    trained: &[Vec<ArrayView2<'_, T>>],
    untrained: &[Vec<ArrayView2<'_, T>>],
) -> Result<()> {
    let shape = |expected: String, got: Vec<usize>| Err(Error::Shape { operation, expected, got });
    if trained.len() != untrained.len() {
        return shape(format!("{} untrained layers", trained.len()), vec![untrained.len()]);
    }
    let sentences = trained.first().map_or(0, Vec::len);
    for (a, b) in trained.iter().zip(untrained) {
        if a.len() != sentences || b.len() != sentences {
            return shape(format!("{sentences} sentences in each layer"), vec![a.len(), b.len()]);
        }
        for (a, b) in a.iter().zip(b) {
            if a.dim() != b.dim() {
                let (rows, columns) = a.dim();
                let got = vec![b.nrows(), b.ncols()];
                return shape(format!("an untrained sentence [{rows}, {columns}]"), got);
            }
        }
    }
    Ok(())
}

fn layer<T: Scalar>(
    config: &DiffErankConfig,
    states: &[ArrayView2<'_, T>],
    trained: &[Option<Spectrum>],
    draws: &[UntrainedDraw<'_, T>],
    untrained: &[&[Option<Spectrum>]],
    kept: &[usize],
) -> Result<LayerDiffErank> {
    let columns = states.first().map_or(1, ArrayView2::ncols).max(1);
    let tokens: Vec<usize> = states.iter().map(ArrayView2::nrows).collect();
    let report = |spectra: &[Option<Spectrum>]| -> Result<SentenceReport> {
        let mut sums = PerSentence::new(columns, config.zero_rows)?;
        sums.count(&tokens, spectra)?;
        sums.finish()
    };
    let entropies = |spectra: &[Option<Spectrum>]| -> Vec<f64> {
        kept.iter().filter_map(|&i| spectra[i].as_ref().map(Spectrum::entropy)).collect()
    };
    let own = entropies(trained);
    let theirs: Vec<Vec<f64>> = untrained.iter().map(|draw| entropies(draw)).collect();
    let mean = |values: &[f64], chosen: &[usize], of: fn(f64) -> f64| -> f64 {
        chosen.iter().map(|&i| of(values[i])).sum::<f64>() / chosen.len() as f64
    };
    let same: fn(f64) -> f64 = |h| h;
    let each = |chosen: &[usize]| -> Vec<f64> {
        let below = mean(&own, chosen, same).exp();
        theirs.iter().map(|draw| mean(draw, chosen, same).exp() - below).collect()
    };
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let bootstrap = config.bootstrap.init()?;
    let geometric = bootstrap.statistic(kept.len(), |chosen| average(&each(chosen)))?;
    let arithmetic = bootstrap.statistic(kept.len(), |chosen| {
        let above: Vec<f64> = theirs.iter().map(|draw| mean(draw, chosen, f64::exp)).collect();
        average(&above) - mean(&own, chosen, f64::exp)
    })?;
    let all: Vec<usize> = (0..kept.len()).collect();
    let by_draw = each(&all);
    let center = average(&by_draw);
    let squares: f64 = by_draw.iter().map(|v| (v - center) * (v - center)).sum();
    let count = by_draw.len() as f64;
    let sentences = all
        .iter()
        .map(|&i| {
            let above: Vec<f64> = theirs.iter().map(|draw| draw[i].exp()).collect();
            average(&above) - own[i].exp()
        })
        .collect();
    let reports = draws
        .iter()
        .zip(untrained)
        .map(|(draw, spectra)| Ok(UntrainedReport { seed: draw.seed, entropies: report(spectra)? }))
        .collect::<Result<_>>()?;
    Ok(LayerDiffErank {
        trained: report(trained)?,
        untrained: reports,
        geometric,
        arithmetic,
        between_draws: (by_draw.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        sentences,
    })
}
