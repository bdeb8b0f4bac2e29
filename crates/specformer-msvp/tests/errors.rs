//! Bad input: typed errors with words one can act on, never a panic.

use ndarray::{Array1, Array2, Array4, array};
use specformer_msvp::attack::{
    Apgd, Attack, AutoAttack, Batch, CarliniWagner, DeepFool, Fab, Fgsm, MiFgsm, Norm, Objective,
    Pgd, Square, Threat,
};
use specformer_msvp::lipschitz::{
    AttentionHead, Derivation, attention_ball, certified_radius, certified_radius_last_layer,
    softmax_jacobian_norm,
};
use specformer_msvp::msvp::{Blocking, MsvpConfig, Qkv, QkvMut};
use specformer_msvp::spectral::conv::{self, Geometry, Padding};
use specformer_msvp::spectral::{
    PowerOrder, PowerState, is_upper_bound, sigma_max_lanczos, sigma_max_svd, sigma_upper,
    sigma_upper_gram,
};
use specformer_msvp::{CertifiedUpper, Error, LinearClassifier, Normalized};

#[test]
fn weights_that_are_not_finite_are_named() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut w = Array2::<f64>::eye(3);
        w[[1, 2]] = bad;
        let at = |error: Error| match error {
            Error::NotFinite { index, .. } => assert_eq!(index, [1, 2]),
            other => panic!("{other}"),
        };
        at(sigma_max_lanczos(w.view(), 1e-6).unwrap_err());
        at(sigma_max_svd(w.view()).unwrap_err());
        at(sigma_upper(w.view()).unwrap_err());
        at(sigma_upper_gram(w.view(), 3).unwrap_err());
        at(is_upper_bound(w.view(), 2.0).unwrap_err());
        for order in [PowerOrder::OnePass, PowerOrder::UFirst, PowerOrder::VFirst] {
            let mut state = PowerState::random((3, 3), 0, 0);
            state.step(Array2::<f64>::eye(3).view(), order).unwrap();
            let before = state.clone();
            at(state.step(w.view(), order).unwrap_err());
            let turned = w.t().as_standard_layout().into_owned();
            at(state.step(turned.t(), order).unwrap_err());
            assert_eq!(state, before);
            at(state.lower_bound(w.view()).unwrap_err());
        }
        let layers = [Qkv::fused(w.view(), 1).unwrap()];
        assert!(MsvpConfig::new().init(&layers).is_err());
        let kernel = Array4::from_elem((1, 1, 2, 2), bad);
        assert!(conv::upper(kernel.view(), Geometry::new([4, 4])).is_err());
        assert!(PowerState::from_vectors(vec![bad], vec![1.0]).is_err());
    }
}

#[test]
fn empty_matrices_have_norm_zero() {
    for shape in [(0, 0), (0, 3), (3, 0)] {
        let w = Array2::<f64>::zeros(shape);
        assert_eq!(sigma_upper(w.view()).unwrap().value(), 0.0);
        assert_eq!(sigma_max_svd(w.view()).unwrap().sigma, 0.0);
        assert_eq!(sigma_max_lanczos(w.view(), 1e-3).unwrap().sigma.value(), 0.0);
        let mut state = PowerState::random(shape, 0, 0);
        assert_eq!(state.step(w.view(), PowerOrder::OnePass).unwrap(), 0.0);
    }
}

#[test]
fn settings_outside_their_range_are_refused() {
    let w = Array2::<f64>::eye(6);
    let layers = [Qkv::fused(w.view(), 2).unwrap()];
    let config = MsvpConfig::new;
    for bad in [
        config().with_lambdas([-1.0, 0.0, 0.0]),
        config().with_lambdas([f64::NAN, 0.0, 0.0]),
        config().with_iterations(0),
        config().with_warmup(usize::MAX),
        config().with_layer_weights(vec![1.0, 1.0]),
        config().with_layer_weights(vec![f64::INFINITY]),
    ] {
        assert!(bad.init(&layers).is_err());
    }
    for tolerance in [0.0, -1.0, f64::NAN, 2.0] {
        assert!(sigma_max_lanczos(w.view(), tolerance).is_err());
    }
    assert!(Derivation::ball(-1.0).is_err());
    assert!(Derivation::ball(f64::NAN).is_err());
    assert!(softmax_jacobian_norm(&[0.5, f64::NAN]).is_err());
    assert!(softmax_jacobian_norm(&[]).is_err());
    let g = Geometry::new([4, 4]);
    let k = Array4::<f64>::ones((2, 1, 2, 2));
    assert!(conv::sigma_circular(k.view(), g).unwrap_err().to_string().contains("circular"));
    let circular = g.with_padding(Padding::Circular);
    assert!(conv::sigma_circular(k.view(), circular.with_stride([3, 1])).is_err());
    assert!(conv::gram_upper(k.view(), g, 3).is_err());
    let huge = Geometry::new([60_000, 60_000]);
    assert!(conv::frequency_upper(k.view(), huge).is_err());
    assert!(conv::upper(k.view(), huge).unwrap().value() >= 2.0); // the other bounds remain
    for bad in [
        Geometry::new([0, 4]),
        Geometry::new([usize::MAX, 4]),
        g.with_stride([0, 1]),
        g.with_dilation([1, usize::MAX]),
        g.with_groups(0),
        g.with_groups(3),
    ] {
        assert!(conv::upper(k.view(), bad).is_err(), "{bad:?}");
    }
}

