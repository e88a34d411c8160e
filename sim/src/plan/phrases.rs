//! Short runs of steps that belong together and would hardly ever come about by chance. They are ordinary steps, so that
//! a plan shrinks into them.

use super::generate::{Taste, instant, range};
use super::{Action, At, Range};
use crate::draw::Draw;

/// One of them, all by one actor.
pub(super) fn phrase(taste: &Taste, draw: &mut Draw) -> Vec<Action> {
    let target = |draw: &mut Draw| draw.word() as u16;
    let (file, other, to_at) = (target(draw), target(draw), range(draw).at % 60_000);
    let write = |draw: &mut Draw, at, len| Action::Write { file, at, len, fill: taste.fill(draw) };
    match draw.below(6) {
        // A program that appends, with an fsync now and then.
        0 => {
            let mut actions = vec![write(draw, At::Append, 100)];
            for _ in 0..draw.between(2, 9) {
                let len = draw.between(1, 3_000) as u32;
                actions.push(write(draw, At::Onward, len));
                if draw.chance(250) {
                    actions.push(Action::Fsync);
                }
            }
            actions
        }
        1 => vec![
            Action::Undo { to: instant(draw), scope: draw.chance(300).then(|| target(draw)) },
            Action::Redo,
        ],
        2 => {
            let (first, second) = (instant(draw), instant(draw));
            let undo = |to| Action::Undo { to, scope: None };
            vec![undo(first), undo(second), Action::Redo, Action::Redo, Action::Redo]
        }
        // Blocks that two files share, one of which is changed and set back.
        3 => vec![
            write(draw, At::Offset(0), 20_000),
            Action::Copy { from: file, range: Range { at: 0, len: 20_000 }, to: other, to_at },
            write(draw, At::Offset(5_000), 6_000),
            Action::Read { file: other, range: Range { at: 0, len: 40_000 } },
            Action::UndoBurst,
        ],
        // As rm -r does, and back.
        4 => {
            let mut actions =
                vec![Action::Remove { entry: file, wrong: false }; draw.between(3, 12) as usize];
            actions.push(Action::UndoBurst);
            actions
        }
        // The same large block in several commits.
        _ => {
            let mut actions = Vec::new();
            for file in [file, other, target(draw)] {
                actions.push(Action::Write { file, at: At::Offset(0), len: 12_288, fill: 1 });
                actions.push(Action::Fsync);
            }
            actions
        }
    }
}
