//! What scoring many answers for trust costs: text measures of 100,000 pairs, statistics of a million
//! labels, refusals in 10,000 answers against 500 phrases.
//!
//! One thread; from `&str` or labels to the number is inside the clock. Peers: `peers/trust.py`.

use std::hint::black_box;

use assay_array::testing::SplitMix64;
use assay_benches::{Corpus, on_one_thread};
use assay_score::classification::KappaWeights;
use assay_score::statistics::{PermutationConfig, paired_permutation};
use assay_score::text::{
    BleuConfig, BleuStatistics, ErrorRate, RougeConfig, Segment, Tokenizer, Unit, cosine,
};
use assay_score::{BootstrapConfig, Clusters, ConfusionConfig, ConfusionMatrix, Labels, Mergeable};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use trust_metrics::refusal::{RefusalDetector, RefusalLexicon};

fn texts(c: &mut Criterion) {
    const N: usize = 100_000;
    let corpus = Corpus::new(N);
    let references = corpus.references();
    let (segments, transcripts) = (corpus.segments(&references), corpus.transcripts());
    let mut group = c.benchmark_group("trust/100k");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N as u64));
    let bleu = |tokenizer| {
        let mut bleu = BleuConfig::new().with_tokenizer(tokenizer).init().expect("a configuration");
        bleu.update(black_box(&segments)).expect("references");
        bleu.finish().expect("segments").score
    };
    assert!((bleu(Tokenizer::V13a) - 45.219_767_365_218_49).abs() < 1e-9);
    for (name, tokenizer) in [("bleu_13a", Tokenizer::V13a), ("bleu_none", Tokenizer::None)] {
        group.bench_function(name, |b| on_one_thread(|| b.iter(|| bleu(tokenizer))));
    }
    for (name, unit) in [("wer", Unit::Words), ("cer", Unit::Characters)] {
        group.bench_function(name, |b| {
            on_one_thread(|| {
                b.iter(|| {
                    let mut rate = ErrorRate::new(unit);
                    rate.update(black_box(&transcripts)).expect("few units");
                    rate.finish().expect("transcripts").error_rate
                });
            });
        });
    }
    let (l, n) = (RougeConfig::new().with_orders(0), RougeConfig::new().with_lcs(false));
    for (name, config) in [("rouge_l", l), ("rouge_12", n)] {
        group.bench_function(name, |b| {
            on_one_thread(|| {
                b.iter(|| {
                    let mut rouge = config.init().expect("orders");
                    rouge.update(black_box(&segments)).expect("references");
                    rouge.finish().expect("segments")
                });
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("trust/bleu");
    group.sample_size(10);
    group.bench_function("sentences_5k", |b| {
        let bleu = BleuConfig::new().with_effective_order(true).init().expect("orders");
        on_one_thread(|| {
            b.iter(|| {
                let each = bleu.sentence_scores(black_box(&segments[..5000])).expect("references");
                each.iter().sum::<f64>() / each.len() as f64
            });
        });
    });
    // Two systems on the same 2000 references: the second hypothesis is the first one's neighbour's.
    group.bench_function("paired_bootstrap_2k_x_1000", |b| {
        let bleu = BleuConfig::new().init().expect("orders");
        let bootstrap = BootstrapConfig::new().with_resamples(1000).init().expect("settings");
        let second: Vec<Segment<'_>> = (0..2000)
            .map(|i| Segment { hypothesis: &corpus.pairs[i ^ 1].0, references: &references[i] })
            .collect();
        on_one_thread(|| {
            b.iter(|| {
                let one = bleu.statistics(black_box(&segments[..2000])).expect("references");
                let other = bleu.statistics(black_box(&second)).expect("references");
                bootstrap.statistic(one.len(), |drawn| {
                    let mut sums = [BleuStatistics::default(); 2];
                    for &i in drawn {
                        sums[0].add(&one[i]);
                        sums[1].add(&other[i]);
                    }
                    sums[0].score(&bleu.config()) - sums[1].score(&bleu.config())
                })
            });
        });
    });
    group.finish();
}

fn labels(n: usize) -> (Vec<usize>, Vec<usize>) {
    let mut rng = SplitMix64::new(13);
    let truth: Vec<usize> = (0..n).map(|_| rng.below(5)).collect();
    let guess = |&truth: &usize| if rng.below(100) < 60 { truth } else { rng.below(5) };
    let predicted = truth.iter().map(guess).collect();
    (truth, predicted)
}

fn statistics(c: &mut Criterion) {
    let mut group = c.benchmark_group("trust/statistics");
    group.sample_size(10);
    let (truth, predicted) = labels(1_000_000);
    let config = ConfusionConfig::new(5);
    let count = |n: usize| {
        let mut matrix = config.init().expect("classes");
        let labels = Labels { truth: black_box(&truth[..n]), predicted: &predicted[..n] };
        matrix.update(labels).expect("labels");
        matrix
    };
    group.bench_function("macro_f1_kappa_mcc_1M", |b| {
        b.iter(|| {
            let matrix = count(1_000_000);
            (matrix.finish().expect("labels"), matrix.kappa(KappaWeights::None))
        });
    });
    group.bench_function("macro_f1_bootstrap_1000_x_1000", |b| {
        let bootstrap = BootstrapConfig::new().with_resamples(1000).init().expect("settings");
        let macro_f1 = |cells: &[u64]| {
            let report = ConfusionMatrix::from_cells(config, cells).and_then(|m| m.finish());
            report.ok().and_then(|report| report.macro_average.f1).unwrap_or(f64::NAN)
        };
        on_one_thread(|| b.iter(|| bootstrap.counts(count(1000).cells(), macro_f1)));
    });
    let mut rng = SplitMix64::new(23);
    let x: Vec<f64> = (0..5000).map(|_| rng.uniform()).collect();
    group.bench_function("standard_error_1400_x_100k", |b| {
        let bootstrap = BootstrapConfig::new().with_resamples(100_000).init().expect("settings");
        on_one_thread(|| {
            b.iter(|| bootstrap.mean(black_box(&x[..1400])).map(|r| r.standard_error));
        });
    });
    group.bench_function("cluster_mean_1000_of_5_x_10k", |b| {
        let prompts = Clusters::new(&(0..5000).map(|i| i / 5).collect::<Vec<_>>());
        let bootstrap = BootstrapConfig::new().with_resamples(10_000).init().expect("settings");
        on_one_thread(|| b.iter(|| bootstrap.cluster_mean(black_box(&x), &prompts)));
    });
    group.bench_function("exact_permutation_20", |b| {
        let d: Vec<f64> = x[..20].iter().map(|x| x - 0.4).collect();
        on_one_thread(|| {
            b.iter(|| paired_permutation(black_box(&d), PermutationConfig::default()));
        });
    });
    let mut rows = || (0..1000 * 1536).map(|_| rng.symmetric() as f32).collect::<Vec<f32>>();
    let (left, right) = (rows(), rows());
    // A thousand rows ten times, which spares memory.
    group.bench_function("cosine_10k_x_1536", |b| {
        b.iter(|| {
            let pairs = || left.chunks(1536).zip(right.chunks(1536));
            (0..10)
                .flat_map(|_| pairs())
                .map(|(a, b)| cosine(black_box(a), b).expect("rows").unwrap_or(0.0))
                .sum::<f64>()
        });
    });
    let shards: Vec<Vec<u8>> =
        (0..1000).map(|i| count(1000 + i)).map(|matrix| matrix.to_bytes()).collect();
    group.bench_function("merge_1000_shards", |b| {
        b.iter(|| {
            let mut all = config.init().expect("classes");
            for shard in black_box(&shards) {
                all.merge(&ConfusionMatrix::from_bytes(shard).expect("bytes")).expect("alike");
            }
            all
        });
    });
    group.finish();
}

/// A million answers in batches of a thousand: what is kept does not grow.
fn stream(c: &mut Criterion) {
    let corpus = Corpus::new(1000);
    let references = corpus.references();
    let segments = corpus.segments(&references);
    let (truth, predicted) = labels(1000);
    let mut group = c.benchmark_group("trust/stream_1M");
    group.sample_size(10);
    group.throughput(Throughput::Elements(1_000_000));
    group.bench_function("rouge_l_and_labels", |b| {
        on_one_thread(|| {
            b.iter(|| {
                let mut rouge = RougeConfig::new().with_orders(0).init().expect("orders");
                let mut matrix = ConfusionConfig::new(5).init().expect("classes");
                for _ in 0..1000 {
                    rouge.update(black_box(&segments)).expect("references");
                    matrix.update(Labels { truth: &truth, predicted: &predicted }).expect("labels");
                }
                (rouge.finish(), matrix.finish())
            });
        });
    });
    group.finish();
}

/// Answers and phrases of words that they share, so that a scan is often on the way to a phrase.
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

criterion_group!(benches, texts, statistics, stream, scan);
criterion_main!(benches);
