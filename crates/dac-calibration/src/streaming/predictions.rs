use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};

use super::cells::{Counted, LossSum, check_room, read_cells, write_cells};
use crate::kernel::bin::{self, Cell};
use crate::kernel::row;
use crate::measures::{Classwise, Overview};
use crate::outputs::check_labels;
use crate::{Binning, Error, Probs, Reliability, Result};

const KIND: Kind = *b"dacpreds";
const VERSION: u16 = 1;
const OPERATION: &str = "prediction counts";
/// More cells than this are a mistake: 32 bytes each.
const MAX_CELLS: usize = 1 << 24;

/// Class probabilities with labels, one batch of [`PredictionCounts`].
#[derive(Debug, Clone)]
pub struct Labelled<'a, T: Scalar = f64> {
    /// The probabilities `[samples, classes]`.
    pub probs: Probs<'a, T>,
    /// One label a sample.
    pub labels: &'a [usize],
}

/// Counts class predictions: top-label and class-wise bins with fixed edges, Brier score, NLL and
/// entropy.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionCounts {
    classes: usize,
    top: Counted,
    /// `classes` times the cells of `top`.
    by_class: Vec<Cell>,
    brier: LossSum,
    nll: LossSum,
    entropy: LossSum,
}

/// What [`PredictionCounts`] report.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PredictionReport {
    /// Accuracy, confidence, scores and top-label bins.
    pub overview: Overview,
    /// Every class's bins against the rest.
    pub classwise: Classwise,
}

impl PredictionCounts {
    /// Empty bins, the same for the top label and every class.
    ///
    /// # Errors
    /// As [`ForecastCounts::new`](super::ForecastCounts::new); [`Error::Parameter`] for no classes,
    /// or more than `2^24` cells over all classes.
    pub fn new(classes: usize, binning: &Binning) -> Result<Self> {
        let top = Counted::new(OPERATION, binning)?;
        let cells = classes.saturating_mul(top.cells.len());
        if classes == 0 || cells > MAX_CELLS {
            let (name, expected) = ("classes", "at least 1, and at most 2^24 cells over all");
            return Err(Error::Parameter { name, expected, got: classes as f64 });
        }
        let (brier, nll, entropy) = Default::default();
        Ok(Self { classes, top, by_class: vec![Cell::default(); cells], brier, nll, entropy })
    }

    /// Counts `f32` or `f64` probabilities; [`Mergeable::update`] is the same for `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of classes, [`Error::Length`] and [`Error::Label`] for
    /// labels that do not fit; beyond `2^53` samples.
    pub fn extend<T: Scalar>(&mut self, probs: &Probs<'_, T>, labels: &[usize]) -> Result<()> {
        if probs.classes() != self.classes {
            let expected = vec![probs.samples(), self.classes];
            let (operation, got) =
                ("prediction counts [samples, classes]", vec![probs.samples(), probs.classes()]);
            return Err(Error::Shape { operation, expected, got });
        }
        check_labels(OPERATION, labels, probs.samples(), self.classes)?;
        self.top.check_room(OPERATION, labels.len() as u64)?;
        let width = self.top.cells.len();
        for (p, &label) in probs.as_slice().chunks_exact(self.classes).zip(labels) {
            let class = row::argmax(p);
            let (mut square, mut entropy) = (0.0, 0.0);
            for ((c, p), cells) in p.iter().enumerate().zip(self.by_class.chunks_exact_mut(width)) {
                let p = p.to_f64();
                square += p * p;
                entropy -= assay_array::numeric::xlogx(p);
                let hit = c == label;
                if let Some(cell) = cells.get_mut(self.top.edges.find(p)) {
                    cell.push(p, hit);
                }
                if c == class
                    && let Some(cell) = self.top.cells.get_mut(self.top.edges.find(p))
                {
                    cell.push(p, hit);
                }
            }
            let own = p.get(label).map_or(0.0, |p| p.to_f64());
            self.brier.push((square - 2.0 * own + 1.0).max(0.0));
            self.nll.push(-own.ln());
            self.entropy.push(entropy);
        }
        Ok(())
    }

