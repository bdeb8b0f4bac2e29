//! How good a ranked list is: precision, recall, average precision and nDCG at k.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use assay_array::Scalar;

use crate::bytes::{Kind, Reader, Writer};
use crate::{Error, Mergeable, Moments, MomentsReport, Result};

const KIND: Kind = *b"ranking\0";
const VERSION: u16 = 1;
const OPERATION: &str = "ranking measures";

/// What a graded relevance is worth in a discounted cumulative gain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Gain {
    /// The relevance itself, as Järvelin and Kekäläinen (2002) and scikit-learn.
    #[default]
    Linear,
    /// `2^relevance − 1`, as Burges et al. (2005): high grades count for much more.
    Exponential,
}

impl Gain {
    fn of(self, relevance: f64) -> f64 {
        match self {
            Self::Linear => relevance,
            Self::Exponential => relevance.exp2() - 1.0,
        }
    }
}

/// One query's ranked answers with their relevance.
///
/// Of an item that is ranked twice, only the first place counts. Items that were judged but not
/// ranked count in recall, average precision and the ideal of nDCG.
///
/// ```
/// use assay_score::classification::{Gain, RankedList};
/// let ranked = ["music", "pop_music", "film", "sport", "tennis"];
/// let list = RankedList::new(&ranked, &["music", "tennis", "hip_hop_music"]);
/// assert_eq!(list.precision_at(5), Some(0.4));
/// assert_eq!(list.recall_at(3), Some(1.0 / 3.0));
/// assert!((list.average_precision().unwrap() - 7.0 / 15.0).abs() < 1e-12);
/// assert!((list.ndcg_at(3, Gain::Linear).unwrap() - 0.469278726).abs() < 1e-9);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RankedList {
    /// The relevance of each ranked item in order.
    ranked: Vec<f64>,
    /// The relevances of everything judged, the highest first.
    ideal: Vec<f64>,
}

impl RankedList {
    /// From ranked items and the set of those that are relevant, each with relevance one.
    pub fn new<K: Eq + Hash>(ranked: &[K], relevant: &[K]) -> Self {
        let relevant: HashSet<&K> = relevant.iter().collect();
        let gains = relevant.iter().map(|&item| (item, 1.0)).collect();
        Self::from_gains(ranked, &gains)
    }

    /// From ranked items and the relevance of those that were judged; others have relevance zero.
    /// The last relevance of an item judged twice counts.
    ///
    /// # Errors
    /// [`Error::Value`] unless each relevance is in `[0, 1000]`, where `2^relevance` is finite.
    pub fn graded<K: Eq + Hash>(ranked: &[K], judged: &[(K, f64)]) -> Result<Self> {
        let (lower, upper) = (0.0, 1000.0);
        if let Some(index) = judged.iter().position(|(_, gain)| !(lower..=upper).contains(gain)) {
            let value = judged[index].1;
            return Err(Error::Value { operation: OPERATION, index, value, lower, upper });
        }
        Ok(Self::from_gains(ranked, &judged.iter().map(|(item, gain)| (item, *gain)).collect()))
    }

    fn from_gains<K: Eq + Hash>(ranked: &[K], gains: &HashMap<&K, f64>) -> Self {
        let mut seen = HashSet::new();
        let ranked = ranked.iter().filter(|item| seen.insert(*item));
        let ranked = ranked.map(|item| gains.get(item).copied().unwrap_or(0.0)).collect();
        let mut ideal: Vec<f64> = gains.values().copied().collect();
        ideal.sort_unstable_by(|a, b| b.total_cmp(a));
        Self { ranked, ideal }
    }

    /// The number of relevant items, those with a relevance above zero.
    pub fn relevant(&self) -> usize {
        self.ideal.iter().take_while(|&&gain| gain > 0.0).count()
    }

    fn hits(&self, k: usize) -> usize {
        self.ranked.iter().take(k).filter(|&&gain| gain > 0.0).count()
    }

    /// Relevant items among the first `k`, divided by `k` even where fewer were ranked; `None` for
    /// `k = 0`.
    pub fn precision_at(&self, k: usize) -> Option<f64> {
        (k > 0).then(|| self.hits(k) as f64 / k as f64)
    }

    /// The share of relevant items that is among the first `k`; `None` without relevant items.
    pub fn recall_at(&self, k: usize) -> Option<f64> {
        let relevant = self.relevant();
        (relevant > 0).then(|| self.hits(k) as f64 / relevant as f64)
    }

    /// `Σ P@i / |relevant|` over the places `i` of relevant items; `None` without relevant items.
    pub fn average_precision(&self) -> Option<f64> {
        self.average_precision_over(self.ranked.len(), self.relevant())
    }

    /// The same over the first `k` places, divided by `min(|relevant|, k)`, so that 1 can be
    /// reached; `None` without relevant items or for `k = 0`.
    pub fn average_precision_at(&self, k: usize) -> Option<f64> {
        self.average_precision_over(k, self.relevant().min(k))
    }

