//! Every case of `testdata/golden/dac.json`: numbers of the authors' code, of netcal, torchmetrics,
//! scikit-learn, relplot, statsmodels, MAPIE and uncertainty-calibration, and of independent numpy.

use assay_array::random;
use assay_array::testing::{SplitMix64, assert_close, cases, golden};
use dac_calibration::conformal::{ConformalConfig, LastLabel, SplitConformal};
use dac_calibration::measures::{Bandwidth, ClassWeights, PieceConfig, SmoothEceConfig};
use dac_calibration::{
    Beta, BetaConfig, BetaCurve, BinMeanShift, BinMeanShiftConfig, BinaryForecasts, Binning,
    Calibrator, DensityRatio, DensityRatioConfig, DistanceAware, DistanceAwareConfig, EdgeRule,
    EnsembleTemperature, EnsembleTemperatureConfig, Histogram, HistogramConfig, HistogramCurve,
    HistogramEdges, Isotonic, IsotonicConfig, IsotonicCurve, Logits, MassRule, MultiIsotonic,
    MultiIsotonicConfig, Normalisation, PlattConfig, Predictions, Probs, Reliability, Sigmoid,
    Temperature, TemperatureConfig, TextFeatures, VennAbersCurve,
};
use ndarray::{Array2, s};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Bool(b) => vec![f64::from(u8::from(*b))],
        number => vec![number.as_f64().unwrap_or_else(|| panic!("not a number: {number}"))],
    }
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows = value.as_array().unwrap();
    let columns = rows[0].as_array().unwrap().len();
    Array2::from_shape_vec((rows.len(), columns), numbers(value)).unwrap()
}

fn labels(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|x| x as usize).collect()
}

fn flags(value: &Value) -> Vec<bool> {
    numbers(value).into_iter().map(|x| x != 0.0).collect()
}

fn index(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn forecasts(inputs: &Value) -> BinaryForecasts<'static> {
    BinaryForecasts::from_vecs(numbers(&inputs["conf"]), flags(&inputs["correct"])).unwrap()
}

fn rows(array: ndarray::ArrayView2<'_, f64>, count: usize) -> Vec<f64> {
    array.slice(s![..count, ..]).iter().copied().collect()
}

/// What this crate says for one expected value of a case.
type Answer<'a> = Box<dyn Fn(&str) -> Vec<f64> + 'a>;

fn unknown(name: &str) -> ! {
    panic!("the golden file asks for {name}, which this test does not know")
}

fn one(value: f64) -> Vec<f64> {
    vec![value]
}

#[test]
fn every_golden_case() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "dac");
    let (mut compared, mut failed) = (0, Vec::new());
    for case in cases(&file) {
        let (id, operation) = (case["id"].as_str().unwrap(), case["op"].as_str().unwrap());
        let answer = answer(operation, &case["inputs"], &case["params"]);
        for expected in case["expected"].as_array().unwrap() {
            let name = expected["name"].as_str().unwrap();
            let got = answer(name);
            let want = numbers(&expected["value"]);
            let tolerance = expected["tol_abs"].as_f64().unwrap().max(f64::EPSILON);
            let caught = std::panic::catch_unwind(|| assert_close(&got, &want, 0.0, tolerance));
            if caught.is_err() {
                failed.push(format!("{id}: {name}: got {got:?}, want {want:?}"));
            }
            compared += 1;
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(compared >= 90, "only {compared} values compared");
}

fn answer<'a>(operation: &str, inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    match operation {
        "binary_calibration_error" => binary(inputs, params),
        "top_label_calibration" => top_label(inputs, params),
        "calibration_estimators" => estimators(inputs),
        "piece" => piece(inputs, params),
        "dac" => distance_aware(inputs, params),
        "temperature_scaling" => temperature(inputs),
        "histogram_binning" => histogram(inputs, params),
        "histogram_binning_ova" => histogram_ova(inputs, params),
        "isotonic_ova" => isotonic_ova(inputs),
        "multi_isotonic" => multi_isotonic(inputs),
        "isotonic" => isotonic(inputs),
        "density_ratio" => density_ratio(inputs),
        "bin_mean_shift" => bin_mean_shift(inputs, params),
        "platt" => platt(inputs),
        "ensemble_temperature_scaling" => ensemble(inputs, params),
        "split_conformal" => conformal(inputs, params),
        "ivap" => venn_abers(inputs),
        "beta_calibration" => beta(inputs),
        "splitmix64_counter" => generator(inputs),
        "ece" => million(params),
        other => panic!("the golden file has the operation {other}, which this test does not know"),
    }
}

