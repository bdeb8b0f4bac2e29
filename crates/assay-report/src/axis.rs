//! From values to places: ranges, round ticks, and how they are written.

use crate::text::{fixed, number};

/// How values go along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Scale {
    /// Equal differences, equal distances.
    #[default]
    Linear,
    /// Equal ratios, equal distances; zero and negative values have no place and are left out.
    Log,
}

/// One axis of a chart: what it means and how it is divided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    label: String,
    scale: Scale,
    percent: bool,
    whole: bool,
    from: Option<f64>,
    to: Option<f64>,
}

/// Values beyond this magnitude count as missing: their differences would overflow.
const LARGEST: f64 = 1e150;
/// Smaller positive values have no place on a logarithmic axis.
const SMALLEST: f64 = 1e-150;

impl Axis {
    /// A linear axis that takes its range from the data.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// Makes the axis logarithmic.
    pub fn log(mut self) -> Self {
        self.scale = Scale::Log;
        self
    }

    /// Writes ratios as percentages.
    pub fn percent(mut self) -> Self {
        self.percent = true;
        self
    }

    /// Puts ticks at whole numbers only.
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Begins at this value, whatever the data. What lies below is left out.
    pub fn from(mut self, value: f64) -> Self {
        self.from = Some(value);
        self
    }

    /// Ends at this value, whatever the data. What lies above is left out.
    pub fn to(mut self, value: f64) -> Self {
        self.to = Some(value);
        self
    }

    /// Goes from one value to another.
    pub fn range(self, from: f64, to: f64) -> Self {
        self.from(from).to(to)
    }

    /// What the axis means.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether a value can have a place on it.
    pub(crate) fn takes(&self, value: f64) -> bool {
        value.is_finite()
            && value.abs() <= LARGEST
            && (self.scale == Scale::Linear || value >= SMALLEST)
    }

    fn forward(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => value.log10(),
        }
    }

    /// Fits the axis to values; `pixels` is its length, `gap` the pixels that a tick needs.
    pub(crate) fn fit(
        &self,
        values: impl Iterator<Item = f64>,
        pixels: f64,
        gap: f64,
    ) -> Fitted<'_> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|&value| self.takes(value)) {
            low = low.min(value);
            high = high.max(value);
        }
        let fixed = |end: Option<f64>| end.filter(|&value| self.takes(value));
        let empty = low > high;
        if empty {
            (low, high) = match self.scale {
                Scale::Linear => (0.0, 1.0),
                Scale::Log => (1.0, 10.0),
            };
        }
        let (mut from, mut to) = (
            self.forward(fixed(self.from).unwrap_or(low)),
            self.forward(fixed(self.to).unwrap_or(high)),
        );
        if from > to {
            // Ends that exclude all data, or stand the wrong way round.
            (from, to) = (from.min(to), from.max(to));
        }
        if to - from <= (from.abs() + to.abs()) * 1e-12 {
            // One value only: some room on both sides of it.
            let room = match self.scale {
                Scale::Linear if from == 0.0 => 1.0,
                Scale::Linear => from.abs() * 0.1,
                Scale::Log => 0.5,
            };
            (from, to) = (from - room, to + room);
        }
        let most = (pixels / gap).floor().clamp(2.0, 12.0) as usize;
        let step = self.step((to - from) / most as f64);
        // Free ends move out to a round value.
        if fixed(self.from).is_none() {
            from = ((from / step) + 1e-9).floor() * step;
        }
        if fixed(self.to).is_none() {
            to = ((to / step) - 1e-9).ceil() * step;
        }
        Fitted { axis: self, from, to, step, pixels, empty }
    }

    /// The smallest of 1, 2 and 5 times a power of ten that is not below `least`.
    fn step(&self, least: f64) -> f64 {
        let decade = 10_f64.powf(least.max(1e-300).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * decade)
            .find(|&step| step >= least * (1.0 - 1e-9))
            .unwrap_or(10.0 * decade);
        // Decades have no halves that one could write shortly; percentages go by one at least tenths.
        if self.whole || self.scale == Scale::Log { step.max(1.0) } else { step }
    }
}

/// An axis with a range.
#[derive(Debug)]
pub(crate) struct Fitted<'a> {
    axis: &'a Axis,
    /// Ends and step after the scale's function.
    from: f64,
    to: f64,
    step: f64,
    pixels: f64,
    /// Whether no value was there to fit it to.
    pub(crate) empty: bool,
}

