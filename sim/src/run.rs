//! One seed after the other, each in a world, a runtime and a thread of its own.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, Once};

use tokio::runtime::{Builder, RngSeed};
use tokio::task::LocalSet;

use crate::oracle::{Failure, Oracle};
use crate::plan::Plan;
use crate::recorded::Recorded;
use crate::trace::Trace;
use crate::world::{Report, play};

thread_local! {
    /// What panicked on this thread, in any task.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Panics of tasks that nobody waits for are heard of as well.
fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let simulated = std::thread::current().name() == Some(THREAD);
            if simulated {
                PANICS.with_borrow_mut(|panics| panics.push(info.to_string()));
            } else {
                before(info);
            }
        }));
    });
}

/// The name of the threads that worlds live in.
const THREAD: &str = "firn-sim world";

/// Plays a plan.
pub fn run(plan: &Plan, trace: &Trace) -> Report {
    run_after(None, plan, trace)
}

/// Plays a plan in a volume that has a history already.
pub fn run_after(recorded: Option<&Arc<Recorded>>, plan: &Plan, trace: &Trace) -> Report {
    listen_for_panics();
    let (recorded, plan, trace) = (recorded.cloned(), plan.clone(), trace.clone());
    // A fresh thread, so that nothing that libraries keep by thread passes from one world to the next.
    let world =
        std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || in_a_world(plan, recorded, trace));
    let ended = world
        .map_err(|error| error.to_string())
        .and_then(|world| world.join().map_err(|panic| told(&*panic)));
    ended.unwrap_or_else(|what| Report {
        failure: Some(Oracle::Internal.fails(what)),
        counts: Default::default(),
        injected: Vec::new(),
        virtual_ms: 0,
        objects: Vec::new(),
    })
}

fn in_a_world(plan: Plan, recorded: Option<Arc<Recorded>>, trace: Trace) -> Report {
    let seed = RngSeed::from_bytes(&plan.seed.draw("runtime", &[]).word().to_le_bytes());
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).rng_seed(seed).build();
    let runtime = runtime.expect("a runtime without IO needs nothing of the system");
    let mut report = LocalSet::new().block_on(&runtime, play(plan, recorded, trace));
    drop(runtime);
    let panics = PANICS.with_borrow_mut(std::mem::take);
    if let Some(panic) = panics.first() {
        report.failure = Some(Failure { oracle: Oracle::Internal, what: panic.clone() });
    }
    report
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without a message".into())
}
