//! MNIST from its four `idx` files, compressed or not.
//!
//! The `idx` format: two zero bytes, a type (`8` = unsigned bytes), the number of dimensions, each
//! dimension as a big-endian `u32`, then the values. Nothing is allocated from a header before it has
//! been compared with what an MNIST file may say.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

/// Rows and columns of an image.
pub const SIDE: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Digits.
pub const CLASSES: usize = 10;

/// The images and labels of one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

/// Both splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mnist {
    /// The images to learn from.
    pub train: Split,
    /// The images to be judged on.
    pub test: Split,
}

/// Why a data file cannot be used, and how to get one that can.
#[derive(Debug, Error)]
#[error(
    "cannot use {}: {fault}\n\
     get it back with `git checkout -- examples/data/mnist`, or name a folder with the four MNIST idx \
     files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, \
     t10k-labels-idx1-ubyte; plain or .gz) with `--data DIR`",
    path.display()
)]
pub struct DataError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with an `idx` file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Neither the file nor its compressed form exists.
    #[error("the file does not exist, nor does it with .gz")]
    Missing,
    /// The system cannot read it.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// The compressed stream is damaged.
    #[error("its gzip stream is damaged: {0}")]
    Gzip(#[source] std::io::Error),
    /// The file ends within its header or its values.
    #[error("it ends too early: expected {expected} bytes after decompression, got {got}")]
    Truncated {
        /// Bytes that the header asks for, header included.
        expected: usize,
        /// Bytes that there are.
        got: usize,
    },
    /// The first four bytes are not those of this kind of file.
    #[error(
        "it is not such an idx file: expected the magic number {expected:#010x}, got {got:#010x}"
    )]
    Magic {
        /// The magic number of the kind.
        expected: u32,
        /// The one in the file.
        got: u32,
    },
    /// The header's dimensions are not MNIST's.
    #[error("its dimensions are wrong: expected {expected}, got {got:?}")]
    Dimensions {
        /// What MNIST has.
        expected: &'static str,
        /// What the header says.
        got: Vec<u32>,
    },
    /// There is more after the values.
    #[error("it goes on after its {expected} bytes")]
    TooLong {
        /// Bytes that the header asks for, header included.
        expected: usize,
    },
    /// A label is no digit.
    #[error("label {index} is {label}, which is no digit")]
    Label {
        /// Where.
        index: usize,
        /// What it says.
        label: u8,
    },
    /// Images and labels do not pair up.
    #[error("it has {labels} labels for {images} images")]
    Unpaired {
        /// Labels in this file.
        labels: usize,
        /// Images in the file that it belongs to.
        images: usize,
    },
}

/// A split has at most this many images; MNIST's largest has 60,000. It bounds what a damaged header
/// can make us allocate (78 MB).
const MAX_IMAGES: u32 = 100_000;
const IMAGES_MAGIC: u32 = 0x0803;
const LABELS_MAGIC: u32 = 0x0801;

impl Mnist {
    /// Reads the four files in `dir`.
    ///
    /// # Errors
    /// The first file that is missing or damaged.
    pub fn load(dir: &Path) -> Result<Self, DataError> {
        let split = |prefix: &str| {
            Split::load(
                &dir.join(format!("{prefix}-images-idx3-ubyte")),
                &dir.join(format!("{prefix}-labels-idx1-ubyte")),
            )
        };
        Ok(Self { train: split("train")?, test: split("t10k")? })
    }
}

