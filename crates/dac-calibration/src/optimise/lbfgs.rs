use std::collections::VecDeque;

/// Where a minimisation ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Minimum {
    /// The point.
    pub(crate) x: Vec<f64>,
    /// The value at the start.
    pub(crate) before: f64,
    /// The value at the end.
    pub(crate) after: f64,
    /// The largest component of the gradient at the end.
    pub(crate) gradient: f64,
    /// Steps taken.
    pub(crate) iterations: usize,
    /// Whether the gradient is within the tolerance.
    pub(crate) converged: bool,
}

/// Pairs of steps and gradient changes that approximate the curvature.
const MEMORY: usize = 20;

/// Minimises a smooth convex function of many parameters: limited-memory BFGS (Liu and Nocedal 1989)
/// with a line search that brackets and bisects for the weak Wolfe conditions.
///
/// `f` writes the gradient and returns the value.
pub(crate) fn lbfgs(
    start: Vec<f64>,
    tolerance: f64,
    max_iterations: usize,
    mut f: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Minimum {
    let n = start.len();
    let (mut x, mut gradient) = (start, vec![0.0; n]);
    let mut value = f(&x, &mut gradient);
    let before = value;
    let mut pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::with_capacity(MEMORY);
    let (mut trial, mut trial_gradient) = (vec![0.0; n], vec![0.0; n]);
    // The best point that the line search met.
    let (mut kept, mut kept_gradient) = (vec![0.0; n], vec![0.0; n]);
    let mut iterations = 0;
    while largest(&gradient) > tolerance && iterations < max_iterations {
        iterations += 1;
        let mut direction = two_loop(&gradient, &pairs);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
        }
        let (mut lower, mut upper) = (0.0, f64::INFINITY);
        let mut length = if pairs.is_empty() { 1.0 / slope.abs().sqrt().max(1.0) } else { 1.0 };
        let mut found = None;
        for _ in 0..60 {
            for ((t, x), d) in trial.iter_mut().zip(&x).zip(&direction) {
                *t = x + length * d;
            }
            let next = f(&trial, &mut trial_gradient);
            // Near the optimum the decrease drowns in rounding; a smaller gradient then decides.
            let flat = (next - value).abs() <= 1e-14 * value.abs()
                && largest(&trial_gradient) < largest(&gradient);
            if next <= value + 1e-4 * length * slope || flat {
                let long_enough = dot(&trial_gradient, &direction) >= 0.9 * slope;
                found = Some(next);
                std::mem::swap(&mut kept, &mut trial);
                std::mem::swap(&mut kept_gradient, &mut trial_gradient);
                if long_enough {
                    break;
                }
                lower = length;
            } else {
                upper = length;
            }
            length = if upper.is_finite() { f64::midpoint(lower, upper) } else { 2.0 * lower };
            if !(length > 0.0 && length.is_finite()) {
                break;
            }
        }
        let Some(next) = found else { break };
        let s: Vec<f64> = kept.iter().zip(&x).map(|(t, x)| t - x).collect();
        let y: Vec<f64> = kept_gradient.iter().zip(&gradient).map(|(t, g)| t - g).collect();
        let curvature = dot(&s, &y);
        if curvature > 1e-300 && curvature > 1e-14 * dot(&y, &y) {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back((s, y, 1.0 / curvature));
        }
        std::mem::swap(&mut x, &mut kept);
        std::mem::swap(&mut gradient, &mut kept_gradient);
        value = next;
    }
    let after = value;
    let gradient = largest(&gradient);
    Minimum { x, before, after, gradient, iterations, converged: gradient <= tolerance }
}

/// `−H g` from the pairs kept.
fn two_loop(gradient: &[f64], pairs: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(pairs.len());
    for (s, y, rho) in pairs.iter().rev() {
        let alpha = rho * dot(s, &q);
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= alpha * y);
        alphas.push(alpha);
    }
    if let Some((_, y, rho)) = pairs.back() {
        let scale = 1.0 / (rho * dot(y, y));
        for q in &mut q {
            *q *= scale;
        }
    }
    for ((s, y, rho), alpha) in pairs.iter().zip(alphas.iter().rev()) {
        let beta = alpha - rho * dot(y, &q);
        q.iter_mut().zip(s).for_each(|(q, s)| *q += beta * s);
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |max, g| f64::max(max, g.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badly_scaled_quadratic_is_minimised() {
        let n = 40;
        let scale = |i: usize| 10.0_f64.powf(4.0 * i as f64 / 39.0);
        let minimum = lbfgs(vec![1.0; n], 1e-9, 1000, |x, gradient| {
            for (i, (g, x)) in gradient.iter_mut().zip(x).enumerate() {
                *g = scale(i) * (x - i as f64);
            }
            x.iter().enumerate().map(|(i, x)| 0.5 * scale(i) * (x - i as f64).powi(2)).sum()
        });
        assert!(minimum.converged, "{minimum:?}");
        assert!(minimum.x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-8));
    }
}
