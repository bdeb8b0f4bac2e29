//! The exact kernels of `glws-nfa` on the workloads of benches/README.md: bags of two classes with
//! standard normal logits; out come `log Z` and every instance's posterior, log-softmax included.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use assay_array::ndarray::Array2;
use assay_array::random::{normal, stream};
use assay_benches::pool;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use glws_nfa::{Bags, Constraint, Nfa, Posteriors, marginals};

const BAGS: usize = 64;

fn bench(
    c: &mut Criterion,
    name: &str,
    length: usize,
    bags: usize,
    constraint: &Constraint,
    threads: usize,
) {
    let mut rng = stream(0, "glws bench", 0);
    let logits = Array2::from_shape_simple_fn((bags * length, 2), || normal(&mut rng) as f32);
    let (lengths, constraints) = (vec![length; bags], vec![constraint.clone(); bags]);
    let pool = pool(threads);
    let mut group = c.benchmark_group("glws");
    group.throughput(Throughput::Elements((bags * length) as u64));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let plural = if threads == 1 { "" } else { "s" };
    group.bench_function(format!("{name}/f32/{threads}thread{plural}"), |b| {
        pool.install(|| {
            b.iter(|| {
                let bags = Bags::new(logits.view(), &lengths).unwrap();
                marginals(&bags, &constraints).unwrap()
            });
        });
    });
    group.finish();
}

fn mil(c: &mut Criterion) {
    let generic = Constraint::Automaton(Arc::new(Nfa::present(2, 1).unwrap()));
    for length in [10, 100, 1000] {
        for threads in if length == 10 { 1..=1 } else { 1..=2 } {
            let closed = Constraint::Present { class: 1 };
            bench(c, &format!("mil_closed/64x{length}"), length, BAGS, &closed, threads);
            bench(c, &format!("mil_generic/64x{length}"), length, BAGS, &generic, threads);
        }
    }
}

fn counts(c: &mut Criterion) {
    for (length, count) in [(10, 5), (100, 10), (100, 50), (1000, 100), (1000, 500)] {
        for threads in if length == 10 { 1..=1 } else { 1..=2 } {
            let constraint = Constraint::Count { class: 1, count };
            bench(c, &format!("count/64x{length}_m{count}"), length, BAGS, &constraint, threads);
        }
    }
}

fn count_generic(c: &mut Criterion) {
    let constraint = Constraint::Automaton(Arc::new(Nfa::count(2, 1, 10).unwrap()));
    bench(c, "count_generic/64x100_m10", 100, BAGS, &constraint, 1);
}

fn pairs(c: &mut Criterion) {
    bench(c, "pairs/4096", 2, 4096, &Constraint::Similar, 1);
    bench(c, "pairs_dissimilar/4096", 2, 4096, &Constraint::Dissimilar, 1);
}

/// The small kernels: a distribution of counts, a weight for each pair of classes, evidence.
fn weighted(c: &mut Criterion) {
    let log_weights = (0..=100).map(|k| -0.02 * (f64::from(k) - 30.0).powi(2)).collect();
    bench(c, "soft_count/64x100", 100, BAGS, &Constraint::SoftCount { class: 1, log_weights }, 1);
    let weights = Arc::new(Array2::from_shape_fn((2, 2), |(a, b)| 1.0 / (1 + a + 2 * b) as f64));
    bench(c, "pair/4096", 2, 4096, &Constraint::Pair(weights), 1);
    bench(c, "evidence/64x100", 100, BAGS, &Constraint::Evidence(vec![0.2, 0.7]), 1);
}

/// The other questions about "ten of a hundred", on the automaton, in log space and f64.
fn posteriors(c: &mut Criterion) {
    let mut rng = stream(0, "glws bench", 0);
    let logits = Array2::from_shape_simple_fn((BAGS * 100, 2), || normal(&mut rng) as f32);
    let (lengths, pool) = ([100; BAGS], pool(1));
    let bags = Bags::new(logits.view(), &lengths).unwrap();
    let known = vec![Constraint::Count { class: 1, count: 10 }; BAGS];
    let posteriors = Posteriors::new(&bags, &known).unwrap();
    let mut group = c.benchmark_group("glws/posteriors/64x100_m10");
    group.throughput(Throughput::Elements(BAGS as u64 * 100));
    group.bench_function("viterbi", |b| {
        pool.install(|| b.iter(|| posteriors.most_probable().unwrap()));
    });
    group.bench_function("k_best/10", |b| {
        pool.install(|| b.iter(|| posteriors.k_best(10).unwrap()));
    });
    group.bench_function("sample/100", |b| {
        pool.install(|| b.iter(|| posteriors.sample(100, 0).unwrap()));
    });
    group.bench_function("path_counts", |b| {
        pool.install(|| b.iter(|| posteriors.path_counts().unwrap()));
    });
    group.bench_function("entropy", |b| {
        pool.install(|| b.iter(|| posteriors.entropy().unwrap()));
    });
    group.finish();
}

/// All ten counts jointly, the lattice of as many states as vectors of counts fit below.
fn count_vectors(c: &mut Criterion) {
    for counts in [[1; 10], [2; 10]] {
        let length = counts.iter().sum();
        let mut rng = stream(0, "glws bench", 1);
        let logits = Array2::from_shape_simple_fn((length, 10), || normal(&mut rng) as f32);
        let constraint = [Constraint::CountVector(counts.to_vec())];
        let mut group = c.benchmark_group("glws");
        group.throughput(Throughput::Elements(length as u64));
        group.bench_function(format!("count_vector/1x{length}_10classes/f32/1thread"), |b| {
            b.iter(|| {
                let bags = Bags::new(logits.view(), &[length]).unwrap();
                marginals(&bags, &constraint).unwrap()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, mil, counts, count_generic, pairs, weighted, posteriors, count_vectors);
criterion_main!(benches);
