//! The rooms of the program `calibrate`: reading, measuring, fitting, the report.

mod page;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod report;

pub use read::{ReadError, labels, matrix};
pub use report::{MeasureError, Measured, Method, Numbers, Report, Told, measure};
