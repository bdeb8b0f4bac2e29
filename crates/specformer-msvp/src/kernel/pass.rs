use std::borrow::Cow;

use assay_array::Scalar;
use ndarray::ArrayView2;
use pulp::{Arch, Simd, WithSimd};

use super::with_multiply_add;

const LANES: usize = 32;
/// Rows that are taken together: they are still in the nearest cache when they are read for the second
/// time, and one load and store of `y` serves them all.
const GROUP: usize = 4;

/// The rows of a matrix, each contiguous: borrowed where they lie so, copied where not.
pub(crate) struct Rows<'a, T: Copy> {
    rows: Vec<Cow<'a, [T]>>,
    columns: usize,
}

impl<'a, T: Scalar> Rows<'a, T> {
    pub(crate) fn new(view: ArrayView2<'a, T>) -> Self {
        let columns = view.ncols();
        let rows = view
            .into_outer_iter()
            .map(|row| match row.to_slice() {
                Some(row) => row.into(),
                None => row.to_vec().into(),
            })
            .collect();
        Self { rows, columns }
    }

    /// The vectors as rows.
    pub(crate) fn of(vectors: &'a [Vec<T>], columns: usize) -> Self {
        Self { rows: vectors.iter().map(|v| v.as_slice().into()).collect(), columns }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The largest magnitude, or the place of the first number that is not finite.
    pub(crate) fn magnitude(&self) -> Result<f64, (usize, usize, f64)> {
        let mut largest = 0.0_f64;
        for (i, row) in self.rows.iter().enumerate() {
            match super::magnitude(row) {
                Ok(of_row) => largest = largest.max(of_row),
                Err((j, x)) => return Err((i, j, x)),
            }
        }
        Ok(largest)
    }

    /// A copy in `f64`, multiplied by the power of two that brings the largest entry near 1.
    pub(crate) fn scaled(&self, largest: f64) -> (Rows<'static, f64>, f64) {
        let exponent = largest.log2().floor().clamp(-1020.0, 1020.0);
        let factor = (-exponent).exp2();
        let scale = |row: &Cow<'_, [T]>| row.iter().map(|x| x.to_f64() * factor).collect();
        let rows = self.rows.iter().map(scale).collect();
        (Rows { rows, columns: self.columns }, exponent.exp2())
    }

    /// `W v` in `f64`.
    pub(crate) fn times_wide(&self, v: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| super::dot_wide(row, v)).collect()
    }

    /// `Wᵀ x` in `f64`.
    pub(crate) fn transposed_times_wide(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.columns];
        for (row, &x) in self.rows.iter().zip(x) {
            super::add_wide(x, row, &mut y);
        }
        y
    }

    /// The row of the largest norm.
    pub(crate) fn largest(&self) -> Option<&[T]> {
        let norms = self.rows.iter().map(|row| super::norm(row));
        let (_, row) = norms.zip(&self.rows).max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(row)
    }
}

/// `x = W v`.
pub(crate) fn times<T: Scalar>(w: &Rows<'_, T>, v: &[T], x: &mut [T]) {
    Arch::new().dispatch(Pass { w, v, x, y: None });
}

/// `x = W v` and `y = Wᵀ x` in one pass over `W`.
pub(crate) fn fused<T: Scalar>(w: &Rows<'_, T>, v: &[T], x: &mut [T], y: &mut [T]) {
    y.fill(T::ZERO);
    Arch::new().dispatch(Pass { w, v, x, y: Some(y) });
}

/// `y = Wᵀ x`.
pub(crate) fn times_transposed<T: Scalar>(w: &Rows<'_, T>, x: &[T], y: &mut [T]) {
    struct Transposed<'a, T: Copy>(&'a Rows<'a, T>, &'a [T], &'a mut [T]);
    impl<T: Scalar> WithSimd for Transposed<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self(w, x, y) = self;
            with_multiply_add!(S, madd => {
                let (groups, rest) = w.rows.as_chunks::<GROUP>();
                let (xs, x_rest) = x.as_chunks::<GROUP>();
                for (rows, x) in groups.iter().zip(xs) {
                    add_group(rows, x, y, madd);
                }
                for (row, &x) in rest.iter().zip(x_rest) {
                    add_row(row, x, y, madd);
                }
            });
        }
    }
    y.fill(T::ZERO);
    Arch::new().dispatch(Transposed(w, x, y));
}

