//! The directory to mount on: there, ours to use, and no dead mount.

use std::path::{Path, PathBuf};

use firn_control::{Failure, locate};
use firn_store::VolumeUrl;

use crate::arguments::Mount;
use crate::commands::name;
use crate::umount::dead_mount;

/// The mount point, absolute and without symbolic links; a dead mount that was there is gone.
pub fn prepare(mount: &Mount) -> Result<PathBuf, Failure> {
    let url = VolumeUrl::parse(&mount.url).map_err(Failure::usage)?;
    if let Some(dead) = dead_mount(&mount.dir) {
        firn_mount::unmount_lazily(&dead).map_err(|error| {
            Failure::failed(format!(
                "cannot clear away the mount at {} whose process has died: {error}",
                name(&dead)
            ))
        })?;
        tracing::warn!(mountpoint = %dead.display(), "cleared away a mount whose process had died");
    }
    let mountpoint = std::fs::canonicalize(&mount.dir).map_err(|error| {
        Failure::not_found(format!("{} must be an existing directory to mount on: {error}", name(&mount.dir)))
    })?;
    if !mountpoint.is_dir() {
        return Err(Failure::usage(format!("{} is not a directory; name one to mount on", name(&mount.dir))));
    }
    if let Some(located) = locate(&mountpoint)?
        && located.path.is_root()
    {
        return Err(Failure::refused(format!(
            "{} is already mounted there, by pid {}: `firn umount {}` it first, or name another directory",
            located.address.volume,
            located.address.pid,
            name(&mountpoint)
        )));
    }
    apart(&url, &mountpoint)?;
    Ok(mountpoint)
}

/// A volume in a local directory must not lie in its own mount, nor the mount in the volume's directory.
fn apart(url: &VolumeUrl, mountpoint: &Path) -> Result<(), Failure> {
    let Some(Ok(volume)) = url.local_path().map(std::fs::canonicalize) else { return Ok(()) };
    if volume.starts_with(mountpoint) || mountpoint.starts_with(&volume) {
        return Err(Failure::refused(format!(
            "the volume {} and the mount point {} must lie apart: one would cover the other; name another directory",
            name(&volume),
            name(mountpoint)
        )));
    }
    Ok(())
}
