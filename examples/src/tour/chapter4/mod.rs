//! Chapter 4: look inside. What each layer of the network holds while it learns, and against networks
//! that never learnt.

mod entropy;
mod error;
mod page;

use crate::chapters::{ChapterError, Found, Tour};

/// Trains one network, measures it after every pass, and tells the story.
pub(crate) fn run(tour: &Tour) -> Result<Found, ChapterError> {
    let settings = if tour.quick { entropy::Settings::quick() } else { entropy::Settings::full() };
    let numbers = entropy::measure(tour, &settings)?;
    let summary = page::summary(&numbers);
    Ok(Found::new(page::section(&numbers), &numbers, summary)?)
}
