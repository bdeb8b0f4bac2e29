//! Chapter 1: learn digits from bags and pairs instead of labels.
//!
//! Each kind of supervision has a file: what the teacher says, the exact loss, and the obvious loss
//! beside it. `labels` is the oracle, for which somebody labelled every image.

mod alike;
mod counts;
mod exam;
mod labels;
mod lesson;
mod presence;
mod queue;
mod stories;

use assay_examples::progress::Progress;
use assay_examples::report::Story;

use crate::error::TourError;
pub(crate) use lesson::Lesson;
use queue::{Job, in_parallel};
use stories::Results;

/// Trains everything and tells the stories.
pub(crate) fn run(lesson: &Lesson, progress: &Progress) -> Result<Vec<Story>, TourError> {
    let (digits, nines) = (labels::digits(lesson), labels::nines(lesson));
    let (count, all_counts) = (counts::nines(lesson), counts::digits(lesson));
    let alike = alike::digits(lesson);
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
        Job::new("is there a nine, exact", count.work(), |task| {
            presence::learn(lesson, task, &count)
        }),
        Job::new("is there a nine, by maximum", count.work(), |task| {
            presence::learn_by_max(lesson, task, &count)
        }),
        Job::new("labels, digits", digits.work(), |task| labels::learn(lesson, task, &digits)),
        Job::new("labels, nine or not", nines.work(), |task| labels::learn(lesson, task, &nines)),
    ];
    progress.expect(jobs.iter().map(Job::images).sum());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let [alike, distance, all_counts, all_means, count, means, presence, maximum, digits, nines] =
        in_parallel(jobs, threads, progress)?;
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
