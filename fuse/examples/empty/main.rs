//! Mounts the empty filesystem: the baseline of the benchmarks. Ends when it is unmounted.
//!
//! `empty [--ttl SECONDS] [--transport auto|uring|classic] [--threads N] MOUNTPOINT`

mod fs;

use std::env;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use firn_fuse::{MountOptions, Options, Session, Transport};

const USAGE: &str = "empty [--ttl SECONDS] [--transport auto|uring|classic] [--threads N] MOUNTPOINT";

fn main() -> Result<(), Box<dyn Error>> {
    let mount = MountOptions { fsname: "empty".into(), subtype: "empty".into(), ..MountOptions::default() };
    let mut options = Options { mount, ..Options::default() };
    let mut ttl = Duration::from_secs(1);
    let mut arguments = env::args().skip(1);
    let mountpoint = loop {
        let argument = arguments.next().ok_or(USAGE)?;
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--ttl" => ttl = Duration::from_secs_f64(value()?.parse()?),
            "--threads" => options.threads = value()?.parse()?,
            "--transport" => {
                options.transport = match value()?.as_str() {
                    "auto" => Transport::Auto,
                    "uring" => Transport::Uring,
                    "classic" => Transport::Classic,
                    _ => return Err(USAGE.into()),
                }
            }
            _ => break argument,
        }
    };
    let session = Session::mount(fs::Empty::new(ttl), Path::new(&mountpoint), &options)?;
    eprintln!("mounted on {mountpoint}, over {}", session.transport());
    Ok(session.run()?)
}
