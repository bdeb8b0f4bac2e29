//! Eigenvalues of a symmetric tridiagonal matrix, without vectors and without square roots.

/// Steps a wanted eigenvalue may take on average; two are usual.
const MOST_STEPS: usize = 30;

/// Replaces the diagonal by the eigenvalues, ascending; `None` without convergence. `beside` holds the
/// numbers beside the diagonal, one fewer, and is used up. The largest is about 1: what vanishes when it
/// is squared is nothing beside that.
///
/// QL steps with Wilkinson's shift in the form of Pal, Walker and Kahan, which works on the squares of
/// the numbers beside the diagonal (Parlett 1980, *The Symmetric Eigenvalue Problem*, §8.14 and 8.15).
/// Backward stable, as is the decision when a number counts as zero: below `ε √|d_i d_(i+1)|`.
pub(super) fn eigenvalues(diagonal: &mut [f64], beside: &mut [f64]) -> Option<()> {
    for e in beside.iter_mut() {
        *e *= *e;
    }
    let mut budget = MOST_STEPS * diagonal.len();
    let mut start = 0;
    while start < diagonal.len() {
        // The numbers from `start` to the first zero beside the diagonal are a matrix of their own.
        let length = 1 + coupled(&diagonal[start..], &beside[start..]);
        let d = &mut diagonal[start..start + length];
        let squares = &mut beside[start..start + length - 1];
        // Eigenvalues come out at the top, the smaller ones best first.
        if d[0].abs() > d[length - 1].abs() {
            d.reverse();
            squares.reverse();
        }
        block(d, squares, &mut budget)?;
        start += length;
    }
    diagonal.sort_unstable_by(f64::total_cmp);
    Some(())
}

/// How many of the leading squares do not count as zero.
fn coupled(d: &[f64], squares: &[f64]) -> usize {
    let small = |(square, d): (&f64, &[f64])| {
        *square <= f64::EPSILON * f64::EPSILON * (d[0] * d[1]).abs() || *square < f64::MIN_POSITIVE
    };
    squares.iter().zip(d.windows(2)).take_while(|&pair| !small(pair)).count()
}

/// The eigenvalues of a block, in any order.
fn block(d: &mut [f64], squares: &mut [f64], budget: &mut usize) -> Option<()> {
    let mut top = 0;
    while top < d.len() {
        match coupled(&d[top..], &squares[top..]) {
            0 => top += 1,
            1 => {
                (d[top], d[top + 1]) = of_two(d[top], squares[top], d[top + 1]);
                top += 2;
            }
            more => {
                *budget = budget.checked_sub(1)?;
                step(&mut d[top..=top + more], &mut squares[top..top + more]);
            }
        }
    }
    Some(())
}

/// The eigenvalues of `[[a, b], [b, c]]` from `b²`: the larger in magnitude by a sum without
/// cancellation, the other from the determinant.
fn of_two(a: f64, square: f64, c: f64) -> (f64, f64) {
    let (middle, half) = (f64::midpoint(a, c), 0.5 * (a - c));
    let root = (half * half + square).sqrt();
    let far = middle + root.copysign(middle);
    let (large, small) = if a.abs() > c.abs() { (a, c) } else { (c, a) };
    (far, if far == 0.0 { 0.0 } else { (large / far) * small - square / far })
}

/// One QL step from the bottom to the top; the square at the top shrinks.
fn step(d: &mut [f64], squares: &mut [f64]) {
    // Below this a quotient may have no reciprocal.
    const TINY: f64 = 1e-290;
    let shift = {
        let root = squares[0].sqrt();
        let half = (d[1] - d[0]) / (2.0 * root);
        d[0] - root / (half + half.hypot(1.0).copysign(half))
    };
    let bottom = squares.len();
    // Squared cosine and sine of the last rotation, and the two numbers it leaves for the next.
    let (mut cosine, mut sine) = (1.0, 0.0);
    let mut gamma = d[bottom] - shift;
    let mut product = gamma * gamma;
    for i in (0..bottom).rev() {
        let sum = product + squares[i];
        if i + 1 < bottom {
            squares[i + 1] = sine * sum;
        }
        let last = (gamma, cosine);
        (cosine, sine) = (product / sum, squares[i] / sum);
        gamma = cosine * (d[i] - shift) - sine * last.0;
        d[i + 1] = last.0 + (d[i] - gamma);
        // γ²/c; the reciprocal of c does not wait for c.
        product = if cosine > TINY { gamma * gamma * (sum / product) } else { last.1 * squares[i] };
    }
    squares[0] = sine * product;
    d[0] = shift + gamma;
}
