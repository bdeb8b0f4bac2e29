//! The chapter as a part of the page.

use assay_examples::exam::Score;
use assay_examples::mnist::{SIDE, Split};
use assay_report::{
    Axis, Cell, Color, Forest, HeatMap, Picture, Plot, Section, Series, Shade, Svg, Table, Text,
    percent, short,
};

use super::results::{Method, Numbers, Role, Sample, Story};

/// Pixels between two digits.
const GAP: usize = 3;
/// What pixels are enlarged by: 28 pixels are small.
const ENLARGED: f64 = 1.2;

/// The chapter; samples are looked up in `train`.
pub(super) fn section(numbers: &Numbers, train: &Split) -> Result<Section, assay_report::Error> {
    let mut chapter = Section::new("1. Learn digits without labels").with_id("bags");
    chapter.paragraph(
        Text::new(
            "A LeNet-5 learns the digits of MNIST, but nobody tells it what any single image shows. All it hears \
             is something about a ",
        )
        .em("bag")
        .plain(" of images or a ")
        .em("pair")
        .plain(". The exact loss sums over every labelling of the bag that agrees with what was said; the ")
        .em("obvious")
        .plain(" loss is what one would try first; the ")
        .em("oracle")
        .plain(" is the same network with all labels of the same images. Every network is judged on test images that \
                none has seen."),
    );
    chapter.paragraph(
        Text::new("Nine or not is asked about as many nines as other digits, and a network says “nine” when its odds are \
                   above those of a nine in training, as Bayes' rule has it. ")
            .em("Surprise")
            .plain(" is the mean of −ln P(right answer) over the test images as they come: it tells what accuracy does not, \
                    whether the probabilities can be believed."),
    );
    chapter.table(summary(numbers));
    for story in &numbers.stories {
        chapter.section(story_section(story, train)?);
    }
    Ok(chapter)
}

fn color(role: Role) -> Color {
    match role {
        Role::Weak => Color::Blue,
        Role::Baseline => Color::Orange,
        Role::Oracle => Color::Green,
    }
}

fn summary(numbers: &Numbers) -> Table {
    let mut table = Table::new(["what is told", "exact loss", "obvious loss", "oracle"]);
    for story in &numbers.stories {
        let name = Text::default().link(format!("#{}", story.id), &story.title);
        let scores = story.methods.iter().map(|method| {
            let cell = Cell::number(percent(method.score.accuracy)).color(color(method.role));
            if method.role == Role::Weak { cell.strong() } else { cell }
        });
        table.push([Cell::text(name)].into_iter().chain(scores));
    }
    table
}

fn story_section(story: &Story, train: &Split) -> Result<Section, assay_report::Error> {
    let mut section = Section::new(&story.title).with_id(&story.id);
    section.paragraph(&story.setting);
    for sample in &story.samples {
        let alt = format!("{} handwritten digits", sample.images.len());
        section.picture(strip(train, sample)?, alt, &sample.told);
    }
    let mut table = Table::new(["network", "accuracy", "surprise"]);
    for method in &story.methods {
        let [low, high] = method.score.interval;
        let seen = method.curve.last().map_or(0, |point| point.images);
        let how = format!(
            "{}; {} passes, {} images seen",
            method.loss,
            method.schedule.passes,
            short(seen)
        );
        let range =
            format!("{:.1} to {} of {}", 100.0 * low, percent(high), short(method.score.judged));
        table.push([
            Cell::from(&method.name).strong().key(color(method.role)).small(how),
            Cell::number(percent(method.score.accuracy)).strong().small(range),
            method.surprise.map_or_else(Cell::missing, |nats| Cell::number(format!("{nats:.3}"))),
        ]);
    }
    section.table(table);
    section.figure(intervals(&story.methods), "Accuracy with its 95 % interval (Wilson)");
    section.figure(curves(&story.methods), "Accuracy on a part of the test images after each pass");
    if let Some(method) = story.methods.first() {
        let caption = format!("What “{}” answers to each class", method.name);
        section.figure(confusion(&method.score), caption);
    }
    Ok(section)
}

