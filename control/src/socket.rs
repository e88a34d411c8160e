//! Where a mount's socket lies, and making it so that nobody else can have put something there.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use firn_journal::Hash;
use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixStream};

/// Why a control socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody else could read or replace what is in the directory.
    #[error(
        "{path} must be a directory of mode 0700 that belongs to user {uid}, and is {found}; remove it, or set \
         XDG_RUNTIME_DIR to a directory of your own"
    )]
    Unsafe {
        /// The directory.
        path: String,
        /// Us.
        uid: u32,
        /// What is there.
        found: String,
    },
    /// A live process answers there.
    #[error("another process already serves {path}; `firn umount` the mount there first")]
    Taken {
        /// The socket.
        path: String,
    },
    /// The operating system refused.
    #[error("cannot make the control socket {path}: {source}")]
    Io {
        /// The socket, or the directory above it.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl SocketError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> SocketError {
        let path = path.display().to_string();
        move |source| SocketError::Io { path, source }
    }
}

/// The longest path that the address of a Unix socket can hold, in bytes.
const LONGEST_PATH: usize = 107;

/// The directory of runtime files of this user.
fn runtime_directory(xdg: Option<&OsStr>, uid: u32) -> PathBuf {
    let fits = |dir: &&Path| {
        dir.is_absolute() && dir.as_os_str().len() + "/firn/0123456789abcdef.sock".len() <= LONGEST_PATH
    };
    if let Some(dir) = xdg.map(Path::new).filter(fits) {
        return dir.to_owned();
    }
    let run = PathBuf::from(format!("/run/user/{uid}"));
    if run.is_dir() { run } else { own_directory(uid) }
}

/// The runtime directory where the system gives none: ours to make.
fn own_directory(uid: u32) -> PathBuf {
    PathBuf::from(format!("/tmp/firn-{uid}"))
}

/// Where the socket of a mount at `mountpoint` (absolute, without symbolic links) lies.
pub fn socket_path(mountpoint: &Path) -> PathBuf {
    let dir = runtime_directory(std::env::var_os("XDG_RUNTIME_DIR").as_deref(), geteuid().as_raw());
    dir.join("firn").join(socket_name(mountpoint))
}

fn socket_name(mountpoint: &Path) -> String {
    let hash = Hash::of(mountpoint.as_os_str().as_bytes());
    format!("{}.sock", crate::path::to_hex(&hash.0[..8]))
}

/// Makes the directories above a socket, those that are ours, and checks that they are.
fn make_directories(socket: &Path) -> Result<(), SocketError> {
    let uid = geteuid().as_raw();
    let Some(parent) = socket.parent() else { return Ok(()) };
    if parent.parent() == Some(&own_directory(uid)) {
        make_private(&own_directory(uid), uid)?;
    }
    make_private(parent, uid)
}

/// A directory that only we can look into; an existing one must already be that.
fn make_private(dir: &Path, uid: u32) -> Result<(), SocketError> {
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(SocketError::io(dir)(error));
        }
        _ => {}
    }
    let found = std::fs::symlink_metadata(dir).map_err(SocketError::io(dir))?;
    let mode = found.permissions().mode();
    if found.is_dir() && found.uid() == uid && mode & 0o077 == 0 {
        return Ok(());
    }
    let what = if found.is_dir() { "a directory" } else { "no directory" };
    Err(SocketError::Unsafe {
        path: dir.display().to_string(),
        uid,
        found: format!("{what} of mode {:04o} of user {}", mode & 0o7777, found.uid()),
    })
}

/// Binds a socket with mode 0600. One that nobody listens at any more is replaced.
pub(crate) async fn bind(socket: &Path) -> Result<UnixListener, SocketError> {
    make_directories(socket)?;
    let listener = match UnixListener::bind(socket) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if UnixStream::connect(socket).await.is_ok() {
                return Err(SocketError::Taken { path: socket.display().to_string() });
            }
            std::fs::remove_file(socket).map_err(SocketError::io(socket))?;
            UnixListener::bind(socket)
        }
        bound => bound,
    }
    .map_err(SocketError::io(socket))?;
    // Until here the directory kept others out.
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))
        .map_err(SocketError::io(socket))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_name_is_short_and_belongs_to_one_mount_point() {
        let (a, b) = (socket_name(Path::new("/a")), socket_name(Path::new("/b")));
        assert_ne!(a, b);
        assert_eq!(a.len(), 16 + ".sock".len());
    }

    #[test]
    fn a_runtime_directory_that_will_not_do_is_not_used() {
        let own = Path::new("/tmp/firn-4000000000");
        assert_eq!(runtime_directory(Some(OsStr::new("here")), 4_000_000_000), own);
        assert_eq!(runtime_directory(Some(OsStr::new(&format!("/{}", "x".repeat(90)))), 4_000_000_000), own);
        assert_eq!(runtime_directory(Some(OsStr::new("/x")), 1), Path::new("/x"));
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let uid = geteuid().as_raw();
        let open = dir.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(make_private(&open, uid), Err(SocketError::Unsafe { .. })));
        let link = dir.path().join("link");
        let private = dir.path().join("private");
        make_private(&private, uid).unwrap();
        std::os::unix::fs::symlink(&private, &link).unwrap();
        assert!(matches!(make_private(&link, uid), Err(SocketError::Unsafe { .. })));
        assert!(make_private(&private, uid).is_ok(), "making it twice is fine");
        assert!(matches!(make_private(&private, uid + 1), Err(SocketError::Unsafe { .. })));
    }
}
