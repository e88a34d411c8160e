use std::path::Path;

use super::planting::VARIABLE;

/// What stands in a planted text for the question whether this canary is the one that is awake.
const PLACEHOLDER: &str = "PLANTED";
const FIND: &str = "--- find ";
const PLANT: &str = "--- plant";

/// A bug to plant. Its file has lines `key: value`, an empty line, and then, once or more, `--- find FILE` with the
/// text that is there once, and `--- plant` with the text that takes its place.
#[derive(Debug)]
pub struct Canary {
    /// The name of its file.
    pub name: String,
    /// What the bug is, in one sentence.
    pub bug: String,
    /// The profile of the simulation that must catch it.
    pub profile: String,
    /// Within how many seeds.
    pub seeds: u64,
    /// The oracles that may be the first to see it.
    pub oracles: Vec<String>,
    pub changes: Vec<Change>,
}

/// One place of a bug.
#[derive(Debug, Default)]
pub struct Change {
    /// The file, from the root of the workspace.
    pub file: String,
    pub find: String,
    pub plant: String,
}

impl Canary {
    /// All there are, in the order of their names.
    pub fn all() -> Vec<Canary> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("canaries");
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder is listed").path()).collect();
        paths.sort();
        paths.iter().map(|path| Canary::read(path)).collect()
    }

    fn read(path: &Path) -> Canary {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Canary::parse(&name, &text).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
    }

    fn parse(name: &str, text: &str) -> Result<Canary, String> {
        let (header, changes) = text.split_once("\n\n").ok_or("no empty line after the header")?;
        let value = |key: &str| {
            let found = header.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            found.map(str::to_owned).ok_or(format!("no line `{key}: ...` in the header"))
        };
        let seeds = value("seeds")?;
        let canary = Canary {
            name: name.to_owned(),
            bug: value("bug")?,
            profile: value("profile")?,
            seeds: seeds.parse().map_err(|_| format!("expected a number of seeds, found `{seeds}`"))?,
            oracles: value("oracles")?.split(", ").map(str::to_owned).collect(),
            changes: parse_changes(changes)?,
        };
        if canary.changes.iter().all(|change| !change.plant.contains(PLACEHOLDER)) {
            return Err(format!("nothing that is planted depends on {PLACEHOLDER}"));
        }
        Ok(canary)
    }

    /// Whether this canary is awake, in Rust.
    pub fn condition(&self) -> String {
        format!("std::env::var_os({VARIABLE:?}).is_some_and(|canary| canary == {:?})", self.name)
    }

    /// What takes the place of the text that a change finds.
    pub fn replacement(&self, change: &Change) -> String {
        change.plant.replace(PLACEHOLDER, &self.condition())
    }
}

fn parse_changes(text: &str) -> Result<Vec<Change>, String> {
    let mut changes: Vec<Change> = Vec::new();
    let mut plants = false;
    for line in text.lines() {
        if let Some(file) = line.strip_prefix(FIND) {
            changes.push(Change { file: file.to_owned(), ..Change::default() });
            plants = false;
        } else if line == PLANT {
            plants = true;
        } else {
            let change = changes.last_mut().ok_or(format!("expected `{FIND}FILE`, found `{line}`"))?;
            let part = if plants { &mut change.plant } else { &mut change.find };
            part.push_str(line);
            part.push('\n');
        }
    }
    match changes.iter().find(|change| change.find.is_empty() || change.plant.is_empty()) {
        Some(change) => Err(format!("nothing to find or nothing to plant in {}", change.file)),
        None if changes.is_empty() => Err(format!("no `{FIND}FILE`")),
        None => Ok(changes),
    }
}

#[test]
fn a_canary_is_read_as_it_is_written() {
    let text = "bug: B.\nprofile: calm\nseeds: 7\noracles: a, b\n\n\
                --- find x/y.rs\n  one\n  two\n--- plant\n  if PLANTED {}\n--- find z.rs\nthree\n--- plant\nfour\n";
    let canary = Canary::parse("c", text).expect("it is well-formed");
    assert_eq!((&*canary.bug, &*canary.profile, canary.seeds), ("B.", "calm", 7));
    assert_eq!(canary.oracles, ["a", "b"]);
    let [first, second] = &canary.changes[..] else { panic!("{canary:?}") };
    assert_eq!((&*first.file, &*first.find), ("x/y.rs", "  one\n  two\n"));
    assert_eq!((&*second.file, &*second.find, &*second.plant), ("z.rs", "three\n", "four\n"));
    let condition = r#"std::env::var_os("FIRN_CANARY").is_some_and(|canary| canary == "c")"#;
    assert_eq!(canary.replacement(first), format!("  if {condition} {{}}\n"));
}

#[test]
fn what_is_wrong_with_a_canary_is_told() {
    let header = "bug: B.\nprofile: calm\nseeds: 7\noracles: a\n\n";
    let cases = [
        ("bug: B.", "no empty line"),
        ("bug: B.\n\nx", "`seeds: ...`"),
        (&*header.replace('7', "x"), "found `x`"),
        (header, "no `--- find"),
        (&*format!("{header}stray\n"), "found `stray`"),
        (&*format!("{header}--- find f\nx\n"), "nothing to plant in f"),
        (&*format!("{header}--- find f\nx\n--- plant\ny\n"), "depends on PLANTED"),
    ];
    for (text, expected) in cases {
        let problem = Canary::parse("c", text).expect_err(text);
        assert!(problem.contains(expected), "{text:?}: {problem}");
    }
}
