use assay_array::Scalar;
use assay_array::random::{Stream, below, stream, uniform};
use ndarray::{Array2, Axis};

use super::{Attack, Batch, Norm, Objective, Perturbed, Threat};
use crate::Result;
use crate::classifier::{Classifier, logits};
use crate::error::within;

/// The square attack (Andriushchenko et al. 2020): random squares of change, kept when they lower the
/// margin. It asks for logits only, so a model that hides its gradients does not hide from it. In `L1`
/// (Croce and Hein 2021) as in `L2`, with peaks that are narrower and the nearest point of ball and box
/// together.
///
/// Samples are images `[channels, height, width]`; any other shape is taken as one row of pixels.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Square {
    queries: usize,
    part: f64,
    schedule: Schedule,
    seed: u64,
}

/// When the squares of [`Square`] become smaller. Their area halves at 10, 50, 200, 500, 1000, 2000,
/// 4000, 6000 and 8000 ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Schedule {
    /// Of the queries allowed, as in the paper.
    #[default]
    OfBudget,
    /// Of ten thousand, whatever is allowed, as in AutoAttack: with 5000 queries squares stay larger.
    OfTenThousand,
}

impl Default for Square {
    fn default() -> Self {
        Self { queries: 5000, part: 0.8, schedule: Schedule::default(), seed: 0 }
    }
}

impl Square {
    /// 5000 queries; the first squares cover 0.8 of the image.
    pub fn new() -> Self {
        Self::default()
    }

    /// The most queries a sample.
    pub fn with_queries(self, queries: usize) -> Self {
        Self { queries, ..self }
    }

    /// The part of the image that the first squares cover.
    pub fn with_initial_part(self, part: f64) -> Self {
        Self { part, ..self }
    }

    /// When squares become smaller.
    pub fn with_schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// The seed of the squares.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The part of the image that a square covers at this query.
    fn part_at(&self, query: usize) -> f64 {
        let done = match self.schedule {
            Schedule::OfBudget => query * 10_000 / self.queries.max(1),
            Schedule::OfTenThousand => query,
        };
        let halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];
        halvings.iter().filter(|&&h| done > h).fold(self.part, |part, _| part / 2.0)
    }
}

/// One sample's image and what was found for it.
struct Search<T> {
    rng: Stream,
    best: Vec<T>,
    margin: f64,
    done: bool,
}

#[derive(Clone, Copy)]
struct Image {
    channels: usize,
    height: usize,
    width: usize,
}

impl<T: Scalar> Attack<T> for Square {
    fn name(&self) -> String {
        format!("Square-{}", self.queries)
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        let clean = batch.begin("Square", model, threat, &Norm::ALL, 2)?;
        within("queries", "1 to 1000000", self.queries as f64, 1.0, 1e6)?;
        within("initial part", "in (0, 1]", self.part, f64::MIN_POSITIVE, 1.0)?;
        let n = clean.nrows();
        let image = match *model.input_shape() {
            [channels, height, width] => Image { channels, height, width },
            _ => Image { channels: 1, height: 1, width: clean.ncols() },
        };
        // The margin without a floor, and cross-entropy to the target for a targeted search.
        let loss = batch.loss(match batch.targets {
            None => Objective::Margin { kappa: f64::MAX },
            Some(_) => Objective::CrossEntropy,
        });
        let mut scratch = vec![0.0; model.classes()];
        let mut judge = |i: usize, z: &[f64]| loss(i, z, &mut scratch);
        let z = logits(model, clean.view())?;
        let mut searches: Vec<Search<T>> = (0..n)
            .map(|i| {
                let z = z.row(i).to_vec();
                Search {
                    rng: stream(self.seed, "square", batch.ids[i]),
                    best: clean.row(i).to_vec(),
                    margin: judge(i, &z),
                    done: batch.fooled(i, &z),
                }
            })
            .collect();
        let mut queries = vec![1; n];
        for query in 0..self.queries {
            let active: Vec<usize> = (0..n).filter(|&i| !searches[i].done).collect();
            if active.is_empty() {
                break;
            }
            let mut tried = clean.select(Axis(0), &active);
            for (k, &i) in active.iter().enumerate() {
                let (c, search) = (clean.row(i), &mut searches[i]);
                let mut delta: Vec<f64> =
                    search.best.iter().zip(c).map(|(b, c)| b.to_f64() - c.to_f64()).collect();
                let part = self.part_at(query);
                let (epsilon, rng) = (threat.epsilon, &mut search.rng);
                match (threat.norm, query) {
                    (Norm::Linf, 0) => image.stripes(&mut delta, epsilon, rng),
                    (Norm::Linf, _) => image.square(&mut delta, epsilon, part, rng),
                    (norm, 0) => image.tiles(&mut delta, Mass { norm, epsilon }, rng),
                    (norm, _) => image.shift(&mut delta, Mass { norm, epsilon }, part, rng),
                }
                threat.apply_exactly(c, &mut delta, tried.row_mut(k));
            }
            let z = logits(model, tried.view())?;
            for (k, &i) in active.iter().enumerate() {
                queries[i] += 1;
                let z = z.row(k).to_vec();
                let (margin, fooled) = (judge(i, &z), batch.fooled(i, &z));
                // The first one is the start, whatever its margin.
                if margin > searches[i].margin || query == 0 || fooled {
                    searches[i].margin = margin;
                    searches[i].done = fooled;
                    searches[i].best = tried.row(k).to_vec();
                }
            }
        }
        let mut x = Array2::from_elem(clean.dim(), T::ZERO);
        for (mut row, search) in x.outer_iter_mut().zip(&searches) {
            row.iter_mut().zip(&search.best).for_each(|(r, b)| *r = *b);
        }
        Ok(Perturbed { x, queries })
    }
}

