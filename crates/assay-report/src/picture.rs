//! Pictures inside a page.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use crate::error::{Error, Result};

/// A picture that a page carries inside itself: pixels as PNG, or somebody else's SVG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    kind: &'static str,
    bytes: Vec<u8>,
    /// The size on the page, in pixels of the page; at most the width of the page.
    shown: [usize; 2],
    ink: bool,
}

/// Sides of a PNG are limited, so that sums of sizes cannot overflow on any machine.
const LARGEST_SIDE: usize = 1 << 16;

impl Picture {
    /// A grey picture: one byte a pixel, row by row, 0 is black.
    ///
    /// # Errors
    /// [`Error::Size`] and [`Error::Pixels`].
    pub fn grey(width: usize, height: usize, pixels: &[u8]) -> Result<Self> {
        Self::png_of(width, height, 1, pixels)
    }

    /// A coloured picture: three bytes a pixel (red, green, blue).
    ///
    /// # Errors
    /// [`Error::Size`] and [`Error::Pixels`].
    pub fn rgb(width: usize, height: usize, pixels: &[u8]) -> Result<Self> {
        Self::png_of(width, height, 3, pixels)
    }

    /// Grey pictures of one size side by side, with so many white pixels between two.
    ///
    /// # Errors
    /// [`Error::Size`] and [`Error::Pixels`].
    pub fn row<'a>(
        width: usize,
        height: usize,
        gap: usize,
        pictures: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self> {
        let pictures: Vec<&[u8]> = pictures.into_iter().collect();
        for pixels in &pictures {
            check(width, height, 1, pixels)?;
        }
        let step = width.saturating_add(gap);
        let whole = pictures.len().saturating_mul(step).saturating_sub(gap);
        if !(1..=LARGEST_SIDE).contains(&whole) {
            return Err(Error::Size { width: whole, height });
        }
        let mut canvas = vec![u8::MAX; whole * height];
        for (index, pixels) in pictures.iter().enumerate() {
            let lines = canvas.chunks_exact_mut(whole).zip(pixels.chunks_exact(width));
            for (to, from) in lines {
                if let Some(place) = to.get_mut(index * step..index * step + width) {
                    place.copy_from_slice(from);
                }
            }
        }
        Self::grey(whole, height, &canvas)
    }

    /// An SVG file made by others (an automaton's drawing, say). A browser shows it as a picture: it
    /// cannot run scripts or fetch anything.
    pub fn svg(text: &str, width: usize, height: usize) -> Self {
        Self {
            kind: "svg+xml",
            bytes: text.as_bytes().to_vec(),
            shown: [width, height],
            ink: false,
        }
    }

    /// Says that it is dark ink on white paper: dark pages show it the other way round.
    pub fn ink(mut self) -> Self {
        self.ink = true;
        self
    }

    /// Shows each pixel as so many on the page.
    pub fn enlarged(mut self, times: f64) -> Self {
        if times.is_finite() && times > 0.0 {
            self.shown = self.shown.map(|side| ((side as f64 * times).round() as usize).max(1));
        }
        self
    }

    /// The file: PNG, or the SVG that was given.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The picture as a `data:` address.
    pub fn address(&self) -> String {
        format!("data:image/{};base64,{}", self.kind, base64(&self.bytes))
    }

    pub(crate) fn shown(&self) -> [usize; 2] {
        self.shown
    }

    pub(crate) fn is_ink(&self) -> bool {
        self.ink
    }

    fn png_of(width: usize, height: usize, channels: usize, pixels: &[u8]) -> Result<Self> {
        check(width, height, channels, pixels)?;
        let bytes = png(width, height, channels, pixels);
        Ok(Self { kind: "png", bytes, shown: [width, height], ink: false })
    }
}

fn check(width: usize, height: usize, channels: usize, pixels: &[u8]) -> Result<()> {
    let sides = 1..=LARGEST_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(Error::Size { width, height });
    }
    let expected = width.saturating_mul(height).saturating_mul(channels);
    if pixels.len() != expected {
        return Err(Error::Pixels { width, height, channels, expected, got: pixels.len() });
    }
    Ok(())
}

/// A picture of eight bits a channel (PNG 1.2: signature, IHDR, IDAT, IEND).
fn png(width: usize, height: usize, channels: usize, pixels: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(pixels.len() + height);
    for line in pixels.chunks(width * channels) {
        lines.push(0); // no filter
        lines.extend_from_slice(line);
    }
    let mut head = Vec::new();
    head.extend((width as u32).to_be_bytes());
    head.extend((height as u32).to_be_bytes());
    // Bits, colour type (grey or RGB), compression, filter, interlacing.
    head.extend([8, if channels == 1 { 0 } else { 2 }, 0, 0, 0]);
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
    // Writing into a Vec never fails.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// RFC 4648 with padding.
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

    #[test]
    fn base64_is_rfc_4648() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfb]), "//77");
    }

    /// The lines of a PNG file that we wrote, each with its filter byte.
    fn lines(file: &[u8]) -> Vec<u8> {
        let length = u32::from_be_bytes([file[33], file[34], file[35], file[36]]) as usize;
        let mut lines = Vec::new();
        ZlibDecoder::new(&file[41..41 + length]).read_to_end(&mut lines).unwrap();
        lines
    }

    #[test]
    fn a_png_holds_its_pixels() {
        let picture = Picture::grey(3, 2, &[1, 2, 3, 4, 5, 6]).unwrap();
        let file = picture.bytes();
        assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&file[8..16], b"\0\0\0\x0dIHDR");
        assert_eq!(&file[16..29], [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0]);
        // The CRC of IEND is in every PNG file.
        assert_eq!(&file[file.len() - 8..], b"IEND\xae\x42\x60\x82");
        assert_eq!(lines(file), [0, 1, 2, 3, 0, 4, 5, 6]);
        let picture = Picture::rgb(1, 2, &[1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(picture.bytes()[25], 2);
        assert_eq!(lines(picture.bytes()), [0, 1, 2, 3, 0, 4, 5, 6]);
        assert!(picture.address().starts_with("data:image/png;base64,iVBORw0KGgo"));
    }

    #[test]
    fn a_row_has_gaps() {
        let (a, b) = ([1, 2, 3, 4], [5, 6, 7, 8]);
        let row = Picture::row(2, 2, 1, [&a[..], &b]).unwrap();
        assert_eq!(lines(row.bytes()), [0, 1, 2, 255, 5, 6, 0, 3, 4, 255, 7, 8]);
        assert_eq!(row.enlarged(2.0).shown(), [10, 4]);
    }

    #[test]
    fn wrong_sizes_are_named() {
        let text = |picture: Result<Picture>| picture.unwrap_err().to_string();
        assert_eq!(
            text(Picture::rgb(2, 2, &[0; 11])),
            "picture: expected 12 bytes for 2 by 2 pixels of 3 bytes, got 11"
        );
        assert!(text(Picture::grey(0, 2, &[])).contains("got 0 by 2"));
        assert!(text(Picture::grey(usize::MAX, usize::MAX, &[])).contains("65536"));
        assert!(text(Picture::row(2, 2, 1, [&[0; 3][..]])).contains("got 3"));
        assert!(text(Picture::row(2, 2, 1, [])).contains("got 0 by 2"));
        assert!(text(Picture::row(2, 2, usize::MAX, [&[0; 4][..], &[0; 4]])).contains("65536"));
    }
}
