//! Reliability diagrams and their like, as SVG for light and dark pages.
//!
//! ```
//! use dac_calibration::{Binning, BinaryForecasts, pictures};
//! let p: Vec<f64> = (0..400).map(|i| f64::from(i) / 399.0).collect();
//! let y: Vec<bool> = (0..400).map(|i| (i * 37) % 400 < i * i / 400).collect();
//! let forecasts = BinaryForecasts::new(&p, &y)?;
//! let svg = pictures::reliability("Overconfident", &forecasts, &Binning::equal_width(10))?;
//! assert!(svg.standalone().contains("95 %"));
//! # Ok::<(), dac_calibration::Error>(())
//! ```

use assay_array::Scalar;
use assay_report::{Axis, Color, Forest, Histogram, Plot, Series, Svg, number};

use crate::measures::{Classwise, RiskCoverage, SmoothEceConfig};
use crate::{Bin, BinaryForecasts, Binning, Reliability, Result};

/// The level of the bins' intervals.
const LEVEL: f64 = 0.95;
/// Points of a drawn risk-coverage curve.
const POINTS: usize = 200;

fn confidence() -> Axis {
    Axis::new("confidence").range(0.0, 1.0)
}

fn accuracy() -> Axis {
    Axis::new("accuracy").range(0.0, 1.0)
}

fn filled(bins: &Reliability) -> impl Iterator<Item = &Bin> {
    bins.bins.iter().filter(|bin| bin.count > 0)
}

/// `[confidence, accuracy]` of every bin that holds something.
fn points(bins: &Reliability) -> Vec<[f64; 2]> {
    filled(bins).filter_map(|bin| Some([bin.confidence()?, bin.accuracy()?])).collect()
}

/// `[confidence, lower, upper]` of the Wilson intervals.
fn band(bins: &Reliability) -> Result<Vec<[f64; 3]>> {
    let mut band = Vec::new();
    for bin in filled(bins) {
        if let (Some(conf), Some(interval)) = (bin.confidence(), bin.interval(LEVEL)?) {
            band.push([conf, interval.lower, interval.upper]);
        }
    }
    Ok(band)
}

/// The reliability diagram: a point for every bin at its mean confidence and accuracy, a band of 95 %
/// Wilson intervals, the smoothed curve without bins, and the diagonal of perfect calibration.
///
/// # Errors
/// As [`BinaryForecasts::reliability`].
pub fn reliability<T: Scalar>(
    title: &str,
    forecasts: &BinaryForecasts<'_, T>,
    binning: &Binning,
) -> Result<Svg> {
    let bins = forecasts.reliability(binning)?;
    let smooth = forecasts.smooth_ece(SmoothEceConfig::new())?;
    let curve = forecasts.smooth_curve(smooth.width.clamp(0.01, 1.0))?;
    // Where next to nothing was forecast the curve says nothing; beyond the outermost forecasts it only
    // continues itself, the farther the wider the kernel.
    let (low, high) = forecasts
        .probability()
        .iter()
        .fold((1.0_f64, 0.0_f64), |(low, high), p| (low.min(p.to_f64()), high.max(p.to_f64())));
    let curve = curve.at.iter().zip(&curve.frequency).zip(&curve.density);
    let said = |t: f64, density: f64| density > 0.05 && (low..=high).contains(&t);
    let curve = curve.filter(|((t, _), density)| said(**t, **density)).map(|((t, f), _)| [*t, *f]);
    let name = format!("bins, 95 % (ECE {})", number(bins.ece()));
    Ok(Plot::new(title)
        .x(confidence())
        .y(accuracy())
        .series(Series::line(name, points(&bins)).markers().band(band(&bins)?).dashed(false))
        .series(Series::line(format!("smooth ({})", number(smooth.value)), curve).dashed(true))
        .diagonal()
        .size(360.0, 300.0)
        .svg())
}

/// The classic form: a bar for every bin from 0 to its accuracy, over the bin's edges, with the
/// diagonal.
pub fn bars(title: &str, bins: &Reliability) -> Svg {
    Histogram::new(title)
        .x(confidence())
        .y(accuracy())
        .series(
            "accuracy",
            edges(bins),
            bins.bins.iter().map(|bin| bin.accuracy().unwrap_or(f64::NAN)),
        )
        .diagonal()
        .size(360.0, 300.0)
        .svg()
}

/// How many forecasts every bin holds.
pub fn counts(title: &str, bins: &Reliability) -> Svg {
    Histogram::new(title)
        .x(confidence())
        .y(Axis::new("forecasts"))
        .series("forecasts", edges(bins), bins.bins.iter().map(|bin| bin.count as f64))
        .size(360.0, 90.0)
        .svg()
}

fn edges(bins: &Reliability) -> impl Iterator<Item = f64> {
    bins.bins.first().map(|bin| bin.lower).into_iter().chain(bins.bins.iter().map(|bin| bin.upper))
}

/// Two or more reliability curves on one diagram, such as before and after calibration.
///
/// # Errors
/// None for bins that counting made.
pub fn before_and_after(title: &str, curves: &[(&str, &Reliability)]) -> Result<Svg> {
    let mut plot = Plot::new(title).x(confidence()).y(accuracy());
    for (index, (name, bins)) in curves.iter().enumerate() {
        let name = format!("{name} (ECE {})", number(bins.ece()));
        let color = Color::series(index);
        plot =
            plot.series(Series::line(name, points(bins)).markers().band(band(bins)?).color(color));
    }
    Ok(plot.diagonal().size(360.0, 300.0).svg())
}

/// A small reliability diagram for every class against the rest, in order.
///
/// # Errors
/// None for bins that counting made.
pub fn classwise(classes: &Classwise) -> Result<Vec<Svg>> {
    let draw = |(class, bins): (usize, &Reliability)| {
        let title = format!("class {class}: ECE {}", number(bins.ece()));
        let plot = Plot::new(title)
            .x(Axis::new("probability").range(0.0, 1.0))
            .y(Axis::new("frequency").range(0.0, 1.0));
        let line = Series::line("", points(bins)).markers().band(band(bins)?);
        Ok(plot.series(line).diagonal().size(220.0, 150.0).svg())
    };
    classes.classes.iter().enumerate().map(draw).collect()
}

/// Risk-coverage curves: the error rate among the most confident part of the predictions.
pub fn risk_coverage(title: &str, curves: &[(&str, &RiskCoverage)]) -> Svg {
    let mut plot = Plot::new(title)
        .x(Axis::new("coverage").range(0.0, 1.0).percent())
        .y(Axis::new("error rate").from(0.0).percent());
    for (name, curve) in curves {
        let n = curve.risks.len();
        let step = n.div_ceil(POINTS).max(1);
        let places = (0..n).filter(|k| k % step == step - 1 || k + 1 == n);
        let drawn = places.filter_map(|k| Some([(k + 1) as f64 / n as f64, *curve.risks.get(k)?]));
        plot = plot.series(Series::line(format!("{name} (AURC {})", number(curve.aurc())), drawn));
    }
    plot.svg()
}

/// Measures with their intervals, one line each: name, estimate, lower and upper end.
pub fn intervals(title: &str, axis: &str, rows: &[(&str, f64, [f64; 2])]) -> Svg {
    rows.iter()
        .fold(
            Forest::new(title).axis(Axis::new(axis).from(0.0)),
            |forest, (name, estimate, ends)| forest.row(*name, *estimate, *ends),
        )
        .svg()
}
