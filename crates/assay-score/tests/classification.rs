//! Multi-label counts, agreement, curves, forecasts and rankings against slow, obvious computations,
//! their laws as accumulators, and bad input.

use assay_array::testing::assert_close;
use assay_score::classification::{
    Forecasts, Gain, KappaWeights, LabelSets, Level, MISSING, MultiLabelConfig, ProbabilityRows,
    RankedList, RankingMeans, RatingRows, RatingsConfig, average_precision,
    expected_calibration_error, ndcg_of_scores, roc, roc_curve,
};
use assay_score::{Absent, ConfusionConfig, Error, Labels, Mergeable, laws};
use proptest::prelude::*;

/// The probability that a positive beats a negative, pair by pair.
fn slow_auc(positive: &[bool], scores: &[f64]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (i, _) in positive.iter().enumerate().filter(|(_, p)| **p) {
        for (j, _) in positive.iter().enumerate().filter(|(_, p)| !**p) {
            pairs += 1.0;
            wins += match scores[i].partial_cmp(&scores[j]).expect("no NaN") {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    wins / pairs
}

/// Krippendorff's alpha from its definition: mean distance within units against over all pairs.
fn slow_alpha(units: &[Vec<usize>], distance: impl Fn(usize, usize) -> f64) -> Option<f64> {
    let units: Vec<&Vec<usize>> = units.iter().filter(|unit| unit.len() > 1).collect();
    let all: Vec<usize> = units.iter().flat_map(|unit| unit.iter().copied()).collect();
    let pairs = |values: &[usize]| {
        let mut sum = 0.0;
        for (i, &a) in values.iter().enumerate() {
            for (j, &b) in values.iter().enumerate() {
                sum += if i == j { 0.0 } else { distance(a, b) };
            }
        }
        sum
    };
    let n = all.len() as f64;
    let within: f64 = units.iter().map(|unit| pairs(unit) / (unit.len() as f64 - 1.0)).sum();
    let chance = pairs(&all) / (n - 1.0);
    (chance > 0.0).then(|| 1.0 - within / chance)
}

/// Scores with many ties.
fn scored() -> impl Strategy<Value = Vec<(bool, f64)>> {
    prop::collection::vec((any::<bool>(), (0..8_u32).prop_map(|x| f64::from(x) / 7.0)), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn areas_are_those_of_all_pairs(items in scored()) {
        let (positive, scores): (Vec<bool>, Vec<f64>) = items.into_iter().unzip();
        let both = positive.iter().any(|&p| p) && positive.iter().any(|&p| !p);
        let report = roc(&positive, &scores);
        prop_assert_eq!(report.is_ok(), both);
        if let Ok(report) = report {
            assert_close(&[report.auc], &[slow_auc(&positive, &scores)], 1e-12, 1e-12);
            // The other class from the other end.
            let negated: Vec<f64> = scores.iter().map(|x| -x).collect();
            let other: Vec<bool> = positive.iter().map(|p| !p).collect();
            assert_close(&[roc(&other, &negated).unwrap().auc], &[report.auc], 1e-12, 1e-12);
            // Trapezia under the curve.
            let points = roc_curve(&positive, &scores).unwrap();
            let area: f64 = points.windows(2).map(|p| {
                (p[1].false_positive_rate - p[0].false_positive_rate)
                    * (p[1].true_positive_rate + p[0].true_positive_rate) / 2.0
            }).sum();
            assert_close(&[area], &[report.auc], 1e-12, 1e-12);
            let steps: f64 = points.windows(2).map(|p| {
                (p[1].true_positive_rate - p[0].true_positive_rate) * p[1].precision.unwrap()
            }).sum();
            assert_close(&[average_precision(&positive, &scores).unwrap()], &[steps], 1e-12, 1e-12);
        }
    }

    #[test]
    fn multi_label_scores_are_set_arithmetic(
        rows in prop::collection::vec((any::<[bool; 70]>(), any::<[bool; 70]>(), any::<bool>()), 1..20),
        cut in 0..20_usize,
    ) {
        // Sparse rows, some empty on both sides; 70 labels need two words.
        let set = |bits: &[bool], step: usize, keep: bool| -> Vec<usize> {
            (0..70).filter(|&label| keep && bits[label] && label % step == 0).collect()
        };
        let truth: Vec<Vec<usize>> = rows.iter().map(|(t, _, keep)| set(t, 7, *keep)).collect();
        let predicted: Vec<Vec<usize>> = rows.iter().map(|(_, p, keep)| set(p, 5, *keep)).collect();
        for (empty_rows, undefined) in [(Absent::Zero, 0.0), (Absent::One, 1.0)] {
            let config = MultiLabelConfig::new(70).with_empty_rows(empty_rows);
            let (t, p) = (config.pack(&truth).unwrap(), config.pack(&predicted).unwrap());
            let mut counts = config.init().unwrap();
            counts.update(LabelSets { truth: &t, predicted: &p }).unwrap();
            let report = counts.finish().unwrap();
            let mean = |score: &dyn Fn(f64, f64, f64) -> f64| {
                truth.iter().zip(&predicted).map(|(t, p)| {
                    let hits = t.iter().filter(|label| p.contains(label)).count() as f64;
                    let score = score(hits, t.len() as f64, p.len() as f64);
                    if score.is_nan() { undefined } else { score }
                }).sum::<f64>() / truth.len() as f64
            };
            let samples = report.samples_average;
            assert_close(
                &[samples.precision.unwrap(), samples.recall.unwrap(), samples.f1.unwrap(), report.jaccard.unwrap()],
                &[mean(&|h, _, p| h / p), mean(&|h, t, _| h / t), mean(&|h, t, p| 2.0 * h / (t + p)), mean(&|h, t, p| h / (t + p - h))],
                1e-12, 1e-12,
            );
            let exact = truth.iter().zip(&predicted).filter(|(t, p)| t == p).count() as f64;
            assert_close(&[report.subset_accuracy], &[exact / truth.len() as f64], 1e-15, 0.0);
            let words = 2 * cut.min(truth.len());
            let (whole, parts) = (
                LabelSets { truth: &t, predicted: &p },
                [LabelSets { truth: &t[..words], predicted: &p[..words] }, LabelSets { truth: &t[words..], predicted: &p[words..] }],
            );
            laws::check(&config.init().unwrap(), whole, &parts, |a, b| assert_eq!(a, b));
        }
    }

    #[test]
    fn alpha_is_its_definition(
        units in prop::collection::vec(prop::collection::vec(prop_oneof![4 => 0..4_usize, 1 => Just(MISSING)], 4), 1..15),
        cut in 0..15_usize,
    ) {
        let values: Vec<usize> = units.concat();
        let given: Vec<Vec<usize>> = units.iter()
            .map(|unit| unit.iter().copied().filter(|&v| v != MISSING).collect()).collect();
        let used = |c: usize| given.iter().filter(|u| u.len() > 1).flatten().filter(|&&v| v == c).count() as f64;
        let ordinal = |a: usize, b: usize| {
            let (a, b) = (a.min(b), a.max(b));
            let between: f64 = (a..=b).map(used).sum();
            if a == b { 0.0 } else { (between - f64::midpoint(used(a), used(b))).powi(2) }
        };
        let numbers = vec![0.0, 1.0, 2.5, 10.0];
        let ratio = |a: usize, b: usize| {
            let (x, y): (f64, f64) = (numbers[a], numbers[b]);
            if a == b { 0.0 } else { ((x - y) / (x + y)).powi(2) }
        };
        let cases: [(Level, Option<f64>); 4] = [
            (Level::Nominal, slow_alpha(&given, |a, b| f64::from(u8::from(a != b)))),
            (Level::Ordinal, slow_alpha(&given, ordinal)),
            (Level::Interval(numbers.clone()), slow_alpha(&given, |a, b| (numbers[a] - numbers[b]).powi(2))),
            (Level::Ratio(numbers.clone()), slow_alpha(&given, ratio)),
        ];
        for (level, want) in cases {
            let empty = RatingsConfig::new(4, level).init().unwrap();
            let mut ratings = empty.clone();
            ratings.update(RatingRows { raters: 4, values: &values }).unwrap();
            let got = ratings.finish().unwrap().alpha;
            match (got, want) {
                (Some(got), Some(want)) => assert_close(&[got], &[want], 1e-9, 1e-9),
                (got, want) => prop_assert_eq!(got, want),
            }
            let at = 4 * cut.min(units.len());
            let parts = [&values[..at], &values[at..]].map(|values| RatingRows { raters: 4, values });
            laws::check(&empty, RatingRows { raters: 4, values: &values }, &parts, |a, b| assert_eq!(a, b));
        }
    }

    #[test]
    fn forecasts_merge(
        p in prop::collection::vec((0.0..=1.0_f64, 0..2_usize), 0..30), cut in 0..30_usize,
    ) {
        let (probabilities, truth): (Vec<f64>, Vec<usize>) = p.into_iter().unzip();
        let at = cut.min(truth.len());
        let rows = |from: usize, to: usize| ProbabilityRows { truth: &truth[from..to], probabilities: &probabilities[from..to] };
        let parts = [rows(0, at), rows(at, truth.len())];
        laws::check(&Forecasts::binary(), rows(0, truth.len()), &parts, |a, b| {
            assert_close(&[a.brier.mean, a.log_loss.mean], &[b.brier.mean, b.log_loss.mean], 1e-12, 1e-12);
        });
    }

    #[test]
    fn ranking_means_merge(
        queries in prop::collection::vec((prop::collection::vec(0..9_u8, 0..9), prop::collection::vec(0..9_u8, 0..5)), 0..12),
        cut in 0..12_usize,
    ) {
        let lists: Vec<RankedList> = queries.iter().map(|(ranked, relevant)| RankedList::new(ranked, relevant)).collect();
        for list in &lists {
            for score in [list.precision_at(3), list.recall_at(3), list.average_precision(), list.average_precision_at(3), list.ndcg_at(3, Gain::Exponential)] {
                prop_assert!(score.is_none_or(|score| (0.0..=1.0).contains(&score)));
            }
        }
        let parts = lists.split_at(cut.min(lists.len()));
        laws::check(&RankingMeans::new(3, Gain::Linear).unwrap(), &lists, &[parts.0, parts.1], |a, b| {
            assert_eq!((a.queries, a.without_relevant), (b.queries, b.without_relevant));
            assert_close(&[a.precision.mean], &[b.precision.mean], 1e-12, 1e-12);
        });
    }
}

#[test]
fn delong_matches_resampling() {
    // 60 positives and 90 negatives with one standard deviation between them.
    let mut rng = assay_array::random::stream(5, "roc", 0);
    let positive: Vec<bool> = (0..150).map(|i| i < 60).collect();
    let scores: Vec<f64> = positive
        .iter()
        .map(|&p| assay_array::random::normal(&mut rng) + f64::from(u8::from(p)))
        .collect();
    let report = roc(&positive, &scores).unwrap();
    let bootstrap = assay_score::BootstrapConfig::new().with_resamples(2000).init().unwrap();
    let resampled = bootstrap
        .statistic(150, |drawn| {
            let p: Vec<bool> = drawn.iter().map(|&i| positive[i]).collect();
            let s: Vec<f64> = drawn.iter().map(|&i| scores[i]).collect();
            roc(&p, &s).unwrap().auc
        })
        .unwrap();
    let ratio = report.standard_error.unwrap() / resampled.standard_error;
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
}

#[test]
fn fleiss_kappa_of_the_published_example() {
    // Fleiss (1971) as tabulated in Wikipedia's article: 10 subjects, 14 raters, 5 categories; 0.210.
    let table = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ];
    let values: Vec<usize> = table
        .iter()
        .flat_map(|row| row.iter().enumerate().flat_map(|(category, &n)| vec![category; n]))
        .collect();
    let mut ratings = RatingsConfig::new(5, Level::Nominal).init().unwrap();
    ratings.update(RatingRows { raters: 14, values: &values }).unwrap();
    let kappa = ratings.finish().unwrap().fleiss_kappa.unwrap();
    assert!((kappa - 0.209_930_704_422_168).abs() < 1e-9, "{kappa}");
    // One unit with fewer ratings, and it is not defined any more.
    ratings.update(RatingRows { raters: 2, values: &[0, 0] }).unwrap();
    assert_eq!(ratings.finish().unwrap().fleiss_kappa, None);
}

#[test]
fn degenerate_input_has_no_score() {
    let mut matrix = ConfusionConfig::new(3).init().unwrap();
    assert_eq!(matrix.kappa(KappaWeights::None), None);
    matrix.update(Labels { truth: &[1, 1], predicted: &[1, 1] }).unwrap();
    assert_eq!(matrix.kappa(KappaWeights::Quadratic), None);
    let mut ratings = RatingsConfig::new(2, Level::Nominal).init().unwrap();
    assert!(matches!(ratings.finish(), Err(Error::Empty { .. })));
    ratings.update(RatingRows { raters: 2, values: &[1, 1, 1, 1] }).unwrap();
    let report = ratings.finish().unwrap();
    assert_eq!((report.alpha, report.fleiss_kappa, report.agreement), (None, None, Some(1.0)));
    let list = RankedList::new::<u8>(&[], &[]);
    assert_eq!(
        (list.precision_at(0), list.recall_at(1), list.average_precision()),
        (None, None, None)
    );
    assert_eq!(list.ndcg_at(3, Gain::Linear), None);
    let zero = ndcg_of_scores(&[0.0], &[1.0], 1, Gain::Linear);
    assert!(matches!(zero, Err(Error::Undefined { .. })));
}

#[test]
fn bad_input_is_an_error() {
    let is = |got: &Error, want: &str| assert!(got.to_string().contains(want), "{got}: no {want}");
    is(&roc(&[true], &[0.1, 0.2]).unwrap_err(), "expected 1 scores, got 2");
    is(&roc(&[true, false], &[f64::NAN, 0.2]).unwrap_err(), "at index 0");
    is(&roc::<f64>(&[], &[]).unwrap_err(), "at least one score");
    is(&average_precision(&[false], &[1.0]).unwrap_err(), "no positives");
    is(&expected_calibration_error(&[true], &[1.5], 5).unwrap_err(), "at index 0");
    is(&expected_calibration_error(&[true], &[0.5], 0).unwrap_err(), "got 0");
    is(&Forecasts::of_classes(1).unwrap_err(), "at least 2");
    let mut rows = Forecasts::of_classes(2).unwrap();
    let update = |rows: &mut Forecasts, truth: &[usize], probabilities: &[f64]| {
        rows.update(ProbabilityRows { truth, probabilities }).unwrap_err()
    };
    is(&update(&mut rows, &[0], &[0.5]), "expected 2 probabilities, got 1");
    is(&update(&mut rows, &[2], &[0.5, 0.5]), "below 2, got 2");
    is(&update(&mut rows, &[0], &[0.5, 0.6]), "got 1.1e0");
    is(&update(&mut rows, &[0], &[-0.5, 1.5]), "got -5e-1");
    let config = MultiLabelConfig::new(3);
    is(&config.pack(&[vec![3]]).unwrap_err(), "below 3, got 3");
    let mut counts = config.init().unwrap();
    let beyond = counts.update(LabelSets { truth: &[8], predicted: &[0] }).unwrap_err();
    is(&beyond, "below 3, got 3 at index 0");
    let short = counts.update(LabelSets { truth: &[1], predicted: &[] }).unwrap_err();
    is(&short, "expected 1 words");
    is(&MultiLabelConfig::new(0).init().unwrap_err(), "labels");
    is(&RatingsConfig::new(1, Level::Nominal).init().unwrap_err(), "categories");
    is(&RatingsConfig::new(2, Level::Interval(vec![1.0])).init().unwrap_err(), "got 1");
    is(&RatingsConfig::new(2, Level::Ratio(vec![1.0, -1.0])).init().unwrap_err(), "at index 1");
    let mut ratings = RatingsConfig::new(2, Level::Nominal).init().unwrap();
    is(&ratings.update(RatingRows { raters: 2, values: &[0, 1, 0] }).unwrap_err(), "last row");
    is(&ratings.update(RatingRows { raters: 2, values: &[0, 2] }).unwrap_err(), "below 2, got 2");
    is(&ratings.update(RatingRows { raters: 0, values: &[] }).unwrap_err(), "raters");
    is(&RankingMeans::new(0, Gain::Linear).unwrap_err(), "k at least 1");
    is(&RankedList::graded(&[1], &[(1, f64::NAN)]).unwrap_err(), "at index 0");
    is(&ndcg_of_scores(&[1.0], &[f64::NAN], 1, Gain::Linear).unwrap_err(), "at index 0");
}
