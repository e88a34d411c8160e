use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::{BlockRef, Epoch, Extent, Ino, PackId, Seq};

fn bytes_of(kind: &impl Field) -> Vec<u8> {
    let mut out = Output::default();
    kind.put(&mut out);
    out.into_bytes()
}

fn read<T: Field>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut input = Input::new(bytes);
    let value = T::take(&mut input)?;
    input.finish()?;
    Ok(value)
}

proptest! {
    #[test]
    fn every_kind_round_trips(kind in arbitrary::kind()) {
        prop_assert_eq!(check(&kind), Ok(()));
        let bytes = bytes_of(&kind);
        prop_assert_eq!(bytes[0], kind.number());
        prop_assert_eq!(read(&bytes), Ok(kind));
    }

    #[test]
    fn transactions_round_trip(kind in arbitrary::transaction_kind(), target: u64, count: u32, path: Option<Vec<u8>>) {
        let kind = EventKind::TransactionBegan { kind, target: Seq(target), count, path };
        prop_assert_eq!(read(&bytes_of(&kind)), Ok(kind));
    }

    #[test]
    fn a_cut_event_is_an_error(kind in arbitrary::kind(), at: prop::sample::Index) {
        let bytes = bytes_of(&kind);
        prop_assert!(read::<EventKind>(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400), number: u8) {
        let _ = read::<EventKind>(&bytes);
        let _ = read::<EventKind>(&[&[number], &bytes[..]].concat());
    }

    #[test]
    fn integers_round_trip(value: u64, small: u32) {
        prop_assert_eq!(read(&bytes_of(&value)), Ok(value));
        prop_assert_eq!(read(&bytes_of(&small)), Ok(small));
    }
}

#[test]
fn integers_beyond_their_type_are_errors() {
    assert_eq!(read::<u64>(&[0xff; 10]), Err(CodecError::Integer { bits: 64 }));
    assert_eq!(read::<u64>(&[0x80; 11]), Err(CodecError::Integer { bits: 64 }));
    assert_eq!(read::<u32>(&bytes_of(&(1u64 << 32))), Err(CodecError::Integer { bits: 32 }));
}

#[test]
fn a_promised_length_allocates_nothing() {
    let huge = bytes_of(&u64::MAX);
    assert!(matches!(read::<Vec<u8>>(&huge), Err(CodecError::Ended { needed: u64::MAX, left: 0 })));
    assert!(matches!(read::<Vec<PlacedExtent>>(&huge), Err(CodecError::Ended { .. })));
}

#[test]
fn names_that_nothing_can_have_are_errors() {
    for name in ["", ".", "..", "a/b", "a\0b"] {
        let kind = EventKind::Linked { ino: Ino(2), parent: Ino::ROOT, name: name.into() };
        assert!(matches!(check(&kind), Err(CodecError::Name { .. })), "{name:?}");
    }
    let slash = EventKind::XattrRemoved { ino: Ino(2), name: "user.a/b".into() };
    assert_eq!(check(&slash), Ok(()));
}

#[test]
fn extents_must_ascend_within_their_range() {
    let block = BlockRef { pack: PackId { epoch: Epoch(1), number: 0 }, slot: 0 };
    let written = |places: &[(u64, u32)]| EventKind::Written {
        ino: Ino(2),
        offset: 10,
        len: 10,
        extents: places
            .iter()
            .map(|&(offset, len)| PlacedExtent { offset, extent: Extent { len, skip: 0, block } })
            .collect(),
    };
    assert_eq!(check(&written(&[(10, 4), (14, 6)])), Ok(()));
    for bad in
        [&[(9, 2)][..], &[(10, 0)], &[(10, 11)], &[(14, 2), (12, 1)], &[(12, 4), (15, 1)], &[(u64::MAX, 1)]]
    {
        assert!(matches!(check(&written(bad)), Err(CodecError::Extent { .. })), "{bad:?}");
    }
}
