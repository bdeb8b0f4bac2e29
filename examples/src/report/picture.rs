//! Digits as small inline pictures.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use crate::mnist::{SIDE, Split};

/// Pixels between two digits.
const GAP: usize = 3;

/// The images side by side as a grey PNG in a `data:` address, ink dark on white.
pub(super) fn strip(split: &Split, images: &[usize]) -> String {
    let width = (images.len() * (SIDE + GAP)).saturating_sub(GAP);
    let mut pixels = vec![255; width * SIDE];
    for (place, &index) in images.iter().enumerate() {
        for (row, line) in split.image(index).chunks_exact(SIDE).enumerate() {
            let start = row * width + place * (SIDE + GAP);
            for (pixel, ink) in pixels[start..start + SIDE].iter_mut().zip(line) {
                *pixel = 255 - ink;
            }
        }
    }
    format!("data:image/png;base64,{}", base64(&png(width, SIDE, &pixels)))
}

/// A grey picture of eight bits a pixel (PNG 1.2: signature, IHDR, IDAT, IEND).
fn png(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(pixels.len() + height);
    for line in pixels.chunks(width.max(1)) {
        lines.push(0); // no filter
        lines.extend_from_slice(line);
    }
    let mut head = Vec::new();
    head.extend((width as u32).to_be_bytes());
    head.extend((height as u32).to_be_bytes());
    head.extend([8, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", head), (b"IDAT", deflate(&lines)), (b"IEND", Vec::new())] {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(&data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(&data);
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // cannot fail: writing into a Vec never does
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;
    use crate::mnist::PIXELS;

    #[test]
    fn base64_is_rfc_4648() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfb]), "//77");
    }

    #[test]
    fn a_png_holds_its_pixels() {
        let pixels = [1, 2, 3, 4, 5, 6];
        let file = png(3, 2, &pixels);
        assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&file[8..16], b"\0\0\0\x0dIHDR");
        assert_eq!(&file[16..24], [0, 0, 0, 3, 0, 0, 0, 2]);
        // The CRC of IEND is in every PNG file.
        assert_eq!(&file[file.len() - 8..], b"IEND\xae\x42\x60\x82");
        let length = u32::from_be_bytes([file[33], file[34], file[35], file[36]]) as usize;
        let mut lines = Vec::new();
        ZlibDecoder::new(&file[41..41 + length]).read_to_end(&mut lines).unwrap();
        assert_eq!(lines, [0, 1, 2, 3, 0, 4, 5, 6]);
    }

    #[test]
    fn a_strip_is_an_address() {
        let mut pixels = vec![0; 2 * PIXELS];
        pixels[0] = 255;
        let split = Split::from_parts(pixels, vec![1, 2]);
        assert!(strip(&split, &[0, 1]).starts_with("data:image/png;base64,iVBORw0KGgo"));
        assert_ne!(strip(&split, &[0, 1]), strip(&split, &[1, 1]));
    }
}
