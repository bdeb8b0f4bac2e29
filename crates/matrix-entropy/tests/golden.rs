//! Every case of `testdata/golden/entropy.json`, dispatched on its operation. Those of two matrices
//! are in `golden_pairs`.

use assay_array::testing::{cases, golden};
use assay_score::Mergeable;
use matrix_entropy::accumulate::Covariance;
use matrix_entropy::large::{Dense, lanczos_quadrature};
use matrix_entropy::layers::{Curvature, curvature};
use matrix_entropy::pair::second_moment;
use matrix_entropy::protocol::{
    DiffErankConfig, Modalities, UntrainedDraw, diff_erank, multimodal_alignment,
};
use matrix_entropy::{
    Center, Conventions, Denominator, Error, FitWeights, LogBase, Normaliser, RowPolicy, Spectrum,
    average_cosine, internal_diversity, l12_norm, nuclear_norm, power_law, radial_entropy, renyi_2,
    renyi_integer, two_nn,
};
use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::common::{Case, explicit, generated, matrix, numbers, order, whole};
use crate::golden_pairs;

#[test]
fn every_case_is_matched() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "entropy");
    for case in cases(&file) {
        let case = Case(case);
        match case.0["op"].as_str().expect("an operation") {
            "spectrum_entropies" => spectrum_entropies(&case),
            "vendi_from_kernel" => vendi_from_kernel(&case),
            "vendi_from_samples" => vendi_from_samples(&case),
            "vendi_from_embeddings" => vendi_from_embeddings(&case),
            "matrix_entropy_paper" => paper(&case),
            "matrix_entropy_paper_skip_zero" => skip_zero(&case),
            "diff_erank" => diff(&case),
            "mm_alignment" => alignment(&case),
            "spectral_metrics" => spectral(&case),
            "mergeable_covariance" => covariance(&case),
            "curvature" => curvatures(&case),
            "slq_single_probe" => single_probe(&case),
            "renyi_integer" => integer(&case),
            "vn_approx" => approximations(&case),
            "power_law_fit" => scaling_law(&case),
            "errors" => errors(&case),
            "matrix_mutual_information" => golden_pairs::mutual_information(&case),
            "dime" => golden_pairs::dime(&case),
            "cka" => golden_pairs::cka(&case),
            "lidar" => golden_pairs::lidar(&case),
            "infonce" => golden_pairs::info_nce(&case),
            "matrix_divergences" => golden_pairs::divergences(&case),
            op => panic!("{}: the operation {op} is not known here", case.id()),
        }
    }
}

/// Rényi entropies under `name`, keyed by order.
fn renyi(case: &Case<'_>, name: &str, spectrum: &Spectrum) {
    for (text, want) in case.expected(name).as_object().expect("orders") {
        let got = spectrum.renyi(order(text)).unwrap();
        case.check(&format!("Rényi {text}"), got, want.as_f64().expect("a number"));
    }
}

fn spectrum_entropies(case: &Case<'_>) {
    let spectrum = Spectrum::from_eigenvalues(&numbers(case.input("eigenvalues"))).unwrap();
    renyi(case, "renyi", &spectrum);
    for (name, want) in case.0["expected"].as_object().expect("expectations") {
        let got = match name.as_str() {
            "H" => spectrum.entropy(),
            "H_bits" => spectrum.entropy_in(LogBase::Two),
            "H_over_logd" => spectrum.normalised_entropy(Normaliser::LogD),
            "erank" => spectrum.effective_rank(),
            "renyi0" => spectrum.renyi(0.0).unwrap(),
            "tsallis2" => spectrum.tsallis(2.0).unwrap(),
            "participation_ratio" => spectrum.participation_ratio(),
            "renyi" => continue,
            name => panic!("{}: {name} is not checked", case.id()),
        };
        case.check(name, got, want.as_f64().expect("a number"));
    }
}

fn vendi_from_kernel(case: &Case<'_>) {
    case.expects_only(&["eigs_of_K_over_n", "vs"]);
    let kernel = explicit(case.input("K").as_array().expect("a matrix"));
    let spectrum = Spectrum::of_kernel(kernel.view()).unwrap();
    case.list("eigs_of_K_over_n", spectrum.eigenvalues());
    for (text, want) in case.expected("vs").as_object().expect("orders") {
        let got = spectrum.vendi_score(order(text)).unwrap();
        case.check(text, got, want.as_f64().expect("a number"));
    }
}

