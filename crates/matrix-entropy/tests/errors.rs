//! Bad input gives the error that names it; degenerate input what the docs say.

use assay_score::Mergeable;
use matrix_entropy::accumulate::{
    CenteredMoment, CkaMoments, ColumnMean, Covariance, PerSentence, SecondMoment, jackknife,
    subsample_curve,
};
use matrix_entropy::large::{
    Dense, LowRankConfig, Rows, SlqConfig, lanczos_quadrature, low_rank, slq_entropy,
};
use matrix_entropy::layers::{Curvature, curvature, info_nce, lidar};
use matrix_entropy::pair::{
    Debias, Kernel, cka, cka_map, cka_of_kernels, dime, dime_with_permutations, hsic_unbiased,
    information, jensen_shannon, matrix_cross_entropy, matrix_kl, mutual_neighbours, procrustes,
    svcca,
};
use matrix_entropy::protocol::{
    DiffErankConfig, Modalities, UntrainedDraw, diff_erank, mean_loss, multimodal_alignment, pooled,
};
use matrix_entropy::{
    Center, Conventions, Denominator, Error, FitWeights, Normaliser, RowNorm, RowPolicy, Spectrum,
    average_cosine, l12_norm, nuclear_norm, participation_ratio_unbiased, power_law,
    radial_entropy, renyi_2, renyi_integer, two_nn,
};
use ndarray::{Array2, Array3, array};

use crate::common::{generated, normal_rows};

fn paper() -> Conventions {
    Conventions::paper()
}

#[test]
fn matrices_that_have_no_spectrum() {
    let of = |x: &Array2<f64>| Spectrum::of(x.view(), paper());
    assert!(matches!(of(&array![[1.0, 2.0]]), Err(Error::TooFewRows { needed: 2, got: 1, .. })));
    assert!(matches!(of(&Array2::zeros((0, 3))), Err(Error::TooFewRows { got: 0, .. })));
    assert!(matches!(of(&Array2::zeros((3, 0))), Err(Error::NoColumns { rows: 3, .. })));
    assert!(matches!(of(&Array2::from_elem((3, 2), 0.1)), Err(Error::ZeroRow { row: 0, .. })));
    let infinite = array![[1.0, 2.0], [0.0, f64::INFINITY]];
    assert!(matches!(of(&infinite), Err(Error::NotFinite { row: 1, column: 1, .. })));
    let huge = array![[f64::MAX, 1.0], [-f64::MAX, 2.0]];
    assert!(matches!(of(&huge), Err(Error::Overflow { element: "f64", .. })));

    let skip = paper().with_zero_rows(RowPolicy::Skip);
    let all = Spectrum::of(Array2::from_elem((3, 2), 0.1).view(), skip);
    assert!(matches!(all, Err(Error::AllSkipped { rows: 3, .. })));
    let zero = Spectrum::of(Array2::<f64>::zeros((3, 2)).view(), Conventions::covariance());
    assert!(matches!(zero, Err(Error::ZeroTrace { trace: 0.0, .. })), "{zero:?}");
    let zero = Spectrum::of(Array2::<f64>::zeros((3, 2)).view(), Conventions::cosine());
    assert!(matches!(zero, Err(Error::ZeroRow { from: "zero", row: 0, .. })), "{zero:?}");
    // Beyond what products can add up, and normalised away where rows are.
    let large = array![[1e200, 0.0], [0.0, 1e200], [3e200, 1.0]];
    assert!(matches!(Spectrum::of(large.view(), Conventions::covariance()), Err(Error::Array(_))));
    assert!(of(&large).is_ok());
    let one = array![[1.0, 2.0]];
    let by_less = Conventions::cosine().with_denominator(Denominator::NMinusOne);
    assert!(matches!(Spectrum::of(one.view(), by_less), Err(Error::TooFewRows { .. })));
}

