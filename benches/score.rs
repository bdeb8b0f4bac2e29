//! Accumulators, intervals and the bootstrap of `assay-score`.
//!
//! Everything but `mean/10000x10000/2 threads` runs on one thread, whatever the machine.

use std::hint::black_box;

use assay_array::random;
use assay_benches::pool;
use assay_score::{
    BootstrapConfig, BootstrapMethod, Clusters, ConfusionConfig, ConfusionMatrix, HistogramConfig,
    Labels, Mergeable, Moments, interval,
};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

fn values(n: usize) -> Vec<f64> {
    let mut rng = random::stream(17, "bench", 0);
    (0..n).map(|_| random::normal(&mut rng)).collect()
}

/// Five classes; six in ten predictions right, the others drawn from all.
fn labels(n: usize) -> (Vec<usize>, Vec<usize>) {
    let mut rng = random::stream(13, "bench", 0);
    let truth: Vec<usize> = (0..n).map(|_| random::below(&mut rng, 5)).collect();
    let mut guess = |&truth: &usize| match random::below(&mut rng, 100) {
        0..60 => truth,
        _ => random::below(&mut rng, 5),
    };
    let predicted = truth.iter().map(&mut guess).collect();
    (truth, predicted)
}

fn accumulators(c: &mut Criterion) {
    const N: usize = 1_000_000;
    let mut group = c.benchmark_group("score/1M");
    group.sample_size(20);
    group.throughput(Throughput::Elements(N as u64));
    let x = values(N);
    group.bench_function("moments", |b| {
        b.iter(|| {
            let mut moments = Moments::new();
            moments.update(black_box(&x)).expect("finite");
            moments.finish().expect("values")
        });
    });
    let narrow: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    group.bench_function("moments/f32", |b| {
        b.iter(|| {
            let mut moments = Moments::new();
            moments.extend(black_box(&narrow)).expect("finite");
            moments.finish().expect("values")
        });
    });
    let histogram = HistogramConfig::uniform(-8.0, 8.0, 100).init().expect("edges");
    group.bench_function("histogram", |b| {
        b.iter(|| {
            let mut histogram = histogram.clone();
            histogram.update(black_box(&x)).expect("inside");
            histogram
        });
    });
    let (truth, predicted) = labels(N);
    let matrix = ConfusionConfig::new(5).init().expect("classes");
    group.bench_function("confusion", |b| {
        b.iter(|| {
            let mut matrix = matrix.clone();
            let labels = Labels { truth: black_box(&truth), predicted: &predicted };
            matrix.update(labels).expect("classes");
            matrix.finish().expect("labels")
        });
    });
    group.finish();

    let shards: Vec<Vec<u8>> = truth
        .chunks(1000)
        .zip(predicted.chunks(1000))
        .map(|(truth, predicted)| {
            let mut matrix = matrix.clone();
            matrix.update(Labels { truth, predicted }).expect("classes");
            matrix.to_bytes()
        })
        .collect();
    let mut group = c.benchmark_group("score/merge");
    group.throughput(Throughput::Elements(shards.len() as u64));
    group.bench_function("1000 confusion shards from bytes", |b| {
        b.iter(|| {
            let mut all = matrix.clone();
            for shard in &shards {
                all.merge(&ConfusionMatrix::from_bytes(shard).expect("bytes")).expect("alike");
            }
            all
        });
    });
}

fn intervals(c: &mut Criterion) {
    let mut group = c.benchmark_group("score/interval/1134 of 1400");
    group.bench_function("wilson", |b| b.iter(|| interval::wilson(black_box(1134), 1400, 0.95)));
    group.bench_function("clopper_pearson", |b| {
        b.iter(|| interval::clopper_pearson(black_box(1134), 1400, 0.95));
    });
    group
        .bench_function("jeffreys", |b| b.iter(|| interval::jeffreys(black_box(1134), 1400, 0.95)));
}

fn bootstraps(c: &mut Criterion) {
    let group = &mut c.benchmark_group("score/bootstrap");
    group.sample_size(10);
    let methods = [("percentile", BootstrapMethod::Percentile), ("bca", BootstrapMethod::Bca)];
    for (n, resamples) in [(10_000, 2000), (1400, 10_000)] {
        for (name, method) in methods {
            mean(group, &format!("mean/{n}x{resamples}/{name}"), n, resamples, method, 1);
        }
    }
    let percentile = BootstrapMethod::Percentile;
    mean(group, "mean/10000x10000/percentile", 10_000, 10_000, percentile, 1);
    mean(group, "mean/10000x10000/2 threads", 10_000, 10_000, percentile, 2);

    // A thousand prompts with five answers each.
    let x = values(5000);
    let prompts = Clusters::new(&(0..5000).map(|i| i / 5).collect::<Vec<_>>());
    let clustered = BootstrapConfig::new().with_resamples(10_000).init().expect("settings");
    group.throughput(Throughput::Elements(1000 * 10_000));
    group.bench_function("cluster_mean/1000 of 5x10000", |b| {
        pool(1).install(|| b.iter(|| clustered.cluster_mean(black_box(&x), &prompts)));
    });

    let x = values(1000);
    let median = BootstrapConfig::new().with_resamples(1000).init().expect("settings");
    group.throughput(Throughput::Elements(1000 * 1000));
    group.bench_function("statistic/median/1000x1000", |b| {
        let statistic = |drawn: &[usize]| {
            let mut drawn: Vec<f64> = drawn.iter().map(|&i| x[i]).collect();
            *drawn.select_nth_unstable_by(500, f64::total_cmp).1
        };
        pool(1).install(|| b.iter(|| median.statistic(x.len(), statistic)));
    });

    let (truth, predicted) = labels(1000);
    let config = ConfusionConfig::new(5);
    let mut matrix = config.init().expect("classes");
    matrix.update(Labels { truth: &truth, predicted: &predicted }).expect("classes");
    group.bench_function("counts/macro_f1/1000x1000", |b| {
        let macro_f1 = |cells: &[u64]| {
            let report = ConfusionMatrix::from_cells(config, cells).and_then(|m| m.finish());
            report.ok().and_then(|report| report.macro_average.f1).unwrap_or(f64::NAN)
        };
        pool(1).install(|| b.iter(|| median.counts(black_box(matrix.cells()), macro_f1)));
    });
}

fn mean(
    group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    n: usize,
    resamples: usize,
    method: BootstrapMethod,
    threads: usize,
) {
    let x = values(n);
    let config = BootstrapConfig::new().with_resamples(resamples).with_method(method);
    let bootstrap = config.init().expect("settings");
    group.throughput(Throughput::Elements((n * resamples) as u64));
    group.bench_function(name, |b| {
        pool(threads).install(|| b.iter(|| bootstrap.mean(black_box(&x))));
    });
}

criterion_group!(benches, accumulators, intervals, bootstraps);
criterion_main!(benches);