fn vendi_from_samples(case: &Case<'_>) {
    case.expects_only(&["vs_q1"]);
    assert_eq!(case.input("kernel"), "exp(-|a-b|)");
    let samples = numbers(case.input("samples"));
    let kernel = Array2::from_shape_fn((samples.len(), samples.len()), |(i, j)| {
        (-(samples[i] - samples[j]).abs()).exp()
    });
    case.same("vs_q1", Spectrum::of_kernel(kernel.view()).unwrap().vendi_score(1.0).unwrap());
}

fn vendi_from_embeddings(case: &Case<'_>) {
    case.expects_only(&["vs_primal", "vs_dual", "intdiv_q1", "vs_q1"]);
    let x = matrix(&case.0["input"]);
    assert_eq!(case.input("normalize"), true);
    let conventions = Conventions::cosine();
    if case.input("p").is_array() {
        let p = numbers(case.input("p"));
        let dual = Spectrum::of_weighted(x.view(), &p, conventions).unwrap();
        case.same("vs_q1", dual.vendi_score(1.0).unwrap());
        let kernel = cosines(&x);
        let primal = Spectrum::of_weighted_kernel(kernel.view(), &p).unwrap();
        case.same("vs_q1", primal.vendi_score(1.0).unwrap());
        return;
    }
    let dual = Spectrum::of(x.view(), conventions).unwrap();
    let primal = Spectrum::of_kernel(cosines(&x).view()).unwrap();
    for (name, spectrum) in [("vs_primal", primal), ("vs_dual", dual)] {
        for (text, want) in case.expected(name).as_object().expect("orders") {
            let got = spectrum.vendi_score(order(text)).unwrap();
            case.check(text, got, want.as_f64().expect("a number"));
        }
    }
    case.same("intdiv_q1", internal_diversity(x.view()).unwrap());
}

fn cosines(x: &Array2<f64>) -> Array2<f64> {
    matrix_entropy::pair::Kernel::Cosine(Center::No).matrix(x.view()).unwrap()
}

fn paper(case: &Case<'_>) {
    case.expects_only(&[
        "X_first_row",
        "mean",
        "Z_first_row",
        "trace",
        "eigs_cov_desc",
        "eigs_gram_top",
        "H",
        "H_over_logd",
        "H_over_log_min_nd",
        "erank",
        "erank_over_d",
        "renyi",
        "mnn_l12",
        "mnn_l12_over_n",
        "nuclear_norm_Z",
    ]);
    let x = matrix(&case.0["input"]);
    let (n, d) = x.dim();
    let conventions = Conventions::paper();
    case.list("X_first_row", &x.row(0).to_vec());
    case.list("mean", &x.mean_axis(Axis(0)).expect("rows").to_vec());
    let sigma = second_moment(x.view(), conventions).unwrap();
    case.same("trace", sigma.diag().sum());
    // The first prepared row, through the spectrum of a single-row kernel, is not public; its
    // products with itself and the mean are what the trace and the eigenvalues check.
    let centred = &x - &x.mean_axis(Axis(0)).expect("rows");
    let first = centred.row(0).to_owned() / centred.row(0).dot(&centred.row(0)).sqrt();
    case.list("Z_first_row", &first.to_vec());

    let spectrum = Spectrum::of(x.view(), conventions).unwrap();
    let mut padded = spectrum.eigenvalues().to_vec();
    case.list("eigs_gram_top", &padded);
    padded.resize(d, 0.0);
    case.list("eigs_cov_desc", &padded);
    case.same("H", spectrum.entropy());
    case.same("H_over_logd", spectrum.normalised_entropy(Normaliser::LogD));
    case.same("H_over_log_min_nd", spectrum.normalised_entropy(Normaliser::LogMin));
    case.same("erank", spectrum.effective_rank());
    case.same("erank_over_d", spectrum.effective_rank() / d as f64);
    renyi(case, "renyi", &spectrum);
    case.check("Rényi 2", renyi_2(x.view(), conventions).unwrap(), spectrum.renyi(2.0).unwrap());
    case.same("mnn_l12", l12_norm(x.view(), conventions).unwrap());
    case.same("mnn_l12_over_n", l12_norm(x.view(), conventions).unwrap() / n as f64);
    case.same("nuclear_norm_Z", nuclear_norm(x.view(), conventions).unwrap());
    // The covariance itself has the same spectrum, and f32 comes close.
    let primal = Spectrum::of_covariance(sigma.view(), n, conventions).unwrap();
    assert!((primal.entropy() - spectrum.entropy()).abs() < 1e-10);
    let narrow = Spectrum::of(x.mapv(|x| x as f32).view(), conventions).unwrap();
    assert!((narrow.entropy() / spectrum.entropy() - 1.0).abs() < 1e-4);
}

