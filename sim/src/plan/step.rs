use serde::{Deserialize, Serialize};

use crate::model::{Kind, Mode, When};

/// One thing that is done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Who does it: each of them does one thing at a time.
    #[serde(rename = "by")]
    pub actor: u8,
    /// Milliseconds before it is begun, after the step before.
    #[serde(rename = "after_ms")]
    pub pause_ms: u64,
    /// What.
    #[serde(rename = "do")]
    pub action: Action,
}

/// A range of a file, in bytes.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Range {
    /// Its beginning.
    pub at: u64,
    /// Its length.
    pub len: u32,
}

/// Where a write begins.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// Here, in bytes.
    Offset(u64),
    /// Where the same actor's last write ended, if it was to this file; at the end of the file otherwise.
    Onward,
    /// At the end, as `O_APPEND` finds it.
    Append,
}

/// What a file is opened for.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// To be held open.
    File,
    /// A directory, to be held open and listed.
    Directory,
}

/// An instant of the past, of those that the history has.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instant {
    /// By its sequence number.
    Seq(u16),
    /// By its time.
    Time(u16),
    /// By a checkpoint's name.
    Checkpoint(u16),
}

/// When a machine dies.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crash {
    /// At once.
    Now,
    /// Before the store carries out one of the requests to come, counted from here.
    BeforeRequest(u8),
    /// After that, before it answers.
    AfterRequest(u8),
}

/// What is done. Numbers that name a target are taken modulo what there is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are told with their action")]
pub enum Action {
    /// Makes a file, and holds it open if that is said.
    Create { dir: u16, name: u8, mode: u16, open: bool },
    /// Makes a file without a name, and holds it open.
    CreateUnnamed { dir: u16, mode: u16 },
    /// Makes a directory, a symbolic link, a pipe or a device.
    Make { dir: u16, name: u8, kind: Kind, mode: u16 },
    /// Gives an inode one more name.
    Link { inode: u16, dir: u16, name: u8 },
    /// Removes an entry; by the call for the other type, if `wrong`.
    Remove { entry: u16, wrong: bool },
    /// Moves an entry.
    Rename { entry: u16, dir: u16, name: u8, mode: Mode },
    /// Opens something and holds it open.
    Open { inode: u16, access: Access },
    /// Closes one of the actor's open files and directories.
    Close { handle: u16 },
    /// Writes bytes that are told apart by `fill`.
    Write { file: u16, at: At, len: u32, fill: u8 },
    /// Sets the size, and the mode with it if one is given.
    Resize { file: u16, size: u64, mode: Option<u16> },
    /// Makes a range a hole.
    Punch { file: u16, range: Range },
    /// Makes a range zeros.
    Zero { file: u16, range: Range },
    /// Makes a file at least so long.
    Allocate { file: u16, range: Range },
    /// Copies a range by reference.
    Copy { from: u16, range: Range, to: u16, to_at: u64 },
    /// Sets a mode.
    SetMode { inode: u16, mode: u16 },
    /// Sets an owner.
    SetOwner { inode: u16, uid: u8, gid: u8 },
    /// Sets times.
    SetTimes { inode: u16, atime: Option<When>, mtime: Option<When> },
    /// Sets an extended attribute; `exists` says whether it must be there.
    SetXattr { inode: u16, name: u8, len: u16, exists: Option<bool> },
    /// Removes an extended attribute.
    RemoveXattr { inode: u16, name: u8 },
    /// Reads a range of a file.
    Read { file: u16, range: Range },
    /// Looks for data and holes.
    Seek { file: u16, from: u64 },
    /// Looks at an inode: attributes, target, extended attributes.
    Stat { inode: u16 },
    /// Looks for a name.
    Lookup { dir: u16, name: u8 },
    /// Lists a directory.
    List { dir: u16 },
    /// Waits until all is durable.
    Fsync,
    /// Asks what is durable.
    Status,

