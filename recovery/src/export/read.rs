use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use firn_journal::{BlockRef, Event, Hash, JournalTip, Segment, Seq, VolumeId};

use super::source::Source;
use super::v1::{self, Part};
use super::{ExportError, Header};

/// An export that was read through once and found whole. Its events and blocks are read when they are asked for.
pub struct Export {
    source: Source,
    header: Header,
    groups: Vec<Place>,
    blocks: BTreeMap<BlockRef, Place>,
}

/// A part that holds a group, or the bytes of a block.
#[derive(Clone, Copy)]
struct Place {
    /// Where its head is.
    offset: u64,
}

impl Export {
    /// Reads the file through and compares it with its checksum.
    ///
    /// # Errors
    /// It is no export, of another version, or not as it was written.
    pub fn open(path: &Path) -> Result<Export, ExportError> {
        Self::scan(Source::open(path)?)
    }

    /// The same, of a file that is in memory.
    ///
    /// # Errors
    /// As [`Export::open`].
    pub fn read(bytes: Bytes) -> Result<Export, ExportError> {
        Self::scan(Source::Memory(bytes))
    }

    /// The volume whose history it is.
    pub fn volume(&self) -> VolumeId {
        self.header.volume
    }

    /// The volume's block size: no block is larger.
    pub fn block_size(&self) -> u32 {
        self.header.block_size
    }

    /// Whether names and content are stand-ins.
    pub fn is_redacted(&self) -> bool {
        self.header.redacted
    }

    /// The first and the last event.
    pub fn range(&self) -> (Seq, Seq) {
        (self.header.first, self.header.last)
    }

    /// The events in their order. Nothing comes after an error.
    pub fn events(&self) -> impl Iterator<Item = Result<Event, ExportError>> + '_ {
        self.groups().flat_map(|group| match group {
            Ok(events) => events.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    /// The events in the groups in which they were committed; a group may be empty. Nothing comes after an error.
    pub fn groups(&self) -> impl Iterator<Item = Result<Vec<Event>, ExportError>> + '_ {
        let mut tip = JournalTip::default();
        let mut places = self.groups.iter();
        let mut ended = false;
        std::iter::from_fn(move || {
            let next = match places.next() {
                _ if ended => return None,
                Some(place) => self.group(*place, &mut tip),
                None => {
                    ended = true;
                    return self.check_end(tip).err().map(Err);
                }
            };
            ended = next.is_err();
            Some(next)
        })
    }

    /// All bytes of a block that an event names.
    ///
    /// # Errors
    /// It is not there, or the file was changed since it was opened.
    pub fn block(&self, block: BlockRef) -> Result<Bytes, ExportError> {
        let place = self.blocks.get(&block).ok_or(ExportError::NoBlock(block))?;
        let (kind, bytes) = part_at(&self.source, place.offset)?;
        match v1::decode_part(kind, &bytes) {
            Ok(Part::Content { content, .. }) => content.decode().map(Bytes::from),
            Ok(_) => Err(CHANGED),
            Err(problem) => Err(problem),
        }
        .map_err(|problem| damaged(place.offset, problem))
    }

    /// The blocks that it has, in the order of their packs.
    pub fn blocks(&self) -> impl Iterator<Item = BlockRef> + '_ {
        self.blocks.keys().copied()
    }

    fn scan(source: Source) -> Result<Export, ExportError> {
        let (header, bytes) = read_header(&source)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes);
        let mut export = Export { source, header, groups: Vec::new(), blocks: BTreeMap::new() };
        let mut offset = bytes.len() as u64;
        loop {
            let (kind, bytes) = part_at(&export.source, offset)?;
            let next = offset + (v1::HEAD_LEN + bytes.len()) as u64;
            let part = v1::decode_part(kind, &bytes).map_err(|problem| damaged(offset, problem))?;
            if let Part::End(expected) = part {
                let found = Hash(*hasher.finalize().as_bytes());
                return match (found == expected, next == export.source.len()) {
                    (true, true) => Ok(export),
                    (false, _) => Err(damaged(offset, "the checksum of all before is another")),
                    (true, false) => Err(damaged(next, "something follows its end")),
                };
            }
            export.note(part, offset).map_err(|problem| damaged(offset, problem))?;
            hasher.update(&[kind]).update(&(bytes.len() as u32).to_le_bytes()).update(&bytes);
            offset = next;
        }
    }

    /// Notes where to find a part.
    fn note(&mut self, part: Part, offset: u64) -> Result<(), &'static str> {
        let (block, place) = match part {
            Part::Content { block, .. } => (block, Place { offset }),
            Part::Same { block, other } => {
                (block, *self.blocks.get(&other).ok_or("a block is one that does not come before it")?)
            }
            Part::Group(_) => {
                self.groups.push(Place { offset });
                return Ok(());
            }
            Part::End(_) => return Ok(()),
        };
        match self.blocks.insert(block, place) {
            None => Ok(()),
            Some(_) => Err("a block is there twice"),
        }
    }

    /// Reads a group, which must follow `tip`, and moves that on.
    fn group(&self, place: Place, tip: &mut JournalTip) -> Result<Vec<Event>, ExportError> {
        let (_, bytes) = part_at(&self.source, place.offset)?;
        let (header, segment) = Segment::decode(&bytes)?;
        if header.object_len() != bytes.len() as u64 || !segment.seals.is_empty() {
            return Err(damaged(place.offset, "a group of events holds something else too"));
        }
        if header.volume != self.header.volume || header.no != tip.segment.next() {
            return Err(damaged(place.offset, "a group of events is of another volume or out of order"));
        }
        *tip = tip.follow(&segment)?;
        Ok(segment.events)
    }

    fn check_end(&self, tip: JournalTip) -> Result<(), ExportError> {
        match tip.seq == self.header.last {
            true => Ok(()),
            false => Err(damaged(self.source.len(), "its events do not end where its header says")),
        }
    }
}

const CHANGED: &str = "the file was changed while it was open";

fn read_header(source: &Source) -> Result<(Header, Bytes), ExportError> {
    let start_len = v1::MAGIC.len() + size_of_val(&v1::VERSION);
    let start = source.read(0, start_len.min(source.len() as usize))?.unwrap_or_default();
    let Some((version, _)) = start.strip_prefix(&v1::MAGIC).and_then(|rest| rest.split_first_chunk()) else {
        return Err(ExportError::Magic { found: start.into() });
    };
    match u32::from_le_bytes(*version) {
        v1::VERSION => {}
        found => return Err(ExportError::Version { found, supported: v1::VERSION }),
    }
    let bytes = source.read(0, v1::HEADER_LEN)?.unwrap_or_default();
    let header = bytes.first_chunk().ok_or("its header is cut off").and_then(v1::decode_header);
    header.map(|header| (header, bytes)).map_err(|problem| damaged(0, problem))
}

/// The kind and the bytes of the part whose head is at `offset`.
fn part_at(source: &Source, offset: u64) -> Result<(u8, Bytes), ExportError> {
    let cut_off = || damaged(offset, "it ends here, without an end: it is cut off");
    let head = source.read(offset, v1::HEAD_LEN)?.ok_or_else(cut_off)?;
    let (kind, len) = v1::decode_head(*head.first_chunk().ok_or_else(cut_off)?);
    let bytes = source.read(offset + v1::HEAD_LEN as u64, len as usize)?.ok_or_else(cut_off)?;
    Ok((kind, bytes))
}

fn damaged(offset: u64, problem: &'static str) -> ExportError {
    ExportError::Damaged { offset, problem }
}
