#![no_main]
//! An `.npz` file of any bytes gives arrays or errors.

use assay_array::io::npz::Npz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(npz) = Npz::from_bytes("fuzz", bytes.to_vec()) {
        for info in npz.infos() {
            let _ = npz.read::<f64>(&info.name);
        }
    }
});
