//! Chapter 1: learn digits from bags and pairs instead of labels.
//!
//! Each kind of supervision has a file: what the teacher says, the exact loss, and the obvious loss
//! beside it. `labels` is the oracle, for which somebody labelled every image.

mod alike;
mod counts;
mod error;
mod labels;
mod lesson;
mod page;
mod presence;
mod results;
mod settings;
mod stories;

use assay_examples::parallel::{Job, in_parallel};
use assay_examples::progress::Progress;

use crate::chapters::{ChapterError, Found, Tour};
use error::LessonError;
use lesson::Lesson;
use results::{Images, Numbers, Story};
use settings::Settings;
use stories::Results;

/// Trains everything and tells the stories.
pub(crate) fn run(tour: &Tour) -> Result<Found, ChapterError> {
    let settings = if tour.quick { Settings::quick() } else { Settings::full() };
    let lesson = Lesson::new(tour, &settings);
    let numbers = Numbers {
        images: Images {
            training: lesson.images.len(),
            test: lesson.digits.images.len(),
            balanced_test: lesson.nines.images.len(),
        },
        stories: train(&lesson, tour.progress)?,
    };
    let section = page::section(&numbers, &tour.data.train)?;
    Ok(Found::new(section, &numbers, summary(&numbers))?)
}

/// What the terminal says.
fn summary(numbers: &Numbers) -> Vec<String> {
    let mut lines = Vec::new();
    for story in &numbers.stories {
        lines.push(story.title.clone());
        for method in &story.methods {
            let [low, high] = method.score.interval.map(|bound| 100.0 * bound);
            let right = 100.0 * method.score.accuracy;
            let nats = method.surprise.map_or("–".to_owned(), |nats| format!("{nats:.3}"));
            let name = &method.name;
            lines.push(format!(
                "  {name:24} {right:5.1} %  ({low:.1} to {high:.1})  surprise {nats}"
            ));
        }
    }
    lines
}

fn train(lesson: &Lesson, progress: &Progress) -> Result<Vec<Story>, LessonError> {
    let (digits, nines) = (labels::digits(lesson), labels::nines(lesson));
    let (count, all_counts) = (counts::nines(lesson), counts::digits(lesson));
    let (presence, alike) = (presence::course(lesson), alike::digits(lesson));
    // The longest first, so that no thread is left with one at the end.
    let jobs = [
        Job::new("alike, exact", alike.work(), |task| alike::learn(lesson, task, &alike)),
        Job::new("alike, by distance", alike.work(), |task| {
            alike::learn_by_distance(lesson, task, &alike)
        }),
        Job::new("all counts, exact", all_counts.work(), |task| {
            counts::learn(lesson, task, &all_counts)
        }),
        Job::new("all counts, from means", all_counts.work(), |task| {
            counts::learn_from_means(lesson, task, &all_counts)
        }),
        Job::new("count of nines, exact", count.work(), |task| counts::learn(lesson, task, &count)),
        Job::new("count of nines, from means", count.work(), |task| {
            counts::learn_from_means(lesson, task, &count)
        }),
        Job::new("is there a nine, exact", presence.work(), |task| {
            presence::learn(lesson, task, &presence)
        }),
        Job::new("is there a nine, by maximum", presence.work(), |task| {
            presence::learn_by_max(lesson, task, &presence)
        }),
        Job::new("labels, digits", digits.work(), |task| labels::learn(lesson, task, &digits)),
        Job::new("labels, nine or not", nines.work(), |task| labels::learn(lesson, task, &nines)),
    ];
    let [alike, distance, all_counts, all_means, count, means, presence, maximum, digits, nines] =
        in_parallel(jobs, progress)?;
    let results = Results {
        alike,
        distance,
        all_counts,
        all_means,
        count,
        means,
        presence,
        maximum,
        digits,
        nines,
    };
    Ok(stories::tell(lesson, &results))
}
