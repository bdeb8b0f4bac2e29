use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_array::Scalar;
use assay_array::io::npz::Npz;
use assay_array::io::safetensors::SafeTensors;
use assay_array::io::{Element, Info, npy};
use ndarray::{Array2, Array3, ArrayD, Ix2, Ix3};

use super::{LayerPattern, Sentences, TokenPolicy, sentences};
use crate::{Error, Result};

/// The hidden states in a file or folder: which layers there are is known, nothing is read yet.
///
/// Files are `.npy`, `.npz` and `.safetensors`; large ones are mapped into memory, and a tensor is
/// decoded (`f16`, `bf16` and `f32` to `f32`, all to `f64`) when its layer is read. A name is an
/// `.npy` file's own without the ending, or a tensor's; in a folder `file/tensor`. A tensor is
/// `[N, d]`, one sentence or population, or `[B, T, d]`, a padded batch.
///
/// ```
/// use assay_array::io::safetensors::Writer;
/// use matrix_entropy::input::{HiddenStates, LayerPattern, TokenPolicy};
/// use matrix_entropy::{Conventions, Spectrum};
/// use ndarray::Array3;
/// let folder = tempfile::tempdir()?;
/// let mut writer = Writer::new();
/// for layer in 0..3 {
///     let states = Array3::from_shape_fn((2, 5, 4), |(b, t, j)| ((b + t * j + layer) as f32).sin());
///     writer.add(&format!("hidden.{layer}"), states.view())?;
/// }
/// writer.write(folder.path().join("states.safetensors"))?;
///
/// let states = HiddenStates::open(folder.path(), &LayerPattern::new("*hidden.{layer}")?)?;
/// for layer in states.layers() {
///     let found = states.read::<f32>(layer.layer)?.sentences(None, &TokenPolicy::new())?;
///     for sentence in &found.sentences {
///         println!("{}", Spectrum::of(sentence.view(), Conventions::paper())?.entropy());
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HiddenStates {
    path: PathBuf,
    files: Vec<File>,
    layers: Vec<LayerInfo>,
    /// Each layer's tensors, sorted by sentence: file, name there.
    places: Vec<Vec<(usize, String)>>,
}

/// One layer, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerInfo {
    /// Its number, from the name.
    pub layer: usize,
    /// Its tensors' names.
    pub names: Vec<String>,
    /// Their shapes.
    pub shapes: Vec<Vec<usize>>,
    /// Its width `d`.
    pub columns: usize,
}

/// One layer's states.
#[derive(Debug, Clone, PartialEq)]
pub enum LayerStates<T> {
    /// A matrix `[N_i, d]` a sentence.
    Ragged(Vec<Array2<T>>),
    /// A padded batch `[B, T, d]`.
    Padded(Array3<T>),
}

impl<T: Scalar> LayerStates<T> {
    /// The sentences without padding; a mask `[B, T]` belongs to a padded batch.
    ///
    /// # Errors
    /// As [`sentences`]; [`Error::Shape`] for a mask on ragged sentences.
    pub fn sentences(
        &self,
        mask: Option<&Array2<bool>>,
        policy: &TokenPolicy,
    ) -> Result<Sentences<T>> {
        match self {
            Self::Padded(batch) => sentences(batch.view(), mask.map(|mask| mask.view()), policy),
            Self::Ragged(_) if mask.is_some() => Err(Error::Shape {
                operation: "sentences of a layer",
                expected: "no mask where each sentence has a tensor of its own".to_owned(),
                got: mask.map(|mask| mask.shape().to_vec()).unwrap_or_default(),
            }),
            Self::Ragged(all) => {
                let mut found = Sentences { sentences: vec![], padding: 0, dropped: 0, empty: 0 };
                for one in all {
                    let batch = one.view().insert_axis(ndarray::Axis(0));
                    match sentences(batch, None, policy) {
                        Ok(part) => {
                            found.dropped += part.dropped;
                            found.sentences.extend(part.sentences);
                        }
                        Err(Error::TooFewRows { .. }) => {
                            found.dropped += one.nrows();
                            found.empty += 1;
                            found.sentences.push(Array2::from_elem((0, one.ncols()), T::ZERO));
                        }
                        Err(error) => return Err(error),
                    }
                }
                if found.empty == all.len() {
                    let operation = "sentences of a layer";
                    return Err(Error::TooFewRows { operation, needed: 1, got: 0 });
                }
                Ok(found)
            }
        }
    }
}

