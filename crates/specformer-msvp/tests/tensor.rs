//! On burn, on every device that there is.

use std::path::PathBuf;

use assay_array::testing::assert_close;
use assay_tensor::burn::module::{Module, Param};
use assay_tensor::burn::nn::Linear;
use assay_tensor::burn::optim::{GradientsParams, SgdConfig};
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use assay_tensor::convert::into_array;
use assay_tensor::{Layout, burn, device};
use ndarray::{Array2, Array4};
use specformer_msvp::attack::{Adversarial, Attack, Batch, Norm, Objective, Pgd, Start, Threat};
use specformer_msvp::lipschitz::{jacobian_norms, secant_bound};
use specformer_msvp::msvp::{Blocking, MsvpConfig, Power};
use specformer_msvp::tensor::training::{
    Method, Mixing, RobustTraining, Schedule, soft_cross_entropy,
};
use specformer_msvp::tensor::vit::{
    AttentionKind, Interpolation, NormKind, Pooling, Vit, VitConfig,
};
use specformer_msvp::tensor::{
    AttentionWeights, Network, Penalty, QkvTensors, SigmaReparam, SpectralLinearConfig,
};
use specformer_msvp::{Classifier, Error};

use crate::common::{gaussian, matrix};

fn cpu() -> Device {
    device("flex").unwrap()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/specformer").join(name)
}

fn tiny() -> VitConfig {
    VitConfig::new([2, 8, 8], 4, 3).with_width(8).with_hidden(12).with_depth(2).with_heads(2)
}

fn network(vit: Vit) -> Network<Vit, fn(&Vit, Tensor<4>) -> Tensor<2>> {
    Network::new(vit, Vit::forward, [2, 8, 8], 3, &cpu())
}

fn images(n: usize) -> Array2<f32> {
    gaussian::<f32>(7, (n, 128)).mapv(|x| (0.5 + 0.2 * x).clamp(0.0, 1.0))
}

fn tensor(x: &Array2<f32>, device: &Device) -> Tensor<4> {
    let data = TensorData::new(x.iter().copied().collect::<Vec<_>>(), [x.nrows(), 2, 8, 8]);
    Tensor::from_data(data, (device, DType::F32))
}

#[test]
fn timms_weights_give_torchs_logits_and_gradients() {
    let text = std::fs::read_to_string(file("vit.json")).unwrap();
    let want: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut vit = tiny().init(1, &cpu()).unwrap();
    vit.load(file("vit.safetensors"), Layout::PyTorch).unwrap();
    let model = network(vit);
    let x = matrix(&want["images"]).mapv(|x| x as f32);
    let labels = crate::common::indices(&want["labels"]);
    let (z, g) = model
        .gradient(x.view(), &mut |z| {
            let mut c = Array2::zeros(z.dim());
            for (i, z) in z.outer_iter().enumerate() {
                let (_, g) = Objective::CrossEntropy.evaluate(&z.to_vec(), labels[i], None)?;
                c.row_mut(i).iter_mut().zip(g).for_each(|(c, g)| *c = g);
            }
            Ok(c)
        })
        .unwrap();
    let wide = |a: &Array2<f32>| a.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    let flat = |name: &str| matrix(&want[name]).into_raw_vec_and_offset().0;
    assert_close(&z.into_raw_vec_and_offset().0, &flat("logits"), 1e-4, 1e-5);
    assert_close(&wide(&g), &flat("gradient"), 1e-4, 1e-5);
    assert_close(
        &model.logits(x.view()).unwrap().into_raw_vec_and_offset().0,
        &flat("logits"),
        1e-4,
        1e-5,
    );
}

#[test]
fn weights_come_back_from_a_file_or_not_at_all() {
    let dir = tempdir("vit");
    let path = dir.join("model.safetensors");
    let vit = tiny().init(3, &cpu()).unwrap();
    vit.save(&path, Layout::PyTorch).unwrap();
    let mut other = tiny().init(4, &cpu()).unwrap();
    other.load(&path, Layout::PyTorch).unwrap();
    let x = tensor(&images(2), &cpu());
    assert_eq!(vit.forward(x.clone()).to_data(), other.forward(x).to_data());
    let mut deeper = tiny().with_depth(3).init(4, &cpu()).unwrap();
    let error = deeper.load(&path, Layout::PyTorch).unwrap_err().to_string();
    assert!(error.contains("blocks.2."), "{error}");
}

