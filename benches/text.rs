//! Text measures of `assay-score` on the synthetic corpus: pairs of some 20 words, of which the
//! hypothesis keeps seven in ten.
//!
//! One thread, unless the name says two; counting and scoring from `&str` are inside the clock.

use std::hint::black_box;

use assay_array::testing::SplitMix64;
use assay_benches::{Corpus, pool};
use assay_score::text::{
    Bleu, BleuConfig, BleuStatistics, ChrfConfig, ErrorRate, MeteorConfig, RougeConfig,
    RougeTokens, Segment, Tokenizer, Unit, greedy_match,
};
use assay_score::{BootstrapConfig, Mergeable, classification, statistics};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[expect(clippy::too_many_lines, reason = "one group, one corpus")]
fn texts(c: &mut Criterion) {
    const N: usize = 20_000;
    let corpus = Corpus::new(N);
    let references = corpus.references();
    let (segments, transcripts) = (corpus.segments(&references), corpus.transcripts());
    let mut group = c.benchmark_group("text/20k");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N as u64));
    let bleu = |tokenizer| {
        let mut bleu = BleuConfig::new().with_tokenizer(tokenizer).init().expect("a configuration");
        bleu.update(black_box(&segments)).expect("references");
        bleu.finish().expect("segments").score
    };
    assert!((bleu(Tokenizer::V13a) - 45.034_285_785_359_5).abs() < 1e-9);
    for (threads, suffix) in [(1, "1thread"), (2, "2threads")] {
        {
            let pool = pool(threads);
            group.bench_function(format!("bleu_13a/{suffix}"), |b| {
                b.iter(|| pool.install(|| bleu(Tokenizer::V13a)));
            });
            group.bench_function(format!("bleu_none/{suffix}"), |b| {
                b.iter(|| pool.install(|| bleu(Tokenizer::None)));
            });
            for (name, config) in
                [("chrf", ChrfConfig::chrf()), ("chrf++", ChrfConfig::chrf_plus_plus())]
            {
                group.bench_function(format!("{name}/{suffix}"), |b| {
                    b.iter(|| {
                        pool.install(|| {
                            let mut chrf = config.init().expect("a configuration");
                            chrf.update(black_box(&segments)).expect("references");
                            chrf.finish().expect("segments").score
                        })
                    });
                });
            }
            let l = RougeConfig::new().with_orders(0);
            let all = RougeConfig::new();
            let stemmed = RougeConfig::new()
                .with_orders(1)
                .with_lcs(false)
                .with_tokens(RougeTokens::AsciiStemmed);
            for (name, config) in [("rouge_l", l), ("rouge_12l", all), ("rouge_1_stem", stemmed)] {
                group.bench_function(format!("{name}/{suffix}"), |b| {
                    b.iter(|| {
                        pool.install(|| {
                            let mut rouge = config.init().expect("orders");
                            rouge.update(black_box(&segments)).expect("references");
                            rouge.finish().expect("segments")
                        })
                    });
                });
            }
            for (name, unit) in [("wer", Unit::Words), ("cer", Unit::Characters)] {
                group.bench_function(format!("{name}/{suffix}"), |b| {
                    b.iter(|| {
                        pool.install(|| {
                            let mut rate = ErrorRate::new(unit);
                            rate.update(black_box(&transcripts)).expect("few units");
                            rate.finish().expect("transcripts").error_rate
                        })
                    });
                });
            }
            group.bench_function(format!("meteor_2k/{suffix}"), |b| {
                let meteor = MeteorConfig::default().init().expect("weights");
                b.iter(|| {
                    pool.install(|| {
                        meteor.scores(black_box(&segments[..2000]), None).expect("references")
                    })
                });
            });
            group.bench_function(format!("sentence_bleu_2k/{suffix}"), |b| {
                let bleu = BleuConfig::new().with_effective_order(true).init().expect("orders");
                b.iter(|| pool.install(|| sentence_mean(&bleu, black_box(&segments[..2000]))));
            });
        }
    }
    {
        let pool = pool(1);
        let bleu = BleuConfig::new().init().expect("orders");
        group.bench_function("bleu_bootstrap_1000/1thread", |b| {
            let bootstrap = BootstrapConfig::new().with_resamples(1000).init().expect("settings");
            b.iter(|| {
                pool.install(|| {
                    let each = bleu.statistics(black_box(&segments)).expect("references");
                    bootstrap.statistic(each.len(), |drawn| {
                        let mut sum = BleuStatistics::default();
                        for &i in drawn {
                            sum.add(&each[i]);
                        }
                        sum.score(&bleu.config())
                    })
                })
            });
        });
        let mut rng = SplitMix64::new(3);
        let mut rows = || (0..256 * 768).map(|_| rng.symmetric() as f32).collect::<Vec<f32>>();
        let (h, r) = (rows(), rows());
        group.bench_function("greedy_256x256x768/1thread", |b| {
            b.iter(|| pool.install(|| greedy_match(black_box(&h), &r, 768, None).expect("rows")));
        });
    }
    group.finish();
}

