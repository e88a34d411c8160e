//! Answers, as people read them.

pub mod changes;
pub mod event;
pub mod status;
pub mod verify;

use std::fmt::Write;

/// A path or name of any bytes, on one line and harmless to a terminal: as it is if it is plain, else in double
/// quotes with escapes.
pub fn path(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok("") => ".".to_owned(),
        Ok(text) if is_plain(text) => text.to_owned(),
        _ => quoted(bytes),
    }
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_invisible(c) || matches!(c, '"' | '\\'))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
}

/// Characters that turn or hide what is around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                c if c.is_control() || is_invisible(c) => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text.push('"');
    text
}

/// `1 file`, `2 files`, `12,345 files`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_paths_stay_and_others_are_quoted() {
        assert_eq!(path("src/größe 1.rs".as_bytes()), "src/größe 1.rs");
        assert_eq!(path(b""), ".");
        assert_eq!(path(b"a\x1b[31m\n"), r#""a\u{1b}[31m\n""#);
        assert_eq!(path(b"a\xffb"), r#""a\xffb""#);
        assert_eq!(path("\u{202e}txt".as_bytes()), r#""\u{202e}txt""#);
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_controls_a_terminal(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(!path(&bytes).chars().any(char::is_control));
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count(1, "file", "files"), "1 file");
    }
}
