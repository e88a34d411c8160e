//! A filesystem in memory, as small as it can be while programs can work in it: what is measured with it is the
//! transport. One lock holds everything.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use firn_fuse::{
    Attr, Caller, Entry, FileType, Filesystem, InitFlags, Offer, OpenFlags, Operation, Reply, Request,
    SetAttr, SetTime, Space, Terms, Time,
};

const ROOT: u64 = 1;

pub struct Empty {
    ttl: Duration,
    tree: Mutex<Tree>,
}

struct Tree {
    nodes: HashMap<u64, Node>,
    /// Directories that are held open: as they were when their listing began.
    listings: HashMap<u64, Vec<(OsString, u64)>>,
    next: u64,
}

struct Node {
    attr: Attr,
    content: Vec<u8>,
    children: HashMap<OsString, u64>,
    lookups: u64,
}

type Answer<T> = Result<T, i32>;

impl Empty {
    /// The kernel may keep names and attributes for `ttl`.
    pub fn new(ttl: Duration) -> Empty {
        let mut tree = Tree { nodes: HashMap::new(), listings: HashMap::new(), next: ROOT };
        tree.make(Caller { uid: 0, gid: 0, pid: 0 }, FileType::Directory, 0o755);
        Empty { ttl, tree: Mutex::new(tree) }
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, attr: Attr) -> Entry {
        Entry { node: attr.ino, generation: 0, attr, attr_ttl: self.ttl, entry_ttl: self.ttl }
    }

    fn send_entry(&self, reply: Reply, attr: Answer<Attr>) {
        send(reply, attr, |reply, attr| reply.entry(&self.entry(attr)));
    }

    fn send_attr(&self, reply: Reply, attr: Answer<Attr>) {
        send(reply, attr, |reply, attr| reply.attr(&attr, self.ttl));
    }

    fn answer(&self, request: Request) {
        let (node, caller) = (request.node(), request.caller());
        let Ok(operation) = request.operation() else { return };
        match operation {
            Operation::Lookup { name } => match self.tree().lookup(node, name) {
                Err(libc::ENOENT) => request.reply().negative(self.ttl),
                found => self.send_entry(request.reply(), found),
            },
            Operation::GetAttr { .. } => {
                let attr = self.tree().get(node).map(|node| node.attr);
                self.send_attr(request.reply(), attr);
            }
            Operation::Statx { .. } => {
                let attr = self.tree().get(node).map(|node| node.attr);
                send(request.reply(), attr, |reply, attr| reply.statx(&attr, self.ttl));
            }
            Operation::SetAttr(set) => {
                let attr = self.tree().set(node, &set);
                self.send_attr(request.reply(), attr);
            }
            Operation::Create { name, mode, .. } => {
                let made = self.tree().create(caller, node, name, FileType::Regular, mode);
                send(request.reply(), made, |reply, attr| {
                    reply.created(&self.entry(attr), 0, OpenFlags::KEEP_CACHE);
                });
            }
            Operation::MkDir { name, mode, .. } => {
                let made = self.tree().create(caller, node, name, FileType::Directory, mode);
                self.send_entry(request.reply(), made);
            }
            Operation::Unlink { name } => {
                let removed = self.tree().remove(node, name, false);
                send(request.reply(), removed, |reply, ()| reply.ok());
            }
            Operation::RmDir { name } => {
                let removed = self.tree().remove(node, name, true);
                send(request.reply(), removed, |reply, ()| reply.ok());
            }
            Operation::Rename { name, new_parent, new_name, flags: 0 } => {
                let moved = self.tree().rename((node, name), (new_parent, new_name));
                send(request.reply(), moved, |reply, ()| reply.ok());
            }
            Operation::Rename { .. } => request.reply().error(libc::EINVAL),
            Operation::Open { .. } => request.reply().opened(0, OpenFlags::KEEP_CACHE),
            Operation::Read { offset, size, .. } => {
                let tree = self.tree();
                request.reply().data_with(|buffer| {
                    let content = &tree.get(node)?.content;
                    let from = content.get(offset as usize..).unwrap_or_default();
                    let len = from.len().min(size as usize);
                    buffer[..len].copy_from_slice(&from[..len]);
                    Ok(len)
                });
            }
            Operation::Write { offset, data, .. } => {
                let written = self.tree().write(node, offset as usize, data);
                send(request.reply(), written, |reply, len| reply.written(len));
            }
            Operation::OpenDir { .. } => {
                let handle = self.tree().open_listing();
                request.reply().opened(handle, OpenFlags::empty());
            }
            Operation::ReadDir { handle, offset, .. } => {
                self.list(request.reply(), node, handle, offset, false)
            }
            Operation::ReadDirPlus { handle, offset, .. } => {
                self.list(request.reply(), node, handle, offset, true)
            }
            Operation::ReleaseDir { handle, .. } => {
                self.tree().listings.remove(&handle);
                request.reply().ok();
            }
            Operation::StatFs => {
                let space = Space { unit: 4096, longest_name: 255, ..Space::default() };
                request.reply().statfs(&space);
            }
            Operation::Release { .. } | Operation::FSync { .. } | Operation::FSyncDir { .. } => {
                request.reply().ok()
            }
            _ => request.reply().error(libc::ENOSYS),
        }
    }

