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

/// The kernel's flag of a process that is on its way out (`PF_EXITING`).
const EXITING: u32 = 0x4;

/// When a process started, if it runs. One that was killed does not, even while the kernel still clears it away.
pub(super) fn started_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_started_ticks(&stat)
}

/// The 22nd field; the second, the command in parentheses, may hold anything, even parentheses.
fn parse_started_ticks(stat: &str) -> Option<u64> {
    let (_, after_command) = stat.rsplit_once(')')?;
    let mut fields = after_command.split_ascii_whitespace();
    let state = fields.next()?;
    let flags: u32 = fields.nth(5)?.parse().ok()?;
    if matches!(state, "Z" | "X") || flags & EXITING != 0 {
        return None;
    }
    fields.nth(12)?.parse().ok()
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
    fn a_process_on_its_way_out_does_not_run() {
        let stat =
            |state, flags| format!("7 (a) {state} 1 7 7 0 -1 {flags} 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0");
        assert_eq!(parse_started_ticks(&stat("S", 4194560)), Some(4242));
        assert_eq!(parse_started_ticks(&stat("Z", 4194560)), None);
        assert_eq!(parse_started_ticks(&stat("R", 4194560 | EXITING)), None);
    }

    #[test]
    fn this_process_runs_and_no_process_is_zero() {
        let identity = WriterIdentity::of_this_process();
        assert_eq!(started_ticks(identity.pid), Some(identity.started_ticks));
        assert_eq!(started_ticks(0), None);
    }
}