struct Pass<'a, T: Copy> {
    w: &'a Rows<'a, T>,
    v: &'a [T],
    x: &'a mut [T],
    y: Option<&'a mut [T]>,
}

impl<T: Scalar> WithSimd for Pass<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { w, v, x, mut y } = self;
        with_multiply_add!(S, madd => {
            let (groups, rest) = w.rows.as_chunks::<GROUP>();
            let (xs, x_rest) = x.as_chunks_mut::<GROUP>();
            for (rows, x) in groups.iter().zip(xs) {
                // One row after the other: memory is read fastest in its order.
                for (row, x) in rows.iter().zip(x.iter_mut()) {
                    *x = dot_row(row, v, madd);
                }
                if let Some(y) = y.as_deref_mut() {
                    add_group(rows, x, y, madd);
                }
            }
            for (row, x) in rest.iter().zip(x_rest) {
                *x = dot_row(row, v, madd);
                if let Some(y) = y.as_deref_mut() {
                    add_row(row, *x, y, madd);
                }
            }
        });
    }
}

#[inline(always)]
fn dot_row<T: Scalar>(row: &[T], v: &[T], madd: impl Fn(T, T, T) -> T + Copy) -> T {
    let (a, rest) = row.as_chunks::<LANES>();
    let (v, v_rest) = v.as_chunks::<LANES>();
    let mut p = [T::ZERO; LANES];
    for (v, a) in v.iter().zip(a) {
        for i in 0..LANES {
            p[i] = madd(a[i], v[i], p[i]);
        }
    }
    sum(&p, rest, v_rest)
}

/// The lanes, eight at a time and then in `f64`, and what does not fill them.
#[inline(always)]
fn sum<T: Scalar>(lanes: &[T; LANES], row: &[T], v: &[T]) -> T {
    let mut eight = [T::ZERO; LANES / 4];
    for i in 0..LANES / 4 {
        eight[i] = (lanes[i] + lanes[i + 8]) + (lanes[i + 16] + lanes[i + 24]);
    }
    let rest: f64 = row.iter().zip(v).map(|(w, v)| w.to_f64() * v.to_f64()).sum();
    T::from_f64(eight.iter().map(|l| l.to_f64()).sum::<f64>() + rest)
}

/// In chunks that are read, changed and written as a whole: without them the compiler would have to
/// know that `y` overlaps no row, and writes scalar code because it does not.
#[inline(always)]
fn add_group<T: Scalar>(
    rows: &[Cow<'_, [T]>; GROUP],
    x: &[T; GROUP],
    y: &mut [T],
    madd: impl Fn(T, T, T) -> T + Copy,
) {
    let [a, b, c, d] = rows.each_ref().map(|row| row.as_chunks::<LANES>());
    let (chunks, rest) = y.as_chunks_mut::<LANES>();
    for ((((y, a), b), c), d) in chunks.iter_mut().zip(a.0).zip(b.0).zip(c.0).zip(d.0) {
        let mut sum = *y;
        for i in 0..LANES {
            sum[i] = madd(a[i], x[0], madd(b[i], x[1], madd(c[i], x[2], madd(d[i], x[3], sum[i]))));
        }
        *y = sum;
    }
    for ((((y, &a), &b), &c), &d) in rest.iter_mut().zip(a.1).zip(b.1).zip(c.1).zip(d.1) {
        *y = madd(a, x[0], madd(b, x[1], madd(c, x[2], madd(d, x[3], *y))));
    }
}

#[inline(always)]
fn add_row<T: Scalar>(row: &[T], x: T, y: &mut [T], madd: impl Fn(T, T, T) -> T + Copy) {
    let (a, a_rest) = row.as_chunks::<LANES>();
    let (chunks, rest) = y.as_chunks_mut::<LANES>();
    for (y, a) in chunks.iter_mut().zip(a) {
        let mut sum = *y;
        for i in 0..LANES {
            sum[i] = madd(a[i], x, sum[i]);
        }
        *y = sum;
    }
    for (y, &w) in rest.iter_mut().zip(a_rest) {
        *y = madd(w, x, *y);
    }
}
