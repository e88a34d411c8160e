//! The times that a user types and reads: local ones.

use std::time::Duration;

use firn_clock::{Clock, SystemClock, Timestamp};
use firn_control::Failure;
use firn_materializer::instant::{self, When};
use jiff::tz::TimeZone;

/// The present and the time zone of this command.
#[derive(Clone, Debug)]
pub struct Times {
    now: Timestamp,
    zone: TimeZone,
}

impl Times {
    /// Those of the system.
    pub fn of_the_system() -> Self {
        Times { now: SystemClock.now(), zone: TimeZone::system() }
    }

    /// The local time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What the user typed.
    pub fn parse(&self, text: &str) -> Result<When, Failure> {
        instant::parse(text, self.now, &self.zone).map_err(Failure::usage)
    }

    /// In the local zone.
    pub fn show(&self, time: Timestamp) -> String {
        instant::format_time(time, &self.zone)
    }

    /// What the user typed, in a form that means the same in any place and at any time.
    pub fn absolute(&self, text: &str) -> Result<String, Failure> {
        if text.trim().eq_ignore_ascii_case("now") {
            return Ok("now".to_owned());
        }
        Ok(match self.parse(text)? {
            When::Time(time) => rfc3339(time),
            When::Seq(seq) => seq.to_string(),
            When::Checkpoint(name) => format!("@{name}"),
        })
    }

    /// The instant that was so long ago.
    pub fn ago(&self, length: Duration) -> String {
        rfc3339(self.now.before(length))
    }

    /// Whether this is one of the forms of time.
    pub fn is_time(&self, text: &str) -> bool {
        instant::parse(text, self.now, &self.zone).is_ok()
    }
}

fn rfc3339(time: Timestamp) -> String {
    instant::format_time(time, &TimeZone::UTC)
}

/// A length of time in two units at most: `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`.
pub fn show_length(length: Duration) -> String {
    let seconds = length.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{:.1} s", length.as_secs_f64()),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Times {
        Times { now: Timestamp::from_parts(1_795_000_000, 0), zone: TimeZone::fixed(jiff::tz::offset(1)) }
    }

    #[test]
    fn what_is_sent_does_not_depend_on_where_it_is_read() {
        assert_eq!(berlin().absolute("2026-11-18 12:06:40").unwrap(), "2026-11-18T11:06:40Z");
        assert_eq!(berlin().absolute("1h ago").unwrap(), berlin().ago(Duration::from_secs(3600)));
        for same in ["now", "#12", "@name"] {
            assert_eq!(berlin().absolute(same).unwrap(), same);
        }
        assert!(berlin().absolute("src/main.rs").is_err());
    }

    #[test]
    fn lengths_are_short() {
        let shown = [1_500, 250_000, 7_500_000, 273_600_000].map(|ms| show_length(Duration::from_millis(ms)));
        assert_eq!(shown, ["1.5 s", "4 min 10 s", "2 h 5 min", "3 d 4 h"]);
    }
}
