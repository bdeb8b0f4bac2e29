//! Rooms that the tour and the stories share: data, a network, a training loop, the report.
#![forbid(unsafe_code)]

pub mod assignment;
pub mod bags;
pub mod kmeans;
pub mod lenet;
pub mod mnist;
pub mod progress;
pub mod report;
pub mod train;
