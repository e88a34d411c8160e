use std::fmt;

/// An error number as Linux has them, the same on all architectures that Firn runs on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $number:literal $symbol:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = concat!("`", $symbol, "`: ", $text, ".")] pub const $name: Errno = Errno($number);)*

            /// The symbol and what it says.
            fn described(self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Errno::$name => Some(($symbol, $text)),)*
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    PERM = 1 "EPERM", "not permitted";
    NOENT = 2 "ENOENT", "no such file or directory";
    IO = 5 "EIO", "input/output error";
    TOOBIG = 7 "E2BIG", "value too large";
    AGAIN = 11 "EAGAIN", "try again";
    EXIST = 17 "EEXIST", "file exists";
    NOTDIR = 20 "ENOTDIR", "not a directory";
    ISDIR = 21 "EISDIR", "is a directory";
    INVAL = 22 "EINVAL", "invalid argument";
    FBIG = 27 "EFBIG", "file too large";
    NOSPC = 28 "ENOSPC", "no space left";
    ROFS = 30 "EROFS", "read-only file system";
    MLINK = 31 "EMLINK", "too many links";
    RANGE = 34 "ERANGE", "name or size out of range";
    NAMETOOLONG = 36 "ENAMETOOLONG", "file name too long";
    NOTEMPTY = 39 "ENOTEMPTY", "directory not empty";
    NODATA = 61 "ENODATA", "no such attribute";
    OPNOTSUPP = 95 "EOPNOTSUPP", "not supported";
    STALE = 116 "ESTALE", "the file is gone";
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.described() {
            Some((name, text)) => write!(f, "{text} ({name})"),
            None => write!(f, "error number {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.described() {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl std::error::Error for Errno {}
