//! `.npz`: named arrays, each an `.npy` file in a zip archive, stored or deflated.
//!
//! ```
//! use assay_array::io::npz::{Compression, Npz, Writer};
//! use assay_array::ndarray::array;
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("data.npz");
//! let mut writer = Writer::create(&path, Compression::Deflated)?;
//! writer.add("x", array![[0.5_f32, 1.5]].view())?;
//! writer.add("y", array![3_i64].view())?;
//! writer.finish()?;
//! let npz = Npz::open(&path)?;
//! assert_eq!(npz.infos()[0].shape, [1, 2]);
//! assert_eq!(npz.read::<i64>("y")?, array![3].into_dyn());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{ArrayD, ArrayView, Dimension};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::file::{Contents, NewFile};
use super::npy::{self, Header};
use super::{Element, Info, inside};
use crate::{Error, Result};

/// Deflate turns one byte into 1032 at most (RFC 1951: 258 bytes for a two-bit length and distance).
const MAX_INFLATION: u64 = 1032;

/// An archive that is open for reading: names, types and shapes are known, data are not yet read.
///
/// Members whose names do not end in `.npy` are passed over.
#[derive(Debug, Clone)]
pub struct Npz {
    file: String,
    archive: ZipArchive<Cursor<Contents>>,
    /// Bytes of the archive.
    size: u64,
    infos: Vec<Info>,
}

impl Npz {
    /// Opens a file; a large one is mapped.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Archive`] for what is not a zip archive or is encrypted; for the
    /// header of a member that cannot be read, the errors of [`npy::read`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::new(path.display().to_string(), Contents::open(path)?)
    }

    /// Opens an archive in memory; `name` stands for the file in messages.
    ///
    /// # Errors
    /// As [`Npz::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self> {
        Self::new(name.to_owned(), Contents::Memory(Arc::new(bytes)))
    }

    fn new(file: String, contents: Contents) -> Result<Self> {
        let size = contents.as_ref().len() as u64;
        let archive = ZipArchive::new(Cursor::new(contents)).map_err(|e| zip_error(&file, &e))?;
        let mut npz = Self { file, archive, size, infos: Vec::new() };
        let members: Vec<String> = npz.archive.file_names().map(str::to_owned).collect();
        for member in members {
            let Some(name) = member.strip_suffix(".npy") else { continue };
            let (Header { dtype, shape, .. }, _) = npz.header_and_data(name, false)?;
            npz.infos.push(Info { name: name.to_owned(), dtype, shape });
        }
        npz.infos.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(npz)
    }

    /// The arrays, sorted by name.
    pub fn infos(&self) -> &[Info] {
        &self.infos
    }

    /// Reads one array.
    ///
    /// # Errors
    /// [`Error::Missing`]; [`Error::Archive`] for a damaged member; those of [`npy::read`].
    pub fn read<T: Element>(&self, name: &str) -> Result<ArrayD<T>> {
        if self.infos.iter().all(|info| info.name != name) {
            return Err(Error::Missing {
                file: self.file.clone(),
                name: name.to_owned(),
                available: self.infos.iter().map(|info| info.name.clone()).collect(),
            });
        }
        let (header, data) = self.header_and_data(name, true)?;
        header.decode(&inside(&self.file, name), &data)
    }

    fn header_and_data(&self, name: &str, with_data: bool) -> Result<(Header, Vec<u8>)> {
        let label = inside(&self.file, name);
        let mut archive = self.archive.clone();
        let member = archive.by_name(&format!("{name}.npy")).map_err(|e| zip_error(&label, &e))?;
        let (packed, size) = (member.compressed_size(), member.size());
        let possible = match member.compression() {
            CompressionMethod::Stored => packed,
            _ => packed.saturating_mul(MAX_INFLATION),
        };
        if packed > self.size || size > possible {
            let problem = format!(
                "declares {size} bytes in {packed} compressed, of an archive of {}",
                self.size
            );
            return Err(Error::Archive { file: label, problem });
        }
        let size = usize::try_from(size)
            .map_err(|_| Error::TooLarge { array: label.clone(), shape: vec![size] })?;
        let mut reader = Member { reader: member, label: &label };
        let mut header = reader.up_to(npy::PREAMBLE.min(size))?;
        let end = npy::header_end(&label, &header, size)?;
        header.extend(reader.up_to(end.saturating_sub(header.len()))?);
        // A header can be shorter than the longest preamble.
        let mut data = header.split_off(end.min(header.len()));
        let header = Header::parse(&label, &header)?;
        if let Some(needed) = header.data_size() {
            npy::check_size(&label, needed, size - end)?;
            if with_data {
                data.extend(reader.up_to(needed - data.len())?);
                reader.finish()?;
            }
        }
        Ok((header, data))
    }
}

