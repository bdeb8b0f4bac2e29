//! The chapter as a part of the page.

use assay_report::{Cell, Section, Table, Text, number, percent};
use dac_calibration::{Error, pictures};

use super::Tuning;

/// The chapter.
pub(super) fn section(tunings: &[Tuning]) -> Result<Section, Error> {
    let mut chapter = Section::new("3. Does it know what it knows?").with_id("calibration");
    chapter.paragraph(
        Text::new("A model learns ten digits: a tower for images, a tower for the names of digits, and the cosine of both. The tower of names is then tuned on the first five digits, from 16 images each, as one tunes the prompts of a vision-language model. How sure may it be of the ")
            .em("other")
            .plain(" five? A temperature can only be fitted where there are labels: on the five. Distance-Aware Calibration needs none: it compares how far each name moved from the names that were tuned."),
    );
    for tuning in tunings {
        chapter.section(one(tuning)?);
    }
    Ok(chapter)
}

fn one(tuning: &Tuning) -> Result<Section, Error> {
    let found = &tuning.found;
    let mut section = Section::new(format!("{} tuning", capital(tuning.name)));
    let [plain, cooled] = &found.base_reliability;
    section.paragraph(format!(
        "Before: {} of the new digits right, ECE {}. After tuning with a step size of {}: {} of the base digits right, ECE {}; at the temperature that held-out base images ask for, {}, it is {}.",
        percent(found.before.0),
        number(found.before.1),
        tuning.learning_rate,
        percent(found.base.0),
        number(found.base.1),
        number(found.temperature),
        number(cooled.ece()),
    ));
    let mut table = Table::new(["on the new digits", "accuracy", "confidence", "ECE", "PIECE"]);
    for way in &found.judged {
        table.push([
            Cell::text(way.name.as_str()),
            Cell::number(percent(way.accuracy)),
            Cell::number(percent(way.confidence)),
            Cell::number(number(way.ece)).strong(),
            Cell::number(number(way.piece)),
        ]);
    }
    section.table(table);
    let base = [("as tuned", plain), ("temperature", cooled)];
    section.figure(
        pictures::before_and_after("Base digits", &base)?,
        "Base digits: temperature scaling, fitted on other images of the same digits",
    );
    let ways: Vec<_> = [0, 1, 2].iter().filter_map(|&i| found.judged.get(i)).collect();
    let new: Vec<_> = ways.iter().map(|way| (way.name.as_str(), &way.reliability)).collect();
    section.figure(
        pictures::before_and_after("New digits", &new)?,
        "New digits: accuracy by confidence, with 95 % Wilson intervals",
    );
    Ok(section)
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
