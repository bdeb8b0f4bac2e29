//! The hypergeometric distribution and the distributions of rank sums.

use crate::special::binomial_pmf;

/// How many marked items are among `drawn` of `marked + unmarked`, without replacement.
pub(super) struct Hypergeometric {
    pub(super) marked: u64,
    pub(super) unmarked: u64,
    pub(super) drawn: u64,
}

/// Tables count as equally likely within this factor, as in R and scipy: rounding must not part
/// tables that are mirror images.
const SLACK: f64 = 1.0 + 1e-7;

impl Hypergeometric {
    fn lowest(&self) -> u64 {
        self.drawn.saturating_sub(self.unmarked)
    }

    fn highest(&self) -> u64 {
        self.drawn.min(self.marked)
    }

    /// `Pr[X = x]` by Loader's binomial densities (2000), which keep their digits for any size.
    fn pmf(&self, x: u64) -> f64 {
        let total = self.marked + self.unmarked;
        let p = self.drawn as f64 / total as f64;
        let part = |of: u64, from: u64| binomial_pmf(of as f64, from as f64, p);
        part(x, self.marked) * part(self.drawn - x, self.unmarked) / part(self.drawn, total)
    }

    /// `Pr[X = x + 1] / Pr[X = x]`.
    fn step(&self, x: u64) -> f64 {
        let up = (self.marked - x) as f64 * (self.drawn - x) as f64;
        let down = (x + 1) as f64 * (self.unmarked as f64 + x as f64 + 1.0 - self.drawn as f64);
        up / down
    }

    /// Whether the probabilities fall from `x` to `x + 1`: they rise before the mode and fall after.
    fn falls(&self, x: u64) -> bool {
        x >= self.highest() || self.step(x) < 1.0
    }

    pub(super) fn at_least(&self, x: u64) -> f64 {
        if x <= self.lowest() {
            return 1.0;
        }
        if !self.falls(x) {
            return 1.0 - self.tail_down(x - 1);
        }
        self.tail_up(x)
    }

    pub(super) fn at_most(&self, x: u64) -> f64 {
        if x >= self.highest() {
            return 1.0;
        }
        if self.falls(x) {
            return 1.0 - self.tail_up(x + 1);
        }
        self.tail_down(x)
    }

    fn tail_up(&self, from: u64) -> f64 {
        let mut term = self.pmf(from);
        let mut sum = term;
        for x in from..self.highest() {
            term *= self.step(x);
            let next = sum + term;
            if next == sum && term < sum {
                break;
            }
            sum = next;
        }
        sum.min(1.0)
    }

    fn tail_down(&self, from: u64) -> f64 {
        let mut term = self.pmf(from);
        let mut sum = term;
        for x in (self.lowest()..from).rev() {
            term /= self.step(x);
            let next = sum + term;
            if next == sum && term < sum {
                break;
            }
            sum = next;
        }
        sum.min(1.0)
    }

    /// The probability of everything no likelier than `x`.
    pub(super) fn two_sided(&self, x: u64) -> f64 {
        let limit = self.pmf(x) * SLACK;
        let (lowest, highest) = (self.lowest(), self.highest());
        // The first value from which probabilities fall.
        let mode = search(lowest, highest, |x| self.falls(x));
        if self.pmf(mode) <= limit {
            return 1.0;
        }
        let sum = if x < mode {
            // The first value beyond the mode that is no likelier.
            let other = search(mode, highest + 1, |y| y > highest || self.pmf(y) <= limit);
            self.tail_down(x) + if other > highest { 0.0 } else { self.tail_up(other) }
        } else {
            // The first value that is likelier; all before it are counted.
            let other = search(lowest, mode, |y| self.pmf(y) > limit);
            self.tail_up(x) + if other == lowest { 0.0 } else { self.tail_down(other - 1) }
        };
        sum.min(1.0)
    }
}

/// The smallest number in `lower..=upper` for which the rule holds; it holds from there on, and for
/// `upper`.
fn search(mut lower: u64, mut upper: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while lower < upper {
        let middle = lower + (upper - lower) / 2;
        if holds(middle) {
            upper = middle;
        } else {
            lower = middle + 1;
        }
    }
    lower
}

/// The distribution of the sum of a random subset of weights, each taken with probability one half:
/// entry `s` is `Pr[sum = s]`.
pub(super) fn subset_sums(weights: &[usize]) -> Vec<f64> {
    let total: usize = weights.iter().sum();
    let mut chances = vec![0.0; total + 1];
    chances[0] = 1.0;
    let mut reach = 0;
    for &weight in weights {
        reach += weight;
        for s in (0..=reach).rev() {
            let with = if s >= weight { chances[s - weight] } else { 0.0 };
            chances[s] = 0.5 * (chances[s] + with);
        }
    }
    chances
}

/// The distribution of the sum of `taken` weights drawn without replacement.
pub(super) fn sums_of_drawn(weights: &[usize], taken: usize) -> Vec<f64> {
    let total: usize = weights.iter().sum();
    let width = total + 1;
    // Row k holds the probability, over the items so far, that k were taken and sum to s.
    let mut chances = vec![0.0; (taken + 1) * width];
    chances[0] = 1.0;
    for (seen, &weight) in weights.iter().enumerate() {
        let left = (weights.len() - seen) as f64;
        for k in (0..=taken.min(seen + 1)).rev() {
            // An item is taken with probability (still to take) / (still to see).
            for s in (0..width).rev() {
                let skip = chances[k * width + s] * (1.0 - (taken - k) as f64 / left).max(0.0);
                let take = if k > 0 && s >= weight {
                    chances[(k - 1) * width + s - weight] * ((taken + 1 - k) as f64 / left).min(1.0)
                } else {
                    0.0
                };
                chances[k * width + s] = skip + take;
            }
        }
    }
    chances.split_off(taken * width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hypergeometric_tails_are_sums() {
        for (marked, unmarked, drawn) in
            [(17, 23, 19), (3, 4, 2), (5, 5, 5), (1, 9, 10), (60, 7, 30)]
        {
            let law = Hypergeometric { marked, unmarked, drawn };
            let support: Vec<u64> = (law.lowest()..=law.highest()).collect();
            let pmf: Vec<f64> = support.iter().map(|&x| law.pmf(x)).collect();
            assert!((pmf.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for &x in &support {
                let sum = |keep: &dyn Fn(u64, f64) -> bool| -> f64 {
                    support.iter().zip(&pmf).filter(|&(&y, &p)| keep(y, p)).map(|(_, p)| p).sum()
                };
                let at = law.pmf(x);
                let close = |got: f64, want: f64| {
                    assert!((got - want).abs() < 1e-12 * want, "{got} {want}");
                };
                close(law.at_most(x), sum(&|y, _| y <= x));
                close(law.at_least(x), sum(&|y, _| y >= x));
                close(law.two_sided(x), sum(&|_, p| p <= at * SLACK));
            }
        }
    }

    #[test]
    fn sums_of_drawn_are_counted() {
        // All pairs of 1, 2, 2, 5.
        let chances = sums_of_drawn(&[1, 2, 2, 5], 2);
        let mut want = vec![0.0; 11];
        for sum in [3, 3, 6, 4, 7, 7] {
            want[sum] += 1.0 / 6.0;
        }
        assert!(chances.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-15), "{chances:?}");
        assert_eq!(subset_sums(&[1, 2]), [0.25; 4]);
    }
}
