use std::collections::HashMap;
use std::path::PathBuf;

use assay_tensor::burn;
use assay_tensor::burn::module::{Module, Param};
use assay_tensor::burn::nn::conv::{Conv2d, Conv2dConfig};
use assay_tensor::burn::nn::{
    BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig,
};
use assay_tensor::burn::prelude::{Device, Int, Tensor, TensorData};
use assay_tensor::burn::store::ModuleSnapshot;
use assay_tensor::burn::tensor::DType;
use assay_tensor::testing::SplitMix64;
use assay_tensor::{Error, Layout, device, load, load_named, save};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::TempDir;

/// Every layer whose layout the two libraries disagree about, and one they agree about.
#[derive(Module, Debug)]
struct Net {
    conv: Conv2d,
    batch: BatchNorm,
    hidden: Vec<Linear>,
    layer: LayerNorm,
    out: Linear,
}

impl Net {
    fn new(seed: u64, device: &Device) -> Self {
        let net = Self {
            conv: Conv2dConfig::new([1, 2], [3, 3]).init(device),
            batch: BatchNormConfig::new(2).init(device),
            hidden: vec![
                LinearConfig::new(4, 5).init(device),
                LinearConfig::new(5, 3).with_bias(false).init(device),
            ],
            layer: LayerNormConfig::new(3).init(device),
            out: LinearConfig::new(3, 2).init(device),
        };
        net.map(&mut Randomly(SplitMix64::new(seed)))
    }
}

struct Randomly(SplitMix64);

impl burn::module::ModuleMapper for Randomly {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let shape = tensor.dims();
            let values = (0..shape.iter().product()).map(|_| self.0.symmetric() as f32).collect();
            Tensor::from_data(TensorData::new(values, shape), &tensor.device())
        })
    }
}

fn tensors<M: Module>(module: &M) -> HashMap<String, TensorData> {
    let tensors = module.collect(None, None, false);
    tensors.iter().map(|t| (t.name.clone(), burn::store::bridge::to_data(t).unwrap())).collect()
}

fn cpu() -> Device {
    device("flex").unwrap()
}

fn file() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.safetensors");
    (dir, path)
}

