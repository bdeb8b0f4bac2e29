//! What the tests share.

use assay_array::random::{normal, stream};
use assay_array::testing::assert_close;
use ndarray::{Array2, ArrayView2};
use serde_json::Value;

/// The golden files' matrix: `sin(a(i+1)(j+1)) + b cos(c(i+1) + (j+1)/2)`.
pub(crate) fn generated(n: usize, d: usize, a: f64, b: f64, c: f64) -> Array2<f64> {
    Array2::from_shape_fn((n, d), |(i, j)| {
        let (i, j) = (i as f64 + 1.0, j as f64 + 1.0);
        (a * i * j).sin() + b * (c * i + 0.5 * j).cos()
    })
}

/// Normal rows whose column `j` has the standard deviation `(1 + j)^−decay`.
pub(crate) fn normal_rows(seed: u64, n: usize, d: usize, decay: f64) -> Array2<f64> {
    let mut rng = stream(seed, "matrix-entropy tests", 0);
    Array2::from_shape_fn((n, d), |(_, j)| normal(&mut rng) * (1.0 + j as f64).powf(-decay))
}

/// The triple loop.
pub(crate) fn product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        (0..a.ncols()).map(|k| a[[i, k]] * b[[k, j]]).sum()
    })
}

/// A case of a golden file.
pub(crate) struct Case<'a>(pub(crate) &'a Value);

impl Case<'_> {
    pub(crate) fn id(&self) -> &str {
        self.0["id"].as_str().unwrap_or("?")
    }

    pub(crate) fn input(&self, name: &str) -> &Value {
        &self.0["input"][name]
    }

    pub(crate) fn expected(&self, name: &str) -> &Value {
        &self.0["expected"][name]
    }

    /// A number expected under a name; panics where there is none.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.expected(name).as_f64().unwrap_or_else(|| panic!("{}: no number {name}", self.id()))
    }

    /// Checks one number by the file's rule: `|got − want| ≤ tol · max(1, |want|)`.
    pub(crate) fn check(&self, what: &str, got: f64, want: f64) {
        let tolerance = self.0["tol"].as_f64().expect("a tolerance") * want.abs().max(1.0);
        assert!(
            (got - want).abs() <= tolerance,
            "{} {what}: got {got:e}, want {want:e}, off by {:e} of {tolerance:e}",
            self.id(),
            (got - want).abs()
        );
    }

    /// Checks a number against the expectation of that name.
    pub(crate) fn same(&self, name: &str, got: f64) {
        self.check(name, got, self.number(name));
    }

    /// Checks a list against the expectation of that name.
    pub(crate) fn list(&self, name: &str, got: &[f64]) {
        let want = numbers(self.expected(name));
        assert_eq!(got.len(), want.len(), "{} {name}", self.id());
        for (index, (got, want)) in got.iter().zip(want).enumerate() {
            self.check(&format!("{name}[{index}]"), *got, want);
        }
    }

    /// The names of all expectations, so that a test can refuse one that it does not look at.
    pub(crate) fn expects_only(&self, known: &[&str]) {
        for name in self.0["expected"].as_object().expect("expectations").keys() {
            assert!(known.contains(&name.as_str()), "{}: {name} is not checked", self.id());
        }
    }
}

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("a list, not {value}"))
        .iter()
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

/// A whole number.
pub(crate) fn whole(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("a whole number, not {value}")) as usize
}

/// A matrix: explicit, `{gen: …}`, or the parameters themselves.
pub(crate) fn matrix(value: &Value) -> Array2<f64> {
    if let Some(rows) = value["matrix"].as_array() {
        return explicit(rows);
    }
    let g = if value["gen"].is_object() { &value["gen"] } else { value };
    let number = |name: &str| g[name].as_f64().unwrap_or_else(|| panic!("{name} in {g}"));
    generated(whole(&g["n"]), whole(&g["d"]), number("a"), number("b"), number("c"))
}

/// A matrix given row by row.
pub(crate) fn explicit(rows: &[Value]) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = rows.iter().map(numbers).collect();
    let (n, d) = (rows.len(), rows[0].len());
    Array2::from_shape_vec((n, d), rows.concat()).expect("rows of one length")
}

/// An order written as a number or `"inf"`.
pub(crate) fn order(text: &str) -> f64 {
    if text == "inf" { f64::INFINITY } else { text.parse().expect("an order") }
}

/// Panics unless two matrices agree.
pub(crate) fn assert_matrices_close(got: &Array2<f64>, want: &Array2<f64>, rtol: f64, atol: f64) {
    assert_eq!(got.dim(), want.dim());
    let flat = |a: &Array2<f64>| a.iter().copied().collect::<Vec<_>>();
    assert_close(&flat(got), &flat(want), rtol, atol);
}
