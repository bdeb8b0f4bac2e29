use assay_array::Scalar;
use ndarray::{Array2, ArrayView1, Axis};

use super::found::distances;
use super::objective::descending;
use super::{Attack, Batch, Norm, Objective, Perturbed, Threat};
use crate::Result;
use crate::classifier::{Classifier, gradient, logits};
use crate::error::within;

/// The targeted fast adaptive boundary attack (Croce and Hein 2020): the smallest change, not the
/// largest loss.
///
/// For each of the likeliest wrong classes `t`, `z_t − z_y` is linearised at the current point; point
/// and clean sample are both projected onto the plane where it is zero, within the box, and the next
/// point lies `1.05` times beyond, drawn towards the clean sample's projection by at most a tenth. A
/// point that fools the model and is nearer than the best is kept, and the search goes back from it
/// by a tenth towards the clean sample. A final search between the clean sample and the best point
/// brings it onto the boundary. What it finds within `ε` is a success.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fab {
    steps: usize,
    targets: usize,
    search: usize,
}

/// How far beyond the plane a step goes.
const OVERSHOOT: f64 = 1.05;
/// The most that the next point leans towards the clean sample's projection.
const LEAN: f64 = 0.1;
/// What remains of the distance to the clean sample after a success.
const BACKWARD: f64 = 0.9;

impl Default for Fab {
    fn default() -> Self {
        Self { steps: 100, targets: 9, search: 3 }
    }
}

impl Fab {
    /// 100 steps for each of 9 classes, and 3 of the final search.
    pub fn new() -> Self {
        Self::default()
    }

    /// Steps for each class.
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// The number of wrong classes that are tried.
    pub fn with_target_classes(self, targets: usize) -> Self {
        Self { targets, ..self }
    }

    /// Steps of the search that ends the paper's algorithm, on the segment between the clean sample and
    /// what was found; 0 for none, as in the authors' program.
    pub fn with_final_search(self, steps: usize) -> Self {
        Self { search: steps, ..self }
    }
}

impl<T: Scalar> Attack<T> for Fab {
    fn name(&self) -> String {
        "FAB-T".to_owned()
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        let clean = batch.begin("FAB-T", model, threat, &Norm::ALL, 2)?;
        within("steps", "1 to 1000000", self.steps as f64, 1.0, 1e6)?;
        within("steps of the final search", "0 to 1000", self.search as f64, 0.0, 1e3)?;
        within("target classes", "1 or more", self.targets as f64, 1.0, 1e9)?;
        let classes = model.classes();
        let (n, d) = clean.dim();
        let mut best = Nearest { x: clean.clone(), distance: vec![f64::INFINITY; n] };
        let mut queries = vec![1; n];
        let ranks: Vec<Vec<usize>> = logits(model, clean.view())?
            .outer_iter()
            .enumerate()
            .map(|(i, z)| {
                let z = z.to_vec();
                if batch.fooled(i, &z) {
                    best.distance[i] = 0.0;
                }
                match batch.target(i) {
                    Some(t) => vec![t],
                    None => descending(&z).into_iter().filter(|&c| c != batch.labels[i]).collect(),
                }
            })
            .collect();
        for round in 0..self.targets.min(classes - 1) {
            // What is fooled already, or has no such class, rests.
            let active: Vec<usize> =
                (0..n).filter(|&i| best.distance[i] > 0.0 && ranks[i].len() > round).collect();
            if active.is_empty() {
                break;
            }
            let origin = clean.select(Axis(0), &active);
            let mut x = origin.clone();
            let selection = batch.select(&active);
            let part = selection.batch();
            for _ in 0..self.steps {
                let mut gaps = vec![];
                let mut fooled = vec![];
                let (_, g) = gradient(model, x.view(), &mut |z| {
                    let mut c = Array2::zeros(z.dim());
                    for (k, z) in z.outer_iter().enumerate() {
                        let (t, y) = (ranks[active[k]][round], part.labels[k]);
                        if t != y {
                            (c[[k, t]], c[[k, y]]) = (1.0, -1.0);
                        }
                        gaps.push(z[t] - z[y]);
                        fooled.push(part.fooled(k, &z.to_vec()));
                    }
                    Ok(c)
                })?;
                for (k, &i) in active.iter().enumerate() {
                    queries[i] += 1;
                    let sample = Line {
                        x: x.row(k).iter().map(|x| x.to_f64()).collect(),
                        origin: origin.row(k).iter().map(|x| x.to_f64()).collect(),
                        w: g.row(k).iter().map(|g| g.to_f64()).collect(),
                        gap: gaps[k],
                    };
                    let mut next = if fooled[k] {
                        let delta = sample.difference();
                        best.offer(i, x.row(k), threat.norm.length(&delta));
                        let towards = |(o, d): (&f64, f64)| o + BACKWARD * d;
                        sample.origin.iter().zip(delta).map(towards).collect()
                    } else {
                        sample.next(threat)
                    };
                    next.truncate(d);
                    x.row_mut(k).iter_mut().zip(next).for_each(|(x, next)| *x = T::from_f64(next));
                }
            }
            // The last step's point has not been looked at.
            let z = logits(model, x.view())?;
            let lengths = distances(&x, &origin, threat.norm);
            for (k, &i) in active.iter().enumerate() {
                queries[i] += 1;
                if part.fooled(k, &z.row(k).to_vec()) {
                    best.offer(i, x.row(k), lengths[k]);
                }
            }
        }
        let found: Vec<usize> =
            (0..n).filter(|&i| best.distance[i] > 0.0 && best.distance[i].is_finite()).collect();
        self.search(model, &clean, batch, &found, &mut best.x, &mut queries)?;
        Ok(Perturbed { x: best.x, queries }.or_clean(&clean, threat))
    }
}

