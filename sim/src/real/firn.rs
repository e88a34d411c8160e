use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::pause;

/// How long a process that was killed may take to be gone, in looks of [`LOOK`].
const LOOKS: u32 = 3_000;
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(2);

/// The real program, and where it mounts a volume. What it keeps on this machine is kept in a directory of its own.
pub struct Firn {
    program: PathBuf,
    /// The volume.
    pub url: String,
    scratch: PathBuf,
    /// Where it is mounted.
    pub dir: PathBuf,
}

impl Firn {
    /// Makes the directories.
    ///
    /// # Errors
    /// What cannot be made.
    pub fn new(program: &Path, url: &str, scratch: &Path) -> Result<Firn, String> {
        let dir = scratch.join("mnt");
        for made in [&dir, &scratch.join("run")] {
            std::fs::create_dir_all(made)
                .map_err(|error| format!("{} cannot be made: {error}", made.display()))?;
        }
        Ok(Firn { program: program.to_owned(), url: url.to_owned(), scratch: scratch.to_owned(), dir })
    }

    /// Where it keeps blocks of the volume on this machine, which may be deleted.
    pub fn cache(&self) -> PathBuf {
        self.scratch.join("cache")
    }

    /// Begins to run the program, which is to answer in JSON.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn begin(&self, arguments: &[&str]) -> Result<Child, String> {
        self.begin_in(&self.scratch, arguments)
    }

    /// Begins to run it in the mount: so that it asks the process that serves that, and nobody else if that is dead.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn begin_inside(&self, arguments: &[&str]) -> Result<Child, String> {
        self.begin_in(&self.dir, arguments)
    }

    fn begin_in(&self, dir: &Path, arguments: &[&str]) -> Result<Child, String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--json").current_dir(dir).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", self.cache());
        command.env("XDG_STATE_HOME", self.scratch.join("state"));
        command.env("XDG_RUNTIME_DIR", self.scratch.join("run"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| self.cannot_run(&error))
    }

    /// Runs it; the lines of its answer.
    ///
    /// # Errors
    /// What it said, if it failed.
    pub fn ask(&self, arguments: &[&str]) -> Result<Vec<Value>, String> {
        self.answer(arguments, self.begin(arguments)?)
    }

    /// Runs it in the mount.
    ///
    /// # Errors
    /// What it said, if it failed.
    pub fn ask_inside(&self, arguments: &[&str]) -> Result<Vec<Value>, String> {
        self.answer(arguments, self.begin_inside(arguments)?)
    }

    /// Waits for its end; the lines of its answer.
    ///
    /// # Errors
    /// What it said, if it failed.
    pub fn answer(&self, arguments: &[&str], child: Child) -> Result<Vec<Value>, String> {
        let output = child.wait_with_output().map_err(|error| self.cannot_run(&error))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let complained = String::from_utf8_lossy(&output.stderr);
            return Err(format!("firn {}: {}; {said}{complained}", arguments.join(" "), output.status));
        }
        let line = |line: &str| {
            serde_json::from_str(line)
                .map_err(|error| format!("firn {} answered no JSON: {error}: {line}", arguments.join(" ")))
        };
        said.lines().map(line).collect()
    }

    fn cannot_run(&self, error: &std::io::Error) -> String {
        format!("{} did not run: {error}; --firn says where it is", self.program.display())
    }

    /// The arguments that mount the volume.
    ///
    /// # Errors
    /// If the mount point cannot be an argument.
    pub fn mount_arguments<'a>(&'a self, interval: &'a str) -> Result<[&'a str; 5], String> {
        let dir = self.dir.to_str().ok_or_else(|| {
            format!("{} is not UTF-8: name another directory with --dir", self.dir.display())
        })?;
        Ok(["mount", &self.url, dir, "--commit-interval", interval])
    }

    /// Mounts in the background; the process that serves the mount.
    ///
    /// # Errors
    /// What it said, if it failed.
    pub fn mount(&self, interval: &str) -> Result<u32, String> {
        let told = self.ask(&self.mount_arguments(interval)?)?;
        let pid =
            told.first().and_then(|ready| ready["pid"].as_u64()).and_then(|pid| u32::try_from(pid).ok());
        pid.ok_or_else(|| format!("firn mount did not tell its process: {told:?}"))
    }

    /// How often something is mounted at the mount point.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn mounts(&self) -> Result<usize, String> {
        let table = std::fs::read_to_string("/proc/self/mountinfo")
            .map_err(|error| format!("/proc/self/mountinfo cannot be read: {error}"))?;
        let points = table.lines().filter_map(|line| line.split(' ').nth(4));
        Ok(points.filter(|point| Path::new(point) == self.dir).count())
    }

    /// kill -9 of a process of this program, and waits until it is gone. Whether it was still there.
    ///
    /// # Errors
    /// If it does not go.
    pub fn kill(&self, pid: u32) -> Result<bool, String> {
        if !self.lives(pid) {
            return Ok(false);
        }
        let target = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let target = target.ok_or_else(|| format!("{pid} is no process number"))?;
        let killed = kill_process(target, Signal::KILL).is_ok();
        if self.has_ended(pid) { Ok(killed) } else { Err(format!("pid {pid} does not end after kill -9")) }
    }

    /// Whether a process is there, and is of this program: numbers are used again.
    fn lives(&self, pid: u32) -> bool {
        let told = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let own = self.program.file_name().unwrap_or_default().to_string_lossy();
        let own: String = own.chars().take(15).collect();
        told("comm").trim() == own && !told("stat").contains(") Z ")
    }

    /// Waits until a process is gone; whether it is.
    pub fn has_ended(&self, pid: u32) -> bool {
        (0..LOOKS).any(|_| {
            let gone = !self.lives(pid);
            if !gone {
                pause(LOOK);
            }
            gone
        })
    }

    /// The process that serves the mount, as the mount says itself.
    fn serving(&self) -> Option<u32> {
        let mut value = vec![0; 4096];
        let len = rustix::fs::getxattr(&self.dir, "user.firn.control", &mut value[..]).ok()?;
        let told: Value = serde_json::from_slice(&value[..len]).ok()?;
        u32::try_from(told["pid"].as_u64()?).ok()
    }
}

impl Drop for Firn {
    /// Nothing stays mounted, and nobody serves it, also when something was found.
    fn drop(&mut self) {
        let pid = self.serving();
        while self.mounts().is_ok_and(|mounts| mounts > 0) {
            if rustix::mount::unmount(&self.dir, rustix::mount::UnmountFlags::DETACH).is_err() {
                let gone = Command::new("fusermount3").arg("-uz").arg(&self.dir).status();
                if !gone.is_ok_and(|status| status.success()) {
                    eprintln!("firn-sim: {} stays mounted: unmount it by hand", self.dir.display());
                    break;
                }
            }
        }
        if let Some(pid) = pid
            && let Err(problem) = self.kill(pid)
        {
            eprintln!("firn-sim: {problem}");
        }
    }
}
