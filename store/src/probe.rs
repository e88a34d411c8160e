use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use object_store::ObjectStore;

use crate::manifest::patient;
use crate::{Capability, Family, Fault, Key, PutOutcome, Retrying, StoreError};

#[cfg(test)]
mod tests;

/// How many creates race for one key. Some servers keep the condition for one client and break it for several.
const RACERS: u8 = 8;

/// The objects of a probe: the raced one, and those that are listed after it.
const RACED: u8 = 0;
const LISTED: [u8; 3] = [1, 2, 3];

/// Tries what Firn needs of a store, really: creates that race and creates that come too late, a ranged read, a
/// listing after a key. `put_id` names the probe and must be unique. What the probe wrote is deleted again; what
/// a probe that died has left is ignored by everyone.
///
/// # Errors
/// [`StoreError::MissingCapability`] names what the store lacks. [`StoreError::Request`] means that the probe
/// could not be carried out.
pub async fn probe(store: &Arc<dyn ObjectStore>, put_id: [u8; 16]) -> Result<(), StoreError> {
    let probe = Probe { objects: patient(store), put_id };
    let verdict = probe.run().await;
    let parts = [RACED].into_iter().chain(LISTED);
    for answer in join_all(parts.map(|part| probe.objects.delete(probe.key(part)))).await {
        if let Err(error) = answer {
            tracing::debug!(%error, "an object of the probe stays behind");
        }
    }
    verdict
}

struct Probe {
    objects: Retrying,
    put_id: [u8; 16],
}

impl Probe {
    fn key(&self, part: u8) -> Key {
        Key::Probe { put_id: self.put_id, part }
    }

    /// What racer `n` writes.
    fn content(n: u8) -> Bytes {
        Bytes::from(format!("racer {n:03}"))
    }

    async fn run(&self) -> Result<(), StoreError> {
        let content = self.race().await?;
        self.late_create(&content).await?;
        self.ranged_get(&content).await?;
        self.list_with_offset().await
    }

    /// Of creates that race, one wins, and what it wrote is what is there.
    async fn race(&self) -> Result<Bytes, StoreError> {
        let create = |n| self.objects.put_if_absent(self.key(RACED), Self::content(n));
        let outcomes = join_all((0..RACERS).map(create)).await;
        let mut winners = Vec::new();
        let mut in_doubt = None;
        for (outcome, n) in outcomes.into_iter().zip(0..) {
            match outcome {
                PutOutcome::Created => winners.push(n),
                PutOutcome::Exists => {}
                PutOutcome::Unknown(error) => in_doubt = Some(error),
                PutOutcome::Refused(error) => return Err(self.refused(error)),
            }
        }
        match (winners[..].as_ref(), in_doubt) {
            ([winner], _) => self.content_is(Self::content(*winner)).await,
            ([], None) => {
                Err(self
                    .lacks(Capability::PutIfAbsent, "every create of a new object was told that it exists"))
            }
            // Nobody heard that it won: whose content is there does not matter.
            ([], Some(error)) => self.objects.get(self.key(RACED)).await?.ok_or(error),
            (several, _) => {
                let found = format!(
                    "{} of {RACERS} creates of one object were told that they made it",
                    several.len()
                );
                Err(self.lacks(Capability::PutIfAbsent, &found))
            }
        }
    }

    async fn content_is(&self, expected: Bytes) -> Result<Bytes, StoreError> {
        if self.objects.get(self.key(RACED)).await? == Some(expected.clone()) {
            return Ok(expected);
        }
        Err(self.lacks(Capability::PutIfAbsent, "the object is not what its only successful create wrote"))
    }

    /// A create that comes too late is told so, and changes nothing.
    async fn late_create(&self, content: &Bytes) -> Result<(), StoreError> {
        match self.objects.put_if_absent(self.key(RACED), Self::content(RACERS)).await {
            PutOutcome::Exists => self.content_is(content.clone()).await.map(|_| ()),
            PutOutcome::Created => {
                Err(self.lacks(Capability::PutIfAbsent, "a create of an object that exists replaced it"))
            }
            PutOutcome::Unknown(error) => Err(error),
            PutOutcome::Refused(error) => Err(self.refused(error)),
        }
    }

    async fn ranged_get(&self, content: &Bytes) -> Result<(), StoreError> {
        let range = || self.objects.get_range(self.key(RACED), 2..6);
        let answer = match range().await {
            // Whether it is the range that fails: the same request without one tells, and another one with it.
            Err(_) if self.objects.get(self.key(RACED)).await?.is_some() => range().await,
            answer => answer,
        };
        let found = match answer {
            Ok(Some(part)) if part == content.slice(2..6) => return Ok(()),
            Ok(Some(part)) => format!("it sent {} bytes for bytes 2 to 6, or not the right ones", part.len()),
            Ok(None) => "the object is not there for a ranged get".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(self.lacks(Capability::RangedGet, &found))
    }

    async fn list_with_offset(&self) -> Result<(), StoreError> {
        let puts = LISTED.map(|part| self.objects.put(self.key(part), Self::content(part)));
        join_all(puts).await.into_iter().collect::<Result<(), _>>()?;
        let listed = self.objects.list(Family::Probes, Some(self.key(LISTED[0]))).await?;
        let of_this_probe = |key: &Key| matches!(key, Key::Probe { put_id, .. } if *put_id == self.put_id);
        let found: Vec<Key> = listed.into_iter().map(|object| object.key).filter(of_this_probe).collect();
        let expected: Vec<Key> = LISTED[1..].iter().map(|&part| self.key(part)).collect();
        if found == expected {
            return Ok(());
        }
        let (found, expected) = (found.len(), expected.len());
        let found = format!(
            "after the first of {} objects it listed {found}, not the {expected} others",
            LISTED.len()
        );
        Err(self.lacks(Capability::ListWithOffset, &found))
    }

    /// A store that will never take a create lacks it; one that was not asked properly does not.
    fn refused(&self, error: StoreError) -> StoreError {
        match error.fault() {
            Fault::Permanent => self.lacks(Capability::PutIfAbsent, &error.to_string()),
            _ => error,
        }
    }

    fn lacks(&self, capability: Capability, found: &str) -> StoreError {
        StoreError::MissingCapability {
            at: self.objects.store().to_string(),
            capability,
            found: found.to_owned(),
        }
    }
}