#[derive(Debug)]
enum File {
    Npy(PathBuf),
    Npz(Npz),
    SafeTensors(SafeTensors),
}

impl File {
    /// Opens a file by its ending; `None` for another kind of file.
    fn open(path: &Path) -> Result<Option<Self>> {
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        Ok(match ending.as_deref() {
            Some("npy") => Some(Self::Npy(path.to_path_buf())),
            Some("npz") => Some(Self::Npz(Npz::open(path)?)),
            Some("safetensors") => Some(Self::SafeTensors(SafeTensors::open(path)?)),
            _ => None,
        })
    }

    /// The arrays with their names inside of the file; an `.npy` file's one has none.
    fn infos(&self) -> Result<Vec<Info>> {
        Ok(match self {
            Self::Npy(path) => vec![npy::info(path)?],
            Self::Npz(file) => file.infos().to_vec(),
            Self::SafeTensors(file) => file.infos().to_vec(),
        })
    }

    fn read<T: Element>(&self, name: &str) -> Result<ArrayD<T>> {
        Ok(match self {
            Self::Npy(path) => npy::read(path)?,
            Self::Npz(file) => file.read(name)?,
            Self::SafeTensors(file) => file.read(name)?,
        })
    }
}

/// A tensor's file, its name there, and its shape.
type Tensor = (usize, String, Vec<usize>);

