//! `.safetensors`: named tensors behind a JSON header, as Hugging Face's libraries write them.
//!
//! A file is eight bytes with the header's length, the header, and the tensors' bytes, which the
//! header's offsets must cover without gaps or overlaps.
//!
//! ```
//! use assay_array::io::safetensors::{SafeTensors, Writer};
//! use assay_array::ndarray::array;
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("model.safetensors");
//! let mut writer = Writer::new();
//! writer.add("layer.0.weight", array![[1.0_f32, 2.0]].view())?;
//! writer.add("layer.0.bias", array![0.5_f32].view())?;
//! writer.write(&path)?;
//! let file = SafeTensors::open(&path)?;
//! let weights = file.select("layer.*.weight")?;
//! assert_eq!((weights[0].name.as_str(), &weights[0].shape[..]), ("layer.0.weight", &[1, 2][..]));
//! assert_eq!(file.read::<f64>("layer.0.bias")?, array![0.5].into_dyn());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayView, Dimension};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::file::{Contents, NewFile};
use super::{Dtype, Element, Info, Layout, checked_shape, decode, inside, pattern, size_in_bytes};
use crate::{Error, Result};

/// The length's own length.
const PREFIX: usize = 8;
/// The reference implementation refuses longer headers.
const MAX_HEADER: usize = 100_000_000;
const METADATA: &str = "__metadata__";

/// A file that is open for reading: names, types and shapes are known, data are not yet read.
#[derive(Debug, Clone)]
pub struct SafeTensors {
    file: String,
    contents: Contents,
    infos: Vec<Info>,
    ranges: BTreeMap<String, (usize, Range<usize>)>,
    metadata: BTreeMap<String, String>,
}

impl SafeTensors {
    /// Opens a file; a large one is mapped.
    ///
    /// # Errors
    /// [`Error::File`]; for a damaged file [`Error::Truncated`], [`Error::Header`],
    /// [`Error::TooLarge`], [`Error::Offsets`], [`Error::Trailing`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::new(path.display().to_string(), Contents::open(path)?)
    }

    /// Opens a file in memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`SafeTensors::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self> {
        Self::new(name.to_owned(), Contents::Memory(Arc::new(bytes)))
    }

    fn new(file: String, contents: Contents) -> Result<Self> {
        let bytes = contents.as_ref();
        let start = data_start(&file, bytes)?;
        let header: Header = serde_json::from_slice(&bytes[PREFIX..start])
            .map_err(|error| Error::Header { file: file.clone(), problem: error.to_string() })?;
        let mut tensors: Vec<_> = header.tensors.into_iter().collect();
        tensors.sort_by_key(|(_, entry)| entry.data_offsets);
        let available = bytes.len() - start;
        let mut end = 0;
        let (mut infos, mut ranges) = (Vec::new(), BTreeMap::new());
        for (name, entry) in tensors {
            let range = entry.range(&file, &name, end, available)?;
            end = range.end;
            let label = inside(&file, &name);
            let info = Info {
                shape: checked_shape(&label, &entry.shape)?,
                dtype: dtype(&entry.dtype),
                name: name.clone(),
            };
            let needed = size_in_bytes(&info.shape, &info.dtype);
            if needed.is_some_and(|needed| needed != range.len()) {
                let problem = format!("{} of shape {:?} fill other bytes", info.dtype, info.shape);
                return Err(entry.problem(&file, &name, problem));
            }
            ranges.insert(name, (infos.len(), start + range.start..start + range.end));
            infos.push(info);
        }
        if end != available {
            return Err(Error::Trailing { file, extra: (available - end) as u64 });
        }
        Ok(Self { file, contents, infos, ranges, metadata: header.metadata })
    }

    /// The tensors, in the order of their bytes.
    pub fn infos(&self) -> &[Info] {
        &self.infos
    }

    /// The strings that the writer put beside the tensors.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The tensors whose whole name matches a pattern: `*` stands for any characters, dots and
    /// slashes included, `?` for exactly one; every other character stands for itself.
    ///
    /// # Errors
    /// [`Error::NoMatch`] when there is none.
    pub fn select(&self, pattern: &str) -> Result<Vec<&Info>> {
        let selected: Vec<_> =
            self.infos.iter().filter(|info| pattern::matches(pattern, &info.name)).collect();
        if selected.is_empty() {
            let (file, pattern) = (self.file.clone(), pattern.to_owned());
            return Err(Error::NoMatch { file, pattern, available: self.names() });
        }
        Ok(selected)
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// [`Error::Missing`]; [`Error::Dtype`] when the stored type does not widen to `T`.
    pub fn read<T: Element>(&self, name: &str) -> Result<ArrayD<T>> {
        let (info, bytes) = self.bytes(name)?;
        let layout = Layout { big_endian: false, by_columns: false };
        decode(&inside(&self.file, name), &info.dtype, &info.shape, layout, bytes)
    }

    /// One tensor's bytes as they are stored: row-major, little-endian, not aligned.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn bytes(&self, name: &str) -> Result<(&Info, &[u8])> {
        let Some((index, range)) = self.ranges.get(name) else {
            let (file, name) = (self.file.clone(), name.to_owned());
            return Err(Error::Missing { file, name, available: self.names() });
        };
        Ok((&self.infos[*index], &self.contents.as_ref()[range.clone()]))
    }

    fn names(&self) -> Vec<String> {
        self.infos.iter().map(|info| info.name.clone()).collect()
    }
}

