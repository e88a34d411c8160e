use std::sync::Arc;

use firn_materializer::namespace::Namespace;
use firn_materializer::volume::Volume;

/// A tree of files as a request sees it. The one seam between the present, which changes between two looks, and
/// an instant, which does not.
#[derive(Clone)]
pub(super) enum Tree {
    /// The present of a volume that is mounted for writing.
    Live(Arc<Volume>),
    /// An instant: of a mount with `--at`, or below a `.at` directory.
    Fixed(Arc<Namespace>),
}

impl Tree {
    /// Looks at the tree. Short: the live tree is locked meanwhile.
    pub fn with<R>(&self, look: impl FnOnce(&Namespace) -> R) -> R {
        match self {
            Tree::Live(volume) => volume.with(look),
            Tree::Fixed(ns) => look(ns),
        }
    }

    /// The tree as it is now, to keep.
    pub fn now(&self) -> Namespace {
        match self {
            Tree::Live(volume) => volume.current(),
            Tree::Fixed(ns) => Namespace::clone(ns),
        }
    }
}
