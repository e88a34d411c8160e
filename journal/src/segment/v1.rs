//! Version 1 of the segment format, frozen: see `docs/formats.md`, "Segments". Bytes that this module ever
//! wrote must stay readable; a change is a new version in a module of its own.
//!
//! Object: header (200 bytes) | body (zstd) | rider. Integers of the header are little-endian.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use firn_clock::Timestamp;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{DCtx, ResetDirective};

use super::{Content, Draft, Part, Segment, SegmentError, SegmentHeader};
use crate::codec::{CodecError, Field, Input, Output, kinds};
use crate::{Actor, Epoch, Event, EventKind, Hash, JournalTip, PackHome, PackSeal, SegmentNo, Seq, VolumeId};

pub(super) const VERSION: u32 = 1;
pub(super) const HEADER_LEN: usize = 200;

const MAGIC: [u8; 8] = *b"firn.seg";
/// Bytes under the header's own checksum, which are the rest.
const HASHED_LEN: usize = HEADER_LEN - 32;
/// The largest body, decompressed.
const BODY_RAW_LIMIT: u64 = 1 << 30;
const COMPRESSION_LEVEL: i32 = 3;
/// The least bytes of an actor, of a seal and of an event.
const ACTOR_LEAST_LEN: usize = 4;
const SEAL_LEAST_LEN: usize = 37;
const EVENT_LEAST_LEN: usize = 4;

/// The version that an object names, whatever version it is.
pub(super) fn version(start: &[u8; 12]) -> Result<u32, SegmentError> {
    let [magic @ .., a, b, c, d] = *start;
    if magic != MAGIC {
        return Err(SegmentError::Magic { expected: MAGIC, found: magic });
    }
    Ok(u32::from_le_bytes([a, b, c, d]))
}

pub(super) fn encode(tip: &JournalTip, content: Content) -> Result<Draft, SegmentError> {
    let rider_len = content.rider.len() as u64;
    check_rider(rider_len, &content.seals)?;
    let raw = encode_body(tip, &content)?;
    let body = compress(&raw)?;
    let times = content.events.first().zip(content.events.last());
    let mut header = SegmentHeader {
        volume: content.volume,
        no: tip.segment.next(),
        epoch: content.epoch,
        put_id: content.put_id,
        first_seq: tip.seq.next(),
        count: limited("events", content.events.len(), u64::from(u32::MAX))?,
        seals: limited("seals", content.seals.len(), u64::from(u32::MAX))?,
        first_time: times.map_or(tip.time, |(first, _)| first.time),
        last_time: times.map_or(tip.time, |(_, last)| last.time),
        previous: tip.hash,
        body_raw_len: limited("bytes", raw.len(), BODY_RAW_LIMIT)?,
        body_len: limited("compressed bytes", body.len(), u64::from(u32::MAX))?,
        body_hash: Hash::of(&body),
        rider_len,
        hash: Hash::NONE,
    };
    let mut object = encode_header(&header);
    header.hash = Hash::of(&object);
    object.extend_from_slice(&header.hash.0);
    object.extend_from_slice(&body);
    object.extend_from_slice(content.rider);
    let seals = content.seals.into_iter().map(|seal| placed(seal, &header)).collect();
    Ok(Draft { tip: JournalTip::of_header(&header), bytes: object.into(), seals })
}

fn encode_header(header: &SegmentHeader) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.object_len() as usize);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&header.epoch.0.to_le_bytes());
    out.extend_from_slice(&header.volume.0);
    out.extend_from_slice(&header.put_id);
    out.extend_from_slice(&header.no.0.to_le_bytes());
    out.extend_from_slice(&header.first_seq.0.to_le_bytes());
    out.extend_from_slice(&header.count.to_le_bytes());
    out.extend_from_slice(&header.seals.to_le_bytes());
    out.extend_from_slice(&header.first_time.0.to_le_bytes());
    out.extend_from_slice(&header.last_time.0.to_le_bytes());
    out.extend_from_slice(&header.previous.0);
    out.extend_from_slice(&header.body_raw_len.to_le_bytes());
    out.extend_from_slice(&header.body_len.to_le_bytes());
    out.extend_from_slice(&header.rider_len.to_le_bytes());
    out.extend_from_slice(&header.body_hash.0);
    assert_eq!(out.len(), HASHED_LEN, "the header's layout is fixed");
    out
}

pub(super) fn decode_header(object: &[u8]) -> Result<SegmentHeader, SegmentError> {
    let short = || SegmentError::Short { expected: HEADER_LEN as u64, found: object.len() as u64 };
    let bytes = object.first_chunk::<HEADER_LEN>().ok_or_else(short)?;
    let header = header_fields(bytes).map_err(|_| short())?;
    let found = Hash::of(&bytes[..HASHED_LEN]);
    if found != header.hash {
        return Err(SegmentError::HeaderHash { expected: header.hash, found });
    }
    check_header(&header)?;
    Ok(header)
}

