use std::ops::Bound;
use std::sync::Arc;

use firn_journal::{Attributes, Ino, Name};

use super::keys::{LinkKey, LinksOf, NameKey, NameQuery};
use super::{Dirent, EvolveError, FileType, Inode, Namespace};

/// The structure of the tree: inodes, entries and which entries name an inode. Callers see to times and link
/// counts; what is here keeps the invariants.
impl Namespace {
    pub(super) fn require(&self, ino: Ino) -> Result<&Inode, EvolveError> {
        self.inode(ino).ok_or(EvolveError::NoInode(ino))
    }

    pub(super) fn require_type(&self, ino: Ino, expected: FileType) -> Result<&Inode, EvolveError> {
        let inode = self.require(ino)?;
        if inode.kind != expected {
            return Err(EvolveError::WrongType { ino, expected, found: inode.kind });
        }
        Ok(inode)
    }

    pub(super) fn inode_mut(&mut self, ino: Ino) -> Result<&mut Inode, EvolveError> {
        self.inodes.get_mut(&ino).map(Arc::make_mut).ok_or(EvolveError::NoInode(ino))
    }

    /// Adds an inode that is not there, without any entry. Its number is below `u64::MAX`.
    pub(super) fn add_inode(
        &mut self,
        ino: Ino,
        kind: FileType,
        attributes: Attributes,
        target: Option<Arc<[u8]>>,
    ) {
        self.inodes.insert(ino, Arc::new(Inode { attributes, kind, allocated: 0, home: None, target }));
        self.next_ino = self.next_ino.max(Ino(ino.0 + 1));
        if ino != Ino::ROOT {
            self.orphans.insert(ino, ());
        }
    }

    /// Removes an orphan with its extents and extended attributes.
    pub(super) fn remove_inode(&mut self, ino: Ino) -> Result<(), EvolveError> {
        if ino == Ino::ROOT {
            return Err(EvolveError::IsRoot);
        }
        let inode = self.require(ino)?;
        if inode.home.is_some() {
            return Err(EvolveError::StillNamed(ino));
        }
        self.require_empty(ino)?;
        self.carve(ino, 0..super::MAX_FILE_SIZE)?;
        let xattrs: Vec<Name> = self.xattrs(ino).map(|(name, _)| name.clone()).collect();
        for name in xattrs {
            self.xattrs.remove(&NameQuery(ino, name.as_bytes()));
        }
        self.inodes.remove(&ino);
        self.orphans.remove(&ino);
        Ok(())
    }

    pub(super) fn is_empty_dir(&self, ino: Ino) -> bool {
        self.entries(ino, None).next().is_none()
    }

    pub(super) fn require_empty(&self, ino: Ino) -> Result<(), EvolveError> {
        if self.is_empty_dir(ino) { Ok(()) } else { Err(EvolveError::NotEmpty(ino)) }
    }

    /// Checks that an entry names what the event says; `None`: that it is not there.
    pub(super) fn require_entry(
        &self,
        parent: Ino,
        name: &Name,
        expected: Option<Ino>,
    ) -> Result<(), EvolveError> {
        let found = self.lookup(parent, name.as_bytes()).map(|dirent| dirent.ino);
        if found == expected {
            return Ok(());
        }
        Err(EvolveError::EntryDiffers { parent, name: name.clone(), expected, found })
    }

    /// Adds an entry that is not there.
    pub(super) fn add_entry(&mut self, parent: Ino, name: &Name, ino: Ino) -> Result<(), EvolveError> {
        self.require_type(parent, FileType::Directory)?;
        if !Name::is_valid_entry(name.as_bytes()) {
            return Err(EvolveError::BadName(name.clone()));
        }
        if ino == Ino::ROOT {
            return Err(EvolveError::IsRoot);
        }
        self.require_entry(parent, name, None)?;
        let inode = self.inode_mut(ino)?;
        let kind = inode.kind;
        match &mut inode.home {
            None => {
                inode.home = Some((parent, name.clone()));
                self.orphans.remove(&ino);
            }
            Some(_) if kind == FileType::Directory => return Err(EvolveError::SecondName(ino)),
            Some(home) => {
                let mut other = (parent, name.clone());
                if other < *home {
                    std::mem::swap(&mut other, home);
                }
                self.extra_links.insert(LinkKey { ino, parent: other.0, name: other.1 }, ());
            }
        }
        self.dirents.insert(NameKey { ino: parent, name: name.clone() }, Dirent { ino, kind });
        Ok(())
    }

    /// Removes an entry that names `ino`, which may be an orphan then.
    pub(super) fn remove_entry(&mut self, parent: Ino, name: &Name, ino: Ino) -> Result<(), EvolveError> {
        self.require_entry(parent, name, Some(ino))?;
        self.dirents.remove(&NameQuery(parent, name.as_bytes()));
        let link = LinkKey { ino, parent, name: name.clone() };
        if self.extra_links.remove(&link).is_some() {
            return Ok(());
        }
        let next = self.extra_links.starting(Bound::Included(LinksOf(ino))).next();
        let next = next.map(|(key, ())| key.clone()).filter(|key| key.ino == ino);
        match &next {
            Some(key) => drop(self.extra_links.remove(key)),
            None => drop(self.orphans.insert(ino, ())),
        }
        self.inode_mut(ino)?.home = next.map(|key| (key.parent, key.name));
        Ok(())
    }
}
