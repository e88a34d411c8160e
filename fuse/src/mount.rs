//! Mounts: with a system call where this process may, and else with the program fusermount3.

use std::env;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{getegid, geteuid};

use crate::device::DEVICE;
use crate::error::SessionError;

/// The program that may mount for users.
const HELPER: &str = "fusermount3";

/// What the kernel, and its table of mounts, is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MountOptions {
    /// What is mounted, as the table shows it.
    pub fsname: String,
    /// The type in the table is `fuse.` and this, or `fuse` if it is empty.
    pub subtype: String,
    /// Other users than the one who mounts may use it.
    pub allow_other: bool,
    /// The kernel checks permissions, with the attributes that it is given.
    pub default_permissions: bool,
    /// Nothing can be changed.
    pub read_only: bool,
}

/// Mounts, and answers the device on which the kernel speaks.
pub(crate) fn mount(path: &Path, options: &MountOptions) -> Result<OwnedFd, SessionError> {
    if options.subtype.contains([',', '\0', '\\']) {
        return Err(SessionError::Option("subtype"));
    }
    if options.fsname.contains(['\0', '\n']) {
        return Err(SessionError::Option("fsname"));
    }
    match directly(path, options) {
        Err(SessionError::Mount { source, .. }) if source.raw_os_error() == Some(libc::EPERM) => {
            with_helper(path, options)
        }
        // Whether users may open the device is the distribution's choice; the helper may in any case.
        Err(SessionError::Device(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            with_helper(path, options)
        }
        result => result,
    }
}

fn directly(path: &Path, options: &MountOptions) -> Result<OwnedFd, SessionError> {
    let mode = match path.metadata() {
        Ok(metadata) => metadata.mode(),
        Err(source) => return Err(SessionError::MountPoint { path: path.to_owned(), source }),
    };
    let device = match File::options().read(true).write(true).open(DEVICE) {
        Ok(device) => device,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SessionError::NoDevice),
        Err(error) => return Err(SessionError::Device(error)),
    };
    let mut data = format!(
        "fd={},rootmode={:o},user_id={},group_id={}",
        device.as_raw_fd(),
        mode & libc::S_IFMT,
        geteuid().as_raw(),
        getegid().as_raw(),
    );
    for option in kernel_options(options) {
        data.push(',');
        data.push_str(&option);
    }
    let data = CString::new(data).map_err(|_| SessionError::Option("subtype"))?;
    let mut flags = MountFlags::NOSUID | MountFlags::NODEV;
    flags.set(MountFlags::RDONLY, options.read_only);
    rustix::mount::mount(source(options), path, "fuse", flags, data.as_c_str())
        .map_err(|error| SessionError::Mount { path: path.to_owned(), source: error.into() })?;
    Ok(device.into())
}

/// What the kernel understands, and fusermount3 too.
fn kernel_options(options: &MountOptions) -> Vec<String> {
    let mut list = Vec::new();
    if !options.subtype.is_empty() {
        list.push(format!("subtype={}", options.subtype));
    }
    if options.allow_other {
        list.push("allow_other".to_owned());
    }
    if options.default_permissions {
        list.push("default_permissions".to_owned());
    }
    list
}

fn source(options: &MountOptions) -> &str {
    match (options.fsname.as_str(), options.subtype.as_str()) {
        ("", "") => DEVICE,
        ("", subtype) => subtype,
        (fsname, _) => fsname,
    }
}

/// The program mounts, and sends the device over a socket, which it is given as its standard input.
fn with_helper(path: &Path, options: &MountOptions) -> Result<OwnedFd, SessionError> {
    let (ours, theirs) = UnixStream::pair().map_err(SessionError::Device)?;
    let mut list = kernel_options(options);
    list.push(format!("fsname={}", source(options).replace('\\', "\\\\").replace(',', "\\,")));
    list.extend(["nosuid", "nodev"].map(str::to_owned));
    if options.read_only {
        list.push("ro".to_owned());
    }
    let mut command = Command::new(HELPER);
    command.arg("-o").arg(list.join(",")).arg("--").arg(path);
    command
        .env("_FUSE_COMMFD", "0")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let path = env::var_os("PATH").unwrap_or_default();
    let helper = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SessionError::NoHelper,
        // One of the directories cannot be entered, and the others do not have it.
        io::ErrorKind::PermissionDenied if !is_in(&path, HELPER) => SessionError::NoHelper,
        _ => SessionError::Helper(error.to_string()),
    });
    // With the command goes its end of the socket, so that the end of the program can be seen on ours.
    drop(command);
    let helper = helper?;
    let device = receive(&ours);
    let complaint = complaint(helper);
    match device {
        Ok(Some(device)) => Ok(device),
        _ if complaint.contains("user_allow_other") => Err(SessionError::OthersNotAllowed),
        Ok(None) => Err(SessionError::Helper(complaint)),
        Err(error) => Err(SessionError::Helper(format!("{error} {complaint}"))),
    }
}

/// Whether any directory of the list has such a file.
fn is_in(directories: &OsStr, name: &str) -> bool {
    env::split_paths(directories).any(|directory| directory.join(name).exists())
}

fn complaint(mut helper: Child) -> String {
    let mut text = Vec::new();
    if let Some(mut stderr) = helper.stderr.take() {
        // What could be read is told.
        let _ = stderr.read_to_end(&mut text);
    }
    let _ = helper.wait();
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// The descriptor that comes over the socket; `None` if it is closed instead.
fn receive(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut byte = [0];
    loop {
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut byte)];
        match recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let mut descriptors = control.drain().filter_map(|message| match message {
                    RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
                    _ => None,
                });
                return Ok(descriptors.next());
            }
        }
    }
}

/// Takes a mount away from the tree of directories at once; an ordinary user through fusermount3.
///
/// # Errors
/// What the system or the program says.
pub fn detach(path: &Path) -> io::Result<()> {
    match rustix::mount::unmount(path, UnmountFlags::DETACH) {
        Err(Errno::PERM) => {
            let output = Command::new(HELPER).args(["-u", "-z", "--"]).arg(path).output()?;
            match output.status.success() {
                true => Ok(()),
                false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            }
        }
        result => result.map_err(io::Error::from),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_is_looked_for_in_every_directory() {
        let (empty, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(full.path().join(HELPER), "").unwrap();
        let list = |paths: &[&Path]| env::join_paths(paths).unwrap();
        assert!(is_in(&list(&[empty.path(), full.path()]), HELPER));
        assert!(!is_in(&list(&[empty.path(), Path::new("/nowhere")]), HELPER));
    }
}
