use std::sync::Arc;

use firn_journal::{EventKind, Ino, Name};

use super::{Decision, Errno, XattrMode, inode};
use crate::namespace::{MAX_XATTR_SIZE, Namespace};

pub(super) fn set(
    ns: &Namespace,
    ino: Ino,
    name: &Name,
    value: &Arc<[u8]>,
    mode: XattrMode,
) -> Result<Decision, Errno> {
    inode(ns, ino)?;
    check_name(name)?;
    if value.len() > MAX_XATTR_SIZE {
        return Err(Errno::TOOBIG);
    }
    match (mode, ns.xattr(ino, name.as_bytes())) {
        (XattrMode::Create, Some(_)) => Err(Errno::EXIST),
        (XattrMode::Replace, None) => Err(Errno::NODATA),
        _ => Ok(EventKind::XattrSet { ino, name: name.clone(), value: value.clone() }.into()),
    }
}

pub(super) fn remove(ns: &Namespace, ino: Ino, name: &Name) -> Result<Decision, Errno> {
    inode(ns, ino)?;
    check_name(name)?;
    match ns.xattr(ino, name.as_bytes()) {
        Some(_) => Ok(EventKind::XattrRemoved { ino, name: name.clone() }.into()),
        None => Err(Errno::NODATA),
    }
}

fn check_name(name: &Name) -> Result<(), Errno> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > Name::MAX {
        return Err(Errno::RANGE);
    }
    if bytes.contains(&0) { Err(Errno::INVAL) } else { Ok(()) }
}
