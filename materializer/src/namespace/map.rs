use std::ops::{Bound, Range};

use equivalent::Comparable;
use imbl::OrdMap;
use imbl::ordmap::{DiffItem, RangedIter};
use imbl::shared_ptr::DefaultSharedPtr;

/// A key whose value is not the same in two maps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change<K, V> {
    /// The key.
    pub key: K,
    /// Its value in the first map; `None` if it is only in the second.
    pub old: Option<V>,
    /// Its value in the second map; `None` if it is only in the first.
    pub new: Option<V>,
}

/// A persistent ordered map: cloned in O(1), and two that share their past are compared by what differs.
/// The only place that knows which library does it.
#[derive(Clone)]
pub(super) struct Map<K, V>(OrdMap<K, V>);

/// Some of a map's pairs, in order.
pub(super) type Pairs<'a, K, V> = RangedIter<'a, K, V, DefaultSharedPtr>;

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Map(OrdMap::new())
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.0.get(key)
    }

    pub fn get_mut<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub fn contains<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> bool {
        self.0.contains_key(key)
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    pub fn remove<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Option<V> {
        self.0.remove(key)
    }

    /// The pair with the largest key that is not above `key`.
    pub fn at_or_before<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> Option<(&K, &V)> {
        self.0.get_prev(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    pub fn range<Q: Comparable<K>>(&self, range: Range<Q>) -> Pairs<'_, K, V> {
        self.0.range(range)
    }

    /// The pairs from `from` on.
    pub fn starting<Q: Comparable<K>>(&self, from: Bound<Q>) -> Pairs<'_, K, V> {
        self.0.range((from, Bound::Unbounded))
    }

    /// What turns `self` into `other`, in the order of the keys.
    pub fn diff<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Change<&'a K, &'a V>>
    where
        V: PartialEq,
    {
        self.0.diff(&other.0).map(|item| match item {
            DiffItem::Add(key, new) => Change { key, old: None, new: Some(new) },
            DiffItem::Remove(key, old) => Change { key, old: Some(old), new: None },
            DiffItem::Update { old: (key, old), new: (_, new) } => {
                Change { key, old: Some(old), new: Some(new) }
            }
        })
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.0.diff(&other.0).next().is_none()
    }
}
