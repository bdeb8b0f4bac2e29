//! The tensor side: equal to the host on every device, gradients checked.

use assay_array::testing::{assert_close, gradcheck};
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use dac_calibration::tensor::{
    SoftEceConfig, TemperatureScaling, VectorScaling, focal_loss, label_smoothing_loss, mmce,
    scale_by_distance, soft_ece,
};
use dac_calibration::{
    Binning, Calibrator, DistanceAware, DistanceAwareConfig, Error, Logits, Normalisation,
    Temperature, TemperatureConfig, TextFeatures,
};
use ndarray::{Array2, array};

use crate::common::classifier;

fn for_each_device(test: impl Fn(&Device)) {
    let names = assay_tensor::available();
    assert!(!names.is_empty(), "no backend is compiled in");
    for name in names {
        test(&assay_tensor::device(&name).unwrap());
    }
}

/// `f64` on devices that compute in it, else `f32`; and how close a result can come to the host's.
fn precision(device: &Device) -> (DType, f64) {
    if assay_tensor::computes_in(device, DType::F64) {
        (DType::F64, 1e-9)
    } else {
        (DType::F32, 2e-5)
    }
}

/// The first device that computes in `f64`.
fn exact_device() -> Device {
    let devices = assay_tensor::available();
    let mut devices = devices.iter().map(|name| assay_tensor::device(name).unwrap());
    devices.find(|device| precision(device).0 == DType::F64).unwrap()
}

fn tensor(array: &Array2<f64>, device: &Device) -> Tensor<2> {
    let data =
        TensorData::new(array.iter().copied().collect::<Vec<_>>(), [array.nrows(), array.ncols()]);
    Tensor::from_data(data, (device, precision(device).0))
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_to_vec_as().unwrap()
}

type Loss = fn(Tensor<2>, &[usize]) -> Result<Tensor<1>, Error>;

const LOSSES: [(&str, Loss); 6] = [
    ("cross entropy", |z, y| focal_loss(z, y, 0.0)),
    ("focal 1", |z, y| focal_loss(z, y, 1.0)),
    ("focal 2.5", |z, y| focal_loss(z, y, 2.5)),
    ("label smoothing", |z, y| label_smoothing_loss(z, y, 0.1)),
    ("MMCE", mmce),
    ("soft ECE", |z, y| soft_ece(z, y, SoftEceConfig::new().with_bins(7).with_temperature(0.05))),
];

#[test]
fn gradients_are_those_of_differences() {
    let (z, labels, _) = classifier(31, 9, 4);
    let device = exact_device();
    let shape = (z.nrows(), z.ncols());
    for (name, loss) in LOSSES {
        let x = tensor(&z, &device.clone().autodiff()).require_grad();
        let gradients = loss(x.clone(), &labels).unwrap().backward();
        let gradient = flat(x.grad(&gradients).unwrap_or_else(|| panic!("{name} has no gradient")));
        let value = |z: &[f64]| {
            let z = Array2::from_shape_vec(shape, z.to_vec()).unwrap();
            flat(loss(tensor(&z, &device), &labels).unwrap())[0]
        };
        gradcheck(value, &gradient, &z.iter().copied().collect::<Vec<_>>(), 1e-5, 1e-7);
        assert!(gradient.iter().any(|g| g.abs() > 1e-6), "{name}");
    }
}

#[test]
fn losses_are_the_hosts_numbers_on_every_device() {
    let (z, labels, _) = classifier(32, 200, 5);
    let logits = Logits::new(z.view()).unwrap();
    let overview = logits.overview(&labels, 15).unwrap();
    let top = logits.top_label(&labels).unwrap();
    let probs = logits.softmax();
    let rows = probs.view();
    let focal = rows.outer_iter().zip(&labels).map(|(p, &y)| -(1.0 - p[y]).powi(3) * p[y].ln());
    let focal = focal.sum::<f64>() / 200.0;
    let spread = probs.view().mapv(f64::ln).mean().unwrap();
    for_each_device(|device| {
        let x = || tensor(&z, device);
        let got = [
            focal_loss(x(), &labels, 0.0),
            focal_loss(x(), &labels, 3.0),
            label_smoothing_loss(x(), &labels, 0.2),
            mmce(x(), &labels),
        ];
        let got: Vec<f64> = got.into_iter().map(|loss| flat(loss.unwrap())[0]).collect();
        let nll = overview.nll.unwrap();
        let tolerance = precision(device).1;
        let want = [nll, focal, 0.8 * nll - 0.2 * spread, top.mmce()];
        assert_close(&got, &want, tolerance, tolerance);
        // Ever harder bins: the plug-in L2 error over bins of equal width.
        let config = SoftEceConfig::new().with_bins(10).with_temperature(1e-6);
        let hard = top.reliability(&Binning::equal_width(10)).unwrap().rmsce();
        assert!((flat(soft_ece(x(), &labels, config).unwrap())[0] - hard).abs() < 2e-3);
    });
}

