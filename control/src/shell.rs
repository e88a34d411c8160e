//! Words of commands that people copy into a shell.

use std::fmt::Write;

/// `bytes` as one word of a shell: as they are if they are plain, else in quotes; with escapes, as bash, zsh and
/// ksh read them, if there is something in them that a terminal would obey.
pub fn shell_word(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('~') => {
            text.to_owned()
        }
        Ok(text) if !text.chars().any(|c| c.is_control() || is_invisible(c)) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => escaped(bytes),
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | '@' | '%' | ',' | '=' | '~')
}

/// Characters that turn or hide what is around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::from("$'");
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                // Three digits, so that what follows is never taken for a part of the number.
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_words_stay_and_others_are_quoted() {
        let words = ["src/a-1.rs", "s3://bucket/x", "größe", "a b", "it's", "", "~x", "#3", "a\nb"];
        let shown = words.map(|word| shell_word(word.as_bytes()));
        let expected = [
            "src/a-1.rs",
            "s3://bucket/x",
            "größe",
            "'a b'",
            r"'it'\''s'",
            "''",
            "'~x'",
            "'#3'",
            r"$'a\012b'",
        ];
        assert_eq!(shown, expected);
        assert_eq!(shell_word(b"a\xff1"), r"$'a\3771'");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_shell_reads_the_same_bytes(bytes in proptest::collection::vec(1..=255u8, 0..20)) {
            let word = shell_word(&bytes);
            prop_assert!(!word.chars().any(char::is_control));
            let script = [b"printf %s ", word.as_bytes()].concat();
            let printed = Command::new("bash").arg("-c").arg(std::ffi::OsStr::from_bytes(&script)).output().unwrap();
            prop_assert_eq!(printed.stdout, bytes);
        }
    }
}
