//! The essentials on every device that this build and this machine have.

use assay_tensor::assay_array::ndarray::{Array1, Array2, Array3, ArrayView2, Axis, array, s};
use assay_tensor::assay_array::{Scalar, testing::SplitMix64};
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use assay_tensor::testing::{assert_tensors_close, for_each_device};
use assay_tensor::{
    Error, computes_in, convert, custom_grad, custom_grad_segments_with, with_scalar,
};

const BAGS: [usize; 4] = [3, 0, 1, 2];

/// `Σ_{n ∈ b} x_nᵀ Θ x_n`, with its gradients.
#[allow(clippy::type_complexity)]
fn forms<T: Scalar>(x: ArrayView2<T>, theta: ArrayView2<T>) -> (Array1<T>, (Array2<T>, Array3<T>)) {
    let dot = |a: ArrayView2<T>, b: ArrayView2<T>| {
        Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
            a.row(i).iter().zip(b.column(j)).map(|(&a, &b)| a * b).sum()
        })
    };
    let product = dot(x, theta);
    let mut by_row = dot(x, theta.t());
    by_row.zip_mut_with(&product, |a, &b| *a += b);
    let mut outer = Array3::from_elem((BAGS.len(), theta.nrows(), theta.ncols()), T::ZERO);
    let mut start = 0;
    let values = BAGS.iter().enumerate().map(|(b, &n)| {
        let (rows, products) =
            (x.slice(s![start..start + n, ..]), product.slice(s![start..start + n, ..]));
        start += n;
        outer.index_axis_mut(Axis(0), b).assign(&dot(rows.t(), rows));
        rows.iter().zip(products).map(|(&x, &p)| x * p).sum()
    });
    let values = values.collect();
    (values, (by_row, outer))
}

fn ours(x: Tensor<2>, theta: Tensor<2>) -> Result<Tensor<1>, Error> {
    with_scalar!(x.dtype(), T => custom_grad_segments_with::<T, 2, _, _>(x, &BAGS, theta, |x, theta, _| {
        let (values, gradients) = forms::<T>(x, theta);
        Ok((values, Some(gradients)))
    }))
}

fn theirs(x: Tensor<2>, theta: Tensor<2>) -> Tensor<1> {
    let each = (x.clone().matmul(theta) * x).sum_dim(1);
    let mut start = 0;
    let sums = BAGS.map(|n| {
        start += n;
        let rows: Vec<usize> = (start - n..start).collect();
        match rows[..] {
            [] => Tensor::zeros([1], (&each.device(), each.dtype())),
            [first, .., last] => each.clone().slice([first..last + 1, 0..1]).sum(),
            [only] => each.clone().slice([only..only + 1, 0..1]).sum(),
        }
    });
    Tensor::cat(sums.to_vec(), 0)
}

