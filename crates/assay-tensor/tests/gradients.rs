//! `custom_grad` against burn's own autodiff, central differences and bad kernels. On flex; the
//! module `backends` repeats the essentials on every device.

use assay_tensor::assay_array::Scalar;
use assay_tensor::assay_array::ndarray::{Array, Array1, Array2, Array3, ArrayView2, Axis, s};
use assay_tensor::assay_array::testing::{SplitMix64, assert_close};
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::{DType, Element};
use assay_tensor::testing::gradcheck;
use assay_tensor::{
    Error, Need, custom_grad, custom_grad_segments, custom_grad_segments_with, device,
    graft_segments, with_scalar,
};
use proptest::prelude::*;

fn training() -> Device {
    device("flex").unwrap().autodiff()
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

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as().unwrap()
}

/// `ln Σ exp` of each bag's entries and its gradient, the softmax; an empty bag gives −∞, as it must.
fn log_sum_exp<T: Scalar>(x: ArrayView2<T>, bags: &[usize]) -> (Array1<T>, Array2<T>) {
    let mut gradient = x.to_owned();
    let mut start = 0;
    let values = bags.iter().map(|&n| {
        let mut bag = gradient.slice_mut(s![start..start + n, ..]);
        start += n;
        let total: f64 = bag.iter().map(|x| x.to_f64().exp()).sum();
        bag.mapv_inplace(|x| T::from_f64(x.to_f64().exp() / total));
        T::from_f64(total.ln())
    });
    let values = values.collect();
    (values, gradient)
}

fn bag_log_sum_exp(x: Tensor<2>, bags: &[usize]) -> Result<Tensor<1>, Error> {
    with_scalar!(x.dtype(), T => custom_grad_segments(x, bags, |x, _| {
        let (values, gradient) = log_sum_exp::<T>(x, bags);
        Ok((values, Some(gradient)))
    }))
}

/// The same by burn's operations, bag by bag.
fn bag_log_sum_exp_by_burn(x: Tensor<2>, bags: &[usize]) -> Tensor<1> {
    let mut start = 0;
    let each = bags.iter().map(|&n| {
        start += n;
        x.clone().slice(s_rows(start - n, start)).exp().sum().log()
    });
    Tensor::cat(each.collect(), 0)
}

fn s_rows(from: usize, to: usize) -> std::ops::Range<usize> {
    from..to
}

#[test]
fn a_scalar_of_one_tensor_is_burns_own() {
    for dtype in [DType::F32, DType::F64] {
        let x = random(1, [3, 4], dtype, &training()).require_grad();
        let upstream = |v: Tensor<1>| (v.clone() * 3.0).sin() + v.powf_scalar(2.0);
        let ours = with_scalar!(dtype, T => custom_grad::<T, _, Error>(x.clone(), |x, need| {
            assert_eq!(need, Need::Gradient);
            Ok((x.iter().map(|&x| x.exp()).sum(), Some(x.mapv(Scalar::exp))))
        }))
        .unwrap();
        assert_eq!((ours.dims(), ours.dtype()), ([1], dtype));
        let theirs = x.clone().exp().sum();
        let tolerance = if dtype == DType::F64 { 1e-14 } else { 1e-6 };
        assert_close(&values(ours.clone()), &values(theirs.clone()), tolerance, 0.0);
        let ours = x.grad(&upstream(ours).backward()).unwrap();
        let theirs = x.grad(&upstream(theirs).backward()).unwrap();
        assert_eq!(ours.dtype(), dtype);
        assert_close(&values(ours), &values(theirs), 30.0 * tolerance, 0.0);
    }
}

#[test]
fn several_inputs_of_several_ranks() {
    // v = Σ_ijk a_i b_jk c, with gradients by hand.
    let ad = training();
    let a = random(1, [2], DType::F64, &ad).require_grad();
    let b = random(2, [3, 4], DType::F64, &ad).require_grad();
    let c = random(3, [1, 1, 1], DType::F64, &ad).require_grad();
    let ours =
        custom_grad::<f64, _, Error>((a.clone(), b.clone(), c.clone()), |(a, b, c), need| {
            let c0 = c[[0, 0, 0]];
            let gradients = || {
                (
                    Array::from_elem(a.raw_dim(), b.sum() * c0),
                    Array::from_elem(b.raw_dim(), a.sum() * c0),
                    Array::from_elem(c.raw_dim(), a.sum() * b.sum()),
                )
            };
            Ok((a.sum() * b.sum() * c0, need.then(gradients)))
        })
        .unwrap();
    let theirs = a.clone().sum() * b.clone().sum() * c.clone().sum();
    assert_close(&values(ours.clone()), &values(theirs.clone()), 1e-14, 0.0);
    let (ours, theirs) = (ours.exp().backward(), theirs.exp().backward());
    assert_close(&values(a.grad(&ours).unwrap()), &values(a.grad(&theirs).unwrap()), 1e-13, 0.0);
    assert_close(&values(b.grad(&ours).unwrap()), &values(b.grad(&theirs).unwrap()), 1e-13, 0.0);
    assert_close(&values(c.grad(&ours).unwrap()), &values(c.grad(&theirs).unwrap()), 1e-13, 0.0);
}

