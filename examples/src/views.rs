//! Two views of a CIFAR-10 image: a weak one, shifted and mirrored, and a strong one, which also changes
//! brightness and contrast and covers a square.

use assay_array::random::{Stream, below, uniform};

use crate::cifar::{BYTES, SIDE};

/// Mean of CIFAR-10's training pixels, colour by colour, in units of the brightest value.
pub const MEAN: [f32; 3] = [0.4914, 0.4822, 0.4465];
/// Their deviation.
pub const SPREAD: [f32; 3] = [0.2470, 0.2435, 0.2616];
/// Pixels of black around an image, from which a window is cut.
const BORDER: usize = 4;
/// Side of the square that is covered.
const COVER: usize = 16;
/// How far brightness and contrast may go from one.
const LIGHT: f64 = 0.4;

/// How much a view changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The image as it is, standardised.
    Plain,
    /// Shifted by up to 4 pixels, mirrored half the time.
    Weak,
    /// Besides, brighter or darker, of more or less contrast, with a square of 16 by 16 covered.
    Strong,
}

/// Appends a view of an image to `out`; `Plain` draws nothing.
pub fn append(view: View, image: &[u8], rng: &mut Stream, out: &mut Vec<f32>) {
    let start = out.len();
    let (dx, dy, mirrored) = match view {
        View::Plain => (BORDER, BORDER, false),
        _ => (below(rng, 2 * BORDER + 1), below(rng, 2 * BORDER + 1), uniform(rng) < 0.5),
    };
    for colour in 0..3 {
        let plane = &image[colour * SIDE * SIDE..(colour + 1) * SIDE * SIDE];
        for y in 0..SIDE {
            for x in 0..SIDE {
                let x = if mirrored { SIDE - 1 - x } else { x };
                let (row, column) = (y + dy, x + dx);
                let inside = (BORDER..BORDER + SIDE).contains(&row)
                    && (BORDER..BORDER + SIDE).contains(&column);
                let byte = if inside { plane[(row - BORDER) * SIDE + column - BORDER] } else { 0 };
                out.push((f32::from(byte) / 255.0 - MEAN[colour]) / SPREAD[colour]);
            }
        }
    }
    if view == View::Strong {
        strengthen(&mut out[start..start + BYTES], rng);
    }
}

fn strengthen(image: &mut [f32], rng: &mut Stream) {
    let mut factor = || (1.0 + LIGHT * (2.0 * uniform(rng) - 1.0)) as f32;
    let (contrast, brightness) = (factor(), factor() - 1.0);
    for value in &mut *image {
        *value = *value * contrast + brightness;
    }
    // The middle of the square lies anywhere, so that part of it may lie outside.
    let (x, y) = (below(rng, SIDE), below(rng, SIDE));
    let range = |middle: usize| middle.saturating_sub(COVER / 2)..(middle + COVER / 2).min(SIDE);
    for colour in 0..3 {
        for row in range(y) {
            for column in range(x) {
                image[(colour * SIDE + row) * SIDE + column] = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_array::random::stream;

    use super::*;

    fn image() -> Vec<u8> {
        (0..BYTES).map(|i| (i * 7 % 251) as u8).collect()
    }

    #[test]
    fn views_have_their_size_and_their_seed() {
        for view in [View::Plain, View::Weak, View::Strong] {
            let draw = |seed| {
                let mut out = vec![1.0];
                append(view, &image(), &mut stream(seed, "test", 0), &mut out);
                assert_eq!(out.len(), 1 + BYTES);
                out
            };
            assert_eq!(draw(1), draw(1));
            assert_eq!(draw(1) == draw(2), view == View::Plain);
        }
    }

    #[test]
    fn a_weak_view_shows_the_image_somewhere() {
        let mut plain = Vec::new();
        append(View::Plain, &image(), &mut stream(0, "test", 0), &mut plain);
        for seed in 0..20 {
            let mut weak = Vec::new();
            append(View::Weak, &image(), &mut stream(seed, "test", 0), &mut weak);
            // The middle pixel is one of the 81 around it, mirrored or not.
            let middle = weak[16 * SIDE + 16];
            let near =
                |x: usize| (12..=20).any(|y| (x..x + 9).any(|x| plain[y * SIDE + x] == middle));
            assert!(near(12) || near(11), "seed {seed}");
        }
    }
}
