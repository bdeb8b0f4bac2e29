//! Modules as safetensors files, in burn's layout or PyTorch's.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use assay_array::io::Dtype;
use assay_array::io::safetensors::SafeTensors;
use burn::module::Module;
use burn::store::{
    BurnToPyTorchAdapter, IdentityAdapter, ModuleAdapter, ModuleSnapshot, ModuleStore,
    PyTorchToBurnAdapter, SafetensorsStore, bridge,
};
use burn::tensor::{DType, TensorData};

use crate::Error;
use crate::convert::{check_range, read};

/// The names and layouts of the tensors in a module file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// burn's own: `Linear` weights are `[in, out]`, normalisation layers have `gamma` and `beta`.
    #[default]
    Burn,
    /// PyTorch's: `Linear` weights are `[out, in]`, normalisation layers have `weight` and `bias`,
    /// names leave out enum variants. `num_batches_tracked`, which PyTorch's batch normalisation
    /// has and burn's has not, is skipped when loading.
    PyTorch,
}

impl Layout {
    fn skips_enum_variants(self) -> bool {
        self == Self::PyTorch
    }

    fn ignores(self, name: &str) -> bool {
        self == Self::PyTorch && name.rsplit('.').next() == Some("num_batches_tracked")
    }

    fn saving(self) -> Box<dyn ModuleAdapter> {
        match self {
            Self::Burn => Box::new(IdentityAdapter),
            Self::PyTorch => Box::new(BurnToPyTorchAdapter),
        }
    }

    fn loading(self) -> Box<dyn ModuleAdapter> {
        match self {
            Self::Burn => Box::new(IdentityAdapter),
            Self::PyTorch => Box::new(PyTorchToBurnAdapter),
        }
    }
}

/// Writes the module's tensors to a safetensors file.
///
/// The file appears whole or not at all: it is written beside its place and renamed. An older file
/// of that name is replaced.
///
/// # Errors
/// [`Error::Save`] names the file and what went wrong.
///
/// # Examples
/// ```
/// use assay_tensor::{Layout, burn::nn::LinearConfig, device, load, save};
///
/// # #[cfg(feature = "flex")] {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("linear.safetensors");
/// let cpu = device("flex")?;
/// let trained = LinearConfig::new(3, 2).init(&cpu);
/// save(&trained, &path, Layout::PyTorch)?; // torch.nn.Linear(3, 2) loads it
///
/// let mut again = LinearConfig::new(3, 2).init(&cpu);
/// load(&mut again, &path, Layout::PyTorch)?;
/// assert_eq!(again.weight.val().to_data(), trained.weight.val().to_data());
/// # }
/// # Ok::<(), assay_tensor::Error>(())
/// ```
pub fn save<M: Module>(module: &M, path: impl AsRef<Path>, layout: Layout) -> Result<(), Error> {
    let path = path.as_ref();
    let store = SafetensorsStore::from_file(path)
        .overwrite(true)
        .skip_enum_variants(layout.skips_enum_variants());
    let mut store = match layout {
        Layout::Burn => store,
        Layout::PyTorch => store.with_to_adapter(BurnToPyTorchAdapter),
    };
    store
        .collect_from(module)
        .map_err(|error| Error::Save { path: path.to_owned(), reason: error.to_string() })
}

/// Reads a safetensors file into the module, which keeps its device and its element types.
///
/// All or nothing: the file must hold exactly the module's tensors, in their shapes, or the module
/// stays as it was. Floats are converted to the parameter's element type (`f16` and `bf16` files
/// load into an `f32` module), integers too if they fit.
///
/// # Errors
/// [`Error::Array`] for a file that cannot be read, is no safetensors file, is cut short, or whose
/// header claims more than the file holds; [`Error::Module`] for missing and unexpected tensors,
/// by name; [`Error::Shape`] and [`Error::DType`] for one that does not fit;
/// [`Error::TooLarge`] and [`Error::Overflow`] for a number that the parameter's type cannot hold.
pub fn load<M: Module>(
    module: &mut M,
    path: impl AsRef<Path>,
    layout: Layout,
) -> Result<(), Error> {
    load_named(module, path, layout, |name| Some(name.to_owned()))
}

