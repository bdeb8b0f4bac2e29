//! The translation edit rate as sacrebleu computes it.

use super::corpus::{check_alike, check_references, read_flag};
use super::ter_tokenize::TerTokens;
use super::words::{Vocabulary, is_space, words};
use super::{Segment, by_chunk};
use crate::bytes::{Kind, Reader, Writer};
use crate::shares::{Shares, count_on};
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"ter\0\0\0\0\0";
const VERSION: u16 = 2;
const OPERATION: &str = "TER";

// Tercom's limits (Snover et al. 2006) and sacrebleu's, without which the measure is another.
const MAX_SHIFT_SIZE: usize = 10;
const MAX_SHIFT_DISTANCE: usize = 50;
const BEAM_WIDTH: usize = 25;
const MAX_CANDIDATES: usize = 1000;

/// How [`Ter`] makes texts alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of Tercom by itself")]
pub struct TerConfig {
    case_sensitive: bool,
    normalized: bool,
    no_punctuation: bool,
    asian_support: bool,
}

impl TerConfig {
    /// sacrebleu's defaults: lower case, words between white space.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps case.
    #[must_use]
    pub fn with_case_sensitive(self, case_sensitive: bool) -> Self {
        Self { case_sensitive, ..self }
    }

    /// Parts punctuation from words, as Tercom does.
    #[must_use]
    pub fn with_normalized(self, normalized: bool) -> Self {
        Self { normalized, ..self }
    }

    /// Removes punctuation.
    #[must_use]
    pub fn with_no_punctuation(self, no_punctuation: bool) -> Self {
        Self { no_punctuation, ..self }
    }

    /// Treats Chinese characters and Japanese kanji as words of their own where
    /// [`with_normalized`](Self::with_normalized) is set, and East Asian punctuation as punctuation with
    /// either setting. Kana and Hangul stay together: sacrebleu's rules for kana never apply.
    #[must_use]
    pub fn with_asian_support(self, asian_support: bool) -> Self {
        Self { asian_support, ..self }
    }

    /// Makes an empty accumulator.
    pub fn init(self) -> Ter {
        Ter { config: self, segments: 0, edits: 0, words: Shares::default() }
    }

    fn tokens(self) -> TerTokens {
        let Self { case_sensitive, normalized, no_punctuation, asian_support } = self;
        TerTokens { case_sensitive, normalized, no_punctuation, asian_support }
    }
}

/// Counts the edits (insertions, deletions, substitutions and shifts of whole phrases) that turn each
/// hypothesis into the reference that needs the fewest, per word of the references' mean length;
/// merging is exact.
///
/// Finding the best shifts is NP-complete; Tercom's greedy search is part of the definition: while it
/// helps, the phrase of up to ten words whose shift saves most edits is moved, the longest and
/// earliest first, with the edit distance in a beam about the diagonal and at most 1000 shifts tried.
///
/// ```
/// use assay_score::{Mergeable, text::{Segment, TerConfig}};
/// let mut ter = TerConfig::new().init();
/// ter.update(&[Segment { hypothesis: "on the mat the cat sat", references: &["the cat sat on the mat"] }])?;
/// // One shift of three words.
/// assert!((ter.finish()?.score - 100.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ter {
    config: TerConfig,
    segments: u64,
    edits: u64,
    words: Shares,
}

/// What [`Ter`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TerReport {
    /// `100 · edits / reference words`: lower is better, and may exceed 100. Where all references are
    /// empty, 100 if there is an edit and 0 if not.
    pub score: f64,
    /// The number of edits.
    pub edits: u64,
    /// The words of the references, the mean for a segment with several.
    pub reference_length: f64,
    /// The number of segments.
    pub segments: u64,
}

