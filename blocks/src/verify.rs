//! Reading a pack for no other purpose than to know that it is well.

use std::sync::Arc;

use firn_journal::{BlockRef, PackSeal};

use crate::objects::PackObject;
use crate::pack::{self, HEADER_LEN, Owner, Place, Slot};
use crate::reader::Reader;
use crate::{BlocksError, PackError, Part};

/// Bytes that are read at once, or a little more.
const WINDOW: u64 = 8 << 20;

impl Reader {
    /// Reads a whole pack from the store, past all caches, and compares everything with its checksums.
    pub(crate) async fn verify(self: &Arc<Self>, seal: &PackSeal) -> Result<(), BlocksError> {
        let object = PackObject::of(seal);
        pack::check_lengths(seal).map_err(|problem| object.corrupt(Part::Table, problem))?;
        let table_at = seal.len - u64::from(seal.table_len);
        let tail = self.get(&object, table_at..seal.len, Part::Table).await?;
        let table =
            pack::decode_table(&tail, seal).map_err(|problem| object.corrupt(Part::Table, problem))?;

        let header = self.get(&object, 0..HEADER_LEN as u64, Part::Header).await?;
        if header[..] != pack::header(Owner { volume: self.volume, pack: seal.pack }) {
            return Err(object.corrupt(Part::Header, PackError::Header));
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header);
        let mut rest = &table.slots[..];
        while let Some(window) = next_window(&mut rest, table.slots.len()) {
            let bytes = self.get(&object, window.range.clone(), Part::Body).await?;
            hasher.update(&bytes);
            for (slot, entry) in (window.first_slot..).zip(window.slots) {
                let Place::Here { offset, stored, codec } = entry.place else { continue };
                let start = (offset - window.range.start) as usize;
                pack::decode_block(&bytes[start..start + stored as usize], entry, codec)
                    .map_err(|problem| object.corrupt(Part::Slot(slot), problem))?;
                tokio::task::yield_now().await;
            }
        }
        let found = firn_journal::Hash(*hasher.finalize().as_bytes());
        if found != table.body_hash {
            let problem = PackError::BodyHash { expected: table.body_hash, found };
            return Err(object.corrupt(Part::Body, problem));
        }
        self.verify_aliases(&object, &table.slots).await
    }

    async fn verify_aliases(
        self: &Arc<Self>,
        object: &PackObject,
        slots: &[Slot],
    ) -> Result<(), BlocksError> {
        for (number, slot) in (0..).zip(slots) {
            let Place::Alias(BlockRef { pack, slot: target }) = slot.place else { continue };
            let other = if pack == object.pack { None } else { Some(self.tables.load(self, pack).await?) };
            let there = other.as_ref().map_or(slots, |other| other.slots());
            pack::check_alias(slot, there.get(target as usize))
                .map_err(|problem| object.corrupt(Part::Slot(number), problem))?;
        }
        Ok(())
    }
}

/// Slots whose blocks are read at once.
struct Window<'a> {
    first_slot: u32,
    slots: &'a [Slot],
    range: std::ops::Range<u64>,
}

/// Takes slots off `rest` up to about [`WINDOW`] stored bytes; `None` when no stored block is left.
fn next_window<'a>(rest: &mut &'a [Slot], total: usize) -> Option<Window<'a>> {
    let first_slot = (total - rest.len()) as u32;
    let mut range: Option<std::ops::Range<u64>> = None;
    let mut taken = 0;
    for slot in rest.iter() {
        if range.as_ref().is_some_and(|range| range.end - range.start >= WINDOW) {
            break;
        }
        taken += 1;
        if let Place::Here { offset, stored, .. } = slot.place {
            range.get_or_insert(offset..offset).end = offset + u64::from(stored);
        }
    }
    let (slots, left) = rest.split_at(taken);
    *rest = left;
    range.map(|range| Window { first_slot, slots, range })
}
