//! The book's chapter and the README, tested.

#[doc = include_str!("../README.md")]
struct Readme;

#[doc = include_str!("../../../docs/src/matrix-entropy.md")]
struct Chapter;
