use std::io;
use std::path::PathBuf;

/// Why something could not be mounted or unmounted, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The mount point is not there.
    #[error("{} does not exist: make the directory first (`mkdir -p {}`)", .0.display(), .0.display())]
    Missing(PathBuf),
    /// The mount point is something else.
    #[error("{} is not a directory: a volume is mounted on a directory", .0.display())]
    NotADirectory(PathBuf),
    /// The mount point cannot be looked at.
    #[error("{} cannot be used as a mount point: {source}", .path.display())]
    Unusable {
        /// The mount point.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A volume is mounted there.
    #[error(
        "{source_url} is mounted on {} already: unmount it first (`firn umount {}`), or choose another directory",
        .path.display(), .path.display()
    )]
    AlreadyMounted {
        /// The mount point.
        path: PathBuf,
        /// What is mounted there.
        source_url: String,
    },
    /// What a dead process left behind cannot be cleared.
    #[error(
        "the last mount on {} is dead and cannot be cleared ({source}): run `fusermount3 -uz {}`, or \
         `umount -l {}` as root",
        .path.display(), .path.display(), .path.display()
    )]
    Stale {
        /// The mount point.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The kernel offers no FUSE.
    #[error(
        "/dev/fuse is not there: load the kernel's module (`modprobe fuse`); in a container, start it with \
         `--device /dev/fuse --cap-add SYS_ADMIN`"
    )]
    NoFuse,
    /// Only root mounts without it.
    #[error(
        "mounting as an ordinary user needs the program fusermount3, which is not installed: install the \
         package fuse3, or mount as root"
    )]
    NoHelper,
    /// The system's configuration does not let users share their mounts.
    #[error(
        "an ordinary user may not let others use a mount here: add the line user_allow_other to /etc/fuse.conf, \
         or mount without that option"
    )]
    OthersNotAllowed,
    /// io_uring was asked for, and cannot be had.
    #[error(
        "requests cannot travel over io_uring: {0}; as root, `echo Y > /sys/module/fuse/parameters/enable_uring` (Linux \
         6.14 or later), or leave the transport to firn"
    )]
    NoRings(String),
    /// The system refused.
    #[error("{} was not mounted: {source}", .path.display())]
    Refused {
        /// The mount point.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Requests could not be answered any more.
    #[error("{} is not served any more: {why}; mount again", .path.display())]
    Failed {
        /// Where it was mounted.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// Something is in use below the mount point.
    #[error(
        "{} is in use: a file is open there, or a process works in it (`fuser -vm {}` tells which); end that and \
         unmount again",
        .0.display(), .0.display()
    )]
    Busy(PathBuf),
    /// Something else has been mounted over it.
    #[error("something else is mounted over {}: unmount that first", .0.display())]
    Covered(PathBuf),
    /// It was detached, but what was open keeps it going.
    #[error("{} is no longer mounted, but files that were open there still are: close them", .0.display())]
    Detached(PathBuf),
    /// The system refused to unmount.
    #[error("{} was not unmounted: {source}", .path.display())]
    NotUnmounted {
        /// The mount point.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
