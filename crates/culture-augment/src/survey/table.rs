use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use super::Tally;
use crate::{Error, Result};

/// Reports list so many bad rows; all are counted.
const LISTED: usize = 1000;

/// How to read a survey's table: one row a respondent, one column a question.
///
/// The names of the World Values Survey are the defaults: the country's letters in `B_COUNTRY_ALPHA`,
/// no weights. The table is read as a stream: memory grows with countries, questions and codes, not
/// with rows.
#[derive(Debug, Clone)]
pub struct SurveyReader {
    country: String,
    weight: Option<String>,
    delimiter: u8,
}

impl Default for SurveyReader {
    fn default() -> Self {
        Self::new()
    }
}

impl SurveyReader {
    /// The country in `B_COUNTRY_ALPHA`, no weights, commas.
    pub fn new() -> Self {
        Self { country: "B_COUNTRY_ALPHA".to_owned(), weight: None, delimiter: b',' }
    }

    /// Sets the column of the country.
    #[must_use]
    pub fn with_country(self, column: impl Into<String>) -> Self {
        Self { country: column.into(), ..self }
    }

    /// Sets the column of the weights, such as `W_WEIGHT`.
    #[must_use]
    pub fn with_weight(self, column: impl Into<String>) -> Self {
        Self { weight: Some(column.into()), ..self }
    }

    /// Sets the delimiter, such as `b';'`.
    #[must_use]
    pub fn with_delimiter(self, delimiter: u8) -> Self {
        Self { delimiter, ..self }
    }

    /// Reads a table and counts the answers to the given questions.
    ///
    /// A row that cannot be read (too few or too many fields, no country, a weight that is no
    /// number, a broken text) is left out and reported with its line. A single answer that is no
    /// whole number is left out and reported, the rest of its row counts.
    ///
    /// # Errors
    /// [`Error::Column`] when the table lacks a column, [`Error::Csv`] when it cannot be read at
    /// all.
    pub fn read<I: AsRef<str>>(&self, table: impl Read, questions: &[I]) -> Result<Survey> {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(self.delimiter).flexible(true).from_reader(table);
        let head = reader.byte_headers()?.clone();
        let column = |name: &str| -> Result<usize> {
            let bare =
                |h: &[u8]| h.strip_prefix(b"\xef\xbb\xbf").unwrap_or(h).trim_ascii().to_vec();
            head.iter().position(|h| bare(h) == name.as_bytes()).ok_or_else(|| Error::Column {
                column: name.to_owned(),
                available: head
                    .iter()
                    .take(12)
                    .map(|h| String::from_utf8_lossy(h).into_owned())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
        };
        let country = column(&self.country)?;
        let weight = self.weight.as_deref().map(column).transpose()?;
        let columns: Vec<(String, usize)> = questions
            .iter()
            .map(|id| Ok((id.as_ref().to_owned(), column(id.as_ref())?)))
            .collect::<Result<_>>()?;
        let mut survey = Survey::default();
        let mut record = csv::ByteRecord::new();
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                    return Err(error.into());
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    survey.bad(line, None, error.to_string(), true);
                    continue;
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != head.len() {
                let problem = format!("expected {} fields, got {}", head.len(), record.len());
                survey.bad(line, None, problem, true);
                continue;
            }
            survey.row(&record, line, country, weight, &columns);
        }
        Ok(survey)
    }
}

/// The answers of a table by country and question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survey {
    countries: BTreeMap<String, Country>,
    /// Rows counted.
    pub rows: u64,
    /// Rows left out whole.
    pub rows_left_out: u64,
    /// Single answers left out.
    pub answers_left_out: u64,
    /// The first thousand of what was left out.
    pub bad_rows: Vec<BadRow>,
}

/// The answers of one country.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Country {
    /// Rows counted.
    pub rows: u64,
    /// The sum of their weights; the number of rows where the table has no weights.
    pub weight: f64,
    tallies: HashMap<String, Tally>,
}

impl Country {
    /// The answers to a question; `None` if it was not among those read.
    pub fn tally(&self, question: &str) -> Option<&Tally> {
        self.tallies.get(question)
    }
}

/// What was left out of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The line, from one; the head is line 1.
    pub line: u64,
    /// The column, if only one answer of the row was left out.
    pub column: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl Survey {
    /// The countries by name.
    pub fn countries(&self) -> impl Iterator<Item = (&str, &Country)> {
        self.countries.iter().map(|(name, country)| (name.as_str(), country))
    }

    /// A country by its name in the table.
    ///
    /// # Errors
    /// [`Error::Unknown`] when no row has it.
    pub fn country(&self, name: &str) -> Result<&Country> {
        self.countries.get(name).ok_or_else(|| Error::Unknown {
            operation: "survey",
            what: "country",
            name: name.to_owned(),
        })
    }

    fn bad(&mut self, line: u64, column: Option<String>, problem: String, whole: bool) {
        if whole {
            self.rows_left_out += 1;
        } else {
            self.answers_left_out += 1;
        }
        if self.bad_rows.len() < LISTED {
            self.bad_rows.push(BadRow { line, column, problem });
        }
    }

    fn row(
        &mut self,
        record: &csv::ByteRecord,
        line: u64,
        country: usize,
        weight: Option<usize>,
        columns: &[(String, usize)],
    ) {
        let field = |at: usize| std::str::from_utf8(record.get(at).unwrap_or(b"")).map(str::trim);
        let name = match field(country) {
            Ok(name) if !name.is_empty() => name.to_owned(),
            Ok(_) => return self.bad(line, None, "no country".into(), true),
            Err(e) => return self.bad(line, None, e.to_string(), true),
        };
        let weight = match weight.map(|at| field(at).map(str::parse::<f64>)) {
            None => 1.0,
            Some(Ok(Ok(weight))) if weight.is_finite() && weight >= 0.0 => weight,
            Some(_) => {
                let problem = "the weight is no finite number of at least 0".to_owned();
                return self.bad(line, None, problem, true);
            }
        };
        self.rows += 1;
        let entry = self.countries.entry(name).or_default();
        entry.rows += 1;
        entry.weight += weight;
        let mut bad = Vec::new();
        for (id, at) in columns {
            let tally = entry.tallies.entry(id.clone()).or_default();
            match field(*at).map(code) {
                Ok(Some(code)) => tally.add(code, weight),
                Ok(None) => bad.push((
                    id.clone(),
                    String::from_utf8_lossy(record.get(*at).unwrap_or(b"")).into_owned(),
                )),
                Err(e) => bad.push((id.clone(), e.to_string())),
            }
        }
        for (id, text) in bad {
            let shown: String = text.chars().take(40).collect();
            self.bad(line, Some(id), format!("expected a whole number, got `{shown}`"), false);
        }
    }
}

/// A whole number, also written as `3.0`.
fn code(text: &str) -> Option<i64> {
    if let Ok(code) = text.parse() {
        return Some(code);
    }
    let value: f64 = text.parse().ok()?;
    (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64)
}
