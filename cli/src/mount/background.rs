//! A mount in the background: this program starts itself again, in a session of its own, and waits until the
//! other says on its standard output that it is ready, or why not.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use firn_control::Failure;
use serde::{Deserialize, Serialize};

use crate::arguments::{Global, Mount};
use crate::mount::ready::Ready;
use crate::output::Output;

/// What the process in the background says first.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Report {
    /// The mount works.
    Ready(Ready),
    /// It does not.
    Failed(Failure),
}

/// Starts the process in the background and waits for its first word.
pub fn start(global: &Global, mount: &Mount, mountpoint: &Path, out: &Output) -> Result<Ready, Failure> {
    let log = log_file(mountpoint)?;
    let errors = open_log(&log)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", log.display())))?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("cannot find this program: {error}")))?;
    let mut child = Command::new(program)
        .args(arguments(global, mount, mountpoint, out)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(|error| Failure::failed(format!("cannot start the process in the background: {error}")))?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        // An end without a word is told from the exit status below.
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    match serde_json::from_str(&line) {
        Ok(Report::Ready(ready)) => Ok(Ready { log: Some(log), ..ready }),
        Ok(Report::Failed(failure)) => Err(failure),
        Err(_) => {
            let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            Err(Failure::failed(format!(
                "the process in the background ended before the mount was ready ({status}); see {}",
                log.display()
            )))
        }
    }
}

/// The command line of the process in the background: what the user said, and nothing that depends on the
/// current directory or the time.
fn arguments(
    global: &Global,
    mount: &Mount,
    mountpoint: &Path,
    out: &Output,
) -> Result<Vec<OsString>, Failure> {
    let mut arguments: Vec<OsString> = vec!["mount".into(), "--background-child".into()];
    arguments.extend((0..global.verbose).map(|_| "-v".into()));
    let mut option = |name: &str, value: &OsStr| {
        let mut argument = OsString::from(format!("--{name}="));
        argument.push(value);
        arguments.push(argument);
    };
    if let Some(at) = &mount.at {
        option("at", out.times.absolute(at)?.as_ref());
    }
    if let Some(dir) = &mount.cache_dir {
        option("cache-dir", absolute(dir)?.as_ref());
    }
    option("cache-size", mount.cache_size.0.to_string().as_ref());
    option("memory-cache", mount.memory_cache.0.to_string().as_ref());
    option("dirty-limit", mount.dirty_limit.0.to_string().as_ref());
    option("commit-interval", format!("{}ms", mount.commit_interval.as_millis()).as_ref());
    option("transport", mount.transport.name().as_ref());
    if mount.allow_other {
        arguments.push("--allow-other".into());
    }
    let url = firn_store::VolumeUrl::parse(&mount.url).map_err(Failure::usage)?;
    arguments.extend(["--".into(), url.to_string().into(), mountpoint.into()]);
    Ok(arguments)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// One log file for each mount point, in the user's state directory.
fn log_file(mountpoint: &Path) -> Result<PathBuf, Failure> {
    let dirs = directories::ProjectDirs::from("", "", "firn").ok_or_else(|| {
        Failure::failed("there is no home directory for the log file: set HOME or XDG_STATE_HOME, or mount with --foreground")
    })?;
    let dir = dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
    made.map_err(|error| {
        Failure::failed(format!("cannot make the directory of log files {}: {error}", dir.display()))
    })?;
    let socket = firn_control::socket_path(mountpoint);
    let name = socket.file_stem().unwrap_or(OsStr::new("mount")).to_owned();
    Ok(dir.join(name).with_extension("log"))
}

/// A new log; the one of the mount before is kept beside it.
fn open_log(log: &Path) -> io::Result<File> {
    match std::fs::rename(log, log.with_extension("log.old")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::create_new(log)
}

/// In the process in the background, at its beginning: a session of its own, and no directory held.
pub fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    std::env::set_current_dir("/")
}

/// In the process in the background: tells the one that waits, and lets go of it.
pub fn report(outcome: Result<Ready, Failure>) -> io::Result<()> {
    let report = match outcome {
        Ok(ready) => Report::Ready(ready),
        Err(failure) => Report::Failed(failure),
    };
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &report)?;
    writeln!(stdout)?;
    stdout.flush()?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(nowhere)?)
}
