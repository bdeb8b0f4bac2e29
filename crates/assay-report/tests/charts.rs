//! Every chart, on every kind of number and name.

use assay_report::{
    Axis, BarChart, Color, Forest, HeatMap, Histogram, Plot, Radar, Series, Shade, Svg,
};
use proptest::prelude::*;

use crate::sound::{assert_drawing, attribute};

/// Numbers as they come: ordinary, extreme and no numbers at all.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0,
        2 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324]),
    ]
}

fn values(most: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(value(), 0..most)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,12}", any::<String>(), Just("<b a=\"1\">&'\u{0}".to_owned())]
}

fn axis() -> impl Strategy<Value = Axis> {
    (name(), any::<[bool; 3]>(), prop::option::of(value()), prop::option::of(value())).prop_map(
        |(label, [log, percent, whole], from, to)| {
            let mut axis = Axis::new(label);
            if log {
                axis = axis.log();
            }
            if percent {
                axis = axis.percent();
            }
            if whole {
                axis = axis.whole();
            }
            if let Some(from) = from {
                axis = axis.from(from);
            }
            if let Some(to) = to {
                axis = axis.to(to);
            }
            axis
        },
    )
}

fn check(svg: &Svg) -> Result<(), TestCaseError> {
    assert_drawing(&svg.inline());
    assert_drawing(&svg.standalone());
    // Names may say NaN, numbers may not.
    prop_assert!(!svg.inline().contains("\"NaN") && !svg.inline().contains(" NaN\""));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn plots_are_sound(
        title in name(),
        axes in (axis(), axis()),
        names in prop::collection::vec(name(), 0..9),
        numbers in values(40),
        guides in (value(), value()),
        size in (value(), value()),
    ) {
        let mut plot = Plot::new(title).x(axes.0).y(axes.1).diagonal();
        plot = plot.horizontal(guides.0, "h").vertical(guides.1, "v").size(size.0, size.1);
        for (index, name) in names.into_iter().enumerate() {
            let points = numbers.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
            let band = numbers.chunks_exact(3).map(|part| [part[0], part[1], part[2]]);
            plot = plot.series(match index % 3 {
                0 => Series::line(name, points).band(band),
                1 => Series::steps(name, points).markers(),
                _ => Series::dots(name, points).color(Color::Grey),
            });
        }
        check(&plot.svg())?;
    }

    #[test]
    fn bars_are_sound(
        title in name(),
        axis in axis(),
        categories in prop::collection::vec(name(), 0..6),
        series in prop::collection::vec((name(), values(7)), 0..4),
        stacked: bool,
        width in value(),
    ) {
        let mut chart = BarChart::new(title, categories).axis(axis).width(width);
        for (name, values) in series {
            chart = chart.series(name, values);
        }
        check(&if stacked { chart.stacked() } else { chart }.svg())?;
    }

    #[test]
    fn forests_are_sound(
        title in name(),
        axis in axis(),
        rows in prop::collection::vec((name(), value(), value(), value()), 0..6),
        reference in value(),
    ) {
        let mut plot = Forest::new(title).axis(axis).reference(reference);
        for (name, estimate, low, high) in rows {
            plot = plot.row(name, estimate, [low, high]);
        }
        check(&plot.svg())?;
    }

    #[test]
    fn heat_maps_are_sound(
        title in name(),
        rows in prop::collection::vec(name(), 0..14),
        columns in prop::collection::vec(name(), 0..14),
        cells in prop::collection::vec(values(16), 0..16),
        shade in prop_oneof![Just(Shade::Spread), Just(Shade::RowShare), (value(), value()).prop_map(|(a, b)| Shade::Range(a, b))],
        numbers: Option<bool>,
        width in value(),
    ) {
        let mut map = HeatMap::new(title, rows, columns, cells).shade(shade).width(width).axes("r", "c");
        if let Some(numbers) = numbers {
            map = map.numbers(numbers).diagonal();
        }
        check(&map.svg())?;
    }

    #[test]
    fn histograms_are_sound(
        title in name(),
        axes in (axis(), axis()),
        series in prop::collection::vec((name(), values(12), values(12)), 0..4),
    ) {
        let mut chart = Histogram::new(title).x(axes.0).y(axes.1).diagonal();
        for (name, edges, heights) in series {
            chart = chart.series(name, edges, heights);
        }
        check(&chart.svg())?;
    }

    #[test]
    fn radars_are_sound(
        title in name(),
        spokes in prop::collection::vec(name(), 0..9),
        range in (value(), value()),
        series in prop::collection::vec((name(), values(10)), 0..4),
    ) {
        let mut chart = Radar::new(title, spokes, [range.0, range.1]);
        for (name, values) in series {
            chart = chart.series(name, values);
        }
        check(&chart.svg())?;
    }
}

/// The points of the first path of a class.
fn path(svg: &str, class: &str) -> Vec<[f64; 2]> {
    let start = svg.find(class).unwrap_or_else(|| panic!("no {class} in {svg}"));
    let d = attribute(&svg[start..], " d");
    d.trim_end_matches('Z')
        .split(['M', 'L'])
        .skip(1)
        .map(|pair| {
            let (x, y) = pair.split_once(' ').unwrap();
            [x.parse().unwrap(), y.parse().unwrap()]
        })
        .collect()
}