fn binary<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let forecasts = forecasts(inputs);
    let bins = index(&params["n_bins"]);
    let with = move |rule| {
        forecasts.reliability(&Binning::equal_width(bins).with_edge_rule(rule)).unwrap()
    };
    Box::new(move |name| {
        let left = with(EdgeRule::LeftClosed);
        one(match name {
            "ece_left_closed_last_inclusive" | "netcal_ece" => left.ece(),
            "ece_right_closed_first_inclusive" => with(EdgeRule::RightClosed).ece(),
            "mce_left_closed" | "netcal_mce" => left.mce(),
            "rmsce_left_closed" => left.rmsce(),
            "netcal_ace_unweighted" => left.ace_average(),
            "torchmetrics_l1" => with(EdgeRule::TorchMetrics).ece(),
            "torchmetrics_max" => with(EdgeRule::TorchMetrics).mce(),
            "torchmetrics_l2" => with(EdgeRule::TorchMetrics).rmsce(),
            "repo_ece" => with(EdgeRule::ClipCalibration).ece(),
            // The authors' MCE keeps a confidence of 1, which their ECE drops.
            "repo_mce_count_weighted" => left.mce_count_weighted(),
            other => unknown(other),
        })
    })
}

fn top_label<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let (z, labels) = (matrix(&inputs["logits"]), labels(&inputs["labels"]));
    let bins = index(&params["n_bins"]);
    Box::new(move |name| {
        let logits = Logits::new(z.view()).unwrap();
        let overview = logits.overview(&labels, bins).unwrap();
        let binned = |rule| {
            let binning = Binning::equal_width(bins).with_edge_rule(rule);
            logits.softmax().top_label(&labels).unwrap().reliability(&binning).unwrap()
        };
        one(match name {
            "torchmetrics_l1" => binned(EdgeRule::TorchMetrics).ece(),
            "netcal_ece" => binned(EdgeRule::LeftClosed).ece(),
            "own_ece" => overview.reliability.ece(),
            "brier_multiclass_sum" => overview.brier,
            "nll" => overview.nll.unwrap(),
            "accuracy" => overview.accuracy,
            "classwise_ece15" => {
                let classwise = logits.softmax().classwise(&labels, &Binning::equal_width(15));
                classwise.unwrap().ece(ClassWeights::Equal)
            }
            other => unknown(other),
        })
    })
}

fn estimators(inputs: &Value) -> Answer<'_> {
    let forecasts = forecasts(inputs);
    Box::new(move |name| {
        let wide = |bins| forecasts.reliability(&Binning::equal_width(bins)).unwrap();
        let mass = |bins, rule| -> Reliability {
            forecasts.reliability(&Binning::equal_mass(bins).with_mass_rule(rule)).unwrap()
        };
        let smooth = |bandwidth| {
            forecasts.smooth_ece(SmoothEceConfig::new().with_bandwidth(bandwidth)).unwrap()
        };
        let murphy = || forecasts.murphy(&wide(10));
        one(match name {
            "ece10" => wide(10).ece(),
            "ece15" => wide(15).ece(),
            "mce15" => wide(15).mce(),
            "rmsce15" => wide(15).rmsce(),
            "netcal_ace10" => wide(10).ace_average(),
            "ece_em15_array_split" | "unccal_ece_em15" => mass(15, MassRule::SplitTies).ece(),
            "netcal_ece10_equal_mass" => mass(10, MassRule::Linear).ece(),
            "repo_ace10_sklearn_avg_inverted_cdf" => mass(10, MassRule::AveragedInvertedCdf).ece(),
            "unccal_debiased_l2_15" => mass(15, MassRule::SplitTies).debiased_l2(),
            "unccal_plugin_l2_15" => mass(15, MassRule::SplitTies).rmsce(),
            "torchmetrics_debiased_l2_15_equal_width" => wide(15).debiased_l2(),
            "ece_sweep" => forecasts.sweep().ece(),
            "ece_sweep_bins" => forecasts.sweep().bins.len() as f64,
            "ks_error" => forecasts.cumulative_test().ks,
            "mmce_theta0.4" => forecasts.mmce(),
            "smece" => smooth(Bandwidth::Relplot).value,
            "smece_sigma" => smooth(Bandwidth::Relplot).width,
            "smece_fixed_0.05" => smooth(Bandwidth::Width(0.05)).value,
            "brier" => forecasts.scores().brier,
            "murphy_reliability10" => murphy().reliability,
            "murphy_resolution10" => murphy().resolution,
            "uncertainty" => murphy().uncertainty,
            "murphy_residual(brier-(rel-res+unc))" => murphy().within,
            other => unknown(other),
        })
    })
}

