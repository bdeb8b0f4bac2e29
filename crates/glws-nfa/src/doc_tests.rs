//! The README's and the book's examples, compiled and run as doc tests.

#[doc = include_str!("../README.md")]
struct Readme;

#[doc = include_str!("../../../docs/src/glws-nfa.md")]
struct Chapter;

#[doc = include_str!("../../../docs/src/glws-nfa-settings.md")]
struct Settings;

#[doc = include_str!("../../../docs/src/glws-nfa-published.md")]
struct Published;