fn write(path: &std::path::Path, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn round_trips_in_both_layouts() {
    for layout in [Layout::Burn, Layout::PyTorch] {
        let (dir, path) = file();
        let saved = Net::new(1, &cpu());
        save(&saved, &path, layout).unwrap();
        let mut loaded = Net::new(2, &cpu());
        assert_ne!(tensors(&loaded), tensors(&saved));
        load(&mut loaded, &path, layout).unwrap();
        assert_eq!(tensors(&loaded), tensors(&saved), "{layout:?}");
        // Saving again replaces the file and leaves nothing else behind.
        save(&Net::new(3, &cpu()), &path, layout).unwrap();
        load(&mut loaded, &path, layout).unwrap();
        assert_eq!(tensors(&loaded), tensors(&Net::new(3, &cpu())));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

#[test]
fn another_programs_names_are_translated() {
    let (_dir, path) = file();
    let weight = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    write(
        &path,
        &[
            ("model.fc.kernel", Dtype::F32, &[2, 3], bytes(&weight)),
            ("model.fc.offset", Dtype::F32, &[2], bytes(&[7.0, 8.0])),
            ("optimiser.step", Dtype::F32, &[1], bytes(&[9.0])),
        ],
    );
    let fresh = || LinearConfig::new(3, 2).init(&cpu());
    let ours = |name: &str| match name {
        "model.fc.kernel" => Some("weight".to_owned()),
        "model.fc.offset" => Some("bias".to_owned()),
        _ => None,
    };
    let mut linear = fresh();
    load_named(&mut linear, &path, Layout::PyTorch, ours).unwrap();
    // PyTorch keeps [out, in], burn [in, out].
    let transposed = TensorData::from([[1.0_f32, 4.0], [2.0, 5.0], [3.0, 6.0]]);
    assert_eq!(linear.weight.val().to_data(), transposed);
    assert_eq!(linear.bias.as_ref().unwrap().val().to_data(), TensorData::from([7.0_f32, 8.0]));

    // Two tensors for one place, one for none, and a place without any: the module stays as it was.
    let before = tensors(&linear);
    let twice =
        |name: &str| Some(if name.starts_with("model") { "weight" } else { "step" }.to_owned());
    match load_named(&mut linear, &path, Layout::PyTorch, twice) {
        Err(Error::Module { missing, mut unexpected, .. }) => {
            unexpected.sort();
            assert_eq!(missing, ["bias"]);
            assert_eq!(unexpected, ["model.fc.offset", "optimiser.step"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(tensors(&linear), before);
}

#[test]
fn names_and_shapes_in_the_file_are_the_layouts() {
    let (_dir, path) = file();
    let net = Net::new(1, &cpu());
    let header = |layout| {
        save(&net, &path, layout).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut shapes: Vec<_> =
            file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec())).collect();
        shapes.sort();
        shapes
    };
    let expected = |list: &[(&str, &[usize])]| -> Vec<_> {
        list.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
    };
    assert_eq!(
        header(Layout::PyTorch),
        expected(&[
            ("batch.bias", &[2]),
            ("batch.running_mean", &[2]),
            ("batch.running_var", &[2]),
            ("batch.weight", &[2]),
            ("conv.bias", &[2]),
            ("conv.weight", &[2, 1, 3, 3]),
            ("hidden.0.bias", &[5]),
            ("hidden.0.weight", &[5, 4]),
            ("hidden.1.weight", &[3, 5]),
            ("layer.bias", &[3]),
            ("layer.weight", &[3]),
            ("out.bias", &[2]),
            ("out.weight", &[2, 3]),
        ])
    );
    let burn = header(Layout::Burn);
    for (name, shape) in
        expected(&[("hidden.0.weight", &[4, 5]), ("layer.gamma", &[3]), ("batch.beta", &[2])])
    {
        assert!(burn.contains(&(name.clone(), shape)), "{name}: {burn:?}");
    }
}

#[test]
fn a_file_that_pytorch_would_write() {
    // y = W x + b with W = [[1, 2, 3], [4, 5, 6]] as PyTorch stores it: [out, in].
    let (_dir, path) = file();
    write(
        &path,
        &[
            ("weight", Dtype::F32, &[2, 3], bytes(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
            ("bias", Dtype::F32, &[2], bytes(&[0.5, -0.5])),
        ],
    );
    let mut linear = LinearConfig::new(3, 2).init(&cpu());
    load(&mut linear, &path, Layout::PyTorch).unwrap();
    let y = linear.forward(Tensor::<2>::from_floats([[1.0, 10.0, 100.0]], &cpu()));
    assert_eq!(y.to_data(), [[321.5_f32, 653.5]].into());
    // In burn's layout the same file does not fit.
    let error = load(&mut linear, &path, Layout::Burn).unwrap_err().to_string();
    assert!(
        error.ends_with("net.safetensors: tensor weight: expected shape [3, 2], got [2, 3]"),
        "{error}"
    );

    let mut norm = BatchNormConfig::new(2).init(&cpu());
    write(
        &path,
        &[
            ("weight", Dtype::F32, &[2], bytes(&[2.0, 3.0])),
            ("bias", Dtype::F32, &[2], bytes(&[0.0, 1.0])),
            ("running_mean", Dtype::F32, &[2], bytes(&[10.0, 20.0])),
            ("running_var", Dtype::F32, &[2], bytes(&[4.0, 9.0])),
            ("num_batches_tracked", Dtype::I64, &[], 7_i64.to_le_bytes().to_vec()),
        ],
    );
    load(&mut norm, &path, Layout::PyTorch).unwrap();
    assert_eq!(norm.gamma.val().to_data(), [2.0_f32, 3.0].into());
    assert_eq!(norm.beta.val().to_data(), [0.0_f32, 1.0].into());
    assert_eq!(norm.running_mean.value().to_data(), [10.0_f32, 20.0].into());
    assert_eq!(norm.running_var.value().to_data(), [4.0_f32, 9.0].into());
    // burn's layout has no such name.
    let error = load(&mut norm, &path, Layout::Burn).unwrap_err();
    let Error::Module { missing, unexpected, .. } = &error else { panic!("{error}") };
    assert_eq!(missing, &["gamma", "beta"]);
    assert_eq!(unexpected, &["bias", "num_batches_tracked", "weight"]);
    assert!(
        error
            .to_string()
            .ends_with("missing gamma, beta; unexpected bias, num_batches_tracked, weight"),
        "{error}"
    );
}

#[test]
fn values_take_the_modules_element_type() {
    let (_dir, path) = file();
    let weight = |dtype, bytes| write(&path, &[("weight", dtype, &[1, 2], bytes)]);
    let new = || LinearConfig::new(2, 1).with_bias(false).init(&cpu());
    let mut linear = new();
    weight(Dtype::F16, [0x3C00_u16, 0xC000].iter().flat_map(|v| v.to_le_bytes()).collect());
    load(&mut linear, &path, Layout::PyTorch).unwrap();
    assert_eq!(linear.weight.val().to_data(), [[1.0_f32], [-2.0]].into());
    weight(Dtype::BF16, [0x3FC0_u16, 0x0000].iter().flat_map(|v| v.to_le_bytes()).collect());
    load(&mut linear, &path, Layout::PyTorch).unwrap();
    assert_eq!(linear.weight.val().to_data(), [[1.5_f32], [0.0]].into());
    weight(Dtype::F64, [0.1_f64, f64::INFINITY].iter().flat_map(|v| v.to_le_bytes()).collect());
    load(&mut linear, &path, Layout::PyTorch).unwrap();
    assert_eq!(linear.weight.val().to_data(), [[0.1_f32], [f32::INFINITY]].into());

    let before = tensors(&linear);
    weight(Dtype::F64, [0.1_f64, 1e300].iter().flat_map(|v| v.to_le_bytes()).collect());
    assert!(matches!(
        load(&mut linear, &path, Layout::PyTorch),
        Err(Error::TooLarge { value: 1e300, .. })
    ));
    weight(Dtype::I32, vec![0; 8]);
    let error = load(&mut linear, &path, Layout::PyTorch).unwrap_err().to_string();
    assert!(error.ends_with("tensor weight: expected elements of type F32, got i32"), "{error}");
    assert_eq!(tensors(&linear), before);

    let mut counts = Counts::new(&cpu());
    write(
        &path,
        &[("counts", Dtype::I64, &[2], [5_i64, -7].iter().flat_map(|v| v.to_le_bytes()).collect())],
    );
    load(&mut counts, &path, Layout::Burn).unwrap();
    assert_eq!(counts.counts.val().dtype(), DType::I32);
    assert_eq!(counts.counts.val().to_data(), [5_i32, -7].into());
    write(
        &path,
        &[(
            "counts",
            Dtype::I64,
            &[2],
            [5_i64, 1 << 40].iter().flat_map(|v| v.to_le_bytes()).collect(),
        )],
    );
    let error = load(&mut counts, &path, Layout::Burn).unwrap_err().to_string();
    assert!(
        error.ends_with("tensor counts: 1099511627776 at flat index 1 does not fit I32"),
        "{error}"
    );
}

#[derive(Module, Debug)]
struct Counts {
    counts: Param<Tensor<1, Int>>,
}

impl Counts {
    fn new(device: &Device) -> Self {
        let zeros = Tensor::<1, Int>::zeros([2], device);
        Self { counts: Param::initialized(burn::module::ParamId::new(), zeros) }
    }
}

#[test]
fn loaded_parameters_still_train() {
    let (_dir, path) = file();
    let training = cpu().autodiff();
    save(&Net::new(1, &training), &path, Layout::PyTorch).unwrap();
    let mut net = Net::new(2, &training);
    load(&mut net, &path, Layout::PyTorch).unwrap();
    let weight = net.out.weight.val();
    assert!(weight.is_require_grad());
    let x = Tensor::<2>::ones([1, 3], &training);
    let gradients = net.out.forward(x).sum().backward();
    assert_eq!(weight.grad(&gradients).unwrap().dims(), [3, 2]);
}

#[test]
fn missing_unexpected_and_misshaped_leave_the_module_alone() {
    let (_dir, path) = file();
    let mut linear = LinearConfig::new(3, 2).init(&cpu());
    let before = tensors(&linear);
    let good = ("weight", Dtype::F32, &[2, 3][..], bytes(&[9.0; 6]));
    let cases: [(&[_], &str); 4] = [
        (std::slice::from_ref(&good), "missing bias"),
        (
            &[
                good.clone(),
                ("bias", Dtype::F32, &[2], bytes(&[9.0; 2])),
                ("extra", Dtype::F32, &[0], vec![]),
            ],
            "unexpected extra",
        ),
        (
            &[good.clone(), ("bias", Dtype::F32, &[3], bytes(&[9.0; 3]))],
            "tensor bias: expected shape [2], got [3]",
        ),
        (&[], "missing weight, bias"),
    ];
    for (tensors_in_file, message) in cases {
        write(&path, tensors_in_file);
        let error = load(&mut linear, &path, Layout::PyTorch).unwrap_err().to_string();
        assert!(error.ends_with(message), "{error}");
        assert!(error.contains("net.safetensors"), "{error}");
        assert_eq!(tensors(&linear), before);
    }
    // Long lists are cut.
    let names: Vec<String> = (0..20).map(|i| format!("t{i:02}")).collect();
    let many: Vec<_> =
        names.iter().map(|name| (name.as_str(), Dtype::U8, &[0][..], vec![])).collect();
    write(&path, &many);
    let error = load(&mut linear, &path, Layout::PyTorch).unwrap_err().to_string();
    assert!(
        error.ends_with("unexpected t00, t01, t02, t03, t04, t05, t06, t07 and 12 more"),
        "{error}"
    );
}

#[test]
fn corrupt_files_are_errors() {
    let (dir, path) = file();
    let mut linear = LinearConfig::new(3, 2).init(&cpu());
    let before = tensors(&linear);
    save(&linear, &path, Layout::Burn).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = load(&mut linear, &path, Layout::Burn).unwrap_err();
        assert!(matches!(error, Error::Array(_)), "{length} bytes: {error}");
    }
    std::fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    assert!(matches!(load(&mut linear, &path, Layout::Burn), Err(Error::Array(_))));

    let huge = "[2305843009213693951]"; // 2^61 − 1
    let near = u64::MAX;
    for header in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".repeat(100_000),
        r#"{"weight":7}"#.to_owned(),
        r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#.to_owned(),
        r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#.to_owned(),
        r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#.to_owned(),
        r#"{"weight":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#
            .to_owned(),
        format!(
            r#"{{"weight":{{"dtype":"U8","shape":{huge},"data_offsets":[0,2305843009213693951]}}}}"#
        ),
        format!(r#"{{"weight":{{"dtype":"U8","shape":[0],"data_offsets":[{near},{near}]}}}}"#),
        // Eight tensors that end just below 2^64, where a sum with the header's length wraps.
        format!(
            "{{{}}}",
            (0..8_u64)
                .map(|i| {
                    let (start, end) =
                        (i * 2_305_843_009_213_693_951, (i + 1) * 2_305_843_009_213_693_951);
                    format!(
                        r#""t{i}":{{"dtype":"U8","shape":{huge},"data_offsets":[{start},{end}]}}"#
                    )
                })
                .collect::<Vec<_>>()
                .join(",")
        ),
    ] {
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 8]].concat();
        std::fs::write(&path, file).unwrap();
        let error = load(&mut linear, &path, Layout::Burn).unwrap_err();
        assert!(matches!(error, Error::Array(_)), "{header:.60}: {error}");
    }
    for length in [9, 1 << 40, u64::MAX] {
        std::fs::write(&path, [&length.to_le_bytes()[..], b"{}"].concat()).unwrap();
        let error = load(&mut linear, &path, Layout::Burn).unwrap_err();
        assert!(matches!(error, Error::Array(_)), "{error}");
        assert!(error.to_string().contains("net.safetensors"), "{error}");
    }
    let missing = dir.path().join("missing.safetensors");
    assert!(matches!(load(&mut linear, missing, Layout::Burn), Err(Error::Array(_))));
    assert!(matches!(load(&mut linear, dir.path(), Layout::Burn), Err(Error::Array(_))));
    assert!(save(&linear, dir.path().join("no/such/folder/x.safetensors"), Layout::Burn).is_err());
    assert_eq!(tensors(&linear), before);
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let (dir, path) = file();
    std::fs::create_dir(&path).unwrap(); // a folder cannot be replaced by a file
    let linear = LinearConfig::new(3, 2).init(&cpu());
    assert!(save(&linear, &path, Layout::Burn).is_err());
    assert!(path.is_dir());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(position in 0_usize..400, byte: u8, tail in prop::collection::vec(any::<u8>(), 0..40)) {
        let (_dir, path) = file();
        let mut linear = LinearConfig::new(3, 2).init(&cpu());
        save(&linear, &path, Layout::PyTorch).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        bytes[position % length] = byte;
        let _ = std::fs::write(&path, &bytes);
        let _ = load(&mut linear, &path, Layout::PyTorch);
        let _ = std::fs::write(&path, &tail);
        prop_assert!(load(&mut linear, &path, Layout::PyTorch).is_err());
    }
}