#[test]
fn a_line_goes_where_its_numbers_say() {
    let plot = Plot::new("t").series(Series::line("a", [[0.0, 0.0], [5.0, 1.0], [10.0, 0.5]]));
    let line = path(&plot.svg().inline(), "stroke curve c-blue");
    assert_eq!(line.len(), 3);
    // Halfway in x; the middle value is the highest; y grows upwards.
    assert!((line[1][0] - f64::midpoint(line[0][0], line[2][0])).abs() < 0.11);
    assert!((line[2][1] - f64::midpoint(line[0][1], line[1][1])).abs() < 0.11);
    assert!(line[1][1] < line[0][1]);
}

#[test]
fn decades_are_equally_far_apart() {
    let points = [1.0, 10.0, 100.0].map(|x| [x, x]);
    let plot = Plot::new("")
        .x(Axis::new("").log())
        .y(Axis::new("").log())
        .series(Series::line("", points));
    let line = path(&plot.svg().inline(), "stroke curve");
    for axis in [0, 1] {
        assert!((line[1][axis] - f64::midpoint(line[0][axis], line[2][axis])).abs() < 0.11);
    }
}

#[test]
fn gaps_break_a_line() {
    let points = [
        [0.0, 1.0],
        [1.0, 2.0],
        [2.0, f64::NAN],
        [3.0, 1.0],
        [4.0, 2.0],
        [5.0, f64::NAN],
        [6.0, 1.5],
    ];
    let svg = Plot::new("").series(Series::line("a", points)).svg().inline();
    assert_eq!(svg.matches("stroke curve").count(), 3);
    // The lonely last point is visible as a marker.
    assert!(svg.contains("a: 6, 1.5"));
    // Zero and negative values have no place on a logarithmic axis.
    let logged =
        Plot::new("").y(Axis::new("").log()).series(Series::line("a", [[0.0, 0.0], [1.0, -1.0]]));
    assert!(logged.svg().inline().contains(">no data</text>"));
}

#[test]
fn every_series_is_in_the_legend() {
    let mut plot = Plot::new("many");
    for index in 0..8 {
        plot = plot
            .series(Series::line(format!("series {index}"), [[0.0, 1.0], [1.0, f64::from(index)]]));
    }
    let svg = plot.svg().inline();
    for index in 0..8 {
        assert!(svg.contains(&format!(">series {index}</text>")));
    }
}

#[test]
fn bars_are_as_long_as_their_values() {
    let chart =
        BarChart::new("", ["a", "b"]).axis(Axis::new("").range(0.0, 10.0)).series("", [10.0, 5.0]);
    let svg = chart.svg().inline();
    let widths: Vec<f64> =
        svg.split("<rect").skip(1).map(|rect| attribute(rect, " width").parse().unwrap()).collect();
    assert!((widths[0] / widths[1] - 2.0).abs() < 0.01, "{widths:?}");
    // Stacked, the second series begins where the first ends; a negative one goes the other way.
    let chart = BarChart::new("", ["a"])
        .series("x", [2.0])
        .series("y", [3.0])
        .series("z", [-1.0])
        .stacked();
    let svg = chart.svg().inline();
    let bars: Vec<[f64; 2]> = svg
        .split("<rect class=\"fill bar")
        .skip(4)
        .map(|rect| [" x", " width"].map(|name| attribute(rect, name).parse().unwrap()))
        .collect();
    assert_eq!(bars.len(), 3);
    assert!((bars[0][0] + bars[0][1] - bars[1][0]).abs() < 0.11, "{bars:?}");
    assert!((bars[2][0] + bars[2][1] - bars[0][0]).abs() < 0.11, "{bars:?}");
    let missing = BarChart::new("", ["a", "b"]).series("", [f64::NAN]).svg().inline();
    assert_eq!(missing.matches(">–</text>").count(), 2);
}

#[test]
fn a_heat_map_says_its_numbers() {
    let map = HeatMap::new("t", ["a", "b"], ["a", "b"], [[85.0, f64::NAN], [0.0, 10.0]])
        .shade(Shade::RowShare)
        .diagonal();
    let svg = map.svg().inline();
    assert!(svg.contains(">85</text>") && svg.contains(">10</text>") && svg.contains(">–</text>"));
    // A zero count is silent; three cells have a ground.
    assert!(!svg.contains(">0</text>"));
    assert_eq!(svg.matches("<rect").count(), 3);
    assert!(svg.contains("<title>a, a: 85</title>"));
    let constant = HeatMap::new("", ["a"], ["b"], [[7.0]]).svg().inline();
    assert!(constant.contains("fill-opacity=\"0.520\""), "{constant}");
}

#[test]
fn a_perfect_score_has_a_scale() {
    let plot = Forest::new("").axis(Axis::new("").percent()).row("all", 1.0, [1.0, 1.0]);
    let svg = plot.svg().inline();
    assert!(svg.contains("100 %</text>") || svg.contains("100.0 %</text>"), "{svg}");
    assert!(Forest::new("").row("x", f64::NAN, [0.0, 1.0]).svg().inline().contains(">–</text>"));
}

#[test]
fn a_radar_without_a_value_is_open() {
    let closed =
        Radar::new("", ["a", "b", "c"], [0.0, 1.0]).series("m", [0.5, 1.0, 0.2]).svg().inline();
    assert!(closed.contains("fill area"));
    let open = Radar::new("", ["a", "b", "c"], [0.0, 1.0])
        .series("m", [0.5, f64::NAN, 0.2])
        .svg()
        .inline();
    assert!(!open.contains("fill area") && open.contains("stroke curve"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let draw = || Plot::new("t").series(Series::dots("a", [[0.1, 0.2]])).svg().standalone();
    assert_eq!(draw(), draw());
}
