//! A history that was exported is played again: judged as it is, and played on.

use std::sync::Arc;

use bytes::Bytes;
use firn_clock::{SeededEntropy, SystemClock};
use firn_journal::{Epoch, Event, EventKind, Hash, JournalTip, Segment, Seq};
use firn_materializer::history::{History, HistoryConfig};
use firn_recovery::export::{Export, Redactor, export};
use firn_sim::draw::Seed;
use firn_sim::oracle::{Failure, Oracle};
use firn_sim::plan::Profile;
use firn_sim::plan::generate::generate;
use firn_sim::recorded::Recorded;
use firn_sim::trace::Trace;
use firn_sim::{Report, run, run_after};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

const GOLDEN: &[u8] = include_bytes!("../../testdata/export/v1");
const GOLDEN_REDACTED: &[u8] = include_bytes!("../../testdata/export/v1-redacted");

fn recorded(file: impl Into<Bytes>) -> Arc<Recorded> {
    Arc::new(Recorded::read(file.into()).unwrap())
}

/// The history as it is.
fn inspected(recorded: &Arc<Recorded>) -> Report {
    run_after(Some(recorded), &recorded.inspection(), &Trace::hashed())
}

fn assert_holds(report: &Report) {
    if let Some(failure) = &report.failure {
        panic!("{failure}");
    }
}

/// What `firn export --events` writes of the volume that a plan leaves behind.
fn exported(seed: u64, profile: Profile, redact: bool) -> Bytes {
    let played = run(&generate(Seed(seed), profile), &Trace::hashed());
    assert_holds(&played);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        for (key, bytes) in played.objects {
            store.put(&key, bytes.into()).await.unwrap();
        }
        let config = HistoryConfig { blocks: Default::default(), views_in_memory: 4 };
        let history = History::open(store, config, Arc::new(SystemClock)).await.unwrap();
        let redactor = redact.then(|| Redactor::new(&SeededEntropy::new(seed)));
        let mut file = Vec::new();
        export(&history, None, redactor, &mut file, |_| {}).await.unwrap();
        file.into()
    })
}

#[test]
fn the_golden_history_that_can_be_holds_and_can_be_gone_on_with() {
    let recorded = recorded(GOLDEN_REDACTED);
    assert_holds(&inspected(&recorded));
    let plan = recorded.continued_by(generate(Seed(1), Profile::Mixed));
    assert_holds(&run_after(Some(&recorded), &plan, &Trace::hashed()));
}

/// The other one has every kind of event, and they do not fit each other: model and namespace agree where.
#[test]
fn the_golden_history_that_cannot_be_fails_at_the_event() {
    let Failure { oracle, what } = inspected(&recorded(GOLDEN)).failure.unwrap();
    assert_eq!(oracle, Oracle::Prefix);
    assert!(what.starts_with("#6 Unlinked") && what.contains("does not fit"), "{what}");
}

#[test]
fn what_a_simulated_volume_exports_holds_and_every_oracle_is_asked() {
    let mut asked = std::collections::BTreeMap::<String, u64>::new();
    for (seed, profile) in (1..).zip(Profile::ALL) {
        for redact in [false, true] {
            let recorded = recorded(exported(seed, profile, redact));
            assert_eq!(recorded.is_redacted(), redact);
            let report = inspected(&recorded);
            assert!(report.failure.is_none(), "{profile:?}, redacted {redact}: {:?}", report.failure);
            report.counts.into_iter().for_each(|(what, times)| *asked.entry(what).or_default() += times);
        }
    }
    for oracle in Oracle::ALL.iter().filter(|oracle| **oracle != Oracle::Internal) {
        assert!(
            asked.get(&format!("oracle {oracle}")).is_some_and(|times| *times > 10),
            "{oracle}: {asked:?}"
        );
    }
    assert!(asked["recorded instants compared"] > 1_000, "{asked:?}");
    // Undos were made and taken back, not only asked for.
    assert!(asked["step redo"] > 100 && asked["oracle undo"] > 200, "{asked:?}");
}

#[test]
fn plans_with_crashes_and_faults_go_on_after_a_history() {
    let recorded = recorded(exported(11, Profile::History, false));
    for (seed, profile) in (20..).zip(Profile::ALL) {
        let plan = recorded.continued_by(generate(Seed(seed), profile));
        let report = run_after(Some(&recorded), &plan, &Trace::hashed());
        assert!(report.failure.is_none(), "{profile:?}: {:?}", report.failure);
    }
}

#[test]
fn of_a_long_history_some_instants_are_looked_at() {
    let file = exported(11, Profile::History, false);
    let recorded = Arc::new(Recorded::read(file).unwrap().keeping(12));
    let report = inspected(&recorded);
    assert_holds(&report);
    let compared = report.counts["recorded instants compared"];
    assert!((6..=14).contains(&compared), "{compared}");
    for seed in 1..4 {
        let plan = recorded.continued_by(generate(Seed(seed), Profile::History));
        let report = run_after(Some(&recorded), &plan, &Trace::hashed());
        assert_holds(&report);
    }
}

