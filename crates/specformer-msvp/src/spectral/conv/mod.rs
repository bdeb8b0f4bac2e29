//! Norms of convolutions as operators on images.
//!
//! Kernels are `[out, in, height, width]`, as in burn and PyTorch. Flattening a kernel to a matrix,
//! as PyTorch's `spectral_norm` does, gives *not* the operator's norm: it can be smaller by the
//! factor `√(height · width)`.
//!
//! A convolution with circular padding is diagonal by blocks in the Fourier basis (Sedghi, Gupta and
//! Long 2019): its norm is the largest among those of the `[out, in]` matrices
//! `K̂(f) = Σ_t K_t e^{2πi⟨f, t⟩/N}`, one a frequency. These are computed from the taps directly, which
//! for small kernels costs no more than a Fourier transform of the kernel filled up with zeros.

mod complex;
mod frequency;

use assay_array::Scalar;
use ndarray::{Array2, ArrayView2, ArrayView4, Axis};

use super::{scaled, sigma_upper};
use crate::bound::gamma;
use crate::{CertifiedUpper, Error, Result};
use frequency::Frequencies;

/// What a convolution sees beyond the image's edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Padding {
    /// Zeros, in whatever number, also none.
    #[default]
    Zero,
    /// The image's other side.
    Circular,
}

/// How a kernel is applied. Sizes are `[height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Geometry {
    /// The image's size.
    pub input: [usize; 2],
    /// Pixels from one output to the next.
    pub stride: [usize; 2],
    /// Pixels from one tap to the next.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// What is beyond the edge.
    pub padding: Padding,
}

impl Geometry {
    /// Stride, dilation and groups of one, zero padding.
    pub fn new(input: [usize; 2]) -> Self {
        Self { input, stride: [1; 2], dilation: [1; 2], groups: 1, padding: Padding::Zero }
    }

    /// Sets the padding.
    pub fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Sets the stride.
    pub fn with_stride(self, stride: [usize; 2]) -> Self {
        Self { stride, ..self }
    }

    /// Sets the dilation.
    pub fn with_dilation(self, dilation: [usize; 2]) -> Self {
        Self { dilation, ..self }
    }

    /// Sets the number of groups.
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    fn check<T>(&self, operation: &'static str, kernel: &ArrayView4<'_, T>) -> Result<()> {
        let sizes = [self.input, self.stride, self.dilation].concat();
        if sizes.contains(&0) || kernel.is_empty() {
            return Err(Error::Empty { operation, what: "pixel, tap, channel and step" });
        }
        // Sizes of images, not of memory: keeps every product below in range.
        if let Some(&size) = sizes.iter().find(|&&s| s > 1 << 16) {
            let (name, expected) = ("size, stride or dilation", "at most 65536");
            return Err(Error::Parameter { name, expected, got: size as f64 });
        }
        if self.groups == 0 || !kernel.dim().0.is_multiple_of(self.groups) {
            let (heads, width) = (self.groups, kernel.dim().0);
            return Err(Error::Heads { operation, heads, width });
        }
        Ok(())
    }
}

/// The norm of a convolution, exact to rounding: with circular padding the largest singular value
/// over all frequencies. With stride, the frequencies that fall onto one another are taken together,
/// which needs an image whose size the stride divides.
///
/// # Errors
/// [`Error::Parameter`] for zero padding, which no frequency diagonalises, or a stride that does not
/// divide the image; [`Error::Empty`]; [`Error::Heads`]; [`Error::NotFinite`].
pub fn sigma_circular<T: Scalar>(kernel: ArrayView4<'_, T>, geometry: Geometry) -> Result<f64> {
    let operation = "norm of a circular convolution";
    geometry.check(operation, &kernel)?;
    if geometry.padding != Padding::Circular {
        let (name, expected) = ("padding", "circular padding; `upper` bounds zero padding");
        return Err(Error::Parameter { name, expected, got: 0.0 });
    }
    if (0..2).any(|d| !geometry.input[d].is_multiple_of(geometry.stride[d])) {
        let (name, expected) = ("stride", "a divisor of the image's size");
        return Err(Error::Parameter { name, expected, got: geometry.stride[0] as f64 });
    }
    let circle = circle(&kernel, geometry)?;
    each_group(operation, kernel, geometry.groups, |kernel| {
        Frequencies::new(kernel, circle, geometry).exact(operation)
    })
}