/// A member being inflated.
struct Member<'a, R> {
    reader: R,
    label: &'a str,
}

impl<R: Read> Member<'_, R> {
    /// Exactly that many bytes. Memory grows with what really comes out of the archive.
    fn up_to(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(count as u64).read_to_end(&mut bytes);
        read.map_err(|error| self.damaged(error.to_string()))?;
        if bytes.len() < count {
            let (needed, available) = (count as u64, bytes.len() as u64);
            let file = self.label.to_owned();
            return Err(Error::Truncated { file, part: "data", needed, available });
        }
        Ok(bytes)
    }

    /// Reads the end, where the checksum is compared.
    fn finish(&mut self) -> Result<()> {
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged("goes on after its declared size".to_owned())),
            Err(error) => Err(self.damaged(error.to_string())),
        }
    }

    fn damaged(&self, problem: String) -> Error {
        Error::Archive { file: self.label.to_owned(), problem }
    }
}

fn zip_error(file: &str, error: &ZipError) -> Error {
    Error::Archive { file: file.to_owned(), problem: error.to_string() }
}

/// How members are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As they are, like `numpy.savez`.
    #[default]
    Stored,
    /// Deflated, like `numpy.savez_compressed`.
    Deflated,
}

/// An archive being written; it appears at its path in [`Writer::finish`], or not at all.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    zip: ZipWriter<NewFile>,
    options: SimpleFileOptions,
    names: BTreeSet<String>,
}

impl Writer {
    /// Begins a file.
    ///
    /// # Errors
    /// [`Error::File`] when nothing can be written in the target's folder.
    pub fn create(path: impl AsRef<Path>, compression: Compression) -> Result<Self> {
        let path = path.as_ref();
        let method = match compression {
            Compression::Stored => CompressionMethod::Stored,
            Compression::Deflated => CompressionMethod::Deflated,
        };
        Ok(Self {
            path: path.to_path_buf(),
            zip: ZipWriter::new(NewFile::create(path)?),
            // The same arrays give the same bytes; sizes of 4 GiB and more need the larger fields.
            options: SimpleFileOptions::default()
                .compression_method(method)
                .last_modified_time(zip::DateTime::default())
                .large_file(true),
            names: BTreeSet::new(),
        })
    }

    /// Adds an array of any strides.
    ///
    /// # Errors
    /// [`Error::Name`] for a name that was used before; [`Error::File`].
    pub fn add<T: Element, D: Dimension>(
        &mut self,
        name: &str,
        array: ArrayView<'_, T, D>,
    ) -> Result<()> {
        if !self.names.insert(name.to_owned()) {
            let problem = "the name was used before";
            return Err(Error::Name { name: name.to_owned(), problem });
        }
        self.zip
            .start_file(format!("{name}.npy"), self.options)
            .map_err(std::io::Error::from)
            .and_then(|()| npy::write_to(&mut self.zip, &array))
            .map_err(|source| write_error(&self.path, source))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::File`]; the target is then as before.
    pub fn finish(self) -> Result<()> {
        let path = self.path;
        self.zip.finish().map_err(|error| write_error(&path, error.into()))?.commit()
    }
}

fn write_error(path: &Path, source: std::io::Error) -> Error {
    Error::File { action: "write", path: path.to_path_buf(), source }
}
