use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::lane::{completed, learn};
use super::workers::{Times, times_of};
use crate::model::compare::same;
use crate::model::{Body, Kind, Tree};

/// A directory as the kernel shows it, by paths that begin below it; its own is empty.
pub struct Seen(BTreeMap<Vec<u8>, Found>);

struct Found {
    ino: u64,
    kind: Kind,
    mode: u32,
    owner: (u32, u32),
    links: u64,
    size: u64,
    times: Times,
    /// Of a file its bytes, of a symbolic link its target.
    bytes: Vec<u8>,
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Looks at everything, and reads every byte.
///
/// # Errors
/// What cannot be looked at, and why.
pub fn look(top: &Path) -> Result<Seen, String> {
    let mut seen = BTreeMap::new();
    let mut left = vec![Vec::new()];
    while let Some(path) = left.pop() {
        let real = if path.is_empty() { top.to_owned() } else { top.join(OsStr::from_bytes(&path)) };
        let told = |error: std::io::Error| format!("{}: {error}", real.display());
        let found = found(&real).map_err(told)?;
        if found.kind == Kind::Directory {
            for name in names(&real).map_err(told)? {
                left.push(if path.is_empty() { name } else { [path.as_slice(), &name].join(&b'/') });
            }
        }
        if seen.insert(path, found).is_some() {
            return Err(format!("{} is listed twice", real.display()));
        }
    }
    Ok(Seen(seen))
}

/// What a directory lists.
///
/// # Errors
/// What the kernel says.
pub fn names(dir: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().into_vec())).collect()
}

fn found(path: &Path) -> std::io::Result<Found> {
    let meta = path.symlink_metadata()?;
    let kind = meta.file_type();
    let (kind, bytes) = match () {
        () if kind.is_file() => (Kind::File, std::fs::read(path)?),
        () if kind.is_dir() => (Kind::Directory, Vec::new()),
        () if kind.is_symlink() => (Kind::Symlink, std::fs::read_link(path)?.into_os_string().into_vec()),
        () => return Err(std::io::Error::other(format!("nobody made anything of type {kind:?}"))),
    };
    Ok(Found {
        ino: meta.ino(),
        kind,
        mode: meta.mode() & 0o7777,
        owner: (meta.uid(), meta.gid()),
        links: meta.nlink(),
        size: meta.size(),
        times: times_of(&meta),
        bytes,
        xattrs: xattrs(path)?,
    })
}

fn xattrs(path: &Path) -> std::io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut names = vec![0; 65_536];
    let len = rustix::fs::llistxattr(path, &mut names[..])?;
    let mut values = BTreeMap::new();
    // Others are the system's: security labels, for one.
    for name in names[..len].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.")) {
        let mut value = vec![0; 65_536];
        let len = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..])?;
        value.truncate(len);
        values.insert(name.to_vec(), value);
    }
    Ok(values)
}

impl Seen {
    /// # Errors
    /// The first difference from the model.
    pub fn is(&self, tree: &Tree) -> Result<(), String> {
        let paths = tree.paths().0;
        let shown = |path: &[u8]| format!("\"{}\"", path.escape_ascii());
        if let Some(path) = paths.keys().find(|path| !self.0.contains_key(*path)) {
            return Err(format!("{} is missing", shown(path)));
        }
        if let Some(path) = self.0.keys().find(|path| !paths.contains_key(*path)) {
            return Err(format!("{} is there, and should not be", shown(path)));
        }
        let links = tree.link_counts();
        let (mut real, mut modelled) = (BTreeMap::new(), BTreeMap::new());
        for (path, ino) in &paths {
            let found = &self.0[path];
            let one = *real.entry(*ino).or_insert(found.ino) == found.ino
                && *modelled.entry(found.ino).or_insert(*ino) == *ino;
            if !one {
                return Err(format!("{}: its hard links are not those that were made", shown(path)));
            }
            found.is(tree, *ino, links[ino]).map_err(|what| format!("{}: {what}", shown(path)))?;
        }
        Ok(())
    }

    /// Takes over the times that the model could not know.
    pub fn teach(&self, tree: &mut Tree) {
        for (path, ino) in tree.paths().0 {
            if let Some(found) = self.0.get(&path) {
                learn(tree, ino, found.times);
            }
        }
    }

    /// Bytes of files that were read.
    pub fn bytes(&self) -> u64 {
        self.0.values().map(|found| found.bytes.len() as u64).sum()
    }
}

impl Found {
    fn is(&self, tree: &Tree, ino: u64, links: u32) -> Result<(), String> {
        let node = tree.node(ino);
        same("type", node.kind(), self.kind)?;
        same("mode", format!("{:o}", node.mode), format!("{:o}", self.mode))?;
        same("owner", (node.uid, node.gid), self.owner)?;
        same("links", u64::from(links), self.links)?;
        same("extended attributes", &node.xattrs, &self.xattrs)?;
        let told = completed((node.mtime, node.ctime), self.times);
        same("times (modified, changed)", told, self.times)?;
        match &node.body {
            Body::File(content) => {
                same("size", content.size(), self.size)?;
                let expected = content.read(0, content.size());
                let first = expected.iter().zip(&self.bytes).position(|(a, b)| a != b);
                same("first byte that differs", None, first)?;
                same("bytes read", expected.len(), self.bytes.len())
            }
            Body::Symlink(target) => same("target", target, &self.bytes),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
impl Seen {
    /// As a mount shows a tree whose times it has not told.
    pub fn of(tree: &Tree) -> Seen {
        let links = tree.link_counts();
        let found = |ino: u64| {
            let node = tree.node(ino);
            Found {
                ino,
                kind: node.kind(),
                mode: node.mode,
                owner: (node.uid, node.gid),
                links: links[&ino].into(),
                size: node.size(),
                times: (1 << 60, 1 << 60),
                bytes: node.content().map(|content| content.read(0, u64::MAX)).unwrap_or_default(),
                xattrs: node.xattrs.clone(),
            }
        };
        Seen(tree.paths().0.into_iter().map(|(path, ino)| (path, found(ino))).collect())
    }
}
