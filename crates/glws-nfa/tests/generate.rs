//! The generators: supervision that is true of the labels, with the frequencies asked for.

use std::collections::HashSet;

use assay_array::testing::assert_close;
use glws_nfa::generate::{
    BagSampler, Balance, Batch, WeakSet, bag_class_counts, bag_counts, candidates, compared,
    complements, confidence_differences, draw, flips, pairs, similarities, similarity_confidences,
    symmetric_noise,
};
use glws_nfa::{Bags, Constraint, Error, WeakLabels, marginals};
use ndarray::{Array2, array};
use proptest::prelude::*;

/// Labels of every class, in no order.
fn labels(n: usize, classes: usize) -> Vec<usize> {
    (0..n).map(|i| (i * i + i / 3) % classes).collect()
}

/// Within five standard errors of a share.
fn near(hits: usize, n: usize, share: f64) -> bool {
    let error = (share * (1.0 - share) / n as f64).sqrt();
    (hits as f64 / n as f64 - share).abs() <= 5.0 * error
}

#[test]
fn candidates_hold_the_truth_and_the_rate() {
    let labels = labels(4000, 5);
    let sets = candidates(&labels, 5, 0.3, 1).unwrap();
    let truth = labels.iter().enumerate().filter(|&(i, &label)| sets[[i, label]]).count();
    assert_eq!(truth, 4000);
    let all = sets.iter().filter(|&&candidate| candidate).count();
    assert!(near(all - 4000, 16_000, 0.3), "{all}");
    assert_eq!(sets, candidates(&labels, 5, 0.3, 1).unwrap());
    assert_ne!(sets, candidates(&labels, 5, 0.3, 2).unwrap());
    // More instances and a higher rate leave what there was.
    let first = candidates(&labels[..100], 5, 0.3, 1).unwrap();
    assert_eq!(first, sets.slice(ndarray::s![..100, ..]));
    let larger = candidates(&labels, 5, 0.6, 1).unwrap();
    assert!(sets.iter().zip(&larger).all(|(small, large)| *large || !small));
    assert_eq!(candidates(&labels, 5, 0.0, 1).unwrap().iter().filter(|c| **c).count(), 4000);
    assert!(candidates(&labels, 5, 1.0, 1).unwrap().iter().all(|&c| c));
}

#[test]
fn complements_are_wrong_and_even() {
    let labels = labels(6000, 4);
    let wrong = complements(&labels, 4, 3).unwrap();
    assert!(labels.iter().zip(&wrong).all(|(label, wrong)| label != wrong && *wrong < 4));
    for shift in 1..4 {
        let hits = labels.iter().zip(&wrong).filter(|&(l, w)| (l + shift) % 4 == *w).count();
        assert!(near(hits, 6000, 1.0 / 3.0), "{shift}: {hits}");
    }
}

#[test]
fn flips_follow_the_matrix() {
    let labels = labels(9000, 3);
    let transition = array![[0.7, 0.3, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]];
    let seen = flips(&labels, transition.view(), 5).unwrap();
    for truth in 0..3 {
        let n = labels.iter().filter(|&&label| label == truth).count();
        for class in 0..3 {
            let hits =
                labels.iter().zip(&seen).filter(|&(l, s)| (*l, *s) == (truth, class)).count();
            assert!(near(hits, n, transition[[truth, class]]), "{truth} as {class}: {hits} of {n}");
        }
    }
    let noise = symmetric_noise(4, 0.2).unwrap();
    assert_close(
        &[noise[[0, 0]], noise[[0, 3]], noise.row(2).sum()],
        &[0.85, 0.05, 1.0],
        1e-15,
        0.0,
    );
    assert_eq!(flips(&labels, symmetric_noise(3, 0.0).unwrap().view(), 5).unwrap(), labels);
}

