//! Every setting against enumeration: what its labels say, written down as a rule over label sequences.

use std::sync::Arc;

use assay_array::testing::assert_close;
use glws_nfa::{
    Bags, Constraint, DistributionAlignment, Error, Infeasible, Nfa, Ordinal, Outcome, Parity,
    WeakLabels, binomial_log_weights, compat, marginals,
};
use ndarray::{Array2, array, aview1};
use proptest::prelude::*;

use crate::common::{enumerate, logits};

/// Holds every bag of the labels against the rule's weight of each of its label sequences, and the
/// kernel against the automaton of the same language.
fn check(name: &str, labels: &WeakLabels, classes: usize, weight: impl Fn(usize, &[usize]) -> f64) {
    for scale in [1.0, 8.0, 400.0] {
        let rows = logits(7, labels.num_instances(), classes, scale);
        let bags = Bags::new(rows.view(), labels.lengths()).unwrap();
        let got = marginals(&bags, labels.constraints()).unwrap();
        let automata: Vec<Constraint> = labels
            .constraints()
            .iter()
            .map(|constraint| Constraint::Automaton(constraint.automaton(classes).unwrap()))
            .collect();
        let engine = marginals(&bags, &automata).unwrap();
        for (bag, ends) in bags.offsets().windows(2).enumerate() {
            let own = rows.slice(ndarray::s![ends[0]..ends[1], ..]).to_owned();
            let want = enumerate(&own, |sequence| weight(bag, sequence).ln());
            for got in [&got, &engine] {
                assert_eq!(got.outcomes[bag].is_feasible(), want.accepted > 0, "{name}, bag {bag}");
                if want.accepted == 0 {
                    continue;
                }
                assert_close(&[got.outcomes[bag].log_z()], &[want.log_z], 1e-11, 1e-11);
                let posterior = got.posterior.slice(ndarray::s![ends[0]..ends[1], ..]);
                let posterior: Vec<f64> = posterior.iter().copied().collect();
                let want: Vec<f64> = want.posterior.iter().copied().collect();
                assert_close(&posterior, &want, 1e-9, 1e-11);
            }
        }
    }
}

fn holds(truth: bool) -> f64 {
    if truth { 1.0 } else { 0.0 }
}

fn ones(labels: &[usize], class: usize) -> usize {
    labels.iter().filter(|&&label| label == class).count()
}