    fn average_precision_over(&self, k: usize, divisor: usize) -> Option<f64> {
        let mut hits = 0;
        let mut sum = 0.0;
        for (place, &gain) in self.ranked.iter().take(k).enumerate() {
            if gain > 0.0 {
                hits += 1;
                sum += f64::from(hits) / (place + 1) as f64;
            }
        }
        (divisor > 0).then(|| sum / divisor as f64)
    }

    /// The discounted cumulative gain `Σ_{i ≤ k} g(relevance_i) / log₂(i + 1)`.
    pub fn dcg_at(&self, k: usize, gain: Gain) -> f64 {
        dcg(self.ranked.iter().take(k), gain)
    }

    /// The discounted cumulative gain divided by that of the best order of everything judged, cut at
    /// `k`; `None` where the best is zero.
    pub fn ndcg_at(&self, k: usize, gain: Gain) -> Option<f64> {
        let best = dcg(self.ideal.iter().take(k), gain);
        // Rounding may exceed the best by a unit in the last place.
        (best > 0.0).then(|| (self.dcg_at(k, gain) / best).min(1.0))
    }
}

fn dcg<'a>(relevances: impl Iterator<Item = &'a f64>, gain: Gain) -> f64 {
    relevances
        .enumerate()
        .map(|(place, &relevance)| gain.of(relevance) / ((place + 2) as f64).log2())
        .sum()
}

/// nDCG of items with scores, averaged over the orders of tied scores as scikit-learn does it:
/// every item of a tie gets the mean gain of the tie (McSherry and Najork 2008).
///
/// # Errors
/// [`Error::Length`] unless there is a score for each relevance, [`Error::Value`] for a relevance
/// outside `[0, 1000]` or a NaN score, [`Error::Undefined`] where no item is relevant or `k = 0`.
pub fn ndcg_of_scores<T: Scalar>(
    relevance: &[f64],
    scores: &[T],
    k: usize,
    gain: Gain,
) -> Result<f64> {
    let operation = "nDCG of scores";
    let (expected, got) = (relevance.len(), scores.len());
    if expected != got {
        return Err(Error::Length { operation, items: "scores", expected, got });
    }
    let scores: Vec<f64> = scores.iter().map(|score| score.to_f64()).collect();
    for (values, lower, upper) in
        [(relevance, 0.0, 1000.0), (&scores[..], f64::NEG_INFINITY, f64::INFINITY)]
    {
        if let Some(index) = values.iter().position(|value| !(lower..=upper).contains(value)) {
            return Err(Error::Value { operation, index, value: values[index], lower, upper });
        }
    }
    let mut items: Vec<(f64, f64)> =
        scores.into_iter().zip(relevance.iter().map(|&r| gain.of(r))).collect();
    items.sort_by(|a, b| b.0.total_cmp(&a.0));
    let discount = |place: usize| if place < k { 1.0 / ((place + 2) as f64).log2() } else { 0.0 };
    let (mut place, mut sum) = (0, 0.0);
    for tie in items.chunk_by(|a, b| a.0 == b.0) {
        let mean = tie.iter().map(|item| item.1).sum::<f64>() / tie.len() as f64;
        sum += mean * (place..place + tie.len()).map(discount).sum::<f64>();
        place += tie.len();
    }
    let mut best = relevance.to_vec();
    best.sort_unstable_by(|a, b| b.total_cmp(a));
    let best = dcg(best.iter().take(k), gain);
    if best > 0.0 {
        return Ok((sum / best).min(1.0));
    }
    Err(Error::Undefined { operation, reason: "the best order gains nothing" })
}

/// Means over queries of precision, recall, average precision and nDCG at one `k`.
///
/// Queries without relevant items have no recall, average precision or nDCG: they are skipped there,
/// and counted. Merging is exact to rounding, as for [`Moments`].
///
/// ```
/// use assay_score::{Mergeable, classification::{Gain, RankedList, RankingMeans}};
/// let mut means = RankingMeans::new(10, Gain::Linear)?;
/// let queries = [RankedList::new(&["a", "b"], &["b"]), RankedList::new(&["a"], &[])];
/// means.update(&queries)?;
/// let report = means.finish()?;
/// assert_eq!(report.average_precision.unwrap().mean, 0.5);
/// assert_eq!((report.queries, report.without_relevant), (2, 1));
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RankingMeans {
    k: usize,
    gain: Gain,
    without_relevant: u64,
    precision: Moments,
    recall: Moments,
    average_precision: Moments,
    average_precision_at: Moments,
    ndcg: Moments,
}

/// What [`RankingMeans`] report; `None` where every query was skipped.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RankingMeansReport {
    /// The number of queries.
    pub queries: u64,
    /// How many had no relevant item.
    pub without_relevant: u64,
    /// Of precision at `k`, over all queries.
    pub precision: MomentsReport,
    /// Of recall at `k`.
    pub recall: Option<MomentsReport>,
    /// Of average precision over the whole list: its mean is the mean average precision, MAP.
    pub average_precision: Option<MomentsReport>,
    /// Of average precision at `k`.
    pub average_precision_at: Option<MomentsReport>,
    /// Of nDCG at `k`.
    pub ndcg: Option<MomentsReport>,
}

