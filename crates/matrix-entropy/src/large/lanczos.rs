use assay_array::linalg::eigh;
use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::Operator;
use crate::{Error, Result};

/// A step whose remainder is this small relative to the largest entry of `T` has found an invariant
/// subspace: the quadrature is exact and ends.
const BREAKDOWN: f64 = 1e-13;

/// A Gauss quadrature for `vᵀ f(A) v`: nodes are the eigenvalues of Lanczos' tridiagonal matrix, weights
/// the squares of the first components of its eigenvectors times `‖v‖²`.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadrature {
    /// Where `f` is taken, ascending.
    pub nodes: Vec<f64>,
    /// What each value counts; they sum to `‖v‖²`.
    pub weights: Vec<f64>,
}

impl Quadrature {
    /// `Σ w_k f(θ_k)`; with `m` nodes exact for polynomials of degree `2m − 1`.
    pub fn integrate(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.nodes.iter().zip(&self.weights).map(|(&node, weight)| weight * f(node)).sum()
    }
}

/// The quadrature after some steps of Lanczos' method from `start`, with full reorthogonalisation
/// (Golub and Meurant 2010). Fewer nodes come out where an invariant subspace is found.
///
/// # Errors
/// [`Error::Shape`] for a start of another length, [`Error::Setting`] for no steps,
/// [`Error::ZeroTrace`] for a start of zero.
///
/// ```
/// use matrix_entropy::large::{Dense, lanczos_quadrature};
/// use ndarray::array;
/// let a = array![[2.0, 1.0], [1.0, 3.0]];
/// let quadrature = lanczos_quadrature(&Dense::new(a.view())?, &[1.0, 0.0], 2)?;
/// assert!((quadrature.integrate(|x| x * x) - 5.0).abs() < 1e-12); // e₁ᵀ A² e₁
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn lanczos_quadrature(
    operator: &impl Operator,
    start: &[f64],
    steps: usize,
) -> Result<Quadrature> {
    const OPERATION: &str = "Lanczos quadrature";
    let d = operator.side();
    let shape = || Error::Shape {
        operation: OPERATION,
        expected: format!("a start of {d} numbers"),
        got: vec![start.len()],
    };
    let starts = Array2::from_shape_vec((d, 1), start.to_vec()).map_err(|_| shape())?;
    let mut found = lanczos(OPERATION, operator, &starts, steps)?;
    found.pop().ok_or_else(shape)
}

/// One vector's basis and tridiagonal matrix as they grow.
struct Recurrence {
    /// Orthonormal vectors, one after the other.
    basis: Vec<Vec<f64>>,
    diagonal: Vec<f64>,
    /// Below the diagonal.
    coupling: Vec<f64>,
    square: f64,
    done: bool,
}

impl Recurrence {
    fn new(start: Vec<f64>) -> Self {
        let square = dot(&start, &start);
        let length = square.sqrt();
        let unit = start.iter().map(|x| x / length).collect();
        Self { basis: vec![unit], diagonal: vec![], coupling: vec![], square, done: false }
    }

    /// Takes `A q` of the last vector.
    fn step(&mut self, mut image: Vec<f64>) {
        let Some(last) = self.basis.last() else { return };
        self.diagonal.push(dot(last, &image));
        // Twice is enough (Giraud et al. 2005); it covers the three-term recurrence too.
        for _ in 0..2 {
            for vector in &self.basis {
                let along = dot(vector, &image);
                for (x, v) in image.iter_mut().zip(vector) {
                    *x -= along * v;
                }
            }
        }
        let length = dot(&image, &image).sqrt();
        let scale = self.diagonal.iter().chain(&self.coupling).fold(0.0_f64, |m, x| m.max(x.abs()));
        if self.basis.len() == self.basis[0].len() || length <= BREAKDOWN * scale {
            self.done = true;
        } else {
            for x in &mut image {
                *x /= length;
            }
            self.coupling.push(length);
            self.basis.push(image);
        }
    }

    fn quadrature(&self) -> Result<Quadrature> {
        let m = self.diagonal.len();
        let tridiagonal = Array2::from_shape_fn((m, m), |(i, j)| match i.abs_diff(j) {
            0 => self.diagonal[i],
            1 => self.coupling[i.min(j)],
            _ => 0.0,
        });
        let decomposed = eigh(tridiagonal.view())?;
        Ok(Quadrature {
            nodes: decomposed.values.to_vec(),
            weights: decomposed.vectors.row(0).iter().map(|v| self.square * v * v).collect(),
        })
    }
}

/// The quadratures of several starts, `[d, p]`, whose products are taken together.
pub(super) fn lanczos(
    operation: &'static str,
    operator: &impl Operator,
    starts: &Array2<f64>,
    steps: usize,
) -> Result<Vec<Quadrature>> {
    if steps == 0 {
        let (name, expected) = ("steps", "one or more");
        return Err(Error::Setting { operation, name, expected, got: 0.0 });
    }
    let mut all: Vec<Recurrence> =
        starts.axis_iter(Axis(1)).map(|start| Recurrence::new(start.to_vec())).collect();
    if let Some(zero) = all.iter().find(|r| !(r.square > 0.0 && r.square.is_finite())) {
        return Err(Error::ZeroTrace { operation, trace: zero.square });
    }
    for _ in 0..steps.min(starts.nrows()) {
        let mut open: Vec<&mut Recurrence> = all.iter_mut().filter(|r| !r.done).collect();
        if open.is_empty() {
            break;
        }
        let block = Array2::from_shape_fn((starts.nrows(), open.len()), |(i, j)| {
            open[j].basis.last().map_or(0.0, |vector| vector[i])
        });
        let images = operator.apply(block.view())?;
        open.par_iter_mut().enumerate().for_each(|(j, recurrence)| {
            recurrence.step(images.column(j).to_vec());
        });
    }
    all.par_iter().map(Recurrence::quadrature).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}