#[test]
fn rows_equal_to_the_mean_are_found_at_any_size() {
    for shift in [0.0, 1.0, 1e6] {
        let mut x = generated(6, 4, 0.7, 0.3, 1.3);
        // Symmetric about zero, then one row more at the centre.
        let mirrored = -&x;
        x.append(ndarray::Axis(0), mirrored.view()).unwrap();
        x.push_row(ndarray::Array1::zeros(4).view()).unwrap();
        let x = x + shift;
        let error = Spectrum::of(x.view(), paper()).unwrap_err();
        assert!(matches!(error, Error::ZeroRow { from: "the mean", row: 12, .. }), "{error}");
        let skip = paper().with_zero_rows(RowPolicy::Skip);
        let spectrum = Spectrum::of(x.view(), skip).unwrap();
        assert_eq!((spectrum.rows(), spectrum.skipped()), (12, 1));
    }
    // Equal rows are equal to their mean whatever they are.
    for value in [0.1, 1e-300, 1e300, 1.0 / 3.0] {
        let x = Array2::from_elem((7, 3), value);
        assert!(matches!(Spectrum::of(x.view(), paper()), Err(Error::ZeroRow { row: 0, .. })));
    }
}

#[test]
fn extreme_magnitudes_change_nothing() {
    let x = generated(9, 5, 0.7, 0.3, 1.3);
    let want = Spectrum::of(x.view(), paper()).unwrap().entropy();
    for scale in [1e-300, 1e-160, 1e160, 1e300, 2.0_f64.powi(-1060)] {
        let got = Spectrum::of((&x * scale).view(), paper()).unwrap().entropy();
        let tolerance = if scale < 1e-308 { 1e-3 } else { 1e-12 };
        assert!((got - want).abs() < tolerance, "{scale:e}: {got} and {want}");
    }
    let narrow = x.mapv(|x| x as f32);
    for scale in [1e-30_f32, 1e30] {
        let got = Spectrum::of((&narrow * scale).view(), paper()).unwrap().entropy();
        assert!((got - want).abs() < 1e-5, "{scale:e}: {got} and {want}");
    }
}

#[test]
fn one_column_is_defined() {
    let x = array![[1.0], [2.0], [4.0]];
    let spectrum = Spectrum::of(x.view(), paper()).unwrap();
    assert_eq!((spectrum.entropy(), spectrum.effective_rank(), spectrum.cap()), (0.0, 1.0, 0.0));
    assert_eq!(spectrum.normalised_entropy(Normaliser::LogD), 0.0);
    assert_eq!(spectrum.isoscore(), None);
    let report = spectrum.report(paper()).unwrap();
    assert_eq!((report.rank, report.isoscore), (1, None));
}

#[test]
fn kernels_and_eigenvalues_are_checked() {
    let indefinite = array![[1.0, 2.0], [2.0, 1.0]];
    let error = Spectrum::of_kernel(indefinite.view()).unwrap_err();
    assert!(matches!(error, Error::Indefinite { .. }), "{error}");
    assert!(error.to_string().contains("semi-definite"), "{error}");
    assert!(matches!(
        Spectrum::of_kernel(Array2::<f64>::zeros((2, 3)).view()),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        Spectrum::of_kernel(Array2::<f64>::zeros((0, 0)).view()),
        Err(Error::ZeroTrace { .. })
    ));
    assert!(matches!(
        Spectrum::of_kernel(Array2::<f64>::zeros((2, 2)).view()),
        Err(Error::ZeroTrace { .. })
    ));
    let identity = Array2::<f64>::eye(3);
    for bad in [vec![0.5, 0.5], vec![0.5, 0.4, 0.2], vec![1.5, -0.5, 0.0], vec![f64::NAN, 0.5, 0.5]]
    {
        assert!(Spectrum::of_weighted_kernel(identity.view(), &bad).is_err());
        assert!(Spectrum::of_weighted(identity.view(), &bad, Conventions::cosine()).is_err());
    }
    let centred = Spectrum::of_weighted(identity.view(), &[0.2, 0.3, 0.5], paper());
    assert!(matches!(centred, Err(Error::Undefined { .. })));
    assert!(matches!(Spectrum::from_eigenvalues(&[]), Err(Error::ZeroTrace { .. })));
    assert!(matches!(
        Spectrum::from_eigenvalues(&[1.0, f64::NAN]),
        Err(Error::NotFinite { column: 1, .. })
    ));
    assert!(matches!(Spectrum::from_eigenvalues(&[-1.0, -1.0]), Err(Error::Indefinite { .. })));
    assert!(matches!(Spectrum::from_eigenvalues(&[1.0, -0.1]), Err(Error::Indefinite { .. })));
}

