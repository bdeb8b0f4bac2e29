//! Sets of labels: counts per label, per row, and what follows from them.

use super::confusion::{Absent, ClassReport, Scores};
use crate::bytes::{Kind, Reader, Writer};
use crate::shares::{Shares, count_on};
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"multilab";
const VERSION: u16 = 1;
const OPERATION: &str = "multi-label counts";
const MAX_LABELS: usize = 1 << 20;
const WORD: usize = u64::BITS as usize;

/// How a [`MultiLabel`] counts and averages.
///
/// ```
/// use assay_score::{Mergeable, classification::{LabelSets, MultiLabelConfig}};
/// let config = MultiLabelConfig::new(4);
/// let truth = config.pack(&[vec![0, 2], vec![1], vec![], vec![0, 1, 3]])?;
/// let predicted = config.pack(&[vec![0], vec![1, 2], vec![], vec![0, 3]])?;
/// let mut counts = config.init()?;
/// counts.update(LabelSets { truth: &truth, predicted: &predicted })?;
/// let report = counts.finish()?;
/// assert_eq!(report.micro_average.precision, Some(0.8));
/// assert_eq!((report.subset_accuracy, report.hamming_loss), (0.25, 0.1875));
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MultiLabelConfig {
    labels: usize,
    absent: Absent,
    empty_rows: Absent,
}

impl MultiLabelConfig {
    /// Labels are the numbers `0..labels`; every one counts in averages, seen or not.
    pub fn new(labels: usize) -> Self {
        Self { labels, absent: Absent::Zero, empty_rows: Absent::Zero }
    }

    /// Sets what a label without a defined score contributes to averages over labels; zero unless set.
    #[must_use]
    pub fn with_absent(self, absent: Absent) -> Self {
        Self { absent, ..self }
    }

    /// Sets what a row without a defined score contributes to averages over rows; zero unless set, as
    /// scikit-learn has it. [`Absent::One`] is fairer: nothing was asked and nothing was said.
    #[must_use]
    pub fn with_empty_rows(self, empty_rows: Absent) -> Self {
        Self { empty_rows, ..self }
    }

    /// Sets of labels as rows of bits, `⌈labels / 64⌉` words each: what [`LabelSets`] take.
    ///
    /// # Errors
    /// As [`init`](Self::init), and [`Error::Label`] for a label out of range, with its row as index.
    pub fn pack<R: AsRef<[usize]>>(&self, rows: &[R]) -> Result<Vec<u64>> {
        self.check()?;
        let words = self.words();
        let mut packed = vec![0; rows.len() * words];
        for (index, (row, bits)) in rows.iter().zip(packed.chunks_mut(words)).enumerate() {
            for &label in row.as_ref() {
                if label >= self.labels {
                    return Err(Error::Label {
                        operation: OPERATION,
                        index,
                        label,
                        limit: self.labels,
                    });
                }
                bits[label / WORD] |= 1 << (label % WORD);
            }
        }
        Ok(packed)
    }

    /// Checks the number of labels and makes an empty accumulator.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are 1 to 2^20 labels.
    pub fn init(self) -> Result<MultiLabel> {
        self.check()?;
        Ok(MultiLabel {
            config: self,
            tallies: vec![Tally::default(); self.labels],
            rows: Rows::default(),
        })
    }

    fn check(&self) -> Result<()> {
        if (1..=MAX_LABELS).contains(&self.labels) {
            return Ok(());
        }
        let (name, expected) = ("labels", "from 1 to 1048576");
        Err(Error::Setting { operation: OPERATION, name, expected, got: self.labels as f64 })
    }

    fn words(&self) -> usize {
        self.labels.div_ceil(WORD)
    }
}

/// A batch for [`MultiLabel`]: two lists of bit rows, as [`MultiLabelConfig::pack`] makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelSets<'a> {
    /// The true labels of each row.
    pub truth: &'a [u64],
    /// The predicted labels of each row.
    pub predicted: &'a [u64],
}

/// One label's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    hits: u64,
    support: u64,
    predicted: u64,
}

/// Counts over rows; the sums are over rows where the score is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Rows {
    count: u64,
    exact: u64,
    without_truth: u64,
    without_prediction: u64,
    without_both: u64,
    precision: Shares,
    recall: Shares,
    f1: Shares,
    jaccard: Shares,
}

/// Counts sets of labels against sets of labels.
///
/// Everything is an integer, so any order of merging gives the same report exactly. Made by
/// [`MultiLabelConfig::init`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiLabel {
    config: MultiLabelConfig,
    tallies: Vec<Tally>,
    rows: Rows,
}

