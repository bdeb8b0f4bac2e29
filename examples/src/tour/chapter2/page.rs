//! The chapter as a part of the page, and what the terminal says.

use assay_examples::mnist::SIDE;
use assay_report::{Axis, Cell, Plot, Section, Series, Table, Text, number, percent};
use specformer_msvp::Evaluation;
use specformer_msvp::report::pictures;

use super::certify::BALLS;
use super::error::RobustError;
use super::judge::{L2, LINF, PICTURED};
use super::results::{Judged, Numbers};
use super::settings::Settings;

/// The sizes in the table and on the terminal, by index: `L∞`, attacked in `L2`, certified in `L2`.
const TOLD: (usize, usize, usize) = (PICTURED, 2, 0);
/// The ball on which the penalty is told to show, by index.
const TINY: usize = 1;

pub(super) fn summary(models: &[&Numbers]) -> Vec<String> {
    let (linf, l2, proved) = TOLD;
    let mut lines = vec![format!(
        "Four vision transformers: right, under PGD in Linf {} and L2 {}, certified in L2 {}",
        LINF[linf], L2[l2], L2[proved]
    )];
    for n in models {
        let [right, linf, l2, proved] =
            [n.right, at(&n.linf.worst, linf), at(&n.l2.worst, l2), certified(n, proved)]
                .map(|share| 100.0 * share);
        let name = n.way.name();
        lines.push(format!("  {name:20} {right:5.1} %  {linf:5.1} %  {l2:5.1} %  {proved:5.1} %"));
    }
    lines
}

fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(0.0)
}

fn certified(n: &Numbers, index: usize) -> f64 {
    n.l2.certified.as_deref().map_or(0.0, |c| at(c, index))
}

fn tiny(n: &Numbers) -> f64 {
    n.certified.get(TINY).map_or(0.0, |point| point[1])
}

/// The chapter.
pub(super) fn section(results: &[Judged; 4], settings: &Settings) -> Result<Section, RobustError> {
    let mut chapter = Section::new("2. Make it robust, and say how far").with_id("robust");
    chapter.paragraph(
        Text::new("A small vision transformer learns the digits four times, with the same number of steps on the same ")
            .plain(settings.images.to_string())
            .plain(" images: as it is; with SpecFormer's ")
            .em("penalty")
            .plain(" on the largest singular values of its query, key and value weights; ")
            .em("adversarially")
            .plain(", on what one gradient step makes of each image; and with ")
            .em("bounded norms")
            .plain(
                ", every matrix held down and every layer of a kind that has a Lipschitz constant everywhere (L2 attention, \
                 centring instead of layer normalisation). Then an adversary moves every test image by at most ε, in the \
                 largest change of a pixel (Linf) or in Euclidean distance (L2).",
            ),
    );
    chapter.paragraph(
        Text::new("What no attack broke may still be breakable; what is ")
            .em("certified")
            .plain(" is not, by any attack whatsoever. The truth lies between the two curves."),
    );
    chapter.table(table(results));
    chapter.paragraph(format!(
        "“Right” is of {} test images, the rest of {} that were attacked. Margin: the median lead of the right answer's \
         logit; σ: the largest singular value of a head's queries, keys or values; slope: how fast logits change with the \
         image, at least somewhere (from Jacobians) and at most anywhere (proved, if there is such a bound).",
        settings.tested, settings.attacked,
    ));
    chapter.figure(
        attacked(results, |n| &n.linf, false),
        Text::new("Accuracy under projected gradient descent in Linf")
            .plain(", the worse of cross-entropy and margin on each image"),
    );
    chapter.figure(
        attacked(results, |n| &n.l2, true),
        "The same in L2; dashed: what is certified, where that is not zero",
    );
    for line in told(results) {
        chapter.paragraph(line);
    }
    let ok = results
        .iter()
        .all(|r| r.numbers.linf.violations.is_empty() && r.numbers.l2.violations.is_empty());
    if ok {
        chapter.paragraph("Checked for every model, norm and size: certified ≤ attacked ≤ clean.");
    } else {
        chapter.warning("Some numbers contradict one another; the details below say which.");
    }
    chapter.section(examples(results)?);
    chapter.section(proved(results));
    for result in results {
        let n = &result.numbers;
        let mut details = Section::new(n.way.name()).with_id(n.way.id());
        for (evaluation, norm) in [(&n.linf, "Linf"), (&n.l2, "L2")] {
            let id = format!("{}-{}", n.way.id(), norm.to_lowercase());
            details.section(evaluation.section(&format!("In {norm}")).with_id(id));
        }
        chapter.folded(Text::new("All numbers: ").plain(n.way.name()), details);
    }
    Ok(chapter)
}

fn table(results: &[Judged; 4]) -> Table {
    let (linf, l2, proved) = TOLD;
    let mut table = Table::new([
        "trained".to_owned(),
        "right".to_owned(),
        format!("PGD, Linf {}", LINF[linf]),
        format!("PGD, L2 {}", L2[l2]),
        format!("certified, L2 {}", L2[proved]),
        "margin".to_owned(),
        "σ".to_owned(),
        "slope ≥".to_owned(),
        "≤".to_owned(),
    ]);
    for result in results {
        let n = &result.numbers;
        let slope = |value: Option<f64>| {
            value.map_or_else(Cell::missing, |value| Cell::number(number(value)))
        };
        table.push([
            Cell::text(n.way.name()).color(n.way.color()),
            Cell::number(percent(n.right)),
            Cell::number(percent(at(&n.linf.worst, linf))),
            Cell::number(percent(at(&n.l2.worst, l2))),
            Cell::number(percent(certified(n, proved))),
            Cell::number(number(n.l2.margins[2])),
            Cell::number(number(n.sigma)),
            slope(n.l2.lipschitz_below),
            slope(n.l2.lipschitz),
        ]);
    }
    table
}

