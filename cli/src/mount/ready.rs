use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use firn_control::{InstantRow, shell_word};
use serde::{Deserialize, Serialize};

use crate::commands::name;
use crate::output::{Output, Stop, Style};
use crate::show;

/// A mount that works.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// The volume's URL.
    pub volume: String,
    /// Where it is mounted.
    pub mountpoint: PathBuf,
    /// The process that serves it.
    pub pid: u32,
    /// The instant that it shows: the present when it was mounted, or the one that was asked for.
    #[serde(flatten)]
    pub instant: InstantRow,
    /// Whether it is a mount of the past.
    pub read_only: bool,
    /// How the kernel's requests reach it, and why not over io_uring if they do not.
    pub transport: String,
    /// Where the process in the background writes its log.
    pub log: Option<PathBuf>,
}

/// Tells the user.
pub fn tell(ready: &Ready, out: &mut Output) -> Result<(), Stop> {
    if out.json {
        return out.value(ready);
    }
    let time = out.time(ready.instant.time.0);
    let what = if ready.read_only { ", read-only," } else { "" };
    out.line(format_args!(
        "{} is mounted{what} on {}, at #{} ({time}), by pid {}, over {}",
        show::path(ready.volume.as_bytes()),
        name(&ready.mountpoint),
        ready.instant.seq,
        ready.pid,
        ready.transport
    ))?;
    let command = out
        .paint(Style::Bold, &format!("firn umount {}", shell_word(ready.mountpoint.as_os_str().as_bytes())));
    out.line(format_args!("to unmount: {command}"))
}
