//! The chapter as a part of the page, and what the terminal says.

use assay_report::{
    Axis, Cell, Color, HeatMap, Plot, Section, Series, Shade, Table, Text, number, percent,
};

use super::entropy::{LAYERS, Numbers};

pub(super) fn summary(numbers: &Numbers) -> Vec<String> {
    let mut lines = vec!["What the layers hold (effective rank)".to_owned()];
    for layer in &numbers.layers {
        let (first, last) = (layer.trained.first(), layer.trained.last());
        let rank =
            |report: Option<&matrix_entropy::Report>| report.map_or(0.0, |r| r.effective_rank);
        lines.push(format!(
            "  {:24} {:6.2} before, {:6.2} after training; Diff-eRank {:.2} ± {:.2}",
            layer.name,
            rank(first),
            rank(last),
            layer.diff_erank,
            layer.between_draws
        ));
    }
    lines
}

pub(super) fn section(numbers: &Numbers) -> Section {
    let mut chapter = Section::new("4. Look inside").with_id("inside");
    chapter.paragraph(
        Text::new("A layer turns every image into a row of numbers. How evenly do the rows of ")
            .plain(numbers.measured.to_string())
            .plain(" test images spread over directions? The ")
            .em("matrix entropy")
            .plain(
                " of the rows, centred and of length 1, says it in nats; its exponential, the effective \
                 rank, in directions. The network learns from ",
            )
            .plain(numbers.images.to_string())
            .plain(" labelled images and is measured after every pass."),
    );
    let mut plot =
        Plot::new("").x(Axis::new("passes").whole()).y(Axis::new("matrix entropy, nats"));
    for (index, layer) in numbers.layers.iter().enumerate() {
        let points =
            layer.trained.iter().enumerate().map(|(pass, report)| [pass as f64, report.entropy]);
        let series = Series::line(&layer.name, points).markers();
        plot = plot.series(series.color(Color::series(index)));
    }
    chapter.figure(plot.svg(), "The entropy of each layer while the network learns");
    if let Some(accuracy) = numbers.accuracy.last() {
        chapter.paragraph(format!(
            "After the last pass it gets {} of these images right.",
            percent(*accuracy)
        ));
    }
    chapter.section(untrained(numbers));
    chapter.section(alike(numbers));
    chapter
}

fn untrained(numbers: &Numbers) -> Section {
    let mut section = Section::new("Against networks that never learnt").with_id("diff-erank");
    section.paragraph(
        "Diff-eRank is the effective rank of an untrained network less that of the trained one: positive \
         where training compresses. One draw of untrained weights is luck, so several are averaged; the \
         last column is their standard deviation. No rank exceeds the cap, which N and the width set.",
    );
    let mut table =
        Table::new(["layer", "width", "cap", "untrained", "trained", "Diff-eRank", "±"]);
    for layer in &numbers.layers {
        let Some(last) = layer.trained.last() else { continue };
        table.push([
            Cell::text(layer.name.as_str()),
            Cell::number(last.columns.to_string()),
            Cell::number(number(last.cap.exp())),
            Cell::number(number(layer.diff_erank + last.effective_rank)),
            Cell::number(number(last.effective_rank)),
            Cell::number(number(layer.diff_erank)).strong(),
            Cell::number(number(layer.between_draws)),
        ]);
    }
    section.table(table);
    section
}

fn alike(numbers: &Numbers) -> Section {
    let mut section = Section::new("What training keeps").with_id("inside-cka");
    section.paragraph(
        "Debiased linear CKA between every layer of the trained network and every layer of one that never \
         learnt: 1 for the same geometry up to rotation and scale, 0 for none in common.",
    );
    let rows = numbers.cka.iter().map(|row| row.iter().copied());
    let heat = HeatMap::new("", LAYERS, LAYERS, rows)
        .axes("trained", "untrained")
        .shade(Shade::Range(0.0, 1.0));
    section.figure(heat.svg(), "Similarity of trained and untrained layers");
    section
}
