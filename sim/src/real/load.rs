//! What the threads are told to do: drawn from what the model says is there.

use std::rc::Rc;

use super::call::Call;
use super::lane::Lane;
use crate::draw::Draw;
use crate::model::{Body, Changes, Content, Kind, Mode, Node, Number, Tree};

/// A call, and what comes of it.
pub struct Drawn {
    /// The call.
    pub call: Call,
    /// The trees of the lanes that it changes, each as often as the kernel asks for a change.
    pub after: Vec<(usize, Tree)>,
    /// What it answers.
    pub expected: Result<(), Number>,
}

#[derive(Clone, Copy)]
enum What {
    Create,
    Mkdir,
    Symlink,
    Link,
    Unlink,
    Rmdir,
    Rename,
    Across,
    Write,
    Append,
    Truncate,
    SetMode,
    SetOwner,
    SetXattr,
    RemoveXattr,
    Fsync,
}

const WEIGHTS: [(u64, What); 16] = [
    (14, What::Create),
    (5, What::Mkdir),
    (3, What::Symlink),
    (5, What::Link),
    (9, What::Unlink),
    (3, What::Rmdir),
    (10, What::Rename),
    (4, What::Across),
    (20, What::Write),
    (10, What::Append),
    (6, What::Truncate),
    (5, What::SetMode),
    (2, What::SetOwner),
    (6, What::SetXattr),
    (2, What::RemoveXattr),
    (1, What::Fsync),
];

/// Few, so that they meet.
const NAMES: [&[u8]; 10] = [
    b"a",
    b"b.txt",
    b"Makefile",
    b"with space",
    b"\xff\xfe not UTF-8",
    "fi\u{441}\u{43d}\u{2744}".as_bytes(),
    b".hidden",
    b"core",
    b"a rather long name, so that a directory takes more than a few bytes for each of its entries",
    b"z",
];
const XATTRS: [&str; 3] = ["user.a", "user.firm", "user.with a longer name"];
/// More make comparing slow and find nothing more.
const MOST_DIRECTORIES: usize = 7;
/// Bytes; a few blocks of the smallest size.
const LARGEST: u64 = 200_000;

/// Bytes of a page of the kernel's cache.
const PAGE: u64 = 4096;

/// Something that a call can name.
#[derive(Clone)]
struct Place {
    dir: u64,
    name: Vec<u8>,
    path: Vec<u8>,
}

/// Draws a call in a lane; now and then one that moves a file between it and the shared lane.
pub struct Load<'a> {
    lanes: &'a [Lane],
    lane: usize,
    /// The shared lane, if nobody else uses it now.
    shared: Option<usize>,
    tree: &'a Rc<Tree>,
    draw: &'a mut Draw,
    /// Who makes the calls.
    by: (u32, u32),
}

impl<'a> Load<'a> {
    /// In this lane.
    pub fn new(
        lanes: &'a [Lane],
        (lane, shared): (usize, Option<usize>),
        by: (u32, u32),
        draw: &'a mut Draw,
    ) -> Self {
        Load { lanes, lane, shared, tree: lanes[lane].head(), draw, by }
    }

    /// The next call.
    pub fn next(&mut self) -> Drawn {
        loop {
            let what = *self.draw.weighted(&WEIGHTS);
            if let Some(drawn) = self.draw_one(what) {
                return drawn;
            }
        }
    }

    fn draw_one(&mut self, what: What) -> Option<Drawn> {
        match what {
            What::Create | What::Mkdir | What::Symlink => self.make(what),
            What::Link => self.link(),
            What::Unlink | What::Rmdir => self.remove(matches!(what, What::Rmdir)),
            What::Rename => self.rename(),
            What::Across => self.across(),
            What::Write | What::Append | What::Truncate => self.content(what),
            What::Fsync => {
                let (path, ino) = self.inode(None)?;
                let path = self.lanes[self.lane].path(&path);
                let opens = matches!(self.tree.node(ino).kind(), Kind::File | Kind::Directory);
                // Each is an object at least, and a long history of small ones is slow to mount again.
                (opens && self.draw.chance(200)).then_some(Drawn {
                    call: Call::Fsync { path },
                    after: Vec::new(),
                    expected: Ok(()),
                })
            }
            _ => self.attributes(what),
        }
    }

    /// The call, with what the model says of it.
    fn drawn(&self, call: Call, change: impl FnOnce(&mut Tree) -> Result<(), Number>) -> Drawn {
        let mut tree = (**self.tree).clone();
        let expected = change(&mut tree);
        let changed = expected.is_ok() && tree.seq != self.tree.seq;
        Drawn { call, after: if changed { vec![(self.lane, tree)] } else { Vec::new() }, expected }
    }

    fn full(&self, path: &[u8]) -> std::path::PathBuf {
        self.lanes[self.lane].path(path)
    }