#[test]
fn ragged_bags_are_burns_own() {
    for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-13)] {
        for bags in [&[2, 1, 4][..], &[1; 7], &[7]] {
            let x = random(5, [7, 3], dtype, &training()).require_grad();
            let weights = random(6, [bags.len()], dtype, &training());
            let upstream =
                |v: Tensor<1>| (v.clone().tanh() * weights.clone() + v.powf_scalar(2.0)).mean();
            let ours = bag_log_sum_exp(x.clone(), bags).unwrap();
            let theirs = bag_log_sum_exp_by_burn(x.clone(), bags);
            assert_eq!((ours.dims(), ours.dtype()), ([bags.len()], dtype));
            assert_close(&values(ours.clone()), &values(theirs.clone()), tolerance, 0.0);
            let ours = x.grad(&upstream(ours).backward()).unwrap();
            let theirs = x.grad(&upstream(theirs).backward()).unwrap();
            assert_eq!(ours.dtype(), dtype);
            assert_close(&values(ours), &values(theirs), tolerance, tolerance);
        }
    }
}

#[test]
fn the_value_is_exact() {
    // Numbers whose product with the gradient would round, cancel and overflow.
    for (x0, value) in [(1e30_f32, 1.234_567_9_f32), (-3e38, 1e-38), (1e-40, 7.7e-39)] {
        let x = Tensor::<2>::from_floats([[x0, x0 / 7.0 * 3.0]], &training()).require_grad();
        let gradient = Array2::from_elem((1, 2), 3e37_f32);
        let one =
            custom_grad::<f32, _, Error>(x.clone(), |_, _| Ok((value, Some(gradient.clone()))))
                .unwrap();
        assert_eq!(one.to_data(), [value].into());
        let bags = custom_grad_segments::<f32, 2, Error>(x.clone(), &[0, 1], |_, _| {
            Ok((Array1::from(vec![-value, value]), Some(gradient)))
        })
        .unwrap();
        assert_eq!(bags.to_data(), [-value, value].into());
        let gradient = x.grad(&bags.sum().backward()).unwrap();
        assert_eq!(gradient.to_data(), [[3e37_f32, 3e37]].into());
    }
}

#[test]
fn gradients_agree_with_differences() {
    let bags = [3, 0, 1, 2];
    let shape = [6, 2];
    gradcheck(
        &device("flex").unwrap(),
        |[x]| {
            // The empty bag is −∞; its weight is zero, but not by multiplication.
            let v = bag_log_sum_exp(x, &bags).unwrap();
            let (head, tail) = (v.clone().slice(0..1), v.slice(2..4));
            (head.sin() * 2.0).sum() + tail.powf_scalar(3.0).sum()
        },
        [random(9, shape, DType::F64, &device("flex").unwrap())],
        1e-7,
        1e-8,
    );
}

