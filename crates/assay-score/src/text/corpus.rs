//! What the accumulators over a corpus of segments share.

use std::fmt::Debug;

use super::Segment;
use crate::bytes::{Reader, Writer};
use crate::{Error, Result};

/// The smallest and the largest number of references that a segment had; none before the first segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct References(Option<(u64, u64)>);

impl References {
    /// Of these segments, each of which has a reference.
    pub(super) fn of(segments: &[Segment<'_>]) -> Self {
        let numbers = segments.iter().map(|segment| segment.references.len() as u64);
        Self(numbers.clone().min().zip(numbers.max()))
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }

    /// Whether there was no segment.
    pub(super) fn is_empty(self) -> bool {
        self.0.is_none()
    }

    /// `nrefs` of sacrebleu's signature.
    pub(super) fn signature(self) -> String {
        match self.0 {
            Some((least, most)) if least == most => least.to_string(),
            Some(_) => "var".to_owned(),
            None => "0".to_owned(),
        }
    }

    pub(super) fn write(self, writer: Writer) -> Writer {
        let (least, most) = self.0.unwrap_or((0, 0));
        writer.u64(least).u64(most)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (reader.u64()?, reader.u64()?) {
            (0, 0) => Ok(Self(None)),
            (least @ 1.., most) if least <= most => Ok(Self(Some((least, most)))),
            (_, most) => Err(reader.invalid("a smallest and a largest number of references", most)),
        }
    }
}

/// Checks that every segment has a reference.
pub(super) fn check_references(operation: &'static str, segments: &[Segment<'_>]) -> Result<()> {
    match segments.iter().position(|segment| segment.references.is_empty()) {
        None => Ok(()),
        Some(index) => Err(Error::Missing { operation, item: "reference", index }),
    }
}

/// Checks that two accumulators count alike.
pub(super) fn check_alike<C: PartialEq + Debug>(
    operation: &'static str,
    what: &'static str,
    mine: &C,
    other: &C,
) -> Result<()> {
    if mine == other {
        return Ok(());
    }
    let (left, right) = (format!("{mine:?}"), format!("{other:?}"));
    Err(Error::Incompatible { operation, what, left, right })
}

/// A flag stored as 0 or 1.
pub(super) fn read_flag(reader: &mut Reader<'_>) -> Result<bool> {
    match reader.u64()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(reader.invalid("a flag of 0 or 1", other)),
    }
}