impl Fitted<'_> {
    /// Where a value lies, in pixels from the beginning; `None` when it has no place.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        if !self.axis.takes(value) {
            return None;
        }
        let share = (self.axis.forward(value) - self.from) / (self.to - self.from);
        (-1e-6..=1.0 + 1e-6).contains(&share).then(|| share.clamp(0.0, 1.0) * self.pixels)
    }

    /// Where a value lies, the nearer end when it is outside; `None` for what is no number.
    pub(crate) fn clamped(&self, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        let value = self.axis.forward(value);
        // The logarithm of what is not positive lies below every end.
        let share = if value.is_nan() { 0.0 } else { (value - self.from) / (self.to - self.from) };
        Some(share.clamp(0.0, 1.0) * self.pixels)
    }

    /// The value at a place.
    pub(crate) fn value(&self, place: f64) -> f64 {
        let value = self.from + (self.to - self.from) * place / self.pixels;
        match self.axis.scale {
            Scale::Linear => value,
            Scale::Log => 10_f64.powf(value),
        }
    }

    /// Places and texts of the ticks.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let span = self.to - self.from;
        let first = (self.from / self.step - 1e-6).ceil();
        let count = (((self.to / self.step + 1e-6).floor() - first).max(0.0) as usize).min(40);
        (0..=count)
            .map(|index| (first + index as f64) * self.step)
            .map(|value| ((value - self.from) / span, value))
            .filter(|(share, _)| (-1e-6..=1.0 + 1e-6).contains(share))
            .map(|(share, value)| (share.clamp(0.0, 1.0) * self.pixels, self.write(value)))
            .collect()
    }

    fn write(&self, value: f64) -> String {
        if self.axis.scale == Scale::Log {
            return power_of_ten(value.round());
        }
        let factor = if self.axis.percent { 100.0 } else { 1.0 };
        let unit = if self.axis.percent { " %" } else { "" };
        let (value, step) = (value * factor, self.step * factor);
        // As many digits as tell neighbours apart.
        let digits = (-(step * 1.000_001).log10().floor()).max(0.0);
        let large = self.from.abs().max(self.to.abs()) * factor;
        if digits > 5.0 || large >= 1e7 {
            return number(if value.abs() < step / 2.0 { 0.0 } else { value }) + unit;
        }
        if digits == 0.0 && large >= 1e4 {
            return thousands(value) + unit;
        }
        fixed(value, digits as usize) + unit
    }

    /// A value in full, for pointers that rest on it.
    pub(crate) fn tell(&self, value: f64) -> String {
        if self.axis.percent { crate::text::percent(value) } else { number(value) }
    }
}

/// `12k`, `1.5M`: ticks of large counts.
fn thousands(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let (unit, name) = if value.abs() >= 1e6 { (1e6, "M") } else { (1e3, "k") };
    number(value / unit) + name
}

/// `0.01`, `1`, `100`, `1e6`.
fn power_of_ten(exponent: f64) -> String {
    number(10_f64.powf(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis, values: &[f64]) -> Vec<String> {
        axis.fit(values.iter().copied(), 300.0, 50.0)
            .ticks()
            .into_iter()
            .map(|tick| tick.1)
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(&Axis::new(""), &[0.0, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            ticks(&Axis::new(""), &[0.13, 0.87]),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            ticks(&Axis::new("").percent(), &[0.93, 0.98]),
            ["93 %", "94 %", "95 %", "96 %", "97 %", "98 %"]
        );
        assert_eq!(ticks(&Axis::new(""), &[0.0, 40_000.0]), ["0", "10k", "20k", "30k", "40k"]);
        assert_eq!(ticks(&Axis::new("").whole(), &[1.0, 3.0]), ["1", "2", "3"]);
        assert_eq!(
            ticks(&Axis::new("").log(), &[0.02, 300.0]),
            ["0.01", "0.1", "1", "10", "100", "1000"]
        );
        assert_eq!(ticks(&Axis::new(""), &[-3.0, 3.0]), ["−3", "−2", "−1", "0", "1", "2", "3"]);
    }

    #[test]
    fn odd_data_have_an_axis() {
        for values in [
            &[][..],
            &[5.0],
            &[0.0],
            &[-1e140],
            &[f64::NAN],
            &[1e-320],
            &[-1e149, 1e149],
            &[1.0, 1.0 + 1e-15],
        ] {
            for axis in [
                Axis::new(""),
                Axis::new("").log(),
                Axis::new("").range(2.0, 1.0),
                Axis::new("").range(f64::NAN, 1.0),
            ] {
                let fitted = axis.fit(values.iter().copied(), 300.0, 50.0);
                let ticks = fitted.ticks();
                assert!(ticks.len() <= 41, "{values:?} {axis:?}");
                for (place, text) in ticks {
                    assert!(
                        (0.0..=300.0).contains(&place) && !text.contains("NaN"),
                        "{values:?} {text}"
                    );
                }
                for &value in values {
                    assert!(fitted.place(value).is_none_or(|place| (0.0..=300.0).contains(&place)));
                }
            }
        }
    }

    #[test]
    fn fixed_ends_leave_out() {
        let axis = Axis::new("").range(0.0, 1.0);
        let fitted = axis.fit([5.0].into_iter(), 100.0, 20.0);
        assert_eq!((fitted.place(0.25), fitted.place(1.5)), (Some(25.0), None));
        assert_eq!(fitted.clamped(1.5), Some(100.0));
        assert_eq!(fitted.clamped(f64::NAN), None);
    }
}