#[test]
fn draws_have_the_prior() {
    let labels = labels(1000, 3);
    let prior = [0.2, 0.0, 0.8];
    let drawn = draw(&labels, Some(&prior), 5000, 7).unwrap();
    for (class, &share) in prior.iter().enumerate() {
        let hits = drawn.iter().filter(|&&i| labels[i] == class).count();
        assert!(near(hits, 5000, share), "{class}: {hits}");
    }
    // Not one instance over and over.
    assert!(drawn.iter().collect::<HashSet<_>>().len() > 400);
    assert_eq!(drawn[..50], draw(&labels, Some(&prior), 50, 7).unwrap());
    let any = draw(&labels, None, 5000, 7).unwrap();
    let share = labels.iter().filter(|&&label| label == 1).count() as f64 / 1000.0;
    assert!(near(any.iter().filter(|&&i| labels[i] == 1).count(), 5000, share));

    let pairs = pairs(&labels, Some(&prior), 5000, 7).unwrap();
    let similar = similarities(&pairs, &labels).unwrap();
    let alike = similar.iter().filter(|&&similar| similar).count();
    assert!(near(alike, 5000, 0.2 * 0.2 + 0.8 * 0.8), "{alike}");
    for ([a, b], similar) in pairs.iter().zip(similar) {
        assert_eq!(labels[*a] == labels[*b], similar);
    }
    let compared = compared(&pairs, &labels).unwrap();
    assert!(compared.iter().all(|&[a, b]| labels[a] >= labels[b]));
    let sets = |pairs: &[[usize; 2]]| -> Vec<[usize; 2]> {
        pairs.iter().map(|&[a, b]| [a.min(b), a.max(b)]).collect()
    };
    assert_eq!(sets(&compared), sets(&pairs));
}

#[test]
fn confidences_are_those_of_the_model() {
    let model = array![[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]];
    let pairs = [[0, 1], [1, 2], [2, 2]];
    let similar = similarity_confidences(&pairs, model.view()).unwrap();
    assert_close(&similar, &[0.26, 0.5, 0.5], 1e-15, 0.0);
    let difference = confidence_differences(&pairs, model.view()).unwrap();
    assert_close(&difference, &[0.7, -0.3, 0.0], 1e-15, 1e-15);
    assert!(similarity_confidences(&[[0, 3]], model.view()).is_err());
    assert!(confidence_differences(&[[3, 0]], model.view()).is_err());
    let wrong = array![[f64::NAN, 0.1], [7.0, 0.8]];
    assert!(similarity_confidences(&[[0, 1]], wrong.view()).is_err());
    assert!(confidence_differences(&[[0, 1]], array![[0.0, -1.0], [0.0, 0.5]].view()).is_err());
    assert!(confidence_differences(&[[0, 0]], Array2::ones((1, 3)).view()).is_err());
}

#[test]
fn bags_are_balanced_as_asked() {
    let labels = labels(500, 10);
    let sampler = BagSampler::new(400, 10.0, 2.0).unwrap();
    let bags = sampler.draw(&labels, 1).unwrap();
    let sizes: Vec<f64> = bags.iter().map(|bag| bag.len() as f64).collect();
    let mean = sizes.iter().sum::<f64>() / 400.0;
    // Rounding down takes half an instance.
    assert!((mean - 9.5).abs() < 0.5, "{mean}");
    assert!(bags.iter().all(|bag| bag.len() >= 2 && bag.iter().all(|&i| i < 500)));
    let counts = bag_counts(&bags, &labels, 7).unwrap();
    let all = bag_class_counts(&bags, &labels, 10).unwrap();
    assert_eq!(all.column(7).to_vec(), counts);
    for (row, bag) in all.rows().into_iter().zip(&bags) {
        assert_eq!(row.sum(), bag.len());
    }
    let with = sampler.with_balance(Balance::With(7)).draw(&labels, 1).unwrap();
    assert!(bag_counts(&with, &labels, 7).unwrap().iter().all(|&count| count > 0));
    let half = sampler.with_balance(Balance::Half(7)).draw(&labels, 1).unwrap();
    let half = bag_counts(&half, &labels, 7).unwrap();
    assert!(half.iter().enumerate().all(|(b, &count)| (count > 0) == (b % 2 == 0)));

    let never = sampler.with_balance(Balance::With(10)).draw(&labels, 1).unwrap_err();
    assert!(matches!(never, Error::Parameter { .. }), "{never}");
    assert!(sampler.draw(&[], 1).is_err());
    for wrong in [-1.0, f64::NAN, 1e9] {
        assert!(BagSampler::new(1, wrong, 1.0).is_err() && BagSampler::new(1, 5.0, wrong).is_err());
    }
}