#[test]
fn heads_and_states_must_fit() {
    let w = Array2::<f64>::eye(6);
    assert!(matches!(Qkv::fused(w.view(), 4), Err(Error::Heads { heads: 4, width: 6, .. })));
    assert!(Qkv::fused(w.view(), 0).is_err());
    assert!(Qkv::separate(w.view(), w.view(), w.view(), 0).is_err());
    let many = [Qkv::separate(w.view(), w.view(), w.view(), usize::MAX).unwrap()];
    assert!(matches!(MsvpConfig::new().init(&many), Err(Error::Heads { .. })));
    let layers = [Qkv::separate(w.view(), w.view(), w.view(), 4).unwrap()];
    assert!(MsvpConfig::new().init(&layers).is_err());
    assert!(MsvpConfig::new().with_blocking(Blocking::Whole).init(&layers).is_ok());

    let layers = [Qkv::fused(w.view(), 2).unwrap()];
    let mut msvp = MsvpConfig::new().init(&layers).unwrap();
    let before = msvp.clone();
    assert!(matches!(
        msvp.update(&[layers[0], layers[0]]),
        Err(Error::State { what: "layers", .. })
    ));
    let other = Array2::<f64>::eye(12);
    let wide = [Qkv::fused(other.view(), 2).unwrap()];
    assert!(matches!(msvp.update(&wide), Err(Error::State { what: "rows", .. })));
    let more_heads = [Qkv::fused(w.view(), 1).unwrap()];
    assert!(matches!(msvp.update(&more_heads), Err(Error::State { what: "blocks", .. })));
    assert_eq!(msvp, before);
    let mut g = Array2::<f64>::zeros((12, 12));
    let mut grads = [QkvMut::fused(g.view_mut(), 2).unwrap()];
    assert!(msvp.add_gradients(&mut grads, 1.0).is_err());
    assert!(msvp.add_gradients::<f64>(&mut [], 1.0).is_err());
    let states = msvp.states().to_vec();
    assert!(MsvpConfig::new().restore(&wide, states.clone()).is_err());
    assert!(MsvpConfig::new().restore(&layers, states).is_ok());
}

fn model(classes: usize) -> LinearClassifier<f64> {
    let w = Array2::from_shape_fn((classes, 3), |(i, j)| ((i * 3 + j) as f64).sin());
    LinearClassifier::new(w, Array1::zeros(classes)).unwrap()
}

fn all() -> Vec<Box<dyn Attack<f64>>> {
    vec![
        Box::new(Fgsm::new()),
        Box::new(Pgd::new(2)),
        Box::new(MiFgsm::new(2)),
        Box::new(DeepFool::new()),
        Box::new(Apgd::ce().with_steps(3)),
        Box::new(Fab::new().with_steps(3)),
        Box::new(Square::new().with_queries(3)),
    ]
}

