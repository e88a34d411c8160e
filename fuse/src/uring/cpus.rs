//! Which core's thread serves which queues.

use std::fs;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity};

/// A thread to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// The core that it is pinned to, which is also the number of the queue that it is there for.
    pub cpu: u16,
    /// Queues of cores that have no thread, though programs run there: this process may not.
    pub others: Vec<u16>,
    /// Queues of cores that are offline.
    pub offline: Vec<u16>,
}

impl Plan {
    fn new(cpu: u16) -> Plan {
        Plan { cpu, others: Vec::new(), offline: Vec::new() }
    }
}

/// A thread for each core that is online and that this process may use.
pub(super) fn plan() -> io::Result<Vec<Plan>> {
    let possible = cores("possible")?;
    let online = cores("online")?;
    let allowed = sched_getaffinity(None)?;
    let usable = |cpu: u16| usize::from(cpu) < CpuSet::MAX_CPU && allowed.is_set(usize::from(cpu));
    Ok(share_out(possible.len() as u16, &online, usable))
}

fn cores(which: &str) -> io::Result<Vec<u16>> {
    let list = fs::read_to_string(format!("/sys/devices/system/cpu/{which}"))?;
    parse(&list).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("cores {which}: {list:?}")))
}

/// `0-3,8,10-11`.
fn parse(list: &str) -> Option<Vec<u16>> {
    let mut cores = Vec::new();
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cores.extend(first.parse::<u16>().ok()?..=last.parse().ok()?);
    }
    Some(cores)
}

/// The kernel counts its queues from 0, one for each possible core. Where numbers of cores have gaps, the cores
/// beyond use queue 0.
fn share_out(queues: u16, online: &[u16], usable: impl Fn(u16) -> bool) -> Vec<Plan> {
    let ours = online.iter().copied().filter(|cpu| *cpu < queues && usable(*cpu));
    let mut plans: Vec<Plan> = ours.map(Plan::new).collect();
    if plans.is_empty() {
        plans.push(Plan::new(0));
    }
    let served: Vec<u16> = plans.iter().map(|plan| plan.cpu).collect();
    let threads = plans.len();
    for (turn, queue) in (0..queues).filter(|queue| !served.contains(queue)).enumerate() {
        let plan = &mut plans[turn % threads];
        match online.contains(&queue) {
            true => plan.others.push(queue),
            false => plan.offline.push(queue),
        }
    }
    plans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores_are_read() {
        assert_eq!(parse("0-3,8,10-11\n"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
        assert_eq!(parse("0\n"), Some(vec![0]));
        assert_eq!(parse(""), None);
        assert_eq!(parse("a-b"), None);
    }

    #[test]
    fn every_queue_is_served_once() {
        let plans = share_out(7, &[1, 2, 3, 4, 9], |cpu| cpu == 1 || cpu >= 4);
        let first = Plan { cpu: 1, others: vec![3], offline: vec![0, 6] };
        assert_eq!(plans, [first, Plan { cpu: 4, others: vec![2], offline: vec![5] }]);
        let nowhere = Plan { cpu: 0, others: vec![1], offline: vec![] };
        assert_eq!(share_out(2, &[0, 1], |_| false), [nowhere]);
    }
}
