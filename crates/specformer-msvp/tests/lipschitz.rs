//! Certificates against what functions do.

use assay_array::linalg::svdvals;
use assay_array::random::{normal, stream};
use ndarray::{Array2, array};
use proptest::prelude::*;
use specformer_msvp::attack::{Attack, Batch, Norm, Pgd, Start, Threat};
use specformer_msvp::lipschitz::{
    Activation, AttentionHead, Derivation, certified_accuracy, certified_radius, cosine_attention,
    jacobian_norms, l2_attention, secant_bound,
};
use specformer_msvp::{CertifiedUpper, Classifier, Error, LinearClassifier};

use crate::attacks::Perceptron;
use crate::common::gaussian;

#[test]
fn activation_constants_are_the_largest_slopes() {
    let phi = |x: f64| (-x * x / 2.0).exp() / (std::f64::consts::TAU).sqrt();
    // Φ by summing φ: enough for a derivative.
    let cdf = move |x: f64| {
        let n = 4000;
        let h = (x + 10.0) / f64::from(n);
        (0..n).map(|i| phi(-10.0 + (f64::from(i) + 0.5) * h) * h).sum::<f64>()
    };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mish = |x: f64| x * (x.exp().ln_1p()).tanh();
    let gelu_tanh = |x: f64| {
        0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
    };
    type Function = Box<dyn Fn(f64) -> f64>;
    let all: Vec<(Activation, Function)> = vec![
        (Activation::Gelu, Box::new(move |x| x * cdf(x))),
        (Activation::GeluTanh, Box::new(gelu_tanh)),
        (Activation::Silu, Box::new(move |x| x * sigmoid(x))),
        (Activation::Mish, Box::new(mish)),
        (Activation::Sigmoid, Box::new(sigmoid)),
        (Activation::Tanh, Box::new(f64::tanh)),
        (Activation::Softplus, Box::new(|x| x.exp().ln_1p())),
        (Activation::Relu, Box::new(|x| x.max(0.0))),
        (Activation::Elu, Box::new(|x| if x > 0.0 { x } else { x.exp_m1() })),
    ];
    for (activation, f) in all {
        let slope = (-600..600)
            .map(|i| f64::from(i) * 0.01 + 0.0005)
            .map(|x| ((f(x + 1e-4) - f(x - 1e-4)) / 2e-4).abs())
            .fold(0.0, f64::max);
        let bound = activation.constant().value();
        // Softplus reaches one only at infinity.
        let tight = if activation == Activation::Softplus { 3e-3 } else { 2e-5 };
        assert!(
            slope <= bound + 1e-6 && slope >= bound - tight,
            "{activation:?}: {slope}, {bound}"
        );
    }
    assert_eq!(Activation::LeakyRelu(-3.0).constant().value(), 3.0);
}

#[test]
fn certified_is_below_exact_is_below_attacked_is_below_clean() {
    let model =
        LinearClassifier::new(gaussian::<f64>(0, (4, 9)), array![0.1, 0.0, -0.1, 0.2]).unwrap();
    let x = gaussian::<f64>(1, (60, 9)).mapv(|x| (0.5 + 0.2 * x).clamp(0.0, 1.0));
    let z = model.logits(x.view()).unwrap();
    // Labels with noise, so that clean accuracy is below one.
    let labels: Vec<usize> = z
        .outer_iter()
        .enumerate()
        .map(|(i, z)| {
            if i % 7 == 0 { i % 4 } else { (0..4).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap() }
        })
        .collect();
    let constant =
        Derivation::global().linear("w", gaussian::<f64>(0, (4, 9)).view()).unwrap().finish();
    let radius =
        |i: usize| certified_radius(&z.row(i).to_vec(), labels[i], constant.value).unwrap();
    let certified: Vec<f64> = (0..60).map(radius).collect();
    let exact: Vec<f64> =
        (0..60).map(|i| model.exact_radius(x.row(i), labels[i], Norm::L2).unwrap()).collect();
    let clean = certified_accuracy(&exact, 0.0).unwrap();
    let mut last = [1.0; 3];
    for epsilon in [0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0] {
        let threat = Threat::new(Norm::L2, epsilon);
        let found = Pgd::new(20)
            .with_start(Start::Clean)
            .attack(&model, &Batch::new(x.view(), &labels), &threat)
            .unwrap();
        let chain = [
            certified_accuracy(&certified, epsilon).unwrap(),
            certified_accuracy(&exact, epsilon).unwrap(),
            found.robust_accuracy(),
        ];
        assert!(
            chain[0] <= chain[1] && chain[1] <= chain[2] && chain[2] <= clean,
            "{epsilon}: {chain:?}"
        );
        assert!(chain.iter().zip(&last).all(|(now, before)| now <= before));
        last = chain;
    }
    assert!(last[0] < clean);
}

