//! Results against slow, obvious computations, and invariances.

use assay_array::random::{stream, uniform};
use assay_array::testing::assert_close;
use assay_score::{
    Absent, BootstrapConfig, BootstrapMethod, Clusters, ConfusionConfig, ConfusionMatrix, EdgeRule,
    HistogramConfig, Interval, Labels, Mergeable, Moments, UNPARSED, Unparsed, interval,
};
use proptest::prelude::*;

type Method = fn(u64, u64, f64) -> assay_score::Result<Interval>;
const INTERVALS: [Method; 4] =
    [interval::wilson, interval::wilson_corrected, interval::clopper_pearson, interval::jeffreys];

fn values(seed: u64, n: usize) -> Vec<f64> {
    let mut rng = stream(seed, "test values", 0);
    (0..n).map(|_| uniform(&mut rng)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The p-quantile by sorting and interpolating, written another way than the library's.
fn quantile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let h = (sorted.len() - 1) as f64 * p;
    let weight = h.fract();
    sorted[h.floor() as usize] * (1.0 - weight) + sorted[h.ceil() as usize] * weight
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn moments_are_the_two_pass_moments(data in prop::collection::vec(-1e3..1e3_f64, 2..3000)) {
        let n = data.len() as f64;
        let center = mean(&data);
        let power = |p| data.iter().map(|x| (x - center).powi(p)).sum::<f64>() / n;
        let mut moments = Moments::new();
        moments.update(&data).unwrap();
        let report = moments.finish().unwrap();
        assert_close(&[report.mean], &[center], 0.0, 1e-12);
        assert_close(&[report.population_variance], &[power(2)], 1e-12, 0.0);
        assert_close(&[report.variance.unwrap()], &[power(2) * n / (n - 1.0)], 1e-12, 0.0);
        assert_close(&[report.skewness.unwrap()], &[power(3) / power(2).powf(1.5)], 1e-9, 1e-9);
        let kurtosis = power(4) / power(2).powi(2) - 3.0;
        assert_close(&[report.excess_kurtosis.unwrap()], &[kurtosis], 1e-9, 1e-9);
        prop_assert_eq!(report.min, data.iter().copied().fold(f64::INFINITY, f64::min));
        prop_assert_eq!(report.max, data.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let mut narrow = Moments::new();
        narrow.extend(&data.iter().map(|&x| x as f32).collect::<Vec<_>>()).unwrap();
        assert_close(&[narrow.finish().unwrap().mean], &[center], 0.0, 1e-4);
    }

    #[test]
    fn a_large_mean_cancels_nothing(data in prop::collection::vec(0..1000_i32, 2..500)) {
        // Whole numbers, so that adding 2^40 rounds nothing.
        let plain: Vec<f64> = data.iter().map(|&x| f64::from(x)).collect();
        let moved: Vec<f64> = plain.iter().map(|x| x + 2.0_f64.powi(40)).collect();
        let report = |data: &[f64]| {
            let mut moments = Moments::new();
            moments.update(data).unwrap();
            moments.finish().unwrap()
        };
        let (plain, moved) = (report(&plain), report(&moved));
        assert_close(&[moved.mean - 2.0_f64.powi(40)], &[plain.mean], 0.0, 1e-3);
        assert_close(&[moved.population_variance], &[plain.population_variance], 1e-6, 1e-6);
    }

    #[test]
    fn histograms_compare_with_every_edge(
        data in prop::collection::vec(
            prop_oneof![0.0..1.0_f64, (0..=7_u32).prop_map(|i| f64::from(i) / 7.0)], 1..200),
        bins in prop::sample::select(vec![1_usize, 7, 10, 14]),
        upper in any::<bool>(),
        bend in any::<bool>(),
    ) {
        // Bent edges take the binary search, even ones the guess.
        let bend = |t: f64| if bend { t * t * t } else { t };
        let edges: Vec<f64> = (0..=bins).map(|i| bend(i as f64 / bins as f64)).collect();
        let rule = if upper { EdgeRule::UpperClosed } else { EdgeRule::LowerClosed };
        let config = HistogramConfig::new(edges.clone()).with_edge_rule(rule);
        let mut histogram = config.init().unwrap();
        histogram.update(&data).unwrap();
        let report = histogram.finish().unwrap();
        for bin in 0..bins {
            let (lower, upper) = (edges[bin], edges[bin + 1]);
            let inside = |x: f64| match rule {
                EdgeRule::LowerClosed => x >= lower && (x < upper || bin == bins - 1),
                EdgeRule::UpperClosed => (x > lower || bin == 0) && x <= upper,
            };
            prop_assert_eq!(report.counts[bin], data.iter().filter(|&&x| inside(x)).count() as u64);
        }
        let widths = edges.windows(2).map(|edge| edge[1] - edge[0]);
        let area: f64 = report.density().unwrap().iter().zip(widths).map(|(d, w)| d * w).sum();
        prop_assert!((area - 1.0).abs() < 1e-12);
    }

    #[test]
    fn scores_are_those_of_counting_by_hand(
        data in prop::collection::vec(
            (0..3_usize, prop_oneof![6 => 0..4_usize, 1 => Just(UNPARSED)]), 1..60),
    ) {
        let (truth, predicted): (Vec<usize>, Vec<usize>) = data.iter().copied().unzip();
        let config = ConfusionConfig::new(4).with_unparsed(Unparsed::Count).with_absent(Absent::Skip);
        let mut matrix = config.init().unwrap();
        matrix.update(Labels { truth: &truth, predicted: &predicted }).unwrap();
        let report = matrix.finish().unwrap();
        let share = |of: &dyn Fn(&(usize, usize)) -> bool, among: &dyn Fn(&(usize, usize)) -> bool| {
            let among: Vec<_> = data.iter().copied().filter(|pair| among(pair)).collect();
            let hits = among.iter().filter(|pair| of(pair)).count();
            (!among.is_empty()).then(|| hits as f64 / among.len() as f64)
        };
        let hit = |pair: &(usize, usize)| pair.0 == pair.1;
        let mut f1 = Vec::new();
        for class in 0..4 {
            let scores = report.classes[class].scores;
            let precision = share(&hit, &|pair| pair.1 == class);
            let recall = share(&hit, &|pair| pair.0 == class);
            prop_assert_eq!(scores.precision, precision);
            prop_assert_eq!(scores.recall, recall);
            if let (Some(p), Some(r)) = (precision, recall) {
                let harmonic = if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 };
                prop_assert!((scores.f1.unwrap() - harmonic).abs() < 1e-12);
            }
            f1.extend(scores.f1);
        }
        prop_assert_eq!(report.accuracy, share(&hit, &|_| true).unwrap());
        prop_assert!((report.macro_average.f1.unwrap() - mean(&f1)).abs() < 1e-12);
        prop_assert!((report.weighted_average.recall.unwrap() - report.accuracy).abs() < 1e-12);

        // Matthews' coefficient is the correlation of indicator vectors, summed over classes.
        let column = |label: usize, class: usize| f64::from(u8::from(label == class));
        let n = data.len() as f64;
        let covariance = |f: &dyn Fn(&(usize, usize)) -> usize, g: &dyn Fn(&(usize, usize)) -> usize| {
            (0..4).chain([UNPARSED]).map(|class| {
                let mean = |h: &dyn Fn(&(usize, usize)) -> usize| {
                    data.iter().map(|pair| column(h(pair), class)).sum::<f64>() / n
                };
                let (mf, mg) = (mean(f), mean(g));
                data.iter().map(|p| (column(f(p), class) - mf) * (column(g(p), class) - mg)).sum::<f64>()
            }).sum::<f64>()
        };
        let (t, p) = (|pair: &(usize, usize)| pair.0, |pair: &(usize, usize)| pair.1);
        let scale = (covariance(&t, &t) * covariance(&p, &p)).sqrt();
        match report.matthews {
            Some(matthews) => prop_assert!((matthews - covariance(&t, &p) / scale).abs() < 1e-9),
            None => prop_assert!(scale < 1e-9),
        }
    }

    #[test]
    fn renaming_classes_changes_no_average(
        data in prop::collection::vec((0..3_usize, 0..3_usize), 1..60),
    ) {
        let report = |rename: fn(usize) -> usize| {
            let (truth, predicted): (Vec<_>, Vec<_>) =
                data.iter().map(|&(t, p)| (rename(t), rename(p))).unzip();
            let mut matrix = ConfusionConfig::new(3).init().unwrap();
            matrix.update(Labels { truth: &truth, predicted: &predicted }).unwrap();
            matrix.finish().unwrap()
        };
        let (plain, turned) = (report(|c| c), report(|c| (c + 1) % 3));
        prop_assert_eq!(plain.accuracy, turned.accuracy);
        prop_assert_eq!(plain.matthews, turned.matthews);
        let (a, b) = (plain.macro_average.f1.unwrap(), turned.macro_average.f1.unwrap());
        prop_assert!((a - b).abs() < 1e-12);
    }

    #[test]
    fn intervals_hold_the_rate_and_mirror(
        n in prop_oneof![1..30_u64, 1..5_000_000_u64],
        share in 0.0..=1.0_f64,
        level in 0.01..0.9999_f64,
    ) {
        let k = ((share * n as f64) as u64).min(n);
        for method in INTERVALS {
            let a = method(k, n, level).unwrap();
            prop_assert!(0.0 <= a.lower && a.lower < a.upper && a.upper <= 1.0, "{:?}", a);
            let b = method(n - k, n, level).unwrap();
            prop_assert!((a.lower + b.upper - 1.0).abs() < 1e-12 && (a.upper + b.lower - 1.0).abs() < 1e-12);
            let wider = method(k, n, level + (1.0 - level) / 2.0).unwrap();
            prop_assert!(wider.lower <= a.lower + 1e-15 && a.upper <= wider.upper + 1e-15);
        }
        let rate = k as f64 / n as f64;
        for method in [interval::wilson, interval::wilson_corrected, interval::clopper_pearson] {
            let a = method(k, n, level).unwrap();
            prop_assert!(a.lower <= rate + 1e-15 && rate <= a.upper + 1e-15, "{:?} {}", a, rate);
        }
        let (plain, corrected) = (INTERVALS[0](k, n, level).unwrap(), INTERVALS[1](k, n, level).unwrap());
        prop_assert!(corrected.lower <= plain.lower + 1e-12 && plain.upper <= corrected.upper + 1e-12);
    }

    #[test]
    fn given_rows_are_the_naive_loop(
        data in prop::collection::vec(-5.0..5.0_f64, 2..12),
        seed in any::<u64>(),
        level in 0.5..0.99_f64,
    ) {
        let n = data.len();
        let mut rng = stream(seed, "test rows", 0);
        let rows: Vec<Vec<usize>> =
            (0..200).map(|_| (0..n).map(|_| (uniform(&mut rng) * n as f64) as usize).collect()).collect();
        let naive: Vec<f64> =
            rows.iter().map(|row| mean(&row.iter().map(|&i| data[i]).collect::<Vec<_>>())).collect();
        let config = BootstrapConfig::new().with_level(level);
        let report = config.init_with_indices(rows.clone()).unwrap().mean(&data).unwrap();
        assert_close(&report.replicates, &naive, 1e-12, 1e-12);
        let tail = (1.0 - level) / 2.0;
        let want = [quantile(&naive, tail), quantile(&naive, 1.0 - tail)];
        assert_close(&[report.interval.lower, report.interval.upper], &want, 1e-9, 1e-12);
        let center = mean(&naive);
        let variance = naive.iter().map(|x| (x - center).powi(2)).sum::<f64>() / 199.0;
        assert_close(&[report.standard_error], &[variance.sqrt()], 1e-9, 1e-12);
        let basic = config.with_method(BootstrapMethod::Basic).init_with_indices(rows).unwrap();
        let basic = basic.mean(&data).unwrap().interval;
        assert_close(&[basic.lower, basic.upper], &[2.0 * mean(&data) - want[1], 2.0 * mean(&data) - want[0]], 1e-9, 1e-12);
    }
}

/// Clopper-Pearson's defining property, from binomial probabilities summed term by term.
#[test]
fn exact_bounds_leave_half_of_alpha_in_each_tail() {
    for (k, n) in [(1_u32, 5_u32), (3, 17), (16, 17), (40, 60)] {
        let bounds = interval::clopper_pearson(k.into(), n.into(), 0.9).unwrap();
        let probability = |p: f64, range: std::ops::RangeInclusive<u32>| {
            let choose = |i| (0..i).fold(1.0, |c, j| c * f64::from(n - j) / f64::from(j + 1));
            range
                .map(|i| {
                    choose(i) * p.powi(i.cast_signed()) * (1.0 - p).powi((n - i).cast_signed())
                })
                .sum::<f64>()
        };
        assert!((probability(bounds.lower, k..=n) - 0.05).abs() < 1e-12);
        assert!((probability(bounds.upper, 0..=k) - 0.05).abs() < 1e-12);
    }
}

/// Closed forms at the ends, where a quantile must keep relative precision for any number of trials.
#[test]
fn bounds_at_the_ends_are_the_closed_forms() {
    for n in [1_u64, 10, 1_000_000, 1 << 50] {
        // 1 − (α/2)^(1/n), by a form that does not cancel.
        let upper = -((0.025_f64.ln() / n as f64).exp_m1());
        let exact = interval::clopper_pearson(0, n, 0.95).unwrap();
        assert_close(&[exact.lower, exact.upper], &[0.0, upper], 1e-12, 0.0);
        let z2 = 1.959_963_984_540_054_f64.powi(2);
        let wilson = interval::wilson(0, n, 0.95).unwrap();
        assert_close(&[wilson.lower, wilson.upper], &[0.0, z2 / (n as f64 + z2)], 1e-13, 0.0);
        for method in INTERVALS {
            assert_eq!(method(0, n, 0.95).unwrap().lower, 0.0);
            assert_eq!(method(n, n, 0.95).unwrap().upper, 1.0);
        }
    }
}

/// The general path, the fast path, the counts and single-item clusters draw the same resamples.
#[test]
fn every_path_gives_the_same_replicates() {
    let flags: Vec<f64> = values(1, 150).iter().map(|&x| f64::from(u8::from(x < 0.3))).collect();
    let n = flags.len();
    let config = BootstrapConfig::new().with_resamples(500).with_seed(11);
    let bootstrap = config.with_method(BootstrapMethod::Bca).init().unwrap();
    let fast = bootstrap.mean(&flags).unwrap();
    let of = |drawn: &[usize]| drawn.iter().map(|&i| flags[i]).sum::<f64>() / drawn.len() as f64;
    let alone = Clusters::new(&(0..n).collect::<Vec<_>>());
    assert_eq!(bootstrap.statistic(n, of).unwrap(), fast);
    assert_eq!(bootstrap.cluster_mean(&flags, &alone).unwrap(), fast);
    assert_eq!(bootstrap.cluster_statistic(&alone, of).unwrap(), fast);

    // Items in the order of their cells, so that item numbers agree.
    let mut sorted = flags.clone();
    sorted.sort_by(f64::total_cmp);
    let ones = sorted.iter().sum::<f64>() as u64;
    let rate = |cells: &[u64]| cells[1] as f64 / (cells[0] + cells[1]) as f64;
    let counted = bootstrap.counts(&[n as u64 - ones, ones], rate).unwrap();
    let listed = bootstrap.mean(&sorted).unwrap();
    assert_eq!(counted.replicates, listed.replicates);
    let (a, b) = (counted.bca.unwrap(), listed.bca.unwrap());
    assert!((a.acceleration - b.acceleration).abs() < 1e-12);
    assert_eq!(a.bias_correction, b.bias_correction);
}

#[test]
fn many_counts_take_the_same_draws_as_few() {
    // Beyond the table of cells, binary search must find the same cells.
    let rate = |cells: &[u64]| cells[2] as f64;
    let bootstrap = BootstrapConfig::new().with_resamples(2).init().unwrap();
    let total: u64 = (1 << 20) + 7;
    let split = bootstrap.counts(&[5, 0, total / 2, 0, total - total / 2 - 5], rate).unwrap();
    // The middle cell is binomial: six standard errors.
    let sd = total as f64 / 4.0;
    let expected = (total / 2) as f64;
    assert!(split.replicates.iter().all(|x| (x - expected).abs() < 6.0 * sd.sqrt()));
}

#[test]
fn any_number_of_threads_gives_the_same_result() {
    let data = values(2, 333);
    let labels: Vec<usize> = (0..333).map(|i| i % 40).collect();
    let config = BootstrapConfig::new().with_seed(5).with_method(BootstrapMethod::Bca);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let bootstrap = config.init().unwrap();
            let clusters = Clusters::new(&labels);
            (bootstrap.mean(&data).unwrap(), bootstrap.cluster_mean(&data, &clusters).unwrap())
        })
    };
    assert_eq!(run(1), run(3));
    let other = config.with_seed(6).init().unwrap().mean(&data).unwrap();
    assert_ne!(run(1).0.replicates, other.replicates);
}