    /// Anything, or something of one type: a path and its inode.
    fn inode(&mut self, kind: Option<Kind>) -> Option<(Vec<u8>, u64)> {
        let paths = self.tree.paths().0;
        let wanted = |ino: u64| kind.is_none_or(|kind| self.tree.node(ino).kind() == kind);
        let mut found: Vec<(Vec<u8>, u64)> = paths.into_iter().filter(|(_, ino)| wanted(*ino)).collect();
        let chosen = self.draw.below(found.len() as u64) as usize;
        (!found.is_empty()).then(|| found.swap_remove(chosen))
    }

    /// A name in a directory, of something that is there or not.
    fn place(&mut self) -> Option<Place> {
        let (above, dir) = self.inode(Some(Kind::Directory))?;
        let name = NAMES[self.draw.below(NAMES.len() as u64) as usize].to_vec();
        let path = if above.is_empty() { name.clone() } else { [above.as_slice(), &name].join(&b'/') };
        Some(Place { dir, name, path })
    }

    /// An entry that is there, and what it names.
    fn entry(&mut self) -> Option<(Place, u64)> {
        let (path, ino) = self.inode(None)?;
        let split = path.iter().rposition(|byte| *byte == b'/');
        let (above, name) = split.map_or((&[][..], &path[..]), |at| (&path[..at], &path[at + 1..]));
        let dir = *self.tree.paths().0.get(above)?;
        let place = Place { dir, name: name.to_vec(), path: path.clone() };
        (!path.is_empty()).then_some((place, ino))
    }

    fn make(&mut self, what: What) -> Option<Drawn> {
        let Place { dir, name, path } = self.place()?;
        let (path, by) = (self.full(&path), self.by);
        let (call, body, mode) = match what {
            What::Mkdir => {
                if self.tree.of_kind(Some(Kind::Directory)).len() >= MOST_DIRECTORIES {
                    return None;
                }
                (Call::Mkdir { path, mode: 0o755 }, Body::Directory(Default::default()), 0o755)
            }
            What::Symlink => {
                let len = self.draw.between(1, 60) as usize;
                let target: Vec<u8> = b"../some/where/else/".iter().copied().cycle().take(len).collect();
                (Call::Symlink { path, target: target.clone() }, Body::Symlink(target), 0o777)
            }
            _ => (Call::Create { path, mode: 0o644 }, Body::File(Content::default()), 0o644),
        };
        Some(self.drawn(call, |tree| tree.create(0, dir, &name, body, mode, by).map(drop)))
    }

    fn link(&mut self) -> Option<Drawn> {
        let (from, ino) = self.inode(Some(Kind::File))?;
        let to = self.place()?;
        let call = Call::Link { from: self.full(&from), to: self.full(&to.path) };
        Some(self.drawn(call, |tree| tree.link(0, ino, to.dir, &to.name)))
    }

    fn remove(&mut self, directory: bool) -> Option<Drawn> {
        let (Place { dir, name, path }, ino) = self.entry()?;
        if (self.tree.node(ino).kind() == Kind::Directory) != directory {
            return None;
        }
        let path = self.full(&path);
        let nobody = |_: u64| false;
        Some(match directory {
            true => self.drawn(Call::Rmdir { path }, |tree| tree.rmdir(0, dir, &name, &nobody)),
            false => self.drawn(Call::Unlink { path }, |tree| tree.unlink(0, dir, &name, &nobody)),
        })
    }

    fn rename(&mut self) -> Option<Drawn> {
        let (from, ino) = self.entry()?;
        let to = self.place()?;
        let mode = *self.draw.weighted(&[(6, Mode::Replace), (1, Mode::NoReplace), (2, Mode::Exchange)]);
        let there = self.tree.lookup(to.dir, &to.name);
        // The kernel has its own order of refusals where one is above the other.
        let above = |dir: u64, ino: u64| {
            self.tree.node(ino).kind() == Kind::Directory && self.tree.is_within(dir, ino)
        };
        if above(to.dir, ino) || there.is_some_and(|there| above(from.dir, there)) {
            return None;
        }
        let call = Call::Rename { from: self.full(&from.path), to: self.full(&to.path), mode };
        let nobody = |_: u64| false;
        Some(
            self.drawn(call, |tree| {
                tree.rename(0, (from.dir, &from.name), (to.dir, &to.name), mode, &nobody)
            }),
        )
    }

