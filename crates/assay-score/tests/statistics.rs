//! Tests of hypotheses against enumeration, simulation and invariance, and bad input.

use assay_array::random::{below, normal, stream, uniform};
use assay_array::testing::assert_close;
use assay_score::statistics::{
    Alternative, ClusterCorrection, Direction, EloConfig, JudgeQuality, Match, Matches, Method,
    Outcome, PermutationConfig, Ties, Yates, benjamini_hochberg, chi_square, cliffs_delta,
    clustered_standard_error, cohens_d, cohens_h, corrected_rate, critical_difference, elo, fisher,
    friedman, holm, kendall, mann_whitney, mcnemar, paired_permutation, paired_t, pass_at_k,
    pass_every_k, pearson, permutation, power, rank, sample_size, sign_test, spearman,
    standard_error, two_proportions, welch_t, wilcoxon,
};
use assay_score::{Clusters, Error, Mergeable, laws};
use proptest::prelude::*;

/// Whole numbers, so that values tie.
fn values(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-4..5_i32).prop_map(f64::from), length)
}

/// Kendall's counts pair by pair.
fn slow_tau_b(x: &[f64], y: &[f64]) -> Option<f64> {
    let (mut score, mut in_x, mut in_y) = (0.0, 0.0, 0.0);
    for i in 0..x.len() {
        for j in 0..i {
            let sign = |a: f64, b: f64| if a == b { 0.0 } else { (a - b).signum() };
            let (a, b) = (sign(x[i], x[j]), sign(y[i], y[j]));
            score += a * b;
            in_x += a * a;
            in_y += b * b;
        }
    }
    (in_x > 0.0 && in_y > 0.0).then(|| score / f64::sqrt(in_x * in_y))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn kendall_counts_every_pair(pairs in prop::collection::vec((-4..5_i32, -4..5_i32), 2..120)) {
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).unzip();
        let got = kendall(&x, &y, 0.95).unwrap();
        match (got, slow_tau_b(&x, &y)) {
            (Some(got), Some(want)) => {
                assert_close(&[got.tau_b], &[want], 1e-12, 1e-12);
                let swapped = kendall(&y, &x, 0.95).unwrap().unwrap();
                assert_close(&[swapped.tau_b, swapped.p_value], &[got.tau_b, got.p_value], 1e-12, 1e-12);
                prop_assert!((0.0..=1.0).contains(&got.p_value));
            }
            (got, want) => prop_assert!(got.is_none() && want.is_none()),
        }
    }

    #[test]
    fn rank_tests_are_enumerations(x in values(1..7), y in values(1..7), d in values(1..11)) {
        // Every way to part the values.
        let all: Vec<f64> = x.iter().chain(&y).copied().collect();
        let superior = |first: &dyn Fn(usize) -> bool| {
            let mut u = 0.0;
            for i in (0..all.len()).filter(|&i| first(i)) {
                for j in (0..all.len()).filter(|&j| !first(j)) {
                    u += f64::from(u8::from(all[i] > all[j])) + 0.5 * f64::from(u8::from(all[i] == all[j]));
                }
            }
            u
        };
        let observed = superior(&|i| i < x.len());
        let (mut less, mut greater, mut count) = (0.0, 0.0, 0.0);
        for bits in 0..1_u32 << all.len() {
            if bits.count_ones() as usize == x.len() {
                let u = superior(&|i| bits >> i & 1 == 1);
                count += 1.0;
                less += f64::from(u8::from(u <= observed));
                greater += f64::from(u8::from(u >= observed));
            }
        }
        let test = |alternative| mann_whitney(&x, &y, alternative).unwrap();
        prop_assert_eq!(test(Alternative::Less).statistic, observed);
        assert_close(
            &[test(Alternative::Less).p_value, test(Alternative::Greater).p_value],
            &[less / count, greater / count], 1e-12, 1e-12,
        );
        let delta = cliffs_delta(&x, &y).unwrap();
        assert_close(&[delta], &[2.0 * observed / (x.len() * y.len()) as f64 - 1.0], 1e-12, 1e-12);

        // Every way to sign the differences.
        let kept: Vec<f64> = d.iter().copied().filter(|d| *d != 0.0).collect();
        let sum = |signs: u32| -> f64 {
            kept.iter().enumerate().map(|(i, d)| if signs >> i & 1 == 1 { d.abs() } else { -d.abs() }).sum()
        };
        let total: f64 = kept.iter().sum();
        let extreme = (0..1_u32 << kept.len()).filter(|&s| sum(s).abs() >= total.abs()).count();
        let report = paired_permutation(&d, PermutationConfig::default()).unwrap();
        prop_assert_eq!(report.method, Method::Exact);
        let want = extreme as f64 / f64::from(1_u32 << kept.len());
        assert_close(&[report.p_value], &[want], 1e-12, 0.0);
        prop_assert_eq!(wilcoxon(&d, Alternative::TwoSided).is_ok(), !kept.is_empty());
        prop_assert_eq!(sign_test(&d, Alternative::TwoSided).is_ok(), !kept.is_empty());
    }

    #[test]
    fn ranks_follow_order(x in values(1..30)) {
        for direction in [Direction::HigherBetter, Direction::LowerBetter] {
            let better = |a: f64, b: f64| if direction == Direction::HigherBetter { a > b } else { a < b };
            let [min, average, dense] = [Ties::Min, Ties::Average, Ties::Dense]
                .map(|ties| rank(&x, direction, ties).unwrap());
            for i in 0..x.len() {
                let ahead = x.iter().filter(|&&v| better(v, x[i])).count() as f64;
                let same = x.iter().filter(|&&v| v == x[i]).count() as f64;
                let mut different: Vec<i64> = x.iter().filter(|&&v| better(v, x[i])).map(|&v| v as i64).collect();
                different.sort_unstable();
                different.dedup();
                prop_assert_eq!(min[i], ahead + 1.0);
                prop_assert_eq!(average[i], ahead + f64::midpoint(same, 1.0));
                prop_assert_eq!(dense[i], different.len() as f64 + 1.0);
            }
        }
    }

    #[test]
    fn adjusted_p_values_are_monotone(p in prop::collection::vec(0.0..=1.0_f64, 0..30)) {
        let (holm, bh) = (holm(&p).unwrap(), benjamini_hochberg(&p).unwrap());
        for i in 0..p.len() {
            prop_assert!(p[i] <= bh[i] + 1e-15 && bh[i] <= holm[i] + 1e-12 && holm[i] <= 1.0);
            for j in 0..p.len() {
                prop_assert!(p[i] > p[j] || (holm[i] <= holm[j] && bh[i] <= bh[j]));
            }
        }
    }

    #[test]
    fn tables_do_not_care_for_order(table in prop::array::uniform4(0..60_u64)) {
        let [a, b, c, d] = table;
        prop_assume!(a + b + c + d > 0);
        let (one, other) = (fisher([[a, b], [c, d]]).unwrap(), fisher([[d, c], [b, a]]).unwrap());
        let transposed = fisher([[a, c], [b, d]]).unwrap();
        assert_close(&[one.two_sided, one.less], &[other.two_sided, other.less], 1e-9, 1e-12);
        assert_close(&[one.two_sided, one.less], &[transposed.two_sided, transposed.less], 1e-9, 1e-12);
        prop_assert!(one.less + one.greater >= 1.0 - 1e-12 && one.two_sided <= 1.0);
        let chi = chi_square(&table, 2, Yates::Never).unwrap();
        prop_assert!((0.0..=1.0).contains(&chi.p_value));
        prop_assert_eq!(chi.cramers_v.is_some(), chi.degrees_of_freedom > 0);
        let test = mcnemar(a, b).unwrap();
        prop_assert!(test.mid_p <= test.exact_p && test.mid_p > 0.0);
    }

    #[test]
    fn passing_is_counting(n in 1..12_u64, c in 0..12_u64, k in 0..13_u64) {
        let choose = |n: u64, k: u64| (0..k).fold(1.0, |p, i| p * (n as f64 - i as f64) / (i + 1) as f64);
        if k > n || c > n {
            prop_assert_eq!((pass_at_k(n, c, k), pass_every_k(n, c, k)), (None, None));
        } else {
            let (some, all) = (pass_at_k(n, c, k).unwrap(), pass_every_k(n, c, k).unwrap());
            assert_close(&[some, all], &[1.0 - choose(n - c, k) / choose(n, k), choose(c, k) / choose(n, k)], 1e-12, 1e-12);
        }
    }

    #[test]
    fn matches_merge(games in prop::collection::vec((0..4_usize, 1..4_usize, 0..3_u8), 0..60), cut in 0..60_usize) {
        let games: Vec<Match> = games.iter().map(|&(first, step, outcome)| Match {
            first,
            second: (first + step) % 4,
            outcome: [Outcome::First, Outcome::Second, Outcome::Tie][usize::from(outcome)],
        }).collect();
        let parts = games.split_at(cut.min(games.len()));
        laws::check(&Matches::new(4).unwrap(), &games, &[parts.0, parts.1], |a, b| assert_eq!(a, b));
    }
}

