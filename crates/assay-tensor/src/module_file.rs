//! Modules as safetensors files, in burn's layout or PyTorch's.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::store::{
    BurnToPyTorchAdapter, IdentityAdapter, ModuleAdapter, ModuleSnapshot, ModuleStore,
    PyTorchToBurnAdapter, SafetensorsStore, SafetensorsStoreError, bridge,
};
use burn::tensor::{BoolStore, DType, TensorData};
use safetensors::{Dtype, SafeTensors};

use crate::Error;
use crate::convert::check_range;

/// The largest header that the safetensors format allows.
const LARGEST_HEADER: usize = 100_000_000;

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
/// [`Error::Io`] and [`Error::File`] name the file and what went wrong.
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
    store.collect_from(module).map_err(|error| match error {
        SafetensorsStoreError::Io(source) => Error::Io { path: path.to_owned(), source },
        other => file_error(path, other.to_string()),
    })
}

/// Reads a safetensors file into the module, which keeps its device and its element types.
///
/// All or nothing: the file must hold exactly the module's tensors, in their shapes, or the module
/// stays as it was. Floats are converted to the parameter's element type (`f16` and `bf16` files
/// load into an `f32` module), integers too if they fit.
///
/// # Errors
/// [`Error::Io`]; [`Error::File`] for a file that is no safetensors file, is cut short, or whose
/// header claims more than the file holds; [`Error::Module`] for missing and unexpected tensors,
/// by name; [`Error::Shape`] and [`Error::DType`] for one that does not fit;
/// [`Error::TooLarge`] and [`Error::Overflow`] for a number that the parameter's type cannot hold.
pub fn load<M: Module>(
    module: &mut M,
    path: impl AsRef<Path>,
    layout: Layout,
) -> Result<(), Error> {
    let path = path.as_ref();
    let bytes = read(path)?;
    check_offsets(path, &bytes)?;
    let file =
        SafeTensors::deserialize(&bytes).map_err(|error| file_error(path, error.to_string()))?;

    let skip = layout.skips_enum_variants();
    let wanted = module.collect(None, Some(layout.saving()), skip);
    let mut offered: BTreeMap<_, _> =
        file.iter().filter(|(name, _)| !layout.ignores(name)).collect();
    let mut tensors = Vec::with_capacity(wanted.len());
    let mut missing = Vec::new();
    for wanted in wanted {
        match offered.remove(wanted.name.as_str()) {
            None => missing.push(wanted.name),
            Some(view) => {
                let operation = || format!("{}: tensor {}", path.display(), wanted.name);
                if wanted.shape[..] != *view.shape() {
                    return Err(Error::Shape {
                        operation: operation(),
                        expected: wanted.shape.to_vec(),
                        got: view.shape().to_vec(),
                    });
                }
                let data = convert(&operation, &view, wanted.dtype)?;
                tensors.push(bridge::from_data(data, wanted.name, None));
            }
        }
    }
    let unexpected: Vec<String> = offered.into_keys().map(str::to_owned).collect();
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

fn file_error(path: &Path, reason: impl Into<String>) -> Error {
    Error::File { path: path.to_owned(), reason: reason.into() }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    // A pipe or a device would never end.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(file_error(path, "not a regular file"));
    }
    std::fs::read(path).map_err(io)
}

/// Refuses headers whose offsets lie outside the file, before `safetensors` adds them up: offsets
/// near 2⁶⁴ overflow there.
fn check_offsets(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(file_error(path, format!("{} bytes are no safetensors file", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    let Some(header) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else {
        let left = rest.len();
        return Err(file_error(path, format!("a header of {length} bytes, {left} in the file")));
    };
    if header.len() > LARGEST_HEADER {
        return Err(file_error(path, format!("a header of {length} bytes")));
    }
    let data = (rest.len() - header.len()) as u64;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)
        .map_err(|error| file_error(path, format!("the header is not JSON: {error}")))?;
    for (name, entry) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let Some(offsets) = entry.get("data_offsets") else { continue };
        let end = offsets.get(1).and_then(serde_json::Value::as_u64);
        if end.is_none_or(|end| end > data) {
            let reason = format!("tensor {name} at bytes {offsets} of {data}");
            return Err(file_error(path, reason));
        }
    }
    Ok(())
}

/// A tensor's data in the element type that the parameter has.
fn convert(
    operation: &impl Fn() -> String,
    view: &safetensors::tensor::TensorView<'_>,
    wanted: DType,
) -> Result<TensorData, Error> {
    let mismatch = || Error::DType {
        operation: operation(),
        expected: format!("{wanted:?}"),
        got: format!("{:?}", view.dtype()),
    };
    let dtype = match view.dtype() {
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
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool(BoolStore::Native),
        _ => return Err(mismatch()),
    };
    // burn stores booleans as the device likes them, and reads these widths back.
    let fits = (dtype.is_float() && wanted.is_float())
        || (is_integer(dtype) && is_integer(wanted) && (dtype == wanted || dtype != DType::U64))
        || (wanted.is_bool() && (dtype.is_bool() || matches!(dtype, DType::U8 | DType::U32)));
    if !fits {
        return Err(mismatch());
    }
    if dtype.is_bool()
        && let Some(index) = view.data().iter().position(|&byte| byte > 1)
    {
        let value = view.data()[index].into();
        return Err(Error::Overflow { operation: operation(), index, value, dtype: "bool".into() });
    }
    let data = TensorData::try_from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), dtype)
        .map_err(|error| read_error(operation, error))?;
    if dtype == wanted || wanted.is_bool() {
        return Ok(data);
    }
    if is_integer(wanted) {
        check_range(&operation(), wanted, data.iter::<i64>())?;
    }
    let cast = data.clone().try_cast(wanted).map_err(|error| read_error(operation, error))?;
    let lost = |(was, is): (f64, f64)| was.is_finite() && !is.is_finite();
    if wanted.is_float()
        && let Some(index) = data.iter().zip(cast.iter()).position(lost)
    {
        let value = data.iter().nth(index).unwrap_or(f64::NAN);
        return Err(Error::TooLarge {
            operation: operation(),
            index,
            value,
            dtype: format!("{wanted:?}"),
        });
    }
    Ok(cast)
}

fn is_integer(dtype: DType) -> bool {
    dtype.is_int() || dtype.is_uint()
}

fn read_error(operation: &impl Fn() -> String, error: burn::tensor::DataError) -> Error {
    Error::Read { operation: operation(), source: error.into() }
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
