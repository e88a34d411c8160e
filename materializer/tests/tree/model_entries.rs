use crate::model::*;
use firn_materializer::decide::RenameMode;

/// What a new node is to be, but for its id and times.
pub struct New {
    /// `None`: a directory.
    pub body: Option<Body>,
    pub meta: Meta,
}

impl Model {
    pub fn create(&mut self, at: &[String], name: &str, new: New, now: i64) -> Result<(), Number> {
        let id = self.next;
        let dir = self.dir(at);
        if dir.children.contains_key(name) {
            return Err(EEXIST);
        }
        let mut meta = Meta { id, atime: now, mtime: now, ctime: now, btime: now, ..new.meta };
        if dir.meta.permissions & 0o2000 != 0 {
            meta.gid = dir.meta.gid;
            if new.body.is_none() {
                meta.permissions |= 0o2000;
            }
        }
        if matches!(new.body, Some(Body::Symlink(_))) {
            meta.permissions = 0o777;
        }
        if new.body != Some(Body::Device) {
            meta.rdev = 0;
        }
        (dir.meta.mtime, dir.meta.ctime) = (now, now);
        let node = match &new.body {
            None => Node::Dir(Dir { meta: meta.clone(), ..Dir::default() }),
            Some(_) => Node::Leaf(id),
        };
        dir.children.insert(name.to_owned(), node);
        if let Some(body) = new.body {
            self.leaves.insert(id, Leaf { meta, body });
        }
        self.next += 1;
        Ok(())
    }

    pub fn link(&mut self, node: &Node, at: &[String], name: &str, now: i64) -> Result<(), Number> {
        let dir = self.dir(at);
        if dir.children.contains_key(name) {
            return Err(EEXIST);
        }
        let Node::Leaf(id) = node else { return Err(EPERM) };
        dir.children.insert(name.to_owned(), node.clone());
        (dir.meta.mtime, dir.meta.ctime) = (now, now);
        self.leaf(*id).meta.ctime = now;
        Ok(())
    }

    pub fn remove(&mut self, at: &[String], name: &str, is_rmdir: bool, now: i64) -> Result<(), Number> {
        let dir = self.dir(at);
        match (dir.children.get(name), is_rmdir) {
            (None, _) => return Err(ENOENT),
            (Some(Node::Dir(_)), false) => return Err(EISDIR),
            (Some(Node::Leaf(_)), true) => return Err(ENOTDIR),
            (Some(Node::Dir(child)), true) if !child.children.is_empty() => return Err(ENOTEMPTY),
            _ => {}
        }
        (dir.meta.mtime, dir.meta.ctime) = (now, now);
        let removed = dir.children.remove(name);
        self.lost(removed.as_ref(), now);
        Ok(())
    }

    fn lost(&mut self, node: Option<&Node>, now: i64) {
        match node {
            Some(Node::Leaf(id)) => self.leaf(*id).meta.ctime = now,
            Some(Node::Dir(dir)) => drop(self.removed_dirs.insert(dir.meta.id)),
            None => {}
        }
        self.sweep();
    }

    pub fn rename(
        &mut self,
        (at, name): (&[String], &str),
        (new_at, new_name): (&[String], &str),
        mode: RenameMode,
        now: i64,
    ) -> Result<(), Number> {
        let moved = self.dir(at).children.get(name).cloned().ok_or(ENOENT)?;
        let there = self.dir(new_at).children.get(new_name).cloned();
        let path = [at, &[name.to_owned()]].concat();
        let new_path = [new_at, &[new_name.to_owned()]].concat();
        match (mode, &there) {
            (RenameMode::NoReplace, Some(_)) => return Err(EEXIST),
            (RenameMode::Exchange, None) => return Err(ENOENT),
            _ if matches!(moved, Node::Dir(_)) && new_path.starts_with(&path) && new_path != path => {
                return Err(EINVAL);
            }
            (RenameMode::Exchange, Some(Node::Dir(_))) if path.starts_with(&new_path) && new_path != path => {
                return Err(EINVAL);
            }
            _ => {}
        }
        if there.as_ref().is_some_and(|there| self.id(there) == self.id(&moved)) {
            return Ok(());
        }
        if mode == RenameMode::Replace {
            match (&moved, &there) {
                (Node::Dir(_), Some(Node::Leaf(_))) => return Err(ENOTDIR),
                (Node::Leaf(_), Some(Node::Dir(_))) => return Err(EISDIR),
                (_, Some(Node::Dir(there))) if !there.children.is_empty() => return Err(ENOTEMPTY),
                _ => {}
            }
        }
        // A node that is carried away cannot be on the way to the other place: both were checked above.
        self.dir(at).children.remove(name);
        self.dir(new_at).children.remove(new_name);
        self.place(new_at, new_name, moved, now);
        match there {
            Some(there) if mode == RenameMode::Exchange => self.place(at, name, there, now),
            there => self.lost(there.as_ref(), now),
        }
        for changed in [at, new_at] {
            let meta = &mut self.dir(changed).meta;
            (meta.mtime, meta.ctime) = (now, now);
        }
        Ok(())
    }

    fn place(&mut self, at: &[String], name: &str, mut node: Node, now: i64) {
        match &mut node {
            Node::Dir(dir) => dir.meta.ctime = now,
            Node::Leaf(id) => self.leaf(*id).meta.ctime = now,
        }
        self.dir(at).children.insert(name.to_owned(), node);
    }

    pub fn leaf(&mut self, id: u64) -> &mut Leaf {
        self.leaves.get_mut(&id).expect("a leaf that is named or open exists")
    }
}
