//! What must hold for every input.

use std::sync::Arc;

use assay_array::random::{shuffle, stream};
use assay_array::testing::{assert_close, gradcheck};
use glws_nfa::{Bags, Constraint, Marginals, Nfa, count_distribution, marginals};
use ndarray::{Array2, Array3, Axis, s};
use proptest::prelude::*;

use crate::common::logits;

/// Bag sizes up to the second chunk of vector lanes, and logits from tame to saturated.
fn problem() -> impl Strategy<Value = (Array2<f64>, usize, usize)> {
    (1..40_usize, 2..5_usize, 0..1000_u64, prop::sample::select(vec![0.3, 1.0, 5.0, 40.0]))
        .prop_flat_map(|(length, classes, seed, scale)| {
            (Just(logits(seed, length, classes, scale)), 0..classes, 0..=length)
        })
}

fn solve(logits: &Array2<f64>, constraint: Constraint) -> Marginals<f64> {
    let bags = Bags::new(logits.view(), &[logits.nrows()]).unwrap();
    marginals(&bags, &[constraint]).unwrap()
}

fn flat(rows: &Array2<f64>) -> Vec<f64> {
    rows.iter().copied().collect()
}

/// The kernels for single classes, each with its automaton.
fn kernels(classes: usize, class: usize, count: usize) -> [(Constraint, Nfa); 3] {
    [
        (Constraint::Count { class, count }, Nfa::count(classes, class, count).unwrap()),
        (Constraint::Present { class }, Nfa::present(classes, class).unwrap()),
        (Constraint::Absent { class }, Nfa::absent(classes, class).unwrap()),
    ]
}

