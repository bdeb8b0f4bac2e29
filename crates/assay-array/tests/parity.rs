//! faer and LAPACK agree: values to a tolerance, vectors by what they must satisfy.

use assay_array::linalg::{self, Svd};
use assay_array::ndarray::{Array2, ArrayView2};
use assay_array::testing::assert_close;
use assay_array::{Error, Scalar, lapack};

use crate::linalg::{difference, flat, orthogonality, product, random, symmetric, wide};

fn tolerance<T: Scalar>(n: usize) -> f64 {
    20.0 * T::EPSILON.to_f64() * (n as f64 + 1.0)
}

fn parity<T: Scalar>() {
    for n in [0, 1, 2, 17, 64, 200] {
        let tol = tolerance::<T>(n);
        let mut a = symmetric::<T>(n as u64 + 1, n);
        if n > 2 {
            // Only the lower triangle counts, for both.
            a[[0, n - 1]] = T::from_f64(9.0);
        }
        let full = Array2::from_shape_fn((n, n), |(i, j)| a[[i.max(j), i.min(j)]]);
        for view in [a.view(), a.t().as_standard_layout().into_owned().t()] {
            let (ours, theirs) = (linalg::eigh(view).unwrap(), lapack::eigh(view).unwrap());
            assert_close(&flat(&ours.values), &flat(&theirs.values), 0.0, tol);
            let values = lapack::eigvalsh(view).unwrap();
            assert_close(&flat(&linalg::eigvalsh(view).unwrap()), &flat(&values), 0.0, tol);
            for e in [ours, theirs] {
                assert!(orthogonality(e.vectors.view()) < tol);
                let left = product(full.view(), e.vectors.view());
                let right = wide(&e.vectors) * &e.values.mapv(Scalar::to_f64);
                assert!(difference(&left, &right) < tol);
            }
        }
    }
    for (m, n) in [(0, 3), (3, 0), (1, 1), (1, 9), (9, 1), (60, 20), (20, 60), (130, 130)] {
        let tol = tolerance::<T>(m + n);
        let a = random::<T>(7, m, n);
        let by_columns = a.t().as_standard_layout().into_owned();
        for view in [a.view(), by_columns.t()] {
            let (ours, theirs) = (linalg::svd(view).unwrap(), lapack::svd(view).unwrap());
            assert_close(&flat(&ours.values), &flat(&theirs.values), 0.0, tol);
            let values = lapack::svdvals(view).unwrap();
            assert_close(&flat(&linalg::svdvals(view).unwrap()), &flat(&values), 0.0, tol);
            for Svd { u, values, vt } in [ours, theirs] {
                assert_eq!((u.dim(), vt.dim()), ((m, m.min(n)), (m.min(n), n)));
                assert!(orthogonality(u.view()) < tol && orthogonality(vt.t()) < tol);
                let scaled = wide(&u) * &values.mapv(Scalar::to_f64);
                assert!(difference(&product(scaled.view(), wide(&vt).view()), &wide(&a)) < tol);
            }
            let ours = linalg::matmul(view, view.t()).unwrap();
            let theirs = lapack::matmul(view, view.t()).unwrap();
            assert_close(&flat(&ours), &flat(&theirs), 0.0, tol);
        }
    }
    for n in [0, 1, 5, 90] {
        let x = random::<T>(3, 2 * n + 1, n);
        let mut a = linalg::matmul(x.t(), x.view()).unwrap();
        let ours = linalg::cholesky(a.view()).unwrap();
        let theirs = lapack::cholesky(a.view()).unwrap();
        assert_close(&flat(&ours), &flat(&theirs), 0.0, 10.0 * tolerance::<T>(n));
        if n > 1 {
            a[[n / 2, n / 2]] = T::ZERO;
            let pivots = [linalg::cholesky(a.view()), lapack::cholesky(a.view())];
            for result in pivots {
                let Err(Error::NotPositiveDefinite { pivot, size }) = result else {
                    panic!("{result:?}");
                };
                assert_eq!((pivot, size), (n / 2, n));
            }
        }
    }
}

#[test]
fn the_backends_agree_in_f32() {
    parity::<f32>();
}

#[test]
fn the_backends_agree_in_f64() {
    parity::<f64>();
}

type Both = [fn(ArrayView2<f64>) -> Result<(), Error>; 2];

#[test]
fn the_backends_refuse_the_same() {
    let mut bad = symmetric::<f64>(1, 4);
    bad[[2, 1]] = f64::NAN;
    let tall = random::<f64>(1, 4, 3);
    let huge = Array2::from_elem((3, 3), f64::MAX);
    let name = |result: Result<(), Error>| format!("{:?}", result.unwrap_err());
    let pairs: [(&str, Both); 5] = [
        ("eigvalsh", [|a| linalg::eigvalsh(a).map(drop), |a| lapack::eigvalsh(a).map(drop)]),
        ("eigh", [|a| linalg::eigh(a).map(drop), |a| lapack::eigh(a).map(drop)]),
        ("cholesky", [|a| linalg::cholesky(a).map(drop), |a| lapack::cholesky(a).map(drop)]),
        ("svd", [|a| linalg::svd(a).map(drop), |a| lapack::svd(a).map(drop)]),
        ("matmul", [|a| linalg::matmul(a, a).map(drop), |a| lapack::matmul(a, a).map(drop)]),
    ];
    for (operation, [ours, theirs]) in pairs {
        assert_eq!(name(ours(bad.view())), name(theirs(bad.view())), "{operation}");
        if operation != "svd" {
            assert_eq!(name(ours(tall.view())), name(theirs(tall.view())), "{operation}");
        }
        if operation != "cholesky" {
            assert_eq!(name(ours(huge.view())), name(theirs(huge.view())), "{operation}");
        }
    }
}
