//! `dac-calibration` on the workloads of benches/README.md, drawn by a counter generator that the Python
//! peers draw from as well.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use assay_array::ndarray::Array2;
use assay_benches::pool;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dac_calibration::measures::SmoothEceConfig;
use dac_calibration::{
    BinaryForecasts, Binning, Calibrator, DensityRatio, DensityRatioConfig, DistanceAware,
    DistanceAwareConfig, IsotonicCurve, Logits, Normalisation, Predictions, Temperature,
    TemperatureConfig, TextFeatures,
};
use rayon::prelude::*;

/// SplitMix64 by counter: the `i`-th number of the stream `seed`, in `[0, 1)`.
fn u(seed: u64, i: u64) -> f64 {
    let mut z = seed.wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 * 2.0_f64.powi(-53)
}

/// Four uniforms, shifted and scaled to unit variance.
fn g(seed: u64, i: u64) -> f64 {
    let at = |k| u(seed, 4 * i + k);
    (((at(0) + at(1)) + at(2)) + at(3) - 2.0) * 1.732_050_807_568_877_2
}

fn forecasts(n: u64) -> (Vec<f32>, Vec<bool>) {
    (0..n)
        .into_par_iter()
        .map(|i| {
            let c = u(1, i).sqrt();
            (c as f32, u(2, i) < c * c)
        })
        .unzip()
}

fn slow(c: &mut Criterion) -> criterion::BenchmarkGroup<'_, criterion::measurement::WallTime> {
    let mut group = c.benchmark_group("calibration");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    group
}

/// From unchecked slices to the number.
fn ece(c: &mut Criterion) {
    let mut group = slow(c);
    for n in [1_000_000, 10_000_000] {
        let (p, y) = forecasts(n);
        group.throughput(Throughput::Elements(n));
        for threads in [1, 2] {
            group.bench_function(
                BenchmarkId::new(format!("ece15/{n}"), format!("{threads}thread")),
                |b| {
                    pool(threads).install(|| {
                        b.iter(|| {
                            let forecasts = BinaryForecasts::new(&p, &y).unwrap();
                            forecasts.reliability(&Binning::equal_width(15)).unwrap().ece()
                        });
                    });
                },
            );
        }
    }
    let (p, y) = forecasts(1_000_000);
    let all = BinaryForecasts::new(&p, &y).unwrap();
    let wide: Vec<f64> = (0..1_000_000).map(|i| u(1, i).sqrt()).collect();
    let one = pool(1);
    group.bench_function("equal_mass15/1000000/1thread", |b| {
        one.install(|| b.iter(|| all.reliability(&Binning::equal_mass(15)).unwrap().ece()));
    });
    group.bench_function("smooth_ece/1000000/1thread", |b| {
        one.install(|| b.iter(|| all.smooth_ece(SmoothEceConfig::new()).unwrap().value));
    });
    group.bench_function("isotonic/1000000/1thread", |b| {
        one.install(|| b.iter(|| IsotonicCurve::fit(&BinaryForecasts::new(&wide, &y).unwrap())));
    });
    group.finish();
}

fn logits(c: &mut Criterion) {
    const N: usize = 50_000;
    const C: usize = 1000;
    let rows: Vec<f32> = (0..N as u64 * C as u64)
        .into_par_iter()
        .map(|k| {
            let (i, j) = (k / C as u64, k % C as u64);
            let own = if i % C as u64 == j { 2.0 + 12.0 * u(4, i) } else { 0.0 };
            (2.5 * (2.0 * g(3, k) + own)) as f32
        })
        .collect();
    let z = Array2::from_shape_vec((N, C), rows).unwrap();
    let labels: Vec<usize> = (0..N).map(|i| i % C).collect();
    let mut group = slow(c);
    for threads in [1, 2] {
        let pool = pool(threads);
        group.bench_function(format!("overview/50000x1000/{threads}thread"), |b| {
            pool.install(|| {
                b.iter(|| Logits::new(z.view()).unwrap().overview(&labels, 15).unwrap());
            });
        });
        group.bench_function(format!("temperature/50000x1000/{threads}thread"), |b| {
            pool.install(|| {
                b.iter(|| {
                    let logits = Logits::new(z.view()).unwrap();
                    let predictions = Predictions::from(&logits);
                    let fitted =
                        Temperature::fit(&TemperatureConfig::new(), &predictions, &labels).unwrap();
                    assert!((fitted.value() - 1.656_296).abs() < 1e-5);
                    fitted
                });
            });
        });
    }
    group.finish();
}

fn unit(rows: Array2<f64>) -> Array2<f32> {
    let mut out = rows.mapv(|x| x as f32);
    for (mut out, row) in out.outer_iter_mut().zip(rows.outer_iter()) {
        let norm = row.dot(&row).sqrt();
        out.iter_mut().zip(row).for_each(|(o, x)| *o = (x / norm) as f32);
    }
    out
}

fn distance_aware(c: &mut Criterion) {
    let shape = (1000, 512);
    let draw = |seed| Array2::from_shape_fn(shape, |(i, j)| g(seed, (i * 512 + j) as u64));
    let (base, new) = (unit(draw(5)), unit(draw(6)));
    let moved = |from: &Array2<f32>, seed, by: f64| {
        unit(from.mapv(f64::from) + unit(draw(seed)).mapv(f64::from) * by)
    };
    let (base_tuned, tuned) = (moved(&base, 7, 0.5), moved(&new, 8, 0.8));
    let text = TextFeatures {
        base_zero_shot: base.view(),
        base_tuned: base_tuned.view(),
        zero_shot: new.view(),
        tuned: tuned.view(),
    };
    let config = DistanceAwareConfig::new().with_normalisation(Normalisation::Require);
    let mut group = slow(c);
    for threads in [1, 2] {
        let pool = pool(threads);
        group.bench_function(format!("distance_aware/1000x1000x512/{threads}thread"), |b| {
            pool.install(|| b.iter(|| DistanceAware::fit(&config, &text).unwrap()));
        });
    }
    group.finish();
}

fn density_ratio(c: &mut Criterion) {
    let n = 2000;
    let z =
        Array2::from_shape_fn((n, 2), |(i, j)| if j == 0 { 4.0 * u(11, i as u64) } else { 0.0 });
    let labels: Vec<usize> = (0..n as u64).map(|i| usize::from(u(12, i) > 0.7)).collect();
    let proximity: Vec<f64> = (0..n as u64).map(|i| u(13, i)).collect();
    let logits = Logits::new(z.view()).unwrap();
    let predictions = Predictions::from(&logits).with_proximity(&proximity).unwrap();
    let fitted = DensityRatio::fit(&DensityRatioConfig::default(), &predictions, &labels).unwrap();
    let mut group = slow(c);
    let one = pool(1);
    group.bench_function("density_ratio/2000x2000/1thread", |b| {
        one.install(|| b.iter(|| fitted.transform(&predictions).unwrap()));
    });
    group.finish();
}

criterion_group!(benches, ece, logits, distance_aware, density_ratio);
criterion_main!(benches);
