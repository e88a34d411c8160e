//! The machine against a store that loses answers, delays puts and lets another writer in: every interleaving
//! up to a depth, by exhaustion.

use super::*;
use crate::{Epoch, Seq};

type M = Machine<&'static str, &'static str>;
type In = Input<&'static str, &'static str>;
type Eff = Effect<&'static str, &'static str>;

fn draft(no: u64) -> Draft {
    let tip = JournalTip {
        segment: SegmentNo(no),
        hash: Hash([no as u8; 32]),
        seq: Seq(no),
        epoch: Epoch(1),
        ..JournalTip::default()
    };
    Draft { tip, bytes: Default::default(), seals: Vec::new() }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Stored {
    Ours,
    Theirs,
}

/// A world: the machine, its store, and what the store still holds in flight.
#[derive(Clone)]
struct World {
    machine: M,
    effect: Eff,
    objects: Vec<Stored>,
    /// Puts whose answer was lost but that may still arrive.
    late: Vec<usize>,
    acknowledged: usize,
    submitted: usize,
    trace: Vec<&'static str>,
}

impl World {
    fn new() -> Self {
        let mut machine = M::new(JournalTip::default());
        let effect = machine.step(In::Submit(draft(1)));
        let (objects, late, trace) = Default::default();
        World { machine, effect, objects, late, acknowledged: 0, submitted: 1, trace }
    }

    /// Put-if-absent of segment `no` (from 1), which is legal only after all before it.
    fn create(&mut self, no: usize, what: Stored) -> bool {
        let absent = self.objects.len() == no - 1;
        if absent {
            self.objects.push(what);
        }
        absent
    }

    fn step(&mut self, what: &'static str, input: In) {
        self.trace.push(what);
        self.effect = self.machine.step(input);
    }

    /// Every world that can come after this one.
    fn successors(&self) -> Vec<World> {
        let mut worlds = self.interference();
        let mut next = |what, change: &dyn Fn(&mut World) -> In| {
            let mut world = self.clone();
            let input = change(&mut world);
            world.step(what, input);
            worlds.push(world);
        };
        match self.effect.clone() {
            Effect::Put(draft) => {
                let no = draft.tip.segment.0 as usize;
                next("put", &|world| match world.create(no, Stored::Ours) {
                    true => In::PutSucceeded,
                    false => In::PutFoundExisting,
                });
                next("put, answer lost", &|world| {
                    world.create(no, Stored::Ours);
                    In::PutUnknown
                });
                next("put, request lost", &|_| In::PutUnknown);
                next("put, request late", &|world| {
                    world.late.push(no);
                    In::PutUnknown
                });
                next("put, refused", &|_| In::PutRefused("denied"));
            }
            Effect::ReadBack(no) => {
                let found = self.objects.get(no.0 as usize - 1).copied();
                next("read back", &|_| match found {
                    Some(Stored::Ours) => In::ReadBackFound { hash: draft(no.0).tip.hash, rival: "nobody" },
                    Some(Stored::Theirs) => In::ReadBackFound { hash: Hash([255; 32]), rival: "other" },
                    None => In::ReadBackAbsent,
                });
                next("read back, failed", &|_| In::ReadBackFailed);
            }
            Effect::Rest(_) => next("wake", &|_| In::Wake),
            Effect::Acknowledge(_) => next("submit", &|world| {
                world.submitted += 1;
                In::Submit(draft(world.submitted as u64))
            }),
            Effect::Stop(_) => {
                let no = self.submitted as u64;
                next("submit after the end", &move |_| In::Submit(draft(no)));
            }
        }
        worlds
    }

    /// What others do: a late put arrives, another writer takes the next name.
    fn interference(&self) -> Vec<World> {
        let mut worlds = Vec::new();
        if let Some(&no) = self.late.first() {
            let mut world = self.clone();
            world.trace.push("(late put arrives)");
            world.late.remove(0);
            world.create(no, Stored::Ours);
            worlds.push(world);
        }
        if !self.objects.contains(&Stored::Theirs) {
            let mut world = self.clone();
            world.trace.push("(another writer appends)");
            world.objects.push(Stored::Theirs);
            worlds.push(world);
        }
        worlds
    }

    fn check(&mut self) {
        if let Effect::Acknowledge(draft) = &self.effect {
            self.acknowledged = draft.tip.segment.0 as usize;
        }
        let stored =
            self.objects.iter().take(self.acknowledged).filter(|&&what| what == Stored::Ours).count();
        assert_eq!(stored, self.acknowledged, "acknowledged but not stored: {:?}", self.trace);
        assert_eq!(self.machine.tip().segment.0 as usize, self.acknowledged, "{:?}", self.trace);
        if let Effect::Stop(Stop::Fenced(rival)) = &self.effect {
            assert_eq!(*rival, "other");
            assert!(self.objects.contains(&Stored::Theirs), "fenced by itself: {:?}", self.trace);
        }
        let stopped = matches!(self.effect, Effect::Stop(_));
        assert_eq!(self.machine.stopped().is_some(), stopped, "{:?}", self.trace);
    }
}

/// Visits each world up to `depth` steps away; answers how many there were.
fn explore(mut world: World, depth: usize) -> u64 {
    world.check();
    if depth == 0 {
        return 1;
    }
    1 + world.successors().into_iter().map(|next| explore(next, depth - 1)).sum::<u64>()
}

#[test]
fn nothing_is_acknowledged_that_is_not_stored() {
    let worlds = explore(World::new(), 12);
    assert!(worlds > 100_000, "the exploration must reach something, not {worlds} worlds");
}

/// From any world, once the faults stop, a writer is either through or fenced after few steps.
#[test]
fn once_the_store_heals_the_end_comes_soon() {
    fn settle(mut world: World) {
        let submitted = world.submitted;
        for _ in 0..6 {
            if matches!(world.effect, Effect::Stop(_) | Effect::Acknowledge(_)) {
                break;
            }
            // The first successor after the interference is the one without faults.
            let others = world.interference().len();
            world = world.successors().swap_remove(others);
            world.check();
        }
        let theirs = world.objects.get(submitted - 1) == Some(&Stored::Theirs);
        match &world.effect {
            Effect::Acknowledge(_) => assert!(!theirs, "{:?}", world.trace),
            Effect::Stop(Stop::Fenced(_)) => assert!(theirs, "{:?}", world.trace),
            Effect::Stop(Stop::Refused(_)) => assert!(world.trace.contains(&"put, refused")),
            other => panic!("{other:?} after {:?}", world.trace),
        }
    }
    fn walk(mut world: World, depth: usize) {
        world.check();
        settle(world.clone());
        if depth > 0 {
            world.successors().into_iter().for_each(|next| walk(next, depth - 1));
        }
    }
    walk(World::new(), 6);
}

#[test]
fn rests_double_up_to_a_limit_and_start_over() {
    let mut machine = M::new(JournalTip::default());
    machine.step(In::Submit(draft(1)));
    machine.step(In::PutUnknown);
    let mut rests = Vec::new();
    for _ in 0..9 {
        let Effect::Rest(rest) = machine.step(In::ReadBackFailed) else {
            panic!("a failure is followed by a rest")
        };
        rests.push(rest.as_millis());
        machine.step(In::Wake);
    }
    assert_eq!(rests, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    machine.step(In::ReadBackFound { hash: draft(1).tip.hash, rival: "nobody" });
    machine.step(In::Submit(draft(2)));
    machine.step(In::PutUnknown);
    assert_eq!(machine.step(In::ReadBackAbsent), Effect::Rest(Backoff::FIRST));
}

#[test]
#[should_panic(expected = "a draft continues the journal")]
fn a_draft_that_leaves_a_gap_is_a_bug() {
    M::new(JournalTip::default()).step(In::Submit(draft(2)));
}
