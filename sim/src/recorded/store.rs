use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use firn_blocks::{Blocks, BlocksConfig};
use firn_clock::Entropy;
use firn_journal::{
    Appender, BlockRef, Epoch, Event, EventKind, Group, JournalReader, JournalTip, Mounting, PlacedExtent,
};
use firn_store::StoreHealth;
use object_store::ObjectStore;

use super::fold::unreadable;
use super::{Recorded, left_after, told};
use crate::oracle::{Failure, Oracle};

/// What was stored.
pub(crate) struct Stored {
    /// The end of each segment, in order.
    pub ends: Vec<JournalTip>,
}

impl Stored {
    /// The last turn of a writer.
    pub fn epoch(&self) -> u32 {
        self.ends.last().map_or(0, |tip| tip.epoch.0)
    }
}

/// Brings a recorded history into a volume that is empty: each turn is taken, each group is committed, and its
/// bytes are stored, by the code that ships. Reads it back, and compares.
///
/// # Errors
/// What could not be stored, or was read back otherwise.
pub(crate) async fn store(
    recorded: &Recorded,
    store: Arc<dyn ObjectStore>,
    config: BlocksConfig,
    entropy: Arc<dyn Entropy>,
) -> Result<Stored, Failure> {
    let (volume, health) = (recorded.volume(), StoreHealth::default());
    let blocks = Blocks::open(store.clone(), volume, config, health.clone()).await;
    let mut writer = Writer {
        recorded,
        journal: JournalReader::new(store, volume, health),
        blocks: blocks.map_err(|error| fails("its content", &error))?,
        entropy,
        appender: None,
        tip: JournalTip::default(),
        places: BTreeMap::new(),
        ends: Vec::new(),
    };
    for group in recorded.export.groups() {
        writer.group(group.map_err(unreadable)?).await?;
    }
    writer.reads_back().await?;
    Ok(Stored { ends: writer.ends })
}

fn fails(what: &str, error: &dyn Display) -> Failure {
    Oracle::Writer.fails(format!("{what} cannot be stored: {error}"))
}

struct Writer<'a> {
    recorded: &'a Recorded,
    journal: JournalReader,
    blocks: Arc<Blocks>,
    entropy: Arc<dyn Entropy>,
    /// The writer whose turn it is.
    appender: Option<Appender>,
    tip: JournalTip,
    /// Where the bytes of a block are here.
    places: BTreeMap<BlockRef, BlockRef>,
    ends: Vec<JournalTip>,
}

impl Writer<'_> {
    async fn group(&mut self, events: Vec<Event>) -> Result<(), Failure> {
        let was_empty = events.is_empty();
        let (mut rest, mut left) = (Vec::new(), 0);
        let mut before = self.tip;
        for mut event in events {
            let begins = left == 0 && takes_over(&event, before);
            left = left_after(left, &event);
            (before.seq, before.time) = (event.seq, event.time);
            if !begins {
                self.place(&mut event)?;
                rest.push(event);
                continue;
            }
            if !rest.is_empty() {
                self.append(std::mem::take(&mut rest)).await?;
            }
            self.claim(event).await?;
            before = self.tip;
        }
        if was_empty || !rest.is_empty() { self.append(rest).await } else { Ok(()) }
    }

    async fn claim(&mut self, event: Event) -> Result<(), Failure> {
        let text = told(&event);
        let EventKind::Mounted { host, pid, version, .. } = event.kind else { return Ok(()) };
        let mounting = Mounting { host, pid, version, actor: event.actor, time: event.time };
        let claimed = Appender::claim(&self.journal, self.tip, mounting, self.entropy.clone()).await;
        let (appender, segment) = claimed.map_err(|error| fails(&text, &error))?;
        self.appender = Some(appender);
        self.blocks.begin_epoch(segment.epoch);
        self.tip = JournalTip::of(&segment);
        self.ends.push(self.tip);
        Ok(())
    }

    async fn append(&mut self, events: Vec<Event>) -> Result<(), Failure> {
        let text = events.first().map_or_else(|| "an empty group".into(), told);
        let Some(appender) = &mut self.appender else {
            return Err(fails(&text, &"no writer has taken the volume over before it"));
        };
        let sealed = self.blocks.seal(self.blocks.cut()).await.map_err(|error| fails(&text, &error))?;
        let group = Group { events, seals: sealed.seals, rider: sealed.rider };
        let mut seals = Vec::new();
        for part in group.parts() {
            let receipt = appender.append(part).await.map_err(|error| fails(&text, &error))?;
            seals.extend(receipt.seals);
            self.tip = receipt.tip;
            self.ends.push(self.tip);
        }
        self.blocks.committed(&seals);
        Ok(())
    }

    /// Stages what an event names, and tells it where that is now.
    fn place(&mut self, event: &mut Event) -> Result<(), Failure> {
        let text = told(event);
        for PlacedExtent { extent, .. } in extents(&mut event.kind) {
            if !self.places.contains_key(&extent.block) {
                let bytes = self.recorded.block(extent.block);
                let bytes = bytes.map_err(|what| Oracle::Content.fails(format!("{text}: {what}")))?;
                let most = self.recorded.block_size() as usize;
                if bytes.len() > most {
                    let (block, len) = (extent.block, bytes.len());
                    let what = format!("{text}: {block:?} has {len} bytes, the largest block has {most}");
                    return Err(Oracle::Content.fails(what));
                }
                self.places.insert(extent.block, self.blocks.stage(bytes));
            }
            extent.block = self.places[&extent.block];
        }
        Ok(())
    }

    /// What is stored is what was recorded.
    async fn reads_back(&self) -> Result<(), Failure> {
        let mut recorded = self.recorded.export.events();
        let mut stored = self.journal.replay(JournalTip::default());
        let failed = |error| Oracle::Prefix.fails(format!("what was stored cannot be read back: {error}"));
        while let Some(segment) = stored.next().await.map_err(failed)? {
            for found in segment.events {
                let expected = recorded.next().transpose().map_err(unreadable)?;
                let expected = expected.map(|mut event| {
                    for PlacedExtent { extent, .. } in extents(&mut event.kind) {
                        extent.block = self.places[&extent.block];
                    }
                    event
                });
                Oracle::Prefix.holds(expected.as_ref() == Some(&found), || {
                    let expected = expected.as_ref().map(told);
                    format!("stored was {expected:?}, read back is {}", told(&found))
                })?;
            }
        }
        let missing = recorded.next().transpose().map_err(unreadable)?;
        Oracle::Prefix.holds(missing.is_none(), || {
            format!("{:?} was stored, and is not read back", missing.as_ref().map(told))
        })
    }
}

/// Whether a writer that takes the volume over at `tip` makes this very event. One that is odd is stored like any
/// other.
fn takes_over(event: &Event, tip: JournalTip) -> bool {
    let later = tip.seq.0 == 0 || event.time > tip.time;
    let next = tip.epoch.0.checked_add(1).map(Epoch);
    later && matches!(event.kind, EventKind::Mounted { epoch, .. } if Some(epoch) == next)
}

fn extents(kind: &mut EventKind) -> &mut [PlacedExtent] {
    match kind {
        EventKind::Written { extents, .. } | EventKind::ExtentsPut { extents, .. } => extents,
        _ => &mut [],
    }
}