/// torch 2.15, `interpolate(mode="bicubic", align_corners=False)` in f64 of the grid below.
const FINER: [f64; 40] = [
    -0.571_599_241_955,
    -0.133_485_264_542,
    -0.020_987_198_329,
    -0.414_709_158_416,
    0.197_825_649_752,
    -0.150_755_685_334,
    -0.072_851_369_121,
    0.468_153_233_292,
    -0.495_183_052_29,
    -0.051_901_106_126,
    0.114_561_803_837,
    -0.279_951_171_875,
    0.333_374_651_918,
    -0.243_581_683_168,
    0.003_564_820_545,
    0.030_997_157_333,
    -0.354_569_538_985,
    0.083_544_438_428,
    0.196_042_504_641,
    -0.077_269_299_196,
    0.414_855_352_723,
    -0.328_671_294_864,
    0.144_178_333_849,
    -0.489_485_032_488,
    -0.175_196_260_056,
    0.218_989_982_983,
    -0.127_213_122_679,
    0.066_086_401_609,
    0.091_599_725_402,
    -0.219_171_062_809,
    0.323_551_612_778,
    -0.431_207_456_683,
    -0.058_871_867_265,
    0.300_574_141_399,
    -0.408_392_636_139,
    0.139_760_403_775,
    -0.189_579_788_057,
    -0.111_641_591_894,
    0.439_876_005_569,
    -0.272_455_329_517,
];
const COARSER: [f64; 12] = [
    0.009_878_071_14,
    -0.227_988_130_844,
    0.117_728_960_396,
    -0.118_473_468_441,
    -0.296_410_891_089,
    0.088_914_457_852,
    0.286_509_900_99,
    -0.188_552_481_55,
    -0.127_629_950_495,
    0.434_995_745_668,
    -0.019_779_061_239,
    -0.083_310_772_483,
];

/// The same with `antialias=True`.
const FINER_ANTIALIASED: [f64; 40] = [
    -0.553_218_901_157,
    -0.134_643_420_577,
    -0.036_983_609_200,
    -0.372_855_007_648,
    0.169_353_395_700,
    -0.133_053_496_480,
    -0.063_563_182_950,
    0.434_426_456_690,
    -0.480_024_904_013,
    -0.059_110_391_885,
    0.069_754_496_217,
    -0.267_418_950_796,
    0.276_091_486_216,
    -0.216_604_620_218,
    0.009_630_794_637,
    0.061_476_450_413,
    -0.340_254_187_584,
    0.078_321_270_645,
    0.175_981_074_572,
    -0.084_436_275_065,
    0.382_318_049_669,
    -0.321_504_324_675,
    0.149_401_500_821,
    -0.484_261_870_384,
    -0.168_906_256_557,
    0.215_752_944_350,
    -0.139_060_705_900,
    0.056_136_839_092,
    0.067_276_261_747,
    -0.200_785_145_164,
    0.320_749_431_849,
    -0.393_945_306_540,
    -0.071_108_125_150,
    0.291_285_961_866,
    -0.360_564_410_686,
    0.128_528_416_157,
    -0.154_227_450_490,
    -0.108_539_633_453,
    0.418_547_570_705,
    -0.271_297_186_613,
];

/// The same with `antialias=True`.
const COARSER_ANTIALIASED: [f64; 12] = [
    0.063_238_285_482,
    -0.257_160_335_779,
    0.075_797_311_962,
    -0.031_089_665_368,
    -0.319_873_094_559,
    0.126_942_664_385,
    0.309_972_137_213,
    -0.129_703_313_112,
    -0.085_698_299_110,
    0.289_063_096_046,
    -0.073_139_265_180,
    -0.047_394_957_393,
];

#[test]
fn position_embeddings_are_interpolated_as_torch_does() {
    for (side, [rows, columns], how, expected) in [
        (3, [5, 4], Interpolation::Bicubic, &FINER[..]),
        (4, [2, 3], Interpolation::Bicubic, &COARSER[..]),
        (3, [5, 4], Interpolation::Antialiased, &FINER_ANTIALIASED[..]),
        (4, [2, 3], Interpolation::Antialiased, &COARSER_ANTIALIASED[..]),
    ] {
        for pooling in [Pooling::Mean, Pooling::Class] {
            let config = VitConfig::new([1, 2 * side, 2 * side], 2, 3).with_pooling(pooling);
            let mut vit = config.with_width(2).with_depth(1).with_heads(1).init(0, &cpu()).unwrap();
            let class = usize::from(pooling == Pooling::Class);
            // What comes before the grid is the class token's own.
            let grid = (0..side * side * 2).map(|i| ((i * 37) % 101) as f32 / 101.0 - 0.5);
            let values: Vec<f32> = [7.0, 8.0].into_iter().take(2 * class).chain(grid).collect();
            let shape = [1, side * side + class, 2];
            let data = TensorData::new(values, shape);
            vit.pos_embed = Param::from_tensor(Tensor::from_data(data, &cpu()));
            let resized = vit.resize([2 * rows, 2 * columns], 2, how).unwrap();
            let found = into_array::<f32, 3>(resized.pos_embed.val()).unwrap();
            assert_eq!(found.dim(), (1, rows * columns + class, 2));
            let (own, rest): (Vec<f32>, Vec<f32>) = {
                let all: Vec<f32> = found.into_iter().collect();
                (all[..2 * class].to_vec(), all[2 * class..].to_vec())
            };
            assert_eq!(own, [7.0, 8.0][..2 * class]);
            for (found, expected) in rest.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
            }
            let image = Tensor::ones([1, 1, 2 * rows, 2 * columns], &cpu());
            assert_eq!(resized.forward(image).dims(), [1, 3]);
        }
    }
}

