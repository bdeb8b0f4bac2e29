use std::path::PathBuf;

/// What can go wrong here; every variant carries the shapes, names and values of the failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A square matrix was needed.
    #[error("{operation}: expected a square matrix, got [{rows}, {columns}]")]
    NotSquare {
        /// What was asked for.
        operation: &'static str,
        /// Rows of the matrix given.
        rows: usize,
        /// Columns of the matrix given.
        columns: usize,
    },
    /// Two matrices do not fit together.
    #[error("{operation}: {left:?} and {right:?} do not fit together")]
    Mismatch {
        /// What was asked for.
        operation: &'static str,
        /// Shape of the first operand.
        left: [usize; 2],
        /// Shape of the second operand.
        right: [usize; 2],
    },
    /// An input holds a NaN or an infinity.
    #[error("{operation}: expected finite numbers, got {value} at [{row}, {column}]")]
    NotFinite {
        /// What was asked for.
        operation: &'static str,
        /// Row of the first such number.
        row: usize,
        /// Column of the first such number.
        column: usize,
        /// The number.
        value: f64,
    },
    /// Finite inputs whose result lies outside the element type's range. Scale them, or use `f64`.
    #[error("{operation}: the result is outside the range of {element}")]
    Overflow {
        /// What was asked for.
        operation: &'static str,
        /// The element type.
        element: &'static str,
    },
    /// Cholesky's method met a pivot that is not positive.
    #[error(
        "cholesky: expected a positive definite matrix, got a pivot that is not positive at index \
         {pivot} of {size}"
    )]
    NotPositiveDefinite {
        /// Zero-based index of the pivot: the leading `pivot × pivot` minor is positive definite,
        /// the next one is not.
        pivot: usize,
        /// Rows of the matrix.
        size: usize,
    },
    /// An iterative decomposition did not converge.
    #[error("{operation}: no convergence on [{rows}, {columns}]")]
    NoConvergence {
        /// What was asked for.
        operation: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// The LAPACK library refused a call.
    #[error("{operation}: LAPACK failed: {problem}")]
    Lapack {
        /// What was asked for.
        operation: &'static str,
        /// LAPACK's words.
        problem: String,
    },

    /// The operating system refused; nothing was written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read`, `map` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The first bytes are not those of the format.
    #[error("{file}: not {format}: it begins with {found:02x?}")]
    Magic {
        /// The file, or the file and its member.
        file: String,
        /// The format expected.
        format: &'static str,
        /// The bytes found.
        found: Vec<u8>,
    },
    /// A version of the format that is not known here.
    #[error("{file}: expected .npy version 1.0, 2.0 or 3.0, got {major}.{minor}")]
    Version {
        /// The file, or the file and its member.
        file: String,
        /// The major version.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// The file ends before what it announces; it was cut or its header is hostile.
    #[error("{file}: {part} needs {needed} bytes, got {available}")]
    Truncated {
        /// The file, or the file and its member.
        file: String,
        /// What was being read: `header` or `data`.
        part: &'static str,
        /// Bytes announced.
        needed: u64,
        /// Bytes there.
        available: u64,
    },
    /// The file goes on after what it announces.
    #[error("{file}: expected the end after the data, got {extra} more bytes")]
    Trailing {
        /// The file, or the file and its member.
        file: String,
        /// Bytes too many.
        extra: u64,
    },
    /// A header that cannot be understood.
    #[error("{file}: bad header: {problem}")]
    Header {
        /// The file, or the file and its member.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A shape whose size does not fit in memory's address range.
    #[error("{array}: the size of the shape {shape:?} overflows")]
    TooLarge {
        /// The operation, or the file and its member or tensor.
        array: String,
        /// The shape.
        shape: Vec<u64>,
    },
    /// Safetensors offsets that overlap, leave a hole, run backwards or leave the file.
    #[error("{file}: tensor `{tensor}` has the offsets {start}..{end}: {problem}")]
    Offsets {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Where its bytes are said to begin.
        start: u64,
        /// Where its bytes are said to end.
        end: u64,
        /// What is wrong with them.
        problem: String,
    },
    /// An archive that cannot be read.
    #[error("{file}: bad archive: {problem}")]
    Archive {
        /// The file, or the file and its member.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file's numbers cannot be read as the type asked for without loss.
    #[error("{array}: expected {expected}, or what widens to it exactly, got {found}")]
    Dtype {
        /// The file, or the file and its member or tensor.
        array: String,
        /// The element type asked for.
        expected: &'static str,
        /// The element type stored.
        found: String,
    },
    /// An array has another shape than the caller needs.
    #[error("{array}: expected the shape {}, got {found:?}", pattern(expected))]
    Shape {
        /// The array's name.
        array: String,
        /// The lengths needed; `None` stands for any.
        expected: Vec<Option<usize>>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// No array of that name.
    #[error("{file}: no array named `{name}` among {}", first_few(available))]
    Missing {
        /// The file.
        file: String,
        /// The name asked for.
        name: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// A pattern that selects nothing.
    #[error("{file}: the pattern `{pattern}` matches none of {}", first_few(available))]
    NoMatch {
        /// The file.
        file: String,
        /// The pattern asked for.
        pattern: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// A name that cannot be written: used twice, or reserved by the format.
    #[error("cannot write an array named `{name}`: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

fn pattern(expected: &[Option<usize>]) -> String {
    let lengths: Vec<_> =
        expected.iter().map(|n| n.map_or("_".to_owned(), |n| n.to_string())).collect();
    format!("[{}]", lengths.join(", "))
}

/// Enough names to see a misspelling, few enough for one line.
fn first_few(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text =
        names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        text.push_str("no arrays");
    } else if names.len() > SHOWN {
        text = format!("{text} and {} more", names.len() - SHOWN);
    }
    text
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;
