use std::sync::Arc;

use firn_store::{Patience, StoreHealth};
use object_store::memory::InMemory;
use proptest::prelude::*;

use super::*;

fn identity(machine: &str) -> WriterIdentity {
    WriterIdentity {
        host: "alpha".into(),
        machine: machine.into(),
        pid: 42,
        started_ticks: 4242,
        socket: Some("/run/firn/a.sock".into()),
        mountpoint: None,
    }
}

fn written_at(seconds: i64) -> WriterRecord {
    WriterRecord::new(identity("here"), Epoch(3), Timestamp::from_parts(seconds, 0))
}

#[test]
fn on_the_same_machine_the_process_decides() {
    let (record, now) = (written_at(0), Timestamp::from_parts(1_000_000, 0));
    let judge = |ticks| record.judge(&identity("here"), now, |pid| (pid == 42).then_some(ticks).flatten());
    assert_eq!(judge(Some(4242)), Liveness::Alive { age: Duration::from_secs(1_000_000) });
    assert_eq!(judge(Some(4243)), Liveness::Dead);
    assert_eq!(judge(None), Liveness::Dead);
}

#[test]
fn elsewhere_the_last_sign_of_life_decides() {
    let record = written_at(100);
    let judge =
        |machine, seconds| record.judge(&identity(machine), Timestamp::from_parts(seconds, 0), |_| None);
    assert_eq!(judge("there", 160), Liveness::Alive { age: Duration::from_secs(60) });
    assert_eq!(judge("there", 161), Liveness::Expired);
    assert_eq!(judge("there", 0), Liveness::Alive { age: Duration::ZERO });
    // A machine that is not known is not the same machine.
    let nowhere = WriterRecord { identity: identity(""), ..record.clone() };
    assert_eq!(nowhere.judge(&identity(""), Timestamp::from_parts(161, 0), |_| None), Liveness::Expired);
    let released = WriterRecord { released: true, ..record };
    assert_eq!(released.judge(&identity("there"), Timestamp::from_parts(100, 0), |_| None), Liveness::Dead);
}

/// The first form of the record that was ever written. Never edited.
const GOLDEN_V1: &[u8] = include_bytes!("../../../testdata/writer/v1");

#[test]
fn the_golden_file_is_read_and_written() {
    let record = WriterRecord::new(identity("here"), Epoch(3), Timestamp(1_790_000_000_123_456_789));
    assert_eq!(record::decode(GOLDEN_V1), Ok(record.clone()));
    assert_eq!(record::encode(&record), GOLDEN_V1);
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = record::decode(&bytes);
    }

    #[test]
    fn a_record_round_trips(epoch: u32, ns: i64, released: bool, host: String, socket: Option<String>) {
        let identity = WriterIdentity { host, socket, ..identity("here") };
        let last_segment = SegmentNo(ns.unsigned_abs());
        let record = WriterRecord { identity, epoch: Epoch(epoch), heartbeat: Timestamp(ns), last_segment, released };
        prop_assert_eq!(record::decode(&record::encode(&record)), Ok(record));
    }
}

#[tokio::test]
async fn the_last_record_is_read_and_a_strange_one_is_explained() {
    let store = Arc::new(InMemory::new());
    let objects = Retrying::new(store, StoreHealth::default(), Patience::UpTo(Duration::ZERO));
    assert_eq!(WriterRecord::read(&objects).await.unwrap(), None);
    for seconds in [1, 2] {
        written_at(seconds).write(&objects).await.unwrap();
        assert_eq!(WriterRecord::read(&objects).await.unwrap(), Some(written_at(seconds)));
    }
    for strange in ["", "{}", "null", "{\"format\": 2}"] {
        objects.put(Key::Writer, strange.into()).await.unwrap();
        let error = WriterRecord::read(&objects).await.unwrap_err();
        assert!(error.to_string().starts_with("the writer record writer cannot be read"), "{error}");
    }
}
