//! The programs of one setting each run on a few images, and say what is wrong with their arguments.

use std::process::{Command, Output};

/// The programs, and a row that each prints beside the oracle's.
const PROGRAMS: [(&str, &str); 5] = [
    (env!("CARGO_BIN_EXE_partial_labels"), "Candidates alike likely"),
    (env!("CARGO_BIN_EXE_positive_unlabelled"), "Unlabelled as negative"),
    (env!("CARGO_BIN_EXE_pair_comparison"), "First 1, second 0"),
    (env!("CARGO_BIN_EXE_noisy_labels"), "Labels as they are"),
    (env!("CARGO_BIN_EXE_my_regex"), "Share of the place"),
];

/// A few images: enough to see that everything runs.
const FEW: [&str; 6] = ["--images", "160", "--passes", "1", "--test-images", "100"];

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().expect("the program starts")
}

#[test]
fn each_prints_its_table() {
    for (program, baseline) in PROGRAMS {
        let output = run(program, &FEW);
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program}: {complained}");
        let rows: Vec<&str> = said.lines().filter(|line| line.contains(" % ")).collect();
        // The heading above the table may give a percentage too.
        assert!(rows.iter().filter(|row| row.contains(" to ")).count() >= 3, "{program}: {said}");
        for method in ["Every image labelled", baseline] {
            assert!(rows.iter().any(|row| row.starts_with(method)), "{program}: {method}: {said}");
        }
        assert!(!said.contains("NaN"), "{program}: {said}");
    }
}

#[test]
fn the_numbers_depend_on_the_seed_alone() {
    let (program, _) = PROGRAMS[4];
    let right = |seed: &str| -> Vec<String> {
        let output = run(program, &[&FEW[..], &["--seed", seed]].concat());
        // The seconds, which end a row, do not repeat.
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.lines().filter_map(|row| Some(row.rsplit_once('%')?.0.to_owned())).collect()
    };
    assert_eq!(right("7"), right("7"));
    assert_ne!(right("7"), right("8"));
}

#[test]
fn each_says_what_is_wrong() {
    for (program, _) in PROGRAMS {
        for (arguments, wanted) in
            [(["--data", "/nowhere"], "does not exist"), (["--device", "abacus"], "abacus")]
        {
            let output = run(program, &arguments);
            let message = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{program}: {message}");
            assert!(message.contains(wanted), "{program}: {message}");
            assert!(output.stdout.is_empty());
        }
    }
}

#[test]
fn no_images_are_refused_or_do_nothing() {
    for (program, _) in PROGRAMS {
        let output = run(program, &[&FEW[2..], &["--images", "0"]].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        // Some settings can be learned from nothing; none may panic.
        assert!(!message.contains("panicked"), "{program}: {message}");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{program}: {message}");
    }
}
