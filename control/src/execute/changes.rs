//! What differs, and going back.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use firn_journal::TransactionKind;
use firn_materializer::namespace::{FileType, Namespace};
use firn_recovery::{self as recovery, DiffRow, Goal, Report};

use crate::answer::{Failure, Sink};
use crate::execute::{Caller, Target};
use crate::path::TreePath;
use crate::rows::{BurstRow, ChangeRow, Counts, DiffResult, InstantRow, TimeText, UndoResult, spell};
use crate::shell::shell_word;

/// Sends what turns one instant into another.
pub(super) async fn diff(
    target: &Target,
    from: &str,
    to: Option<&str>,
    path: Option<TreePath>,
    patch: bool,
    sink: &Sink,
) -> Result<DiffResult, Failure> {
    let timeline = target.timeline();
    let old = timeline.view(timeline.resolve(&target.when(from)?).await?.seq).await?;
    let new = match to {
        Some(to) => timeline.view(timeline.resolve(&target.when(to)?).await?.seq).await?,
        None => timeline.head().await?,
    };
    let scope = path.as_ref().and_then(TreePath::scope);
    if let Some(scope) = &scope
        && old.resolve(scope).is_none()
        && new.resolve(scope).is_none()
    {
        return Err(Failure::not_found(format!(
            "{} is in neither of {} and {}: check the path, or give other times (`firn log` shows when it existed)",
            TreePath::new(scope),
            old.seq(),
            new.seq()
        )));
    }
    let rows = recovery::diff(&old, &new, scope.as_deref());
    for row in &rows {
        let mut shown = change_row(row);
        if patch {
            let text = recovery::patch(row, &old, &new, target.history.blocks()).await?;
            let (text, hex) = spell(&text);
            (shown.patch, shown.patch_bytes) = (Some(text).filter(|text| !text.is_empty()), hex);
        }
        sink.row(&shown).await?;
    }
    let instant = |view: &Namespace| InstantRow { seq: view.seq().0, time: TimeText(view.time()) };
    Ok(DiffResult {
        from: instant(&old),
        to: instant(&new),
        counts: Counts::from(recovery::Counts::of(&rows)),
    })
}

/// Goes back, or says what that would change.
pub(super) async fn undo(
    target: &Target,
    caller: &Caller,
    to: Option<&str>,
    path: Option<TreePath>,
    dry_run: bool,
    sink: &Sink,
) -> Result<UndoResult, Failure> {
    let goal = match to {
        Some(to) => Goal::To(target.when(to)?),
        None => Goal::LatestBurst,
    };
    let scope = path.as_ref().and_then(TreePath::scope);
    if dry_run {
        let report = recovery::preview_undo(target.timeline(), &goal, scope.as_deref()).await?;
        return preview(target, &report, sink).await;
    }
    sink.progress("going back", 0, None);
    let report = recovery::undo(target.writer()?, &caller.actor, &goal, scope.as_deref()).await?;
    Ok(done(target, &report).await)
}

/// Takes the latest undo back, or says what that would change.
pub(super) async fn redo(
    target: &Target,
    caller: &Caller,
    dry_run: bool,
    sink: &Sink,
) -> Result<UndoResult, Failure> {
    if dry_run {
        return preview(target, &recovery::preview_redo(target.timeline(), None).await?, sink).await;
    }
    sink.progress("going forth again", 0, None);
    let report = recovery::redo(target.writer()?, &caller.actor, None).await?;
    Ok(done(target, &report).await)
}

/// Brings one path back, or says what that would change.
pub(super) async fn restore(
    target: &Target,
    caller: &Caller,
    path: TreePath,
    at: &str,
    to: Option<TreePath>,
    dry_run: bool,
    sink: &Sink,
) -> Result<UndoResult, Failure> {
    let (at, to) = (target.when(at)?, to.as_ref().map(TreePath::as_bytes));
    if dry_run {
        let report = recovery::preview_restore(target.timeline(), path.as_bytes(), &at, to).await?;
        return preview(target, &report, sink).await;
    }
    sink.progress("bringing back", 0, None);
    let report = recovery::restore(target.writer()?, &caller.actor, path.as_bytes(), &at, to).await?;
    Ok(done(target, &report).await)
}

/// Shows what would change.
async fn preview(target: &Target, report: &Report, sink: &Sink) -> Result<UndoResult, Failure> {
    for row in &report.rows {
        sink.row(&change_row(row)).await?;
    }
    Ok(went_back(target, report, true))
}

/// Says what was changed, once every program sees it.
async fn done(target: &Target, report: &Report) -> UndoResult {
    target.settle().await;
    went_back(target, report, false)
}

fn change_row(row: &DiffRow) -> ChangeRow {
    let (path, path_bytes) = spell(&row.path);
    let (from, from_bytes) = row.from.as_deref().map(spell).unzip();
    ChangeRow {
        change: row.change.name().to_owned(),
        path,
        path_bytes,
        from,
        from_bytes: from_bytes.flatten(),
        kind: kind(row.kind).to_owned(),
        differs: row.aspects.names().map(str::to_owned).collect(),
        patch: None,
        patch_bytes: None,
    }
}

fn kind(kind: FileType) -> &'static str {
    match kind {
        FileType::Regular => "file",
        FileType::Directory => "directory",
        FileType::Symlink => "symlink",
        FileType::CharDevice => "char-device",
        FileType::BlockDevice => "block-device",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
    }
}

fn went_back(target: &Target, report: &Report, dry_run: bool) -> UndoResult {
    let (path, path_bytes) = report.scope.as_deref().map(spell).unzip();
    UndoResult {
        did: match report.kind {
            TransactionKind::Undo => "undo",
            TransactionKind::Redo => "redo",
            TransactionKind::Restore => "restore",
        }
        .to_owned(),
        to: InstantRow::from(report.target),
        path,
        path_bytes: path_bytes.flatten(),
        dry_run,
        burst: report.burst.as_ref().map(BurstRow::from),
        counts: Counts::from(report.counts),
        before: InstantRow::from(report.before),
        seq: report.seq.map(|seq| seq.0),
        take_back: report.seq.map(|_| take_back(target, report)),
    }
}

/// The command that takes back what was done, as long as nothing else has happened since.
fn take_back(target: &Target, report: &Report) -> String {
    let to = report.before.seq;
    let command = match (report.kind, &report.scope) {
        (TransactionKind::Undo, _) => "firn redo".to_owned(),
        (_, None) => format!("firn undo --to '{to}'"),
        (_, Some(scope)) => {
            let inside = PathBuf::from(OsStr::from_bytes(scope));
            let path =
                target.mounted.as_ref().map_or(inside.clone(), |mounted| mounted.mountpoint.join(inside));
            format!("firn undo --to '{to}' --path {}", shell_word(path.as_os_str().as_bytes()))
        }
    };
    match &target.mounted {
        Some(_) => command,
        None => format!("{command} --volume {}", shell_word(target.url.as_bytes())),
    }
}