fn binomial(n: usize, k: usize, prior: f64) -> f64 {
    let ways: f64 = (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product();
    ways * prior.powf(k as f64) * (1.0 - prior).powf((n - k) as f64)
}

#[test]
fn single_instances() {
    let labels = WeakLabels::labelled(3, &[2, 0, 1]).unwrap();
    check("labelled", &labels, 3, |i, y| holds(y[0] == [2, 0, 1][i]));
    let labels = WeakLabels::unlabelled(3);
    check("unlabelled", &labels, 3, |_, _| 1.0);
    let sets = array![[true, false, true], [false, false, false], [true, true, true]];
    let labels = WeakLabels::partial(sets.view()).unwrap();
    check("partial", &labels, 3, |i, y| holds(sets[[i, y[0]]]));
    let labels = WeakLabels::complementary(3, &[1, 0]).unwrap();
    check("complementary", &labels, 3, |i, y| holds(y[0] != [1, 0][i]));
    let known = [Ordinal::AtMost(1), Ordinal::AtLeast(2), Ordinal::Between(1, 2)];
    let labels = WeakLabels::ordinal(4, &known).unwrap();
    check("ordinal", &labels, 4, |i, y| holds([y[0] <= 1, y[0] >= 2, (1..=2).contains(&y[0])][i]));
    let confidence = array![[0.2, 0.5, 0.3], [1e-300, 0.0, 2e-300], [0.0, 7.0, 1e300]];
    let labels = WeakLabels::class_confidence(confidence.view()).unwrap();
    check("confidence", &labels, 3, |i, y| confidence[[i, y[0]]]);
    let r = [0.9, 0.0, 1.0, 0.25];
    let labels = WeakLabels::positive_confidence(&r).unwrap();
    check("positive confidence", &labels, 2, |i, y| [1.0 - r[i], r[i]][y[0]]);
    let t = array![[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]];
    let labels = WeakLabels::noisy(t.view(), &[1, 0, 2]).unwrap();
    check("noisy", &labels, 3, |i, y| t[[y[0], [1, 0, 2][i]]]);
    let labels = WeakLabels::noisy_partial(t.view(), sets.view()).unwrap();
    check("noisy partial", &labels, 3, |i, y| {
        (0..3).filter(|&s| sets[[i, s]]).map(|s| t[[y[0], s]]).product()
    });
    // One evidence for all instances of a bag.
    let labels = WeakLabels::each(&[3, 0, 1], Constraint::Evidence(vec![0.5, 0.0, 2.0]));
    check("evidence", &labels, 3, |_, y| y.iter().map(|&c| [0.5, 0.0, 2.0][c]).product());
}

#[test]
fn pairs() {
    let similar = [true, false, true];
    let labels = WeakLabels::pairwise_similarity(&similar);
    check("similarity", &labels, 4, |i, y| holds((y[0] == y[1]) == similar[i]));
    let labels = WeakLabels::pairwise_comparison(3, 2).unwrap();
    check("comparison", &labels, 3, |_, y| holds(y[0] >= y[1]));
    let c = [0.7, 0.0, 1.0];
    let labels = WeakLabels::similarity_confidence(3, &c).unwrap();
    check("similarity confidence", &labels, 3, |i, y| if y[0] == y[1] { c[i] } else { 1.0 - c[i] });
    let d = [0.6, -0.35, 0.0, 1.0, -1.0];
    let labels = WeakLabels::confidence_difference(&d).unwrap();
    check("confidence difference", &labels, 2, |i, y| match (y[0], y[1]) {
        (a, b) if a == b => 1.0 - d[i].abs(),
        (0, 1) => d[i].max(0.0),
        _ => (-d[i]).max(0.0),
    });
    let tiny = Array2::from_shape_fn((3, 3), |(a, b)| 1e-300 * (a * 3 + b) as f64);
    let labels = WeakLabels::each(&[2], Constraint::Pair(Arc::new(tiny.clone())));
    check("pair weights", &labels, 3, |_, y| tiny[[y[0], y[1]]]);
}

#[test]
fn bags() {
    let lengths = [4, 0, 5, 3];
    let ranges = [(1, 2), (0, 3), (4, 9), (4, 5)];
    let labels = WeakLabels::count_ranges(1, &lengths, &ranges).unwrap();
    check("ranges", &labels, 3, |b, y| holds((ranges[b].0..=ranges[b].1).contains(&ones(y, 1))));
    let priors = [0.4, 0.9, 1.0, 0.0];
    let labels = WeakLabels::population_proportions(2, &lengths, &priors).unwrap();
    check("population", &labels, 3, |b, y| binomial(y.len(), ones(y, 2), priors[b]));
    let weights = vec![f64::NEG_INFINITY, -3.0, 700.0, f64::NEG_INFINITY];
    let soft = Constraint::SoftCount { class: 0, log_weights: weights.clone() };
    let labels = WeakLabels::each(&[5, 1, 0], soft);
    check("soft count", &labels, 2, |_, y| weights.get(ones(y, 0)).map_or(0.0, |w| w.exp()));
    check("soft count of one class", &labels, 1, |_, y| {
        weights.get(y.len()).map_or(0.0, |w| w.exp())
    });
    let present = array![[true, false, true], [false, false, false], [false, true, false]];
    let labels = WeakLabels::class_presence(&[4, 0, 2], present.view()).unwrap();
    check("presence", &labels, 3, |b, y| holds((0..3).all(|c| y.contains(&c) == present[[b, c]])));
    let counts = array![[2, 1, 1], [0, 0, 0], [3, 0, 1]];
    let labels = WeakLabels::class_counts(&[4, 0, 2], counts.view()).unwrap();
    check("counts", &labels, 3, |b, y| holds((0..3).all(|c| ones(y, c) == counts[[b, c]])));
}

#[test]
fn sequences() {
    let lengths = [5, 1, 0];
    let each = |nfa: glws_nfa::Result<Nfa>| WeakLabels::each(&lengths, nfa.unwrap());
    check("contiguous", &each(Nfa::contiguous(2, 1)), 2, |_, y| {
        let text: String = y.iter().map(|label| if *label == 1 { '1' } else { '0' }).collect();
        holds(!text.trim_matches('0').is_empty() && !text.trim_matches('0').contains('0'))
    });
    check("parity", &each(Nfa::parity(3, 2, Parity::Odd)), 3, |_, y| holds(ones(y, 2) % 2 == 1));
    check("no two adjacent", &each(Nfa::no_two_adjacent(2, 1)), 2, |_, y| {
        holds(!y.windows(2).any(|pair| pair == [1, 1]))
    });
    check("regex", &each(Nfa::from_regex("0*(12)*", 3)), 3, |_, y| {
        let rest: Vec<usize> = y.iter().copied().skip_while(|&label| label == 0).collect();
        holds(rest.len().is_multiple_of(2) && rest.chunks(2).all(|pair| pair == [1, 2]))
    });
}

/// Two kinds of knowledge side by side.
#[test]
fn composites() {
    let labels = WeakLabels::positive_unlabelled(2, 4, 0.3).unwrap();
    check("positive unlabelled", &labels, 2, |b, y| match b {
        0 | 1 => holds(y == [1]),
        _ => binomial(4, ones(y, 1), 0.3),
    });
    let labels = WeakLabels::unlabelled_unlabelled((3, 0.2), (4, 0.7)).unwrap();
    check("unlabelled unlabelled", &labels, 2, |b, y| binomial(y.len(), ones(y, 1), [0.2, 0.7][b]));
    let labels = WeakLabels::similar_dissimilar_unlabelled(&[true, false], 3, 0.6).unwrap();
    check("similar, dissimilar, unlabelled", &labels, 2, |b, y| match b {
        0 => holds(y[0] == y[1]),
        1 => holds(y[0] != y[1]),
        _ => binomial(3, ones(y, 1), 0.6),
    });
    let labels = WeakLabels::semi_supervised(3, &[2], 2).unwrap();
    check("semi-supervised", &labels, 3, |b, y| holds(b > 0 || y == [2]));
}

/// Aligned targets are `p/p̂`, renormalised; a class that is predicted everywhere loses its advantage.
#[test]
fn alignment_divides_by_the_running_mean() {
    let start = [0.5, 0.3, 0.2];
    let alignment = DistributionAlignment::new(3).unwrap().with_momentum(0.9).unwrap();
    let mut alignment = alignment.with_average(aview1(&start)).unwrap();
    let rows = logits(3, 4, 3, 1.5);
    let labels = alignment.labels(rows.view()).unwrap();
    let p = crate::common::log_softmax(&rows).mapv(f64::exp);
    let mean = p.mean_axis(ndarray::Axis(0)).unwrap();
    let want: Vec<f64> = start.iter().zip(&mean).map(|(a, m)| 0.9 * a + 0.1 * m).collect();
    assert_close(alignment.average(), &want, 1e-14, 0.0);
    let bags = Bags::new(rows.view(), labels.lengths()).unwrap();
    let got = marginals(&bags, labels.constraints()).unwrap().posterior;
    for (row, p) in got.rows().into_iter().zip(p.rows()) {
        let ratio: Vec<f64> = p.iter().zip(&want).map(|(p, a)| p / a).collect();
        let total: f64 = ratio.iter().sum();
        let want: Vec<f64> = ratio.iter().map(|r| r / total).collect();
        assert_close(&row.to_vec(), &want, 1e-13, 0.0);
    }
    let mut alignment = DistributionAlignment::new(2).unwrap().with_momentum(0.0).unwrap();
    let biased = array![[3.0, 0.0], [3.0, 0.0]];
    let labels = alignment.labels(biased.view()).unwrap();
    let bags = Bags::new(biased.view(), labels.lengths()).unwrap();
    let got = marginals(&bags, labels.constraints()).unwrap().posterior;
    assert_close(&got.iter().copied().collect::<Vec<_>>(), &[0.5; 4], 1e-14, 0.0);

    assert!(DistributionAlignment::new(0).is_err());
    assert!(DistributionAlignment::new(2).unwrap().with_momentum(1.5).is_err());
    for wrong in [vec![0.5], vec![0.5, 0.0], vec![0.5, f64::NAN]] {
        assert!(DistributionAlignment::new(2).unwrap().with_average(aview1(&wrong)).is_err());
    }
    let none = Array2::<f32>::zeros((0, 2));
    assert!(alignment.labels(none.view()).unwrap().lengths().is_empty());
    assert!(alignment.labels(Array2::<f32>::zeros((1, 3)).view()).is_err());
    let nan = array![[f64::NAN, 0.0]];
    assert!(matches!(alignment.labels(nan.view()), Err(Error::NonFiniteLogit { .. })));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let out_of_range = |result: glws_nfa::Result<WeakLabels>| {
        assert!(matches!(result, Err(Error::ClassOutOfRange { .. })), "{result:?}");
    };
    out_of_range(WeakLabels::labelled(3, &[0, 3]));
    out_of_range(WeakLabels::complementary(3, &[3]));
    out_of_range(WeakLabels::ordinal(3, &[Ordinal::AtMost(3)]));
    out_of_range(WeakLabels::ordinal(3, &[Ordinal::AtLeast(3)]));
    out_of_range(WeakLabels::noisy(array![[1.0, 0.0], [0.0, 1.0]].view(), &[2]));
    let interval = WeakLabels::ordinal(3, &[Ordinal::Between(2, 1)]);
    assert!(matches!(interval, Err(Error::Interval { low: 2, high: 1, .. })));
    let interval = WeakLabels::count_ranges(0, &[3], &[(2, 1)]);
    assert!(matches!(interval, Err(Error::Interval { low: 2, high: 1, .. })));
    for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(WeakLabels::positive_confidence(&[0.5, wrong]).is_err());
        assert!(WeakLabels::similarity_confidence(2, &[wrong]).is_err());
        assert!(WeakLabels::population_proportions(1, &[3], &[wrong]).is_err());
        assert!(WeakLabels::positive_unlabelled(1, 3, wrong).is_err());
        assert!(compat::count_of_prior(wrong, 3).is_err());
        assert!(binomial_log_weights(3, wrong).is_err());
    }
    for wrong in [-1.1, 1.1, f64::NAN] {
        assert!(WeakLabels::confidence_difference(&[wrong]).is_err());
    }
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(WeakLabels::class_confidence(array![[wrong]].view()).is_err());
        assert!(WeakLabels::unlabelled(1).weighted(wrong, 1.0).is_err());
        assert!(WeakLabels::unlabelled(1).weighted(1.0, wrong).is_err());
    }
    for wrong in [array![[0.5, 0.4], [0.0, 1.0]], array![[1.5, -0.5], [0.0, 1.0]]] {
        let error = WeakLabels::noisy(wrong.view(), &[0]).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    let oblong = Array2::<f64>::zeros((2, 3));
    assert!(matches!(WeakLabels::noisy(oblong.view(), &[0]), Err(Error::Shape { .. })));
    let square = array![[1.0, 0.0], [0.0, 1.0]];
    let three = Array2::from_elem((1, 3), true);
    let error = WeakLabels::noisy_partial(square.view(), three.view());
    assert!(matches!(error, Err(Error::Shape { .. })));
    assert!(WeakLabels::partial(Array2::from_elem((2, 0), true).view()).is_err());
    assert!(WeakLabels::pairwise_comparison(0, 2).is_err());
    assert!(WeakLabels::similarity_confidence(0, &[0.5]).is_err());
    assert!(WeakLabels::class_presence(&[1, 2], three.view()).is_err());
    assert!(WeakLabels::count_ranges(0, &[1, 2], &[(0, 1)]).is_err());
    assert!(WeakLabels::population_proportions(0, &[1, 2], &[0.5]).is_err());
    assert!(matches!(binomial_log_weights(usize::MAX, 0.5), Err(Error::TooManyStates { .. })));
}

