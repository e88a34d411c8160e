use jiff::tz::{self, TimeZone};
use proptest::prelude::*;

use super::*;

/// Two hours east of Greenwich in summer, one in winter.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a POSIX time zone")
}

/// Sunday 2026-11-22, 15:00:00.25 in Berlin.
fn now() -> Timestamp {
    at("2026-11-22T14:00:00.25Z")
}

fn at(rfc3339: &str) -> Timestamp {
    let time: jiff::Timestamp = rfc3339.parse().expect("RFC 3339");
    Timestamp(i64::try_from(time.as_nanosecond()).expect("in range"))
}

fn time_of(text: &str) -> Timestamp {
    match parse(text, now(), &berlin()) {
        Ok(When::Time(time)) => time,
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn every_form_means_what_it_says() {
    for (text, expected) in [
        ("2026-11-22T14:02:00Z", "2026-11-22T14:02:00Z"),
        ("2026-11-22 14:02:00.000000001+02:00", "2026-11-22T12:02:00.000000001Z"),
        ("2026-11-22T14:02:00-05:30", "2026-11-22T19:32:00Z"),
        ("2026-11-22", "2026-11-21T23:00:00Z"),
        ("2026-07-22", "2026-07-21T22:00:00Z"),
        ("2026-11-22 14:02", "2026-11-22T13:02:00Z"),
        ("2026-11-22T14:02:03", "2026-11-22T13:02:03Z"),
        ("2026-11-22-14:02", "2026-11-22T13:02:00Z"),
        ("2026-11-22 9:05", "2026-11-22T08:05:00Z"),
        ("14:02", "2026-11-22T13:02:00Z"),
        ("2h", "2026-11-22T12:00:00.25Z"),
        ("90s", "2026-11-22T13:58:30.25Z"),
        ("1h30m", "2026-11-22T12:30:00.25Z"),
        ("1.5h", "2026-11-22T12:30:00.25Z"),
        ("2h ago", "2026-11-22T12:00:00.25Z"),
        ("2h-ago", "2026-11-22T12:00:00.25Z"),
        ("10-minutes-ago", "2026-11-22T13:50:00.25Z"),
        ("1-hour-30-minutes-ago", "2026-11-22T12:30:00.25Z"),
        ("10 minutes ago", "2026-11-22T13:50:00.25Z"),
        (" 10 minutes  ago ", "2026-11-22T13:50:00.25Z"),
        ("-1d", "2026-11-21T14:00:00.25Z"),
        ("1mo", "2026-10-22T13:00:00.25Z"),
        ("yesterday", "2026-11-20T23:00:00Z"),
        ("Yesterday 17:00", "2026-11-21T16:00:00Z"),
        ("yesterday-17:00", "2026-11-21T16:00:00Z"),
        ("today 09:00", "2026-11-22T08:00:00Z"),
        ("now", "2026-11-22T14:00:00.25Z"),
    ] {
        assert_eq!(time_of(text), at(expected), "{text:?}");
    }
}

#[test]
fn sequence_numbers_and_checkpoints() {
    let parse = |text| parse(text, now(), &berlin());
    assert_eq!(parse("#123456"), Ok(When::Seq(Seq(123_456))));
    assert_eq!(parse("@before the refactoring"), Ok(When::Checkpoint("before the refactoring".into())));
    assert_eq!(parse("@2h"), Ok(When::Checkpoint("2h".into())));
}

#[test]
fn what_is_no_time_is_refused_with_the_accepted_forms() {
    for text in [
        "",
        "#",
        "#-1",
        "#+1",
        "#1x",
        "#99999999999999999999",
        "@",
        "tomorrow",
        "2",
        "h",
        "+2h",
        "in 2h",
        "-2h ago",
        "2h ago ago",
        "2026-13-01",
        "2026-11-22x",
        "2026-11-22 x",
        "20261122x",
        "25:00",
        "1:2:3:4",
        "14",
        "yesterday17:00",
        "yesterday 17",
        "2026-11-22T14:02:00[Europe/Berlin]",
        "1500-01-01",
        "9000y",
        "99999999999999999999h",
    ] {
        let error = parse(text, now(), &berlin()).expect_err(text).to_string();
        assert!(error.contains("yesterday 17:00") && error.contains("@name"), "{error}");
    }
}

#[test]
fn a_day_is_a_day_when_the_clocks_change() {
    let monday_noon = at("2026-10-26T11:00:00Z");
    assert_eq!(parse("1d", monday_noon, &berlin()), Ok(When::Time(at("2026-10-25T11:00:00Z"))));
    assert_eq!(parse("2d", monday_noon, &berlin()), Ok(When::Time(at("2026-10-24T10:00:00Z"))));
    assert_eq!(parse("48h", monday_noon, &berlin()), Ok(When::Time(at("2026-10-24T11:00:00Z"))));
}

#[test]
fn durations() {
    for (text, seconds) in
        [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2 hours", 7200), ("7d", 604_800), ("0s", 0)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text:?}");
    }
    for text in ["", "10", "-10m", "1mo", "1y", "10m ago", "1:30", "+5m"] {
        assert!(parse_duration(text).is_err(), "{text:?}");
    }
}

#[test]
fn times_are_printed_with_their_offset_and_no_more_digits_than_needed() {
    assert_eq!(format_time(now(), &berlin()), "2026-11-22T15:00:00.25+01:00");
    assert_eq!(format_time(at("2026-11-22T14:00:00Z"), &TimeZone::UTC), "2026-11-22T14:00:00Z");
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    prop_oneof![
        Just(berlin()),
        (-93_599..=93_599).prop_map(|s| TimeZone::fixed(tz::Offset::from_seconds(s).expect("an offset"))),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(nanos: i64, coarse in -9_000_000_000..9_000_000_000i64, zone in any_zone()) {
        for time in [Timestamp(nanos), Timestamp::from_parts(coarse, 0)] {
            let text = format_time(time, &zone);
            prop_assert_eq!(parse(&text, now(), &zone), Ok(When::Time(time)), "{}", text);
        }
    }

    #[test]
    fn nothing_panics(text in ".{0,40}", nanos: i64, zone in any_zone()) {
        let _ = parse(&text, Timestamp(nanos), &zone);
        let _ = parse_duration(&text);
    }

    #[test]
    fn nothing_that_looks_like_a_time_panics(
        text in "[#@+-]?(today|yesterday|now|[0-9]{1,9}|[0-9]{4}-[0-9]{2}-[0-9]{2})?[ Tt:-]?[0-9:.]{0,9}(h|m|d|y|mo| minutes|é)?[ -]?(ago|Z|[+-][0-9:]{0,6})?",
        nanos: i64,
        zone in any_zone(),
    ) {
        let _ = parse(&text, Timestamp(nanos), &zone);
        let _ = parse_duration(&text);
    }
}
