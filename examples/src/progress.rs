//! Progress bars with the time left; plain lines when nobody watches.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bars of one run, on standard error.
#[derive(Debug)]
pub struct Progress {
    bars: MultiProgress,
    total: ProgressBar,
    watched: bool,
}

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
        Self { bars, total, watched }
    }

    /// Expects `work` more units of work in all.
    pub fn expect(&self, work: usize) {
        self.total.inc_length(work as u64);
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
        self.progress.total.inc(work as u64);
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
