use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Attributes, Ino, Name, PlacedExtent, Seq};

use super::{Checkpoint, EvolveError, FileType, MAX_FILE_SIZE, Namespace};

/// Puts a namespace together from rows that were saved: inodes first, then the rest in any order. It checks all
/// that [`Namespace::apply`] checks, and works out anew what follows from the rows: links, orphans, sums.
pub struct Loader {
    namespace: Namespace,
}

impl Default for Loader {
    fn default() -> Self {
        Loader { namespace: Namespace::bare() }
    }
}

impl Loader {
    /// An inode.
    ///
    /// # Errors
    /// It is there already, or its attributes cannot be.
    pub fn inode(
        &mut self,
        ino: Ino,
        attributes: Attributes,
        target: Option<Arc<[u8]>>,
    ) -> Result<(), EvolveError> {
        if self.namespace.inode(ino).is_some() {
            return Err(EvolveError::StaleIno { ino, next: self.namespace.next_ino() });
        }
        self.namespace.put_inode(ino, attributes, target)
    }

    /// A directory's entry.
    ///
    /// # Errors
    /// It is there already, or its directory or its inode is not.
    pub fn dirent(&mut self, parent: Ino, name: &Name, ino: Ino) -> Result<(), EvolveError> {
        self.namespace.add_entry(parent, name, ino)
    }

    /// A piece of a file's content.
    ///
    /// # Errors
    /// It overlaps another, cannot be, or its file is not there.
    pub fn extent(&mut self, ino: Ino, placed: PlacedExtent) -> Result<(), EvolveError> {
        let PlacedExtent { offset, extent } = placed;
        self.namespace.require_type(ino, FileType::Regular)?;
        let range = super::extents::range_of(ino, offset, u64::from(extent.len))?;
        if self.namespace.extents(ino, range.clone()).next().is_some() {
            return Err(EvolveError::BadExtent { ino, offset });
        }
        self.namespace.replace_extents(ino, range, &[placed])
    }

    /// An extended attribute.
    ///
    /// # Errors
    /// It cannot be, or its inode is not there.
    pub fn xattr(&mut self, ino: Ino, name: &Name, value: Arc<[u8]>) -> Result<(), EvolveError> {
        self.namespace.put_xattr(ino, name, value)
    }

    /// A name for an instant.
    pub fn checkpoint(&mut self, name: String, checkpoint: Checkpoint) {
        self.namespace.checkpoints.insert(name, checkpoint);
    }

    /// The namespace as it was right after event `seq`.
    ///
    /// # Errors
    /// There is no root directory, or an inode's number is not below `next_ino`.
    pub fn finish(mut self, seq: Seq, time: Timestamp, next_ino: Ino) -> Result<Namespace, EvolveError> {
        self.namespace.require_type(Ino::ROOT, FileType::Directory)?;
        if next_ino < self.namespace.next_ino {
            return Err(EvolveError::StaleIno { ino: next_ino, next: self.namespace.next_ino });
        }
        self.namespace.next_ino = next_ino;
        self.namespace.seq = seq;
        self.namespace.time = time;
        Ok(self.namespace)
    }
}

/// Whether attributes and target fit each other; the type that they tell.
pub(super) fn check_inode(
    ino: Ino,
    attributes: &Attributes,
    target: Option<&[u8]>,
) -> Result<FileType, EvolveError> {
    let bad = |what| EvolveError::BadAttributes { ino, what };
    if ino.0 == 0 || ino.0 == u64::MAX {
        return Err(EvolveError::BadIno(ino));
    }
    let kind = FileType::of_mode(attributes.mode).ok_or(bad("its mode tells no type"))?;
    if attributes.mode & !(super::TYPE_BITS | super::PERMISSION_BITS) != 0 {
        return Err(bad("its mode has unknown bits"));
    }
    if attributes.size > MAX_FILE_SIZE {
        return Err(bad("its size is above 2^63 - 1"));
    }
    match (kind, target) {
        (FileType::Symlink, Some(target)) if target.len() as u64 == attributes.size => Ok(kind),
        (FileType::Symlink, Some(_)) => Err(bad("its size is not its target's length")),
        (FileType::Symlink, None) => Err(bad("it is a symbolic link without a target")),
        (_, Some(_)) => Err(bad("it has a target and is no symbolic link")),
        (_, None) => Ok(kind),
    }
}