#[test]
fn orders_and_settings_are_checked() {
    let spectrum = Spectrum::from_eigenvalues(&[1.0, 2.0]).unwrap();
    for bad in [-1.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(matches!(spectrum.renyi(bad), Err(Error::Setting { name: "order", .. })));
        assert!(spectrum.tsallis(bad).is_err() && spectrum.vendi_score(bad).is_err());
    }
    assert!(spectrum.tsallis(f64::INFINITY).is_err());
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(spectrum.coding_rate(bad).is_err());
        assert!(bad == 0.0 || spectrum.rankme(bad).is_err());
    }
    assert!(matches!(spectrum.decay(0..1, FitWeights::Equal, 0.95), Err(Error::TooFewRows { .. })));
    assert!(spectrum.decay(5..9, FitWeights::Equal, 0.95).is_err());
    #[allow(clippy::reversed_empty_ranges)] // what a caller may pass
    let reversed = spectrum.decay(2..0, FitWeights::Equal, 0.95);
    assert!(reversed.is_err());
    assert!(power_law(&[1.0, 2.0], &[1.0], 0.95).is_err());
    assert!(power_law(&[1.0, -2.0], &[1.0, 1.0], 0.95).is_err());
    assert!(power_law(&[1.0, 1.0], &[1.0, 2.0], 0.95).is_err());
    assert!(power_law(&[1.0, 2.0], &[1.0, 2.0], 1.0).is_err());
    let two = power_law(&[1.0, 2.0], &[1.0, 2.0], 0.95).unwrap();
    assert_eq!((two.interval, two.standard_error), (None, None));
    assert!(radial_entropy(0.01, 10).is_err() && radial_entropy(1.0, 10).is_err());
    assert!(radial_entropy(0.5, 1).is_err() && radial_entropy(f64::NAN, 4).is_err());
}

#[test]
fn measures_without_eigenvalues_refuse_what_they_do_not_define() {
    let x = generated(5, 3, 0.7, 0.3, 1.3);
    assert!(renyi_2(x.view(), Conventions::rankme()).is_err());
    assert!(renyi_integer(x.view(), 1, paper()).is_err());
    assert!(
        renyi_integer(array![[1.0, 0.0], [0.0, 1.0]].view(), 4000, Conventions::cosine()).is_err()
    );
    let few = participation_ratio_unbiased(x.slice(ndarray::s![..3, ..]));
    assert!(matches!(few, Err(Error::TooFewRows { needed: 4, .. })));
    let constant = Array2::from_elem((5, 3), 2.0);
    assert!(participation_ratio_unbiased(constant.view()).is_err());
    assert!(matches!(
        average_cosine(x.slice(ndarray::s![..1, ..]), Center::No),
        Err(Error::TooFewRows { .. })
    ));
    assert!(
        l12_norm(constant.view(), paper()).is_err()
            && nuclear_norm(constant.view(), paper()).is_err()
    );
    for discard in [-0.1, 1.0, f64::NAN] {
        assert!(two_nn(x.view(), discard).is_err());
    }
    assert!(matches!(two_nn(x.slice(ndarray::s![..2, ..]), 0.1), Err(Error::TooFewRows { .. })));
    let lattice = Array2::from_shape_fn((8, 3), |(i, j)| f64::from(u8::from(i >> j & 1 == 1)));
    assert!(matches!(two_nn(lattice.view(), 0.0), Err(Error::Undefined { .. })));
}

