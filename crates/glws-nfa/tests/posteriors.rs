//! Every question about label sequences against enumeration of all of them.

use std::sync::Arc;

use assay_array::random::{below, normal, stream};
use assay_array::testing::{assert_close, gradcheck};
use glws_nfa::{
    Bags, Constraint, Error, Nfa, NfaBuilder, Posteriors, count_distribution, marginals,
};
use ndarray::{Array2, Axis, array};

use crate::common::{Enumerated, enumerate, logits, path_weight};

/// Unambiguous automata, with and without weights, over three classes.
fn automata() -> Vec<Nfa> {
    let weighted = NfaBuilder::new(3, 3)
        .weighted_initial(0, 0.7)
        .weighted_arc(0, 0, 1, -0.3)
        .weighted_arc(0, 1, 2, 1.1)
        .weighted_arc(1, 2, 0, 0.4)
        .weighted_arc(1, 0, 1, -2.0)
        .weighted_arc(1, 1, 2, f64::NEG_INFINITY)
        .weighted_arc(2, 1, 0, 0.9)
        .weighted_arc(2, 2, 2, 0.1)
        .weighted_accepting(0, -0.5)
        .weighted_accepting(2, 0.3)
        .build()
        .unwrap();
    // The class before last is 1: unambiguous without being deterministic.
    let from_the_end = NfaBuilder::new(3, 3)
        .initial(0)
        .arc(0, 0, 0)
        .arc(0, 1, 0)
        .arc(0, 2, 0)
        .arc(0, 1, 1)
        .arc(1, 0, 2)
        .arc(1, 1, 2)
        .arc(1, 2, 2)
        .accepting(2)
        .build()
        .unwrap();
    vec![
        Nfa::any(3).unwrap(),
        Nfa::count(3, 1, 2).unwrap(),
        Nfa::contiguous(3, 2).unwrap(),
        Nfa::no_two_adjacent(3, 0).unwrap(),
        weighted,
        from_the_end,
    ]
}

fn automaton(nfa: &Nfa) -> [Constraint; 1] {
    [Constraint::Paths(Arc::new(nfa.clone()))]
}

fn entropy(want: &Enumerated) -> f64 {
    want.probabilities().iter().map(|&p| if p > 0.0 { -p * p.ln() } else { 0.0 }).sum()
}

/// Likeliest first, ties in lexicographic order.
fn ranked(want: &Enumerated) -> Vec<(Vec<usize>, f64)> {
    let mut ranked = want.sequences.clone();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable: they come in lexicographic order
    ranked
}

#[test]
fn best_sequences_and_entropy() {
    for (seed, nfa) in automata().iter().enumerate() {
        for length in 0..=6 {
            let logits = logits(seed as u64, length, 3, 1.5);
            let want = enumerate(&logits, |labels| path_weight(nfa, labels));
            let bags = Bags::new(logits.view(), &[length]).unwrap();
            let posteriors = Posteriors::new(&bags, &automaton(nfa)).unwrap();
            let best = posteriors.most_probable().unwrap().remove(0);
            let many = posteriors.k_best(5).unwrap().remove(0);
            let all = posteriors.k_best(1000).unwrap().remove(0);
            assert_eq!(all.len() as u64, want.accepted);
            assert_eq!(many, all[..5.min(all.len())]);
            assert_eq!(best.is_some(), want.accepted > 0);
            let Some(best) = best else {
                assert_eq!(posteriors.entropy().unwrap(), [None]);
                continue;
            };
            assert_eq!(best.labels, all[0].labels);
            for (got, (labels, log_weight)) in all.iter().zip(ranked(&want)) {
                assert_eq!(got.labels, labels);
                assert_close(&[got.log_weight], &[log_weight], 1e-12, 1e-12);
                assert_close(&[got.log_probability], &[log_weight - want.log_z], 1e-12, 1e-12);
            }
            let got = posteriors.entropy().unwrap()[0].unwrap();
            assert_close(&[got], &[entropy(&want)], 1e-12, 1e-13);
        }
    }
}

