use assay_array::Scalar;
use rayon::prelude::*;

use crate::binning::Edges;
use crate::kernel::bin::{self, Cell};
use crate::kernel::row::{self, Prediction, Slopes};
use crate::outputs::check_labels;
use crate::{EdgeRule, Logits, Probs, Reliability, Result};

/// What one pass over predictions and labels says.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Overview {
    /// How many samples there are.
    pub samples: usize,
    /// The share of predictions that are right.
    pub accuracy: f64,
    /// The mean of `max_c p_ic`.
    pub confidence: f64,
    /// `−(1/N) Σ ln p_{i,y_i}`; `None` where a label has probability 0.
    pub nll: Option<f64>,
    /// `(1/N) Σ_i Σ_c (p_ic − [y_i = c])²`, from 0 to 2.
    pub brier: f64,
    /// The mean entropy of the predicted distributions: the smaller, the sharper.
    pub entropy: f64,
    /// Top-label bins of equal width, left-closed.
    pub reliability: Reliability,
}

/// Samples of one partial sum; fixed, so that any number of threads gives the same bits.
const PART: usize = 256;

#[derive(Default)]
struct Sums {
    nll: f64,
    brier: f64,
    entropy: f64,
    slopes: Slopes,
    cells: Vec<Cell>,
}

impl Sums {
    fn new(bins: usize) -> Self {
        Self { cells: vec![Cell::default(); bins], ..Self::default() }
    }

    fn push(&mut self, edges: &Edges, prediction: &Prediction, label: usize) {
        self.nll += prediction.nll;
        self.brier += prediction.square - 2.0 * prediction.label + 1.0;
        self.entropy += prediction.entropy;
        self.slopes.iter_mut().zip(prediction.slopes).for_each(|(all, own)| *all += own);
        let confidence = prediction.confidence.clamp(0.0, 1.0);
        if let Some(cell) = self.cells.get_mut(edges.find(confidence)) {
            cell.push(confidence, prediction.class == label);
        }
    }

    /// All parts, added in their order.
    fn of(parts: &[Self], edges: &Edges) -> Self {
        let mut all = Self::new(edges.bins());
        for part in parts {
            all.nll += part.nll;
            all.brier += part.brier;
            all.entropy += part.entropy;
            all.slopes.iter_mut().zip(part.slopes).for_each(|(all, part)| *all += part);
            all.cells.iter_mut().zip(&part.cells).for_each(|(all, part)| all.add(part));
        }
        all
    }

    fn overview(&self, edges: &Edges, samples: usize) -> Overview {
        let all = self;
        let n = samples as f64;
        let correct: u64 = all.cells.iter().map(|cell| cell.correct).sum();
        let confidence: u128 = all.cells.iter().map(|cell| cell.sum).sum();
        Overview {
            samples,
            accuracy: correct as f64 / n,
            confidence: confidence as f64 * bin::UNIT / n,
            nll: Some(all.nll / n).filter(|nll| nll.is_finite()),
            // Rounding can leave −1e-17 where every prediction is certain and right.
            brier: (all.brier / n).max(0.0),
            entropy: all.entropy / n,
            reliability: Reliability::from_cells(edges, &all.cells),
        }
    }
}

impl<T: Scalar> Logits<'_, T> {
    /// Accuracy, confidence, NLL, Brier score, entropy and the reliability bins in one pass, without
    /// storing probabilities.
    ///
    /// ```
    /// use dac_calibration::Logits;
    /// use ndarray::array;
    /// let logits = array![[2.0_f32, 0.0], [0.0, 1.0], [0.5, 0.0]];
    /// let overview = Logits::new(logits.view())?.overview(&[0, 1, 1], 15)?;
    /// assert!((overview.accuracy - 2.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), dac_calibration::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) and [`Error::Label`](crate::Error::Label) for labels
    /// that do not fit, [`Error::Parameter`](crate::Error::Parameter) for no bins.
    pub fn overview(&self, labels: &[usize], bins: usize) -> Result<Overview> {
        self.overview_at(1.0, labels, bins)
    }

    /// The overview of `softmax(β z)`.
    pub(crate) fn overview_at(&self, beta: f64, labels: &[usize], bins: usize) -> Result<Overview> {
        Ok(self.overview_with_slopes(beta, labels, bins)?.0)
    }

    /// The same with the mean loss and its derivatives in `β`.
    pub(crate) fn overview_with_slopes(
        &self,
        beta: f64,
        labels: &[usize],
        bins: usize,
    ) -> Result<(Overview, (f64, Slopes))> {
        let classes = self.classes();
        check_labels("overview", labels, self.samples(), classes)?;
        let edges = Edges::equal_width(bins, EdgeRule::LeftClosed)?;
        let parts = self.as_slice().par_chunks(PART * classes).zip(labels.par_chunks(PART));
        let parts = parts.map(|(logits, labels)| {
            let mut sums = Sums::new(edges.bins());
            row::predictions(logits, classes, beta, labels, |i, prediction| {
                sums.push(&edges, &prediction, labels[i]);
            });
            sums
        });
        let parts: Vec<Sums> = parts.collect();
        let (all, n) = (Sums::of(&parts, &edges), labels.len() as f64);
        let local = (all.nll / n, all.slopes.map(|sum| sum / n));
        Ok((all.overview(&edges, labels.len()), local))
    }
}

impl<T: Scalar> Probs<'_, T> {
    /// Accuracy, confidence, NLL, Brier score, entropy and the reliability bins in one pass.
    ///
    /// # Errors
    /// As [`Logits::overview`].
    pub fn overview(&self, labels: &[usize], bins: usize) -> Result<Overview> {
        let classes = self.classes();
        check_labels("overview", labels, self.samples(), classes)?;
        let edges = Edges::equal_width(bins, EdgeRule::LeftClosed)?;
        let parts = self.as_slice().par_chunks(PART * classes).zip(labels.par_chunks(PART));
        let parts = parts.map(|(probs, labels)| {
            let mut sums = Sums::new(edges.bins());
            for (row, &label) in probs.chunks_exact(classes).zip(labels) {
                sums.push(&edges, &prediction(row, label), label);
            }
            sums
        });
        let parts: Vec<Sums> = parts.collect();
        Ok(Sums::of(&parts, &edges).overview(&edges, labels.len()))
    }
}

fn prediction<T: Scalar>(row: &[T], label: usize) -> Prediction {
    let at = |class: usize| row.get(class).map_or(0.0, |p| p.to_f64());
    let class = row::argmax(row);
    let mut square = 0.0;
    let mut entropy = 0.0;
    for p in row {
        let p = p.to_f64();
        square += p * p;
        entropy -= assay_array::numeric::xlogx(p);
    }
    let label = at(label);
    Prediction {
        class,
        confidence: at(class),
        label,
        nll: -label.ln(),
        square,
        entropy,
        // Probabilities have no slope in a temperature here: whoever wants one takes their logarithm.
        slopes: Slopes::default(),
    }
}
