//! A user at a terminal: a volume, a mount point, and the `firn` that was just built.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod proxy;
pub mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A volume of its own with a mount point; unmounted and removed at the end, also when a test fails.
pub struct World {
    scratch: TempDir,
    /// What names the volume.
    pub url: String,
    /// Where it is mounted.
    pub dir: PathBuf,
    environment: Vec<(String, String)>,
    /// Further arguments of `firn mount`.
    pub mount_options: Vec<String>,
}

impl World {
    /// A volume in a local directory.
    pub fn local() -> World {
        let scratch = scratch();
        let url = scratch.path().join("volume").display().to_string();
        World::new(scratch, url, Vec::new())
    }

    /// A volume in a local directory; with `FIRN_TEST_STORE=s3` on the S3 server. For tests that hold on any store.
    pub fn anywhere() -> World {
        match std::env::var("FIRN_TEST_STORE").as_deref() {
            Ok("s3") => World::s3(&s3_endpoint()),
            _ => World::local(),
        }
    }

    /// A volume on the S3 server of the tests, through `endpoint` (the server itself, or a proxy before it).
    pub fn s3(endpoint: &str) -> World {
        let scratch = scratch();
        let bucket = format!("firn-{}", scratch.path().file_name().unwrap().to_string_lossy().to_lowercase());
        let bucket = bucket.replace(['.', '_'], "-");
        let created = http_put(&s3_endpoint(), &format!("/{bucket}"));
        assert!(created.contains("200"), "the bucket was not made: {created}");
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ];
        let environment = environment.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        World::new(scratch, format!("s3://{bucket}/a/volume"), environment)
    }

    fn new(scratch: TempDir, url: String, environment: Vec<(String, String)>) -> World {
        let dir = scratch.path().join("mnt");
        std::fs::create_dir(&dir).unwrap();
        let transport = std::env::var("FIRN_TEST_TRANSPORT").ok();
        let mount_options = transport.map(|way| vec!["--transport".into(), way]).unwrap_or_default();
        World { scratch, url, dir, environment, mount_options }
    }

    /// Initialized and mounted.
    pub fn mounted(self) -> World {
        self.ok(&["init", &self.url.clone()]);
        self.mount();
        self
    }

    /// A directory beside the mount, on the ordinary file system.
    pub fn beside(&self, name: &str) -> PathBuf {
        let path = self.scratch.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// The directory of a local volume.
    pub fn store(&self) -> PathBuf {
        PathBuf::from(&self.url)
    }

    /// `firn` with these arguments, run in `cwd`.
    pub fn command(&self, cwd: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
        command.args(arguments).current_dir(cwd).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        command.env("XDG_CACHE_HOME", self.scratch.path().join("cache"));
        command.env("XDG_STATE_HOME", self.scratch.path().join("state"));
        command.env("XDG_RUNTIME_DIR", self.runtime());
        command
    }

    fn runtime(&self) -> PathBuf {
        let dir = self.scratch.path().join("run");
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// Runs `firn` outside of the mount.
    pub fn firn(&self, arguments: &[&str]) -> Output {
        self.command(self.scratch.path(), arguments).output().unwrap()
    }

    /// Runs `firn` outside of the mount; it must succeed. Its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        succeeded(arguments, self.firn(arguments))
    }

    /// Runs `firn` inside the mount; it must succeed. Its standard output.
    pub fn inside(&self, arguments: &[&str]) -> String {
        succeeded(arguments, self.command(&self.dir, arguments).output().unwrap())
    }

    /// Runs `firn ... --json` inside the mount: each line of its answer.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.inside(&[arguments, &["--json"]].concat());
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }

    /// Runs `firn` outside of the mount; it must fail. Its standard error.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.firn(arguments);
        assert!(!output.status.success(), "firn {arguments:?} went through");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Mounts in the background.
    pub fn mount(&self) {
        let mut arguments = vec!["mount", &self.url, self.dir.to_str().unwrap()];
        arguments.extend(self.mount_options.iter().map(String::as_str));
        self.ok(&arguments);
    }

    /// Unmounts in good order.
    pub fn umount(&self) {
        self.ok(&["umount", self.dir.to_str().unwrap()]);
    }

    /// The status of the live mount.
    pub fn status(&self) -> Value {
        self.json(&["status"]).remove(0)
    }

    /// The last event's sequence number.
    pub fn head(&self) -> u64 {
        self.status()["head_seq"].as_u64().unwrap()
    }

    /// The process that serves the mount.
    pub fn pid(&self) -> u32 {
        self.status()["pid"].as_u64().unwrap() as u32
    }

    /// Ends the mount process as a power cut would.
    pub fn kill(&self) {
        kill(self.pid());
    }

    /// Kills, and mounts again: what a user does after a crash.
    pub fn crash(&self) {
        self.kill();
        self.mount();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Best effort: each mount may be gone, dead or alive.
        for dir in mounts_below(self.scratch.path()) {
            let pid = serving_pid(&dir);
            let _ = Command::new("umount").arg("-l").arg(&dir).stderr(Stdio::null()).status();
            if let Some(pid) = pid {
                end(pid);
            }
        }
    }
}

/// What is mounted below a directory, the latest first.
fn mounts_below(dir: &Path) -> Vec<PathBuf> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    let mut below: Vec<_> = points.filter(|point| point.starts_with(dir)).collect();
    below.reverse();
    below
}

/// The process that serves this mount, as the mount says itself.
fn serving_pid(dir: &Path) -> Option<u32> {
    let mut value = vec![0; 4096];
    let len = rustix::fs::getxattr(dir, "user.firn.control", &mut value[..]).ok()?;
    let told: Value = serde_json::from_slice(&value[..len]).ok()?;
    u32::try_from(told["pid"].as_u64()?).ok()
}

/// kill -9 of a firn process, and waits until it is gone.
pub fn kill(pid: u32) {
    assert!(end(pid), "pid {pid} does not end");
}

/// Whether the process is gone in the end. Leaves processes of other programs alone: numbers are used again.
fn end(pid: u32) -> bool {
    let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let Some(target) = rustix::process::Pid::from_raw(pid as i32).filter(|_| command.trim() == "firn") else {
        return true;
    };
    let _ = rustix::process::kill_process(target, rustix::process::Signal::KILL);
    (0..500).any(|_| {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let gone = state.is_empty() || state.contains(") Z ");
        if !gone {
            pause(10);
        }
        gone
    })
}

/// Milliseconds of real time: these tests wait for a real kernel and real servers.
#[expect(clippy::disallowed_methods, reason = "outside of simulation")]
pub fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn succeeded(arguments: &[&str], output: Output) -> String {
    assert!(
        output.status.success(),
        "firn {arguments:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A shell command in a directory, which must succeed. Its standard output.
pub fn sh(cwd: &Path, script: &str) -> String {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(cwd).stdin(Stdio::null());
    command.envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "test"),
        ("GIT_AUTHOR_EMAIL", "test@example.org"),
        ("GIT_COMMITTER_NAME", "test"),
        ("GIT_COMMITTER_EMAIL", "test@example.org"),
    ]);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{script}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where the S3 server of the tests listens; `scripts/test` starts one.
pub fn s3_endpoint() -> String {
    std::env::var("FIRN_TEST_S3_ENDPOINT").expect(
        "FIRN_TEST_S3_ENDPOINT names an S3 server: run scripts/test, or start one (see docs/testing.md)",
    )
}

fn scratch() -> TempDir {
    let parent = std::env::var_os("FIRN_TEST_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::Builder::new().prefix("firn-test-").tempdir_in(parent).unwrap()
}

fn http_put(endpoint: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let address = endpoint.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}
