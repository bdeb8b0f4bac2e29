//! CIFAR-10 from its binary version: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
//!
//! A record is the class in one byte, then 1,024 bytes each of red, green and blue, row by row.

use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::train::NotFinite;

/// Rows and columns of an image.
pub const SIDE: usize = 32;
/// Bytes of an image: three colours.
pub const BYTES: usize = 3 * SIDE * SIDE;
/// Classes.
pub const CLASSES: usize = 10;
/// A file of the data set has 10,000 records; larger ones are no such file.
const MAX_RECORDS: usize = 100_000;

/// The images and classes of some files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Images {
    bytes: Vec<u8>,
    classes: Vec<usize>,
}

/// Why a file cannot be used.
#[derive(Debug, Error)]
#[error(
    "cannot use {}: {fault}\n\
     name a folder with the binary version of CIFAR-10 (data_batch_1.bin to data_batch_5.bin and \
     test_batch.bin, from cifar-10-binary.tar.gz) with `--data DIR`",
    path.display()
)]
pub struct CifarError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system cannot read it.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// Its size is not a number of records.
    #[error("its {bytes} bytes are no whole number of records of {}, from 1 to {MAX_RECORDS}", BYTES + 1)]
    Size {
        /// Its size, as far as it was read.
        bytes: usize,
    },
    /// A class that does not exist.
    #[error("record {record} is of class {class}, there are {CLASSES}")]
    Class {
        /// Which record.
        record: usize,
        /// Its class.
        class: u8,
    },
}

/// Why a program that trains on CIFAR-10 ended.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // each variant is what it holds
pub enum CifarRunError {
    #[error(transparent)]
    Data(#[from] CifarError),
    #[error(transparent)]
    Device(#[from] assay_tensor::DeviceError),
    // Boxed: they are the largest by far.
    #[error(transparent)]
    Tensor(Box<assay_tensor::Error>),
    #[error(transparent)]
    Weak(Box<glws_nfa::Error>),
    #[error(transparent)]
    Robust(#[from] specformer_msvp::Error),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Write(#[from] assay_report::Error),
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
}

impl From<assay_tensor::Error> for CifarRunError {
    fn from(error: assay_tensor::Error) -> Self {
        Self::Tensor(Box::new(error))
    }
}

impl From<glws_nfa::Error> for CifarRunError {
    fn from(error: glws_nfa::Error) -> Self {
        Self::Weak(Box::new(error))
    }
}

impl Images {
    /// The training and the test files of a folder, at most so many images of each.
    ///
    /// # Errors
    /// The first file that is missing or damaged.
    pub fn both(folder: &Path, images: Option<usize>) -> Result<[Self; 2], CifarError> {
        let mut both = [Self::train(folder)?, Self::test(folder)?];
        if let Some(images) = images {
            for part in &mut both {
                part.truncate(images);
            }
        }
        Ok(both)
    }

    /// The five training files of a folder.
    ///
    /// # Errors
    /// The first file that is missing or damaged.
    pub fn train(folder: &Path) -> Result<Self, CifarError> {
        let mut all = Self::default();
        for number in 1..=5 {
            all.read(&folder.join(format!("data_batch_{number}.bin")))?;
        }
        Ok(all)
    }

    /// The test file of a folder.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn test(folder: &Path) -> Result<Self, CifarError> {
        let mut all = Self::default();
        all.read(&folder.join("test_batch.bin"))?;
        Ok(all)
    }

    fn read(&mut self, path: &Path) -> Result<(), CifarError> {
        let fault = |fault| CifarError { path: path.to_owned(), fault };
        let file = std::fs::File::open(path).map_err(|error| fault(Fault::Unreadable(error)))?;
        let mut bytes = Vec::new();
        // One byte more than allowed, to see that there is more.
        let limit = (MAX_RECORDS * (BYTES + 1) + 1) as u64;
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| fault(Fault::Unreadable(error)))?;
        let records = bytes.len() / (BYTES + 1);
        if records == 0 || records > MAX_RECORDS || !bytes.len().is_multiple_of(BYTES + 1) {
            return Err(fault(Fault::Size { bytes: bytes.len() }));
        }
        for (record, bytes) in bytes.chunks_exact(BYTES + 1).enumerate() {
            let class = bytes[0];
            if usize::from(class) >= CLASSES {
                return Err(fault(Fault::Class { record, class }));
            }
            self.classes.push(usize::from(class));
            self.bytes.extend_from_slice(&bytes[1..]);
        }
        Ok(())
    }

    /// Keeps the first `size` images.
    pub fn truncate(&mut self, size: usize) {
        self.classes.truncate(size);
        self.bytes.truncate(size.saturating_mul(BYTES));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The class of each.
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// An image, colour by colour and row by row.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.bytes[index * BYTES..(index + 1) * BYTES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, records: &[(u8, u8)], extra: usize) {
        let mut bytes: Vec<u8> = Vec::new();
        for &(class, pixel) in records {
            bytes.push(class);
            bytes.extend(std::iter::repeat_n(pixel, BYTES));
        }
        bytes.extend(std::iter::repeat_n(0, extra));
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    #[test]
    fn records_are_read_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for number in 1..=5_u8 {
            write(dir.path(), &format!("data_batch_{number}.bin"), &[(number, number), (0, 9)], 0);
        }
        let mut train = Images::train(dir.path()).unwrap();
        assert_eq!(train.classes(), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
        assert!(train.image(4).iter().all(|&byte| byte == 3));
        train.truncate(3);
        assert_eq!((train.len(), train.image(2)[0], train.is_empty()), (3, 2, false));
    }

    #[test]
    fn damaged_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = |what: &str| {
            let text = Images::test(dir.path()).unwrap_err().to_string();
            assert!(text.contains(what) && text.contains("test_batch.bin"), "{text}");
        };
        message("cannot be read");
        write(dir.path(), "test_batch.bin", &[(1, 1)], 7);
        message("3080 bytes");
        write(dir.path(), "test_batch.bin", &[], 0);
        message("0 bytes");
        write(dir.path(), "test_batch.bin", &[(1, 1), (10, 1)], 0);
        message("record 1 is of class 10");
    }
}
