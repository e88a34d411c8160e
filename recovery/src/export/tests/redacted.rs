use firn_journal::{Actor, Ino};

use super::*;

fn redactor() -> Redactor {
    Redactor::new(&SeededEntropy::new(1))
}

fn redacted(events: &[Event]) -> Vec<Event> {
    let mut redactor = redactor();
    let mut events = events.to_vec();
    events.iter_mut().for_each(|event| redactor.event(event));
    events
}

fn debug(kind: &EventKind) -> String {
    format!("{kind:?}")
}

/// Of every kind there is, all that a user named is gone, and all else is as it was.
#[test]
fn every_kind_loses_its_names_and_nothing_else() {
    let events = golden::groups().concat();
    for (before, after) in events.iter().zip(redacted(&events)) {
        assert_eq!((before.seq, before.time), (after.seq, after.time));
        assert_eq!(before.kind.number(), after.kind.number());
        let Actor { uid, gid, pid, command } = &*before.actor;
        assert_eq!((*uid, *gid, *pid), (after.actor.uid, after.actor.gid, after.actor.pid));
        assert_eq!(command.len(), after.actor.command.len());
        assert!(command.is_empty() || *command != after.actor.command);
        assert_eq!(plain(&before.kind), plain(&after.kind));
        if debug(&plain(&before.kind)) != debug(&before.kind) {
            assert_ne!(debug(&before.kind), debug(&after.kind));
        }
    }
}

/// The event without what a redactor must replace, and with the lengths of that.
fn plain(kind: &EventKind) -> EventKind {
    use EventKind::*;
    let mut kind = kind.clone();
    let dots = |name: &firn_journal::Name| firn_journal::Name::new(&vec![b'x'; name.as_bytes().len()]);
    let value = |value: &[u8]| std::sync::Arc::from(vec![b'x'; value.len()]);
    match &mut kind {
        Mounted { host, .. } => *host = "x".repeat(host.len()),
        Checkpointed { name, message } => {
            (*name, *message) = ("x".repeat(name.len()), "x".repeat(message.len()));
        }
        TransactionBegan { path: Some(path), .. } => path.fill(b'x'),
        Created { name, target, .. } => {
            *name = dots(name);
            *target = target.as_deref().map(value);
        }
        InodePut { target, .. } => *target = target.as_deref().map(value),
        Linked { name, .. }
        | Unlinked { name, .. }
        | DirentPut { name, .. }
        | DirentDropped { name, .. }
        | XattrRemoved { name, .. }
        | XattrDropped { name, .. } => *name = dots(name),
        Renamed { name, new_name: other, .. } | Exchanged { name, other_name: other, .. } => {
            (*name, *other) = (dots(name), dots(other));
        }
        XattrSet { name, value: bytes, .. } | XattrPut { name, value: bytes, .. } => {
            (*name, *bytes) = (dots(name), value(bytes));
        }
        _ => {}
    }
    kind
}

#[test]
fn paths_keep_their_shape_and_share_their_names_with_entries() {
    let mut world = World::new();
    world.make("secret/deep/");
    world.create(Ino::ROOT, "link".into(), 0o120_777, Some(b"/../secret/./deep//"));
    world.transact(TransactionKind::Undo, Seq(1), Some(b"secret/deep"), vec![]);
    let events = redacted(&world.events);
    let name = |at: usize| match &events[at].kind {
        EventKind::Created { name, .. } => String::from_utf8(name.as_bytes().to_vec()).unwrap(),
        other => panic!("{other:?}"),
    };
    let (secret, deep) = (name(0), name(1));
    let EventKind::Created { target: Some(target), .. } = &events[2].kind else { panic!() };
    assert_eq!(String::from_utf8_lossy(target), format!("/../{secret}/./{deep}//"));
    let EventKind::TransactionBegan { path: Some(path), .. } = &events[3].kind else { panic!() };
    assert_eq!(String::from_utf8_lossy(path), format!("{secret}/{deep}"));
}

#[test]
fn extended_attributes_keep_what_decides_their_meaning() {
    let mut redactor = redactor();
    let mut stand_in = |name: &str| {
        let mut kind = EventKind::XattrRemoved { ino: Ino(1), name: name.into() };
        redactor.kind(&mut kind);
        let EventKind::XattrRemoved { name, .. } = kind else { panic!() };
        String::from_utf8(name.as_bytes().to_vec()).unwrap()
    };
    assert_eq!(stand_in("security.capability"), "security.capability");
    for namespace in ["user.", "security.", "system.", "trusted."] {
        let found = stand_in(&format!("{namespace}secret.name"));
        assert!(found.starts_with(namespace) && !found.contains("secret"), "{found}");
    }
    assert_eq!(stand_in("user."), "user.");
    assert!(!stand_in("userland.secret").starts_with("user"));
}

/// Another export has other stand-ins: they tell nothing of each other.
#[test]
fn each_export_has_a_key_of_its_own() {
    let entropy = SeededEntropy::new(1);
    let [a, b] =
        [Redactor::new(&entropy), Redactor::new(&entropy)].map(|redactor| redactor.content(b"secret"));
    assert_ne!(a, b);
}

proptest! {
    /// The redacted history is one: it can be replayed, to a tree of the same shape.
    #[test]
    fn a_redacted_history_makes_the_same_tree_under_other_names(steps in steps(60)) {
        let world = World::after(&steps);
        let mut ns = Namespace::default();
        for event in redacted(&world.events) {
            ns.apply(&event).unwrap();
        }
        let seen = |ns: &Namespace| -> Vec<_> {
            ns.inodes().map(|(ino, inode)| (ino, inode.attributes.clone(), ns.entries(ino, None).count(),
                ns.xattrs(ino).count())).collect()
        };
        prop_assert_eq!(seen(&ns), seen(&world.ns));
        for (parent, _, dirent) in world.ns.dirents() {
            prop_assert!(ns.entries(parent, None).any(|(_, other)| other.ino == dirent.ino));
        }
    }
}
