//! Smooth ECE: calibration error without bins, by kernel smoothing.

use assay_array::Scalar;

use crate::{BinaryForecasts, Error, Result};

/// The kernel's width.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Bandwidth {
    /// The `σ` that equals its own smooth ECE, by bisection to 2^-40: the measure of Błasiok and
    /// Nakkiran (2023), which has no parameter.
    #[default]
    FixedPoint,
    /// Compatibility with relplot: the same bisection stopped after ten steps, at its upper end.
    Relplot,
    /// A given width.
    Width(f64),
}

/// How to compute a smooth ECE.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SmoothEceConfig {
    bandwidth: Bandwidth,
}

impl SmoothEceConfig {
    /// The width is found.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the width.
    #[must_use]
    pub fn with_bandwidth(self, bandwidth: Bandwidth) -> Self {
        Self { bandwidth }
    }
}

/// A smooth ECE and its width.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SmoothEce {
    /// `∫ |r_σ(t)| dt / ∫ d_σ(t) dt`, with `r_σ` the smoothed residuals `y − p` and `d_σ` the
    /// smoothed density of the forecasts.
    pub value: f64,
    /// The kernel's width `σ`.
    pub width: f64,
}

/// A smoothed reliability curve.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SmoothCurve {
    /// Probabilities, evenly spaced over `[0, 1]`.
    pub at: Vec<f64>,
    /// The smoothed frequency of the event there.
    pub frequency: Vec<f64>,
    /// The smoothed density of the forecasts there, of mean about 1.
    pub density: Vec<f64>,
}

/// The narrowest kernel: the grid follows the width, and a grid of 10^4 points is fine enough.
const NARROWEST: f64 = 1e-3;
/// Beyond so many widths the kernel is below 1e-16 of its peak.
const REACH: f64 = 8.5;
/// Added to the density, in samples: where nothing was forecast the curve is the diagonal and not
/// 0/0. The number of relplot.
const FLOOR: f64 = 1e-4;

/// Residuals and numbers of forecasts, spread over evenly spaced points of `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid {
    pub(crate) residual: Vec<f64>,
    pub(crate) mass: Vec<f64>,
}

/// Both, smoothed, at evenly spaced places.
struct Smoothed {
    residual: Vec<f64>,
    density: Vec<f64>,
}

impl Grid {
    /// How many points a kernel of this width needs.
    pub(crate) fn points(width: f64) -> Result<usize> {
        check_width(width)?;
        Ok(((20.0 / width).round() as usize).max(2000) / 2 + 1)
    }

    /// The two points next to a forecast and its share of each.
    #[inline]
    pub(crate) fn shares(points: usize, p: f64) -> [(usize, f64); 2] {
        let position = p * (points - 1) as f64;
        let lower = (position as usize).min(points - 2);
        let upper_share = position - lower as f64;
        [(lower, 1.0 - upper_share), (lower + 1, upper_share)]
    }

    fn of<T: Scalar>(forecasts: &BinaryForecasts<'_, T>, points: usize) -> Self {
        let mut grid = Self { residual: vec![0.0; points], mass: vec![0.0; points] };
        for (p, y) in forecasts.pairs() {
            for (place, share) in Self::shares(points, p) {
                grid.residual[place] += share * (y - p);
                grid.mass[place] += share;
            }
        }
        grid
    }

    /// Smooths with the kernel, reflected at 0 and 1, and reads off.
    fn smoothed(&self, width: f64) -> Smoothed {
        let points = self.mass.len();
        let step = (points - 1) as f64;
        let kernel = Kernel::new(width, points);
        let places = ((10.0 / width).round() as usize).max(200);
        let read = |signal: &[f64]| {
            let smooth = kernel.smooth(signal);
            (0..places)
                .map(|k| {
                    let position = k as f64 / (places - 1) as f64;
                    let [(lower, a), (upper, b)] = Self::shares(points, position);
                    // A mean of about N, whatever the grid.
                    (smooth[lower] * a + smooth[upper] * b) * step
                })
                .collect()
        };
        Smoothed { residual: read(&self.residual), density: read(&self.mass) }
    }

