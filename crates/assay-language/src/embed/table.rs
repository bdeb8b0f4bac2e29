use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use assay_array::ndarray::{Array2, Ix2};

use super::Embedder;
use crate::{Error, Result};

const OPERATION: &str = "table embedder";
/// A longer line is no row of vectors.
const MAX_LINE: u64 = 1 << 24;

/// A vector a word: the mean of a text's word vectors, scaled to length one.
///
/// Reads what GloVe, word2vec (text) and fastText publish, or a matrix with a list of words. Words
/// are looked up as they are and then in lower case; unknown ones are left out.
///
/// ```
/// use assay_language::{Embedder, TableEmbedder};
/// let table = TableEmbedder::read(&b"tea 1 0\ncoffee 0.6 0.8\n"[..])?;
/// let rows = table.embed(&["Tea!", "tea, coffee", "unknown"])?;
/// assert_eq!(rows.row(0).to_vec(), [1.0, 0.0]);
/// assert_eq!(rows.row(2).to_vec(), [0.0, 0.0]);
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TableEmbedder {
    words: HashMap<String, usize>,
    vectors: Array2<f32>,
    threshold: f64,
    name: String,
}

impl TableEmbedder {
    /// One row a word. Of a word that is listed twice the first row counts.
    ///
    /// # Errors
    /// [`Error::Empty`] without words or columns, [`Error::Length`] when words and rows differ in
    /// number, [`Error::Setting`] for a number that is not finite.
    pub fn new(words: Vec<String>, vectors: Array2<f32>) -> Result<Self> {
        if vectors.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "vector" });
        }
        if words.len() != vectors.nrows() {
            let (expected, got) = (words.len(), vectors.nrows());
            return Err(Error::Length { operation: OPERATION, items: "vectors", expected, got });
        }
        if let Some(bad) = vectors.iter().find(|x| !x.is_finite()) {
            return Err(Error::Setting {
                operation: OPERATION,
                name: "vectors",
                expected: "finite",
                got: bad.to_string(),
            });
        }
        let name = format!("table, {} words", words.len());
        let mut index = HashMap::with_capacity(words.len());
        for (row, word) in words.into_iter().enumerate() {
            index.entry(word).or_insert(row);
        }
        // Means of word vectors lie close together: unrelated sentences often reach 0.6.
        Ok(Self { words: index, vectors, threshold: 0.8, name })
    }

    /// Reads lines of a word and its numbers, with or without a first line of counts.
    ///
    /// # Errors
    /// [`Error::File`] when reading fails, [`Error::Format`] with the number of a line that is not a
    /// word and as many numbers as the others have, and as [`new`](Self::new).
    pub fn read(mut input: impl BufRead) -> Result<Self> {
        let path = Path::new("the table of vectors");
        let (mut words, mut numbers, mut columns) = (Vec::new(), Vec::new(), 0);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let mut limited = std::io::Read::take(&mut input, MAX_LINE);
            let read = limited.read_until(b'\n', &mut line);
            if read.map_err(Error::file("read", path))? == 0 {
                break;
            }
            let problem =
                |problem: String| Error::Format { path: path.into(), line: number, problem };
            let text = std::str::from_utf8(&line).map_err(|e| problem(e.to_string()))?;
            let mut fields = text.split_ascii_whitespace();
            let Some(word) = fields.next() else { continue };
            let before = numbers.len();
            for field in fields {
                let value: f32 = field
                    .parse()
                    .map_err(|_| problem(format!("expected a number, got `{field}`")))?;
                numbers.push(value);
            }
            let found = numbers.len() - before;
            if number == 1 && found == 1 && word.parse::<usize>().is_ok() {
                numbers.clear();
                continue;
            }
            if columns == 0 {
                columns = found;
            }
            if found != columns || found == 0 {
                return Err(problem(format!("expected {columns} numbers, got {found}")));
            }
            words.push(word.to_owned());
        }
        let shape = (words.len(), columns);
        let vectors = Array2::from_shape_vec(shape, numbers)
            .map_err(|_| Error::Empty { operation: OPERATION, item: "vector" })?;
        Self::new(words, vectors)
    }

    /// Reads a matrix by its name from a safetensors file.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Array`] when the file cannot be read.
    pub fn open(path: impl AsRef<Path>, tensor: &str, words: Vec<String>) -> Result<Self> {
        let file = assay_array::io::safetensors::SafeTensors::open(path.as_ref())?;
        let vectors = file.read::<f32>(tensor)?;
        let vectors = assay_array::io::shaped::<_, Ix2>(tensor, vectors, &[None, None])?;
        Self::new(words, vectors)
    }

    /// Sets the threshold that the embedder recommends.
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    /// Sets the name, which tells tables apart.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    fn row(&self, word: &str) -> Option<usize> {
        self.words.get(word).or_else(|| self.words.get(&word.to_lowercase())).copied()
    }
}

impl Embedder for TableEmbedder {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn dimensions(&self) -> usize {
        self.vectors.ncols()
    }

    fn embed(&self, texts: &[&str]) -> Result<Array2<f32>> {
        let mut out = Array2::zeros((texts.len(), self.dimensions()));
        let mut sum = vec![0.0_f64; self.dimensions()];
        for (text, mut row) in texts.iter().zip(out.rows_mut()) {
            sum.fill(0.0);
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '-'));
            for index in words.filter_map(|word| self.row(word)) {
                for (total, x) in sum.iter_mut().zip(self.vectors.row(index)) {
                    *total += f64::from(*x);
                }
            }
            let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length > 0.0 {
                row.iter_mut().zip(&sum).for_each(|(x, total)| *x = (total / length) as f32);
            }
        }
        Ok(out)
    }

    fn recommended_threshold(&self) -> f64 {
        self.threshold
    }
}
