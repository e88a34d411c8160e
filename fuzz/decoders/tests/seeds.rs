//! Where the corpus began: golden files, in the form that the decoders take.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use firn_decoders::{SNAPSHOT_TABLES, golden_toc};
use firn_store::{Key, SnapshotObject};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

fn golden(file: &str) -> Vec<u8> {
    fs::read(testdata().join(file)).unwrap()
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = vec![
        ("manifest", golden("manifest/v1")),
        ("manifest", first_line(&golden("manifest/v1"))),
        ("writer", golden("writer/v1")),
        ("pack", golden("blocks/v1.pack")),
        ("snapshot_toc", golden_toc().to_string().into_bytes()),
    ];
    for file in ["v1-claim.seg", "v1-empty.seg", "v1-every-kind.seg"] {
        let object = golden(&format!("journal/{file}"));
        seeds.push(("segment_body", body_of(&object)));
        seeds.push(("segment", object));
    }
    for (place, (name, _, file)) in (0..).zip(SNAPSHOT_TABLES) {
        let rows = golden_toc()["tables"][name]["rows"].as_u64().unwrap() as u16;
        seeds.push(("snapshot_table", [&[place], &rows.to_le_bytes()[..], file].concat()));
    }
    let (seq, segment) = (u64::MAX, 3);
    let snapshots = SnapshotObject::ALL.map(|object| Key::Snapshot { seq, segment, object });
    let (pack, probe) = (Key::Pack { epoch: 10, number: 255 }, Key::Probe { put_id: [0xab; 16], part: 20 });
    let keys = [Key::Manifest, Key::Writer, Key::Segment(7), pack, probe].into_iter().chain(snapshots);
    seeds.extend(keys.map(|key| ("key", key.to_string().into_bytes())));
    seeds
}

fn first_line(text: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == b'\n').next().unwrap().to_vec()
}

/// The header up to its checksum, and the body, decompressed.
fn body_of(object: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(object[at..at + 4].try_into().unwrap()) as usize;
    let body = zstd::bulk::decompress(&object[200..200 + word(124)], word(120)).unwrap();
    [&object[..168], &body].concat()
}

#[test]
fn the_decoders_accept_the_golden_files() {
    for (name, bytes) in seeds() {
        let (_, target) = firn_decoders::TARGETS.iter().find(|(target, _)| *target == name).unwrap();
        assert!(target(&bytes), "{name} refuses \"{}\"", bytes.escape_ascii());
    }
}

#[test]
#[ignore = "writes the seeds into testdata/fuzz; `scripts/fuzz --keep` then adds what it finds"]
fn write_seeds() {
    let mut counts = BTreeMap::new();
    for (name, bytes) in seeds() {
        let count: &mut u32 = counts.entry(name).or_default();
        let folder = testdata().join("fuzz").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("seed-{count}")), bytes).unwrap();
        *count += 1;
    }
}
