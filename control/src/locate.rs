//! From a path that a user typed to the mount that it lies in.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::lgetxattr;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::answer::Failure;
use crate::path::TreePath;

/// The extended attribute that a mount answers on each of its inodes.
const ATTRIBUTE: &str = "user.firn.control";

/// What the attribute says, as JSON: how to reach the process behind a mount.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MountAddress {
    /// The control socket.
    pub socket: PathBuf,
    /// The mount point: absolute, without symbolic links.
    pub mountpoint: PathBuf,
    /// The volume's URL.
    pub volume: String,
    /// The process.
    pub pid: u32,
}

/// A path in a mounted volume.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Located {
    /// The mount.
    pub address: MountAddress,
    /// The path in its volume.
    pub path: TreePath,
}

/// Finds the mount that `path` lies in; `None` if it lies in none. The path need not exist: its nearest
/// existing directory counts. Symbolic links on the way are followed, one at its end is not, unless it is
/// what leads into the mount.
///
/// # Errors
/// The path cannot be looked at, in particular because the process of its mount is dead.
pub fn locate(path: &Path) -> Result<Option<Located>, Failure> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{} is no path: {error}", path.display())))?;
    let entry = resolve_entry(&absolute)?;
    if let Some(located) = locate_resolved(&entry)? {
        return Ok(Some(located));
    }
    match std::fs::canonicalize(&entry) {
        Ok(target) if target != entry => locate_resolved(&target),
        _ => Ok(None),
    }
}

fn locate_resolved(path: &Path) -> Result<Option<Located>, Failure> {
    for existing in path.ancestors() {
        match address_at(existing) {
            Ok(None) if !has_attributes(existing) => {}
            Ok(None) => return Ok(None),
            Ok(Some(address)) => {
                let Ok(inside) = path.strip_prefix(&address.mountpoint) else {
                    return Err(Failure::failed(format!(
                        "{} lies in a mount that says to be at {}; is it mounted in another place as well?",
                        path.display(),
                        address.mountpoint.display()
                    )));
                };
                let path = TreePath::new(inside.as_os_str().as_bytes());
                return Ok(Some(Located { address, path }));
            }
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(errno) => return Err(unreadable(existing, errno.into())),
        }
    }
    Ok(None)
}

/// What the mount at this very inode says; `None` outside of mounts.
fn address_at(path: &Path) -> Result<Option<MountAddress>, Errno> {
    // Room for two paths of the longest length and a long URL.
    let mut value = vec![0; 16 << 10];
    match lgetxattr(path, ATTRIBUTE, &mut value[..]) {
        Ok(len) => Ok(serde_json::from_slice(&value[..len]).ok()),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Links, devices and the like have no attributes that a mount could answer; their directory has.
fn has_attributes(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() || found.is_file())
}

/// Resolves all of a path but its last name; what does not exist stays as it was written.
fn resolve_entry(absolute: &Path) -> Result<PathBuf, Failure> {
    let ends_in_name = matches!(absolute.components().next_back(), Some(Component::Normal(_)))
        && !absolute.as_os_str().as_bytes().ends_with(b"/");
    let (Some(parent), Some(name), true) = (absolute.parent(), absolute.file_name(), ends_in_name) else {
        return resolve(absolute);
    };
    Ok(resolve(parent)?.join(name))
}

fn resolve(path: &Path) -> Result<PathBuf, Failure> {
    let mut missing: Vec<OsString> = Vec::new();
    let mut existing = path;
    loop {
        match std::fs::canonicalize(existing) {
            Ok(resolved) => return Ok(missing.iter().rev().fold(resolved, append)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                let (Some(parent), Some(name)) = (existing.parent(), existing.components().next_back())
                else {
                    return Err(unreadable(path, error));
                };
                missing.push(name.as_os_str().to_owned());
                existing = parent;
            }
            Err(error) => return Err(unreadable(existing, error)),
        }
    }
}

/// What does not exist is no symbolic link either, so that `..` after it is what it looks like.
fn append(mut path: PathBuf, name: &OsString) -> PathBuf {
    if name == ".." {
        path.pop();
    } else {
        path.push(name);
    }
    path
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    // What was under way when the process died is answered with the second and, over io_uring, with the third.
    let dead = [Errno::NOTCONN, Errno::CONNABORTED, Errno::CANCELED];
    if dead.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        return Failure::refused(format!(
            "{} lies in a mount whose process has died; `firn mount` it again at the same place, or `firn umount` it",
            path.display()
        ));
    }
    Failure::failed(format!("cannot look at {}: {error}", path.display()))
}

/// The mount points of Firn in this mount namespace, dead ones too, as the kernel lists them.
///
/// # Errors
/// `/proc` cannot be read.
pub fn mounts() -> io::Result<Vec<PathBuf>> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    Ok(table.split(|&b| b == b'\n').filter_map(firn_mount_point).collect())
}

/// Fields: id, parent, device, root, mount point, options, optional fields, `-`, type, source, super options.
fn firn_mount_point(line: &[u8]) -> Option<PathBuf> {
    let fields: Vec<&[u8]> = line.split(|&b| b == b' ').collect();
    let dash = fields.iter().position(|field| *field == b"-")?;
    let ours = fields.get(dash + 1)?.starts_with(b"fuse.firn");
    ours.then(|| Some(PathBuf::from(OsString::from_vec(unescape(fields.get(4)?)))))?
}

/// The kernel writes blanks, tabs, newlines and backslashes as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let octal = match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] if *first == b'\\' => {
                Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
            }
            _ => None,
        };
        out.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_table_is_read_with_its_escapes() {
        let line = br"36 35 0:54 / /mnt/a\040b\134c rw,nosuid shared:1 - fuse.firn firn rw,user_id=0";
        assert_eq!(firn_mount_point(line), Some(PathBuf::from(r"/mnt/a b\c")));
        let other = b"36 35 0:54 / /mnt rw - ext4 /dev/sda rw";
        assert_eq!(firn_mount_point(other), None);
        assert_eq!(firn_mount_point(b""), None);
    }

    #[test]
    fn all_but_the_last_name_is_resolved() {
        let dir = tempfile::tempdir().unwrap();
        let top = std::fs::canonicalize(dir.path()).unwrap();
        std::fs::create_dir(top.join("real")).unwrap();
        std::os::unix::fs::symlink("real", top.join("link")).unwrap();
        let resolved = |path: &str| resolve_entry(&top.join(path)).unwrap();
        assert_eq!(resolved("link/x"), top.join("real/x"));
        assert_eq!(resolved("link"), top.join("link"));
        assert_eq!(resolved("link/."), top.join("link"));
        assert_eq!(resolved("link/gone/../deep"), top.join("real/deep"));
        assert_eq!(resolved("gone/deeper"), top.join("gone/deeper"));
    }

    #[test]
    fn outside_of_a_mount_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(locate(dir.path()).unwrap(), None);
        assert_eq!(locate(&dir.path().join("missing/too")).unwrap(), None);
    }
}
