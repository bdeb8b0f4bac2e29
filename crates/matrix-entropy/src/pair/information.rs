use assay_array::random::{shuffle, stream};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::spectrum::square;
use crate::{Error, Result, Spectrum};

/// Matrix information of two kernel matrices over the same items, nats (Giraldo, Rao and Príncipe
/// 2015; Tan et al. 2023): `H_α` of each divided by its trace, and of their Hadamard product.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Information {
    /// The order `α`.
    pub order: f64,
    /// `H_α(K_x)`.
    pub entropy_x: f64,
    /// `H_α(K_y)`.
    pub entropy_y: f64,
    /// `H_α(K_x ∘ K_y)`.
    pub joint: f64,
}

impl Information {
    /// Mutual information `H(x) + H(y) − H(x, y)`; not negative for kernels with a constant diagonal
    /// and `α = 1`.
    pub fn mutual(&self) -> f64 {
        self.entropy_x + self.entropy_y - self.joint
    }

    /// `H(x | y) = H(x, y) − H(y)`.
    pub fn x_given_y(&self) -> f64 {
        self.joint - self.entropy_y
    }

    /// `H(y | x) = H(x, y) − H(x)`.
    pub fn y_given_x(&self) -> f64 {
        self.joint - self.entropy_x
    }
}

/// Entropies of two kernels and of the pair, of any order `α ≥ 0`; kernels should have constant
/// diagonals ([`Kernel::Cosine`](super::Kernel::Cosine), [`Kernel::Rbf`](super::Kernel::Rbf)).
///
/// # Errors
/// [`Error::Shape`] unless both are square of one size; those of [`Spectrum::of_kernel`] and
/// [`Spectrum::renyi`].
///
/// ```
/// use matrix_entropy::Center;
/// use matrix_entropy::pair::{Kernel, information};
/// use ndarray::array;
/// let x = array![[1.0, 2.0], [0.0, 1.0], [-1.0, 0.5]];
/// let kernel = Kernel::Cosine(Center::Mean).matrix(x.view())?;
/// let same = information(kernel.view(), kernel.view(), 1.0)?;
/// assert!(same.mutual() >= 0.0);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn information(
    kernel_x: ArrayView2<'_, f64>,
    kernel_y: ArrayView2<'_, f64>,
    order: f64,
) -> Result<Information> {
    const OPERATION: &str = "matrix information";
    let n = square(OPERATION, kernel_x)?;
    same_side(OPERATION, n, square(OPERATION, kernel_y)?)?;
    let entropy = |kernel: ArrayView2<'_, f64>| Spectrum::of_kernel(kernel)?.renyi(order);
    Ok(Information {
        order,
        entropy_x: entropy(kernel_x)?,
        entropy_y: entropy(kernel_y)?,
        joint: entropy((&kernel_x * &kernel_y).view())?,
    })
}

/// What [`dime`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dime {
    /// `mean_P H(K_x ∘ P K_y Pᵀ) − H(K_x ∘ K_y)`: above zero where the pairing matters.
    pub value: f64,
    /// The standard error of the mean over permutations; `None` for one.
    pub standard_error: Option<f64>,
    /// `H(K_x ∘ K_y)`.
    pub joint: f64,
    /// `H` of each permuted pair.
    pub permuted: Vec<f64>,
    /// The seed of the permutations; `None` where they were given.
    pub seed: Option<u64>,
}

/// DiME (Skean et al. 2023): how much the joint entropy grows when the pairing of items is broken, by
/// `permutations` seeded permutations; the original uses 10.
///
/// # Errors
/// As [`information`]; [`Error::Setting`] for no permutations.
pub fn dime(
    kernel_x: ArrayView2<'_, f64>,
    kernel_y: ArrayView2<'_, f64>,
    order: f64,
    permutations: usize,
    seed: u64,
) -> Result<Dime> {
    let n = kernel_y.nrows();
    let drawn: Vec<Vec<usize>> = (0..permutations)
        .map(|index| {
            let mut places: Vec<usize> = (0..n).collect();
            shuffle(&mut stream(seed, "dime", index as u64), &mut places);
            places
        })
        .collect();
    Ok(Dime { seed: Some(seed), ..dime_with_permutations(kernel_x, kernel_y, order, &drawn)? })
}

/// [`dime`] with permutations given: `(P K Pᵀ)_ij = K_{π(i) π(j)}`.
///
/// # Errors
/// As [`dime`]; [`Error::Shape`] for what is not a permutation.
pub fn dime_with_permutations(
    kernel_x: ArrayView2<'_, f64>,
    kernel_y: ArrayView2<'_, f64>,
    order: f64,
    permutations: &[Vec<usize>],
) -> Result<Dime> {
    const OPERATION: &str = "DiME";
    let n = square(OPERATION, kernel_x)?;
    same_side(OPERATION, n, square(OPERATION, kernel_y)?)?;
    if permutations.is_empty() {
        let (name, expected) = ("permutations", "one or more");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: 0.0 });
    }
    for places in permutations {
        let mut seen = vec![false; n];
        let fits = places.len() == n
            && places.iter().all(|&p| p < n && !std::mem::replace(&mut seen[p], true));
        if !fits {
            let expected = format!("permutations of 0..{n}");
            return Err(Error::Shape { operation: OPERATION, expected, got: places.clone() });
        }
    }
    let joint = Spectrum::of_kernel((&kernel_x * &kernel_y).view())?.renyi(order)?;
    let permuted: Vec<f64> = permutations
        .par_iter()
        .map(|places| {
            let mixed = Array2::from_shape_fn((n, n), |(i, j)| {
                kernel_x[[i, j]] * kernel_y[[places[i], places[j]]]
            });
            Spectrum::of_kernel(mixed.view())?.renyi(order)
        })
        .collect::<Result<_>>()?;
    let count = permuted.len() as f64;
    let mean = permuted.iter().sum::<f64>() / count;
    let variance = permuted.iter().map(|h| (h - mean) * (h - mean)).sum::<f64>() / (count - 1.0);
    let standard_error = (permuted.len() > 1).then(|| (variance / count).sqrt());
    Ok(Dime { value: mean - joint, standard_error, joint, permuted, seed: None })
}

/// Refuses matrices over different numbers of items.
pub(super) fn same_side(operation: &'static str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    let expected = format!("{expected} items on both sides");
    Err(Error::Shape { operation, expected, got: vec![got] })
}
