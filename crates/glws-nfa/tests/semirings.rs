//! The laws, and that the fold gives what each semiring promises.

use std::sync::Arc;

use assay_array::testing::assert_close;
use glws_nfa::semiring::{
    Boolean, Counting, Divergence, DivergenceWeight, Entropy, EntropyWeight, Expectation, KBest,
    Labelled, Log, MeanWeight, Real, Semiring, Step, Tropical,
};
use glws_nfa::{Bags, Constraint, Nfa, Posteriors, marginals};
use proptest::prelude::*;

use crate::common::{enumerate, logits, path_weight};

/// Checks every law on three weights.
fn laws<S: Semiring>(s: &S, [a, b, c]: &[S::Weight; 3], close: impl Fn(&S::Weight, &S::Weight)) {
    let (zero, one) = (s.zero(), s.one());
    let (plus, times) = (|a: &_, b: &_| s.plus(a, b), |a: &_, b: &_| s.times(a, b));
    close(&plus(a, &zero), a);
    close(&plus(&zero, a), a);
    close(&plus(a, b), &plus(b, a));
    close(&plus(&plus(a, b), c), &plus(a, &plus(b, c)));
    close(&times(a, &one), a);
    close(&times(&one, a), a);
    close(&times(&times(a, b), c), &times(a, &times(b, c)));
    close(&times(&plus(a, b), c), &plus(&times(a, c), &times(b, c)));
    close(&times(c, &plus(a, b)), &plus(&times(c, a), &times(c, b)));
    close(&times(a, &zero), &zero);
    close(&times(&zero, a), &zero);
}

/// A log weight, now and then that of nothing.
fn log_weight() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -30.0..30.0_f64, 1 => Just(f64::NEG_INFINITY), 1 => Just(0.0)]
}

fn near(got: f64, want: f64) {
    assert_close(&[got], &[want], 1e-11, 1e-11);
}

proptest! {
    #[test]
    fn logarithms(w in [log_weight(), log_weight(), log_weight()]) {
        laws(&Log, &w, |a, b| near(*a, *b));
        laws(&Tropical, &w, |a, b| near(*a, *b));
        laws(&Real, &w.map(|w| (w / 4.0).exp()), |a, b| near(*a, *b));
    }

    #[test]
    fn whole_numbers_and_truth(
        n in any::<[u64; 3]>(),
        high in any::<[bool; 3]>(),
        truth in any::<[bool; 3]>(),
    ) {
        // Numbers whose sums and products stick at the top.
        let mut n = n.map(u128::from);
        for (n, high) in n.iter_mut().zip(high) {
            *n = if high { u128::MAX - *n } else { *n };
        }
        laws(&Counting, &n, |a, b| assert_eq!(a, b));
        laws(&Boolean, &truth, |a, b| assert_eq!(a, b));
    }

    #[test]
    fn means(w in [log_weight(), log_weight(), log_weight()], v in [0.0..5.0_f64, 0.0..5.0, 0.0..5.0]) {
        let has = |w: f64, v: f64| if w == f64::NEG_INFINITY { 0.0 } else { v };
        let mean = |i: usize| MeanWeight { log_mass: w[i], mean: has(w[i], v[i]) };
        laws(&Expectation::new(|_: &Step| 0.0), &[mean(0), mean(1), mean(2)], |a, b| {
            near(a.log_mass, b.log_mass);
            near(a.mean, b.mean);
        });
        let entropy = |i: usize| EntropyWeight { log_mass: w[i], entropy: has(w[i], v[i]) };
        laws(&Entropy, &[entropy(0), entropy(1), entropy(2)], |a, b| {
            near(a.log_mass, b.log_mass);
            near(a.entropy, b.entropy);
        });
    }

    #[test]
    fn divergences(
        p in [log_weight(), log_weight(), log_weight()],
        q in [log_weight(), log_weight(), log_weight()],
        d in [0.0..5.0_f64, 0.0..5.0, 0.0..5.0],
    ) {
        let weight = |i: usize| {
            let both = p[i] > f64::NEG_INFINITY && q[i] > f64::NEG_INFINITY;
            let divergence = if both { d[i] } else { 0.0 };
            DivergenceWeight { log_p: p[i], log_q: q[i], divergence }
        };
        laws(&Divergence, &[weight(0), weight(1), weight(2)], |a, b| {
            near(a.log_p, b.log_p);
            near(a.log_q, b.log_q);
            near(a.divergence, b.divergence);
        });
    }

    #[test]
    fn best_lists(
        k in 0..4_usize,
        lists in prop::array::uniform3(prop::collection::vec(
            (-8..8_i32, prop::collection::vec(0..3_usize, 0..3)), 0..4,
        )),
    ) {
        // Halves add up exactly, so that ties are ties in whatever order they are summed.
        let semiring = KBest::new(k);
        let list = |i: usize| {
            let paths = lists[i].iter().map(|(w, labels)| {
                vec![Labelled { log_weight: f64::from(*w) / 2.0, labels: labels.clone() }]
            });
            paths.fold(semiring.zero(), |sum, path| semiring.plus(&sum, &path))
        };
        laws(&semiring, &[list(0), list(1), list(2)], |a, b| assert_eq!(a, b));
    }
}

