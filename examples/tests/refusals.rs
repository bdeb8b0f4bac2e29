//! The program `refusals` on a tiny Longformer of random weights.

use std::path::Path;
use std::process::{Command, Output};

fn refusals(arguments: &[&str]) -> Output {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/encoder/longformer");
    let mut command = Command::new(env!("CARGO_BIN_EXE_refusals"));
    command.arg(model).args(arguments).output().expect("it starts")
}

#[test]
fn a_classifier_is_a_judge_beside_the_rules() {
    let output = refusals(&["--threshold", "0"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    // From a probability of zero on, everything is a refusal.
    assert!(said.contains("longformer classifier, 2 layers, 40 tokens"), "{said}");
    assert!(said.contains("recall 100.0 %") && said.contains("the rules: precision"), "{said}");
}

#[test]
fn labels_and_thresholds_are_checked() {
    for (arguments, wanted) in [
        (["--label", "refusal"], "the model has LABEL_0, LABEL_1"),
        (["--threshold", "2"], "from 0 to 1"),
    ] {
        let output = refusals(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(wanted), "{said}");
    }
}