/// With equal logits everything ties, and the order is that of the labels.
#[test]
fn ties_are_broken_by_the_labels() {
    for nfa in &automata()[..4] {
        let logits = Array2::<f64>::zeros((5, 3));
        let want = enumerate(&logits, |labels| path_weight(nfa, labels));
        let bags = Bags::new(logits.view(), &[5]).unwrap();
        let posteriors = Posteriors::new(&bags, &automaton(nfa)).unwrap();
        let first = &want.sequences[0].0;
        assert_eq!(&posteriors.most_probable().unwrap()[0].as_ref().unwrap().labels, first);
        let labels: Vec<Vec<usize>> =
            posteriors.k_best(7).unwrap().remove(0).into_iter().map(|s| s.labels).collect();
        let lexicographic: Vec<Vec<usize>> =
            want.sequences.iter().take(7).map(|s| s.0.clone()).collect();
        assert_eq!(labels, lexicographic);
    }
}

#[test]
fn arcs_and_ends() {
    for (seed, nfa) in automata().iter().enumerate() {
        let logits = logits(40 + seed as u64, 5, 3, 1.5);
        let want = enumerate(&logits, |labels| path_weight(nfa, labels));
        let bags = Bags::new(logits.view(), &[5]).unwrap();
        let posteriors = Posteriors::new(&bags, &automaton(nfa)).unwrap();
        let counts = posteriors.path_counts().unwrap().remove(0).unwrap();
        let xi = posteriors.arc_posteriors().unwrap().remove(0).unwrap();
        assert_close(&[counts.log_z], &[want.log_z], 1e-12, 1e-12);
        assert_close(&xi.sum_axis(Axis(0)).to_vec(), &counts.arcs, 1e-12, 1e-14);
        assert_close(&xi.sum_axis(Axis(1)).to_vec(), &[1.0; 5], 1e-13, 0.0);
        for ends in [&counts.initial, &counts.accepting] {
            assert_close(&[ends.iter().sum()], &[1.0], 1e-12, 0.0);
        }
        // Summed by class, arcs give the posterior of each label.
        let mut gamma = Array2::zeros((5, 3));
        for (arc, column) in nfa.arcs().iter().zip(xi.columns()) {
            let mut of_class = gamma.column_mut(arc.class);
            of_class += &column;
        }
        let gamma = gamma.into_raw_vec_and_offset().0;
        let fast = marginals(&bags, &automaton(nfa)).unwrap().posterior;
        assert_close(&gamma, &fast.into_raw_vec_and_offset().0, 1e-11, 1e-13);
        assert_close(&gamma, &want.posterior.into_raw_vec_and_offset().0, 1e-11, 1e-13);
    }
}

/// Rebuilds an automaton with other weights, in the order arcs, starts, ends.
fn with_weights(nfa: &Nfa, weights: &[f64]) -> Nfa {
    let (arcs, states) = (nfa.arcs().len(), nfa.num_states());
    let mut new = NfaBuilder::new(states, nfa.num_classes());
    for (arc, &weight) in nfa.arcs().iter().zip(weights) {
        new = new.weighted_arc(arc.source, arc.class, arc.target, weight);
    }
    for state in 0..states {
        new = new
            .weighted_initial(state, weights[arcs + state])
            .weighted_accepting(state, weights[arcs + states + state]);
    }
    new.build().unwrap()
}

