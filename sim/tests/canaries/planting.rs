use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::canary::Canary;

/// Names the canary that is awake.
pub const VARIABLE: &str = "FIRN_CANARY";

/// What the workspace needs besides its crates.
const AT_THE_ROOT: [&str; 2] = ["Cargo.toml", "Cargo.lock"];
/// What belongs to no crate's sources.
const LEFT_OUT: [&str; 3] = ["target", "corpus", "artifacts"];

/// The sources of a workspace, by their paths from its root.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sources(BTreeMap<String, Vec<u8>>);

impl Sources {
    /// Those that this test was built from.
    pub fn of_this_workspace() -> Sources {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the workspace");
        let mut sources = Sources::default();
        for name in AT_THE_ROOT {
            sources.0.insert(name.to_owned(), read(&root.join(name)));
        }
        for (name, path) in list(root) {
            if path.join("Cargo.toml").is_file() {
                sources.add_folder(&name, &path);
            }
        }
        sources
    }

    fn add_folder(&mut self, prefix: &str, folder: &Path) {
        for (name, path) in list(folder) {
            let key = format!("{prefix}/{name}");
            if path.is_file() {
                self.0.insert(key, read(&path));
            } else if path.is_dir() && !LEFT_OUT.contains(&&*name) {
                self.add_folder(&key, &path);
            }
        }
    }

    /// The files that contain a text.
    pub fn files_with(&self, text: &str) -> impl Iterator<Item = &String> {
        let contains = move |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        self.0.iter().filter(move |(_, bytes)| contains(bytes)).map(|(path, _)| path)
    }

    /// Puts one text of a file in the place of another.
    pub fn replace(&mut self, path: &str, find: &str, replacement: &str) {
        let text = self.text(path).filter(|text| text.contains(find));
        let text = text.unwrap_or_else(|| panic!("expected this in {path}:\n{find}"));
        self.0.insert(path.to_owned(), text.replacen(find, replacement, 1).into_bytes());
    }

    /// Gives the packages another version. Cargo tells them apart by name, version and place in their workspace: with
    /// the same version, those of two workspaces take each other's place in a target directory that both use.
    pub fn set_apart(&mut self, version: &str) {
        let line = |version: &str| format!("version = \"{version}\"\n");
        let (before, after) = (line(env!("CARGO_PKG_VERSION")), line(version));
        let heading = "[workspace.package]\n";
        self.replace("Cargo.toml", &format!("{heading}{before}"), &format!("{heading}{after}"));
        let lock = self.text("Cargo.lock").expect("there is a lock file");
        // A package of the workspace comes from nowhere.
        let entries = lock.split("[[package]]").map(|entry| match entry.contains("\nsource = ") {
            true => entry.to_owned(),
            false => entry.replacen(&before, &after, 1),
        });
        let lock = entries.collect::<Vec<_>>().join("[[package]]");
        self.0.insert("Cargo.lock".to_owned(), lock.into_bytes());
    }

    fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.0.get(path)?).ok()
    }

    /// Writes them below `root`, and removes what is there besides. Files that are the same already are not touched,
    /// so that Cargo need not build them again.
    pub fn write(&self, root: &Path) {
        for (path, bytes) in &self.0 {
            let path = root.join(path);
            if fs::read(&path).is_ok_and(|found| found == *bytes) {
                continue;
            }
            let folder = path.parent().expect("a file lies in a folder");
            fs::create_dir_all(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        let mut there = Sources::default();
        for (name, path) in list(root).into_iter().filter(|(_, path)| path.is_dir()) {
            there.add_folder(&name, &path);
        }
        for stray in there.0.keys().filter(|path| !self.0.contains_key(*path)) {
            fs::remove_file(root.join(stray)).unwrap_or_else(|e| panic!("{stray}: {e}"));
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What is in a folder; links lead elsewhere, and are left alone.
fn list(folder: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths =
        entries.map(|entry| entry.expect("a folder is listed").path()).filter(|path| !path.is_symlink());
    paths.map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path)).collect()
}

/// Plants all canaries into a copy.
///
/// # Errors
/// Which canaries cannot be planted, and why.
pub fn plant(sources: &Sources, canaries: &[Canary]) -> Result<Sources, String> {
    let mut places: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    let mut problems = Vec::new();
    for canary in canaries {
        for change in &canary.changes {
            // Looked for in the sources as they are: so it does not matter what else is planted, in which order.
            let found: Vec<usize> = match sources.text(&change.file) {
                Some(text) => text.match_indices(&*change.find).map(|(at, _)| at).collect(),
                None => Vec::new(),
            };
            let [start] = found[..] else {
                problems.push(format!(
                    "sim/canaries/{}.canary: expected this once in {}, found it {} times; update the canary's file \
                     to the sources as they are now:\n{}",
                    canary.name,
                    change.file,
                    found.len(),
                    change.find
                ));
                continue;
            };
            let end = start + change.find.len();
            let replacement = canary.replacement(change);
            places.entry(&change.file).or_default().push(Place {
                start,
                end,
                replacement,
                name: &canary.name,
            });
        }
    }
    let mut planted = sources.clone();
    for (file, places) in &mut places {
        places.sort_by_key(|place| place.start);
        for pair in places.windows(2).filter(|pair| pair[1].start < pair[0].end) {
            problems.push(format!("{} and {} are at the same place in {file}", pair[0].name, pair[1].name));
        }
        let mut text = sources.text(file).unwrap_or_default().to_owned();
        if problems.is_empty() {
            places
                .iter()
                .rev()
                .for_each(|place| text.replace_range(place.start..place.end, &place.replacement));
        }
        planted.0.insert((*file).to_owned(), text.into_bytes());
    }
    if problems.is_empty() { Ok(planted) } else { Err(problems.join("\n")) }
}

struct Place<'a> {
    start: usize,
    end: usize,
    replacement: String,
    name: &'a str,
}

#[cfg(test)]
mod tests {
    use super::super::canary::Change;
    use super::*;

    fn sources(text: &str) -> Sources {
        Sources(BTreeMap::from([("f".to_owned(), text.as_bytes().to_vec())]))
    }

    fn canary(name: &str, find: &str, plant: &str) -> Canary {
        let change = Change { file: "f".into(), find: find.into(), plant: plant.into() };
        let (bug, profile, oracles) = (String::new(), String::new(), Vec::new());
        Canary { name: name.into(), bug, profile, seeds: 1, oracles, changes: vec![change] }
    }

    #[test]
    fn canaries_are_planted_in_any_order() {
        let (b, d) = (canary("b", "b\n", "B\nb\n"), canary("d", "d\n", "D\n"));
        let planted = plant(&sources("a\nb\nc\nd\n"), &[d, b]).expect("both have a place");
        assert_eq!(planted, sources("a\nB\nb\nc\nD\n"));
    }

    #[test]
    fn a_canary_that_lost_its_place_is_told() {
        let problem = |text, canary| plant(&sources(text), &[canary]).expect_err("it has no place");
        let lost = problem("a\n", canary("lost", "b\n", "B\n"));
        assert!(lost.contains("lost.canary: expected this once in f, found it 0 times; update"), "{lost}");
        let twice = problem("a\na\n", canary("twice", "a\n", "B\n"));
        assert!(twice.contains("found it 2 times"), "{twice}");
    }

    #[test]
    fn two_canaries_at_one_place_are_told() {
        let both = [canary("x", "a\nb\n", "X\n"), canary("y", "b\nc\n", "Y\n")];
        let problem = plant(&sources("a\nb\nc\n"), &both).expect_err("they overlap");
        assert_eq!(problem, "x and y are at the same place in f");
    }

    #[test]
    fn a_copy_is_set_apart_and_its_dependencies_are_not() {
        let own = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"\n");
        let lock =
            |version: &str| format!("[[package]]\n{version}\n[[package]]\n{own}source = \"registry\"\n");
        let manifest = |version: &str| format!("[workspace.package]\n{version}[dependencies.x]\n{own}");
        let workspace = |version| {
            let files = [("Cargo.lock", lock(version)), ("Cargo.toml", manifest(version))];
            Sources(files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into())
        };
        let mut sources = workspace(own);
        sources.set_apart("9.9.9");
        assert_eq!(sources, workspace("version = \"9.9.9\"\n"));
    }

    #[test]
    fn a_copy_is_brought_up_to_date_and_touched_where_it_differs() {
        let root = tempfile::tempdir().expect("a scratch directory");
        let copy = |files: &[(&str, &str)]| {
            let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
            Sources(files.collect()).write(root.path());
        };
        copy(&[("c/same", "1"), ("c/other", "2"), ("c/gone", "3")]);
        let same = root.path().join("c/same");
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        fs::File::options()
            .write(true)
            .open(&same)
            .and_then(|file| file.set_modified(long_ago))
            .expect("it is ours");
        copy(&[("c/same", "1"), ("c/other", "4")]);
        assert_eq!(fs::metadata(&same).and_then(|meta| meta.modified()).expect("it is there"), long_ago);
        assert_eq!(fs::read(root.path().join("c/other")).expect("it is there"), b"4");
        assert!(!root.path().join("c/gone").exists());
    }
}