#[test]
fn the_same_history_and_plan_leave_the_same_trace() {
    let file = exported(5, Profile::Mixed, false);
    let trace = |file: &Bytes| {
        let (recorded, trace) = (recorded(file.clone()), Trace::hashed());
        let plan = recorded.continued_by(generate(Seed(3), Profile::Crashes));
        assert_holds(&run_after(Some(&recorded), &plan, &trace));
        trace.fingerprint()
    };
    assert_eq!(trace(&file), trace(&file));
}

/// An export of the events that `change` leaves, all in one group.
fn changed(file: Bytes, change: impl Fn(&mut Vec<Event>)) -> Bytes {
    let export = Export::read(file).unwrap();
    let mut events: Vec<Event> = export.events().map(Result::unwrap).collect();
    change(&mut events);
    (1..).zip(&mut events).for_each(|(seq, event)| event.seq = Seq(seq));
    let mut bytes = b"firn.exp".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(export.volume().0);
    bytes.extend(export.block_size().to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend((events.len() as u64).to_le_bytes());
    bytes.extend(Hash::of(&bytes).0);
    let (segment, _) =
        Segment::encode_events(&JournalTip::default(), export.volume(), Epoch(99), &events).unwrap();
    for block in export.blocks() {
        let content = export.block(block).unwrap();
        let mut part = block.pack.to_u64().to_le_bytes().to_vec();
        part.extend(block.slot.to_le_bytes());
        part.extend((content.len() as u32).to_le_bytes());
        part.push(0);
        part.extend(Hash::of(&content).0);
        part.extend(&content);
        put(&mut bytes, 1, &part);
    }
    put(&mut bytes, 3, &segment);
    let end = Hash::of(&bytes).0;
    put(&mut bytes, 4, &end);
    bytes.into()
}

fn put(file: &mut Vec<u8>, kind: u8, part: &[u8]) {
    file.push(kind);
    file.extend((part.len() as u32).to_le_bytes());
    file.extend(part);
}

/// The position of the first event from `from` on that is one of these.
fn first(events: &[Event], from: usize, is: impl Fn(&EventKind) -> bool) -> usize {
    from + events[from..].iter().position(|event| is(&event.kind)).expect("there is such an event")
}

#[test]
fn all_in_one_group_it_is_the_same_history() {
    assert_holds(&inspected(&recorded(changed(exported(11, Profile::History, false), |_| {}))));
}

#[test]
fn a_history_without_one_of_its_events_fails_where_it_is_missed() {
    let dropped = changed(exported(11, Profile::Calm, false), |events| {
        let made = first(events, 0, |kind| matches!(kind, EventKind::Created { .. }));
        events.remove(made);
    });
    let Failure { oracle, what } = inspected(&recorded(dropped)).failure.unwrap();
    assert_eq!(oracle, Oracle::Prefix);
    assert!(what.starts_with('#') && what.contains("does not fit"), "{what}");
}

#[test]
fn a_write_of_bytes_that_its_block_has_not_fails_at_the_event() {
    let short = changed(exported(11, Profile::Calm, false), |events| {
        let wrote = first(
            events,
            0,
            |kind| matches!(kind, EventKind::Written { extents, .. } if !extents.is_empty()),
        );
        if let EventKind::Written { extents, .. } = &mut events[wrote].kind {
            extents.iter_mut().for_each(|placed| placed.extent.skip += 1_000_000);
        }
    });
    let Failure { what, .. } = inspected(&recorded(short)).failure.unwrap();
    assert!(what.contains("Written"), "{what}");
}

/// The namespace takes it, and the tree is none that can be.
#[test]
fn an_undo_that_tells_a_wrong_link_count_fails_at_the_event() {
    let wrong = changed(exported(11, Profile::History, false), |events| {
        // The last of them, which nothing mends.
        let is_put = |event: &Event| matches!(event.kind, EventKind::InodePut { .. });
        let put = events.iter().rposition(is_put).expect("there is an undo");
        if let EventKind::InodePut { attributes, .. } = &mut events[put].kind {
            attributes.nlink += 1;
        }
    });
    let all = inspected(&recorded(wrong.clone())).failure.unwrap();
    assert_eq!(all.oracle, Oracle::Instant);
    assert!(all.what.starts_with("after #") && all.what.contains("links"), "{all}");
    // Found at an instant that was kept, told of the event.
    let few = Arc::new(Recorded::read(wrong).unwrap().keeping(4));
    assert_eq!(inspected(&few).failure.unwrap(), all);
}