#[test]
fn estimates_from_below_meet_the_jacobian() {
    let model = Perceptron::new(1, vec![6], 8, 4);
    let x = gaussian::<f64>(2, (5, 6)).mapv(|x| 0.3 * x);
    let below = jacobian_norms(&model, x.view(), 40, 0).unwrap();
    for i in 0..5 {
        let mut jacobian = Array2::<f64>::zeros((4, 6));
        for c in 0..4 {
            let row = x.select(ndarray::Axis(0), &[i]);
            let (_, g) = model
                .gradient(row.view(), &mut |z| {
                    let mut w = Array2::zeros(z.dim());
                    w[[0, c]] = 1.0;
                    Ok(w)
                })
                .unwrap();
            jacobian.row_mut(c).assign(&g.row(0));
        }
        let exact = svdvals(jacobian.view()).unwrap()[0];
        let value = below[i].value();
        assert!(value <= exact && value >= exact * (1.0 - 1e-6), "{value} of {exact}");
    }
    let near = &x + &gaussian::<f64>(3, (5, 6)).mapv(|x| 1e-3 * x);
    let secant = secant_bound(&model, x.view(), near.view()).unwrap().value();
    assert!(secant > 0.0 && secant <= 2.0 * below.iter().map(|b| b.value()).fold(0.0, f64::max));
    assert_eq!(secant_bound(&model, x.view(), x.view()).unwrap().value(), 0.0);
}

/// A residual block of layer norm, attention and a matrix, written out.
fn block(x: &Array2<f64>, w: &[Array2<f64>; 5], gamma: &[f64], epsilon: f64) -> Array2<f64> {
    let mut n = x.clone();
    for mut row in n.rows_mut() {
        let mean = row.mean().unwrap();
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
        for (x, g) in row.iter_mut().zip(gamma) {
            *x = g * (*x - mean) / (variance + epsilon).sqrt();
        }
    }
    let mut a = n.dot(&w[0]).dot(&n.dot(&w[1]).t()) * 0.5;
    for mut row in a.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |m, x| m.max(*x));
        row.mapv_inplace(|x| (x - largest).exp());
        let sum = row.sum();
        row /= sum;
    }
    let attended = x + &a.dot(&n).dot(&w[2]).dot(&w[3]);
    attended.dot(&w[4])
}

#[test]
fn a_ball_certificate_holds_on_random_pairs() {
    let (tokens, width, radius, epsilon) = (4, 6, 0.05, 1e-6);
    let x = gaussian::<f64>(1, (tokens, width));
    let w = [2, 3, 4, 5, 6].map(|seed| gaussian::<f64>(seed, (width, width)) * 0.4);
    let gamma = [1.0, 0.5, -1.5, 1.0, 0.8, 1.2];
    let head = AttentionHead { q: w[0].view(), k: w[1].view(), v: w[2].view(), scale: 0.5 };
    let mut n = x.clone();
    for mut row in n.rows_mut() {
        let mean = row.mean().unwrap();
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
        row.iter_mut()
            .zip(gamma)
            .for_each(|(x, g)| *x = g * (*x - mean) / (variance + epsilon).sqrt());
    }
    let certificate = Derivation::ball(radius)
        .unwrap()
        .residual("block", |d| {
            d.layer_norm("norm", &gamma, epsilon, Some(x.view()))?.attention(
                "attention",
                &[head],
                Some(w[3].view()),
                n.view(),
            )
        })
        .unwrap()
        .linear("head", w[4].view())
        .unwrap()
        .finish();
    let constant = certificate.value.value();
    assert!(constant.is_finite());
    let length = |m: &Array2<f64>| m.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut worst = 0.0_f64;
    for seed in 0..300 {
        let mut rng = stream(seed, "pairs", 0);
        let mut inside = || {
            let step = Array2::from_shape_simple_fn(x.dim(), || normal(&mut rng));
            &x + &(&step * (radius / length(&step)))
        };
        let (a, b) = (inside(), inside());
        let stretched = length(&(block(&a, &w, &gamma, epsilon) - block(&b, &w, &gamma, epsilon)));
        worst = worst.max(stretched / length(&(&a - &b)));
    }
    assert!(worst <= constant && worst > 0.0, "{worst} {constant}");
    // It prints every layer, the branch before the block that contains it.
    let layers: Vec<&str> = certificate.steps.iter().map(|s| s.layer.as_str()).collect();
    assert_eq!(layers, ["norm", "attention", "block", "head"]);
    let text = certificate.to_string();
    assert_eq!(text.lines().count(), 5);
    assert!(layers.iter().all(|layer| text.contains(layer)), "{text}");
    assert!(text.contains("on the ball of radius 0.05"));
}