/// Labels, bags of them, and what is told of the bags.
fn told_counts() -> (Vec<usize>, Vec<Vec<usize>>, WeakSet) {
    let labels = labels(300, 4);
    let bags = BagSampler::new(23, 4.0, 1.5).unwrap().draw(&labels, 2).unwrap();
    let lengths: Vec<usize> = bags.iter().map(Vec::len).collect();
    let counts = bag_counts(&bags, &labels, 1).unwrap();
    let known = WeakLabels::label_proportions(1, &lengths, &counts).unwrap();
    let set = WeakSet::new(bags.concat(), known.weighted(1.0, 0.5).unwrap()).unwrap();
    (labels, bags, set)
}

#[test]
fn sets_are_dealt_out_whole() {
    let (labels, bags, set) = told_counts();
    assert_eq!((set.len(), set.bag(4), set.bag(23)), (23, Some(&bags[4][..]), None));
    let batches: Vec<Batch> = set.batches(5, 9, 0).collect();
    assert_eq!(batches.len(), 5);
    assert_eq!(batches.iter().map(|batch| batch.labels.lengths().len()).sum::<usize>(), 23);
    let mut dealt = vec![];
    for batch in &batches {
        let mut start = 0;
        for (&length, constraint) in batch.labels.lengths().iter().zip(batch.labels.constraints()) {
            let own = &batch.instances[start..start + length];
            let count = own.iter().filter(|&&i| labels[i] == 1).count();
            assert_eq!(*constraint, Constraint::Count { class: 1, count });
            dealt.push(own.to_vec());
            start += length;
        }
        assert_eq!(start, batch.instances.len());
    }
    let sorted = |mut bags: Vec<Vec<usize>>| {
        bags.sort();
        bags
    };
    assert_ne!(dealt, bags);
    assert_eq!(sorted(dealt), sorted(bags));
    assert_eq!(batches, set.batches(5, 9, 0).collect::<Vec<_>>());
    assert_ne!(batches, set.batches(5, 9, 1).collect::<Vec<_>>());
    assert_eq!(set.batches(0, 9, 0).len(), 23);
    assert_eq!(set.batch(&[2, 99]), set.batch(&[2]));

    let one = set.batch(&[0]);
    let both = one.clone().and(set.batch(&[1, 2]));
    assert_eq!(both.labels, one.labels.clone().and(set.batch(&[1, 2]).labels));
    assert!(WeakSet::new(vec![0; 3], WeakLabels::unlabelled(2)).is_err());
    let two = WeakLabels::unlabelled(1).and(WeakLabels::unlabelled(1));
    assert!(WeakSet::new(vec![0, 1], two).is_err());
    let none = WeakSet::new(vec![], WeakLabels::unlabelled(0)).unwrap();
    assert!(none.is_empty() && none.batches(4, 0, 0).next().is_none());
}

