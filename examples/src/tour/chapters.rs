//! The chapters of the tour, and what goes in and out of each.
//!
//! A chapter is a module with a function from a [`Tour`] to what it [`Found`]. To add one: write
//! `chapterN/mod.rs`, name it in `main.rs` and add a line to [`CHAPTERS`].

use std::error::Error;

use assay_examples::mnist::Mnist;
use assay_examples::progress::Progress;
use assay_report::Section;
use assay_tensor::burn::tensor::Device;
use serde::Serialize;

use crate::error::TourError;
use crate::{chapter1, chapter2, chapter3, chapter4, chapter5};

/// What every chapter is given.
#[derive(Debug)]
pub(crate) struct Tour<'a> {
    /// The seed of every random choice.
    pub(crate) seed: u64,
    /// Only show that everything works: the whole chapter in a second or two.
    pub(crate) quick: bool,
    /// What computes.
    pub(crate) device: Device,
    /// The digits.
    pub(crate) data: &'a Mnist,
    /// Say what you do, and how far you are: [`Progress::expect`] all work first, then make tasks.
    pub(crate) progress: &'a Progress,
}

/// What a chapter found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its part of the page; the title begins with the chapter's number.
    pub(crate) section: Section,
    /// Its numbers, which must not depend on time or machine load.
    pub(crate) numbers: serde_json::Value,
    /// What the terminal says in the end: a few short lines.
    pub(crate) summary: Vec<String>,
}

impl Found {
    /// Puts the numbers into JSON.
    pub(crate) fn new(
        section: Section,
        numbers: &impl Serialize,
        summary: Vec<String>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { section, numbers: serde_json::to_value(numbers)?, summary })
    }
}

/// Whatever stops a chapter; its text is what the user reads.
pub(crate) type ChapterError = Box<dyn Error + Send + Sync>;

/// An entry of the table of contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chapter {
    /// Its number, for `--chapter`.
    pub(crate) number: usize,
    /// About how long it takes on two cores; only the progress bar depends on it.
    pub(crate) seconds: usize,
    /// The chapter itself.
    pub(crate) run: fn(&Tour) -> Result<Found, ChapterError>,
}

/// All chapters in their order. Together they stay under five minutes on two cores.
pub(crate) const CHAPTERS: &[Chapter] = &[
    Chapter { number: 1, seconds: 140, run: chapter1::run },
    Chapter { number: 2, seconds: 60, run: chapter2::run },
    Chapter { number: 3, seconds: 10, run: chapter3::run },
    Chapter { number: 4, seconds: 15, run: chapter4::run },
    Chapter { number: 5, seconds: 1, run: chapter5::run },
];

/// The chapters with these numbers, or all when there are none, in the order of the tour.
pub(crate) fn chosen(numbers: &[usize]) -> Result<Vec<Chapter>, TourError> {
    if let Some(&asked) = numbers.iter().find(|&&n| CHAPTERS.iter().all(|c| c.number != n)) {
        let known: Vec<String> = CHAPTERS.iter().map(|c| c.number.to_string()).collect();
        return Err(TourError::NoChapter { asked, known: known.join(", ") });
    }
    let wanted = |chapter: &&Chapter| numbers.is_empty() || numbers.contains(&chapter.number);
    Ok(CHAPTERS.iter().filter(wanted).copied().collect())
}
