use assay_tensor::burn::module::Param;
use assay_tensor::burn::nn::Linear;
use assay_tensor::burn::prelude::{Tensor, TensorData};
use assay_tensor::convert::into_array;
use ndarray::{Array1, Array2, Array4, ArrayView2, Axis, Slice};

use super::attention::COSINE_EPSILON;
use super::config::EPSILON;
use super::{Attention, AttentionKind, Block, TokenNorm, Vit};
use crate::lipschitz::{
    Activation, AttentionHead, Certificate, Derivation, FORWARD_SLACK, cosine_attention,
    l2_attention,
};
use crate::spectral::conv::Geometry;
use crate::spectral::sigma_upper;
use crate::{Error, Result};

impl Vit {
    /// A certified Lipschitz constant of the logits on the ball of this radius, in pixels of the given
    /// image `[1, channels, height, width]`; the derivation names every layer.
    ///
    /// Any kind of attention, with layer or center norm. The bound multiplies the layers' own and so
    /// grows exponentially with depth: read it beside
    /// [`jacobian_norms`](crate::lipschitz::jacobian_norms).
    ///
    /// # Errors
    /// [`Error::Shape`] for more or fewer images than one; [`Error::NotFinite`].
    pub fn certify(&self, image: Tensor<4>, radius: f64) -> Result<Certificate> {
        let shape = image.dims();
        if shape[0] != 1 {
            let mut expected = shape.to_vec();
            expected[0] = 1;
            let operation = "image at the centre of a certificate";
            return Err(Error::Shape { operation, expected, got: shape.to_vec() });
        }
        let kernel = &self.patch_embed.proj.weight;
        let kernel: Array4<f32> = into_array(plain(kernel))?;
        let patch = self.patch_embed.proj.kernel_size;
        // Patches do not overlap: the embedding is one matrix on each of them.
        let flat = (kernel.dim().0, kernel.len() / kernel.dim().0.max(1));
        let mut derivation = Derivation::ball(radius)?;
        derivation = if self.patch_embed.proj.stride == patch {
            let values: Vec<f32> = kernel.iter().copied().collect();
            let matrix = Array2::from_shape_vec(flat, values).unwrap_or_default();
            derivation.linear("patch_embed", matrix.view())?
        } else {
            let geometry =
                Geometry::new([shape[2], shape[3]]).with_stride(self.patch_embed.proj.stride);
            derivation.convolution("patch_embed", kernel.view(), geometry)?
        };
        let mut x = self.embed(image);
        for (b, block) in self.blocks.iter().enumerate() {
            (derivation, x) = block.certify(derivation, x, b)?;
        }
        derivation = self.norm.certify(derivation, "norm", &tokens(x)?)?;
        if self.cls_token.is_none() {
            let patches = self.pos_embed.dims()[1];
            derivation = derivation.mean_pool("mean of tokens", patches);
        }
        Ok(matrix(derivation, "head", &self.head)?.finish())
    }
}

impl Block {
    /// Takes the derivation and the centre's tokens through the block.
    fn certify(&self, d: Derivation, x: Tensor<3>, b: usize) -> Result<(Derivation, Tensor<3>)> {
        let name = |part: &str| format!("blocks.{b}.{part}");
        let normed = self.norm1.forward(x.clone());
        let d = d.residual(name("attention"), |d| {
            let d = self.norm1.certify(d, &name("norm1"), &tokens(x.clone())?)?;
            self.attn.certify(d, &name("attn"), &tokens(normed.clone())?)
        })?;
        let x = x + self.attn.forward(normed);
        let normed = self.norm2.forward(x.clone());
        let d = d.residual(name("mlp"), |d| {
            let d = self.norm2.certify(d, &name("norm2"), &tokens(x.clone())?)?;
            let d =
                matrix(d, &name("fc1"), &self.mlp.fc1)?.activation(name("gelu"), Activation::Gelu);
            matrix(d, &name("fc2"), &self.mlp.fc2)
        })?;
        Ok((d, x + self.mlp.forward(normed)))
    }
}

impl TokenNorm {
    fn certify(&self, d: Derivation, name: &str, centre: &Array2<f32>) -> Result<Derivation> {
        let gamma: Array1<f32> = into_array(self.gamma().without_autodiff())?;
        let gamma: Vec<f64> = gamma.iter().map(|g| f64::from(*g)).collect();
        match self {
            Self::Layer(_) => d.layer_norm(name, &gamma, EPSILON, Some(centre.view())),
            Self::Center(_) => Ok(d.center_norm(name, &gamma)),
        }
    }
}

