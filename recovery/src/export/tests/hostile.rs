//! Files that are not what a writer wrote: an error each time, never a panic, and no large allocation.

use super::super::v1;
use super::*;

fn sample() -> (Vec<Vec<Event>>, Contents) {
    let mut world = World::new();
    let ino = world.make("a directory/a file");
    (0..3).for_each(|at| world.write(ino, at * 10, 7));
    world.transact(TransactionKind::Restore, Seq(2), Some(b"a directory"), vec![]);
    let groups: Vec<Vec<Event>> = world.events.chunks(2).map(<[Event]>::to_vec).collect();
    let contents = contents(&groups, &[b"equal".to_vec(), vec![7; 300]]);
    (groups, contents)
}

/// Reads all that there is.
fn read_all(file: Bytes) -> Result<(), ExportError> {
    let export = Export::read(file)?;
    for block in export.blocks() {
        export.block(block)?;
    }
    export.events().try_for_each(|event| event.map(drop))
}

/// The parts of an export with a right header and a right checksum at the end.
fn sealed(header: &Header, parts: &[Vec<u8>]) -> Bytes {
    let mut file = v1::encode_header(header);
    file.extend(parts.concat());
    let end = v1::encode_end(Hash::of(&file));
    [file, end].concat().into()
}

fn group(events: &[Event]) -> Vec<u8> {
    let tip = firn_journal::JournalTip::default();
    v1::encode_group(&Segment::encode_events(&tip, VOLUME, Epoch(1), events).unwrap().0)
}

#[test]
fn a_missing_end_is_found_at_every_length() {
    let (groups, contents) = sample();
    let file = written(&groups, &contents);
    read_all(file.clone()).unwrap();
    for len in 0..file.len() {
        assert!(read_all(file.slice(..len)).is_err(), "{len} of {} bytes", file.len());
    }
    let longer = [&file[..], &[0]].concat();
    assert!(read_all(longer.into()).is_err());
}

#[test]
fn a_changed_bit_is_found_wherever_it_is() {
    let (groups, contents) = sample();
    let file = written(&groups, &contents);
    for (at, bit) in (0..file.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = file.to_vec();
        changed[at] ^= 1 << bit;
        assert!(read_all(changed.into()).is_err(), "bit {bit} of byte {at}");
    }
}

/// A right checksum says that the bytes are the writer's, not that the writer made sense.
#[test]
fn what_no_writer_writes_is_refused() {
    let (groups, contents) = sample();
    let events = groups.concat();
    let last = events[events.len() - 1].seq;
    let (first, second) = (block(0, 1), block(0, 2));
    let content = |block| v1::encode_content(block, b"bytes").unwrap();
    let good = vec![content(first), v1::encode_same(second, first), group(&events)];
    let with = |parts: &[Vec<u8>]| sealed(&header(last), &[parts, &[group(&events)]].concat());
    read_all(sealed(&header(last), &good)).unwrap();
    let foreign = Header { volume: VolumeId([0; 16]), ..header(last) };
    let mut changed = content(first);
    *changed.last_mut().unwrap() ^= 1;
    let mut codec = content(first);
    codec[v1::HEAD_LEN + 16] = 2;
    let cases = [
        ("a block is there twice", with(&[content(first), content(first)])),
        ("one that does not come before it", with(&[v1::encode_same(second, first), content(first)])),
        ("one that does not come before it", with(&[v1::encode_same(first, first)])),
        ("a block has another length or checksum", with(&[changed])),
        ("a block's codec is unknown", with(&[codec])),
        ("a kind that version 1 does not know", with(&[vec![9, 0, 0, 0, 0]])),
        ("the checksum of all before is another", with(&[v1::encode_end(Hash::NONE)])),
        ("cut off", with(&[vec![3, 255, 255, 255, 255]])),
        ("do not end where its header says", sealed(&header(last), &[])),
        ("of another volume or out of order", with(&[group(&events)])),
        ("a group of events of the export is damaged", with(&[v1::encode_group(b"firn.seg")])),
        ("do not end where its header says", sealed(&header(last.next()), &good)),
        ("do not end where its header says", sealed(&header(Seq(1)), &good)),
        ("of another volume or out of order", sealed(&foreign, &good)),
        ("do not begin with the first one", sealed(&Header { first: Seq(2), ..header(last) }, &good)),
        ("block size", sealed(&Header { block_size: 5000, ..header(last) }, &good)),
    ];
    for (problem, file) in cases {
        let found = read_all(file).expect_err(problem).to_string();
        assert!(found.contains(problem), "{problem}: {found}");
    }
    assert!(matches!(
        Export::read(written(&groups, &contents)).unwrap().block(block(9, 9)),
        Err(ExportError::NoBlock(_))
    ));
}

#[test]
fn another_file_and_another_version_are_told_apart() {
    let (groups, contents) = sample();
    let mut file = written(&groups, &contents).to_vec();
    for other in [&b""[..], b"firn", b"firn.segments and more of them"] {
        assert!(matches!(read_all(Bytes::copy_from_slice(other)), Err(ExportError::Magic { .. })));
    }
    file[8] = 2;
    let error = read_all(file.into()).unwrap_err();
    assert_eq!(error.to_string(), "the export has version 2, this program reads 1; use a newer firn");
}

/// A file that changes under a reader is found too.
#[test]
fn a_change_after_opening_is_found() {
    let (groups, contents) = sample();
    let file = written(&groups, &contents);
    let on_disk = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(on_disk.path(), &file).unwrap();
    let export = Export::open(on_disk.path()).unwrap();
    let changed: Vec<u8> = file.iter().map(|byte| byte ^ 1).collect();
    std::fs::write(on_disk.path(), changed).unwrap();
    assert!(export.events().next().unwrap().is_err());
    assert!(contents.keys().all(|block| export.block(*block).is_err()));
}

proptest! {
    /// Parts of any bytes under right checksums.
    #[test]
    fn any_parts_are_read_or_refused(
        parts in prop::collection::vec((0..6u8, prop::collection::vec(any::<u8>(), 0..120)), 0..6),
        replaced: prop::sample::Index, at: prop::sample::Index, by: u8,
    ) {
        let any = |(kind, bytes): &(u8, Vec<u8>)| {
            [&[*kind][..], &(bytes.len() as u32).to_le_bytes(), bytes].concat()
        };
        let _ = read_all(sealed(&header(Seq(3)), &parts.iter().map(any).collect::<Vec<_>>()));
        let (groups, contents) = sample();
        let events = groups.concat();
        let mut good: Vec<Vec<u8>> =
            contents.iter().map(|(block, bytes)| v1::encode_content(*block, bytes).unwrap()).collect();
        good.push(group(&events));
        let part = replaced.index(good.len());
        let at = at.index(good[part].len());
        good[part][at] = by;
        let _ = read_all(sealed(&header(events[events.len() - 1].seq), &good));
    }

    #[test]
    fn any_bytes_are_refused(bytes: Vec<u8>) {
        prop_assert!(read_all(bytes.into()).is_err());
    }
}