fn piece<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let forecasts = forecasts(inputs);
    let proximity = numbers(&inputs["proximity"]);
    let config = PieceConfig::new()
        .with_proximity_bins(index(&params["dist_bins"]))
        .with_confidence(Binning::equal_width(index(&params["conf_bins"])));
    Box::new(move |name| {
        let with = |rule| {
            let config = config.clone().with_proximity_rule(rule);
            forecasts.piece(&proximity, &config).unwrap().piece()
        };
        one(match name {
            "repo_piece" | "own_piece_avg_inverted_cdf" => with(MassRule::AveragedInvertedCdf),
            "own_piece_linear_quantile" => with(MassRule::Linear),
            "ece10" => forecasts.reliability(&Binning::equal_width(10)).unwrap().ece(),
            other => unknown(other),
        })
    })
}

fn distance_aware<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let [base_zs, new_zs, base_tuned, new_tuned] =
        ["base_zs", "new_zs", "base_tuned", "new_tuned"].map(|name| matrix(&inputs[name]));
    let config = DistanceAwareConfig::new()
        .with_k(index(&params["k"]))
        .with_guard(params["base_guard"].as_f64())
        .with_normalisation(Normalisation::Require);
    let text = TextFeatures {
        base_zero_shot: base_zs.view(),
        base_tuned: base_tuned.view(),
        zero_shot: new_zs.view(),
        tuned: new_tuned.view(),
    };
    let dac = DistanceAware::fit(&config, &text).unwrap();
    Box::new(move |name| {
        let z = || matrix(&inputs["logits"]);
        match name {
            "proximity_zs" => dac.zero_shot_proximity().to_vec(),
            "proximity_tuned" => dac.tuned_proximity().to_vec(),
            "gamma" => dac.gamma().to_vec(),
            "scaled_logits" => {
                let scaled = dac.apply(&Logits::new(z().view()).unwrap()).unwrap();
                scaled.view().iter().copied().collect()
            }
            "probs" => {
                let probs = dac.probabilities(&Logits::new(z().view()).unwrap()).unwrap();
                probs.view().iter().copied().collect()
            }
            other => unknown(other),
        }
    })
}

fn temperature(inputs: &Value) -> Answer<'_> {
    let (z, labels) = (matrix(&inputs["logits"]), labels(&inputs["labels"]));
    Box::new(move |name| {
        let logits = Logits::new(z.view()).unwrap();
        let fitted =
            Temperature::fit(&TemperatureConfig::default(), &(&logits).into(), &labels).unwrap();
        let report = fitted.report();
        assert!(report.converged && report.warnings.is_empty(), "{report:?}");
        one(match name {
            "T_opt" | "T_sklearn" | "T_probmetrics" => fitted.value(),
            // What the common optimiser settings end at is no optimum; ours must be lower.
            "T_guo_lbfgs_lr0.01_it50" => {
                let guo = 1.436_510_536_762_961;
                let probs = Logits::from_array(&z / guo).unwrap();
                let nll = probs.overview(&labels, 15).unwrap().nll.unwrap();
                assert!(nll > report.after.nll.unwrap() + 1e-4);
                guo
            }
            "nll_before" => report.before.nll.unwrap(),
            "nll_after" => report.after.nll.unwrap(),
            "ece15_before" => report.before.ece,
            "ece15_after" => report.after.ece,
            other => unknown(other),
        })
    })
}