proptest! {
    #[test]
    fn kernels_equal_the_engine((logits, class, count) in problem()) {
        for (constraint, nfa) in kernels(logits.ncols(), class, count) {
            let fast = solve(&logits, constraint);
            let engine = solve(&logits, Constraint::Automaton(Arc::new(nfa)));
            assert_close(&fast.log_z(), &engine.log_z(), 1e-11, 1e-11);
            assert_close(&flat(&fast.posterior), &flat(&engine.posterior), 1e-9, 1e-12);
        }
    }

    #[test]
    fn rows_sum_to_one((logits, class, count) in problem()) {
        for (constraint, _) in kernels(logits.ncols(), class, count) {
            let result = solve(&logits, constraint);
            let sums = result.posterior.sum_axis(Axis(1)).to_vec();
            assert_close(&sums, &vec![1.0; logits.nrows()], 0.0, 1e-12);
            prop_assert!(result.posterior.iter().all(|g| (0.0..=1.0 + 1e-12).contains(g)));
        }
    }

    #[test]
    fn expected_count_is_the_count((logits, class, count) in problem()) {
        let expected = solve(&logits, Constraint::Count { class, count }).posterior.column(class).sum();
        assert_close(&[expected], &[count as f64], 1e-12, 1e-11);
        let single = logits.mapv(|v| v as f32);
        let bags = Bags::new(single.view(), &[single.nrows()]).unwrap();
        let single = marginals(&bags, &[Constraint::Count { class, count }]).unwrap();
        let expected: f64 = single.posterior.column(class).iter().map(|&g| f64::from(g)).sum();
        assert_close(&[expected], &[count as f64], 2e-6, 2e-6);
    }

    #[test]
    fn count_probabilities_sum_to_one((logits, class, count) in problem()) {
        let bags = Bags::new(logits.view(), &[logits.nrows()]).unwrap();
        let distribution = count_distribution(&bags, class).unwrap().remove(0);
        assert_close(&[distribution.iter().sum()], &[1.0], 1e-12, 0.0);
        let log_z = solve(&logits, Constraint::Count { class, count }).outcomes[0].log_z();
        assert_close(&[distribution[count]], &[log_z.exp()], 1e-10, 1e-300);
    }

    #[test]
    fn order_does_not_matter((logits, class, count) in problem(), seed in 0..100_u64) {
        let mut order: Vec<usize> = (0..logits.nrows()).collect();
        shuffle(&mut stream(seed, "permutation", 0), &mut order);
        for (constraint, _) in kernels(logits.ncols(), class, count) {
            let straight = solve(&logits, constraint.clone());
            let permuted = solve(&logits.select(Axis(0), &order), constraint);
            assert_close(&permuted.log_z(), &straight.log_z(), 1e-11, 1e-11);
            let straight = flat(&straight.posterior.select(Axis(0), &order));
            assert_close(&flat(&permuted.posterior), &straight, 1e-9, 1e-12);
        }
    }

    #[test]
    fn tilting_leaves_the_posterior_of_a_count((logits, class, count) in problem(), by in -3.0..3.0_f64) {
        let mut tilted = logits.clone();
        tilted.column_mut(class).mapv_inplace(|v| v + by);
        let straight = flat(&solve(&logits, Constraint::Count { class, count }).posterior);
        let tilted = flat(&solve(&tilted, Constraint::Count { class, count }).posterior);
        assert_close(&tilted, &straight, 1e-9, 1e-11);
    }

    #[test]
    fn presence_and_absence_are_complements((logits, class, _) in problem()) {
        let present = solve(&logits, Constraint::Present { class }).outcomes[0].log_z().exp();
        let absent = solve(&logits, Constraint::Absent { class }).outcomes[0].log_z().exp();
        assert_close(&[present + absent], &[1.0], 1e-12, 0.0);
        let pair = logits.slice(s![..1, ..]).to_owned();
        let pair = ndarray::concatenate(Axis(0), &[pair.view(), pair.slice(s![.., ..;-1])]).unwrap();
        let similar = solve(&pair, Constraint::Similar).outcomes[0].log_z().exp();
        let dissimilar = solve(&pair, Constraint::Dissimilar).outcomes[0].log_z().exp();
        assert_close(&[similar + dissimilar], &[1.0], 1e-12, 0.0);
    }

    #[test]
    fn adding_a_constant_to_an_instance_changes_nothing((logits, class, count) in problem()) {
        let shifted = &logits + 7.0;
        for (constraint, _) in kernels(logits.ncols(), class, count) {
            let (a, b) = (solve(&logits, constraint.clone()), solve(&shifted, constraint));
            assert_close(&a.log_z(), &b.log_z(), 1e-11, 1e-11);
            assert_close(&flat(&a.posterior), &flat(&b.posterior), 1e-9, 1e-12);
        }
    }

    #[test]
    fn padding_changes_nothing(
        lengths in prop::collection::vec(0..9_usize, 1..6),
        seed in 0..1000_u64,
    ) {
        let rows: usize = lengths.iter().sum();
        let logits = logits(seed, rows, 3, 2.0);
        let constraints: Vec<Constraint> = lengths
            .iter()
            .map(|&l| Constraint::Count { class: 1, count: l / 2 })
            .collect();
        let ragged = Bags::new(logits.view(), &lengths).unwrap();
        let want = marginals(&ragged, &constraints).unwrap();
        // NaN in the padding must never be read; instances stand at the end of the mask's rows.
        let mut front = Array3::from_elem((lengths.len(), 9, 3), f64::NAN);
        let mut back = front.clone();
        let mut mask = Array2::from_elem((lengths.len(), 9), false);
        let mut row = 0;
        for (bag, &length) in lengths.iter().enumerate() {
            for i in 0..length {
                front.slice_mut(s![bag, i, ..]).assign(&logits.row(row));
                back.slice_mut(s![bag, 9 - length + i, ..]).assign(&logits.row(row));
                mask[[bag, 9 - length + i]] = true;
                row += 1;
            }
        }
        let front = Bags::from_padded(front.view(), &lengths).unwrap();
        let back = Bags::from_mask(back.view(), mask.view()).unwrap();
        for bags in [&front, &back] {
            prop_assert_eq!(&marginals(bags, &constraints).unwrap(), &want);
        }
        let gradient = want.gradient(&back).unwrap();
        let padded = back.scatter(gradient.view()).unwrap();
        assert_close(&[padded.sum()], &[gradient.sum()], 0.0, 1e-12);
        for (bag, row) in mask.indexed_iter().filter(|(_, kept)| !**kept).map(|(at, _)| at) {
            prop_assert!(padded.slice(s![bag, row, ..]).iter().all(|&g| g == 0.0));
        }
    }
}

