use std::collections::VecDeque;
use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Attributes, Ino, Name, PlacedExtent, Seq};

use super::extents::range_of;
use super::keys::{LinkKey, NameKey, PlaceKey};
use super::{Checkpoint, Dirent, EvolveError, FileType, Inode, MAX_FILE_SIZE, MAX_XATTR_SIZE, Namespace};

/// Puts a namespace together from rows that were saved: inodes first, then the rest; inodes and extents
/// in the order of their keys, and best so the others. It checks all that [`Namespace::apply`] checks, and works out anew what follows from the rows: links,
/// orphans, sums. After an error it is of no use any more.
pub struct Loader {
    /// All but the inodes.
    namespace: Namespace,
    /// Ascending. They wait here until they are complete: finding one is cheap, and a map is made once.
    inodes: VecDeque<(Ino, Arc<Inode>)>,
    /// Where the extents end that have come so far.
    extents_end: PlaceKey,
}

impl Default for Loader {
    fn default() -> Self {
        let extents_end = PlaceKey { ino: Ino(0), offset: 0 };
        Loader { namespace: Namespace::bare(), inodes: VecDeque::new(), extents_end }
    }
}

impl Loader {
    /// An inode.
    ///
    /// # Errors
    /// It is not above the one before, or its attributes cannot be.
    pub fn inode(
        &mut self,
        ino: Ino,
        attributes: Attributes,
        target: Option<Arc<[u8]>>,
    ) -> Result<(), EvolveError> {
        let kind = check_inode(ino, &attributes, target.as_deref())?;
        if ino < self.namespace.next_ino {
            return Err(EvolveError::StaleIno { ino, next: self.namespace.next_ino });
        }
        let inode = Inode { attributes, kind, allocated: 0, home: None, target };
        self.inodes.push_back((ino, Arc::new(inode)));
        self.namespace.next_ino = Ino(ino.0 + 1);
        Ok(())
    }

    /// A directory's entry.
    ///
    /// # Errors
    /// It cannot be, is there already, or its directory or its inode is not.
    pub fn dirent(&mut self, parent: Ino, name: &Name, ino: Ino) -> Result<(), EvolveError> {
        self.typed(parent, FileType::Directory)?;
        if !Name::is_valid_entry(name.as_bytes()) {
            return Err(EvolveError::BadName(name.clone()));
        }
        if ino == Ino::ROOT {
            return Err(EvolveError::IsRoot);
        }
        let inode = self.found(ino)?;
        let kind = inode.kind;
        let mut link = (parent, name.clone());
        match &mut inode.home {
            None => inode.home = Some(link),
            Some(_) if kind == FileType::Directory => return Err(EvolveError::SecondName(ino)),
            Some(home) => {
                if link < *home {
                    std::mem::swap(&mut link, home);
                }
                self.namespace.extra_links.insert(LinkKey { ino, parent: link.0, name: link.1 }, ());
            }
        }
        let key = NameKey { ino: parent, name: name.clone() };
        match self.namespace.dirents.insert(key, Dirent { ino, kind }) {
            None => Ok(()),
            Some(Dirent { ino, .. }) => Err(EvolveError::EntryDiffers {
                parent,
                name: name.clone(),
                expected: None,
                found: Some(ino),
            }),
        }
    }

    /// A piece of a file's content.
    ///
    /// # Errors
    /// It is not after the one before, cannot be, or its file is not there.
    pub fn extent(&mut self, ino: Ino, placed: PlacedExtent) -> Result<(), EvolveError> {
        let PlacedExtent { offset, extent } = placed;
        let key = PlaceKey { ino, offset };
        let end = range_of(ino, offset, u64::from(extent.len))?.end;
        if key < self.extents_end || extent.skip.checked_add(extent.len).is_none() {
            return Err(EvolveError::BadExtent { ino, offset });
        }
        self.typed(ino, FileType::Regular)?.allocated += u64::from(extent.len);
        self.namespace.allocated = self.namespace.allocated.wrapping_add(u64::from(extent.len));
        self.namespace.extents.insert(key, extent);
        self.extents_end = PlaceKey { ino, offset: end };
        Ok(())
    }

    /// An extended attribute.
    ///
    /// # Errors
    /// It cannot be, or its inode is not there.
    pub fn xattr(&mut self, ino: Ino, name: &Name, value: Arc<[u8]>) -> Result<(), EvolveError> {
        self.found(ino)?;
        check_xattr(ino, name, &value)?;
        self.namespace.xattrs.insert(NameKey { ino, name: name.clone() }, value);
        Ok(())
    }

    /// A name for an instant.
    pub fn checkpoint(&mut self, name: String, checkpoint: Checkpoint) {
        self.namespace.checkpoints.insert(name, checkpoint);
    }

    /// To be called when all rows are there: does what is left to do for the next `count` inodes, and tells whether
    /// any remain. [`Loader::finish`] does it too, for all of them at once.
    pub fn settle(&mut self, count: usize) -> bool {
        for (ino, inode) in self.inodes.drain(..count.min(self.inodes.len())) {
            if inode.home.is_none() && ino != Ino::ROOT {
                self.namespace.orphans.insert(ino, ());
            }
            self.namespace.inodes.insert(ino, inode);
        }
        !self.inodes.is_empty()
    }

    /// The namespace as it was right after event `seq`.
    ///
    /// # Errors
    /// There is no root directory, or an inode's number is not below `next_ino`.
    pub fn finish(mut self, seq: Seq, time: Timestamp, next_ino: Ino) -> Result<Namespace, EvolveError> {
        self.settle(usize::MAX);
        self.namespace.require_type(Ino::ROOT, FileType::Directory)?;
        if next_ino < self.namespace.next_ino {
            return Err(EvolveError::StaleIno { ino: next_ino, next: self.namespace.next_ino });
        }
        self.namespace.next_ino = next_ino;
        self.namespace.seq = seq;
        self.namespace.time = time;
        Ok(self.namespace)
    }

    fn found(&mut self, ino: Ino) -> Result<&mut Inode, EvolveError> {
        let at = self.inodes.binary_search_by_key(&ino, |(ino, _)| *ino);
        let (_, inode) = at.ok().and_then(|at| self.inodes.get_mut(at)).ok_or(EvolveError::NoInode(ino))?;
        Ok(Arc::make_mut(inode))
    }

    fn typed(&mut self, ino: Ino, expected: FileType) -> Result<&mut Inode, EvolveError> {
        let inode = self.found(ino)?;
        if inode.kind != expected {
            return Err(EvolveError::WrongType { ino, expected, found: inode.kind });
        }
        Ok(inode)
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

/// Whether an extended attribute can be.
pub(super) fn check_xattr(ino: Ino, name: &Name, value: &[u8]) -> Result<(), EvolveError> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > Name::MAX || bytes.contains(&0) {
        return Err(EvolveError::BadName(name.clone()));
    }
    if value.len() > MAX_XATTR_SIZE {
        return Err(EvolveError::BadXattr { ino, name: name.clone(), what: "has too large a value" });
    }
    Ok(())
}
