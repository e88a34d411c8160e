//! Where io_uring cannot be had, or only seems to be.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use firn_fuse::{
    Active, Filesystem, MountOptions, Offer, Options, Request, Session, Terms, Transport, why_not_uring,
};
use rustix::mount::UnmountFlags;
use tempfile::TempDir;

use crate::empty::Empty;
use crate::seccomp::deny;
use crate::world::{Parameter, Watchdog, connection, set_parameter, uring};

fn mounts() -> usize {
    fs::read_to_string("/proc/self/mounts").unwrap().lines().count()
}

#[test]
fn without_io_uring_the_classic_device_is_used_and_the_reason_told() {
    let enabled = Parameter::write("N");
    let before = mounts();
    let required = enabled.mount(Transport::Uring);
    assert!(required.unwrap_err().contains("enable_uring"));
    assert_eq!(mounts(), before, "something stays mounted");
    assert!(enabled.mount(Transport::Auto).unwrap().contains("not io_uring: "));
    let options = MountOptions { subtype: "a,b".into(), ..MountOptions::default() };
    let refused = Session::mount(
        Empty::new(Duration::ZERO),
        Path::new("/"),
        &Options { mount: options, ..Options::default() },
    );
    assert!(refused.unwrap_err().to_string().contains("subtype"));
}

/// As `kernel.io_uring_disabled` and containers do.
#[test]
fn a_system_without_io_uring_is_told_of() {
    deny(libc::SYS_io_uring_setup, libc::EPERM);
    let enabled = Parameter::write("Y");
    let Some(reason) = why_not_uring() else { panic!("nothing is told") };
    eprintln!("{reason}");
    if !reason.contains("6.14") {
        assert!(reason.contains("io_uring_disabled"), "{reason}");
    }
    assert_eq!(
        enabled.mount(Transport::Auto).unwrap(),
        format!("/dev/fuse (4 threads), not io_uring: {reason}")
    );
    let before = mounts();
    assert!(enabled.mount(Transport::Uring).unwrap_err().contains(&reason));
    assert_eq!(mounts(), before, "something stays mounted");
}

#[test]
fn rings_that_cannot_be_made_ready_are_found_out_before_anything_is_agreed() {
    deny(libc::SYS_io_uring_register, libc::ENOMEM);
    let enabled = Parameter::write("Y");
    assert!(enabled.mount(Transport::Auto).unwrap().contains("not io_uring: "));
    let before = mounts();
    assert!(enabled.mount(Transport::Uring).unwrap_err().contains("cannot be used"));
    assert_eq!(mounts(), before, "something stays mounted");
    drop(enabled);
    // It is served, too.
    assert!(uring().is_none());
}

/// The empty filesystem, at whose consent io_uring has just been turned off.
struct TurnedOff(Empty);

impl Filesystem for TurnedOff {
    fn init(&self, offer: &Offer) -> Terms {
        set_parameter("N");
        self.0.init(offer)
    }

    fn handle(&self, request: Request) {
        self.0.handle(request);
    }
}

#[test]
fn a_kernel_that_takes_no_entry_is_served_over_the_classic_device() {
    let _enabled = Parameter::write("Y");
    let dir = TempDir::new().unwrap();
    let session =
        Session::mount(TurnedOff(Empty::new(Duration::ZERO)), dir.path(), &Options::default()).unwrap();
    if let Active::Classic { reason, .. } = session.transport() {
        eprintln!("*** a refusal of FUSE over io_uring is NOT TESTED: {reason:?} ***");
    }
    let _watchdog = Watchdog::new(connection(dir.path()));
    let served = thread::Builder::new().name("session".into()).spawn(|| session.run()).unwrap();
    for number in 0..20 {
        let path = dir.path().join(format!("f{number}"));
        fs::write(&path, "served").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"served");
    }
    rustix::mount::unmount(dir.path(), UnmountFlags::empty()).unwrap();
    served.join().unwrap().unwrap();
}
