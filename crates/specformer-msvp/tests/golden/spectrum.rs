//! Matrices and convolutions.

use assay_array::linalg::svdvals;
use ndarray::{Array2, ArrayView2};
use serde_json::Value;
use specformer_msvp::spectral::conv::{self, Geometry, Padding};
use specformer_msvp::spectral::{
    PowerOrder, PowerState, is_upper_bound, sigma_max_lanczos, sigma_max_svd, sigma_upper,
    sigma_upper_gram,
};

use super::Close;
use crate::common::{array, dense_conv, indices, kernel, matrix, number, numbers, vector};

pub(super) fn sigma_max(input: &Value, expect: &Value, close: &Close) {
    let w = matrix(&input["W"]);
    let want = number(&expect["sigma"]);
    let (u, v) = every_method(w.view(), want, close, &expect["sigma"]);
    if let Some(second) = expect.get("sigma2") {
        let got = sigma_max_svd(w.view()).unwrap().second;
        assert!((got - number(second)).abs() <= 1e-10 * want);
        close.number(w.iter().map(|x| x * x).sum::<f64>().sqrt(), &expect["fro"]);
        close.number(sigma_upper_gram(w.view(), 0).unwrap().value(), &expect["fro"]);
        let sums = |w: ArrayView2<'_, f64>| {
            w.outer_iter().map(|r| r.iter().map(|x| x.abs()).sum()).fold(0.0, f64::max)
        };
        close.number(sums(w.view()), &expect["norminf"]);
        close.number(sums(w.t()), &expect["norm1"]);
    }
    // The vectors are singular vectors, or zero for zero.
    let image: Vec<f64> =
        w.outer_iter().map(|r| r.iter().zip(&v).map(|(w, v)| w * v).sum()).collect();
    for (x, u) in image.iter().zip(&u) {
        assert!((x - want * u).abs() <= 1e-9 * want);
    }
}

fn every_method(
    w: ArrayView2<'_, f64>,
    want: f64,
    close: &Close,
    value: &Value,
) -> (Vec<f64>, Vec<f64>) {
    let top = sigma_max_svd(w).unwrap();
    close.number(top.sigma, value);
    for w in [w, w.to_owned().reversed_axes().view(), w.t(), w.as_standard_layout().view()] {
        let lanczos = sigma_max_lanczos(w, 1e-13).unwrap();
        assert!(lanczos.converged, "{} steps", lanczos.steps);
        assert!(lanczos.sigma.value() <= want * (1.0 + 1e-15));
        close.number(lanczos.sigma.value(), value);
        let upper = sigma_upper(w).unwrap().value();
        assert!(upper >= want && upper <= want * (1.0 + 1e-9), "{upper} bounds {want}");
        assert!(is_upper_bound(w, want * (1.0 + 1e-9)).unwrap());
        if want > 0.0 {
            assert!(!is_upper_bound(w, want * (1.0 - 1e-9)).unwrap());
        }
        assert!(sigma_upper_gram(w, 60).unwrap().value() <= want * (1.0 + 1e-10));
        assert!(sigma_upper_gram(w, 60).unwrap().value() >= want);
        for order in [PowerOrder::OnePass, PowerOrder::UFirst, PowerOrder::VFirst] {
            let mut state = PowerState::random(w.dim(), 0, 0);
            let mut last = 0.0;
            for _ in 0..500 {
                let next = state.step(w, order).unwrap();
                assert!(next >= last * (1.0 - 1e-13) && next <= want * (1.0 + 1e-13));
                last = next;
            }
            // The gap of Gaussian-like matrices is small: the error after 500 steps is not.
            assert!(last >= want * (1.0 - 1e-4), "{last} of {want}");
            assert!(state.lower_bound(w).unwrap().value() <= want);
        }
    }
    (top.u, top.v)
}

pub(super) fn power_iteration(input: &Value, expect: &Value, close: &Close) {
    let w = matrix(&input["W"]);
    let u0 = vector(&input["u0"]).to_vec();
    let mut state = PowerState::from_vectors(u0, vec![0.0; w.ncols()]).unwrap();
    close.numbers(state.u().to_vec(), &input["u0_normalized"]);
    let mut step = 0;
    for want in expect["steps"].as_array().unwrap() {
        while step < want["step"].as_u64().unwrap() {
            state.step(w.view(), PowerOrder::VFirst).unwrap();
            step += 1;
        }
        close.numbers(state.u().to_vec(), &want["u"]);
        close.numbers(state.v().to_vec(), &want["v"]);
        close.number(state.sigma(), &want["sigma"]);
        assert!(state.sigma() <= number(&expect["sigma_exact"]));
    }
}

