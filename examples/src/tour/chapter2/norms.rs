//! Weights whose norms stay below a bound.

use assay_tensor::burn::module::Param;
use assay_tensor::burn::tensor::Tensor;
use assay_tensor::convert::into_array;
use specformer_msvp::Error;
use specformer_msvp::spectral::{PowerOrder, PowerState};
use specformer_msvp::tensor::vit::{TokenNorm, Vit};

/// The norm of the patch embedding. GELU bends within a length of about one, so what comes in must be
/// several times as long for the network to be more than a straight line; a radius does not depend on
/// it, because margin and constant grow together.
pub(super) const PATCHES: f64 = 5.0;
/// The norm that queries and values may have together; attention's constant grows with its cube.
const ATTENTION: f64 = 0.5;
/// The norm of every other matrix.
const OTHER: f64 = 1.0;
/// Steps of power iteration before the first.
const WARM_UP: usize = 30;

/// Holds a transformer to its bounds. Norms are followed by a step of power iteration after each step of
/// training, from where the last one ended; certificates measure them again, from above.
#[derive(Debug, Default)]
pub(super) struct Norms {
    states: Vec<PowerState>,
}

impl Norms {
    /// The transformer with all matrices that became too large scaled down, and the factors of its
    /// normalisation cut off at one (Gouk et al. 2021).
    pub(super) fn bound(&mut self, mut vit: Vit) -> Result<Vit, Error> {
        let mut index = 0;
        vit.patch_embed.proj.weight =
            self.scaled(&mut index, vit.patch_embed.proj.weight, PATCHES)?;
        for block in &mut vit.blocks {
            let (attn, mlp) = (&mut block.attn, &mut block.mlp);
            attn.qkv.weight = self.scaled(&mut index, attn.qkv.weight.clone(), ATTENTION)?;
            attn.proj.weight = self.scaled(&mut index, attn.proj.weight.clone(), OTHER)?;
            mlp.fc1.weight = self.scaled(&mut index, mlp.fc1.weight.clone(), OTHER)?;
            mlp.fc2.weight = self.scaled(&mut index, mlp.fc2.weight.clone(), OTHER)?;
            cut(&mut block.norm1);
            cut(&mut block.norm2);
        }
        cut(&mut vit.norm);
        vit.head.weight = self.scaled(&mut index, vit.head.weight, OTHER)?;
        Ok(vit)
    }

    /// The parameter, times a factor if its norm is above the bound. The patch embedding's kernel counts
    /// as a matrix from a patch's pixels to features.
    fn scaled<const D: usize>(
        &mut self,
        index: &mut usize,
        weight: Param<Tensor<D>>,
        bound: f64,
    ) -> Result<Param<Tensor<D>>, Error> {
        let dims = weight.dims();
        let shape = [dims[0], dims[1..].iter().product()];
        let matrix = weight.val().without_autodiff().reshape(shape);
        let matrix = into_array::<f32, 2>(matrix)?;
        if self.states.len() == *index {
            let mut state = PowerState::random(matrix.dim(), 0, *index as u64);
            for _ in 0..WARM_UP {
                state.step(matrix.view(), PowerOrder::VFirst)?;
            }
            self.states.push(state);
        }
        let sigma = self.states[*index].step(matrix.view(), PowerOrder::VFirst)?;
        *index += 1;
        if sigma <= bound {
            return Ok(weight);
        }
        Ok(weight.map(|w| w.mul_scalar(bound / sigma).detach().require_grad()))
    }
}

fn cut(norm: &mut TokenNorm) {
    let gamma = match norm {
        TokenNorm::Layer(norm) => &mut norm.gamma,
        TokenNorm::Center(norm) => &mut norm.weight,
    };
    *gamma = gamma.clone().map(|g| g.clamp(-1.0, 1.0).detach().require_grad());
}

#[cfg(test)]
mod tests {
    use assay_tensor::burn::optim::{AdamConfig, GradientsParams};
    use specformer_msvp::spectral::sigma_upper;

    use super::super::way::Way;
    use super::*;

    #[test]
    fn norms_stay_within_their_bounds_step_after_step() {
        let device = assay_tensor::device("flex").unwrap().autodiff();
        let mut vit = Way::Bounded.config().init(1, &device).unwrap();
        let mut optimiser = AdamConfig::new().init();
        let mut norms = Norms::default();
        for _ in 0..20 {
            // Without the bounds all norms would soon be above them.
            let loss = vit.forward(Tensor::ones([1, 1, 28, 28], &device)).sum();
            let gradients = GradientsParams::from_grads(loss.backward(), &vit);
            vit = norms.bound(optimiser.step(0.01, vit, gradients)).unwrap();
        }
        let block = &vit.blocks[0];
        let norm = |weight: &Param<Tensor<2>>| {
            let weight = into_array::<f32, 2>(weight.val().without_autodiff()).unwrap();
            sigma_upper(weight.view()).unwrap().value()
        };
        assert!(norm(&block.attn.qkv.weight) <= ATTENTION * 1.1);
        for weight in [
            &block.attn.proj.weight,
            &block.mlp.fc1.weight,
            &block.mlp.fc2.weight,
            &vit.head.weight,
        ] {
            assert!(norm(weight) <= OTHER * 1.1);
        }
        let TokenNorm::Center(center) = &vit.norm else { panic!("another norm") };
        let gamma = into_array::<f32, 1>(center.weight.val().without_autodiff()).unwrap();
        assert!(gamma.iter().all(|g| g.abs() <= 1.0));
    }
}