/// Every bag once, in batches of bags that are averaged with each other.
#[cfg(feature = "dataset")]
#[test]
fn burns_loaders_deal_out_ragged_batches() {
    use assay_tensor::burn::data::dataloader::DataLoaderBuilder;
    use assay_tensor::burn::data::dataset::Dataset;
    use glws_nfa::tensor::RaggedBatcher;

    let (_, bags, set) = told_counts();
    assert!(Dataset::get(&set, 23).is_err());
    for workers in [0, 2] {
        let loader = DataLoaderBuilder::new(RaggedBatcher)
            .batch_size(5)
            .shuffle(7)
            .num_workers(workers)
            .build(set.clone());
        let mut dealt: Vec<Vec<usize>> = vec![];
        for batch in loader.iter() {
            let batch = batch.unwrap();
            // The same bags asked of the set itself are one part, too.
            let mut start = 0;
            let own: Vec<Vec<usize>> = batch
                .labels
                .lengths()
                .iter()
                .map(|&length| {
                    start += length;
                    batch.instances[start - length..start].to_vec()
                })
                .collect();
            let numbers: Vec<usize> =
                own.iter().map(|bag| bags.iter().position(|other| other == bag).unwrap()).collect();
            assert_eq!(batch, set.batch(&numbers));
            dealt.extend(own);
        }
        dealt.sort();
        let mut all = bags.clone();
        all.sort();
        assert_eq!(dealt, all);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let class = |error: Error| assert!(matches!(error, Error::ClassOutOfRange { .. }), "{error}");
    class(candidates(&[3], 3, 0.1, 0).unwrap_err());
    class(complements(&[3], 3, 0).unwrap_err());
    class(flips(&[2], array![[1.0, 0.0], [0.0, 1.0]].view(), 0).unwrap_err());
    class(draw(&[2], Some(&[0.5, 0.5]), 1, 0).unwrap_err());
    class(bag_class_counts(&[vec![0]], &[3], 3).unwrap_err());
    assert!(matches!(candidates(&[0], 0, 0.1, 0), Err(Error::NoClasses { .. })));
    assert!(complements(&[0], 1, 0).is_err());
    for rate in [-0.1, 1.1, f64::NAN] {
        assert!(candidates(&[0], 2, rate, 0).is_err() && symmetric_noise(2, rate).is_err());
    }
    assert!(symmetric_noise(0, 0.1).is_err());
    assert!(flips(&[0], array![[0.5, 0.4], [0.0, 1.0]].view(), 0).is_err());
    assert!(matches!(draw(&[], None, 1, 0), Err(Error::NoInstance { .. })));
    for prior in [[0.0, 0.0], [-1.0, 2.0], [f64::NAN, 1.0], [f64::MAX, f64::MAX]] {
        assert!(draw(&[0, 1], Some(&prior), 1, 0).is_err(), "{prior:?}");
        assert!(pairs(&[0, 1], Some(&prior), 1, 0).is_err());
    }
    assert!(draw(&[0, 0], Some(&[0.5, 0.5]), 1, 0).is_err());
    assert!(similarities(&[[0, 2]], &[0, 1]).is_err());
    assert!(compared(&[[2, 0]], &[0, 1]).is_err());
    assert!(bag_counts(&[vec![0, 5]], &[0, 1], 1).is_err());
    assert!(bag_class_counts(&[vec![5]], &[0, 1], 2).is_err());
}

proptest! {
    /// What a generator tells is true: the true labels are feasible under it.
    #[test]
    fn the_truth_agrees_with_what_is_told(
        truth in prop::collection::vec(0..3_usize, 2..30),
        seed in 0..1000_u64,
        rate in 0.0..1.0_f64,
    ) {
        // A classifier that knows the labels.
        let logits = |of: &[usize]| {
            Array2::from_shape_fn((of.len(), 3), |(i, c)| if truth[of[i]] == c { 0.0 } else { -50.0 })
        };
        let possible = |of: &[usize], labels: &WeakLabels| {
            let rows = logits(of);
            let bags = Bags::new(rows.view(), labels.lengths()).unwrap();
            let found = marginals(&bags, labels.constraints()).unwrap();
            found.log_z().iter().all(|&log_z| log_z > -1e-6)
        };
        let all: Vec<usize> = (0..truth.len()).collect();
        let sets = candidates(&truth, 3, rate, seed).unwrap();
        prop_assert!(possible(&all, &WeakLabels::partial(sets.view()).unwrap()));
        let wrong = complements(&truth, 3, seed).unwrap();
        prop_assert!(possible(&all, &WeakLabels::complementary(3, &wrong).unwrap()));
        let some = pairs(&truth, None, 10, seed).unwrap();
        let similar = WeakLabels::pairwise_similarity(&similarities(&some, &truth).unwrap());
        prop_assert!(possible(&some.concat(), &similar));
        let sorted = compared(&some, &truth).unwrap();
        let comparison = WeakLabels::pairwise_comparison(3, 10).unwrap();
        prop_assert!(possible(&sorted.concat(), &comparison));
        let bags = BagSampler::new(5, 6.0, 3.0).unwrap().draw(&truth, seed).unwrap();
        let lengths: Vec<usize> = bags.iter().map(Vec::len).collect();
        let counts = bag_class_counts(&bags, &truth, 3).unwrap();
        prop_assert!(possible(&bags.concat(), &WeakLabels::class_counts(&lengths, counts.view()).unwrap()));
        let present = counts.mapv(|count| count > 0);
        let presence = WeakLabels::class_presence(&lengths, present.view()).unwrap();
        prop_assert!(possible(&bags.concat(), &presence));
    }
}
