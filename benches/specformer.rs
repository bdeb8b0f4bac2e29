//! The spectral kernels of `specformer-msvp` on the query, key and value weights of ViT-S, B and L:
//! 36 matrices of 384 and of 768, 72 of 1024, f32, normal entries of deviation 0.02.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use assay_array::linalg::svdvals;
use assay_array::ndarray::Array2;
use assay_array::random::{normal, stream};
use assay_benches::pool;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use specformer_msvp::msvp::{Blocking, MsvpConfig, Qkv, QkvMut};
use specformer_msvp::spectral::{sigma_max_lanczos, sigma_upper, sigma_upper_gram};

const MODELS: [(&str, usize, usize, usize); 3] =
    [("S", 12, 384, 6), ("B", 12, 768, 12), ("L", 24, 1024, 16)];

fn weights(d: usize, layers: usize) -> Vec<Array2<f32>> {
    let mut rng = stream(0, "specformer bench", d as u64);
    (0..layers)
        .map(|_| Array2::from_shape_simple_fn((3 * d, d), || (0.02 * normal(&mut rng)) as f32))
        .collect()
}

fn group(c: &mut Criterion) -> BenchmarkGroup<'_, WallTime> {
    let mut group = c.benchmark_group("specformer");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group
}

/// A training step's power iteration, alone and with the gradient added; whole matrices and heads.
fn penalty(c: &mut Criterion) {
    let pool = pool(1);
    for (model, layers, d, heads) in MODELS {
        let weights = weights(d, layers);
        let mut grads = weights.clone();
        let views: Vec<_> = weights.iter().map(|w| Qkv::fused(w.view(), heads).unwrap()).collect();
        for (blocks, blocking) in [("whole", Blocking::Whole), ("heads", Blocking::HeadRows)] {
            let mut msvp =
                MsvpConfig::new().with_blocking(blocking).with_warmup(1).init(&views).unwrap();
            let mut group = group(c);
            group.bench_function(format!("power/{model}/{blocks}/f32/1thread"), |b| {
                pool.install(|| b.iter(|| msvp.update(&views).unwrap()));
            });
            group.bench_function(format!("power_gradient/{model}/{blocks}/f32/1thread"), |b| {
                pool.install(|| {
                    b.iter(|| {
                        msvp.update(&views).unwrap();
                        let mut views: Vec<_> = grads
                            .iter_mut()
                            .map(|g| QkvMut::fused(g.view_mut(), heads).unwrap())
                            .collect();
                        msvp.add_gradients(&mut views, 1e-9).unwrap();
                    });
                });
            });
            group.finish();
        }
    }
}

/// One matrix from a cold start.
fn single(c: &mut Criterion) {
    let pool = pool(1);
    for d in [384, 768, 1024] {
        let fused = weights(d, 1).remove(0);
        let (w, _) = fused.view().split_at(assay_array::ndarray::Axis(0), d);
        let mut group = group(c);
        group.bench_function(format!("lanczos/{d}/f32/1thread"), |b| {
            pool.install(|| b.iter(|| sigma_max_lanczos(w, 1e-6).unwrap()));
        });
        group.bench_function(format!("certificate/{d}/f32/1thread"), |b| {
            pool.install(|| b.iter(|| sigma_upper(w).unwrap()));
        });
        group.bench_function(format!("gram_6/{d}/f32/1thread"), |b| {
            pool.install(|| b.iter(|| sigma_upper_gram(w, 6).unwrap()));
        });
        group.bench_function(format!("svd/{d}/f32/1thread"), |b| {
            pool.install(|| b.iter(|| svdvals(w).unwrap()));
        });
        group.finish();
    }
}

criterion_group!(benches, penalty, single);
criterion_main!(benches);
