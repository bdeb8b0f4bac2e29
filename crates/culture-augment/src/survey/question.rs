use std::io::BufRead;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

const MAX_LINE: u64 = 1 << 20;
/// A scale with more steps is a quantity, not a scale.
const MAX_STEPS: i64 = 1000;

/// The answers that a question allows: whole numbers from `low` to `high`, some with a label.
///
/// Every other code (surveys use negative ones for "don't know", "not asked" and the like) is a
/// missing answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    low: i64,
    high: i64,
    labels: Vec<(i64, String)>,
}

impl Scale {
    /// A scale without labels.
    ///
    /// # Errors
    /// [`Error::Setting`] when `high` is not above `low` or the scale has more than 1000 steps.
    pub fn new(low: i64, high: i64) -> Result<Self> {
        let steps = i128::from(high) - i128::from(low);
        if !(1..=i128::from(MAX_STEPS)).contains(&steps) {
            let got = format!("{low} to {high}");
            return Err(Error::setting("scale", "bounds", "rising, by 1000 at most", got));
        }
        Ok(Self { low, high, labels: Vec::new() })
    }

    /// Reads the options of a question: `1. Strongly agree 2. agree 3. Disagree`, in any order. The
    /// lowest and the highest number bound the scale.
    ///
    /// ```
    /// let scale = culture_augment::survey::Scale::parse("1. Completely disagree 10. Completely agree")?;
    /// assert_eq!((scale.low(), scale.high()), (1, 10));
    /// assert_eq!(scale.label(10), Some("Completely agree"));
    /// # Ok::<(), culture_augment::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Line`] when a number comes twice, [`Error::Setting`] when there are fewer than two.
    pub fn parse(options: &str) -> Result<Self> {
        let mut labels: Vec<(i64, String)> = Vec::new();
        for word in options.split_whitespace() {
            let number = word.strip_suffix(['.', ')', ':']).and_then(|w| w.parse().ok());
            if let Some(number) = number {
                if labels.iter().any(|(other, _)| *other == number) {
                    let (what, problem) = ("options".to_owned(), format!("{number} comes twice"));
                    return Err(Error::Line { what, line: 1, problem });
                }
                labels.push((number, String::new()));
            } else if let Some((_, label)) = labels.last_mut() {
                if !label.is_empty() {
                    label.push(' ');
                }
                label.push_str(word);
            }
        }
        labels.sort_by_key(|(number, _)| *number);
        match (labels.first(), labels.last()) {
            (Some((low, _)), Some((high, _))) => {
                Ok(Self { labels: labels.clone(), ..Self::new(*low, *high)? })
            }
            _ => Err(Error::setting("scale", "options", "with at least two numbers", options)),
        }
    }

    /// The lowest answer.
    pub fn low(&self) -> i64 {
        self.low
    }

    /// The highest answer.
    pub fn high(&self) -> i64 {
        self.high
    }

    /// Number of answers.
    pub fn steps(&self) -> usize {
        (self.high - self.low + 1) as usize
    }

    /// Whether a code is an answer.
    pub fn contains(&self, code: i64) -> bool {
        (self.low..=self.high).contains(&code)
    }

    /// The answers in their order.
    pub fn codes(&self) -> impl Iterator<Item = i64> + use<> {
        self.low..=self.high
    }

    /// The label of an answer, if it has one.
    pub fn label(&self, code: i64) -> Option<&str> {
        self.labels.iter().find(|(c, l)| *c == code && !l.is_empty()).map(|(_, l)| l.as_str())
    }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.low, self.high)
    }
}

/// Whether a seed asks or states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// To be agreed with: the prompt asks "Do you agree with …?".
    Statement,
    /// To be answered.
    Question,
}

/// A survey question from which training data are grown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedQuestion {
    /// What it is about.
    pub topic: String,
    /// The survey's name for it, such as `Q27`; also the column of its answers.
    #[serde(rename = "q_id")]
    pub id: String,
    /// The question or the statement.
    #[serde(rename = "q_content")]
    pub content: String,
    /// The answers as they are shown.
    #[serde(rename = "option")]
    pub options: String,
}

impl SeedQuestion {
    /// A question if the content has a question mark, a statement otherwise.
    pub fn kind(&self) -> Kind {
        if self.content.contains('?') { Kind::Question } else { Kind::Statement }
    }

    /// The scale of its options.
    ///
    /// # Errors
    /// As [`Scale::parse`].
    pub fn scale(&self) -> Result<Scale> {
        Scale::parse(&self.options)
    }
}

/// Reads seeds from JSON lines with the fields `topic`, `q_id`, `q_content` and `option`.
///
/// # Errors
/// [`Error::Empty`] without seeds; [`Error::Line`] with the number of a line that is no seed, has an
/// empty content or options without a scale; [`Error::Scales`] when a question comes again with
/// another scale.
pub fn read_seeds(mut input: impl BufRead) -> Result<Vec<SeedQuestion>> {
    let mut seeds: Vec<SeedQuestion> = Vec::new();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let problem = |problem: String| Error::Line { what: "seeds".into(), line: number, problem };
        let mut limited = std::io::Read::take(&mut input, MAX_LINE);
        let read = limited.read_until(b'\n', &mut line).map_err(|e| problem(e.to_string()))?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let seed: SeedQuestion =
            serde_json::from_slice(&line).map_err(|e| problem(e.to_string()))?;
        if seed.content.trim().is_empty() {
            return Err(problem("the content is empty".into()));
        }
        let scale = seed.scale().map_err(|e| problem(e.to_string()))?;
        if let Some(other) = seeds.iter().find(|other| other.id == seed.id) {
            let first = other.scale()?;
            if (first.low, first.high) != (scale.low, scale.high) {
                return Err(Error::Scales {
                    id: seed.id,
                    first: first.to_string(),
                    second: scale.to_string(),
                });
            }
        }
        seeds.push(seed);
    }
    if seeds.is_empty() {
        return Err(Error::Empty { operation: "seeds", item: "seed" });
    }
    Ok(seeds)
}