#[test]
fn what_has_no_global_constant_says_so() {
    let w = gaussian::<f64>(0, (3, 3));
    let head = AttentionHead { q: w.view(), k: w.view(), v: w.view(), scale: 1.0 };
    let error = Derivation::global().attention("blocks.0", &[head], None, w.view()).unwrap_err();
    assert!(matches!(&error, Error::NeedsBall { layer } if layer == "blocks.0"), "{error}");
    let weak = Derivation::global().layer_norm::<f64>("norm", &[2.0], 1e-6, None).unwrap().finish();
    assert!((weak.value.value() - 2000.0).abs() < 1e-6);
}

#[test]
fn pools_and_norms_have_their_constants() {
    let value = |d: Derivation| d.finish().value.value();
    let close = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-12, "{got} {want}");
    let g = Derivation::global;
    close(value(g().mean_pool("", 4)), 0.5);
    close(value(g().max_pool("", [2, 2], [2, 2])), 1.0);
    close(value(g().max_pool("", [3, 3], [2, 2])), 2.0);
    close(value(g().center_norm("", &[1.0, -2.0, 0.5])), 3.0);
    close(value(g().batch_norm("", &[1.0, -3.0], &[0.25, 1.0], 0.0).unwrap()), 3.0);
    assert!(g().batch_norm("", &[1.0], &[0.0], 0.0).is_err());
    assert!(g().batch_norm("", &[1.0, 2.0], &[1.0], 0.0).is_err());
    close(
        value(g().residual("", |d| Ok(d.factor("", "", CertifiedUpper::known(2.0)))).unwrap()),
        3.0,
    );
}

proptest! {
    #[test]
    fn upper_bounds_never_round_down(a in 0.0_f64..1e10, b in 0.0_f64..1e10) {
        let (x, y) = (CertifiedUpper::known(a), CertifiedUpper::known(b));
        prop_assert!((x + y).value() >= a + b && (x * y).value() >= a * b);
        prop_assert!(x.sqrt().value().powi(2) >= a * (1.0 - 1e-15));
        prop_assert!(x.min(y).value() <= x.max(y).value());
    }
}

#[test]
fn odd_numbers_make_no_small_bound() {
    for odd in [f64::NAN, -1.0, f64::NEG_INFINITY] {
        assert_eq!(CertifiedUpper::known(odd).value(), f64::INFINITY);
    }
    let (zero, tiny) = (CertifiedUpper::known(0.0), CertifiedUpper::known(1e-300));
    assert_eq!((zero * CertifiedUpper::known(f64::INFINITY)).value(), 0.0);
    assert!((tiny * tiny).value() > 0.0);
    assert_eq!(certified_radius(&[1.0, 0.0], 0, zero).unwrap(), f64::INFINITY);
    assert_eq!(certified_radius(&[1.0, 1.0], 0, zero).unwrap(), 0.0);
    assert_eq!(certified_radius(&[0.0, 1.0], 0, zero).unwrap(), f64::NEG_INFINITY);
    assert_eq!(certified_accuracy(&[], 0.1), None);
    assert_eq!(certified_accuracy(&[f64::NAN], 0.1), None);
}

