//! The report for the terminal and for the browser.

use std::fmt::Write;

use assay_report::{Cell, Page, Section, Table, number};
use dac_calibration::measures::RiskTies;
use dac_calibration::{Binning, Error, Probs, Warning, pictures};

use super::report::{Measured, Numbers, Told};

/// Classes that are drawn one by one.
const DRAWN_CLASSES: usize = 12;

/// Name, before and after of every measure.
fn rows(numbers: &Numbers) -> Vec<(&'static str, Option<f64>, Option<f64>)> {
    let both =
        |name, of: fn(&Measured) -> Option<f64>| (name, of(&numbers.before), of(&numbers.after));
    vec![
        both("accuracy", |m| Some(m.accuracy)),
        both("confidence", |m| Some(m.confidence)),
        both("NLL", |m| m.nll),
        both("Brier score", |m| Some(m.brier)),
        both("ECE", |m| Some(m.ece)),
        both("ECE, 95 % from", |m| m.ece_interval.map(|interval| interval.lower)),
        both("ECE, 95 % to", |m| m.ece_interval.map(|interval| interval.upper)),
        both("MCE", |m| Some(m.mce)),
        both("RMSCE", |m| Some(m.rmsce)),
        both("ECE, equal mass", |m| Some(m.adaptive_ece)),
        both("L2 error, debiased", |m| Some(m.debiased_l2)),
        both("smooth ECE", |m| Some(m.smooth_ece)),
        both("class-wise ECE", |m| Some(m.classwise_ece)),
        both("MMCE", |m| Some(m.mmce)),
        both("KS error", |m| Some(m.cumulative.ks)),
        both("KS p-value", |m| m.cumulative.ks_p_value),
        both("Kuiper p-value", |m| m.cumulative.kuiper_p_value),
        both("Spiegelhalter p-value", |m| m.spiegelhalter_p),
        both("AURC", |m| Some(m.aurc)),
        both("AUROC of confidence", |m| m.auroc),
        both("miscalibration (CORP)", |m| Some(m.miscalibration)),
    ]
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"))
}

/// What was fitted, and on what it was judged.
fn setting(numbers: &Numbers) -> String {
    let judged = if numbers.judged_on == 0 {
        "judged on the same samples, which flatters it".to_owned()
    } else {
        format!("judged on the other {}", numbers.judged_on)
    };
    format!(
        "{} samples, {} classes; {:?} fitted on {}, {judged}.",
        numbers.samples, numbers.classes, numbers.method, numbers.fitted_on
    )
}

fn warning(warning: &Warning) -> String {
    match warning {
        Warning::AtBound { parameter, bound } => {
            format!("the {parameter} is at its bound, {bound:e}: the data ask for more")
        }
        Warning::NllFallsEceRises { ece_before, ece_after } => format!(
            "the NLL fell and the ECE rose, from {ece_before:.4} to {ece_after:.4}: this family does not fit"
        ),
        Warning::NotConverged { gradient } => {
            format!("the fit did not converge: a gradient of {gradient:e} is left")
        }
        other => format!("{other:?}"),
    }
}

/// The report for the terminal.
pub(super) fn text(numbers: &Numbers) -> String {
    let mut text = setting(numbers);
    text.push_str("\n\n                          before      after\n");
    for (name, before, after) in rows(numbers) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:22} {:>9}  {:>9}", shown(before), shown(after));
    }
    for found in &numbers.fit.warnings {
        let _ = writeln!(text, "warning: {}", warning(found));
    }
    text
}

/// The report for the browser.
pub(super) fn page(
    numbers: &Numbers,
    drawn: &[(&Probs<'_>, &str); 2],
    labels: &[usize],
    told: &Told,
) -> Result<Page, Error> {
    let mut page = Page::new("Calibration report");
    page.lead(setting(numbers));
    let mut section = Section::new("Measures");
    for found in &numbers.fit.warnings {
        section.warning(warning(found));
    }
    let mut table = Table::new(["measure", "before", "after"]);
    for (name, before, after) in rows(numbers) {
        let cell =
            |value: Option<f64>| value.map_or_else(Cell::missing, |v| Cell::number(number(v)));
        table.push([Cell::text(name.trim_start()), cell(before), cell(after)]);
    }
    section.table(table);
    page.section(section);

    let mut section = Section::new("Reliability");
    let binning = Binning::equal_width(told.bins);
    let (before, after) = (&numbers.before.reliability, &numbers.after.reliability);
    let both =
        pictures::before_and_after("Before and after", &[("before", before), ("after", after)])?;
    section.figure(both, "Accuracy by confidence, with 95 % Wilson intervals");
    let (mut curves, mut counts) = (Vec::new(), Vec::new());
    for (probs, name) in drawn {
        let top = probs.top_label(labels)?;
        let svg = pictures::reliability(&format!("Reliability {name}"), &top, &binning)?;
        section.figure(svg, format!("Bins with 95 % Wilson intervals, and without bins, {name}"));
        counts.push((*name, top.reliability(&binning)?));
        curves.push((*name, top.risk_coverage(RiskTies::Expected)));
    }
    // Pictures of one height stand together.
    for (name, bins) in &counts {
        let svg = pictures::counts(&format!("Counts {name}"), bins);
        section.figure(svg, format!("Forecasts in every bin, {name}"));
    }
    let curves: Vec<_> = curves.iter().map(|(name, curve)| (*name, curve)).collect();
    section.figure(
        pictures::risk_coverage("Risk and coverage", &curves),
        "The error rate among the most confident part of the predictions",
    );
    page.section(section);

    let mut section = Section::new("Classes, after");
    let classwise = drawn[1].0.classwise(labels, &binning)?;
    for (class, svg) in pictures::classwise(&classwise)?.into_iter().take(DRAWN_CLASSES).enumerate()
    {
        section.figure(svg, format!("Class {class} against the rest"));
    }
    if classwise.classes.len() > DRAWN_CLASSES {
        section.paragraph(format!(
            "The first {DRAWN_CLASSES} of {} classes.",
            classwise.classes.len()
        ));
    }
    page.section(section);
    Ok(page)
}
