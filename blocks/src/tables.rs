//! Pack tables in memory, as many as the budget allows. Of a small pack, the blocks come along.

use std::sync::Arc;

use bytes::Bytes;
use firn_journal::{BlockRef, Hash, PackId, PackSeal};
use foyer::{Cache, CacheBuilder};

use crate::disk::PartKey;
use crate::memory::shards;
use crate::objects::PackObject;
use crate::pack::{self, Slot, Table};
use crate::reader::Reader;
use crate::seal::Kept;
use crate::{BlocksError, PackError, Part};

/// A pack up to this size, in bytes, is read whole: one request instead of two.
pub(crate) const SMALL_PACK: u64 = 256 << 10;

/// What an entry costs besides its bytes.
const ENTRY_BYTES: usize = 256;

/// A pack whose table is known and verified.
pub(crate) struct LoadedPack {
    pub object: PackObject,
    table: Table,
    /// Everything before the table, if the pack is small and these are the bytes that were written.
    body: Option<Bytes>,
}

impl LoadedPack {
    /// Takes what was read of a pack: its table with the trailer or, if the pack is small, all of it.
    pub(crate) fn of(seal: &PackSeal, bytes: &Bytes) -> Result<Self, PackError> {
        pack::check_lengths(seal)?;
        let expected = seal.len - read_from(seal);
        if bytes.len() as u64 != expected {
            return Err(PackError::Short { expected, found: bytes.len() as u64 });
        }
        let table_at = bytes.len() - seal.table_len as usize;
        let table = pack::decode_table(&bytes[table_at..], seal)?;
        let body = is_small(seal).then(|| bytes.slice(..table_at));
        // A damaged body is not kept: whoever reads a block of it fetches that block, and learns which is bad.
        let body = body.filter(|body| Hash::of(body) == table.body_hash);
        Ok(LoadedPack { object: PackObject::of(seal), table, body })
    }

    /// A pack that was just written, and where it was committed.
    pub(crate) fn written(seal: &PackSeal, kept: Kept) -> Self {
        LoadedPack { object: PackObject::of(seal), table: kept.table, body: kept.body }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.table.slots
    }

    pub(crate) fn slot(&self, block: BlockRef) -> Result<&Slot, BlocksError> {
        let none = BlocksError::OutOfRange { block, skip: 0, wanted: 1, len: 0 };
        self.table.slots.get(block.slot as usize).ok_or(none)
    }

    /// Stored bytes, if the pack is small.
    pub(crate) fn stored(&self, offset: u64, len: u32) -> Option<Bytes> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(len as usize)?;
        self.body.as_ref().filter(|body| end <= body.len()).map(|body| body.slice(start..end))
    }

    /// Whether all is here that is kept of a pack of this size.
    fn is_whole(&self, seal: &PackSeal) -> bool {
        self.body.is_some() == is_small(seal)
    }

    fn weight(&self) -> usize {
        let body = self.body.as_ref().map_or(0, Bytes::len);
        ENTRY_BYTES + body + self.table.slots.len() * size_of::<Slot>()
    }
}

pub(crate) fn is_small(seal: &PackSeal) -> bool {
    seal.len <= SMALL_PACK
}

/// Where the bytes begin that are read to know a pack.
fn read_from(seal: &PackSeal) -> u64 {
    if is_small(seal) { 0 } else { seal.len - u64::from(seal.table_len) }
}

/// The tables that are in memory.
pub(crate) struct Tables(Cache<PackId, Arc<LoadedPack>>);

impl Tables {
    pub(crate) fn new(capacity: usize) -> Self {
        let builder = CacheBuilder::new(capacity)
            .with_name("firn-tables")
            .with_shards(shards(capacity, SMALL_PACK as usize))
            .with_weighter(|_: &PackId, pack: &Arc<LoadedPack>| pack.weight());
        Tables(builder.build())
    }

    pub(crate) fn insert(&self, pack: Arc<LoadedPack>) {
        self.0.insert(pack.object.pack, pack);
    }

    /// A pack's table, from memory, from the disk cache or from the store: fetched once for all who ask.
    pub(crate) async fn load(
        &self,
        reader: &Arc<Reader>,
        pack: PackId,
    ) -> Result<Arc<LoadedPack>, BlocksError> {
        if let Some(known) = self.0.get(&pack) {
            return Ok(known.value().clone());
        }
        let reader = reader.clone();
        let fetched = self.0.get_or_fetch(&pack, || async move { fetch(&reader, pack).await.map(Arc::new) });
        match fetched.await {
            Ok(entry) => Ok(entry.value().clone()),
            Err(error) => Err(error.downcast_ref().cloned().unwrap_or(BlocksError::Abandoned)),
        }
    }
}

async fn fetch(reader: &Reader, pack: PackId) -> Result<LoadedPack, BlocksError> {
    let seal = reader.directory.get(pack).ok_or(BlocksError::Unknown(pack))?;
    let object = PackObject::of(&seal);
    let corrupt = |problem| object.corrupt(Part::Table, problem);
    pack::check_lengths(&seal).map_err(corrupt)?;
    let key = PartKey::index(pack);
    if let Some(disk) = &reader.disk
        && let Some(bytes) = disk.get(key).await
    {
        match LoadedPack::of(&seal, &bytes) {
            Ok(loaded) if loaded.is_whole(&seal) => return Ok(loaded),
            _ => disk.forget(key),
        }
    }
    let bytes = reader.get(&object, read_from(&seal)..seal.len, Part::Table).await?;
    let loaded = LoadedPack::of(&seal, &bytes).map_err(corrupt)?;
    if let Some(disk) = reader.disk.as_ref().filter(|_| loaded.is_whole(&seal)) {
        disk.put(key, &bytes);
    }
    Ok(loaded)
}