impl Split {
    /// Reads images and labels; each path may have `.gz` after it.
    ///
    /// # Errors
    /// When one is missing or damaged, or when they do not pair up.
    pub fn load(images: &Path, labels: &Path) -> Result<Self, DataError> {
        let (_, pixels) = read_idx(images, IMAGES_MAGIC)?;
        let (labels_path, labels) = read_idx(labels, LABELS_MAGIC)?;
        let fault = match labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            Some(index) => Fault::Label { index, label: labels[index] },
            None if labels.len() * PIXELS != pixels.len() => {
                Fault::Unpaired { labels: labels.len(), images: pixels.len() / PIXELS }
            }
            None => return Ok(Self { pixels, labels }),
        };
        Err(DataError { path: labels_path, fault })
    }

    /// A split of the given pixels and labels; `None` unless there are [`PIXELS`] pixels for each label
    /// and all labels are digits.
    pub fn from_parts(pixels: Vec<u8>, labels: Vec<u8>) -> Option<Self> {
        let fits = labels.len().checked_mul(PIXELS) == Some(pixels.len());
        (fits && labels.iter().all(|&label| usize::from(label) < CLASSES))
            .then_some(Self { pixels, labels })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of an image row by row, 0 is background.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * PIXELS..(index + 1) * PIXELS]
    }

    /// The digit that an image shows.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn label(&self, index: usize) -> usize {
        usize::from(self.labels[index])
    }

    /// The digits in order.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.labels.iter().map(|&label| usize::from(label))
    }
}

/// The path that was read and the values after the header.
fn read_idx(path: &Path, magic: u32) -> Result<(PathBuf, Vec<u8>), DataError> {
    let zipped = PathBuf::from(format!("{}.gz", path.display()));
    let (path, gzip) = if zipped.exists() { (zipped, true) } else { (path.to_path_buf(), false) };
    let read = || {
        let file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::Missing,
            _ => Fault::Unreadable(error),
        })?;
        if gzip {
            read_values(MultiGzDecoder::new(file), magic, Fault::Gzip)
        } else {
            read_values(file, magic, Fault::Unreadable)
        }
    };
    match read() {
        Ok(values) => Ok((path, values)),
        Err(fault) => Err(DataError { path, fault }),
    }
}

