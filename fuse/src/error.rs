use std::io;
use std::path::PathBuf;

/// Why a session could not be made, or ended before it was unmounted.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The kernel offers no FUSE.
    #[error("/dev/fuse is not there: the kernel's module fuse is not loaded")]
    NoDevice,
    /// The device cannot be opened.
    #[error("/dev/fuse cannot be opened: {0}")]
    Device(io::Error),
    /// The mount point cannot be looked at.
    #[error("{} cannot be used as a mount point: {source}", .path.display())]
    MountPoint {
        /// The mount point.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An option that the kernel's table of mounts could not hold.
    #[error("the mount option {0} has a character in it that it must not have")]
    Option(&'static str),
    /// The kernel refused to mount.
    #[error("{} was not mounted: {source}", .path.display())]
    Mount {
        /// The mount point.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An ordinary user mounts with a program that is not there.
    #[error("mounting as an ordinary user needs the program fusermount3, which is not installed")]
    NoHelper,
    /// The system's configuration does not let users share their mounts.
    #[error("an ordinary user may let others use a mount only if user_allow_other is in /etc/fuse.conf")]
    OthersNotAllowed,
    /// fusermount3 refused.
    #[error("fusermount3 did not mount: {0}")]
    Helper(String),
    /// The kernel speaks another version of the protocol.
    #[error("the kernel speaks version {major}.{minor} of FUSE: 7.31 and later is understood (Linux 5.4)")]
    Version {
        /// Major version.
        major: u32,
        /// Minor version.
        minor: u32,
    },
    /// The beginning of the session failed.
    #[error("the kernel did not begin the session: {0}")]
    Handshake(io::Error),
    /// io_uring was required, and cannot be had.
    #[error("FUSE over io_uring cannot be used: {0}")]
    NoRings(String),
    /// A thread could not be started.
    #[error("a thread that answers requests could not be started: {0}")]
    Thread(io::Error),
    /// Requests could not be received any more.
    #[error("requests could not be received any more: {0}")]
    Receive(io::Error),
}
