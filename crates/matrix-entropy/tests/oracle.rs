//! Slow, obvious versions.

use assay_array::linalg::eigvalsh;
use assay_array::testing::assert_close;
use matrix_entropy::pair::{Debias, cka, cka_map, mutual_neighbours, procrustes, svcca};
use matrix_entropy::{Conventions, Spectrum, participation_ratio_unbiased, two_nn};
use ndarray::{Array2, Axis};

use crate::common::{normal_rows, product};

/// The paper's pipeline as written: centre, normalise, covariance of all `d` columns, eigenvalues.
fn paper_entropy(x: &Array2<f64>) -> f64 {
    let mut z = x - &x.mean_axis(Axis(0)).expect("rows");
    for mut row in z.rows_mut() {
        let length = row.dot(&row).sqrt();
        row /= length;
    }
    let sigma = product(z.t(), z.view()) / z.nrows() as f64;
    -eigvalsh(sigma.view()).unwrap().iter().filter(|v| **v > 0.0).map(|v| v * v.ln()).sum::<f64>()
}

#[test]
fn both_sides_of_the_dual_are_the_papers() {
    for (n, d) in [(2, 1), (2, 9), (9, 2), (30, 30), (7, 40), (40, 7)] {
        let x = normal_rows(n as u64 * 100 + d as u64, n, d, 0.5);
        let spectrum = Spectrum::of(x.view(), Conventions::paper()).unwrap();
        assert_close(&[spectrum.entropy()], &[paper_entropy(&x)], 1e-12, 1e-12);
        assert_eq!(spectrum.eigenvalues().len(), n.min(d));
        assert_close(&[spectrum.eigenvalues().iter().sum()], &[1.0], 1e-12, 0.0);
        let narrow = Spectrum::of(x.mapv(|x| x as f32).view(), Conventions::paper()).unwrap();
        assert_close(&[narrow.entropy()], &[spectrum.entropy()], 1e-5, 1e-5);
    }
}

/// U-statistics over all quadruples of different rows.
fn quadruples(x: &Array2<f64>) -> (f64, f64) {
    let n = x.nrows();
    let k = product(x.view(), x.t());
    let half = |i: usize, j: usize| 0.5 * (k[[i, i]] + k[[j, j]] - 2.0 * k[[i, j]]);
    let (mut traces, mut squares, mut count) = (0.0, 0.0, 0.0);
    for i in 0..n {
        for j in (0..n).filter(|&j| j != i) {
            for l in (0..n).filter(|&l| l != i && l != j) {
                for m in (0..n).filter(|&m| m != i && m != j && m != l) {
                    traces += half(i, j) * half(l, m);
                    // (x_i − x_j)·(x_l − x_m) has mean zero and variance 4 tr Σ².
                    let cross = k[[i, l]] - k[[i, m]] - k[[j, l]] + k[[j, m]];
                    squares += cross * cross / 4.0;
                    count += 1.0;
                }
            }
        }
    }
    (traces / count, squares / count)
}

#[test]
fn the_unbiased_participation_ratio_is_the_ratio_of_u_statistics() {
    for (n, d) in [(4, 2), (6, 3), (7, 12), (9, 5)] {
        let x = normal_rows(n as u64, n, d, 0.3) + 3.0;
        let (traces, squares) = quadruples(&x);
        let got = participation_ratio_unbiased(x.view()).unwrap();
        assert_close(&[got], &[traces / squares], 1e-9, 0.0);
    }
}

