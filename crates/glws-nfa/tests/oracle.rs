//! Every path against enumeration of all label sequences.

use std::sync::Arc;

use assay_array::testing::assert_close;
use glws_nfa::{Bags, Constraint, Nfa, NfaBuilder, Outcome, marginals};
use ndarray::Array2;

use crate::common::{enumerate, logits, path_weight};

fn count(labels: &[usize], class: usize) -> usize {
    labels.iter().filter(|&&label| label == class).count()
}

fn weight(accepted: bool) -> f64 {
    if accepted { 0.0 } else { f64::NEG_INFINITY }
}

/// The constraint's kernel, its automaton in the engine and enumeration agree on one bag.
fn check(
    logits: &Array2<f64>,
    constraint: &Constraint,
    nfa: Nfa,
    accept: impl Fn(&[usize]) -> bool,
) {
    let want = enumerate(logits, |labels| weight(accept(labels)));
    let by_paths = enumerate(logits, |labels| path_weight(&nfa, labels));
    assert_eq!(want.accepted, by_paths.accepted, "{constraint:?}");
    let bags = Bags::new(logits.view(), &[logits.nrows()]).unwrap();
    for constraint in [constraint.clone(), Constraint::Automaton(Arc::new(nfa))] {
        let got = marginals(&bags, std::slice::from_ref(&constraint)).unwrap();
        if want.accepted == 0 {
            assert!(matches!(got.outcomes[0], Outcome::Infeasible(_)), "{constraint:?}");
            assert!(got.posterior.iter().all(|&g| g == 0.0));
            continue;
        }
        assert_close(&[got.outcomes[0].log_z()], &[want.log_z], 1e-12, 1e-12);
        let got = got.posterior.into_raw_vec_and_offset().0;
        assert_close(&got, &want.posterior.clone().into_raw_vec_and_offset().0, 1e-11, 1e-13);
    }
    // f32 rounds the logits' exponentials; seven digits are left.
    let small = logits.mapv(|v| v as f32);
    let bags = Bags::new(small.view(), &[logits.nrows()]).unwrap();
    let want = enumerate(&small.mapv(f64::from), |labels| weight(accept(labels)));
    let got = marginals(&bags, std::slice::from_ref(constraint)).unwrap();
    if want.accepted > 0 {
        assert_close(&[got.outcomes[0].log_z()], &[want.log_z], 1e-6, 1e-6);
        let got: Vec<f64> = got.posterior.iter().map(|&g| f64::from(g)).collect();
        assert_close(&got, &want.posterior.into_raw_vec_and_offset().0, 0.0, 1e-6);
    }
}

#[test]
fn counts() {
    for classes in 1..=3 {
        for length in 0..=6 {
            for (class, m) in (0..classes).flat_map(|c| (0..=length + 1).map(move |m| (c, m))) {
                let seed = (classes * 100 + length * 10 + m) as u64;
                let constraint = Constraint::Count { class, count: m };
                let nfa = Nfa::count(classes, class, m).unwrap();
                for scale in [1.0, 10.0] {
                    let logits = logits(seed, length, classes, scale);
                    check(&logits, &constraint, nfa.clone(), |y| count(y, class) == m);
                }
            }
        }
    }
}

#[test]
fn presence_and_absence() {
    for classes in 1..=3 {
        for length in 0..=5 {
            for class in 0..classes {
                let logits = logits((classes * 10 + length) as u64, length, classes, 2.0);
                let nfa = Nfa::present(classes, class).unwrap();
                check(&logits, &Constraint::Present { class }, nfa, |y| y.contains(&class));
                let nfa = Nfa::absent(classes, class).unwrap();
                check(&logits, &Constraint::Absent { class }, nfa, |y| !y.contains(&class));
            }
        }
    }
}

#[test]
fn presence_vectors() {
    for length in 0..=5 {
        for code in 0..8_usize {
            let present: Vec<bool> = (0..3).map(|c| code >> c & 1 == 1).collect();
            let constraint = Constraint::PresenceVector(present.clone());
            let nfa = Nfa::presence_vector(&present).unwrap();
            check(&logits(code as u64, length, 3, 2.0), &constraint, nfa, |y| {
                (0..3).all(|c| y.contains(&c) == present[c])
            });
        }
    }
}

#[test]
fn count_vectors() {
    for counts in [[2, 3, 1], [0, 3, 1], [4, 0, 0], [0, 0, 0], [1, 1, 1], [2, 0, 2]] {
        for length in [counts.iter().sum::<usize>(), 3] {
            let constraint = Constraint::CountVector(counts.to_vec());
            let nfa = Nfa::count_vector(&counts).unwrap();
            check(&logits(length as u64, length, 3, 2.0), &constraint, nfa, |y| {
                (0..3).all(|c| count(y, c) == counts[c])
            });
        }
    }
}

#[test]
fn pairs() {
    for classes in 1..=4 {
        // At a scale of 400 the probabilities underflow and the logarithms have to serve.
        for (seed, scale) in [(1, 1.0), (2, 5.0), (3, 400.0), (4, 400.0)] {
            let logits = logits(seed, 2, classes, scale);
            let nfa = Nfa::similar(classes).unwrap();
            check(&logits, &Constraint::Similar, nfa, |y| y[0] == y[1]);
            let nfa = Nfa::dissimilar(classes).unwrap();
            check(&logits, &Constraint::Dissimilar, nfa, |y| y[0] != y[1]);
        }
    }
}

#[test]
fn any_automaton_with_weights_and_parallel_arcs() {
    let mut rng = assay_array::random::stream(5, "oracle", 0);
    for round in 0..60 {
        let (states, classes, length) = (1 + round % 4, 1 + round % 3, round % 6);
        let mut nfa = NfaBuilder::new(states, classes);
        let below = assay_array::random::below;
        for _ in 0..2 * states * classes {
            let weight = 3.0 * assay_array::random::normal(&mut rng);
            let weight = if below(&mut rng, 8) == 0 { f64::NEG_INFINITY } else { weight };
            let ends = (below(&mut rng, states), below(&mut rng, states));
            nfa = nfa.weighted_arc(ends.0, below(&mut rng, classes), ends.1, weight);
        }
        let nfa = nfa
            .weighted_initial(below(&mut rng, states), 1.5)
            .initial(0)
            .weighted_accepting(below(&mut rng, states), -0.5)
            .build()
            .unwrap();
        let logits = logits(round as u64, length, classes, 3.0);
        let want = enumerate(&logits, |labels| path_weight(&nfa, labels));
        let bags = Bags::new(logits.view(), &[length]).unwrap();
        let got = marginals(&bags, &[Constraint::Paths(Arc::new(nfa))]).unwrap();
        assert_eq!(got.outcomes[0].is_feasible(), want.accepted > 0);
        if want.accepted > 0 {
            assert_close(&[got.outcomes[0].log_z()], &[want.log_z], 1e-12, 1e-12);
            let got = got.posterior.into_raw_vec_and_offset().0;
            assert_close(&got, &want.posterior.into_raw_vec_and_offset().0, 1e-11, 1e-13);
        }
    }
}
