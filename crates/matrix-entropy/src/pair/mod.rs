//! Measures of two representations of the same items: information, divergence, similarity.

mod cka;
mod divergence;
mod information;
mod kernel;
mod map;
mod mini_batch;
mod similarity;

pub use cka::{Cka, Debias, cka, cka_of_kernels, hsic_biased, hsic_unbiased};
pub use divergence::{jensen_shannon, matrix_cross_entropy, matrix_kl, second_moment};
pub use information::{Dime, Information, dime, dime_with_permutations, information};
pub use kernel::Kernel;
pub use map::cka_map;
pub use mini_batch::{MiniBatchCka, MiniBatchCkaReport};
pub use similarity::{Svcca, mutual_neighbours, procrustes, svcca};
