//! What the penalty costs beside a training step of ViT-B/16, and a step of an attack beside a forward
//! and backward pass. It needs burn: `cargo bench -p assay-benches --features burn --bench training`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use assay_array::ndarray::Array2;
use assay_tensor::burn;
use assay_tensor::device;
use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Tensor, TensorData};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use specformer_msvp::Classifier;
use specformer_msvp::attack::{Attack, Batch, Fgsm, Norm, Objective, Pgd, Start, Threat, ascend};
use specformer_msvp::msvp::MsvpConfig;
use specformer_msvp::tensor::{Network, Penalty, vit::Vit, vit::VitConfig};

/// burn's operations take the global pool; it is made once.
fn one_thread() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().ok();
}

fn group(c: &mut Criterion) -> BenchmarkGroup<'_, WallTime> {
    let mut group = c.benchmark_group("training");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group
}

/// A training step of ViT-B/16 on eight images, forward, backward and SGD; and what the penalty adds to
/// it, measured by itself because the difference of two long steps drowns in their noise.
fn penalty(c: &mut Criterion) {
    const IMAGES: usize = 8;
    one_thread();
    let device = device("flex").unwrap().autodiff();
    let mut vit = VitConfig::new([3, 224, 224], 16, 1000).init(0, &device).unwrap();
    let gradients = |vit: &Vit| {
        let logits = vit.forward(Tensor::ones([IMAGES, 3, 224, 224], (&device, DType::F32)));
        GradientsParams::from_grads(logits.powi_scalar(2).mean().backward(), vit)
    };
    let mut optimiser = SgdConfig::new().init();
    let mut group = group(c);
    group.bench_function("step/B/8images/f32/1thread", |b| {
        b.iter(|| {
            let gradients = gradients(&vit);
            vit = optimiser.step(1e-6, vit.clone(), gradients);
        });
    });
    let mut penalty = Penalty::new(MsvpConfig::new(), &vit).unwrap();
    let mut gradients = gradients(&vit);
    group.bench_function("penalty/B/f32/1thread", |b| {
        b.iter(|| penalty.add_gradients(&vit, &mut gradients, 1e-9).unwrap());
    });
    group.finish();
}

/// DeiT-S on four of CIFAR's images. `perturb` takes no look at the last point, so FGSM is one step of
/// [`ascend`].
fn attacks(c: &mut Criterion) {
    const SHAPE: [usize; 3] = [3, 32, 32];
    one_thread();
    let device = device("flex").unwrap();
    let vit = VitConfig::new(SHAPE, 4, 10).deit_small().init(0, &device).unwrap();
    let tracking = device.clone().autodiff();
    let frozen = vit.clone().to_device(&tracking).no_grad();
    let model = Network::new(vit, Vit::forward, SHAPE, 10, &device);
    let x = Array2::from_shape_fn((4, 3072), |(i, j)| ((i * 3072 + j) % 256) as f32 / 255.0);
    let (labels, ids) = ([0, 1, 2, 3], [0, 1, 2, 3]);
    let threat = Threat::new(Norm::Linf, 8.0 / 255.0);
    let batch = Batch::new(x.view(), &labels);
    let loss = |i: usize, z: &[f64], g: &mut [f64]| {
        let (value, gradient) = Objective::CrossEntropy.evaluate(z, labels[i], None).unwrap();
        g.copy_from_slice(&gradient);
        value
    };
    let mut group = group(c);
    group.bench_function("forward_backward/deit_s/f32/1thread", |b| {
        b.iter(|| {
            let data = TensorData::new(x.iter().copied().collect::<Vec<_>>(), [4, 3, 32, 32]);
            let images = Tensor::<4>::from_data(data, (&tracking, DType::F32)).require_grad();
            let gradients = frozen.forward(images.clone()).sum().backward();
            images.grad(&gradients).unwrap().into_data()
        });
    });
    group.bench_function("gradient/deit_s/f32/1thread", |b| {
        b.iter(|| model.gradient(x.view(), &mut |z| Ok(z.to_owned())).unwrap());
    });
    group.bench_function("attack_step/deit_s/f32/1thread", |b| {
        let (start, alpha) = (Start::Clean, 2.0 / 255.0);
        b.iter(|| ascend(&model, x.view(), &ids, &threat, start, 0, 1, alpha, &loss).unwrap());
    });
    group.bench_function("fgsm/deit_s/f32/1thread", |b| {
        b.iter(|| Fgsm::new().perturb(&model, &batch, &threat).unwrap());
    });
    group.bench_function("pgd_10/deit_s/f32/1thread", |b| {
        b.iter(|| Pgd::new(10).perturb(&model, &batch, &threat).unwrap());
    });
    group.finish();
}

criterion_group!(benches, attacks, penalty);
criterion_main!(benches);
