//! Probabilities of events and whether they came true: what every binary measure is computed from.

use std::borrow::Cow;

use assay_array::Scalar;
use assay_score::{Bootstrap, BootstrapReport};
use rayon::prelude::*;

use crate::kernel::{order, row};
use crate::outputs::check_labels;
use crate::{Error, Logits, Probs, Result};

const OPERATION: &str = "forecasts";

/// Forecast probabilities of events, and whether each came true.
///
/// For a classifier the event is "the predicted class is right" ([`Logits::top_label`],
/// [`Probs::top_label`]) or "the label is class c" ([`Probs::of_class`]). Checked once, so that
/// every measure can rely on it: as many outcomes as probabilities, at least one, all in `[0, 1]`.
///
/// ```
/// use dac_calibration::{BinaryForecasts, Binning};
/// let forecasts = BinaryForecasts::new(&[0.9, 0.8, 0.3, 1.0], &[true, true, false, true])?;
/// let ece = forecasts.reliability(&Binning::equal_width(10))?.ece();
/// assert!((ece - 0.15).abs() < 1e-12);
/// # Ok::<(), dac_calibration::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryForecasts<'a, T: Scalar = f64> {
    probability: Cow<'a, [T]>,
    outcome: Cow<'a, [bool]>,
}

impl<'a, T: Scalar> BinaryForecasts<'a, T> {
    /// Checks probabilities and outcomes.
    ///
    /// # Errors
    /// [`Error::Empty`]; [`Error::Length`]; [`Error::Value`] with the first probability that is NaN
    /// or outside `[0, 1]`.
    pub fn new(probability: &'a [T], outcome: &'a [bool]) -> Result<Self> {
        check(probability, outcome)?;
        Ok(Self { probability: probability.into(), outcome: outcome.into() })
    }

    /// As [`new`](Self::new), taking the vectors.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_vecs(
        probability: Vec<T>,
        outcome: Vec<bool>,
    ) -> Result<BinaryForecasts<'static, T>> {
        check(&probability, &outcome)?;
        Ok(BinaryForecasts { probability: probability.into(), outcome: outcome.into() })
    }

    /// The probabilities.
    pub fn probability(&self) -> &[T] {
        &self.probability
    }

    /// Whether each event came true.
    pub fn outcome(&self) -> &[bool] {
        &self.outcome
    }

    /// How many forecasts there are, at least 1.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.probability.len()
    }

    /// The share of events that came true.
    pub fn rate(&self) -> f64 {
        self.outcome.iter().filter(|&&outcome| outcome).count() as f64 / self.len() as f64
    }

    /// The mean probability.
    pub fn mean(&self) -> f64 {
        self.probability.iter().map(|p| p.to_f64()).sum::<f64>() / self.len() as f64
    }

    /// Pairs `(p, y)` with `y` 0 or 1.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let outcome = self.outcome.iter().map(|&outcome| f64::from(u8::from(outcome)));
        self.probability.iter().map(|p| p.to_f64()).zip(outcome)
    }

    /// Pairs by ascending probability; equal ones in the order of the input.
    pub(crate) fn ascending(&self) -> Vec<(f64, f64)> {
        let pairs: Vec<(f64, f64)> = self.pairs().collect();
        let values: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
        order::ascending(&values)
            .into_iter()
            .filter_map(|i| pairs.get(i as usize).copied())
            .collect()
    }

    /// Groups of equal probability, ascending: `(p, Σ y, count)`.
    pub(crate) fn tied(&self) -> Vec<(f64, f64, f64)> {
        let values = self.probability.iter().map(|p| p.to_f64());
        let mut groups: Vec<(f64, f64, f64)> = Vec::with_capacity(self.len());
        for (p, outcome) in order::outcomes(values, &self.outcome) {
            let y = f64::from(u8::from(outcome));
            match groups.last_mut() {
                Some(last) if last.0 == p => {
                    last.1 += y;
                    last.2 += 1.0;
                }
                _ => groups.push((p, y, 1.0)),
            }
        }
        groups
    }

    /// The forecasts at these places, with repetition.
    fn at(&self, indices: &[usize]) -> BinaryForecasts<'static, T> {
        let probability =
            indices.iter().filter_map(|&i| self.probability.get(i).copied()).collect();
        let outcome = indices.iter().filter_map(|&i| self.outcome.get(i).copied()).collect();
        BinaryForecasts { probability, outcome }
    }

    /// The uncertainty of any measure, by resampling forecasts with replacement.
    ///
    /// The replicates of a binned measure are biased upwards, because resampling adds noise to every
    /// bin: the report's `bias` says by how much, and the basic interval reflects it.
    ///
    /// ```
    /// use assay_score::BootstrapConfig;
    /// use dac_calibration::{BinaryForecasts, Binning};
    /// let p: Vec<f64> = (0..200).map(|i| f64::from(i) / 200.0).collect();
    /// let y: Vec<bool> = (0..200).map(|i| (i * 37) % 200 < i).collect();
    /// let forecasts = BinaryForecasts::new(&p, &y)?;
    /// let bootstrap = BootstrapConfig::new().with_resamples(200).init()?;
    /// let binning = Binning::equal_width(10);
    /// let report = forecasts.bootstrap(&bootstrap, |f| f.reliability(&binning).map(|r| r.ece()))?;
    /// assert!(report.interval.lower <= report.interval.upper);
    /// # Ok::<(), dac_calibration::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Bootstrap`]; a measure that fails on a resample is reported as a statistic that is
    /// not finite.
    pub fn bootstrap(
        &self,
        bootstrap: &Bootstrap,
        measure: impl Fn(&BinaryForecasts<'static, T>) -> Result<f64> + Sync,
    ) -> Result<BootstrapReport> {
        let statistic = |indices: &[usize]| measure(&self.at(indices)).unwrap_or(f64::NAN);
        Ok(bootstrap.statistic(self.len(), statistic)?)
    }
}

