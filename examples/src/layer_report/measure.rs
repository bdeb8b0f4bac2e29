use assay_array::ndarray::{Array2, ArrayView2, Axis, concatenate};
use assay_score::Mergeable;
use matrix_entropy::accumulate::{PerSentence, SentenceReport};
use matrix_entropy::layers::{Curvature, curvature};
use matrix_entropy::pair::{Debias, cka_map};
use matrix_entropy::protocol::{
    DiffErankConfig, LayerDiffErank, UntrainedDraw, diff_erank, pooled,
};
use matrix_entropy::{Center, Conventions, Error, Report, Result, RowPolicy, average_cosine};
use serde::Serialize;

/// Everything that is reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// One a layer, in order.
    pub layers: Vec<LayerMeasures>,
    /// How alike the layers are; `None` for one layer or where it is not defined.
    pub cka: Option<CkaMap>,
}

/// One layer's numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerMeasures {
    /// Its number.
    pub layer: usize,
    /// The entropy of each sentence's tokens, and dataset numbers.
    pub sentences: SentenceReport,
    /// The measures of the sentences' mean tokens, from three sentences on.
    pub pooled: Option<Report>,
    /// The mean angle between steps of the token path, radians; over sentences of three tokens or more
    /// that do not stand still.
    pub curvature: Option<f64>,
    /// The mean cosine of all pairs of tokens: 1 where all point one way.
    pub average_cosine: Option<f64>,
    /// What training changed, where there is an untrained model.
    pub diff_erank: Option<LayerDiffErank>,
}

/// Linear CKA of all pairs of layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CkaMap {
    /// Whether the estimate is debiased; it is not where that does not exist.
    pub debiased: bool,
    /// The tokens compared.
    pub items: usize,
    /// A row a layer.
    pub cells: Vec<Vec<f64>>,
}

/// One draw of the untrained model's states of one layer.
#[derive(Debug, Clone)]
pub struct Untrained {
    /// The seed of its weights.
    pub seed: u64,
    /// A matrix of tokens a sentence.
    pub sentences: Vec<Array2<f32>>,
}

/// Measures one layer; sentences are `[N_i, d]`, those without two different tokens are counted and left
/// out.
///
/// # Errors
/// As [`diff_erank`] and [`PerSentence`]: states that are not finite, models that disagree, or no
/// sentence left.
pub fn measure(
    layer: usize,
    sentences: &[Array2<f32>],
    untrained: &[Untrained],
) -> Result<LayerMeasures> {
    let views: Vec<ArrayView2<'_, f32>> = sentences.iter().map(|s| s.view()).collect();
    let columns = views.first().map_or(0, ArrayView2::ncols);
    let mut sums = PerSentence::new(columns, RowPolicy::Skip)?;
    sums.extend(&views)?;
    let report = sums.finish()?;

    let filled: Vec<ArrayView2<'_, f32>> =
        views.iter().copied().filter(|s| s.nrows() > 0).collect();
    let means = pooled(&filled)?;
    let conventions = Conventions::paper().with_zero_rows(RowPolicy::Skip);
    let pooled = defined(if means.nrows() < 3 {
        Err(Error::TooFewRows { operation: "pooled sentences", needed: 3, got: means.nrows() })
    } else {
        Report::of(means.view(), conventions)
    })?;

    let mut angles = Vec::new();
    for sentence in &filled {
        angles.extend(defined(curvature(*sentence, Curvature::Steps))?);
    }
    let mean_angle = angles.iter().sum::<f64>() / angles.len() as f64;
    let all = side_by_side(&filled)?;
    let draws: Vec<UntrainedDraw<'_, f32>> = untrained
        .iter()
        .map(|draw| UntrainedDraw {
            seed: draw.seed,
            layers: vec![draw.sentences.iter().map(|s| s.view()).collect()],
        })
        .collect();
    let diff = if draws.is_empty() {
        None
    } else {
        diff_erank(&[views], &draws, &DiffErankConfig::default())?.layers.pop()
    };
    Ok(LayerMeasures {
        layer,
        sentences: report,
        pooled,
        curvature: (!angles.is_empty()).then_some(mean_angle),
        average_cosine: defined(average_cosine(all.view(), Center::No))?,
        diff_erank: diff,
    })
}

/// Compares layers over the same tokens, `[N, d_l]` each: debiased where that exists, plain otherwise.
///
/// # Errors
/// As [`cka_map`], but for what is not defined.
pub fn compare(items: &[Array2<f32>]) -> Result<Option<CkaMap>> {
    if items.len() < 2 {
        return Ok(None);
    }
    let views: Vec<ArrayView2<'_, f32>> = items.iter().map(|x| x.view()).collect();
    for (debias, debiased) in [(Debias::Unbiased, true), (Debias::No, false)] {
        if let Some(cells) = defined(cka_map(&views, &views, debias))? {
            let cells = cells.outer_iter().map(|row| row.to_vec()).collect();
            return Ok(Some(CkaMap { debiased, items: views[0].nrows(), cells }));
        }
    }
    Ok(None)
}

/// At most so many tokens, evenly spread over all sentences.
pub fn spread(sentences: &[Array2<f32>], most: usize) -> Array2<f32> {
    let total: usize = sentences.iter().map(Array2::nrows).sum();
    let columns = sentences.first().map_or(0, Array2::ncols);
    let mut all = Array2::zeros((0, columns));
    let (mut place, step) = (0_usize, total.div_ceil(most.max(1)).max(1));
    for sentence in sentences {
        for row in sentence.axis_iter(Axis(0)) {
            if place.is_multiple_of(step) && all.push_row(row).is_err() {
                return all; // cannot be: a layer has one width
            }
            place += 1;
        }
    }
    all
}

/// All tokens as one matrix.
fn side_by_side(sentences: &[ArrayView2<'_, f32>]) -> Result<Array2<f32>> {
    concatenate(Axis(0), sentences).map_err(|_| Error::Shape {
        operation: "tokens of all sentences",
        expected: "sentences of one width".to_owned(),
        got: sentences.iter().map(ArrayView2::ncols).collect(),
    })
}

/// `None` for a number that does not exist for this layer, such as the angle of two tokens.
fn defined<V>(result: Result<V>) -> Result<Option<V>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            Error::TooFewRows { .. }
            | Error::ZeroRow { .. }
            | Error::ZeroTrace { .. }
            | Error::AllSkipped { .. }
            | Error::Undefined { .. },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}
