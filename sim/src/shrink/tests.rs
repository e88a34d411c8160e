use super::shrink;
use crate::draw::Seed;
use crate::model::Mode;
use crate::oracle::Oracle;
use crate::plan::generate::generate;
use crate::plan::{Action, FaultSource, Plan, Profile, Step};
use crate::store::{Fault, Injected};

/// Fails if there is an fsync after a rename, and the fault.
fn fails(plan: &Plan, fault: &Injected) -> bool {
    let rename = plan.steps.iter().position(|step| matches!(step.action, Action::Rename { .. }));
    let fsync = plan.steps.iter().rposition(|step| step.action == Action::Fsync);
    let FaultSource::Listed(faults) = &plan.faults else { return true };
    rename.zip(fsync).is_some_and(|(rename, fsync)| rename < fsync) && faults.contains(fault)
}

#[test]
fn what_is_not_needed_to_fail_is_left_out() {
    let faults: Vec<Injected> =
        (0..40).map(|nth| Injected { client: 1, nth, fault: Fault::LostAnswer }).collect();
    let needed = faults[17];
    let mut plan = generate(Seed(3), Profile::Faults);
    assert!(plan.steps.len() > 50, "a plan worth shrinking");
    // Whatever the generator likes to do with this seed.
    let step = |action| Step { actor: 0, pause_ms: 7, action };
    let rename = Action::Rename { entry: 1, dir: 2, name: 3, mode: Mode::Replace };
    plan.steps.insert(20, step(rename));
    plan.steps.insert(45, step(Action::Fsync));
    let play = |plan: &Plan| (fails(plan, &needed).then(|| Oracle::Prefix.fails("planted")), faults.clone());
    let small = shrink(plan, 10_000, &play, |_| {}).expect("it fails");
    let kinds: Vec<&str> = small.plan.steps.iter().map(|step| step.action.label()).collect();
    assert!(matches!(kinds[..], ["rename" | "exchange", "fsync"]), "{kinds:?}");
    assert!(small.plan.steps.iter().all(|step| step.pause_ms == 0));
    assert_eq!(small.plan.faults, FaultSource::Listed(vec![needed]));
    assert_eq!(small.failure, Oracle::Prefix.fails("planted"));
}

#[test]
fn another_oracle_is_another_failure() {
    let plan = generate(Seed(4), Profile::Calm);
    let len = plan.steps.len();
    let play = |plan: &Plan| {
        let oracle = if plan.steps.len() == len { Oracle::Undo } else { Oracle::Liveness };
        (Some(oracle.fails("planted")), Vec::new())
    };
    let small = shrink(plan, 1_000, &play, |_| {}).expect("it fails");
    assert_eq!(small.plan.steps.len(), len);
    assert_eq!(small.failure.oracle, Oracle::Undo);
}

#[test]
fn what_holds_is_not_shrunk_and_tries_are_bounded() {
    let plan = generate(Seed(5), Profile::Calm);
    assert!(shrink(plan.clone(), 10, &|_| (None, Vec::new()), |_| {}).is_none());
    let tries = std::cell::Cell::new(0);
    let play = |_: &Plan| {
        tries.set(tries.get() + 1);
        (Some(Oracle::Undo.fails("planted")), Vec::new())
    };
    shrink(plan, 7, &play, |_| {});
    assert_eq!(tries.get(), 8, "the first one, and seven tries");
}
