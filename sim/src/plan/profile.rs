use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::draw::Draw;
use crate::store::Rates;

/// What a run is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Nothing goes wrong.
    Calm,
    /// The store fails.
    Faults,
    /// Machines die, and the store fails.
    Crashes,
    /// Second writers come.
    Writers,
    /// Much going back and looking back.
    History,
    /// Stored objects are damaged at the end.
    Damage,
    /// Everything but damage.
    Mixed,
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 7] = [
        Profile::Calm,
        Profile::Faults,
        Profile::Crashes,
        Profile::Writers,
        Profile::History,
        Profile::Damage,
        Profile::Mixed,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Calm => "calm",
            Profile::Faults => "faults",
            Profile::Crashes => "crashes",
            Profile::Writers => "writers",
            Profile::History => "history",
            Profile::Damage => "damage",
            Profile::Mixed => "mixed",
        }
    }

    /// How often the store fails.
    pub fn rates(self) -> Rates {
        match self {
            Profile::Calm | Profile::Damage | Profile::History => Rates::none(),
            Profile::Faults => Rates::each(25),
            Profile::Crashes | Profile::Mixed => Rates::each(8),
            Profile::Writers => Rates::each(4),
        }
    }

    /// How often each family of steps comes.
    pub fn weights(self) -> Weights {
        let quiet =
            Weights { files: 800, history: 60, crashes: 0, restarts: 8, writers: 0, clocks: 0, outages: 0 };
        match self {
            Profile::Calm => quiet,
            Profile::Damage => Weights { crashes: 8, ..quiet },
            Profile::Faults => Weights { clocks: 4, outages: 8, ..quiet },
            Profile::Crashes => Weights { crashes: 30, outages: 4, clocks: 4, ..quiet },
            Profile::Writers => Weights { crashes: 6, writers: 24, clocks: 2, ..quiet },
            Profile::History => Weights { history: 300, crashes: 12, clocks: 4, ..quiet },
            Profile::Mixed => {
                Weights { history: 120, crashes: 12, writers: 6, clocks: 4, outages: 4, ..quiet }
            }
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Profile::ALL.map(Profile::name).join(", ");
        let found = Profile::ALL.into_iter().find(|profile| profile.name() == text);
        found.ok_or_else(|| format!("there is no profile `{text}`; there are: {}", names()))
    }
}

/// How often each family of steps comes, beside the others.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Operations on files.
    pub files: u64,
    /// Looking back and going back.
    pub history: u64,
    /// Crashes.
    pub crashes: u64,
    /// Clean restarts.
    pub restarts: u64,
    /// Second writers.
    pub writers: u64,
    /// Jumps of the clock.
    pub clocks: u64,
    /// Times when the store is away.
    pub outages: u64,
}

/// How a volume is set up: small enough that every limit is met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shape {
    /// How many work in it at once.
    pub actors: u8,
    /// Bytes of a block.
    pub block_size: u32,
    /// Bytes of a pack.
    pub pack_target: u64,
    /// Bytes of the longest pack that rides in a segment.
    pub rider_limit: u64,
    /// Bytes that may wait for the store.
    pub dirty_limit: u64,
    /// Bytes of blocks kept in memory.
    pub memory_cache: usize,
    /// Bytes of tables kept in memory.
    pub table_cache: usize,
    /// Bytes for finding duplicates.
    pub dedup_limit: usize,
    /// Events between two snapshot files.
    pub snapshot_every: u64,
    /// Events that may wait for the store.
    pub pending_events: usize,
    /// Past trees kept in memory.
    pub views_in_memory: usize,
    /// The commit interval, in milliseconds.
    pub commit_ms: u64,
}

impl Shape {
    /// One of the shapes that there can be.
    pub fn draw(draw: &mut Draw) -> Self {
        let pick = |draw: &mut Draw, choices: &[u64]| choices[draw.below(choices.len() as u64) as usize];
        Shape {
            actors: draw.between(1, 4) as u8,
            block_size: pick(draw, &[4096, 4096, 8192, 65_536]) as u32,
            pack_target: pick(draw, &[8_192, 32_768, 1 << 20]),
            rider_limit: pick(draw, &[0, 2_048, 16_384, 1 << 20]),
            dirty_limit: pick(draw, &[16_384, 1 << 20, 1 << 26]),
            memory_cache: pick(draw, &[0, 65_536, 1 << 24]) as usize,
            table_cache: pick(draw, &[4_096, 1 << 22]) as usize,
            dedup_limit: pick(draw, &[0, 4_096, 1 << 20]) as usize,
            snapshot_every: pick(draw, &[8, 30, 120, 10_000]),
            pending_events: pick(draw, &[10, 100, 10_000]) as usize,
            views_in_memory: pick(draw, &[2, 6, 32]) as usize,
            commit_ms: pick(draw, &[50, 200, 1000]),
        }
    }
}
