//! What the programs of this package do, each started as its user starts it.
#![allow(clippy::unwrap_used)]

mod augment;
mod calibrate;
mod encoder;
mod layers;
mod one_setting;
mod refusals;
mod robust;
mod tour;
