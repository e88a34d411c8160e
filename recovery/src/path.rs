//! Paths as bytes: relative to the root, without a slash at either end; the root's own is empty.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use firn_journal::Ino;
use firn_materializer::namespace::Namespace;

/// Whether `path` is `scope` or below it.
pub(crate) fn is_within(path: &[u8], scope: &[u8]) -> bool {
    match path.strip_prefix(scope) {
        Some(rest) => rest.is_empty() || scope.is_empty() || rest[0] == b'/',
        None => false,
    }
}

/// The path of an entry.
pub(crate) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

/// The directory of a path and the name in it; `None` for the root.
pub(crate) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.is_empty() {
        return None;
    }
    Some(match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    })
}

/// The order of a listing: a directory, what is below it, then its next sibling.
pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    // No name holds a NUL, so a slash that sorts as one comes before whatever could go on a name.
    let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    a.iter().map(key).cmp(b.iter().map(key))
}

/// A path for a message.
pub(crate) fn show(path: &[u8]) -> String {
    if path.is_empty() { "the root".into() } else { format!("`{}`", String::from_utf8_lossy(path)) }
}

/// The paths of a namespace's directories, each worked out once.
pub(crate) struct Paths<'a> {
    ns: &'a Namespace,
    known: HashMap<Ino, Option<Arc<[u8]>>>,
}

impl<'a> Paths<'a> {
    pub fn new(ns: &'a Namespace) -> Self {
        Paths { ns, known: HashMap::from([(Ino::ROOT, Some(Arc::from([])))]) }
    }

    /// The path of a directory; `None` if it cannot be reached from the root.
    pub fn directory(&mut self, ino: Ino) -> Option<Arc<[u8]>> {
        let mut above = Vec::new();
        let mut at = ino;
        let mut path = loop {
            if let Some(known) = self.known.get(&at) {
                break known.clone();
            }
            let home = self.ns.inode(at).and_then(|inode| inode.home.as_ref());
            above.push((at, home));
            // A ring of directories by a foreign hand would have no end.
            match home {
                Some((parent, _)) if above.len() as u64 <= self.ns.totals().inodes => at = *parent,
                _ => break None,
            }
        };
        for (ino, home) in above.into_iter().rev() {
            path = match (path, home) {
                (Some(parent), Some((_, name))) => Some(join(&parent, name.as_bytes()).into()),
                _ => None,
            };
            self.known.insert(ino, path.clone());
        }
        path
    }

    /// The path of an entry, whether or not it is there.
    pub fn entry(&mut self, parent: Ino, name: &[u8]) -> Option<Vec<u8>> {
        self.directory(parent).map(|directory| join(&directory, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_means_whole_names() {
        assert!(is_within(b"a/b", b"a") && is_within(b"a", b"a") && is_within(b"a", b""));
        assert!(!is_within(b"ab", b"a") && !is_within(b"a", b"a/b"));
    }

    #[test]
    fn a_directory_comes_before_what_is_in_it_and_before_its_sibling() {
        let mut paths = [&b"a.txt"[..], b"a/b", b"a", b"a-b", b"a/b/c"];
        paths.sort_by(|a, b| compare(a, b));
        assert_eq!(paths, [&b"a"[..], b"a/b", b"a/b/c", b"a-b", b"a.txt"]);
    }

    #[test]
    fn a_path_splits_and_joins() {
        for path in [&b"a"[..], b"a/b", b"a/b/c"] {
            let (directory, name) = split(path).unwrap();
            assert_eq!(join(directory, name), path);
        }
        assert_eq!(split(b""), None);
    }
}
