//! `firn doctor`: what this machine can do for a mount.

use std::path::Path;

use firn_control::Failure;
use serde::Serialize;

use crate::commands::Outcome;
use crate::output::{Output, Style};

/// Something that was looked at.
#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    /// Whether nothing can be mounted without it.
    needed: bool,
    found: String,
    /// What to do; absent if all is well.
    advice: Option<&'static str>,
}

/// Looks, and tells.
///
/// # Errors
/// Something that is needed for mounting is missing.
pub fn doctor(out: &mut Output) -> Outcome {
    let findings = [device(), privilege(), uring()];
    for finding in &findings {
        if out.json {
            out.value(finding)?;
            continue;
        }
        let (mark, style) = if finding.ok { ("ok", Style::Green) } else { ("not ok", Style::Yellow) };
        out.line(format_args!("{:<6}  {}: {}", out.paint(style, mark), finding.check, finding.found))?;
        if let Some(advice) = finding.advice {
            out.line(format_args!("        {advice}"))?;
        }
    }
    match findings.iter().find(|finding| finding.needed && !finding.ok) {
        Some(missing) => {
            Err(Failure::failed(format!("nothing can be mounted here: {}", missing.found)).into())
        }
        None => Ok(0),
    }
}

fn device() -> Finding {
    let ok = Path::new("/dev/fuse").exists();
    Finding {
        check: "the kernel's FUSE",
        ok,
        needed: true,
        found: if ok { "/dev/fuse is there" } else { "/dev/fuse is not there" }.into(),
        advice: (!ok).then_some(
            "as root: modprobe fuse; a container is started with --device /dev/fuse --cap-add SYS_ADMIN",
        ),
    }
}

/// Root mounts by itself, others with a program.
fn privilege() -> Finding {
    let root = rustix::process::geteuid().is_root();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let helper = std::env::split_paths(&path).map(|dir| dir.join("fusermount3")).find(|file| file.is_file());
    let ok = root || helper.is_some();
    Finding {
        check: "the right to mount",
        ok,
        needed: true,
        found: match (root, helper) {
            (true, _) => "by root".into(),
            (false, Some(helper)) => format!("by {}", helper.display()),
            (false, None) => "not root, and the program fusermount3 is not installed".into(),
        },
        advice: (!ok).then_some("install the package fuse3, or mount as root"),
    }
}

fn uring() -> Finding {
    let reason = firn_mount::why_not_uring();
    Finding {
        check: "FUSE over io_uring",
        ok: reason.is_none(),
        needed: false,
        advice: reason.is_some().then_some(
            "small operations of several programs at once are faster with it; on Linux 6.14 or later, as root: echo Y \
             > /sys/module/fuse/parameters/enable_uring, and for good: options fuse enable_uring=Y in /etc/modprobe.d",
        ),
        found: reason.unwrap_or_else(|| "enabled".into()),
    }
}