impl HiddenStates {
    /// Opens a file, or every file of a known kind directly in a folder.
    ///
    /// # Errors
    /// [`Error::File`] where no name matches (the message lists some), two tensors claim one place, a
    /// matching tensor is neither `[N, d]` nor `[B, T, d]`, or a layer's tensors do not fit together;
    /// [`Error::Array`] for a damaged file.
    pub fn open(path: impl AsRef<Path>, pattern: &LayerPattern) -> Result<Self> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let problem = |problem: String| Error::File { file: shown.clone(), problem };
        let folder = path.is_dir();
        let mut paths = vec![path.to_path_buf()];
        if folder {
            let entries = std::fs::read_dir(path).map_err(|e| problem(e.to_string()))?;
            paths = entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<std::io::Result<_>>()
                .map_err(|e| problem(e.to_string()))?;
            paths.sort();
        }
        let (mut files, mut seen) = (Vec::new(), Vec::new());
        let mut found: BTreeMap<(usize, Option<usize>), Tensor> = BTreeMap::new();
        for path in &paths {
            let Some(file) = File::open(path)? else {
                if folder {
                    continue;
                }
                return Err(problem("expected .npy, .npz or .safetensors".to_owned()));
            };
            let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
            let stem = stem.unwrap_or_default();
            for info in file.infos()? {
                let name = match (&file, folder) {
                    (File::Npy(_), _) => stem.clone(),
                    (_, true) => format!("{stem}/{}", info.name),
                    (_, false) => info.name.clone(),
                };
                if let Some(place) = pattern.matches(&name) {
                    let key = (place.layer, place.sentence);
                    let value = (files.len(), info.name, info.shape);
                    if let Some((_, other, _)) = found.insert(key, value) {
                        return Err(problem(format!(
                            "`{name}` and `{other}` both match layer {}",
                            place.layer
                        )));
                    }
                }
                seen.push(name);
            }
            files.push(file);
        }
        if found.is_empty() {
            let some: Vec<_> = seen.iter().take(8).map(|name| format!("`{name}`")).collect();
            return Err(problem(format!(
                "the pattern `{}` matches none of {} names: {}",
                pattern.as_str(),
                seen.len(),
                some.join(", ")
            )));
        }
        let mut states = Self { path: path.to_path_buf(), files, layers: vec![], places: vec![] };
        for ((layer, _), (file, name, shape)) in found {
            let &[.., columns] = &shape[..] else { return Err(states.bad_shape(&name, &shape)) };
            if !(2..=3).contains(&shape.len()) || columns == 0 {
                return Err(states.bad_shape(&name, &shape));
            }
            match states.layers.last_mut().filter(|last| last.layer == layer) {
                None => {
                    let (names, shapes) = (vec![name.clone()], vec![shape]);
                    states.layers.push(LayerInfo { layer, names, shapes, columns });
                    states.places.push(vec![(file, name)]);
                }
                Some(last) if last.columns == columns && shape.len() == 2 => {
                    last.names.push(name.clone());
                    last.shapes.push(shape);
                    if let Some(places) = states.places.last_mut() {
                        places.push((file, name));
                    }
                }
                Some(_) => return Err(states.bad_shape(&name, &shape)),
            }
        }
        let mixed = states.layers.iter().find(|layer| {
            layer.shapes.len() > 1 && layer.shapes.iter().any(|shape| shape.len() != 2)
        });
        if let Some(layer) = mixed {
            return Err(states.bad_shape(&layer.names[0], &layer.shapes[0]));
        }
        Ok(states)
    }

    /// The layers, by number.
    pub fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }

    /// Reads one layer by its number.
    ///
    /// # Errors
    /// [`Error::File`] for a layer that is not there; [`Error::Array`] for a damaged file or elements
    /// that do not widen to `T` (`f32` or `f64`).
    pub fn read<T: Scalar + Element>(&self, layer: usize) -> Result<LayerStates<T>> {
        let index = self.layers.iter().position(|info| info.layer == layer);
        let Some(places) = index.map(|index| &self.places[index]) else {
            let known: Vec<_> = self.layers.iter().map(|info| info.layer.to_string()).collect();
            let problem = format!("no layer {layer} among {}", known.join(", "));
            return Err(Error::File { file: self.path.display().to_string(), problem });
        };
        let mut ragged = Vec::new();
        for (file, name) in places {
            let array = self.files[*file].read::<T>(name)?;
            let shape = array.shape().to_vec();
            if shape.len() == 3 {
                let batch = array.into_dimensionality::<Ix3>();
                return batch.map(LayerStates::Padded).map_err(|_| self.bad_shape(name, &shape));
            }
            let one = array.into_dimensionality::<Ix2>();
            ragged.push(one.map_err(|_| self.bad_shape(name, &shape))?);
        }
        Ok(LayerStates::Ragged(ragged))
    }

    /// Reads an attention mask `[B, T]` by its name: zero is padding, anything else a token.
    ///
    /// # Errors
    /// [`Error::File`] where no file has it or it is not of rank 2; [`Error::Array`] for elements that
    /// are neither numbers nor booleans.
    pub fn mask(&self, name: &str) -> Result<Array2<bool>> {
        for file in &self.files {
            let stem = match file {
                File::Npy(path) => path.file_stem().map(|s| s.to_string_lossy().into_owned()),
                _ => None,
            };
            let here = match stem {
                Some(stem) => stem == name,
                None => file.infos()?.iter().any(|info| info.name == name),
            };
            if !here {
                continue;
            }
            let mask = file
                .read::<i64>(name)
                .map(|mask| mask.mapv(|x| x != 0))
                .or_else(|_| file.read::<f64>(name).map(|mask| mask.mapv(|x| x != 0.0)))?;
            let shape = mask.shape().to_vec();
            return mask.into_dimensionality().map_err(|_| Error::File {
                file: self.path.display().to_string(),
                problem: format!("the mask `{name}` has the shape {shape:?}, expected [B, T]"),
            });
        }
        let problem = format!("no array named `{name}`");
        Err(Error::File { file: self.path.display().to_string(), problem })
    }

    fn bad_shape(&self, name: &str, shape: &[usize]) -> Error {
        let problem = format!(
            "`{name}` has the shape {shape:?}; a layer is one [B, T, d], or [N, d] a sentence, all of \
             one width d"
        );
        Error::File { file: self.path.display().to_string(), problem }
    }
}