impl Ter {
    /// The edits of each segment, and the mean number of words in its references.
    ///
    /// # Errors
    /// [`Error::Missing`] for a segment without references.
    pub fn segment_edits(&self, segments: &[Segment<'_>]) -> Result<Vec<(u64, f64)>> {
        let counts = self.count(segments)?;
        Ok(counts.into_iter().map(|(edits, words, of)| (edits, words as f64 / of as f64)).collect())
    }

    /// Edits, words in all references, number of references.
    fn count(&self, segments: &[Segment<'_>]) -> Result<Vec<(u64, u64, u64)>> {
        check_references(OPERATION, segments)?;
        let tokens = self.config.tokens();
        let counts = by_chunk(segments, |chunk| {
            // sacrebleu reads references twice, which parts a few more words where it normalises.
            let prepare = |text: &str| tokens.read(text.trim_end_matches(is_space));
            let count = |segment: &Segment<'_>| {
                let hypothesis = prepare(segment.hypothesis);
                let references: Vec<String> =
                    segment.references.iter().map(|r| prepare(&prepare(r))).collect();
                let mut vocabulary = Vocabulary::default();
                let mut numbers = Vec::new();
                vocabulary.numbers(words(&hypothesis), &mut numbers);
                let (mut fewest, mut length) = (u64::MAX, 0);
                for reference in &references {
                    let mut other = Vec::new();
                    vocabulary.numbers(words(reference), &mut other);
                    length += other.len() as u64;
                    fewest = fewest.min(shifted_edits(&numbers, &other));
                }
                (fewest, length, references.len() as u64)
            };
            chunk.iter().map(count).collect::<Vec<_>>()
        });
        Ok(counts.concat())
    }
}

/// One step from the hypothesis to the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Same,
    Substitute,
    Delete,
    Insert,
    /// Outside of the beam.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    cost: u32,
    step: Step,
}

const OUTSIDE: Cell = Cell { cost: u32::MAX / 2, step: Step::Unknown };

/// One row of the table of distances: the cells inside of the beam.
#[derive(Debug, Clone, Default)]
struct Row {
    start: usize,
    cells: Vec<Cell>,
}

impl Row {
    fn at(&self, column: usize) -> Cell {
        let inside = column.checked_sub(self.start).and_then(|index| self.cells.get(index));
        inside.copied().unwrap_or(OUTSIDE)
    }
}

/// The beam about the pseudo-diagonal of a table.
struct Beam<'r> {
    reference: &'r [u32],
    rows: usize,
    ratio: f64,
    width: usize,
}

impl<'r> Beam<'r> {
    fn new(reference: &'r [u32], rows: usize) -> Self {
        let ratio = if rows > 0 { reference.len() as f64 / rows as f64 } else { 1.0 };
        // A long reference to few words: rows must still overlap.
        let width = if (BEAM_WIDTH as f64) < ratio / 2.0 {
            (ratio / 2.0 + BEAM_WIDTH as f64).ceil() as usize
        } else {
            BEAM_WIDTH
        };
        Self { reference, rows, ratio, width }
    }

    fn first(&self) -> Row {
        let cell = |column| Cell { cost: column, step: Step::Insert };
        Row { start: 0, cells: (0..=self.reference.len() as u32).map(cell).collect() }
    }

    /// The row after the first `index` words of the hypothesis, the last of which is `word`.
    fn next(&self, above: &Row, index: usize, word: u32, row: &mut Row) {
        let diagonal = (index as f64 * self.ratio).floor() as usize;
        let columns = self.reference.len() + 1;
        let start = diagonal.saturating_sub(self.width);
        let end = if index == self.rows { columns } else { columns.min(diagonal + self.width) };
        row.start = start;
        row.cells.clear();
        let mut left = OUTSIDE;
        for column in start..end {
            let mut cell = OUTSIDE;
            let mut consider = |cost: u32, step| {
                if cost < cell.cost {
                    cell = Cell { cost, step };
                }
            };
            if column == 0 {
                consider(above.at(0).cost + 1, Step::Delete);
            } else {
                let same = word == self.reference[column - 1];
                let (cost, step) = if same { (0, Step::Same) } else { (1, Step::Substitute) };
                consider(above.at(column - 1).cost + cost, step);
                consider(above.at(column).cost + 1, Step::Delete);
                consider(left.cost + 1, Step::Insert);
            }
            row.cells.push(cell);
            left = cell;
        }
    }

