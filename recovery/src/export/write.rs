use std::collections::{HashMap, HashSet};
use std::io::Write;

use bytes::Bytes;
use firn_journal::{
    BlockRef, Epoch, Event, EventKind, Hash, JournalTip, PlacedExtent, Segment, Seq, VolumeId,
};
use firn_materializer::history::{History, HistoryError, Instant, ResolveError};
use firn_materializer::instant::When;
use futures::{StreamExt, TryStreamExt, stream};

use super::{ExportError, Header, Progress, Redactor, Summary, v1};

/// Blocks that are on their way while others are written.
const BLOCKS_AHEAD: usize = 8;

/// Writes the history from its first event up to `to`, or up to the end of what is durable, with a word about each
/// group that is done.
///
/// # Errors
/// The volume cannot be read, has no such instant, or `out` takes no more. What was written then is no export.
pub async fn export(
    history: &History,
    to: Option<&When>,
    mut redactor: Option<Redactor>,
    out: impl Write,
    mut tell: impl FnMut(Progress),
) -> Result<Summary, ExportError> {
    let last = last(history, to).await?;
    let header = Header {
        volume: history.volume(),
        block_size: history.manifest().block_size,
        redacted: redactor.is_some(),
        first: Seq(1),
        last: last.seq,
    };
    let mut writer = Writer::begin(out, &header)?;
    let mut journal = history.journal().replay(JournalTip::default());
    while writer.tip.seq < last.seq {
        let Some(mut segment) = journal.next().await? else {
            let head = journal.tip().seq;
            return Err(HistoryError::from(ResolveError::Beyond { seq: last.seq, head }).into());
        };
        history.blocks().learn(&segment.seals);
        segment.events.truncate(segment.events.partition_point(|event| event.seq <= last.seq));
        let mut contents = stream::iter(writer.missing(&segment.events))
            .map(|block| async move { Ok::<_, ExportError>((block, history.blocks().read(block).await?)) })
            .buffered(BLOCKS_AHEAD);
        while let Some((block, content)) = contents.try_next().await? {
            let content =
                redactor.as_ref().map(|redactor| redactor.content(&content).into()).unwrap_or(content);
            writer.block(block, &content)?;
        }
        if let Some(redactor) = &mut redactor {
            segment.events.iter_mut().for_each(|event| redactor.event(event));
        }
        writer.group(segment.epoch, &segment.events)?;
        tell(Progress { events: writer.tip.seq.0, of: last.seq.0 });
    }
    let (blocks, block_bytes, bytes) = writer.finish()?;
    Ok(Summary { last, blocks, block_bytes, bytes })
}

/// The last event of the export, which ends a transaction.
async fn last(history: &History, to: Option<&When>) -> Result<Instant, HistoryError> {
    match to {
        Some(when) => history.resolve(when).await,
        None => history.resolve(&When::Seq(history.durable().0.seq())).await,
    }
}

fn extents(kind: &EventKind) -> &[PlacedExtent] {
    match kind {
        EventKind::Written { extents, .. } | EventKind::ExtentsPut { extents, .. } => extents,
        _ => &[],
    }
}

/// A file that is being written, part by part.
pub(super) struct Writer<W> {
    out: W,
    /// Of all that was written.
    hasher: blake3::Hasher,
    volume: VolumeId,
    tip: JournalTip,
    written: HashSet<BlockRef>,
    /// Which block was written with these bytes.
    contents: HashMap<Hash, BlockRef>,
    block_bytes: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    pub fn begin(out: W, header: &Header) -> Result<Self, ExportError> {
        let mut writer = Writer {
            out,
            hasher: blake3::Hasher::new(),
            volume: header.volume,
            tip: JournalTip::default(),
            written: HashSet::new(),
            contents: HashMap::new(),
            block_bytes: 0,
            bytes: 0,
        };
        writer.put(&v1::encode_header(header))?;
        Ok(writer)
    }

    /// The blocks that these events name and that are not written yet, each once, in the order of the events.
    pub fn missing(&self, events: &[Event]) -> Vec<BlockRef> {
        let mut seen = HashSet::new();
        let extents = events.iter().flat_map(|event| extents(&event.kind));
        extents
            .map(|placed| placed.extent.block)
            .filter(|block| !self.written.contains(block) && seen.insert(*block))
            .collect()
    }

    /// A block that was not written yet.
    pub fn block(&mut self, block: BlockRef, content: &Bytes) -> Result<(), ExportError> {
        let hash = Hash::of(content);
        let part = match self.contents.get(&hash) {
            Some(other) => v1::encode_same(block, *other),
            None => {
                self.contents.insert(hash, block);
                v1::encode_content(block, content).map_err(ExportError::Write)?
            }
        };
        self.written.insert(block);
        self.block_bytes += content.len() as u64;
        self.put(&part)
    }

    /// The events that come next. Their blocks are written.
    pub fn group(&mut self, epoch: Epoch, events: &[Event]) -> Result<(), ExportError> {
        let (segment, tip) = Segment::encode_events(&self.tip, self.volume, epoch, events)?;
        self.tip = tip;
        self.put(&v1::encode_group(&segment))
    }

    /// The end. How many blocks, their bytes, and the bytes of the file.
    pub fn finish(mut self) -> Result<(u64, u64, u64), ExportError> {
        let hash = Hash(*self.hasher.finalize().as_bytes());
        self.put(&v1::encode_end(hash))?;
        self.out.flush().map_err(ExportError::Write)?;
        Ok((self.written.len() as u64, self.block_bytes, self.bytes))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(ExportError::Write)
    }
}