#[test]
fn constraints_that_do_not_fit_are_refused() {
    let rows = logits(1, 4, 3, 1.0);
    let bags = Bags::new(rows.view(), &[2, 2]).unwrap();
    let refused =
        |constraint: Constraint| marginals(&bags, &[constraint, Constraint::Unknown]).unwrap_err();
    assert!(matches!(refused(Constraint::Evidence(vec![1.0; 2])), Error::Shape { .. }));
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let evidence = Constraint::Evidence(vec![1.0, weight, 0.0]);
        assert!(matches!(refused(evidence), Error::Weight { operation: "evidence", .. }));
        let mut weights = Array2::from_elem((3, 3), 1.0);
        weights[[1, 2]] = weight;
        let pair = Constraint::Pair(Arc::new(weights));
        assert!(matches!(refused(pair), Error::Weight { operation: "pair weights", .. }));
    }
    let small = Constraint::Pair(Arc::new(Array2::from_elem((2, 2), 1.0)));
    assert!(matches!(refused(small), Error::Shape { .. }));
    let soft = |class, log_weights| Constraint::SoftCount { class, log_weights };
    assert!(matches!(refused(soft(3, vec![0.0])), Error::ClassOutOfRange { .. }));
    assert!(matches!(refused(soft(0, vec![0.0, f64::NAN])), Error::LogWeight { .. }));
    assert!(matches!(refused(soft(0, vec![f64::INFINITY])), Error::LogWeight { .. }));
    let three = Bags::new(rows.view(), &[3, 1]).unwrap();
    let pair = Constraint::Pair(Arc::new(Array2::from_elem((3, 3), 1.0)));
    let error = marginals(&three, &[pair.clone(), Constraint::Unknown]).unwrap_err();
    assert_eq!(error, Error::NotAPair { operation: "pair weights", bag: 0, length: 3 });
    let many = Array2::<f32>::zeros((10_000, 2));
    let many = Bags::new(many.view(), &[10_000]).unwrap();
    let error = marginals(&many, &[soft(0, vec![0.0; 5_000])]).unwrap_err();
    assert!(matches!(error, Error::TooManyStates { operation: "soft count", .. }));

    for ruled_out in [
        Constraint::Evidence(vec![0.0; 3]),
        Constraint::Pair(Arc::new(Array2::zeros((3, 3)))),
        soft(0, vec![]),
        soft(0, vec![f64::NEG_INFINITY; 2]),
    ] {
        let result = marginals(&bags, &[ruled_out, Constraint::Unknown]).unwrap();
        assert_eq!(result.outcomes[0], Outcome::Infeasible(Infeasible::RuledOut));
        assert!(result.posterior.rows().into_iter().take(2).all(|row| row.sum() == 0.0));
        assert_eq!(result.outcomes[1], Outcome::Feasible { log_z: 0.0 });
    }
    let wrong = Constraint::Evidence(vec![1.0; 2]).automaton(3);
    assert!(matches!(wrong, Err(Error::Shape { .. })));
    assert!(matches!(pair.automaton(2), Err(Error::Shape { .. })));
    assert!(Constraint::Similar.automaton(0).is_err());
}

