//! The laws of `Mergeable` for every accumulator.

use assay_array::testing::assert_close;
use assay_score::{Mergeable, laws};
use matrix_entropy::accumulate::{
    CenteredMoment, CkaMoments, ColumnMean, Covariance, PerSentence, SecondMoment,
};
use matrix_entropy::pair::{Kernel, MiniBatchCka};
use matrix_entropy::{RowNorm, RowPolicy, Spectrum};
use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::common::{generated, normal_rows};

/// Consecutive parts of the given lengths, the last taking what is left.
fn cut<'a>(x: &'a Array2<f64>, lengths: &[usize]) -> Vec<ArrayView2<'a, f64>> {
    let mut start = 0_usize;
    let mut parts = Vec::new();
    for &length in lengths.iter().chain([&usize::MAX]) {
        let end = start.saturating_add(length).min(x.nrows());
        parts.push(x.slice_axis(Axis(0), Slice::from(start..end)));
        start = end;
    }
    parts
}

fn same(a: &Spectrum, b: &Spectrum) {
    assert_eq!((a.rows(), a.columns(), a.skipped()), (b.rows(), b.columns(), b.skipped()));
    let scale = a.eigenvalues()[0];
    assert_close(a.eigenvalues(), b.eigenvalues(), 1e-9, 1e-12 * scale);
}

/// Rows of different lengths about a large mean, one of them zero.
fn data() -> Array2<f64> {
    let mut x = normal_rows(1, 17, 3, 0.5) + 50.0;
    x.row_mut(5).fill(0.0);
    x
}

#[test]
fn second_moments() {
    let x = data();
    for (norm, policy) in [(RowNorm::L2, RowPolicy::Skip), (RowNorm::No, RowPolicy::Error)] {
        let empty = SecondMoment::new(3, norm, policy).unwrap();
        for lengths in [&[4, 0, 6][..], &[5, 1], &[]] {
            laws::check(&empty, x.view(), &cut(&x, lengths), same);
        }
    }
}

#[test]
fn column_means() {
    let x = data();
    let close = |a: &Vec<f64>, b: &Vec<f64>| assert_close(a, b, 1e-14, 1e-14);
    laws::check(&ColumnMean::new(3).unwrap(), x.view(), &cut(&x, &[4, 0, 6, 1]), close);
}

#[test]
fn centred_moments() {
    let x = data();
    let mean = x.mean_axis(Axis(0)).expect("rows").to_vec();
    let empty = CenteredMoment::new(mean, RowPolicy::Skip).unwrap();
    laws::check(&empty, x.view(), &cut(&x, &[4, 0, 6, 1]), same);
}

#[test]
fn covariances() {
    let x = data() + 1e4;
    let empty = Covariance::new(3).unwrap();
    for lengths in [&[4, 0, 6][..], &[1, 1, 1], &[]] {
        laws::check(&empty, x.view(), &cut(&x, lengths), same);
    }
}

#[test]
fn cka_moments() {
    let (x, y) = (normal_rows(1, 15, 3, 0.5), normal_rows(2, 15, 2, 0.0));
    let parts: Vec<_> = cut(&x, &[4, 0, 6]).into_iter().zip(cut(&y, &[4, 0, 6])).collect();
    let empty = CkaMoments::new(3, 2).unwrap();
    laws::check(&empty, (x.view(), y.view()), &parts, |a, b| {
        assert_close(&[*a], &[*b], 1e-12, 1e-14);
    });
}

#[test]
fn mini_batches() {
    let states: Vec<Array2<f64>> = (0..5).map(|seed| normal_rows(seed, 6, 3, 0.2)).collect();
    let pairs: Vec<_> =
        states.iter().zip(states.iter().skip(1)).map(|(x, y)| (x.view(), y.view())).collect();
    for kernel in [Kernel::Linear, Kernel::Rbf { sigma: 2.0 }] {
        let empty = MiniBatchCka::new(kernel, Kernel::Linear);
        laws::check(&empty, &pairs, &[&pairs[..1], &pairs[1..1], &pairs[1..]], |a, b| {
            assert_eq!((a.batches, a.rows), (b.batches, b.rows));
            assert_close(&a.hsic, &b.hsic, 1e-12, 1e-12);
        });
    }
}

#[test]
fn sentences() {
    let mut states: Vec<Array2<f64>> =
        (3..9).map(|n| generated(n, 4, 0.7 + n as f64 / 50.0, 0.3, 1.3)).collect();
    states.push(Array2::from_elem((5, 4), 0.3));
    states.push(Array2::from_elem((1, 4), 0.3));
    let views: Vec<_> = states.iter().map(|x| x.view()).collect();
    let empty = PerSentence::new(4, RowPolicy::Skip).unwrap();
    let parts = [&views[..2], &views[2..2], &views[2..7], &views[7..]];
    laws::check(&empty, &views, &parts, |a, b| {
        assert_eq!((a.sentences, a.skipped_sentences), (b.sentences, b.skipped_sentences));
        assert_eq!((a.tokens, a.skipped_tokens), (b.tokens, b.skipped_tokens));
        let numbers = |r: &matrix_entropy::accumulate::SentenceReport| {
            [r.entropy.mean, r.effective_rank.mean, r.cap.mean, r.normalised_entropy()]
        };
        assert_close(&numbers(a), &numbers(b), 1e-12, 1e-14);
    });
    let mut sums = empty;
    sums.update(&views).unwrap();
    let report = sums.finish().unwrap();
    assert_eq!((report.sentences, report.skipped_sentences), (6, 2));
    assert_eq!((report.tokens, report.skipped_tokens), ((3..9).sum::<u64>(), 6));
}

#[test]
fn other_settings_do_not_merge() {
    let mut moment = SecondMoment::new(3, RowNorm::L2, RowPolicy::Error).unwrap();
    for other in [
        SecondMoment::new(4, RowNorm::L2, RowPolicy::Error).unwrap(),
        SecondMoment::new(3, RowNorm::No, RowPolicy::Error).unwrap(),
        SecondMoment::new(3, RowNorm::L2, RowPolicy::Skip).unwrap(),
    ] {
        assert!(moment.merge(&other).is_err());
    }
    let mut centred = CenteredMoment::new(vec![0.0, 1.0], RowPolicy::Error).unwrap();
    let other = CenteredMoment::new(vec![0.0, 1.5], RowPolicy::Error).unwrap();
    let message = centred.merge(&other).unwrap_err().to_string();
    assert!(message.contains("the mean") && message.contains("1.5"), "{message}");
    let mut cka = CkaMoments::new(2, 3).unwrap();
    assert!(cka.merge(&CkaMoments::new(3, 2).unwrap()).is_err());
    let mut batches = MiniBatchCka::new(Kernel::Linear, Kernel::Linear);
    assert!(batches.merge(&MiniBatchCka::new(Kernel::Linear, Kernel::Rbf { sigma: 1.0 })).is_err());
}

#[test]
fn a_failed_update_changes_nothing() {
    let mut covariance = Covariance::new(2).unwrap();
    covariance.update(ndarray::array![[1.0, 2.0], [2.0, 5.0]].view()).unwrap();
    let before = covariance.clone();
    for bad in [
        ndarray::array![[f64::NAN, 1.0]],
        ndarray::array![[1e200, 1.0]],
        ndarray::array![[1e160, 1.0], [-1e160, 0.0]],
    ] {
        assert!(covariance.update(bad.view()).is_err());
        assert_eq!(covariance, before);
    }
    assert!(covariance.update(ndarray::array![[1.0]].view()).is_err());
}
