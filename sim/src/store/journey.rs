//! A request's way to the store and back: the one place where faults, outages and crashes meet requests.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::Result;
use tokio::time::sleep;

use super::bucket::State;
use super::errors;
use super::faults::{Answer, Effect, Fault};
use super::latency::Travel;
use super::life::{CrashPoint, Life};
use super::request::Request;

impl Life {
    /// Makes a request. A dead client waits for ever.
    pub async fn call<R: Request>(&self, request: R) -> Result<R::Answer> {
        self.live().await;
        let (departure, travel) = self.depart(&request);
        pause(travel.there_ms).await;
        if self.take(departure.nth).is_none() {
            return pending().await;
        }
        let Some(answer) = self.arrive(departure.nth, &request) else { return pending().await };
        pause(travel.back_ms).await;
        self.live().await;
        answer
    }

    /// What a request has answered, item by item.
    pub fn items<T: Send + 'static>(
        self: &Arc<Self>,
        items: Vec<Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let life = Arc::clone(self);
        let answered = move |item| {
            let life = Arc::clone(&life);
            async move {
                life.live().await;
                item
            }
        };
        stream::iter(items).then(answered).boxed()
    }

    /// Returns at once, or never if the client is dead.
    async fn live(&self) {
        if self.state().dead {
            pending().await
        }
    }

    fn depart<R: Request>(&self, request: &R) -> (Departure<'_>, Travel) {
        let bucket = &mut *self.bucket.open();
        let nth = {
            let mut state = self.state();
            let nth = state.requests;
            state.requests += 1;
            state.on_the_way.insert(nth, Box::new(request.clone()));
            nth
        };
        let travel = bucket.latency.travel(self.draw("latency", nth));
        if travel.slow {
            bucket.count("slow");
            self.state().slow_met += 1;
        }
        (Departure { life: self, nth }, travel)
    }

    /// What happens to a request at the store: `None` if it is never answered.
    fn arrive<R: Request>(&self, nth: u64, request: &R) -> Option<Result<R::Answer>> {
        let bucket = &mut *self.bucket.open();
        let until_ms = bucket.unreachable_until_ms.max(self.state().unreachable_until_ms);
        let reachable = bucket.healed || bucket.now_ms() >= until_ms;
        let crash = self.state().crash.filter(|(at, _)| *at == nth && !bucket.healed);
        if let Some((_, point)) = crash {
            self.crash(bucket, nth, request, point, reachable);
            return None;
        }
        if !reachable {
            return self.fail_to_reach(bucket, nth, request);
        }
        let fault = self.faults.on_arrival(self.bucket.seed(), self.number, nth);
        match fault.filter(|fault| !bucket.healed && request.admits(*fault, &bucket.objects)) {
            Some(fault) => self.meet(bucket, nth, request, fault),
            None => {
                let now_ms = bucket.now_ms();
                let outcome = request.carry_out(&mut bucket.objects, now_ms);
                self.line(bucket, nth, request, errors::word(&outcome));
                Some(outcome)
            }
        }
    }

    fn meet<R: Request>(
        &self,
        bucket: &mut State,
        nth: u64,
        request: &R,
        fault: Fault,
    ) -> Option<Result<R::Answer>> {
        let (effect, answer) = fault.consequence(request.key());
        let now_ms = bucket.now_ms();
        let outcome = (effect == Effect::Now).then(|| request.carry_out(&mut bucket.objects, now_ms));
        let word = outcome.as_ref().map_or("no effect", errors::word);
        self.line(bucket, nth, request, format_args!("{word}, {fault}"));
        self.record(bucket, nth, fault);
        if let Effect::After(ms) = effect {
            bucket.announce(ms, self.number, nth, Box::new(request.clone()));
        }
        match answer {
            Answer::Nothing => None,
            Answer::Error(error) => Some(Err(error)),
            Answer::Cut(error) => {
                outcome.map(|outcome| outcome.map(|answer| R::cut(answer, self.draw("cut", nth), error)))
            }
        }
    }

    fn crash<R: Request>(
        &self,
        bucket: &mut State,
        nth: u64,
        request: &R,
        point: CrashPoint,
        reachable: bool,
    ) {
        let (what, word) = match point {
            CrashPoint::AfterEffect if reachable => {
                let now_ms = bucket.now_ms();
                ("crash_after_effect", errors::word(&request.carry_out(&mut bucket.objects, now_ms)))
            }
            CrashPoint::AfterEffect | CrashPoint::BeforeEffect => ("crash_before_effect", "no effect"),
        };
        self.line(bucket, nth, request, format_args!("{word}, {what}"));
        bucket.count(what);
        self.die(bucket);
    }

    /// Half of the requests are refused at once, the other half hears nothing.
    fn fail_to_reach<R: Request>(
        &self,
        bucket: &mut State,
        nth: u64,
        request: &R,
    ) -> Option<Result<R::Answer>> {
        let refused = self.draw("unreachable", nth).chance(500);
        let what = if refused { "unreachable_refused" } else { "unreachable_hang" };
        self.line(bucket, nth, request, what);
        self.count(bucket, what);
        refused.then(|| Err(errors::connection_refused()))
    }
}

/// A request that has set out. Whoever drops it before it has arrived gives it up.
struct Departure<'a> {
    life: &'a Life,
    nth: u64,
}

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        if let Some(request) = self.life.take(self.nth) {
            self.life.abandon(&mut self.life.bucket.open(), self.nth, request);
        }
    }
}

async fn pause(ms: u64) {
    if ms > 0 {
        sleep(Duration::from_millis(ms)).await;
    }
}
