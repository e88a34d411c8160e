use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use firn_journal::Actor;
use tokio::time::Instant;

/// How long a thread is believed to be who it was: its process may execute another program.
const BELIEVED: Duration = Duration::from_millis(250);
/// More threads than these are not remembered at a time.
const REMEMBERED: usize = 1024;

/// Who makes requests: the kernel tells user, group and thread; `/proc` tells the thread's process and its name.
///
/// The same actor is the same `Arc`, so that comparing two is cheap and a segment's actor table stays small.
#[derive(Debug, Default)]
pub(super) struct Actors {
    known: Mutex<HashMap<Caller, Known>>,
}

/// A requester as the kernel names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Caller {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The thread's id; 0 for the kernel itself, or for a process of another pid namespace.
    pub thread: u32,
}

#[derive(Debug)]
struct Known {
    actor: Arc<Actor>,
    until: Instant,
}

impl Actors {
    /// The actor that `caller` is now.
    pub fn actor(&self, caller: Caller) -> Arc<Actor> {
        let now = Instant::now();
        let before = match self.lock().get(&caller) {
            Some(known) if known.until > now => return known.actor.clone(),
            known => known.map(|known| known.actor.clone()),
        };
        let (pid, command) = process_of(caller.thread);
        let actor = Actor { uid: caller.uid, gid: caller.gid, pid, command };
        let actor = before.filter(|before| **before == actor).unwrap_or_else(|| Arc::new(actor));
        let mut known = self.lock();
        if known.len() >= REMEMBERED {
            known.retain(|_, known| known.until > now);
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(caller, Known { actor: actor.clone(), until: now + BELIEVED });
        actor
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Caller, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process that a thread belongs to and the process's name; the thread itself, nameless, if it is gone.
fn process_of(thread: u32) -> (u32, Vec<u8>) {
    if thread == 0 {
        return (0, Vec::new());
    }
    let pid = std::fs::read(format!("/proc/{thread}/status")).ok().and_then(|status| thread_group(&status));
    let pid = pid.unwrap_or(thread);
    let mut command = std::fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    if command.last() == Some(&b'\n') {
        command.pop();
    }
    (pid, command)
}

/// The number after `Tgid:`, which stands at the beginning of a line of `/proc/PID/status`.
fn thread_group(status: &[u8]) -> Option<u32> {
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Tgid:"))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_by_name_from_any_thread() {
        let actors = Actors::default();
        let caller =
            Caller { uid: 7, gid: 8, thread: rustix::thread::gettid().as_raw_nonzero().get() as u32 };
        let actor = actors.actor(caller);
        assert_eq!((actor.uid, actor.gid, actor.pid), (7, 8, std::process::id()));
        assert!(!actor.command.is_empty());
        assert!(Arc::ptr_eq(&actor, &actors.actor(caller)));
    }

    #[test]
    fn the_kernel_and_the_gone_have_no_name() {
        let actors = Actors::default();
        assert_eq!(actors.actor(Caller { uid: 0, gid: 0, thread: 0 }).command, b"");
        let gone = actors.actor(Caller { uid: 0, gid: 0, thread: u32::MAX });
        assert_eq!((gone.pid, gone.command.len()), (u32::MAX, 0));
    }

    #[test]
    fn the_table_is_bounded() {
        let actors = Actors::default();
        for uid in 0..3 * REMEMBERED as u32 {
            actors.actor(Caller { uid, gid: 0, thread: 0 });
        }
        assert!(actors.lock().len() <= REMEMBERED);
    }
}
