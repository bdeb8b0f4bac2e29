#![no_main]
//! An `.npy` file of any bytes gives an array or an error.

use assay_array::io::npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = npy::parse::<f64>("fuzz", bytes);
    let _ = npy::parse::<i64>("fuzz", bytes);
    let _ = npy::parse::<bool>("fuzz", bytes);
});
