//! Whether a namespace is what the model says, to the last attribute and byte.

use std::collections::BTreeMap;
use std::ops::Range;

use firn_blocks::{Blocks, BlocksError};
use firn_journal::Ino;
use firn_materializer::content;
use firn_materializer::namespace::{FileType, Inode, Namespace};

use super::past::Skeleton;
use super::tree::{Body, Kind, Node, Tree};

/// The entries of every directory of a namespace.
pub fn skeleton(ns: &Namespace) -> Skeleton {
    let is_dir = |(_, inode): &(Ino, &Inode)| inode.is_dir();
    let mut skeleton: Skeleton =
        ns.inodes().filter(is_dir).map(|(ino, _)| (ino.0, BTreeMap::new())).collect();
    for (dir, name, dirent) in ns.dirents() {
        skeleton.entry(dir.0).or_default().insert(name.as_bytes().to_vec(), dirent.ino.0);
    }
    skeleton
}

/// Compares all but the bytes of files, whose places are compared.
///
/// # Errors
/// The first difference: what the model has, and what the namespace has.
pub fn metadata(ns: &Namespace, tree: &Tree) -> Result<(), String> {
    same("sequence number", tree.seq, ns.seq().0)?;
    same("time", tree.time, ns.time().0)?;
    same("next inode", tree.next, ns.next_ino().0)?;
    let inodes: Vec<u64> = ns.inodes().map(|(ino, _)| ino.0).collect();
    same("inodes", tree.nodes.keys().copied().collect(), inodes)?;
    same("entries", tree.skeleton(), skeleton(ns))?;
    same("inodes without a name", tree.orphans(), ns.orphans().map(|ino| ino.0).collect())?;
    let links = tree.link_counts();
    for (ino, inode) in ns.inodes() {
        let node = tree.node(ino.0);
        attributes(node, links[&ino.0], inode).map_err(|what| format!("inode {}: {what}", ino.0))?;
        places(ns, ino, node).map_err(|what| format!("inode {}: {what}", ino.0))?;
    }
    let mut xattrs: BTreeMap<u64, BTreeMap<Vec<u8>, Vec<u8>>> = BTreeMap::new();
    for (ino, name, value) in ns.all_xattrs() {
        xattrs.entry(ino.0).or_default().insert(name.as_bytes().to_vec(), value.to_vec());
    }
    let expected = tree.nodes.iter().filter(|(_, node)| !node.xattrs.is_empty());
    same("extended attributes", expected.map(|(ino, node)| (*ino, node.xattrs.clone())).collect(), xattrs)?;
    let checkpoints: Vec<(String, u64, i64, String)> = ns
        .checkpoints()
        .map(|(name, at)| (name.to_owned(), at.seq.0, at.time.0, at.message.clone()))
        .collect();
    let expected = tree.checkpoints.iter();
    let expected = expected.map(|(name, at)| (name.clone(), at.seq, at.time, at.message.clone())).collect();
    same("checkpoints", expected, checkpoints)?;
    same("inodes in all", tree.nodes.len() as u64, ns.totals().inodes)?;
    let allocated =
        tree.nodes.values().filter_map(|node| node.content()).map(super::Content::allocated).sum();
    same("bytes in all", allocated, ns.totals().allocated)
}

fn attributes(node: &Node, links: u32, inode: &Inode) -> Result<(), String> {
    let of = &inode.attributes;
    same("type", node.kind(), kind_of(inode.kind))?;
    same("mode", node.mode, of.mode & 0o7777)?;
    same("links", links, of.nlink)?;
    same("owner", (node.uid, node.gid), (of.uid, of.gid))?;
    same("size", node.size(), of.size)?;
    same(
        "times (read, changed, inode changed, made)",
        (node.atime, node.mtime, node.ctime, node.btime),
        (of.atime.0, of.mtime.0, of.ctime.0, of.btime.0),
    )?;
    match &node.body {
        Body::Symlink(target) => same("target", Some(target.as_slice()), inode.target.as_deref()),
        Body::Device(number) | Body::BlockDevice(number) => same("device", *number, of.rdev),
        _ => Ok(()),
    }
}

/// The type of an inode, as the model calls it.
pub fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::Regular => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        FileType::CharDevice => Kind::Device,
        FileType::BlockDevice => Kind::BlockDevice,
    }
}

/// Where data and holes are.
fn places(ns: &Namespace, ino: Ino, node: &Node) -> Result<(), String> {
    let Some(content) = node.content() else { return Ok(()) };
    let expected: Vec<(u64, u64)> =
        content.data().into_iter().map(|Range { start, end }| (start, end)).collect();
    let mut found: Vec<(u64, u64)> = Vec::new();
    for placed in ns.extents(ino, 0..u64::MAX) {
        let end = placed.offset + u64::from(placed.extent.len);
        match found.last_mut() {
            Some(last) if last.1 == placed.offset => last.1 = end,
            _ => found.push((placed.offset, end)),
        }
    }
    same("data", expected, found)
}

/// Compares the bytes of every file. Answers how many files were read.
///
/// # Errors
/// `Ok(Err)` is a difference; the outer error is what reading said.
pub async fn contents(
    ns: &Namespace,
    blocks: &Blocks,
    tree: &Tree,
) -> Result<Result<u64, String>, BlocksError> {
    let mut files = 0;
    for (ino, node) in &tree.nodes {
        let Some(file) = node.content() else { continue };
        files += 1;
        for (at, len) in file.data().into_iter().flat_map(parts) {
            let run = file.read(at, len);
            let read = content::read(ns, blocks, Ino(*ino), at, run.len()).await?;
            if read != run {
                let first =
                    read.iter().zip(&run).position(|(a, b)| a != b).unwrap_or(read.len().min(run.len()));
                return Ok(Err(format!(
                    "inode {ino}: the {} bytes at {at} differ from byte {first} on (read {} bytes)",
                    run.len(),
                    read.len()
                )));
            }
        }
    }
    Ok(Ok(files))
}

/// Where to read, and how many bytes: a range of any length, a part of it at a time.
fn parts(range: Range<u64>) -> impl Iterator<Item = (u64, u64)> {
    const MOST: u64 = 8 << 20;
    range.clone().step_by(MOST as usize).map(move |at| (at, MOST.min(range.end - at)))
}

/// # Errors
/// What was expected and found, if it is not the same.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, found: T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}
