//! Independent trainings side by side.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::progress::{Progress, Task};

type Work<'a, T, E> = Box<dyn FnOnce(&Task) -> Result<T, E> + Send + 'a>;

/// A training that waits for its turn.
pub struct Job<'a, T, E> {
    /// What the progress bar calls it.
    name: String,
    /// Units of work that it will report as done.
    size: usize,
    work: Work<'a, T, E>,
}

impl<T, E> std::fmt::Debug for Job<'_, T, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({:?}, {})", self.name, self.size)
    }
}

/// A job that stopped without an answer, because it panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a training stopped without saying why (a bug: please report it)")]
pub struct Panicked;

impl<'a, T, E> Job<'a, T, E> {
    /// A job with its name and the units of work (images, say) that it will
    /// [advance](Task::advance) by.
    pub fn new(
        name: impl Into<String>,
        size: usize,
        work: impl FnOnce(&Task) -> Result<T, E> + Send + 'a,
    ) -> Self {
        Self { name: name.into(), size, work: Box::new(work) }
    }

    /// Its units of work.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// Runs the jobs on as many threads as there are processors, and answers in the jobs' order.
///
/// burn's CPU backend trains on one thread, so two trainings take the time of one on two cores. Put the
/// longest first, so that no thread is left with one at the end. Each job must have its own streams of
/// random numbers; then the answers do not depend on the threads. After an error no further job starts.
///
/// # Errors
/// The error of a job; [`Panicked`] when one panicked.
pub fn in_parallel<T: Send, E: Send + From<Panicked>, const N: usize>(
    jobs: [Job<T, E>; N],
    progress: &Progress,
) -> Result<[T; N], E> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    on_threads(jobs, threads.min(N), progress)
}

fn on_threads<T: Send, E: Send + From<Panicked>, const N: usize>(
    jobs: [Job<T, E>; N],
    threads: usize,
    progress: &Progress,
) -> Result<[T; N], E> {
    progress.expect(jobs.iter().map(Job::size).sum());
    let jobs = jobs.map(|job| Mutex::new(Some(job)));
    let results = [const { Mutex::new(None) }; N];
    let next = AtomicUsize::new(0);
    let worker = || -> Result<(), E> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = jobs.get(index) else { return Ok(()) };
            let Some(job) = slot.lock().ok().and_then(|mut job| job.take()) else { continue };
            let task = progress.task(&job.name, job.size);
            match (job.work)(&task) {
                Ok(answer) => {
                    if let Ok(mut result) = results[index].lock() {
                        *result = Some(answer);
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
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(Panicked.into())))
    })?;
    let results: Option<Vec<T>> =
        results.into_iter().map(|result| result.into_inner().ok().flatten()).collect();
    results.and_then(|results| results.try_into().ok()).ok_or_else(|| Panicked.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Error {
        OnPurpose,
        Panicked,
    }

    impl From<Panicked> for Error {
        fn from(_: Panicked) -> Self {
            Self::Panicked
        }
    }

    #[test]
    fn answers_come_in_the_jobs_order() {
        for threads in [1, 2, 9] {
            let progress = Progress::new();
            let jobs = [0, 1, 2, 3].map(|number| Job::new("test", 1, move |_| Ok(number)));
            assert_eq!(on_threads::<_, Error, 4>(jobs, threads, &progress), Ok([0, 1, 2, 3]));
        }
    }

    #[test]
    fn an_error_stops_the_queue() {
        let progress = Progress::new();
        let started = AtomicUsize::new(0);
        let jobs = [0, 1, 2].map(|_| {
            Job::<(), _>::new("test", 1, |_| {
                started.fetch_add(1, Ordering::Relaxed);
                Err(Error::OnPurpose)
            })
        });
        assert_eq!(on_threads(jobs, 1, &progress), Err(Error::OnPurpose));
        assert_eq!(started.into_inner(), 1);
    }

    #[test]
    fn a_panic_is_an_error() {
        let progress = Progress::new();
        let jobs = [Job::<(), Error>::new("test", 1, |_| panic!("on purpose"))];
        assert_eq!(on_threads(jobs, 1, &progress), Err(Error::Panicked));
    }
}
