//! Devices by name: parsed, checked, probed.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use burn::prelude::{Device, Tensor, TensorData};
use burn::tensor::DType;
use thiserror::Error;

/// A backend that [`device`] knows by name. Its name is also the Cargo feature that compiles it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    /// burn's CPU backend, the default.
    Flex,
    /// burn's older CPU backend, which burn 0.23 removes.
    NdArray,
    /// Vulkan, Metal, DirectX 12 or OpenGL through wgpu.
    Wgpu,
    /// NVIDIA GPUs.
    Cuda,
}

impl Backend {
    /// Every backend, compiled in or not.
    pub const ALL: [Self; 4] = [Self::Flex, Self::NdArray, Self::Wgpu, Self::Cuda];

    /// The name that [`device`] takes, which is also the Cargo feature's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::NdArray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// True if this build has the backend.
    pub fn is_compiled(self) -> bool {
        match self {
            Self::Flex => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }

    fn is_gpu(self) -> bool {
        matches!(self, Self::Wgpu | Self::Cuda)
    }

    /// The devices of a compiled backend that the machine reports. May panic inside a GPU driver.
    fn list(self) -> Vec<Device> {
        match self {
            #[cfg(feature = "flex")]
            Self::Flex => vec![Device::flex()],
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)] // kept while burn 0.22 has it, because users have it
            Self::NdArray => vec![Device::ndarray()],
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec(),
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec(),
            #[allow(unreachable_patterns)] // reachable unless every backend is compiled in
            _ => Vec::new(),
        }
    }

    /// The device for a specification without an index.
    fn preferred(self, listed: &Device) -> Device {
        match self {
            // wgpu lists adapters in the driver's order; its default is the high-power one.
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(burn::prelude::DeviceKind::DefaultDevice),
            _ => listed.clone(),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why [`device`] could not give a device.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No backend has that name.
    #[error("device {spec:?}: no such backend, known are flex, ndarray, wgpu and cuda")]
    Unknown {
        /// What was asked for.
        spec: String,
    },
    /// What follows the colon is not an index.
    #[error("device {spec:?}: expected a decimal index after the colon, got {index:?}")]
    BadIndex {
        /// What was asked for.
        spec: String,
        /// The text after the colon.
        index: String,
    },
    /// The backend exists, but this build does not have it.
    #[error(
        "device \"{backend}\": this build has no {backend} backend, \
         compile with the Cargo feature \"{backend}\" of assay-tensor"
    )]
    NotCompiled {
        /// The backend, whose name is also the missing Cargo feature's.
        backend: Backend,
    },
    /// The backend works, but has fewer devices.
    #[error("device \"{backend}:{index}\": expected an index below {count}, got {index}")]
    OutOfRange {
        /// The backend.
        backend: Backend,
        /// The index asked for.
        index: usize,
        /// How many devices the backend has on this machine.
        count: usize,
    },
    /// The backend is compiled in, but does not work on this machine.
    #[error("device \"{backend}\": unavailable on this machine: {reason}")]
    Unavailable {
        /// The backend.
        backend: Backend,
        /// What the probe met.
        reason: String,
    },
}

/// The device that a specification names: `"flex"`, `"ndarray"`, `"wgpu"`, `"cuda"`, or one of
/// several with an index, `"cuda:1"`. It can be used at once; add `.autodiff()` to train on it.
///
/// Names are exact: no spaces, no capitals. `"cuda"` is `"cuda:0"`. `"wgpu"` is the adapter that
/// wgpu prefers (high-power first; the environment variable `CUBECL_WGPU_DEFAULT_DEVICE` overrides
/// it), while `"wgpu:i"` is the i-th of those that [`available`] lists; burn treats the two as
/// different devices even if they are one card.
///
/// A GPU is probed once per process: its driver lists the devices, and the one asked for adds 1 to
/// 1, on a thread of its own so that a panic in a driver ends there, as
/// [`DeviceError::Unavailable`]. The probe fixes the GPU's default element types (burn does so when
/// a device's first tensor is made), so name the dtype where it matters.
///
/// # Errors
/// [`DeviceError`] says whether the name, the build, the index or the machine is at fault.
///
/// # Examples
/// ```
/// use assay_tensor::{Backend, DeviceError, device};
///
/// # #[cfg(feature = "flex")]
/// let cpu = device("flex")?;
/// assert!(matches!(device("fpga"), Err(DeviceError::Unknown { .. })));
/// match device("cuda") {
///     Ok(gpu) => println!("training on {gpu:?}"),
///     Err(error) => println!("{error}"), // names the feature to enable, or what the probe met
/// }
/// # Ok::<(), DeviceError>(())
/// ```
pub fn device(spec: &str) -> Result<Device, DeviceError> {
    let (name, index) = match spec.split_once(':') {
        Some((name, index)) => (name, Some(index)),
        None => (spec, None),
    };
    let backend = Backend::ALL
        .into_iter()
        .find(|backend| backend.name() == name)
        .ok_or_else(|| DeviceError::Unknown { spec: spec.to_owned() })?;
    let index = index.map(|text| parse_index(spec, text)).transpose()?;
    if !backend.is_compiled() {
        return Err(DeviceError::NotCompiled { backend });
    }
    PROBES.lock().open(backend, index)
}