/// Where the header ends and the tensors begin.
fn data_start(file: &str, bytes: &[u8]) -> Result<usize> {
    let truncated = |needed| Error::Truncated {
        file: file.to_owned(),
        part: "header",
        needed,
        available: bytes.len() as u64,
    };
    let Some(length) = bytes.first_chunk::<PREFIX>() else {
        return Err(truncated(PREFIX as u64));
    };
    let length = u64::from_le_bytes(*length);
    let start = usize::try_from(length).ok().and_then(|length| length.checked_add(PREFIX));
    match start.filter(|&start| start <= bytes.len()) {
        None => Err(truncated(length.saturating_add(PREFIX as u64))),
        Some(start) if start > MAX_HEADER => {
            let problem = format!("{length} bytes long, more than {MAX_HEADER}");
            Err(Error::Header { file: file.to_owned(), problem })
        }
        Some(start) => Ok(start),
    }
}

fn dtype(name: &str) -> Dtype {
    match name {
        "BOOL" => Dtype::Bool,
        "U8" => Dtype::U8,
        "I8" => Dtype::I8,
        "U16" => Dtype::U16,
        "I16" => Dtype::I16,
        "U32" => Dtype::U32,
        "I32" => Dtype::I32,
        "U64" => Dtype::U64,
        "I64" => Dtype::I64,
        "F16" => Dtype::F16,
        "BF16" => Dtype::BF16,
        "F32" => Dtype::F32,
        "F64" => Dtype::F64,
        other => Dtype::Other(other.to_owned()),
    }
}

/// The header's account of one tensor.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl Entry {
    /// The tensor's bytes: they begin where those before end, and end within the file.
    fn range(
        &self,
        file: &str,
        name: &str,
        start: usize,
        available: usize,
    ) -> Result<Range<usize>> {
        let (from, to) = self.data_offsets;
        let end = usize::try_from(to).ok().filter(|&end| end <= available);
        if from != start as u64 {
            let problem = format!("expected to begin at {start}, where the tensor before ends");
            return Err(self.problem(file, name, problem));
        }
        match end {
            Some(end) if end >= start => Ok(start..end),
            Some(_) => Err(self.problem(file, name, "they run backwards".to_owned())),
            None => Err(self.problem(file, name, format!("the data end at {available}"))),
        }
    }

    fn problem(&self, file: &str, name: &str, problem: String) -> Error {
        let (file, tensor) = (file.to_owned(), name.to_owned());
        let (start, end) = self.data_offsets;
        Error::Offsets { file, tensor, start, end, problem }
    }
}

/// The header: an entry a tensor, and strings under a key of their own.
#[derive(Debug, Default)]
struct Header {
    tensors: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each tensor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut header = Header::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        header.metadata = map.next_value()?;
                    } else if header.tensors.insert(name, map.next_value()?).is_some() {
                        return Err(A::Error::custom("a tensor comes twice"));
                    }
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Collects tensors and writes them to a file, whole or not at all.
///
/// Tensors are encoded when they are added and written in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    tensors: BTreeMap<String, Tensor>,
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Tensor {
    dtype: &'static str,
    shape: Vec<u64>,
    bytes: Vec<u8>,
}

impl Writer {
    /// Begins without tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string beside the tensors, such as `("format", "pt")`; a key's last value counts.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a tensor of any strides.
    ///
    /// # Errors
    /// [`Error::Name`] for a name that was used before or that the format reserves.
    pub fn add<T: Element, D: Dimension>(
        &mut self,
        name: &str,
        array: ArrayView<'_, T, D>,
    ) -> Result<()> {
        let problem = match name {
            METADATA => Some("the format reserves the name"),
            name if self.tensors.contains_key(name) => Some("the name was used before"),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Error::Name { name: name.to_owned(), problem });
        }
        let dtype = match T::DTYPE {
            Dtype::Bool => "BOOL",
            Dtype::U8 => "U8",
            Dtype::I32 => "I32",
            Dtype::I64 => "I64",
            Dtype::F32 => "F32",
            _ => "F64",
        };
        let shape = array.shape().iter().map(|&n| n as u64).collect();
        let mut bytes = Vec::new();
        array.iter().for_each(|x| x.encode(&mut bytes));
        self.tensors.insert(name.to_owned(), Tensor { dtype, shape, bytes });
        Ok(())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`Error::File`]; the target is then as before.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut file = NewFile::create(path)?;
        self.write_to(&mut file).map_err(|source| Error::File {
            action: "write",
            path: path.to_path_buf(),
            source,
        })?;
        file.commit()
    }

    fn write_to(&self, file: &mut impl Write) -> std::io::Result<()> {
        let mut header = serde_json::Map::new();
        if !self.metadata.is_empty() {
            header.insert(METADATA.to_owned(), serde_json::to_value(&self.metadata)?);
        }
        let mut end = 0_u64;
        for (name, tensor) in &self.tensors {
            let start = end;
            end += tensor.bytes.len() as u64;
            let entry = Entry {
                dtype: tensor.dtype.to_owned(),
                shape: tensor.shape.clone(),
                data_offsets: (start, end),
            };
            header.insert(name.clone(), serde_json::to_value(entry)?);
        }
        let mut header = serde_json::to_vec(&header)?;
        // The data begin at a multiple of eight bytes, as the format recommends.
        header.resize(header.len().next_multiple_of(PREFIX), b' ');
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        self.tensors.values().try_for_each(|tensor| file.write_all(&tensor.bytes))
    }
}
