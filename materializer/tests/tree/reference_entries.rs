use firn_journal::{Ino, Name};
use firn_materializer::decide::{Command, RenameMode};

use crate::model::{Body, Meta, Node, Path};
use crate::model_entries::New;
use crate::operations::{Index, Operation};
use crate::reference::{Answer, Reference, Step, ask, name, pick};

fn split(path: &Path) -> (Path, String) {
    let (name, dir) = path.split_last().expect("an entry has a name");
    (dir.to_vec(), name.clone())
}

impl Reference {
    pub fn on_entries(&mut self, operation: &Operation) -> Option<Step> {
        let (dirs, entries) = (self.model.dirs(), self.model.entries());
        Some(match *operation {
            Operation::Create { dir, name: n, kind, mode, gid } => {
                self.create(&pick(dir, &dirs)?, &name(n), kind, mode, gid)
            }
            Operation::Link { entry, dir, name: n } => {
                let ((_, node), dir, name) = (pick(entry, &entries)?, pick(dir, &dirs)?, name(n));
                let (ino, parent) = (self.ino_of(&node), self.ino(&dir));
                let command = Command::Link { ino, parent, name: name.as_str().into() };
                ask(command, self.model.link(&node, &dir, &name, self.now))
            }
            Operation::Remove { entry, is_open } => {
                let (path, node) = pick(entry, &entries)?;
                if is_open {
                    self.model.open.insert(self.model.id(&node));
                }
                let (dir, name) = split(&path);
                self.remove(&dir, &name, matches!(node, Node::Dir(_)))
            }
            Operation::RemoveName { dir, name: n, is_rmdir } => {
                self.remove(&pick(dir, &dirs)?, &name(n), is_rmdir)
            }
            Operation::Rename { entry, dir, name: n, mode } => {
                let from = split(&pick(entry, &entries)?.0);
                self.rename(from, (pick(dir, &dirs)?, name(n)), mode)
            }
            Operation::RenameOnto { entry, onto, mode } => {
                self.rename(split(&pick(entry, &entries)?.0), split(&pick(onto, &entries)?.0), mode)
            }
            _ => return None,
        })
    }

    fn create(&mut self, dir: &Path, name: &str, kind: Index, mode: u32, gid: u32) -> Step {
        let (body, bits) = match kind % 8 {
            0..=2 => (None, 0o040_000),
            3..=5 => (Some(Body::File(Vec::new())), 0o100_000),
            6 => (Some(Body::Symlink(format!("../{name}/x"))), 0o120_000),
            _ if mode & 1 == 0 => (Some(Body::Fifo), 0o010_000),
            _ => (Some(Body::Device), 0o060_000),
        };
        let target = match &body {
            Some(Body::Symlink(target)) => Some(target.as_bytes().into()),
            _ => None,
        };
        let (parent, uid, rdev) = (self.ino(dir), 7, 0x801);
        let meta = Meta { permissions: mode, uid, gid, rdev, ..Meta::default() };
        let (name_of, mode) = (Name::from(name), bits | mode);
        let command = Command::Create { parent, name: name_of, mode, uid, gid, rdev, target };
        let made = Answer { ino: Some(Ino(self.model.next)), copied: 0 };
        let answer = self.model.create(dir, name, New { body, meta }, self.now);
        Step::Ask { uid: 0, command, answer: answer.map(|()| made) }
    }

    fn remove(&mut self, dir: &Path, name: &str, is_rmdir: bool) -> Step {
        let (parent, name_of) = (self.ino(dir), Name::from(name));
        let command = match is_rmdir {
            true => Command::Rmdir { parent, name: name_of },
            false => Command::Unlink { parent, name: name_of },
        };
        ask(command, self.model.remove(dir, name, is_rmdir, self.now))
    }

    fn rename(&mut self, from: (Path, String), to: (Path, String), mode: RenameMode) -> Step {
        let ((dir, name), (new_dir, new_name)) = (&from, &to);
        let command = Command::Rename {
            parent: self.ino(dir),
            name: name.as_str().into(),
            new_parent: self.ino(new_dir),
            new_name: new_name.as_str().into(),
            mode,
        };
        ask(command, self.model.rename((dir, name), (new_dir, new_name), mode, self.now))
    }
}
