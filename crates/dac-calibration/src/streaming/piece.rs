use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};

use super::cells::{check_room, read_cells, read_layout, write_cells, write_edges};
use crate::binning::Edges;
use crate::forecasts::check_unit;
use crate::kernel::bin::Cell;
use crate::measures::{Piece, group_of};
use crate::{BinaryForecasts, Error, Reliability, Result};

const KIND: Kind = *b"dacpiece";
const VERSION: u16 = 1;
const OPERATION: &str = "PIECE counts";

/// Forecasts with a proximity each, one batch of [`PieceCounts`].
#[derive(Debug, Clone)]
pub struct PieceBatch<'a> {
    /// The forecasts.
    pub forecasts: BinaryForecasts<'a>,
    /// One proximity in `[0, 1]` a forecast.
    pub proximity: &'a [f64],
}

/// Counts forecasts by proximity and by confidence, both with fixed edges.
///
/// PIECE's groups are quantiles of the proximity: estimate those on a sample, fix them, and count
/// everything.
#[derive(Debug, Clone, PartialEq)]
pub struct PieceCounts {
    /// The groups' edges.
    proximity: Vec<f64>,
    edges: Edges,
    /// Group by group.
    cells: Vec<Cell>,
}

impl PieceCounts {
    /// Empty cells: groups between proximities that increase strictly (the outer two only bound what
    /// is reported), bins of equal width, left-closed, by confidence.
    ///
    /// # Errors
    /// [`Error::Value`] for edges that do not increase or are outside `[0, 1]`, [`Error::TooFew`] for
    /// fewer than two, [`Error::Parameter`] for no bins.
    pub fn new(proximity_edges: &[f64], bins: usize) -> Result<Self> {
        check_edges(proximity_edges)?;
        let edges = Edges::equal_width(bins, crate::EdgeRule::LeftClosed)?;
        let cells = (proximity_edges.len() - 1).saturating_mul(bins);
        if cells > 1 << 24 {
            let (name, expected) = ("cells of PIECE", "at most 2^24");
            return Err(Error::Parameter { name, expected, got: cells as f64 });
        }
        Ok(Self { proximity: proximity_edges.to_vec(), edges, cells: vec![Cell::default(); cells] })
    }

    fn count(&self) -> u64 {
        self.cells.iter().map(|cell| cell.count).sum()
    }
}

fn check_edges(edges: &[f64]) -> Result<()> {
    if edges.len() < 2 {
        let (items, needed, got) = ("proximity edges", 2, edges.len());
        return Err(Error::TooFew { operation: OPERATION, items, needed, got });
    }
    check_unit(OPERATION, edges)?;
    match edges.windows(2).position(|pair| pair[0] >= pair[1]) {
        Some(index) => {
            let (expected, value) = ("proximity edges that increase", edges[index + 1]);
            Err(Error::Value { operation: OPERATION, expected, index: index + 1, value })
        }
        None => Ok(()),
    }
}

impl Mergeable for PieceCounts {
    type Batch<'a> = PieceBatch<'a>;
    type Report = Piece;
    type Error = Error;

    fn update(&mut self, batch: PieceBatch<'_>) -> Result<()> {
        let (expected, got) = (batch.forecasts.len(), batch.proximity.len());
        if expected != got {
            return Err(Error::Length {
                operation: OPERATION,
                items: "proximities",
                expected,
                got,
            });
        }
        check_unit(OPERATION, batch.proximity)?;
        check_room(OPERATION, self.count(), got as u64)?;
        let bins = self.edges.bins();
        for ((p, y), &proximity) in batch.forecasts.pairs().zip(batch.proximity) {
            let group = group_of(&self.proximity, proximity);
            let cell = self.cells.get_mut(group * bins + self.edges.find(p));
            if let Some(cell) = cell {
                cell.push(p, y > 0.0);
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.proximity != other.proximity || self.edges != other.edges {
            let cells = |counts: &Self| format!("{} cells", counts.cells.len());
            let (left, right) = (cells(self), cells(other));
            let error = assay_score::Error::Incompatible {
                operation: OPERATION,
                what: "edges",
                left,
                right,
            };
            return Err(error.into());
        }
        check_room(OPERATION, self.count(), other.count())?;
        self.cells.iter_mut().zip(&other.cells).for_each(|(own, other)| own.add(other));
        Ok(())
    }

    fn finish(&self) -> Result<Piece> {
        if self.count() == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "forecast" });
        }
        let groups = self.cells.chunks_exact(self.edges.bins());
        let groups = groups.map(|cells| Reliability::from_cells(&self.edges, cells));
        let groups = groups.filter(|group| group.count > 0).collect();
        Ok(Piece { proximity_edges: self.proximity.clone(), groups })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let writer = write_edges(&self.edges, Writer::new(KIND, VERSION).f64s(&self.proximity));
        write_cells(writer, &self.cells).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let proximity = reader.f64s()?;
        check_edges(&proximity).map_err(|error| reader.invalid("proximity edges", error))?;
        let layout = read_layout(&mut reader)?;
        let cells = read_cells(&mut reader)?;
        let groups = proximity.len() - 1;
        if cells.len() % groups != 0 {
            return Err(reader.invalid("as many cells for every group", cells.len()).into());
        }
        let edges = layout.edges(&reader, cells.len() / groups)?;
        let plain = edges.even_scale().is_some() && edges.rule() == crate::EdgeRule::LeftClosed;
        if !plain {
            return Err(reader.invalid("bins of equal width, left-closed", "others").into());
        }
        reader.finish()?;
        Ok(Self { proximity, edges, cells })
    }
}