fn skip_zero(case: &Case<'_>) {
    case.expects_only(&["kept_rows", "trace_over_kept", "H", "erank"]);
    let x = matrix(&case.0["input"]);
    let conventions = Conventions::paper();
    let refused = Spectrum::of(x.view(), conventions);
    assert!(matches!(refused, Err(Error::ZeroRow { row: 2, .. })), "{refused:?}");
    let spectrum = Spectrum::of(x.view(), conventions.with_zero_rows(RowPolicy::Skip)).unwrap();
    assert_eq!(spectrum.rows(), whole(case.expected("kept_rows")));
    assert_eq!(spectrum.rows() + spectrum.skipped(), x.nrows());
    case.same("trace_over_kept", spectrum.eigenvalues().iter().sum());
    case.same("H", spectrum.entropy());
    case.same("erank", spectrum.effective_rank());
}

fn diff(case: &Case<'_>) {
    case.expects_only(&[
        "H_untrained",
        "H_trained",
        "per_sentence",
        "algorithm_a",
        "algorithm_b",
        "mean_normalized_entropy_trained",
    ]);
    let sentences = case.input("sentences").as_array().expect("sentences");
    let of = |which: &str| sentences.iter().map(|s| matrix(&s[which])).collect::<Vec<_>>();
    let (untrained, trained) = (of("untrained"), of("trained"));
    let views = |states: &'_ [Array2<f64>]| -> Vec<ArrayView2<'static, f64>> {
        states.iter().map(|s| leak(s.clone())).collect()
    };
    let draw = UntrainedDraw { seed: 3, layers: vec![views(&untrained)] };
    let draws = [draw.clone(), draw];
    let report = diff_erank(&[views(&trained)], &draws, &DiffErankConfig::default()).unwrap();
    let layer = &report.layers[0];
    let entropies = |states: &[Array2<f64>]| -> Vec<f64> {
        let one = |s: &Array2<f64>| Spectrum::of(s.view(), Conventions::paper()).unwrap().entropy();
        states.iter().map(one).collect()
    };
    case.list("H_untrained", &entropies(&untrained));
    case.list("H_trained", &entropies(&trained));
    case.list("per_sentence", &layer.sentences);
    case.same("algorithm_a", layer.geometric.estimate);
    case.same("algorithm_b", layer.arithmetic.estimate);
    case.same("mean_normalized_entropy_trained", layer.trained.normalised_entropy());
    // Two equal draws: their mean is each, and nothing lies between them.
    assert_eq!(layer.between_draws, Some(0.0));
    assert_eq!(layer.untrained[0].seed, 3);
    assert!(layer.geometric.interval.contains(layer.geometric.estimate));
}

/// A view that lives as long as the test program.
fn leak(x: Array2<f64>) -> ArrayView2<'static, f64> {
    Box::leak(Box::new(x)).view()
}

fn alignment(case: &Case<'_>) {
    case.expects_only(&["image_reduction_ratio", "image_text_alignment", "paper_reported"]);
    let ranks = numbers(case.input("eranks"));
    let [encoder, connector, image, text, pair] = ranks[..] else { panic!("five ranks") };
    let ranks = Modalities { encoder, connector, image, text, pair };
    let found = multimodal_alignment(ranks).unwrap();
    case.same("image_reduction_ratio", found.image_reduction_ratio);
    case.same("image_text_alignment", found.image_text_alignment);
    // The printed ratios come from ranks that were not yet rounded: close, not equal.
    let printed = numbers(case.expected("paper_reported"));
    assert!((found.image_reduction_ratio - printed[0]).abs() < 2e-3, "{}", case.id());
    assert!((found.image_text_alignment - printed[1]).abs() < 2e-3, "{}", case.id());
}