#[test]
fn pairs_that_do_not_fit() {
    let (x, y) = (generated(6, 3, 0.7, 0.3, 1.3), generated(5, 3, 0.7, 0.3, 1.3));
    assert!(matches!(cka(x.view(), y.view()), Err(Error::Shape { .. })));
    assert!(svcca(x.view(), y.view(), 0.99).is_err() && procrustes(x.view(), y.view()).is_err());
    assert!(mutual_neighbours(x.view(), y.view(), 2).is_err());
    for k in [0, 6, usize::MAX] {
        assert!(mutual_neighbours(x.view(), x.view(), k).is_err());
    }
    for share in [0.0, 1.5, f64::NAN] {
        assert!(svcca(x.view(), x.view(), share).is_err());
    }
    let constant = Array2::from_elem((6, 3), 2.0);
    assert!(matches!(cka(x.view(), constant.view()), Err(Error::ZeroTrace { .. })));
    assert!(svcca(x.view(), constant.view(), 0.99).is_err());
    assert!(procrustes(constant.view(), x.view()).is_err());
    let three = x.slice(ndarray::s![..3, ..]);
    assert_eq!(cka(three, three).unwrap().unbiased, None);
    assert!(matches!(cka_map(&[three], &[three], Debias::Unbiased), Err(Error::Undefined { .. })));
    assert_eq!(cka_map::<f64>(&[], &[], Debias::No).unwrap().dim(), (0, 0));
    assert!(cka_map(&[x.view()], &[y.view()], Debias::No).is_err());

    let (k, l) = (Array2::<f64>::eye(6), Array2::<f64>::eye(5));
    assert!(information(k.view(), l.view(), 1.0).is_err());
    assert!(hsic_unbiased(k.view(), l.view()).is_err());
    let small = Array2::<f64>::eye(3);
    assert!(matches!(
        hsic_unbiased(small.view(), small.view()),
        Err(Error::TooFewRows { needed: 4, .. })
    ));
    let zero = Array2::<f64>::zeros((4, 4));
    assert!(matches!(
        cka_of_kernels(zero.view(), zero.view(), Debias::No),
        Err(Error::Undefined { .. })
    ));
    assert!(dime(k.view(), k.view(), 1.0, 0, 0).is_err());
    for bad in [vec![0, 1, 2, 3, 4, 4], vec![0, 1], vec![0, 1, 2, 3, 4, 6]] {
        assert!(dime_with_permutations(k.view(), k.view(), 1.0, &[bad]).is_err());
    }
    for sigma in [0.0, -1.0, f64::NAN] {
        assert!(Kernel::Rbf { sigma }.matrix(x.view()).is_err());
    }
}

#[test]
fn divergences_that_are_infinite() {
    let (p, q) = (array![[0.5, 0.0], [0.0, 0.5]], array![[1.0, 0.0], [0.0, 0.0]]);
    assert!(matches!(matrix_cross_entropy(p.view(), q.view()), Err(Error::Undefined { .. })));
    assert!(matches!(matrix_kl(p.view(), q.view()), Err(Error::Undefined { .. })));
    // The other way round P lies inside, and KL is log 2 + tr terms.
    let kl = matrix_kl(q.view(), p.view()).unwrap();
    assert!((kl - 2.0_f64.ln()).abs() < 1e-12, "{kl}");
    let indefinite = array![[1.0, 2.0], [2.0, 1.0]];
    assert!(matches!(matrix_kl(indefinite.view(), p.view()), Err(Error::Indefinite { .. })));
    assert!(matrix_kl(p.view(), indefinite.view()).is_err());
    let huge = Array2::<f64>::eye(2) * 1e308;
    assert!(matches!(matrix_cross_entropy(huge.view(), huge.view()), Err(Error::Overflow { .. })));
    assert!(matrix_kl(huge.view(), huge.view()).is_err());
    assert!(jensen_shannon(huge.view(), huge.view()).is_err());
    let huge = (Array2::<f64>::eye(4) + 1.0) * 1e200;
    for debias in [Debias::No, Debias::Unbiased] {
        let error = cka_of_kernels(huge.view(), huge.view(), debias).unwrap_err();
        assert!(matches!(error, Error::Overflow { .. }), "{error}");
    }
    let wide = array![[1e200, 0.0], [0.0, 1e200]];
    assert!(l12_norm(wide.view(), Conventions::covariance()).is_err());
}

