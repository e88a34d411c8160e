use firn_store::StoreError;

use crate::{LinkError, SegmentError, SegmentNo, VolumeId};

/// Why the journal cannot be read on. Every case but [`JournalError::Store`] is damage to the volume's bucket:
/// no segment is served that is not the one that was written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A newer program wrote the segment.
    #[error("the segment {key} was written by a newer firn: {source}; use a newer firn")]
    Newer {
        /// The object.
        key: String,
        /// What it says.
        source: SegmentError,
    },
    /// The object is not what was written.
    #[error("the segment {key} is damaged: {source}; {REPAIR}")]
    Damaged {
        /// The object.
        key: String,
        /// What is wrong with it.
        source: SegmentError,
    },
    /// The object was copied from another volume.
    #[error("the segment {key} belongs to volume {found}, expected one of volume {expected}; {REPAIR}")]
    OtherVolume {
        /// The object.
        key: String,
        /// The volume being read.
        expected: VolumeId,
        /// The volume that the segment names.
        found: VolumeId,
    },
    /// The object has another segment's name.
    #[error("the object {key} holds segment {}, expected segment {}; {REPAIR}", found.0, expected.0)]
    OtherNumber {
        /// The object.
        key: String,
        /// The segment that should be there.
        expected: SegmentNo,
        /// The segment that is there.
        found: SegmentNo,
    },
    /// A segment is not there although later ones are.
    #[error("the segment {key} is missing, and the journal goes on to segment {} at least; {REPAIR}", last.0)]
    Missing {
        /// The object.
        key: String,
        /// A later segment.
        last: SegmentNo,
    },
    /// A segment, or one before it, was replaced by a different one.
    #[error(
        "the segment {key} does not continue the journal: {source}; it or one before it was replaced: {REPAIR}"
    )]
    Unlinked {
        /// The object.
        key: String,
        /// What does not fit.
        source: LinkError,
    },
}

const REPAIR: &str = "put back the object as it was written, from the bucket's older versions or a copy, and run \
    `firn verify`; views of instants before it still open";

impl JournalError {
    pub(super) fn segment(key: String, source: SegmentError) -> Self {
        match source {
            SegmentError::Version { .. } => JournalError::Newer { key, source },
            _ => JournalError::Damaged { key, source },
        }
    }
}
