use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};

use super::cells::{check_room, read_cells, write_cells};
use crate::binning::check_bins;
use crate::kernel::bin::Cell;
use crate::reliability::Bin;
use crate::{BinaryForecasts, Error, Reliability, Result};

const KIND: Kind = *b"dacmass\0";
const VERSION: u16 = 1;
const OPERATION: &str = "mass sketch";

/// Bits of the mantissa that tell cells apart: a cell is 2^-7 of its distance to the nearer end wide.
const BITS: u32 = 7;
/// Distances to an end below 2^-30 share a cell.
const SMALLEST: f64 = 1.0 / (1_u64 << 30) as f64;
/// Cells from 2^-30 to 1/2.
const HALF: usize = 29 << BITS;
/// The cell of exactly 1/2.
const CENTRE: usize = HALF + 2;
/// Exactly 0, close to 0, up to 1/2; exactly 1/2; and the mirror image.
const CELLS: usize = 2 * (HALF + 2) + 1;

/// The cell of the distance to the nearer end, in `(0, 1/2)`.
fn rank(distance: f64) -> usize {
    if distance < SMALLEST {
        return 1;
    }
    let shift = f64::MANTISSA_DIGITS - 1 - BITS;
    let steps = (distance.to_bits() >> shift) - (SMALLEST.to_bits() >> shift);
    2 + steps as usize
}

/// The cell of a probability, ascending.
fn cell_of(p: f64) -> usize {
    if p <= 0.0 {
        0
    } else if p < 0.5 {
        rank(p)
    } else if p == 0.5 {
        CENTRE
    } else if p < 1.0 {
        // Exact above one half.
        CELLS - 1 - rank(1.0 - p)
    } else {
        CELLS - 1
    }
}

/// Where a cell begins.
fn start(cell: usize) -> f64 {
    match cell {
        0 | 1 => 0.0,
        _ if cell <= CENTRE => {
            let shift = f64::MANTISSA_DIGITS - 1 - BITS;
            f64::from_bits(((SMALLEST.to_bits() >> shift) + (cell - 2) as u64) << shift)
        }
        // The mirror image of the end of its counterpart.
        _ => 1.0 - start((CELLS - cell).min(CENTRE)),
    }
}

/// Sketches binary forecasts for measures whose bins follow from the data.
///
/// 7429 cells over `[0, 1]`, each `2^-7` of its distance to the nearer end wide (and `2^-30` next to
/// the ends; exactly 0, ½ and 1 have cells of their own): as fine at 0.9999 as at 0.5, relative to what
/// is left. Merging is exact. What is stated:
/// - a **quantile** lies in the cell of the true one: off by at most `2^-7 · min(q, 1 − q) + 2^-30`;
/// - **equal-mass bins** hold whole cells: sizes are off by at most half the largest cell's count,
///   and every bin's means are exact;
/// - **AUROC** and **AURC** come with exact bounds, from what order within a cell can change.
///
/// Not to be had from it: the sweep, which needs every rank, and MMCE, whose kernel changes by up to
/// 2 % across a cell, which is more than its square is worth where it is small.
#[derive(Debug, Clone, PartialEq)]
pub struct MassSketch {
    cells: Vec<Cell>,
}

impl Default for MassSketch {
    fn default() -> Self {
        Self::new()
    }
}

/// An estimate between bounds that hold for certain.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bounds {
    /// The smallest value that the sketched data can have.
    pub lower: f64,
    /// The middle.
    pub estimate: f64,
    /// The largest value that the sketched data can have.
    pub upper: f64,
}

/// What a [`MassSketch`] reports: its filled cells, from low to high.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MassReport {
    cells: Vec<Bin>,
    count: u64,
}

impl MassSketch {
    /// An empty sketch, 240 KB.
    pub fn new() -> Self {
        Self { cells: vec![Cell::default(); CELLS] }
    }

    /// Counts `f32` or `f64` forecasts; [`Mergeable::update`] is the same for `f64`.
    ///
    /// # Errors
    /// Beyond `2^53` forecasts.
    pub fn extend<T: Scalar>(&mut self, forecasts: &BinaryForecasts<'_, T>) -> Result<()> {
        check_room(OPERATION, self.count(), forecasts.len() as u64)?;
        for (p, y) in forecasts.pairs() {
            if let Some(cell) = self.cells.get_mut(cell_of(p)) {
                cell.push(p, y > 0.0);
            }
        }
        Ok(())
    }

