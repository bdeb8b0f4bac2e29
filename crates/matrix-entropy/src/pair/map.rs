use assay_array::Scalar;
use assay_array::linalg::matmul;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::Debias;
use super::cka::{Centred, inner};
use super::information::same_side;
use crate::kernel::gram;
use crate::{Error, Result};

/// Linear CKA of every layer of one model with every layer of another (or of itself), over the same
/// `N` items: `[layers of a, layers of b]`. Widths may differ from layer to layer.
///
/// Each layer is centred once; where `N` is not above any width, its Gram matrix is also made once and
/// a cell costs `N²`.
///
/// # Errors
/// As [`cka`](super::cka()); [`Error::Undefined`] where a debiased cell does not exist.
pub fn cka_map<T: Scalar>(
    a: &[ArrayView2<'_, T>],
    b: &[ArrayView2<'_, T>],
    debias: Debias,
) -> Result<Array2<f64>> {
    const OPERATION: &str = "CKA map";
    let Some(first) = a.first().or(b.first()) else { return Ok(Array2::zeros((a.len(), b.len()))) };
    let n = first.nrows();
    for layer in a.iter().chain(b) {
        same_side(OPERATION, n, layer.nrows())?;
    }
    let narrow = a.iter().chain(b).any(|layer| layer.ncols() < n);
    let centre = |layers: &[ArrayView2<'_, T>]| -> Result<Vec<Layer<T>>> {
        layers.par_iter().map(|layer| Layer::new(OPERATION, *layer, narrow)).collect()
    };
    let (a, b) = (centre(a)?, centre(b)?);
    let cells: Vec<f64> = (0..a.len() * b.len())
        .into_par_iter()
        .map(|cell| {
            let (x, y) = (&a[cell / b.len()], &b[cell % b.len()]);
            let found = x.centred.compare(&y.centred, x.cross(y)?);
            match debias {
                Debias::No => Ok(found.biased),
                Debias::Unbiased => found.unbiased.ok_or(Error::Undefined {
                    operation: OPERATION,
                    reason: "there are fewer than four items, or a layer's own HSIC is not positive",
                }),
            }
        })
        .collect::<Result<_>>()?;
    let shape = (a.len(), b.len());
    Array2::from_shape_vec(shape, cells).map_err(|_| Error::Shape {
        operation: OPERATION,
        expected: "a cell a pair of layers".to_owned(),
        got: vec![shape.0, shape.1],
    })
}

struct Layer<T> {
    centred: Centred<T>,
    gram: Option<Array2<f64>>,
}

impl<T: Scalar> Layer<T> {
    fn new(operation: &'static str, x: ArrayView2<'_, T>, narrow: bool) -> Result<Self> {
        let centred = Centred::new(operation, x)?;
        let gram = if narrow { None } else { Some(gram::outer(centred.rows.view())?.finish()) };
        Ok(Self { centred, gram })
    }

    fn cross(&self, other: &Self) -> Result<f64> {
        if let (Some(k), Some(l)) = (&self.gram, &other.gram) {
            return Ok(inner(k, l));
        }
        let product = matmul(self.centred.rows.t(), other.centred.rows.view())?;
        Ok(product.iter().map(|v| v.to_f64() * v.to_f64()).sum())
    }
}