fn read_values(
    mut source: impl Read,
    magic: u32,
    io_fault: fn(std::io::Error) -> Fault,
) -> Result<Vec<u8>, Fault> {
    let header = if magic == IMAGES_MAGIC { 16 } else { 8 };
    // An empty or cut gzip file fails in the decoder as an unexpected end.
    let mut take = |wanted: usize, before: usize| {
        let mut bytes = Vec::new();
        match source.by_ref().take(wanted as u64).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() == wanted => Ok(bytes),
            Ok(_) => Err(Fault::Truncated { expected: before + wanted, got: before + bytes.len() }),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(Fault::Truncated { expected: before + wanted, got: before + bytes.len() })
            }
            Err(error) => Err(io_fault(error)),
        }
    };
    let head = take(header, 0)?;
    let mut words = head
        .chunks_exact(4)
        .map(|word| word.iter().fold(0_u32, |value, &byte| value << 8 | u32::from(byte)));
    let got = words.next().unwrap_or_default();
    if got != magic {
        return Err(Fault::Magic { expected: magic, got });
    }
    let dims: Vec<u32> = words.collect();
    let (side, expected) = (SIDE as u32, "at most 100000 images of 28 by 28");
    let values = match dims[..] {
        [count, rows, columns] if rows == side && columns == side && count <= MAX_IMAGES => {
            count as usize * PIXELS
        }
        [count] if count <= MAX_IMAGES => count as usize,
        [_] => return Err(Fault::Dimensions { expected: "at most 100000 labels", got: dims }),
        _ => return Err(Fault::Dimensions { expected, got: dims }),
    };
    let bytes = take(values, header)?;
    // Reading past the values also makes the decoder compare the checksum at the end.
    let mut rest = Vec::new();
    match source.take(1).read_to_end(&mut rest) {
        Ok(0) => Ok(bytes),
        Ok(_) => Err(Fault::TooLong { expected: header + values }),
        Err(error) => Err(io_fault(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn header(magic: u32, dims: &[u32]) -> Vec<u8> {
        std::iter::once(&magic).chain(dims).flat_map(|word| word.to_be_bytes()).collect()
    }

    fn images(count: usize) -> Vec<u8> {
        let mut bytes = header(IMAGES_MAGIC, &[count as u32, 28, 28]);
        bytes.extend((0..count * PIXELS).map(|i| (i % 251) as u8));
        bytes
    }

    fn labels(values: &[u8]) -> Vec<u8> {
        let mut bytes = header(LABELS_MAGIC, &[values.len() as u32]);
        bytes.extend(values);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Loads a split from the two files' bytes.
    fn load(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<Split, DataError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(format!("images{}", images.0)), images.1).unwrap();
        std::fs::write(dir.path().join(format!("labels{}", labels.0)), labels.1).unwrap();
        Split::load(&dir.path().join("images"), &dir.path().join("labels"))
    }

    #[test]
    fn plain_and_compressed_files_are_the_same() {
        let plain = load(("", &images(2)), ("", &labels(&[3, 9]))).unwrap();
        let zipped = load((".gz", &gzip(&images(2))), (".gz", &gzip(&labels(&[3, 9])))).unwrap();
        assert_eq!(plain, zipped);
        assert_eq!((plain.len(), plain.label(0), plain.label(1)), (2, 3, 9));
        assert_eq!(plain.image(1)[0], (PIXELS % 251) as u8);
    }

    #[test]
    fn each_fault_names_itself() {
        let good = labels(&[1, 2]);
        let fault = |bytes: &[u8]| load(("", bytes), ("", &good)).unwrap_err().fault;
        assert!(matches!(fault(&[]), Fault::Truncated { expected: 16, got: 0 }));
        let cut = &images(2)[..1000];
        assert!(matches!(fault(cut), Fault::Truncated { expected: 1584, got: 1000 }));
        assert!(matches!(fault(&good), Fault::Truncated { expected: 16, got: 10 }));
        let swapped = header(LABELS_MAGIC, &[2, 28, 28]);
        assert!(matches!(
            fault(&swapped),
            Fault::Magic { expected: IMAGES_MAGIC, got: LABELS_MAGIC }
        ));
        let mut long = images(2);
        long.push(0);
        assert!(matches!(fault(&long), Fault::TooLong { expected: 1584 }));
        assert!(matches!(fault(&images(3)), Fault::Unpaired { labels: 2, images: 3 }));
        // A header that asks for 4 GiB or more must not be believed.
        for dims in [[u32::MAX, 28, 28], [2, u32::MAX, u32::MAX], [2, 28, 27], [2, 0, 0]] {
            assert!(matches!(fault(&header(IMAGES_MAGIC, &dims)), Fault::Dimensions { .. }));
        }
        let wrong = load(("", &images(2)), ("", &labels(&[1, 10]))).unwrap_err();
        assert!(matches!(wrong.fault, Fault::Label { index: 1, label: 10 }));
        assert!(wrong.path.ends_with("labels"));
    }

    #[test]
    fn a_damaged_gzip_stream_is_an_error() {
        let whole = gzip(&images(2));
        let labels = labels(&[1, 2]);
        let fault = |bytes: &[u8]| load((".gz", bytes), ("", &labels)).unwrap_err().fault;
        assert!(matches!(fault(b"no gzip at all, but long enough"), Fault::Gzip(_)));
        assert!(matches!(fault(&whole[..whole.len() / 2]), Fault::Truncated { .. }));
        // The checksum at the end sees one changed byte that decompresses well.
        let mut flipped = whole.clone();
        let end = flipped.len();
        flipped[end - 6] ^= 1;
        assert!(matches!(fault(&flipped), Fault::Gzip(_)));
        // Cut within that checksum, the values are all there and still not to be trusted.
        assert!(matches!(fault(&whole[..end - 3]), Fault::Gzip(_)));
    }

    #[test]
    fn a_missing_file_says_how_to_get_it() {
        let error = Mnist::load(Path::new("no/such/folder")).unwrap_err();
        assert!(matches!(error.fault, Fault::Missing));
        let message = error.to_string();
        assert!(message.contains("train-images-idx3-ubyte"), "{message}");
        assert!(message.contains("git checkout"), "{message}");
    }

    #[test]
    fn the_committed_files_are_whole() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
        let mnist = Mnist::load(&dir).unwrap();
        assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
        let nines = mnist.test.labels().filter(|&label| label == 9).count();
        assert_eq!(nines, 1009);
    }
}
