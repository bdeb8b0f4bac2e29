use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Key;
use crate::error::excerpt;
use crate::{Error, Request, Response, Result};

const FORMAT: &str = "assay cache";
const VERSION: u64 = 1;
/// A longer line is no answer of a model; it bounds the memory that a hostile file can ask for.
const MAX_LINE: u64 = 1 << 28;

/// How to open a cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheConfig {
    sync_every: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl CacheConfig {
    /// Forces data to the disk every 32 answers.
    pub fn new() -> Self {
        Self { sync_every: 32 }
    }

    /// Sets after how many answers data are forced to the disk; 0 leaves it to the system.
    #[must_use]
    pub fn with_sync_every(self, answers: usize) -> Self {
        Self { sync_every: answers }
    }

    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`Error::File`] when the system refuses, [`Error::Version`] for a cache of a newer version,
    /// [`Error::Format`] for a file that is no cache.
    pub fn open(self, path: impl Into<PathBuf>) -> Result<Cache> {
        let path = path.into();
        let open = |options: &mut OpenOptions| {
            options.read(true).open(&path).map_err(Error::file("open", &path))
        };
        let append = open(OpenOptions::new().create(true).append(true))?;
        let reader = open(&mut OpenOptions::new())?;
        let state = State {
            append,
            reader,
            index: HashMap::new(),
            end: 0,
            lines: 0,
            skipped: 0,
            unsynced: 0,
        };
        let cache = Cache { path, config: self, state: Mutex::new(state) };
        cache.begin()?;
        Ok(cache)
    }
}

/// A file of answers by what was asked; see the [module](crate::cache).
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    config: CacheConfig,
    state: Mutex<State>,
}

/// What a [`Cache`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheReport {
    /// Answers that can be read.
    pub answers: usize,
    /// Lines that were cut off or damaged.
    pub skipped: usize,
}

#[derive(Debug)]
struct State {
    append: File,
    reader: File,
    /// Where each answer's line begins and how long it is.
    index: HashMap<Key, (u64, u64)>,
    /// Bytes of the file read so far, a whole number of lines.
    end: u64,
    lines: usize,
    skipped: usize,
    unsynced: usize,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u64,
}

#[derive(Serialize)]
struct EntryRef<'a> {
    model: &'a str,
    request: &'a Request,
    response: &'a Response,
}

#[derive(Deserialize)]
struct Entry {
    response: Response,
}

impl Cache {
    /// Opens a cache with the default settings.
    ///
    /// # Errors
    /// As [`CacheConfig::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        CacheConfig::new().open(path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the cache holds, as far as it was read.
    pub fn report(&self) -> CacheReport {
        let state = self.state();
        CacheReport { answers: state.index.len(), skipped: state.skipped }
    }

    /// The answer to a request, if one is kept; reads what other processes have added first.
    ///
    /// # Errors
    /// [`Error::File`] when the system refuses.
    pub fn get(&self, key: &Key) -> Result<Option<Response>> {
        let mut state = self.state();
        if !state.index.contains_key(key) {
            self.refresh(&mut state)?;
        }
        let Some(&(begin, length)) = state.index.get(key) else { return Ok(None) };
        let mut line = Vec::new();
        state
            .reader
            .seek(SeekFrom::Start(begin))
            .and_then(|_| (&state.reader).take(length).read_to_end(&mut line))
            .map_err(Error::file("read", &self.path))?;
        // The line was checked when it was indexed; if somebody has changed the file since, the
        // answer is gone, not wrong.
        Ok(read_line(&line).filter(|(found, _)| found == key).and_then(|(_, entry)| {
            serde_json::from_slice::<Entry>(entry).ok().map(|entry| entry.response)
        }))
    }

    /// Keeps an answer. A second answer to the same key replaces the first.
    ///
    /// # Errors
    /// [`Error::File`] when the system refuses, such as on a full disk; the cache stays usable.
    pub fn put(&self, model: &str, request: &Request, response: &Response) -> Result<()> {
        let entry = serde_json::to_string(&EntryRef { model, request, response });
        let entry = entry.map_err(|e| self.line_error(0, e.to_string()))?;
        let line = write_line(&Key::of(model, request), &entry);
        let mut state = self.state();
        self.locked(&mut state, |cache, state| cache.append(state, line.as_bytes()))?;
        state.unsynced += 1;
        if self.config.sync_every > 0 && state.unsynced >= self.config.sync_every {
            state.append.sync_data().map_err(Error::file("append to", &self.path))?;
            state.unsynced = 0;
        }
        Ok(())
    }