fn netcal(params: &Value) -> HistogramConfig {
    HistogramConfig::new().with_bins(index(&params["bins"])).with_edges(HistogramEdges::Netcal)
}

fn histogram<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let (conf, y) = (numbers(&inputs["conf"]), flags(&inputs["y"]));
    let curve =
        HistogramCurve::fit(&netcal(params), &BinaryForecasts::new(&conf, &y).unwrap()).unwrap();
    Box::new(move |name| match name {
        "bin_map" => curve.values().to_vec(),
        "transform" => numbers(&inputs["query"]).iter().map(|&p| curve.predict(p)).collect(),
        other => unknown(other),
    })
}

fn softmax(inputs: &Value) -> Probs<'static> {
    let probs = Logits::new(matrix(&inputs["logits"]).view()).unwrap().softmax();
    let given = numbers(&inputs["probs"]);
    assert_close(&probs.view().iter().copied().collect::<Vec<_>>(), &given, 1e-12, 1e-15);
    probs
}

fn histogram_ova<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let (probs, labels) = (softmax(inputs), labels(&inputs["labels"]));
    Box::new(move |name| match name {
        "transform_rows_0_5" => {
            let predictions = Predictions::from(&probs);
            let fitted = Histogram::fit(&netcal(params), &predictions, &labels).unwrap();
            rows(fitted.transform(&predictions).unwrap().view(), 5)
        }
        other => unknown(other),
    })
}

fn isotonic_ova(inputs: &Value) -> Answer<'_> {
    let (probs, labels) = (softmax(inputs), labels(&inputs["labels"]));
    Box::new(move |name| match name {
        "transform_rows_0_5" => {
            let predictions = Predictions::from(&probs);
            let fitted = Isotonic::fit(&IsotonicConfig::default(), &predictions, &labels).unwrap();
            rows(fitted.transform(&predictions).unwrap().view(), 5)
        }
        other => unknown(other),
    })
}

fn multi_isotonic(inputs: &Value) -> Answer<'_> {
    let (probs, labels) = (softmax(inputs), labels(&inputs["labels"]));
    Box::new(move |name| {
        let scores = |predictions: Predictions<'_>| {
            let fitted =
                MultiIsotonic::fit(&MultiIsotonicConfig::default(), &predictions, &labels).unwrap();
            rows(fitted.scores(&predictions).unwrap().view(), 5)
        };
        match name {
            "mixnmatch_rows_0_5" => scores((&probs).into()),
            // Probabilities passed where logits belong: possible only by saying so.
            "repo_double_softmax_rows_0_5" => scores(Logits::new(probs.view()).unwrap().into()),
            other => unknown(other),
        }
    })
}

fn isotonic(inputs: &Value) -> Answer<'_> {
    let curve = IsotonicCurve::regress(&numbers(&inputs["x"]), &numbers(&inputs["y"])).unwrap();
    Box::new(move |name| match name {
        "x_thresholds" => curve.knots().0.to_vec(),
        "y_thresholds" => curve.knots().1.to_vec(),
        "predict" => numbers(&inputs["query"]).iter().map(|&x| curve.predict(x)).collect(),
        other => unknown(other),
    })
}

fn density_ratio(inputs: &Value) -> Answer<'_> {
    let (p, labels) = (matrix(&inputs["probs"]), labels(&inputs["labels"]));
    let proximity = numbers(&inputs["proximity"]);
    Box::new(move |name| {
        let probs = Probs::new(p.view()).unwrap();
        let predictions = Predictions::from(&probs).with_proximity(&proximity).unwrap();
        let fitted =
            DensityRatio::fit(&DensityRatioConfig::default(), &predictions, &labels).unwrap();
        match name {
            "bw_true" => fitted.right_bandwidth().to_vec(),
            "bw_false" => fitted.wrong_bandwidth().to_vec(),
            "false_true_ratio" => one(fitted.wrong_to_right()),
            "probs_rows_0_6" => rows(fitted.transform(&predictions).unwrap().view(), 6),
            other => unknown(other),
        }
    })
}

