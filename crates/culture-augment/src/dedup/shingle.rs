/// What a text is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Shingles {
    /// Runs of so many words, split at white space.
    Words(usize),
    /// Runs of so many characters.
    Chars(usize),
}

impl Shingles {
    /// The length of a run; 0 counts as 1.
    fn length(self) -> usize {
        match self {
            Shingles::Words(n) | Shingles::Chars(n) => n.max(1),
        }
    }

    /// The shingles' 64-bit hashes, sorted, each once. A text shorter than a run is one shingle; an
    /// empty one has none.
    ///
    /// Two different shingles share a hash with probability 2^-64.
    pub(super) fn hashes(self, text: &str, out: &mut Vec<u64>) {
        out.clear();
        match self {
            Shingles::Words(_) => {
                let units = text.split_whitespace().map(|w| hash(w.as_bytes()));
                runs(units, self.length(), out);
            }
            Shingles::Chars(_) => {
                runs(text.chars().map(|c| mix(u64::from(c) + 1)), self.length(), out);
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}

/// Hashes of all runs of `n` units.
fn runs(units: impl Iterator<Item = u64>, n: usize, out: &mut Vec<u64>) {
    let mut window = std::collections::VecDeque::with_capacity(n);
    let combine = |window: &std::collections::VecDeque<u64>| {
        window.iter().fold(0x9E37_79B9_7F4A_7C15_u64, |h, &u| mix(h.rotate_left(23) ^ u))
    };
    for unit in units {
        if window.len() == n {
            window.pop_front();
        }
        window.push_back(unit);
        if window.len() == n {
            out.push(combine(&window));
        }
    }
    if out.is_empty() && !window.is_empty() {
        out.push(combine(&window));
    }
}

/// Eight bytes at a time, mixed.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut h = 0xA076_1D64_78BD_642F_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(w, b)| *w = *b);
        h = mix(h ^ u64::from_le_bytes(word));
    }
    h
}

/// SplitMix64's finaliser (Steele, Lea and Flood 2014).
pub(super) fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The sizes of intersection and union of two sorted lists without repeats.
pub fn jaccard(a: &[u64], b: &[u64]) -> (usize, usize) {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        both += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    (both, a.len() + b.len() - both)
}

/// Intersection and union of two texts' shingles; their quotient is the Jaccard similarity, which is
/// undefined when the union is 0.
///
/// ```
/// use culture_augment::dedup::{Shingles, shingle_jaccard};
/// let (a, b) = ("the quick brown fox jumps over", "the quick brown dog jumps over");
/// assert_eq!(shingle_jaccard(a, b, Shingles::Words(3)), (1, 7));
/// ```
pub fn shingle_jaccard(a: &str, b: &str, shingles: Shingles) -> (usize, usize) {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    shingles.hashes(a, &mut x);
    shingles.hashes(b, &mut y);
    jaccard(&x, &y)
}