fn attacked(
    results: &[Judged; 4],
    evaluation: fn(&Numbers) -> &Evaluation,
    with_certified: bool,
) -> assay_report::Svg {
    let norm = evaluation(&results[0].numbers).norm;
    let mut plot =
        Plot::new("")
            .x(Axis::new(format!("ε in {norm}")).from(0.0))
            .y(Axis::new("accuracy").percent().range(0.0, 1.0));
    for result in results {
        let way = result.numbers.way;
        let e = evaluation(&result.numbers);
        let curve = |values: &[f64]| -> Vec<[f64; 2]> {
            let rest = e.epsilons.iter().zip(values).map(|(x, y)| [*x, *y]);
            std::iter::once([0.0, e.clean]).chain(rest).collect()
        };
        plot = plot.series(Series::line(way.name(), curve(&e.worst)).color(way.color()).markers());
        if let Some(c) = e.certified.as_deref().filter(|c| with_certified && at(c, 0) > 0.0) {
            let name = format!("{}, certified", way.name());
            plot = plot.series(Series::line(name, curve(c)).color(way.color()).dashed(true));
        }
    }
    plot.svg()
}

/// What the numbers say, whatever they are.
fn told(results: &[Judged; 4]) -> Vec<String> {
    let [plain, penalty, adversarial, bounded] = results.each_ref().map(|r| &r.numbers);
    let (linf, l2, proved) = TOLD;
    let change = |a: f64, b: f64| format!("from {} to {}", percent(a), percent(b));
    let mut lines = vec![format!(
        "The penalty takes the largest singular value from {} to {}. Accuracy goes {}, under attack in Linf {} {}, in L2 {} {}. \
         What it holds down is a factor of the proof: within the tiny radius of {}, what is certified goes {}.",
        number(plain.sigma),
        number(penalty.sigma),
        change(plain.right, penalty.right),
        LINF[linf],
        change(at(&plain.linf.worst, linf), at(&penalty.linf.worst, linf)),
        L2[l2],
        change(at(&plain.l2.worst, l2), at(&penalty.l2.worst, l2)),
        BALLS[TINY],
        change(tiny(plain), tiny(penalty)),
    )];
    lines.push(format!(
        "Training against the adversary takes the two accuracies under attack {} and {}, without a proof; bounded norms take \
         them {} and {}, and prove {} at L2 {}.",
        change(at(&plain.linf.worst, linf), at(&adversarial.linf.worst, linf)),
        change(at(&plain.l2.worst, l2), at(&adversarial.l2.worst, l2)),
        change(at(&plain.linf.worst, linf), at(&bounded.linf.worst, linf)),
        change(at(&plain.l2.worst, l2), at(&bounded.l2.worst, l2)),
        percent(certified(bounded, proved)),
        L2[proved],
    ));
    lines
}

fn examples(results: &[Judged; 4]) -> Result<Section, RobustError> {
    let mut section = Section::new("What the adversary does").with_id("robust-pictures");
    let picture = |images: &assay_array::ndarray::Array2<f32>| {
        Ok::<_, RobustError>(pictures(images.view(), SIDE, SIDE)?.enlarged(1.2))
    };
    let before = &results[0].shown.before;
    let count = before.nrows();
    section.picture(picture(before)?, format!("{count} digits"), "As they are");
    for result in results {
        let (way, shown) = (result.numbers.way, &result.shown);
        let names: Vec<String> = shown.taken_for.iter().map(ToString::to_string).collect();
        section.picture(
            picture(&shown.after)?,
            format!("{count} digits, slightly changed"),
            format!(
                "Trained {}, Linf {}: taken for {}",
                way.name(),
                LINF[PICTURED],
                names.join(" ")
            ),
        );
    }
    Ok(section)
}

fn proved(results: &[Judged; 4]) -> Section {
    let mut section = Section::new("What is proved").with_id("robust-proof");
    section.paragraph(
        "If no small change of the image can change the logits by more than L times its length, then no change shorter than the \
         margin over √2 L changes the answer. L is a product over the layers, each bounded from above. Layer normalisation and \
         dot-product attention have no useful constant for all images; on a small ball around one image they do, and the smaller the \
         ball the smaller the constant. So each image is tried on balls of several sizes.",
    );
    let mut plot =
        Plot::new("")
            .x(Axis::new("radius in L2").log())
            .y(Axis::new("certified accuracy").percent().range(0.0, 1.0));
    for result in results {
        let n = &result.numbers;
        let line = Series::line(n.way.name(), n.certified.clone()).color(n.way.color());
        plot = plot.series(line.markers());
    }
    section.figure(plot.svg(), "Certified accuracy by radius, on a scale of its own");
    for result in results {
        let name = result.numbers.way.name();
        let mut details = Section::new(name);
        details.code(&result.derivation);
        section.folded(Text::new("One certificate, step by step: ").plain(name), details);
    }
    section
}
