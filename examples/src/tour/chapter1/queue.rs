//! Independent trainings side by side.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_examples::progress::{Progress, Task};

use super::lesson::Trained;
use crate::error::TourError;

type Work<'a> = Box<dyn FnOnce(&Task) -> Result<Trained, TourError> + Send + 'a>;

/// A training that waits for its turn.
pub(super) struct Job<'a> {
    /// What the progress bar calls it.
    name: &'static str,
    /// Images that it will see, repetitions counted.
    images: usize,
    work: Work<'a>,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        name: &'static str,
        images: usize,
        work: impl FnOnce(&Task) -> Result<Trained, TourError> + Send + 'a,
    ) -> Self {
        Self { name, images, work: Box::new(work) }
    }

    pub(super) fn images(&self) -> usize {
        self.images
    }
}

/// Runs the jobs on `threads` threads and answers in the jobs' order.
///
/// burn's CPU backend trains on one thread, so two trainings take the time of one on two cores. Each has
/// its own streams of random numbers, hence the answers do not depend on `threads`. After an error no
/// further job starts.
pub(super) fn in_parallel<const N: usize>(
    jobs: [Job; N],
    threads: usize,
    progress: &Progress,
) -> Result<[Trained; N], TourError> {
    let jobs = jobs.map(|job| Mutex::new(Some(job)));
    let results = [const { Mutex::new(None) }; N];
    let next = AtomicUsize::new(0);
    let worker = || -> Result<(), TourError> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = jobs.get(index) else { return Ok(()) };
            let Some(job) = slot.lock().ok().and_then(|mut job| job.take()) else { continue };
            let task = progress.task(job.name, job.images);
            match (job.work)(&task) {
                Ok(trained) => {
                    if let Ok(mut result) = results[index].lock() {
                        *result = Some(trained);
                    }
                }
                Err(error) => {
                    next.store(jobs.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(TourError::Panicked)))
    })?;
    let results: Option<Vec<Trained>> =
        results.into_iter().map(|result| result.into_inner().ok().flatten()).collect();
    results.and_then(|results| results.try_into().ok()).ok_or(TourError::Panicked)
}

#[cfg(test)]
mod tests {
    use assay_examples::report::{Point, Score};
    use assay_examples::train::{NotFinite, Schedule};

    use super::*;

    /// A training that took no time and knows its number.
    fn done(number: usize) -> Trained {
        Trained {
            schedule: Schedule { passes: number, batch: 1, learning_rate: 0.0 },
            curve: Vec::<Point>::new(),
            score: Score {
                correct: 0,
                judged: 0,
                accuracy: 0.0,
                interval: [0.0, 1.0],
                confusion: Vec::new(),
            },
        }
    }

    #[test]
    fn answers_come_in_the_jobs_order() {
        for threads in [1, 2, 9] {
            let progress = Progress::new();
            let jobs = [0, 1, 2, 3].map(|number| Job::new("test", 1, move |_| Ok(done(number))));
            let trained = in_parallel(jobs, threads, &progress).unwrap();
            assert_eq!(trained.map(|trained| trained.schedule.passes), [0, 1, 2, 3]);
        }
    }

    #[test]
    fn an_error_stops_the_queue() {
        let progress = Progress::new();
        let started = AtomicUsize::new(0);
        let jobs = [0, 1, 2].map(|_| {
            Job::new("test", 1, |_| {
                started.fetch_add(1, Ordering::Relaxed);
                Err(NotFinite { step: 5, value: f64::NAN }.into())
            })
        });
        let error = in_parallel(jobs, 1, &progress).unwrap_err();
        assert_eq!(error.to_string(), "the loss of step 5 is NaN");
        assert_eq!(started.into_inner(), 1);
    }

    #[test]
    fn a_panic_is_an_error() {
        let progress = Progress::new();
        let jobs = [Job::new("test", 1, |_| panic!("on purpose"))];
        assert!(matches!(in_parallel(jobs, 1, &progress), Err(TourError::Panicked)));
    }
}
