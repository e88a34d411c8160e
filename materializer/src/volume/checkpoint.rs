use std::sync::Arc;

use firn_clock::Timestamp;
use firn_journal::{Actor, Seq};

use super::commit::VolumeError;
use super::live::Volume;
use crate::decide::{Command, Errno};

/// A checkpoint that was made.
#[derive(Clone, Debug)]
pub struct NewCheckpoint {
    /// Its name.
    pub name: String,
    /// The instant that it names.
    pub seq: Seq,
    /// The time of that instant.
    pub time: Timestamp,
}

/// Why a checkpoint was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The name or the message cannot be one.
    #[error(
        "`{name}` cannot name a checkpoint ({errno}): a name has 1 to 255 bytes, no slash, no control character"
    )]
    Name {
        /// What was asked for.
        name: String,
        /// What decide answered.
        errno: Errno,
    },
    /// It may not be durable.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

impl Volume {
    /// Names this instant, durably. Without a name it is called after its sequence number.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub async fn checkpoint(
        &self,
        actor: &Arc<Actor>,
        name: Option<String>,
        message: String,
    ) -> Result<NewCheckpoint, CheckpointError> {
        let name = name.unwrap_or_else(|| format!("cp-{}", self.view().seq().0));
        let command = Command::Checkpoint { name: name.clone(), message };
        let outcome = self.execute(actor, command).map_err(|errno| match errno {
            Errno::ROFS => CheckpointError::Volume(VolumeError::ReadOnly(
                self.status().read_only.unwrap_or_else(|| "it was closed".into()),
            )),
            errno => CheckpointError::Name { name: name.clone(), errno },
        })?;
        let ns = self.view();
        self.sync().await?;
        let time = ns.checkpoint(&name).map_or(ns.time(), |checkpoint| checkpoint.time);
        self.history.remember(ns);
        Ok(NewCheckpoint { name, seq: outcome.seq, time })
    }
}
