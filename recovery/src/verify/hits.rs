use std::collections::{BTreeMap, HashMap};

use firn_journal::{BlockRef, Event, EventKind, Ino, PackHome, PackId, PackSeal, PlacedExtent};
use firn_materializer::namespace::{MAX_FILE_SIZE, Namespace};
use firn_store::Key;

use super::{Finding, Hit, MAX_HITS};

/// The packs that the journal has told of so far, and what refers to those that are not well.
#[derive(Default)]
pub(super) struct Packs {
    known: HashMap<PackId, PackSeal>,
    bad: BTreeMap<PackId, BadPack>,
}

struct BadPack {
    object: String,
    problem: String,
    hits: BTreeMap<Ino, Hit>,
    more: u64,
}

impl Packs {
    pub fn learn(&mut self, seal: &PackSeal) {
        self.known.insert(seal.pack, *seal);
    }

    pub fn is_known(&self, seal: &PackSeal) -> bool {
        self.known.get(&seal.pack) == Some(seal)
    }

    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// A pack is damaged.
    pub fn damaged(&mut self, seal: &PackSeal, problem: String) {
        self.bad.insert(seal.pack, BadPack::new(object(seal), problem));
    }

    /// Looks at what an event refers to; `ns` is the tree right after it, if that is known.
    pub fn event(&mut self, event: &Event, ns: Option<&Namespace>) {
        let (EventKind::Written { ino, extents, .. } | EventKind::ExtentsPut { ino, extents, .. }) =
            &event.kind
        else {
            return;
        };
        for PlacedExtent { extent, .. } in extents {
            let BlockRef { pack, .. } = extent.block;
            if !self.known.contains_key(&pack) {
                self.bad.entry(pack).or_insert_with(|| BadPack::unknown(pack));
            }
            if let Some(bad) = self.bad.get_mut(&pack) {
                bad.hit(*ino, event, ns);
            }
        }
    }

    /// The findings; `head` is the latest tree that is known.
    pub fn into_findings(self, head: &Namespace) -> impl Iterator<Item = Finding> {
        self.bad.into_iter().map(move |(pack, bad)| {
            let mut hits: Vec<Hit> = bad.hits.into_values().collect();
            for hit in &mut hits {
                hit.now =
                    head.extents(hit.ino, 0..MAX_FILE_SIZE).any(|placed| placed.extent.block.pack == pack);
            }
            let hit_count = hits.len() as u64 + bad.more;
            Finding { object: bad.object, problem: bad.problem, hits, hit_count }
        })
    }
}

impl BadPack {
    fn new(object: String, problem: String) -> Self {
        BadPack { object, problem, hits: BTreeMap::new(), more: 0 }
    }

    fn unknown(pack: PackId) -> Self {
        let object = Key::Pack { epoch: pack.epoch.0, number: pack.number }.to_string();
        let problem = "events refer to this pack, and no segment up to them commits it: a segment is missing or was \
                       replaced; put it back from the bucket's older versions or a copy";
        BadPack::new(object, problem.to_owned())
    }

    fn hit(&mut self, ino: Ino, event: &Event, ns: Option<&Namespace>) {
        if self.hits.contains_key(&ino) {
            return;
        }
        if self.hits.len() >= MAX_HITS {
            self.more += 1;
            return;
        }
        let path = ns.and_then(|ns| ns.path_of(ino));
        self.hits.insert(ino, Hit { ino, path, since: event.seq, time: event.time, now: false });
    }
}

/// The object that a pack is in.
pub(super) fn object(seal: &PackSeal) -> String {
    match seal.home {
        PackHome::Object => Key::Pack { epoch: seal.pack.epoch.0, number: seal.pack.number },
        PackHome::Rider { .. } => Key::Segment(seal.segment.0),
    }
    .to_string()
}