    /// Moves a file into the shared lane, or out of it.
    fn across(&mut self) -> Option<Drawn> {
        let shared = self.shared?;
        let (source, target) = if self.draw.chance(500) { (self.lane, shared) } else { (shared, self.lane) };
        let (lanes, by) = (self.lanes, self.by);
        let (from, ino) = Load::new(lanes, (source, None), by, self.draw).entry()?;
        let to = Load::new(lanes, (target, None), by, self.draw).place()?;
        let (left, reached) = (lanes[source].head(), lanes[target].head());
        let node = left.node(ino);
        let moves = node.kind() == Kind::File && left.names(ino) == 1;
        if !moves || reached.lookup(to.dir, &to.name).is_some() {
            return None;
        }
        let (mut left, mut reached) = ((**left).clone(), (**reached).clone());
        left.unlink(0, from.dir, &from.name, &|_| false).ok()?;
        let made = reached.create(0, to.dir, &to.name, node.body.clone(), node.mode, by).ok()?;
        reached.nodes.insert(made, Rc::new(Node { ctime: reached.time, ..node.clone() }));
        let (from, to) = (lanes[source].path(&from.path), lanes[target].path(&to.path));
        let call = Call::Rename { from, to, mode: Mode::NoReplace };
        Some(Drawn { call, after: vec![(source, left), (target, reached)], expected: Ok(()) })
    }

    fn content(&mut self, what: What) -> Option<Drawn> {
        let (path, ino) = self.inode(Some(Kind::File))?;
        let (path, size) = (self.full(&path), self.tree.node(ino).size());
        if matches!(what, What::Truncate) {
            let most = if self.draw.chance(300) { LARGEST } else { size + 5_000 };
            let size = self.draw.below(most);
            let to = Changes { size: Some(size), ..Changes::default() };
            let call = Call::Truncate { path, size };
            return Some(self.drawn(call, |tree| tree.set_attributes(0, 0, ino, to)));
        }
        let most = *self.draw.weighted(&[(20, 200), (20, 9_000), (3, 70_000), (1, 150_000)]);
        let bytes = noise(self.draw.word(), self.draw.between(1, most) as usize);
        let at = if matches!(what, What::Append) { size } else { self.draw.below(size + 3_000) };
        if at + bytes.len() as u64 > LARGEST {
            return None;
        }
        let call = match what {
            What::Append => Call::Append { path, bytes: bytes.clone() },
            _ => Call::Write { path, at, bytes: bytes.clone() },
        };
        // The kernel may hand over what it puts into the rest of a page that it does not have first, by itself.
        let first = ((PAGE - at % PAGE) % PAGE).min(bytes.len() as u64);
        let (rest, within) = (at + first, first as usize);
        let mut tree = (**self.tree).clone();
        let mut after = Vec::new();
        for (at, part) in [(at, &bytes[..within]), (rest, &bytes[within..])] {
            if !part.is_empty() {
                tree.write(0, ino, at, part).ok()?;
                after.push((self.lane, tree.clone()));
            }
        }
        Some(Drawn { call, after, expected: Ok(()) })
    }

    fn attributes(&mut self, what: What) -> Option<Drawn> {
        let (path, ino) = self.inode(None)?;
        let kind = self.tree.node(ino).kind();
        let path = self.full(&path);
        if kind == Kind::Symlink {
            return None;
        }
        let name = XATTRS[self.draw.below(XATTRS.len() as u64) as usize];
        Some(match what {
            What::SetMode => {
                let set_gid = if kind == Kind::Directory { 0o2775 } else { 0o640 };
                let mode =
                    *self.draw.weighted(&[(3, 0o755), (2, 0o700), (2, 0o777), (1, 0o1775), (1, set_gid)]);
                let to = Changes { mode: Some(mode), ..Changes::default() };
                self.drawn(Call::SetMode { path, mode }, |tree| tree.set_attributes(0, 0, ino, to))
            }
            What::SetOwner => {
                if self.by.0 != 0 {
                    return None;
                }
                let (uid, gid) = (self.draw.between(0, 3) as u32, self.draw.between(0, 3) as u32);
                let to = Changes { uid: Some(uid), gid: Some(gid), ..Changes::default() };
                self.drawn(Call::SetOwner { path, uid, gid }, |tree| tree.set_attributes(0, 0, ino, to))
            }
            What::SetXattr => {
                let value = noise(self.draw.word(), self.draw.below(200) as usize);
                let call = Call::SetXattr { path, name, value: value.clone() };
                self.drawn(call, |tree| tree.set_xattr(0, ino, name.as_bytes(), &value, None))
            }
            _ => {
                let call = Call::RemoveXattr { path, name };
                self.drawn(call, |tree| tree.remove_xattr(0, ino, name.as_bytes()))
            }
        })
    }
}

/// Bytes that cannot be compressed, told apart by their first number.
fn noise(first: u64, len: usize) -> Vec<u8> {
    let mut draw = crate::draw::Seed(first).draw("noise", &[]);
    let words = std::iter::repeat_with(|| draw.word().to_le_bytes());
    words.flatten().take(len).collect()
}