/// For each sample the nearest point so far that fools the model.
struct Nearest<T> {
    x: Array2<T>,
    distance: Vec<f64>,
}

impl<T: Scalar> Nearest<T> {
    fn offer(&mut self, i: usize, x: ArrayView1<'_, T>, distance: f64) {
        if distance < self.distance[i] {
            self.distance[i] = distance;
            self.x.row_mut(i).assign(&x);
        }
    }
}

impl Fab {
    /// The paper's final search: on the segment from the clean sample to the best point found, the
    /// margin's zero by the secant through both ends, which then becomes one of them.
    fn search<T: Scalar>(
        &self,
        model: &dyn Classifier<T>,
        clean: &Array2<T>,
        batch: &Batch<'_, T>,
        found: &[usize],
        best: &mut Array2<T>,
        queries: &mut [u64],
    ) -> Result<()> {
        if self.search == 0 || found.is_empty() {
            return Ok(());
        }
        let (selection, origin) = (batch.select(found), clean.select(Axis(0), found));
        let part = selection.batch();
        let margin = part.loss(Objective::Margin { kappa: f64::MAX });
        let mut scratch = vec![0.0; model.classes()];
        let mut look = |x: &Array2<T>| -> Result<Vec<(f64, bool)>> {
            let z = logits(model, x.view())?;
            let rows = z.outer_iter().enumerate();
            Ok(rows
                .map(|(k, z)| (margin(k, &z.to_vec(), &mut scratch), part.fooled(k, &z.to_vec())))
                .collect())
        };
        let end = best.select(Axis(0), found);
        let (near, far) = (look(&origin)?, look(&end)?);
        // Where on the segment, and the margin there: below zero, and fooled.
        let mut ends: Vec<[(f64, f64); 2]> =
            near.iter().zip(&far).map(|(n, f)| [(0.0, n.0), (1.0, f.0)]).collect();
        for &i in found {
            queries[i] += 2 + self.search as u64;
        }
        for _ in 0..self.search {
            let mut x = origin.clone();
            let mut at = vec![];
            for (k, mut row) in x.outer_iter_mut().enumerate() {
                let [(s, below), (t, above)] = ends[k];
                let zero = s + (t - s) * -below / (above - below);
                // Straight pieces end on the wrong side by a rounding: a little beyond.
                let zero = if zero > s && zero < t {
                    zero + 1e-3 * (t - zero)
                } else {
                    f64::midpoint(s, t)
                };
                at.push(zero);
                for (x, e) in row.iter_mut().zip(end.row(k)) {
                    *x = T::from_f64(x.to_f64() + zero * (e.to_f64() - x.to_f64()));
                }
            }
            for (k, (margin, fooled)) in look(&x)?.into_iter().enumerate() {
                ends[k][usize::from(fooled)] = (at[k], margin);
                if fooled {
                    best.row_mut(found[k]).assign(&x.row(k));
                }
            }
        }
        Ok(())
    }
}

/// A sample, where it started, and the linear function `gap + ⟨w, · − x⟩` that should reach zero.
struct Line {
    x: Vec<f64>,
    origin: Vec<f64>,
    w: Vec<f64>,
    gap: f64,
}

impl Line {
    fn difference(&self) -> Vec<f64> {
        self.x.iter().zip(&self.origin).map(|(x, o)| x - o).collect()
    }

    fn next(&self, threat: &Threat) -> Vec<f64> {
        let here = to_plane(&self.x, &self.w, -self.gap, threat);
        // At the clean sample the same linear function has another value.
        let back: f64 = self.w.iter().zip(self.difference()).map(|(w, d)| w * d).sum();
        let there = to_plane(&self.origin, &self.w, -(self.gap - back), threat);
        let (a, b) = (threat.norm.length(&here), threat.norm.length(&there));
        let lean = if a + b > 0.0 { (a / (a + b)).min(LEAN) } else { 0.0 };
        (0..self.x.len())
            .map(|i| {
                let near = self.x[i] + OVERSHOOT * here[i];
                let far = self.origin[i] + OVERSHOOT * there[i];
                ((1.0 - lean) * near + lean * far).clamp(threat.low, threat.high)
            })
            .collect()
    }
}

