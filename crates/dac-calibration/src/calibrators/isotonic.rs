use assay_array::Scalar;

use super::one_vs_rest::{BinaryCurve, OneVsRest};
use super::stored::{Fitted, ascending, fitted, require};
use crate::kernel::{order, pava};
use crate::{BinaryForecasts, Error, Result};

const OPERATION: &str = "isotonic regression";

/// How to fit isotonic regression: there is nothing to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IsotonicConfig {}

/// The non-decreasing function closest to the outcomes in least squares.
///
/// Equal inputs are one point, their outcomes averaged; between the points that are left the function
/// is linear, beyond them constant (scikit-learn with `out_of_bounds="clip"`).
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct IsotonicCurve {
    x: Vec<f64>,
    y: Vec<f64>,
}

fitted!(IsotonicCurve { x: Vec<f64>, y: Vec<f64> });

impl Fitted for IsotonicCurve {
    fn check(&self) -> Result<()> {
        let rises = self.y.windows(2).all(|pair| pair[0] <= pair[1]);
        let holds = !self.x.is_empty()
            && self.x.len() == self.y.len()
            && ascending(&self.x)
            && self.y.iter().all(|y| y.is_finite())
            && rises;
        require(holds, OPERATION, "points whose inputs ascend and whose values do not fall", self)
    }
}

impl IsotonicCurve {
    /// Fits on forecasts and outcomes: a radix sort and one pass of pool-adjacent-violators.
    pub fn fit<T: Scalar>(forecasts: &BinaryForecasts<'_, T>) -> Self {
        Self::of(&forecasts.tied())
    }

    /// Fits any finite targets.
    ///
    /// # Errors
    /// [`Error::Empty`]; [`Error::Length`]; [`Error::NotFinite`] (column 0 inputs, 1 targets).
    pub fn regress(x: &[f64], y: &[f64]) -> Result<Self> {
        if x.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "point" });
        }
        let (expected, got) = (x.len(), y.len());
        if expected != got {
            return Err(Error::Length { operation: OPERATION, items: "targets", expected, got });
        }
        for (column, values) in [x, y].into_iter().enumerate() {
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                let value = values[row];
                return Err(Error::NotFinite { operation: OPERATION, row, column, value });
            }
        }
        let mut points: Vec<(f64, f64, f64)> = Vec::with_capacity(x.len());
        let sorted = order::ascending(x).into_iter().map(|i| i as usize);
        for (x, y) in sorted.filter_map(|i| Some((*x.get(i)?, *y.get(i)?))) {
            match points.last_mut() {
                Some(last) if last.0 == x => {
                    last.1 += y;
                    last.2 += 1.0;
                }
                _ => points.push((x, y, 1.0)),
            }
        }
        Ok(Self::of(&points))
    }

    /// Fits points `(input, sum of targets, count)`, inputs strictly ascending.
    fn of(points: &[(f64, f64, f64)]) -> Self {
        let blocks = pava::blocks(points.iter().map(|&(_, sum, weight)| (sum, weight)));
        let (mut knots, mut values) = (Vec::new(), Vec::new());
        let mut start = 0;
        for block in blocks {
            // Of a run of equal values, only its ends shape the function.
            let last = block.end - 1;
            let ends = if last > start { [Some(start), Some(last)] } else { [Some(start), None] };
            for point in ends.into_iter().flatten().filter_map(|i| points.get(i)) {
                knots.push(point.0);
                values.push(block.mean());
            }
            start = block.end;
        }
        Self { x: knots, y: values }
    }

    /// The points between which the function is linear: `(x, y)`.
    pub fn knots(&self) -> (&[f64], &[f64]) {
        (&self.x, &self.y)
    }

    /// The fitted value.
    pub fn predict(&self, x: f64) -> f64 {
        let above = self.x.partition_point(|&knot| knot < x);
        let at = |i: usize| Some((*self.x.get(i)?, *self.y.get(i)?));
        match (above.checked_sub(1).and_then(at), at(above)) {
            (Some((x0, y0)), Some((x1, y1))) if x != x1 => y0 + (y1 - y0) * ((x - x0) / (x1 - x0)),
            (_, Some((_, y))) | (Some((_, y)), None) => y,
            (None, None) => x,
        }
    }
}

impl BinaryCurve for IsotonicCurve {
    type Config = IsotonicConfig;
    const NAME: &'static str = "isotonic";

    fn fit_class(_: &IsotonicConfig, forecasts: &BinaryForecasts<'_>) -> Result<Self> {
        Ok(Self::fit(forecasts))
    }

    fn map(&self, probability: f64) -> f64 {
        // A curve of other targets than outcomes may leave the interval.
        self.predict(probability).clamp(0.0, 1.0)
    }
}

/// Isotonic regression of every class against the rest (Zadrozny and Elkan 2002).
pub type Isotonic = OneVsRest<IsotonicCurve>;
