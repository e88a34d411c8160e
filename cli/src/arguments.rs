//! The command line, as clap reads it. The text of `--help`, the completions and the man pages come from here.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use firn_control::Failure;
use firn_mount::Transport;

use crate::sizes::{self, Size};

/// How times may be written; under the help of every command that takes one.
const TIMES: &str = "\
TIME is one of
  2h, -1d, \"10 minutes ago\", 2h-ago     before now
  \"yesterday 17:00\", 14:02, 2026-11-22  local time
  2026-11-22T14:02:00Z                  RFC 3339, any offset
  now
  '#123456'                             a sequence number, as in `firn log`
  @name                                 a checkpoint";

/// The heading of the options that every command takes.
const GLOBAL: &str = "Everywhere";

/// A filesystem that never forgets: every change is kept, and any instant can be seen, compared and brought back.
///
/// Inside a mounted tree a command finds its volume by itself; elsewhere say `--volume URL`, or name a path
/// inside the tree. A URL is a directory, `file:///dir`, `s3://bucket/prefix`, `az://container/prefix` or
/// `gs://bucket/prefix`.
#[derive(Debug, Parser)]
#[command(name = "firn", version, propagate_version = false, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Where a command is given its volume, `--volume` has no place.
    pub fn one_volume(&self) -> Result<(), Failure> {
        let with = match (&self.global.volume, &self.command) {
            (Some(_), Command::Init(_)) => "firn init URL",
            (Some(_), Command::Mount(_)) => "firn mount URL DIR",
            (Some(_), Command::Umount(_)) => "firn umount DIR",
            _ => return Ok(()),
        };
        Err(Failure::usage(format!("--volume does not go with this command; write `{with}`")))
    }
}

/// What clap says of a command line, on one line.
pub fn unreadable(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let paragraphs: Vec<String> = text
        .strip_prefix("error: ")
        .unwrap_or(&text)
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with("For more information"))
        .map(|paragraph| paragraph.replace("Usage: ", "usage: "))
        .collect();
    Failure::usage(paragraphs.join("; "))
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The volume to work on, when not inside of its mount; paths are then relative to its root.
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::DirPath, help_heading = GLOBAL)]
    pub volume: Option<String>,
    /// Answer in JSON, one value on each line, with the keys of docs/cli.md.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Tell more of what is going on, on standard error; twice for even more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a volume.
    Init(Init),
    /// Mount a volume, or an instant of its past, on a directory.
    Mount(Box<Mount>),
    /// Make everything durable and unmount.
    Umount(Umount),
    /// Show what a volume is, what is durable and what is not yet.
    Status(Status),
    /// Show what happened, newest first.
    Log(Log),
    /// Give this instant a name.
    Checkpoint(Checkpoint),
    /// List the named instants.
    Checkpoints,
    /// Show what differs between two instants.
    Diff(Diff),
    /// Bring a file or a directory of the past back.
    Restore(Restore),
    /// Take changes back; nothing is lost, `firn redo` takes the undo back.
    Undo(Undo),
    /// Take the latest undo back.
    Redo(Redo),
    /// Check everything that is stored: journal, snapshot files, content.
    Verify(Verify),
    /// Write the history into a file, for a report of a bug.
    Export(Export),
    /// Look at what this machine can do for a mount, and say what would make it better.
    Doctor,
    /// Write a completion script for a shell to standard output.
    Completions(Completions),
    /// Write the man pages into a directory.
    Man(Man),
}

/// `firn init`
#[derive(Debug, Args)]
pub struct Init {
    /// Where the volume will be: a directory, or a URL such as s3://bucket/prefix.
    #[arg(value_name = "URL", value_hint = ValueHint::DirPath)]
    pub url: String,
    /// Bytes in a block of content: a power of two from 64K to 8M. Fixed for the volume's life.
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = sizes::parse)]
    pub block_size: Size,
}

/// `firn mount`
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub struct Mount {
    /// The volume.
    #[arg(value_name = "URL", value_hint = ValueHint::DirPath)]
    pub url: String,
    /// An existing directory.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Mount the tree as it was then, read-only; the live mount goes on.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Stay in the foreground and log to standard error.
    #[arg(long, short)]
    pub foreground: bool,
    /// Where blocks of a remote volume are cached; may be deleted at any time.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// Bytes of the cache on disk; 0 for none. A volume in a local directory has none.
    #[arg(long, value_name = "SIZE", default_value = "10G", value_parser = sizes::parse)]
    pub cache_size: Size,
    /// Bytes of the cache in memory.
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = sizes::parse)]
    pub memory_cache: Size,
    /// The longest that a change waits before it is on its way to the store.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub commit_interval: Duration,
    /// Bytes that may wait in memory for the store before writers wait too.
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = sizes::parse)]
    pub dirty_limit: Size,
    /// How the kernel's requests reach firn: over io_uring, over /dev/fuse, or over the faster that there is.
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Way::Auto)]
    pub transport: Way,
    /// Let other users in too; permissions decide then.
    #[arg(long)]
    pub allow_other: bool,
    /// How the process in the background was started by the one in the foreground.
    #[arg(long, hide = true)]
    pub background_child: bool,
}

