use firn_journal::{EventKind, Ino, Name};
use firn_materializer::namespace::{Dirent, Namespace};

use super::PlanError;
use super::emit::Draft;
use crate::path::split;

/// See [`plan_copy`](super::plan_copy).
pub(super) fn plan(
    past: &Namespace,
    source: &[u8],
    present: &Namespace,
    destination: &[u8],
) -> Result<Vec<EventKind>, PlanError> {
    let not_then = || PlanError::NotThen { path: source.to_vec() };
    let top = past.resolve(source).ok_or_else(not_then)?;
    let kind = past.inode(top).ok_or_else(not_then)?.kind;
    let (parent, name) = place(present, destination)?;

    let mut draft = Draft::new(past, present);
    let copy = draft.copy_of(top);
    draft.puts.insert((parent, name), Dirent { ino: copy, kind });
    let mut directories = vec![top];
    while let Some(directory) = directories.pop() {
        let into = draft.copy_of(directory);
        for (name, dirent) in past.entries(directory, None) {
            let ino = draft.copy_of(dirent.ino);
            draft.puts.insert((into, name.clone()), Dirent { ino, kind: dirent.kind });
            if past.inode(dirent.ino).is_some_and(|inode| inode.is_dir()) {
                directories.push(dirent.ino);
            }
        }
    }
    Ok(draft.into_events())
}

/// The free place that a path names.
fn place(present: &Namespace, path: &[u8]) -> Result<(Ino, Name), PlanError> {
    let Some((above, name)) = split(path) else { return Err(PlanError::Exists { path: path.to_vec() }) };
    let parent = present.resolve(above).ok_or_else(|| PlanError::NoParent { path: above.to_vec() })?;
    if !present.inode(parent).is_some_and(|inode| inode.is_dir()) {
        return Err(PlanError::NotADirectory { path: above.to_vec() });
    }
    if !Name::is_valid_entry(name) {
        return Err(PlanError::BadName { path: path.to_vec() });
    }
    if present.lookup(parent, name).is_some() {
        return Err(PlanError::Exists { path: path.to_vec() });
    }
    Ok((parent, Name::new(name)))
}
