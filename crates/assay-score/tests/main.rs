//! Tests of `assay-score`.
