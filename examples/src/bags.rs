//! Bags of images: what a teacher with little time can label.

use assay_array::random::{normal, shuffle, stream};

use crate::mnist::{CLASSES, Split};

/// Images that are described together, by index into a [`Split`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bag {
    /// The images.
    pub images: Vec<usize>,
    /// How many of them show each digit.
    pub counts: [usize; CLASSES],
}

/// `size` images of the split without repetition (all of them when it has fewer), in random order.
pub fn draw(split: &Split, size: usize, seed: u64) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..split.len()).collect();
    shuffle(&mut stream(seed, "draw images", 0), &mut indices);
    indices.truncate(size);
    indices
}

/// Cuts the images into bags, each image into exactly one.
///
/// A bag has `max(2, round(mean + spread·z))` images with `z` standard normal; the last one has what is
/// left.
pub fn bags(split: &Split, images: &[usize], mean: f64, spread: f64, seed: u64) -> Vec<Bag> {
    let mut rng = stream(seed, "bags", 0);
    let mut rest = images;
    let mut bags = Vec::new();
    while !rest.is_empty() {
        let size = (mean + spread * normal(&mut rng)).round().max(2.0) as usize;
        let (bag, after) = rest.split_at(size.min(rest.len()));
        let mut counts = [0; CLASSES];
        for &image in bag {
            counts[split.label(image)] += 1;
        }
        bags.push(Bag { images: bag.to_vec(), counts });
        rest = after;
    }
    bags
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn split(labels: &[u8]) -> Split {
        Split::from_parts(vec![0; labels.len() * crate::mnist::PIXELS], labels.to_vec()).unwrap()
    }

    fn many() -> Split {
        split(&(0..500).map(|i| (i * 7 % 10) as u8).collect::<Vec<_>>())
    }

    #[test]
    fn images_are_drawn_once() {
        let drawn = draw(&many(), 200, 1);
        assert_eq!(drawn.len(), 200);
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 200);
        assert_eq!(drawn, draw(&many(), 200, 1));
        assert_ne!(drawn, draw(&many(), 200, 2));
        assert_eq!(draw(&many(), 9000, 1).len(), 500);
    }

    #[test]
    fn bags_share_out_every_image_and_count_rightly() {
        let split = many();
        let images = draw(&split, 400, 1);
        let bags = bags(&split, &images, 10.0, 2.0, 5);
        let all: Vec<usize> = bags.iter().flat_map(|bag| bag.images.clone()).collect();
        assert_eq!(all, images);
        for bag in &bags {
            for digit in 0..CLASSES {
                let count = bag.images.iter().filter(|&&i| split.label(i) == digit).count();
                assert_eq!(bag.counts[digit], count);
            }
        }
        let sizes: HashSet<usize> = bags.iter().map(|bag| bag.images.len()).collect();
        assert!(sizes.len() > 3, "{sizes:?}");
        assert!(bags.len() > 30 && bags.len() < 50, "{}", bags.len());
    }

    #[test]
    fn odd_pools_end_too() {
        let one = split(&[4]);
        assert!(bags(&one, &[], 3.0, 1.0, 0).is_empty());
        assert_eq!(bags(&one, &[0], 3.0, 0.0, 0).len(), 1);
    }
}
