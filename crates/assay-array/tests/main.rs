//! Tests of `assay-array`.
