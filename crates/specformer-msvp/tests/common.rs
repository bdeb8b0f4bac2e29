//! What the tests share: the golden file's arrays, random matrices, slow oracles.

use assay_array::Scalar;
use assay_array::random::{normal, stream};
use assay_array::testing::SplitMix64;
use ndarray::{Array1, Array2, Array4, ArrayD, ArrayView4, IxDyn};
use serde_json::Value;

/// Every number under a value, in order.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Object(_) => array(value).into_raw_vec_and_offset().0,
        number => vec![number.as_f64().unwrap_or_else(|| panic!("not a number: {number}"))],
    }
}

pub(crate) fn indices(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|n| n as usize).collect()
}

/// An array that is written out, nested or under `literal`, or described by its generator.
pub(crate) fn array(value: &Value) -> ArrayD<f64> {
    if let Some(literal) = value.get("literal") {
        return array(literal);
    }
    let Some(generator) = value.get("generator") else {
        let mut shape = vec![];
        let mut inner = value;
        while let Some(items) = inner.as_array() {
            shape.push(items.len());
            inner = &items[0];
        }
        return ArrayD::from_shape_vec(IxDyn(&shape), numbers(value)).unwrap();
    };
    let shape = indices(&value["shape"]);
    let scale = value.get("scale").map_or(1.0, |s| s.as_f64().unwrap());
    let mut rng = SplitMix64::new(value["seed"].as_u64().unwrap());
    let draw = |x: f64| match generator.as_str() {
        Some("splitmix64_sym") => x * scale,
        Some("(splitmix64_sym+1)/2") => 0.5 * (x + 1.0) * scale,
        other => panic!("unknown generator {other:?}"),
    };
    let length = shape.iter().product();
    let values = (0..length).map(|_| draw(rng.symmetric())).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), values).unwrap()
}

pub(crate) fn vector(value: &Value) -> Array1<f64> {
    array(value).into_dimensionality().unwrap()
}

pub(crate) fn matrix(value: &Value) -> Array2<f64> {
    array(value).into_dimensionality().unwrap()
}

pub(crate) fn kernel(value: &Value) -> Array4<f64> {
    array(value).into_dimensionality().unwrap()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

/// Normal entries.
pub(crate) fn gaussian<T: Scalar>(seed: u64, shape: (usize, usize)) -> Array2<T> {
    let mut rng = stream(seed, "specformer tests", 0);
    Array2::from_shape_simple_fn(shape, || T::from_f64(normal(&mut rng)))
}

/// A convolution written out as the matrix of a linear map on images, by its definition.
pub(crate) fn dense_conv(
    kernel: ArrayView4<'_, f64>,
    input: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: [usize; 2],
    circular: bool,
) -> Array2<f64> {
    let (o, i, kh, kw) = kernel.dim();
    let size = |d: usize, taps: usize| {
        if circular {
            input[d].div_ceil(stride[d])
        } else {
            (input[d] + 2 * padding[d] - dilation[d] * (taps - 1) - 1) / stride[d] + 1
        }
    };
    let output = [size(0, kh), size(1, kw)];
    let mut w = Array2::zeros((o * output[0] * output[1], i * input[0] * input[1]));
    let place = |out: usize, d: usize, tap: usize| {
        let x = (out * stride[d] + tap * dilation[d]) as isize - padding[d] as isize;
        let n = input[d] as isize;
        if circular {
            Some(x.rem_euclid(n) as usize)
        } else {
            (0..n).contains(&x).then_some(x as usize)
        }
    };
    for (((oc, ic, a, b), k), (y, x)) in kernel
        .indexed_iter()
        .flat_map(|k| (0..output[0]).flat_map(move |y| (0..output[1]).map(move |x| (k, (y, x)))))
    {
        if let (Some(r), Some(c)) = (place(y, 0, a), place(x, 1, b)) {
            let row = (oc * output[0] + y) * output[1] + x;
            w[[row, (ic * input[0] + r) * input[1] + c]] += k;
        }
    }
    w
}
