use std::sync::Arc;

use firn_journal::{Attributes, Ino, Name, PlacedExtent};

use super::super::extents::range_of;
use super::super::keys::NameKey;
use super::super::load::{check_inode, check_xattr};
use super::super::{EvolveError, FileType, Namespace};

/// Each states a piece whole, and touches nothing else.
impl Namespace {
    pub(super) fn put_inode(
        &mut self,
        ino: Ino,
        attributes: Attributes,
        target: Option<Arc<[u8]>>,
    ) -> Result<(), EvolveError> {
        let kind = check_inode(ino, &attributes, target.as_deref())?;
        let Some(inode) = self.inode(ino) else {
            self.add_inode(ino, kind, attributes, target);
            return Ok(());
        };
        if inode.kind != kind {
            return Err(EvolveError::WrongType { ino, expected: inode.kind, found: kind });
        }
        let inode = self.inode_mut(ino)?;
        inode.attributes = attributes;
        inode.target = target;
        Ok(())
    }

    pub(super) fn put_dirent(
        &mut self,
        parent: Ino,
        name: &Name,
        ino: Ino,
        replaced: Option<Ino>,
    ) -> Result<(), EvolveError> {
        if let Some(replaced) = replaced {
            self.remove_entry(parent, name, replaced)?;
        }
        self.add_entry(parent, name, ino)
    }

    pub(super) fn put_extents(
        &mut self,
        ino: Ino,
        offset: u64,
        len: u64,
        extents: &[PlacedExtent],
    ) -> Result<(), EvolveError> {
        self.require_type(ino, FileType::Regular)?;
        self.replace_extents(ino, range_of(ino, offset, len)?, extents)
    }

    pub(super) fn put_xattr(&mut self, ino: Ino, name: &Name, value: Arc<[u8]>) -> Result<(), EvolveError> {
        self.require(ino)?;
        check_xattr(ino, name, &value)?;
        self.xattrs.insert(NameKey { ino, name: name.clone() }, value);
        Ok(())
    }
}