/// What a [`MultiLabel`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MultiLabelReport {
    /// The number of rows.
    pub count: u64,
    /// The scores of each label.
    pub labels: Vec<ClassReport>,
    /// How many labels neither occurred nor were predicted: what the rule [`Absent`] decides about.
    pub absent_labels: usize,
    /// The scores of all decisions pooled.
    pub micro_average: Scores,
    /// The unweighted mean over labels under the rule [`Absent`].
    pub macro_average: Scores,
    /// The mean over labels weighted by support, under the same rule.
    pub weighted_average: Scores,
    /// The mean over rows of each row's scores, under the rule for empty rows.
    pub samples_average: Scores,
    /// The mean over rows of `|T ∩ P| / |T ∪ P|`, under the rule for empty rows.
    pub jaccard: Option<f64>,
    /// The share of rows predicted exactly.
    pub subset_accuracy: f64,
    /// The share of wrong decisions, one for each row and label.
    pub hamming_loss: f64,
}

impl Mergeable for MultiLabel {
    type Batch<'a> = LabelSets<'a>;
    type Report = MultiLabelReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Length`] when the lists differ in length or end within a row, [`Error::Label`] for a
    /// bit beyond the labels, [`Error::TooMany`] beyond `2^53` decisions.
    fn update(&mut self, batch: LabelSets<'_>) -> Result<()> {
        let (words, labels) = (self.config.words(), self.config.labels);
        let (expected, got) = (batch.truth.len(), batch.predicted.len());
        if expected != got {
            let items = "words of predicted labels";
            return Err(Error::Length { operation: OPERATION, items, expected, got });
        }
        if expected % words != 0 {
            let (items, got) = ("words in the last row", expected % words);
            return Err(Error::Length { operation: OPERATION, items, expected: words, got });
        }
        let beyond = if labels % WORD == 0 { 0 } else { u64::MAX << (labels % WORD) };
        for rows in [batch.truth, batch.predicted] {
            let last = rows.chunks(words).position(|row| row[words - 1] & beyond != 0);
            if let Some(index) = last {
                let bits = rows[index * words + words - 1] & beyond;
                let label = (words - 1) * WORD + bits.trailing_zeros() as usize;
                return Err(Error::Label { operation: OPERATION, index, label, limit: labels });
            }
        }
        let decisions = |rows: u64| rows.saturating_mul(labels as u64);
        let more = (expected / words) as u64;
        count_on(OPERATION, "decisions", decisions(self.rows.count), decisions(more))?;
        for (truth, predicted) in batch.truth.chunks(words).zip(batch.predicted.chunks(words)) {
            self.rows.count_row(&mut self.tallies, truth, predicted);
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.config != other.config {
            return Err(Error::Incompatible {
                operation: "merge of multi-label counts",
                what: "the configuration",
                left: format!("{:?}", self.config),
                right: format!("{:?}", other.config),
            });
        }
        let decisions = |rows: u64| rows.saturating_mul(self.config.labels as u64);
        count_on(OPERATION, "decisions", decisions(self.rows.count), decisions(other.rows.count))?;
        for (tally, more) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.hits += more.hits;
            tally.support += more.support;
            tally.predicted += more.predicted;
        }
        self.rows.merge(&other.rows);
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when nothing was counted.
    fn finish(&self) -> Result<MultiLabelReport> {
        let rows = &self.rows;
        if rows.count == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "row" });
        }
        let labels: Vec<ClassReport> = self
            .tallies
            .iter()
            .map(|&Tally { hits, support, predicted }| ClassReport {
                support,
                predicted,
                scores: Scores::of(hits, support, predicted),
            })
            .collect();
        let total = self.total();
        let wrong = total.support + total.predicted - 2 * total.hits;
        let absent = self.config.absent;
        Ok(MultiLabelReport {
            count: rows.count,
            absent_labels: labels.iter().filter(|label| label.scores.f1.is_none()).count(),
            micro_average: Scores::of(total.hits, total.support, total.predicted),
            macro_average: Scores::average(&labels, absent, |_| 1.0),
            weighted_average: Scores::average(&labels, absent, |label| label.support as f64),
            samples_average: Scores {
                precision: self.mean(rows.precision, rows.without_prediction),
                recall: self.mean(rows.recall, rows.without_truth),
                f1: self.mean(rows.f1, rows.without_both),
            },
            jaccard: self.mean(rows.jaccard, rows.without_both),
            subset_accuracy: rows.exact as f64 / rows.count as f64,
            hamming_loss: wrong as f64 / (rows.count as f64 * labels.len() as f64),
            labels,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let rows = &self.rows;
        let counts = [
            rows.count,
            rows.exact,
            rows.without_truth,
            rows.without_prediction,
            rows.without_both,
        ];
        let tallies: Vec<u64> = self
            .tallies
            .iter()
            .flat_map(|tally| [tally.hits, tally.support, tally.predicted])
            .collect();
        let writer = Writer::new(KIND, VERSION)
            .u64(self.config.absent as u64)
            .u64(self.config.empty_rows as u64)
            .u64s(&tallies);
        let writer = counts.iter().fold(writer, |writer, &count| writer.u64(count));
        rows.shares().iter().fold(writer, |writer, share| share.write(writer)).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let absent = Absent::read(&mut reader)?;
        let empty_rows = Absent::read(&mut reader)?;
        let counts = reader.u64s()?;
        let (tallies, rest) = counts.as_chunks::<3>();
        if !rest.is_empty() {
            return Err(reader.invalid("three counts for each label", counts.len()));
        }
        let config = MultiLabelConfig { labels: tallies.len(), absent, empty_rows };
        config.check().map_err(|error| reader.invalid("a number of labels that exists", error))?;
        let mut rows = Rows {
            count: reader.u64()?,
            exact: reader.u64()?,
            without_truth: reader.u64()?,
            without_prediction: reader.u64()?,
            without_both: reader.u64()?,
            ..Rows::default()
        };
        for share in rows.shares_mut() {
            *share = Shares::read(&mut reader)?;
        }
        let defined = |without: u64| rows.count.saturating_sub(without);
        let fits = rows.count.saturating_mul(tallies.len() as u64) <= crate::EXACT_COUNTS
            && [rows.exact, rows.without_truth, rows.without_prediction]
                .iter()
                .all(|&n| n <= rows.count)
            && rows.without_both <= rows.without_truth.min(rows.without_prediction)
            && rows.precision.fits(defined(rows.without_prediction))
            && rows.recall.fits(defined(rows.without_truth))
            && rows.f1.fits(defined(rows.without_both))
            && rows.jaccard.fits(defined(rows.without_both))
            && tallies.iter().all(|&[hits, support, predicted]| {
                hits <= support.min(predicted) && support.max(predicted) <= rows.count
            });
        if !fits {
            return Err(reader.invalid("counts that some rows lead to", rows.count));
        }
        let tallies = tallies
            .iter()
            .map(|&[hits, support, predicted]| Tally { hits, support, predicted })
            .collect();
        reader.finish()?;
        Ok(Self { config, tallies, rows })
    }
}

impl MultiLabel {
    fn total(&self) -> Tally {
        self.tallies.iter().fold(Tally::default(), |sum, tally| Tally {
            hits: sum.hits + tally.hits,
            support: sum.support + tally.support,
            predicted: sum.predicted + tally.predicted,
        })
    }

    /// The mean over rows of a sum over the rows where the score is defined.
    fn mean(&self, sum: Shares, undefined: u64) -> Option<f64> {
        let (count, undefined) = (self.rows.count as f64, undefined as f64);
        match self.config.empty_rows {
            Absent::Zero => Some(sum.value() / count),
            Absent::One => Some((sum.value() + undefined) / count),
            Absent::Skip => (count > undefined).then(|| sum.value() / (count - undefined)),
        }
    }
}

impl Rows {
    fn count_row(&mut self, tallies: &mut [Tally], truth: &[u64], predicted: &[u64]) {
        let (mut hits, mut support, mut said) = (0, 0, 0);
        for (word, (&truth, &predicted)) in truth.iter().zip(predicted).enumerate() {
            hits += u64::from((truth & predicted).count_ones());
            support += u64::from(truth.count_ones());
            said += u64::from(predicted.count_ones());
            let mut any = truth | predicted;
            while any != 0 {
                let bit = any.trailing_zeros();
                any &= any - 1;
                let (is, was) = (truth >> bit & 1, predicted >> bit & 1);
                let tally = &mut tallies[word * WORD + bit as usize];
                tally.hits += is & was;
                tally.support += is;
                tally.predicted += was;
            }
        }
        self.count += 1;
        self.exact += u64::from(hits == support && hits == said);
        self.without_truth += u64::from(support == 0);
        self.without_prediction += u64::from(said == 0);
        if support + said == 0 {
            self.without_both += 1;
            return;
        }
        if hits > 0 {
            self.precision.add(hits, said);
            self.recall.add(hits, support);
            self.f1.add(2 * hits, support + said);
            self.jaccard.add(hits, support + said - hits);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.exact += other.exact;
        self.without_truth += other.without_truth;
        self.without_prediction += other.without_prediction;
        self.without_both += other.without_both;
        for (share, more) in self.shares_mut().into_iter().zip(other.shares()) {
            share.merge(more);
        }
    }

    fn shares(&self) -> [Shares; 4] {
        [self.precision, self.recall, self.f1, self.jaccard]
    }

    fn shares_mut(&mut self) -> [&mut Shares; 4] {
        [&mut self.precision, &mut self.recall, &mut self.f1, &mut self.jaccard]
    }
}
