use std::time::Duration;

use firn_materializer::instant::When;

/// What an undo goes back to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Goal {
    /// Before the latest burst of changes.
    LatestBurst,
    /// This instant.
    To(When),
    /// As it was so long ago.
    Last(Duration),
}
