//! A plan for a history that is there already.

use super::{Action, FaultSource, Instant, Plan, Profile, Shape, Step};
use crate::draw::Seed;

/// Instants that it goes to.
const VISITS: u64 = 24;

impl Plan {
    /// Looks at instants of a history with `instants` of them, goes back to each and forth again, unmounts and mounts,
    /// and ends with damage. It leaves the tree as it is, and meets no faults.
    pub fn inspection(instants: u64, block_size: u32) -> Plan {
        let visits = VISITS.min(instants).max(1);
        let mut steps = Vec::new();
        for visit in 0..visits {
            let which = (visit * instants / visits) as u16;
            steps.extend([
                Action::LookBack { at: Instant::Time(which) },
                Action::LookThrough { dir: which, at: Instant::Seq(which) },
                Action::Undo { to: Instant::Seq(which), scope: None },
                Action::Redo,
                Action::Undo { to: Instant::Seq(which), scope: Some(which.wrapping_mul(31)) },
                Action::Redo,
            ]);
            if visit % 8 == 4 {
                steps.extend([Action::Fsync, Action::ReadBeside, Action::Restart { elsewhere: false }]);
            }
        }
        steps.push(Action::Fsync);
        let steps = steps.into_iter().map(|action| Step { actor: 0, pause_ms: 300, action }).collect();
        let shape = Shape {
            actors: 1,
            block_size,
            pack_target: 1 << 20,
            rider_limit: 16_384,
            dirty_limit: 64 << 20,
            memory_cache: 64 << 20,
            table_cache: 4 << 20,
            dedup_limit: 1 << 20,
            snapshot_every: 10_000,
            pending_events: 10_000,
            views_in_memory: 8,
            commit_ms: 200,
        };
        Plan { seed: Seed(0), profile: Profile::Damage, shape, steps, faults: FaultSource::Drawn }
    }
}