fn spectral(case: &Case<'_>) {
    case.expects_only(&[
        "singular_values_uncentered",
        "singular_values_centered",
        "rankme_eps1e-7_uncentered",
        "rankme_noeps_uncentered",
        "rankme_noeps_centered",
        "erank_variance_centered",
        "alpha_req_weighted_1_over_j",
        "alpha_req_ols",
        "nesum",
        "stable_rank_centered",
        "participation_ratio",
        "isoscore",
        "avg_cosine",
        "condition_number_centered",
        "twonn_lstsq_through_origin",
        "twonn_mle",
    ]);
    let x = matrix(&case.0["input"]);
    let n = x.nrows() as f64;
    let raw = Spectrum::of(x.view(), Conventions::rankme()).unwrap();
    let centred_singular =
        Spectrum::of(x.view(), Conventions::rankme().with_center(Center::Mean)).unwrap();
    let centred = Spectrum::of(x.view(), Conventions::covariance()).unwrap();
    let singular = |spectrum: &Spectrum| -> Vec<f64> {
        spectrum.eigenvalues().iter().map(|v| (v * n).sqrt()).collect()
    };
    case.list("singular_values_uncentered", &singular(&raw));
    case.list("singular_values_centered", &singular(&centred));
    case.same("rankme_eps1e-7_uncentered", raw.rankme(1e-7).unwrap());
    case.same("rankme_noeps_uncentered", raw.rankme(0.0).unwrap());
    case.same("rankme_noeps_centered", centred_singular.rankme(0.0).unwrap());
    case.same("erank_variance_centered", centred.effective_rank());
    let range = numbers(case.input("alpha_req_range"));
    let range = range[0] as usize..range[1] as usize;
    let decay = |weights| -centred.decay(range.clone(), weights, 0.95).unwrap().exponent;
    case.same("alpha_req_weighted_1_over_j", decay(FitWeights::Reciprocal));
    case.same("alpha_req_ols", decay(FitWeights::Equal));
    case.same("nesum", centred.nesum());
    case.same("stable_rank_centered", centred.stable_rank());
    case.same("participation_ratio", centred.participation_ratio());
    case.same("isoscore", centred.isoscore().expect("ten dimensions"));
    case.same("avg_cosine", average_cosine(x.view(), Center::No).unwrap());
    case.same("condition_number_centered", centred.condition_number().expect("full rank"));
    let discard = case.input("twonn_discard").as_f64().expect("a number");
    let two = two_nn(x.view(), discard).unwrap();
    case.same("twonn_lstsq_through_origin", two.dimension);
    case.same("twonn_mle", two.maximum_likelihood);
}

fn covariance(case: &Case<'_>) {
    case.expects_only(&["n", "mean", "M2_upper", "erank_cov"]);
    let shift = case.input("add_constant").as_f64().expect("a number");
    let x = matrix(&case.0["input"]) + shift;
    let mut parts = Vec::new();
    for batch in case.input("batches").as_array().expect("batches") {
        let range = numbers(batch);
        let rows = x.slice_axis(Axis(0), Slice::from(range[0] as usize..range[1] as usize));
        let mut part = Covariance::new(x.ncols()).unwrap();
        part.update(rows).unwrap();
        parts.push(part);
    }
    let orders: [[usize; 3]; 3] = [[0, 1, 2], [2, 0, 1], [1, 2, 0]];
    for order in orders {
        let mut sum = Covariance::new(x.ncols()).unwrap();
        for part in order {
            sum.merge(&parts[part]).unwrap();
        }
        assert_eq!(sum.rows() as usize, whole(case.expected("n")));
        case.list("mean", sum.mean());
        let full = sum.matrix(Denominator::N).unwrap() * sum.rows() as f64;
        let d = x.ncols();
        let upper: Vec<f64> =
            (0..d).flat_map(|i| (i..d).map(move |j| (i, j))).map(|at| full[at]).collect();
        case.list("M2_upper", &upper);
        case.same("erank_cov", sum.finish().unwrap().effective_rank());
    }
}

fn curvatures(case: &Case<'_>) {
    case.expects_only(&[
        "paper_mean_angle_between_consecutive_differences",
        "repo_mean_angle_between_consecutive_normalised_states_k1",
    ]);
    let x = matrix(&case.0["input"]);
    let steps = curvature(x.view(), Curvature::Steps).unwrap();
    case.same("paper_mean_angle_between_consecutive_differences", steps);
    let states = curvature(x.view(), Curvature::States { lag: 1 }).unwrap();
    case.same("repo_mean_angle_between_consecutive_normalised_states_k1", states);
}