#[test]
fn parameters_that_bags_share() {
    // v_b = Σ_{n ∈ b} x_nᵀ Θ x_n + κ, ∂/∂x_n = (Θ + Θᵀ) x_n, ∂/∂Θ = Σ x_n x_nᵀ, ∂/∂κ = 1.
    let bags = [2, 0, 3];
    let forms = |x: Tensor<2>, theta: Tensor<2>, kappa: Tensor<1>| {
        custom_grad_segments_with::<f64, 2, _, Error>(
            x,
            &bags,
            (theta, kappa),
            |x, (theta, kappa), need| {
                let mut values = Array1::from_elem(bags.len(), kappa[0]);
                let mut outer = Array3::zeros((bags.len(), 2, 2));
                let mut start = 0;
                for (b, &n) in bags.iter().enumerate() {
                    for x in x.slice(s![start..start + n, ..]).outer_iter() {
                        values[b] += x.dot(&theta.dot(&x));
                        let column = x.insert_axis(Axis(1));
                        let mut sum = outer.index_axis_mut(Axis(0), b);
                        sum += &column.dot(&column.t());
                    }
                    start += n;
                }
                let by_x = || x.dot(&(&theta + &theta.t()));
                let by_kappa = Array2::ones((bags.len(), 1));
                Ok((values, need.then(|| (by_x(), (outer, by_kappa)))))
            },
        )
        .unwrap()
    };
    let cpu = device("flex").unwrap();
    let (x, theta, kappa) = (
        random(1, [5, 2], DType::F64, &cpu),
        random(2, [2, 2], DType::F64, &cpu),
        random(3, [1], DType::F64, &cpu),
    );
    // The loss weighs bags differently, which a gradient summed over bags could not follow.
    let weights = Tensor::<1>::from_data(TensorData::from([1.0, -2.0, 0.5]), (&cpu, DType::F64));
    let loss = |x, theta, kappa| (forms(x, theta, kappa).sin() * weights.clone()).sum();
    let (t, k) = (theta.clone(), kappa.clone());
    gradcheck(&cpu, |[x]| loss(x, t.clone(), k.clone()), [x.clone()], 1e-7, 1e-8);
    let k = kappa.clone();
    gradcheck(&cpu, |[t]| loss(x.clone(), t, k.clone()), [theta.clone()], 1e-7, 1e-8);
    gradcheck(&cpu, |[k]| loss(x.clone(), theta.clone(), k), [kappa], 1e-7, 1e-8);
}

#[test]
fn several_consumers_add_up() {
    let x = random(4, [5, 2], DType::F64, &training()).require_grad();
    let ours = bag_log_sum_exp(x.clone(), &[2, 3]).unwrap();
    let theirs = bag_log_sum_exp_by_burn(x.clone(), &[2, 3]);
    let loss = |v: Tensor<1>| {
        v.clone().sum() + (v.clone() * v.clone()).sum() + (v.exp() * x.clone().sum()).sum()
    };
    let (ours, theirs) = (loss(ours).backward(), loss(theirs).backward());
    assert_close(&values(x.grad(&ours).unwrap()), &values(x.grad(&theirs).unwrap()), 1e-12, 0.0);
}

#[test]
fn derived_inputs_pass_the_gradient_on() {
    let x = random(4, [5, 2], DType::F64, &training()).require_grad();
    let derived = |x: Tensor<2>| x.powf_scalar(3.0) * 0.5;
    let ours = bag_log_sum_exp(derived(x.clone()), &[2, 3]).unwrap().sum().backward();
    let theirs = bag_log_sum_exp_by_burn(derived(x.clone()), &[2, 3]).sum().backward();
    assert_close(&values(x.grad(&ours).unwrap()), &values(x.grad(&theirs).unwrap()), 1e-12, 1e-14);
}

/// A kernel that ran elsewhere: its gradient comes as a tensor and its infinite values move nothing.
#[test]
fn a_graft_is_the_kernel_that_it_stands_for() {
    let x = random(4, [5, 2], DType::F64, &training()).require_grad();
    let upstream = |v: Tensor<1>| (v.clone() * v).sum();
    let theirs = bag_log_sum_exp(x.clone(), &[2, 3]).unwrap();
    let (numbers, theirs) = (values(theirs.clone()), upstream(theirs).backward());
    let plain = x.clone().without_autodiff();
    let bags = [plain.clone().slice(s_rows(0, 2)), plain.clone().slice(s_rows(2, 5))];
    let softmax =
        Tensor::cat(bags.map(|bag| bag.clone().exp() / bag.exp().sum().reshape([1, 1])).into(), 0);
    let ours = graft_segments(x.clone(), &[2, 3], numbers.clone(), || softmax.clone()).unwrap();
    assert_eq!(values(ours.clone()), numbers);
    let ours = upstream(ours).backward();
    assert_close(&values(x.grad(&ours).unwrap()), &values(x.grad(&theirs).unwrap()), 1e-12, 1e-14);

    let infinite = vec![f64::INFINITY, numbers[1]];
    let ours = graft_segments(x.clone(), &[2, 3], infinite, || softmax.clone()).unwrap();
    let gradient = values(x.grad(&upstream(ours).backward()).unwrap());
    assert_eq!(gradient[..4], [0.0; 4]);
    assert!(gradient[4..].iter().all(|g| g.is_finite() && *g != 0.0), "{gradient:?}");

    let untracked = graft_segments(plain, &[2, 3], numbers, || unreachable!()).unwrap();
    assert!(!untracked.is_tracked());
    let refuse = |lengths: &[usize], values: Vec<f64>, gradient: Tensor<2>| {
        graft_segments(x.clone(), lengths, values, || gradient).unwrap_err().to_string()
    };
    assert!(refuse(&[2, 2], vec![0.0; 2], softmax.clone()).contains("sum to 5 rows"));
    assert!(refuse(&[2, 3], vec![0.0; 3], softmax.clone()).contains("expected shape [2], got [3]"));
    assert!(refuse(&[2, 3], vec![0.0, f64::NAN], softmax.clone()).contains("NaN"));
    let short = refuse(&[2, 3], vec![0.0; 2], softmax.slice(s_rows(0, 4)));
    assert!(short.contains("gradient: expected shape [5, 2], got [4, 2]"), "{short}");
}

