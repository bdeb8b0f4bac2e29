//! Spectral norms on random and on difficult matrices, and convolutions against their matrices.

use assay_array::linalg::svdvals;
use ndarray::{Array2, Array4, s};
use proptest::prelude::*;
use specformer_msvp::msvp::{Blocking, MsvpConfig, Power, Qkv, QkvMut};
use specformer_msvp::spectral::conv::{self, Geometry, Padding};
use specformer_msvp::spectral::{
    PowerOrder, PowerState, is_upper_bound, sigma_max_lanczos, sigma_max_svd, sigma_upper,
    sigma_upper_gram,
};

use crate::common::{dense_conv, gaussian};

fn sigma(w: &Array2<f64>) -> f64 {
    svdvals(w.view()).unwrap().first().copied().unwrap_or(0.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn bounds_are_on_their_sides(m in 1_usize..30, n in 1_usize..30, seed in 0_u64..1000, scale in -150_i32..150) {
        let w = gaussian::<f64>(seed, (m, n)) * 10_f64.powi(scale);
        let exact = sigma(&w);
        let lanczos = sigma_max_lanczos(w.view(), 1e-12).unwrap();
        prop_assert!(lanczos.converged);
        prop_assert!(lanczos.sigma.value() <= exact * (1.0 + 1e-14));
        prop_assert!(lanczos.sigma.value() >= exact * (1.0 - 1e-10));
        let upper = sigma_upper(w.view()).unwrap().value();
        // The decomposition itself is exact to a few digits of the last place.
        prop_assert!(upper >= exact * (1.0 - 1e-14) && upper <= exact * (1.0 + 1e-9), "{upper} {exact}");
        let mut last = f64::INFINITY;
        for k in 0..8 {
            let gram = sigma_upper_gram(w.view(), k).unwrap().value();
            let rank = m.min(n) as f64;
            prop_assert!(gram >= exact * (1.0 - 1e-14) && gram <= last * (1.0 + 1e-12));
            prop_assert!(gram <= exact * rank.powf(2_f64.powi(-(k as i32) - 1)) * (1.0 + 1e-9));
            last = gram;
        }
        let mut state = PowerState::random(w.dim(), seed, 0);
        let mut sigma = 0.0;
        for _ in 0..20 {
            let next = state.step(w.view(), PowerOrder::OnePass).unwrap();
            prop_assert!(next >= sigma * (1.0 - 1e-13) && next <= exact * (1.0 + 1e-13));
            sigma = next;
        }
    }

    #[test]
    fn scaling_and_transposing_change_nothing(m in 1_usize..20, n in 1_usize..20, seed in 0_u64..1000) {
        let w = gaussian::<f64>(seed, (m, n));
        let scaled = w.mapv(|x| x * 2_f64.powi(-40));
        let plain = sigma_upper(w.view()).unwrap().value();
        let other = sigma_upper(scaled.view()).unwrap().value() * 2_f64.powi(40);
        let turned = sigma_upper(w.t()).unwrap().value();
        prop_assert!((plain / other - 1.0).abs() < 1e-12 && (plain / turned - 1.0).abs() < 1e-9);
        prop_assert!((sigma_upper(w.mapv(|x| -x).view()).unwrap().value() / plain - 1.0).abs() < 1e-12);
    }

    #[test]
    fn blocks_lie_between_the_norms(seed in 0_u64..1000, heads in 1_usize..4, width in 1_usize..4) {
        let d = heads * width;
        let w = gaussian::<f64>(seed, (3 * d, d));
        let whole = sigma(&w.slice(s![..d, ..]).to_owned()).powi(2);
        let frobenius: f64 = w.slice(s![..d, ..]).iter().map(|x| x * x).sum();
        for blocking in [Blocking::HeadRows, Blocking::RepoCols] {
            let layers = [Qkv::fused(w.view(), heads).unwrap()];
            let config = MsvpConfig::new().with_lambdas([1.0, 0.0, 0.0]).with_blocking(blocking);
            let msvp = config.with_warmup(3000).init(&layers).unwrap();
            let sum = msvp.penalty();
            prop_assert!(sum >= whole * (1.0 - 1e-4) && sum <= frobenius * (1.0 + 1e-9));
        }
    }

    #[test]
    fn convolutions_are_bounded(
        o in 1_usize..4, i in 1_usize..3, kh in 1_usize..4, kw in 1_usize..4, n in 3_usize..7,
        stride in 1_usize..3, dilation in 1_usize..3, seed in 0_u64..1000,
    ) {
        let flat = gaussian::<f64>(seed, (o * i, kh * kw));
        let k = Array4::from_shape_vec((o, i, kh, kw), flat.into_raw_vec_and_offset().0).unwrap();
        let (input, step, spread) = ([n, n + 1], [stride, stride], [dilation, 1]);
        let geometry = Geometry::new(input).with_stride(step).with_dilation(spread);
        let bounds = [
            conv::upper(k.view(), geometry).unwrap().value(),
            conv::frequency_upper(k.view(), geometry).unwrap().value(),
            conv::unfolding_upper(k.view(), geometry).unwrap().value(),
            conv::taps_upper(k.view(), geometry).unwrap().value(),
        ];
        for padding in [[0, 0], [dilation * (kh - 1) / 2, (kw - 1) / 2], [dilation * (kh - 1), kw - 1]] {
            if input[0] + 2 * padding[0] < dilation * (kh - 1) + 1 || input[1] + 2 * padding[1] < kw {
                continue;
            }
            let exact = sigma(&dense_conv(k.view(), input, step, spread, padding, false));
            for bound in bounds {
                prop_assert!(bound >= exact * (1.0 - 1e-12), "{bound} does not bound {exact}");
            }
        }
        let circular = geometry.with_padding(Padding::Circular);
        let exact = sigma(&dense_conv(k.view(), input, step, spread, [0, 0], true));
        let bound = conv::frequency_upper(k.view(), circular).unwrap().value();
        prop_assert!(bound >= exact * (1.0 - 1e-12), "{bound} does not bound {exact}");
        if input.iter().all(|n| n.is_multiple_of(stride)) {
            let by_frequency = conv::sigma_circular(k.view(), circular).unwrap();
            prop_assert!((by_frequency / exact - 1.0).abs() < 1e-9, "{by_frequency} {exact}");
            prop_assert!(bound <= exact * (1.0 + 1e-8));
        }
    }
}

#[test]
fn grouped_convolutions_are_the_worst_of_their_groups() {
    let flat = gaussian::<f64>(3, (4 * 2, 9));
    let k = Array4::from_shape_vec((4, 2, 3, 3), flat.into_raw_vec_and_offset().0).unwrap();
    let one = Geometry::new([5, 5]);
    let of =
        |from: usize| conv::upper(k.slice(s![from..from + 2, .., .., ..]), one).unwrap().value();
    let grouped = conv::upper(k.view(), one.with_groups(2)).unwrap().value();
    assert!((grouped / of(0).max(of(2)) - 1.0).abs() < 1e-9);
    assert!(conv::upper(k.view(), one.with_groups(3)).is_err());
}

#[test]
fn f32_is_multiplied_in_f32_and_certified_in_f64() {
    for shape in [(70, 130), (130, 70), (64, 64)] {
        let w = gaussian::<f32>(9, shape);
        let exact = sigma(&w.mapv(f64::from));
        let lanczos = sigma_max_lanczos(w.view(), 1e-6).unwrap();
        assert!(lanczos.converged && (lanczos.sigma.value() / exact - 1.0).abs() < 1e-6);
        assert!(lanczos.sigma.value() <= exact);
        let upper = sigma_upper(w.view()).unwrap().value();
        assert!(upper >= exact && upper <= exact * (1.0 + 1e-6), "{upper} {exact}");
        assert!((sigma_max_svd(w.view()).unwrap().sigma / exact - 1.0).abs() < 1e-12);
    }
}

#[test]
fn extreme_and_degenerate_matrices_are_answered() {
    for scale in [1e-45_f32, 1e-38, 1e-30, 1e30, 3e38] {
        let w = Array2::from_diag(&ndarray::array![scale, scale / 2.0]);
        let exact = f64::from(scale);
        let mut state = PowerState::random(w.dim(), 0, 0);
        for _ in 0..60 {
            state.step(w.view(), PowerOrder::OnePass).unwrap();
        }
        // Subnormal numbers have fewer digits.
        let tolerance = if scale < 1e-37 { 0.5 } else { 1e-5 };
        assert!((state.sigma() / exact - 1.0).abs() <= tolerance, "{scale}: {}", state.sigma());
        let upper = sigma_upper(w.view()).unwrap().value();
        assert!(upper >= exact && upper <= exact * 1.001, "{scale}: {upper}");
    }
    for scale in [5e-324, 1e-310, 1e-200, 1e200, 1e308] {
        let w = Array2::from_diag(&ndarray::array![scale, 0.0, scale]);
        let upper = sigma_upper(w.view()).unwrap().value();
        assert!(upper >= scale && upper <= scale * 1.001 + 1e-320, "{scale}: {upper}");
        assert!(sigma_upper_gram(w.view(), 3).unwrap().value() >= scale);
        let lanczos = sigma_max_lanczos(w.view(), 1e-10).unwrap().sigma.value();
        assert!(lanczos <= scale);
        let mut state = PowerState::random(w.dim(), 0, 0);
        for _ in 0..5 {
            assert!(state.step(w.view(), PowerOrder::VFirst).unwrap() <= scale * (1.0 + 1e-12));
        }
    }
}

#[test]
fn zero_weights_have_no_gradient_and_come_back_to_life() {
    let zero = Array2::<f64>::zeros((3, 4));
    let mut state = PowerState::random(zero.dim(), 0, 0);
    for order in [PowerOrder::OnePass, PowerOrder::UFirst, PowerOrder::VFirst] {
        assert_eq!(state.step(zero.view(), order).unwrap(), 0.0);
        let mut g = Array2::<f64>::zeros(zero.dim());
        state.add_gradient(1.0, g.view_mut()).unwrap();
        assert!(g.iter().all(|g| *g == 0.0));
    }
    assert_eq!(sigma_upper(zero.view()).unwrap().value(), 0.0);
    assert_eq!(sigma_upper_gram(zero.view(), 4).unwrap().value(), 0.0);
    assert!(is_upper_bound(zero.view(), 0.0).unwrap());
    let found = sigma_max_lanczos(zero.view(), 1e-6).unwrap();
    assert!(found.converged && found.sigma.value() == 0.0 && found.v == [0.0; 4]);
    let w = gaussian::<f64>(1, (3, 4));
    for _ in 0..200 {
        state.step(w.view(), PowerOrder::OnePass).unwrap();
    }
    assert!((state.sigma() / sigma(&w) - 1.0).abs() < 1e-9);
}

#[test]
fn a_vector_orthogonal_to_the_rows_is_replaced() {
    let w = ndarray::array![[0.0, 5.0], [0.0, 0.0]];
    for order in [PowerOrder::OnePass, PowerOrder::UFirst, PowerOrder::VFirst] {
        let mut state = PowerState::from_vectors(vec![0.0, 1.0], vec![1.0, 0.0]).unwrap();
        state.step(w.view(), order).unwrap();
        assert!((state.sigma() - 5.0).abs() < 1e-12, "{order:?}: {}", state.sigma());
    }
}

#[test]
fn a_warm_start_follows_drifting_weights() {
    let mut w = gaussian::<f64>(5, (48, 48));
    let mut state = PowerState::random(w.dim(), 0, 0);
    for step in 0..400 {
        w = w + gaussian::<f64>(100 + step, (48, 48)) * 1e-3;
        state.step(w.view(), PowerOrder::OnePass).unwrap();
    }
    assert!((state.sigma() / sigma(&w) - 1.0).abs() < 1e-3);
}

#[test]
fn the_penaltys_gradient_is_that_of_the_exact_penalty() {
    let (d, heads) = (6, 2);
    let w = gaussian::<f64>(7, (3 * d, d));
    for (blocking, power) in [
        (Blocking::Whole, Power::One),
        (Blocking::HeadRows, Power::Two),
        (Blocking::RepoCols, Power::Two),
    ] {
        let config = MsvpConfig::new()
            .with_lambdas([0.3, 0.2, 0.1])
            .with_blocking(blocking)
            .with_power(power)
            .with_layer_weights(vec![2.0])
            .with_warmup(2000);
        let penalty = |flat: &[f64]| {
            let w = Array2::from_shape_vec((3 * d, d), flat.to_vec()).unwrap();
            let layers = [Qkv::fused(w.view(), heads).unwrap()];
            config.clone().init(&layers).unwrap().penalty()
        };
        let msvp = config.clone().init(&[Qkv::fused(w.view(), heads).unwrap()]).unwrap();
        let mut g = Array2::<f64>::zeros(w.dim());
        msvp.add_gradients(&mut [QkvMut::fused(g.view_mut(), heads).unwrap()], 1.0).unwrap();
        let (g, w) = (g.into_raw_vec_and_offset().0, w.iter().copied().collect::<Vec<_>>());
        assay_array::testing::gradcheck(penalty, &g, &w, 1e-5, 1e-7);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let w = gaussian::<f32>(2, (96, 32));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let layers = [Qkv::fused(w.view(), 4).unwrap(); 3];
            let mut msvp = MsvpConfig::new().init(&layers).unwrap();
            msvp.update(&layers).unwrap();
            let mut g = [w.clone(), w.clone(), w.clone()];
            let mut views: Vec<_> =
                g.iter_mut().map(|g| QkvMut::fused(g.view_mut(), 4).unwrap()).collect();
            msvp.add_gradients(&mut views, 0.5).unwrap();
            (msvp, g)
        })
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn orders_agree_at_convergence_in_either_layout() {
    let w = gaussian::<f64>(4, (12, 20));
    let turned = w.t().as_standard_layout().into_owned();
    let exact = sigma(&w);
    for order in [PowerOrder::OnePass, PowerOrder::UFirst, PowerOrder::VFirst] {
        let start = PowerState::random(w.dim(), 1, 0);
        let (mut a, mut b) = (start.clone(), start);
        for _ in 0..500 {
            a.step(w.view(), order).unwrap();
            b.step(turned.t(), order).unwrap();
        }
        assert!((a.sigma() / exact - 1.0).abs() < 1e-9 && (b.sigma() / exact - 1.0).abs() < 1e-9);
        // The named orders do not depend on how the matrix lies.
        if order != PowerOrder::OnePass {
            assert!((a.sigma() / b.sigma() - 1.0).abs() < 1e-13);
        }
    }
}
