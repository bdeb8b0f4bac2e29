use assay_score::bytes::{Kind, Reader, Writer};
use assay_score::{Interval, Mergeable, interval};

use super::cells::check_room;
use crate::measures::regression::interval_coverage;
use crate::{Error, Result};

const KIND: Kind = *b"dacpicp\0";
const VERSION: u16 = 1;
const OPERATION: &str = "interval counts";

/// Targets and predicted intervals, one batch of [`IntervalCounts`].
#[derive(Debug, Clone, Copy)]
pub struct IntervalBatch<'a> {
    /// Targets.
    pub targets: &'a [f64],
    /// Lower ends.
    pub lower: &'a [f64],
    /// Upper ends.
    pub upper: &'a [f64],
}

/// Counts how often prediction intervals hold their targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntervalCounts {
    inside: u64,
    count: u64,
}

impl IntervalCounts {
    /// Nothing counted.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Mergeable for IntervalCounts {
    type Batch<'a> = IntervalBatch<'a>;
    /// The coverage and its exact 95 % interval.
    type Report = (f64, Interval);
    type Error = Error;

    fn update(&mut self, batch: IntervalBatch<'_>) -> Result<()> {
        if batch.targets.is_empty() && batch.lower.is_empty() && batch.upper.is_empty() {
            return Ok(());
        }
        interval_coverage(batch.targets, batch.lower, batch.upper)?;
        check_room(OPERATION, self.count, batch.targets.len() as u64)?;
        let ends = batch.lower.iter().zip(batch.upper);
        let inside = batch
            .targets
            .iter()
            .zip(ends)
            .filter(|(y, (lower, upper))| (*lower..=*upper).contains(y));
        self.inside += inside.count() as u64;
        self.count += batch.targets.len() as u64;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_room(OPERATION, self.count, other.count)?;
        self.inside += other.inside;
        self.count += other.count;
        Ok(())
    }

    fn finish(&self) -> Result<(f64, Interval)> {
        let interval = interval::clopper_pearson(self.inside, self.count, 0.95)?;
        Ok((self.inside as f64 / self.count as f64, interval))
    }

    fn to_bytes(&self) -> Vec<u8> {
        Writer::new(KIND, VERSION).u64(self.inside).u64(self.count).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let (inside, count) = (reader.u64()?, reader.u64()?);
        if inside > count || check_room(OPERATION, count, 0).is_err() {
            return Err(reader.invalid("no more targets inside than there are", inside).into());
        }
        reader.finish()?;
        Ok(Self { inside, count })
    }
}
