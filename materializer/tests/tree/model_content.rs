use crate::model::*;
use firn_materializer::decide::{AttributeChanges, SetTime, XattrMode};

impl Model {
    /// The attributes of whatever is at a path.
    pub fn meta(&mut self, path: &[String], node: &Node) -> &mut Meta {
        match node {
            Node::Dir(_) => &mut self.dir(path).meta,
            Node::Leaf(id) => &mut self.leaf(*id).meta,
        }
    }

    fn file(&mut self, id: u64) -> Result<(&mut Meta, &mut Vec<Option<u8>>), Number> {
        let leaf = self.leaf(id);
        match &mut leaf.body {
            Body::File(bytes) => Ok((&mut leaf.meta, bytes)),
            _ => Err(EINVAL),
        }
    }

    /// Changes the bytes of a file and its times.
    fn change(&mut self, id: u64, now: i64, how: impl FnOnce(&mut Vec<Option<u8>>)) -> Result<(), Number> {
        let (meta, bytes) = self.file(id)?;
        how(bytes);
        (meta.mtime, meta.ctime) = (now, now);
        Ok(())
    }

    pub fn write(&mut self, id: u64, offset: usize, data: &[Option<u8>], now: i64) -> Result<(), Number> {
        if data.is_empty() {
            return self.file(id).map(|_| ());
        }
        self.change(id, now, |bytes| {
            bytes.resize(bytes.len().max(offset + data.len()), None);
            bytes[offset..offset + data.len()].copy_from_slice(data);
        })
    }

    pub fn truncate(&mut self, id: u64, size: usize, now: i64) -> Result<(), Number> {
        self.change(id, now, |bytes| bytes.resize(size, None))
    }

    pub fn punch(&mut self, id: u64, offset: usize, len: usize, now: i64) -> Result<(), Number> {
        let size = self.file(id)?.1.len();
        match (len, (offset + len).min(size)) {
            (0, _) => Err(EINVAL),
            (_, end) if end <= offset => Ok(()),
            (_, end) => self.change(id, now, |bytes| bytes[offset..end].fill(None)),
        }
    }

    pub fn zero(&mut self, id: u64, offset: usize, len: usize, now: i64) -> Result<(), Number> {
        self.file(id)?;
        if len == 0 { Err(EINVAL) } else { self.write(id, offset, &vec![None; len], now) }
    }

    pub fn allocate(&mut self, id: u64, offset: usize, len: usize, now: i64) -> Result<(), Number> {
        match self.file(id)?.1.len() {
            _ if len == 0 => Err(EINVAL),
            size if size >= offset + len => Ok(()),
            _ => self.truncate(id, offset + len, now),
        }
    }

    /// Answers how much was copied.
    pub fn copy(
        &mut self,
        from: (u64, usize),
        to: (u64, usize),
        len: usize,
        now: i64,
    ) -> Result<u64, Number> {
        let source = self.file(from.0)?.1.clone();
        self.file(to.0)?;
        if from.0 == to.0 && from.1 < to.1 + len && to.1 < from.1 + len {
            return Err(EINVAL);
        }
        let end = source.len().min(from.1 + len);
        let data = source.get(from.1..end).unwrap_or_default();
        self.write(to.0, to.1, data, now)?;
        Ok(data.len() as u64)
    }

    /// A size is set by one event, the rest by the next.
    pub fn set(
        &mut self,
        path: &[String],
        node: &Node,
        to: &AttributeChanges,
        uid: u32,
        now: i64,
    ) -> Result<(), Number> {
        let mut then = now;
        if let Some(size) = to.size {
            match node {
                Node::Dir(_) => return Err(EISDIR),
                Node::Leaf(id) => self.truncate(*id, size as usize, now)?,
            }
            then += 1;
        }
        let time = |to| match to {
            SetTime::Now => now,
            SetTime::At(time) => time.0,
        };
        if *to == (AttributeChanges { size: to.size, ..AttributeChanges::default() }) {
            return Ok(());
        }
        let is_dir = matches!(node, Node::Dir(_));
        let meta = self.meta(path, node);
        let chowned = to.uid.is_some() || to.gid.is_some();
        meta.permissions = match to.mode {
            Some(mode) => mode & 0o7777,
            None if is_dir || !chowned || uid == 0 => meta.permissions,
            None if meta.permissions & 0o010 != 0 => meta.permissions & 0o1777,
            None => meta.permissions & 0o3777,
        };
        meta.uid = to.uid.unwrap_or(meta.uid);
        meta.gid = to.gid.unwrap_or(meta.gid);
        meta.atime = to.atime.map_or(meta.atime, time);
        meta.mtime = to.mtime.map_or(meta.mtime, time);
        meta.ctime = then;
        Ok(())
    }

    pub fn set_xattr(
        &mut self,
        (path, node): (&[String], &Node),
        name: &str,
        value: Option<&[u8]>,
        mode: XattrMode,
        now: i64,
    ) -> Result<(), Number> {
        let meta = self.meta(path, node);
        match (value, mode, meta.xattrs.contains_key(name)) {
            (None, _, false) | (Some(_), XattrMode::Replace, false) => return Err(ENODATA),
            (Some(_), XattrMode::Create, true) => return Err(EEXIST),
            (Some(value), ..) => drop(meta.xattrs.insert(name.to_owned(), value.to_vec())),
            (None, ..) => drop(meta.xattrs.remove(name)),
        }
        meta.ctime = now;
        Ok(())
    }
}