/// How the kernel's requests reach the mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Way {
    /// Over io_uring where it can be had, and else over /dev/fuse.
    Auto,
    /// Over io_uring, or not at all.
    Uring,
    /// Over /dev/fuse.
    Classic,
}

impl Way {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Way::Auto => "auto",
            Way::Uring => "uring",
            Way::Classic => "classic",
        }
    }
}

impl From<Way> for Transport {
    fn from(way: Way) -> Transport {
        match way {
            Way::Auto => Transport::Auto,
            Way::Uring => Transport::Uring,
            Way::Classic => Transport::Classic,
        }
    }
}

/// `firn umount`
#[derive(Debug, Args)]
pub struct Umount {
    /// The mount point, or any path in the mount.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

/// `firn status`
#[derive(Debug, Args)]
pub struct Status {
    /// A path in a mount, or a volume's URL; the current directory if absent.
    #[arg(value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub what: Option<String>,
}

/// `firn log`
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub struct Log {
    /// Only what happened to this path, across its renames and after its deletion.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub path: Option<PathBuf>,
    /// Only events at or after this time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Only events at or before this time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// At most so many events. On a terminal 50, if neither this nor --since nor --all is given.
    #[arg(long, short = 'n', value_name = "N", value_parser = number)]
    pub limit: Option<u64>,
    /// All events, on a terminal too.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

/// `firn checkpoint`
#[derive(Debug, Args)]
pub struct Checkpoint {
    /// Its name; used as @NAME wherever a time is asked for. A name that exists moves to this instant.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// A word about it.
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
}

/// `firn diff`
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub struct Diff {
    /// The earlier instant.
    #[arg(value_name = "FROM", allow_hyphen_values = true)]
    pub from: String,
    /// The later instant; now if absent. What is no TIME here is taken for PATH.
    #[arg(value_name = "TO", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Only what is below this path.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub path: Option<PathBuf>,
    /// Show what changed inside of text files, as a unified patch.
    #[arg(short, long)]
    pub patch: bool,
}

/// `firn restore`
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub struct Restore {
    /// What to bring back, by the path that it had then.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub path: PathBuf,
    /// The instant to take it from.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: String,
    /// Where to put it; where it was, if absent.
    #[arg(long, value_name = "DEST", value_hint = ValueHint::AnyPath)]
    pub to: Option<PathBuf>,
    /// Only show what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// `firn redo`
#[derive(Debug, Args)]
pub struct Redo {
    /// Only show what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// `firn undo`
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub struct Undo {
    #[command(flatten)]
    pub target: UndoTarget,
    /// Only what is below this path.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub path: Option<PathBuf>,
    /// Only show what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// How far back. Without any of these, the latest burst of changes is taken back.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct UndoTarget {
    /// Go back to this instant.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Take back what happened within this time, such as 10m.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub last: Option<Duration>,
    /// Go back to right after the event with this sequence number; the same as --to '#N'.
    #[arg(long, value_name = "N", value_parser = sequence_number)]
    pub seq: Option<u64>,
}

/// `firn verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The volume, or a path in its mount; that of the current directory if absent.
    #[arg(value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub what: Option<String>,
}

/// `firn export`
#[derive(Debug, Args)]
#[command(allow_missing_positional = true, after_help = TIMES)]
pub struct Export {
    /// The volume, or a path in its mount; that of the current directory if absent.
    #[arg(value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub what: Option<String>,
    /// Where to write; a file that does not exist.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub file: PathBuf,
    /// Export the events that are durable, from the very first one on, and the content that they name. There is no
    /// other export yet, so that this must be said.
    #[arg(long)]
    pub events: bool,
    /// Replace names, targets of links, extended attributes, content, host and command names, names and messages of
    /// checkpoints by stand-ins of the same length, the same for the same.
    ///
    /// What stays: sizes, times, modes, owners, process ids, the volume's id, versions of firn, the shape of the
    /// tree, blocks of zeros, and what was equal to what.
    #[arg(long)]
    pub redact: bool,
    /// End at this instant. The beginning cannot be chosen: what comes later rests on all that came before.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
}

/// `firn completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell.
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `firn man`
#[derive(Debug, Args)]
pub struct Man {
    /// An existing directory, such as /usr/local/share/man/man1.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

fn duration(text: &str) -> Result<Duration, String> {
    firn_materializer::instant::parse_duration(text).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number, such as 100".to_owned())
}

/// As `firn log` writes it, or without the mark.
fn sequence_number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    digits.parse().map_err(|_| "expected a sequence number as in `firn log`, such as 1234".to_owned())
}

#[cfg(test)]
mod tests;