    fn all_rows(&self, hypothesis: &[u32]) -> Vec<Row> {
        let mut rows = vec![self.first()];
        for (index, &word) in hypothesis.iter().enumerate() {
            let mut row = Row::default();
            self.next(&rows[index], index + 1, word, &mut row);
            rows.push(row);
        }
        rows
    }

    /// The distance of a hypothesis whose first words have known rows.
    fn distance(
        &self,
        known: &Row,
        from: usize,
        hypothesis: &[u32],
        scratch: &mut [Row; 2],
    ) -> u32 {
        let [current, next] = scratch;
        current.start = known.start;
        current.cells.clone_from(&known.cells);
        for (index, &word) in hypothesis.iter().enumerate().skip(from) {
            self.next(current, index + 1, word, next);
            std::mem::swap(current, next);
        }
        current.at(self.reference.len()).cost
    }
}

/// For each word of the reference, the place in the hypothesis it is aligned with (one more than the
/// index; zero is before the first), and which words of either side are in an error.
struct Alignment {
    place: Vec<usize>,
    reference_errors: Vec<bool>,
    hypothesis_errors: Vec<bool>,
}

fn align(rows: &[Row], reference: usize) -> Alignment {
    let mut steps = Vec::new();
    let (mut i, mut j) = (rows.len() - 1, reference);
    while i > 0 || j > 0 {
        let mut step = rows[i].at(j).step;
        if step == Step::Unknown {
            // The beam was lost: go along the edge.
            step = if i > 0 { Step::Delete } else { Step::Insert };
        }
        match step {
            Step::Delete => i -= 1,
            Step::Insert => j -= 1,
            _ => (i, j) = (i.saturating_sub(1), j.saturating_sub(1)),
        }
        steps.push(step);
    }
    let (mut place, mut reference_errors, mut hypothesis_errors) =
        (Vec::new(), Vec::new(), Vec::new());
    for step in steps.into_iter().rev() {
        let wrong = step != Step::Same;
        if step != Step::Insert {
            hypothesis_errors.push(wrong);
        }
        if step != Step::Delete {
            place.push(hypothesis_errors.len());
            reference_errors.push(wrong);
        }
    }
    Alignment { place, reference_errors, hypothesis_errors }
}

/// The words with a phrase moved before the word that stands at `target` now (where that is inside of
/// the phrase or right after it: as far on in the words without the phrase).
fn shift(words: &[u32], start: usize, length: usize, target: usize, into: &mut Vec<u32>) -> usize {
    into.clear();
    into.extend(&words[..start]);
    into.extend(&words[start + length..]);
    let place = if target > start + length { target - length } else { target.min(into.len()) };
    into.splice(place..place, words[start..start + length].iter().copied());
    place.min(start)
}

/// The edits from hypothesis to reference, shifts included.
fn shifted_edits(hypothesis: &[u32], reference: &[u32]) -> u64 {
    if reference.is_empty() {
        return hypothesis.len() as u64;
    }
    let beam = Beam::new(reference, hypothesis.len());
    let mut words = hypothesis.to_vec();
    let (mut shifts, mut tried) = (0, 0);
    let mut rows = beam.all_rows(&words);
    while let Some(better) = best_shift(&beam, &words, &rows, &mut tried) {
        shifts += 1;
        words = better;
        rows = beam.all_rows(&words);
    }
    let distance = rows.last().map_or(0, |row| row.at(reference.len()).cost);
    shifts + u64::from(distance)
}

/// What a shift saves, its length, and how early it starts and ends: the largest is best.
type Rank = (i64, usize, std::cmp::Reverse<usize>, std::cmp::Reverse<usize>);

