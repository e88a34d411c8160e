use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use firn_clock::{Entropy, OsEntropy};
use firn_control::Failure;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::commands::name;

/// A file that appears under its name when it is finished, and not at all otherwise. It never takes the place of
/// another. A process that is killed leaves a hidden file with a name of its own, which nobody takes for the file.
pub struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    out: BufWriter<File>,
}

impl NewFile {
    /// Begins a file that does not exist, beside the place where it will be.
    pub fn create(path: &Path) -> Result<NewFile, Failure> {
        let Some(last) = path.file_name() else {
            return Err(Failure::usage(format!("{} is not the name of a file", name(path))));
        };
        // A link that leads nowhere is something too.
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let mut hidden = OsString::from(".");
        hidden.push(last);
        hidden.push(format!(".{:032x}.part", OsEntropy.bits()));
        let unfinished = path.with_file_name(hidden);
        // For the user only: it holds what may be readable for nobody else in the tree.
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
        let file = created.map_err(|error| cannot(path, &error))?;
        Ok(NewFile { path: path.to_owned(), unfinished, out: BufWriter::new(file) })
    }

    /// Where its bytes go.
    pub fn writer(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Gives the file its name, with everything in it on the disk.
    pub fn finish(mut self) -> Result<(), Failure> {
        let written = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        written.map_err(|error| cannot(&self.path, &error))?;
        let renamed = renameat_with(CWD, &self.unfinished, CWD, &self.path, RenameFlags::NOREPLACE);
        match renamed {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(exists(&self.path)),
            // The file system knows no such rename. Nothing was there a moment ago.
            Err(Errno::INVAL) if self.path.symlink_metadata().is_err() => {
                std::fs::rename(&self.unfinished, &self.path).map_err(|error| cannot(&self.path, &error))
            }
            Err(Errno::INVAL) => Err(exists(&self.path)),
            Err(errno) => Err(cannot(&self.path, &errno.into())),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Once it has its name, nothing is there.
        let _ = std::fs::remove_file(&self.unfinished);
    }
}

fn exists(path: &Path) -> Failure {
    Failure::refused(format!("{} is there already; name a file that is not, or remove it first", name(path)))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", name(path));
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Failure::not_found(message),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Failure::refused(message),
        _ => Failure::failed(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut dropped = NewFile::create(&path).unwrap();
        dropped.writer().write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(dropped);
        assert_eq!(names(dir.path()), [""; 0]);
        let mut kept = NewFile::create(&path).unwrap();
        kept.writer().write_all(b"whole").unwrap();
        kept.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn a_file_that_came_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let late = NewFile::create(&path).unwrap();
        std::fs::write(&path, "mine").unwrap();
        assert!(late.finish().unwrap_err().message.contains("is there already"));
        assert!(NewFile::create(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        assert_eq!(names(dir.path()), ["file"]);
    }
}
