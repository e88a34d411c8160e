//! Objects that are written in parts: each part is a request, and so are the first and the last word.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Attributes, MultipartId, MultipartUpload, PutMultipartOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::client::Client;
use super::errors;
use super::life::Life;
use super::objects::Objects;
use super::request::{Request, digest};

/// The uploads that are neither complete nor aborted, by their ids.
#[derive(Default, Debug)]
pub(super) struct Uploads {
    open: BTreeMap<MultipartId, Parts>,
    started: u64,
}

#[derive(Debug)]
struct Parts {
    attributes: Attributes,
    by_index: BTreeMap<usize, Bytes>,
}

impl Parts {
    /// The parts one after the other, if they are all there.
    fn joined(&self, count: usize) -> Option<Bytes> {
        let parts: Option<Vec<&[u8]>> =
            (0..count).map(|index| self.by_index.get(&index).map(Bytes::as_ref)).collect();
        Some(parts?.concat().into())
    }
}

#[derive(Clone, Debug)]
pub(super) struct StartUpload {
    pub at: Path,
    pub attributes: Attributes,
}

impl Request for StartUpload {
    type Answer = MultipartId;
    const NAME: &'static str = "start_upload";
    const WRITES: bool = true;

    fn key(&self) -> String {
        self.at.to_string()
    }

    fn carry_out(&self, objects: &mut Objects, _now_ms: u64) -> Result<MultipartId> {
        let uploads = &mut objects.uploads;
        uploads.started += 1;
        let id = uploads.started.to_string();
        let parts = Parts { attributes: self.attributes.clone(), by_index: BTreeMap::new() };
        uploads.open.insert(id.clone(), parts);
        Ok(id)
    }
}

#[derive(Clone, Debug)]
struct PutPart {
    at: Path,
    id: MultipartId,
    index: usize,
    bytes: Bytes,
}

impl Request for PutPart {
    type Answer = PartId;
    const NAME: &'static str = "put_part";
    const WRITES: bool = true;

    fn key(&self) -> String {
        self.at.to_string()
    }

    fn details(&self) -> String {
        format!("{}.{} {}", self.id, self.index, digest(&self.bytes))
    }

    fn carry_out(&self, objects: &mut Objects, _now_ms: u64) -> Result<PartId> {
        let parts = objects.uploads.open.get_mut(&self.id).ok_or_else(|| errors::no_such_upload(&self.at))?;
        parts.by_index.insert(self.index, self.bytes.clone());
        Ok(PartId { content_id: format!("{}.{}", self.id, self.index) })
    }
}

#[derive(Clone, Debug)]
struct CompleteUpload {
    at: Path,
    id: MultipartId,
    /// How many parts there must be.
    count: usize,
}

impl Request for CompleteUpload {
    type Answer = PutResult;
    const NAME: &'static str = "complete_upload";
    const WRITES: bool = true;

    fn key(&self) -> String {
        self.at.to_string()
    }

    fn details(&self) -> String {
        self.id.clone()
    }

    fn carry_out(&self, objects: &mut Objects, now_ms: u64) -> Result<PutResult> {
        let parts = objects.uploads.open.get(&self.id).ok_or_else(|| errors::no_such_upload(&self.at))?;
        let bytes = parts.joined(self.count).ok_or_else(errors::invalid_part)?;
        let attributes = parts.attributes.clone();
        objects.uploads.open.remove(&self.id);
        Ok(objects.write(&self.at, bytes, attributes, now_ms))
    }
}

#[derive(Clone, Debug)]
struct AbortUpload {
    at: Path,
    id: MultipartId,
}

impl Request for AbortUpload {
    type Answer = ();
    const NAME: &'static str = "abort_upload";
    const WRITES: bool = true;

    fn key(&self) -> String {
        self.at.to_string()
    }

    fn details(&self) -> String {
        self.id.clone()
    }

    fn carry_out(&self, objects: &mut Objects, _now_ms: u64) -> Result<()> {
        objects.uploads.open.remove(&self.id).map(drop).ok_or_else(|| errors::no_such_upload(&self.at))
    }
}

/// An upload, to whoever makes it.
#[derive(Debug)]
pub(super) struct Upload {
    life: Arc<Life>,
    at: Path,
    id: MultipartId,
    parts: usize,
}

impl Upload {
    pub fn new(life: Arc<Life>, at: Path, id: MultipartId) -> Self {
        Upload { life, at, id, parts: 0 }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for Upload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let request =
            PutPart { at: self.at.clone(), id: self.id.clone(), index: self.parts, bytes: payload.into() };
        self.parts += 1;
        let life = Arc::clone(&self.life);
        Box::pin(async move { life.call(request).await.map(drop) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let request = CompleteUpload { at: self.at.clone(), id: self.id.clone(), count: self.parts };
        self.life.call(request).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.life.call(AbortUpload { at: self.at.clone(), id: self.id.clone() }).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartStore for Client {
    async fn create_multipart(&self, at: &Path) -> Result<MultipartId> {
        self.create_multipart_opts(at, PutMultipartOptions::default()).await
    }

    async fn create_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<MultipartId> {
        self.life.call(StartUpload { at: at.clone(), attributes: options.attributes }).await
    }

    async fn put_part(&self, at: &Path, id: &MultipartId, index: usize, data: PutPayload) -> Result<PartId> {
        self.life.call(PutPart { at: at.clone(), id: id.clone(), index, bytes: data.into() }).await
    }

    async fn complete_multipart(&self, at: &Path, id: &MultipartId, parts: Vec<PartId>) -> Result<PutResult> {
        self.life.call(CompleteUpload { at: at.clone(), id: id.clone(), count: parts.len() }).await
    }

    async fn abort_multipart(&self, at: &Path, id: &MultipartId) -> Result<()> {
        self.life.call(AbortUpload { at: at.clone(), id: id.clone() }).await
    }
}
