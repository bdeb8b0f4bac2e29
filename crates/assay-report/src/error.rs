//! What can go wrong.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What a function of this crate answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of this crate. Charts and pages cannot fail: they show what can be shown.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be written. Files that stood there before are as they were, unless
    /// the renaming of finished files itself was cut short.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The name of a file is empty, absolute or leads out of the folder.
    #[error("write_whole: expected the name of a file below the folder, got {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// The pixels do not fill the picture.
    #[error(
        "picture: expected {expected} bytes for {width} by {height} pixels of {channels} bytes, got {got}"
    )]
    Pixels {
        /// Pixels from left to right.
        width: usize,
        /// Pixels from top to bottom.
        height: usize,
        /// Bytes a pixel.
        channels: usize,
        /// `width · height · channels`.
        expected: usize,
        /// Bytes that came.
        got: usize,
    },
    /// A picture has no pixels, or more on a side than PNG allows here (65,536).
    #[error("picture: expected 1 to 65536 pixels on each side, got {width} by {height}")]
    Size {
        /// Pixels from left to right.
        width: usize,
        /// Pixels from top to bottom.
        height: usize,
    },
    /// A value could not be put into JSON (a map with keys that are no text, for example).
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
}
