//! A client's connection to the bucket: object_store's trait, each method of which is one request or several.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, RenameTargetMode, Result,
};

use super::life::{CrashPoint, Life};
use super::multipart::{StartUpload, Upload};
use super::requests::{Copy, Delete, Get, List, ListDirectory, Put};

/// S3 deletes so many objects with one request.
const DELETES_PER_REQUEST: usize = 1000;

/// The connection of one life of a writer or reader.
///
/// A dead client never answers: every request, pending or new, waits for ever.
#[derive(Debug)]
pub struct Client {
    pub(super) life: Arc<Life>,
}

impl Client {
    pub(super) fn new(life: Arc<Life>) -> Self {
        Client { life }
    }

    /// How many requests it has made: the number of the next one.
    pub fn requests(&self) -> u64 {
        self.life.state().requests
    }

    /// How many of its requests have met a fault or an outage.
    pub fn faults_met(&self) -> u64 {
        self.life.state().faults_met
    }

    /// How many of its requests were slow, which is no reason for any of them to fail.
    pub fn slow_met(&self) -> u64 {
        self.life.state().slow_met
    }

    /// Dies when the request of this number arrives (unless the bucket was healed before). There is one such point;
    /// a later call replaces it.
    pub fn crash_at(&self, nth: u64, point: CrashPoint) {
        self.life.state().crash = Some((nth, point));
    }

    /// Dies now. Writes that have not arrived may still do so: [`Fault::Landed`](super::Fault::Landed).
    pub fn kill(&self) {
        self.life.die(&mut self.life.bucket.open());
    }

    /// Whether it is dead.
    pub fn is_dead(&self) -> bool {
        self.life.state().dead
    }

    /// Waits until it is dead.
    pub async fn died(&self) {
        self.life.died().await;
    }

    /// All its requests fail until this time (see [`Bucket::now_ms`](super::Bucket::now_ms)).
    pub fn set_unreachable_until(&self, ms: u64) {
        let bucket = &mut *self.life.bucket.open();
        self.life.state().unreachable_until_ms = ms;
        bucket.line(format_args!("store {} unreachable until {ms}", self.life.number));
    }

    fn list_from(
        &self,
        prefix: Option<&Path>,
        after: Option<Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let life = Arc::clone(&self.life);
        let request = List { prefix: prefix.cloned().unwrap_or_default(), after };
        stream::once(async move {
            let listed = life.call(request).await?;
            Ok::<_, Error>(life.items(listed.into_iter().map(Ok).collect()))
        })
        .try_flatten()
        .boxed()
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sim://{}", self.life.number)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Client {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let PutOptions { mode, tags: _, attributes, extensions: _ } = options;
        self.life.call(Put { at: at.clone(), bytes: payload.into(), attributes, mode }).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let id = self.life.call(StartUpload { at: at.clone(), attributes: options.attributes }).await?;
        Ok(Box::new(Upload::new(Arc::clone(&self.life), at.clone(), id)))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let found = self.life.call(Get { at: at.clone(), options }).await?;
        Ok(GetResult {
            payload: GetResultPayload::Stream(self.life.items(found.body)),
            meta: found.meta,
            range: found.range,
            attributes: found.attributes,
            extensions: Default::default(),
        })
    }

    /// A request for each range: S3 has none for several.
    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut parts = Vec::with_capacity(ranges.len());
        for range in ranges {
            parts.push(self.get_range(at, range.clone()).await?);
        }
        Ok(parts)
    }

    /// As on S3, whole batches fail.
    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let life = Arc::clone(&self.life);
        paths
            .try_chunks(DELETES_PER_REQUEST)
            .then(move |paths| {
                let life = Arc::clone(&life);
                async move {
                    let paths = paths.map_err(|stopped| stopped.1)?;
                    let deleted = life.call(Delete { paths }).await?;
                    Ok::<_, Error>(life.items(deleted.into_iter().map(Ok).collect()))
                }
            })
            .try_flatten()
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, Some(offset.clone()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.life.call(ListDirectory { prefix: prefix.cloned().unwrap_or_default() }).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.life.call(Copy { from: from.clone(), to: to.clone(), mode: options.mode }).await
    }

    /// Two requests: S3 cannot rename.
    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let mode = match options.target_mode {
            RenameTargetMode::Overwrite => CopyMode::Overwrite,
            RenameTargetMode::Create => CopyMode::Create,
        };
        self.copy_opts(from, to, CopyOptions::new().with_mode(mode)).await?;
        self.delete(from).await
    }
}
