use assay_tensor::assay_array::ndarray::{Array, Array1, Array2, Array3, array, s};
use assay_tensor::burn::prelude::{Bool, Device, Int, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use assay_tensor::{Error, convert, device};
use proptest::prelude::*;

fn cpu() -> Device {
    device("flex").unwrap()
}

#[test]
fn the_allocation_survives_the_round_trip() {
    let array = Array2::from_shape_fn((64, 32), |(i, j)| (i * 32 + j) as f32);
    let pointer = array.as_ptr();
    let tensor = convert::from_array(array.clone(), &cpu()).unwrap();
    assert_ne!(convert::into_array::<f32, 2>(tensor).unwrap().as_ptr(), pointer); // `clone` copied

    let tensor = convert::from_array(array, &cpu()).unwrap();
    let array = convert::into_array::<f32, 2>(tensor).unwrap();
    assert_eq!(array.as_ptr(), pointer);
    assert_eq!(array[[63, 31]], 2047.0);

    // A second handle forces a copy, and then neither sees the other's writes.
    let tensor = convert::from_array(array, &cpu()).unwrap();
    let mut copy = convert::into_array::<f32, 2>(tensor.clone()).unwrap();
    copy[[0, 0]] = -1.0;
    let original = convert::into_array::<f32, 2>(tensor).unwrap();
    assert_eq!((original.as_ptr(), original[[0, 0]]), (pointer, 0.0));
}

#[test]
fn any_memory_order_arrives_in_row_major_order() {
    let array = Array2::from_shape_fn((4, 6), |(i, j)| (10 * i + j) as f64);
    let by_hand = |array: &Array2<f64>| array.iter().copied().collect::<Vec<_>>();
    for array in [
        array.clone().reversed_axes(),
        array.clone().slice_move(s![1..3, ..]),
        array.clone().slice_move(s![.., 1..;2]),
        array.slice_move(s![..;-1, ..]),
    ] {
        let tensor = convert::from_array(array.clone(), &cpu()).unwrap();
        assert_eq!(tensor.dims(), [array.nrows(), array.ncols()]);
        assert_eq!(tensor.try_into_vec_as::<f64>().unwrap(), by_hand(&array));
    }
}

#[test]
fn strided_tensors_arrive_in_row_major_order() {
    let x = Tensor::<2>::from_floats([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &cpu());
    assert_eq!(
        convert::into_array::<f32, 2>(x.clone().transpose()).unwrap(),
        array![[1.0_f32, 4.0], [2.0, 5.0], [3.0, 6.0]]
    );
    assert_eq!(
        convert::into_array::<f32, 2>(x.slice([0..2, 1..2])).unwrap(),
        array![[2.0_f32], [5.0]]
    );
}

#[test]
fn element_types_are_checked() {
    let single = Tensor::<1>::from_floats([1.0], &cpu());
    assert_eq!(
        convert::into_array::<f64, 1>(single).unwrap_err().to_string(),
        "tensor to array: expected elements of type F64, got F32"
    );
    let half = Tensor::<1>::from_data([1.0], (&cpu(), DType::F16));
    assert!(matches!(convert::into_array::<f32, 1>(half), Err(Error::DType { .. })));
    let data = TensorData::from([1_i32, 2]);
    assert!(matches!(convert::view::<i64>(&data), Err(Error::DType { .. })));
    assert_eq!(convert::view::<i32>(&data).unwrap().as_slice(), Some(&[1, 2][..]));
}

#[test]
fn a_view_is_the_data_itself() {
    let data = convert::data(array![[[1.0_f64], [2.0]]]);
    let view = convert::view::<f64>(&data).unwrap();
    assert_eq!(view.shape(), [1, 2, 1]);
    assert_eq!(view.as_ptr(), data.as_slice::<f64>().unwrap().as_ptr());
}

#[test]
fn integers_are_i64_whatever_the_device_has() {
    for dtype in [DType::I64, DType::I32, DType::I16, DType::U8] {
        let x = Tensor::<1, Int>::from_data([3_i64, 0, 100], (&cpu(), dtype));
        assert_eq!(convert::into_int_array(x).unwrap(), array![3, 0, 100]);
    }
    let x = Tensor::<1, Int>::from_data(TensorData::from([7, u64::MAX]), (&cpu(), DType::U64));
    assert_eq!(
        convert::into_int_array(x).unwrap_err().to_string(),
        "integer tensor to array: 18446744073709551615 at flat index 1 does not fit I64"
    );
    let array = array![[1_i64, -2], [i64::from(i32::MAX), i64::from(i32::MIN)]];
    let tensor = convert::from_int_array(array.clone(), &cpu()).unwrap();
    assert_eq!(convert::into_int_array(tensor).unwrap(), array);
    // flex has 32-bit integers by default.
    assert_eq!(
        convert::from_int_array(array![0, 1 << 31], &cpu()).unwrap_err().to_string(),
        "integer array to tensor: 2147483648 at flat index 1 does not fit I32"
    );
}

#[test]
fn booleans_are_bool() {
    let array = array![[true, false], [false, true]];
    let tensor: Tensor<2, Bool> = convert::from_bool_array(array.clone(), &cpu());
    assert_eq!(convert::into_bool_array(tensor).unwrap(), array);
}

#[test]
fn nothing_is_something() {
    let empty = convert::from_array(Array3::<f32>::zeros((2, 0, 3)), &cpu()).unwrap();
    assert_eq!(empty.dims(), [2, 0, 3]);
    assert_eq!(convert::into_array::<f32, 3>(empty).unwrap().shape(), [2, 0, 3]);
    let empty = convert::from_int_array(Array1::<i64>::zeros(0), &cpu()).unwrap();
    assert_eq!(convert::into_int_array(empty).unwrap().len(), 0);
}

proptest! {
    #[test]
    fn round_trips_are_exact(shape in [0_usize..5, 0..5, 0..5], bits: Vec<u64>) {
        let value = |i: usize| f64::from_bits(bits.get(i).copied().unwrap_or(i as u64));
        let mut i = 0;
        let array = Array::from_shape_simple_fn(shape, || { i += 1; value(i) });
        let tensor = convert::from_array(array.clone(), &cpu()).unwrap();
        let back = convert::into_array::<f64, 3>(tensor).unwrap();
        let bits = |array: &Array3<f64>| array.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(back.shape(), &shape[..]);
        prop_assert_eq!(bits(&back), bits(&array));
    }
}