fn random<const D: usize>(
    seed: u64,
    shape: [usize; D],
    dtype: DType,
    device: &Device,
) -> Tensor<D> {
    let mut rng = SplitMix64::new(seed);
    let values = (0..shape.iter().product()).map(|_| rng.symmetric()).collect::<Vec<f64>>();
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

fn dtypes(device: &Device) -> Vec<(DType, f64)> {
    let mut dtypes = vec![(DType::F32, 1e-5)];
    if computes_in(device, DType::F64) {
        dtypes.push((DType::F64, 1e-12));
    }
    dtypes
}

#[test]
fn kernels_are_burns_own() {
    for_each_device(|device| {
        for (dtype, tolerance) in dtypes(device) {
            let training = device.clone().autodiff();
            let x = random(1, [6, 3], dtype, &training).require_grad();
            let theta = random(2, [3, 3], dtype, &training).require_grad();
            let loss = |v: Tensor<1>| (v.clone().sin() + v.powf_scalar(2.0)).mean();
            let (v, w) =
                (ours(x.clone(), theta.clone()).unwrap(), theirs(x.clone(), theta.clone()));
            assert_tensors_close(&v, &w, tolerance, tolerance);
            let (ours, theirs) = (loss(v).backward(), loss(w).backward());
            for leaf in [&x, &theta] {
                let (ours, theirs) = (leaf.grad(&ours).unwrap(), leaf.grad(&theirs).unwrap());
                assert_eq!(ours.dtype(), dtype);
                assert_tensors_close(&ours, &theirs, tolerance, tolerance);
            }
            // Without autodiff: the value alone.
            let plain = ours_plain(&x, &theta);
            assert!(!plain.is_autodiff());
            assert_tensors_close(&plain, &w_plain(&x, &theta), tolerance, tolerance);
        }
    });
}

fn ours_plain(x: &Tensor<2>, theta: &Tensor<2>) -> Tensor<1> {
    ours(x.clone().inner(), theta.clone().inner()).unwrap()
}

fn w_plain(x: &Tensor<2>, theta: &Tensor<2>) -> Tensor<1> {
    theirs(x.clone().inner(), theta.clone().inner())
}

#[test]
fn values_are_exact_and_infinities_pass() {
    for_each_device(|device| {
        let training = device.clone().autodiff();
        let x = Tensor::<2>::from_floats(
            [[1e30, -3.0], [f32::NEG_INFINITY, 0.1], [2.0, 0.0]],
            &training,
        )
        .require_grad();
        let value = array![1.234_567_9_f32, f32::INFINITY];
        let v = assay_tensor::custom_grad_segments::<f32, 2, Error>(x.clone(), &[2, 1], |_, _| {
            Ok((value, Some(Array2::from_elem((3, 2), 7.0))))
        })
        .unwrap();
        assert_eq!(v.to_data(), [1.234_567_9_f32, f32::INFINITY].into());
        let gradient = x.grad(&v.powf_scalar(2.0).sum().backward()).unwrap();
        let g = 2.0 * 1.234_567_9_f32 * 7.0;
        let want = Tensor::<2>::from_floats([[g, g], [0.0, g], [0.0, 0.0]], device);
        assert_tensors_close(&gradient, &want, 1e-6, 0.0);
    });
}

#[test]
fn empty_tensors() {
    for_each_device(|device| {
        let training = device.clone().autodiff();
        for (shape, bags) in [([0, 2], &[0, 0][..]), ([3, 0], &[1, 2])] {
            let x = Tensor::<2>::zeros(shape, &training).require_grad();
            let v = assay_tensor::custom_grad_segments::<f32, 2, Error>(x, bags, |x, _| {
                Ok((Array1::from_elem(bags.len(), 5.0), Some(x.to_owned())))
            })
            .unwrap();
            assert_eq!(v.to_data(), [5.0_f32, 5.0].into());
            let _ = v.sum().backward();
        }
    });
}

#[test]
fn scalars_go_through() {
    for_each_device(|device| {
        let x = random(3, [2, 3], DType::F32, &device.clone().autodiff()).require_grad();
        let v = custom_grad::<f32, _, Error>(x.clone(), |x, need| {
            Ok((x.iter().map(|x| x * x).sum(), need.then(|| x.mapv(|x| 2.0 * x))))
        })
        .unwrap();
        let w = x.clone().powf_scalar(2.0).sum();
        assert_tensors_close(&v, &w, 1e-6, 0.0);
        let (v, w) = (x.grad(&v.exp().backward()).unwrap(), x.grad(&w.exp().backward()).unwrap());
        assert_tensors_close(&v, &w, 1e-5, 1e-6);
    });
}

#[test]
fn conversions_round_trip() {
    for_each_device(|device| {
        let floats = array![[1.5_f32, -2.0, f32::INFINITY], [0.0, 1e-30, 3e38]];
        let tensor = convert::from_array(floats.clone(), device).unwrap();
        assert_eq!(convert::into_array::<f32, 2>(tensor.clone()).unwrap(), floats);
        assert_eq!(convert::into_array::<f32, 2>(tensor.transpose()).unwrap(), floats.t());
        let integers = array![[1_i64, -2], [1 << 20, 7]];
        let tensor = convert::from_int_array(integers.clone(), device).unwrap();
        assert_eq!(convert::into_int_array(tensor).unwrap(), integers);
        let booleans = array![true, false, true];
        let tensor = convert::from_bool_array(booleans.clone(), device);
        assert_eq!(convert::into_bool_array(tensor).unwrap(), booleans);
        let doubles = convert::from_array(array![1.0_f64], device);
        match doubles {
            Ok(tensor) => assert_eq!(convert::into_array::<f64, 1>(tensor).unwrap(), array![1.0]),
            Err(error) => assert!(matches!(error, Error::Unsupported { .. }), "{error}"),
        }
    });
}

#[test]
fn module_files_round_trip() {
    use assay_tensor::burn::nn::LinearConfig;
    use assay_tensor::{Layout, load, save};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("linear.safetensors");
    for_each_device(|device| {
        let saved = LinearConfig::new(3, 2).init(device);
        save(&saved, &path, Layout::PyTorch).unwrap();
        let mut loaded = LinearConfig::new(3, 2).init(device);
        load(&mut loaded, &path, Layout::PyTorch).unwrap();
        assert_eq!(loaded.weight.val().to_data(), saved.weight.val().to_data());
    });
}

#[test]
fn a_failure_names_its_device() {
    let payload =
        std::panic::catch_unwind(|| for_each_device(|_| panic!("seven is not eight"))).unwrap_err();
    let message = payload.downcast::<String>().unwrap();
    assert!(message.starts_with("on ") && message.ends_with(": seven is not eight"), "{message}");
}

#[test]
fn closeness_names_the_worst_place() {
    for_each_device(|device| {
        let a = Tensor::<2>::from_floats([[1.0, 2.0]], device);
        let b = Tensor::<2>::from_floats([[1.0, 2.5]], device);
        let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            assert_tensors_close(&a, &b, 0.0, 0.1);
        }));
        let message = payload.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("index 1 of 2"), "{message}");
    });
}