impl Image {
    fn at(self, c: usize, y: usize, x: usize) -> usize {
        (c * self.height + y) * self.width + x
    }

    /// Columns of `±ε`, by channel.
    fn stripes(self, delta: &mut [f64], epsilon: f64, rng: &mut Stream) {
        for c in 0..self.channels {
            for x in 0..self.width {
                let value = sign(rng) * epsilon;
                (0..self.height).for_each(|y| delta[self.at(c, y, x)] = value);
            }
        }
    }

    /// A square of `±ε`, by channel.
    fn square(self, delta: &mut [f64], epsilon: f64, part: f64, rng: &mut Stream) {
        let side = (part * (self.height * self.width) as f64).sqrt().round() as usize;
        let (h, w) = (side.clamp(1, self.height), side.clamp(1, self.width));
        let (y0, x0) = (below(rng, self.height - h + 1), below(rng, self.width - w + 1));
        for c in 0..self.channels {
            let value = sign(rng) * epsilon;
            for (y, x) in (y0..y0 + h).flat_map(|y| (x0..x0 + w).map(move |x| (y, x))) {
                delta[self.at(c, y, x)] = value;
            }
        }
    }

    /// The image in about five by five tiles, each a bump of random sign; then to length `ε`, or in `L1`
    /// what the projection onto the ball leaves of it, which is the peaks.
    fn tiles(self, delta: &mut [f64], mass: Mass, rng: &mut Stream) {
        let side = (self.height.max(self.width) / 5).max(1);
        for y0 in (0..self.height).step_by(side) {
            for x0 in (0..self.width).step_by(side) {
                let (h, w) = (side.min(self.height - y0), side.min(self.width - x0));
                for c in 0..self.channels {
                    let (value, bump) = (sign(rng), mass.bump(h, w));
                    for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
                        delta[self.at(c, y0 + y, x0 + x)] = value * bump[y * w + x];
                    }
                }
            }
        }
        if mass.norm == Norm::L2 {
            mass.to_length(delta, mass.epsilon);
        }
    }

    /// Takes the change out of one window and adds it, with a bump, to another.
    fn shift(self, delta: &mut [f64], mass: Mass, part: f64, rng: &mut Stream) {
        let side = (part * (self.height * self.width) as f64).sqrt().round() as usize;
        // Odd, so that a bump has a middle, where the image is that large.
        let side = (side.max(3) / 2) * 2 + 1;
        let (h, w) = (side.min(self.height), side.min(self.width));
        let mut window = || {
            let (y, x) = (below(rng, self.height - h + 1), below(rng, self.width - w + 1));
            (y..y + h).flat_map(move |y| (x..x + w).map(move |x| (y, x))).collect::<Vec<_>>()
        };
        let (to, from) = (window(), window());
        let unused = (mass.of_length(mass.epsilon) - mass.of(delta)).max(0.0);
        let (bump, turn) = (mass.bump(h, w), uniform(rng) < 0.5 && h == w);
        for c in 0..self.channels {
            let places = |window: &[(usize, usize)]| -> Vec<usize> {
                window.iter().map(|&(y, x)| self.at(c, y, x)).collect()
            };
            let (to, from) = (places(&to), places(&from));
            let at = |of: &mut dyn Iterator<Item = usize>| -> f64 {
                mass.of(&of.map(|i| delta[i]).collect::<Vec<_>>())
            };
            let inside: std::collections::BTreeSet<usize> =
                to.iter().chain(&from).copied().collect();
            let available = at(&mut inside.into_iter()) + unused / self.channels as f64;
            let length = mass.length(at(&mut to.iter().copied()));
            let value = sign(rng);
            let mut new: Vec<f64> = (0..to.len())
                .map(|k| {
                    let k_bump = if turn { (k % w) * w + k / w } else { k };
                    let old = if length > 0.0 { delta[to[k]] / length } else { 0.0 };
                    value * bump[k_bump] + old
                })
                .collect();
            // In `L1` each channel gets enough for all, and the projection leaves the peaks.
            let share = if mass.norm == Norm::L1 { self.channels as f64 } else { 1.0 };
            mass.to_length(&mut new, share * mass.length(available));
            for i in from {
                delta[i] = 0.0;
            }
            to.iter().zip(new).for_each(|(&i, new)| delta[i] = new);
        }
    }
}

