//! Replies that come from elsewhere, late, or not at all.

use std::collections::VecDeque;
use std::fs;
use std::thread;

use crate::world::{World, cores, errno, over_both, pin, uring};

#[test]
fn replies_may_come_from_other_threads() {
    over_both(|world| {
        thread::scope(|scope| {
            for client in 0..4 {
                let root = world.root();
                let ask = move || {
                    for number in 0..200 {
                        let name = format!("elsewhere-{client}-{number}");
                        assert_eq!(errno(fs::metadata(root.join(name))), libc::EXDEV);
                    }
                };
                thread::Builder::new().spawn_scoped(scope, ask).unwrap();
            }
        });
    });
}

#[test]
fn a_request_that_is_dropped_is_an_error() {
    over_both(|world| {
        for _ in 0..20 {
            assert_eq!(errno(fs::metadata(world.path("dropped"))), libc::EIO);
        }
    });
}

#[test]
fn a_panic_is_an_error_and_ends_nothing() {
    over_both(|world| {
        for _ in 0..20 {
            assert_eq!(errno(fs::metadata(world.path("panics"))), libc::EIO);
        }
        fs::write(world.path("a"), "still there").unwrap();
    });
}

/// Far more than there are entries and reading threads: the others wait in the kernel, and none is lost.
#[test]
fn many_requests_may_be_held_back() {
    over_both(|world| {
        thread::scope(|scope| {
            let root = world.root();
            for number in 0..60 {
                let ask = move || errno(fs::metadata(root.join(format!("held-{number}"))));
                let answered = move || assert_eq!(ask(), libc::ENOTTY);
                thread::Builder::new().spawn_scoped(scope, answered).unwrap();
            }
            let mut held: VecDeque<_> = (0..6).map(|_| world.held()).collect();
            for _ in 6..60 {
                held.pop_front().unwrap().reply().error(libc::ENOTTY);
                held.push_back(world.held());
            }
            held.into_iter().for_each(|request| request.reply().error(libc::ENOTTY));
        });
    });
}

/// Holds many requests that come from one core, and then asks something else from there.
fn a_core_is_not_starved(world: &World, core: usize) {
    let held = 100;
    let pinned = |name: String| {
        let path = world.path(&name);
        move || {
            pin(core);
            errno(fs::metadata(path))
        }
    };
    thread::scope(|scope| {
        for number in 0..held {
            let ask = pinned(format!("held-{number}"));
            let answered = move || assert_eq!(ask(), libc::ENOTTY);
            thread::Builder::new().spawn_scoped(scope, answered).unwrap();
        }
        let requests: Vec<_> = (0..held).map(|_| world.held()).collect();
        let other = thread::Builder::new().spawn_scoped(scope, pinned("nothing".into())).unwrap();
        assert_eq!(other.join().unwrap(), libc::ENOENT, "over {}", world.active);
        requests.into_iter().for_each(|request| request.reply().error(libc::ENOTTY));
    });
}

#[test]
fn what_waits_for_something_slow_does_not_starve_its_core() {
    over_both(|world| a_core_is_not_starved(&world, cores()[0]));
}

#[test]
fn cores_that_this_process_may_not_use_are_not_starved() {
    let cores = cores();
    let [ours, .., other] = cores.as_slice() else {
        eprintln!("*** queues of other cores are NOT TESTED: there is only one core ***");
        return;
    };
    let (ours, other) = (*ours, *other);
    // Threads inherit it: a process that may use one core.
    pin(ours);
    if let Some(world) = uring() {
        assert!(world.active.to_string().contains("(1 threads, "), "{}", world.active);
        a_core_is_not_starved(&world, other);
    }
}
