//! What tests of every crate share: golden files, SplitMix64, closeness, gradient checks.
//!
//! Functions here panic with a message that shows the worst place, because that is what a test wants.

use std::path::PathBuf;

use serde_json::Value;

/// Reads `testdata/golden/<name>.json`, or the file of that name in the folder that the environment
/// variable `ASSAY_GOLDEN_DIR` names.
///
/// `manifest_dir` is the caller's `env!("CARGO_MANIFEST_DIR")`; the workspace root is looked for
/// from there upwards.
///
/// # Panics
/// When the file is missing or is not JSON: a golden test that reads nothing must not pass.
pub fn golden(manifest_dir: &str, name: &str) -> Value {
    let file = format!("{name}.json");
    let path = match std::env::var_os("ASSAY_GOLDEN_DIR") {
        Some(dir) => PathBuf::from(dir).join(file),
        None => std::path::Path::new(manifest_dir)
            .ancestors()
            .map(|dir| dir.join("testdata/golden").join(&file))
            .find(|path| path.exists())
            .unwrap_or_else(|| panic!("no testdata/golden/{file} above {manifest_dir}")),
    };
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cases of a golden file, which are under `cases`.
///
/// # Panics
/// When there is none.
pub fn cases(golden: &Value) -> &[Value] {
    match golden["cases"].as_array() {
        Some(cases) if !cases.is_empty() => cases,
        _ => panic!("the golden file has no cases"),
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014), the generator that golden files name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next number modulo `n`, the golden files' rule.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next_u64() % n as u64) as usize
    }

    /// The next number in `[0, 1)` from the upper 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * 2.0_f64.powi(-53)
    }

    /// The next number in `[−1, 1)`: `2u − 1`.
    pub fn symmetric(&mut self) -> f64 {
        2.0 * self.uniform() - 1.0
    }
}

/// Panics unless `|got − want| ≤ atol + rtol·|want|` everywhere; equal infinities are close, a NaN
/// never is. The message names the worst index and both values there.
///
/// # Panics
/// As said.
pub fn assert_close(got: &[f64], want: &[f64], rtol: f64, atol: f64) {
    assert_eq!(got.len(), want.len(), "{} values where {} were expected", got.len(), want.len());
    let excess = |(&g, &w): (&f64, &f64)| {
        if g == w {
            return 0.0;
        }
        let ratio = (g - w).abs() / (atol + rtol * w.abs());
        if ratio.is_nan() { f64::INFINITY } else { ratio }
    };
    let worst = got.iter().zip(want).map(excess).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((index, ratio)) = worst
        && ratio > 1.0
    {
        let (g, w) = (got[index], want[index]);
        panic!(
            "worst at index {index} of {}: got {g:e}, want {w:e}, off by {:e}, \
             {ratio:.3} times the tolerance (rtol {rtol:e}, atol {atol:e})",
            got.len(),
            (g - w).abs(),
        );
    }
}

/// Compares a gradient with central differences of `value` at `x` in `f64`.
///
/// The step is `1e-6·max(1, |x_i|)`: the truncation error (∝ h²) and the rounding error (∝ 1/h) of a
/// value near 1 are then both about 1e-10.
///
/// # Panics
/// When a component is off by more than `atol + rtol·|difference|`.
pub fn gradcheck(
    mut value: impl FnMut(&[f64]) -> f64,
    gradient: &[f64],
    x: &[f64],
    rtol: f64,
    atol: f64,
) {
    let mut point = x.to_vec();
    let differences: Vec<f64> = (0..x.len())
        .map(|i| {
            let step = 1e-6 * x[i].abs().max(1.0);
            point[i] = x[i] + step;
            let above = value(&point);
            point[i] = x[i] - step;
            let below = value(&point);
            point[i] = x[i];
            (above - below) / (2.0 * step)
        })
        .collect();
    assert_close(gradient, &differences, rtol, atol);
}

/// The synthetic corpus of the text measures: `n` hypotheses with their references of 10 to 30 words, of
/// which a hypothesis keeps seven in ten, replaces fifteen in a hundred, loses eight and gains seven.
pub fn sentence_pairs(n: usize, seed: u64) -> Vec<(String, String)> {
    let mut rng = SplitMix64::new(seed);
    (0..n)
        .map(|_| {
            let length = 10 + rng.below(21);
            let reference: Vec<String> =
                (0..length).map(|_| format!("w{}", rng.below(1000))).collect();
            let mut hypothesis = Vec::new();
            for word in &reference {
                match rng.below(100) {
                    0..70 => hypothesis.push(word.clone()),
                    70..85 => hypothesis.push(format!("w{}", rng.below(1000))),
                    85..93 => {}
                    _ => hypothesis.extend([word.clone(), format!("w{}", rng.below(1000))]),
                }
            }
            if hypothesis.is_empty() {
                hypothesis.push(reference[0].clone());
            }
            (hypothesis.join(" "), reference.join(" "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_is_the_published_generator() {
        // The first three outputs for the seed 1234567 (from the generator's reference text).
        let mut rng = SplitMix64::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
        assert_eq!(rng.next_u64(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn closeness_sees_the_worst_place() {
        assert_close(&[1.0, f64::INFINITY], &[1.0 + 1e-12, f64::INFINITY], 1e-9, 0.0);
        let caught =
            std::panic::catch_unwind(|| assert_close(&[1.0, 2.0, 3.0], &[1.0, 2.5, 3.1], 0.0, 0.1));
        let message = *caught.expect_err("2 is not 2.5").downcast::<String>().expect("a message");
        assert!(message.contains("index 1 of 3"), "{message}");
        assert!(
            std::panic::catch_unwind(|| assert_close(&[f64::NAN], &[f64::NAN], 1.0, 1.0)).is_err()
        );
    }

    #[test]
    fn gradients_are_checked() {
        let f = |x: &[f64]| x[0] * x[0] * x[1];
        gradcheck(f, &[12.0, 4.0], &[2.0, 3.0], 1e-7, 1e-7);
        assert!(
            std::panic::catch_unwind(|| gradcheck(f, &[12.0, 5.0], &[2.0, 3.0], 1e-7, 1e-7))
                .is_err()
        );
    }
}
