//! Bags side by side in vector lanes give what each gives alone.

use std::sync::Arc;

use assay_array::random::{below, stream};
use assay_array::testing::assert_close;
use glws_nfa::{Bags, Constraint, Nfa, NfaBuilder, Outcome, marginals};
use ndarray::{Array2, s};
use proptest::prelude::*;

use crate::common::logits;

/// The batch against its bags one by one, in both precisions.
fn check(logits: &Array2<f64>, lengths: &[usize], constraints: &[Constraint]) {
    let single = logits.mapv(|v| v as f32);
    let bags = Bags::new(logits.view(), lengths).unwrap();
    let single_bags = Bags::new(single.view(), lengths).unwrap();
    let together = marginals(&bags, constraints).unwrap();
    let single_together = marginals(&single_bags, constraints).unwrap();
    for (bag, range) in bags.offsets().windows(2).enumerate() {
        let rows = s![range[0]..range[1], ..];
        let own = logits.slice(rows).to_owned();
        let alone = Bags::new(own.view(), &[lengths[bag]]).unwrap();
        let alone = marginals(&alone, &constraints[bag..=bag]).unwrap();
        let (got, want) = (together.outcomes[bag], alone.outcomes[0]);
        assert_eq!(got.is_feasible(), want.is_feasible(), "bag {bag}");
        if let (Outcome::Infeasible(got), Outcome::Infeasible(want)) = (got, want) {
            assert_eq!(got, want);
            assert!(together.posterior.slice(rows).iter().all(|&g| g == 0.0));
            continue;
        }
        assert_close(&[got.log_z()], &[want.log_z()], 1e-11, 1e-11);
        let flat = |rows: ndarray::ArrayView2<'_, f64>| rows.iter().copied().collect::<Vec<_>>();
        let want_rows = flat(alone.posterior.view());
        assert_close(&flat(together.posterior.slice(rows)), &want_rows, 1e-8, 1e-12);
        let small = single_together.outcomes[bag];
        // f32 rounds logits of some size, and a rare count's log Z multiplies that.
        let scale = 1.0 + own.iter().fold(0.0_f64, |max, v| max.max(v.abs())) * lengths[bag] as f64;
        assert_close(&[small.log_z()], &[want.log_z()], 1e-5, 1e-6 * scale);
    }
}

fn constraint(
    kind: usize,
    classes: usize,
    class: usize,
    length: usize,
    count: usize,
) -> Constraint {
    match kind {
        0..=2 => Constraint::Count { class, count: count % (length + 2) },
        3 => Constraint::Present { class },
        4 => Constraint::Absent { class },
        _ => Constraint::CountVector(
            (0..classes).map(|c| if c == class { length } else { 0 }).collect(),
        ),
    }
}

proptest! {
    #[test]
    fn mixed_batches(
        shapes in prop::collection::vec((0..40_usize, 0..6_usize, 0..40_usize), 1..40),
        classes in 2..4_usize,
        seed in 0..1000_u64,
        scale in prop::sample::select(vec![0.3, 2.0, 30.0]),
    ) {
        let lengths: Vec<usize> = shapes.iter().map(|shape| shape.0).collect();
        let logits = logits(seed, lengths.iter().sum(), classes, scale);
        let constraints: Vec<Constraint> = shapes
            .iter()
            .map(|&(length, kind, count)| constraint(kind, classes, count % classes, length, count))
            .collect();
        check(&logits, &lengths, &constraints);
    }

    #[test]
    fn shared_automata(
        shapes in prop::collection::vec((0..30_usize, 0..4_usize), 1..40),
        seed in 0..1000_u64,
        scale in prop::sample::select(vec![0.3, 2.0, 30.0, 400.0]),
    ) {
        let lengths: Vec<usize> = shapes.iter().map(|shape| shape.0).collect();
        let logits = logits(seed, lengths.iter().sum(), 3, scale);
        let weighted = NfaBuilder::new(2, 3)
            .initial(0)
            .weighted_arc(0, 0, 0, -2.0)
            .weighted_arc(0, 1, 1, 3.0)
            .weighted_arc(0, 2, 1, 0.5)
            .weighted_arc(1, 2, 0, 1.0)
            .weighted_accepting(1, -7.0)
            .build()
            .unwrap();
        let automata = [
            Nfa::count(3, 1, 4).unwrap(),
            Nfa::contiguous(3, 0).unwrap(),
            weighted,
            Nfa::presence_vector(&[true, true, true]).unwrap(),
        ]
        .map(Arc::new);
        let constraints: Vec<Constraint> =
            shapes.iter().map(|shape| Constraint::Automaton(automata[shape.1].clone())).collect();
        check(&logits, &lengths, &constraints);
    }
}

