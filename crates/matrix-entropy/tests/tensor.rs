//! Losses on burn tensors: their values are the spectrum's, their gradients central differences.

use assay_array::testing::{assert_close, gradcheck};
use assay_tensor::burn::prelude::{Device, Tensor};
use assay_tensor::convert::from_array;
use assay_tensor::device;
use matrix_entropy::tensor::{Measure, SpectralLossConfig};
use matrix_entropy::{Center, Conventions, Error, RowNorm, RowPolicy, Spectrum};
use ndarray::{Array2, Axis, Slice, concatenate};

use crate::common::normal_rows;

const MEASURES: [Measure; 4] = [
    Measure::Entropy,
    Measure::EffectiveRank,
    Measure::Renyi2,
    Measure::CodingRate { epsilon: 0.5 },
];

fn training() -> Device {
    device("flex").unwrap().autodiff()
}

fn tensor(x: &Array2<f64>, device: &Device) -> Tensor<2> {
    from_array(x.clone(), device).unwrap()
}

fn values(tensor: &Tensor<1>) -> Vec<f64> {
    tensor.try_to_vec_as().unwrap()
}

fn value_of(measure: Measure, spectrum: &Spectrum) -> f64 {
    match measure {
        Measure::Entropy => spectrum.entropy(),
        Measure::EffectiveRank => spectrum.effective_rank(),
        Measure::Renyi2 => spectrum.renyi(2.0).unwrap(),
        Measure::CodingRate { epsilon } => spectrum.coding_rate(epsilon).unwrap(),
        other => panic!("{other:?} is not tested"),
    }
}

#[test]
fn gradients_are_central_differences() {
    let plain = device("flex").unwrap();
    for (n, d) in [(6, 4), (4, 7), (2, 3), (5, 5)] {
        let x = normal_rows(n as u64 * 10 + d as u64, n, d, 0.3);
        for measure in MEASURES {
            for (center, row_norm) in [
                (Center::Mean, RowNorm::L2),
                (Center::Mean, RowNorm::No),
                (Center::No, RowNorm::L2),
                (Center::No, RowNorm::No),
            ] {
                let loss = SpectralLossConfig::new(measure)
                    .with_center(center)
                    .with_row_norm(row_norm)
                    .init()
                    .unwrap();
                let leaf = tensor(&x, &training()).require_grad();
                let value = loss.forward(leaf.clone()).unwrap();
                let conventions = Conventions::paper().with_center(center).with_row_norm(row_norm);
                let spectrum = Spectrum::of(x.view(), conventions).unwrap();
                assert_close(&values(&value), &[value_of(measure, &spectrum)], 1e-10, 1e-12);
                // Any function may follow.
                let gradients = (value.clone() * value).backward();
                let gradient: Vec<f64> = leaf.grad(&gradients).unwrap().try_to_vec_as().unwrap();
                let at = |flat: &[f64]| {
                    let x = Array2::from_shape_vec((n, d), flat.to_vec()).unwrap();
                    let value = values(&loss.forward(tensor(&x, &plain)).unwrap())[0];
                    value * value
                };
                // Two centred rows of length 1 are always opposite: the gradient is zero.
                let flat: Vec<f64> = x.iter().copied().collect();
                gradcheck(at, &gradient, &flat, 2e-5, 2e-6);
            }
        }
    }
}

/// The kernel is the host's in `f64`; what differs is the type that goes in and comes out.
#[test]
fn every_device_has_the_hosts_values_and_gradients() {
    let x = normal_rows(8, 30, 12, 0.4).mapv(|x| x as f32);
    for name in assay_tensor::available() {
        let device = device(&name).unwrap();
        for measure in MEASURES {
            let loss = SpectralLossConfig::new(measure).init().unwrap();
            let spectrum = Spectrum::of(x.view(), Conventions::paper()).unwrap();
            let run = |device: Device| {
                let leaf = from_array(x.clone(), &device.autodiff()).unwrap().require_grad();
                let value = loss.forward(leaf.clone()).unwrap();
                let gradients = value.clone().backward();
                let gradient: Vec<f64> = leaf.grad(&gradients).unwrap().try_to_vec_as().unwrap();
                (values(&value), gradient)
            };
            let (value, gradient) = run(device.clone());
            assert_close(&value, &[value_of(measure, &spectrum)], 1e-6, 0.0);
            let (_, want) = run(assay_tensor::device("flex").unwrap());
            assert_close(&gradient, &want, 1e-6, 1e-9);
        }
    }
}