#[test]
fn a_smaller_patch_sees_what_the_larger_saw_of_the_enlarged_image() {
    let config = VitConfig::new([3, 32, 32], 8, 5).with_width(8).with_depth(2).with_heads(2);
    let vit = config.init(1, &cpu()).unwrap();
    let small = vit.resize([8, 8], 2, Interpolation::Bicubic).unwrap();
    let image = Array4::from_shape_fn((1, 3, 8, 8), |(_, c, y, x)| {
        ((c * 64 + y * 8 + x) as f32 * 0.37).sin()
    });
    let large = Array4::from_shape_fn((1, 3, 32, 32), |(_, c, y, x)| image[[0, c, y / 4, x / 4]]);
    let logits = |vit: &Vit, image: &Array4<f32>| {
        let (_, c, h, w) = image.dim();
        let data = TensorData::new(image.iter().copied().collect::<Vec<_>>(), [1, c, h, w]);
        into_array::<f32, 2>(vit.forward(Tensor::from_data(data, &cpu()))).unwrap()
    };
    for (a, b) in logits(&small, &image).iter().zip(&logits(&vit, &large)) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    for bad in [([8, 8], 3), ([8, 8], 0), ([9, 8], 4), ([0, 8], 4), ([48, 48], 16)] {
        assert!(
            matches!(
                vit.resize(bad.0, bad.1, Interpolation::Bicubic),
                Err(Error::Parameter { .. })
            ),
            "{bad:?}"
        );
    }
    let oblong = VitConfig::new([3, 32, 64], 8, 5).with_width(8).with_depth(1).with_heads(2);
    let oblong = oblong.init(1, &cpu()).unwrap();
    assert!(matches!(oblong.resize([8, 8], 2, Interpolation::Bicubic), Err(Error::Shape { .. })));
}

fn tempdir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("specformer-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn every_variant_runs_and_has_gradients() {
    let training = cpu().autodiff();
    let variants = [
        tiny(),
        tiny().with_pooling(Pooling::Mean).with_norm(NormKind::Center),
        tiny().with_attention(AttentionKind::ScaledCosine { tau: 10.0, nu: 1.0 }),
        tiny().with_attention(AttentionKind::L2).with_qkv_bias(false),
    ];
    for config in variants {
        let vit = config.init(0, &training).unwrap();
        let logits = vit.forward(tensor(&images(3), &training));
        assert_eq!(logits.dims(), [3, 3]);
        let gradients = GradientsParams::from_grads(logits.powi_scalar(2).sum().backward(), &vit);
        assert!(gradients.get::<2>(vit.blocks[0].attn.qkv.weight.id).is_some());
        let values =
            into_array::<f32, 2>(vit.forward(tensor(&images(3), &training)).inner()).unwrap();
        assert!(values.iter().all(|v| v.is_finite()));
    }
    for bad in
        [tiny().with_heads(3), tiny().with_depth(1).with_width(0), VitConfig::new([1, 9, 8], 4, 2)]
    {
        assert!(bad.init(0, &cpu()).is_err());
    }
    let config = VitConfig::new([3, 32, 32], 4, 10).small();
    assert_eq!(config.tokens(), 65);
}

