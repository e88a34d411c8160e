use std::fmt;

/// An error number as Linux has them, the same on all architectures that Firn runs on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = concat!("`E", stringify!($name), "`: ", $text, ".")] pub const $name: Errno = Errno($number);)*

            fn described(self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Errno::$name => Some((concat!("E", stringify!($name)), $text)),)*
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    PERM = 1, "not permitted";
    NOENT = 2, "no such file or directory";
    IO = 5, "input/output error";
    TOOBIG = 7, "value too large";
    AGAIN = 11, "try again";
    EXIST = 17, "file exists";
    NOTDIR = 20, "not a directory";
    ISDIR = 21, "is a directory";
    INVAL = 22, "invalid argument";
    FBIG = 27, "file too large";
    NOSPC = 28, "no space left";
    ROFS = 30, "read-only file system";
    MLINK = 31, "too many links";
    RANGE = 34, "name or size out of range";
    NAMETOOLONG = 36, "file name too long";
    NOTEMPTY = 39, "directory not empty";
    NODATA = 61, "no such attribute";
    OPNOTSUPP = 95, "not supported";
    STALE = 116, "the file is gone";
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
