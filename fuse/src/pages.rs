//! Memory that the kernel reads and writes by address: whole pages of their own, which stay where they are when
//! their owner moves.
#![allow(unsafe_code, reason = "memory is mapped, and given out as slices")]

use std::io;
use std::ptr::{self, NonNull};
use std::slice;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::param::page_size;

/// A mapping, zero at first. Pages that were never touched take no memory.
#[derive(Debug)]
pub(crate) struct Pages {
    at: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread; access goes through `&` and `&mut` as with a `Vec`.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// Maps at least one byte.
    pub fn new(len: usize) -> io::Result<Pages> {
        let len = len.max(1);
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let at = unsafe { mmap_anonymous(ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, flags) }?;
        let at = NonNull::new(at.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Pages { at, len })
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped for as long as self, and initialised with zeros. The kernel writes only during calls that
        // were given the address by who owns the pages then.
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.len) }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and nobody else has a reference.
        unsafe { slice::from_raw_parts_mut(self.at.as_ptr(), self.len) }
    }

    /// Gives the memory from `from` on back to the system: there are zeros from the next whole page on.
    pub fn clear_from(&mut self, from: usize) {
        let from = from.next_multiple_of(page_size());
        let Some(len) = self.len.checked_sub(from) else { return };
        // SAFETY: inside the mapping, and nobody else has a reference.
        let cleared =
            unsafe { madvise(self.at.as_ptr().wrapping_add(from).cast(), len, Advice::LinuxDontNeed) };
        if let Err(error) = cleared {
            tracing::debug!(%error, "memory stays in use");
        }
    }

    /// Where it begins, for the kernel.
    pub fn address(&self) -> *mut u8 {
        self.at.as_ptr()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; references to it are over.
        if let Err(error) = unsafe { munmap(self.at.as_ptr().cast(), self.len) } {
            tracing::warn!(%error, "memory stays mapped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_zero_and_the_rest_as_it_was() {
        let mut pages = Pages::new(5 * page_size()).unwrap();
        pages.bytes_mut().fill(7);
        pages.clear_from(page_size() + 1);
        let (kept, cleared) = pages.bytes().split_at(2 * page_size());
        assert!(kept.iter().all(|byte| *byte == 7) && cleared.iter().all(|byte| *byte == 0));
        pages.clear_from(6 * page_size());
    }
}
