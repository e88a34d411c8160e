//! What Linux tells of processes, under `/proc`.

use std::fs;

use super::WriterIdentity;

impl WriterIdentity {
    /// This process. What cannot be found out stays empty; then others must wait for the lease.
    pub fn of_this_process() -> Self {
        let pid = std::process::id();
        WriterIdentity {
            host: line("/proc/sys/kernel/hostname").unwrap_or_else(|| "unknown".into()),
            machine: machine().unwrap_or_default(),
            pid,
            started_ticks: started_ticks(pid).unwrap_or_default(),
            socket: None,
            mountpoint: None,
        }
    }
}

/// A container shares its machine's boot id but not its processes, so that both tell a machine.
fn machine() -> Option<String> {
    let boot = line("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{boot} {}", namespace.display()))
}

fn line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned()).filter(|line| !line.is_empty())
}

/// When a process started, if it runs.
pub(super) fn started_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_started_ticks(&stat)
}

/// The 22nd field; the second, the command in parentheses, may hold anything, even parentheses.
fn parse_started_ticks(stat: &str) -> Option<u64> {
    let (_, after_command) = stat.rsplit_once(')')?;
    after_command.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_hold_anything() {
        let rest = "S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";
        assert_eq!(parse_started_ticks(&format!("7 (a) 1 (b) {rest}")), Some(4242));
        assert_eq!(parse_started_ticks("7 (a"), None);
        assert_eq!(parse_started_ticks("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_runs_and_no_process_is_zero() {
        let identity = WriterIdentity::of_this_process();
        assert_eq!(started_ticks(identity.pid), Some(identity.started_ticks));
        assert_eq!(started_ticks(0), None);
    }
}
