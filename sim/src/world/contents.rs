//! Reading and writing the bytes of files.

use firn_mount::fs::Write;

use super::World;
use super::excuse::Since;
use super::life::{Held, LastWrite, Life, caller, pick};
use crate::model::{Changes, Kind, Tree, errno};
use crate::oracle::{Failure, Oracle};
use crate::plan::{At, Range};

/// Bytes that tell who wrote them, when, and where: shifted or swapped ones are not the same.
fn bytes(fill: u8, at: u64, len: u32) -> Vec<u8> {
    if fill < 8 {
        // Blocks that are alike are stored once.
        return vec![fill; len as usize];
    }
    (at..at + u64::from(len)).map(|at| (at ^ (at >> 8)) as u8 ^ fill).collect()
}

impl Life {
    fn file(&self, file: u16) -> Option<u64> {
        pick(&self.tree().of_kind(Some(Kind::File)), file)
    }

    /// The actor's open file, or one that is opened for this.
    fn opened(&self, actor: u8, ino: u64) -> Result<(Held, bool), Failure> {
        let held = self.held.borrow()[usize::from(actor)].iter().find(|held| held.ino == ino).copied();
        match held {
            Some(held) => Ok((held, false)),
            None => Ok((self.hold(actor, ino, false)?, true)),
        }
    }