/// Every log weight's gradient, for a dense automaton with parallel arcs (which is ambiguous).
#[test]
fn counts_are_the_gradient_of_log_z() {
    let mut rng = stream(1, "weights", 0);
    let mut builder = NfaBuilder::new(3, 2);
    for (from, class, to) in
        [(0, 0, 0), (0, 1, 1), (0, 1, 1), (1, 0, 2), (1, 1, 0), (2, 0, 0), (2, 1, 2), (2, 0, 1)]
    {
        builder = builder.arc(from, class, to);
    }
    let nfa = builder.build().unwrap();
    let at: Vec<f64> = (0..nfa.arcs().len() + 6).map(|_| normal(&mut rng)).collect();
    let logits = logits(9, 6, 2, 1.0);
    let bags = Bags::new(logits.view(), &[6]).unwrap();
    let log_z = |weights: &[f64]| {
        let nfa = with_weights(&nfa, weights);
        marginals(&bags, &automaton(&nfa)).unwrap().outcomes[0].log_z()
    };
    let posteriors = Posteriors::new(&bags, &automaton(&with_weights(&nfa, &at))).unwrap();
    let counts = posteriors.path_counts().unwrap().remove(0).unwrap();
    let gradient = [counts.arcs, counts.initial, counts.accepting].concat();
    gradcheck(log_z, &gradient, &at, 1e-6, 1e-8);
}

#[test]
fn draws_have_the_posterior_distribution() {
    for (seed, nfa) in automata().iter().enumerate() {
        let logits = logits(70 + seed as u64, 4, 3, 1.0);
        let want = enumerate(&logits, |labels| path_weight(nfa, labels));
        let bags = Bags::new(logits.view(), &[4]).unwrap();
        let posteriors = Posteriors::new(&bags, &automaton(nfa)).unwrap();
        let n = 4000;
        let draws = posteriors.sample(n, 7).unwrap().remove(0).unwrap();
        assert_eq!(posteriors.sample(n, 7).unwrap()[0].as_ref(), Some(&draws));
        assert_ne!(posteriors.sample(n, 8).unwrap()[0].as_ref(), Some(&draws));
        let mut counts = vec![0_u32; want.sequences.len()];
        for row in draws.rows() {
            let labels = row.to_vec();
            // A sequence that is not accepted must never be drawn.
            counts[want.sequences.iter().position(|s| s.0 == labels).unwrap()] += 1;
        }
        // Pearson's statistic has the mean `degrees` and the variance `2 degrees`; six of its standard
        // deviations. Rare sequences are pooled.
        let (mut statistic, mut degrees, mut rare) = (0.0, -1.0, (0.0, 0.0));
        for (count, p) in counts.iter().zip(want.probabilities()) {
            let expected = n as f64 * p;
            if expected < 10.0 {
                rare = (rare.0 + f64::from(*count), rare.1 + expected);
            } else {
                statistic += (f64::from(*count) - expected).powi(2) / expected;
                degrees += 1.0;
            }
        }
        if rare.1 > 5.0 {
            statistic += (rare.0 - rare.1).powi(2) / rare.1;
            degrees += 1.0;
        }
        assert!(
            statistic < degrees + 6.0 * (2.0_f64 * degrees).sqrt() + 6.0,
            "{statistic} {degrees}"
        );
    }
}

/// Draws of a path's labels are right also where a sequence has several paths.
#[test]
fn draws_from_an_ambiguous_automaton() {
    let nfa = NfaBuilder::new(2, 2)
        .initial(0)
        .weighted_arc(0, 0, 1, 0.5_f64.ln())
        .weighted_arc(0, 0, 1, 0.25_f64.ln())
        .weighted_arc(0, 1, 1, 0.25_f64.ln())
        .accepting(1)
        .build()
        .unwrap();
    let logits = array![[0.0_f64, 0.0]];
    let bags = Bags::new(logits.view(), &[1]).unwrap();
    let posteriors = Posteriors::new(&bags, &automaton(&nfa)).unwrap();
    let zeros = posteriors.sample(10_000, 1).unwrap().remove(0).unwrap();
    let zeros = zeros.iter().filter(|&&label| label == 0).count() as f64;
    assert!((zeros - 7500.0).abs() < 5.0 * (10_000.0_f64 * 0.75 * 0.25).sqrt(), "{zeros}");
    assert!(matches!(posteriors.entropy(), Err(Error::Ambiguous { operation: "entropy", .. })));
    assert!(matches!(posteriors.most_probable(), Err(Error::Ambiguous { .. })));
    assert!(matches!(posteriors.k_best(2), Err(Error::Ambiguous { .. })));
    assert!(matches!(posteriors.distance(&posteriors), Err(Error::Ambiguous { .. })));
    let text = posteriors.entropy().unwrap_err().to_string();
    assert!(text.starts_with("entropy: the automaton accepts [0] along two paths"), "{text}");
}

