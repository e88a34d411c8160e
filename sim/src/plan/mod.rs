//! Plans: what a run does, as a list that a person can read, cut short and keep.
//!
//! **Purpose.** A [`Plan`] is a seed, the shape of the volume, a list of [`Step`]s and the faults of the store. It is
//! [generated](generate::generate) from a seed and a [`Profile`], written as text, one step a line, and played by
//! [`world`](crate::world).
//!
//! **Invariants.**
//! - A step names its targets by numbers that are taken modulo what exists when it is done: so every subsequence of
//!   a plan is a plan, and means something.
//! - Whatever is drawn while a plan is played is drawn by position (client and request), not from a stream: so a
//!   step that is left out changes nothing of what others draw.
//! - A plan with [`FaultSource::Drawn`] and the plan that its run leaves behind, with the same faults listed, play
//!   the same.

pub mod generate;
mod inspection;
mod phrases;
mod profile;
mod step;
mod text;

pub use profile::{Profile, Shape, Weights};
pub use step::{Access, Action, At, Crash, Instant, LABELS, Range, Step};
pub use text::PlanError;

use crate::draw::Seed;
use crate::store::Injected;

/// Where the store's faults come from.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultSource {
    /// From the seed, as often as the profile says.
    Drawn,
    /// These, and no others.
    Listed(Vec<Injected>),
}

/// What a run does.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// What is drawn comes from here.
    pub seed: Seed,
    /// What kind of run it is.
    pub profile: Profile,
    /// How the volume is set up.
    pub shape: Shape,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What the store does wrong.
    pub faults: FaultSource,
}

impl Plan {
    /// How many faults it lists.
    pub fn listed(&self) -> usize {
        match &self.faults {
            FaultSource::Drawn => 0,
            FaultSource::Listed(faults) => faults.len(),
        }
    }
}
