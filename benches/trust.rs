//! Refusals in 10,000 answers against 500 phrases: one pass against a loop over phrases.

use std::hint::black_box;

use assay_array::testing::SplitMix64;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use trust_metrics::refusal::{RefusalDetector, RefusalLexicon};

fn scan(c: &mut Criterion) {
    let mut rng = SplitMix64::new(5);
    let mut words = |n: usize| -> String {
        let words: Vec<String> = (0..n).map(|_| format!("w{}", rng.below(3000))).collect();
        words.join(" ")
    };
    let phrases: Vec<String> = (0..500).map(|_| words(3)).collect();
    // Some 550 characters each, as answers are.
    let answers: Vec<String> = (0..10_000).map(|_| words(95)).collect();
    let lexicon = RefusalLexicon {
        language: "en".to_owned(),
        spaced: true,
        prefixes: phrases[..250].to_vec(),
        phrases: phrases[250..].to_vec(),
    };
    let detector = RefusalDetector::new(&[lexicon]).expect("phrases").with_sentences(None);
    let mut group = c.benchmark_group("trust/refusals_10k_x_500");
    group.sample_size(10);
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("one_pass", |b| {
        b.iter(|| black_box(&answers).iter().filter(|answer| detector.refuses(answer)).count());
    });
    group.bench_function("loop", |b| {
        b.iter(|| {
            let found = black_box(&answers).iter().filter(|answer| {
                let text = answer.to_lowercase();
                // Every phrase is looked for, as a loop that counts them does.
                phrases.iter().filter(|phrase| text.contains(&phrase[..])).count() > 0
            });
            found.count()
        });
    });
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
