//! `.npy`: one array in numpy's own format, versions 1.0 to 3.0.
//!
//! Source: `numpy.lib.format`, "NPY format". Row- and column-major (“Fortran”) order and both byte
//! orders are read; row-major, little-endian files of version 1.0 are written.

use std::io::Write;
use std::path::Path;

use ndarray::{ArrayD, ArrayView, Dimension};

use super::file::{Contents, NewFile};
use super::{Dtype, Element, Info, Layout, checked_shape, decode, size_in_bytes};
use crate::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Magic, version, and the longer of the two header lengths.
pub(super) const PREAMBLE: usize = 12;
/// A header names one type and up to 64 lengths; a record type may list its fields. numpy itself
/// refuses headers from 10 000 bytes on unless told otherwise.
const MAX_HEADER: usize = 1 << 20;

/// Reads an array of numbers; a large file is mapped.
///
/// An array stored in Fortran order comes out with column-major strides.
///
/// # Errors
/// [`Error::File`]; for a damaged file [`Error::Magic`], [`Error::Version`], [`Error::Header`],
/// [`Error::TooLarge`], [`Error::Truncated`], [`Error::Trailing`]; [`Error::Dtype`] when the stored
/// type does not widen to `T`.
pub fn read<T: Element>(path: impl AsRef<Path>) -> Result<ArrayD<T>> {
    let path = path.as_ref();
    parse(&path.display().to_string(), Contents::open(path)?.as_ref())
}

/// Reads an array from bytes; `name` stands for the file in messages.
///
/// # Errors
/// As [`read`].
///
/// ```
/// use assay_array::{Error, io::npy};
/// let error = npy::parse::<f32>("upload", b"GIF89a").unwrap_err();
/// assert_eq!(error.to_string(), "upload: not .npy: it begins with [47, 49, 46, 38, 39, 61]");
/// ```
pub fn parse<T: Element>(name: &str, bytes: &[u8]) -> Result<ArrayD<T>> {
    let start = header_end(name, bytes, bytes.len())?;
    let header = Header::parse(name, &bytes[..start])?;
    header.decode(name, &bytes[start..])
}

/// What a file holds, from its header alone.
///
/// # Errors
/// As [`read`], but for what only the data shows.
pub fn info(path: impl AsRef<Path>) -> Result<Info> {
    let path = path.as_ref();
    let (contents, name) = (Contents::open(path)?, path.display().to_string());
    let bytes = contents.as_ref();
    let start = header_end(&name, bytes, bytes.len())?;
    let Header { dtype, shape, .. } = Header::parse(&name, &bytes[..start])?;
    Ok(Info { name: String::new(), dtype, shape })
}

/// Writes an array of any strides, in row-major order.
///
/// # Errors
/// [`Error::File`]; the target is then as before.
pub fn write<T: Element, D: Dimension>(
    path: impl AsRef<Path>,
    array: ArrayView<'_, T, D>,
) -> Result<()> {
    let path = path.as_ref();
    let mut file = NewFile::create(path)?;
    write_to(&mut file, &array).map_err(|source| Error::File {
        action: "write",
        path: path.to_path_buf(),
        source,
    })?;
    file.commit()
}

pub(super) fn write_to<T: Element, D: Dimension>(
    file: &mut impl Write,
    array: &ArrayView<'_, T, D>,
) -> std::io::Result<()> {
    let descr = match T::DTYPE {
        Dtype::Bool => "|b1",
        Dtype::U8 => "|u1",
        Dtype::I32 => "<i4",
        Dtype::I64 => "<i8",
        Dtype::F32 => "<f4",
        _ => "<f8",
    };
    let lengths: Vec<String> = array.shape().iter().map(ToString::to_string).collect();
    let comma = if lengths.len() == 1 { "," } else { "" };
    let shape = format!("({}{comma})", lengths.join(", "));
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Data begin at a multiple of 64 bytes; 64 axes of 20 digits fit a 16-bit length.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', length - 1 - header.len()));
    header.push('\n');
    let length = u16::try_from(length).map_err(std::io::Error::other)?;
    file.write_all(MAGIC)?;
    file.write_all(&[1, 0])?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    write_elements(file, array)
}

/// Elements in row-major order, little-endian.
fn write_elements<T: Element, D: Dimension>(
    file: &mut impl Write,
    array: &ArrayView<'_, T, D>,
) -> std::io::Result<()> {
    const CHUNK: usize = 1 << 16;
    let mut bytes = Vec::with_capacity(CHUNK);
    for &x in array {
        x.encode(&mut bytes);
        if bytes.len() >= CHUNK {
            file.write_all(&bytes)?;
            bytes.clear();
        }
    }
    file.write_all(&bytes)
}