#[test]
fn layers_that_bend_nowhere() {
    let line = Array2::from_shape_fn((5, 3), |(i, j)| (i * i) as f64 * (j + 1) as f64);
    assert!(curvature(line.view(), Curvature::Steps).unwrap() < 1e-7);
    let stay = array![[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]];
    assert!(matches!(curvature(stay.view(), Curvature::Steps), Err(Error::ZeroRow { row: 0, .. })));
    assert!(matches!(
        curvature(stay.slice(ndarray::s![..2, ..]), Curvature::Steps),
        Err(Error::TooFewRows { .. })
    ));
    for lag in [0, 3, usize::MAX] {
        assert!(curvature(line.slice(ndarray::s![..3, ..]), Curvature::States { lag }).is_err());
    }
    for (shape, delta) in
        [((1, 4, 2), 1e-4), ((4, 1, 2), 1e-4), ((3, 3, 0), 1e-4), ((3, 3, 2), 0.0)]
    {
        assert!(lidar(Array3::<f64>::ones(shape).view(), delta).is_err());
    }
    let mut x = Array3::<f64>::ones((3, 3, 2));
    assert!(matches!(lidar(x.view(), 1e-4), Err(Error::ZeroTrace { .. })));
    x[[2, 1, 0]] = f64::NAN;
    assert!(matches!(lidar(x.view(), 1e-4), Err(Error::NotFinite { row: 2, column: 0, .. })));
    assert!(info_nce(line.view(), stay.view(), 0.1).is_err());
    assert!(info_nce(line.view(), line.view(), 0.1).is_err(), "the first row is zero");
}