impl Attention {
    fn certify(&self, d: Derivation, name: &str, centre: &Array2<f32>) -> Result<Derivation> {
        let qkv: Array2<f32> = into_array(plain(&self.qkv.weight))?;
        if self.kind != AttentionKind::DotProduct {
            return self.certify_globally(d, name, centre, &qkv);
        }
        let width = qkv.ncols() / 3;
        // A bias of queries and keys is a shift of the scores that depends on X: it enters as another
        // feature of the tokens that is always one.
        let bias: Option<Array1<f32>> = match &self.qkv.bias {
            Some(bias) => Some(into_array(plain(bias))?),
            None => None,
        };
        let with_bias = |i: usize| -> Array2<f32> {
            let columns = Slice::from(i * width..(i + 1) * width);
            let w = qkv.slice_axis(Axis(1), columns).to_owned();
            match (&bias, i) {
                // The values' bias only adds: rows of A sum to one.
                (Some(_), 2) => stack(&w, &Array1::zeros(width)),
                (Some(bias), _) => stack(&w, &bias.slice_axis(Axis(0), columns).to_owned()),
                (None, _) => w,
            }
        };
        let parts = [with_bias(0), with_bias(1), with_bias(2)];
        let each = width / self.heads.max(1);
        let head = |h: usize| {
            let columns = Slice::from(h * each..(h + 1) * each);
            let [q, k, v]: [ArrayView2<'_, f32>; 3] =
                parts.each_ref().map(|m| m.slice_axis(Axis(1), columns));
            AttentionHead { q, k, v, scale: self.scale }
        };
        let heads: Vec<_> = (0..self.heads).map(head).collect();
        let ones = Array1::ones(centre.nrows());
        let centre = if bias.is_some() { stack_column(centre, &ones) } else { centre.clone() };
        let proj: Array2<f32> = into_array(plain(&self.proj.weight))?;
        d.attention(name, &heads, Some(proj.view()), centre.view())
    }
}

impl Attention {
    /// The kinds that have a constant everywhere, and a smaller one near the centre.
    fn certify_globally(
        &self,
        d: Derivation,
        name: &str,
        centre: &Array2<f32>,
        qkv: &Array2<f32>,
    ) -> Result<Derivation> {
        let (width, tokens) = (qkv.ncols() / 3, centre.nrows());
        let each = width / self.heads.max(1);
        let rows = self.qkv.forward(Tensor::<3>::from_data(
            TensorData::new(centre.iter().copied().collect::<Vec<_>>(), [1, tokens, width]),
            &self.qkv.weight.val().without_autodiff().device(),
        ));
        let rows = self::tokens(rows)?;
        let mut heads = vec![];
        for h in 0..self.heads {
            let columns = |i: usize| Slice::from(i * width + h * each..i * width + (h + 1) * each);
            let [q, k, v] = [0, 1, 2].map(|i| qkv.slice_axis(Axis(1), columns(i)));
            heads.push(match self.kind {
                AttentionKind::ScaledCosine { tau, nu } => {
                    let least = |w: ArrayView2<'_, f32>, i: usize| {
                        let shortest = rows
                            .slice_axis(Axis(1), columns(i))
                            .outer_iter()
                            .map(|row| {
                                row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
                            })
                            .fold(f64::INFINITY, f64::min);
                        let moved = match d.radius_here() {
                            Some(radius) => (sigma_upper(w)? * radius).value(),
                            None => f64::INFINITY,
                        };
                        Ok::<_, Error>((shortest * (1.0 - FORWARD_SLACK) - moved).max(0.0))
                    };
                    let least = [least(q, 0)?, least(k, 1)?, least(v, 2)?];
                    let head = AttentionHead { q, k, v, scale: tau };
                    cosine_attention(&head, nu, COSINE_EPSILON, tokens, least)?
                }
                _ => l2_attention(q, v, self.scale, tokens)?,
            });
        }
        let proj: Array2<f32> = into_array(plain(&self.proj.weight))?;
        d.heads(name, &heads, Some(proj.view()))
    }
}

fn matrix(d: Derivation, name: &str, linear: &Linear) -> Result<Derivation> {
    let w: Array2<f32> = into_array(plain(&linear.weight))?;
    d.linear(name, w.view())
}

fn plain<const D: usize>(param: &Param<Tensor<D>>) -> Tensor<D> {
    param.val().without_autodiff()
}

/// `[1, tokens, features]` as `[tokens, features]`.
fn tokens(x: Tensor<3>) -> Result<Array2<f32>> {
    Ok(into_array::<f32, 2>(x.without_autodiff().squeeze_dim::<2>(0))?)
}

/// The matrix with one more row.
fn stack(w: &Array2<f32>, row: &Array1<f32>) -> Array2<f32> {
    let mut all = Array2::zeros((w.nrows() + 1, w.ncols()));
    for (mut to, from) in all.outer_iter_mut().zip(w.outer_iter().chain([row.view()])) {
        to.assign(&from);
    }
    all
}

/// The matrix with one more column.
fn stack_column(w: &Array2<f32>, column: &Array1<f32>) -> Array2<f32> {
    stack(&w.t().to_owned(), column).t().to_owned()
}
