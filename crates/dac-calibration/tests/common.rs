//! Made-up classifiers and slow, obvious oracles.

use assay_array::random::{Stream, below, normal, stream, uniform};
use ndarray::Array2;

/// Logits of an overconfident classifier over `classes`, with labels and proximities.
pub(crate) fn classifier(
    seed: u64,
    samples: usize,
    classes: usize,
) -> (Array2<f64>, Vec<usize>, Vec<f64>) {
    let mut rng = stream(seed, "test classifier", 0);
    let labels: Vec<usize> = (0..samples).map(|_| below(&mut rng, classes)).collect();
    let mut z = Array2::from_shape_simple_fn((samples, classes), || 2.0 * normal(&mut rng));
    for (mut row, &label) in z.outer_iter_mut().zip(&labels) {
        row[label] += 1.5 + uniform(&mut rng) * 3.0;
    }
    let proximity = (0..samples).map(|_| 0.3 + 0.5 * uniform(&mut rng)).collect();
    (z, labels, proximity)
}

/// Forecasts, some on edges and ends, with outcomes.
pub(crate) fn forecasts(rng: &mut Stream, n: usize) -> (Vec<f64>, Vec<bool>) {
    (0..n)
        .map(|_| {
            let p = match below(rng, 10) {
                0 => below(rng, 11) as f64 / 10.0,
                1 => below(rng, 16) as f64 * (1.0 / 15.0),
                2 => f64::from(u8::from(uniform(rng) < 0.5)),
                _ => uniform(rng).sqrt(),
            };
            let p = p.min(1.0);
            (p, uniform(rng) < p * p)
        })
        .unzip()
}

/// ECE by searching every forecast's bin among the edges.
pub(crate) fn slow_ece(
    edges: &[f64],
    p: &[f64],
    y: &[bool],
    inside: impl Fn(f64, f64, f64, usize) -> bool,
) -> f64 {
    let n = p.len() as f64;
    let bins = edges.len() - 1;
    (0..bins)
        .map(|b| {
            let of = |p: f64| inside(p, edges[b], edges[b + 1], b);
            let members: Vec<usize> = (0..p.len()).filter(|&i| of(p[i])).collect();
            let hits = members.iter().filter(|&&i| y[i]).count() as f64;
            let sum: f64 = members.iter().map(|&i| p[i]).sum();
            (hits - sum).abs() / n
        })
        .sum()
}