/// The specifications that [`device`] accepts on this machine, for instance
/// `["flex", "wgpu:0", "wgpu:1"]`: one for each CPU backend, one for each GPU of a GPU backend.
///
/// The first call probes every GPU; later calls reuse what it found.
///
/// # Examples
/// ```
/// # #[cfg(feature = "flex")]
/// assert!(assay_tensor::available().contains(&"flex".to_owned()));
/// ```
pub fn available() -> Vec<String> {
    let mut probes = PROBES.lock();
    let mut specs = Vec::new();
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_compiled()) {
        let count = probes.listed(backend).map_or(0, <[_]>::len);
        for index in 0..count {
            if probes.open(backend, Some(index)).is_ok() {
                specs.push(if backend.is_gpu() {
                    format!("{backend}:{index}")
                } else {
                    backend.to_string()
                });
            }
        }
    }
    specs
}

fn parse_index(spec: &str, text: &str) -> Result<usize, DeviceError> {
    let bad = || DeviceError::BadIndex { spec: spec.to_owned(), index: text.to_owned() };
    // `usize::from_str` alone would accept "+1".
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    text.parse().map_err(|_| bad())
}

/// What probing found so far. One lock around it all: graphics drivers do not like being
/// initialised on several threads at once.
static PROBES: Probes =
    Probes(Mutex::new(Found { lists: BTreeMap::new(), opened: BTreeMap::new() }));

struct Probes(Mutex<Found>);

impl Probes {
    fn lock(&self) -> MutexGuard<'_, Found> {
        // Nothing panics while the lock is held; if it did, the maps would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Found {
    lists: BTreeMap<Backend, Result<Vec<Device>, DeviceError>>,
    opened: BTreeMap<(Backend, Option<usize>), Result<Device, DeviceError>>,
}

impl Found {
    /// The devices of a compiled backend, at least one.
    fn listed(&mut self, backend: Backend) -> Result<&[Device], DeviceError> {
        self.lists
            .entry(backend)
            .or_insert_with(|| {
                let devices = if backend.is_gpu() {
                    isolate(move || backend.list())
                        .map_err(|reason| DeviceError::Unavailable { backend, reason })?
                } else {
                    backend.list()
                };
                if devices.is_empty() {
                    let reason = match backend {
                        Backend::Cuda => "no NVIDIA driver library, or no GPU behind it",
                        _ => "no graphics driver offers an adapter",
                    };
                    return Err(DeviceError::Unavailable { backend, reason: reason.to_owned() });
                }
                Ok(devices)
            })
            .as_deref()
            .map_err(Clone::clone)
    }

    fn open(&mut self, backend: Backend, index: Option<usize>) -> Result<Device, DeviceError> {
        let listed = self.listed(backend)?;
        let count = listed.len();
        let device = match index {
            None => backend.preferred(&listed[0]), // cannot fail: `listed` is not empty
            Some(index) => match listed.get(index) {
                Some(device) => device.clone(),
                None => return Err(DeviceError::OutOfRange { backend, index, count }),
            },
        };
        if !backend.is_gpu() {
            return Ok(device);
        }
        self.opened
            .entry((backend, index))
            .or_insert_with(|| {
                let probed = device.clone();
                match isolate(move || add_one(&probed)) {
                    Ok(Ok(())) => Ok(device),
                    Ok(Err(reason)) | Err(reason) => {
                        Err(DeviceError::Unavailable { backend, reason })
                    }
                }
            })
            .clone()
    }
}