    /// Does something to an open file that takes no time.
    fn with_file(
        &self,
        world: &World,
        actor: u8,
        ino: u64,
        does: impl FnOnce(u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (held, temporary) = self.opened(actor, ino)?;
        does(held.handle)?;
        if temporary && !self.over.get() { self.let_go(world, actor, held) } else { Ok(()) }
    }

    pub(super) fn write(
        &self,
        world: &World,
        actor: u8,
        file: u16,
        at: At,
        (len, fill): (u32, u8),
    ) -> Result<(), Failure> {
        let last = self.last_write.get().filter(|last| last.actor == actor);
        // Going on needs no choice of file.
        let ino = match (at, last) {
            (At::Onward, Some(last)) if self.tree().nodes.contains_key(&last.ino) => Some(last.ino),
            _ => self.file(file),
        };
        let Some(ino) = ino else { return Ok(()) };
        let size = self.tree().node(ino).size();
        let offset = match (at, last) {
            (At::Offset(offset), _) => offset,
            (At::Onward, Some(last)) if last.ino == ino => last.end,
            _ => size,
        };
        // Nobody waits for a file of gigabytes.
        let len = if offset > u64::MAX - u64::from(len) { 0 } else { len };
        let data = bytes(fill, offset, len);
        self.with_file(world, actor, ino, |handle| {
            self.write_open(world, actor, (ino, handle), offset, at == At::Append, &data)
        })
    }

    fn write_open(
        &self,
        world: &World,
        actor: u8,
        (ino, handle): (u64, u64),
        offset: u64,
        append: bool,
        data: &[u8],
    ) -> Result<(), Failure> {
        let by = caller(actor);
        let take_ids = by.uid != 0;
        let at_ms = world.clock.elapsed_ms();
        let grows = self.last_write.get() == Some(LastWrite { actor, ino, end: offset });
        let write = Write { handle, offset, caller: Some(by), append, take_ids };
        let grown = |tree: Tree| self.grown(at_ms, tree, (ino, offset, data), grows);
        let real = || self.fs.write(&write, data);
        let model = |tree: &mut Tree, now| {
            tree.take_privileges(now, ino, take_ids);
            if data.is_empty() {
                return Ok(());
            }
            tree.write(now, ino, offset, data)?;
            *tree = grown(std::mem::take(tree));
            Ok(())
        };
        let Some(result) = self.change(world, real, model)? else { return Ok(()) };
        if result.is_ok() && !data.is_empty() {
            let end = offset + data.len() as u64;
            self.last_write.set(Some(LastWrite { actor, ino, end }));
        }
        Ok(())
    }

    /// A write that goes on where the last one ended may have made its event longer, up to the end of its block,
    /// instead of making one of its own. The volume chooses; this is what follows.
    fn grown(&self, at_ms: u64, written: Tree, (ino, offset, data): (u64, u64, &[u8]), grows: bool) -> Tree {
        let before = self.tree();
        let (seq, time) = self.volume.with(|ns| (ns.seq().0, ns.time().0));
        if !grows || self.line.borrow().is_sealed() || written.seq != before.seq + 1 {
            return written;
        }
        if seq == before.seq {
            return Tree { seq, ..written };
        }
        if seq != written.seq || time != written.time + 1 {
            return written;
        }
        let block = self.volume.history().manifest().block_size.into();
        let first = (offset.next_multiple_of(block) - offset).min(data.len() as u64) as usize;
        // Two events: the old one with a part of the bytes, and a new one with the rest.
        let mut tree = Tree::clone(&before);
        tree.seq -= 1;
        let grown = tree.write(written.time, ino, offset, &data[..first]).is_ok();
        let pushed = grown && self.line.borrow_mut().push(tree.clone(), at_ms).is_ok();
        if pushed && tree.write(i64::MIN, ino, offset + first as u64, &data[first..]).is_ok() {
            return tree;
        }
        written
    }

    pub(super) fn resize(
        &self,
        world: &World,
        actor: u8,
        file: u16,
        size: u64,
        mode: Option<u16>,
    ) -> Result<(), Failure> {
        let Some(ino) = self.file(file) else { return Ok(()) };
        let changes = Changes { size: Some(size), mode: mode.map(u32::from), ..Changes::default() };
        self.set_attributes(world, actor, ino, changes)
    }

    /// fallocate(2) with this mode; `model` does the same.
    pub(super) fn allocate(
        &self,
        world: &World,
        actor: u8,
        (file, range): (u16, Range),
        mode: i32,
        model: impl FnOnce(&mut Tree, i64, u64, u64, u64) -> Result<(), i32>,
    ) -> Result<(), Failure> {
        let Some(ino) = self.file(file) else { return Ok(()) };
        let by = caller(actor);
        let (offset, len) = (range.at, u64::from(range.len));
        self.with_file(world, actor, ino, |handle| {
            let real = || self.fs.allocate(handle, by, mode, offset, len);
            let model = |tree: &mut Tree, now| {
                tree.take_privileges(now, ino, by.uid != 0);
                model(tree, now, ino, offset, len)
            };
            self.change(world, real, model).map(drop)
        })
    }

    pub(super) fn copy(
        &self,
        world: &World,
        actor: u8,
        (from, range): (u16, Range),
        (to, to_at): (u16, u64),
    ) -> Result<(), Failure> {
        let (Some(from), Some(to)) = (self.file(from), self.file(to)) else { return Ok(()) };
        let by = caller(actor);
        let (offset, len) = (range.at, u64::from(range.len));
        self.with_file(world, actor, from, |source| {
            self.with_file(world, actor, to, |sink| {
                let real = || self.fs.copy(by, (source, offset), (sink, to_at), len);
                let model = |tree: &mut Tree, now| {
                    tree.take_privileges(now, to, by.uid != 0);
                    tree.copy_range(now, (from, offset), (to, to_at), len)
                };
                let Some(Ok((copied, expected))) = self.change(world, real, model)? else { return Ok(()) };
                Oracle::Outcome.holds(u64::from(copied) == expected, || {
                    format!("copying {len} bytes: expected {expected}, the volume says {copied}")
                })
            })
        })
    }

    /// Reads a range, from memory if it is there.
    pub(super) async fn read(
        &self,
        world: &World,
        actor: u8,
        file: u16,
        range: Range,
    ) -> Result<(), Failure> {
        let Some(ino) = self.file(file) else { return Ok(()) };
        let (held, temporary) = self.opened(actor, ino)?;
        let tree = self.tree();
        let since = Since::now(&self.client);
        let expected = tree.node(ino).content().map(|content| content.read(range.at, range.len.into()));
        let found = match self.fs.try_read(held.handle, range.at, range.len) {
            Ok(Some(bytes)) => Ok(bytes),
            // A read looks at the tree of when it began.
            Ok(None) => self.fs.read(held.handle, range.at, range.len).await,
            Err(errno) => Err(errno),
        };
        world.coverage.judged(Oracle::Content);
        match found {
            Ok(bytes) => Oracle::Content.holds(Some(bytes.to_vec()) == expected, || {
                format!(
                    "inode {ino}: the {} bytes at {} are not those that were written",
                    range.len, range.at
                )
            })?,
            Err(_) if since.has_failed_twice(&self.client) => world.coverage.count("excused", "read"),
            Err(errno) => {
                return Err(Oracle::Content.fails(format!("reading inode {ino} at {}: {errno}", range.at)));
            }
        }
        if temporary && !self.over.get() { self.let_go(world, actor, held) } else { Ok(()) }
    }

    pub(super) fn seek(&self, world: &World, actor: u8, file: u16, from: u64) -> Result<(), Failure> {
        let Some(ino) = self.file(file) else { return Ok(()) };
        let tree = self.tree();
        let Some(content) = tree.node(ino).content() else { return Ok(()) };
        let from = from.min(i64::MAX as u64);
        let (data, hole) = match from < content.size() {
            true => (content.next_data(from).ok_or(errno::NXIO), Ok(content.next_hole(from))),
            false => (Err(errno::NXIO), Err(errno::NXIO)),
        };
        self.with_file(world, actor, ino, |handle| {
            world.coverage.judged(Oracle::Outcome);
            // SEEK_DATA and SEEK_HOLE.
            for (whence, expected) in [(3, data), (4, hole)] {
                let found = self.fs.seek(handle, from as i64, whence).map_err(|errno| errno.0);
                Oracle::Outcome.holds(found == expected, || {
                    format!("inode {ino}: lseek({from}, {whence}): expected {expected:?}, found {found:?}")
                })?;
            }
            Ok(())
        })
    }
}
