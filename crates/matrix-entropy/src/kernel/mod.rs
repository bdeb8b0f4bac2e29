//! Hot loops on slices and views, in `f32` and `f64`.

pub(crate) mod gram;
pub(crate) mod rows;
pub(crate) mod unbiased;