/// The words after the shift that saves most edits, if one does and not too many were tried.
fn best_shift(beam: &Beam<'_>, words: &[u32], rows: &[Row], tried: &mut usize) -> Option<Vec<u32>> {
    let reference = beam.reference;
    let before = rows.last().map_or(0, |row| row.at(reference.len()).cost);
    let alignment = align(rows, reference.len());
    let mut best: Option<(Rank, Vec<u32>)> = None;
    let (mut moved, mut scratch) = (Vec::new(), [Row::default(), Row::default()]);
    'phrases: for start in 0..words.len() {
        let near = start.saturating_sub(MAX_SHIFT_DISTANCE)
            ..reference.len().min(start + MAX_SHIFT_DISTANCE + 1);
        for to in near {
            let same = words[start..].iter().zip(&reference[to..]).take_while(|(a, b)| a == b);
            for length in 1..=same.take(MAX_SHIFT_SIZE).count() {
                let right =
                    |errors: &[bool], from: usize| errors[from..from + length].iter().all(|e| !e);
                // Place counts from one, so inside the phrase is start + 1 to start + length.
                let inside = (start + 1..=start + length).contains(&alignment.place[to]);
                if inside
                    || right(&alignment.hypothesis_errors, start)
                    || right(&alignment.reference_errors, to)
                {
                    continue;
                }
                let mut last = None;
                for offset in 0..=length {
                    // Before the word that stands after the one aligned with reference word
                    // to + offset − 1.
                    let target = match (to + offset).checked_sub(1) {
                        None => 0,
                        Some(word) => alignment.place[word],
                    };
                    if last == Some(target) {
                        continue;
                    }
                    last = Some(target);
                    let from = shift(words, start, length, target, &mut moved);
                    let after = beam.distance(&rows[from], from, &moved, &mut scratch);
                    let saves = i64::from(before) - i64::from(after);
                    let rank = (saves, length, std::cmp::Reverse(start), std::cmp::Reverse(target));
                    *tried += 1;
                    if best.as_ref().is_none_or(|(best, _)| rank > *best) {
                        best = Some((rank, moved.clone()));
                    }
                }
                if *tried >= MAX_CANDIDATES {
                    break 'phrases;
                }
            }
        }
    }
    let (rank, words) = best?;
    (rank.0 > 0 && *tried < MAX_CANDIDATES).then_some(words)
}

impl Mergeable for Ter {
    type Batch<'a> = &'a [Segment<'a>];
    type Report = TerReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Missing`] for a segment without references, [`Error::TooMany`] beyond `2^53` words.
    fn update(&mut self, batch: &[Segment<'_>]) -> Result<()> {
        let mut more = self.config.init();
        for (edits, words, of) in self.count(batch)? {
            more.edits += edits;
            more.words.add(words, of);
        }
        more.segments = batch.len() as u64;
        self.merge(&more)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_alike("merge of TER counts", "the configuration", &self.config, &other.config)?;
        let edits = count_on(OPERATION, "edits", self.edits, other.edits)?;
        self.segments = count_on(OPERATION, "segments", self.segments, other.segments)?;
        self.edits = edits;
        self.words.merge(other.words);
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when there was no segment.
    fn finish(&self) -> Result<TerReport> {
        if self.segments == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "segment" });
        }
        let reference_length = self.words.value();
        let score = if reference_length > 0.0 {
            100.0 * self.edits as f64 / reference_length
        } else {
            100.0 * f64::from(u8::from(self.edits > 0))
        };
        Ok(TerReport { score, edits: self.edits, reference_length, segments: self.segments })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let TerConfig { case_sensitive, normalized, no_punctuation, asian_support } = self.config;
        let flags = [case_sensitive, normalized, no_punctuation, asian_support];
        let writer =
            flags.iter().fold(Writer::new(KIND, VERSION), |w, &flag| w.u64(u64::from(flag)));
        self.words.write(writer.u64(self.segments).u64(self.edits)).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let config = TerConfig {
            case_sensitive: read_flag(&mut reader)?,
            normalized: read_flag(&mut reader)?,
            no_punctuation: read_flag(&mut reader)?,
            asian_support: read_flag(&mut reader)?,
        };
        let (segments, edits) = (reader.u64()?, reader.u64()?);
        let words = Shares::read(&mut reader)?;
        let used = edits > 0 || words != Shares::default();
        let most = crate::EXACT_COUNTS;
        if segments.max(edits) > most || !words.fits(most) || segments == 0 && used {
            return Err(reader.invalid("edits of some segments", edits));
        }
        reader.finish()?;
        Ok(Self { config, segments, edits, words })
    }
}
