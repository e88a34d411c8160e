use std::sync::Arc;

use firn_clock::Entropy;
use firn_journal::{Actor, Event, EventKind, Name};

use super::stand_ins::{self, Alphabet, StandIns};

/// Replaces what a history says of its user's things by stand-ins: names of entries, targets of symbolic links, names
/// (but their namespace) and values of extended attributes, content, names and messages of checkpoints, paths of
/// transactions, host names, command names. The same original has the same stand-in throughout one export, and no two
/// originals have one, so that the history stays one; but content and values of few bytes may come to be equal.
///
/// What stays: the volume's id, inode numbers, block references, times, sizes, modes, device numbers, user, group and
/// process ids, versions, blocks of zeros, and what was equal to what.
pub struct Redactor {
    entries: StandIns,
    attributes: StandIns,
    commands: StandIns,
    texts: StandIns,
    values: [u8; 32],
    contents: [u8; 32],
}

/// The kernel's namespaces of extended attributes, which decide who may do what with them.
const NAMESPACES: [&[u8]; 4] = [b"user.", b"security.", b"system.", b"trusted."];
/// File capabilities, which a write takes away: the one attribute that a mount treats in its own way.
const CAPABILITIES: &[u8] = b"security.capability";

impl Redactor {
    /// With a key of its own, which is nowhere else: without it nobody can try whether a stand-in is that of a guess.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(&entropy.bits().to_le_bytes());
        key[16..].copy_from_slice(&entropy.bits().to_le_bytes());
        let derived = |purpose: &str| *blake3::keyed_hash(&key, purpose.as_bytes()).as_bytes();
        let mut attributes = StandIns::new(derived("attributes"), Alphabet::Names);
        attributes.reserve(b"capability");
        Redactor {
            entries: StandIns::new(derived("entries"), Alphabet::Entries),
            attributes,
            commands: StandIns::new(derived("commands"), Alphabet::Bytes),
            texts: StandIns::new(derived("texts"), Alphabet::Text),
            values: derived("values"),
            contents: derived("contents"),
        }
    }

    /// The stand-in of a block's bytes.
    pub(super) fn content(&self, original: &[u8]) -> Vec<u8> {
        stand_ins::content(&self.contents, original)
    }

    /// Replaces what the event says of names and content; that its blocks have other bytes is not seen in it.
    pub(super) fn event(&mut self, event: &mut Event) {
        let command = self.commands.of(&event.actor.command).to_vec();
        event.actor = Arc::new(Actor { command, ..Actor::clone(&event.actor) });
        self.kind(&mut event.kind);
    }

    pub(super) fn kind(&mut self, kind: &mut EventKind) {
        use EventKind::*;
        match kind {
            Mounted { host, .. } => *host = self.text(host),
            Checkpointed { name, message } => (*name, *message) = (self.text(name), self.text(message)),
            TransactionBegan { path, .. } => {
                if let Some(path) = path {
                    *path = self.path(path);
                }
            }
            Created { name, target, .. } => {
                *name = self.entry(name);
                self.target(target);
            }
            InodePut { target, .. } => self.target(target),
            Linked { name, .. }
            | Unlinked { name, .. }
            | DirentPut { name, .. }
            | DirentDropped { name, .. } => *name = self.entry(name),
            Renamed { name, new_name: other, .. } | Exchanged { name, other_name: other, .. } => {
                (*name, *other) = (self.entry(name), self.entry(other));
            }
            XattrSet { name, value, .. } | XattrPut { name, value, .. } => {
                *name = self.attribute(name);
                *value = stand_ins::content(&self.values, value).into();
            }
            XattrRemoved { name, .. } | XattrDropped { name, .. } => *name = self.attribute(name),
            Evicted { .. }
            | AttributesSet { .. }
            | Written { .. }
            | Truncated { .. }
            | InodeDropped { .. }
            | ExtentsPut { .. } => {}
        }
    }

    fn entry(&mut self, name: &Name) -> Name {
        Name::new(&self.entries.of(name.as_bytes()))
    }

    fn target(&mut self, target: &mut Option<Arc<[u8]>>) {
        if let Some(target) = target {
            *target = self.path(target).into();
        }
    }

    /// Name by name, so that a path still leads where it led.
    fn path(&mut self, path: &[u8]) -> Vec<u8> {
        let names = path.split(|byte| *byte == b'/').map(|name| match name {
            b"." | b".." => name.into(),
            name => self.entries.of(name),
        });
        names.collect::<Vec<Arc<[u8]>>>().join(&b'/')
    }

    fn attribute(&mut self, name: &Name) -> Name {
        let bytes = name.as_bytes();
        if bytes == CAPABILITIES {
            return name.clone();
        }
        let namespace = NAMESPACES.into_iter().find(|namespace| bytes.starts_with(namespace));
        let namespace = namespace.unwrap_or_default();
        let rest = self.attributes.of(&bytes[namespace.len()..]);
        Name::new(&[namespace, &rest].concat())
    }

    fn text(&mut self, text: &str) -> String {
        String::from_utf8_lossy(&self.texts.of(text.as_bytes())).into_owned()
    }
}