#[test]
fn segments_are_separate_losses() {
    let parts = [normal_rows(1, 5, 4, 0.2), normal_rows(2, 3, 4, 0.2), normal_rows(3, 9, 4, 0.2)];
    let all = concatenate(Axis(0), &parts.each_ref().map(|x| x.view())).unwrap();
    let lengths = [5, 3, 9];
    for measure in MEASURES {
        let loss = SpectralLossConfig::new(measure).init().unwrap();
        let leaf = tensor(&all, &training()).require_grad();
        let together = loss.forward_segments(leaf.clone(), &lengths).unwrap();
        let weights =
            Tensor::<1>::from_floats([1.0, -2.0, 0.5], &training()).cast(together.dtype());
        let gradients = (together.clone() * weights).sum().backward();
        let gradient: Vec<f64> = leaf.grad(&gradients).unwrap().try_to_vec_as().unwrap();
        let gradient = Array2::from_shape_vec(all.dim(), gradient).unwrap();
        let mut start = 0;
        for ((x, weight), value) in parts.iter().zip([1.0, -2.0, 0.5]).zip(values(&together)) {
            let leaf = tensor(x, &training()).require_grad();
            let one = loss.forward(leaf.clone()).unwrap();
            assert_close(&[value], &values(&one), 1e-14, 0.0);
            let gradients = (one * weight).backward();
            let want: Vec<f64> = leaf.grad(&gradients).unwrap().try_to_vec_as().unwrap();
            let rows = Slice::from(start..start + x.nrows());
            let got: Vec<f64> = gradient.slice_axis(Axis(0), rows).iter().copied().collect();
            assert_close(&got, &want, 1e-12, 1e-14);
            start += x.nrows();
        }
    }
}

#[test]
fn ascent_spreads_a_representation() {
    // Entropy as a regulariser: steps along its gradient raise it.
    let device = training();
    let mut x = normal_rows(5, 12, 6, 1.5).mapv(|x| x as f32);
    let loss = SpectralLossConfig::new(Measure::Entropy).init().unwrap();
    let before = Spectrum::of(x.view(), Conventions::paper()).unwrap().entropy();
    for _ in 0..40 {
        let leaf = from_array(x.clone(), &device).unwrap().require_grad();
        let gradients = loss.forward(leaf.clone()).unwrap().backward();
        let step: Vec<f32> = leaf.grad(&gradients).unwrap().try_to_vec_as().unwrap();
        x = x + Array2::from_shape_vec((12, 6), step).unwrap() * 0.5;
    }
    let after = Spectrum::of(x.view(), Conventions::paper()).unwrap().entropy();
    assert!(after > before + 0.2, "{before} to {after}");
}

#[test]
fn degenerate_input_is_typed_and_skipped_rows_get_no_gradient_of_their_own() {
    let loss = SpectralLossConfig::new(Measure::Entropy);
    let device = training();
    let constant = tensor(&Array2::from_elem((3, 2), 1.0), &device);
    assert!(matches!(
        loss.init().unwrap().forward(constant.clone()),
        Err(Error::AllSkipped { .. })
    ));
    let strict = loss.with_zero_rows(RowPolicy::Error).init().unwrap();
    assert!(matches!(strict.forward(constant), Err(Error::ZeroRow { .. })));
    let one = tensor(&Array2::from_elem((1, 2), 1.0), &device);
    assert!(matches!(loss.init().unwrap().forward(one.clone()), Err(Error::TooFewRows { .. })));
    assert!(loss.init().unwrap().forward_segments(one, &[2]).is_err());
    for epsilon in [0.0, f64::NAN, -1.0] {
        assert!(SpectralLossConfig::new(Measure::CodingRate { epsilon }).init().is_err());
    }
    // The middle row is the mean; only through the mean does it move anything.
    let x = ndarray::array![[1.0, 0.5], [0.0, 0.0], [-1.0, -0.5], [0.3, -1.0], [-0.3, 1.0]];
    let leaf = tensor(&x, &device).require_grad();
    let value = loss.init().unwrap().forward(leaf.clone()).unwrap();
    let skip = Conventions::paper().with_zero_rows(RowPolicy::Skip);
    let want = Spectrum::of(x.view(), skip).unwrap().entropy();
    assert_close(&values(&value), &[want], 1e-12, 0.0);
    let gradient: Vec<f64> = leaf.grad(&value.backward()).unwrap().try_to_vec_as().unwrap();
    assert!(gradient.iter().all(|g| g.is_finite()));
    let total: f64 = gradient.iter().step_by(2).sum();
    assert!(total.abs() < 1e-12, "a shift of all rows changes nothing");
}
