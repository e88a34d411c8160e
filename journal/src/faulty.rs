//! A store in memory that misbehaves as told, for tests.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use proptest::prelude::*;

/// What happens to a request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// It never arrives.
    RequestLost,
    /// It is carried out, and nobody hears of it.
    AnswerLost,
    /// It arrives after it was given up.
    Late(u64),
    /// It is refused.
    Denied,
}

impl Fault {
    pub fn transient() -> impl Strategy<Value = Fault> {
        prop_oneof![
            2 => Just(Fault::None),
            1 => Just(Fault::RequestLost),
            1 => Just(Fault::AnswerLost),
            1 => (1..20_000u64).prop_map(Fault::Late),
        ]
    }
}

/// Faults of puts and of reads, in the order of requests; none after the last.
#[derive(Debug, Default)]
pub struct Faulty {
    inner: Arc<InMemory>,
    puts: Mutex<VecDeque<Fault>>,
    reads: Mutex<VecDeque<Fault>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl Faulty {
    pub fn new(puts: Vec<Fault>, reads: Vec<Fault>) -> Arc<Self> {
        Self::over(Arc::default(), puts, reads)
    }

    /// Another client of a store.
    pub fn over(inner: Arc<InMemory>, puts: Vec<Fault>, reads: Vec<Fault>) -> Arc<Self> {
        let (puts, reads) = (Mutex::new(puts.into()), Mutex::new(reads.into()));
        Arc::new(Faulty { inner, puts, reads, ..Faulty::default() })
    }

    pub fn inner(&self) -> Arc<InMemory> {
        self.inner.clone()
    }

    pub fn fail_puts(&self, faults: impl IntoIterator<Item = Fault>) {
        self.puts.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// The most puts that this client ever had on their way at a time.
    pub fn most_puts_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::SeqCst)
    }

    fn next(faults: &Mutex<VecDeque<Fault>>) -> Fault {
        faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Fault::None)
    }
}

fn lost() -> Error {
    Error::Generic { store: "faulty", source: "connection reset by test".into() }
}

fn denied(path: &Path) -> Error {
    Error::PermissionDenied { path: path.to_string(), source: "denied by test".into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty://")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(in_flight, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let answer = match Faulty::next(&self.puts) {
            Fault::None => self.inner.put_opts(path, payload, options).await,
            Fault::RequestLost => Err(lost()),
            Fault::AnswerLost => self.inner.put_opts(path, payload, options).await.and(Err(lost())),
            Fault::Late(millis) => {
                let (inner, path) = (self.inner.clone(), path.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    // Whether it still fits is what the test is about.
                    let _ = inner.put_opts(&path, payload, options).await;
                });
                Err(lost())
            }
            Fault::Denied => Err(denied(path)),
        };
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        match Faulty::next(&self.reads) {
            Fault::None => self.inner.get_opts(path, options).await,
            Fault::Denied => Err(denied(path)),
            _ => Err(lost()),
        }
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: object_store::RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}