#[test]
fn strengths_are_found_again() {
    let truth = [1.0, 0.4, -0.2, -1.2];
    let mut rng = stream(3, "bradley-terry", 0);
    let games: Vec<Match> = (0..4000)
        .map(|_| {
            let first = below(&mut rng, 4);
            let second = (first + 1 + below(&mut rng, 3)) % 4;
            let p = 1.0 / (1.0 + f64::exp(truth[second] - truth[first]));
            let outcome = if uniform(&mut rng) < p { Outcome::First } else { Outcome::Second };
            Match { first, second, outcome }
        })
        .collect();
    let mut matches = Matches::new(4).unwrap();
    matches.update(&games).unwrap();
    let report = matches.finish().unwrap();
    assert!(report.converged && report.iterations < 20);
    assert!(report.log_likelihood.1 > report.log_likelihood.0);
    for (strength, truth) in report.strengths.iter().zip(truth) {
        assert!((strength.value - truth).abs() < 4.0 * strength.standard_error, "{strength:?}");
        assert!(strength.standard_error < 0.1);
    }
    // At the maximum each player's expected wins are its wins.
    for i in 0..4 {
        let (mut wins, mut expected) = (0.0, 0.0);
        for j in (0..4).filter(|&j| j != i) {
            wins += matches.wins(i, j);
            let away = report.strengths[j].value - report.strengths[i].value;
            expected += (matches.wins(i, j) + matches.wins(j, i)) / (1.0 + away.exp());
        }
        assert_close(&[expected], &[wins], 1e-9, 0.0);
    }
    let ratings = elo(&games, 4, EloConfig { resamples: 50, ..EloConfig::default() }).unwrap();
    assert!(ratings.medians.is_sorted_by(|a, b| a > b), "{ratings:?}");
    let sum: f64 = ratings.ratings.iter().sum();
    assert_close(&[sum], &[4000.0], 1e-12, 0.0);
}

