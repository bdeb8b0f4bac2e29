use assay_array::linalg::eigh;
use ndarray::{Array1, Array2};

use crate::Result;

/// A direction of the controls this much weaker than the strongest is rounding.
const NOISE: f64 = 1e-10;

/// The value of `y` where all controls are zero, by least squares, with its standard error; `y` itself
/// is averaged where there are no controls that vary.
pub(super) fn intercept(y: &[f64], controls: &[Vec<f64>]) -> Result<(f64, f64)> {
    let n = y.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let my = mean(y);
    let means: Vec<f64> = controls.iter().map(|c| mean(c)).collect();
    // Controls are scaled to one length, so that one threshold fits all.
    let scaled: Vec<Vec<f64>> = controls
        .iter()
        .zip(&means)
        .map(|(control, mean)| {
            let centred: Vec<f64> = control.iter().map(|c| c - mean).collect();
            let length = centred.iter().map(|c| c * c).sum::<f64>().sqrt();
            let size = control.iter().fold(0.0_f64, |m, c| m.max(c.abs()));
            if length > NOISE * size * n.sqrt() {
                centred.iter().map(|c| c / length).collect()
            } else {
                vec![0.0; control.len()]
            }
        })
        .collect();
    let lengths: Vec<f64> = controls
        .iter()
        .zip(&means)
        .map(|(control, mean)| control.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>().sqrt())
        .collect();
    let k = controls.len();
    let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let normal = Array2::from_shape_fn((k, k), |(i, j)| inner(&scaled[i], &scaled[j]));
    let right: Array1<f64> = scaled
        .iter()
        .map(|control| control.iter().zip(y).map(|(c, y)| c * (y - my)).sum::<f64>())
        .collect();
    let at_zero: Array1<f64> = means
        .iter()
        .zip(&lengths)
        .map(|(mean, length)| if *length > 0.0 { -mean / length } else { 0.0 })
        .collect();
    let decomposed = eigh(normal.view())?;
    let strongest = decomposed.values.last().copied().unwrap_or(0.0);
    let (mut shift, mut leverage, mut used) = (0.0, 1.0 / n, 1.0);
    let mut slopes = Array1::<f64>::zeros(k);
    for (value, vector) in decomposed.values.iter().zip(decomposed.vectors.columns()) {
        if *value <= NOISE * strongest || strongest <= 0.0 {
            continue;
        }
        let (along, at) = (vector.dot(&right), vector.dot(&at_zero));
        shift += along * at / value;
        leverage += at * at / value;
        slopes.scaled_add(along / value, &vector);
        used += 1.0;
    }
    let residual: f64 = (0..y.len())
        .map(|i| {
            let fit: f64 = scaled.iter().zip(&slopes).map(|(c, slope)| slope * c[i]).sum();
            (y[i] - my - fit) * (y[i] - my - fit)
        })
        .sum();
    let variance = residual / (n - used).max(1.0);
    Ok((my + shift, (variance * leverage).sqrt()))
}
