//! The whole evaluation of a linear model, where everything is known, and its report.

use assay_array::testing::assert_close;
use ndarray::{Array1, Array2};
use specformer_msvp::attack::{Attack, Fgsm, Norm, Pgd, Start, Threat};
use specformer_msvp::lipschitz::{Derivation, certified_radius, jacobian_norms};
use specformer_msvp::{Classifier, Error, Evaluated, Knowledge, LinearClassifier, evaluate};

use crate::common::gaussian;

fn run(norm: Norm, wrong: bool) -> Evaluated<f64> {
    let w = gaussian::<f64>(0, (4, 9));
    let model = LinearClassifier::new(w.clone(), Array1::zeros(4)).unwrap();
    let x = gaussian::<f64>(1, (40, 9)).mapv(|x| (0.5 + 0.2 * x).clamp(0.0, 1.0));
    let z = model.logits(x.view()).unwrap();
    let labels: Vec<usize> = z
        .outer_iter()
        .enumerate()
        .map(|(i, z)| {
            if i % 9 == 0 { i % 4 } else { (0..4).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap() }
        })
        .collect();
    let constant = Derivation::global().linear("w", w.view()).unwrap().finish().value;
    let radii: Vec<f64> = z
        .outer_iter()
        .zip(&labels)
        .map(|(z, &y)| {
            certified_radius(&z.to_vec(), y, constant).unwrap() * if wrong { 100.0 } else { 1.0 }
        })
        .collect();
    let exact: Vec<f64> = x
        .outer_iter()
        .zip(&labels)
        .map(|(x, &y)| model.exact_radius(x, y, norm).unwrap())
        .collect();
    let below = jacobian_norms(&model, x.view(), 30, 0).unwrap()[0];
    let knowledge = Knowledge {
        certified: Some(&radii),
        exact: Some(&exact),
        lipschitz: Some(constant),
        lipschitz_below: Some(below),
        seed: 5,
    };
    let attacks: [&dyn Attack<f64>; 2] = [&Fgsm::new(), &Pgd::new(10).with_start(Start::Clean)];
    let threat = Threat::new(norm, 0.0);
    evaluate(&model, x.view(), &labels, &attacks, &threat, &[0.0, 0.05, 0.2, 0.6], &knowledge)
        .unwrap()
}

#[test]
fn numbers_agree_with_one_another() {
    for norm in [Norm::Linf, Norm::L2, Norm::L1] {
        let found = run(norm, false);
        let e = &found.evaluation;
        assert!(e.violations.is_empty(), "{:?}", e.violations);
        assert_close(&[e.worst[0], e.exact.as_ref().unwrap()[0]], &[e.clean, e.clean], 0.0, 1e-12);
        assert!(e.worst.windows(2).all(|w| w[1] <= w[0]) && e.worst[3] < e.worst[0]);
        assert!(e.attacks.iter().all(|a| a.accuracy.iter().zip(&e.worst).all(|(a, w)| a >= w)));
        assert!(e.margins.windows(2).all(|w| w[0] <= w[1]));
        assert!(e.lipschitz_below <= e.lipschitz);
        let standing = found.broken[3].iter().filter(|b| !**b).count() as f64 / 40.0;
        assert_eq!(standing, e.worst[3]);
    }
    let lie = run(Norm::L2, true).evaluation;
    assert!(
        lie.violations.iter().any(|v| v.starts_with("certified accuracy")),
        "{:?}",
        lie.violations
    );
}

#[test]
fn evaluations_check_their_input() {
    let model = LinearClassifier::new(Array2::<f64>::eye(2), Array1::zeros(2)).unwrap();
    let x = ndarray::array![[0.2, 0.7]];
    let threat = Threat::new(Norm::L2, 0.1);
    let run = |epsilons: &[f64], knowledge: &Knowledge<'_>| {
        evaluate(&model, x.view(), &[1], &[], &threat, epsilons, knowledge)
    };
    let none = Knowledge::default();
    assert!(matches!(run(&[], &none), Err(Error::Empty { .. })));
    assert!(matches!(run(&[0.2, 0.1], &none), Err(Error::Parameter { .. })));
    assert!(matches!(run(&[0.1, f64::NAN], &none), Err(Error::Parameter { .. })));
    let two = Knowledge { certified: Some(&[1.0, 2.0]), ..Knowledge::default() };
    assert!(matches!(run(&[0.1], &two), Err(Error::Shape { .. })));
    assert_eq!(run(&[0.1], &none).unwrap().evaluation.worst, [1.0]);
}

#[cfg(feature = "report")]
#[test]
fn reports_show_every_number() {
    let e = run(Norm::L2, false).evaluation;
    let text = e.markdown();
    for word in [
        "| L2 ε |",
        "FGSM CE",
        "worst case",
        "exact",
        "certified",
        "seed 5",
        "Lipschitz",
        "margins",
    ] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    let back: specformer_msvp::Evaluation = serde_json::from_str(&e.json().unwrap()).unwrap();
    assert_eq!(back.markdown(), e.markdown());
    let mut page = assay_report::Page::new("robustness");
    page.section(e.section("A linear model"));
    let html = page.html();
    assert!(html.contains("certified") && html.contains("<svg") && !html.contains("NaN"));
    let lie = run(Norm::L2, true).evaluation;
    assert!(lie.markdown().contains("contradiction"));
    let images = Array2::from_elem((3, 16), 0.5_f32);
    assert!(specformer_msvp::report::pictures(images.view(), 4, 4).is_ok());
    assert!(specformer_msvp::report::pictures(images.view(), 4, 5).is_err());
}

#[cfg(feature = "serde")]
#[test]
fn states_come_back() {
    use specformer_msvp::msvp::{Msvp, MsvpConfig, Qkv};
    let w = gaussian::<f64>(3, (12, 4));
    let layers = [Qkv::fused(w.view(), 2).unwrap()];
    let msvp = MsvpConfig::new().init(&layers).unwrap();
    let text = serde_json::to_string(&msvp).unwrap();
    let mut back: Msvp = serde_json::from_str(&text).unwrap();
    // JSON's numbers are read to the last digit but one.
    assert!((back.penalty() / msvp.penalty() - 1.0).abs() < 1e-12);
    assert_eq!(back.config(), msvp.config());
    back.update(&layers).unwrap();
    let broken = text.replacen("\"sigma\":", "\"sigma\":-", 1);
    assert!(serde_json::from_str::<Msvp>(&broken).is_err());
}
