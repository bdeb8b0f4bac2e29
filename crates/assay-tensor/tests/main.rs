//! Tests of `assay-tensor`.
