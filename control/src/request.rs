use serde::{Deserialize, Serialize};

use crate::path::TreePath;

/// What a user may ask. Instants are spelled as on the command line, but do not depend on where and when they
/// are read: RFC 3339 with an offset, `now`, `#123`, `@name`. (The client resolves `yesterday 17:00`.)
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What the volume is, what is durable and what is not yet.
    Status,
    /// Events, newest first.
    Log {
        /// Of this path only, across its renames.
        path: Option<TreePath>,
        /// Not before this time.
        since: Option<String>,
        /// Not after this time.
        until: Option<String>,
        /// At most so many.
        limit: Option<u64>,
    },
    /// Gives this instant a name.
    Checkpoint {
        /// A name of the volume's choice if absent.
        name: Option<String>,
        /// A word about it.
        message: Option<String>,
    },
    /// The named instants, oldest first.
    Checkpoints,
    /// What differs between two instants.
    Diff {
        /// The earlier one, usually.
        from: String,
        /// The present if absent.
        to: Option<String>,
        /// Only below this path.
        path: Option<TreePath>,
        /// With a unified patch of each text file.
        patch: bool,
    },
    /// Brings a file or a tree of the past back.
    Restore {
        /// Where it was then.
        path: TreePath,
        /// The instant to take it from.
        at: String,
        /// Where it goes; to its old place if absent.
        to: Option<TreePath>,
        /// Only says what would change.
        dry_run: bool,
    },
    /// Goes back to an earlier instant, as a new change.
    Undo {
        /// Which one; before the latest burst of changes if absent.
        to: Option<String>,
        /// Only what is below this path.
        path: Option<TreePath>,
        /// Only says what would change.
        dry_run: bool,
    },
    /// Takes the latest undo back.
    Redo {
        /// Only says what would change.
        dry_run: bool,
    },
    /// Makes everything until now durable.
    Sync,
    /// Checks everything that is stored.
    Verify,
    /// Makes everything durable and ends the mount.
    Unmount,
}

impl Request {
    /// Whether only a writer can do it.
    pub fn writes(&self) -> bool {
        match self {
            Request::Checkpoint { .. } => true,
            Request::Restore { dry_run, .. } | Request::Undo { dry_run, .. } | Request::Redo { dry_run } => {
                !dry_run
            }
            Request::Status
            | Request::Log { .. }
            | Request::Checkpoints
            | Request::Diff { .. }
            | Request::Sync
            | Request::Verify
            | Request::Unmount => false,
        }
    }

    /// The paths that it names.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        let (first, second) = match self {
            Request::Log { path, .. } | Request::Diff { path, .. } | Request::Undo { path, .. } => {
                (path.as_ref(), None)
            }
            Request::Restore { path, to, .. } => (Some(path), to.as_ref()),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }
}