fn header_fields(bytes: &[u8; HEADER_LEN]) -> Result<SegmentHeader, CodecError> {
    let mut input = Input::new(&bytes[MAGIC.len() + size_of_val(&VERSION)..]);
    Ok(SegmentHeader {
        epoch: Epoch(u32::from_le_bytes(input.array()?)),
        volume: VolumeId(input.array()?),
        put_id: input.array()?,
        no: SegmentNo(u64::from_le_bytes(input.array()?)),
        first_seq: Seq(u64::from_le_bytes(input.array()?)),
        count: u32::from_le_bytes(input.array()?),
        seals: u32::from_le_bytes(input.array()?),
        first_time: Timestamp::take(&mut input)?,
        last_time: Timestamp::take(&mut input)?,
        previous: Hash::take(&mut input)?,
        body_raw_len: u32::from_le_bytes(input.array()?),
        body_len: u32::from_le_bytes(input.array()?),
        rider_len: u64::from_le_bytes(input.array()?),
        body_hash: Hash::take(&mut input)?,
        hash: Hash::take(&mut input)?,
    })
}

/// A right checksum says that the bytes are the writer's, not that the writer made sense.
fn check_header(header: &SegmentHeader) -> Result<(), SegmentError> {
    if header.no.0 == 0 || header.first_seq.0 == 0 {
        return Err(SegmentError::Header("segments and events are numbered from 1"));
    }
    if header.first_seq.0.checked_add(u64::from(header.count)).is_none() {
        return Err(SegmentError::Header("its events are numbered beyond 64 bits"));
    }
    if header.first_time > header.last_time {
        return Err(SegmentError::Header("it ends before it begins"));
    }
    if u64::from(header.body_raw_len) > BODY_RAW_LIMIT {
        return Err(SegmentError::Header("its body is larger than 1 GiB"));
    }
    if header.rider_offset().checked_add(header.rider_len).is_none() {
        return Err(SegmentError::Header("its rider is larger than any object"));
    }
    Ok(())
}

fn encode_body(tip: &JournalTip, content: &Content) -> Result<Vec<u8>, SegmentError> {
    let mut out = Output::default();
    let (actors, indexes) = actor_table(content.events);
    out.varint(actors.len() as u64);
    actors.iter().for_each(|actor| actor.put(&mut out));
    for seal in &content.seals {
        seal.pack.put(&mut out);
        seal.home.put(&mut out);
        seal.len.put(&mut out);
        seal.table_len.put(&mut out);
        seal.table_hash.put(&mut out);
    }
    let mut time = content.events.first().map_or(tip.time, |event| event.time);
    for (event, actor) in content.events.iter().zip(indexes) {
        kinds::check(&event.kind)
            .map_err(|source| SegmentError::Value { part: Part::Event(event.seq), source })?;
        actor.put(&mut out);
        // Times do not decrease, so that the difference, however large, fits 64 bits without sign.
        out.varint(event.time.0.wrapping_sub(time.0) as u64);
        event.kind.put(&mut out);
        time = event.time;
    }
    Ok(out.into_bytes())
}

/// Each actor once, in the order of first appearance, and the place of each event's actor.
fn actor_table(events: &[Event]) -> (Vec<&Actor>, Vec<u64>) {
    let mut actors = Vec::new();
    let mut known = BTreeMap::new();
    let indexes = events.iter().map(|event| {
        *known.entry(&*event.actor).or_insert_with(|| {
            actors.push(&*event.actor);
            actors.len() as u64 - 1
        })
    });
    let indexes = indexes.collect();
    (actors, indexes)
}

pub(super) fn decode_body(header: &SegmentHeader, body: &[u8]) -> Result<Segment, SegmentError> {
    if body.len() as u64 != u64::from(header.body_len) {
        return Err(SegmentError::Short {
            expected: header.rider_offset(),
            found: HEADER_LEN as u64 + body.len() as u64,
        });
    }
    let found = Hash::of(body);
    if found != header.body_hash {
        return Err(SegmentError::BodyHash { expected: header.body_hash, found });
    }
    let raw = decompress(body, header.body_raw_len)?;
    let mut input = Input::new(&raw);
    let actors = decode_actors(&mut input).map_err(within(Part::Actors))?;
    let seals = decode_seals(&mut input, header).map_err(within(Part::Seals))?;
    check_rider(header.rider_len, &seals)?;
    let events = decode_events(&mut input, header, &actors)?;
    input.finish().map_err(within(Part::End))?;
    let last_time = events.last().map_or(header.last_time, |event| event.time);
    if last_time != header.last_time || (events.is_empty() && header.first_time != header.last_time) {
        return Err(SegmentError::Header("its last time is not that of its last event"));
    }
    Ok(Segment {
        no: header.no,
        put_id: header.put_id,
        hash: header.hash,
        previous: header.previous,
        epoch: header.epoch,
        time: (header.first_time, header.last_time),
        first_seq: header.first_seq,
        events,
        seals,
    })
}

