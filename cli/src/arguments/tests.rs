use clap::{CommandFactory, Parser};

use super::*;

fn parse(line: &str) -> Command {
    Arguments::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}")).command
}

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn times_may_begin_with_a_hyphen() {
    for line in ["firn undo --to -1d", "firn undo --to=-1d"] {
        let Command::Undo(undo) = parse(line) else { panic!("{line}") };
        assert_eq!(undo.target.to.as_deref(), Some("-1d"));
    }
    let Command::Mount(mount) = parse("firn mount url dir --at -2h --foreground") else { panic!() };
    assert_eq!((mount.at.as_deref(), mount.foreground), (Some("-2h"), true));
    let Command::Log(log) = parse("firn log --since -2h --until -1h a/b") else { panic!() };
    assert_eq!((log.since.as_deref(), log.until.as_deref()), (Some("-2h"), Some("-1h")));
    assert_eq!(log.path, Some("a/b".into()));
}

#[test]
fn a_diff_takes_options_among_times_that_begin_with_a_hyphen() {
    for line in ["firn diff -p -2h -1h src", "firn diff -2h -p -1h src", "firn diff -2h -1h src -p"] {
        let Command::Diff(diff) = parse(line) else { panic!("{line}") };
        assert!(diff.patch, "{line}");
        assert_eq!(
            (diff.from.as_str(), diff.to.as_deref(), diff.path),
            ("-2h", Some("-1h"), Some("src".into())),
            "{line}"
        );
    }
    let Command::Diff(diff) = parse("firn diff -1d --json") else { panic!() };
    assert_eq!((diff.from.as_str(), diff.to), ("-1d", None));
}

#[test]
fn an_undo_has_one_target() {
    assert!(Arguments::try_parse_from(["firn", "undo", "--to", "1h", "--seq", "3"]).is_err());
    assert!(Arguments::try_parse_from(["firn", "undo", "--last", "soon"]).is_err());
    let Command::Undo(undo) = parse("firn undo --last 10m --path src --dry-run") else { panic!() };
    assert_eq!(undo.target.last, Some(Duration::from_secs(600)));
}

#[test]
fn what_cannot_be_read_is_said_on_one_line() {
    for (line, expected) in [
        ("firn init", "the following required arguments were not provided: <URL>; usage: firn init <URL>"),
        (
            "firn init a --blok-size 1",
            "unexpected argument '--blok-size' found; tip: a similar argument exists: '--block-size'; \
             usage: firn init --block-size <SIZE> <URL>",
        ),
        (
            "firn undo --seq x",
            "invalid value 'x' for '--seq <N>': expected a sequence number as in `firn log`, such as 1234",
        ),
        ("firn log -n few", "invalid value 'few' for '--limit <N>': expected a whole number, such as 100"),
    ] {
        let error = Arguments::try_parse_from(line.split(' ')).unwrap_err();
        assert_eq!(unreadable(&error).message, expected, "{line}");
    }
    let Command::Undo(undo) = parse("firn undo --seq #12") else { panic!() };
    assert_eq!(undo.target.seq, Some(12));
}

#[test]
fn a_volume_is_named_once() {
    for line in ["firn --volume x init y", "firn mount --volume x y z", "firn umount y --volume x"] {
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        assert!(arguments.one_volume().is_err(), "{line}");
    }
    assert!(Arguments::try_parse_from(["firn", "--volume", "x", "log"]).unwrap().one_volume().is_ok());
}

/// The whole help in one file: a change of any word of it is seen in review. Set FIRN_BLESS=1 to write it.
#[test]
fn the_help_is_as_reviewed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/cli/help.txt");
    let help = whole_help();
    if std::env::var_os("FIRN_BLESS").is_some() {
        std::fs::write(file, &help).unwrap();
    }
    let reviewed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        help == reviewed,
        "the help differs from testdata/cli/help.txt; look, then run with FIRN_BLESS=1"
    );
}

fn whole_help() -> String {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let mut text = command.render_long_help().to_string();
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        let sub = command.find_subcommand_mut(name).unwrap();
        text.push_str(&format!("\n──────── firn {name}\n{}", sub.render_long_help()));
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
