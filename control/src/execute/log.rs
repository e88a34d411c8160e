use firn_clock::Timestamp;
use firn_journal::Seq;
use firn_materializer::history::HistoryError;
use firn_materializer::history::ResolveError;
use firn_materializer::instant::When;
use firn_materializer::volume::InstantError;
use firn_recovery::{LogQuery, LogRow, Op, TimelineError};
use serde_json::{Map, Value, json};

use crate::answer::{Failure, Sink};
use crate::execute::Target;
use crate::path::TreePath;
use crate::rows::{ActorRow, EventRow, InstantRow, LogResult, TimeText, spell};

/// Sends events, newest first, as they are read.
pub(super) async fn log(
    target: &Target,
    path: Option<TreePath>,
    since: Option<&str>,
    until: Option<&str>,
    limit: Option<u64>,
    sink: &Sink,
) -> Result<LogResult, Failure> {
    let timeline = target.timeline();
    let (base, until) = match until {
        Some(until) => {
            let instant = timeline.resolve(&target.when(until)?).await?;
            (timeline.view(instant.seq).await?, Some(InstantRow::from(instant)))
        }
        None => (timeline.head().await?, None),
    };
    let since = match since {
        Some(since) => Some(last_before(target, &target.when(since)?).await?),
        None => None,
    };
    // One more than asked for tells whether there are more.
    let query = LogQuery {
        path: path.and_then(|path| path.scope()),
        since,
        limit: limit.map(|limit| limit.saturating_add(1)),
        effects: false,
    };
    let mut log = timeline.log(base, &query).await?;
    let mut result = LogResult { events: 0, more: false, since: since.map(|seq| seq.next().0), until };
    while let Some(row) = log.next().await? {
        if limit == Some(result.events) {
            result.more = true;
            break;
        }
        sink.row(&event_row(row)).await?;
        result.events += 1;
    }
    Ok(result)
}

/// The last event before those that happened at or after `when`.
async fn last_before(target: &Target, when: &When) -> Result<Seq, Failure> {
    let timeline = target.timeline();
    let earlier = match when {
        When::Time(time) => When::Time(Timestamp(time.0.saturating_sub(1))),
        other => return Ok(Seq(timeline.resolve(other).await?.seq.0.saturating_sub(1))),
    };
    match timeline.resolve(&earlier).await {
        Ok(instant) => Ok(instant.seq),
        Err(TimelineError::Instant(InstantError::History(HistoryError::Resolve(
            ResolveError::TooEarly { .. },
        )))) => Ok(Seq::ZERO),
        Err(error) => Err(error.into()),
    }
}

fn event_row(row: LogRow) -> EventRow {
    let path = row.path.as_deref().map(spell);
    EventRow {
        seq: row.seq.0,
        time: TimeText(row.time),
        op: row.op.name().to_owned(),
        path: path.as_ref().map(|(text, _)| text.clone()),
        path_bytes: path.and_then(|(_, hex)| hex),
        actor: ActorRow::from(&*row.actor),
        details: details(&row),
    }
}

/// What the operation tells besides, by key.
fn details(row: &LogRow) -> Map<String, Value> {
    let mut keys = Map::new();
    let bytes = |keys: &mut Map<String, Value>, key: &str, value: &[u8]| {
        let (text, hex) = spell(value);
        keys.insert(key.to_owned(), text.into());
        keys.extend(hex.map(|hex| (format!("{key}_bytes"), hex.into())));
    };
    if let (Some(from), Some(to)) = (row.op.from(), row.path.as_deref()) {
        bytes(&mut keys, "from", from);
        bytes(&mut keys, "to", to);
    }
    let other = match &row.op {
        Op::Mounted { host, version, .. } => json!({ "host": host, "version": version }),
        Op::Checkpointed { name, message } => json!({ "name": name, "message": message }),
        Op::Transaction { target, count, .. } => {
            json!({ "first_seq": row.first.0, "target_seq": target.0, "count": count })
        }
        Op::Created { mode, target, .. } => {
            if let Some(target) = target {
                bytes(&mut keys, "target", target);
            }
            json!({ "mode": mode })
        }
        Op::AttributesSet { mode, uid, gid, atime, mtime } => json!({
            "mode": mode, "uid": uid, "gid": gid, "atime": atime.map(TimeText), "mtime": mtime.map(TimeText),
        }),
        Op::XattrSet { name, size } | Op::XattrPut { name, size } => {
            bytes(&mut keys, "name", name);
            json!({ "size": size })
        }
        Op::XattrRemoved { name } | Op::XattrDropped { name } => {
            bytes(&mut keys, "name", name);
            Value::Null
        }
        Op::Written { offset, len } | Op::ContentPut { offset, len } => {
            json!({ "offset": offset, "size": len })
        }
        Op::Truncated { size } => json!({ "size": size }),
        Op::InodePut { size, mode } => json!({ "size": size, "mode": mode }),
        Op::Linked
        | Op::Unlinked
        | Op::Renamed { .. }
        | Op::Exchanged { .. }
        | Op::Evicted
        | Op::InodeDropped
        | Op::EntryPut { .. }
        | Op::EntryDropped => Value::Null,
    };
    if let Value::Object(other) = other {
        keys.extend(other.into_iter().filter(|(_, value)| !value.is_null()));
    }
    keys
}
