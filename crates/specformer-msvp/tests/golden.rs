//! Every case of `testdata/golden/specformer.json`.

mod attacks;
mod certificates;
mod penalty;
mod spectrum;

use std::collections::BTreeMap;

use assay_array::testing::{SplitMix64, assert_close, cases, golden};
use serde_json::Value;

use crate::common::{number, numbers};

/// A case's tolerance: `|got − want| ≤ abs + rel·|want|`.
pub(crate) struct Close {
    rel: f64,
    abs: f64,
}

impl Close {
    fn of(case: &Value) -> Self {
        let tol = &case["tol"];
        let part = |name: &str| tol.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        Self { rel: part("rel"), abs: part("abs") }
    }

    pub(crate) fn numbers(&self, got: impl IntoIterator<Item = f64>, want: &Value) {
        let got: Vec<f64> = got.into_iter().collect();
        assert_close(&got, &numbers(want), self.rel, self.abs);
    }

    pub(crate) fn number(&self, got: f64, want: &Value) {
        assert_close(&[got], &[number(want)], self.rel, self.abs);
    }
}

#[test]
fn the_generator_is_the_files() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "specformer");
    let check = &file["generator_check"];
    let seed = check["seed"].as_u64().unwrap();
    let mut rng = SplitMix64::new(seed);
    for want in check["first3_u64"].as_array().unwrap() {
        assert_eq!(rng.next_u64().to_string(), want.as_str().unwrap());
    }
    let mut rng = SplitMix64::new(seed);
    assert_close(&[0; 3].map(|_| rng.symmetric()), &numbers(&check["first3_sym"]), 0.0, 1e-16);
}

#[test]
fn every_case_runs_and_agrees() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "specformer");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases(&file) {
        let (kind, id) = (case["kind"].as_str().unwrap(), case["id"].as_str().unwrap());
        *seen.entry(kind).or_default() += 1;
        let close = Close::of(case);
        let (input, expect) = (&case["input"], &case["expect"]);
        let run = || match kind {
            "sigma_max" => spectrum::sigma_max(input, expect, &close),
            "power_iteration" => spectrum::power_iteration(input, expect, &close),
            "spectral_norm_reparam" => spectrum::reparametrisation(input, expect, &close),
            "sigma_grad" => spectrum::gradient(input, expect, &close),
            "gram_iteration" => spectrum::gram_iteration(input, expect, &close),
            "conv_spectral_norm" => spectrum::convolution(input, expect, &close),
            "msvp_penalty" => penalty::exact(input, expect, &close),
            "msvp_penalty_power" => penalty::one_step(input, expect, &close),
            "attention_lipschitz" => certificates::attention(input, expect, &close),
            "softmax_jacobian_norm" => certificates::softmax(input, expect, &close),
            "mlp_certificate" => certificates::perceptron(input, expect, &close),
            "linear_exact_radius" => certificates::linear(input, expect, &close),
            "input_gradient" => attacks::input_gradient(input, expect, &close),
            "fgsm" => attacks::fgsm(input, expect, &close),
            "pgd_linf" => attacks::pgd(input, expect, &close, specformer_msvp::attack::Norm::Linf),
            "pgd_l2" => attacks::pgd(input, expect, &close, specformer_msvp::attack::Norm::L2),
            "mifgsm" => attacks::mi_fgsm(input, expect, &close),
            "attack_losses" => attacks::losses(input, expect, &close),
            "projection" => attacks::projection(input, expect, &close),
            "apgd_checkpoints" => attacks::checkpoints(input, expect),
            other => panic!("unknown kind {other}"),
        };
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("a panic without words");
            panic!("case {id} ({kind}): {message}");
        }
    }
    // A file that lost its cases must not pass.
    assert!(seen.len() >= 20 && seen.values().sum::<usize>() >= 59, "{seen:?}");
}