#[test]
fn distances() {
    let all = automata();
    for (i, p) in all.iter().enumerate() {
        for (j, q) in all.iter().enumerate() {
            let (weak, strong) = (logits(i as u64, 4, 3, 1.0), logits(90 + j as u64, 4, 3, 1.0));
            let of = |logits: &Array2<f64>, nfa: &Nfa| {
                enumerate(logits, |labels| path_weight(nfa, labels))
            };
            let (want_p, want_q) = (of(&weak, p), of(&strong, q));
            let (mut kl, mut cross) = (0.0, 0.0);
            for ((labels, _), p) in want_p.sequences.iter().zip(want_p.probabilities()) {
                let of_q = want_q.sequences.iter().position(|s| &s.0 == labels);
                let q = of_q.map_or(0.0, |at| want_q.probabilities()[at]);
                kl += p * (p / q).ln();
                cross -= p * q.ln();
            }
            let bags_p = Bags::new(weak.view(), &[4]).unwrap();
            let bags_q = Bags::new(strong.view(), &[4]).unwrap();
            let p = Posteriors::new(&bags_p, &automaton(p)).unwrap();
            let q = Posteriors::new(&bags_q, &automaton(q)).unwrap();
            let got = p.distance(&q).unwrap()[0].unwrap();
            if kl.is_infinite() {
                assert_eq!((got.kl_divergence, got.cross_entropy), (kl, kl), "{i} {j}");
            } else {
                assert_close(&[got.kl_divergence], &[kl], 1e-10, 1e-12);
                assert_close(&[got.cross_entropy], &[cross], 1e-10, 1e-12);
            }
            assert_close(&[p.distance(&p).unwrap()[0].unwrap().kl_divergence], &[0.0], 0.0, 1e-14);
        }
    }
}

/// An exact count has `Σ_k P(k) KL(P(· | k) ‖ P) = H(k)`: knowing the count is worth its entropy.
#[test]
fn what_a_count_tells_is_the_entropy_of_the_count() {
    let logits = logits(5, 7, 2, 1.0);
    let bags = Bags::new(logits.view(), &[7]).unwrap();
    let any = [Constraint::Automaton(Arc::new(Nfa::any(2).unwrap()))];
    let free = Posteriors::new(&bags, &any).unwrap();
    let distribution = count_distribution(&bags, 1).unwrap().remove(0);
    let (mut told, mut entropy) = (0.0, 0.0);
    for (count, p) in distribution.iter().enumerate() {
        let known = Posteriors::new(&bags, &[Constraint::Count { class: 1, count }]).unwrap();
        told += p * known.distance(&free).unwrap()[0].unwrap().kl_divergence;
        entropy -= p * p.ln();
    }
    assert_close(&[told], &[entropy], 1e-11, 0.0);
}

