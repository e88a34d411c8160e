//! What happened in a run, line by line: two runs of one seed write the same.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The lines of a run, with the virtual milliseconds at which they were written. Clones share the lines.
#[derive(Clone, Default, Debug)]
pub struct Trace(Arc<Mutex<Lines>>);

#[derive(Default, Debug)]
struct Lines {
    hasher: blake3::Hasher,
    /// Kept if somebody wants to read them.
    text: Option<String>,
    count: u64,
}

impl Trace {
    /// Only its hash is kept.
    pub fn hashed() -> Self {
        Trace::default()
    }

    /// The text is kept as well.
    pub fn kept() -> Self {
        Trace(Arc::new(Mutex::new(Lines { text: Some(String::new()), ..Lines::default() })))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub fn line(&self, at_ms: u64, what: impl Display) {
        let line = format!("{at_ms:>9} {what}\n");
        let mut lines = self.lines();
        lines.hasher.update(line.as_bytes());
        lines.count += 1;
        if let Some(text) = &mut lines.text {
            text.push_str(&line);
        }
    }

    /// The checksum of all lines, and how many they are.
    pub fn fingerprint(&self) -> String {
        let lines = self.lines();
        format!("{} {}", lines.hasher.finalize().to_hex(), lines.count)
    }

    /// The lines, if they were kept.
    pub fn text(&self) -> String {
        self.lines().text.clone().unwrap_or_default()
    }
}
