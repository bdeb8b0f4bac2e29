use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};
use ndarray::ArrayView2;

use super::cka::{hsic_unbiased, ratio};
use super::information::same_side;
use super::kernel::Kernel;
use crate::{Error, Result};

const KIND: Kind = *b"mbcka\0\0\0";
const VERSION: u16 = 1;
const OPERATION: &str = "mini-batch CKA";

/// CKA from mini-batches (Nguyen, Raghu and Kornblith 2021): the sums over batches of the unbiased
/// HSIC of `(x, y)`, `(x, x)` and `(y, y)`, divided once at the end. Unbiased whatever the size of the
/// batches, from four items on. Batches are the unit: the same items in other batches give another, as
/// good, estimate.
///
/// ```
/// use assay_score::Mergeable;
/// use matrix_entropy::pair::{Kernel, MiniBatchCka};
/// use ndarray::array;
/// let x = array![[1.0, 2.0], [0.0, 1.0], [-1.0, 0.5], [2.0, 2.0], [0.3, -1.0]];
/// let mut sums = MiniBatchCka::new(Kernel::Linear, Kernel::Linear);
/// sums.update(&[(x.view(), x.view())])?;
/// assert!((sums.finish()?.cka - 1.0).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MiniBatchCka {
    kernels: [Kernel; 2],
    batches: u64,
    rows: u64,
    cross: f64,
    own: [f64; 2],
}

/// What [`MiniBatchCka`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MiniBatchCkaReport {
    /// The ratio of the sums.
    pub cka: f64,
    /// Batches.
    pub batches: u64,
    /// Items in all of them.
    pub rows: u64,
    /// The sums of `HSIC(x, y)`, `HSIC(x, x)`, `HSIC(y, y)`.
    pub hsic: [f64; 3],
}

impl MiniBatchCka {
    /// Nothing counted yet; a kernel a side.
    pub fn new(x: Kernel, y: Kernel) -> Self {
        Self { kernels: [x, y], batches: 0, rows: 0, cross: 0.0, own: [0.0; 2] }
    }
}

impl Mergeable for MiniBatchCka {
    /// Mini-batches of both representations, rows being the same items.
    type Batch<'a> = &'a [(ArrayView2<'a, f64>, ArrayView2<'a, f64>)];
    type Report = MiniBatchCkaReport;
    type Error = Error;

    /// # Errors
    /// As [`hsic_unbiased`] and [`Kernel::matrix`].
    fn update(&mut self, batch: Self::Batch<'_>) -> Result<()> {
        let mut next = *self;
        for (x, y) in batch {
            same_side(OPERATION, x.nrows(), y.nrows())?;
            let (k, l) = (self.kernels[0].matrix(*x)?, self.kernels[1].matrix(*y)?);
            next.cross += hsic_unbiased(k.view(), l.view())?;
            next.own[0] += hsic_unbiased(k.view(), k.view())?;
            next.own[1] += hsic_unbiased(l.view(), l.view())?;
            next.batches += 1;
            next.rows = next.rows.saturating_add(x.nrows() as u64);
        }
        next.check()?;
        *self = next;
        Ok(())
    }

    /// # Errors
    /// [`Error::Incompatible`] for other kernels.
    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.kernels != other.kernels {
            return Err(Error::Incompatible {
                operation: OPERATION,
                what: "the kernels",
                left: format!("{:?}", self.kernels),
                right: format!("{:?}", other.kernels),
            });
        }
        let next = Self {
            kernels: self.kernels,
            batches: self.batches.saturating_add(other.batches),
            rows: self.rows.saturating_add(other.rows),
            cross: self.cross + other.cross,
            own: [self.own[0] + other.own[0], self.own[1] + other.own[1]],
        };
        next.check()?;
        *self = next;
        Ok(())
    }

    /// # Errors
    /// [`Error::TooFewRows`] for no batch; [`Error::Undefined`] where a side's own sum is not positive.
    fn finish(&self) -> Result<MiniBatchCkaReport> {
        if self.batches == 0 {
            return Err(Error::TooFewRows { operation: OPERATION, needed: 4, got: 0 });
        }
        Ok(MiniBatchCkaReport {
            cka: ratio(OPERATION, self.cross, self.own[0], self.own[1])?,
            batches: self.batches,
            rows: self.rows,
            hsic: [self.cross, self.own[0], self.own[1]],
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let kernels = self.kernels.iter().fold(Writer::new(KIND, VERSION), |writer, kernel| {
            let (code, parameter) = kernel.stored();
            writer.u64(code).f64(parameter)
        });
        kernels
            .u64(self.batches)
            .u64(self.rows)
            .f64(self.cross)
            .f64(self.own[0])
            .f64(self.own[1])
            .finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let mut kernel = || -> Result<Kernel> {
            let (code, parameter) = (reader.u64()?, reader.f64()?);
            Kernel::from_stored(code, parameter)
                .ok_or_else(|| reader.invalid("a kernel", code).into())
        };
        let kernels = [kernel()?, kernel()?];
        let (batches, rows) = (reader.u64()?, reader.u64()?);
        let (cross, own) = (reader.f64()?, [reader.f64()?, reader.f64()?]);
        let read = Self { kernels, batches, rows, cross, own };
        let empty = batches == 0 && (rows > 0 || [cross, own[0], own[1]] != [0.0; 3]);
        if empty || rows / 4 < batches || read.check().is_err() {
            return Err(reader.invalid("sums over batches", format_args!("{read:?}")).into());
        }
        reader.finish()?;
        Ok(read)
    }
}

impl MiniBatchCka {
    fn check(&self) -> Result<()> {
        /// Far from overflow, whatever is added.
        const LIMIT: f64 = 1e280;
        if [self.cross, self.own[0], self.own[1]].iter().all(|sum| sum.abs() <= LIMIT) {
            return Ok(());
        }
        Err(Error::Overflow { operation: OPERATION, element: "f64" })
    }
}
