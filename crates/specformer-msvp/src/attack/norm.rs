use crate::{Error, Result};

/// How far a perturbation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Norm {
    /// The largest change of a coordinate.
    Linf,
    /// The Euclidean length.
    L2,
    /// The sum of all changes.
    L1,
}

impl Norm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Linf, Self::L2, Self::L1];

    /// Its name: `Linf`, `L2` or `L1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linf => "Linf",
            Self::L2 => "L2",
            Self::L1 => "L1",
        }
    }

    /// The norm that bounds inner products with this one.
    pub fn dual(self) -> Self {
        match self {
            Self::Linf => Self::L1,
            Self::L2 => Self::L2,
            Self::L1 => Self::Linf,
        }
    }

    /// The length of a vector.
    pub fn length(self, x: &[f64]) -> f64 {
        match self {
            Self::Linf => x.iter().fold(0.0, |m: f64, x| m.max(x.abs())),
            Self::L2 => crate::kernel::norm(x),
            Self::L1 => x.iter().map(|x| x.abs()).sum(),
        }
    }

    /// The nearest point, in Euclidean distance, of the ball around zero; in place.
    ///
    /// - `L∞`: clipping; `L2`: scaling; `L1`: soft thresholding with the threshold found by sorting
    ///   (Duchi et al. 2008).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a radius that is negative or NaN.
    ///
    /// ```
    /// use specformer_msvp::attack::Norm;
    /// let mut x = [3.0, -1.0, 0.5];
    /// Norm::L1.project(&mut x, 2.0)?;
    /// assert_eq!(x, [2.0, 0.0, 0.0]);
    /// # Ok::<(), specformer_msvp::Error>(())
    /// ```
    pub fn project(self, x: &mut [f64], radius: f64) -> Result<()> {
        if radius.is_nan() || radius < 0.0 {
            let (name, expected) = ("radius", "0 or more");
            return Err(Error::Parameter { name, expected, got: radius });
        }
        self.project_unchecked(x, radius);
        Ok(())
    }

    pub(crate) fn project_unchecked(self, x: &mut [f64], radius: f64) {
        match self {
            Self::Linf => {
                for x in x {
                    *x = x.clamp(-radius, radius);
                }
            }
            Self::L2 => {
                let length = self.length(x);
                if length > radius {
                    let factor = radius / length;
                    for x in x {
                        *x *= factor;
                    }
                }
            }
            Self::L1 => {
                if self.length(x) <= radius {
                    return;
                }
                let mut sizes: Vec<f64> = x.iter().map(|x| x.abs()).collect();
                sizes.sort_by(|a, b| b.total_cmp(a));
                let (mut sum, mut threshold) = (0.0, 0.0);
                for (i, size) in sizes.iter().enumerate() {
                    sum += size;
                    let candidate = (sum - radius) / (i + 1) as f64;
                    if *size <= candidate {
                        break;
                    }
                    threshold = candidate;
                }
                for x in x {
                    *x = x.signum() * (x.abs() - threshold).max(0.0);
                }
            }
        }
    }

    /// The direction of norm one along which a linear function with this gradient grows fastest;
    /// zero for a zero gradient. For `L1` the step is spread evenly over the `spread` largest
    /// coordinates, because one coordinate at a time takes too many steps (Tramèr and Boneh 2019).
    pub(crate) fn steepest(self, g: &mut [f64], spread: usize) {
        match self {
            // sign(0) = 0: where nothing is gained, nothing is changed.
            Self::Linf => {
                for g in g {
                    *g = if *g == 0.0 { 0.0 } else { g.signum() };
                }
            }
            Self::L2 => {
                // As torchattacks' PGDL2, so that numbers compare; no effect but for tiny gradients.
                let length = self.length(g) + 1e-10;
                for g in g {
                    *g /= length;
                }
            }
            Self::L1 => {
                let mut order: Vec<usize> = (0..g.len()).filter(|&i| g[i] != 0.0).collect();
                order.sort_by(|&a, &b| g[b].abs().total_cmp(&g[a].abs()).then(a.cmp(&b)));
                order.truncate(spread.max(1));
                let share = 1.0 / order.len().max(1) as f64;
                let mut direction = vec![0.0; g.len()];
                for i in order {
                    direction[i] = share * g[i].signum();
                }
                g.copy_from_slice(&direction);
            }
        }
    }
}

impl std::fmt::Display for Norm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