/// Whether a device computes in an element type, as far as one logarithm can tell.
///
/// A driver may offer `f64` and have no `f64` logarithm, as shaders have none: Mesa's software Vulkan does
/// so, and `ln 2` on it is another number. [`Device::supports_dtype`](burn::prelude::Device) asks the driver
/// alone; this asks the device too, for floating-point types, and remembers the answer.
///
/// ```
/// use assay_tensor::{burn::tensor::DType, computes_in, device};
///
/// # #[cfg(feature = "flex")]
/// assert!(computes_in(&device("flex")?, DType::F64));
/// # Ok::<(), assay_tensor::DeviceError>(())
/// ```
pub fn computes_in(device: &Device, dtype: DType) -> bool {
    static FOUND: Mutex<Vec<(Device, DType, bool)>> = Mutex::new(Vec::new());
    if !device.supports_dtype(dtype) {
        return false;
    }
    if !dtype.is_float() {
        return true;
    }
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, _, known)) = found.iter().find(|(d, t, _)| d == device && *t == dtype) {
        return *known;
    }
    let probed = device.clone();
    let computes = isolate(move || {
        let two = Tensor::<1>::from_data(TensorData::from([2.0]), (&probed, dtype));
        let ln_2 = two.log().try_into_scalar::<f64>().unwrap_or(f64::NAN);
        // Half precision has three digits.
        let tolerance = if dtype == DType::F64 { 1e-12 } else { 1e-2 };
        (ln_2 - std::f64::consts::LN_2).abs() < tolerance
    });
    let computes = computes == Ok(true);
    found.push((device.clone(), dtype, computes));
    computes
}

/// One upload, one operation, one read-back.
fn add_one(device: &Device) -> Result<(), String> {
    let sum = Tensor::<1>::from_floats([1.0], device) + 1.0;
    match sum.try_into_scalar::<f32>() {
        Ok(2.0) => Ok(()),
        Ok(other) => Err(format!("1 + 1 gave {other}")),
        Err(error) => Err(error.to_string()),
    }
}

const PROBE_THREAD: &str = "assay-device-probe";
/// cubecl runs each GPU on a thread with a name like "DSU-0-0"; a panic there reaches the prober
/// as a closed channel.
const CUBECL_THREADS: &str = "DS";
static PROBING: AtomicBool = AtomicBool::new(false);

/// Runs `probe` on a thread of its own. A panic there becomes its message and is not printed.
fn isolate<R: Send + 'static>(probe: impl FnOnce() -> R + Send + 'static) -> Result<R, String> {
    silence_probes();
    PROBING.store(true, Ordering::SeqCst);
    let outcome = thread::Builder::new()
        .name(PROBE_THREAD.to_owned())
        .spawn(probe)
        .map_err(|error| format!("cannot start a thread to probe it: {error}"))
        .and_then(|thread| {
            thread.join().map_err(|payload| format!("the driver panicked: {}", message(&*payload)))
        });
    PROBING.store(false, Ordering::SeqCst);
    outcome
}

/// Wraps the process's panic hook, once, by one that says nothing about panics of a probe. Other
/// threads' panics go to the hook that was there.
fn silence_probes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where a panic ends the process its message is all there is.
        if cfg!(panic = "abort") {
            return;
        }
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = thread::current()
                .name()
                .is_some_and(|name| name == PROBE_THREAD || name.starts_with(CUBECL_THREADS));
            if !(ours && PROBING.load(Ordering::SeqCst)) {
                previous(info);
            }
        }));
    });
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_probe_becomes_its_message() {
        let reason = isolate(|| -> () { panic!("no {} here", "libcuda") }).unwrap_err();
        assert_eq!(reason, "the driver panicked: no libcuda here");
        assert_eq!(isolate(|| 7), Ok(7));
    }

    #[test]
    #[cfg(feature = "flex")]
    fn the_probe_accepts_a_working_device() {
        assert_eq!(add_one(&Device::flex()), Ok(()));
    }
}
