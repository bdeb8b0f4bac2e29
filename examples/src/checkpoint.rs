//! A training on disk, so that a run that was stopped can go on.
//!
//! A pass is kept in two files that bear its number, the network (`net-7.safetensors`) and the optimiser
//! (`optimiser-7.bpk`), and `state.json` names the pass. The state is written last and whole: whenever the
//! run is stopped, it names files that are complete.

use std::path::{Path, PathBuf};

use assay_tensor::burn::module::{Module, ModuleMapper, Param, ParamId};
use assay_tensor::burn::tensor::Tensor;
use assay_tensor::{Layout, load, save};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::train::Training;

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    /// Passes done.
    passes: usize,
    /// What was trained, in the program's own words: a run that means something else must not go on.
    settings: String,
}

/// Why a checkpoint cannot be written or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The system cannot read or write.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state is no state.
    #[error("cannot use {}: {source}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The optimiser's file cannot be read or written.
    #[error("cannot use {}: {reason}", path.display())]
    Optimiser {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The network's file cannot be read or written.
    #[error(transparent)]
    Net(#[from] assay_tensor::Error),
    /// The checkpoint is of another training.
    #[error(
        "the checkpoint in {} is of another training:\n  there: {there}\n  here:  {here}\n\
         name another folder with `--out DIR`, or the same settings",
        folder.display()
    )]
    Other {
        /// The folder.
        folder: PathBuf,
        /// What the checkpoint is of.
        there: String,
        /// What was asked for.
        here: String,
    },
    /// The files cannot be written whole.
    #[error(transparent)]
    Write(#[from] assay_report::Error),
}

fn net_file(folder: &Path, passes: usize) -> PathBuf {
    folder.join(format!("net-{passes}.safetensors"))
}

fn optimiser_file(folder: &Path, passes: usize) -> PathBuf {
    folder.join(format!("optimiser-{passes}.bpk"))
}

/// Writes the training into a folder and removes the files of the pass before.
///
/// # Errors
/// When something cannot be written; then the checkpoint before is still there.
pub fn write<M: Module>(
    training: &Training<M>,
    folder: &Path,
    settings: &str,
) -> Result<(), CheckpointError> {
    let file = |path: &Path, source| CheckpointError::File { path: path.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(|error| file(folder, error))?;
    let passes = training.passes;
    // `valid` brings the running means of normalisation layers up to date, which otherwise lag by a step.
    save(&training.net.valid(), net_file(folder, passes), Layout::Burn)?;
    let path = optimiser_file(folder, passes);
    training.optimiser.save(&path).map_err(|error| CheckpointError::Optimiser {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let state = State { passes, settings: settings.to_owned() };
    let text = serde_json::to_string_pretty(&state)
        .map_err(|source| CheckpointError::State { path: folder.join("state.json"), source })?;
    assay_report::write_whole(folder, &[("state.json", text)])?;
    if let Some(before) = passes.checked_sub(1) {
        // They are in nobody's way: that one cannot be removed is no reason to stop.
        for path in [net_file(folder, before), optimiser_file(folder, before)] {
            std::fs::remove_file(path).ok();
        }
    }
    Ok(())
}

/// Goes on from the checkpoint in a folder, or begins with `fresh` when there is none.
///
/// # Errors
/// When there is one that cannot be used, or that is of other settings.
pub fn resume<M: Module>(
    fresh: Training<M>,
    folder: &Path,
    settings: &str,
) -> Result<Training<M>, CheckpointError> {
    let path = folder.join("state.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(fresh),
        Err(source) => return Err(CheckpointError::File { path, source }),
    };
    let state: State =
        serde_json::from_str(&text).map_err(|source| CheckpointError::State { path, source })?;
    if state.settings != settings {
        return Err(CheckpointError::Other {
            folder: folder.to_owned(),
            there: state.settings,
            here: settings.to_owned(),
        });
    }
    let mut net = fresh.net;
    load(&mut net, net_file(folder, state.passes), Layout::Burn)?;
    let path = optimiser_file(folder, state.passes);
    let optimiser = fresh
        .optimiser
        .load(&path)
        .map_err(|error| CheckpointError::Optimiser { path, reason: error.to_string() })?;
    Ok(Training { net, optimiser, passes: state.passes })
}

/// The network with its parameters numbered in their order. An optimiser knows its parameters by their
/// numbers: those of a run that goes on must be those of the run that stopped.
pub fn numbered<M: Module>(net: M) -> M {
    net.map(&mut Numbered(0))
}

/// Gives parameters the numbers 1, 2, 3, …
struct Numbered(u64);

impl ModuleMapper for Numbered {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1;
        Param::initialized(ParamId::from(self.0), param.val())
    }
}

#[cfg(test)]
mod tests {
    use assay_array::random::{normal, stream};
    use assay_tensor::burn::optim::AdamConfig;
    use assay_tensor::burn::tensor::{DType, Tensor, TensorData};

    use super::*;
    use crate::train::cross_entropy;
    use crate::train::{NotFinite, Schedule};
    use crate::wide_resnet::WideResNet;

    /// A pass after a restart is the pass without one, to the last bit: weights, what the optimiser
    /// remembers, and the running means of the normalisation.
    #[test]
    fn a_run_that_was_stopped_goes_on_as_if_it_had_not() {
        let device = assay_tensor::device("flex").unwrap().autodiff();
        let mut rng = stream(1, "checkpoint test", 0);
        let values: Vec<f32> = (0..2 * 3 * 32 * 32).map(|_| normal(&mut rng) as f32).collect();
        let images = |device| {
            let data = TensorData::new(values.clone(), [2, 3, 32, 32]);
            Tensor::<4>::from_data(data, (device, DType::F32))
        };
        let fresh = |seed| Training {
            net: WideResNet::new(1, 1, 2, seed, &device),
            optimiser: AdamConfig::new().init(),
            passes: 0,
        };
        let run = |training: Training<WideResNet>, folder: Option<&Path>, passes: usize| {
            training
                .run(
                    &[0, 1],
                    &Schedule { passes, batch: 2, learning_rate: 1e-2 },
                    3,
                    |net: &WideResNet, _, _| {
                        let targets = vec![1.0, 0.0, 0.0, 1.0];
                        Ok::<_, NotFinite>(cross_entropy(net.forward(images(&device)), targets))
                    },
                    |training, _| {
                        if let Some(folder) = folder {
                            write(training, folder, "test").unwrap();
                        }
                        Ok(())
                    },
                )
                .unwrap()
        };
        let dir = tempfile::tempdir().unwrap();
        let first = run(fresh(1), Some(dir.path()), 1);
        let mut again = resume(fresh(2), dir.path(), "test").unwrap();
        again.net = numbered(again.net);
        assert_eq!((first.passes, again.passes), (1, 1));
        let plain = device.clone().without_autodiff();
        let answers = |training: &Training<WideResNet>| {
            let out = training.net.valid().forward(images(&plain));
            out.into_data().try_into_vec::<f32>().unwrap()
        };
        assert_eq!(answers(&first), answers(&again));
        assert_eq!(answers(&run(first, None, 2)), answers(&run(again, None, 2)));

        let other = resume(fresh(1), dir.path(), "another").unwrap_err();
        assert!(other.to_string().contains("another training"), "{other}");
        std::fs::write(dir.path().join("state.json"), "{").unwrap();
        assert!(matches!(resume(fresh(1), dir.path(), "test"), Err(CheckpointError::State { .. })));
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(resume(fresh(1), empty.path(), "test").unwrap().passes, 0);
    }
}