/// The smallest `δ` in the norm with `⟨w, δ⟩ = c` and `x + δ` in the box; where the box does not let it
/// get so far, as far as it does.
///
/// Coordinate `i` can add `|w_i| cap_i` to the product, with `cap_i` its room in the right direction. The
/// best `δ` has `|δ_i| = min(r s_i, cap_i)` with `s_i` 1 for `L∞` and `|w_i|` for `L2`, for the `r` that
/// reaches `c`: a piecewise linear equation, solved by sorting its kinks. For `L1` the largest `|w_i|`
/// are used up one after the other.
fn to_plane(x: &[f64], w: &[f64], c: f64, threat: &Threat) -> Vec<f64> {
    let sign = if c < 0.0 { -1.0 } else { 1.0 };
    let goal = c.abs();
    let step = |i: usize| sign * w[i].signum();
    let cap =
        |i: usize| if step(i) > 0.0 { threat.high - x[i] } else { x[i] - threat.low }.max(0.0);
    let mut order: Vec<usize> = (0..x.len()).filter(|&i| w[i] != 0.0).collect();
    let mut delta = vec![0.0; x.len()];
    if threat.norm == Norm::L1 {
        order.sort_by(|&a, &b| w[b].abs().total_cmp(&w[a].abs()).then(a.cmp(&b)));
        let mut rest = goal;
        for i in order {
            let size = cap(i).min(rest / w[i].abs());
            delta[i] = step(i) * size;
            rest -= size * w[i].abs();
            if rest <= 0.0 {
                break;
            }
        }
        return delta;
    }
    let speed = |i: usize| if threat.norm == Norm::Linf { 1.0 } else { w[i].abs() };
    let kink = |i: usize| cap(i) / speed(i);
    order.sort_by(|&a, &b| kink(a).total_cmp(&kink(b)).then(a.cmp(&b)));
    // Below the first kink all move; at each, one stops.
    let mut slope: f64 = order.iter().map(|&i| w[i].abs() * speed(i)).sum();
    let (mut reached, mut r) = (0.0, 0.0);
    for &i in &order {
        let next = reached + slope * (kink(i) - r);
        if next >= goal {
            break;
        }
        (reached, r) = (next, kink(i));
        slope -= w[i].abs() * speed(i);
    }
    // Rounding may leave a slope of nothing.
    if reached < goal && slope > 0.0 {
        r += (goal - reached) / slope;
    }
    for i in order {
        delta[i] = step(i) * (r * speed(i)).min(cap(i));
    }
    delta
}

#[cfg(test)]
mod tests {
    use assay_array::random::{normal, stream, uniform};

    use super::*;

    #[test]
    fn planes_are_reached_by_the_shortest_way() {
        let mut rng = stream(0, "planes", 0);
        for norm in [Norm::Linf, Norm::L2, Norm::L1] {
            for _ in 0..200 {
                let x: Vec<f64> = (0..6).map(|_| uniform(&mut rng)).collect();
                let w: Vec<f64> = (0..6).map(|_| normal(&mut rng)).collect();
                let c = 0.6 * normal(&mut rng);
                let threat = Threat::new(norm, 1.0);
                let delta = to_plane(&x, &w, c, &threat);
                let inside =
                    x.iter().zip(&delta).all(|(x, d)| (-1e-12..=1.0 + 1e-12).contains(&(x + d)));
                assert!(inside);
                let product: f64 = w.iter().zip(&delta).map(|(w, d)| w * d).sum();
                let most: f64 = x
                    .iter()
                    .zip(&w)
                    .map(|(x, w)| w.abs() * if w * c > 0.0 { 1.0 - x } else { *x })
                    .sum();
                if most <= c.abs() {
                    assert!((product.abs() - most).abs() < 1e-12);
                    continue;
                }
                assert!((product - c).abs() < 1e-12, "{product} is not {c}");
                // No random point of the plane within the box is nearer.
                for _ in 0..50 {
                    let mut other: Vec<f64> =
                        delta.iter().map(|d| d + 0.1 * normal(&mut rng)).collect();
                    let off: f64 = w.iter().zip(&other).map(|(w, o)| w * o).sum::<f64>() - c;
                    let square: f64 = w.iter().map(|w| w * w).sum();
                    for ((o, w), x) in other.iter_mut().zip(&w).zip(&x) {
                        *o -= off * w / square;
                        if !(0.0..=1.0).contains(&(x + *o)) {
                            *o = f64::INFINITY; // outside: as far as can be
                        }
                    }
                    assert!(norm.length(&delta) <= norm.length(&other) + 1e-9);
                }
            }
        }
    }
}
