//! How sessions end: with requests in hand, by an abort, and without leaving anything behind.

use std::fs::{self, File};
use std::sync::atomic::Ordering;
use std::thread;

use firn_fuse::detach;
use rustix::mount::UnmountFlags;

use crate::world::{errno, over_both, serving_threads, threads_left, uring};

#[test]
fn no_thread_is_left_behind() {
    over_both(|mut world| {
        fs::write(world.path("a"), "a").unwrap();
        assert!(!serving_threads().is_empty(), "over {}", world.active);
        world.unmount().unwrap();
        assert_eq!(threads_left(), Vec::<String>::new());
    });
}

/// Nobody waits for a release: the mount is not busy.
#[test]
fn a_reply_that_is_held_while_the_session_ends_goes_nowhere() {
    over_both(|mut world| {
        world.probe.hold_release.store(true, Ordering::Relaxed);
        for number in 0..5 {
            drop(File::create_new(world.path(&format!("f{number}"))).unwrap());
        }
        let (answered, written) = (world.held(), world.held());
        world.unmount().unwrap();
        assert_eq!(threads_left(), Vec::<String>::new());
        let lent = answered.operation().map(|operation| format!("{operation:?}"));
        assert!(lent.unwrap().starts_with("Release"));
        answered.reply().ok();
        written.reply().data_with(|buffer| Ok(buffer.len()));
        // The others are dropped without an answer.
        while world.held.try_recv().is_ok() {}
    });
}

#[test]
fn a_detached_mount_serves_who_is_still_there() {
    over_both(|mut world| {
        let held = world.path("held");
        let asking = thread::Builder::new().spawn(move || errno(fs::metadata(held))).unwrap();
        let request = world.held();
        assert_eq!(rustix::mount::unmount(world.root(), UnmountFlags::empty()), Err(rustix::io::Errno::BUSY));
        detach(world.root()).unwrap();
        assert!(world.is_serving());
        request.reply().error(libc::ENOTTY);
        assert_eq!(asking.join().unwrap(), libc::ENOTTY);
        world.ended().unwrap();
    });
}

#[test]
fn an_abort_ends_the_session_though_a_request_hangs() {
    over_both(|mut world| {
        let held = world.path("held");
        let asking = thread::Builder::new().spawn(move || errno(fs::metadata(held))).unwrap();
        let request = world.held();
        world.abort();
        assert_eq!(asking.join().unwrap(), libc::ECONNABORTED);
        world.ended().unwrap();
        assert_eq!(threads_left(), Vec::<String>::new());
        assert_eq!(errno(fs::metadata(world.path("a"))), libc::ENOTCONN);
        detach(world.root()).unwrap();
        request.reply().error(libc::ENOENT);
    });
}

#[test]
fn a_ring_whose_thread_panics_ends_the_session() {
    let Some(mut world) = uring() else { return };
    let held = world.path("held");
    let asking = thread::Builder::new().spawn(move || errno(fs::metadata(held))).unwrap();
    let request = world.held();
    assert_eq!(errno(fs::metadata(world.path("panics-twice"))), libc::ECONNABORTED);
    assert_eq!(asking.join().unwrap(), libc::ECONNABORTED);
    assert!(world.ended().unwrap_err().to_string().contains("panicked"));
    assert_eq!(threads_left(), Vec::<String>::new());
    assert_eq!(errno(fs::metadata(world.path("a"))), libc::ENOTCONN);
    detach(world.root()).unwrap();
    drop(request);
}
