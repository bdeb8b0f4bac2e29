//! Bad input: every case is a typed error or the documented result.

use assay_score::{
    Absent, BootstrapConfig, BootstrapMethod, Clusters, ConfusionConfig, ConfusionMatrix, EdgeRule,
    Error, HistogramConfig, Labels, Mergeable, Moments, Stray, UNPARSED, Unparsed, bytes, interval,
};

#[test]
fn moments_refuse_what_has_none() {
    let mut moments = Moments::new();
    assert_eq!(moments.finish(), Err(Error::Empty { operation: "moments", item: "value" }));
    moments.update(&[]).unwrap();
    assert_eq!(moments, Moments::new());

    moments.update(&[1.0, 2.0]).unwrap();
    let before = moments;
    let mut long = vec![0.5; 5000];
    for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e73, -1e300] {
        long[4321] = bad;
        let Err(Error::Value { index: 4321, value, .. }) = moments.update(&long) else {
            panic!("{bad} was accepted");
        };
        assert!(value == bad || bad.is_nan() && value.is_nan());
        assert_eq!(moments, before);
    }
    assert!(matches!(moments.extend(&[f32::NAN]), Err(Error::Value { index: 0, .. })));
    let message = moments.update(&[0.0, f64::NAN]).unwrap_err().to_string();
    assert!(message.starts_with("moments: expected values in [-1.7"), "{message}");
    assert!(message.ends_with("got NaN at index 1"), "{message}");
}

#[test]
fn moments_of_odd_data_are_defined() {
    let report = |data: &[f64]| {
        let mut moments = Moments::new();
        moments.update(data).unwrap();
        moments.finish().unwrap()
    };
    let one = report(&[0.1]);
    assert_eq!((one.mean, one.population_variance, one.variance), (0.1, 0.0, None));
    assert_eq!((one.standard_error(), one.skewness, one.excess_kurtosis), (None, None, None));
    // A mean of many 0.1 rounds, but constant data have no spread.
    let constant = report(&vec![0.1; 3333]);
    assert_eq!((constant.mean, constant.variance, constant.skewness), (0.1, Some(0.0), None));
    let huge = report(&[-Moments::LIMIT, Moments::LIMIT, Moments::LIMIT]);
    assert!(huge.excess_kurtosis.is_some_and(f64::is_finite));
    assert!((huge.mean - Moments::LIMIT / 3.0).abs() < 1e-14 * Moments::LIMIT);
    let tiny = report(&[5e-324, 0.0, 0.0]);
    assert_eq!((tiny.population_variance, tiny.skewness), (0.0, None));
    assert_eq!(tiny.max, 5e-324);
}