#[test]
fn nothing_tracked_needs_no_gradient() {
    for device in [device("flex").unwrap(), training()] {
        let x = random(4, [5, 2], DType::F32, &device);
        let v = custom_grad_segments::<f32, 2, Error>(x.clone(), &[5], |x, need| {
            assert_eq!(need, Need::Value);
            Ok((Array1::from(vec![x.sum()]), None))
        })
        .unwrap();
        assert!(!v.is_tracked());
        assert_eq!(v.device().is_autodiff(), device.is_autodiff());
        let v = custom_grad::<f32, _, Error>((x.clone(), x), |(x, _), need| {
            assert_eq!(need, Need::Value);
            Ok((x.sum(), None))
        });
        assert!(!v.unwrap().is_tracked());
    }
    // A detached input beside a tracked one, and one outside autodiff altogether.
    let x = random(4, [5, 2], DType::F32, &training()).require_grad();
    for other in [x.clone().detach().set_require_grad(false), x.clone().inner()] {
        for inputs in [(x.clone(), other.clone()), (other.clone(), x.clone())] {
            let v = custom_grad::<f32, _, Error>(inputs, |(x, y), need| {
                assert_eq!(need, Need::Gradient);
                Ok(((&x * &y).sum(), Some((y.to_owned(), x.to_owned()))))
            })
            .unwrap();
            let gradients = v.backward();
            assert_eq!(x.grad(&gradients).unwrap().to_data(), x.to_data());
            assert!(other.grad(&gradients).is_none());
        }
    }
}

#[test]
fn infinite_values_carry_no_gradient() {
    let bags = [1, 2, 1];
    let x = random(8, [4, 2], DType::F32, &training()).require_grad();
    let kernel = |x: Tensor<2>| {
        custom_grad_segments_with::<f32, 2, _, Error>(x.clone(), &bags, x, |_, _, _| {
            // An infeasible bag in the middle, with the nonsense a careless kernel writes there.
            let mut by_row = Array2::ones((4, 2));
            by_row.slice_mut(s![1..3, ..]).fill(f32::NAN);
            let mut by_param = Array3::ones((3, 4, 2));
            by_param.slice_mut(s![1, .., ..]).fill(f32::NEG_INFINITY);
            Ok((Array1::from(vec![1.0, f32::INFINITY, 2.0]), Some((by_row, by_param))))
        })
        .unwrap()
    };
    assert_eq!(kernel(x.clone()).to_data(), [1.0, f32::INFINITY, 2.0].into());
    // Upstream derivatives: finite, infinite, NaN.
    for loss in [
        kernel(x.clone()).mean(),
        kernel(x.clone()).powf_scalar(2.0).sum(),
        kernel(x.clone()).sin().sum(),
    ] {
        let gradient = values(x.grad(&loss.backward()).unwrap());
        assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    }
    let gradient = x.grad(&kernel(x.clone()).sum().backward()).unwrap();
    assert_eq!(gradient.to_data(), [[3.0_f32, 3.0], [2.0, 2.0], [2.0, 2.0], [3.0, 3.0]].into());
    let all = custom_grad::<f32, _, Error>(x.clone(), |x, _| {
        Ok((f32::NEG_INFINITY, Some(x.mapv(|_| f32::NAN))))
    })
    .unwrap();
    assert_eq!(all.to_data(), [f32::NEG_INFINITY].into());
    let gradient = x.grad(&all.powf_scalar(2.0).backward()).unwrap();
    assert_eq!(gradient.to_data(), TensorData::zeros::<f32, _>([4, 2]));
}

