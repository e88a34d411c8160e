use std::collections::BTreeSet;

use firn_journal::{EventKind, Ino, Name};

/// What a transaction changed behind the kernel's back, so that its caches can be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Directory entries that name something else now, or nothing.
    pub dirents: BTreeSet<(Ino, Name)>,
    /// Inodes whose attributes, content or extended attributes are not what they were.
    pub inodes: BTreeSet<Ino>,
}

impl Changes {
    /// Collects what these events touched.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a EventKind>) -> Self {
        let mut changes = Changes::default();
        for event in events {
            changes.add(event);
        }
        changes
    }

    fn add(&mut self, event: &EventKind) {
        match event {
            EventKind::DirentPut { parent, name, ino, replaced } => {
                self.dirents.insert((*parent, name.clone()));
                self.inodes.extend([*parent, *ino]);
                self.inodes.extend(*replaced);
            }
            EventKind::DirentDropped { parent, name, ino } => {
                self.dirents.insert((*parent, name.clone()));
                self.inodes.extend([*parent, *ino]);
            }
            EventKind::InodePut { ino, .. }
            | EventKind::InodeDropped { ino }
            | EventKind::ExtentsPut { ino, .. }
            | EventKind::XattrPut { ino, .. }
            | EventKind::XattrDropped { ino, .. } => {
                self.inodes.insert(*ino);
            }
            _ => {}
        }
    }
}
