//! What the accumulators share: counted cells, exact sums of losses, and their byte forms.

use assay_score::bytes::{Reader, Writer};

use crate::binning::Edges;
use crate::kernel::bin::Cell;
use crate::{Binning, EdgeRule, Error, Result};

/// Counts go up to here, so that `f64` holds them exactly.
const EXACT_COUNTS: u64 = 1 << 53;
/// Sums of losses are multiples of 2^-40.
const LOSS_UNITS: f64 = (1_u64 << 40) as f64;
/// Words of a cell's byte form.
const WORDS: usize = 4;

/// An exact sum of numbers that are not negative, and a count of infinite ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LossSum {
    units: u128,
    infinite: u64,
}

impl LossSum {
    pub(super) fn push(&mut self, loss: f64) {
        // −ln of the smallest f64 is 745: 2^50 in these units.
        if loss < 4096.0 {
            self.units += u128::from((loss.max(0.0) * LOSS_UNITS + 0.5) as u64);
        } else {
            self.infinite += 1;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.units += other.units;
        self.infinite += other.infinite;
    }

    /// The mean over `count`; `None` where a loss was infinite.
    pub(super) fn mean(&self, count: u64) -> Option<f64> {
        (self.infinite == 0).then(|| self.units as f64 / LOSS_UNITS / count as f64)
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.u64(self.units as u64).u64((self.units >> 64) as u64).u64(self.infinite)
    }

    /// Reads a sum over `count` losses, each finite one at most `largest`.
    pub(super) fn read(reader: &mut Reader<'_>, count: u64, largest: f64) -> Result<Self> {
        let units = u128::from(reader.u64()?) | (u128::from(reader.u64()?) << 64);
        let infinite = reader.u64()?;
        let bound = (u128::from(count) + 1).saturating_mul((largest * LOSS_UNITS) as u128 + 1);
        if infinite > count || units > bound {
            return Err(reader.invalid("a sum that its count allows", units).into());
        }
        Ok(Self { units, infinite })
    }
}

/// Edges with a count in every cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counted {
    pub(super) edges: Edges,
    pub(super) cells: Vec<Cell>,
}

impl Counted {
    /// Empty cells for bins with fixed edges.
    pub(super) fn new(operation: &'static str, binning: &Binning) -> Result<Self> {
        let edges = match binning {
            Binning::EqualWidth { bins, rule } => Edges::equal_width(*bins, *rule)?,
            Binning::Edges { edges, rule } => Edges::given(edges.clone(), *rule)?,
            Binning::EqualMass { .. } => {
                let reason =
                    "the edges of equal-mass bins follow from all the data: use MassSketch";
                return Err(Error::Undefined { operation, reason });
            }
        };
        let cells = vec![Cell::default(); edges.bins()];
        Ok(Self { edges, cells })
    }

    pub(super) fn count(&self) -> u64 {
        self.cells.iter().map(|cell| cell.count).sum()
    }

    pub(super) fn check_room(&self, operation: &'static str, more: u64) -> Result<()> {
        check_room(operation, self.count(), more)
    }

    pub(super) fn add(&mut self, cells: &[Cell]) {
        self.cells.iter_mut().zip(cells).for_each(|(own, other)| own.add(other));
    }

    pub(super) fn same(&self, operation: &'static str, other: &Self) -> Result<()> {
        if self.edges == other.edges {
            return Ok(());
        }
        let (left, right) = (
            format!("{} edges", self.edges.values().len()),
            format!("{} edges", other.edges.values().len()),
        );
        Err(assay_score::Error::Incompatible { operation, what: "bins", left, right }.into())
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        write_cells(write_edges(&self.edges, writer), &self.cells)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let layout = read_layout(reader)?;
        let cells = read_cells(reader)?;
        let edges = layout.edges(reader, cells.len())?;
        Ok(Self { edges, cells })
    }
}

pub(super) fn check_room(operation: &'static str, count: u64, more: u64) -> Result<()> {
    let got = count.saturating_add(more);
    if got <= EXACT_COUNTS {
        return Ok(());
    }
    Err(assay_score::Error::TooMany { operation, items: "forecasts", limit: EXACT_COUNTS, got }
        .into())
}

const RULES: [EdgeRule; 5] = [
    EdgeRule::LeftClosed,
    EdgeRule::RightClosed,
    EdgeRule::Guo,
    EdgeRule::TorchMetrics,
    EdgeRule::ClipCalibration,
];

pub(super) fn write_edges(edges: &Edges, writer: Writer) -> Writer {
    let rule = RULES.iter().position(|rule| *rule == edges.rule()).unwrap_or_default();
    let writer = writer.u64(rule as u64);
    match edges.even_scale() {
        Some(scale) => writer.u64(scale as u64),
        None => writer.u64(0).f64s(edges.values()),
    }
}

/// Edges as read, before anything is allocated for them.
pub(super) struct Layout {
    rule: EdgeRule,
    bins: u64,
    values: Vec<f64>,
}

pub(super) fn read_layout(reader: &mut Reader<'_>) -> Result<Layout> {
    let (rule, bins) = (reader.u64()?, reader.u64()?);
    let known = usize::try_from(rule).ok().and_then(|rule| RULES.get(rule)).copied();
    let rule = known.ok_or_else(|| reader.invalid("an edge rule that is known", rule))?;
    let values = if bins == 0 { reader.f64s()? } else { Vec::new() };
    Ok(Layout { rule, bins, values })
}

impl Layout {
    /// The edges, if they make so many cells.
    pub(super) fn edges(self, reader: &Reader<'_>, cells: usize) -> Result<Edges> {
        let extra = usize::from(!matches!(self.rule, EdgeRule::LeftClosed | EdgeRule::RightClosed));
        let bins =
            if self.bins == 0 { self.values.len().saturating_sub(1) as u64 } else { self.bins };
        if bins.checked_add(extra as u64) != Some(cells as u64) {
            return Err(reader.invalid("as many cells as the edges make", cells).into());
        }
        let edges = if self.bins == 0 {
            Edges::given(self.values, self.rule)
        } else {
            Edges::equal_width(bins as usize, self.rule)
        };
        edges.map_err(|error| reader.invalid("edges from 0 to 1", error).into())
    }
}

pub(super) fn write_cells(writer: Writer, cells: &[Cell]) -> Writer {
    let words: Vec<u64> = cells
        .iter()
        .flat_map(|cell| [cell.count, cell.correct, cell.sum as u64, (cell.sum >> 64) as u64])
        .collect();
    writer.u64s(&words)
}

pub(super) fn read_cells(reader: &mut Reader<'_>) -> Result<Vec<Cell>> {
    let words = reader.u64s()?;
    let (cells, rest) = words.as_chunks::<WORDS>();
    if !rest.is_empty() {
        return Err(reader.invalid("four words a cell", words.len()).into());
    }
    let mut total = 0_u64;
    let mut read = Vec::with_capacity(cells.len());
    for &[count, correct, low, high] in cells {
        let sum = u128::from(low) | (u128::from(high) << 64);
        total = total.saturating_add(count);
        if total > EXACT_COUNTS || correct > count || sum > u128::from(count) << 50 {
            return Err(reader.invalid("cells whose sums their counts allow", count).into());
        }
        read.push(Cell { count, correct, sum });
    }
    Ok(read)
}