/// A sum over paths is no sum over sequences when a sequence has two paths; nobody gets it unasked.
#[test]
fn ambiguous_automata_are_refused() {
    let zeros = Nfa::from_regex("0*", 2).unwrap();
    let twice = zeros.union(&Nfa::from_regex("0*1", 2).unwrap()).unwrap();
    let twice = twice.union(&zeros).unwrap();
    let rows = logits(2, 3, 2, 1.0);
    let bags = Bags::new(rows.view(), &[3]).unwrap();
    let solve = |constraint: Constraint| marginals(&bags, &[constraint]);
    let error = solve(twice.clone().into()).unwrap_err();
    assert!(matches!(&error, Error::Ambiguous { sequence, .. } if sequence.is_empty()), "{error}");
    assert!(error.to_string().contains("nfa.determinise(max_states)"));
    let once = solve(twice.determinise(100).unwrap().into()).unwrap().outcomes[0].log_z();
    let paths = solve(Constraint::Paths(Arc::new(twice))).unwrap().outcomes[0].log_z();
    let single = solve(zeros.into()).unwrap().outcomes[0].log_z();
    assert_close(&[paths.exp()], &[once.exp() + single.exp()], 1e-12, 0.0);
}

/// The published numbers exist for every input that the functions accept.
#[test]
fn published_numbers_are_finite() {
    let rows = logits(4, 9, 2, 300.0);
    let bags = Bags::new(rows.view(), &[4, 0, 1, 4]).unwrap();
    let present = [true, false, true, false];
    let counts = [2, 0, 1, 4];
    for got in [
        compat::multiple_instances(&bags, &present).unwrap(),
        compat::label_proportions(&bags, &counts).unwrap(),
    ] {
        assert!(got.predictions.iter().all(|p| (0.0..=1.0).contains(p)), "{got:?}");
        assert_eq!(got.targets.dim(), (9, 2));
        for row in got.targets.rows() {
            assert!((row.sum() - 1.0).abs() < 1e-12, "{row}");
        }
    }
    assert!(compat::multiple_instances(&bags, &[true]).is_err());
    assert!(compat::label_proportions(&bags, &[5, 0, 0, 0]).is_err());
    assert!(compat::label_proportions(&bags, &[1]).is_err());
    let three = logits(4, 4, 3, 1.0);
    let three = Bags::new(three.view(), &[2, 2]).unwrap();
    assert!(compat::multiple_instances(&three, &[true, true]).is_err());
    assert!(compat::similarity_confidence(&three, &[0.5, 0.5]).is_err());
    assert!(compat::confidence_difference(&three, &[0.5, 0.5]).is_err());
    assert!(compat::noise_layer(Array2::zeros((2, 3)).view(), 1.0).is_err());
    assert!(compat::noise_layer(array![[f64::NAN]].view(), 1.0).is_err());
    let layer = compat::noise_layer(Array2::zeros((2, 2)).view(), 1.0).unwrap();
    assert_close(&layer.over_rows.iter().copied().collect::<Vec<_>>(), &[0.5; 4], 1e-15, 0.0);
}

