use proptest::prelude::*;

use super::*;

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        Just(Key::Manifest),
        Just(Key::Writer),
        any::<u64>().prop_map(Key::Segment),
        any::<(u32, u32)>().prop_map(|(epoch, number)| Key::Pack { epoch, number }),
        (any::<(u64, u64)>(), 0..SnapshotObject::ALL.len()).prop_map(|((seq, segment), i)| {
            Key::Snapshot { seq, segment, object: SnapshotObject::ALL[i] }
        }),
        any::<([u8; 16], u8)>().prop_map(|(put_id, part)| Key::Probe { put_id, part }),
    ]
}

proptest! {
    #[test]
    fn a_key_survives_its_text(key in key()) {
        let path = key.path();
        prop_assert_eq!(Key::of(&path), Some(key));
        prop_assert_eq!(path.as_ref(), key.to_string());
    }

    /// Near misses of real keys, not only noise: a stretch of a real key is replaced.
    #[test]
    fn what_parses_is_canonical(
        key in key(),
        at in any::<prop::sample::Index>(),
        len in 0..3usize,
        new in "[0-9a-fA-F+./_-]{0,2}",
    ) {
        let mut text = key.to_string();
        let at = at.index(text.len());
        text.replace_range(at..text.len().min(at + len), &new);
        if let Ok(parsed) = text.parse::<Key>() {
            prop_assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn noise_does_not_panic(text in ".{0,60}") {
        if let Ok(parsed) = text.parse::<Key>() {
            prop_assert_eq!(parsed.to_string(), text);
        }
    }

    /// Listing after a key relies on it.
    #[test]
    fn keys_of_numbers_are_in_the_order_of_numbers(a in any::<u64>(), b in any::<u64>()) {
        let (x, y) = (Key::Segment(a).to_string(), Key::Segment(b).to_string());
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
    }
}

/// Text that a lenient reader of numbers would take.
#[test]
fn numbers_have_one_form() {
    let hex = "abababababababababababababababab";
    for text in [
        "journal/000000000000000000007.seg".to_owned(),
        "journal/0000000000000000007.seg".to_owned(),
        "journal/+0000000000000000007.seg".to_owned(),
        "journal/99999999999999999999.seg".to_owned(),
        "packs/0000000A-000000ff.pack".to_owned(),
        "packs/+000000a-000000ff.pack".to_owned(),
        format!("probe/{hex}/01"),
        format!("probe/{hex}/+1"),
        format!("probe/{hex}/256"),
        format!("probe/{hex}/1/1"),
    ] {
        assert_eq!(text.parse::<Key>(), Err(ForeignKey), "{text}");
    }
}

/// These names are in people's buckets: they never change.
#[test]
fn the_table() {
    let table = [
        (Key::Manifest, "firn.volume"),
        (Key::Writer, "writer"),
        (Key::Segment(7), "journal/00000000000000000007.seg"),
        (Key::Pack { epoch: 10, number: 255 }, "packs/0000000a-000000ff.pack"),
        (
            Key::Snapshot { seq: 120, segment: 3, object: SnapshotObject::Toc },
            "snapshots/00000000000000000120-00000000000000000003/snapshot.toc",
        ),
        (Key::Probe { put_id: [0xab; 16], part: 2 }, "probe/abababababababababababababababab/2"),
    ];
    for (key, text) in table {
        assert_eq!(key.to_string(), text);
        assert_eq!(text.parse(), Ok(key));
    }
    for (family, key) in [
        (Family::Segments, Key::Segment(1)),
        (Family::Packs, Key::Pack { epoch: 1, number: 1 }),
        (Family::Snapshots, Key::Snapshot { seq: 1, segment: 1, object: SnapshotObject::Inodes }),
        (Family::Probes, Key::Probe { put_id: [1; 16], part: 1 }),
    ] {
        assert!(key.path().prefix_matches(&family.prefix()));
    }
}
