//! Memory that the kernel reads and writes by address: whole pages of their own, which stay where they are when
//! their owner moves.
#![allow(unsafe_code, reason = "memory is mapped, and given out as slices")]

use std::io;
use std::ptr::{self, NonNull};
use std::slice;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

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
