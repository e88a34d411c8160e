//! Error numbers that only a mounted filesystem needs, beside those of decide.

use firn_materializer::decide::Errno;

pub(super) const NXIO: Errno = Errno(libc::ENXIO);
pub(super) const BADF: Errno = Errno(libc::EBADF);
pub(super) const XDEV: Errno = Errno(libc::EXDEV);
pub(super) const NFILE: Errno = Errno(libc::ENFILE);
pub(super) const OVERFLOW: Errno = Errno(libc::EOVERFLOW);