#[test]
fn histograms_refuse_bad_edges_and_values() {
    let setting = |config: HistogramConfig| match config.init() {
        Err(Error::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(setting(HistogramConfig::new(vec![])), "bins");
    assert_eq!(setting(HistogramConfig::new(vec![1.0])), "bins");
    assert_eq!(setting(HistogramConfig::uniform(0.0, 1.0, 0)), "bins");
    assert_eq!(setting(HistogramConfig::uniform(0.0, 1.0, usize::MAX)), "bins");
    assert_eq!(setting(HistogramConfig::new(vec![0.0, 1.0, 1.0])), "edges");
    assert_eq!(setting(HistogramConfig::uniform(1.0, 0.0, 3)), "edges");
    assert_eq!(setting(HistogramConfig::uniform(1.0, 1.0 + 1e-15, 100)), "edges");
    for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
        let result = HistogramConfig::new(vec![0.0, bad]).init();
        assert!(matches!(result, Err(Error::Value { index: 1, .. })), "{result:?}");
        assert!(HistogramConfig::uniform(bad, 1.0, 3).init().is_err());
    }

    let mut strict = HistogramConfig::uniform(0.0, 1.0, 4).init().unwrap();
    for bad in [-0.01, 1.01, f64::INFINITY, f64::NAN] {
        let result = strict.update(&[0.5, bad]);
        assert!(matches!(result, Err(Error::Value { index: 1, .. })), "{result:?}");
    }
    let report = strict.finish().unwrap();
    assert_eq!((report.inside(), report.fractions(), report.density()), (0, None, None));

    let lenient = HistogramConfig::uniform(0.0, 1.0, 4).with_outside(Stray::Count);
    let mut counting = lenient.clone().with_nan(Stray::Count).init().unwrap();
    counting.update(&[-f64::INFINITY, f64::INFINITY, 2.0, f64::NAN, 1.0, -0.0]).unwrap();
    let report = counting.finish().unwrap();
    assert_eq!((report.underflow, report.overflow, report.nan), (1, 2, 1));
    assert_eq!(report.counts, [1, 0, 0, 1]);
    let mut no_nan = lenient.init().unwrap();
    assert!(no_nan.update(&[f64::NAN]).is_err() && no_nan.update(&[9.0]).is_ok());
}

#[test]
fn accumulators_merge_only_their_like() {
    let base = HistogramConfig::uniform(0.0, 1.0, 4);
    let mut histogram = base.clone().init().unwrap();
    let rules = [
        base.clone().with_edge_rule(EdgeRule::UpperClosed),
        base.clone().with_outside(Stray::Count),
        base.with_nan(Stray::Count),
        HistogramConfig::uniform(0.0, 1.0, 5),
        HistogramConfig::uniform(0.0, 2.0, 4),
    ];
    for other in rules {
        let result = histogram.merge(&other.init().unwrap());
        assert!(matches!(result, Err(Error::Incompatible { .. })), "{result:?}");
    }
    let base = ConfusionConfig::new(2);
    let mut matrix = base.init().unwrap();
    let configs = [
        ConfusionConfig::new(3),
        base.with_unparsed(Unparsed::Count),
        base.with_absent(Absent::One),
    ];
    for other in configs {
        let result = matrix.merge(&other.init().unwrap());
        assert!(matches!(result, Err(Error::Incompatible { .. })), "{result:?}");
    }
}

#[test]
fn counters_do_not_wrap() {
    let config = ConfusionConfig::new(1);
    let full = ConfusionMatrix::from_cells(config, &[1 << 53, 0]).unwrap();
    let mut more = full.clone();
    let one = Labels { truth: &[0], predicted: &[0] };
    assert!(matches!(more.update(one), Err(Error::TooMany { limit, got, .. }) if got == limit + 1));
    assert!(matches!(more.merge(&full), Err(Error::TooMany { .. })));
    assert_eq!(more, full);
    assert!(ConfusionMatrix::from_cells(config, &[u64::MAX, 1]).is_err());
    assert_eq!(full.finish().unwrap().accuracy, 1.0);

    let stored = bytes::Writer::new(*b"moments\0", 1).u64(1 << 53);
    let stored = [1.0, 0.0, 0.0, 0.0, 1.0, 1.0].into_iter().fold(stored, bytes::Writer::f64);
    let mut moments = Moments::from_bytes(&stored.finish()).unwrap();
    assert!(matches!(moments.update(&[1.0]), Err(Error::TooMany { .. })));
}

#[test]
fn confusion_matrices_refuse_bad_labels() {
    for classes in [0, 4097, usize::MAX] {
        assert!(matches!(ConfusionConfig::new(classes).init(), Err(Error::Setting { .. })));
    }
    let mut matrix = ConfusionConfig::new(2).init().unwrap();
    assert!(matches!(matrix.finish(), Err(Error::Empty { .. })));
    let mut update = |truth: &[usize], predicted: &[usize]| {
        matrix.update(Labels { truth, predicted }).unwrap_err()
    };
    assert!(matches!(update(&[0], &[0, 1]), Error::Length { expected: 1, got: 2, .. }));
    assert!(matches!(update(&[0, 2], &[0, 1]), Error::Label { index: 1, label: 2, limit: 2, .. }));
    assert!(matches!(update(&[0, 1], &[7, 1]), Error::Label { index: 0, label: 7, .. }));
    assert!(matches!(update(&[0, UNPARSED], &[0, 0]), Error::Label { index: 1, .. }));
    let refused = update(&[0, 1], &[0, UNPARSED]);
    assert_eq!(
        refused.to_string(),
        "confusion matrix: expected a label below 2, got an unparsed answer at index 1"
    );
    assert_eq!(matrix, ConfusionConfig::new(2).init().unwrap());

    let counting = ConfusionConfig::new(2).with_unparsed(Unparsed::Count);
    let mut matrix = counting.init().unwrap();
    let wrong = matrix.update(Labels { truth: &[0, 0], predicted: &[UNPARSED, 5] });
    assert!(matches!(wrong, Err(Error::Label { index: 1, label: 5, .. })));
    matrix.update(Labels { truth: &[0, 1], predicted: &[UNPARSED; 2] }).unwrap();
    let report = matrix.finish().unwrap();
    assert_eq!((report.accuracy, report.coverage, report.matthews), (0.0, 0.0, None));
    assert_eq!(report.micro_average.precision, None);
    assert_eq!(report.macro_average.precision, Some(0.0));
    assert!(matches!(matrix.parsed_only().finish(), Err(Error::Empty { .. })));
    let refused = ConfusionMatrix::from_cells(ConfusionConfig::new(2), matrix.cells());
    assert!(matches!(refused, Err(Error::UnparsedAnswer { .. })));
    assert!(matches!(
        ConfusionMatrix::from_cells(counting, &[0; 5]),
        Err(Error::Length { expected: 6, got: 5, .. })
    ));
    assert_eq!(
        (matrix.count(0, UNPARSED), matrix.count(2, 0), matrix.count(0, 2)),
        (Some(1), None, None)
    );
}

#[test]
fn absent_classes_follow_their_rule() {
    let report = |absent| {
        let mut matrix = ConfusionConfig::new(3).with_absent(absent).init().unwrap();
        matrix.update(Labels { truth: &[0, 0, 0], predicted: &[0, 0, 1] }).unwrap();
        matrix.finish().unwrap()
    };
    let f1 = |absent| report(absent).macro_average.f1.unwrap();
    // Classes: 0.8, 0 (predicted but never right), absent.
    assert!((f1(Absent::Zero) - 0.8 / 3.0).abs() < 1e-15);
    assert!((f1(Absent::One) - 1.8 / 3.0).abs() < 1e-15);
    assert!((f1(Absent::Skip) - 0.4).abs() < 1e-15);
    let report = report(Absent::Skip);
    assert_eq!(report.classes[2].scores.f1, None);
    assert_eq!((report.classes[1].scores.recall, report.classes[1].scores.f1), (None, Some(0.0)));
    assert_eq!(report.matthews, None);
    assert!((report.balanced_accuracy - 2.0 / 3.0).abs() < 1e-15);
}

#[test]
fn intervals_refuse_impossible_counts_and_levels() {
    for method in [
        interval::wilson,
        interval::wilson_corrected,
        interval::clopper_pearson,
        interval::jeffreys,
    ] {
        assert!(matches!(method(0, 0, 0.95), Err(Error::Empty { item: "trial", .. })));
        assert!(matches!(method(3, 2, 0.95), Err(Error::Setting { name: "successes", .. })));
        for level in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(method(1, 2, level), Err(Error::Setting { name: "level", .. })));
        }
        assert!(matches!(method(1, u64::MAX, 0.95), Err(Error::TooMany { .. })));
        for level in [5e-324, 1e-9, 1.0 - f64::EPSILON / 2.0] {
            for (k, n) in [(0, 1), (1, 1), (1, 2), (500, 1000), (1, 1 << 40)] {
                let got = method(k, n, level).unwrap();
                let ordered = 0.0 <= got.lower && got.lower <= got.upper && got.upper <= 1.0;
                // At a level of zero both bounds are the median, to rounding.
                assert!(ordered || got.lower - got.upper < 1e-12, "{k} of {n} at {level}: {got:?}");
            }
        }
    }
}