fn bin_mean_shift<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let (probs, labels) = (softmax(inputs), labels(&inputs["labels"]));
    let proximity = numbers(&inputs["proximity"]);
    let config =
        BinMeanShiftConfig::new(netcal(params)).with_groups(index(&params["proximity_bins"]));
    Box::new(move |name| {
        let predictions = Predictions::from(&probs).with_proximity(&proximity).unwrap();
        let fitted = BinMeanShift::<Histogram>::fit(&config, &predictions, &labels).unwrap();
        match name {
            "proximity_edges" => fitted.edges().to_vec(),
            "probs_rows_0_4" => rows(fitted.transform(&predictions).unwrap().view(), 4),
            other => unknown(other),
        }
    })
}

fn platt(inputs: &Value) -> Answer<'_> {
    let (s, y) = (numbers(&inputs["s"]), flags(&inputs["y"]));
    let curve = Sigmoid::fit(&PlattConfig::new(), &s, &y).unwrap();
    Box::new(move |name| match name {
        "A" => one(curve.a),
        "B" => one(curve.b),
        other => unknown(other),
    })
}

fn ensemble<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let (z, labels) = (matrix(&inputs["logits"]), labels(&inputs["labels"]));
    let bounds = numbers(&params["t_bounds"]);
    assert_eq!(params["loss"], "mse");
    let config = EnsembleTemperatureConfig::new().with_bounds(bounds[0], bounds[1]);
    Box::new(move |name| {
        let logits = Logits::new(z.view()).unwrap();
        let fitted = EnsembleTemperature::fit(&config, &(&logits).into(), &labels).unwrap();
        match name {
            "T" => one(fitted.temperature()),
            "weights" => fitted.weights().to_vec(),
            other => unknown(other),
        }
    })
}

fn conformal<'a>(inputs: &'a Value, params: &'a Value) -> Answer<'a> {
    let (z, labels) = (matrix(&inputs["logits"]), labels(&inputs["labels"]));
    let range = |name: &str| {
        let ends = numbers(&inputs[name]);
        ends[0] as usize..ends[1] as usize
    };
    let (calibration, test) = (range("calibration_rows"), range("test_rows"));
    let alpha = params["alpha"].as_f64().unwrap();
    let (lambda, k_reg) = (params["raps_lambda"].as_f64().unwrap(), index(&params["raps_kreg"]));
    Box::new(move |name| {
        let config = if name.contains("lac") {
            ConformalConfig::lac(alpha)
        } else if name.contains("raps") {
            ConformalConfig::raps(alpha, lambda, k_reg)
        } else if name.contains("aps") {
            ConformalConfig::aps(alpha)
        } else {
            unknown(name)
        };
        let config = if name.starts_with("mapie_aps") {
            config.with_last_label(LastLabel::Beyond)
        } else {
            config
        };
        let probs = |rows: &std::ops::Range<usize>| {
            Logits::new(z.slice(s![rows.clone(), ..])).unwrap().softmax()
        };
        let (calibrated, known) = (probs(&calibration), &labels[calibration.clone()]);
        let fitted = if name.starts_with("mapie_aps") {
            // MAPIE takes a random share off the calibration scores, and off those only; numpy's seed 0.
            let shares: Vec<f64> = mersenne_twister(known.len()).iter().map(|u| 1.0 - u).collect();
            SplitConformal::fit_with_shares(&config, &calibrated, known, &shares).unwrap()
        } else {
            SplitConformal::fit(&config, &calibrated, known).unwrap()
        };
        if name.starts_with("qhat") {
            return one(fitted.thresholds()[0].unwrap());
        }
        assert!(name.ends_with("size_coverage"), "{name}");
        let report = fitted.sets(&probs(&test)).unwrap().report(&labels[test.clone()]).unwrap();
        vec![report.mean_size, report.coverage]
    })
}

