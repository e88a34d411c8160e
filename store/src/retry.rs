use std::fmt::Display;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tokio::time::{Instant, timeout_at};

use crate::error::{Fault, StoreError, brief, classify, recognize};
use crate::health::{Direction, StoreHealth};
use crate::keys::{Family, Key};

mod pace;
#[cfg(test)]
mod tests;

pub use pace::{Backoff, Patience};
use pace::{REQUEST_LIMIT, limit, no_answer, whole_ms, within};

/// No object is larger: the most that all stores take in one put is 5 GiB, and no reader takes more.
const LARGEST_OBJECT_BYTES: u64 = 4 << 30;

/// What became of a create.
#[derive(Clone, Debug)]
#[must_use]
pub enum PutOutcome {
    /// The object is there, and it is ours.
    Created,
    /// There is an object of that name. It may be our own, from an earlier attempt whose answer was lost.
    Exists,
    /// The object may be there or not, now or a little later: read it back.
    Unknown(StoreError),
    /// The store refused, and will again. Nothing was written.
    Refused(StoreError),
}

/// An object that was listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
}

/// A volume's objects by their keys, with every request repeated while it may still succeed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Retrying {
    store: Arc<dyn ObjectStore>,
    health: StoreHealth,
    patience: Patience,
}

impl Retrying {
    /// Takes a store whose root is the volume.
    pub fn new(store: Arc<dyn ObjectStore>, health: StoreHealth, patience: Patience) -> Self {
        Retrying { store, health, patience }
    }

