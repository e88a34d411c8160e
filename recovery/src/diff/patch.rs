use std::io::Write;
use std::sync::Arc;

use firn_blocks::{Blocks, BlocksError};
use firn_journal::Ino;
use firn_materializer::content;
use firn_materializer::namespace::{FileType, Namespace};
use similar::TextDiff;

use super::{Change, DiffRow};

/// The largest file, in bytes, whose lines are compared.
pub const PATCH_LIMIT: u64 = 1 << 20;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The row as a patch that `git apply` and `patch -p1` read: header lines, and the changed lines of text files.
/// A file that is not text, or above [`PATCH_LIMIT`], is said to be so. Empty for directories and special files.
///
/// # Errors
/// The content could not be read.
pub async fn patch(
    row: &DiffRow,
    old: &Namespace,
    new: &Namespace,
    blocks: &Arc<Blocks>,
) -> Result<Vec<u8>, BlocksError> {
    if !matches!(row.kind, FileType::Regular | FileType::Symlink) {
        return Ok(Vec::new());
    }
    let mut out = header(row, old, new);
    let (before, after) = (Text::read(old, row.old, blocks).await?, Text::read(new, row.new, blocks).await?);
    let name = |prefix: &[u8], path: &[u8], there: bool| match there {
        true => quote(prefix, path),
        false => b"/dev/null".to_vec(),
    };
    let old_name = name(b"a/", row.old_path(), row.old.is_some());
    let new_name = name(b"b/", &row.path, row.new.is_some());
    match (before, after) {
        (Text::Lines(before), Text::Lines(after)) if before == after => {}
        (Text::Lines(before), Text::Lines(after)) => {
            out.extend([b"--- ", &old_name[..], b"\n+++ ", &new_name[..], b"\n"].concat());
            unified(&before, &after, &mut out);
        }
        (Text::TooLong, _) | (_, Text::TooLong) if row.aspects.content || row.change != Change::Modified => {
            let line = [b"Files ", &old_name[..], b" and ", &new_name[..], b" differ (too large to show)\n"];
            out.extend(line.concat());
        }
        _ if row.aspects.content || row.change != Change::Modified => {
            out.extend([b"Binary files ", &old_name[..], b" and ", &new_name[..], b" differ\n"].concat());
        }
        _ => {}
    }
    Ok(out)
}

fn header(row: &DiffRow, old: &Namespace, new: &Namespace) -> Vec<u8> {
    let mode = |ns: &Namespace, ino: Option<Ino>| Some(ns.inode(ino?)?.attributes.mode);
    let mut out =
        [b"diff --git ", &quote(b"a/", row.old_path())[..], b" ", &quote(b"b/", &row.path), b"\n"].concat();
    match (mode(old, row.old), mode(new, row.new)) {
        (Some(was), Some(is)) if was != is => {
            out.extend(format!("old mode {was:06o}\nnew mode {is:06o}\n").into_bytes());
        }
        (Some(was), None) => out.extend(format!("deleted file mode {was:06o}\n").into_bytes()),
        (None, Some(is)) => out.extend(format!("new file mode {is:06o}\n").into_bytes()),
        _ => {}
    }
    if let Some(from) = row.from.as_ref().filter(|_| row.change == Change::Renamed) {
        let line =
            [b"rename from ", &quote(b"", from)[..], b"\nrename to ", &quote(b"", &row.path)[..], b"\n"];
        out.extend(line.concat());
    }
    out
}

fn unified(before: &[u8], after: &[u8], out: &mut Vec<u8>) {
    let diff = TextDiff::from_lines(before, after);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        // A vector takes whatever is written.
        let _ = hunk.to_writer(&mut *out);
    }
    let _ = out.flush();
}

/// One side of a patch.
enum Text {
    Lines(Vec<u8>),
    Binary,
    TooLong,
}

impl Text {
    /// A side that is not there has no lines.
    async fn read(ns: &Namespace, ino: Option<Ino>, blocks: &Arc<Blocks>) -> Result<Text, BlocksError> {
        let Some((ino, inode)) = ino.and_then(|ino| Some((ino, ns.inode(ino)?))) else {
            return Ok(Text::Lines(Vec::new()));
        };
        if let Some(target) = &inode.target {
            return Ok(Text::Lines(target.to_vec()));
        }
        let size = inode.attributes.size;
        if size > PATCH_LIMIT {
            return Ok(Text::TooLong);
        }
        let bytes = content::read(ns, blocks, ino, 0, size as usize).await?;
        Ok(if bytes.contains(&0) { Text::Binary } else { Text::Lines(bytes.to_vec()) })
    }
}

/// A path as git spells it: in quotes, with escapes, if it holds a control character, a quote or a backslash.
fn quote(prefix: &[u8], path: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\' && *byte != 0x7f;
    let whole = [prefix, path].concat();
    if whole.iter().all(plain) {
        return whole;
    }
    let mut quoted = vec![b'"'];
    for byte in &whole {
        match byte {
            b'\n' => quoted.extend(b"\\n"),
            b'\t' => quoted.extend(b"\\t"),
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            byte if plain(byte) => quoted.push(*byte),
            byte => quoted.extend(format!("\\{byte:03o}").into_bytes()),
        }
    }
    quoted.push(b'"');
    quoted
}
