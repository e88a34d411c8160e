//! A plan as text: JSON, one step and one fault a line.

use serde::{Deserialize, Serialize};

use super::{FaultSource, Plan, Profile, Shape, Step};
use crate::draw::Seed;

/// The version of the text.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    seed: Seed,
    profile: Profile,
    shape: Shape,
    steps: Vec<Step>,
    faults: FaultSource,
}

/// The text is no plan.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "this is no plan that firn-sim wrote: {0}; expected the JSON that `firn-sim run` leaves behind (format {FORMAT})"
)]
pub struct PlanError(String);

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// Where the text is no plan.
    pub fn parse(text: &str) -> Result<Plan, PlanError> {
        let stored: Stored = serde_json::from_str(text).map_err(|error| PlanError(error.to_string()))?;
        if stored.format != FORMAT {
            return Err(PlanError(format!("it has format {}", stored.format)));
        }
        let Stored { seed, profile, shape, steps, faults, .. } = stored;
        Ok(Plan { seed, profile, shape, steps, faults })
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{{ \"format\": {FORMAT}, \"seed\": {}, \"profile\": {},",
            self.seed,
            json(&self.profile)
        )?;
        writeln!(f, "  \"shape\": {},", json(&self.shape))?;
        writeln!(f, "  \"steps\": [")?;
        lines(f, &self.steps)?;
        match &self.faults {
            FaultSource::Drawn => writeln!(f, "  ],\n  \"faults\": \"drawn\" }}"),
            FaultSource::Listed(faults) => {
                writeln!(f, "  ],\n  \"faults\": {{ \"listed\": [")?;
                lines(f, faults)?;
                writeln!(f, "  ] }} }}")
            }
        }
    }
}

fn lines<T: Serialize>(f: &mut std::fmt::Formatter<'_>, items: &[T]) -> std::fmt::Result {
    for (n, item) in (1..).zip(items) {
        writeln!(f, "    {}{}", json(item), if n < items.len() { "," } else { "" })?;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plans are numbers and words")
}
