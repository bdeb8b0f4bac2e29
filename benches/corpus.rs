//! The synthetic corpus of the text measures' benches, the same as that of `peers/corpus.py`.

use assay_array::testing::SplitMix64;

/// Hypotheses and references, as the specification of the peers' workloads has them.
pub(crate) fn corpus(n: usize) -> Vec<(String, String)> {
    let mut rng = SplitMix64::new(42);
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
