use firn_journal::{BlockRef, Epoch, Extent, Ino, PackId, PlacedExtent};
use firn_materializer::decide::Command;

use crate::operations::{Operation, Piece};
use crate::reference::{Answer, Reference, Step, ask, pick};

impl Reference {
    pub fn on_content(&mut self, operation: &Operation) -> Option<Step> {
        let now = self.now;
        // Whatever is not a directory, by a name or by being held open.
        let leaves: Vec<u64> = self.model.leaves.keys().copied().collect();
        Some(match *operation {
            Operation::Write { file, offset, ref pieces } => {
                let (id, offset) = (pick(file, &leaves)?, u64::from(offset));
                let (data, extents) = self.stage(offset, pieces);
                let command = Command::Write { ino: Ino(id), offset, len: data.len() as u64, extents };
                ask(command, self.model.write(id, offset as usize, &data, now))
            }
            Operation::Truncate { file, size } => {
                let id = pick(file, &leaves)?;
                let command = Command::Truncate { ino: Ino(id), size: u64::from(size) };
                ask(command, self.model.truncate(id, usize::from(size), now))
            }
            Operation::Punch { file, offset, len } => {
                let id = pick(file, &leaves)?;
                let command = Command::Punch { ino: Ino(id), offset: offset.into(), len: len.into() };
                ask(command, self.model.punch(id, offset.into(), len.into(), now))
            }
            Operation::Zero { file, offset, len } => {
                let id = pick(file, &leaves)?;
                let command = Command::Zero { ino: Ino(id), offset: offset.into(), len: len.into() };
                ask(command, self.model.zero(id, offset.into(), len.into(), now))
            }
            Operation::Allocate { file, offset, len } => {
                let id = pick(file, &leaves)?;
                let command = Command::Allocate { ino: Ino(id), offset: offset.into(), len: len.into() };
                ask(command, self.model.allocate(id, offset.into(), len.into(), now))
            }
            Operation::Copy { from, from_offset, to, to_offset, len } => {
                let from = (pick(from, &leaves)?, from_offset);
                self.copy(from, (pick(to, &leaves)?, to_offset), len)
            }
            _ => return None,
        })
    }

    fn copy(&mut self, (from, from_offset): (u64, u8), (to, to_offset): (u64, u8), len: u8) -> Step {
        let command = Command::CopyRange {
            from: Ino(from),
            from_offset: from_offset.into(),
            to: Ino(to),
            to_offset: to_offset.into(),
            len: len.into(),
        };
        let answer =
            self.model.copy((from, from_offset.into()), (to, to_offset.into()), len.into(), self.now);
        Step::Ask { uid: 0, command, answer: answer.map(|copied| Answer { ino: None, copied }) }
    }

    /// Blocks for the pieces, the bytes that a reader is to see, and extents that say so.
    fn stage(&mut self, offset: u64, pieces: &[Piece]) -> (Vec<Option<u8>>, Vec<PlacedExtent>) {
        let (mut data, mut extents) = (Vec::new(), Vec::new());
        for piece in pieces {
            data.resize(data.len() + usize::from(piece.hole), None);
            let slot = self.blocks.len() as u32;
            let block: Vec<u8> = (0..piece.skip + piece.len + 3)
                .map(|at| at.wrapping_add((slot as u8).wrapping_mul(37)))
                .collect();
            let extent = Extent {
                len: piece.len.into(),
                skip: piece.skip.into(),
                block: BlockRef { pack: PackId { epoch: Epoch(1), number: 0 }, slot },
            };
            extents.push(PlacedExtent { offset: offset + data.len() as u64, extent });
            let used = usize::from(piece.skip)..usize::from(piece.skip + piece.len);
            data.extend(block[used].iter().copied().map(Some));
            self.blocks.push(block);
        }
        (data, extents)
    }
}
