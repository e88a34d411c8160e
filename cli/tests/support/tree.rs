//! Whole trees, for comparing: names, metadata, bytes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Everything that a user can see of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    pub kind: &'static str,
    pub mode: u32,
    pub owner: (u32, u32),
    pub nlink: u64,
    pub size: u64,
    pub rdev: u64,
    pub target: Option<PathBuf>,
    pub bytes: Option<u64>,
    pub xattrs: BTreeMap<OsString, Vec<u8>>,
    /// mtime and ctime in nanoseconds, where they are compared.
    pub times: Option<(i128, i128)>,
}

/// A tree, by relative path.
pub type Tree = BTreeMap<PathBuf, Node>;

/// Reads a whole tree; with `times`, the times as well.
pub fn read(root: &Path, times: bool) -> Tree {
    let mut tree = Tree::new();
    add(root, Path::new(""), times, &mut tree);
    tree
}

fn add(root: &Path, relative: &Path, times: bool, tree: &mut Tree) {
    let path = root.join(relative);
    let node = node(&path, times).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let is_directory = node.kind == "directory";
    tree.insert(relative.to_owned(), node);
    if is_directory {
        let mut names: Vec<_> =
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{} lists a name twice", path.display());
        for name in names {
            add(root, &relative.join(name), times, tree);
        }
    }
}

fn node(path: &Path, times: bool) -> std::io::Result<Node> {
    let meta = fs::symlink_metadata(path)?;
    let kind = meta.file_type();
    let kind = match () {
        () if kind.is_dir() => "directory",
        () if kind.is_file() => "file",
        () if kind.is_symlink() => "symlink",
        () if kind.is_fifo() => "fifo",
        () if kind.is_socket() => "socket",
        () if kind.is_char_device() => "character device",
        () => "block device",
    };
    let stamp = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    Ok(Node {
        kind,
        mode: meta.mode() & 0o7777,
        owner: (meta.uid(), meta.gid()),
        nlink: if kind == "directory" { 0 } else { meta.nlink() },
        size: if kind == "directory" { 0 } else { meta.size() },
        rdev: meta.rdev(),
        target: if kind == "symlink" { Some(fs::read_link(path)?) } else { None },
        bytes: if kind == "file" { Some(digest(&fs::read(path)?)) } else { None },
        xattrs: xattrs(path),
        times: times
            .then(|| (stamp(meta.mtime(), meta.mtime_nsec()), stamp(meta.ctime(), meta.ctime_nsec()))),
    })
}

/// FNV-1a: enough to tell two files of a test apart, and no dependency.
fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn xattrs(path: &Path) -> BTreeMap<OsString, Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    let mut names = vec![0; 65536];
    let len = rustix::fs::llistxattr(path, &mut names[..]).unwrap_or(0);
    let names = names[..len].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    names
        .map(|name| {
            let name = OsString::from_vec(name.to_vec());
            let mut value = vec![0; 65536];
            let len = rustix::fs::lgetxattr(path, &name, &mut value[..]).unwrap();
            value.truncate(len);
            (name, value)
        })
        .collect()
}

/// Panics with what differs, and where.
#[track_caller]
pub fn assert_same(what: &str, expected: &Tree, found: &Tree) {
    if expected == found {
        return;
    }
    let mut lines = Vec::new();
    for path in expected.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>() {
        if expected.get(path) != found.get(path) {
            lines.push(format!(
                "{}\n  expected {:?}\n  found    {:?}",
                path.display(),
                expected.get(path),
                found.get(path)
            ));
        }
    }
    lines.truncate(10);
    panic!("{what}:\n{}", lines.join("\n"));
}
