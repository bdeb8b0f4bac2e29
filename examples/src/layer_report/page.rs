use assay_report::{Axis, Cell, HeatMap, Page, Plot, Section, Series, Shade, Table, number};

use super::{CkaMap, LayerMeasures, Measures};

/// The page of a model's layers.
pub(super) fn page(title: &str, lead: &str, measures: &Measures, notes: &[String]) -> Page {
    let mut page = Page::new(title);
    page.lead(lead);
    page.section(entropy(&measures.layers));
    if measures.layers.iter().any(|layer| layer.diff_erank.is_some()) {
        page.section(training(&measures.layers));
    }
    page.section(shape(&measures.layers));
    if let Some(map) = &measures.cka {
        page.section(similarity(map, &measures.layers));
    }
    page.section(table(&measures.layers));
    if !notes.is_empty() {
        page.footer().list(notes.iter().map(String::as_str));
    }
    page
}

/// A curve over layers; layers without the number are gaps.
fn curve(layers: &[LayerMeasures], of: impl Fn(&LayerMeasures) -> Option<f64>) -> Vec<[f64; 2]> {
    layers.iter().filter_map(|layer| Some([layer.layer as f64, of(layer)?])).collect()
}

fn entropy(layers: &[LayerMeasures]) -> Section {
    let mut section = Section::new("Entropy");
    section.paragraph(
        "The matrix entropy of each sentence's tokens, as Diff-eRank defines it, and its mean over \
         sentences with two standard errors. No entropy exceeds the cap, log min(N − 1, d), here the \
         mean over sentences.",
    );
    let mean = curve(layers, |layer| Some(layer.sentences.entropy.mean));
    let band = layers.iter().map(|layer| {
        let entropy = &layer.sentences.entropy;
        let half = 2.0 * entropy.standard_error().unwrap_or(0.0);
        [layer.layer as f64, entropy.mean - half, entropy.mean + half]
    });
    let cap = curve(layers, |layer| Some(layer.sentences.cap.mean));
    let plot = Plot::new("Matrix entropy")
        .x(Axis::new("layer").whole())
        .y(Axis::new("nats").from(0.0))
        .series(Series::line("mean over sentences", mean).band(band).markers())
        .series(Series::line("cap", cap).dashed(true));
    section.figure(plot.svg(), "Mean entropy of the sentences in each layer");
    section
}

fn training(layers: &[LayerMeasures]) -> Section {
    let mut section = Section::new("What training did");
    section.paragraph(
        "Diff-eRank: the effective rank of the untrained model less that of the trained one; above \
         zero, training compressed. The band is a 95 % interval over sentences; between draws of the \
         untrained weights the number differs by the standard deviation in the table.",
    );
    let of = |layer: &LayerMeasures| layer.diff_erank.as_ref().map(|d| d.geometric.estimate);
    let band = layers.iter().filter_map(|layer| {
        let interval = layer.diff_erank.as_ref()?.geometric.interval;
        Some([layer.layer as f64, interval.lower, interval.upper])
    });
    let plot = Plot::new("Diff-eRank")
        .x(Axis::new("layer").whole())
        .y(Axis::new("effective rank"))
        .series(Series::line("untrained − trained", curve(layers, of)).band(band).markers())
        .horizontal(0.0, "no change");
    section.figure(plot.svg(), "Diff-eRank of each layer, algorithm (a)");
    section
}

fn shape(layers: &[LayerMeasures]) -> Section {
    let mut section = Section::new("Direction and path");
    section.paragraph(
        "The mean cosine between tokens is near 1 where all of them point one way. Curvature is the mean \
         angle between successive steps from token to token: 0 for a straight line, π/2 for steps that \
         have nothing to do with each other, above that for steps that turn back.",
    );
    let cosine = Plot::new("Mean cosine between tokens")
        .x(Axis::new("layer").whole())
        .y(Axis::new("cosine"))
        .series(Series::line("all pairs", curve(layers, |layer| layer.average_cosine)).markers());
    section.figure(cosine.svg(), "Anisotropy of each layer");
    let angle = Plot::new("Curvature")
        .x(Axis::new("layer").whole())
        .y(Axis::new("radians"))
        .series(Series::line("mean over sentences", curve(layers, |l| l.curvature)).markers());
    section.figure(angle.svg(), "Curvature of the token path in each layer");
    section
}

fn similarity(map: &CkaMap, layers: &[LayerMeasures]) -> Section {
    let mut section = Section::new("Which layers are alike");
    let kind = if map.debiased {
        "Debiased linear CKA: about 0 for layers that have nothing in common."
    } else {
        "Linear CKA without the correction for few tokens, which does not exist here: layers wider than \
         the number of tokens look alike whatever they hold."
    };
    section.paragraph(format!("{kind} Over {} tokens.", map.items));
    let names: Vec<String> = layers.iter().map(|layer| layer.layer.to_string()).collect();
    let rows = map.cells.iter().map(|row| row.iter().copied());
    let heat = HeatMap::new("Linear CKA", names.clone(), names, rows)
        .axes("layer", "layer")
        .shade(Shade::Range(0.0, 1.0));
    section.figure(heat.svg(), "Similarity of all pairs of layers");
    section
}

fn table(layers: &[LayerMeasures]) -> Section {
    let mut section = Section::new("Numbers");
    let mut table = Table::new([
        "layer",
        "d",
        "sentences",
        "tokens",
        "entropy",
        "± 2 se",
        "cap",
        "over log d",
        "effective rank",
        "of pooled",
        "curvature",
        "cosine",
        "Diff-eRank",
        "between draws",
    ]);
    let optional = |value: Option<f64>| value.map_or(Cell::missing(), |v| Cell::number(number(v)));
    for layer in layers {
        let report = &layer.sentences;
        let diff = layer.diff_erank.as_ref();
        table.push([
            Cell::number(layer.layer.to_string()),
            Cell::number(report.columns.to_string()),
            Cell::number(report.sentences.to_string()),
            Cell::number(report.tokens.to_string()),
            Cell::number(number(report.entropy.mean)).strong(),
            optional(report.entropy.standard_error().map(|error| 2.0 * error)),
            Cell::number(number(report.cap.mean)),
            Cell::number(number(report.normalised_entropy())),
            Cell::number(number(report.geometric_rank())),
            optional(layer.pooled.as_ref().map(|pooled| pooled.effective_rank)),
            optional(layer.curvature),
            optional(layer.average_cosine),
            optional(diff.map(|diff| diff.geometric.estimate)),
            optional(diff.and_then(|diff| diff.between_draws)),
        ]);
    }
    section.table(table);
    section
}