    fn list(&self, reply: Reply, node: u64, handle: u64, offset: u64, plus: bool) {
        let mut tree = self.tree();
        if offset == 0 {
            let names = tree
                .get(node)
                .map(|dir| dir.children.iter().map(|(name, ino)| (name.clone(), *ino)).collect());
            tree.listings.insert(handle, names.unwrap_or_default());
        }
        let Tree { nodes, listings, .. } = &mut *tree;
        let mut directory = reply.directory();
        let lines = listings.get(&handle).into_iter().flatten();
        for (next, (name, ino)) in (1..).zip(lines).skip(offset as usize) {
            let Some(node) = nodes.get_mut(ino) else { continue };
            let full = match plus {
                true => directory.add_plus(next, name, &self.entry(node.attr)),
                false => directory.add(*ino, next, node.attr.kind, name),
            };
            if full {
                break;
            }
            node.lookups += u64::from(plus);
        }
        directory.ok();
    }
}

impl Filesystem for Empty {
    fn init(&self, _offer: &Offer) -> Terms {
        let flags = InitFlags::DO_READDIRPLUS | InitFlags::READDIRPLUS_AUTO | InitFlags::EXPLICIT_INVAL_DATA;
        let defaults = Terms::default();
        Terms { flags: defaults.flags | flags | InitFlags::HANDLE_KILLPRIV_V2, ..defaults }
    }

    fn handle(&self, request: Request) {
        self.answer(request);
    }

    fn forget(&self, node: u64, lookups: u64) {
        let mut tree = self.tree();
        if let Ok(forgotten) = tree.get_mut(node) {
            forgotten.lookups = forgotten.lookups.saturating_sub(lookups);
            tree.drop_unused(node);
        }
    }
}

impl Tree {
    fn get(&self, ino: u64) -> Answer<&Node> {
        self.nodes.get(&ino).ok_or(libc::ESTALE)
    }

    fn get_mut(&mut self, ino: u64) -> Answer<&mut Node> {
        self.nodes.get_mut(&ino).ok_or(libc::ESTALE)
    }

    fn make(&mut self, caller: Caller, kind: FileType, mode: u32) -> Attr {
        let (ino, now) = (self.next, now());
        self.next += 1;
        let attr = Attr {
            ino,
            size: 0,
            blocks: 0,
            atime: now,
            mtime: now,
            ctime: now,
            btime: now,
            kind,
            permissions: mode,
            nlink: if kind == FileType::Directory { 2 } else { 1 },
            uid: caller.uid,
            gid: caller.gid,
            rdev: 0,
            blksize: 4096,
        };
        let node = Node { attr, content: Vec::new(), children: HashMap::new(), lookups: 1 };
        self.nodes.insert(ino, node);
        attr
    }

