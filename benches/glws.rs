//! The exact kernels of `glws-nfa` on the workloads of benches/README.md: bags of two classes with
//! standard normal logits; out come `log Z` and every instance's posterior, log-softmax included.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use assay_array::ndarray::Array2;
use assay_array::random::{normal, stream};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use glws_nfa::{Bags, Constraint, Nfa, marginals};

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
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
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

criterion_group!(benches, mil, counts, count_generic, pairs, count_vectors);
criterion_main!(benches);
