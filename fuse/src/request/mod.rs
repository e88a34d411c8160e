//! What the kernel asks.

mod operation;
mod parse;
#[cfg(test)]
mod tests;

use crate::abi::input::InHeader;
use crate::reply::Reply;
use crate::slot::Slot;

pub use self::operation::{Forgets, Lock, Operation, SetAttr, SetTime, Time};
pub use self::parse::{Malformed, header_len};

/// On whose behalf the kernel asks. Zeros for what it does by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Caller {
    /// User, of the filesystem's checks.
    pub uid: u32,
    /// Group, of the filesystem's checks.
    pub gid: u32,
    /// Thread (in the kernel's words, a process).
    pub pid: u32,
}

/// A request, with the buffer that it arrived in. It may go to another thread as it is.
///
/// What [`Request::operation`] lends must be done with before [`Request::reply`]: the reply is written over it.
/// A request that is dropped is answered with `EIO`.
#[derive(Debug)]
#[must_use]
pub struct Request {
    header: InHeader,
    reply: Reply,
}

impl Request {
    /// `None` if the buffer holds not even a header: there is nobody to answer.
    pub(crate) fn new(slot: Slot) -> Option<Request> {
        let header = slot.parts()?.header;
        let reply = Reply::new(slot, &header);
        Some(Request { header, reply })
    }

    /// The kernel's number for it. Not two that are unanswered have the same.
    pub fn unique(&self) -> u64 {
        self.header.unique
    }

    /// The inode that it is about: of the directory, where there is a name.
    pub fn node(&self) -> u64 {
        self.header.nodeid
    }

    /// Who asks.
    pub fn caller(&self) -> Caller {
        Caller { uid: self.header.uid, gid: self.header.gid, pid: self.header.pid }
    }

    /// The operation's number, as in [`crate::abi::opcode`].
    pub fn opcode(&self) -> u32 {
        self.header.opcode
    }

    /// What is asked. It is parsed anew by each call.
    ///
    /// # Errors
    /// If it is not what the protocol says; such a request never reaches [`crate::Filesystem::handle`].
    pub fn operation(&self) -> Result<Operation<'_>, Malformed> {
        let malformed = Malformed { opcode: self.header.opcode };
        let parts = self.reply.parts().ok_or(malformed)?;
        Operation::parse(self.header.opcode, parts.operation, parts.payload)
    }

    /// Takes the buffer back, for the answer.
    pub fn reply(self) -> Reply {
        self.reply
    }
}