#[test]
fn the_bootstrap_refuses_bad_settings() {
    let config = BootstrapConfig::new();
    for resamples in [0, 1, usize::MAX] {
        let result = config.with_resamples(resamples).init();
        assert!(matches!(result, Err(Error::Setting { name: "resamples", .. })), "{result:?}");
    }
    for level in [0.0, 1.0, f64::NAN] {
        let result = config.with_level(level).init();
        assert!(matches!(result, Err(Error::Setting { name: "level", .. })), "{result:?}");
    }
    assert!(config.init_with_indices(vec![]).is_err());
    let short = config.init_with_indices(vec![vec![0, 1], vec![0]]).unwrap();
    assert!(matches!(short.mean(&[1.0, 2.0]), Err(Error::Length { expected: 2, got: 1, .. })));
    let wild = config.init_with_indices(vec![vec![0, 1], vec![0, 2]]).unwrap();
    assert!(matches!(
        wild.mean(&[1.0, 2.0]),
        Err(Error::Label { index: 1, label: 2, limit: 2, .. })
    ));
}

#[test]
fn the_bootstrap_refuses_bad_data() {
    let bootstrap = BootstrapConfig::new().with_resamples(50).init().unwrap();
    assert!(matches!(bootstrap.mean(&[]), Err(Error::Empty { .. })));
    assert!(matches!(bootstrap.statistic(0, |_| 0.0), Err(Error::Empty { .. })));
    assert!(matches!(bootstrap.counts(&[], |_| 0.0), Err(Error::Empty { .. })));
    assert!(matches!(bootstrap.counts(&[0, 0], |_| 0.0), Err(Error::Empty { .. })));
    assert!(matches!(bootstrap.counts(&[u64::MAX, 9], |_| 0.0), Err(Error::TooMany { .. })));
    assert!(matches!(bootstrap.statistic(usize::MAX, |_| 0.0), Err(Error::TooMany { .. })));
    for bad in [f64::NAN, f64::INFINITY, 1e100] {
        assert!(matches!(bootstrap.mean(&[1.0, bad]), Err(Error::Value { index: 1, .. })));
        let result = bootstrap.statistic(3, |_| bad);
        assert!(matches!(result, Err(Error::Statistic { .. })), "{result:?}");
    }
    let nothing = Clusters::new::<usize>(&[]);
    assert!(nothing.is_empty() && nothing.items() == 0 && nothing.members(0).is_empty());
    assert!(matches!(bootstrap.cluster_mean(&[], &nothing), Err(Error::Empty { .. })));
    let one = Clusters::new(&["a", "a"]);
    let result = bootstrap.cluster_mean(&[0.0, 1.0], &one);
    assert_eq!(result.unwrap_err().to_string(), "bootstrap: expected at least 2 clusters, got 1");
    assert!(matches!(bootstrap.cluster_statistic(&one, |_| 0.0), Err(Error::TooFew { .. })));
    let two = Clusters::new(&["a", "b"]);
    let result = bootstrap.cluster_mean(&[1.0], &two);
    assert!(matches!(result, Err(Error::Length { expected: 2, got: 1, .. })));
}

