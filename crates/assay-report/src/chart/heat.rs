//! A table of numbers as shades.

use super::frame::{EDGE, LETTERS, NO_DATA, title};
use super::{WIDTH, size};
use crate::color::Color;
use crate::svg::{Anchor, Pen, Svg};
use crate::text::{fit, number, text_width};

/// A table of shaded cells: a confusion matrix, similarities of layers.
///
/// Cells that are no number stay empty with a dash. Rows may be shorter than the list of columns: what is
/// missing is empty too; values without a column are left out.
///
/// ```
/// use assay_report::{HeatMap, Shade};
///
/// let counts = HeatMap::new("Answers", ["other", "nine"], ["other", "nine"], [[990.0, 19.0], [7.0, 1002.0]])
///     .axes("true", "answered")
///     .shade(Shade::RowShare)
///     .diagonal();
/// assert!(counts.svg().standalone().contains(">1002</text>"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    title: String,
    rows: Vec<String>,
    columns: Vec<String>,
    cells: Vec<Vec<f64>>,
    axes: [String; 2],
    shade: Shade,
    diagonal: bool,
    numbers: Option<bool>,
    width: f64,
}

/// What the shade of a cell means.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Shade {
    /// From the least to the largest value of the table.
    Spread,
    /// From one value to another; values beyond take the shade of the nearer end.
    Range(f64, f64),
    /// The share of the row's sum, as its root, so that rare mistakes are visible. For counts.
    RowShare,
}

impl HeatMap {
    /// A table with the names of its rows and columns.
    pub fn new(
        title: impl Into<String>,
        rows: impl IntoIterator<Item = impl Into<String>>,
        columns: impl IntoIterator<Item = impl Into<String>>,
        cells: impl IntoIterator<Item = impl IntoIterator<Item = f64>>,
    ) -> Self {
        Self {
            title: title.into(),
            rows: rows.into_iter().map(Into::into).collect(),
            columns: columns.into_iter().map(Into::into).collect(),
            cells: cells.into_iter().map(|row| row.into_iter().collect()).collect(),
            axes: [String::new(), String::new()],
            shade: Shade::Spread,
            diagonal: false,
            numbers: None,
            width: WIDTH,
        }
    }

    /// What rows and columns are.
    pub fn axes(mut self, rows: impl Into<String>, columns: impl Into<String>) -> Self {
        self.axes = [rows.into(), columns.into()];
        self
    }

    /// What shades mean.
    pub fn shade(mut self, shade: Shade) -> Self {
        self.shade = shade;
        self
    }

    /// Colours the diagonal as right and the rest as wrong.
    pub fn diagonal(mut self) -> Self {
        self.diagonal = true;
        self
    }

    /// Writes the numbers into the cells, or not. Without this, they are written where they fit.
    pub fn numbers(mut self, written: bool) -> Self {
        self.numbers = Some(written);
        self
    }

    /// Sets the width in pixels, kept between 100 and 4000; the height follows from the rows.
    pub fn width(mut self, width: f64) -> Self {
        self.width = size(width, WIDTH);
        self
    }

    fn cell(&self, row: usize, column: usize) -> Option<f64> {
        self.cells.get(row)?.get(column).copied().filter(|value| value.is_finite())
    }

    fn finite(&self) -> impl Iterator<Item = f64> {
        (0..self.rows.len()).flat_map(move |row| {
            (0..self.columns.len()).filter_map(move |column| self.cell(row, column))
        })
    }

