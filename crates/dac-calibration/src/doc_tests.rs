//! The code in the README and the book's chapter is compiled and run with the doc tests.

#[doc = include_str!("../README.md")]
struct Readme;

#[doc = include_str!("../../../docs/src/dac-calibration.md")]
struct Chapter;