#[test]
fn a_loser_of_every_match_has_no_strength() {
    let mut matches = Matches::new(3).unwrap();
    let game = |first, second, outcome| Match { first, second, outcome };
    matches.update(&[game(0, 1, Outcome::Tie), game(0, 2, Outcome::First)]).unwrap();
    assert!(matches!(matches.finish(), Err(Error::Undefined { .. })));
    assert!(matches.update(&[game(1, 1, Outcome::Tie)]).is_err());
    assert!(matches.update(&[game(1, 3, Outcome::Tie)]).is_err());
}

/// The share of simulated studies whose interval holds the true rate.
#[test]
fn corrected_rates_are_covered() {
    const STUDIES: usize = 1000;
    for (rate, sensitivity, specificity, judged, labelled) in
        [(0.3, 0.85, 0.95, 200, 60), (0.05, 0.9, 0.9, 300, 100), (0.6, 0.7, 0.8, 400, 80)]
    {
        let mut rng = stream(11, "prevalence", judged as u64);
        let mut tally = |n: usize, p: f64| (0..n).filter(|_| uniform(&mut rng) < p).count() as u64;
        let mut inside = 0;
        for _ in 0..STUDIES {
            let called = tally(judged, rate * sensitivity + (1.0 - rate) * (1.0 - specificity));
            let (tp, tn) = (tally(labelled, sensitivity), tally(labelled, specificity));
            let judge = JudgeQuality {
                true_positives: tp,
                false_negatives: labelled as u64 - tp,
                false_positives: labelled as u64 - tn,
                true_negatives: tn,
            };
            let found = corrected_rate(called, judged as u64, judge, 0.95).unwrap();
            inside += usize::from(found.is_some_and(|(_, interval)| interval.contains(rate)));
        }
        let coverage = inside as f64 / STUDIES as f64;
        assert!((0.93..0.985).contains(&coverage), "{rate}: {coverage}");
    }
}