    fn child(&self, dir: u64, name: &OsStr) -> Answer<u64> {
        self.get(dir)?.children.get(name).copied().ok_or(libc::ENOENT)
    }

    fn lookup(&mut self, dir: u64, name: &OsStr) -> Answer<Attr> {
        let ino = self.child(dir, name)?;
        let node = self.get_mut(ino)?;
        node.lookups += 1;
        Ok(node.attr)
    }

    fn create(&mut self, caller: Caller, dir: u64, name: &OsStr, kind: FileType, mode: u32) -> Answer<Attr> {
        if self.child(dir, name).is_ok() {
            return Err(libc::EEXIST);
        }
        let attr = self.make(caller, kind, mode);
        self.get_mut(dir)?.children.insert(name.to_owned(), attr.ino);
        Ok(attr)
    }

    fn remove(&mut self, dir: u64, name: &OsStr, directory: bool) -> Answer<()> {
        let ino = self.child(dir, name)?;
        let node = self.get_mut(ino)?;
        match (node.attr.kind == FileType::Directory, directory) {
            (true, false) => return Err(libc::EISDIR),
            (false, true) => return Err(libc::ENOTDIR),
            _ if !node.children.is_empty() => return Err(libc::ENOTEMPTY),
            _ => node.attr.nlink = 0,
        }
        self.get_mut(dir)?.children.remove(name);
        self.drop_unused(ino);
        Ok(())
    }

    fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Answer<()> {
        let ino = self.child(from.0, from.1)?;
        if let Ok(replaced) = self.child(to.0, to.1)
            && replaced != ino
        {
            self.remove(to.0, to.1, self.get(ino)?.attr.kind == FileType::Directory)?;
        }
        self.get_mut(from.0)?.children.remove(from.1);
        self.get_mut(to.0)?.children.insert(to.1.to_owned(), ino);
        Ok(())
    }

    fn set(&mut self, ino: u64, set: &SetAttr) -> Answer<Attr> {
        let time = |set| match set {
            SetTime::Now => now(),
            SetTime::At(time) => time,
        };
        let node = self.get_mut(ino)?;
        if let Some(size) = set.size {
            node.content.resize(size as usize, 0);
            node.attr.size = size;
        }
        node.attr.permissions = set.mode.unwrap_or(node.attr.permissions);
        node.attr.uid = set.uid.unwrap_or(node.attr.uid);
        node.attr.gid = set.gid.unwrap_or(node.attr.gid);
        node.attr.atime = set.atime.map_or(node.attr.atime, time);
        node.attr.mtime = set.mtime.map_or(node.attr.mtime, time);
        node.attr.ctime = now();
        Ok(node.attr)
    }

    fn write(&mut self, ino: u64, offset: usize, data: &[u8]) -> Answer<u32> {
        let node = self.get_mut(ino)?;
        let end = offset + data.len();
        if node.content.len() < end {
            node.content.resize(end, 0);
            node.attr.size = end as u64;
            node.attr.blocks = node.attr.size.div_ceil(512);
        }
        node.content[offset..end].copy_from_slice(data);
        Ok(data.len() as u32)
    }

    fn open_listing(&mut self) -> u64 {
        let handle = self.next;
        self.next += 1;
        handle
    }

    fn drop_unused(&mut self, ino: u64) {
        if self.nodes.get(&ino).is_some_and(|node| node.attr.nlink == 0 && node.lookups == 0) {
            self.nodes.remove(&ino);
        }
    }
}

fn send<T>(reply: Reply, answer: Answer<T>, ok: impl FnOnce(Reply, T)) {
    match answer {
        Ok(value) => ok(reply, value),
        Err(errno) => reply.error(errno),
    }
}

#[allow(clippy::disallowed_methods, reason = "nothing here is simulated")]
fn now() -> Time {
    SystemTime::now().into()
}
