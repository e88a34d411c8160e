use crate::answer::{Failure, Sink};
use crate::execute::{Caller, Target};
use crate::rows::{CheckpointRow, CheckpointsResult, TimeText};

/// Names the present; durable when it answers.
pub(super) async fn checkpoint(
    target: &Target,
    caller: &Caller,
    name: Option<String>,
    message: Option<String>,
) -> Result<CheckpointRow, Failure> {
    let message = message.unwrap_or_default();
    let made = target.writer()?.checkpoint(&caller.actor, name, message.clone()).await?;
    Ok(CheckpointRow { name: made.name, seq: made.seq.0, time: TimeText(made.time), message })
}

/// All of them, oldest first.
pub(super) async fn list(target: &Target, sink: &Sink) -> Result<CheckpointsResult, Failure> {
    let head = target.timeline().head().await?;
    let mut rows: Vec<CheckpointRow> = head
        .checkpoints()
        .map(|(name, checkpoint)| CheckpointRow {
            name: name.to_owned(),
            seq: checkpoint.seq.0,
            time: TimeText(checkpoint.time),
            message: checkpoint.message.clone(),
        })
        .collect();
    rows.sort_by(|a, b| (a.seq, &a.name).cmp(&(b.seq, &b.name)));
    for row in &rows {
        sink.row(row).await?;
    }
    Ok(CheckpointsResult { checkpoints: rows.len() as u64 })
}
