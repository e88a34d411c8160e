//! The forms of time that people type, and the one form in which Firn prints times.
//!
//! **Purpose.** [`parse`] turns what stands after `--at`, or in the path `.at/<time>/`, into a [`When`];
//! [`format_time`] prints every time that Firn shows; [`parse_duration`] reads `--last 10m`.
//!
//! **Invariants.** Everything is pure: the present and the time zone are arguments. What [`format_time`] prints,
//! [`parse`] reads back as the same nanosecond. A date without a time is its first instant; a local time that
//! the zone skips or repeats is read as on the clock that was not yet set. Days and longer units go by the
//! calendar (`1d` is the same hour of the day before), hours and shorter ones by the clock.
//!
//! **Failure.** What is not one of the forms is an error that lists them all. Nothing is guessed.

use std::time::Duration;

use firn_clock::Timestamp;
use firn_journal::Seq;
use jiff::civil::{Date, Time};
use jiff::fmt::friendly::SpanParser;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, SpanRelativeTo, Zoned};

#[cfg(test)]
mod tests;

/// An instant as it was asked for. A history resolves it to a sequence number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum When {
    /// After the last event at or before this time.
    Time(Timestamp),
    /// After the event with this number.
    Seq(Seq),
    /// The instant that a checkpoint names.
    Checkpoint(String),
}

/// The text is none of the accepted forms of time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{text:?} is not a time between the years 1677 and 2262. Write one of: 2026-11-22T14:02:00Z (RFC 3339, any \
     offset); 2026-11-22, 2026-11-22 14:02, 2026-11-22T14:02:03 or 14:02 (local time); 2h, 1h30m, -1d, \
     10 minutes ago or 2h-ago (before now); yesterday, yesterday 17:00, today 09:00 or yesterday-17:00; now; \
     #123456 (a sequence number); @name (a checkpoint)"
)]
pub struct TimeFormError {
    /// What was given.
    pub text: String,
}

/// The text is none of the accepted forms of duration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is not a duration. Write for example 90s, 10m, 1h30m, 2 hours, 7d or 2 weeks")]
pub struct DurationError {
    /// What was given.
    pub text: String,
}

/// Reads a form of time, as seen from `now` in `zone`.
pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<When, TimeFormError> {
    let text = text.trim();
    let when = match text.as_bytes().first() {
        Some(b'#') => sequence_number(&text[1..]).map(When::Seq),
        Some(b'@') => Some(text[1..].to_owned()).filter(|name| !name.is_empty()).map(When::Checkpoint),
        _ => time(text, now, zone).map(When::Time),
    };
    when.ok_or_else(|| TimeFormError { text: text.to_owned() })
}

/// Reads a length of time; a day is 24 hours and a week 7 days. Months and years have no fixed length and are
/// refused, and so is a negative length.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let duration = span(text)
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| DurationError { text: text.to_owned() })
}

/// RFC 3339 with the zone's offset, `Z` for none, and as many digits of a second as it takes to be exact.
pub fn format_time(time: Timestamp, zone: &TimeZone) -> String {
    let at = to_jiff(time);
    // RFC 3339 has no seconds in an offset; local mean times of the 19th century do.
    let minutes = zone.to_offset(at).seconds() / 60;
    match Offset::from_seconds(minutes * 60) {
        Ok(offset) if !offset.is_zero() => at.display_with_offset(offset).to_string(),
        _ => format_utc(time),
    }
}

/// The same, in UTC: for messages that are made where no zone is known.
pub fn format_utc(time: Timestamp) -> String {
    to_jiff(time).to_string()
}

fn time(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if text.eq_ignore_ascii_case("now") {
        return Some(now);
    }
    let now = to_jiff(now).to_zoned(zone.clone());
    let at = rfc3339(text).or_else(|| local(text, &now)).or_else(|| before(text, &now))?;
    i64::try_from(at.as_nanosecond()).ok().map(Timestamp)
}

fn to_jiff(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(i128::from(time.0)).expect("jiff's years contain those of an i64")
}

fn sequence_number(digits: &str) -> Option<Seq> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Seq)
}

/// Date, time and offset. A zone in brackets would need the machine's zone tables, and is not read.
fn rfc3339(text: &str) -> Option<jiff::Timestamp> {
    if text.contains('[') { None } else { text.parse().ok() }
}

/// A local date, a local time of today, or both; the date may be `today` or `yesterday`.
fn local(text: &str, now: &Zoned) -> Option<jiff::Timestamp> {
    if let Some(time) = time_of_day(text) {
        return in_zone(now.date(), time, now);
    }
    let (date, rest) = if let Some(rest) = strip_word(text, "today") {
        (now.date(), rest)
    } else if let Some(rest) = strip_word(text, "yesterday") {
        (now.date().yesterday().ok()?, rest)
    } else {
        let (date, rest) = text.split_at_checked("2026-11-22".len())?;
        (calendar_date(date)?, rest)
    };
    let time = match rest.chars().next() {
        None => Time::midnight(),
        Some(' ' | '-' | 'T' | 't') => time_of_day(rest[1..].trim_start())?,
        Some(_) => return None,
    };
    in_zone(date, time, now)
}

fn in_zone(date: Date, time: Time, now: &Zoned) -> Option<jiff::Timestamp> {
    now.time_zone().to_timestamp(date.to_datetime(time)).ok()
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

fn calendar_date(text: &str) -> Option<Date> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if plain { text.parse().ok() } else { None }
}

/// `14:02`, `9:05`, `14:02:03.5`; an hour alone would be a number.
fn time_of_day(text: &str) -> Option<Time> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
    let (hour, rest) = text.split_once(':').filter(|_| plain)?;
    format!("T{hour:0>2}:{rest}").parse().ok()
}

/// A length of time before now: bare, negative, or with `ago`.
fn before(text: &str, now: &Zoned) -> Option<jiff::Timestamp> {
    let span = match strip_ago(text) {
        Some(length) => span(&length).filter(|span| !span.is_negative())?,
        None => span(text)?.abs(),
    };
    Some(now.checked_sub(span).ok()?.timestamp())
}

/// `10 minutes ago`, or with hyphens for blanks.
fn strip_ago(text: &str) -> Option<String> {
    let (length, ago) = text.split_at_checked(text.len().checked_sub(" ago".len())?)?;
    match ago {
        " ago" => Some(length.trim_end().to_owned()),
        "-ago" => Some(length.replace('-', " ")),
        _ => None,
    }
}

/// A sum of numbers with units. Neither a sign `+`, which would mean the future, nor `hours:minutes`, which is a
/// time of day.
fn span(text: &str) -> Option<Span> {
    if text.starts_with('+') || text.contains(':') || text.ends_with("ago") {
        return None;
    }
    SpanParser::new().parse_span(text).ok()
}
