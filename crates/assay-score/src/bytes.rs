//! The stored form of accumulators: a header, then little-endian numbers.
//!
//! | bytes | what |
//! |---|---|
//! | 5 | the magic `ASSAY` |
//! | 8 | the [`Kind`], such as `moments` with a zero byte after it |
//! | 2 | the version of that kind's layout |
//! | rest | the state: `u64` and IEEE 754 `f64`; a list is its length as `u64`, then its items |
//!
//! [`Writer`] and [`Reader`] serve every implementer of [`Mergeable`](crate::Mergeable), in this
//! crate and elsewhere.

use std::fmt::Display;

use crate::{Error, Result};

/// The name of an accumulator's layout, padded with zero bytes.
pub type Kind = [u8; 8];

const MAGIC: &[u8; 5] = b"ASSAY";
/// Every item of a list takes eight bytes.
const ITEM: usize = 8;

/// Writes a stored form; see [`Mergeable`](crate::Mergeable) for an example.
#[derive(Debug, Clone)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Starts with the header.
    #[must_use]
    pub fn new(kind: Kind, version: u16) -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(kind);
        bytes.extend(version.to_le_bytes());
        Self(bytes)
    }

    /// Appends a whole number.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Appends a floating-point number, bit for bit.
    #[must_use]
    pub fn f64(self, value: f64) -> Self {
        self.u64(value.to_bits())
    }

    /// Appends a list of whole numbers with its length.
    #[must_use]
    pub fn u64s(self, values: &[u64]) -> Self {
        values.iter().fold(self.u64(values.len() as u64), |writer, &value| writer.u64(value))
    }

    /// Appends a list of floating-point numbers with its length.
    #[must_use]
    pub fn f64s(self, values: &[f64]) -> Self {
        values.iter().fold(self.u64(values.len() as u64), |writer, &value| writer.f64(value))
    }

    /// Appends another stored form, with its length: an accumulator made of accumulators.
    #[must_use]
    pub fn nested(self, stored: &[u8]) -> Self {
        let mut writer = self.u64(stored.len() as u64);
        writer.0.extend(stored);
        writer
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a stored form and trusts nothing in it.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    kind: Kind,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks the header.
    ///
    /// # Errors
    /// [`Error::Bytes`] when the magic, the kind or the version is not the one expected.
    pub fn new(bytes: &'a [u8], kind: Kind, version: u16) -> Result<Self> {
        let mut reader = Self { kind, rest: bytes };
        let magic = reader.array::<5>("the magic ASSAY")?;
        if &magic != MAGIC {
            return Err(reader.invalid("the magic ASSAY", show(&magic)));
        }
        let found = reader.array::<8>("a kind")?;
        if found != kind {
            return Err(reader.invalid("bytes of that kind", show(&found)));
        }
        let found = u16::from_le_bytes(reader.array("a version")?);
        if found != version {
            return Err(reader.invalid("a version that this release reads", found));
        }
        Ok(reader)
    }

    /// The next whole number.
    ///
    /// # Errors
    /// [`Error::Bytes`] when the bytes end before it.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array("8 bytes of a whole number")?))
    }

    /// The next floating-point number, which may be any, NaN included.
    ///
    /// # Errors
    /// [`Error::Bytes`] when the bytes end before it.
    pub fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array("8 bytes of a floating-point number")?))
    }

    /// The next list of whole numbers.
    ///
    /// # Errors
    /// [`Error::Bytes`] when the list is longer than the bytes left, before anything is allocated.
    pub fn u64s(&mut self) -> Result<Vec<u64>> {
        Ok(self.list()?.map(u64::from_le_bytes).collect())
    }

    /// The next list of floating-point numbers.
    ///
    /// # Errors
    /// [`Error::Bytes`] when the list is longer than the bytes left, before anything is allocated.
    pub fn f64s(&mut self) -> Result<Vec<f64>> {
        Ok(self.list()?.map(f64::from_le_bytes).collect())
    }

    /// The next nested stored form.
    ///
    /// # Errors
    /// [`Error::Bytes`] when it is longer than the bytes left.
    pub fn nested(&mut self) -> Result<&'a [u8]> {
        let (length, available) = (self.u64()?, self.rest.len());
        let Some(length) = usize::try_from(length).ok().filter(|&length| length <= available)
        else {
            return Err(self.invalid(
                "a nested form no longer than the bytes left",
                format_args!("{length} bytes with {available} left"),
            ));
        };
        let (nested, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(nested)
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`Error::Bytes`] with the number of bytes left over.
    pub fn finish(self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.invalid("the end", format_args!("{left} more bytes"))),
        }
    }

    /// The error for a state that no counting leads to.
    pub fn invalid(&self, expected: &'static str, got: impl Display) -> Error {
        Error::Bytes { kind: show(&self.kind), expected, got: got.to_string() }
    }

    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N]> {
        match self.rest.split_first_chunk() {
            Some((&array, rest)) => {
                self.rest = rest;
                Ok(array)
            }
            None => {
                Err(self.invalid(expected, format_args!("the end after {} bytes", self.rest.len())))
            }
        }
    }

    fn list(&mut self) -> Result<impl Iterator<Item = [u8; ITEM]> + 'a> {
        let length = self.u64()?;
        let available = self.rest.len() / ITEM;
        let Some(length) = usize::try_from(length).ok().filter(|&length| length <= available)
        else {
            return Err(self.invalid(
                "a list no longer than the bytes left",
                format_args!("{length} items with room for {available}"),
            ));
        };
        let (items, rest) = self.rest.split_at(length * ITEM);
        self.rest = rest;
        Ok(items.as_chunks().0.iter().copied())
    }
}

/// The text of a kind, without its padding and with anything unprintable escaped.
fn show(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes[..end].escape_ascii().to_string()
}