    /// The same store, with another patience.
    pub fn with_patience(&self, patience: Patience) -> Self {
        Retrying { patience, ..self.clone() }
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The store's health, which every request updates.
    pub fn health(&self) -> &StoreHealth {
        &self.health
    }

    /// A whole object; `None` if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Request`] when patience is at its end, or at once if repeating is of no use.
    pub async fn get(&self, key: Key) -> Result<Option<Bytes>, StoreError> {
        let (store, path) = (&self.store, &key.path());
        let answer = self.attempts(Action::Read, &key, |answer_limit| async move {
            let found = within(answer_limit, store.get_opts(path, GetOptions::default())).await?;
            let size = found.meta.size;
            if size > LARGEST_OBJECT_BYTES {
                let source = format!("it has {size} bytes; no object of Firn is larger than 4 GiB").into();
                return Err(object_store::Error::NotSupported { source });
            }
            complete(size, within(limit(size), found.bytes()).await?)
        });
        none_if_absent(answer.await)
    }

    /// The part of an object that lies in `range` (bytes): less than asked for if the object ends before;
    /// `None` if the object is not there.
    ///
    /// # Errors
    /// As [`Retrying::get`].
    pub async fn get_range(&self, key: Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        if range.is_empty() {
            return Ok(self.size(key).await?.map(|_| Bytes::new()));
        }
        let (store, path, range) = (&self.store, &key.path(), &range);
        let answer = self.attempts(Action::Read, &key, |answer_limit| async move {
            let options =
                GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
            match within(answer_limit, store.get_opts(path, options)).await {
                Ok(found) => {
                    let expected = range.start..range.end.min(found.meta.size);
                    if found.range != expected {
                        let source = format!("bytes {:?} came for bytes {expected:?}", found.range).into();
                        return Err(object_store::Error::NotSupported { source });
                    }
                    let size = expected.end.saturating_sub(expected.start);
                    complete(size, within(limit(size), found.bytes()).await?)
                }
                // Stores differ in how they say that a range begins after the end: so the size is asked for.
                Err(error) => match recognize(&error) {
                    None | Some(Fault::Permanent) => match within(answer_limit, store.head(path)).await {
                        Ok(meta) if meta.size <= range.start => Ok(Bytes::new()),
                        _ => Err(error),
                    },
                    Some(_) => Err(error),
                },
            }
        });
        none_if_absent(answer.await)
    }

    /// The size of an object in bytes; `None` if it is not there.
    ///
    /// # Errors
    /// As [`Retrying::get`].
    pub async fn size(&self, key: Key) -> Result<Option<u64>, StoreError> {
        let (store, path) = (&self.store, &key.path());
        let answer = self.attempts(Action::Read, &key, |answer_limit| within(answer_limit, store.head(path)));
        none_if_absent(answer.await.map(|meta| meta.size))
    }

    /// Writes an object, replacing any. Only for bytes that every writer of the key agrees on, and for advice:
    /// an attempt whose answer was lost may take effect after a later one.
    ///
    /// # Errors
    /// As [`Retrying::get`].
    pub async fn put(&self, key: Key, bytes: Bytes) -> Result<(), StoreError> {
        let (store, path, bytes) = (&self.store, &key.path(), &bytes);
        let time = limit(bytes.len() as u64);
        let attempt = |_| within(time, store.put(path, PutPayload::from(bytes.clone())));
        self.attempts(Action::Write, &key, attempt).await.map(|_| ())
    }

    /// Writes an object if there is none of that name: **one attempt**, since what to do about an unknown outcome
    /// is the caller's to decide.
    pub async fn put_if_absent(&self, key: Key, bytes: Bytes) -> PutOutcome {
        let path = key.path();
        let time = limit(bytes.len() as u64);
        match within(time, self.store.put_opts(&path, PutPayload::from(bytes), PutMode::Create.into())).await
        {
            Ok(_) => {
                self.health.succeeded(Direction::Write);
                PutOutcome::Created
            }
            Err(error) => match self.note(Action::Write, &error) {
                Fault::AlreadyExists => PutOutcome::Exists,
                fault if self.repeats(Action::Write, fault) => {
                    PutOutcome::Unknown(self.error(Action::Write, &key, error))
                }
                _ => PutOutcome::Refused(self.error(Action::Write, &key, error)),
            },
        }
    }

    /// The objects of a family, after the given key if there is one, in the order of their keys. Objects that are
    /// none of Firn's are left out.
    ///
    /// # Errors
    /// As [`Retrying::get`].
    pub async fn list(&self, family: Family, after: Option<Key>) -> Result<Vec<Listed>, StoreError> {
        let (store, prefix) = (&self.store, &family.prefix());
        let after = &after.map(Key::path);
        let mut listed = self
            .attempts(Action::List, prefix, |answer_limit| async move {
                let mut objects = match after {
                    Some(after) => store.list_with_offset(Some(prefix), after),
                    None => store.list(Some(prefix)),
                };
                let mut listed = Vec::new();
                while let Some(meta) = within(answer_limit, objects.next().map(Ok)).await?.transpose()? {
                    listed.extend(Key::of(&meta.location).map(|key| Listed { key, size: meta.size }));
                }
                Ok(listed)
            })
            .await?;
        // A local directory lists in any order.
        listed.sort_unstable_by_key(|object| object.key);
        Ok(listed)
    }

    /// Deletes an object; that it was not there is no error.
    ///
    /// # Errors
    /// As [`Retrying::get`].
    pub async fn delete(&self, key: Key) -> Result<(), StoreError> {
        let (store, path) = (&self.store, &key.path());
        let answer =
            self.attempts(Action::Delete, &key, |answer_limit| within(answer_limit, store.delete(path)));
        none_if_absent(answer.await).map(|_| ())
    }

    /// The first object that is there besides what probes have left.
    pub(crate) async fn first_stranger(&self) -> Result<Option<String>, StoreError> {
        let store = &self.store;
        self.attempts(Action::List, &"objects", |answer_limit| async move {
            let mut objects = store.list(None);
            while let Some(meta) = within(answer_limit, objects.next().map(Ok)).await?.transpose()? {
                if !matches!(Key::of(&meta.location), Some(Key::Probe { .. })) {
                    return Ok(Some(meta.location.to_string()));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Repeats `attempt` while that is of use and patience lasts. An attempt is told how long to wait for an
    /// answer to begin: at most half of the patience that is left, so that one connection that hangs is not the
    /// end of it.
    async fn attempts<T, F>(
        &self,
        action: Action,
        key: &(dyn Display + Sync),
        attempt: impl Fn(Duration) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let deadline = match self.patience {
            Patience::Forever => None,
            Patience::UpTo(time) => Some(Instant::now() + time),
        };
        let mut backoff = Backoff::default();
        loop {
            let answer = match deadline {
                None => attempt(REQUEST_LIMIT).await,
                Some(at) => {
                    let half = at.saturating_duration_since(Instant::now()) / 2;
                    let attempt = attempt(whole_ms(half.min(REQUEST_LIMIT)));
                    timeout_at(at, attempt).await.unwrap_or_else(|_| Err(no_answer()))
                }
            };
            let error = match answer {
                Ok(value) => {
                    self.health.succeeded(action.direction());
                    return Ok(value);
                }
                Err(error) => error,
            };
            let fault = self.note(action, &error);
            let pause = backoff.next_pause();
            let too_late = deadline.is_some_and(|at| Instant::now() + pause >= at);
            if too_late || !self.repeats(action, fault) {
                return Err(self.error(action, key, error));
            }
            tracing::debug!(?action, %key, error = brief(&error), ?pause, "trying again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether a failed request is to be made again.
    fn repeats(&self, action: Action, fault: Fault) -> bool {
        match fault {
            Fault::Transient => true,
            Fault::Denied => self.patience == Patience::Forever,
            // The bucket is gone; or a gateway says so, while what is behind it is away.
            Fault::NotFound => self.patience == Patience::Forever && action == Action::Write,
            Fault::AlreadyExists | Fault::Permanent => false,
        }
    }

    /// Enters a failed request into the store's health. A store that says no is well.
    fn note(&self, action: Action, error: &object_store::Error) -> Fault {
        let fault = classify(error);
        match fault {
            Fault::AlreadyExists => self.health.succeeded(action.direction()),
            Fault::NotFound if action != Action::Write => self.health.succeeded(action.direction()),
            _ => self.health.failed(action.direction(), brief(error)),
        }
        fault
    }

    fn error(&self, action: Action, key: &(dyn Display + Sync), source: object_store::Error) -> StoreError {
        let (key, at, fault) = (key.to_string(), self.store.to_string(), classify(&source));
        StoreError::Request { action: action.verb(), key, at, fault, source: Arc::new(source) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Read,
    List,
    Write,
    Delete,
}

impl Action {
    fn verb(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::List => "list",
            Action::Write => "write",
            Action::Delete => "delete",
        }
    }

    fn direction(self) -> Direction {
        match self {
            Action::Read | Action::List => Direction::Read,
            Action::Write | Action::Delete => Direction::Write,
        }
    }
}

/// A body that ends early is a broken connection, whatever the client made of it.
fn complete(size: u64, bytes: Bytes) -> object_store::Result<Bytes> {
    if bytes.len() as u64 == size {
        return Ok(bytes);
    }
    let message = format!("{} bytes came where {size} were announced", bytes.len());
    let source = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, message);
    Err(object_store::Error::Generic { store: "request", source: Box::new(source) })
}

fn none_if_absent<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.fault() == Fault::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
