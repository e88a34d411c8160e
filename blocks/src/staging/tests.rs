use super::*;

/// Staging whose "uploads" are the packs.
fn staging() -> Staging<Arc<StagedPack>> {
    let mut staging = Staging::new(4096, 8192);
    staging.begin_epoch(Epoch(3));
    staging
}

fn keep(pack: Arc<StagedPack>) -> Arc<StagedPack> {
    pack
}

#[test]
fn a_reader_of_a_growing_block_copies_what_it_asks_for_and_no_more() {
    let mut staging = staging();
    let block = staging.stage(Bytes::from(vec![1; 100]), keep);
    assert!(staging.extend(block, &[2; 100], keep));
    let tail = staging.read(block, 90, Some(20)).unwrap().unwrap();
    assert_eq!(tail[..], [[1; 10], [2; 10]].concat());
    assert!(staging.extend(block, &[3; 100], keep), "the reader's bytes are its own");
    assert_eq!(tail[10..], [2; 10]);

    let next = staging.stage(Bytes::from(vec![4; 4000]), keep);
    let frozen =
        [staging.read(block, 5, Some(9)), staging.read(block, 5, Some(9))].map(|read| read.unwrap().unwrap());
    assert_eq!(frozen[0].as_ptr(), frozen[1].as_ptr(), "of a block at rest nothing is copied");
    assert_eq!(staging.read(next, 0, None).unwrap().unwrap().len(), 4000);
}

#[test]
fn growing_byte_by_byte_moves_the_bytes_only_now_and_then() {
    let mut staging = staging();
    let block = staging.stage(Bytes::from(vec![0]), keep);
    let mut moves = 0;
    let mut place = std::ptr::null();
    for _ in 1..4096 {
        assert!(staging.extend(block, &[0], keep));
        let tail = staging.open.as_ref().unwrap().tail.as_ref().unwrap();
        assert!(tail.capacity() <= 4096, "never more than a block");
        moves += u32::from(tail.as_ptr() != place);
        place = tail.as_ptr();
    }
    assert!(!staging.extend(block, &[0], keep), "the block is full");
    assert!(moves <= 13, "{moves}");
}

#[test]
fn a_pack_is_closed_when_it_is_full_and_then_takes_no_more() {
    let mut staging = staging();
    let first = staging.stage(Bytes::from(vec![1; 4096]), keep);
    let second = staging.stage(Bytes::from(vec![2; 4095]), keep);
    assert!(staging.started.is_empty());
    assert!(staging.extend(second, &[3], keep), "the byte that fills the pack");
    assert_eq!(staging.started.len(), 1);
    assert!(!staging.extend(second, &[], keep));
    let third = staging.stage(Bytes::from(vec![4]), keep);
    assert_eq!((first.pack, third.slot), (second.pack, 0));
    assert_ne!(third.pack, first.pack);

    let taken = staging.cut();
    assert_eq!((taken.started.len(), taken.last.map(|pack| pack.id)), (1, Some(third.pack)));
    assert!(!staging.extend(third, &[5], keep), "what was cut does not grow");
    assert_eq!(staging.dirty(), 8193);
    staging.release(first.pack);
    staging.release(third.pack);
    staging.release(third.pack);
    assert_eq!(staging.dirty(), 0);
    assert!(staging.read(first, 0, None).is_none());
}

#[test]
fn many_tiny_blocks_fill_a_pack_as_well() {
    let mut staging = Staging::new(4096, 1 << 30);
    staging.begin_epoch(Epoch(1));
    let byte = Bytes::from_static(b"x");
    for _ in 0..=MAX_SLOTS {
        staging.stage(byte.clone(), keep);
    }
    assert_eq!(staging.started.len(), 1);
    assert_eq!(staging.started[0].blocks.len(), MAX_SLOTS);
}
