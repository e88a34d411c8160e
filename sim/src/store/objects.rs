//! What a bucket holds, and what a store without faults does with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Attributes, CopyMode, GetOptions, ListResult, ObjectMeta, PutMode, PutResult, Result};

use super::clock::modified;
use super::errors;
use super::multipart::Uploads;

/// Objects in the order of their keys, and uploads that are not complete.
#[derive(Default, Debug)]
pub(super) struct Objects {
    by_key: BTreeMap<Path, Object>,
    /// How many objects were ever written.
    versions: u64,
    pub uploads: Uploads,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    version: u64,
    modified_ms: u64,
    attributes: Attributes,
}

impl Object {
    fn meta(&self, at: &Path) -> ObjectMeta {
        ObjectMeta {
            location: at.clone(),
            last_modified: modified(self.modified_ms).into(),
            size: self.bytes.len() as u64,
            e_tag: Some(e_tag(self.version)),
            version: None,
        }
    }
}

/// The tag of the object that was written as the `version`th.
fn e_tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// What a get finds. The body comes in pieces, one of which may be an error.
#[derive(Debug)]
pub(super) struct Found {
    pub meta: ObjectMeta,
    pub attributes: Attributes,
    pub range: Range<u64>,
    pub body: Vec<Result<Bytes>>,
}

impl Objects {
    pub fn keys(&self) -> Vec<Path> {
        self.by_key.keys().cloned().collect()
    }

    pub fn bytes(&self, at: &Path) -> Option<&Bytes> {
        self.by_key.get(at).map(|object| &object.bytes)
    }

    /// For damage: nothing but the bytes changes.
    pub fn bytes_mut(&mut self, at: &Path) -> Option<&mut Bytes> {
        self.by_key.get_mut(at).map(|object| &mut object.bytes)
    }

    pub fn remove(&mut self, at: &Path) -> bool {
        self.by_key.remove(at).is_some()
    }

    pub fn write(&mut self, at: &Path, bytes: Bytes, attributes: Attributes, now_ms: u64) -> PutResult {
        self.versions += 1;
        let object = Object { bytes, version: self.versions, modified_ms: now_ms, attributes };
        self.by_key.insert(at.clone(), object);
        PutResult { e_tag: Some(e_tag(self.versions)), version: None, extensions: Default::default() }
    }

    /// Whether an object may be written in this mode.
    pub fn check(&self, at: &Path, mode: &PutMode) -> Result<()> {
        let there = self.by_key.get(at);
        match mode {
            PutMode::Overwrite => Ok(()),
            PutMode::Create if there.is_none() => Ok(()),
            PutMode::Create => Err(errors::already_exists(at)),
            PutMode::Update(expected) => match (there, &expected.e_tag) {
                (Some(object), Some(expected)) if e_tag(object.version) == *expected => Ok(()),
                _ => Err(errors::precondition_failed(at)),
            },
        }
    }

    pub fn copy(&mut self, from: &Path, to: &Path, mode: CopyMode, now_ms: u64) -> Result<()> {
        let Some(object) = self.by_key.get(from).cloned() else { return Err(errors::not_found(from)) };
        let mode = match mode {
            CopyMode::Create => PutMode::Create,
            CopyMode::Overwrite => PutMode::Overwrite,
        };
        self.check(to, &mode)?;
        self.write(to, object.bytes, object.attributes, now_ms);
        Ok(())
    }

    pub fn get(&self, at: &Path, options: &GetOptions) -> Result<Found> {
        if options.version.is_some() {
            return Err(errors::no_versions());
        }
        let object = self.by_key.get(at).ok_or_else(|| errors::not_found(at))?;
        let meta = object.meta(at);
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            None => 0..meta.size,
            Some(range) => range.as_range(meta.size).map_err(|_| errors::out_of_range(range, meta.size))?,
        };
        let body = match options.head {
            true => Vec::new(),
            false => vec![Ok(object.bytes.slice(range.start as usize..range.end as usize))],
        };
        Ok(Found { meta, attributes: object.attributes.clone(), range, body })
    }

    /// The objects below a prefix, after a key if one is given.
    pub fn list(&self, prefix: &Path, after: Option<&Path>) -> Vec<ObjectMeta> {
        self.below(prefix, after).map(|(at, object)| object.meta(at)).collect()
    }

    /// The objects in a directory, and the directories in it.
    pub fn list_directory(&self, prefix: &Path) -> ListResult {
        let (mut objects, mut directories) = (Vec::new(), BTreeSet::new());
        for (at, object) in self.below(prefix, None) {
            let mut parts = at.prefix_match(prefix).into_iter().flatten();
            match (parts.next(), parts.next()) {
                (Some(directory), Some(_)) => {
                    directories.insert(prefix.clone().join(directory));
                }
                _ => objects.push(object.meta(at)),
            }
        }
        let common_prefixes = directories.into_iter().collect();
        ListResult { objects, common_prefixes, extensions: Default::default() }
    }

    fn below<'a>(
        &'a self,
        prefix: &'a Path,
        after: Option<&Path>,
    ) -> impl Iterator<Item = (&'a Path, &'a Object)> {
        let first = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(prefix.clone()),
        };
        self.by_key
            .range((first, Bound::Unbounded))
            .take_while(|(at, _)| at.as_ref().starts_with(prefix.as_ref()))
            .filter(|(at, _)| at.prefix_match(prefix).is_some_and(|mut rest| rest.next().is_some()))
    }
}