#[test]
fn the_unbiased_participation_ratio_does_not_grow_with_n() {
    // tr Σ = Σ s², tr Σ² = Σ s⁴ with s = (1 + j)^−½.
    let d = 30;
    let sums = |power: i32| (1..=d).map(|j| f64::from(j).powi(-power)).sum::<f64>();
    let truth = sums(1) * sums(1) / sums(2);
    let mut ratios = Vec::new();
    let mut plug_in = Vec::new();
    for seed in 0..60 {
        let x = normal_rows(seed, 25, d as usize, 0.5);
        ratios.push(participation_ratio_unbiased(x.view()).unwrap_or(truth));
        let spectrum = Spectrum::of(x.view(), Conventions::covariance()).unwrap();
        plug_in.push(spectrum.participation_ratio());
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    // 25 rows: the plug-in ratio is far below, the corrected one near the truth.
    assert!(mean(&plug_in) < 0.8 * truth, "{} of {truth}", mean(&plug_in));
    ratios.sort_by(f64::total_cmp);
    let median = ratios[30];
    assert!((median / truth - 1.0).abs() < 0.15, "{median} of {truth}");
}

#[test]
fn two_nn_finds_the_dimension_of_a_plane() {
    let low = normal_rows(5, 600, 2, 0.0);
    let embedding = normal_rows(6, 2, 20, 0.0);
    let x = product(low.view(), embedding.view()) + 100.0;
    let found = two_nn(x.view(), 0.1).unwrap();
    assert!((found.dimension - 2.0).abs() < 0.25, "{found:?}");
    assert_eq!((found.rows, found.duplicates), (600, 0));
    let mut doubled = x.clone();
    doubled.append(Axis(0), x.slice_axis(Axis(0), ndarray::Slice::from(..5))).unwrap();
    assert_eq!(two_nn(doubled.view(), 0.1).unwrap().duplicates, 10);
}

#[test]
fn maps_are_their_cells() {
    for n in [6, 40] {
        let layers =
            [normal_rows(1, n, 8, 0.3), normal_rows(2, n, 11, 0.1), normal_rows(3, n, 7, 0.0)];
        let views: Vec<_> = layers.iter().map(|x| x.view()).collect();
        let biased = cka_map(&views, &views, Debias::No).unwrap();
        let unbiased = cka_map(&views[..2], &views, Debias::Unbiased).unwrap();
        assert_eq!(unbiased.dim(), (2, 3));
        for i in 0..3 {
            assert_close(&[biased[[i, i]]], &[1.0], 1e-12, 0.0);
            for j in 0..3 {
                let cell = cka(views[i], views[j]).unwrap();
                assert_close(&[biased[[i, j]]], &[cell.biased], 1e-10, 1e-12);
                if i < 2 {
                    let want = cell.unbiased.expect("enough items");
                    assert_close(&[unbiased[[i, j]]], &[want], 1e-9, 1e-11);
                }
            }
        }
    }
}

#[test]
fn similarities_know_rotations() {
    let x = normal_rows(1, 50, 6, 0.4);
    // A rotation from the eigenvectors of a symmetric matrix, a scale and a shift.
    let a = normal_rows(2, 6, 6, 0.0);
    let rotation = assay_array::linalg::eigh((&a + &a.t()).view()).unwrap().vectors;
    let y = product(x.view(), rotation.view()) * 3.0 + 2.0;
    let z = normal_rows(9, 50, 6, 0.4);
    assert_close(&[cka(x.view(), y.view()).unwrap().biased], &[1.0], 1e-12, 0.0);
    assert_close(&[procrustes(x.view(), y.view()).unwrap()], &[1.0], 1e-12, 0.0);
    assert!(procrustes(x.view(), z.view()).unwrap() < 0.6);
    let same = svcca(x.view(), y.view(), 1.0).unwrap();
    assert_eq!(same.kept, [6, 6]);
    assert_close(&[same.mean], &[1.0], 1e-12, 0.0);
    assert!(svcca(x.view(), z.view(), 0.99).unwrap().mean < 0.7);
    let rotated = product(x.view(), rotation.view());
    assert_eq!(mutual_neighbours(x.view(), rotated.view(), 5).unwrap(), 1.0);
    let chance = mutual_neighbours(x.view(), z.view(), 5).unwrap();
    assert!(chance < 0.3, "{chance}");
}

#[test]
fn neighbours_are_those_of_a_full_search() {
    let (x, y) = (normal_rows(1, 300, 5, 0.2), normal_rows(2, 300, 4, 0.2));
    let nearest = |x: &Array2<f64>| -> Vec<Vec<usize>> {
        let cosine = |i: usize, j: usize| {
            let (a, b) = (x.row(i), x.row(j));
            a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt()
        };
        (0..x.nrows())
            .map(|i| {
                let mut others: Vec<usize> = (0..x.nrows()).filter(|&j| j != i).collect();
                others.sort_by(|&a, &b| cosine(i, b).total_cmp(&cosine(i, a)));
                others.truncate(7);
                others
            })
            .collect()
    };
    let (a, b) = (nearest(&x), nearest(&y));
    let shared: usize =
        a.iter().zip(&b).map(|(a, b)| a.iter().filter(|j| b.contains(j)).count()).sum();
    let got = mutual_neighbours(x.view(), y.view(), 7).unwrap();
    assert_close(&[got], &[shared as f64 / (7.0 * 300.0)], 1e-12, 0.0);
}
