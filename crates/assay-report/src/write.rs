//! Files that are written whole or not at all.

use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Writes the named files into `dir`, which is made if need be; a name may lead into a folder below
/// (`plots/loss.svg`). Every file is first written in full under a temporary name beside its place; only
/// when all are there are they renamed, in the order given. Whatever stops the program, no file is left
/// half-written, and older files stay until new ones replace them. Put the file that people open last.
///
/// ```no_run
/// # let page = assay_report::Page::new("A report");
/// let numbers = assay_report::json(&[1.0, 2.0])?;
/// assay_report::write_whole("out", &[("report.json", &numbers), ("index.html", &page.html())])?;
/// # Ok::<(), assay_report::Error>(())
/// ```
///
/// # Errors
/// [`Error::Name`] for a name that is empty or leads out of `dir`; [`Error::Write`] when the folder or a
/// file cannot be written. Temporary files are removed.
pub fn write_whole(dir: impl AsRef<Path>, files: &[(&str, impl AsRef<[u8]>)]) -> Result<()> {
    let dir = dir.as_ref();
    for (name, _) in files {
        let below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !below {
            return Err(Error::Name { name: (*name).to_owned() });
        }
    }
    let at = |path: PathBuf| move |source| Error::Write { path, source };
    std::fs::create_dir_all(dir).map_err(at(dir.to_owned()))?;
    let mut ready = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        let path = dir.join(name);
        let folder = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(folder).map_err(at(folder.to_owned()))?;
        let file = write_beside(folder, bytes.as_ref()).map_err(at(path.clone()))?;
        // A folder in a file's place would only be noticed after other files were renamed.
        if path.is_dir() {
            return Err(at(path)(io::ErrorKind::IsADirectory.into()));
        }
        ready.push((file, path));
    }
    for (file, path) in ready {
        file.persist(&path).map_err(|error| Error::Write { path, source: error.error })?;
    }
    Ok(())
}

fn write_beside(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // Temporary files are private by default; a report is for whoever may read the folder.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.prefix(".report-").tempfile_in(folder)?;
    file.write_all(bytes)?;
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
        write_whole(&dir, &[("x", "new"), ("y", "also"), ("plots/z.svg", "below")]).unwrap();
        assert_eq!(names(&dir), ["plots", "x", "y"]);
        assert_eq!(names(&dir.join("plots")), ["z.svg"]);
        assert_eq!(std::fs::read_to_string(dir.join("x")).unwrap(), "new");
    }

    #[test]
    fn when_one_cannot_be_written_none_is() {
        let root = tempfile::tempdir().unwrap();
        write_whole(root.path(), &[("x", "old")]).unwrap();
        // The folder of the second cannot be made, because a file stands there.
        let files = [("x", "new"), ("x/y", "text")];
        let error = write_whole(root.path(), &files).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        // A folder stands where a file should go: nothing temporary is left, nothing was replaced.
        std::fs::create_dir(root.path().join("taken")).unwrap();
        assert!(write_whole(root.path(), &[("x", "new"), ("taken", "text")]).is_err());
        assert_eq!(names(root.path()), ["taken", "x"]);
        assert_eq!(std::fs::read_to_string(root.path().join("x")).unwrap(), "old");
    }

    #[test]
    fn names_stay_in_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("out");
        for name in ["", "../x", "/tmp/x", "a/../../x", "."] {
            let error = write_whole(&dir, &[("fine", "a"), (name, "b")]).unwrap_err();
            assert!(matches!(error, Error::Name { .. }), "{name}: {error}");
        }
        assert!(!dir.exists());
    }
}