/// Tables too large to be kept: rows between checkpoints are computed twice.
#[test]
fn long_bags() {
    let mut rng = stream(3, "lanes", 0);
    let lengths: Vec<usize> = (0..9).map(|_| 900 + below(&mut rng, 200)).collect();
    let all = logits(5, lengths.iter().sum(), 2, 1.0);
    let counts: Vec<Constraint> = lengths
        .iter()
        .map(|&length| Constraint::Count { class: 1, count: 1 + below(&mut rng, length - 1) })
        .collect();
    check(&all, &lengths, &counts);
    let similar: Vec<Constraint> =
        lengths.iter().map(|l| Constraint::Count { class: 0, count: l / 10 }).collect();
    check(&all, &lengths, &similar);
    let automaton = Constraint::Automaton(Arc::new(Nfa::count(2, 1, 400).unwrap()));
    check(&all, &lengths, &vec![automaton; 9]);
}

/// Counts so unlikely, or log odds so large, that a lane has to give up while its neighbours go on.
#[test]
fn lanes_that_give_up() {
    let lengths = vec![20; 20];
    let mut logits = logits(1, 400, 2, 1.0);
    for (row, mut logits) in logits.rows_mut().into_iter().enumerate() {
        match row / 20 % 5 {
            1 => logits[1] -= 1e8,
            2 => logits[1] = if row % 3 == 0 { 1e12 } else { -1e12 },
            3 => logits[1] -= 300.0,
            _ => {}
        }
    }
    let counts: Vec<Constraint> =
        (0..20).map(|bag| Constraint::Count { class: 1, count: 1 + bag % 19 }).collect();
    let automaton = Constraint::Automaton(Arc::new(Nfa::count(2, 1, 12).unwrap()));
    for constraints in [counts, vec![automaton; 20]] {
        let bags = Bags::new(logits.view(), &lengths).unwrap();
        let together = marginals(&bags, &constraints).unwrap();
        assert!(together.posterior.iter().all(|g| g.is_finite()));
        for bag in 0..20 {
            let own = logits.slice(s![bag * 20..bag * 20 + 20, ..]).to_owned();
            let alone = Bags::new(own.view(), &[20]).unwrap();
            let alone = marginals(&alone, &constraints[bag..=bag]).unwrap();
            let (got, want) = (together.outcomes[bag].log_z(), alone.outcomes[0].log_z());
            assert_close(&[got], &[want], 1e-11, 1e-9);
        }
    }
}

/// Under one automaton a bag's bits are its own: the same among any neighbours.
#[test]
fn neighbours_do_not_matter() {
    let automaton = Constraint::Automaton(Arc::new(Nfa::contiguous(3, 1).unwrap()));
    let first = logits(1, 12, 3, 2.0);
    let run = |seed: u64, lengths: &[usize]| {
        let others = logits(seed, lengths.iter().sum(), 3, 5.0);
        let all = ndarray::concatenate(ndarray::Axis(0), &[first.view(), others.view()]).unwrap();
        let lengths = [&[12], lengths].concat();
        let bags = Bags::new(all.view(), &lengths).unwrap();
        let result = marginals(&bags, &vec![automaton.clone(); lengths.len()]).unwrap();
        (result.outcomes[0], result.posterior.slice(s![..12, ..]).to_owned())
    };
    let want = run(2, &[12, 12, 12]);
    assert_eq!(run(3, &[30, 5, 2, 1, 80, 12, 9]), want);
    assert_eq!(run(4, &[12; 31]), want);
}

/// A single bag whose table is too large to be kept, by its kernel, by the engine, and in log space.
#[test]
fn a_table_computed_twice() {
    let length = 6000;
    let all = logits(6, length, 2, 1.0);
    let single = all.mapv(|v| v as f32);
    let bags = Bags::new(single.view(), &[length]).unwrap();
    let count = Constraint::Count { class: 1, count: 2900 };
    let kernel = marginals(&bags, &[count]).unwrap();
    let nfa = Arc::new(Nfa::count(2, 1, 2900).unwrap());
    let engine = marginals(&bags, &[Constraint::Automaton(nfa)]).unwrap();
    assert_close(&kernel.log_z(), &engine.log_z(), 1e-6, 1e-3);
    let flat = |rows: &Array2<f32>| rows.iter().map(|&g| f64::from(g)).collect::<Vec<_>>();
    assert_close(&flat(&kernel.posterior), &flat(&engine.posterior), 0.0, 2e-6);

    // No count near 700 of 6000 is likely here: the engine must fall back to logarithms.
    let unlikely = all.slice(s![..6000, ..]).mapv(|v| v as f32) + ndarray::array![[0.0, 6.0]];
    let bags = Bags::new(unlikely.view(), &[length]).unwrap();
    let kernel = marginals(&bags, &[Constraint::Count { class: 1, count: 700 }]).unwrap();
    let nfa = Arc::new(Nfa::count(2, 1, 700).unwrap());
    let engine = marginals(&bags, &[Constraint::Automaton(nfa)]).unwrap();
    assert_close(&kernel.log_z(), &engine.log_z(), 1e-6, 1e-2);
    assert_close(&flat(&kernel.posterior), &flat(&engine.posterior), 0.0, 2e-6);
}