    fn count(&self) -> u64 {
        self.cells.iter().map(|cell| cell.count).sum()
    }
}

impl Mergeable for MassSketch {
    type Batch<'a> = BinaryForecasts<'a>;
    type Report = MassReport;
    type Error = Error;

    fn update(&mut self, batch: BinaryForecasts<'_>) -> Result<()> {
        self.extend(&batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_room(OPERATION, self.count(), other.count())?;
        self.cells.iter_mut().zip(&other.cells).for_each(|(own, other)| own.add(other));
        Ok(())
    }

    fn finish(&self) -> Result<MassReport> {
        let count = self.count();
        if count == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "forecast" });
        }
        let filled = self.cells.iter().enumerate().filter(|(_, cell)| cell.count > 0);
        let bin = |(i, cell): (usize, &Cell)| {
            let lower = start(i);
            let upper =
                if matches!(i, 0 | CENTRE) || i + 1 == CELLS { lower } else { start(i + 1) };
            Bin::new(lower, upper, cell)
        };
        Ok(MassReport { cells: filled.map(bin).collect(), count })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let filled = || self.cells.iter().enumerate().filter(|(_, cell)| cell.count > 0);
        let places: Vec<u64> = filled().map(|(i, _)| i as u64).collect();
        let cells: Vec<Cell> = filled().map(|(_, cell)| *cell).collect();
        write_cells(Writer::new(KIND, VERSION).u64s(&places), &cells).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let places = reader.u64s()?;
        let cells = read_cells(&mut reader)?;
        let ascending = places.windows(2).all(|pair| pair[0] < pair[1]);
        let known = places.last().is_none_or(|&last| last < CELLS as u64);
        let filled = cells.iter().all(|cell| cell.count > 0);
        if !(ascending && known && filled && places.len() == cells.len()) {
            return Err(reader.invalid("filled cells in ascending order", places.len()).into());
        }
        reader.finish()?;
        let mut sketch = Self::new();
        for (&place, cell) in places.iter().zip(cells) {
            if let Some(own) = sketch.cells.get_mut(place as usize) {
                *own = cell;
            }
        }
        Ok(sketch)
    }
}

impl MassReport {
    /// How many forecasts were sketched.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The forecast below which a share `q` of all lie, off by at most `2^-7 · min(q, 1 − q) + 2^-30`,
    /// where `q` is the quantile itself.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a share outside `[0, 1]`.
    pub fn quantile(&self, share: f64) -> Result<f64> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::Parameter { name: "share", expected: "in [0, 1]", got: share });
        }
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut below = 0;
        for bin in &self.cells {
            below += bin.count;
            if below >= rank {
                return Ok(bin.confidence().unwrap_or(bin.lower).clamp(bin.lower, bin.upper));
            }
        }
        Ok(1.0)
    }

    /// Equal-mass bins: every cell goes to the bin that its middle rank belongs to. Bins that get no
    /// cell are left out.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no bins.
    pub fn reliability(&self, bins: usize) -> Result<Reliability> {
        check_bins(bins)?;
        let mut made: Vec<(usize, Bin)> = Vec::new();
        let mut below = 0;
        for cell in &self.cells {
            let middle = (below as f64 + cell.count as f64 / 2.0) / self.count as f64;
            let place = ((middle * bins as f64) as usize).min(bins - 1);
            match made.last_mut() {
                Some((last, bin)) if *last == place => {
                    bin.upper = cell.upper;
                    bin.count += cell.count;
                    bin.correct += cell.correct;
                    bin.sum += cell.sum;
                    bin.weight += cell.weight;
                }
                _ => made.push((place, *cell)),
            }
            below += cell.count;
        }
        Ok(Reliability { bins: made.into_iter().map(|(_, bin)| bin).collect(), count: self.count })
    }

    /// The area under the ROC curve of telling events apart by forecast, with bounds.
    ///
    /// # Errors
    /// [`Error::Undefined`] where all events came true or none did.
    pub fn auroc(&self) -> Result<Bounds> {
        let (mut misses_below, mut certain, mut open, mut hits) = (0.0, 0.0, 0.0, 0.0);
        for cell in &self.cells {
            let (right, wrong) = (cell.correct as f64, (cell.count - cell.correct) as f64);
            certain += right * misses_below;
            // In a cell of one value, ties count by half for certain.
            if cell.lower == cell.upper {
                certain += right * wrong / 2.0;
            } else {
                open += right * wrong;
            }
            misses_below += wrong;
            hits += right;
        }
        let pairs = hits * misses_below;
        if pairs == 0.0 {
            let reason = "it takes at least one event that came true and one that did not";
            return Err(Error::Undefined { operation: "AUROC", reason });
        }
        let (lower, upper) = (certain / pairs, (certain + open) / pairs);
        Ok(Bounds { lower, estimate: f64::midpoint(lower, upper), upper })
    }

    /// The area under the risk-coverage curve
    /// ([`RiskCoverage::aurc`](crate::measures::RiskCoverage::aurc), ties by expectation), with bounds:
    /// inside a cell all that came true may rank first, or last. The estimate takes a cell's forecasts
    /// for equal.
    pub fn aurc(&self) -> Bounds {
        let (mut lower, mut estimate, mut upper) = (0.0, 0.0, 0.0);
        let (mut before, mut wrong) = (0.0, 0.0);
        // The most confident first.
        for cell in self.cells.iter().rev() {
            let (count, right) = (cell.count as f64, cell.correct as f64);
            let misses = count - right;
            let tied = risks(before, wrong, count, misses / count);
            estimate += tied;
            if cell.lower == cell.upper {
                lower += tied;
                upper += tied;
            } else {
                lower +=
                    risks(before, wrong, right, 0.0) + risks(before + right, wrong, misses, 1.0);
                upper += risks(before, wrong, misses, 1.0)
                    + risks(before + misses, wrong + misses, right, 0.0);
            }
            before += count;
            wrong += misses;
        }
        let n = self.count as f64;
        Bounds { lower: lower / n, estimate: estimate / n, upper: upper / n }
    }
}

