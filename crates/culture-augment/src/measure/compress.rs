use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Size over compressed size (deflate, level 6) of the texts joined by line ends: repetitive sets are
/// well compressed, so a high ratio means little diversity (Shaib et al. 2024). `None` for nothing.
pub fn compression_ratio<S: AsRef<str>>(texts: &[S]) -> Option<f64> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    let mut size = 0_usize;
    for (i, text) in texts.iter().enumerate() {
        let separator: &[u8] = if i == 0 { b"" } else { b"\n" };
        // Writing to memory does not fail.
        encoder.write_all(separator).ok()?;
        encoder.write_all(text.as_ref().as_bytes()).ok()?;
        size += separator.len() + text.as_ref().len();
    }
    let packed = encoder.finish().ok()?;
    (size > 0).then(|| size as f64 / packed.len() as f64)
}