/// Rows of probabilities.
fn softmax(mut scores: Array2<f64>) -> Array2<f64> {
    for mut row in scores.rows_mut() {
        let largest = row.iter().fold(f64::NEG_INFINITY, |m, s| s.max(m));
        row.mapv_inplace(|s| (s - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|s| s / sum);
    }
    scores
}

/// The norm of a function's Jacobian by differences.
fn jacobian(f: &dyn Fn(&Array2<f64>) -> Array2<f64>, x: &Array2<f64>) -> f64 {
    let columns: Vec<Vec<f64>> = (0..x.len())
        .map(|i| {
            let at = |h: f64| {
                let mut x = x.clone();
                *x.iter_mut().nth(i).unwrap() += h;
                f(&x)
            };
            ((at(1e-5) - at(-1e-5)) / 2e-5).into_iter().collect()
        })
        .collect();
    let j = Array2::from_shape_fn((columns.len(), columns[0].len()), |(i, k)| columns[i][k]);
    svdvals(j.view()).unwrap()[0]
}

#[test]
fn attention_with_a_constant_everywhere_stays_below_it() {
    let (epsilon, scale, tau, nu) = (0.01, 0.6, 4.0, 0.8);
    let mut worst = [0.0_f64; 2];
    for seed in 0..30 {
        let n = 2 + seed as usize % 5;
        let draw = |i: u64, shape| gaussian::<f64>(10 * seed + i, shape);
        let (q, k, v) = (draw(0, (4, 3)), draw(1, (4, 3)), draw(2, (4, 3)));
        let l2 = |x: &Array2<f64>| {
            let y = x.dot(&q);
            let distance = Array2::from_shape_fn((n, n), |(i, j)| {
                (&y.row(i) - &y.row(j)).mapv(|d| d * d).sum()
            });
            softmax(distance * -scale).dot(&y).dot(&q.t().dot(&v)) * scale
        };
        let unit = |mut y: Array2<f64>| {
            for mut row in y.rows_mut() {
                let length = (row.mapv(|x| x * x).sum() + epsilon).sqrt();
                row.mapv_inplace(|x| x / length);
            }
            y
        };
        let cosine = |x: &Array2<f64>| {
            let [q, k, v] = [&q, &k, &v].map(|w| unit(x.dot(w)));
            softmax(q.dot(&k.t()) * tau).dot(&v) * nu
        };
        let head = AttentionHead { q: q.view(), k: k.view(), v: v.view(), scale: tau };
        let bounds = [
            l2_attention(q.view(), v.view(), scale, n).unwrap().value(),
            cosine_attention(&head, nu, epsilon, n, [0.0; 3]).unwrap().value(),
        ];
        // Near together, far apart, and where cosines change fastest: near zero.
        for size in [0.03, 0.3, 1.0, 3.0] {
            let x = draw(3, (n, 4)) * size;
            let found = [jacobian(&l2, &x), jacobian(&cosine, &x)];
            for i in 0..2 {
                assert!(found[i] <= bounds[i] * (1.0 + 1e-6), "{i}: {found:?} {bounds:?}");
                worst[i] = worst[i].max(found[i] / bounds[i]);
            }
            // Rows that are known to have a length change less.
            let least = [&q, &k, &v].map(|w| {
                let y = x.dot(w);
                let shortest = y.rows().into_iter().map(|r| r.mapv(|x| x * x).sum().sqrt());
                shortest.fold(f64::INFINITY, f64::min)
            });
            let here = cosine_attention(&head, nu, epsilon, n, least).unwrap().value();
            assert!(found[1] <= here * (1.0 + 1e-6) && here <= bounds[1]);
        }
    }
    // Bounds of another order would say nothing.
    assert!(worst[0] > 0.1 && worst[1] > 0.1, "{worst:?}");
    assert!(l2_attention(array![[1.0]].view(), array![[1.0], [2.0]].view(), 1.0, 3).is_err());
    assert!(l2_attention(array![[1.0]].view(), array![[1.0]].view(), -1.0, 3).is_err());
}