fn within(part: Part) -> impl FnOnce(CodecError) -> SegmentError {
    move |source| SegmentError::Value { part, source }
}

fn decode_actors(input: &mut Input) -> Result<Vec<Arc<Actor>>, CodecError> {
    let count = input.varint()?;
    let mut actors = Vec::with_capacity(input.room_for(count, ACTOR_LEAST_LEN));
    for _ in 0..count {
        actors.push(Arc::new(Actor::take(input)?));
    }
    Ok(actors)
}

fn decode_seals(input: &mut Input, header: &SegmentHeader) -> Result<Vec<PackSeal>, CodecError> {
    let mut seals = Vec::with_capacity(input.room_for(u64::from(header.seals), SEAL_LEAST_LEN));
    for _ in 0..header.seals {
        let seal = PackSeal {
            pack: Field::take(input)?,
            segment: header.no,
            home: Field::take(input)?,
            len: Field::take(input)?,
            table_len: Field::take(input)?,
            table_hash: Field::take(input)?,
        };
        seals.push(placed(seal, header));
    }
    Ok(seals)
}

fn decode_events(
    input: &mut Input,
    header: &SegmentHeader,
    actors: &[Arc<Actor>],
) -> Result<Vec<Event>, SegmentError> {
    let mut events = Vec::with_capacity(input.room_for(u64::from(header.count), EVENT_LEAST_LEN));
    let (mut seq, mut time) = (header.first_seq, header.first_time);
    for _ in 0..header.count {
        let value = |source| SegmentError::Value { part: Part::Event(seq), source };
        let index = input.varint().map_err(value)?;
        let actor = usize::try_from(index).ok().and_then(|index| actors.get(index));
        let actor = actor.ok_or(SegmentError::Actor { seq, found: index, actors: actors.len() as u64 })?;
        let delta = input.varint().map_err(value)?;
        time = time
            .0
            .checked_add_unsigned(delta)
            .map(Timestamp)
            .ok_or(value(CodecError::Integer { bits: 64 }))?;
        let kind = EventKind::take(input).map_err(value)?;
        kinds::check(&kind).map_err(value)?;
        events.push(Event { seq, time, actor: actor.clone(), kind });
        seq = seq.next();
    }
    Ok(events)
}

/// The seal as this segment commits it.
fn placed(seal: PackSeal, header: &SegmentHeader) -> PackSeal {
    let home = match seal.home {
        PackHome::Object => PackHome::Object,
        PackHome::Rider { .. } => PackHome::Rider { offset: header.rider_offset() },
    };
    PackSeal { segment: header.no, home, ..seal }
}

/// There is a rider exactly if one seal says so, and of that length.
fn check_rider(len: u64, seals: &[PackSeal]) -> Result<(), SegmentError> {
    let riders = seals.iter().filter(|seal| matches!(seal.home, PackHome::Rider { .. }));
    let sealed: Vec<u64> = riders.map(|seal| seal.len).collect();
    match sealed[..] {
        [] if len == 0 => Ok(()),
        [sealed] if sealed == len && len > 0 => Ok(()),
        _ => Err(SegmentError::Rider { len, sealed }),
    }
}

fn limited(what: &'static str, found: usize, limit: u64) -> Result<u32, SegmentError> {
    let found = found as u64;
    u32::try_from(found).ok().filter(|_| found <= limit).ok_or(SegmentError::TooLarge { what, limit, found })
}

thread_local! {
    // To make one costs more than to use it on a group of a few events.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

fn compress(raw: &[u8]) -> Result<Vec<u8>, SegmentError> {
    let compressed: io::Result<Vec<u8>> = COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(COMPRESSION_LEVEL)?),
        };
        compressor.compress(raw)
    });
    compressed
        .map_err(|error| SegmentError::Compression { expected: raw.len() as u64, why: error.to_string() })
}

/// Grows with what comes out, so that a promise of the header alone allocates nothing.
fn decompress(body: &[u8], expected: u32) -> Result<Vec<u8>, SegmentError> {
    let failed = |why: String| SegmentError::Compression { expected: u64::from(expected), why };
    let mut raw = Vec::new();
    let read = DECOMPRESSOR.with_borrow_mut(|context| {
        // What came before may have ended in the middle.
        if context.reset(ResetDirective::SessionOnly).is_err() {
            *context = DCtx::create();
        }
        let decoder = zstd::Decoder::with_context(body, context);
        decoder.take(u64::from(expected) + 1).read_to_end(&mut raw)
    });
    read.map_err(|error| failed(error.to_string()))?;
    match raw.len() as u64 {
        len if len == u64::from(expected) => Ok(raw),
        len if len < u64::from(expected) => Err(failed(format!("only {len} come out"))),
        _ => Err(failed("more come out".into())),
    }
}
