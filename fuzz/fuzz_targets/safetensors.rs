#![no_main]
//! A safetensors file of any bytes gives tensors or errors.

use assay_array::io::safetensors::SafeTensors;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = SafeTensors::from_bytes("fuzz", bytes.to_vec()) {
        for info in file.infos() {
            let _ = file.read::<f64>(&info.name);
            let _ = file.select(&info.name);
        }
    }
});
