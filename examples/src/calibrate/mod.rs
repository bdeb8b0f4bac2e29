//! The rooms of the program `calibrate`: reading, measuring, fitting, the report.

mod page;
mod read;
mod report;

pub use read::{ReadError, labels, matrix};
pub use report::{MeasureError, Measured, Method, Numbers, Report, Told, measure};