#[test]
fn named_constraints_and_ragged_bags() {
    let all = logits(3, 9, 3, 1.0);
    let lengths = [4, 0, 2, 3];
    let bags = Bags::new(all.view(), &lengths).unwrap();
    let known = [
        Constraint::CountVector(vec![1, 2, 1]),
        Constraint::Present { class: 0 },
        Constraint::Similar,
        Constraint::PresenceVector(vec![true, true, false]),
    ];
    let posteriors = Posteriors::new(&bags, &known).unwrap();
    let log_z = marginals(&bags, &known).unwrap().log_z();
    let best = posteriors.most_probable().unwrap();
    let counts = posteriors.path_counts().unwrap();
    for (bag, &length) in lengths.iter().enumerate() {
        assert_eq!(best[bag].is_some(), length > 0);
        assert_eq!(posteriors.automaton(bag).is_some(), length > 0);
        if let (Some(best), Some(counts)) = (&best[bag], &counts[bag]) {
            assert_close(
                &[counts.log_z, best.log_weight - best.log_probability],
                &[log_z[bag]; 2],
                1e-12,
                1e-12,
            );
            assert_close(&[counts.arcs.iter().sum()], &[length as f64], 1e-12, 0.0);
            assert!(posteriors.automaton(bag).unwrap().accepts(&best.labels).unwrap());
        }
    }
    assert!(posteriors.sample(3, 1).unwrap()[1].is_none());
    assert!(posteriors.k_best(0).unwrap().iter().all(Vec::is_empty));
    assert!(posteriors.arc_posteriors().unwrap()[1].is_none());
    assert!(posteriors.distance(&posteriors).unwrap()[1].is_none());
    assert_eq!(posteriors.automaton(9), None);
}

#[test]
fn calls_that_make_no_sense_are_refused() {
    let logits = logits(1, 6, 2, 1.0);
    let bags = Bags::new(logits.view(), &[3, 3]).unwrap();
    let count = Constraint::Count { class: 1, count: 1 };
    assert!(matches!(
        Posteriors::new(&bags, std::slice::from_ref(&count)),
        Err(Error::Shape { .. })
    ));
    let wrong = vec![Constraint::Count { class: 2, count: 1 }; 2];
    assert!(matches!(Posteriors::new(&bags, &wrong), Err(Error::ClassOutOfRange { .. })));
    let other_alphabet = vec![Constraint::Automaton(Arc::new(Nfa::any(3).unwrap())); 2];
    assert!(matches!(Posteriors::new(&bags, &other_alphabet), Err(Error::Shape { .. })));
    let known = vec![count; 2];
    let posteriors = Posteriors::new(&bags, &known).unwrap();
    let otherwise = Bags::new(logits.view(), &[2, 4]).unwrap();
    let others = Posteriors::new(&otherwise, &known).unwrap();
    assert!(matches!(posteriors.distance(&others), Err(Error::Shape { .. })));
    assert!(matches!(posteriors.sample(usize::MAX, 0), Err(Error::TooManySteps { .. })));
    // "All of them" is a legal k as long as there are few.
    assert_eq!(posteriors.k_best(usize::MAX).unwrap()[0].len(), 3);
}

/// Enormous logits: probabilities that underflow in any linear computation.
#[test]
fn saturated_logits_stay_exact() {
    let mut rng = stream(2, "saturated", 0);
    let logits = Array2::from_shape_simple_fn((8, 2), || 900.0 * normal(&mut rng));
    let bags = Bags::new(logits.view(), &[8]).unwrap();
    for count in 0..=8 {
        let known = [Constraint::Count { class: 1, count }];
        let posteriors = Posteriors::new(&bags, &known).unwrap();
        let best = posteriors.most_probable().unwrap().remove(0).unwrap();
        let mut order: Vec<usize> = (0..8).collect();
        order.sort_by(|&a, &b| {
            let z = |i: usize| logits[[i, 1]] - logits[[i, 0]];
            z(b).total_cmp(&z(a))
        });
        let mut labels = vec![0; 8];
        order[..count].iter().for_each(|&i| labels[i] = 1);
        assert_eq!(best.labels, labels);
        let draws = posteriors.sample(20, below(&mut rng, 99) as u64).unwrap().remove(0).unwrap();
        assert!(draws.rows().into_iter().all(|row| row.sum() == count));
        assert!(posteriors.entropy().unwrap()[0].unwrap().is_finite());
    }
}
