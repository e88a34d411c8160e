use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path in a volume: bytes relative to its root, without a slash at either end; empty for the root itself.
///
/// In JSON it is a string, or `{"bytes": "hex"}` when it is not UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// From bytes in any spelling: repeated, leading and trailing slashes and `.` are dropped, `..` goes up.
    pub fn new(bytes: &[u8]) -> Self {
        let mut names: Vec<&[u8]> = Vec::new();
        for name in bytes.split(|&b| b == b'/') {
            match name {
                b"" | b"." => {}
                b".." => {
                    names.pop();
                }
                _ => names.push(name),
            }
        }
        TreePath(names.join(&b'/'))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root of the volume.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// As a scope of an operation: absent for the whole tree.
    pub fn scope(&self) -> Option<Vec<u8>> {
        (!self.is_root()).then(|| self.0.clone())
    }

    /// Whether the path goes through a `.at` directory, which shows the past and cannot be asked about.
    pub fn past(&self) -> Option<PastPath> {
        let names: Vec<&[u8]> = self.0.split(|&b| b == b'/').collect();
        let at = names.iter().position(|name| *name == b".at")?;
        let time = names.get(at + 1).map(|name| String::from_utf8_lossy(name).into_owned());
        let rest = names.get(at + 2..).unwrap_or_default();
        let present = [&names[..at], rest].concat().join(&b'/');
        Some(PastPath { present: TreePath(present), time })
    }
}

/// A path in the past, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastPath {
    /// The same path in the present.
    pub present: TreePath,
    /// The time that was named.
    pub time: Option<String>,
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str(".") } else { f.write_str(&String::from_utf8_lossy(&self.0)) }
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Spelling {
    Text(String),
    Bytes { bytes: String },
}

impl Serialize for TreePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) => Spelling::Text(text.to_owned()),
            Err(_) => Spelling::Bytes { bytes: to_hex(&self.0) },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TreePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Spelling::deserialize(deserializer)? {
            Spelling::Text(text) => Ok(TreePath::new(text.as_bytes())),
            Spelling::Bytes { bytes } => match from_hex(&bytes) {
                Some(bytes) => Ok(TreePath::new(&bytes)),
                None => Err(serde::de::Error::custom("expected pairs of hexadecimal digits")),
            },
        }
    }
}

/// Two lower-case digits for each byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The inverse of [`to_hex`].
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).map(|d| d as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_path_of_any_bytes_survives_json(bytes in proptest::collection::vec(1..=255u8, 0..64)) {
            let path = TreePath::new(&bytes);
            let json = serde_json::to_string(&path).unwrap();
            prop_assert_eq!(serde_json::from_str::<TreePath>(&json).unwrap(), path);
        }
    }

    #[test]
    fn spellings_of_one_path_are_equal() {
        for spelling in ["/a/b", "a//b/", "./a/./b", "a/c/../b", "../a/b"] {
            assert_eq!(TreePath::new(spelling.as_bytes()).as_bytes(), b"a/b");
        }
        assert!(TreePath::new(b"/").is_root());
    }

    #[test]
    fn a_path_in_the_past_names_its_present() {
        let past = TreePath::new(b"src/.at/2h-ago/deep/file").past().unwrap();
        assert_eq!(past.present.as_bytes(), b"src/deep/file");
        assert_eq!(past.time.as_deref(), Some("2h-ago"));
        assert_eq!(TreePath::new(b"src/.attic/file").past(), None);
        assert_eq!(TreePath::new(b".at").past().unwrap().time, None);
    }
}
