//! The files `~/.aws/credentials` and `~/.aws/config`: sections of `name = value` lines. Lines that begin with `#`
//! or `;` are comments, and so is what follows ` #` or ` ;` on a line; an indented line belongs to the setting
//! above it, which has no value of its own.

use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// The settings of one section, by their lower-case names.
pub(super) type Section = BTreeMap<String, String>;

/// The section called `name`; `None` if there is none. Of a setting that is given twice, the last counts, and a
/// section that is given twice is one. A nested setting `s3 =` `  x = y` is called `s3.x`.
pub(super) fn section(text: &str, name: &str) -> Option<Section> {
    let mut found = None;
    let mut inside = false;
    let mut parent = String::new();
    for line in text.lines() {
        let nested = line.starts_with([' ', '\t']);
        let line = without_comment(line);
        if line.is_empty() {
            continue;
        }
        if let Some(header) = line.strip_prefix('[').filter(|_| !nested) {
            let header = header.split(']').next().unwrap_or(header);
            inside = header.split_whitespace().eq(name.split_whitespace());
            if inside {
                found.get_or_insert_with(Section::new);
            }
        } else if let (true, Some((key, value))) = (inside, line.split_once('=')) {
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            let key = if nested { format!("{parent}.{key}") } else { key };
            if !nested {
                parent.clone_from(&key);
            }
            if let Some(section) = found.as_mut().filter(|_| !value.is_empty()) {
                section.insert(key, value.to_owned());
            }
        }
    }
    found
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return "";
    }
    let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| line.find(mark)).min();
    line[..end.unwrap_or(line.len())].trim_end()
}
