//! The penalty with exact singular values, and one step of the published code.

use ndarray::Array2;
use serde_json::Value;
use specformer_msvp::msvp::{Blocking, MsvpConfig, Power, Qkv, QkvMut};
use specformer_msvp::spectral::{PowerOrder, PowerState};

use super::Close;
use crate::common::{array, matrix, numbers, vector};

struct Setting {
    layers: Vec<Array2<f64>>,
    heads: usize,
    config: MsvpConfig,
}

fn setting(input: &Value) -> Setting {
    let lambdas = numbers(&input["lambda_qkv"]);
    let blocking = match input["blocking"].as_str().unwrap() {
        "whole" => Blocking::Whole,
        "head_rows" => Blocking::HeadRows,
        "repo_cols" => Blocking::RepoCols,
        other => panic!("unknown blocking {other}"),
    };
    let power = match input["power"].as_u64().unwrap() {
        1 => Power::One,
        2 => Power::Two,
        other => panic!("unknown power {other}"),
    };
    Setting {
        layers: input["layers"].as_array().unwrap().iter().map(matrix).collect(),
        heads: input["heads"].as_u64().unwrap() as usize,
        config: MsvpConfig::new()
            .with_lambdas([lambdas[0], lambdas[1], lambdas[2]])
            .with_blocking(blocking)
            .with_power(power),
    }
}

pub(super) fn exact(input: &Value, expect: &Value, close: &Close) {
    assert_eq!(input["sigma"], "exact");
    let Setting { layers, heads, config } = setting(input);
    // Both layouts in memory: as PyTorch has the weights, and as burn has them.
    let transposed: Vec<_> =
        layers.iter().map(|w| w.t().as_standard_layout().into_owned()).collect();
    for views in [
        layers.iter().map(|w| w.view()).collect::<Vec<_>>(),
        transposed.iter().map(|w| w.t()).collect(),
    ] {
        let qkv: Vec<_> = views.iter().map(|&w| Qkv::fused(w, heads).unwrap()).collect();
        // Power iteration with enough steps is exact.
        let mut msvp = config.clone().with_warmup(3000).init(&qkv).unwrap();
        msvp.update(&qkv).unwrap();
        close.number(msvp.penalty(), &expect["penalty"]);
        for (got, want) in
            msvp.spectrum().iter().zip(expect["sigmas_per_layer"].as_array().unwrap())
        {
            let got = got.q.iter().chain(&got.k).chain(&got.v).copied();
            close.numbers(got, want);
        }
        for (l, want) in expect["grads"].as_array().unwrap().iter().enumerate() {
            let mut grads: Vec<Array2<f64>> =
                layers.iter().map(|w| Array2::zeros(w.dim())).collect();
            {
                let mut views: Vec<_> =
                    grads.iter_mut().map(|g| QkvMut::fused(g.view_mut(), heads).unwrap()).collect();
                msvp.add_gradients(&mut views, 1.0).unwrap();
            }
            close.numbers(grads[l].iter().copied(), want);
        }
    }
}

pub(super) fn one_step(input: &Value, expect: &Value, close: &Close) {
    let Setting { layers, heads, config } = setting(input);
    let qkv: Vec<_> = layers.iter().map(|w| Qkv::fused(w.view(), heads).unwrap()).collect();
    assert!(
        input["u0"].as_str().unwrap().starts_with("generator splitmix64_sym seed 40+3*layer+i")
    );
    let d = layers[0].ncols();
    let states = (0..layers.len())
        .map(|layer| {
            [0, 1, 2].map(|i| {
                let description = serde_json::json!({
                    "generator": "splitmix64_sym", "seed": 40 + 3 * layer + i, "shape": [heads, d],
                });
                let u0 = array(&description);
                let rows = u0.outer_iter().map(|u| {
                    let u = vector(&serde_json::json!(u.iter().collect::<Vec<_>>())).to_vec();
                    PowerState::from_vectors(u, vec![0.0; d / heads]).unwrap()
                });
                rows.collect()
            })
        })
        .collect();
    let steps = input["n_power_iterations"].as_u64().unwrap() as usize;
    let config = config.with_order(PowerOrder::VFirst).with_iterations(steps);
    let mut msvp = config.restore(&qkv, states).unwrap();
    msvp.update(&qkv).unwrap();
    close.number(msvp.penalty(), &expect["penalty"]);
    let sigmas = msvp.spectrum();
    close.numbers(
        sigmas.iter().flat_map(|s| s.q.iter().chain(&s.k).chain(&s.v)).copied(),
        &expect["sigmas"],
    );
    let mut grads: Vec<Array2<f64>> = layers.iter().map(|w| Array2::zeros(w.dim())).collect();
    let mut views: Vec<_> =
        grads.iter_mut().map(|g| QkvMut::fused(g.view_mut(), heads).unwrap()).collect();
    msvp.add_gradients(&mut views, 1.0).unwrap();
    close.numbers(grads.iter().flatten().copied(), &expect["grads"]);
}