/// As [`load`], for a file whose tensors have other names: `name` gives a tensor's name in the module,
/// or `None` for one to leave out.
///
/// # Errors
/// As [`load`]. Of two tensors of one name the second is unexpected.
pub fn load_named<M: Module>(
    module: &mut M,
    path: impl AsRef<Path>,
    layout: Layout,
    name: impl Fn(&str) -> Option<String>,
) -> Result<(), Error> {
    let path = path.as_ref();
    let file = SafeTensors::open(path)?;

    let skip = layout.skips_enum_variants();
    let wanted = module.collect(None, Some(layout.saving()), skip);
    // The file's name of each tensor by its name in the module.
    let mut offered: BTreeMap<String, &str> = BTreeMap::new();
    let mut unexpected = Vec::new();
    for info in file.infos().iter().filter(|info| !layout.ignores(&info.name)) {
        let Some(ours) = name(&info.name) else { continue };
        match offered.entry(ours) {
            Entry::Vacant(free) => _ = free.insert(&info.name),
            Entry::Occupied(_) => unexpected.push(info.name.clone()),
        }
    }
    let mut tensors = Vec::with_capacity(wanted.len());
    let mut missing = Vec::new();
    for wanted in wanted {
        let Some(stored) = offered.remove(&wanted.name) else {
            missing.push(wanted.name);
            continue;
        };
        let (info, bytes) = file.bytes(stored)?;
        let operation = format!("{}: tensor {}", path.display(), wanted.name);
        if wanted.shape[..] != info.shape {
            let (expected, got) = (wanted.shape.to_vec(), info.shape.clone());
            return Err(Error::Shape { operation, expected, got });
        }
        let data = convert(operation, &info.dtype, &info.shape, bytes, wanted.dtype)?;
        tensors.push(bridge::from_data(data, wanted.name, None));
    }
    unexpected.extend(offered.into_values().map(str::to_owned));
    if !missing.is_empty() || !unexpected.is_empty() {
        let reason = account(&missing, &unexpected);
        return Err(Error::Module { path: path.to_owned(), missing, unexpected, reason });
    }

    // Nothing can go wrong now: names, shapes and types are the module's own.
    let result = module.apply(tensors, None, Some(layout.loading()), skip);
    if result.is_success() && result.missing.is_empty() {
        return Ok(());
    }
    Err(Error::Module {
        path: path.to_owned(),
        missing: result.missing.into_iter().map(|(name, _)| name).collect(),
        unexpected: result.unused,
        reason: format!("burn refused it: {:?}", result.errors),
    })
}

/// A tensor's bytes as data of the element type that the parameter has.
fn convert(
    operation: String,
    stored: &Dtype,
    shape: &[usize],
    bytes: &[u8],
    wanted: DType,
) -> Result<TensorData, Error> {
    let dtype = match stored {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 => DType::U8,
        Dtype::Bool if wanted.is_bool() => {
            let values: Vec<bool> = bytes.iter().map(|&byte| byte != 0).collect();
            // cannot fail: the reader compared the shape with the bytes.
            return Ok(TensorData::new(values, shape.to_vec()));
        }
        _ => mismatch(&operation, wanted, stored)?,
    };
    let fits = (dtype.is_float() && wanted.is_float())
        || (is_integer(dtype) && is_integer(wanted) && (dtype == wanted || dtype != DType::U64))
        // burn saves booleans of GPUs in these widths.
        || (wanted.is_bool() && matches!(dtype, DType::U8 | DType::U32));
    if !fits {
        mismatch(&operation, wanted, stored)?;
    }
    let data = TensorData::try_from_bytes_vec(bytes.to_vec(), shape.to_vec(), dtype);
    let data = read(&operation, data.map_err(Into::into))?;
    if dtype == wanted || wanted.is_bool() {
        return Ok(data);
    }
    if is_integer(wanted) {
        check_range(&operation, wanted, data.iter::<i64>())?;
    }
    let cast = read(&operation, data.clone().try_cast(wanted).map_err(Into::into))?;
    let lost = |(was, is): (f64, f64)| was.is_finite() && !is.is_finite();
    if wanted.is_float()
        && let Some(index) = data.iter().zip(cast.iter()).position(lost)
    {
        let value = data.iter().nth(index).unwrap_or(f64::NAN);
        return Err(Error::TooLarge { operation, index, value, dtype: format!("{wanted:?}") });
    }
    Ok(cast)
}

fn mismatch<T>(operation: &str, wanted: DType, stored: &Dtype) -> Result<T, Error> {
    Err(Error::DType {
        operation: operation.to_owned(),
        expected: format!("{wanted:?}"),
        got: stored.to_string(),
    })
}

fn is_integer(dtype: DType) -> bool {
    dtype.is_int() || dtype.is_uint()
}

/// Names what is missing and what is too many, the first few of each.
fn account(missing: &[String], unexpected: &[String]) -> String {
    const SHOWN: usize = 8;
    let list = |what: &str, names: &[String]| {
        let more = match names.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("{what} {shown}{more}")
    };
    match (missing, unexpected) {
        (missing, []) => list("missing", missing),
        ([], unexpected) => list("unexpected", unexpected),
        (missing, unexpected) => {
            format!("{}; {}", list("missing", missing), list("unexpected", unexpected))
        }
    }
}
