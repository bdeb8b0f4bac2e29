use assay_array::Scalar;
use ndarray::{ArrayView1, ArrayViewMut1};

use super::Norm;
use crate::Result;
use crate::error::within;

/// What the adversary may do: move a sample by at most `epsilon` in a norm, within the bounds that
/// every sample obeys. `epsilon` and the bounds are in the units of the data.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Threat {
    /// The norm.
    pub norm: Norm,
    /// The largest distance; 0 leaves samples as they are.
    pub epsilon: f64,
    /// The smallest value of a coordinate.
    pub low: f64,
    /// The largest value of a coordinate.
    pub high: f64,
}

impl Threat {
    /// Within `epsilon` and `[0, 1]`.
    pub fn new(norm: Norm, epsilon: f64) -> Self {
        Self { norm, epsilon, low: 0.0, high: 1.0 }
    }

    /// Other bounds.
    pub fn with_bounds(self, low: f64, high: f64) -> Self {
        Self { low, high, ..self }
    }

    /// Refuses an `epsilon` that is negative or not finite, and bounds in the wrong order.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter).
    pub fn check(&self) -> Result<()> {
        within("epsilon", "a finite number, 0 or more", self.epsilon, 0.0, f64::MAX)?;
        within("lower bound", "a finite number", self.low, f64::MIN, f64::MAX)?;
        let expected = "a finite number above the lower bound";
        within("upper bound", expected, self.high, self.low, f64::MAX)
    }
}

impl Threat {
    /// `clip(clean + project(delta))`; clipping after projecting keeps the distance, because the clean
    /// sample is within the bounds.
    pub(super) fn apply<T: Scalar>(
        &self,
        clean: ArrayView1<'_, T>,
        delta: &mut [f64],
        out: ArrayViewMut1<'_, T>,
    ) {
        self.norm.project_unchecked(delta, self.epsilon);
        for ((out, c), delta) in out.into_iter().zip(clean).zip(delta) {
            *out = T::from_f64((c.to_f64() + *delta).clamp(self.low, self.high));
        }
    }

    /// As [`Threat::apply`], but the point of ball and box together that is nearest to `clean + delta`:
    /// for `L1` projecting and then clipping ends far from it (Croce and Hein 2021).
    ///
    /// In `L1` it is `sign(δ_i) · clamp(|δ_i| − λ, 0, room_i)`, with `room_i` what the box leaves in that
    /// direction, for the smallest `λ ≥ 0` that fits the ball: the sum falls in straight pieces as `λ`
    /// grows, so the kinks are passed in order.
    pub(super) fn apply_exactly<T: Scalar>(
        &self,
        clean: ArrayView1<'_, T>,
        delta: &mut [f64],
        out: ArrayViewMut1<'_, T>,
    ) {
        if self.norm == Norm::L1 {
            let room = |c: T, d: f64| {
                if d > 0.0 { self.high - c.to_f64() } else { c.to_f64() - self.low }.max(0.0)
            };
            let sizes: Vec<(f64, f64)> =
                clean.iter().zip(&*delta).map(|(&c, d)| (d.abs(), room(c, *d))).collect();
            let lambda = self.shrinkage(&sizes);
            for (d, (size, room)) in delta.iter_mut().zip(sizes) {
                *d = d.signum() * (size - lambda).clamp(0.0, room);
            }
        }
        self.apply(clean, delta, out);
    }

    /// The smallest `λ ≥ 0` with `Σ clamp(size − λ, 0, room) ≤ ε`.
    fn shrinkage(&self, sizes: &[(f64, f64)]) -> f64 {
        let mut sum: f64 = sizes.iter().map(|(size, room)| size.min(*room)).sum();
        // A coordinate begins to shrink where the box no longer holds it, and ends at zero.
        let mut kinks: Vec<(f64, f64)> = sizes
            .iter()
            .flat_map(|(size, room)| [((size - room).max(0.0), 1.0), (*size, -1.0)])
            .collect();
        kinks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut lambda, mut shrinking) = (0.0, 0.0);
        for (kink, change) in kinks {
            let after = sum - shrinking * (kink - lambda);
            if sum <= self.epsilon {
                break;
            }
            if after <= self.epsilon {
                return lambda + (sum - self.epsilon) / shrinking;
            }
            (sum, lambda, shrinking) = (after, kink, shrinking + change);
        }
        lambda
    }
}

#[cfg(test)]
mod tests {
    use assay_array::random::{normal, stream, uniform};
    use ndarray::Array1;

    use super::*;

    #[test]
    fn no_point_of_ball_and_box_is_nearer() {
        let mut rng = stream(0, "ball and box", 0);
        for round in 0..300 {
            let d = 1 + round % 6;
            let clean = Array1::from_shape_simple_fn(d, || uniform(&mut rng));
            let wanted: Vec<f64> = (0..d).map(|_| normal(&mut rng)).collect();
            let threat = Threat::new(Norm::L1, 1.5 * uniform(&mut rng));
            let (mut delta, mut out) = (wanted.clone(), clean.clone());
            threat.apply_exactly(clean.view(), &mut delta, out.view_mut());
            let step = |x: &Array1<f64>| -> Vec<f64> { (x - &clean).to_vec() };
            let far = |x: &Array1<f64>| {
                step(x).iter().zip(&wanted).map(|(s, w)| (s - w).powi(2)).sum::<f64>()
            };
            assert!(Norm::L1.length(&step(&out)) <= threat.epsilon + 1e-12);
            assert!(out.iter().all(|x| (0.0..=1.0).contains(x)));
            for _ in 0..100 {
                // Any other allowed point, near by and far away.
                let mut other: Vec<f64> = step(&out);
                let size = [1.0, 0.1, 0.01, 0.001][round % 4];
                for o in &mut other {
                    *o += size * normal(&mut rng);
                }
                let mut point = clean.clone();
                threat.apply(clean.view(), &mut other, point.view_mut());
                assert!(far(&out) <= far(&point) + 1e-9, "{clean} {wanted:?} {threat:?}");
            }
        }
    }
}
