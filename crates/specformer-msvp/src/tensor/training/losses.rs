use assay_array::numeric::log_softmax as host_log_softmax;
use assay_tensor::burn::module::Module;
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use assay_tensor::burn::tensor::activation::log_softmax;
use assay_tensor::convert::into_array;
use ndarray::{Array2, ArrayView2};

use crate::attack::objective::{argmax, largest_but};
use crate::attack::{Start, Threat, ascend};
use crate::classifier::{finite, logits};
use crate::error::within;
use crate::tensor::Network;
use crate::{Error, Result};

/// What is trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Method {
    /// `CE(x')`, `x'` of the largest cross-entropy (Madry et al. 2018).
    Adversarial,
    /// `CE(x) + β KL(p(x) ‖ p(x'))`, `x'` of the largest divergence (TRADES, Zhang et al. 2019).
    Trades {
        /// `β`, 6 in the paper.
        beta: f64,
    },
    /// `BCE(x') + λ KL(p(x) ‖ p(x')) (1 − p(x)_y)`, with `BCE = −log p_y − log(1 − max_{j≠y} p_j)` and `x'`
    /// of the largest cross-entropy (MART, Wang et al. 2020). Labels must be hard.
    Mart {
        /// `λ`, 5 in the paper.
        lambda: f64,
    },
}

/// Robust training of a module: an attack on the module as it is, and the loss on what it finds.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RobustTraining {
    method: Method,
    threat: Threat,
    steps: usize,
    alpha: Option<f64>,
    start: Start,
    seed: u64,
}

/// A batch's loss.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RobustLoss {
    /// The mean loss, `[1]`, with its graph.
    pub loss: Tensor<1>,
    /// The logits of the adversarial examples, `[n, classes]`.
    pub logits: Tensor<2>,
    /// The adversarial examples, `[n, channels · height · width]`.
    pub adversarial: Array2<f32>,
    /// The fraction of them that the module, as it is in training, gives the label of the largest weight.
    pub robust_accuracy: f64,
}

impl RobustTraining {
    /// 10 steps of PGD of `ε/4` from random starts, SpecFormer's for CIFAR with `ε = 8/255`.
    pub fn new(method: Method, threat: Threat) -> Self {
        Self { method, threat, steps: 10, alpha: None, start: Start::Random, seed: 0 }
    }

