//! What the errors of the layers below mean to who asked. The words are theirs; the kind is decided here.

use firn_blocks::BlocksError;
use firn_journal::{ClaimError, JournalError, WriterError};
use firn_materializer::history::HistoryError;
use firn_materializer::instant::TimeFormError;
use firn_materializer::volume::{CheckpointError, InstantError, OpenError, TransactError, VolumeError};
use firn_recovery::export::ExportError;
use firn_recovery::verify::VerifyError;
use firn_recovery::{LogError, PlanError, TimelineError, UndoError};
use firn_store::{Fault, StoreError};

use crate::answer::{Failure, FailureKind};
use crate::socket::SocketError;

/// The kind of an error.
trait Kind: std::fmt::Display {
    fn kind(&self) -> FailureKind;
}

macro_rules! failures {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure::new(error.kind(), error)
            }
        }
    )*};
}

failures!(
    StoreError,
    JournalError,
    BlocksError,
    HistoryError,
    TimeFormError,
    InstantError,
    VolumeError,
    CheckpointError,
    OpenError,
    WriterError,
    LogError,
    TimelineError,
    UndoError,
    SocketError,
    VerifyError,
    ExportError,
);

impl Kind for StoreError {
    fn kind(&self) -> FailureKind {
        match self {
            StoreError::Url { .. } | StoreError::Settings { .. } => FailureKind::Usage,
            StoreError::NoVolume { .. } => FailureKind::NotFound,
            StoreError::VolumeExists { .. }
            | StoreError::NotEmpty { .. }
            | StoreError::MissingCapability { .. } => FailureKind::Refused,
            StoreError::Manifest { .. } => FailureKind::Corrupt,
            StoreError::Request { fault, .. } => match fault {
                Fault::NotFound => FailureKind::NotFound,
                Fault::Transient => FailureKind::Unreachable,
                Fault::Denied | Fault::AlreadyExists => FailureKind::Refused,
                Fault::Permanent => FailureKind::Failed,
            },
            StoreError::Directory { .. } => FailureKind::Failed,
        }
    }
}

impl Kind for JournalError {
    fn kind(&self) -> FailureKind {
        match self {
            JournalError::Store(error) => error.kind(),
            JournalError::Newer { .. } => FailureKind::Refused,
            _ => FailureKind::Corrupt,
        }
    }
}

impl Kind for BlocksError {
    fn kind(&self) -> FailureKind {
        match self {
            BlocksError::Store(error) => error.kind(),
            BlocksError::Config { .. } => FailureKind::Usage,
            BlocksError::Abandoned => FailureKind::Failed,
            _ => FailureKind::Corrupt,
        }
    }
}

impl Kind for HistoryError {
    fn kind(&self) -> FailureKind {
        match self {
            HistoryError::Store(error) => error.kind(),
            HistoryError::Journal(error) => error.kind(),
            HistoryError::Blocks(error) => error.kind(),
            HistoryError::Unfit { .. } | HistoryError::LostEnd { .. } => FailureKind::Corrupt,
            HistoryError::Resolve(_) => FailureKind::NotFound,
        }
    }
}

impl Kind for TimeFormError {
    fn kind(&self) -> FailureKind {
        FailureKind::Usage
    }
}

impl Kind for InstantError {
    fn kind(&self) -> FailureKind {
        match self {
            InstantError::History(error) => error.kind(),
            InstantError::Volume(error) => error.kind(),
        }
    }
}

impl Kind for VolumeError {
    fn kind(&self) -> FailureKind {
        match self {
            VolumeError::ReadOnly(_) | VolumeError::Closed => FailureKind::Refused,
            VolumeError::Snapshot(_) => FailureKind::Failed,
        }
    }
}

impl Kind for CheckpointError {
    fn kind(&self) -> FailureKind {
        match self {
            CheckpointError::Name { .. } => FailureKind::Usage,
            CheckpointError::Volume(error) => error.kind(),
        }
    }
}

impl Kind for OpenError {
    fn kind(&self) -> FailureKind {
        match self {
            OpenError::InUse { .. } => FailureKind::Refused,
            OpenError::History(error) => error.kind(),
            OpenError::Claim(ClaimError::Unreachable { .. }) => FailureKind::Unreachable,
            OpenError::Claim(ClaimError::Refused(error)) => error.kind(),
            OpenError::Claim(ClaimError::Raced { .. } | ClaimError::NoTurnLeft) => FailureKind::Refused,
            OpenError::Claim(ClaimError::Invalid(_)) => FailureKind::Failed,
            OpenError::Writer(error) => error.kind(),
        }
    }
}

impl Kind for WriterError {
    fn kind(&self) -> FailureKind {
        match self {
            WriterError::Store(error) => error.kind(),
            WriterError::Unreadable { .. } => FailureKind::Corrupt,
        }
    }
}

impl Kind for LogError {
    fn kind(&self) -> FailureKind {
        match self {
            LogError::Journal(error) => error.kind(),
            LogError::Unlinked { .. } => FailureKind::Corrupt,
            LogError::Beyond { .. } => FailureKind::NotFound,
        }
    }
}

impl Kind for TimelineError {
    fn kind(&self) -> FailureKind {
        match self {
            TimelineError::Instant(error) => error.kind(),
            TimelineError::Log(error) => error.kind(),
        }
    }
}

impl Kind for VerifyError {
    fn kind(&self) -> FailureKind {
        match self {
            VerifyError::Store(error) => error.kind(),
            VerifyError::Journal(error) => error.kind(),
        }
    }
}

impl Kind for ExportError {
    fn kind(&self) -> FailureKind {
        match self {
            ExportError::History(error) => error.kind(),
            ExportError::Journal(error) => error.kind(),
            ExportError::Blocks(error) => error.kind(),
            ExportError::Write(_) | ExportError::Read(_) => FailureKind::Failed,
            ExportError::Magic { .. } => FailureKind::Usage,
            ExportError::Version { .. } => FailureKind::Refused,
            ExportError::Damaged { .. }
            | ExportError::Group(_)
            | ExportError::Unlinked(_)
            | ExportError::NoBlock(_) => FailureKind::Corrupt,
        }
    }
}

impl Kind for SocketError {
    fn kind(&self) -> FailureKind {
        match self {
            SocketError::Unsafe { .. } | SocketError::Taken { .. } => FailureKind::Refused,
            SocketError::Io { .. } => FailureKind::Failed,
        }
    }
}

impl Kind for UndoError {
    fn kind(&self) -> FailureKind {
        match self {
            UndoError::NothingToUndo { .. } | UndoError::NothingToRedo { .. } => FailureKind::NotFound,
            UndoError::Covered { .. } | UndoError::NoTrace { .. } => FailureKind::Refused,
            UndoError::Plan(
                PlanError::Nowhere { .. } | PlanError::NotThen { .. } | PlanError::NoParent { .. },
            ) => FailureKind::NotFound,
            UndoError::Plan(PlanError::NotADirectory { .. } | PlanError::Exists { .. }) => {
                FailureKind::Refused
            }
            UndoError::Plan(PlanError::BadName { .. }) => FailureKind::Usage,
            UndoError::Timeline(error) => error.kind(),
            UndoError::Transact(TransactError::ReadOnly(_) | TransactError::Moved { .. }) => {
                FailureKind::Refused
            }
            UndoError::Transact(TransactError::Unfit(_)) | UndoError::Unfit(_) => FailureKind::Failed,
        }
    }
}
