//! The files that commands read: named ones, folders and standard input.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use vnet_operator::plan::manifests::{self, File, Unreadable};
use walkdir::WalkDir;

/// The name of standard input among files.
pub const STDIN: &str = "-";
/// The endings of files that are read from a folder.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Input that cannot be read, all of it.
#[derive(Debug, thiserror::Error)]
pub struct CannotRead(pub Vec<Unreadable>);

impl fmt::Display for CannotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("some of the input cannot be read")?;
        self.0.iter().try_for_each(|one| write!(f, "\n  {one}"))
    }
}

/// Reads files; the error lists everything that cannot be read.
pub fn read<T>(
    paths: &[String],
    recursive: bool,
    read: impl FnOnce(&[File]) -> Result<T, Vec<Unreadable>>,
) -> Result<T, CannotRead> {
    let (files, mut failed) = files(paths, recursive);
    match read(&files) {
        Ok(read) if failed.is_empty() => return Ok(read),
        Ok(_) => {}
        Err(more) => failed.extend(more),
    }
    Err(CannotRead(failed))
}

/// All that was asked for, and what of it cannot be read.
fn files(paths: &[String], recursive: bool) -> (Vec<File>, Vec<Unreadable>) {
    let read = paths.iter().flat_map(|path| match path.as_str() {
        STDIN => vec![text_of_stdin()],
        folder if Path::new(folder).is_dir() => in_folder(folder, recursive),
        one => vec![text_of(Path::new(one))],
    });
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for one in read {
        match one {
            Ok(file) => files.push(file),
            Err(why) => failed.push(why),
        }
    }
    (files, failed)
}

/// The files of a folder in the order of their names, then those of its subfolders. Links to folders are not followed.
fn in_folder(folder: &str, recursive: bool) -> Vec<Result<File, Unreadable>> {
    let entries = WalkDir::new(folder)
        .min_depth(1)
        .max_depth(if recursive { usize::MAX } else { 1 })
        .sort_by_key(|entry| (entry.file_type().is_dir(), entry.file_name().to_owned()));
    let is_manifest = |path: &Path| {
        !path.is_dir() && path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
    };
    let read = entries.into_iter().filter_map(|entry| match entry {
        Ok(entry) => is_manifest(entry.path()).then(|| text_of(entry.path())),
        Err(error) => {
            let path = error.path().unwrap_or(Path::new(folder)).display().to_string();
            Some(Err(why_not(path, &error.into())))
        }
    });
    read.collect()
}

fn text_of(path: &Path) -> Result<File, Unreadable> {
    named(path.display().to_string(), std::fs::read_to_string(path))
}

fn text_of_stdin() -> Result<File, Unreadable> {
    named(manifests::STDIN.to_owned(), std::io::read_to_string(std::io::stdin()))
}

fn named(name: String, text: std::io::Result<String>) -> Result<File, Unreadable> {
    match text {
        Ok(text) => Ok(File { name: name.into(), text }),
        Err(error) => Err(why_not(name, &error)),
    }
}

fn why_not(name: String, error: &std::io::Error) -> Unreadable {
    let message = match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder; correct the path".to_owned(),
        ErrorKind::InvalidData => "it is not UTF-8 text; leave it out, or save it as such".to_owned(),
        _ => format!("{error}; see that it may be read"),
    };
    Unreadable { file: name.into(), line: None, message }
}