#[test]
fn tests_keep_their_level() {
    const STUDIES: u64 = 400;
    // Under the null hypothesis a p-value is below 0.1 a tenth of the time.
    let mut hits = [0; 6];
    for study in 0..STUDIES {
        let mut rng = stream(21, "level", study);
        let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| normal(&mut rng)).collect() };
        let (x, y, z) = (draw(40), draw(40), draw(25));
        let d: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
        let config = PermutationConfig { draws: 199, seed: study, ..PermutationConfig::default() };
        let p = [
            paired_t(&x, &y, Alternative::TwoSided, 0.95).unwrap().p_value,
            welch_t(&x, &z, Alternative::TwoSided, 0.95).unwrap().p_value,
            wilcoxon(&d, Alternative::TwoSided).unwrap().p_value,
            mann_whitney(&x, &z, Alternative::TwoSided).unwrap().p_value,
            paired_permutation(&d, config).unwrap().p_value,
            permutation(&x, &z, config).unwrap().p_value,
        ];
        for (hits, p) in hits.iter_mut().zip(p) {
            *hits += u64::from(p <= 0.1);
        }
    }
    // Four standard errors of a tenth of 400.
    assert!(hits.iter().all(|hits| (16..65).contains(hits)), "{hits:?}");
}

#[test]
fn power_meets_what_was_asked() {
    for (p1, p2) in [(0.5, 0.6), (0.85, 0.9), (0.01, 0.05), (0.9, 0.2)] {
        for (alpha, asked) in [(0.05, 0.8), (0.01, 0.95)] {
            let n = sample_size(p1, p2, alpha, asked).unwrap();
            assert!(power(p1, p2, n, alpha).unwrap() >= asked - 1e-12);
            assert!(n == 1 || power(p1, p2, n - 1, alpha).unwrap() < asked);
        }
    }
    // Simulated, for one of them.
    let n = sample_size(0.5, 0.6, 0.05, 0.8).unwrap();
    let mut rng = stream(4, "power", 0);
    let mut tally = |p: f64| (0..n).filter(|_| uniform(&mut rng) < p).count() as u64;
    let seen = (0..600).filter(|_| {
        two_proportions((tally(0.5), n), (tally(0.6), n), 0.95).unwrap().p_value < 0.05
    });
    let share = seen.count() as f64 / 600.0;
    assert!((0.75..0.85).contains(&share), "{share}");
    assert_eq!(power(0.0, 1.0, 1, 0.05).unwrap(), 0.0);
    assert!(sample_size(0.5, 0.5, 0.05, 0.8).is_err());
}

#[test]
fn drawn_permutations_depend_on_the_seed_alone() {
    let d: Vec<f64> = (0..60).map(|i| f64::from(i % 7) - 2.5).collect();
    let config = PermutationConfig { draws: 500, seed: 9, ..PermutationConfig::default() };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| paired_permutation(&d, config).unwrap())
    };
    assert_eq!(run(1), run(3));
    assert_eq!(run(1).method, Method::MonteCarlo);
}