/// Kim et al.'s and the cosine's attention by their definitions, on the host.
#[test]
fn attention_is_what_its_definition_says() {
    let x = gaussian::<f32>(5, (4, 8));
    let tokens = |x: &Array2<f32>| {
        let data = TensorData::new(x.iter().copied().collect::<Vec<_>>(), [1, 4, 8]);
        Tensor::<3>::from_data(data, (&cpu(), DType::F32))
    };
    let kinds = [
        AttentionKind::DotProduct,
        AttentionKind::ScaledCosine { tau: 3.0, nu: 0.7 },
        AttentionKind::L2,
    ];
    for kind in kinds {
        let vit = tiny().with_qkv_bias(false).with_attention(kind).init(2, &cpu()).unwrap();
        let attention = &vit.blocks[0].attn;
        let w: Array2<f64> =
            into_array::<f32, 2>(attention.qkv.weight.val()).unwrap().mapv(f64::from) * 20.0;
        let mut scaled = attention.clone();
        scaled.qkv.weight = Param::from_tensor(attention.qkv.weight.val().mul_scalar(20.0));
        let proj: Array2<f64> =
            into_array::<f32, 2>(attention.proj.weight.val()).unwrap().mapv(f64::from);
        let x64 = x.mapv(f64::from);
        let (s, each) = (0.5, 4);
        let mut concat = Array2::<f64>::zeros((4, 8));
        for h in 0..2 {
            let block = |i: usize| {
                let from = i * 8 + h * each;
                w.select(ndarray::Axis(1), &(from..from + each).collect::<Vec<_>>())
            };
            let (wq, wk, wv) = (block(0), block(1), block(2));
            let unit = |m: Array2<f64>| {
                let mut m = m;
                for mut row in m.rows_mut() {
                    let length = (row.iter().map(|x| x * x).sum::<f64>() + 1e-6).sqrt();
                    row /= length;
                }
                m
            };
            let (q, k, v) = (x64.dot(&wq), x64.dot(&wk), x64.dot(&wv));
            let (scores, values) = match kind {
                AttentionKind::ScaledCosine { tau, nu } => {
                    (unit(q).dot(&unit(k).t()) * tau, unit(v) * nu)
                }
                AttentionKind::L2 => {
                    let distance = Array2::from_shape_fn((4, 4), |(i, j)| {
                        (0..each).map(|c| (q[[i, c]] - q[[j, c]]).powi(2)).sum::<f64>()
                    });
                    (distance * -s, x64.dot(&wq.dot(&wq.t())).dot(&wv) * s)
                }
                _ => (q.dot(&k.t()) * s, v),
            };
            let mut p = scores;
            for mut row in p.rows_mut() {
                row.mapv_inplace(f64::exp);
                let sum = row.sum();
                row /= sum;
            }
            let out = p.dot(&values);
            for i in 0..4 {
                for c in 0..each {
                    concat[[i, h * each + c]] = out[[i, c]];
                }
            }
        }
        let want = concat.dot(&proj).into_raw_vec_and_offset().0;
        let got = into_array::<f32, 3>(scaled.forward(tokens(&x))).unwrap();
        let got: Vec<f64> = got.iter().map(|x| f64::from(*x)).collect();
        assert_close(&got, &want, 1e-4, 1e-5);
    }
}

/// A module with three weights of its own.
#[derive(Module, Debug)]
struct Apart {
    q: Linear,
    k: Linear,
    v: Linear,
}

impl AttentionWeights for Apart {
    fn attention_weights(&self) -> Vec<QkvTensors> {
        let weights = [&self.q, &self.k, &self.v].map(|l| l.weight.clone());
        vec![QkvTensors::Separate { weights: Box::new(weights), heads: 2 }]
    }
}

fn apart(device: &Device, dtype: DType) -> Apart {
    let linear = |seed| {
        let w = gaussian::<f64>(seed, (6, 4)).into_raw_vec_and_offset().0;
        let weight = Tensor::from_data(TensorData::new(w, [6, 4]), (device, dtype));
        Linear { weight: Param::from_tensor(weight), bias: None }
    };
    Apart { q: linear(1), k: linear(2), v: linear(3) }
}