#[test]
fn infinite_entries_carry_no_gradient() {
    // Impossible labels have logit −∞; p = 0 there.
    let x = Tensor::<2>::from_floats([[0.0, f32::NEG_INFINITY], [1.0, 2.0]], &training())
        .require_grad();
    let v = bag_log_sum_exp(x.clone(), &[1, 1]).unwrap();
    assert_eq!(v.clone().slice(0..1).to_data(), [0.0_f32].into());
    let gradient = values(x.grad(&v.sum().backward()).unwrap());
    assert_eq!(gradient[..2], [1.0, 0.0]);
    assert!(gradient.iter().all(|g| g.is_finite()));
}

#[test]
fn empty_bags_and_empty_tensors() {
    let x = random(8, [3, 2], DType::F64, &training()).require_grad();
    let v = bag_log_sum_exp(x.clone(), &[0, 3, 0, 0]).unwrap();
    assert_eq!(v.dims(), [4]);
    let loss = v.clone().slice(1..2).sum();
    let theirs = x.clone().exp().sum().log();
    assert_close(
        &values(x.grad(&loss.backward()).unwrap()),
        &values(x.grad(&theirs.backward()).unwrap()),
        1e-13,
        0.0,
    );
    // No rows at all, no columns, no bags: the values stand, and backward does not panic.
    for (shape, bags) in [([0, 2], &[0, 0][..]), ([3, 0], &[1, 2]), ([0, 2], &[])] {
        let x = Tensor::<2>::zeros(shape, &training()).require_grad();
        let v = custom_grad_segments::<f32, 2, Error>(x.clone(), bags, |x, _| {
            Ok((Array1::from_elem(bags.len(), 5.0), Some(x.to_owned())))
        })
        .unwrap();
        assert_eq!(v.to_data(), TensorData::full([bags.len()], 5.0_f32));
        let gradients = v.sum().backward();
        assert_eq!(x.grad(&gradients).unwrap().dims(), shape);
        let v =
            custom_grad::<f32, _, Error>(x.clone(), |x, _| Ok((5.0, Some(x.to_owned())))).unwrap();
        assert_eq!(v.to_data(), [5.0_f32].into());
        let gradients = v.backward();
        assert_eq!(x.grad(&gradients).unwrap().dims(), shape);
    }
}

#[test]
fn a_kernel_may_be_wider_but_not_narrower() {
    let half = random(3, [4], DType::F16, &training()).require_grad();
    let v = custom_grad::<f64, _, Error>(half.clone(), |x, _| Ok((x.sum(), Some(x.mapv(|_| 1.0)))))
        .unwrap();
    assert_eq!(v.dtype(), DType::F16);
    let gradient = half.grad(&v.backward()).unwrap();
    assert_eq!((gradient.dtype(), values(gradient)), (DType::F16, vec![1.0; 4]));
    // 1e5 is infinite in f16: as a value it may be, as a gradient it must not pass as finite.
    let v = custom_grad::<f32, _, Error>(half.clone(), |x, _| Ok((1e5, Some(x.mapv(|_| 1.0)))))
        .unwrap();
    assert_eq!(values(v.clone()), [f64::INFINITY]);
    assert_eq!(values(half.grad(&v.backward()).unwrap()), [0.0; 4]);
    let error =
        custom_grad::<f32, _, Error>(half, |x, _| Ok((1.0, Some(x.mapv(|_| 1e5))))).unwrap_err();
    assert!(matches!(error, Error::NotFinite { value: 1e5, .. }), "{error}");

    let double = random(3, [4], DType::F64, &training()).require_grad();
    let error = custom_grad::<f32, _, Error>(double, |x, _| Ok((x.sum(), None))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "custom_grad computing in f32: expected elements of type a float no wider than that, got F64"
    );
}

