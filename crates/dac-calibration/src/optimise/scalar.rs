/// A local minimum of `f` in `[lower, upper]` by golden-section search, to a relative width of about
/// 1e-10; derivative-free, because its users' functions need not be convex. Also whether it is an end.
pub(crate) fn golden_section(lower: f64, upper: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_8;
    /// Points that bracket the global minimum first.
    const GRID: u32 = 40;
    /// Each step shrinks the bracket by RATIO: 2/40 of the range to 1e-11 of it.
    const STEPS: u32 = 48;
    let at = |i: u32| lower + (upper - lower) * f64::from(i) / f64::from(GRID);
    let values: Vec<f64> = (0..=GRID).map(|i| f(at(i))).collect();
    let best = (0..=GRID).min_by(|&i, &j| values[i as usize].total_cmp(&values[j as usize]));
    let best = best.unwrap_or_default();
    let (mut a, mut b) = (at(best.saturating_sub(1)), at((best + 1).min(GRID)));
    let (mut x, mut y) = (b - RATIO * (b - a), a + RATIO * (b - a));
    let (mut fx, mut fy) = (f(x), f(y));
    for _ in 0..STEPS {
        if fx < fy {
            (b, y, fy) = (y, x, fx);
            x = b - RATIO * (b - a);
            fx = f(x);
        } else {
            (a, x, fx) = (x, y, fy);
            y = a + RATIO * (b - a);
            fy = f(y);
        }
    }
    // An end wins where the function still falls there.
    let inner = if fx < fy { (x, fx) } else { (y, fy) };
    [(lower, values[0]), (upper, values[GRID as usize])]
        .into_iter()
        .fold(inner, |best, end| if end.1 <= best.1 { end } else { best })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_inner_and_outer_minima() {
        assert!((golden_section(-3.0, 5.0, |x| (x - 1.25).powi(2)) - 1.25).abs() < 1e-7);
        assert_eq!(golden_section(0.0, 1.0, |x| x), 0.0);
        assert_eq!(golden_section(0.0, 1.0, |x| -x), 1.0);
        // Two minima: the deeper one.
        let two =
            |x: f64| -(-(x - 1.0).powi(2) * 20.0).exp() - 2.0 * (-(x - 4.0).powi(2) * 20.0).exp();
        assert!((golden_section(0.0, 5.0, two) - 4.0).abs() < 1e-6);
    }
}