proptest! {
    #[test]
    fn evidence_scales_z_and_nothing_else(
        seed in 0..1000_u64,
        evidence in prop::collection::vec(0.0..5.0_f64, 3),
        factor in 0.01..100.0_f64,
    ) {
        prop_assume!(evidence.iter().any(|&e| e > 0.0));
        let rows = logits(seed, 4, 3, 2.0);
        let bags = Bags::new(rows.view(), &[4]).unwrap();
        let solve = |evidence: Vec<f64>| marginals(&bags, &[Constraint::Evidence(evidence)]).unwrap();
        let (one, other) =
            (solve(evidence.clone()), solve(evidence.iter().map(|e| e * factor).collect()));
        assert_close(&other.log_z(), &[one.log_z()[0] + 4.0 * factor.ln()], 1e-11, 1e-11);
        let gap = (&one.posterior - &other.posterior).fold(0.0_f64, |gap, d| gap.max(d.abs()));
        prop_assert!(gap < 1e-13);
        prop_assert!(one.posterior.sum_axis(ndarray::Axis(1)).iter().all(|s| (s - 1.0).abs() < 1e-12));
    }

    #[test]
    fn soft_counts_are_mixtures_of_counts(
        seed in 0..1000_u64,
        length in 0..20_usize,
        weights in prop::collection::vec(-5.0..5.0_f64, 1..22),
    ) {
        let rows = logits(seed, length, 3, 2.0);
        let bags = Bags::new(rows.view(), &[length]).unwrap();
        let soft = Constraint::SoftCount { class: 1, log_weights: weights.clone() };
        let got = marginals(&bags, &[soft]).unwrap();
        let (mut z, mut expected) = (0.0, 0.0);
        for (count, weight) in weights.iter().enumerate().take(length + 1) {
            let exact = marginals(&bags, &[Constraint::Count { class: 1, count }]).unwrap();
            let share = (exact.log_z()[0] + weight).exp();
            z += share;
            expected += share * count as f64;
        }
        assert_close(&[got.log_z()[0].exp()], &[z], 1e-10, 0.0);
        assert_close(&[got.posterior.column(1).sum()], &[expected / z], 1e-9, 1e-10);
    }
}
