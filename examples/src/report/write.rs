//! Files that are written whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Writes the named texts into `dir`, which is made if need be. Every file is first written in full
/// under a temporary name beside its place; only when all are there are they renamed. Whatever stops the
/// program, no file is left half-written, and older files stay until new ones replace them.
///
/// # Errors
/// When the folder or a file cannot be written; temporary files are removed.
pub fn write_whole(dir: &Path, files: &[(&str, &str)]) -> Result<(), WriteError> {
    let at = |path: PathBuf| move |source| WriteError { path, source };
    std::fs::create_dir_all(dir).map_err(at(dir.to_owned()))?;
    let mut ready = Vec::with_capacity(files.len());
    for (name, text) in files {
        let path = dir.join(name);
        let file = write_beside(dir, text).map_err(at(path.clone()))?;
        ready.push((file, path));
    }
    for (file, path) in ready {
        file.persist(&path).map_err(|error| WriteError { path, source: error.error })?;
    }
    Ok(())
}

fn write_beside(dir: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // Temporary files are private by default; a report is for whoever may read the folder.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.prefix(".report-").tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_arrive_and_replace_older_ones() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");
        write_whole(&dir, &[("x", "old")]).unwrap();
        write_whole(&dir, &[("x", "new"), ("y", "also")]).unwrap();
        assert_eq!(names(&dir), ["x", "y"]);
        assert_eq!(std::fs::read_to_string(dir.join("x")).unwrap(), "new");
    }

    #[test]
    fn when_one_cannot_be_written_none_is() {
        let root = tempfile::tempdir().unwrap();
        write_whole(root.path(), &[("x", "old")]).unwrap();
        // The second cannot even be begun, because its folder does not exist.
        let file = root.path().join("x");
        let error = write_whole(&file.join("below"), &[("y", "text")]).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert_eq!(names(root.path()), ["x"]);
        // A folder stands where a file should go: nothing temporary is left.
        std::fs::create_dir(root.path().join("taken")).unwrap();
        assert!(write_whole(root.path(), &[("taken", "text")]).is_err());
        assert_eq!(names(root.path()), ["taken", "x"]);
        assert_eq!(std::fs::read_to_string(file).unwrap(), "old");
    }
}