#[test]
fn the_penalty_tensor_and_the_fused_form_agree() {
    let training = cpu().autodiff();
    for blocking in [Blocking::Whole, Blocking::HeadRows, Blocking::RepoCols] {
        for power in [Power::One, Power::Two] {
            let config = MsvpConfig::new()
                .with_lambdas([0.3, 0.2, 0.1])
                .with_blocking(blocking)
                .with_power(power);
            let vit = tiny().init(0, &training).unwrap();
            let mut a = Penalty::new(config.clone(), &vit).unwrap();
            let mut b = a.clone();
            let penalty = a.penalty(&vit).unwrap();
            let value = f64::from(penalty.clone().into_scalar::<f32>());
            let by_graph = GradientsParams::from_grads(penalty.mul_scalar(3.0).backward(), &vit);
            let zero = vit
                .blocks
                .iter()
                .map(|b| b.attn.qkv.weight.val().sum())
                .fold(Tensor::zeros([1], &training), |a, b| a + b);
            let mut fused = GradientsParams::from_grads(zero.mul_scalar(0.0).backward(), &vit);
            let total = b.add_gradients(&vit, &mut fused, 3.0).unwrap();
            assert!((value / total - 1.0).abs() < 1e-5 && value > 0.0);
            assert_eq!(a, b);
            for block in &vit.blocks {
                let id = block.attn.qkv.weight.id;
                let [a, b] = [&by_graph, &fused].map(|g| {
                    into_array::<f32, 2>(g.get::<2>(id).unwrap())
                        .unwrap()
                        .iter()
                        .map(|x| f64::from(*x))
                        .collect::<Vec<_>>()
                });
                assert_close(&a, &b, 1e-5, 1e-9);
            }
            // Three weights instead of one, in either precision.
            for dtype in [DType::F32, DType::F64] {
                let module = apart(&training, dtype);
                let mut a = Penalty::new(config.clone(), &module).unwrap();
                let mut b = a.clone();
                let penalty = a.penalty(&module).unwrap();
                let by_graph = GradientsParams::from_grads(penalty.backward(), &module);
                let ones = module.q.weight.val().sum()
                    + module.k.weight.val().sum()
                    + module.v.weight.val().sum();
                let mut fused =
                    GradientsParams::from_grads(ones.mul_scalar(0.0).backward(), &module);
                b.add_gradients(&module, &mut fused, 1.0).unwrap();
                for id in [module.q.weight.id, module.k.weight.id, module.v.weight.id] {
                    let [a, b] = [&by_graph, &fused]
                        .map(|g| g.get::<2>(id).unwrap().try_to_vec_as::<f64>().unwrap());
                    assert_close(&a, &b, 1e-5, 1e-9);
                }
            }
        }
    }
}

#[test]
fn a_penalty_goes_on_after_a_checkpoint() {
    let training = cpu().autodiff();
    let vit = tiny().init(0, &training).unwrap();
    let config = MsvpConfig::new().with_lambdas([1e-2, 0.0, 1e-3]);
    let mut penalty = Penalty::new(config.clone(), &vit).unwrap();
    penalty.penalty(&vit).unwrap();
    let path = tempdir("penalty").join("msvp.safetensors");
    penalty.save(&path).unwrap();
    let mut again = Penalty::load(config.clone(), &vit, &path).unwrap();
    assert_eq!(again, penalty);
    again.penalty(&vit).unwrap();
    penalty.penalty(&vit).unwrap();
    assert_eq!(again, penalty);
    let other = tiny().with_depth(1).init(0, &training).unwrap();
    assert!(matches!(Penalty::load(config.clone(), &other, &path), Err(Error::State { .. })));
    let wider = tiny().with_width(16).init(0, &training).unwrap();
    assert!(matches!(Penalty::load(config, &wider, &path), Err(Error::State { .. })));
    let none = tiny().with_depth(0).init(0, &training).unwrap();
    assert!(matches!(Penalty::new(MsvpConfig::new(), &none), Err(Error::Empty { .. })));
}

#[test]
fn training_with_the_penalty_lowers_the_singular_values() {
    let training = cpu().autodiff();
    let mut vit = tiny().init(0, &training).unwrap();
    let mut penalty = Penalty::new(MsvpConfig::new().with_lambdas([1.0; 3]), &vit).unwrap();
    let first = penalty.state().penalty();
    let mut optimiser = SgdConfig::new().init();
    for _ in 0..30 {
        let loss = penalty.penalty(&vit).unwrap();
        let gradients = GradientsParams::from_grads(loss.backward(), &vit);
        vit = optimiser.step(0.05, vit, gradients);
    }
    assert!(penalty.state().penalty() < 0.2 * first);
}

