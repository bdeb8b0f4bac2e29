use assay_tensor::burn::module::Param;
use assay_tensor::burn::prelude::Tensor;
use assay_tensor::convert::into_array;
use ndarray::{Array2, Array3, Array4, Axis};

use super::Vit;
use crate::tensor::param;
use crate::{Error, Result};

/// How position embeddings come to another grid of patches: cubic convolution, as torch's `interpolate`
/// does it with `align_corners=False`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// Without antialiasing, `a = −3/4`: timm's way up to 0.6, and so the published training's.
    #[default]
    Bicubic,
    /// With antialiasing, `a = −1/2`: timm's way of late (`resample_abs_pos_embed`).
    Antialiased,
}

impl Vit {
    /// The model for images of another size, cut into patches of another: what SpecFormer does with
    /// weights for 224 pixels in patches of 16 to train on CIFAR's 32 in patches of 4.
    ///
    /// Position embeddings are interpolated between the places of the patches; the class token keeps its
    /// own. A patch kernel is summed over squares, so that an image that is
    /// enlarged by repeating pixels gives the same embedding.
    ///
    /// ```
    /// # #[cfg(feature = "flex")] {
    /// use assay_tensor::device;
    /// use specformer_msvp::tensor::vit::{Interpolation, VitConfig};
    /// let config = VitConfig::new([3, 32, 32], 16, 10).with_width(8).with_depth(1).with_heads(2);
    /// let vit = config.init(0, &device("flex")?)?; // and then `vit.load(…)`
    /// let small = vit.resize([16, 24], 4, Interpolation::Bicubic)?;
    /// assert_eq!(small.pos_embed.dims(), [1, 4 * 6 + 1, 8]);
    /// # }
    /// # Ok::<(), specformer_msvp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for a patch that does not divide the image and the old patch;
    /// [`Error::Shape`] where the model's patches were not a square of places.
    pub fn resize(
        &self,
        [height, width]: [usize; 2],
        patch: usize,
        interpolation: Interpolation,
    ) -> Result<Self> {
        let old = self.patch_embed.proj.kernel_size[0];
        for size in [height, width, old] {
            if patch == 0 || size == 0 || !size.is_multiple_of(patch) {
                let expected = "a divisor of the image's sides and of the old patch";
                return Err(Error::Parameter { name: "patch", expected, got: patch as f64 });
            }
        }
        let positions: Array3<f32> = into_array(self.pos_embed.val().without_autodiff())?;
        let (_, tokens, features) = positions.dim();
        let class = usize::from(self.cls_token.is_some());
        let side = (tokens - class).isqrt();
        if side * side + class != tokens || side == 0 {
            let (expected, got) = (vec![side * side + class], vec![tokens]);
            let operation = "position embeddings: tokens of a square of patches";
            return Err(Error::Shape { operation, expected, got });
        }
        let taps = |new| interpolation.taps(side, new);
        let (rows, columns) = (taps(height / patch), taps(width / patch));
        let mut new = Array2::<f32>::zeros((class + rows.len() * columns.len(), features));
        let old_positions = positions.index_axis(Axis(0), 0);
        for token in 0..class {
            new.row_mut(token).assign(&old_positions.row(token));
        }
        for (i, row) in rows.iter().enumerate() {
            for (j, column) in columns.iter().enumerate() {
                let mut to = new.row_mut(class + i * columns.len() + j);
                for (y, a) in row {
                    for (x, b) in column {
                        to.scaled_add((a * b) as f32, &old_positions.row(class + y * side + x));
                    }
                }
            }
        }
        let mut resized = self.clone();
        resized.pos_embed = like(&self.pos_embed, [1, new.nrows(), features], &new);
        let proj = &mut resized.patch_embed.proj;
        if old != patch {
            let kernel: Array4<f32> = into_array(proj.weight.val().without_autodiff())?;
            let (out, channels, ..) = kernel.dim();
            let square = old / patch;
            let sum = Array4::from_shape_fn((out, channels, patch, patch), |(o, c, y, x)| {
                let within = (0..square).flat_map(|a| (0..square).map(move |b| (a, b)));
                within.map(|(a, b)| kernel[[o, c, y * square + a, x * square + b]]).sum()
            });
            proj.weight = like(&proj.weight, [out, channels, patch, patch], &sum);
            (proj.kernel_size, proj.stride) = ([patch; 2], [patch; 2]);
        }
        Ok(resized)
    }
}

/// A parameter on the device of another.
fn like<'a, const D: usize>(
    old: &Param<Tensor<D>>,
    shape: [usize; D],
    values: impl IntoIterator<Item = &'a f32>,
) -> Param<Tensor<D>> {
    param(shape, values.into_iter().copied().collect(), &old.val().device())
}

impl Interpolation {
    /// For each new place along an axis, the old places with their weights: cubic convolution (Keys 1981).
    fn taps(self, old: usize, new: usize) -> Vec<Vec<(usize, f64)>> {
        // Old places in a new one.
        let step = old as f64 / new as f64;
        let middle = |i: usize| (i as f64 + 0.5) * step;
        match self {
            // The four nearest; places beyond the ends are taken from the ends.
            Self::Bicubic => (0..new)
                .map(|i| {
                    let first = (middle(i) - 0.5).floor() - 1.0;
                    let tap = |k: f64| {
                        let weight = cubic(first + k - (middle(i) - 0.5), -0.75);
                        ((first + k).clamp(0.0, old as f64 - 1.0) as usize, weight)
                    };
                    [0.0, 1.0, 2.0, 3.0].map(tap).to_vec()
                })
                .collect(),
            // A kernel as wide as it takes to see all old places; those beyond the ends are left out.
            Self::Antialiased => (0..new)
                .map(|i| {
                    let width = step.max(1.0);
                    let place = |k: usize| (k, cubic((k as f64 + 0.5 - middle(i)) / width, -0.5));
                    let all: Vec<(usize, f64)> = (0..old).map(place).collect();
                    let sum: f64 = all.iter().map(|(_, weight)| weight).sum();
                    all.into_iter().map(|(k, weight)| (k, weight / sum)).collect()
                })
                .collect(),
        }
    }
}

/// Keys' kernel with the parameter `a`.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}
