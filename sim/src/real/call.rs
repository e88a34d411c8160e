use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, XattrFlags};

use super::firn::Firn;
use crate::model::{Mode, Number};

/// A system call, or a command, by paths from the mount point.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "as the calls name them")]
pub enum Call {
    Create { path: PathBuf, mode: u32 },
    Mkdir { path: PathBuf, mode: u32 },
    Symlink { path: PathBuf, target: Vec<u8> },
    Link { from: PathBuf, to: PathBuf },
    Unlink { path: PathBuf },
    Rmdir { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, mode: Mode },
    Write { path: PathBuf, at: u64, bytes: Vec<u8> },
    Append { path: PathBuf, bytes: Vec<u8> },
    Truncate { path: PathBuf, size: u64 },
    SetMode { path: PathBuf, mode: u32 },
    SetOwner { path: PathBuf, uid: u32, gid: u32 },
    SetXattr { path: PathBuf, name: &'static str, value: Vec<u8> },
    RemoveXattr { path: PathBuf, name: &'static str },
    Fsync { path: PathBuf },
    Checkpoint { name: String },
}

/// What a call answered in place of success.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// An error number.
    Errno(Number),
    /// What a command said.
    Said(String),
}

impl Refusal {
    /// Whether this is how a mount answers whose process is dead.
    pub fn is_of_a_dead_mount(&self) -> bool {
        match self {
            // ENOTCONN, and for what was under way ECONNABORTED and, over io_uring, ECANCELED.
            Refusal::Errno(number) => matches!(number, 107 | 103 | 125),
            Refusal::Said(_) => true,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Errno(number) => write!(f, "{}", std::io::Error::from_raw_os_error(*number)),
            Refusal::Said(what) => f.write_str(what),
        }
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        error.raw_os_error().map_or_else(|| Refusal::Said(error.to_string()), Refusal::Errno)
    }
}

impl From<rustix::io::Errno> for Refusal {
    fn from(errno: rustix::io::Errno) -> Self {
        Refusal::Errno(errno.raw_os_error())
    }
}

impl Call {
    /// What kind of call it is, for the count of what ran.
    pub fn label(&self) -> &'static str {
        match self {
            Call::Create { .. } => "create",
            Call::Mkdir { .. } => "mkdir",
            Call::Symlink { .. } => "symlink",
            Call::Link { .. } => "link",
            Call::Unlink { .. } => "unlink",
            Call::Rmdir { .. } => "rmdir",
            Call::Rename { mode: Mode::Exchange, .. } => "exchange",
            Call::Rename { .. } => "rename",
            Call::Write { .. } => "write",
            Call::Append { .. } => "append",
            Call::Truncate { .. } => "truncate",
            Call::SetMode { .. } => "set_mode",
            Call::SetOwner { .. } => "set_owner",
            Call::SetXattr { .. } => "set_xattr",
            Call::RemoveXattr { .. } => "remove_xattr",
            Call::Fsync { .. } => "fsync",
            Call::Checkpoint { .. } => "checkpoint",
        }
    }

    /// Whether its success says that everything before it is stored.
    pub fn acknowledges(&self) -> bool {
        matches!(self, Call::Fsync { .. } | Call::Checkpoint { .. })
    }

    /// Does it.
    ///
    /// # Errors
    /// What the kernel, or the command, answered.
    pub fn perform(&self, firn: &Firn) -> Result<(), Refusal> {
        let at = |path: &PathBuf| firn.dir.join(path);
        match self {
            Call::Create { path, mode } => {
                OpenOptions::new().write(true).create_new(true).mode(*mode).open(at(path))?;
            }
            Call::Mkdir { path, mode } => std::fs::DirBuilder::new().mode(*mode).create(at(path))?,
            Call::Symlink { path, target } => {
                std::os::unix::fs::symlink(OsStr::from_bytes(target), at(path))?;
            }
            Call::Link { from, to } => std::fs::hard_link(at(from), at(to))?,
            Call::Unlink { path } => std::fs::remove_file(at(path))?,
            Call::Rmdir { path } => std::fs::remove_dir(at(path))?,
            Call::Rename { from, to, mode } => {
                rustix::fs::renameat_with(CWD, at(from), CWD, at(to), flags(*mode))?;
            }
            Call::Write { path, at: offset, bytes } => {
                OpenOptions::new().write(true).open(at(path))?.write_all_at(bytes, *offset)?;
            }
            Call::Append { path, bytes } => {
                std::io::Write::write_all(&mut OpenOptions::new().append(true).open(at(path))?, bytes)?;
            }
            Call::Truncate { path, size } => {
                OpenOptions::new().write(true).open(at(path))?.set_len(*size)?;
            }
            Call::SetMode { path, mode } => {
                std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(*mode))?;
            }
            Call::SetOwner { path, uid, gid } => {
                std::os::unix::fs::lchown(at(path), Some(*uid), Some(*gid))?;
            }
            Call::SetXattr { path, name, value } => {
                rustix::fs::lsetxattr(at(path), *name, value, XattrFlags::empty())?;
            }
            Call::RemoveXattr { path, name } => rustix::fs::lremovexattr(at(path), *name)?,
            Call::Fsync { path } => sync(&at(path))?,
            Call::Checkpoint { name } => {
                let made = firn.ask_inside(&["checkpoint", name]).map_err(Refusal::Said)?;
                if made.first().is_none_or(|made| made["name"] != name.as_str()) {
                    return Err(Refusal::Said(format!("the checkpoint {name} was answered with {made:?}")));
                }
            }
        }
        Ok(())
    }
}

/// fsync of a file or a directory.
pub fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

fn flags(mode: Mode) -> RenameFlags {
    match mode {
        Mode::Replace => RenameFlags::empty(),
        Mode::NoReplace => RenameFlags::NOREPLACE,
        Mode::Exchange => RenameFlags::EXCHANGE,
    }
}
