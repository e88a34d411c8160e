use crate::draw::Draw;

/// When the process is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// At any time of the load.
    Load,
    /// Just after an fsync was sent.
    Fsync,
    /// The moment that an fsync is answered.
    Acknowledged,
    /// While a checkpoint is made.
    Checkpoint,
    /// While it unmounts.
    Umount,
    /// While the tree goes back.
    Undo,
    /// While it mounts again, after it was killed under load.
    Mount,
}

impl Moment {
    /// All of them, and how often they come.
    pub const ALL: [(u64, Moment); 7] = [
        (35, Moment::Load),
        (15, Moment::Fsync),
        (10, Moment::Acknowledged),
        (10, Moment::Checkpoint),
        (10, Moment::Umount),
        (10, Moment::Undo),
        (10, Moment::Mount),
    ];

    /// The moment of a round: each in turn first, so that few rounds see all of them.
    pub fn of(round: u64, draw: &mut Draw) -> Moment {
        match Self::ALL.get(round as usize) {
            Some((_, moment)) => *moment,
            None => *draw.weighted(&Self::ALL),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Load => "load",
            Moment::Fsync => "fsync",
            Moment::Acknowledged => "acknowledged",
            Moment::Checkpoint => "checkpoint",
            Moment::Umount => "umount",
            Moment::Undo => "undo",
            Moment::Mount => "mount",
        }
    }

    /// The most milliseconds between asking for it and the kill: about as long as it takes.
    pub fn delay_ms(self) -> u64 {
        match self {
            Moment::Load | Moment::Acknowledged | Moment::Mount => 0,
            Moment::Fsync => 30,
            Moment::Checkpoint => 80,
            Moment::Umount | Moment::Undo => 100,
        }
    }
}
