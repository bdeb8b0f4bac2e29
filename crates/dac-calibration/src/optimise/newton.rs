use super::Minimum;

/// Value, gradient and Hessian at a point of `N` parameters.
pub(crate) type Local<const N: usize> = (f64, [f64; N], [[f64; N]; N]);

/// Minimises a convex function of a few parameters by damped Newton steps with backtracking.
pub(crate) fn newton<const N: usize>(
    start: [f64; N],
    tolerance: f64,
    mut f: impl FnMut(&[f64; N]) -> Local<N>,
) -> (Minimum, [f64; N]) {
    const STEPS: usize = 200;
    let mut x = start;
    let (mut value, mut gradient, mut hessian) = f(&x);
    let before = value;
    let mut iterations = 0;
    while largest(&gradient) > tolerance && iterations < STEPS {
        iterations += 1;
        let Some(step) = descent(&hessian, &gradient) else { break };
        let slope: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        let mut length = 1.0;
        let next = loop {
            let mut trial = x;
            trial.iter_mut().zip(&step).for_each(|(x, s)| *x += length * s);
            let local = f(&trial);
            // Near the optimum the decrease drowns in rounding; a smaller gradient then decides.
            let flat = (local.0 - value).abs() <= 1e-14 * value.abs()
                && largest(&local.1) < largest(&gradient);
            if local.0 <= value + 1e-4 * length * slope || flat {
                break Some((trial, local));
            }
            length *= 0.5;
            if length < 1e-12 {
                break None;
            }
        };
        let Some((trial, local)) = next else { break };
        x = trial;
        (value, gradient, hessian) = local;
    }
    let gradient = largest(&gradient);
    let converged = gradient <= tolerance;
    (Minimum { x: x.to_vec(), before, after: value, gradient, iterations, converged }, x)
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |max, g| f64::max(max, g.abs()))
}

/// `−H⁻¹ g` by Cholesky, with as much added to the diagonal as makes `H` positive definite.
fn descent<const N: usize>(hessian: &[[f64; N]; N], gradient: &[f64; N]) -> Option<[f64; N]> {
    let trace: f64 = (0..N).map(|i| hessian[i][i].abs()).sum();
    let mut ridge = 0.0;
    for _ in 0..60 {
        if let Some(step) = solve(hessian, gradient, ridge) {
            return Some(step);
        }
        ridge = f64::max(ridge * 10.0, 1e-12 * trace.max(1e-300));
    }
    None
}

fn solve<const N: usize>(h: &[[f64; N]; N], g: &[f64; N], ridge: f64) -> Option<[f64; N]> {
    let mut l = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
            let rest = h[i][j] - sum + if i == j { ridge } else { 0.0 };
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                l[i][i] = rest.sqrt();
            } else {
                l[i][j] = rest / l[j][j];
            }
        }
    }
    let mut y = [0.0; N];
    for i in 0..N {
        let sum: f64 = (0..i).map(|k| l[i][k] * y[k]).sum();
        y[i] = (-g[i] - sum) / l[i][i];
    }
    for i in (0..N).rev() {
        let sum: f64 = (i + 1..N).map(|k| l[k][i] * y[k]).sum();
        y[i] = (y[i] - sum) / l[i][i];
    }
    y.iter().all(|s| s.is_finite()).then_some(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convex_function_is_minimised() {
        // f = e^{x+y} + e^{−x} + (y − 1)²: gradient zero is checked, not assumed.
        let f = |&[x, y]: &[f64; 2]| {
            let (a, b) = ((x + y).exp(), (-x).exp());
            let value = a + b + (y - 1.0).powi(2);
            (value, [a - b, a + 2.0 * (y - 1.0)], [[a + b, a], [a, a + 2.0]])
        };
        let (minimum, [x, y]) = newton([4.0, -3.0], 1e-12, f);
        assert!(minimum.converged);
        assert!(((x + y).exp() - (-x).exp()).abs() < 1e-11);
        assert!(((x + y).exp() + 2.0 * (y - 1.0)).abs() < 1e-11);
    }
}
