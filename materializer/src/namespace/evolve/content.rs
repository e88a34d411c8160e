use firn_clock::Timestamp;
use firn_journal::{Ino, PlacedExtent};

use super::super::extents::range_of;
use super::super::{EvolveError, FileType, MAX_FILE_SIZE, Namespace, PERMISSION_BITS, TYPE_BITS};

/// The attributes that a command set; those absent stay.
pub(super) struct Changed {
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub atime: Option<Timestamp>,
    pub mtime: Option<Timestamp>,
}

impl Namespace {
    pub(super) fn set_attributes(
        &mut self,
        time: Timestamp,
        ino: Ino,
        to: Changed,
    ) -> Result<(), EvolveError> {
        let attributes = &mut self.inode_mut(ino)?.attributes;
        if let Some(mode) = to.mode {
            if mode & !PERMISSION_BITS != 0 {
                return Err(EvolveError::BadAttributes {
                    ino,
                    what: "its mode is set beyond the permissions",
                });
            }
            attributes.mode = attributes.mode & TYPE_BITS | mode;
        }
        attributes.uid = to.uid.unwrap_or(attributes.uid);
        attributes.gid = to.gid.unwrap_or(attributes.gid);
        attributes.atime = to.atime.unwrap_or(attributes.atime);
        attributes.mtime = to.mtime.unwrap_or(attributes.mtime);
        attributes.ctime = time;
        Ok(())
    }

    pub(super) fn write(
        &mut self,
        time: Timestamp,
        ino: Ino,
        offset: u64,
        len: u64,
        extents: &[PlacedExtent],
    ) -> Result<(), EvolveError> {
        let size = self.require_type(ino, FileType::Regular)?.attributes.size;
        let range = range_of(ino, offset, len)?;
        let end = range.end;
        if size < offset {
            self.carve(ino, size..offset)?;
        }
        self.replace_extents(ino, range, extents)?;
        self.inode_mut(ino)?.attributes.size = size.max(end);
        self.touch(ino, time)
    }

    pub(super) fn truncate(&mut self, time: Timestamp, ino: Ino, size: u64) -> Result<(), EvolveError> {
        let before = self.require_type(ino, FileType::Regular)?.attributes.size;
        if size > MAX_FILE_SIZE {
            return Err(EvolveError::BadRange { ino, offset: 0, len: size });
        }
        self.carve(ino, size.min(before)..MAX_FILE_SIZE)?;
        self.inode_mut(ino)?.attributes.size = size;
        self.touch(ino, time)
    }
}
