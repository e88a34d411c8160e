//! What the kernel says is mounted: `/proc/self/mountinfo`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A line of mountinfo, as far as it matters here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mounted {
    /// `major:minor`.
    pub device: String,
    /// Where.
    pub at: PathBuf,
    /// The filesystem's type: `fuse.firn`.
    pub kind: String,
    /// What is mounted, in its own words: the volume's URL.
    pub source: String,
}

/// What is mounted at this path, on top if there are several. `None` also if the kernel does not tell.
pub(super) fn topmost(path: &Path) -> Option<Mounted> {
    let table = std::fs::read("/proc/self/mountinfo").ok()?;
    parse(&table).filter(|mounted| mounted.at == path).last()
}

fn parse(table: &[u8]) -> impl Iterator<Item = Mounted> {
    table.split(|byte| *byte == b'\n').filter_map(line)
}

/// `36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw`, with any number of fields before the `-`.
fn line(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = fields.nth(2)?;
    let at = fields.nth(1)?;
    let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
    let (kind, source) = (rest.next()?, rest.next()?);
    let text = |field: &[u8]| String::from_utf8_lossy(&unescaped(field)).into_owned();
    let at = PathBuf::from(OsString::from_vec(unescaped(at)));
    Some(Mounted { device: text(device), at, kind: text(kind), source: text(source) })
}

/// Blanks, newlines and backslashes stand as three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_escapes() {
        let table = b"22 27 0:21 / /proc rw,relatime - proc proc rw\n\
            90 27 0:45 / /mnt/my\\040work rw shared:7 master:2 - fuse.firn s3://bucket/a\\134b rw,user_id=0\n\
            nonsense\n";
        let mounts: Vec<Mounted> = parse(table).collect();
        assert_eq!(mounts.len(), 2);
        let expected = Mounted {
            device: "0:45".into(),
            at: "/mnt/my work".into(),
            kind: "fuse.firn".into(),
            source: "s3://bucket/a\\b".into(),
        };
        assert_eq!(mounts[1], expected);
    }

    #[test]
    fn the_root_is_mounted() {
        assert!(topmost(Path::new("/")).is_some());
        assert_eq!(topmost(Path::new("/proc/self")), None);
    }
}
