use std::time::Duration;

use tokio::sync::oneshot;

use crate::answer::{Failure, Sink};
use crate::execute::{Order, Target};
use crate::rows::{SyncResult, UnmountResult};

/// Between two words about progress.
const TICK: Duration = Duration::from_millis(200);

/// Makes everything until now durable.
pub(super) async fn sync(target: &Target, sink: &Sink) -> Result<SyncResult, Failure> {
    let Some(volume) = &target.volume else {
        // What a reader sees is in the store.
        return Ok(SyncResult { durable_seq: target.timeline().head().await?.seq().0 });
    };
    let synced = volume.sync();
    tokio::pin!(synced);
    let most = volume.status().pending_bytes;
    loop {
        tokio::select! {
            biased;
            synced = &mut synced => return Ok(SyncResult { durable_seq: synced?.0 }),
            () = tokio::time::sleep(TICK) => {
                let left = volume.status().pending_bytes;
                sink.progress("storing bytes", most.saturating_sub(left), Some(most));
            }
        }
    }
}

/// Ends the mount in good order.
pub(super) async fn unmount(target: &Target, sink: &Sink) -> Result<UnmountResult, Failure> {
    let Some(mounted) = &target.mounted else {
        return Err(Failure::not_found("the volume is not mounted by this process; name the mount point"));
    };
    // A volume that turned read-only will never be durable to its head; it can still be unmounted.
    let synced = sync(target, sink).await;
    let (done, mut end) = oneshot::channel();
    let asked = mounted.orders.send(Order::Stop(done)).await;
    asked.map_err(|_| Failure::refused("the mount is being ended already"))?;
    loop {
        tokio::select! {
            biased;
            end = &mut end => {
                end.map_err(|_| Failure::failed("the mount's process ended in a hurry; its log says why"))??;
                let durable_seq = synced?.durable_seq;
                return Ok(UnmountResult { durable_seq: target.volume.is_some().then_some(durable_seq) });
            }
            () = tokio::time::sleep(TICK) => sink.progress("closing the volume", 0, None),
        }
    }
}
