//! Attention, softmax, perceptrons and linear classifiers.

use assay_array::linalg::svdvals;
use ndarray::{Array2, ArrayView2, Axis};
use serde_json::Value;
use specformer_msvp::attack::Norm;
use specformer_msvp::lipschitz::{
    Activation, AttentionHead, Derivation, attention_at_point, attention_ball, certified_accuracy,
    certified_radius, certified_radius_last_layer, paper_attention_bound, softmax_jacobian_norm,
};
use specformer_msvp::spectral::sigma_upper;
use specformer_msvp::{CertifiedUpper, Classifier, LinearClassifier};

use super::Close;
use crate::common::{gaussian, indices, matrix, number, numbers, vector};

pub(super) fn attention(input: &Value, expect: &Value, close: &Close) {
    let [x, q, k, v] = ["X0", "Wq", "Wk", "Wv"].map(|name| matrix(&input[name]));
    let (scale, delta) = (number(&input["scale"]), number(&input["delta0"]));
    let head = AttentionHead { q: q.view(), k: k.view(), v: v.view(), scale };
    let at = attention_at_point(&head, x.view()).unwrap();
    close.numbers(at.output.iter().copied(), &expect["output"]);
    close.numbers(at.attention.iter().copied(), &expect["attention"]);
    close.numbers(at.softmax_norms.clone(), &expect["softmax_jacobian_norms"]);
    close.number(at.bound, &expect["bound_at_point"]);
    let norms = &expect["norms"];
    for (m, name) in [(&q, "Wq"), (&k, "Wk"), (&v, "Wv"), (&q.dot(&k.t()), "Wq_WkT"), (&x, "X0_2")]
    {
        close.number(sigma_upper(m.view()).unwrap().value(), &norms[name]);
    }
    close.number(x.iter().map(|x| x * x).sum::<f64>().sqrt(), &norms["X0_fro"]);
    let reach = sigma_upper(x.view()).unwrap() + CertifiedUpper::known(delta);
    let ball = attention_ball(&head, x.nrows(), reach).unwrap();
    close.number(ball.value(), &expect["bound_ball_ours"]);
    let paper = paper_attention_bound(&head, x.view(), delta).unwrap();
    close.number(paper, &expect["bound_paper_recalled_unscaled"]);

    // The Jacobian by central differences.
    let f = |x: &Array2<f64>| attention_at_point(&head, x.view()).unwrap().output;
    let mut jacobian = Array2::zeros((at.output.len(), x.len()));
    for (c, (i, j)) in ndarray::indices(x.dim()).into_iter().enumerate() {
        let (mut a, mut b) = (x.clone(), x.clone());
        a[[i, j]] += 1e-5;
        b[[i, j]] -= 1e-5;
        let column = (f(&a) - f(&b)) / 2e-5;
        jacobian.column_mut(c).iter_mut().zip(&column).for_each(|(j, c)| *j = *c);
    }
    let sigma = svdvals(jacobian.view()).unwrap()[0];
    close.number(sigma, &expect["jacobian_sigma_at_X0"]);
    assert!(sigma <= at.bound && sigma <= ball.value());
    // Random pairs inside the ball.
    for seed in 0..100 {
        let inside = |seed| {
            let step = gaussian::<f64>(seed, x.dim());
            let length = step.iter().map(|s| s * s).sum::<f64>().sqrt();
            &x + &(step * (delta / length))
        };
        let (a, b) = (inside(2 * seed), inside(2 * seed + 1));
        let length = |m: &Array2<f64>| m.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!(length(&(f(&a) - f(&b))) <= ball.value() * length(&(&a - &b)));
    }
}

pub(super) fn softmax(input: &Value, expect: &Value, close: &Close) {
    close.number(softmax_jacobian_norm(&numbers(&input["p"])).unwrap(), &expect["sigma"]);
}