/// A certified upper bound on the norm of a convolution: the least of [`frequency_upper`],
/// [`unfolding_upper`] and [`taps_upper`].
///
/// # Errors
/// [`Error::Empty`]; [`Error::Heads`]; [`Error::NotFinite`].
///
/// ```
/// use ndarray::Array4;
/// use specformer_msvp::spectral::conv::{self, Geometry};
/// // A blur, which makes no image longer.
/// let blur = Array4::from_elem((1, 1, 3, 3), 1.0_f32 / 9.0);
/// let bound = conv::upper(blur.view(), Geometry::new([28, 28]))?.value();
/// assert!(bound < 1.0 + 1e-6);
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
pub fn upper<T: Scalar>(kernel: ArrayView4<'_, T>, geometry: Geometry) -> Result<CertifiedUpper> {
    let free = unfolding_upper(kernel, geometry)?.min(taps_upper(kernel, geometry)?);
    // What is too large to be looked at by frequencies still has the bounds that no size changes.
    if circle(&kernel, geometry).is_err() {
        return Ok(free);
    }
    Ok(free.min(frequency_upper(kernel, geometry)?))
}

/// A certified bound over frequencies.
///
/// - Circular padding: each frequency's matrix gets its own certificate, so the bound is tight; a
///   stride that does not divide the image is bounded by leaving it out.
/// - Zero padding: an image of `n` pixels and a kernel that spans `k` live, with zeros between, on a
///   circle of `N ≥ n + k − 1` pixels, where the kernel never sees both ends. The convolution is
///   that circular one between an embedding and a projection, so its norm is no larger. On the circle of
///   `n` pixels this would not be true.
/// - Dilation moves taps apart; stride keeps every `s`-th output and takes aliased frequencies together.
///
/// # Errors
/// As [`upper`].
pub fn frequency_upper<T: Scalar>(
    kernel: ArrayView4<'_, T>,
    geometry: Geometry,
) -> Result<CertifiedUpper> {
    let operation = "bound of a convolution by frequencies";
    geometry.check(operation, &kernel)?;
    let circle = circle(&kernel, geometry)?;
    let mut geometry = geometry;
    for (stride, size) in geometry.stride.iter_mut().zip(circle) {
        if !size.is_multiple_of(*stride) {
            *stride = 1;
        }
    }
    each_group(operation, kernel, geometry.groups, |kernel| {
        Frequencies::new(kernel, circle, geometry).upper()
    })
}

/// The size of the circle on which frequencies are taken.
///
/// # Errors
/// [`Error::Parameter`] for one of more than 2^22 pixels.
fn circle<T>(kernel: &ArrayView4<'_, T>, geometry: Geometry) -> Result<[usize; 2]> {
    let mut circle = geometry.input;
    if geometry.padding == Padding::Zero {
        for (d, taps) in [kernel.dim().2, kernel.dim().3].into_iter().enumerate() {
            circle[d] += (taps - 1) * geometry.dilation[d];
            circle[d] = circle[d].next_multiple_of(geometry.stride[d]);
        }
    }
    let pixels = circle[0].saturating_mul(circle[1]);
    if pixels > 1 << 22 {
        let (name, expected) = ("pixels of a convolution by frequencies", "at most 4194304");
        return Err(Error::Parameter { name, expected, got: pixels as f64 });
    }
    Ok(circle)
}

/// The bound of Gram iteration on every frequency (Delattre et al. 2023), for circular padding and a
/// stride of one: certified, and without any decomposition.
///
/// # Errors
/// As [`sigma_circular`].
pub fn gram_upper<T: Scalar>(
    kernel: ArrayView4<'_, T>,
    geometry: Geometry,
    iterations: usize,
) -> Result<CertifiedUpper> {
    let operation = "bound of a circular convolution by Gram iteration";
    geometry.check(operation, &kernel)?;
    if geometry.padding != Padding::Circular || geometry.stride != [1; 2] {
        let (name, expected) = ("geometry", "circular padding and a stride of one");
        return Err(Error::Parameter { name, expected, got: geometry.stride[0] as f64 });
    }
    let circle = circle(&kernel, geometry)?;
    each_group(operation, kernel, geometry.groups, |kernel| {
        Frequencies::new(kernel, circle, geometry).gram(operation, iterations)
    })
}

/// `√(h w) · min` over the four ways to unfold the kernel into a matrix (Singla and Feizi 2021),
/// certified; for every image size, padding, stride and dilation.
///
/// `K̂(f)` is each unfolding times (and for `[out·h, in·w]` between) blocks of phases, whose norms
/// multiply to `√(h w)`; a stride only drops outputs.
///
/// # Errors
/// As [`upper`].
pub fn unfolding_upper<T: Scalar>(
    kernel: ArrayView4<'_, T>,
    geometry: Geometry,
) -> Result<CertifiedUpper> {
    let operation = "bound of a convolution by unfoldings";
    geometry.check(operation, &kernel)?;
    each_group(operation, kernel, geometry.groups, |kernel| {
        let least = unfoldings(kernel)
            .iter()
            .map(|matrix| sigma_upper(matrix.view()))
            .try_fold(CertifiedUpper::known(f64::INFINITY), |least, next| {
                next.map(|next| least.min(next))
            })?;
        let (_, _, h, w) = kernel.dim();
        Ok(least * CertifiedUpper::known((h * w) as f64).sqrt())
    })
}

