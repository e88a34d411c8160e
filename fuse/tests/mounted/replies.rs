//! Replies that come from elsewhere, late, or not at all.

use std::collections::VecDeque;
use std::fs;
use std::thread;

use crate::world::{errno, over_both};

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