#[test]
fn constant_data_have_width_zero_and_no_bca() {
    let config = BootstrapConfig::new().with_resamples(50);
    let plain = config.init().unwrap();
    for data in [&[0.1][..], &[0.1; 10]] {
        let report = plain.mean(data).unwrap();
        assert_eq!((report.interval.lower, report.interval.upper), (0.1, 0.1));
        assert_eq!((report.standard_error, report.bias, report.seed), (0.0, 0.0, Some(0)));
    }
    let bca = config.with_method(BootstrapMethod::Bca).init().unwrap();
    assert!(matches!(bca.mean(&[0.1]), Err(Error::TooFew { needed: 2, got: 1, .. })));
    assert!(matches!(bca.counts(&[1], |_| 0.0), Err(Error::TooFew { .. })));
    assert!(matches!(bca.mean(&[0.1; 10]), Err(Error::Undefined { .. })));
    // An estimate beyond all replicates has no rank among them.
    let shifted = |drawn: &[usize]| {
        let distinct = drawn.windows(2).all(|pair| pair[0] < pair[1]);
        if distinct { 100.0 } else { drawn[0] as f64 }
    };
    let result = bca.statistic(20, shifted);
    assert!(matches!(result, Err(Error::Undefined { .. })), "{result:?}");
    // A maximum whose jackknife values all agree.
    let data = [1.0, 3.0, 3.0];
    let result = bca.statistic(3, |drawn| drawn.iter().map(|&i| data[i]).fold(0.0, f64::max));
    assert!(matches!(result, Err(Error::Undefined { .. })), "{result:?}");
}