pub(super) fn perceptron(input: &Value, expect: &Value, close: &Close) {
    assert_eq!(input["activation"], "relu");
    let weights: Vec<_> = input["weights"].as_array().unwrap().iter().map(matrix).collect();
    let biases: Vec<_> = input["biases"].as_array().unwrap().iter().map(vector).collect();
    let (x, labels) = (matrix(&input["X"]), indices(&input["y"]));
    let mut z = x;
    for (l, (w, b)) in weights.iter().zip(&biases).enumerate() {
        z = z.dot(&w.t()) + b;
        if l + 1 < weights.len() {
            z.mapv_inplace(|z| z.max(0.0));
        }
    }
    close.numbers(z.iter().copied(), &expect["logits"]);

    let mut derivation = Derivation::global();
    for (l, w) in weights.iter().enumerate() {
        derivation = derivation.linear(format!("linear {l}"), w.view()).unwrap();
        if l + 1 < weights.len() {
            derivation = derivation.activation("relu", Activation::Relu);
        }
    }
    let certificate = derivation.finish();
    let sigmas = certificate.steps.iter().filter(|s| s.layer.starts_with("linear"));
    close.numbers(sigmas.map(|s| s.factor.value()), &expect["layer_sigmas"]);
    close.number(certificate.value.value(), &expect["lipschitz_product"]);

    let (last, body) = weights.split_last().unwrap();
    let body = body.iter().fold(Derivation::global(), |d, w| d.linear("", w.view()).unwrap());
    let body = body.finish().value;
    let rows = || z.outer_iter().zip(&labels);
    let whole: Vec<f64> = rows()
        .map(|(z, &y)| certified_radius(&z.to_vec(), y, certificate.value).unwrap())
        .collect();
    let split: Vec<f64> = rows()
        .map(|(z, &y)| certified_radius_last_layer(&z.to_vec(), y, body, last.view()).unwrap())
        .collect();
    close.numbers(whole.clone(), &expect["radius_sqrt2"]);
    close.numbers(split.clone(), &expect["radius_lastlayer_pairwise"]);
    for (radii, name) in
        [(whole, "certified_accuracy_sqrt2"), (split, "certified_accuracy_pairwise")]
    {
        let accuracy =
            numbers(&input["eps"]).into_iter().map(|e| certified_accuracy(&radii, e).unwrap());
        close.numbers(accuracy, &expect[name]);
    }
    close.number(accuracy(z.view(), &labels), &expect["clean_accuracy"]);
}

pub(super) fn accuracy(z: ArrayView2<'_, f64>, labels: &[usize]) -> f64 {
    let right = z.outer_iter().zip(labels).filter(|(z, y)| z.iter().all(|v| *v <= z[**y]));
    right.count() as f64 / labels.len() as f64
}

/// Weight, bias, samples and labels.
pub(super) fn softmax_regression(
    input: &Value,
) -> (LinearClassifier<f64>, Array2<f64>, Vec<usize>) {
    let model = LinearClassifier::new(matrix(&input["W"]), vector(&input["b"])).unwrap();
    (model, matrix(&input["X"]), indices(&input["y"]))
}

pub(super) fn linear(input: &Value, expect: &Value, close: &Close) {
    let (model, x, labels) = softmax_regression(input);
    let epsilons = numbers(&input["eps"]);
    let z = model.logits(x.view()).unwrap();
    let lipschitz = sigma_upper(matrix(&input["W"]).view()).unwrap();
    for (norm, name) in [(Norm::L2, "l2"), (Norm::Linf, "linf")] {
        let radii: Vec<f64> = x
            .axis_iter(Axis(0))
            .zip(&labels)
            .map(|(x, &y)| model.exact_radius(x, y, norm).unwrap())
            .collect();
        close.numbers(radii.clone(), &expect[format!("radius_{name}")]);
        let robust = epsilons.iter().map(|&e| certified_accuracy(&radii, e).unwrap());
        close.numbers(robust, &expect[format!("robust_acc_{name}")]);
    }
    let certified = z
        .outer_iter()
        .zip(&labels)
        .map(|(z, &y)| certified_radius(&z.to_vec(), y, lipschitz).unwrap());
    // The certificate's margin is about 1e-14 here; the file's tolerance is 1e-12.
    close.numbers(certified, &expect["lipschitz_margin_radius_sqrt2"]);
}
