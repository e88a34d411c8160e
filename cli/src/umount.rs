//! `firn umount`: in good order when the mount lives, out of the way when it is dead.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firn_control::{Failure, MountAddress, Request, UnmountResult, call, locate, mounts};
use serde::Serialize;

use crate::commands::{Outcome, follow, name, read};
use crate::output::Output;

/// How long a process that has closed its volume may take to end.
const LAST_BREATH: Duration = Duration::from_secs(10);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(10);

/// What was done, in JSON.
#[derive(Serialize)]
struct Unmounted {
    mountpoint: String,
    /// Whether its process had died.
    was_dead: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    durable_seq: Option<u64>,
}

impl Unmounted {
    fn new(mountpoint: &Path, was_dead: bool, durable_seq: Option<u64>) -> Self {
        Unmounted { mountpoint: mountpoint.display().to_string(), was_dead, durable_seq }
    }
}

/// Ends a mount.
pub async fn umount(dir: &Path, out: &mut Output) -> Outcome {
    if let Some(mountpoint) = dead_mount(dir) {
        firn_mount::unmount_lazily(&mountpoint).map_err(|error| {
            Failure::failed(format!("cannot unmount the dead mount at {}: {error}", name(&mountpoint)))
        })?;
        if out.json {
            out.value(
                &serde_json::json!({ "mountpoint": mountpoint.display().to_string(), "was_dead": true }),
            )?;
        } else {
            out.line(format_args!(
                "{} was left by a process that had died; it is unmounted now. The volume has everything that was \
                 durable: mount it again to go on",
                name(&mountpoint)
            ))?;
        }
        return Ok(0);
    }
    let Some(located) = locate(dir)? else {
        return Err(Failure::not_found(format!(
            "{} is not in a Firn mount; {}",
            name(dir),
            what_is_mounted()
        ))
        .into());
    };
    end(&located.address, out).await
}

async fn end(address: &MountAddress, out: &mut Output) -> Outcome {
    let mut answers = call(&address.socket, &Request::Unmount).await?;
    let result = follow(&mut answers, out, |_, _| Ok(())).await?;
    let ended: UnmountResult = read(&result)?;
    if tokio::time::timeout(LAST_BREATH, end_of(address.pid)).await.is_err() {
        out.note(format_args!("pid {} has closed the volume, and is slow to end", address.pid))?;
    }
    let mountpoint = &address.mountpoint;
    match (out.json, ended.durable_seq) {
        (true, durable) => out.value(&Unmounted::new(mountpoint, false, durable))?,
        (_, Some(seq)) => {
            out.line(format_args!("{} is unmounted; everything is durable, up to #{seq}", name(mountpoint)))?;
        }
        (_, None) => out.line(format_args!("{} is unmounted", name(mountpoint)))?,
    }
    Ok(0)
}

/// Waits until a process of ours has ended, though nobody may have taken notice of its end.
async fn end_of(pid: u32) {
    let program = format!("/proc/{pid}/exe");
    while std::fs::read_link(&program).is_ok() {
        tokio::time::sleep(LOOK).await;
    }
}

/// The mount point at or above `dir` whose process is dead, if that is the case.
pub fn dead_mount(dir: &Path) -> Option<PathBuf> {
    // Not lstat, which the kernel answers from its cache long after the process is gone.
    let looked = rustix::fs::statvfs(dir).err().map(std::io::Error::from);
    if !looked.is_some_and(|error| firn_mount::is_of_the_dead(&error)) {
        return None;
    }
    let absolute = std::path::absolute(dir).ok()?;
    // Only what is above the mount point can be resolved.
    let mounts = mounts().ok()?;
    absolute.ancestors().find_map(|dir| {
        let parent = dir.parent().and_then(|parent| std::fs::canonicalize(parent).ok())?;
        let resolved = parent.join(dir.file_name()?);
        mounts.contains(&resolved).then_some(resolved)
    })
}

fn what_is_mounted() -> String {
    match mounts().unwrap_or_default().as_slice() {
        [] => "nothing is mounted here".to_owned(),
        dirs => {
            let names: Vec<String> =
                dirs.iter().map(|dir| crate::show::path(dir.as_os_str().as_bytes())).collect();
            format!("mounted here: {}", names.join(", "))
        }
    }
}