fn single_probe(case: &Case<'_>) {
    case.expects_only(&["exact_vT_f_v", "lanczos"]);
    assert_eq!(case.input("probe"), "ones/sqrt(d)");
    let x = matrix(&case.0["input"]);
    let sigma = second_moment(x.view(), Conventions::paper()).unwrap();
    let d = sigma.nrows();
    let probe = vec![1.0 / (d as f64).sqrt(); d];
    let operator = Dense::new(sigma.view()).unwrap();
    let f = |v: f64| if v > 0.0 { -v * v.ln() } else { 0.0 };
    let steps = numbers(case.input("steps"));
    assert_eq!(steps.len(), case.expected("lanczos").as_object().expect("steps").len());
    for (steps, want) in case.expected("lanczos").as_object().expect("steps") {
        let got = lanczos_quadrature(&operator, &probe, steps.parse().expect("a number"))
            .unwrap()
            .integrate(f);
        case.check(steps, got, want.as_f64().expect("a number"));
    }
    case.same("exact_vT_f_v", lanczos_quadrature(&operator, &probe, d).unwrap().integrate(f));
}

fn integer(case: &Case<'_>) {
    case.expects_only(&["tr_S2_frobenius", "tr_S3", "renyi2", "renyi3"]);
    let x = matrix(&case.0["input"]);
    let of = |order| renyi_integer(x.view(), order, Conventions::paper()).unwrap();
    case.same("renyi2", of(2));
    case.same("renyi3", of(3));
    case.same("tr_S2_frobenius", (-of(2)).exp());
    case.same("tr_S3", (-2.0 * of(3)).exp());
    case.same("renyi2", renyi_2(x.view(), Conventions::paper()).unwrap());
}

fn approximations(case: &Case<'_>) {
    case.expects_only(&["exact_H", "finger_Hhat", "radial_l1", "radial_l2", "radial_H"]);
    let x = matrix(&case.0["input"]);
    let spectrum = Spectrum::of(x.view(), Conventions::paper()).unwrap();
    case.same("exact_H", spectrum.entropy());
    case.same("finger_Hhat", spectrum.finger_entropy());
    let squares = (-spectrum.renyi(2.0).unwrap()).exp();
    let (first, second, entropy) = radial_entropy(squares, x.ncols()).unwrap();
    case.same("radial_l1", first);
    case.same("radial_l2", second);
    case.same("radial_H", entropy);
}

fn scaling_law(case: &Case<'_>) {
    case.expects_only(&["exponent", "log_prefactor", "prefactor", "r2_log"]);
    let law = power_law(&numbers(case.input("x")), &numbers(case.input("y")), 0.95).unwrap();
    case.same("exponent", law.exponent);
    case.same("log_prefactor", law.log_prefactor);
    case.same("prefactor", law.prefactor);
    case.same("r2_log", law.r2);
    let interval = law.interval.expect("more than two points");
    assert!(interval.contains(law.exponent) && interval.upper < 0.0);
}

/// The file names degenerate inputs in words; each is built as it says.
fn errors(case: &Case<'_>) {
    let degenerate = case.input("cases").as_array().expect("cases");
    for input in degenerate {
        let why = input["why"].as_str().expect("a reason");
        let shape = || (whole(&input["n"]), whole(&input["d"]));
        let (x, policy_helps) = match why.split(':').next().expect("a beginning") {
            "single token" => (Array2::from_elem(shape(), 1.0), false),
            "all rows equal" => (Array2::from_elem(shape(), 0.1), false),
            why if why.starts_with("one row equals the mean") => {
                let mut x = generated(4, 3, 0.7, 0.3, 1.3);
                let mean = x.mean_axis(Axis(0)).expect("rows");
                x.push_row(mean.view()).expect("a row");
                (x, true)
            }
            "non-finite input" => {
                let mut x = generated(4, 3, 0.7, 0.3, 1.3);
                x[[2, 1]] = f64::NAN;
                (x, false)
            }
            other => panic!("the degenerate case {other} is not known here"),
        };
        let error = Spectrum::of(x.view(), Conventions::paper()).expect_err(why);
        let typed = matches!(
            error,
            Error::TooFewRows { .. }
                | Error::ZeroRow { .. }
                | Error::NotFinite { row: 2, column: 1, .. }
        );
        assert!(typed, "{why}: {error}");
        let skip = Conventions::paper().with_zero_rows(RowPolicy::Skip);
        match Spectrum::of(x.view(), skip) {
            Ok(spectrum) => assert!(policy_helps && spectrum.skipped() == 1, "{why}"),
            Err(error) => assert!(!policy_helps, "{why}: {error}"),
        }
    }
}
