use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::mmap::{self, Mmap};
use crate::{Error, Result};

/// Files from this size on are mapped: below, reading is as fast and does without the map's rules.
const MAP_FROM: u64 = 1 << 20;

/// A file's contents, shared and read-only.
#[derive(Debug, Clone)]
pub(super) enum Contents {
    Memory(Arc<Vec<u8>>),
    Mapped(Arc<Mmap>),
}

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

impl Contents {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let error = |action| move |source| Error::File { action, path: path.to_path_buf(), source };
        let file = File::open(path).map_err(error("read"))?;
        let metadata = file.metadata().map_err(error("read"))?;
        if !metadata.is_file() {
            // A pipe or device may never end.
            let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(error("read")(source));
        }
        if metadata.len() >= MAP_FROM {
            let map = mmap::map(&file).map_err(error("map"))?;
            return Ok(Self::Mapped(Arc::new(map)));
        }
        let mut bytes = Vec::new();
        file.take(MAP_FROM).read_to_end(&mut bytes).map_err(error("read"))?;
        Ok(Self::Memory(Arc::new(bytes)))
    }
}

/// The bytes of a file of any format, read-only and cheap to clone: mapped if the file is large (see the
/// [module](super) for what that asks of other programs), read otherwise.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("words.txt");
/// std::fs::write(&path, "tea")?;
/// assert_eq!(*assay_array::io::FileBytes::open(&path)?, *b"tea");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileBytes(Contents);

impl FileBytes {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::File`] when the system refuses, or for what is no regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Contents::open(path.as_ref()).map(Self)
    }
}

impl std::ops::Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

/// A file under construction: it takes its place in [`NewFile::commit`], or vanishes when dropped.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    temporary: BufWriter<NamedTempFile>,
}

impl NewFile {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".assay-");
        // Temporary files are for their owner alone; this one becomes an ordinary file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary = builder.tempfile_in(folder).map_err(|source| Error::File {
            action: "write",
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Self { path: path.to_path_buf(), temporary: BufWriter::new(temporary) })
    }

    pub(super) fn commit(mut self) -> Result<()> {
        let result = self.temporary.flush().and_then(|()| {
            let temporary = self.temporary.into_inner().map_err(io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&self.path).map(drop).map_err(|error| error.error)
        });
        result.map_err(|source| Error::File { action: "write", path: self.path, source })
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

impl io::Seek for NewFile {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.temporary.seek(position)
    }
}