/// Where the data begin, from the first [`PREAMBLE`] bytes (or fewer, if there are no more) of
/// `length` in all; not beyond the end.
pub(super) fn header_end(name: &str, bytes: &[u8], length: usize) -> Result<usize> {
    let file = || name.to_owned();
    let truncated = |needed: usize| Error::Truncated {
        file: file(),
        part: "header",
        needed: needed as u64,
        available: length as u64,
    };
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if magic != MAGIC {
        if MAGIC.starts_with(magic) {
            return Err(truncated(PREAMBLE));
        }
        return Err(Error::Magic { file: file(), format: ".npy", found: magic.to_vec() });
    }
    let end = match bytes.get(MAGIC.len()..) {
        Some([1, 0, a, b, ..]) => 10 + usize::from(u16::from_le_bytes([*a, *b])),
        Some([2 | 3, 0, a, b, c, d, ..]) => {
            12_usize.saturating_add(u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        Some([1..=3, 0, ..] | [1..=3] | []) | None => return Err(truncated(PREAMBLE)),
        Some(&[major, ref rest @ ..]) => {
            let minor = rest.first().copied().unwrap_or(0);
            return Err(Error::Version { file: file(), major, minor });
        }
    };
    if end > length {
        return Err(truncated(end));
    }
    if end > MAX_HEADER {
        let problem = format!("{end} bytes long, more than {MAX_HEADER}");
        return Err(Error::Header { file: file(), problem });
    }
    Ok(end)
}

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    layout: Layout,
}

impl Header {
    /// Parses the bytes up to [`header_end`].
    pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let start = if bytes.get(MAGIC.len()) == Some(&1) { 10 } else { PREAMBLE };
        let problem = |problem: String| Error::Header { file: name.to_owned(), problem };
        let text = std::str::from_utf8(bytes.get(start..).unwrap_or_default())
            .map_err(|error| problem(error.to_string()))?;
        let fields = Dict { rest: text }.parse().map_err(problem)?;
        let (dtype, big_endian) = dtype(fields.descr);
        let shape = checked_shape(name, &fields.shape)?;
        let layout = Layout { big_endian, by_columns: fields.fortran_order };
        Ok(Self { dtype, shape, layout })
    }

    /// Bytes of the data; `None` for a type that is not known.
    pub(super) fn data_size(&self) -> Option<usize> {
        size_in_bytes(&self.shape, &self.dtype)
    }

    /// Decodes the bytes after the header.
    pub(super) fn decode<T: Element>(&self, name: &str, bytes: &[u8]) -> Result<ArrayD<T>> {
        if let Some(needed) = self.data_size() {
            check_size(name, needed, bytes.len())?;
        }
        decode(name, &self.dtype, &self.shape, self.layout, bytes)
    }
}

/// The data end where the file does.
pub(super) fn check_size(name: &str, needed: usize, available: usize) -> Result<()> {
    let file = name.to_owned();
    let (needed, available) = (needed as u64, available as u64);
    match available.checked_sub(needed) {
        Some(0) => Ok(()),
        Some(extra) => Err(Error::Trailing { file, extra }),
        None => Err(Error::Truncated { file, part: "data", needed, available }),
    }
}

/// numpy's type string and whether it says big-endian.
fn dtype(descr: &str) -> (Dtype, bool) {
    let (order, kind) = match descr.strip_prefix(['<', '>', '|', '=']) {
        Some(kind) => (descr.as_bytes()[0], kind),
        None => (b'|', descr),
    };
    let dtype = match kind {
        "b1" | "?" => Dtype::Bool,
        "u1" => Dtype::U8,
        "i1" => Dtype::I8,
        "u2" => Dtype::U16,
        "i2" => Dtype::I16,
        "u4" => Dtype::U32,
        "i4" => Dtype::I32,
        "u8" => Dtype::U64,
        "i8" => Dtype::I64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => return (Dtype::Other(descr.to_owned()), false),
    };
    // `=` means the writer's order, which the file does not tell.
    let unknown_order = order == b'=' || order == b'|' && dtype.size() != Some(1);
    if unknown_order {
        return (Dtype::Other(descr.to_owned()), false);
    }
    (dtype, order == b'>')
}

struct Fields<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// The header's text: the literal of a Python dictionary with the keys `descr`, `fortran_order` and
/// `shape`, and nothing else. Written by hand because it is so little, and because parsers of all
/// Python literals recurse, which a hostile file can drive to any depth.
struct Dict<'a> {
    rest: &'a str,
}

impl<'a> Dict<'a> {
    fn parse(mut self) -> Result<Fields<'a>, String> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.accept('}') {
            let key = self.string()?;
            self.expect(':')?;
            let fresh = match key {
                "descr" => descr.replace(self.descr()?).is_none(),
                "fortran_order" => fortran_order.replace(self.boolean()?).is_none(),
                "shape" => shape.replace(self.tuple()?).is_none(),
                _ => return Err(format!("unexpected key `{}`", clip(key))),
            };
            if !fresh {
                return Err(format!("the key `{key}` comes twice"));
            }
            if !self.accept(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.rest.trim().is_empty() {
            return Err(format!("expected the end after `}}`, got `{}`", clip(self.rest)));
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => {
                Ok(Fields { descr, fortran_order, shape })
            }
            _ => Err("expected the keys `descr`, `fortran_order` and `shape`".to_owned()),
        }
    }

    fn accept(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: char) -> Result<(), String> {
        if self.accept(token) {
            return Ok(());
        }
        Err(format!("expected `{token}`, got `{}`", clip(self.rest)))
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.accept('\'') { '\'' } else { '"' };
        if quote == '"' {
            self.expect(quote)?;
        }
        let (text, rest) = self.rest.split_once(quote).ok_or("a string does not end")?;
        self.rest = rest;
        Ok(text)
    }

    /// A type string, or the list of a record's fields, of which only the extent matters.
    fn descr(&mut self) -> Result<&'a str, String> {
        self.rest = self.rest.trim_start();
        if !self.rest.starts_with('[') {
            return self.string();
        }
        let mut depth = 0_usize;
        let mut quote = None;
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '[' | '(') => depth += 1,
                (None, ']' | ')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let (list, rest) = self.rest.split_at(at + 1);
                self.rest = rest;
                return Ok(list);
            }
        }
        Err("a list does not end".to_owned())
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(format!("expected `True` or `False`, got `{}`", clip(self.rest)))
    }

    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        let mut lengths = Vec::new();
        self.expect('(')?;
        while !self.accept(')') {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            let length =
                digits.parse().map_err(|_| format!("`{}` is not a length", clip(self.rest)))?;
            lengths.push(length);
            // Python 2 marked long integers.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(lengths)
    }
}

/// The beginning of a text that may be long.
fn clip(text: &str) -> String {
    text.chars().take(24).collect()
}