/// `Σ_{k=1}^{count} (wrong + rate·k) / (before + k)`.
fn risks(before: f64, wrong: f64, count: f64, rate: f64) -> f64 {
    rate * count + (wrong - rate * before) * harmonic(before, count)
}

/// `Σ_{k=1}^{count} 1/(before + k)` for whole numbers: term by term at first, then by the asymptotic
/// series of harmonic numbers, whose first term left out is `1/(252 n⁶)`.
fn harmonic(before: f64, count: f64) -> f64 {
    const DIRECT: f64 = 64.0;
    let (mut sum, mut from) = (0.0, before);
    let end = before + count;
    while from < end && from < DIRECT {
        from += 1.0;
        sum += 1.0 / from;
    }
    if from >= end {
        return sum;
    }
    let rest = |n: f64| 1.0 / (2.0 * n) - 1.0 / (12.0 * n * n) + 1.0 / (120.0 * n.powi(4));
    sum + ((end - from) / from).ln_1p() + rest(end) - rest(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmonic_sums() {
        for (before, count) in [(0, 1), (0, 1000), (3, 0), (64, 64), (1000, 1), (1000, 5000)] {
            let want: f64 = (1..=count).map(|k| 1.0 / f64::from(before + k)).sum();
            let got = harmonic(f64::from(before), f64::from(count));
            assert!((got - want).abs() < 1e-12, "{before} {count}: {got} {want}");
        }
    }

    #[test]
    fn cells_are_ascending_and_hold_their_numbers() {
        let mut last = 0;
        let mut p = 0.0_f64;
        while p <= 1.0 {
            let cell = cell_of(p);
            assert!(cell >= last && cell < CELLS, "{p}");
            assert!(start(cell) <= p, "{p}: {}", start(cell));
            assert!(cell + 1 >= CELLS || p <= start(cell + 1), "{p}");
            last = cell;
            p = if p < 1e-6 { p * 1.3 + 1e-12 } else { p + 7e-6 };
        }
        assert_eq!(cell_of(1.0), CELLS - 1);
        assert_eq!((cell_of(0.5), start(CENTRE)), (3714, 0.5));
        assert_eq!(CELLS, 7429);
        for p in [0.3, 0.7, 0.99999, 1e-7, 1.0 - 1e-9] {
            let cell = cell_of(p);
            let width = start(cell + 1) - start(cell);
            assert!(width <= p.min(1.0 - p) / 128.0 + SMALLEST, "{p}: {width}");
        }
    }
}