/// The fold over a few automata against enumeration.
#[test]
fn folds_are_sums_over_all_sequences() {
    for (seed, nfa) in [
        Nfa::count(3, 1, 2).unwrap(),
        Nfa::contiguous(3, 0).unwrap(),
        Nfa::presence_vector(&[true, false, true]).unwrap(),
        Nfa::count(3, 1, 9).unwrap(),
    ]
    .into_iter()
    .enumerate()
    {
        let logits = logits(seed as u64, 5, 3, 2.0);
        let want = enumerate(&logits, |labels| path_weight(&nfa, labels));
        let bags = Bags::new(logits.view(), &[5]).unwrap();
        let known = [Constraint::Automaton(Arc::new(nfa))];
        let posteriors = Posteriors::new(&bags, &known).unwrap();
        let log_z = posteriors.fold(&Log).unwrap()[0];
        assert_close(&[log_z], &[want.log_z], 1e-12, 1e-12);
        assert_close(&[log_z], &marginals(&bags, &known).unwrap().log_z(), 1e-12, 1e-12);
        assert_close(&posteriors.fold(&Real).unwrap(), &[want.log_z.exp()], 1e-12, 0.0);
        assert_eq!(posteriors.fold(&Counting).unwrap(), [u128::from(want.accepted)]);
        assert_eq!(posteriors.fold(&Boolean).unwrap(), [want.accepted > 0]);
        let best = want.sequences.iter().map(|s| s.1).fold(f64::NEG_INFINITY, f64::max);
        assert_close(&posteriors.fold(&Tropical).unwrap(), &[best], 1e-12, 1e-12);
        let p = want.probabilities();
        let value =
            |labels: &[usize]| labels.iter().enumerate().map(|(i, c)| (i * c) as f64).sum::<f64>();
        let mean: f64 = want.sequences.iter().zip(&p).map(|(s, p)| p * value(&s.0)).sum();
        let semiring = Expectation::new(|step: &Step| (step.position * step.class) as f64);
        assert_close(&[posteriors.fold(&semiring).unwrap()[0].mean], &[mean], 1e-12, 1e-12);
        let k_best = posteriors.fold(&KBest::new(4)).unwrap().remove(0);
        let pointers = posteriors.k_best(4).unwrap().remove(0);
        assert_eq!(k_best.len(), pointers.len());
        for (copied, pointed) in k_best.iter().zip(&pointers) {
            assert_eq!(copied.labels, pointed.labels);
            assert_close(&[copied.log_weight], &[pointed.log_weight], 1e-12, 1e-12);
        }
    }
}
