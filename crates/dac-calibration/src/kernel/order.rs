//! Sorting by value: a radix sort that keeps equal values in their order.

/// Below this a comparison sort is faster.
const SMALL: usize = 4096;
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;
const PASSES: u32 = 64_u32.div_ceil(DIGIT);

/// The place of a number in the order of all numbers but NaN; −0 and 0 are one place.
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | (1 << 63))
}

/// Indices that sort `values` ascending; equal values keep their order. No value is NaN.
pub(crate) fn ascending(values: &[f64]) -> Vec<u32> {
    let keyed = values.iter().zip(0_u32..).map(|(&value, i)| (key(value), i)).collect();
    sorted(keyed).into_iter().map(|(_, i)| i).collect()
}

fn sorted(mut keyed: Vec<(u64, u32)>) -> Vec<(u64, u32)> {
    if keyed.len() < SMALL {
        keyed.sort_unstable();
        return keyed;
    }
    radix(keyed, |item| item.0)
}

/// Values in `[0, 1]` and whether each came true, by ascending value; of equal values, those that did
/// not come true are first.
///
/// The outcome is the lowest bit of the key: half the memory to move of a sort of indices, and nothing
/// to look up afterwards.
pub(crate) fn outcomes(
    values: impl Iterator<Item = f64>,
    outcomes: &[bool],
) -> impl Iterator<Item = (f64, bool)> {
    // Bits of numbers that are not negative order as they do; the uppermost is free.
    let key = |(value, &outcome): (f64, &bool)| ((value + 0.0).to_bits() << 1) | u64::from(outcome);
    let mut keys: Vec<u64> = values.zip(outcomes).map(key).collect();
    if keys.len() < SMALL {
        keys.sort_unstable();
    } else {
        keys = radix(keys, |&key| key);
    }
    keys.into_iter().map(|key| (f64::from_bits(key >> 1), key & 1 == 1))
}

/// A stable radix sort, from the lowest digit to the highest.
fn radix<K: Copy + Default>(mut items: Vec<K>, key: impl Fn(&K) -> u64) -> Vec<K> {
    let mut counts = vec![[0_u32; BUCKETS]; PASSES as usize];
    for item in &items {
        let key = key(item);
        for (pass, counts) in (0..).zip(&mut counts) {
            counts[digit(key, pass)] += 1;
        }
    }
    let mut other = vec![K::default(); items.len()];
    for (pass, counts) in (0..).zip(&mut counts) {
        let place = |item: &K| digit(key(item), pass);
        let all_alike =
            items.first().is_some_and(|item| counts[place(item)] as usize == items.len());
        if all_alike {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            let next = start + *count;
            *count = start;
            start = next;
        }
        for &item in &items {
            let next = &mut counts[place(&item)];
            // The counts sum to the length.
            if let Some(slot) = other.get_mut(*next as usize) {
                *slot = item;
            }
            *next += 1;
        }
        std::mem::swap(&mut items, &mut other);
    }
    items
}

fn digit(key: u64, pass: u32) -> usize {
    (key >> (pass * DIGIT)) as usize & (BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use assay_array::testing::SplitMix64;

    use super::*;

    #[test]
    fn large_and_small_inputs_sort_stably() {
        let mut rng = SplitMix64::new(5);
        for n in [0, 1, 7, 3000, 20_000] {
            let values: Vec<f64> = (0..n)
                .map(|_| match rng.below(4) {
                    0 => rng.symmetric(),
                    1 => (rng.below(5) as f64) - 2.0,
                    2 => f64::from(rng.symmetric() as f32) * 1e-300,
                    _ => -0.0,
                })
                .collect();
            let mut want: Vec<u32> = (0..n as u32).collect();
            want.sort_by(|&a, &b| {
                (values[a as usize] + 0.0).total_cmp(&(values[b as usize] + 0.0))
            });
            assert_eq!(ascending(&values), want);
        }
    }

    #[test]
    fn outcomes_stay_with_their_values() {
        let mut rng = SplitMix64::new(6);
        for n in [0, 1, 50, 10_000] {
            let pair = |_| match rng.below(4) {
                0 => (rng.below(2) as f64, rng.below(2) == 0),
                1 => (-0.0, true),
                _ => (rng.symmetric().abs(), rng.below(2) == 0),
            };
            let (values, came): (Vec<f64>, Vec<bool>) = (0..n).map(pair).unzip();
            let mut want: Vec<(f64, bool)> =
                values.iter().map(|v| v + 0.0).zip(came.clone()).collect();
            want.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let got: Vec<(f64, bool)> = outcomes(values.iter().copied(), &came).collect();
            assert_eq!(got, want);
        }
    }
}
