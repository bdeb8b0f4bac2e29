//! Decompositions against slow textbook versions, their laws, and what they refuse.

use assay_array::linalg::{Gram, cholesky, eigh, eigvalsh, matmul, svd, svdvals};
use assay_array::ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};
use assay_array::testing::{SplitMix64, assert_close};
use assay_array::{Error, Scalar};
use proptest::prelude::*;

/// The triple loop, in `f64`.
pub(crate) fn product<T: Scalar>(a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<f64> {
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        (0..a.ncols()).map(|k| a[[i, k]].to_f64() * b[[k, j]].to_f64()).sum()
    })
}

/// Eigenvalues by cyclic Jacobi rotations (Golub and Van Loan 2013, algorithm 8.5.3), ascending.
fn jacobi(a: &Array2<f64>) -> Vec<f64> {
    let (n, mut a) = (a.nrows(), a.clone());
    for _ in 0..60 {
        let size: f64 = a.iter().map(|x| x * x).sum();
        let outside = size - a.diag().iter().map(|x| x * x).sum::<f64>();
        if outside <= 1e-30 * size {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[[p, q]] == 0.0 {
                    continue;
                }
                let tau = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
                let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[[k, p]], a[[k, q]]);
                    (a[[k, p]], a[[k, q]]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[[p, k]], a[[q, k]]);
                    (a[[p, k]], a[[q, k]]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut values = a.diag().to_vec();
    values.sort_by(f64::total_cmp);
    values
}

pub(crate) fn random<T: Scalar>(seed: u64, rows: usize, columns: usize) -> Array2<T> {
    let mut rng = SplitMix64::new(seed);
    Array2::from_shape_fn((rows, columns), |_| T::from_f64(rng.symmetric()))
}

pub(crate) fn symmetric<T: Scalar>(seed: u64, n: usize) -> Array2<T> {
    let a = random::<T>(seed, n, n);
    Array2::from_shape_fn((n, n), |(i, j)| a[[i.max(j), i.min(j)]])
}

#[cfg(feature = "lapack")] // the parity test alone widens
pub(crate) fn wide<T: Scalar>(a: &Array2<T>) -> Array2<f64> {
    a.mapv(Scalar::to_f64)
}

pub(crate) fn flat<'a, T: Scalar>(a: impl IntoIterator<Item = &'a T>) -> Vec<f64> {
    a.into_iter().map(|x| x.to_f64()).collect()
}

/// `‖VᵀV − I‖` at its worst element.
pub(crate) fn orthogonality<T: Scalar>(v: ArrayView2<T>) -> f64 {
    let gram = product(v.t(), v);
    gram.indexed_iter()
        .map(|((i, j), x)| (x - f64::from(u8::from(i == j))).abs())
        .fold(0.0, f64::max)
}

pub(crate) fn difference(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().map(|x| x.abs()).fold(0.0, f64::max)
}

#[test]
fn eigenvalues_are_jacobis() {
    // 150 crosses faer's threshold for divide and conquer (128).
    for n in [1, 2, 3, 10, 40, 150] {
        let a = symmetric::<f64>(n as u64, n);
        let want = jacobi(&a);
        let scale = n as f64;
        assert_close(&eigvalsh(a.view()).unwrap().to_vec(), &want, 0.0, 1e-13 * scale);
        assert_close(&eigh(a.view()).unwrap().values.to_vec(), &want, 0.0, 1e-13 * scale);
        let narrow = a.mapv(|x| x as f32);
        assert_close(&flat(&eigvalsh(narrow.view()).unwrap()), &want, 0.0, 2e-6 * scale);
    }
}

/// Matrices whose tridiagonal form splits, is graded or has clusters: by another algorithm.
#[test]
fn eigenvalues_are_those_that_come_with_vectors() {
    for n in [1, 2, 5, 31, 32, 33, 37, 100, 260] {
        let random = symmetric::<f64>(n as u64, n);
        let thin = self::random::<f64>(7, n, 3);
        let graded = |i: usize| 0.1_f64.powf((i % 60) as f64);
        let cases = [
            random.clone(),
            Array2::from_elem((n, n), 1.0),
            Array2::from_diag_elem(n, -2.0),
            Array2::from_shape_fn((n, n), |(i, j)| f64::from(u8::from(i + j == n - 1))),
            product(thin.view(), thin.t()),
            Array2::from_shape_fn((n, n), |(i, j)| random[[i, j]] * graded(i) * graded(j)),
            Array2::from_shape_fn((n, n), |(i, j)| {
                random[[i, j]] * graded(n - 1 - i) * graded(n - 1 - j)
            }),
            // Wilkinson's: pairs of eigenvalues that agree in all digits.
            Array2::from_shape_fn((n, n), |(i, j)| match i.abs_diff(j) {
                0 => (n as f64 / 2.0 - i as f64).abs(),
                1 => 1.0,
                _ => 0.0,
            }),
            Array2::from_shape_fn((n, n), |(i, j)| if i.abs_diff(j) == 1 { 1e-170 } else { 0.0 }),
        ];
        for (case, a) in cases.iter().enumerate() {
            let e = eigh(a.view()).unwrap();
            let size = e.values.iter().fold(0.0_f64, |m, x| m.max(x.abs())) + f64::MIN_POSITIVE;
            let (got, want) = (eigvalsh(a.view()).unwrap() / size, e.values / size);
            assert!(got.iter().is_sorted());
            for (got, want) in got.iter().zip(&want) {
                let off = (got - want).abs();
                assert!(off < 4e-16 * (n as f64 + 10.0), "{case} of {n}: {got} {want}");
            }
            let narrow = a.mapv(|x| x as f32);
            for (got, want) in eigvalsh(narrow.view()).unwrap().iter().zip(&want) {
                let off = (f64::from(*got) / size - want).abs();
                assert!(case == 8 || off < 2e-7 * (n as f64 + 10.0), "f32, {case} of {n}");
            }
        }
    }
}

#[test]
fn singular_values_are_roots_of_jacobis() {
    for (m, n) in [(1, 1), (7, 3), (3, 7), (40, 40), (200, 9)] {
        let a = random::<f64>(3, m, n);
        let small = if m > n { product(a.t(), a.view()) } else { product(a.view(), a.t()) };
        let mut want: Vec<f64> = jacobi(&small).iter().map(|x| x.max(0.0).sqrt()).collect();
        want.reverse();
        assert_close(&svdvals(a.view()).unwrap().to_vec(), &want, 1e-9, 1e-9);
        assert_close(&svd(a.view()).unwrap().values.to_vec(), &want, 1e-9, 1e-9);
    }
}

#[test]
fn products_are_the_triple_loop_for_any_layout() {
    // 300 rows take three panels.
    for (m, k, n) in [(1, 1, 1), (3, 5, 2), (300, 20, 17), (129, 1, 130), (1, 40, 1)] {
        let a = random::<f64>(1, m, k);
        let b = random::<f64>(2, k, n);
        let want = product(a.view(), b.view());
        let (a_by_columns, b_by_columns) = (a.t().to_owned(), b.t().to_owned());
        // Every other column of a wider matrix, rows from the last to the first.
        let mut gaps = Array2::zeros((m, 2 * k));
        gaps.slice_mut(s![..;-1, ..;2]).assign(&a);
        for left in [a.view(), a_by_columns.t(), gaps.slice(s![..;-1, ..;2])] {
            for right in [b.view(), b_by_columns.t()] {
                let got = matmul(left, right).unwrap();
                assert_close(&flat(&got), &flat(&want), 1e-13, 1e-13);
            }
        }
        let got = matmul(a.mapv(|x| x as f32).view(), b.mapv(|x| x as f32).view()).unwrap();
        assert_close(&flat(&got), &flat(&want), 1e-5, 1e-5);
    }
}

#[test]
fn cholesky_finds_the_first_bad_pivot() {
    for n in [1, 4, 33, 150] {
        let x = random::<f64>(5, n + 5, n);
        let a = product(x.t(), x.view());
        let l = cholesky(a.view()).unwrap();
        assert!(difference(&product(l.view(), l.t()), &a) < 1e-12 * n as f64);
        assert!(l.indexed_iter().all(|((i, j), &x)| i >= j || x == 0.0));
        // Row-major and column-major input, and whatever the upper triangle holds.
        let mut upper = a.t().as_standard_layout().into_owned();
        upper.indexed_iter_mut().for_each(|((i, j), x)| {
            if j > i {
                *x = f64::NAN;
            }
        });
        assert_eq!(cholesky(upper.view()).unwrap(), l);
        // Lowering pivot k below what the rows before it explain fails there and not earlier.
        for k in [0, n / 2, n - 1] {
            let mut bad = a.clone();
            bad[[k, k]] -= l[[k, k]] * l[[k, k]] + 1e-3;
            match cholesky(bad.view()) {
                Err(Error::NotPositiveDefinite { pivot, size }) => {
                    assert_eq!((pivot, size), (k, n));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn gram_is_the_product_and_does_not_care_about_batches() {
    let x = random::<f32>(9, 2500, 70);
    let want = product(x.t(), x.view());
    let mut whole = Gram::new(70).unwrap();
    whole.update(x.view()).unwrap();
    assert_close(&flat(&whole.finish()), &flat(&want), 1e-5, 1e-4);
    // Splits at whole blocks change nothing, in whatever layout a batch comes.
    let mut split = Gram::new(70).unwrap();
    split.update(x.slice(s![..1024, ..])).unwrap();
    split.update(x.slice(s![..0, ..])).unwrap();
    let rest = x.slice(s![1024.., ..]).t().as_standard_layout().into_owned();
    split.update(rest.t()).unwrap();
    assert_eq!(split, whole);
    assert_eq!(split.rows(), 2500);
    // Others change the rounding.
    let (mut left, mut right) = (Gram::new(70).unwrap(), Gram::new(70).unwrap());
    left.update(x.slice(s![..777, ..])).unwrap();
    right.update(x.slice(s![777.., ..])).unwrap();
    let mut reversed = right.clone();
    reversed.merge(&left).unwrap();
    left.merge(&right).unwrap();
    assert_eq!(left, reversed);
    assert_close(&flat(&left.finish()), &flat(&whole.finish()), 1e-5, 1e-4);
    let mut with_empty = whole.clone();
    with_empty.merge(&Gram::new(70).unwrap()).unwrap();
    assert_eq!(with_empty, whole);
}

#[test]
fn blocks_add_up_without_losing_digits() {
    let x = Array2::from_elem((1_000_000, 1), 0.1_f32);
    let mut gram = Gram::new(1).unwrap();
    gram.update(x.view()).unwrap();
    let want = 1e6 * f64::from(0.1_f32) * f64::from(0.1_f32);
    let error = (gram.finish()[[0, 0]] / want - 1.0).abs();
    // Half a unit in the last place for each of a block's additions, however many blocks there are;
    let bound = 512.0 * f64::from(f32::EPSILON) / 2.0;
    assert!(error < bound, "{error}");
    // one sum in f32 is far from that.
    let plain: f32 = x.iter().map(|x| x * x).sum();
    assert!((f64::from(plain) / want - 1.0).abs() > 10.0 * bound);
}

#[test]
fn results_do_not_depend_on_threads() {
    let a = random::<f32>(1, 400, 300);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut gram = Gram::new(300).unwrap();
            gram.update(a.view()).unwrap();
            let square = matmul(a.t(), a.view()).unwrap();
            let e = eigh(square.view()).unwrap();
            (matmul(a.view(), a.t()).unwrap(), gram, e, svd(a.view()).unwrap())
        })
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn extreme_magnitudes_scale() {
    let a = symmetric::<f64>(4, 12);
    let want = eigvalsh(a.view()).unwrap();
    let values = svdvals(a.view()).unwrap();
    for power in [-1060, -1000, -500, 500, 1000, 1019] {
        // In two steps: 2^-1060 is subnormal and loses digits, a product by halves does not overflow.
        let factor = 2.0_f64.powi(power / 2);
        let scaled = a.mapv(|x| x * factor * 2.0_f64.powi(power - power / 2));
        let digits = if power < -1022 { 1e-2 } else { 1e-12 };
        let back = |x: &f64| x / factor / 2.0_f64.powi(power - power / 2);
        let got: Vec<f64> = eigvalsh(scaled.view()).unwrap().iter().map(back).collect();
        assert_close(&got, &want.to_vec(), digits, digits);
        let got: Vec<f64> = svdvals(scaled.view()).unwrap().iter().map(back).collect();
        assert_close(&got, &values.to_vec(), digits, digits);
        let e = eigh(scaled.view()).unwrap();
        assert!(orthogonality(e.vectors.view()) < 1e-12);
    }
    let tiny = Array2::from_elem((3, 3), f32::from_bits(1));
    assert_eq!(svdvals(tiny.view()).unwrap()[0], f32::from_bits(3));
    let zero = Array2::<f32>::zeros((5, 5));
    assert_eq!(flat(&eigvalsh(zero.view()).unwrap()), [0.0; 5]);
    assert!(orthogonality(eigh(zero.view()).unwrap().vectors.view()) < 1e-6);
    assert!(orthogonality(svd(zero.view()).unwrap().u.view()) < 1e-6);
    // The norm of four times the largest number is no number.
    let huge = Array2::from_elem((4, 4), f64::MAX);
    assert!(matches!(eigvalsh(huge.view()), Err(Error::Overflow { .. })));
    assert!(matches!(svd(huge.view()), Err(Error::Overflow { .. })));
    assert!(matches!(matmul(huge.view(), huge.view()), Err(Error::Overflow { .. })));
    let huge = Array2::from_diag_elem(4, f64::MAX);
    assert_eq!(eigvalsh(huge.view()).unwrap().to_vec(), [f64::MAX; 4]);
    // The second pivot is MAX − MAX²/MAX = 0, on the way of which squares overflow.
    let edge = Array2::from_elem((2, 2), f64::MAX);
    assert!(cholesky(edge.view()).is_err());
    assert!(cholesky(Array2::from_diag_elem(3, f64::from_bits(1)).view()).is_ok());
}

#[test]
fn empty_input_has_empty_results() {
    let empty = Array2::<f64>::zeros((0, 0));
    assert_eq!(eigvalsh(empty.view()).unwrap().len(), 0);
    assert_eq!(eigh(empty.view()).unwrap().vectors.dim(), (0, 0));
    assert_eq!(cholesky(empty.view()).unwrap().dim(), (0, 0));
    for (m, n) in [(0, 0), (0, 3), (3, 0)] {
        let a = Array2::<f32>::zeros((m, n));
        let d = svd(a.view()).unwrap();
        assert_eq!((d.u.dim(), d.values.len(), d.vt.dim()), ((m, 0), 0, (0, n)));
        assert_eq!(svdvals(a.view()).unwrap().len(), 0);
        assert_eq!(matmul(a.view(), a.t()).unwrap(), Array2::<f32>::zeros((m, m)));
        assert_eq!(matmul(a.t(), a.view()).unwrap(), Array2::<f32>::zeros((n, n)));
        let mut gram = Gram::new(n).unwrap();
        gram.update(a.view()).unwrap();
        assert_eq!(gram.finish(), Array2::<f64>::zeros((n, n)));
    }
}

#[test]
fn bad_input_is_named() {
    let a = random::<f64>(1, 3, 4);
    for result in
        [eigvalsh(a.view()).map(drop), eigh(a.view()).map(drop), cholesky(a.view()).map(drop)]
    {
        assert!(matches!(result, Err(Error::NotSquare { rows: 3, columns: 4, .. })));
    }
    let error = matmul(a.view(), a.view()).unwrap_err();
    assert_eq!(error.to_string(), "matmul: [3, 4] and [3, 4] do not fit together");
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut a = symmetric::<f64>(1, 5);
        a[[3, 1]] = bad;
        let before = Gram::new(5).unwrap();
        let mut gram = before.clone();
        for result in [
            eigvalsh(a.view()).map(drop),
            eigh(a.view()).map(drop),
            svd(a.view()).map(drop),
            svdvals(a.view()).map(drop),
            cholesky(a.view()).map(drop),
            matmul(a.view(), a.view()).map(drop),
            gram.update(a.view()),
        ] {
            assert!(
                matches!(result, Err(Error::NotFinite { row: 3, column: 1, .. })),
                "{result:?}"
            );
        }
        assert_eq!(gram, before);
        // The upper triangle is not read.
        assert!(eigvalsh(a.t()).is_ok());
    }
    let mut gram = Gram::new(5).unwrap();
    assert!(matches!(gram.update(a.view()), Err(Error::Mismatch { .. })));
    assert!(matches!(gram.merge(&Gram::new(4).unwrap()), Err(Error::Mismatch { .. })));
    let large = Array2::from_elem((2, 5), 1e20_f32);
    assert!(matches!(gram.update(large.view()), Err(Error::Overflow { element: "f32", .. })));
    assert!(matches!(Gram::new(usize::MAX), Err(Error::TooLarge { .. })));
    let tall = Array2::<f64>::zeros((1 << 40, 0));
    assert!(matches!(matmul(tall.view(), tall.t()), Err(Error::TooLarge { .. })));
}

#[cfg(feature = "serde")]
#[test]
fn a_sum_is_written_down_and_read_back() {
    let mut gram = Gram::new(3).unwrap();
    gram.update(random::<f32>(2, 10, 3).view()).unwrap();
    let text = serde_json::to_string(&gram).unwrap();
    let back: Gram = serde_json::from_str(&text).unwrap();
    assert_eq!((back.rows(), back.columns()), (10, 3));
    // JSON may lose the last digit.
    assert_close(&flat(&back.finish()), &flat(&gram.finish()), 1e-15, 0.0);
    for bad in [
        r#"{"columns":3,"rows":1,"lower":[1.0]}"#,
        r#"{"columns":18446744073709551615,"rows":1,"lower":[]}"#,
    ] {
        assert!(serde_json::from_str::<Gram>(bad).is_err());
    }
}

#[test]
fn a_packed_triangle_is_the_whole_matrix() {
    for columns in [0, 1, 63, 64, 65, 200] {
        let x = random::<f64>(columns as u64, 30, columns);
        let mut gram = Gram::new(columns).unwrap();
        gram.update(x.view()).unwrap();
        let full = gram.finish();
        assert_eq!(full, full.t());
        let lower: Vec<f64> =
            (0..columns).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|at| full[at]).collect();
        assert_eq!(gram.lower(), lower);
        assert_eq!(Gram::from_lower(columns, 30, lower).unwrap(), gram);
        assert_close(&[gram.trace()], &[full.diag().sum()], 1e-14, 0.0);
        let squares = full.iter().map(|x| x * x).sum::<f64>();
        assert_close(&[gram.frobenius_squared()], &[squares], 1e-14, 0.0);
        let v: Vec<f64> = x.row(0).to_vec();
        let before = gram.clone();
        gram.add_outer(&v, -0.5).unwrap();
        let outer = product(x.row(0).insert_axis(Axis(1)), x.row(0).insert_axis(Axis(0)));
        assert!(difference(&gram.finish(), &(full - outer * 0.5)) < 1e-14);
        gram.add_outer(&v, 0.5).unwrap();
        assert_close(gram.lower(), before.lower(), 1e-13, 1e-15);
    }
    let mut gram = Gram::new(2).unwrap();
    for (v, weight) in [
        (vec![1.0], 1.0),
        (vec![f64::NAN, 0.0], 1.0),
        (vec![1.0, 0.0], f64::INFINITY),
        (vec![1e200, 0.0], 1.0),
    ] {
        assert!(gram.add_outer(&v, weight).is_err());
    }
    assert_eq!(gram, Gram::new(2).unwrap());
    assert!(Gram::from_lower(2, 1, vec![1.0, f64::NAN, 1.0]).is_err());
    assert!(Gram::from_lower(2, 1, vec![1.0, 0.0]).is_err());
}

/// Matrices of awkward shapes, in row-major or column-major order.
fn matrix() -> impl Strategy<Value = Array2<f64>> {
    (0..20_usize, 0..20_usize, any::<bool>(), -3..3_i32).prop_flat_map(|(m, n, by_columns, e)| {
        proptest::collection::vec(-1.0..1.0_f64, m * n).prop_map(move |v| {
            let v = v.into_iter().map(|x| x * 10.0_f64.powi(e)).collect();
            Array2::from_shape_vec((m, n).set_f(by_columns), v).unwrap()
        })
    })
}

proptest! {
    #[test]
    fn svd_reconstructs(a in matrix()) {
        let d = svd(a.view()).unwrap();
        let scale = 1e-13 * (1.0 + a.iter().map(|x| x.abs()).fold(0.0, f64::max)) * 20.0;
        prop_assert!(orthogonality(d.u.view()) < 1e-12);
        prop_assert!(orthogonality(d.vt.t()) < 1e-12);
        prop_assert!(d.values.iter().all(|&x| x >= 0.0));
        prop_assert!(d.values.iter().rev().is_sorted());
        prop_assert!(difference(&product((&d.u * &d.values).view(), d.vt.view()), &a) < scale);
        let values = svdvals(a.view()).unwrap();
        prop_assert!((&values - &d.values).iter().all(|x| x.abs() < scale));
    }

    #[test]
    fn eigenpairs_satisfy_their_equation(x in matrix()) {
        let a = product(x.t(), x.view());
        let e = eigh(a.view()).unwrap();
        let scale = 1e-12 * (1.0 + a.iter().map(|x| x.abs()).fold(0.0, f64::max));
        prop_assert!(e.values.iter().is_sorted());
        prop_assert!(orthogonality(e.vectors.view()) < 1e-12);
        let left = product(a.view(), e.vectors.view());
        prop_assert!(difference(&left, &(&e.vectors * &e.values)) < scale);
        // The trace is the sum of the eigenvalues; of a Gram matrix they are not negative.
        prop_assert!((a.diag().sum() - e.values.sum()).abs() < scale);
        prop_assert!(e.values.iter().all(|&v| v > -scale));
    }

    #[test]
    fn any_split_gives_the_same_gram(x in matrix(), cut in 0..20_usize) {
        let cut = cut.min(x.nrows());
        let mut whole = Gram::new(x.ncols()).unwrap();
        whole.update(x.view()).unwrap();
        let (mut top, mut bottom) = (Gram::new(x.ncols()).unwrap(), Gram::new(x.ncols()).unwrap());
        top.update(x.slice(s![..cut, ..])).unwrap();
        bottom.update(x.slice(s![cut.., ..])).unwrap();
        bottom.merge(&top).unwrap();
        prop_assert_eq!(whole.rows(), bottom.rows());
        assert_close(&flat(&whole.finish()), &flat(&bottom.finish()), 1e-12, 1e-9);
        assert_close(&flat(&whole.finish()), &flat(&product(x.t(), x.view())), 1e-12, 1e-9);
    }

    #[test]
    fn a_regularised_gram_has_a_cholesky_factor(x in matrix()) {
        let mut a = product(x.t(), x.view());
        let shift = 1e-6 * (1.0 + a.diag().sum());
        a.diag_mut().mapv_inplace(|d| d + shift);
        let l = cholesky(a.view()).unwrap();
        prop_assert!(l.diag().iter().all(|&d| d > 0.0));
        let error = difference(&product(l.view(), l.t()), &a);
        prop_assert!(error < 1e-12 * (1.0 + a.diag().sum()), "{error}");
    }
}
