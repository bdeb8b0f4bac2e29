//! Tests of `assay-tensor`.

mod backends;
mod convert;
mod devices;
mod files;
mod gradients;