#[test]
fn bytes_of_another_kind_or_version_are_named() {
    let moments = Moments::new().to_bytes();
    let message = ConfusionMatrix::from_bytes(&moments).unwrap_err().to_string();
    assert_eq!(message, "confusn from bytes: expected bytes of that kind, got moments");
    let next = bytes::Writer::new(*b"moments\0", 2).finish();
    let message = Moments::from_bytes(&next).unwrap_err().to_string();
    assert!(message.contains("a version that this release reads, got 2"), "{message}");
    assert!(Moments::from_bytes(b"").is_err() && Moments::from_bytes(b"assay").is_err());

    // Lengths and classes that would need more memory than there is are refused before any is taken.
    let huge = bytes::Writer::new(*b"histogrm", 1).u64(0).u64(0).u64(0).u64(u64::MAX).finish();
    assert!(assay_score::Histogram::from_bytes(&huge).is_err());
    for classes in [u64::MAX, 1 << 32, 1 << 20] {
        let huge = bytes::Writer::new(*b"confusn\0", 1).u64(classes).u64(0).u64(0).u64s(&[1, 2]);
        let error = ConfusionMatrix::from_bytes(&huge.finish()).unwrap_err();
        assert!(matches!(error, Error::Bytes { .. }), "{error}");
    }
}

#[test]
fn moments_that_no_data_have_are_refused() {
    let stored = |count: u64, numbers: [f64; 6]| {
        let writer = bytes::Writer::new(*b"moments\0", 1).u64(count);
        Moments::from_bytes(&numbers.into_iter().fold(writer, bytes::Writer::f64).finish())
    };
    // Mean, M2, M3, M4, minimum, maximum of −1 and 1.
    assert!(stored(2, [0.0, 2.0, 0.0, 2.0, -1.0, 1.0]).is_ok());
    let bad = [
        (0, [0.0, 2.0, 0.0, 2.0, -1.0, 1.0]),
        (1, [0.0, 2.0, 0.0, 2.0, -1.0, 1.0]),
        (2, [f64::NAN, 2.0, 0.0, 2.0, -1.0, 1.0]),
        (2, [3.0, 2.0, 0.0, 2.0, -1.0, 1.0]),
        (2, [0.0, -2.0, 0.0, 2.0, -1.0, 1.0]),
        (2, [0.0, 1e300, 0.0, 2.0, -1.0, 1.0]),
        (2, [0.0, 2.0, 1e300, 2.0, -1.0, 1.0]),
        (2, [0.0, 2.0, 0.0, 1e300, -1.0, 1.0]),
        (2, [0.0, 2.0, 0.0, -1.0, -1.0, 1.0]),
        (2, [0.0, 1e-300, 0.0, 0.0, -1.0, 1.0]),
        (2, [0.0, 2.0, 0.0, 2.0, -1.0, f64::INFINITY]),
        (2, [0.0, 2.0, 0.0, 2.0, 1.0, -1.0]),
        (u64::MAX, [0.0, 2.0, 0.0, 2.0, -1.0, 1.0]),
    ];
    for (count, numbers) in bad {
        assert!(stored(count, numbers).is_err(), "{count} values with {numbers:?}");
    }
}
