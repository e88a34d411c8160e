use firn_journal::Hash;

/// What is wrong with the bytes of a pack. Says nothing of where; [`crate::BlocksError`] does.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PackError {
    /// The journal records lengths that no pack has.
    #[error("the journal records a pack of {len} bytes with a table of {table_len}, which cannot be")]
    Lengths {
        /// Bytes of the pack.
        len: u64,
        /// Bytes of its table with the trailer.
        table_len: u32,
    },
    /// There are fewer bytes, or more, than were recorded.
    #[error("expected {expected} bytes, found {found}")]
    Short {
        /// Bytes recorded.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// The object does not begin as this volume's pack of this name does.
    #[error("its first bytes are not those of this pack of this volume")]
    Header,
    /// It does not end as a pack does.
    #[error("its last bytes are not those of a pack")]
    Magic,
    /// A newer format.
    #[error("it has pack format {found}, and this program reads up to {supported}: use a newer one")]
    Version {
        /// The format's version.
        found: u32,
        /// The newest that is known here.
        supported: u32,
    },
    /// The table is another one than was recorded.
    #[error("its table has checksum {found:?}, and the journal recorded {expected:?}")]
    TableHash {
        /// Recorded by the journal.
        expected: Hash,
        /// Of the bytes found.
        found: Hash,
    },
    /// A slot of the table has impossible values.
    #[error("slot {slot} of its table is impossible: {problem}")]
    Slot {
        /// Which slot, from 0.
        slot: u32,
        /// Why.
        problem: &'static str,
    },
    /// The bytes before the table are others than were written, though every block still reads well.
    #[error(
        "its blocks read well, but its stored bytes have checksum {found:?}, and its table says {expected:?}"
    )]
    BodyHash {
        /// Recorded in the table.
        expected: Hash,
        /// Of the bytes found.
        found: Hash,
    },
    /// A block cannot be decompressed.
    #[error("it does not decompress: {detail}")]
    Compression {
        /// In the words of the decompressor.
        detail: String,
    },
    /// A block is another one than was written.
    #[error("its content has checksum {found:?}, and its table says {expected:?}")]
    BlockHash {
        /// Recorded in the table.
        expected: Hash,
        /// Of the bytes found.
        found: Hash,
    },
    /// A slot says that another holds the same bytes, and that one says otherwise.
    #[error("it stands for a block of another pack that is not the same: {problem}")]
    Alias {
        /// Why.
        problem: &'static str,
    },
}