#[test]
fn spectral_normalisation_has_norm_one_and_torchs_gradient() {
    let training = cpu().autodiff();
    let layer = SpectralLinearConfig::new(5, 4).with_warmup(200).init(&training).unwrap();
    assert_eq!(layer.kind(), SigmaReparam::Fixed);
    let norm = |w: Tensor<2>| {
        let w = into_array::<f32, 2>(w.inner()).unwrap().mapv(f64::from);
        assay_array::linalg::svdvals(w.view()).unwrap()[0]
    };
    assert!((norm(layer.normalised_weight()) - 1.0).abs() < 1e-5);
    // The gradient through W and σ, by differences with u and v held.
    let x = gaussian::<f32>(3, (3, 5));
    let x = Tensor::<2>::from_data(
        TensorData::new(x.iter().copied().collect::<Vec<_>>(), [3, 5]),
        (&training, DType::F32),
    );
    let loss = |layer: &specformer_msvp::tensor::SpectralLinear| {
        layer.forward(x.clone()).powi_scalar(2).sum()
    };
    let gradients = GradientsParams::from_grads(loss(&layer).backward(), &layer);
    let g = into_array::<f32, 2>(gradients.get::<2>(layer.weight.id).unwrap()).unwrap();
    for at in [[0, 0], [2, 3], [4, 1]] {
        let value = |h: f32| {
            let mut moved = layer.clone();
            moved.weight = moved.weight.map(|w| {
                let mut values = into_array::<f32, 2>(w.inner()).unwrap();
                values[at] += h;
                let data = TensorData::new(values.iter().copied().collect::<Vec<_>>(), [5, 4]);
                Tensor::from_data(data, (&training, DType::F32))
            });
            f64::from(loss(&moved).into_scalar::<f32>())
        };
        let difference = (value(1e-2) - value(-1e-2)) / 2e-2;
        assert!((f64::from(g[at]) - difference).abs() < 2e-3, "{at:?}: {} {difference}", g[at]);
    }
    // Vectors are not trained, γ is only where asked.
    assert!(gradients.get::<1>(layer.gamma.id).is_none());
    let learnt = SpectralLinearConfig::new(5, 4)
        .with_learnt_norm()
        .with_warmup(200)
        .init(&training)
        .unwrap();
    let start = (learnt.normalised_weight() - learnt.weight.val()).abs().max().into_scalar::<f32>();
    assert!(start < 1e-5, "starts as W: {start}");
    let gradients =
        GradientsParams::from_grads(learnt.forward(x.clone()).sum().backward(), &learnt);
    assert!(gradients.get::<1>(learnt.gamma.id).is_some());
    let updated = learnt.clone().update().unwrap();
    assert!(
        updated.sigma().into_scalar::<f32>() >= learnt.sigma().into_scalar::<f32>() * (1.0 - 1e-6)
    );
    assert!(SpectralLinearConfig::new(0, 4).init(&training).is_err());
    assert!(SpectralLinearConfig::new(2, 4).with_norm(-1.0).init(&training).is_err());
}

#[test]
fn a_certificate_is_above_what_the_model_does() {
    for config in [
        tiny(),
        tiny().with_norm(NormKind::Center).with_pooling(Pooling::Mean).with_qkv_bias(false),
        tiny().with_norm(NormKind::Center).with_attention(AttentionKind::L2),
        tiny().with_attention(AttentionKind::ScaledCosine { tau: 5.0, nu: 0.7 }),
    ] {
        let vit = config.init(5, &cpu()).unwrap();
        let x = images(1);
        let certificate = vit.certify(tensor(&x, &cpu()), 0.02).unwrap();
        let model = network(vit);
        let constant = certificate.value.value();
        let jacobian = jacobian_norms(&model, x.view(), 20, 0).unwrap()[0].value();
        assert!(
            constant.is_finite() && jacobian > 0.0 && jacobian <= constant,
            "{jacobian} {constant}"
        );
        // The Jacobian elsewhere in the ball, and the slope to an adversarial example in it.
        let threat = Threat::new(Norm::L2, 0.01);
        let found: Adversarial<f32> =
            Pgd::new(5).attack(&model, &Batch::new(x.view(), &[0]), &threat).unwrap();
        assert!(jacobian_norms(&model, found.x.view(), 20, 0).unwrap()[0].value() <= constant);
        assert!(secant_bound(&model, x.view(), found.x.view()).unwrap().value() <= constant);
        let names: Vec<&str> = certificate.steps.iter().map(|s| s.layer.as_str()).collect();
        assert!(names.contains(&"blocks.1.attn") && names.contains(&"head"), "{names:?}");
        let two = images(2);
        assert!(matches!(
            model.module().certify(tensor(&two, &cpu()), 0.1),
            Err(Error::Shape { .. })
        ));
    }
    // Near the centre rows have a length, which everywhere they need not have.
    let cosine = tiny().with_attention(AttentionKind::ScaledCosine { tau: 1.0, nu: 1.0 });
    let vit = cosine.init(0, &cpu()).unwrap();
    let at = |radius| vit.certify(tensor(&images(1), &cpu()), radius).unwrap().value.value();
    assert!(at(1e-6) < 0.1 * at(10.0), "{} {}", at(1e-6), at(10.0));
}

