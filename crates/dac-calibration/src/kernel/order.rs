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
    let mut counts = vec![[0_u32; BUCKETS]; PASSES as usize];
    for (key, _) in &keyed {
        for (pass, counts) in (0..).zip(&mut counts) {
            counts[digit(*key, pass)] += 1;
        }
    }
    let mut other = vec![(0, 0); keyed.len()];
    for (pass, counts) in (0..).zip(&mut counts) {
        let all_alike =
            keyed.first().is_some_and(|&(key, _)| counts[digit(key, pass)] as usize == keyed.len());
        if all_alike {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            let next = start + *count;
            *count = start;
            start = next;
        }
        for &item in &keyed {
            let place = &mut counts[digit(item.0, pass)];
            // The counts sum to the length.
            if let Some(slot) = other.get_mut(*place as usize) {
                *slot = item;
            }
            *place += 1;
        }
        std::mem::swap(&mut keyed, &mut other);
    }
    keyed
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
}