    /// Forces everything to the disk.
    ///
    /// # Errors
    /// [`Error::File`] when the system refuses.
    pub fn sync(&self) -> Result<()> {
        let mut state = self.state();
        state.append.sync_all().map_err(Error::file("append to", &self.path))?;
        state.unsynced = 0;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside cannot leave the index pointing at lines that are not there.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the header of an empty file, or checks it, and reads the lines.
    fn begin(&self) -> Result<()> {
        let mut state = self.state();
        self.locked(&mut state, |cache, state| {
            let length = state.append.metadata().map_err(Error::file("read", &cache.path))?.len();
            if length == 0 {
                let header = Header { format: FORMAT.to_owned(), version: VERSION };
                let mut line = serde_json::to_string(&header)
                    .map_err(|e| cache.line_error(1, e.to_string()))?;
                line.push('\n');
                cache.append(state, line.as_bytes())?;
            }
            Ok(())
        })?;
        self.refresh(&mut state)
    }

    /// Runs `action` while no other process appends.
    fn locked(
        &self,
        state: &mut State,
        action: impl FnOnce(&Self, &mut State) -> Result<()>,
    ) -> Result<()> {
        state.append.lock().map_err(Error::file("lock", &self.path))?;
        let done = action(self, state);
        let unlocked = state.append.unlock().map_err(Error::file("lock", &self.path));
        done.and(unlocked)
    }

    /// Appends a line by one write; under the lock. A line that somebody's crash left without its
    /// end is ended first, so that it spoils only itself.
    fn append(&self, state: &mut State, line: &[u8]) -> Result<()> {
        let action = "append to";
        let length = state.append.metadata().map_err(Error::file("read", &self.path))?.len();
        let mut last = [b'\n'];
        if length > 0 {
            state
                .append
                .seek(SeekFrom::End(-1))
                .and_then(|_| state.append.read_exact(&mut last))
                .map_err(Error::file("read", &self.path))?;
        }
        let torn = last != *b"\n";
        let whole: Vec<u8> = if torn { [b"\n", line].concat() } else { line.to_vec() };
        if let Err(source) = state.append.write_all(&whole) {
            // A full disk may have taken a part: cut it off again, if the system lets us.
            let _ = state.append.set_len(length);
            return Err(Error::File { action, path: self.path.clone(), source });
        }
        Ok(())
    }

    /// Reads the lines that were added since the last time.
    fn refresh(&self, state: &mut State) -> Result<()> {
        let read = |e| Error::file("read", &self.path)(e);
        let length = state.reader.metadata().map_err(read)?.len();
        if length <= state.end {
            return Ok(());
        }
        state.reader.seek(SeekFrom::Start(state.end)).map_err(read)?;
        let mut reader = BufReader::with_capacity(1 << 16, &state.reader);
        let mut line = Vec::new();
        let (mut added, mut skipped, mut end, mut lines) = (Vec::new(), 0, state.end, state.lines);
        loop {
            line.clear();
            let count = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(read)?;
            if line.last() != Some(&b'\n') && (count as u64) < MAX_LINE {
                // The end of the file, or a line that is being written or was cut off.
                break;
            }
            lines += 1;
            if lines == 1 {
                self.check_header(&line)?;
            } else if let Some((key, _)) = read_line(&line) {
                added.push((key, (end, count as u64)));
            } else {
                skipped += 1;
            }
            end += count as u64;
        }
        state.index.extend(added);
        state.skipped += skipped;
        state.end = end;
        state.lines = lines;
        Ok(())
    }

    fn check_header(&self, line: &[u8]) -> Result<()> {
        let header: Option<Header> = serde_json::from_slice(line).ok();
        match header {
            Some(Header { format, version: VERSION }) if format == FORMAT => Ok(()),
            Some(Header { format, version }) if format == FORMAT => Err(Error::Version {
                path: self.path.clone(),
                format: FORMAT,
                known: VERSION,
                found: version.to_string(),
            }),
            _ => {
                let found = excerpt(&String::from_utf8_lossy(line), 40);
                Err(self.line_error(1, format!("expected the header of a cache, got {found}")))
            }
        }
    }

    fn line_error(&self, line: usize, problem: String) -> Error {
        Error::Format { path: self.path.clone(), line, problem }
    }
}

const KEY: &str = "{\"key\":\"";
const SUM: &str = "\",\"sum\":\"";
const ENTRY: &str = "\",\"entry\":";
const END: &str = "}\n";

/// A line of JSON whose parts lie at fixed places, so that the sum is of the bytes as they are.
fn write_line(key: &Key, entry: &str) -> String {
    format!("{KEY}{key}{SUM}{}{ENTRY}{entry}{END}", check_sum(entry.as_bytes()))
}

/// The key and the entry of an intact line.
fn read_line(line: &[u8]) -> Option<(Key, &[u8])> {
    let rest = line.strip_prefix(KEY.as_bytes())?;
    let (key, rest) = rest.split_at_checked(64)?;
    let (sum, rest) = rest.strip_prefix(SUM.as_bytes())?.split_at_checked(16)?;
    let entry = rest.strip_prefix(ENTRY.as_bytes())?.strip_suffix(END.as_bytes())?;
    let key = Key::parse(std::str::from_utf8(key).ok()?)?;
    (check_sum(entry).as_bytes() == sum).then_some((key, entry))
}

/// The first 64 bits of the SHA-256 in hexadecimal digits: enough against damage.
fn check_sum(entry: &[u8]) -> String {
    let first = Sha256::digest(entry).iter().take(8).fold(0, |sum, &b| sum << 8 | u64::from(b));
    format!("{first:016x}")
}