#[test]
fn attacks_leave_the_parameters_alone_and_work_on_any_batch() {
    let training = cpu().autodiff();
    let vit = tiny().init(6, &training).unwrap();
    let model = network(vit.clone());
    let x = images(6);
    let labels = [0, 1, 2, 0, 1, 2];
    let threat = Threat::new(Norm::Linf, 0.05);
    let found = Pgd::new(4).attack(&model, &Batch::new(x.view(), &labels), &threat).unwrap();
    assert!(found.distance.iter().all(|d| *d <= 0.05 * (1.0 + 1e-6)));
    let one = x.select(ndarray::Axis(0), &[4]);
    let ids = [4];
    let alone =
        Pgd::new(4).attack(&model, &Batch::new(one.view(), &[1]).with_ids(&ids), &threat).unwrap();
    let difference = (&alone.x.row(0) - &found.x.row(4)).iter().filter(|d| d.abs() > 1e-5).count();
    // A sign of a gradient near zero may flip by rounding.
    assert!(difference <= 2, "{difference}");
    // Bounding the batch changes nothing but rounding.
    let small = network(vit.clone()).with_batch(4);
    let mut weigh = |z: ndarray::ArrayView2<'_, f64>| Ok(z.mapv(|z| z + 1.0));
    let (z, g) = model.gradient(x.view(), &mut weigh).unwrap();
    let (small_z, small_g) = small.gradient(x.view(), &mut weigh).unwrap();
    assert!((&z - &small_z).iter().all(|d| d.abs() < 1e-5));
    assert!((&g - &small_g).iter().all(|d| d.abs() < 1e-5));
    assert_eq!(small.logits(x.view()).unwrap(), small_z);
    let mut wrong = |_: ndarray::ArrayView2<'_, f64>| Ok(Array2::zeros((2, 3)));
    assert!(matches!(small.gradient(x.view(), &mut wrong), Err(Error::Shape { .. })));
    let z = vit.forward(tensor(&x, &training)).inner();
    let other = network(vit).module().forward(tensor(&x, &cpu()));
    let flat = |t: Tensor<2>| t.try_to_vec_as::<f64>().unwrap();
    assert_close(&flat(z), &flat(other), 1e-5, 1e-6);
    assert!(matches!(model.logits(Array2::zeros((1, 5)).view()), Err(Error::Shape { .. })));
    assert_eq!(model.logits(Array2::zeros((0, 128)).view()).unwrap().dim(), (0, 3));
}

#[test]
fn robust_training_learns() {
    let training = cpu().autodiff();
    // Classes told by the brightness of a corner.
    let mut x = images(24).mapv(|x| 0.3 + 0.1 * x);
    let labels: Vec<usize> = (0..24).map(|i| i % 3).collect();
    for (i, &y) in labels.iter().enumerate() {
        (0..16).for_each(|p| x[[i, (p / 4) * 8 + p % 4]] = 0.45 * y as f32);
    }
    let targets = Array2::from_shape_fn((24, 3), |(i, c)| if labels[i] == c { 1.0 } else { 0.0 });
    let ids: Vec<u64> = (0..24).collect();
    let threat = Threat::new(Norm::Linf, 0.02);
    let forward = |vit: &Vit, x: Tensor<4>| vit.forward(x);
    for method in [Method::Adversarial, Method::Trades { beta: 3.0 }, Method::Mart { lambda: 3.0 }]
    {
        let mut vit = tiny().with_depth(1).init(1, &training).unwrap();
        let mut optimiser = burn::optim::AdamConfig::new().init();
        let mut losses = vec![];
        let mut accuracy = 0.0;
        for step in 0..80 {
            let robust =
                RobustTraining::new(method, threat).with_steps(2).with_seed(step).with_alpha(0.01);
            let found = robust
                .loss(&vit, &forward, x.view(), targets.view(), &ids, [2, 8, 8], &training)
                .unwrap();
            let delta = (&found.adversarial - &x).iter().fold(0.0_f32, |m, d| m.max(d.abs()));
            assert!(delta <= 0.02 + 1e-6);
            losses.push(f64::from(found.loss.clone().into_scalar::<f32>()));
            accuracy = found.robust_accuracy;
            let gradients = GradientsParams::from_grads(found.loss.backward(), &vit);
            vit = optimiser.step(1e-2, vit, gradients);
        }
        let (first, last) = (losses[0], losses[79]);
        assert!(last < 0.7 * first && accuracy > 0.6, "{method:?}: {first} to {last}, {accuracy}");
    }
    let vit = tiny().init(1, &training).unwrap();
    let robust = RobustTraining::new(Method::Adversarial, threat).with_start(Start::Clean);
    let bad = Array2::from_elem((24, 3), 1.0_f32);
    assert!(robust.loss(&vit, &forward, x.view(), bad.view(), &ids, [2, 8, 8], &training).is_err());
    assert!(
        robust
            .loss(&vit, &forward, x.view(), targets.view(), &ids[..3], [2, 8, 8], &training)
            .is_err()
    );
}