/// `numpy.random.RandomState(0).uniform(size=n)`: MT19937 (Matsumoto and Nishimura 1998) with 53-bit
/// fractions.
fn mersenne_twister(n: usize) -> Vec<f64> {
    const N: usize = 624;
    let mut state = vec![0_u32; N];
    for i in 1..N {
        let last = state[i - 1] ^ (state[i - 1] >> 30);
        state[i] = last.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
    }
    let mut words = Vec::new();
    while words.len() < 2 * n {
        for i in 0..N {
            let y = (state[i] & 0x8000_0000) | (state[(i + 1) % N] & 0x7fff_ffff);
            let twist = if y % 2 == 1 { 0x9908_b0df } else { 0 };
            state[i] = state[(i + 397) % N] ^ (y >> 1) ^ twist;
        }
        words.extend(state.iter().map(|&word| {
            let y = word ^ (word >> 11);
            let y = y ^ ((y << 7) & 0x9d2c_5680);
            let y = y ^ ((y << 15) & 0xefc6_0000);
            y ^ (y >> 18)
        }));
    }
    let fraction = |pair: &[u32]| {
        (f64::from(pair[0] >> 5) * 67_108_864.0 + f64::from(pair[1] >> 6)) / 9_007_199_254_740_992.0
    };
    words.chunks_exact(2).take(n).map(fraction).collect()
}

fn venn_abers(inputs: &Value) -> Answer<'_> {
    let (s, y) = (numbers(&inputs["s"]), flags(&inputs["y"]));
    let curve = VennAbersCurve::fit(&BinaryForecasts::new(&s, &y).unwrap());
    Box::new(move |name| {
        let at = numbers(&inputs["query"]).into_iter().map(|s| curve.predict(s));
        match name {
            "p0" => at.map(|interval| interval.p0).collect(),
            "p1" => at.map(|interval| interval.p1).collect(),
            "p" => at.map(|interval| interval.merged()).collect(),
            other => unknown(other),
        }
    })
}

fn beta(inputs: &Value) -> Answer<'_> {
    let (s, y) = (numbers(&inputs["s"]), flags(&inputs["y"]));
    let config = BetaConfig::new().unconstrained();
    let curve = BetaCurve::fit(&config, &BinaryForecasts::new(&s, &y).unwrap()).unwrap();
    assert_eq!(Beta::NAME, "beta");
    Box::new(move |name| match name {
        "a_b_c" => vec![curve.a, curve.b, curve.c],
        "nll" => one(curve.nll),
        other => unknown(other),
    })
}

/// The `index`-th number of the counter generator: SplitMix64 started `index` steps on.
fn u(seed: u64, index: u64) -> f64 {
    SplitMix64::new(seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15))).uniform()
}

fn g(seed: u64, index: u64) -> f64 {
    let at = |k| u(seed, 4 * index + k);
    (((at(0) + at(1)) + at(2)) + at(3) - 2.0) * 1.732_050_807_568_877_2
}

fn generator(inputs: &Value) -> Answer<'_> {
    let seed = |name: &str| inputs[name].as_u64().unwrap();
    Box::new(move |name| match name {
        "u" => numbers(&inputs["indices"]).iter().map(|&i| u(seed("seed"), i as u64)).collect(),
        "g_0_1_2" => (0..3).map(|i| g(seed("seed_g"), i)).collect(),
        other => unknown(other),
    })
}

fn million(params: &Value) -> Answer<'_> {
    let bins = index(&params["n_bins"]);
    let conf: Vec<f64> = (0..1_000_000).map(|i| u(1, i).sqrt()).collect();
    let correct: Vec<bool> = conf.iter().zip(0..).map(|(c, i)| u(2, i) < c * c).collect();
    let conf: Vec<f32> = conf.into_iter().map(|c| c as f32).collect();
    let forecasts = BinaryForecasts::from_vecs(conf, correct).unwrap();
    // The streams of this project are others.
    assert_ne!(random::uniform(&mut random::stream(1, "golden", 0)), u(1, 0));
    Box::new(move |name| match name {
        "ece_f64_accum" | "torchmetrics_f32" => {
            one(forecasts.reliability(&Binning::equal_width(bins)).unwrap().ece())
        }
        other => unknown(other),
    })
}