    /// Shades of a row, from zero to one.
    fn shades(&self, row: usize) -> Vec<Option<f64>> {
        let cells = (0..self.columns.len()).map(|column| self.cell(row, column));
        let between = |low: f64, high: f64| {
            // Halves cannot overflow where the values do not.
            move |value: f64| ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0)
        };
        let shade: Box<dyn Fn(f64) -> f64> = match self.shade {
            Shade::RowShare => {
                let sum: f64 = cells.clone().flatten().map(|value| value.max(0.0)).sum();
                Box::new(move |value| if sum > 0.0 { (value.max(0.0) / sum).sqrt() } else { 0.0 })
            }
            Shade::Range(low, high) if low < high => Box::new(between(low, high)),
            _ => {
                let (low, high) = self
                    .finite()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
                // All equal: half a shade.
                if low < high { Box::new(between(low, high)) } else { Box::new(|_| 0.5) }
            }
        };
        cells
            .map(|cell| cell.map(&shade))
            .map(|s| s.map(|s| if s.is_finite() { s } else { 0.0 }))
            .collect()
    }

    /// The drawing.
    pub fn svg(&self) -> Svg {
        let mut pen = Pen::new(self.width, 0.0);
        let mut top = title(&mut pen, &self.title);
        let widest = |names: &[String]| {
            names.iter().map(|name| text_width(name, LETTERS)).fold(0.0, f64::max)
        };
        let left = EDGE + widest(&self.rows).clamp(14.0, self.width * 0.35) + 6.0;
        let wide = (self.width - left - EDGE).max(40.0);
        let cell = wide / self.columns.len().max(1) as f64;
        // Names that do not fit side by side stand upright.
        let upright = widest(&self.columns) > cell - 3.0;
        let room = if upright { widest(&self.columns).min(90.0) + 4.0 } else { 14.0 };
        let [rows, columns] = &self.axes;
        if !rows.is_empty() || !columns.is_empty() {
            let names = if rows.is_empty() || columns.is_empty() {
                format!("{rows}{columns}")
            } else {
                format!("{rows} ↓  {columns} →")
            };
            pen.text(
                "tick",
                [EDGE, top + 11.0],
                Anchor::Start,
                &fit(&names, LETTERS, self.width - 2.0 * EDGE),
            );
            top += 17.0;
        }
        let thin = self.columns.len().div_ceil(((wide / 11.0) as usize).max(1));
        for (index, name) in self.columns.iter().enumerate() {
            let x = left + cell * (index as f64 + 0.5);
            if upright {
                if index % thin.max(1) == 0 {
                    let name = fit(name, LETTERS, room - 4.0);
                    pen.turned("", [x + 4.0, top + room - 3.0], Anchor::Start, -90.0, &name);
                }
            } else {
                pen.text("", [x, top + 11.0], Anchor::Middle, name);
            }
        }
        top += room + 2.0;
        let tall = cell.clamp(14.0, 44.0);
        pen.height = top + tall * self.rows.len().max(1) as f64 + EDGE;
        for (row, name) in self.rows.iter().enumerate() {
            let y = top + tall * row as f64;
            let name = fit(name, LETTERS, left - EDGE - 5.0);
            pen.text("", [left - 6.0, y + tall / 2.0 + 4.0], Anchor::End, &name);
            self.row(&mut pen, row, [left, y], [cell, tall]);
        }
        if self.rows.is_empty() || self.columns.is_empty() {
            pen.text("tick", [self.width / 2.0, top + tall / 2.0 + 4.0], Anchor::Middle, NO_DATA);
        }
        pen.finish(&self.title)
    }

    fn row(&self, pen: &mut Pen, row: usize, [left, y]: [f64; 2], [cell, tall]: [f64; 2]) {
        let fits = |text: &str| text_width(text, 10.0) <= cell - 2.0;
        let all_fit = self.finite().all(|value| fits(&number(value)));
        for (column, shade) in self.shades(row).into_iter().enumerate() {
            let x = left + cell * column as f64;
            let middle = [x + cell / 2.0, y + tall / 2.0 + 3.5];
            let (Some(value), Some(shade)) = (self.cell(row, column), shade) else {
                pen.text("tick small", middle, Anchor::Middle, "–");
                continue;
            };
            let color = if self.diagonal && row != column { Color::Orange } else { Color::Blue };
            let name =
                |names: &[String], index: usize| names.get(index).cloned().unwrap_or_default();
            let told = number(value);
            let tip = format!("{}, {}: {told}", name(&self.rows, row), name(&self.columns, column));
            let class = format!("fill {}", color.class());
            // Every cell is visible, the palest too.
            let opacity = 0.04 + 0.96 * shade;
            pen.rect(&class, [x + 0.5, y + 0.5], [cell - 1.0, tall - 1.0], opacity, &tip);
            // A zero among counts says what the empty shade says.
            let silent = self.shade == Shade::RowShare && value == 0.0;
            if self.numbers.unwrap_or(all_fit) && !silent {
                let class = if shade > 0.55 { "small full" } else { "small" };
                pen.text(class, middle, Anchor::Middle, &told);
            }
        }
    }
}
