//! The answers of a batch API, which come from outside: any bytes, no panic.
#![no_main]

use assay_language::{TableEmbedder, batch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = batch::read(bytes);
    let _ = TableEmbedder::read(bytes);
});
