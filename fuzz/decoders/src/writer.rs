use firn_clock::Timestamp;
use firn_journal::{WriterIdentity, WriterRecord};
use firn_store::Key;

use crate::memory;

/// A writer record. What is read can be judged at any time, is written, and reads the same again.
pub fn writer(bytes: &[u8]) -> bool {
    memory::run(async {
        let objects = memory::objects(&memory::holding(Key::Writer, bytes.to_vec()).await);
        let Ok(Some(found)) = WriterRecord::read(&objects).await else { return false };
        for now in [i64::MIN, 0, i64::MAX] {
            found.liveness(&elsewhere(), Timestamp(now));
        }
        found.write(&objects).await.expect("memory takes any object");
        let again = WriterRecord::read(&objects).await.expect("what was written can be read");
        assert_eq!(again, Some(found));
        true
    })
}

/// A process of another machine, so that nothing of this one is looked at.
fn elsewhere() -> WriterIdentity {
    let text = String::new;
    WriterIdentity { host: text(), machine: text(), pid: 1, started_ticks: 1, socket: None, mountpoint: None }
}