#[test]
fn losses_are_their_formulas() {
    // Without an attack (ε = 0) TRADES is cross-entropy and MART's divergence vanishes.
    let training = cpu().autodiff();
    let vit = tiny().init(1, &training).unwrap();
    let x = images(4);
    let labels = [0, 1, 2, 0];
    let targets =
        Array2::from_shape_fn((4, 3), |(i, c)| if labels[i] == c { 1.0_f32 } else { 0.0 });
    let z = network(vit.clone()).logits(x.view()).unwrap();
    let log_p: Vec<Vec<f64>> = z
        .outer_iter()
        .map(|z| {
            let lse = assay_array::numeric::log_sum_exp(&z.to_vec());
            z.iter().map(|z| z - lse).collect()
        })
        .collect();
    let ce: f64 = (0..4).map(|i| -log_p[i][labels[i]]).sum::<f64>() / 4.0;
    let bce: f64 = (0..4)
        .map(|i| {
            let rival =
                (0..3).filter(|c| *c != labels[i]).map(|c| log_p[i][c].exp()).fold(0.0, f64::max);
            -log_p[i][labels[i]] - (1.0 - rival + 1e-4).ln()
        })
        .sum::<f64>()
        / 4.0;
    let forward = |vit: &Vit, x: Tensor<4>| vit.forward(x);
    let ids = [0, 1, 2, 3];
    let none = Threat::new(Norm::Linf, 0.0);
    for (method, want) in [
        (Method::Adversarial, ce),
        (Method::Trades { beta: 6.0 }, ce),
        (Method::Mart { lambda: 5.0 }, bce),
    ] {
        let found = RobustTraining::new(method, none)
            .loss(&vit, &forward, x.view(), targets.view(), &ids, [2, 8, 8], &training)
            .unwrap();
        let got = f64::from(found.loss.into_scalar::<f32>());
        assert!((got - want).abs() < 1e-5, "{method:?}: {got}, {want}");
    }
    let logits = Tensor::<2>::from_floats([[0.0, 0.0]], &cpu());
    let half = Tensor::<2>::from_floats([[0.5, 0.5]], &cpu());
    assert!((soft_cross_entropy(logits, half).into_scalar::<f32>() - 2_f32.ln()).abs() < 1e-6);
}

#[test]
fn mixing_keeps_label_weights_and_pixels() {
    let x = images(8);
    let labels = [0, 1, 2, 3, 0, 1, 2, 3];
    let mut seen = [0; 3];
    for step in 0..60 {
        let mixing = Mixing::new().with_probabilities(0.7, 0.5).with_seed(3);
        let mixed = mixing.apply(x.view(), &labels, 4, [2, 8, 8], step).unwrap();
        assert_eq!(mixed, mixing.apply(x.view(), &labels, 4, [2, 8, 8], step).unwrap());
        assert!(mixed.targets.outer_iter().all(|t| (t.sum() - 1.0).abs() < 1e-6));
        assert!(mixed.images.iter().all(|x| (0.0..=1.0).contains(x)));
        let same =
            mixed.images.iter().zip(&x).filter(|(a, b)| a == b).count() as f64 / x.len() as f64;
        let copied = mixed
            .images
            .outer_iter()
            .all(|row| row.iter().enumerate().all(|(j, v)| x.column(j).iter().any(|w| w == v)));
        seen[if mixed.lambda == 1.0 {
            0
        } else if copied {
            1
        } else {
            2
        }] += 1;
        if copied && mixed.lambda < 1.0 {
            assert!(same >= mixed.lambda - 1e-9, "{same} {}", mixed.lambda);
        }
    }
    assert!(seen.iter().all(|s| *s > 5), "{seen:?}");
    let mixing = Mixing::new();
    assert!(mixing.apply(x.view(), &labels, 3, [2, 8, 8], 0).is_err());
    assert!(mixing.apply(x.view(), &labels[..2], 4, [2, 8, 8], 0).is_err());
    assert!(Mixing::new().with_alphas(0.0, 1.0).apply(x.view(), &labels, 4, [2, 8, 8], 0).is_err());
}

#[test]
fn schedules_are_the_published_ones() {
    let rate = |s: Schedule, at: f64| s.rate(at).unwrap();
    let cosine = Schedule::Cosine { max: 0.1, epochs: 40.0 };
    assert_eq!(rate(cosine, 0.0), 0.1);
    assert!((rate(cosine, 20.0) - (1e-4 + (0.1 - 1e-4) / 2.0)).abs() < 1e-12);
    assert!((rate(cosine, 40.0) - 1e-4).abs() < 1e-12 && rate(cosine, 50.0) == rate(cosine, 40.0));
    let steps = Schedule::Steps { max: 0.1, epochs: 10.0 };
    let got = [0.0, 4.9, 5.0, 7.9, 8.0].map(|at| rate(steps, at));
    for (got, want) in got.into_iter().zip([0.1, 0.1, 0.01, 0.01, 0.001]) {
        assert!((got - want).abs() < 1e-15);
    }
    assert!(cosine.rate(f64::NAN).is_err());
}
