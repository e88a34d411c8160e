//! Going into the past through a mount's `.at`.

use firn_journal::Ino;
use firn_mount::fs::{Entry, Found, Located, Node};

use super::World;
use super::excuse::Since;
use super::life::{Life, caller, pick, to_name};
use crate::model::{Kind, Tree, compare};
use crate::oracle::{Failure, Oracle};
use crate::plan::Instant;

/// `EIO`: the reason is in the log.
const IO: i32 = 5;
const NOENT: i32 = 2;

impl World {
    pub(super) async fn look_through(
        &self,
        life: &Life,
        actor: u8,
        dir: u16,
        at: Instant,
    ) -> Result<(), Failure> {
        let Some(dir) = pick(&life.tree().of_kind(Some(Kind::Directory)), dir) else { return Ok(()) };
        let (which, text) = {
            let line = life.line.borrow();
            let (Instant::Seq(which) | Instant::Time(which) | Instant::Checkpoint(which)) = at;
            let Some(record) = pick(&(1..line.records().len()).collect::<Vec<_>>(), which) else {
                return Ok(());
            };
            let tree = line.records()[record].tree.clone();
            let named = tree.checkpoints.iter().find(|(name, at)| {
                at.seq == tree.seq
                    && line.head().checkpoints.get(*name).is_some_and(|now| now.seq == tree.seq)
            });
            let text = named.map_or_else(|| format!("#{}", tree.seq), |(name, _)| format!("@{name}"));
            (tree, text)
        };
        let since = Since::now(&life.client);
        life.seen();
        let entry = life.fs.enter(Ino(dir), &to_name(text.as_bytes())).await;
        self.coverage.judged(Oracle::Instant);
        let there = which.nodes.contains_key(&dir);
        let number = match entry {
            Ok(Entry { attr: Some(attr), .. }) if there => attr.number,
            Err(errno) if errno.0 == NOENT && !there => return Ok(()),
            Err(errno) if errno.0 == IO && since.has_failed_twice(&life.client) => {
                self.coverage.count("excused", "looking through");
                return Ok(());
            }
            Err(errno) if errno.0 == IO && life.challenged.get() => return Ok(()),
            other => {
                let other = other.map(|entry| entry.attr.map(|attr| attr.number));
                return Err(
                    Oracle::Instant.fails(format!(".at/{text} in {dir}: there is {there}, found {other:?}"))
                );
            }
        };
        let seen = self.see(life, actor, (&which, dir, number), since).await;
        life.fs.forget(number, 1);
        seen
    }

    async fn see(
        &self,
        life: &Life,
        actor: u8,
        (tree, dir, number): (&Tree, u64, u64),
        since: Since,
    ) -> Result<(), Failure> {
        let fails = |what: String| Oracle::Instant.fails(format!("directory {dir} at #{}: {what}", tree.seq));
        let node = match life.fs.locate(number) {
            Ok(Located::Here(node)) => node,
            Ok(Located::Away(away)) => match life.fs.open_instant(away).await {
                Ok(node) => node,
                Err(_) if since.has_failed_twice(&life.client) => return Ok(()),
                Err(errno) => return Err(fails(format!("opening its instant again: {errno}"))),
            },
            Err(errno) => return Err(fails(errno.to_string())),
        };
        let handle =
            life.fs.open_directory(node.clone(), caller(actor)).map_err(|errno| fails(errno.to_string()))?;
        let mut found = Vec::new();
        let listed = life.fs.list(handle, 0, |item| {
            found.push(item.name.as_bytes().to_vec());
            false
        });
        life.fs.release_directory(handle);
        let mut expected = vec![b".".to_vec(), b"..".to_vec()];
        expected.extend(tree.node(dir).entries().into_iter().flatten().map(|(name, _)| name.clone()));
        compare::same("listing", (Ok(()), expected), (listed, found)).map_err(fails)?;
        let entries = tree.node(dir).entries().into_iter().flatten();
        let file =
            entries.map(|(name, ino)| (name, *ino)).find(|(_, ino)| tree.node(*ino).content().is_some());
        match file {
            Some((name, ino)) => self.read_through(life, actor, &node, (tree, name, ino), since).await,
            None => Ok(()),
        }
    }

    async fn read_through(
        &self,
        life: &Life,
        actor: u8,
        dir: &Node,
        (tree, name, ino): (&Tree, &[u8], u64),
        since: Since,
    ) -> Result<(), Failure> {
        let fails = |what: String| Oracle::Instant.fails(format!("inode {ino} at #{}: {what}", tree.seq));
        let attr = match life.fs.lookup(dir, &to_name(name)) {
            Ok(Found::Entry(Entry { attr: Some(attr), .. })) => attr,
            _ => return Err(fails("it is listed, and not found".into())),
        };
        let expected = tree.node(ino).content().map(|content| content.read(0, 50_000)).unwrap_or_default();
        Oracle::Instant
            .holds(attr.size == tree.node(ino).size(), || format!("inode {ino}: size {}", attr.size))?;
        let Ok(Located::Here(node)) = life.fs.locate(attr.number) else {
            return Err(fails("its instant was open a moment ago".into()));
        };
        let handle = life.fs.open(node, caller(actor), 0).map_err(|errno| fails(errno.to_string()))?;
        let read = life.fs.read(handle, 0, 50_000).await;
        life.fs.release(handle);
        life.fs.forget(attr.number, 1);
        self.coverage.judged(Oracle::Content);
        match read {
            Ok(bytes) => Oracle::Content.holds(bytes == expected, || {
                format!("inode {ino} through .at at #{}: its bytes are not those of then", tree.seq)
            }),
            Err(_) if since.has_failed_twice(&life.client) => Ok(()),
            Err(errno) => Err(Oracle::Content.fails(format!("inode {ino} at #{}: {errno}", tree.seq))),
        }
    }
}