    /// Names the instant.
    Checkpoint { name: u8 },
    /// Goes back to an instant, in all of the tree or below a path of then or now.
    Undo { to: Instant, scope: Option<u16> },
    /// Takes back the latest burst of changes.
    UndoBurst,
    /// Takes the last undo back.
    Redo,
    /// Brings a path of then back, or makes a copy of it in a directory.
    Restore { at: Instant, path: u16, copy_to: Option<(u16, u8)> },
    /// Opens an instant and looks at all of it.
    LookBack { at: Instant },
    /// Goes into the past through `.at` in a directory and reads a file there.
    LookThrough { dir: u16, at: Instant },
    /// Opens the volume beside its writer, to read, and looks at what is there.
    ReadBeside,

    /// The machine dies; another process takes over, on the same machine or another.
    Crash { when: Crash, elsewhere: bool },
    /// Unmounts, and mounts again.
    Restart { elsewhere: bool },
    /// A second writer comes while the first is at work.
    TakeOver { elsewhere: bool },
    /// The machines' clock jumps.
    Jump { ms: i64 },
    /// The store is away.
    Outage { ms: u64 },
}

/// All that [`Action::label`] gives.
pub const LABELS: [&str; 44] = [
    "create",
    "create_unnamed",
    "mkdir",
    "symlink",
    "mknod",
    "link",
    "remove",
    "exchange",
    "rename",
    "open",
    "close",
    "write",
    "resize",
    "punch",
    "zero",
    "allocate",
    "copy",
    "set_mode",
    "set_owner",
    "set_times",
    "set_xattr",
    "remove_xattr",
    "read",
    "seek",
    "stat",
    "lookup",
    "list",
    "fsync",
    "status",
    "checkpoint",
    "undo",
    "undo_within",
    "undo_burst",
    "redo",
    "restore",
    "restore_copy",
    "look_back",
    "look_through",
    "read_beside",
    "crash",
    "restart",
    "take_over",
    "jump",
    "outage",
];

impl Action {
    /// Whether it is not done by an actor, but to all of them.
    pub fn is_of_the_world(&self) -> bool {
        use Action::*;
        matches!(self, Crash { .. } | Restart { .. } | TakeOver { .. } | Jump { .. } | Outage { .. })
    }

    /// What kind of step it is, for the count of what ran.
    pub fn label(&self) -> &'static str {
        use Action::*;
        match self {
            Create { .. } => "create",
            CreateUnnamed { .. } => "create_unnamed",
            Make { kind: Kind::Directory, .. } => "mkdir",
            Make { kind: Kind::Symlink, .. } => "symlink",
            Make { .. } => "mknod",
            Link { .. } => "link",
            Remove { .. } => "remove",
            Rename { mode: Mode::Exchange, .. } => "exchange",
            Rename { .. } => "rename",
            Open { .. } => "open",
            Close { .. } => "close",
            Write { .. } => "write",
            Resize { .. } => "resize",
            Punch { .. } => "punch",
            Zero { .. } => "zero",
            Allocate { .. } => "allocate",
            Copy { .. } => "copy",
            SetMode { .. } => "set_mode",
            SetOwner { .. } => "set_owner",
            SetTimes { .. } => "set_times",
            SetXattr { .. } => "set_xattr",
            RemoveXattr { .. } => "remove_xattr",
            Read { .. } => "read",
            Seek { .. } => "seek",
            Stat { .. } => "stat",
            Lookup { .. } => "lookup",
            List { .. } => "list",
            Fsync => "fsync",
            Status => "status",
            Checkpoint { .. } => "checkpoint",
            Undo { scope: None, .. } => "undo",
            Undo { .. } => "undo_within",
            UndoBurst => "undo_burst",
            Redo => "redo",
            Restore { copy_to: None, .. } => "restore",
            Restore { .. } => "restore_copy",
            LookBack { .. } => "look_back",
            LookThrough { .. } => "look_through",
            ReadBeside => "read_beside",
            Crash { .. } => "crash",
            Restart { .. } => "restart",
            TakeOver { .. } => "take_over",
            Jump { .. } => "jump",
            Outage { .. } => "outage",
        }
    }
}