#[test]
fn bad_kernels_are_errors() {
    let x = random(8, [3, 2], DType::F32, &training()).require_grad();
    let run = |lengths: &[usize], values: Vec<f32>, gradient: Option<Array2<f32>>| {
        let result = custom_grad_segments::<f32, 2, Error>(x.clone(), lengths, |_, _| {
            Ok((values.into(), gradient))
        });
        result.unwrap_err().to_string()
    };
    let ones = || Some(Array2::ones((3, 2)));
    assert_eq!(
        run(&[1, 1], vec![0.0; 2], ones()),
        "custom_grad over segments: expected lengths that sum to 3 rows, got 2 that sum to 2"
    );
    assert!(run(&[usize::MAX, 4], vec![0.0; 2], ones()).contains("sum to 18446744073709551615"));
    assert_eq!(
        run(&[1, 2], vec![0.0; 3], ones()),
        "custom_grad over segments: values: expected shape [2], got [3]"
    );
    assert_eq!(
        run(&[1, 2], vec![0.0, f32::NAN], ones()),
        "custom_grad over segments: value: expected finite numbers, got NaN at [1]"
    );
    assert_eq!(
        run(&[1, 2], vec![0.0; 2], Some(Array2::ones((2, 3)))),
        "custom_grad over segments: gradient of input 0: expected shape [3, 2], got [2, 3]"
    );
    let mut gradient = Array2::ones((3, 2));
    gradient[[2, 1]] = f32::NEG_INFINITY;
    assert_eq!(
        run(&[1, 2], vec![0.0; 2], Some(gradient)),
        "custom_grad over segments: gradient of input 0: expected finite numbers, got -inf at [2, 1]"
    );
    assert_eq!(
        run(&[1, 2], vec![0.0; 2], None),
        "custom_grad over segments: the kernel was asked for a gradient and returned none"
    );
    // The kernel's own error comes through as it is.
    let error = custom_grad::<f32, _, Error>(x.clone(), |_, _| {
        Err(Error::NoGradient { operation: "mine".to_owned() })
    });
    assert!(error.unwrap_err().to_string().starts_with("mine"));
    // Inputs that do not belong together.
    let other = random(8, [3, 2], DType::F64, &training());
    let error =
        custom_grad::<f32, _, Error>((x.clone(), other), |_, _| Ok((0.0, None))).unwrap_err();
    assert_eq!(error.to_string(), "custom_grad: input 1: expected elements of type F32, got F64");
    let checkpointing = device("flex").unwrap().autodiff().gradient_checkpointing();
    let other = random(8, [3, 2], DType::F32, &checkpointing).require_grad();
    let error = custom_grad::<f32, _, Error>((x, other), |_, _| Ok((0.0, None))).unwrap_err();
    assert!(matches!(error, Error::Devices { .. }), "{error}");
    let error = custom_grad::<f32, _, Error>((), |(), _| Ok((0.0, None))).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
}

#[test]
fn gradients_in_any_memory_order() {
    let x = random(8, [3, 2], DType::F64, &training()).require_grad();
    let by_row = Array2::from_shape_fn((3, 2), |(i, j)| (10 * i + j) as f64);
    let column_major = by_row.t().as_standard_layout().into_owned().reversed_axes();
    assert!(!column_major.is_standard_layout());
    let cut = Array2::from_shape_fn((5, 2), |(i, j)| 10.0 * i as f64 - 10.0 + j as f64)
        .slice_move(s![1..4, ..]);
    for gradient in [by_row.clone(), column_major, cut] {
        let v = custom_grad::<f64, _, Error>(x.clone(), |_, _| Ok((0.0, Some(gradient)))).unwrap();
        let got = values(x.grad(&v.backward()).unwrap());
        assert_eq!(got, by_row.iter().copied().collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bags_are_burns_own(bags in prop::collection::vec(1_usize..5, 1..6), columns in 1_usize..4, seed: u64) {
        let x = random(seed, [bags.iter().sum(), columns], DType::F64, &training()).require_grad();
        let weights = random(seed ^ 1, [bags.len()], DType::F64, &training());
        let loss = |v: Tensor<1>| (v.sin() * weights.clone()).sum();
        let ours = x.grad(&loss(bag_log_sum_exp(x.clone(), &bags).unwrap()).backward()).unwrap();
        let theirs = x.grad(&loss(bag_log_sum_exp_by_burn(x.clone(), &bags)).backward()).unwrap();
        assert_close(&values(ours), &values(theirs), 1e-12, 1e-14);
    }
}

/// Compile-time: the pieces are usable behind the bounds that other crates write.
#[allow(dead_code)]
fn generic<T: Scalar + Element>(x: Tensor<2>) -> Result<Tensor<1>, Error> {
    custom_grad::<T, _, Error>(x, |x, need| {
        Ok((x.iter().copied().sum(), need.then(|| x.mapv(|_| T::ONE))))
    })
}
