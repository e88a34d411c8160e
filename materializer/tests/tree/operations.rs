use firn_clock::Timestamp;
use firn_materializer::decide::{AttributeChanges, RenameMode, SetTime, XattrMode};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Something of the model by its number, modulo how many there are: so that any part of a list of operations
/// still means something.
pub type Index = u16;

/// A piece of what is written: a hole, then bytes from the middle of a block.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub hole: u8,
    pub len: u8,
    pub skip: u8,
}

#[derive(Clone, Debug)]
pub enum Operation {
    Create {
        dir: Index,
        name: Index,
        kind: Index,
        mode: u32,
        gid: u32,
    },
    Link {
        entry: Index,
        dir: Index,
        name: Index,
    },
    /// Of an entry that exists, perhaps while it is held open.
    Remove {
        entry: Index,
        is_open: bool,
    },
    /// Of a name that may not exist.
    RemoveName {
        dir: Index,
        name: Index,
        is_rmdir: bool,
    },
    Rename {
        entry: Index,
        dir: Index,
        name: Index,
        mode: RenameMode,
    },
    /// Onto the place of another entry.
    RenameOnto {
        entry: Index,
        onto: Index,
        mode: RenameMode,
    },
    Write {
        file: Index,
        offset: u8,
        pieces: Vec<Piece>,
    },
    Truncate {
        file: Index,
        size: u8,
    },
    Punch {
        file: Index,
        offset: u8,
        len: u8,
    },
    Zero {
        file: Index,
        offset: u8,
        len: u8,
    },
    Allocate {
        file: Index,
        offset: u8,
        len: u8,
    },
    Copy {
        from: Index,
        from_offset: u8,
        to: Index,
        to_offset: u8,
        len: u8,
    },
    Set {
        entry: Index,
        changes: AttributeChanges,
        uid: u32,
    },
    SetXattr {
        entry: Index,
        name: Index,
        value: Option<Vec<u8>>,
        mode: XattrMode,
    },
    Open {
        entry: Index,
    },
    Close {
        open: Index,
    },
    Checkpoint {
        name: Index,
    },
    /// Takes a view.
    Remember,
    /// Goes to one of the last views.
    Undo {
        view: Index,
    },
}

pub fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![8 => on_entries(), 6 => on_content(), 4 => on_attributes(), 4 => on_instants()]
}

/// Only those that make a tree larger.
pub fn growth() -> impl Strategy<Value = Operation> {
    let piece = (0..2u8, 1..6u8, 0..2u8).prop_map(|(hole, len, skip)| Piece { hole, len, skip });
    prop_oneof![
        3 => (index(), index(), index(), Just(0o755), Just(0))
            .prop_map(|(dir, name, kind, mode, gid)| Operation::Create { dir, name, kind, mode, gid }),
        1 => (index(), 0..200u8, vec(piece, 1..5))
            .prop_map(|(file, offset, pieces)| Operation::Write { file, offset, pieces }),
        1 => (index(), 0..9u16, vec(any::<u8>(), 0..4).prop_map(Some)).prop_map(|(entry, name, value)| {
            Operation::SetXattr { entry, name, value, mode: XattrMode::Set }
        }),
    ]
}

fn rename_mode() -> impl Strategy<Value = RenameMode> {
    prop_oneof![3 => Just(RenameMode::Replace), 1 => Just(RenameMode::NoReplace), 2 => Just(RenameMode::Exchange)]
}

fn index() -> impl Strategy<Value = Index> {
    any::<Index>()
}

fn on_entries() -> impl Strategy<Value = Operation> {
    let mode = prop_oneof![Just(0o644), Just(0o755), Just(0o2775), Just(0o6711)];
    let create = (index(), index(), index(), mode, 0..3u32)
        .prop_map(|(dir, name, kind, mode, gid)| Operation::Create { dir, name, kind, mode, gid });
    let link =
        (index(), index(), index()).prop_map(|(entry, dir, name)| Operation::Link { entry, dir, name });
    let remove = (index(), any::<bool>()).prop_map(|(entry, is_open)| Operation::Remove { entry, is_open });
    let remove_name = (index(), index(), any::<bool>())
        .prop_map(|(dir, name, is_rmdir)| Operation::RemoveName { dir, name, is_rmdir });
    let rename = (index(), index(), index(), rename_mode())
        .prop_map(|(entry, dir, name, mode)| Operation::Rename { entry, dir, name, mode });
    let rename_onto = (index(), index(), rename_mode())
        .prop_map(|(entry, onto, mode)| Operation::RenameOnto { entry, onto, mode });
    prop_oneof![9 => create, 3 => link, 3 => remove, 1 => remove_name, 3 => rename, 3 => rename_onto]
}

fn on_content() -> impl Strategy<Value = Operation> {
    let piece = (0..4u8, 1..12u8, 0..5u8).prop_map(|(hole, len, skip)| Piece { hole, len, skip });
    let write = (index(), 0..64u8, vec(piece, 0..5)).prop_map(|(file, offset, pieces)| Operation::Write {
        file,
        offset,
        pieces,
    });
    let range = || (index(), 0..80u8, 0..40u8);
    prop_oneof![
        6 => write,
        2 => (index(), 0..90u8).prop_map(|(file, size)| Operation::Truncate { file, size }),
        2 => range().prop_map(|(file, offset, len)| Operation::Punch { file, offset, len }),
        1 => range().prop_map(|(file, offset, len)| Operation::Zero { file, offset, len }),
        1 => range().prop_map(|(file, offset, len)| Operation::Allocate { file, offset, len }),
        3 => (range(), index(), 0..80u8).prop_map(|((from, from_offset, len), to, to_offset)| {
            Operation::Copy { from, from_offset, to, to_offset, len }
        }),
    ]
}

fn on_attributes() -> impl Strategy<Value = Operation> {
    let time = || {
        option::weighted(
            0.3,
            prop_oneof![Just(SetTime::Now), any::<i64>().prop_map(|nanos| SetTime::At(Timestamp(nanos))),],
        )
    };
    let changes = (
        option::weighted(0.3, 0..0o10000u32),
        option::weighted(0.3, 0..3u32),
        option::weighted(0.3, 0..3u32),
        option::weighted(0.2, 0..90u64),
        time(),
        time(),
    );
    let changes = changes.prop_map(|(mode, uid, gid, size, atime, mtime)| AttributeChanges {
        mode,
        uid,
        gid,
        size,
        atime,
        mtime,
    });
    let mode = prop_oneof![Just(XattrMode::Set), Just(XattrMode::Create), Just(XattrMode::Replace)];
    let value = option::weighted(0.7, vec(any::<u8>(), 0..4));
    prop_oneof![
        (index(), changes, 0..2u32).prop_map(|(entry, changes, uid)| Operation::Set { entry, changes, uid }),
        (index(), 0..2u16, value, mode).prop_map(|(entry, name, value, mode)| Operation::SetXattr {
            entry,
            name,
            value,
            mode
        }),
    ]
}

fn on_instants() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => index().prop_map(|entry| Operation::Open { entry }),
        3 => index().prop_map(|open| Operation::Close { open }),
        1 => (0..2u16).prop_map(|name| Operation::Checkpoint { name }),
        2 => Just(Operation::Remember),
        2 => index().prop_map(|view| Operation::Undo { view }),
    ]
}