impl RankingMeans {
    /// Measures at `k`.
    ///
    /// # Errors
    /// [`Error::Setting`] for `k = 0`.
    pub fn new(k: usize, gain: Gain) -> Result<Self> {
        if k == 0 {
            let (name, expected) = ("k", "at least 1");
            return Err(Error::Setting { operation: OPERATION, name, expected, got: 0.0 });
        }
        let [precision, recall, average_precision, average_precision_at, ndcg] =
            [Moments::new(); 5];
        Ok(Self {
            k,
            gain,
            without_relevant: 0,
            precision,
            recall,
            average_precision,
            average_precision_at,
            ndcg,
        })
    }

    fn all(&self) -> [&Moments; 5] {
        [
            &self.precision,
            &self.recall,
            &self.average_precision,
            &self.average_precision_at,
            &self.ndcg,
        ]
    }

    fn all_mut(&mut self) -> [&mut Moments; 5] {
        [
            &mut self.precision,
            &mut self.recall,
            &mut self.average_precision,
            &mut self.average_precision_at,
            &mut self.ndcg,
        ]
    }
}

impl Mergeable for RankingMeans {
    type Batch<'a> = &'a [RankedList];
    type Report = RankingMeansReport;
    type Error = Error;

    fn update(&mut self, batch: &[RankedList]) -> Result<()> {
        let (k, gain) = (self.k, self.gain);
        let scores = |score: &dyn Fn(&RankedList) -> Option<f64>| {
            batch.iter().filter_map(score).collect::<Vec<f64>>()
        };
        let columns = [
            scores(&|list| list.precision_at(k)),
            scores(&|list| list.recall_at(k)),
            scores(&RankedList::average_precision),
            scores(&|list| list.average_precision_at(k)),
            scores(&|list| list.ndcg_at(k, gain)),
        ];
        let mut updated = self.clone();
        for (moments, column) in updated.all_mut().into_iter().zip(&columns) {
            moments.update(column)?;
        }
        updated.without_relevant += batch.iter().filter(|list| list.relevant() == 0).count() as u64;
        *self = updated;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if (self.k, self.gain) != (other.k, other.gain) {
            return Err(Error::Incompatible {
                operation: "merge of ranking measures",
                what: "k and the gain",
                left: format!("{} {:?}", self.k, self.gain),
                right: format!("{} {:?}", other.k, other.gain),
            });
        }
        let mut merged = self.clone();
        for (moments, more) in merged.all_mut().into_iter().zip(other.all()) {
            moments.merge(more)?;
        }
        merged.without_relevant += other.without_relevant;
        *self = merged;
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when there was no query.
    fn finish(&self) -> Result<RankingMeansReport> {
        let precision = self.precision.finish()?;
        Ok(RankingMeansReport {
            queries: precision.count,
            without_relevant: self.without_relevant,
            precision,
            recall: self.recall.finish().ok(),
            average_precision: self.average_precision.finish().ok(),
            average_precision_at: self.average_precision_at.finish().ok(),
            ndcg: self.ndcg.finish().ok(),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let writer = Writer::new(KIND, VERSION).u64(self.k as u64).u64(self.gain as u64);
        let mut bytes = writer.u64(self.without_relevant).finish();
        for moments in self.all() {
            bytes.extend(moments.to_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let moments = Moments::new().to_bytes().len();
        let head = bytes.len().saturating_sub(5 * moments);
        let (head, mut rest) = bytes.split_at(head);
        let mut reader = Reader::new(head, KIND, VERSION)?;
        let (k, gain, without_relevant) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let gain = match gain {
            0 => Gain::Linear,
            1 => Gain::Exponential,
            other => return Err(reader.invalid("gain 0 or 1", other)),
        };
        let Some(mut means) = usize::try_from(k).ok().and_then(|k| Self::new(k, gain).ok()) else {
            return Err(reader.invalid("k of at least 1", k));
        };
        for part in means.all_mut() {
            let (stored, after) = rest.split_at(rest.len().min(moments));
            *part = Moments::from_bytes(stored)?;
            rest = after;
        }
        means.without_relevant = without_relevant;
        let count = |moments: &Moments| moments.finish().map_or(0, |report| report.count);
        let queries = count(&means.precision);
        let fits = means.all().iter().enumerate().all(|(index, moments)| {
            let expected =
                if index == 0 { queries } else { queries.saturating_sub(without_relevant) };
            let inside =
                moments.finish().map_or(true, |report| report.min >= 0.0 && report.max <= 1.0);
            count(moments) == expected && inside
        });
        if !fits || without_relevant > queries {
            return Err(reader.invalid("measures of the same queries", queries));
        }
        reader.finish()?;
        Ok(means)
    }
}