#[test]
fn certain_predictions_do_not_break_gradients() {
    let z = array![[900.0, -900.0], [0.0, 800.0]];
    for_each_device(|device| {
        for (name, loss) in LOSSES {
            let x = tensor(&z, &device.clone().autodiff()).require_grad();
            let loss = loss(x.clone(), &[0, 1]).unwrap();
            assert!(flat(loss.clone())[0].is_finite(), "{name}");
            let gradients = loss.backward();
            let gradient = x.grad(&gradients).map(flat).unwrap_or_default();
            assert!(gradient.iter().all(|g| g.is_finite()), "{name}: {gradient:?}");
        }
    });
}

#[test]
fn gradients_on_every_device_are_those_of_the_first() {
    let (z, labels, _) = classifier(36, 40, 5);
    let gradient = |loss: Loss, device: &Device| {
        let x = tensor(&z, &device.clone().autodiff()).require_grad();
        let gradients = loss(x.clone(), &labels).unwrap().backward();
        flat(x.grad(&gradients).unwrap())
    };
    for_each_device(|device| {
        for (_, loss) in LOSSES {
            let tolerance = precision(device).1;
            assert_close(&gradient(loss, device), &gradient(loss, &exact_device()), 0.0, tolerance);
        }
    });
}

#[test]
fn modules_scale_as_the_host_does() {
    let (z, labels, _) = classifier(33, 100, 3);
    let logits = Logits::new(z.view()).unwrap();
    let fitted = Temperature::fit(&TemperatureConfig::new(), &(&logits).into(), &labels).unwrap();
    for_each_device(|device| {
        let scaling = TemperatureScaling::from_fitted(&fitted, device).unwrap();
        let want: Vec<f64> = z.iter().map(|z| z / fitted.value()).collect();
        assert_close(&flat(scaling.forward(tensor(&z, device))), &want, 1e-6, 1e-6);
        assert!(TemperatureScaling::new(0.0, device).is_err());
        let vector = VectorScaling::new(3, device).unwrap();
        let unchanged = flat(vector.forward(tensor(&z, device)).unwrap());
        assert_eq!(unchanged, flat(tensor(&z, device)));
        assert!(matches!(vector.forward(Tensor::zeros([2, 4], device)), Err(Error::Shape { .. })));
        assert!(VectorScaling::new(0, device).is_err());
    });
}

#[test]
fn the_temperature_module_learns_the_hosts_temperature() {
    let (z, labels, _) = classifier(34, 150, 3);
    let logits = Logits::new(z.view()).unwrap();
    let fitted = Temperature::fit(&TemperatureConfig::new(), &(&logits).into(), &labels).unwrap();
    let device = exact_device().autodiff();
    // At the host's optimum the module's gradient vanishes.
    let scaling = TemperatureScaling::from_fitted(&fitted, &device).unwrap();
    let loss = focal_loss(scaling.forward(tensor(&z, &device)), &labels, 0.0).unwrap();
    let gradients = loss.backward();
    let gradient = flat(scaling.log_inverse.val().grad(&gradients).unwrap());
    assert!(gradient[0].abs() < 1e-6, "{gradient:?}");
}

#[test]
fn distance_awareness_is_the_hosts_on_every_device() {
    let (z, _, _) = classifier(35, 50, 3);
    let base = array![[1.0, 0.1], [0.2, 1.0]];
    let (before, after) =
        (array![[1.0, 1.0], [0.3, -1.0], [1.0, 0.2]], array![[0.1, -1.0], [0.4, -0.9], [1.0, 0.1]]);
    let text = TextFeatures {
        base_zero_shot: base.view(),
        base_tuned: base.view(),
        zero_shot: before.view(),
        tuned: after.view(),
    };
    let config = DistanceAwareConfig::new().with_normalisation(Normalisation::Normalise);
    let fitted = DistanceAware::fit(&config, &text).unwrap();
    let host = fitted.apply(&Logits::new(z.view()).unwrap()).unwrap();
    for_each_device(|device| {
        let got = flat(scale_by_distance(&fitted, tensor(&z, device)).unwrap());
        let tolerance = precision(device).1;
        let want: Vec<f64> = host.view().iter().copied().collect();
        assert_close(&got, &want, tolerance, tolerance);
        assert!(scale_by_distance(&fitted, Tensor::zeros([2, 5], device)).is_err());
    });
}

#[test]
fn bad_labels_and_settings_are_refused() {
    let device = exact_device();
    let z = || Tensor::<2>::zeros([2, 3], &device);
    for (name, loss) in LOSSES {
        assert!(matches!(loss(z(), &[0]), Err(Error::Length { .. })), "{name}");
        assert!(matches!(loss(z(), &[0, 3]), Err(Error::Label { .. })), "{name}");
        assert!(
            matches!(loss(Tensor::zeros([0, 3], &device), &[]), Err(Error::Empty { .. })),
            "{name}"
        );
    }
    assert!(focal_loss(z(), &[0, 1], -1.0).is_err());
    assert!(focal_loss(z(), &[0, 1], f64::NAN).is_err());
    assert!(label_smoothing_loss(z(), &[0, 1], 1.5).is_err());
    assert!(soft_ece(z(), &[0, 1], SoftEceConfig::new().with_bins(0)).is_err());
    assert!(soft_ece(z(), &[0, 1], SoftEceConfig::new().with_temperature(0.0)).is_err());
}