#[test]
fn degenerate_data_are_named() {
    let undefined = |error: Error| assert!(matches!(error, Error::Undefined { .. }), "{error}");
    assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0], 0.95).unwrap(), None);
    assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0], 0.95).unwrap(), None);
    assert_eq!(kendall(&[1.0, 1.0], &[1.0, 2.0], 0.95).unwrap(), None);
    let perfect = pearson(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], 0.95).unwrap().unwrap();
    assert_eq!((perfect.value, perfect.p_value), (1.0, Some(0.0)));
    undefined(paired_t(&[1.0, 2.0], &[0.0, 1.0], Alternative::Less, 0.95).unwrap_err());
    undefined(welch_t(&[1.0, 1.0], &[2.0, 2.0], Alternative::Less, 0.95).unwrap_err());
    undefined(cohens_d(&[1.0, 1.0], &[2.0, 2.0], 0.95).unwrap_err());
    undefined(sign_test(&[0.0], Alternative::TwoSided).unwrap_err());
    undefined(wilcoxon(&[0.0], Alternative::TwoSided).unwrap_err());
    undefined(friedman(&[1.0, 1.0, 2.0, 2.0], 2).unwrap_err());
    let single = chi_square(&[270, 270, 270], 1, Yates::TwoByTwo).unwrap();
    assert_eq!((single.statistic, single.p_value, single.cramers_v), (0.0, 1.0, None));
    assert_eq!(mcnemar(0, 0).unwrap().chi_square, None);
    assert_eq!(mann_whitney(&[1.0; 50], &[1.0; 50], Alternative::TwoSided).unwrap().p_value, 1.0);
    assert_eq!(paired_permutation(&[0.0; 3], PermutationConfig::default()).unwrap().p_value, 1.0);
    let none = JudgeQuality {
        true_positives: 5,
        false_negatives: 5,
        false_positives: 5,
        true_negatives: 5,
    };
    assert_eq!(corrected_rate(3, 10, none, 0.95).unwrap(), None);
    assert_eq!(fisher([[0, 0], [3, 4]]).unwrap().odds_ratio, None);
    assert_eq!(holm(&[]).unwrap(), Vec::<f64>::new());
    let huge = [1e72, -1e72, 5e71];
    assert!(pearson(&huge, &[1.0, 2.0, 4.0], 0.95).unwrap().is_some());
}

#[test]
fn bad_input_is_an_error() {
    let is = |got: Error, want: &str| assert!(got.to_string().contains(want), "{got}: no {want}");
    is(pearson(&[1.0], &[1.0, 2.0], 0.95).unwrap_err(), "expected 1 values, got 2");
    is(pearson(&[1.0, f64::NAN], &[1.0, 2.0], 0.95).unwrap_err(), "at index 1");
    is(pearson(&[1.0, 2.0], &[1.0, 2.0], 1.0).unwrap_err(), "level");
    is(kendall(&[1.0], &[2.0], 0.95).unwrap_err(), "at least 2 values");
    is(chi_square(&[], 2, Yates::Never).unwrap_err(), "at least one count");
    is(chi_square(&[1, 2, 3], 2, Yates::Never).unwrap_err(), "last row");
    is(chi_square(&[1], 0, Yates::Never).unwrap_err(), "columns");
    is(fisher([[0; 2]; 2]).unwrap_err(), "at least one count");
    is(fisher([[u64::MAX; 2]; 2]).unwrap_err(), "at most");
    is(mcnemar(u64::MAX, 1).unwrap_err(), "at most");
    is(holm(&[0.5, 1.5]).unwrap_err(), "at index 1");
    is(rank(&[f64::INFINITY], Direction::LowerBetter, Ties::Min).unwrap_err(), "at index 0");
    is(two_proportions((3, 2), (1, 2), 0.95).unwrap_err(), "successes");
    is(cohens_h(-0.1, 0.5).unwrap_err(), "at index 0");
    is(power(0.1, 0.2, 0, 0.05).unwrap_err(), "at least one item");
    is(critical_difference(1, 5, 0.05).unwrap_err(), "treatments");
    is(friedman(&[1.0, 2.0, 3.0], 2).unwrap_err(), "last block");
    is(standard_error(&[1.0]).unwrap_err(), "at least 2");
    let one = Clusters::new(&["a", "a"]);
    let error = clustered_standard_error(&[1.0, 2.0], &one, ClusterCorrection::Clusters);
    is(error.unwrap_err(), "at least 2 clusters");
    let error = clustered_standard_error(&[1.0], &one, ClusterCorrection::Clusters);
    is(error.unwrap_err(), "expected 2 values, got 1");
    let config = PermutationConfig { draws: 0, ..PermutationConfig::default() };
    is(permutation(&[1.0], &[2.0], config).unwrap_err(), "draws");
    is(Matches::new(1).unwrap_err(), "players");
    is(elo(&[], 2, EloConfig::default()).unwrap_err(), "at least one match");
    let unlabelled = JudgeQuality {
        true_positives: 1,
        false_negatives: 0,
        false_positives: 0,
        true_negatives: 0,
    };
    is(corrected_rate(1, 2, unlabelled, 0.95).unwrap_err(), "labelled");
}