/// `Σ_t ‖K_t‖₂` over the taps, certified; for every image size, padding, stride and dilation: each tap
/// is a shift, which has norm one, and a matrix on the channels.
///
/// # Errors
/// As [`upper`].
pub fn taps_upper<T: Scalar>(
    kernel: ArrayView4<'_, T>,
    geometry: Geometry,
) -> Result<CertifiedUpper> {
    let operation = "bound of a convolution by taps";
    geometry.check(operation, &kernel)?;
    each_group(operation, kernel, geometry.groups, |kernel| {
        let (_, _, h, w) = kernel.dim();
        let mut sum = CertifiedUpper::ZERO;
        for (a, b) in (0..h).flat_map(|a| (0..w).map(move |b| (a, b))) {
            sum = sum + sigma_upper(tap(kernel, a, b))?;
        }
        Ok(sum)
    })
}

/// The kernel as `[out, in·h·w]`, `[out·h·w, in]`, `[out·h, in·w]` and `[out·w, in·h]`.
fn unfoldings(kernel: ArrayView4<'_, f64>) -> [Array2<f64>; 4] {
    let (o, i, h, w) = kernel.dim();
    let fold = |axes: [usize; 4], rows: usize, columns: usize| {
        let order: Vec<f64> = kernel.permuted_axes(axes).iter().copied().collect();
        // cannot fail: a permutation has as many elements
        Array2::from_shape_vec((rows, columns), order).unwrap_or_default()
    };
    [
        fold([0, 1, 2, 3], o, i * h * w),
        fold([0, 2, 3, 1], o * h * w, i),
        fold([0, 2, 1, 3], o * h, i * w),
        fold([0, 3, 1, 2], o * w, i * h),
    ]
}

/// The largest result over groups of output channels, on the kernel in `f64` and near 1.
fn each_group<T: Scalar, R: PartialOrd + std::ops::Mul<Output = R> + FromFactor>(
    operation: &'static str,
    kernel: ArrayView4<'_, T>,
    groups: usize,
    norm: impl Fn(ArrayView4<'_, f64>) -> Result<R>,
) -> Result<R> {
    let (o, i, h, w) = kernel.dim();
    let flat: Vec<T> = kernel.iter().copied().collect();
    // cannot fail: the product of the axes is the number of elements
    let flat = Array2::from_shape_vec((o * i, h * w), flat).unwrap_or_default();
    let Some((flat, factor)) = scaled(operation, flat.view())? else { return Ok(R::factor(0.0)) };
    let flat = flat.into_raw_vec_and_offset().0;
    let kernel = ndarray::Array4::from_shape_vec((o, i, h, w), flat).unwrap_or_default();
    let mut largest = R::factor(0.0);
    for group in kernel.axis_chunks_iter(Axis(0), o / groups) {
        let next = norm(group)?;
        if next > largest {
            largest = next;
        }
    }
    Ok(largest * R::factor(factor))
}

/// The tap at `(a, b)`, `[out, in]`.
fn tap(kernel: ArrayView4<'_, f64>, a: usize, b: usize) -> ArrayView2<'_, f64> {
    kernel.index_axis_move(Axis(3), b).index_axis_move(Axis(2), a)
}

/// A number that a power of two can be made into.
trait FromFactor {
    fn factor(value: f64) -> Self;
}
impl FromFactor for f64 {
    fn factor(value: f64) -> Self {
        value
    }
}
impl FromFactor for CertifiedUpper {
    fn factor(value: f64) -> Self {
        Self::known(value)
    }
}

/// Bounds `‖fl(K̂(f)) − K̂(f)‖`: table entries are within 24 roundings of their value, products and
/// sums add two a tap.
fn transform_error(kernel: ArrayView4<'_, f64>) -> CertifiedUpper {
    let (_, _, h, w) = kernel.dim();
    let mut sum = CertifiedUpper::ZERO;
    for (a, b) in (0..h).flat_map(|a| (0..w).map(move |b| (a, b))) {
        sum = sum + super::gram::frobenius(&tap(kernel, a, b).to_owned());
    }
    sum * CertifiedUpper::known(gamma(2 * h * w + 64))
}