/// The gradient of `−log Z` is `p − γ`, for every kind of constraint.
#[test]
fn gradient_is_prediction_minus_posterior() {
    let block = Nfa::count(3, 0, 1).unwrap();
    for (length, constraint) in [
        (6, Constraint::Count { class: 1, count: 2 }),
        (6, Constraint::Count { class: 2, count: 5 }),
        (6, Constraint::CountVector(vec![3, 1, 2])),
        (6, Constraint::Present { class: 0 }),
        (6, Constraint::Absent { class: 0 }),
        (6, Constraint::PresenceVector(vec![true, false, true])),
        (2, Constraint::Similar),
        (2, Constraint::Dissimilar),
        (6, Constraint::Automaton(Arc::new(block))),
    ] {
        let at = logits(11, length, 3, 1.5);
        let bags = Bags::new(at.view(), &[length]).unwrap();
        let result = marginals(&bags, std::slice::from_ref(&constraint)).unwrap();
        let gradient = flat(&result.gradient(&bags).unwrap());
        let value = |x: &[f64]| {
            let x = Array2::from_shape_vec((length, 3), x.to_vec()).unwrap();
            -solve(&x, constraint.clone()).outcomes[0].log_z()
        };
        gradcheck(value, &gradient, &flat(&at), 1e-6, 1e-8);
    }
}

/// Whole batches, large enough to be split, on pools of different sizes.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let lengths: Vec<usize> = (0..200).map(|b| 20 + b % 17).collect();
    let logits = logits(1, lengths.iter().sum(), 3, 3.0).mapv(|v| v as f32);
    let constraints: Vec<Constraint> = (0..200)
        .map(|b| match b % 4 {
            0 => Constraint::Count { class: b % 3, count: b % 20 },
            1 => Constraint::Present { class: b % 3 },
            2 => Constraint::Absent { class: b % 3 },
            _ => Constraint::Automaton(Arc::new(Nfa::count(3, 1, 5).unwrap())),
        })
        .collect();
    let bags = Bags::new(logits.view(), &lengths).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| marginals(&bags, &constraints).unwrap())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(7));
}

/// One bag after another in one workspace must see nothing of the bag before.
#[test]
fn bags_do_not_see_each_other() {
    let shapes = [(700, 300), (40, 3), (900, 450), (33, 16), (700, 20), (17, 16), (300, 150)];
    let lengths: Vec<usize> = shapes.iter().map(|s| s.0).collect();
    let all = logits(8, lengths.iter().sum(), 2, 2.0).mapv(|v| v as f32);
    let constraints: Vec<Constraint> =
        shapes.iter().map(|s| Constraint::Count { class: 1, count: s.1 }).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let bags = Bags::new(all.view(), &lengths).unwrap();
    let together = pool.install(|| marginals(&bags, &constraints).unwrap());
    for (bag, range) in bags.offsets().windows(2).enumerate() {
        let own = all.slice(s![range[0]..range[1], ..]).to_owned();
        let alone = Bags::new(own.view(), &[lengths[bag]]).unwrap();
        let alone = marginals(&alone, &constraints[bag..=bag]).unwrap();
        // Side by side the operations come in another order.
        let (got, want) = (together.outcomes[bag].log_z(), alone.outcomes[0].log_z());
        assert_close(&[got], &[want], 1e-6, 1e-4);
        let single = |rows: ndarray::ArrayView2<'_, f32>| {
            rows.iter().map(|&g| f64::from(g)).collect::<Vec<_>>()
        };
        let rows = together.posterior.slice(s![range[0]..range[1], ..]);
        assert_close(&single(rows), &single(alone.posterior.view()), 0.0, 2e-6);
    }
}

/// Long bags, rare and common counts: the tilted `f32` recursion against the engine in `f64`.
#[test]
fn single_precision_holds_on_long_bags() {
    for (length, count, scale) in
        [(1000, 100, 1.0), (1000, 500, 1.0), (1000, 990, 3.0), (2500, 2, 10.0), (777, 333, 30.0)]
    {
        let single = logits(count as u64, length, 2, scale).mapv(|v| v as f32);
        let double = single.mapv(f64::from);
        let bags = Bags::new(single.view(), &[length]).unwrap();
        let fast = marginals(&bags, &[Constraint::Count { class: 1, count }]).unwrap();
        let engine =
            solve(&double, Constraint::Automaton(Arc::new(Nfa::count(2, 1, count).unwrap())));
        assert_close(&fast.log_z(), &engine.log_z(), 1e-6, 5e-5);
        let got: Vec<f64> = fast.posterior.iter().map(|&g| f64::from(g)).collect();
        assert_close(&got, &flat(&engine.posterior), 0.0, 1e-6);
        let exact = solve(&double, Constraint::Count { class: 1, count });
        assert_close(&exact.log_z(), &engine.log_z(), 1e-11, 1e-10);
        assert_close(&flat(&exact.posterior), &flat(&engine.posterior), 0.0, 1e-11);
    }
}
