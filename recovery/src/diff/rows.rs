use std::collections::BTreeSet;

use firn_journal::Ino;
use firn_materializer::namespace::Namespace;

use super::entries::{End, Entries, Pairs};
use super::{Aspects, Change, ChangedExtents, DiffRow, compare};
use crate::path::{self, Paths, is_within};

/// What turns `old` into `new`, path by path, in the order of the paths; in proportion to what changed.
///
/// A renamed directory is one row; what is below it has rows of its own only where it differs itself. Of an
/// added or removed directory everything in it has a row. Another inode at the same path, as editors save, is a
/// modification, and no row at all if it is the same in everything but its number. A path that was one
/// type and is another is removed and added. Reading a file (atime) and linking it (nlink) are no differences.
///
/// With `scope`, only what is at or below that path before or after, and a directory above it that was renamed.
/// What left the scope is removed.
pub fn diff(old: &Namespace, new: &Namespace, scope: Option<&[u8]>) -> Vec<DiffRow> {
    let mut differ = Differ {
        old,
        new,
        old_paths: Paths::new(old),
        new_paths: Paths::new(new),
        extents: ChangedExtents::between(old, new),
        rows: Vec::new(),
    };
    differ.entries();
    let mut rows = differ.rows;
    if let Some(scope) = scope {
        rows = rows.into_iter().filter_map(|row| within(row, scope)).collect();
    }
    rows.sort_by(|a, b| path::compare(&a.path, &b.path).then(a.change.cmp(&b.change)));
    rows
}

struct Differ<'a> {
    old: &'a Namespace,
    new: &'a Namespace,
    old_paths: Paths<'a>,
    new_paths: Paths<'a>,
    extents: ChangedExtents,
    rows: Vec<DiffRow>,
}

impl Differ<'_> {
    fn entries(&mut self) {
        let entries = Entries::between(self.old, self.new, &mut self.old_paths, &mut self.new_paths);
        let Pairs { of_come, gone_taken } = entries.pair();
        for (end, pair) in entries.come.iter().zip(of_come) {
            match pair {
                Some(at) => self.paired(&entries.gone[at], end),
                None => self.rows.push(one_sided(Change::Added, end)),
            }
        }
        let gone = entries.gone.iter().zip(gone_taken).filter(|(_, taken)| !taken);
        self.rows.extend(gone.map(|(end, _)| one_sided(Change::Removed, end)));
        self.inodes(&entries);
    }

    fn paired(&mut self, was: &End, is: &End) {
        let aspects = self.aspects(was.dirent.ino, is.dirent.ino);
        let change = match was.path != is.path && was.key != is.key {
            true => Change::Renamed,
            false if aspects.is_empty() => return,
            false => Change::Modified,
        };
        self.rows.push(DiffRow {
            change,
            path: is.path.clone(),
            from: (was.path != is.path).then(|| was.path.clone()),
            old: Some(was.dirent.ino),
            new: Some(is.dirent.ino),
            kind: is.dirent.kind,
            aspects,
        });
    }

    /// Inodes that differ, at the entries that do not.
    fn inodes(&mut self, entries: &Entries) {
        let come = entries.come_keys();
        let mut changed: BTreeSet<Ino> = self.extents.files().collect();
        changed.extend(self.old.diff(self.new).inodes().map(|change| change.key));
        changed.extend(self.old.diff(self.new).xattrs().map(|change| change.ino));
        for ino in changed {
            let Some(kind) = self.new.inode(ino).map(|inode| inode.kind) else { continue };
            let aspects = self.aspects(ino, ino);
            if aspects.is_empty() {
                continue;
            }
            let mut row = |path: Vec<u8>, was: Vec<u8>| {
                let from = (was != path).then_some(was);
                let (old, new) = (Some(ino), Some(ino));
                self.rows.push(DiffRow { change: Change::Modified, path, from, old, new, kind, aspects });
            };
            if ino == Ino::ROOT {
                row(Vec::new(), Vec::new());
            }
            for (parent, name) in self.new.links(ino) {
                if come.contains(&(parent, name.clone())) {
                    continue;
                }
                let was = self.old_paths.entry(parent, name.as_bytes());
                if let (Some(path), Some(was)) = (self.new_paths.entry(parent, name.as_bytes()), was) {
                    row(path, was);
                }
            }
        }
    }

    fn aspects(&self, was: Ino, is: Ino) -> Aspects {
        compare((self.old, was), (self.new, is), &self.extents).unwrap_or_default()
    }
}

fn one_sided(change: Change, end: &End) -> DiffRow {
    let ino = Some(end.dirent.ino);
    let (old, new) = if change == Change::Removed { (ino, None) } else { (None, ino) };
    let (path, kind) = (end.path.clone(), end.dirent.kind);
    DiffRow { change, path, from: None, old, new, kind, aspects: Aspects::default() }
}

/// The row as it is to one who looks at the scope only.
fn within(row: DiffRow, scope: &[u8]) -> Option<DiffRow> {
    let is_here = is_within(&row.path, scope);
    let was_here = is_within(row.old_path(), scope);
    let above =
        row.change == Change::Renamed && (is_within(scope, &row.path) || is_within(scope, row.old_path()));
    if is_here || above {
        return Some(row);
    }
    if !was_here || row.change != Change::Renamed {
        return None;
    }
    let path = row.from.unwrap_or(row.path);
    Some(DiffRow { change: Change::Removed, path, from: None, new: None, aspects: Aspects::default(), ..row })
}
