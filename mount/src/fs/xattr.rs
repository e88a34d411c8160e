use firn_journal::Name;
use firn_materializer::decide::Errno;

use super::Fs;
use super::node::Node;

/// Names that begin so are Firn's own: answered, not stored.
const RESERVED: &[u8] = b"user.firn.";
/// Where the mount's commands are answered, in bytes that the mount's owner chose.
const CONTROL: &[u8] = b"user.firn.control";

impl Fs {
    /// The value of an extended attribute.
    ///
    /// # Errors
    /// `ENODATA` if there is none.
    pub fn xattr(&self, node: &Node, name: &Name) -> Result<std::sync::Arc<[u8]>, Errno> {
        if name.as_bytes() == CONTROL && !self.control.is_empty() {
            return Ok(self.control.clone());
        }
        node.xattr(name)
    }
}

/// `EPERM` for a name that is Firn's own.
pub(super) fn not_reserved(name: &Name) -> Result<(), Errno> {
    if name.as_bytes().starts_with(RESERVED) { Err(Errno::PERM) } else { Ok(()) }
}