/// The images of a sample side by side, ink dark on white.
fn strip(train: &Split, sample: &Sample) -> Result<Picture, assay_report::Error> {
    let inverted: Vec<Vec<u8>> = sample
        .images
        .iter()
        .map(|&index| train.image(index).iter().map(|ink| u8::MAX - ink).collect())
        .collect();
    let row = Picture::row(SIDE, SIDE, GAP, inverted.iter().map(Vec::as_slice))?;
    Ok(row.ink().enlarged(ENLARGED))
}

fn intervals(methods: &[Method]) -> Svg {
    let mut plot = Forest::new("").axis(Axis::new("right answers").percent());
    for method in methods {
        let Score { accuracy, interval, .. } = method.score;
        plot = plot.colored(&method.name, accuracy, interval, color(method.role));
    }
    plot.svg()
}

fn curves(methods: &[Method]) -> Svg {
    let mut plot = Plot::new("")
        .x(Axis::new("training images seen").from(0.0))
        .y(Axis::new("right answers").percent());
    for method in methods {
        let points = method.curve.iter().map(|point| [point.images as f64, point.accuracy]);
        plot = plot.series(
            Series::line(&method.name, points.collect::<Vec<_>>())
                .color(color(method.role))
                .markers(),
        );
    }
    plot.svg()
}

fn confusion(score: &Score) -> Svg {
    let names: Vec<String> = match score.confusion.len() {
        2 => vec!["other".to_owned(), "nine".to_owned()],
        classes => (0..classes).map(|digit| digit.to_string()).collect(),
    };
    let cells = score.confusion.iter().map(|row| row.iter().map(|&count| count as f64));
    HeatMap::new("", names.clone(), names, cells)
        .axes("true", "answered")
        .shade(Shade::RowShare)
        .diagonal()
        .svg()
}

#[cfg(test)]
mod tests {
    use assay_examples::mnist::PIXELS;
    use assay_examples::train::Schedule;
    use assay_report::Page;

    use super::super::results::{Images, Point};
    use super::*;

    fn numbers() -> Numbers {
        let point = |images, accuracy| Point { images, loss: 1.0 / images as f64, accuracy };
        let method = |name: &str, role, correct: usize| Method {
            name: name.to_owned(),
            role,
            loss: "a < b & c".to_owned(),
            schedule: Schedule { passes: 2, batch: 4, learning_rate: 1e-3 },
            curve: vec![point(100, 0.5), point(200, correct as f64 / 100.0)],
            score: Score {
                correct,
                judged: 100,
                accuracy: correct as f64 / 100.0,
                interval: [correct as f64 / 100.0 - 0.05, correct as f64 / 100.0 + 0.02],
                confusion: vec![vec![correct - 10, 5], vec![95 - correct, 10]],
            },
            surprise: (role != Role::Baseline).then_some(0.1234),
        };
        Numbers {
            images: Images { training: 40, test: 100, balanced_test: 20 },
            stories: vec![Story {
                id: "count".to_owned(),
                title: "How many <nines>?".to_owned(),
                setting: "counts".to_owned(),
                samples: vec![Sample { images: vec![0, 1], told: "1 nine".to_owned() }],
                methods: vec![
                    method("exact", Role::Weak, 95),
                    method("naive", Role::Baseline, 60),
                    method("labels", Role::Oracle, 94),
                ],
            }],
        }
    }

    #[test]
    fn the_chapter_shows_every_method() {
        let train = Split::from_parts(vec![9; 2 * PIXELS], vec![1, 2]).unwrap();
        let mut page = Page::new("test");
        page.section(section(&numbers(), &train).unwrap());
        let html = page.html();
        for wanted in [
            "How many &lt;nines&gt;?",
            "a &lt; b &amp; c",
            "2 passes, 200 images seen",
            "90.0 to 97.0 % of 100",
            ">85</text>",
            "href=\"#count\"",
            "<td class=\"number\">0.123</td>",
            "<td class=\"number\">–</td>",
        ] {
            assert!(html.contains(wanted), "{wanted}");
        }
        for class in ["c-blue", "c-orange", "c-green"] {
            assert!(html.contains(&format!("class=\"stroke curve {class}\"")), "{class}");
        }
        assert!(!html.contains("NaN"));
    }
}