    /// Steps of the attack.
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// The size of a step.
    pub fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha: Some(alpha), ..self }
    }

    /// Where the attack starts.
    pub fn with_start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// The seed of the starts; give each step of training another one.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The loss of a batch of images `[n, channels · height · width]` with label weights `[n, classes]`
    /// (rows that sum to one: hard labels, or [`Mixing`](super::Mixing)'s). `ids` are the samples' own
    /// numbers. The module is on an autodiff device and `forward` is its way to logits; the attack runs on
    /// a copy in evaluation mode.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Parameter`]; [`Error::OutOfBounds`]; what burn has to say.
    #[allow(clippy::too_many_arguments)] // a batch and a network, each in parts
    pub fn loss<M: Module, F: Fn(&M, Tensor<4>) -> Tensor<2>>(
        &self,
        module: &M,
        forward: &F,
        images: ArrayView2<'_, f32>,
        targets: ArrayView2<'_, f32>,
        ids: &[u64],
        shape: [usize; 3],
        device: &Device,
    ) -> Result<RobustLoss> {
        let (n, classes) = targets.dim();
        if images.nrows() != n || n == 0 {
            let (expected, got) = (vec![images.nrows(), classes], vec![n, classes]);
            return Err(Error::Shape { operation: "robust loss: label weights", expected, got });
        }
        for row in targets.outer_iter() {
            let sum: f64 = row.iter().map(|t| f64::from(*t)).sum();
            if !((sum - 1.0).abs() < 1e-3 && row.iter().all(|t| *t >= 0.0)) {
                let (name, expected) = ("label weights", "rows of numbers ≥ 0 that sum to one");
                return Err(Error::Parameter { name, expected, got: sum });
            }
        }
        let (beta, lambda) = match self.method {
            Method::Adversarial => (0.0, 0.0),
            Method::Trades { beta } => (beta, 0.0),
            Method::Mart { lambda } => (0.0, lambda),
        };
        for weight in [beta, lambda] {
            within(
                "weight of the divergence",
                "a finite number, 0 or more",
                weight,
                0.0,
                f64::MAX,
            )?;
        }
        let model = Network::new(module.clone(), forward, shape, classes, device);
        let adversarial = self.attack(&model, images, targets, ids)?;
        let labels: Vec<usize> =
            targets.outer_iter().map(|t| argmax(t.iter().map(|t| f64::from(*t)))).collect();

        let device = device.clone().without_autodiff().autodiff();
        let [channels, height, width] = shape;
        let tensor = |x: ArrayView2<'_, f32>| {
            let values: Vec<f32> = x.iter().copied().collect();
            let data = TensorData::new(values, [n, channels, height, width]);
            Tensor::<4>::from_data(data, (&device, DType::F32))
        };
        let weights: Vec<f32> = targets.iter().copied().collect();
        let data = TensorData::new(weights, [n, classes]);
        let targets = Tensor::<2>::from_data(data, (&device, DType::F32));
        let hard = forward(module, tensor(adversarial.view()));
        let plain = hard.clone().without_autodiff();
        // The logits of the loss tell it: no other pass through the network.
        let z = into_array::<f32, 2>(plain.clone())?;
        if z.dim() != (n, classes) {
            let (expected, got) = (vec![n, classes], z.shape().to_vec());
            return Err(Error::Shape { operation: "robust loss: logits", expected, got });
        }
        finite("robust loss: logits", z.view())?;
        let right = z.outer_iter().zip(&labels).filter(|(z, y)| {
            let z: Vec<f64> = z.iter().map(|z| f64::from(*z)).collect();
            classes < 2 || z[**y] > z[largest_but(&z, **y)]
        });
        let robust_accuracy = right.count() as f64 / n as f64;
        let loss = match self.method {
            Method::Adversarial => soft_cross_entropy(hard, targets),
            Method::Trades { beta } => {
                let easy = forward(module, tensor(images));
                let divergence = divergence(easy.clone(), hard).mean();
                soft_cross_entropy(easy, targets) + divergence.mul_scalar(beta)
            }
            Method::Mart { lambda } => {
                let easy = forward(module, tensor(images));
                mart(easy, hard, targets, lambda)
            }
        };
        Ok(RobustLoss { loss, logits: plain, adversarial, robust_accuracy })
    }

    fn attack<M: Module, F: Fn(&M, Tensor<4>) -> Tensor<2>>(
        &self,
        model: &Network<M, F>,
        images: ArrayView2<'_, f32>,
        targets: ArrayView2<'_, f32>,
        ids: &[u64],
    ) -> Result<Array2<f32>> {
        // What to move away from: the label weights, or the clean prediction.
        let reference = match self.method {
            Method::Trades { .. } => {
                let mut p = logits(model, images)?;
                for mut row in p.rows_mut() {
                    let z = row.to_vec();
                    let mut log_p = z.clone();
                    host_log_softmax(&z, &mut log_p);
                    row.iter_mut().zip(log_p).for_each(|(p, l)| *p = l.exp());
                }
                p
            }
            _ => targets.mapv(f64::from),
        };
        let alpha = self.alpha.unwrap_or(self.threat.epsilon / 4.0);
        // Cross-entropy to fixed weights t: its gradient is p − t, and that of KL(t ‖ p) as well.
        let loss = |i: usize, z: &[f64], g: &mut [f64]| {
            host_log_softmax(z, g);
            let mut value = 0.0;
            for (g, t) in g.iter_mut().zip(reference.row(i)) {
                value -= t * *g;
                *g = g.exp() - t;
            }
            value
        };
        ascend(model, images, ids, &self.threat, self.start, self.seed, self.steps, alpha, &loss)
    }
}

/// `−(1/n) Σ_i Σ_c t_ic log softmax(z_i)_c` for logits and label weights `[n, classes]`.
pub fn soft_cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let n = logits.dims()[0].max(1);
    (log_softmax(logits, 1) * targets).sum().div_scalar(-(n as f64))
}

/// `KL(softmax(a) ‖ softmax(b))` of each row, `[n, 1]`.
fn divergence(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let (a, b) = (log_softmax(a, 1), log_softmax(b, 1));
    (a.clone().exp() * (a - b)).sum_dim(1)
}

fn mart(easy: Tensor<2>, hard: Tensor<2>, targets: Tensor<2>, lambda: f64) -> Tensor<1> {
    let log_p = log_softmax(hard.clone(), 1);
    let own = (log_p.clone() * targets.clone()).sum_dim(1);
    // The likeliest wrong class; the label's own probability is moved out of the way.
    let rival = (log_p.exp() - targets.clone().mul_scalar(2.0)).max_dim(1);
    // The published code's guard against log 0.
    let boosted = own.neg() - (rival.neg().add_scalar(1.0 + 1e-4)).log();
    let p_label = (log_softmax(easy.clone(), 1).exp() * targets).sum_dim(1);
    let weighted = divergence(easy, hard) * p_label.neg().add_scalar(1.0);
    boosted.mean() + weighted.mean().mul_scalar(lambda)
}
