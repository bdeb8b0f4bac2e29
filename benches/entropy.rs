//! `matrix-entropy` on the workloads of README.md: columns of N(0, 1) · (1 + j)^−½, as hidden states
//! fall off.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use assay_array::linalg::{Gram, eigvalsh, matmul};
use assay_array::ndarray::{Array2, ArrayView2};
use assay_array::random::{normal, stream};
use assay_benches::pool;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use matrix_entropy::accumulate::{Covariance, SecondMoment};
use matrix_entropy::large::{Dense, SlqConfig, slq_entropy};
use matrix_entropy::protocol::sentence_spectra;
use matrix_entropy::{Conventions, RowNorm, RowPolicy, Spectrum, renyi_2};

fn states(seed: u64, rows: usize, columns: usize) -> Array2<f32> {
    let mut rng = stream(seed, "entropy bench", 0);
    Array2::from_shape_fn((rows, columns), |(_, j)| {
        (normal(&mut rng) / (1.0 + j as f64).sqrt()) as f32
    })
}

fn group(c: &mut Criterion, seconds: u64) -> BenchmarkGroup<'_, criterion::measurement::WallTime> {
    let mut group = c.benchmark_group("entropy");
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(seconds));
    group
}

/// One sentence of the paper's protocol, and batches of them on one and two threads.
fn sentences(c: &mut Criterion) {
    let mut group = group(c, 2);
    for rows in [128, 512] {
        let x = states(0, rows, 2048);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("sentence/{rows}x2048/f32"), |b| {
            pool(1).install(|| {
                b.iter(|| Spectrum::of(x.view(), Conventions::paper()).unwrap().entropy());
            });
        });
        let x = x.mapv(f64::from);
        group.bench_function(format!("sentence/{rows}x2048/f64"), |b| {
            pool(1).install(|| {
                b.iter(|| Spectrum::of(x.view(), Conventions::paper()).unwrap().entropy());
            });
        });
    }
    let many: Vec<_> = (0..64).map(|seed| states(seed, 128, 2048)).collect();
    let views: Vec<ArrayView2<'_, f32>> = many.iter().map(|x| x.view()).collect();
    group.throughput(Throughput::Elements(64));
    for threads in [1, 2] {
        let plural = if threads == 1 { "" } else { "s" };
        group.bench_function(format!("sentences/64x128x2048/f32/{threads}thread{plural}"), |b| {
            pool(threads)
                .install(|| b.iter(|| sentence_spectra(&views, Conventions::paper()).unwrap()));
        });
    }
}

/// Streamed covariance beside the matrix product whose speed is its limit.
fn covariance(c: &mut Criterion) {
    let mut group = group(c, 6);
    let square = states(1, 2048, 2048);
    // As many products as the Gram matrix below counts: one triangle.
    group.throughput(Throughput::Elements(2 * 2048_u64.pow(3)));
    group.bench_function("product/2048/f32", |b| {
        pool(1).install(|| b.iter(|| matmul(square.view(), square.view()).unwrap()));
    });
    for (rows, columns) in [(10_000, 768), (8192, 4096)] {
        let x = states(0, rows, columns);
        group.throughput(Throughput::Elements((rows * columns * columns) as u64));
        let name = format!("{rows}x{columns}/f32");
        let mut gram = Gram::new(columns).unwrap();
        group.bench_function(format!("gram/{name}"), |b| {
            pool(1).install(|| b.iter(|| gram.update(x.view()).unwrap()));
        });
        let mut moment = SecondMoment::new(columns, RowNorm::L2, RowPolicy::Error).unwrap();
        group.bench_function(format!("second_moment/{name}"), |b| {
            pool(1).install(|| b.iter(|| moment.extend(x.view()).unwrap()));
        });
        let mut covariance = Covariance::new(columns).unwrap();
        group.bench_function(format!("covariance/{name}"), |b| {
            pool(1).install(|| b.iter(|| covariance.extend(x.view()).unwrap()));
        });
    }
}

/// Eigenvalues of covariances, what needs none, and the estimate instead.
fn spectra(c: &mut Criterion) {
    let mut group = group(c, 4);
    for (rows, columns) in [(10_000, 768), (8192, 4096)] {
        let x = states(0, rows, columns);
        let mut moment = SecondMoment::new(columns, RowNorm::L2, RowPolicy::Error).unwrap();
        moment.extend(x.view()).unwrap();
        let mut gram = Gram::new(columns).unwrap();
        gram.update(x.view()).unwrap();
        let matrix = gram.finish() / rows as f64;
        group.bench_function(format!("eigenvalues/{columns}/f64"), |b| {
            pool(1).install(|| b.iter(|| eigvalsh(matrix.view()).unwrap()));
        });
        group.bench_function(format!("renyi_2/{columns}"), |b| {
            b.iter(|| moment.renyi_2().unwrap());
        });
        if columns == 4096 {
            let narrow = matrix.mapv(|x| x as f32);
            let operator = Dense::new(narrow.view()).unwrap();
            for (probes, steps) in [(16, 20), (32, 40)] {
                let config = SlqConfig::new().with_probes(probes).with_steps(steps);
                group.bench_function(format!("slq/{columns}/{probes}x{steps}"), |b| {
                    pool(1).install(|| b.iter(|| slq_entropy(&operator, &config).unwrap()));
                });
            }
        }
    }
}

/// The Vendi score of embeddings; and Rényi-2 of them without a decomposition.
fn vendi(c: &mut Criterion) {
    let mut group = group(c, 3);
    let x = states(0, 4096, 512);
    group.bench_function("vendi/4096x512/f32", |b| {
        pool(1).install(|| {
            b.iter(|| {
                let spectrum = Spectrum::of(x.view(), Conventions::cosine()).unwrap();
                spectrum.vendi_score(1.0).unwrap()
            });
        });
    });
    group.bench_function("vendi_2/4096x512/f32", |b| {
        pool(1).install(|| b.iter(|| renyi_2(x.view(), Conventions::cosine()).unwrap().exp()));
    });
}

criterion_group!(benches, sentences, vendi, covariance, spectra);
criterion_main!(benches);
