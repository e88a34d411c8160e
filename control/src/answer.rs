use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// One of many: an event, a change, a finding.
    Row(Box<RawValue>),
    /// How far long work has come.
    Progress(Progress),
    /// The end, well.
    Result(Box<RawValue>),
    /// The end, not well.
    Error(Failure),
}

impl Line {
    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Line::Result(_) | Line::Error(_))
    }
}

/// How far long work has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done, such as "verifying packs".
    pub phase: String,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, if that is known.
    pub total: Option<u64>,
}

/// Why a request was not fulfilled: a kind for scripts, one line for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which exit code.
    pub kind: FailureKind,
    /// What was expected, what was found, what to do. One line.
    pub message: String,
}

/// The kinds of failure, each with its exit code in `docs/cli.md`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The request makes no sense as it was said.
    Usage,
    /// No such path, instant, checkpoint, volume or mount.
    NotFound,
    /// It conflicts with the state of things or with who may do it; nothing was changed.
    Refused,
    /// The store cannot be reached.
    Unreachable,
    /// Something stored is damaged, missing or foreign.
    Corrupt,
    /// Anything else.
    Failed,
}

fn harmless(c: char) -> String {
    if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
}

impl Failure {
    /// A failure of this kind; newlines in the message become spaces, and what a terminal would obey is escaped.
    pub fn new(kind: FailureKind, message: impl std::fmt::Display) -> Self {
        let message = message.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ");
        Failure { kind, message: message.chars().map(harmless).collect() }
    }

    /// [`FailureKind::Usage`].
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// [`FailureKind::NotFound`].
    pub fn not_found(message: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::NotFound, message)
    }

    /// [`FailureKind::Refused`].
    pub fn refused(message: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::Refused, message)
    }

    /// [`FailureKind::Unreachable`].
    pub fn unreachable(message: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::Unreachable, message)
    }

    /// [`FailureKind::Corrupt`].
    pub fn corrupt(message: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::Corrupt, message)
    }

    /// [`FailureKind::Failed`].
    pub fn failed(message: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::Failed, message)
    }
}

/// How many lines may wait for a slow reader.
const WINDOW: usize = 256;

/// The lines of an answer as they come, wherever they are made.
pub type Answers = mpsc::Receiver<Line>;

/// Where the lines of an answer go.
#[derive(Clone, Debug)]
pub struct Sink(mpsc::Sender<Line>);

impl Sink {
    /// Both ends of an answer.
    pub fn channel() -> (Sink, Answers) {
        let (sender, answers) = mpsc::channel(WINDOW);
        (Sink(sender), answers)
    }

    /// Sends a row; waits while the reader is behind.
    ///
    /// # Errors
    /// The reader is gone, or the row has no JSON.
    pub async fn row(&self, row: &impl Serialize) -> Result<(), Failure> {
        let row = to_raw(row)?;
        self.0.send(Line::Row(row)).await.map_err(|_| Failure::failed("the reader of the answer went away"))
    }

    /// Tells how far work has come; dropped when the reader is behind, since the next one says more.
    pub fn progress(&self, phase: &str, done: u64, total: Option<u64>) {
        let _ = self.0.try_send(Line::Progress(Progress { phase: phase.to_owned(), done, total }));
    }

    /// Waits until the reader has gone.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Sends the last line.
    pub(crate) async fn finish(self, outcome: Result<Box<RawValue>, Failure>) {
        let line = match outcome {
            Ok(result) => Line::Result(result),
            Err(failure) => Line::Error(failure),
        };
        // Nobody is left to be told that nobody is left.
        let _ = self.0.send(line).await;
    }

    /// Passes a line on as it is. Whether there was a reader.
    pub async fn pass(&self, line: Line) -> bool {
        self.0.send(line).await.is_ok()
    }
}

/// A value as JSON text.
pub(crate) fn to_raw(value: &impl Serialize) -> Result<Box<RawValue>, Failure> {
    serde_json::value::to_raw_value(value)
        .map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_that_no_terminal_obeys() {
        let failure = Failure::failed("no `a\x1b[31m`:\n  give\tanother");
        assert_eq!(failure.message, r"no `a\u{1b}[31m`: give\tanother");
    }
}