fn check<T: Scalar>(probability: &[T], outcome: &[bool]) -> Result<()> {
    let (expected, got) = (probability.len(), outcome.len());
    if expected == 0 {
        return Err(Error::Empty { operation: OPERATION, item: "forecast" });
    }
    if expected != got {
        return Err(Error::Length { operation: OPERATION, items: "outcomes", expected, got });
    }
    if u32::try_from(expected).is_err() {
        let expected = "fewer than 2^32 forecasts; count more with an accumulator";
        return Err(Error::Parameter { name: "forecasts", expected, got: got as f64 });
    }
    check_unit(OPERATION, probability)
}

/// Checks that every number is in `[0, 1]`.
#[allow(clippy::needless_bitwise_bool)] // without branches, so that the loop vectorises
pub(crate) fn check_unit<T: Scalar>(operation: &'static str, values: &[T]) -> Result<()> {
    let block = 1 << 14;
    let inside =
        |block: &[T]| block.iter().fold(true, |all, &p| all & (p >= T::ZERO) & (p <= T::ONE));
    let bad = values.par_chunks(block).position_first(|block| !inside(block));
    let Some(start) = bad.map(|index| index * block) else { return Ok(()) };
    let outside = |p: &T| !(T::ZERO..=T::ONE).contains(p);
    let index = start + values[start..].iter().position(outside).unwrap_or_default();
    let (expected, value) = ("probabilities in [0, 1]", values[index].to_f64());
    Err(Error::Value { operation, expected, index, value })
}

impl<T: Scalar> Logits<'_, T> {
    /// The confidence `max_c p_ic` of every prediction and whether it is right; of equal logits the
    /// first counts as predicted. One pass, without storing probabilities.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels that do not fit.
    pub fn top_label(&self, labels: &[usize]) -> Result<BinaryForecasts<'static>> {
        let classes = self.classes();
        check_labels("top label", labels, self.samples(), classes)?;
        let block = row::block(classes);
        let mut top = vec![(0.0, false); labels.len()];
        top.par_chunks_mut(block / classes)
            .zip(labels.par_chunks(block / classes))
            .zip(self.as_slice().par_chunks(block))
            .for_each(|((top, labels), logits)| {
                row::predictions(logits, classes, 1.0, labels, |i, prediction| {
                    top[i] = (prediction.confidence, prediction.class == labels[i]);
                });
            });
        let (probability, outcome): (Vec<f64>, Vec<bool>) = top.into_iter().unzip();
        BinaryForecasts::from_vecs(probability, outcome)
    }

    /// The first class of the largest logit, for every sample.
    pub fn predicted(&self) -> Vec<usize> {
        self.as_slice().par_chunks(self.classes()).map(row::argmax).collect()
    }
}

impl<T: Scalar> Probs<'_, T> {
    /// The confidence `max_c p_ic` of every prediction and whether it is right; of equal
    /// probabilities the first counts as predicted.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels that do not fit.
    pub fn top_label(&self, labels: &[usize]) -> Result<BinaryForecasts<'static, T>> {
        check_labels("top label", labels, self.samples(), self.classes())?;
        let rows = self.as_slice().par_chunks(self.classes()).zip(labels.par_iter());
        let top = rows.map(|(row, &label)| {
            let class = row::argmax(row);
            (row.get(class).copied().unwrap_or(T::ZERO), class == label)
        });
        let (probability, outcome): (Vec<T>, Vec<bool>) = top.unzip();
        BinaryForecasts::from_vecs(probability, outcome)
    }

    /// The probability of one class, and whether each label is that class.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels, or a class, that do not fit.
    pub fn of_class(&self, class: usize, labels: &[usize]) -> Result<BinaryForecasts<'static, T>> {
        check_labels("class forecasts", labels, self.samples(), self.classes())?;
        if class >= self.classes() {
            let (index, label, classes) = (0, class, self.classes());
            return Err(Error::Label {
                operation: "class forecasts: class",
                index,
                label,
                classes,
            });
        }
        let probability = self.view().column(class).to_vec();
        let outcome = labels.iter().map(|&label| label == class).collect();
        BinaryForecasts::from_vecs(probability, outcome)
    }

    /// The first class of the largest probability, for every sample.
    pub fn predicted(&self) -> Vec<usize> {
        self.as_slice().par_chunks(self.classes()).map(row::argmax).collect()
    }
}