pub(super) fn reparametrisation(input: &Value, expect: &Value, close: &Close) {
    let w = matrix(&input["W"]);
    let (u, v) = (numbers(&input["u0"]), numbers(&input["v0"]));
    let mut state = PowerState::from_vectors(u, v).unwrap();
    for _ in 0..input["n_power_iterations"].as_u64().unwrap() {
        state.step(w.view(), PowerOrder::UFirst).unwrap();
    }
    close.numbers(state.u().to_vec(), &expect["u"]);
    close.numbers(state.v().to_vec(), &expect["v"]);
    close.numbers(w.mapv(|w| w / state.sigma()), &expect["W_sn"]);
}

pub(super) fn gradient(input: &Value, expect: &Value, close: &Close) {
    let w = matrix(&input["W"]);
    let top = sigma_max_svd(w.view()).unwrap();
    close.number(top.sigma, &expect["sigma"]);
    let mut state = PowerState::from_vectors(top.u, top.v).unwrap();
    // Converged already; the step sets sigma.
    state.step(w.view(), PowerOrder::OnePass).unwrap();
    for (s, want) in [(1.0, "grad_sigma"), (2.0 * state.sigma(), "grad_sigma_sq")] {
        for mut g in [Array2::zeros(w.dim()), Array2::zeros((w.ncols(), w.nrows())).reversed_axes()]
        {
            state.add_gradient(s, g.view_mut()).unwrap();
            close.numbers(g.iter().copied(), &expect[want]);
        }
    }
}

pub(super) fn gram_iteration(input: &Value, expect: &Value, close: &Close) {
    let w = matrix(&input["W"]);
    let bounds = expect["bound_by_K"].as_array().unwrap();
    let got = (0..bounds.len()).map(|k| sigma_upper_gram(w.view(), k).unwrap().value());
    close.numbers(got, &expect["bound_by_K"]);
    close.number(svdvals(w.view()).unwrap()[0], &expect["sigma"]);
}

pub(super) fn convolution(input: &Value, expect: &Value, close: &Close) {
    let k = kernel(&input["kernel"]);
    let n = input["n"].as_u64().unwrap() as usize;
    assert_eq!(input["stride"], 1);
    assert_eq!(input["padding"], "same");
    let zero = Geometry::new([n, n]);
    let circular = zero.with_padding(Padding::Circular);
    let exact = conv::sigma_circular(k.view(), circular).unwrap();
    close.number(exact, &expect["sigma_circular"]);
    // Against the operator written out, for both paddings.
    let pad = [(k.dim().2 - 1) / 2, (k.dim().3 - 1) / 2];
    let dense = |circular| dense_conv(k.view(), [n, n], [1, 1], [1, 1], pad, circular);
    close.number(svdvals(dense(true).view()).unwrap()[0], &expect["sigma_circular"]);
    let sigma_zero = svdvals(dense(false).view()).unwrap()[0];
    close.number(sigma_zero, &expect["sigma_zero_pad"]);

    let unfolding = conv::unfolding_upper(k.view(), zero).unwrap().value();
    close.number(unfolding, &expect["unfolding_bound_sqrt_khkw_min"]);
    let (taps, l1) = (k.dim().2 * k.dim().3, conv::taps_upper(k.view(), zero).unwrap().value());
    let least = numbers(&expect["unfolding_norms"]).into_iter().fold(f64::INFINITY, f64::min);
    assert!((unfolding - (taps as f64).sqrt() * least).abs() < 1e-9 * unfolding);
    close.number(l1, &expect["l1_tap_bound"]);
    let flat =
        array(&input["kernel"]).to_shape((k.dim().0, k.len() / k.dim().0)).unwrap().to_owned();
    close.number(sigma_max_svd(flat.view()).unwrap().sigma, &expect["reshaped_2d_norm"]);

    let grams = expect["gram_circular_by_K"].as_array().unwrap();
    let got = (0..grams.len()).map(|k_| conv::gram_upper(k.view(), circular, k_).unwrap().value());
    close.numbers(got, &expect["gram_circular_by_K"]);

    // Everything certified bounds what it certifies, and the circular one is tight.
    let circular = conv::frequency_upper(k.view(), circular).unwrap().value();
    assert!(circular >= exact && circular <= exact * (1.0 + 1e-9));
    let upper = conv::upper(k.view(), zero).unwrap().value();
    assert!(upper >= sigma_zero && upper <= unfolding && upper <= l1);
    assert!(indices(&input["n"])[0] == n);
}