#[test]
fn the_protocol_refuses_models_that_disagree() {
    let (a, b) = (generated(6, 3, 0.7, 0.3, 1.3), generated(5, 3, 0.7, 0.3, 1.3));
    let config = DiffErankConfig::default();
    let draw = |layers| UntrainedDraw { seed: 0, layers };
    let trained = [vec![a.view(), b.view()]];
    assert!(matches!(diff_erank(&trained, &[], &config), Err(Error::TooFewRows { .. })));
    for layers in [vec![], vec![vec![a.view()]], vec![vec![b.view(), a.view()]]] {
        let error = diff_erank(&trained, &[draw(layers)], &config).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    // A sentence of equal tokens is left out everywhere, or refused.
    let constant = Array2::from_elem((5, 3), 1.0);
    let drawn = [draw(vec![vec![a.view(), constant.view()]])];
    let report = diff_erank(&trained, &drawn, &config).unwrap();
    assert_eq!((report.skipped_sentences, report.layers[0].sentences.len()), (1, 1));
    let strict = DiffErankConfig { zero_rows: RowPolicy::Error, ..config };
    assert!(matches!(diff_erank(&trained, &drawn, &strict), Err(Error::ZeroRow { .. })));
    assert!(
        mean_loss(&[]).is_err() && mean_loss(&[0.5]).is_err() && mean_loss(&[f64::NAN]).is_err()
    );
    assert!(pooled(&[a.view(), Array2::zeros((0, 3)).view()]).is_err());
    assert!(pooled(&[a.view(), Array2::zeros((2, 4)).view()]).is_err());
    let ranks = Modalities { encoder: 2.0, connector: 1.0, image: 0.0, text: 1.0, pair: 1.0 };
    assert!(multimodal_alignment(ranks).is_err());
}

#[test]
fn accumulators_refuse_other_widths_and_nothing() {
    assert!(SecondMoment::new(0, RowNorm::L2, RowPolicy::Error).is_err());
    assert!(Covariance::new(0).is_err() && ColumnMean::new(0).is_err());
    assert!(PerSentence::new(0, RowPolicy::Skip).is_err() && CkaMoments::new(0, 3).is_err());
    assert!(CenteredMoment::new(vec![f64::NAN], RowPolicy::Skip).is_err());
    assert!(Covariance::new(usize::MAX).is_err());
    let wide = generated(4, 5, 0.7, 0.3, 1.3);
    let mut covariance = Covariance::new(3).unwrap();
    assert!(matches!(covariance.update(wide.view()), Err(Error::Shape { .. })));
    assert!(matches!(covariance.finish(), Err(Error::TooFewRows { .. })));
    covariance.update(array![[1.0, 2.0, 3.0]].view()).unwrap();
    assert!(matches!(covariance.finish(), Err(Error::TooFewRows { .. })));
    covariance.update(array![[1.0, 2.0, 3.0]].view()).unwrap();
    assert!(matches!(covariance.finish(), Err(Error::ZeroTrace { .. })));
    assert!(covariance.renyi_2().is_err());
    let mut sentences = PerSentence::new(5, RowPolicy::Error).unwrap();
    assert!(sentences.finish().is_err());
    assert!(sentences.update(&[Array2::from_elem((2, 5), 1.0).view()]).is_err());
    assert!(sentences.update(&[Array2::from_elem((2, 4), 1.0).view()]).is_err());
    assert!(sentences.finish().is_err());
    let blocks = [covariance.clone()];
    assert!(jackknife(&blocks, 0.95, |_| Ok(1.0)).is_err());
    let blocks = [covariance.clone(), covariance];
    assert!(jackknife(&blocks, 1.0, |_| Ok(1.0)).is_err());
    assert!(matches!(jackknife(&blocks, 0.9, |_| Ok(f64::NAN)), Err(Error::Undefined { .. })));
    for (sizes, draws) in [(&[5][..], 2), (&[2], 0), (&[1], 2), (&[0], 1)] {
        assert!(subsample_curve(wide.view(), paper(), sizes, draws, 0).is_err());
    }
}

#[test]
fn operators_and_estimates_are_checked() {
    let matrix = Array2::<f64>::eye(4);
    let operator = Dense::new(matrix.view()).unwrap();
    assert!(Dense::new(Array2::<f64>::zeros((2, 3)).view()).is_err());
    assert!(lanczos_quadrature(&operator, &[1.0], 2).is_err());
    assert!(lanczos_quadrature(&operator, &[0.0; 4], 2).is_err());
    assert!(lanczos_quadrature(&operator, &[1.0; 4], 0).is_err());
    // An invariant subspace ends the recurrence.
    assert_eq!(lanczos_quadrature(&operator, &[1.0; 4], 9).unwrap().nodes.len(), 1);
    assert!(slq_entropy(&operator, &SlqConfig::new().with_probes(3)).is_err());
    assert!(slq_entropy(&operator, &SlqConfig::new().with_steps(0)).is_err());
    let zero = Array2::<f64>::zeros((4, 4));
    let zero = Dense::new(zero.view()).unwrap();
    assert!(matches!(slq_entropy(&zero, &SlqConfig::new()), Err(Error::ZeroTrace { .. })));
    assert!(matches!(low_rank(&zero, &LowRankConfig::new(1)), Err(Error::ZeroTrace { .. })));
    for config in
        [LowRankConfig::new(0), LowRankConfig::new(5), LowRankConfig::new(2).with_blocks(0)]
    {
        assert!(low_rank(&operator, &config).is_err());
    }
    // The identity is known exactly by both.
    let found = slq_entropy(&operator, &SlqConfig::new()).unwrap();
    assert!((found.entropy - 4.0_f64.ln()).abs() < 1e-12 && found.standard_error < 1e-12);
    let found = low_rank(&operator, &LowRankConfig::new(2)).unwrap();
    assert!((found.entropy() - 4.0_f64.ln()).abs() < 1e-12);
    assert!(Rows::new(normal_rows(1, 1, 3, 0.0).view(), paper()).is_err());
}
