//! Tests of `glws-nfa`.