    fn width(&self) -> usize {
        self.top.cells.len()
    }
}

impl Mergeable for PredictionCounts {
    type Batch<'a> = Labelled<'a>;
    type Report = PredictionReport;
    type Error = Error;

    fn update(&mut self, batch: Labelled<'_>) -> Result<()> {
        self.extend(&batch.probs, batch.labels)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.top.same(OPERATION, &other.top)?;
        if self.classes != other.classes {
            let (left, right) = (self.classes.to_string(), other.classes.to_string());
            let error = assay_score::Error::Incompatible {
                operation: OPERATION,
                what: "classes",
                left,
                right,
            };
            return Err(error.into());
        }
        self.top.check_room(OPERATION, other.top.count())?;
        self.top.add(&other.top.cells);
        self.by_class.iter_mut().zip(&other.by_class).for_each(|(own, other)| own.add(other));
        self.brier.add(&other.brier);
        self.nll.add(&other.nll);
        self.entropy.add(&other.entropy);
        Ok(())
    }

    fn finish(&self) -> Result<PredictionReport> {
        let (cells, edges) = (&self.top.cells, &self.top.edges);
        let count = self.top.count();
        if count == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "sample" });
        }
        let correct: u64 = cells.iter().map(|cell| cell.correct).sum();
        let sum: u128 = cells.iter().map(|cell| cell.sum).sum();
        let overview = Overview {
            samples: usize::try_from(count).unwrap_or(usize::MAX),
            accuracy: correct as f64 / count as f64,
            confidence: sum as f64 * bin::UNIT / count as f64,
            nll: self.nll.mean(count),
            brier: self.brier.mean(count).unwrap_or(2.0),
            entropy: self.entropy.mean(count).unwrap_or(0.0),
            reliability: Reliability::from_cells(edges, cells),
        };
        let classes = self.by_class.chunks_exact(self.width());
        let labels = classes.clone().map(|cells| cells.iter().map(|cell| cell.correct).sum());
        let classwise = Classwise {
            labels: labels.collect(),
            classes: classes.map(|cells| Reliability::from_cells(edges, cells)).collect(),
        };
        Ok(PredictionReport { overview, classwise })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let writer = self.top.write(Writer::new(KIND, VERSION).u64(self.classes as u64));
        // Many cells of many classes are empty: each class's list, one after the other.
        let writer = self.by_class.chunks_exact(self.width()).fold(writer, write_cells);
        self.entropy.write(self.nll.write(self.brier.write(writer))).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let classes = reader.u64()?;
        let top = Counted::read(&mut reader)?;
        let width = top.cells.len();
        let fits = |classes: &usize| *classes > 0 && classes.saturating_mul(width) <= MAX_CELLS;
        let Some(classes) = usize::try_from(classes).ok().filter(fits) else {
            return Err(reader.invalid("at least 1 class and at most 2^24 cells", classes).into());
        };
        let count = top.count();
        let mut by_class = Vec::new();
        let mut labels = 0_u64;
        for _ in 0..classes {
            let cells = read_cells(&mut reader)?;
            if cells.len() != width || cells.iter().map(|cell| cell.count).sum::<u64>() != count {
                return Err(reader
                    .invalid("every class's cells to hold all samples", cells.len())
                    .into());
            }
            labels = labels.saturating_add(cells.iter().map(|cell| cell.correct).sum());
            by_class.extend(cells);
        }
        if labels != count {
            return Err(reader.invalid("one label a sample", labels).into());
        }
        check_room(OPERATION, count, 0)?;
        let brier = LossSum::read(&mut reader, count, 2.1)?;
        let nll = LossSum::read(&mut reader, count, 4096.0)?;
        let entropy = LossSum::read(&mut reader, count, 4096.0)?;
        reader.finish()?;
        Ok(Self { classes, top, by_class, brier, nll, entropy })
    }
}