    /// The smooth ECE at this width.
    pub(crate) fn smooth_ece(&self, width: f64) -> f64 {
        let Smoothed { residual, density } = self.smoothed(width);
        // relplot's |r|/(d + floor), weighted by (d + floor), is |r| itself.
        let error: f64 = residual.iter().map(|r| r.abs()).sum();
        let mass: f64 = density.iter().map(|d| d + FLOOR).sum();
        error / mass
    }
}

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// The smooth ECE with a reflected Gaussian kernel.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a width outside `[0.001, 1]`.
    ///
    /// ```
    /// use dac_calibration::{BinaryForecasts, measures::SmoothEceConfig};
    /// let forecasts = BinaryForecasts::new(&[0.7, 0.7, 0.7], &[true, true, true])?;
    /// let smooth = forecasts.smooth_ece(SmoothEceConfig::new())?;
    /// assert!((smooth.value - 0.3).abs() < 0.01 && (smooth.value - smooth.width).abs() < 1e-3);
    /// # Ok::<(), dac_calibration::Error>(())
    /// ```
    pub fn smooth_ece(&self, config: SmoothEceConfig) -> Result<SmoothEce> {
        // Most widths need the same grid.
        let mut grid: Option<Grid> = None;
        let mut at = |width: f64| -> Result<f64> {
            let points = Grid::points(width)?;
            let grid = match &mut grid {
                Some(grid) if grid.mass.len() == points => grid,
                other => other.insert(Grid::of(self, points)),
            };
            Ok(grid.smooth_ece(width))
        };
        let steps = match config.bandwidth {
            Bandwidth::Width(width) => return Ok(SmoothEce { value: at(width)?, width }),
            Bandwidth::FixedPoint => 40,
            Bandwidth::Relplot => 10,
        };
        // The error falls with the width while the width grows: they cross once.
        let (mut lower, mut upper) = (0.0, 1.0);
        for _ in 0..steps {
            let width = f64::midpoint(lower, upper);
            if width < NARROWEST || width < at(width)? {
                lower = width;
            } else {
                upper = width;
            }
        }
        Ok(SmoothEce { value: at(upper)?, width: upper })
    }

    /// The reliability curve smoothed with the same kernel; see [`smooth_ece`](Self::smooth_ece) for
    /// a good width.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a width outside `[0.001, 1]`.
    pub fn smooth_curve(&self, width: f64) -> Result<SmoothCurve> {
        let smoothed = Grid::of(self, Grid::points(width)?).smoothed(width);
        let last = smoothed.density.len() - 1;
        let at: Vec<f64> = (0..=last).map(|i| i as f64 / last as f64).collect();
        let frequency = at.iter().zip(&smoothed.residual).zip(&smoothed.density);
        let frequency =
            frequency.map(|((t, r), d)| (t + r / (d + FLOOR)).clamp(0.0, 1.0)).collect();
        let n = self.len() as f64;
        let density = smoothed.density.into_iter().map(|d| d / n).collect();
        Ok(SmoothCurve { at, frequency, density })
    }
}

/// Half of a symmetric kernel on the grid, which sums to 1.
struct Kernel(Vec<f64>);

impl Kernel {
    fn new(width: f64, points: usize) -> Self {
        let step = (points - 1) as f64;
        // As wide as half the interval, where the reflection ends.
        let reach = ((REACH * width * step).ceil() as usize).min((points - 1) / 2);
        let mut half: Vec<f64> =
            (0..=reach).map(|k| (-0.5 * (k as f64 / step / width).powi(2)).exp()).collect();
        let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
        for weight in &mut half {
            *weight /= sum;
        }
        Self(half)
    }

    /// Convolves, the signal reflected at both ends.
    fn smooth(&self, signal: &[f64]) -> Vec<f64> {
        let last = signal.len() - 1;
        let reach = self.0.len() - 1;
        let mut padded: Vec<f64> = (1..=reach).rev().map(|k| signal[k.min(last)]).collect();
        padded.extend_from_slice(signal);
        padded.extend((1..=reach).map(|k| signal[last - k.min(last)]));
        (0..signal.len())
            .map(|i| {
                let centre = i + reach;
                let pairs = padded[centre + 1..].iter().zip(padded[..centre].iter().rev());
                let sides: f64 = self.0[1..].iter().zip(pairs).map(|(w, (a, b))| w * (a + b)).sum();
                self.0[0] * padded[centre] + sides
            })
            .collect()
    }
}

fn check_width(width: f64) -> Result<()> {
    if (NARROWEST..=1.0).contains(&width) {
        return Ok(());
    }
    Err(Error::Parameter {
        name: "width of the smoothing kernel",
        expected: "in [0.001, 1]",
        got: width,
    })
}