/// The bootstrap's standard error of a mean is the textbook's, and its intervals cover.
#[test]
fn the_bootstrap_agrees_with_theory() {
    let data = values(3, 400);
    let config = BootstrapConfig::new().with_resamples(4000).with_seed(1);
    let report = config.init().unwrap().mean(&data).unwrap();
    let center = mean(&data);
    let se = (data.iter().map(|x| (x - center).powi(2)).sum::<f64>()).sqrt() / 400.0;
    // The error of an estimated standard deviation is about 1/√(2B) = 1.1 %.
    assert!((report.standard_error / se - 1.0).abs() < 0.05);

    let covered = |method| {
        let config = BootstrapConfig::new().with_resamples(500).with_level(0.9).with_method(method);
        let hits = (0..400).filter(|&run| {
            let sample: Vec<f64> = values(1000 + run, 60).iter().map(|x| -x.ln()).collect();
            config.with_seed(run).init().unwrap().mean(&sample).unwrap().interval.contains(1.0)
        });
        hits.count() as f64 / 400.0
    };
    // 0.9 less some under-coverage on skewed data; four standard errors are 0.06.
    for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
        let rate = covered(method);
        assert!((0.81..=0.96).contains(&rate), "{method:?} covers {rate}");
    }
}

#[test]
fn a_confusion_matrix_bootstraps_from_its_counts() {
    let mut rng = stream(4, "labels", 0);
    let mut draw = |limit: f64| (uniform(&mut rng) * limit) as usize;
    let truth: Vec<usize> = (0..300).map(|_| draw(3.0)).collect();
    let predicted: Vec<usize> =
        truth.iter().map(|&t| if draw(10.0) < 6 { t } else { draw(3.0) }).collect();
    let config = ConfusionConfig::new(3);
    let macro_f1 = |matrix: &ConfusionMatrix| matrix.finish().unwrap().macro_average.f1.unwrap();
    let counted = |drawn: &[usize]| {
        let mut matrix = config.init().unwrap();
        let pick = |labels: &[usize]| drawn.iter().map(|&i| labels[i]).collect::<Vec<_>>();
        let (truth, predicted) = (pick(&truth), pick(&predicted));
        matrix.update(Labels { truth: &truth, predicted: &predicted }).unwrap();
        matrix
    };
    let all = counted(&(0..300).collect::<Vec<_>>());
    let bootstrap = BootstrapConfig::new().with_method(BootstrapMethod::Bca).init().unwrap();
    let fast = bootstrap
        .counts(all.cells(), |cells| macro_f1(&ConfusionMatrix::from_cells(config, cells).unwrap()))
        .unwrap();
    let slow = bootstrap.statistic(300, |drawn| macro_f1(&counted(drawn))).unwrap();
    assert_eq!(fast.estimate, slow.estimate);
    // Other draws of the same distribution: the errors agree within their own.
    assert!((fast.standard_error / slow.standard_error - 1.0).abs() < 0.1);
    assert!((fast.interval.lower - slow.interval.lower).abs() < 0.02);
    let (a, b) = (fast.bca.unwrap().acceleration, slow.bca.unwrap().acceleration);
    assert!((a - b).abs() < 1e-9);
}
