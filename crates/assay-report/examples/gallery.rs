//! One of every chart on a page: `cargo run -p assay-report --example gallery`, then open
//! `target/gallery/index.html`.
#![allow(clippy::print_stdout)] // a program talks to its user

use assay_report::{
    Axis, BarChart, Cell, Color, Forest, HeatMap, Histogram, Page, Picture, Plot, Radar, Section,
    Series, Shade, Table, Text, write_whole,
};

fn main() -> Result<(), assay_report::Error> {
    let mut page = Page::new("Everything that assay-report draws");
    page.lead(Text::new("Made by ").code("cargo run -p assay-report --example gallery").plain("."));
    page.top().warning("All numbers here are made up.");
    page.section(lines()?).section(categories()).section(tables());
    page.footer().paragraph("The same input gives the same bytes.");
    let files = [("curve.svg", curve().svg().standalone()), ("index.html", page.html())];
    write_whole("target/gallery", &files)?;
    println!("target/gallery/index.html");
    Ok(())
}

fn curve() -> Plot {
    let points = |end: f64| {
        (0..=20).map(move |i| f64::from(i) / 4.0).map(move |x| [x * 8e3, end - 0.6 * (-x).exp()])
    };
    let band = points(0.97).map(|[x, y]| [x, y - 0.03, y + 0.02]);
    Plot::new("Learning curves")
        .x(Axis::new("training images seen"))
        .y(Axis::new("right answers").percent())
        .series(Series::line("exact loss", points(0.97)).band(band))
        .series(Series::line("obvious loss", points(0.9)))
        .series(Series::line("every image labelled", points(0.98)))
}

fn lines() -> Result<Section, assay_report::Error> {
    let mut section = Section::new("Lines and points").with_id("lines");
    section.figure(curve().svg(), "Three series, one with a band");
    let spectrum = (1..=60).map(f64::from).map(|i| [i, i.powf(-1.7)]);
    let plot = Plot::new("A spectrum")
        .x(Axis::new("index").log())
        .y(Axis::new("eigenvalue").log())
        .series(Series::dots("measured", spectrum.clone()))
        .series(Series::line("−1.7", spectrum).color(Color::Grey).dashed(true));
    section.figure(plot.svg(), "Both axes logarithmic");
    let (before, after) = ([0.02, 0.05, 0.08, 0.15, 0.7], [0.1, 0.15, 0.2, 0.25, 0.3]);
    let edges = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
    let chart = Histogram::new("Confidence")
        .x(Axis::new("confidence").range(0.0, 1.0))
        .y(Axis::new("share of answers").percent())
        .series("before", edges, before)
        .series("after", edges, after);
    section.figure(chart.svg(), "Two histograms over each other");
    let chart = Histogram::new("Reliability")
        .x(Axis::new("confidence").range(0.0, 1.0))
        .y(Axis::new("right").range(0.0, 1.0))
        .series("", edges, [0.05, 0.22, 0.4, 0.61, 0.83])
        .diagonal();
    section.figure(chart.svg(), "Bars below the diagonal: too sure");
    let waves: Vec<Series> = (0..7)
        .map(|k| {
            Series::line(
                format!("layer {k}"),
                (0..30).map(move |i| [f64::from(i), (f64::from(i) / 5.0 + f64::from(k)).sin()]),
            )
        })
        .collect();
    let plot = waves
        .into_iter()
        .fold(Plot::new("Seven series"), Plot::series)
        .horizontal(0.9, "chance")
        .vertical(20.0, "shift");
    section.figure(plot.svg(), "Dashes and shapes repeat what colours say");
    section.figure(Plot::new("Nothing").x(Axis::new("x")).svg(), "A plot without data");
    let shades: Vec<u8> = (0..=255).collect();
    section.picture(Picture::grey(16, 16, &shades)?.enlarged(3.0), "a grey ramp", "all greys");
    section.picture(
        Picture::row(16, 16, 3, [&shades[..], &shades])?.ink(),
        "two ramps",
        "ink turns in the dark",
    );
    Ok(section)
}

fn categories() -> Section {
    let mut section = Section::new("Categories").with_id("categories");
    let tasks = [
        "natural language inference",
        "questions",
        "a very long name of a category that does not fit",
    ];
    let grouped = BarChart::new("Right answers", tasks)
        .axis(Axis::new("accuracy").percent())
        .series("in domain", [0.81, 0.74, 0.93])
        .series("shifted", [0.62, f64::NAN, 0.88]);
    section.figure(grouped.svg(), "Grouped; a value is missing");
    let stacked = BarChart::new("Where time goes", ["before", "after"])
        .axis(Axis::new("seconds"))
        .series("load", [2.0, 0.4])
        .series("train", [8.0, 5.0])
        .series("judge", [3.0, 1.2])
        .stacked();
    section.figure(stacked.svg(), "Stacked");
    let forest = Forest::new("Difference from the baseline")
        .axis(Axis::new("points of accuracy"))
        .reference(0.0)
        .row("exact loss", 4.1, [2.8, 5.5])
        .row("contrastive", -0.4, [-1.9, 1.1])
        .colored("oracle", 4.6, [3.3, 5.9], Color::Green);
    section.figure(forest.svg(), "Intervals of 95 %");
    let dimensions =
        ["truthfulness", "safety", "fairness", "robustness", "privacy", "machine ethics"];
    let radar = Radar::new("Two models", dimensions, [0.0, 1.0])
        .series("A", [0.8, 0.6, 0.9, 0.5, 0.7, 0.65])
        .series("B", [0.5, 0.9, 0.7, 0.6, f64::NAN, 0.8]);
    section.figure(radar.svg(), "B has no value for privacy");
    section
}

fn tables() -> Section {
    let mut section = Section::new("Tables").with_id("tables");
    let digits: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let counts = (0..10).map(|i| {
        (0..10).map(move |j| match (i, j) {
            _ if i == j => f64::from(900 + 11 * i),
            (4, 9) | (9, 4) => 23.0,
            _ => f64::from((i * 7 + j * 3) % 5 / 3),
        })
    });
    let confusion = HeatMap::new("Answers", digits.clone(), digits, counts)
        .axes("true", "answered")
        .shade(Shade::RowShare)
        .diagonal();
    section.figure(confusion.svg(), "Rare mistakes are visible");
    let layers: Vec<String> = (0..12).map(|layer| format!("block {layer}")).collect();
    let alike = (0..12).map(|i: i32| (0..12).map(move |j| (-f64::from((i - j).abs()) / 4.0).exp()));
    let map = HeatMap::new("Similarity of layers", layers.clone(), layers, alike)
        .axes("trained", "untrained")
        .shade(Shade::Range(0.0, 1.0));
    section.figure(map.svg(), "Numbers go where they do not fit");
    section.table(
        Table::new(["network", "right", "interval"])
            .row([
                Cell::from("exact loss").strong().key(Color::Blue).small("−log P(count)"),
                Cell::number("98.1 %").strong().color(Color::Blue),
                Cell::number("97.4 to 98.6"),
            ])
            .row([
                Cell::from("obvious loss").key(Color::Orange).small("mean label as target"),
                Cell::number("93.9 %").color(Color::Orange),
                Cell::missing(),
            ]),
    );
    let mut details = Section::default();
    details.code("fn answer() -> u8 {\n    42\n}").list(["one", "two"]);
    section.folded("More of it", details);
    section
}