#[test]
fn attacks_check_their_input() {
    let threat = Threat::new(Norm::Linf, 0.1);
    let x = array![[0.1, 0.5, 0.9], [0.2, 0.3, 0.4]];
    for attack in all() {
        let run = |x: &Array2<f64>, labels: &[usize], threat: &Threat| {
            attack.attack(&model(4), &Batch::new(x.view(), labels), threat)
        };
        assert!(run(&x, &[0, 1], &threat).is_ok());
        assert!(run(&Array2::zeros((0, 3)), &[], &threat).unwrap().success.is_empty());
        assert!(matches!(run(&x, &[0, 4], &threat), Err(Error::Label { sample: 1, label: 4, .. })));
        assert!(matches!(run(&x, &[0], &threat), Err(Error::Shape { .. })));
        assert!(matches!(run(&Array2::zeros((2, 2)), &[0, 1], &threat), Err(Error::Shape { .. })));
        let mut outside = x.clone();
        outside[[1, 0]] = 1.3;
        let error = run(&outside, &[0, 1], &threat).unwrap_err();
        assert!(matches!(error, Error::OutOfBounds { sample: 1, .. }), "{error}");
        assert!(error.to_string().contains("normalisation"));
        // A last digit outside is clipped.
        outside[[1, 0]] = 1.0 + 1e-7;
        assert!(run(&outside, &[0, 1], &threat).is_ok());
        outside[[1, 0]] = f64::NAN;
        assert!(matches!(run(&outside, &[0, 1], &threat), Err(Error::NotFinite { .. })));
        for bad in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(run(&x, &[0, 1], &Threat::new(Norm::Linf, bad)).is_err());
        }
        assert!(run(&x, &[0, 1], &threat.with_bounds(1.0, 0.0)).is_err());
    }
}

#[test]
fn norms_and_classes_that_do_not_exist() {
    let (x, labels) = (array![[0.1, 0.5, 0.9]], [0]);
    let batch = Batch::new(x.view(), &labels);
    let l1 = Threat::new(Norm::L1, 1.0);
    for attack in [&CarliniWagner::new() as &dyn Attack<f64>, &MiFgsm::new(2), &DeepFool::new()] {
        assert!(matches!(
            attack.attack(&model(4), &batch, &l1),
            Err(Error::Norm { norm: "L1", .. })
        ));
    }
    let aimed = batch.clone().with_targets(&[1]);
    assert!(AutoAttack::standard().begin(&model(4), &aimed, &l1).is_err());
    let l2 = Threat::new(Norm::L2, 1.0);
    for bad in [
        CarliniWagner::new().with_steps(0),
        CarliniWagner::new().with_searches(0),
        CarliniWagner::new().with_rate(0.0),
        CarliniWagner::new().with_initial_weight(f64::INFINITY),
        CarliniWagner::new().with_kappa(-1.0),
    ] {
        assert!(matches!(bad.attack(&model(4), &batch, &l2), Err(Error::Parameter { .. })));
    }
    let linf = Threat::new(Norm::Linf, 0.1);
    for classes in [1, 2] {
        let dlr = Apgd::dlr().attack(&model(classes), &batch, &linf);
        assert!(matches!(dlr, Err(Error::Classes { needed: 3, .. })));
    }
    let targeted = Apgd::targeted().attack(&model(3), &batch, &linf);
    assert!(matches!(targeted, Err(Error::Classes { needed: 4, classes: 3, .. })));
    assert!(Objective::Dlr.evaluate(&[1.0, 2.0, 3.0], 0, Some(1)).is_err());
    assert!(Objective::CrossEntropy.evaluate(&[1.0], 1, None).is_err());
    for attack in all() {
        assert!(attack.attack(&model(1), &batch, &linf).is_err(), "{}", attack.name());
    }
    assert!(Norm::L2.project(&mut [1.0], f64::NAN).is_err());
}

#[test]
fn models_are_checked() {
    assert!(LinearClassifier::new(Array2::<f64>::eye(2), array![0.0]).is_err());
    assert!(LinearClassifier::new(Array2::<f64>::zeros((0, 2)), array![]).is_err());
    assert!(LinearClassifier::new(array![[f64::NAN]], array![0.0]).is_err());
    assert!(Normalized::new(model(3), vec![0.0; 2], vec![1.0; 3]).is_err());
    assert!(Normalized::new(model(3), vec![0.0], vec![0.0]).is_err());
    assert!(model(3).exact_radius(array![1.0].view(), 0, Norm::L2).is_err());
    assert!(model(3).exact_radius(array![1.0, 2.0, 3.0].view(), 3, Norm::L2).is_err());
    let one = CertifiedUpper::known(1.0);
    assert!(certified_radius(&[1.0], 0, one).is_err());
    assert!(certified_radius(&[1.0, f64::NAN], 0, one).is_err());
    assert!(certified_radius(&[1.0, 2.0], 2, one).is_err());
    let last = Array2::<f64>::eye(3);
    assert!(certified_radius_last_layer(&[1.0, 2.0], 0, one, last.view()).is_err());
    let (a, b) = (Array2::<f64>::eye(3), Array2::<f64>::zeros((3, 2)));
    let head = AttentionHead { q: a.view(), k: b.view(), v: a.view(), scale: 1.0 };
    assert!(matches!(attention_ball(&head, 3, one), Err(Error::Shape { .. })));
}
