use crate::answer::Failure;
use crate::execute::Target;
use crate::rows::{InstantRow, StatusResult, StoreRow, TimeText};

/// What is true now.
pub(super) async fn status(target: &Target) -> Result<StatusResult, Failure> {
    let mut status = match &target.volume {
        Some(volume) => of_writer(target, &volume.status()),
        None => of_reader(target).await?,
    };
    if let Some(mounted) = &target.mounted {
        status.mountpoint = Some(mounted.mountpoint.display().to_string());
        status.pid = Some(mounted.pid);
        status.at = mounted.at.map(InstantRow::from);
    }
    Ok(status)
}
