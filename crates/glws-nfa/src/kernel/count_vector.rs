//! Joint counts of all classes.
//!
//! A state is the vector of counts seen so far, as a number in mixed radix; the position in the bag
//! is the sum of its digits, so that each state belongs to one position and the whole lattice has
//! `Π_c (m_c + 1)` states. `α(s) = Σ_c α(s − e_c) p_{|s|}(c)`, `β(s) = Σ_c p_{|s|+1}(c) β(s + e_c)`.

use assay_array::Scalar;

use super::softmax::softmax;

/// The recursion is unscaled; a result below this may have lost digits to underflow. The other end
/// of the safety margin is `f64`'s smallest normal number, 2e-308: even a loss at each of a hundred
/// million cells stays below 1e-30 of the result.
const SMALLEST_TOTAL: f64 = 1e-270;

/// Returns `log Z`, or `None` when underflow may have mattered.
///
/// Classes with a count of 0 take no part but in the softmax.
pub(super) fn posterior<T: Scalar>(
    logits: &[T],
    counts: &[usize],
    posterior: &mut [T],
) -> Option<f64> {
    let classes = counts.len();
    let length = logits.len() / classes;
    let digits: Vec<Digit> = digits(counts);
    let size = counts.iter().map(|count| count + 1).product();
    let mut p = vec![0.0; length * classes];
    for (row, p) in logits.chunks_exact(classes).zip(p.chunks_exact_mut(classes)) {
        softmax(row, p);
    }
    let mut alpha = vec![0.0; size];
    alpha[0] = 1.0;
    let mut odometer = Odometer::new(&digits);
    // States in ascending order: every predecessor comes first.
    for state in 1..size {
        odometer.up(&digits);
        let p = &p[(odometer.position - 1) * classes..odometer.position * classes];
        let mut sum = 0.0;
        for (digit, &value) in digits.iter().zip(&odometer.values) {
            if value > 0 {
                sum += alpha[state - digit.stride] * p[digit.class];
            }
        }
        alpha[state] = sum;
    }
    let total = alpha[size - 1];
    if total.is_nan() || total < SMALLEST_TOTAL {
        return None;
    }
    let mut beta = vec![0.0; size];
    beta[size - 1] = 1.0;
    let mut gamma = vec![0.0; length * classes];
    for state in (0..size - 1).rev() {
        odometer.down(&digits);
        let range = odometer.position * classes..(odometer.position + 1) * classes;
        let (p, gamma) = (&p[range.clone()], &mut gamma[range]);
        let here = alpha[state];
        let mut sum = 0.0;
        for (digit, &value) in digits.iter().zip(&odometer.values) {
            if value < digit.count {
                let onward = p[digit.class] * beta[state + digit.stride];
                sum += onward;
                gamma[digit.class] += here * onward;
            }
        }
        beta[state] = sum;
    }
    for (posterior, gamma) in posterior.chunks_exact_mut(classes).zip(gamma.chunks_exact(classes)) {
        // The sum is Z up to rounding; dividing by it makes the row sum to 1.
        let scale = 1.0 / gamma.iter().sum::<f64>();
        for (posterior, gamma) in posterior.iter_mut().zip(gamma) {
            *posterior = T::from_f64(gamma * scale);
        }
    }
    Some(total.ln())
}

/// One class that occurs: its count, and how far apart states are that differ by one of it.
struct Digit {
    class: usize,
    count: usize,
    stride: usize,
}

fn digits(counts: &[usize]) -> Vec<Digit> {
    let mut stride = 1;
    let mut digits = vec![];
    for (class, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        digits.push(Digit { class, count, stride });
        stride *= count + 1;
    }
    digits
}

/// The digits of a state, and their sum.
struct Odometer {
    values: Vec<usize>,
    position: usize,
}

impl Odometer {
    fn new(digits: &[Digit]) -> Self {
        Self { values: vec![0; digits.len()], position: 0 }
    }

    fn up(&mut self, digits: &[Digit]) {
        for (value, digit) in self.values.iter_mut().zip(digits) {
            if *value < digit.count {
                *value += 1;
                self.position += 1;
                return;
            }
            *value = 0;
            self.position -= digit.count;
        }
    }

    fn down(&mut self, digits: &[Digit]) {
        for (value, digit) in self.values.iter_mut().zip(digits) {
            if *value > 0 {
                *value -= 1;
                self.position -= 1;
                return;
            }
            *value = digit.count;
            self.position += digit.count;
        }
    }
}
