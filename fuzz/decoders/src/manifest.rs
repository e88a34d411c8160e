use firn_store::{Key, create_manifest, read_manifest};

use crate::memory;

/// A manifest, as it is and with its checksum put right. What is read is written, and reads the same again.
pub fn manifest(bytes: &[u8]) -> bool {
    let checksum = format!("\nblake3 {}\n", blake3::hash(bytes));
    let sealed = [bytes, checksum.as_bytes()].concat();
    [bytes.to_vec(), sealed].map(|object| memory::run(reads(object))).contains(&true)
}

async fn reads(object: Vec<u8>) -> bool {
    let Ok(found) = read_manifest(&memory::holding(Key::Manifest, object).await).await else { return false };
    let again = memory::empty();
    create_manifest(&again, &found).await.expect("what was read can be written");
    assert_eq!(read_manifest(&again).await.expect("what was written can be read"), found);
    true
}
