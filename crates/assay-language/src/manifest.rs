//! A run that can be taken up again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cache::{Cache, Cached};
use crate::error::excerpt;
use crate::{Error, Progress, Request, Response, Result, RunConfig, TextModel};

const VERSION: u64 = 1;
/// The manifest is rewritten after so many answers, so that it is nearly true after a crash.
const EVERY: u64 = 100;

/// A folder with the answers of a run and its manifest. Killed at any moment, the run is taken up by
/// running the same program again: what was answered is not asked again.
///
/// ```
/// use assay_language::{OfflineModel, Request, RunConfig, Run};
/// let dir = tempfile::tempdir().unwrap();
/// let requests = || (0..20).map(|i| Request::new(format!("between 0 and {i}")));
/// let settings = serde_json::json!({"questions": 20});
///
/// let run = Run::open(dir.path(), &settings)?;
/// run.each(&RunConfig::new(), &OfflineModel::new(), requests(), |_, _, _| Ok(()))?;
///
/// // Again: everything is there already, and other settings are refused.
/// let run = Run::open(dir.path(), &settings)?;
/// assert_eq!(run.cache().report().answers, 20);
/// assert!(Run::open(dir.path(), &serde_json::json!({"questions": 21})).is_err());
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Debug)]
pub struct Run {
    path: PathBuf,
    settings: Value,
    cache: Arc<Cache>,
}

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The manifest's format.
    pub version: u64,
    /// The version of this crate that wrote it.
    pub crate_version: String,
    /// The caller's settings.
    pub settings: Value,
    /// The model's id.
    pub model: String,
    /// Requests answered or failed in the last start of the run.
    pub done: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Tokens that it used, answers from the cache included.
    pub tokens: u64,
    /// Whether it came to its end.
    pub finished: bool,
}

impl Run {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// [`Error::OtherRun`] when the folder holds a run with other settings, [`Error::Version`] for a
    /// manifest of a newer version, [`Error::Format`] for one that cannot be read, and as
    /// [`Cache::open`].
    pub fn open(folder: impl AsRef<Path>, settings: &Value) -> Result<Self> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(Error::file("open", folder))?;
        let path = folder.join("run.json");
        if let Some(manifest) = read(&path)?
            && manifest.settings != *settings
        {
            return Err(Error::OtherRun {
                stored: excerpt(&manifest.settings.to_string(), 200),
                given: excerpt(&settings.to_string(), 200),
                path,
            });
        }
        let cache = Arc::new(Cache::open(folder.join("answers.jsonl"))?);
        Ok(Self { path, settings: settings.clone(), cache })
    }

    /// The answers.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The manifest as it is on the disk; `None` before the first start.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn manifest(&self) -> Result<Option<Manifest>> {
        read(&self.path)
    }

    /// A model that keeps its answers in this run, for programs that ask in several stages.
    pub fn keep<M: TextModel>(&self, model: M) -> Cached<M> {
        Cached::new(model, Arc::clone(&self.cache))
    }

    /// As [`RunConfig::each`], with answers kept and the manifest written at the beginning, now and
    /// then, and at the end.
    ///
    /// # Errors
    /// As [`RunConfig::each`]; [`Error::File`] when the manifest cannot be written.
    pub fn each(
        &self,
        config: &RunConfig,
        model: &dyn TextModel,
        requests: impl IntoIterator<Item = Request>,
        mut each: impl FnMut(usize, Result<Response>, Progress) -> Result<()>,
    ) -> Result<Progress> {
        let id = model.id();
        self.write(&id, Progress::default(), false)?;
        let cached = self.keep(model);
        let progress = config.each(&cached, requests, |index, answer, progress| {
            if progress.done % EVERY == 0 {
                self.write(&id, progress, false)?;
            }
            each(index, answer, progress)
        })?;
        self.cache.sync()?;
        self.write(&id, progress, !config.is_cancelled())?;
        Ok(progress)
    }

    fn write(&self, model: &str, progress: Progress, finished: bool) -> Result<()> {
        let manifest = Manifest {
            version: VERSION,
            crate_version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: self.settings.clone(),
            model: model.to_owned(),
            done: progress.done,
            failed: progress.failed,
            tokens: progress.tokens,
            finished,
        };
        let text = serde_json::to_string_pretty(&manifest).map_err(|e| Error::Format {
            path: self.path.clone(),
            line: 0,
            problem: e.to_string(),
        })?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|e| e.error)?;
            Ok(())
        });
        written.map_err(Error::file("write", &self.path))
    }
}

fn read(path: &Path) -> Result<Option<Manifest>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::file("read", path)(e)),
    };
    let format = |problem: String| Error::Format { path: path.to_owned(), line: 1, problem };
    let value: Value = serde_json::from_str(&text).map_err(|e| format(e.to_string()))?;
    let version = value.get("version").cloned().unwrap_or(Value::Null);
    if version != VERSION {
        return Err(Error::Version {
            path: path.to_owned(),
            format: "run manifest",
            known: VERSION,
            found: version.to_string(),
        });
    }
    serde_json::from_value(value).map(Some).map_err(|e| format(e.to_string()))
}
