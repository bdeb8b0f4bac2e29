//! Answers kept by what was asked.
//!
//! The cache is one file of JSON lines that only grows. Its first line names the format; every other
//! line holds a key, a check sum, the request and the response:
//!
//! - **Content addressed**: the key is the SHA-256 of the model's id and the canonical request
//!   (sorted keys, the sample's index included), so that it survives changes of the program.
//! - **Crash safe**: a line is written by one call in append mode. A line that a crash cut off, or
//!   whose sum does not fit, is skipped and counted; the next append begins a new line. Data are
//!   forced to the disk every [`CacheConfig::with_sync_every`] lines: a killed program loses
//!   nothing, a power cut at most those.
//! - **Safe for many processes**: appends take a file lock, and every look-up of a missing key first
//!   reads what other processes have added.
//! - **Flat memory**: only keys and places are kept; answers are read from the file.

mod file;
mod key;
mod model;

pub use file::{Cache, CacheConfig, CacheReport};
pub use key::Key;
pub use model::{Cached, Replay};
