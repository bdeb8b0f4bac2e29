//! Matrices and labels from files that say by their ending what they are.

use std::path::{Path, PathBuf};

use assay_array::io::safetensors::SafeTensors;
use assay_array::io::{Element, npy, shaped};
use assay_array::ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The reader's account.
    #[error(transparent)]
    Array(#[from] assay_array::Error),
    /// A line that is no row of numbers.
    #[error("{}: line {line}: {problem}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A label that is no class.
    #[error("{}: expected labels of 0 or more, got {label} at index {index}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The place.
        index: usize,
        /// The number there.
        label: f64,
    },
    /// A Parquet file that is damaged, or has other things than numbers.
    #[error("{}: {problem}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of a kind that is not read here.
    #[error("{}: expected .npy, .safetensors, .csv or .parquet", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// A safetensors file with several tensors, and none named.
    #[error("{}: expected a name after a colon, one of {names:?}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The tensors that it has.
        names: Vec<String>,
    },
}

/// What a path leads to.
enum Source {
    Npy(PathBuf),
    SafeTensors(PathBuf, Option<String>),
    Csv(PathBuf),
    Parquet(PathBuf),
}

fn source(path: &Path) -> Result<Source, ReadError> {
    let kind = |path: &Path| path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    let is = |path: &Path, wanted: &str| kind(path).is_some_and(|kind| kind == wanted);
    if is(path, "npy") {
        return Ok(Source::Npy(path.to_owned()));
    }
    if is(path, "csv") {
        return Ok(Source::Csv(path.to_owned()));
    }
    if is(path, "parquet") {
        return Ok(Source::Parquet(path.to_owned()));
    }
    if is(path, "safetensors") {
        return Ok(Source::SafeTensors(path.to_owned(), None));
    }
    // file.safetensors:name
    let split = path.to_str().and_then(|text| text.rsplit_once(':'));
    match split {
        Some((file, name)) if is(Path::new(file), "safetensors") => {
            Ok(Source::SafeTensors(file.into(), Some(name.to_owned())))
        }
        _ => Err(ReadError::Kind { path: path.to_owned() }),
    }
}

fn tensor<T: Element>(path: &Path, name: Option<&str>) -> Result<ArrayD<T>, ReadError> {
    let file = SafeTensors::open(path)?;
    let name = match (name, file.infos()) {
        (Some(name), _) => name.to_owned(),
        (None, [only]) => only.name.clone(),
        (None, several) => {
            let names = several.iter().map(|info| info.name.clone()).collect();
            return Err(ReadError::Name { path: path.to_owned(), names });
        }
    };
    Ok(file.read(&name)?)
}

/// Rows of numbers; a first line that is none is a header.
fn csv_rows(path: &Path) -> Result<Vec<Vec<f64>>, ReadError> {
    let wrong = |line, problem: String| ReadError::Csv { path: path.to_owned(), line, problem };
    let reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_path(path);
    let mut reader = reader.map_err(|error| wrong(0, error.to_string()))?;
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| wrong(index as u64 + 1, error.to_string()))?;
        let line = record.position().map_or(index as u64 + 1, csv::Position::line);
        match record.iter().map(str::parse).collect::<Result<Vec<f64>, _>>() {
            Ok(row) => rows.push(row),
            Err(_) if index == 0 => {}
            Err(error) => return Err(wrong(line, format!("expected numbers: {error}"))),
        }
    }
    Ok(rows)
}

#[cfg(feature = "parquet")]
use super::parquet::rows as parquet_rows;

#[cfg(not(feature = "parquet"))]
fn parquet_rows(path: &Path) -> Result<Vec<Vec<f64>>, ReadError> {
    let problem = "this build reads no Parquet, compile with --features parquet".to_owned();
    Err(ReadError::Parquet { path: path.to_owned(), problem })
}

/// A matrix of rows that must be equally long; `wrong` makes an error of a row, from 1, and a problem.
fn table(
    rows: Vec<Vec<f64>>,
    wrong: impl Fn(u64, String) -> ReadError,
) -> Result<Array2<f64>, ReadError> {
    let width = rows.first().map_or(0, Vec::len);
    if let Some(place) = rows.iter().position(|row| row.len() != width) {
        let problem = format!("expected {width} numbers, got {}", rows[place].len());
        return Err(wrong(place as u64 + 1, problem));
    }
    let shape = (rows.len(), width);
    Array2::from_shape_vec(shape, rows.concat()).map_err(|error| wrong(0, error.to_string()))
}

/// A matrix `[samples, classes]`.
///
/// # Errors
/// [`ReadError`].
pub fn matrix(path: &Path) -> Result<Array2<f64>, ReadError> {
    let any = |array: ArrayD<f64>| -> Result<Array2<f64>, ReadError> {
        Ok(shaped::<_, Ix2>(&path.display().to_string(), array, &[None, None])?)
    };
    match source(path)? {
        Source::Npy(file) => any(npy::read(file)?),
        Source::SafeTensors(file, name) => any(tensor(&file, name.as_deref())?),
        Source::Csv(file) => table(csv_rows(&file)?, |line, problem| ReadError::Csv {
            path: file.clone(),
            line,
            problem,
        }),
        Source::Parquet(file) => table(parquet_rows(&file)?, |row, problem| ReadError::Parquet {
            path: file.clone(),
            problem: format!("row {row}: {problem}"),
        }),
    }
}

/// Labels, one a sample, counted from 0.
///
/// # Errors
/// [`ReadError`].
pub fn labels(path: &Path) -> Result<Vec<usize>, ReadError> {
    let one = |array: ArrayD<i64>| -> Result<Array1<i64>, ReadError> {
        Ok(shaped::<_, Ix1>(&path.display().to_string(), array, &[None])?)
    };
    let numbers: Vec<f64> = match source(path)? {
        Source::Npy(file) => one(npy::read(file)?)?.iter().map(|&label| label as f64).collect(),
        Source::SafeTensors(file, name) => {
            one(tensor(&file, name.as_deref())?)?.iter().map(|&label| label as f64).collect()
        }
        Source::Csv(file) => csv_rows(&file)?.concat(),
        Source::Parquet(file) => parquet_rows(&file)?.concat(),
    };
    let whole = |label: &f64| *label >= 0.0 && label.fract() == 0.0 && *label < 1e9;
    if let Some(index) = numbers.iter().position(|label| !whole(label)) {
        return Err(ReadError::Label { path: path.to_owned(), index, label: numbers[index] });
    }
    Ok(numbers.into_iter().map(|label| label as usize).collect())
}
