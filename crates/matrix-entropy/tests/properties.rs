//! Laws of the measures on random input.

use assay_array::testing::assert_close;
use assay_score::Mergeable;
use matrix_entropy::accumulate::{
    CenteredMoment, ColumnMean, Covariance, SecondMoment, jackknife, subsample_curve,
};
use matrix_entropy::large::{
    Dense, LowRankConfig, Operator, Rows, SlqConfig, lanczos_quadrature, low_rank, slq_entropy,
};
use matrix_entropy::pair::{
    Kernel, cka, dime, information, jensen_shannon, matrix_cross_entropy, matrix_kl, second_moment,
};
use matrix_entropy::protocol::sentence_spectra;
use matrix_entropy::{
    Center, Conventions, Normaliser, RowNorm, RowPolicy, Spectrum, renyi_2, renyi_integer,
};
use ndarray::{Array2, Axis, Slice};
use proptest::prelude::*;

use crate::common::{assert_matrices_close, generated, normal_rows, product};

fn conventions() -> impl Strategy<Value = Conventions> {
    prop::sample::select(vec![
        Conventions::paper(),
        Conventions::covariance(),
        Conventions::cosine(),
        Conventions::rankme(),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn entropies_are_ordered_and_bounded(
        seed in any::<u64>(), n in 2..20_usize, d in 1..20_usize, decay in 0.0..2.0_f64,
        conventions in conventions(),
    ) {
        let x = normal_rows(seed, n, d, decay);
        let spectrum = Spectrum::of(x.view(), conventions).unwrap();
        let entropies: Vec<f64> = [0.0, 0.5, 0.999_999, 1.0, 1.000_001, 1.49, 1.51, 2.0, 30.0, 1e3, f64::INFINITY]
            .iter()
            .map(|&order| spectrum.renyi(order).unwrap())
            .collect();
        for pair in entropies.windows(2) {
            prop_assert!(pair[0] >= pair[1] - 1e-9, "{entropies:?}");
        }
        prop_assert!(entropies[3] <= spectrum.cap() + 1e-12);
        prop_assert!(entropies.iter().all(|h| *h >= 0.0));
        // All that is one number by two ways.
        assert_close(&[entropies[2], entropies[4]], &[entropies[3]; 2], 1e-4, 1e-4);
        assert_close(&[spectrum.vendi_score(1.0).unwrap()], &[spectrum.effective_rank()], 1e-12, 0.0);
        let total: f64 = spectrum.weights().iter().sum();
        assert_close(&[total], &[1.0], 1e-12, 0.0);
        let tsallis = spectrum.tsallis(2.0).unwrap();
        assert_close(&[1.0 - tsallis], &[(-spectrum.renyi(2.0).unwrap()).exp()], 1e-12, 1e-12);
        prop_assert!(spectrum.finger_entropy() <= spectrum.entropy() + 1e-12);
        prop_assert!(spectrum.stable_rank() <= spectrum.participation_ratio() * (1.0 + 1e-12));
        if let Some(score) = spectrum.isoscore() {
            prop_assert!((0.0..=1.0).contains(&score));
        }
    }

    #[test]
    fn shifts_scales_and_orders_of_rows_change_nothing(
        seed in any::<u64>(), n in 3..16_usize, d in 1..16_usize,
    ) {
        let x = normal_rows(seed, n, d, 0.3);
        let paper = Conventions::paper();
        let want = Spectrum::of(x.view(), paper).unwrap();
        let moved = Spectrum::of((&x * 7.5 + 3.0).view(), paper).unwrap();
        assert_close(moved.weights(), want.weights(), 1e-9, 1e-12);
        let mut order: Vec<usize> = (0..n).collect();
        order.reverse();
        let turned = Spectrum::of(x.select(Axis(0), &order).view(), paper).unwrap();
        assert_close(turned.weights(), want.weights(), 1e-9, 1e-12);
        // Of any strides.
        let strided = Spectrum::of(x.t().to_owned().t(), paper).unwrap();
        assert_close(strided.weights(), want.weights(), 1e-12, 1e-13);
    }

    #[test]
    fn powers_need_no_eigenvalues(
        seed in any::<u64>(), n in 2..12_usize, d in 1..12_usize, order in 2..12_u32,
    ) {
        let x = normal_rows(seed, n, d, 0.5);
        for conventions in [Conventions::paper(), Conventions::covariance()] {
            let spectrum = Spectrum::of(x.view(), conventions).unwrap();
            let exact = spectrum.renyi(f64::from(order)).unwrap();
            let got = renyi_integer(x.view(), order, conventions).unwrap();
            assert_close(&[got], &[exact], 1e-9, 1e-12);
            let two = spectrum.renyi(2.0).unwrap();
            assert_close(&[renyi_2(x.view(), conventions).unwrap()], &[two], 1e-10, 1e-12);
        }
    }

    #[test]
    fn accumulators_are_the_spectrum_of_everything(
        seed in any::<u64>(), n in 4..40_usize, d in 1..8_usize, cut in 1..39_usize, shift in -1e3..1e3_f64,
    ) {
        let x = normal_rows(seed, n, d, 0.3) + shift;
        let cut = cut.min(n - 1);
        let parts = [
            x.slice_axis(Axis(0), Slice::from(..cut)), x.slice_axis(Axis(0), Slice::from(cut..)),
        ];
        let mut mean = ColumnMean::new(d).unwrap();
        let mut covariance = Covariance::new(d).unwrap();
        let mut moment = SecondMoment::new(d, RowNorm::L2, RowPolicy::Error).unwrap();
        for part in parts {
            mean.update(part).unwrap();
            covariance.update(part).unwrap();
            moment.update(part).unwrap();
        }
        let mut centred = CenteredMoment::new(mean.finish().unwrap(), RowPolicy::Error).unwrap();
        for part in parts {
            centred.update(part).unwrap();
        }
        for (got, conventions) in [
            (covariance.finish().unwrap(), Conventions::covariance()),
            (moment.finish().unwrap(), Conventions::cosine()),
            (centred.finish().unwrap(), Conventions::paper()),
        ] {
            let want = Spectrum::of(x.view(), conventions).unwrap();
            prop_assert_eq!((got.rows(), got.columns()), (n, d));
            assert_close(&[got.entropy()], &[want.entropy()], 1e-7, 1e-8);
        }
        assert_close(&[covariance.renyi_2().unwrap()], &[covariance.finish().unwrap().renyi(2.0).unwrap()], 1e-9, 1e-10);
        assert_close(&[moment.renyi_2().unwrap()], &[moment.finish().unwrap().renyi(2.0).unwrap()], 1e-9, 1e-10);
        // Vendi of the corpus: the kernel over all items has the same score.
        let kernel = Kernel::Cosine(Center::No).matrix(x.view()).unwrap();
        let primal = Spectrum::of_kernel(kernel.view()).unwrap().vendi_score(1.0).unwrap();
        assert_close(&[moment.finish().unwrap().vendi_score(1.0).unwrap()], &[primal], 1e-6, 1e-6);
    }

    #[test]
    fn information_is_not_negative(
        seed in any::<u64>(), n in 3..12_usize, d in 1..6_usize, sigma in 0.3..4.0_f64,
    ) {
        let (x, y) = (normal_rows(seed, n, d, 0.0), normal_rows(seed ^ 1, n, d + 1, 0.0));
        let kernel = Kernel::Rbf { sigma };
        let (k, l) = (kernel.matrix(x.view()).unwrap(), kernel.matrix(y.view()).unwrap());
        let both = information(k.view(), l.view(), 1.0).unwrap();
        prop_assert!(both.mutual() >= -1e-9, "{both:?}");
        prop_assert!(both.joint >= both.entropy_x.max(both.entropy_y) - 1e-9, "{both:?}");
        let close = both.mutual() + both.x_given_y() + both.y_given_x() - both.joint;
        prop_assert!(close.abs() < 1e-12);
        let first = dime(k.view(), l.view(), 1.0, 3, 9).unwrap();
        prop_assert_eq!(first.clone(), dime(k.view(), l.view(), 1.0, 3, 9).unwrap());
        prop_assert_eq!(first.seed, Some(9));
    }

    #[test]
    fn divergences_are_least_at_equality(
        seed in any::<u64>(), d in 1..7_usize,
    ) {
        let conventions = Conventions::covariance();
        let moment = |seed| second_moment(normal_rows(seed, 3 * d + 3, d, 0.2).view(), conventions).unwrap();
        let (p, q) = (moment(seed), moment(seed ^ 1));
        prop_assert!(matrix_kl(p.view(), q.view()).unwrap() >= 0.0);
        prop_assert!(matrix_kl(p.view(), p.view()).unwrap() < 1e-12);
        let cross = matrix_cross_entropy(p.view(), q.view()).unwrap();
        prop_assert!(cross >= matrix_cross_entropy(p.view(), p.view()).unwrap() - 1e-12);
        let (a, b) = (jensen_shannon(p.view(), q.view()).unwrap(), jensen_shannon(q.view(), p.view()).unwrap());
        assert_close(&[a], &[b], 1e-9, 1e-12);
        prop_assert!(jensen_shannon(p.view(), p.view()).unwrap() < 1e-12);
    }

    #[test]
    fn quadratures_are_exact_for_polynomials(
        seed in any::<u64>(), d in 1..12_usize, steps in 1..14_usize,
    ) {
        let x = normal_rows(seed, d + 5, d, 0.3);
        let rows = Rows::new(x.view(), Conventions::covariance()).unwrap().with_trace_of_square().unwrap();
        let a = second_moment(x.view(), Conventions::covariance()).unwrap();
        assert_close(&[rows.trace()], &[a.diag().sum()], 1e-12, 0.0);
        let squares: f64 = a.iter().map(|x| x * x).sum();
        assert_close(&[rows.trace_of_square().unwrap()], &[squares], 1e-12, 0.0);
        assert_matrices_close(&rows.apply(Array2::eye(d).view()).unwrap(), &a, 1e-12, 1e-12);
        let start = normal_rows(seed ^ 1, d, 1, 0.0);
        let quadrature = lanczos_quadrature(&rows, start.as_slice().unwrap(), steps).unwrap();
        let mut power = start.clone();
        for degree in 0..2 * i32::try_from(steps.min(4)).unwrap() {
            let want = product(start.t(), power.view())[[0, 0]];
            let got = quadrature.integrate(|x| x.powi(degree));
            assert_close(&[got], &[want], 1e-8, 1e-10);
            power = product(a.view(), power.view());
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let sentences: Vec<Array2<f64>> =
        (0..12).map(|s| normal_rows(s, 10 + s as usize, 9, 0.4)).collect();
    let views: Vec<_> = sentences.iter().map(|x| x.view()).collect();
    let x = normal_rows(3, 200, 150, 0.4);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let spectra = sentence_spectra(&views, Conventions::paper()).unwrap();
            let whole = Spectrum::of(x.view(), Conventions::paper()).unwrap();
            let dense = second_moment(x.view(), Conventions::paper()).unwrap();
            let slq = slq_entropy(&Dense::new(dense.view()).unwrap(), &SlqConfig::new()).unwrap();
            (spectra, whole, slq)
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn estimates_come_within_their_error() {
    let x = normal_rows(11, 400, 300, 0.5);
    let conventions = Conventions::paper();
    let exact = Spectrum::of(x.view(), conventions).unwrap();
    let rows = Rows::new(x.view(), conventions).unwrap();
    let with_square = rows.clone().with_trace_of_square().unwrap();
    let sigma = second_moment(x.view(), conventions).unwrap();
    let mut errors = Vec::new();
    for seed in 0..8 {
        let config = SlqConfig::new().with_seed(seed);
        let dense = slq_entropy(&Dense::new(sigma.view()).unwrap(), &config).unwrap();
        let free = slq_entropy(&with_square, &config).unwrap();
        assert_close(&[free.entropy], &[dense.entropy], 1e-8, 0.0);
        assert!(free.standard_error < 0.6 * free.plain_standard_error, "{free:?}");
        let one = slq_entropy(&rows, &config).unwrap();
        assert!(!one.with_square && free.with_square);
        for found in [free, one] {
            let off = (found.entropy - exact.entropy()).abs();
            assert!(off < 5.0 * found.standard_error + 1e-4, "{found:?} for {}", exact.entropy());
        }
        errors.push((free.entropy - exact.entropy()) / free.standard_error);
    }
    // The standard error means what it says.
    let spread = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
    assert!((0.3..2.5).contains(&spread), "{errors:?}");

    let low = low_rank(&with_square, &LowRankConfig::new(40)).unwrap();
    assert_close(&low.eigenvalues()[..10], &exact.eigenvalues()[..10], 1e-3, 0.0);
    assert!(low.entropy() >= exact.entropy() - 1e-9);
    assert!((low.renyi(2.0).unwrap() - exact.renyi(2.0).unwrap()).abs() < 0.05);
    let full = low_rank(&with_square, &LowRankConfig::new(300).with_blocks(1)).unwrap();
    assert_close(&[full.entropy()], &[exact.entropy()], 1e-9, 0.0);
}

#[test]
fn jackknife_errors_are_those_of_repetition() {
    // The entropy of 20 blocks of 30 rows, and of 40 fresh data sets of that size.
    let entropy = |c: &Covariance| Ok(c.finish()?.entropy());
    let blocks = |seed: u64| -> Vec<Covariance> {
        (0..20)
            .map(|b| {
                let mut block = Covariance::new(5).unwrap();
                block.update(normal_rows(seed * 100 + b, 30, 5, 0.5).view()).unwrap();
                block
            })
            .collect()
    };
    let report = jackknife(&blocks(1), 0.95, entropy).unwrap();
    assert_eq!(report.without.len(), 20);
    let repeated: Vec<f64> = (2..42)
        .map(|seed| {
            let mut all = Covariance::new(5).unwrap();
            for block in &blocks(seed) {
                all.merge(block).unwrap();
            }
            all.finish().unwrap().entropy()
        })
        .collect();
    let mean = repeated.iter().sum::<f64>() / 40.0;
    let spread = (repeated.iter().map(|h| (h - mean) * (h - mean)).sum::<f64>() / 39.0).sqrt();
    let ratio = report.standard_error / spread;
    assert!((0.5..2.0).contains(&ratio), "{ratio}");
    // Leaving out is what merging the others is.
    let all = blocks(1);
    let mut others = Covariance::new(5).unwrap();
    for block in &all[1..] {
        others.merge(block).unwrap();
    }
    assert_close(&[report.without[0]], &[others.finish().unwrap().entropy()], 1e-10, 0.0);
}

#[test]
fn curves_rise_to_the_whole() {
    let x = normal_rows(3, 120, 40, 0.2);
    let curve = subsample_curve(x.view(), Conventions::paper(), &[10, 30, 120], 5, 1).unwrap();
    assert!(curve[0].entropy < curve[1].entropy && curve[1].entropy < curve[2].entropy);
    let whole = Spectrum::of(x.view(), Conventions::paper()).unwrap();
    assert_close(&[curve[2].entropy], &[whole.entropy()], 1e-12, 0.0);
    assert!(curve.iter().all(|point| point.entropy <= point.cap));
    assert_eq!(
        curve,
        subsample_curve(x.view(), Conventions::paper(), &[10, 30, 120], 5, 1).unwrap()
    );
}

#[test]
fn normalisers_divide() {
    let x = generated(12, 5, 0.7, 0.3, 1.3);
    let spectrum = Spectrum::of(x.view(), Conventions::paper()).unwrap();
    let h = spectrum.entropy();
    for (by, size) in [(Normaliser::LogD, 5.0), (Normaliser::LogN, 12.0), (Normaliser::LogMin, 5.0)]
    {
        assert_close(&[spectrum.normalised_entropy(by)], &[h / f64::ln(size)], 1e-14, 0.0);
    }
    assert_eq!(spectrum.normalised_entropy(Normaliser::Raw), h);
}

#[test]
fn unrelated_representations_have_no_debiased_cka() {
    let mut values = Vec::new();
    for seed in 0..20 {
        let (x, y) = (normal_rows(2 * seed, 20, 60, 0.0), normal_rows(2 * seed + 1, 20, 60, 0.0));
        let found = cka(x.view(), y.view()).unwrap();
        assert!(found.biased > 0.5);
        values.push(found.unbiased.unwrap_or(0.0));
    }
    let mean = values.iter().sum::<f64>() / 20.0;
    assert!(mean.abs() < 0.05, "{mean}");
}
