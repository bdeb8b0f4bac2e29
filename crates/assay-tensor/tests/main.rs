//! Tests of `assay-tensor`.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
#![allow(clippy::needless_pass_by_value)] // ndarray views are passed by value

mod backends;
mod convert;
mod devices;
mod files;
mod gradients;
