use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is open, by the number that the kernel gives back with each request on it.
#[derive(Debug)]
pub(super) struct Handles<T> {
    table: Mutex<Table<T>>,
}

#[derive(Debug)]
struct Table<T> {
    entries: Vec<Option<Arc<T>>>,
    free: Vec<usize>,
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Handles { table: Mutex::new(Table { entries: Vec::new(), free: Vec::new() }) }
    }
}

impl<T> Handles<T> {
    fn lock(&self) -> MutexGuard<'_, Table<T>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `handle` and answers its number.
    pub fn insert(&self, handle: T) -> u64 {
        let handle = Some(Arc::new(handle));
        let mut table = self.lock();
        match table.free.pop() {
            Some(index) => {
                table.entries[index] = handle;
                index as u64
            }
            None => {
                table.entries.push(handle);
                table.entries.len() as u64 - 1
            }
        }
    }

    /// The handle of this number, if it is open.
    pub fn get(&self, number: u64) -> Option<Arc<T>> {
        self.lock().entries.get(usize::try_from(number).ok()?)?.clone()
    }

    /// Takes the handle out; the number is given out again.
    pub fn remove(&self, number: u64) -> Option<Arc<T>> {
        let index = usize::try_from(number).ok()?;
        let mut table = self.lock();
        let handle = table.entries.get_mut(index)?.take()?;
        table.free.push(index);
        Some(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_free_again_after_removal() {
        let handles = Handles::default();
        let (a, b) = (handles.insert("a"), handles.insert("b"));
        assert_ne!(a, b);
        assert_eq!(handles.remove(a).as_deref(), Some(&"a"));
        assert_eq!(handles.remove(a), None);
        assert_eq!(handles.get(a), None);
        assert_eq!(handles.insert("c"), a);
        assert_eq!(handles.get(b).as_deref(), Some(&"b"));
        assert_eq!(handles.get(u64::MAX), None);
    }
}
