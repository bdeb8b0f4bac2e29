//! An [`Evaluation`] as Markdown, JSON and a section of an HTML page.

use assay_report::{
    Axis, Cell, Color, Picture, Plot, Section, Series, Table, Text, number, percent,
};
use ndarray::ArrayView2;

use crate::{Error, Evaluation, Result};

impl Evaluation {
    /// The numbers as JSON.
    ///
    /// # Errors
    /// [`Error::Model`] if they cannot be written, which does not happen for what `evaluate` returns.
    pub fn json(&self) -> Result<String> {
        assay_report::json(self).map_err(|error| Error::Model(error.to_string()))
    }

    /// A table in Markdown, one line an attack, with what must stand beside it.
    pub fn markdown(&self) -> String {
        let mut head = self.epsilons.iter().map(|e| number(*e));
        let line = |name: &str, cells: &mut dyn Iterator<Item = String>| {
            format!("| {name} | {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut text = line(&format!("{} ε", self.norm), &mut head);
        text += &line("---", &mut self.epsilons.iter().map(|_| "---:".to_owned()));
        for (name, values) in self.lines() {
            text += &line(&name, &mut values.iter().map(|v| percent(*v)));
        }
        text.push('\n');
        let facts = self.facts();
        let wrong = self.violations.iter().map(|v| format!("**contradiction:** {v}"));
        for fact in facts.into_iter().chain(wrong) {
            text.push_str("- ");
            text.push_str(&fact);
            text.push('\n');
        }
        text
    }

    /// A section of a page: the curves over ε, the table, and what must stand beside them.
    pub fn section(&self, title: &str) -> Section {
        let mut section = Section::new(title);
        let mut plot = Plot::new(format!("Accuracy by {} size", self.norm))
            .x(Axis::new(format!("ε in {}", self.norm)))
            .y(Axis::new("accuracy").percent().from(0.0));
        let curve = |values: &[f64]| -> Vec<[f64; 2]> {
            self.epsilons.iter().zip(values).map(|(e, v)| [*e, *v]).collect()
        };
        for attack in &self.attacks {
            plot = plot.series(Series::line(&attack.name, curve(&attack.accuracy)).dashed(true));
        }
        plot = plot
            .series(Series::line("worst case", curve(&self.worst)).color(Color::Orange).markers());
        if let Some(exact) = &self.exact {
            plot = plot.series(Series::line("exact", curve(exact)));
        }
        if let Some(certified) = &self.certified {
            plot = plot
                .series(Series::line("certified", curve(certified)).color(Color::Green).markers());
        }
        plot = plot.horizontal(self.clean, "clean");
        section.figure(plot.svg(), "True robust accuracy lies between certified and worst case.");
        let head = [format!("{} ε", self.norm)];
        let mut table =
            Table::new(head.into_iter().chain(self.epsilons.iter().map(|e| number(*e))));
        for (name, values) in self.lines() {
            let cells = values.iter().map(|v| Cell::number(percent(*v)));
            table.push([Cell::text(name)].into_iter().chain(cells));
        }
        section.table(table);
        section.list(self.facts());
        for violation in &self.violations {
            section.warning(Text::new("Contradiction: ").plain(violation));
        }
        section
    }

    fn lines(&self) -> Vec<(String, &[f64])> {
        let mut lines: Vec<(String, &[f64])> =
            self.attacks.iter().map(|a| (a.name.clone(), &a.accuracy[..])).collect();
        lines.push(("worst case".to_owned(), &self.worst));
        lines.extend(self.exact.iter().map(|v| ("exact".to_owned(), &v[..])));
        lines.extend(self.certified.iter().map(|v| ("certified".to_owned(), &v[..])));
        lines
    }

    fn facts(&self) -> Vec<String> {
        let [least, first, median, third, most] = self.margins.map(number);
        let mut facts = vec![
            format!("{} samples, clean accuracy {}", self.samples, percent(self.clean)),
            format!("margins: {least} to {most}, quartiles {first}, {median}, {third}"),
        ];
        match (self.lipschitz, self.lipschitz_below) {
            (Some(upper), Some(lower)) => facts.push(format!(
                "Lipschitz constant of the logits in L2: at most {}, at least {}",
                number(upper),
                number(lower)
            )),
            (Some(upper), None) => {
                facts.push(format!(
                    "Lipschitz constant of the logits in L2: at most {}",
                    number(upper)
                ));
            }
            (None, Some(lower)) => {
                facts.push(format!(
                    "Lipschitz constant of the logits in L2: at least {}",
                    number(lower)
                ));
            }
            (None, None) => {}
        }
        let queries = self
            .attacks
            .iter()
            .filter_map(|a| Some(format!("{} {}", a.name, number(*a.queries.last()?))));
        let queries: Vec<String> = queries.collect();
        if !queries.is_empty() {
            facts.push(format!("queries a sample at the largest ε: {}", queries.join(", ")));
        }
        facts.push(format!("seed {}", self.seed));
        facts
    }
}

/// Pictures of grey images `[n, height · width]` in `[0, 1]`, side by side: samples, or what an attack
/// made of them.
///
/// # Errors
/// [`Error::Shape`] for images of another size; [`Error::Empty`] for none.
pub fn pictures(images: ArrayView2<'_, f32>, height: usize, width: usize) -> Result<Picture> {
    if images.nrows() == 0 {
        return Err(Error::Empty { operation: "pictures", what: "image" });
    }
    if images.ncols() != height.saturating_mul(width) {
        let (expected, got) = (vec![images.nrows(), height * width], images.shape().to_vec());
        return Err(Error::Shape { operation: "pictures", expected, got });
    }
    let rows: Vec<Vec<u8>> = images
        .outer_iter()
        .map(|row| row.iter().map(|x| (255.0 * x.clamp(0.0, 1.0)).round() as u8).collect())
        .collect();
    Picture::row(width, height, 3, rows.iter().map(Vec::as_slice))
        .map_err(|error| Error::Model(error.to_string()))
}