fn sign(rng: &mut Stream) -> f64 {
    if uniform(rng) < 0.5 { -1.0 } else { 1.0 }
}

/// What adds up over windows: squares in `L2`, magnitudes in `L1`.
#[derive(Clone, Copy)]
struct Mass {
    norm: Norm,
    epsilon: f64,
}

impl Mass {
    fn of(self, x: &[f64]) -> f64 {
        self.of_length(self.norm.length(x))
    }

    fn of_length(self, length: f64) -> f64 {
        if self.norm == Norm::L1 { length } else { length * length }
    }

    fn length(self, mass: f64) -> f64 {
        if self.norm == Norm::L1 { mass } else { mass.sqrt() }
    }

    fn to_length(self, x: &mut [f64], length: f64) {
        let now = self.norm.length(x);
        if now > 0.0 {
            for x in x {
                *x *= length / now;
            }
        }
    }

    /// `h` by `w` weights of length one: two half windows of opposite signs. On the ring at distance `r`
    /// from a half's middle stands `Σ_{r < j ≤ n} j^{-2}` with `n` half the longer side and one, as in the
    /// paper's section on `L2`; `j^{-4}` in `L1`.
    fn bump(self, h: usize, w: usize) -> Vec<f64> {
        let power = if self.norm == Norm::L1 { -4 } else { -2 };
        let half = h / 2;
        let mut out = vec![0.0; h * w];
        for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            let (top, size) = if y < half { (0, half) } else { (half, h - half) };
            let ring = (y - top).abs_diff(size / 2).max(x.abs_diff(w / 2));
            let height: f64 =
                (ring + 1..=size.max(w) / 2 + 1).map(|j| (j as f64).powi(power)).sum();
            out[y * w + x] = height * if y < half { 1.0 } else { -1.0 };
        }
        self.to_length(&mut out, 1.0);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bumps_are_the_papers_sums() {
        // By hand: halves of 2 and 3 rows in 5 columns, rings around (1, 2) and (3, 2).
        let rings =
            [[2, 1, 1, 1, 2], [2, 1, 0, 1, 2], [2, 1, 1, 1, 2], [2, 1, 0, 1, 2], [2, 1, 1, 1, 2]];
        for (norm, heights) in [
            (Norm::L2, [1.0 + 0.25 + 1.0 / 9.0, 0.25 + 1.0 / 9.0, 1.0 / 9.0]),
            (Norm::L1, [1.0 + 0.0625 + 1.0 / 81.0, 0.0625 + 1.0 / 81.0, 1.0 / 81.0]),
        ] {
            let mut want: Vec<f64> = (0..25)
                .map(|i| heights[rings[i / 5][i % 5]] * if i < 10 { 1.0 } else { -1.0 })
                .collect();
            let mass = Mass { norm, epsilon: 1.0 };
            mass.to_length(&mut want, 1.0);
            let got = mass.bump(5, 5);
            assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-12), "{got:?}");
            assert!((norm.length(&got) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_shift_spends_no_less_than_the_ball() {
        for norm in [Norm::L2, Norm::L1] {
            let (mass, image) =
                (Mass { norm, epsilon: 0.7 }, Image { channels: 3, height: 12, width: 10 });
            let mut rng = stream(0, "shift", 0);
            let mut delta = vec![0.0; 360];
            image.tiles(&mut delta, mass, &mut rng);
            // Of side 2: 6 by 5 of length one in each channel.
            let want = if norm == Norm::L1 { 90.0 } else { 0.7 };
            assert!((norm.length(&delta) - want).abs() < 1e-9);
            norm.project(&mut delta, 0.7).unwrap();
            for part in [0.8, 0.1, 0.01, 0.001] {
                // What clipping takes away comes back.
                delta.iter_mut().step_by(3).for_each(|d| *d *= 0.5);
                image.shift(&mut delta, mass, part, &mut rng);
                let length = norm.length(&delta);
                assert!(length >= 0.7 - 1e-12, "{norm} {part}: {length}");
                assert!(norm == Norm::L1 || length <= 0.7 + 1e-12, "{part}: {length}");
                norm.project(&mut delta, 0.7).unwrap();
            }
        }
    }

    #[test]
    fn squares_shrink_by_either_schedule() {
        let square = Square::new().with_queries(5000);
        assert_eq!(
            [5, 6, 25, 26, 4500].map(|q| square.part_at(q) / 0.8),
            [1.0, 0.5, 0.5, 0.25, 1.0 / 512.0]
        );
        let fixed = square.with_schedule(Schedule::OfTenThousand);
        assert_eq!(
            [10, 11, 50, 51, 4500].map(|q| fixed.part_at(q) / 0.8),
            [1.0, 0.5, 0.5, 0.25, 1.0 / 128.0]
        );
    }
}
