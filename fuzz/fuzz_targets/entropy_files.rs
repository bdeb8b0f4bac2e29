//! A safetensors file of hidden states from any source: opened, read and measured, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use matrix_entropy::input::{HiddenStates, LayerPattern, TokenPolicy};
use matrix_entropy::{Conventions, Spectrum};

fuzz_target!(|bytes: &[u8]| {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("states.safetensors");
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let Ok(pattern) = LayerPattern::new("*{layer}*") else { return };
    let Ok(states) = HiddenStates::open(&path, &pattern) else { return };
    for layer in states.layers() {
        let Ok(read) = states.read::<f32>(layer.layer) else { continue };
        let Ok(found) = read.sentences(None, &TokenPolicy::new()) else { continue };
        for sentence in found.sentences.iter().filter(|s| s.len() < 10_000) {
            if let Ok(spectrum) = Spectrum::of(sentence.view(), Conventions::paper()) {
                assert!(spectrum.entropy().is_finite());
            }
        }
    }
});
