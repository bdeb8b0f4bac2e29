//! Progress bars with the time left; plain lines when nobody watches.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bars of one run, on standard error.
///
/// A program of one part only [expects](Progress::expect) work and makes tasks. A program of several
/// [says how long](Progress::total) they take together, so that the time left is known before the
/// later parts know what they expect.
#[derive(Debug)]
pub struct Progress {
    bars: MultiProgress,
    total: ProgressBar,
    part: Mutex<Part>,
    watched: bool,
}

/// How far the present part is, in the units of the whole.
#[derive(Debug, Default)]
struct Part {
    /// Where it begins and how long it is; 0 when the program has no parts.
    begin: f64,
    length: f64,
    /// Its own work, all and done.
    expected: usize,
    done: usize,
}

/// Ticks of the whole bar for each unit of a part, so that it moves smoothly.
const TICKS: f64 = 1_000.0;

/// The bar of one task. Dropping it removes the bar.
#[derive(Debug)]
pub struct Task<'a> {
    progress: &'a Progress,
    name: String,
    bar: ProgressBar,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// No bars yet.
    pub fn new() -> Self {
        let watched = std::io::stderr().is_terminal();
        let target =
            if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let total = bars.add(ProgressBar::new(0).with_style(style(
            "{prefix:28} [{bar:30}] {percent:>3} %, {elapsed} gone, {eta} left",
        )));
        total.set_prefix("the whole tour");
        total.enable_steady_tick(Duration::from_millis(500));
        Self { bars, total, part: Mutex::default(), watched }
    }

    /// Expects parts that take so long together, in seconds or any other unit.
    pub fn total(&self, length: usize) {
        self.total.set_length((length as f64 * TICKS) as u64);
    }

    /// Ends the present part and begins one that takes so long, in the unit of [`Self::total`].
    pub fn part(&self, length: usize) {
        self.update(|part| {
            let begin = part.begin + part.length;
            *part = Part { begin, length: length as f64, ..Part::default() };
        });
    }

    /// Expects `work` more units of work in the present part.
    pub fn expect(&self, work: usize) {
        self.update(|part| part.expected += work);
    }

    fn update(&self, change: impl FnOnce(&mut Part)) {
        // A panic elsewhere is no reason to show no progress.
        let mut part = self.part.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut part);
        if part.length > 0.0 {
            let share = (part.done as f64 / part.expected.max(1) as f64).min(1.0);
            self.total.set_position(((part.begin + part.length * share) * TICKS) as u64);
        } else {
            self.total.set_length(part.expected as u64);
            self.total.set_position(part.done as u64);
        }
    }

    /// Starts a task of `work` units.
    pub fn task(&self, name: &str, work: usize) -> Task<'_> {
        let bar = ProgressBar::new(work as u64).with_style(style("{prefix:28} [{bar:30}] {msg}"));
        let bar = self.bars.insert_before(&self.total, bar);
        bar.set_prefix(name.to_owned());
        Task { progress: self, name: name.to_owned(), bar }
    }

    /// Says something that stays.
    pub fn say(&self, line: &str) {
        let said = if self.watched {
            self.bars.println(line)
        } else {
            writeln!(std::io::stderr(), "{line}")
        };
        // A terminal that has gone away is no reason to stop.
        drop(said);
    }

    /// Removes the bars.
    pub fn finish(&self) {
        self.total.finish_and_clear();
    }
}

impl Task<'_> {
    /// Counts `work` units as done.
    pub fn advance(&self, work: usize) {
        self.bar.inc(work as u64);
        self.progress.update(|part| part.done += work);
    }

    /// Shows how it stands: beside the bar, or as a line when nobody watches.
    pub fn report(&self, message: &str) {
        if self.progress.watched {
            self.bar.set_message(message.to_owned());
        } else {
            self.progress.say(&format!("{}: {message}", self.name));
        }
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_the_bar() {
        let progress = Progress::new();
        progress.total(10);
        progress.part(4);
        progress.expect(200);
        let task = progress.task("first", 200);
        task.advance(100);
        assert_eq!(progress.total.position(), 2_000);
        progress.part(6);
        assert_eq!(progress.total.position(), 4_000);
        progress.expect(3);
        progress.task("second", 3).advance(3);
        assert_eq!((progress.total.position(), progress.total.length()), (10_000, Some(10_000)));
    }

    #[test]
    fn without_parts_work_is_counted() {
        let progress = Progress::new();
        progress.expect(8);
        progress.task("all", 8).advance(2);
        assert_eq!((progress.total.position(), progress.total.length()), (2, Some(8)));
    }
}