fn sentence_mean(bleu: &Bleu, segments: &[Segment<'_>]) -> f64 {
    let each = bleu.sentence_scores(segments).expect("references");
    each.iter().sum::<f64>() / each.len() as f64
}

fn numbers(c: &mut Criterion) {
    let mut group = c.benchmark_group("statistics");
    group.sample_size(20);
    let mut rng = SplitMix64::new(11);
    let tables: Vec<Vec<u64>> =
        (0..20_000).map(|_| (0..12).map(|_| 1 + rng.below(200) as u64).collect()).collect();
    {
        let pool = pool(1);
        let test = |table: &Vec<u64>| statistics::chi_square(table, 4, statistics::Yates::TwoByTwo);
        group.bench_function("chi_square_20k_tables", |b| {
            b.iter(|| {
                pool.install(|| {
                    black_box(&tables).iter().map(|t| test(t).expect("counts").p_value).sum::<f64>()
                })
            });
        });
        let mut rng = SplitMix64::new(17);
        let x: Vec<f64> = (0..200_000).map(|_| rng.uniform()).collect();
        let y: Vec<f64> = x.iter().map(|u| 0.5 * u + rng.uniform()).collect();
        group.bench_function("pearson_200k", |b| {
            b.iter(|| pool.install(|| statistics::pearson(black_box(&x), &y, 0.95)));
        });
        group.bench_function("spearman_200k", |b| {
            b.iter(|| pool.install(|| statistics::spearman(black_box(&x), &y, 0.95)));
        });
        group.bench_function("kendall_200k", |b| {
            b.iter(|| pool.install(|| statistics::kendall(black_box(&x), &y, 0.95)));
        });
        group.bench_function("kendall_5k", |b| {
            b.iter(|| {
                pool.install(|| statistics::kendall(black_box(&x[..5000]), &y[..5000], 0.95))
            });
        });
        let d: Vec<f64> = x[..20].iter().map(|x| x - 0.4).collect();
        group.bench_function("paired_permutation_20", |b| {
            b.iter(|| {
                pool.install(|| {
                    statistics::paired_permutation(
                        black_box(&d),
                        statistics::PermutationConfig::default(),
                    )
                })
            });
        });
        let positive: Vec<bool> = y.iter().map(|y| *y > 0.75).collect();
        group.bench_function("roc_200k", |b| {
            b.iter(|| pool.install(|| classification::roc(black_box(&positive), &x)));
        });
        let config = classification::MultiLabelConfig::new(62);
        let rows = |offset: usize| -> Vec<u64> {
            x[offset..offset + 100_000]
                .iter()
                .map(|u| (u * 2f64.powi(53)) as u64 & ((1 << 62) - 1) & 0x1111_1111_1111_1111)
                .collect()
        };
        let (truth, predicted) = (rows(0), rows(100_000));
        group.bench_function("multilabel_100k_x_62", |b| {
            b.iter(|| {
                pool.install(|| {
                    let mut counts = config.init().expect("labels");
                    let sets = classification::LabelSets {
                        truth: black_box(&truth),
                        predicted: &predicted,
                    };
                    counts.update(sets).expect("rows");
                    counts.finish().expect("rows").micro_average
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, texts, numbers);
criterion_main!(benches);
