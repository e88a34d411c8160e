//! A store in memory that misbehaves as told: for the tests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How the store differs from a good one, always.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quirk {
    None,
    /// A create is a plain put.
    CreateReplaces,
    /// A create that comes too late is told so, and replaces the object.
    CreateReplacesAndSaysNo,
    /// Creates look first and write later.
    CreateLooksFirst,
    /// Creates are told apart while they race; after a read, one replaces the object.
    CreateForgets,
    /// Creates are not implemented.
    CreateUnknown,
    /// A create that comes too late is told of a failed precondition.
    CreateSaysPrecondition,
    /// A range is ignored, and the answer says so.
    RangeIgnored,
    /// A range is ignored, and the answer pretends that it was not.
    RangeMisreported,
    /// A ranged get is an error.
    RangeRefused,
    /// The offset of a listing is ignored.
    OffsetIgnored,
    /// The key of the offset is listed, too.
    OffsetIncluded,
}

/// What happens to one request, in the order of the script; to the later ones nothing does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mishap {
    None,
    Unavailable,
    Denied,
    NoBucket,
    Refused,
    /// There is never an answer, and no effect.
    Hang,
    /// The effect is there, and the answer is an error.
    LostAnswer,
    /// The body ends early.
    Truncated,
}

#[derive(Debug)]
pub struct Crooked {
    inner: InMemory,
    quirk: Quirk,
    script: Mutex<VecDeque<Mishap>>,
    requests: Mutex<u64>,
    read: Mutex<bool>,
}

impl Crooked {
    pub fn with(quirk: Quirk) -> Arc<Crooked> {
        Arc::new(Crooked {
            inner: InMemory::new(),
            quirk,
            script: Mutex::default(),
            requests: Mutex::default(),
            read: Mutex::default(),
        })
    }

    pub fn scripted(script: impl IntoIterator<Item = Mishap>) -> Arc<Crooked> {
        let store = Crooked::with(Quirk::None);
        store.play(script);
        store
    }

    /// What happens to the next requests.
    pub fn play(&self, script: impl IntoIterator<Item = Mishap>) {
        *self.script.lock().unwrap() = script.into_iter().collect();
    }

    /// How many requests have come since this was last asked.
    pub fn requests(&self) -> u64 {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// Everything that is there.
    pub async fn keys(&self) -> Vec<String> {
        self.inner.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap()
    }

    async fn mishap(&self) -> Result<Mishap> {
        *self.requests.lock().unwrap() += 1;
        let mishap = self.script.lock().unwrap().pop_front().unwrap_or(Mishap::None);
        match mishap {
            Mishap::Hang => std::future::pending().await,
            Mishap::Unavailable => Err(unavailable()),
            Mishap::Denied => Err(Error::PermissionDenied { path: "x".into(), source: "denied".into() }),
            Mishap::NoBucket => Err(Error::NotFound { path: "x".into(), source: "no such bucket".into() }),
            Mishap::Refused => Err(Error::NotSupported { source: "refused".into() }),
            Mishap::None | Mishap::LostAnswer | Mishap::Truncated => Ok(mishap),
        }
    }

    async fn create(&self, at: &Path, payload: PutPayload) -> Result<PutResult> {
        let exists = || Error::AlreadyExists { path: at.to_string(), source: "exists".into() };
        let there = self.inner.head(at).await.is_ok();
        match self.quirk {
            Quirk::CreateReplaces => self.inner.put(at, payload).await,
            Quirk::CreateForgets if *self.read.lock().unwrap() => self.inner.put(at, payload).await,
            Quirk::CreateReplacesAndSaysNo => self
                .inner
                .put(at, payload)
                .await
                .and_then(|done| if there { Err(exists()) } else { Ok(done) }),
            Quirk::CreateLooksFirst => {
                tokio::task::yield_now().await;
                if there { Err(exists()) } else { self.inner.put(at, payload).await }
            }
            Quirk::CreateUnknown => {
                Err(Error::NotImplemented { operation: "create".into(), implementer: "it".into() })
            }
            Quirk::CreateSaysPrecondition if there => {
                Err(Error::Precondition { path: at.to_string(), source: "condition".into() })
            }
            _ => self.inner.put_opts(at, payload, PutMode::Create.into()).await,
        }
    }
}

fn unavailable() -> Error {
    Error::Generic { store: "crooked", source: "out for lunch".into() }
}

impl fmt::Display for Crooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("crooked://store")
    }
}

#[async_trait]
impl ObjectStore for Crooked {
    async fn put_opts(&self, at: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mishap = self.mishap().await?;
        let done = match opts.mode {
            PutMode::Create => self.create(at, payload).await,
            _ => self.inner.put_opts(at, payload, opts).await,
        };
        if mishap == Mishap::LostAnswer { Err(unavailable()) } else { done }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, mut options: GetOptions) -> Result<GetResult> {
        let mishap = self.mishap().await?;
        *self.read.lock().unwrap() = true;
        let asked = options.range.clone();
        match self.quirk {
            Quirk::RangeIgnored | Quirk::RangeMisreported => options.range = None,
            Quirk::RangeRefused if asked.is_some() => return Err(unavailable()),
            _ => {}
        }
        let mut found = self.inner.get_opts(at, options).await?;
        if let (Quirk::RangeMisreported, Some(asked)) = (self.quirk, asked) {
            found.range = asked.as_range(found.meta.size).unwrap();
        }
        if mishap == Mishap::Truncated {
            let (meta, range) = (found.meta.clone(), found.range.clone());
            let body: Bytes = found.bytes().await?;
            let body = body.slice(..body.len() / 2);
            let payload = GetResultPayload::Stream(futures::stream::once(async { Ok(body) }).boxed());
            found = GetResult {
                payload,
                meta,
                range,
                attributes: Default::default(),
                extensions: Default::default(),
            };
        }
        Ok(found)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (offset, quirk) = (offset.clone(), self.quirk);
        let listed = move |meta: &ObjectMeta| match quirk {
            Quirk::OffsetIgnored => true,
            Quirk::OffsetIncluded => meta.location >= offset,
            _ => meta.location > offset,
        };
        self.inner.list(prefix).try_filter(move |meta| std::future::ready(listed(meta))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
