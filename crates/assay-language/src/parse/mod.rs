//! What a model meant to say.
//!
//! Every parser takes any text and never fails or panics; what it could not read it says. None
//! guesses: an answer that fits two labels, or none, is no label.
//!
//! | parser | reads |
//! |---|---|
//! | [`numbered_list`] | `1. …`, `2) …`, `- …`, `**3.** …` with lines that go on, and the rest apart |
//! | [`json_values`], [`first_json`] | JSON in prose or in fences, mended where that is safe |
//! | [`Verbaliser`] | labels by their words, on word boundaries, with negation |
//! | [`numbers`], [`number_in`] | numbers, or the one number of a scale |
//! | [`is_refusal`] | "I cannot help with that" |

mod json;
mod label;
mod list;
mod number;
mod refusal;

pub use json::{Fragment, first_json, json_values};
pub use label::{Reading, Verbaliser};
pub use list::{List, lines_after_dot, numbered_list};
pub use number::{number_in, numbers};
pub use refusal::is_refusal;
