//! The kept corpus, through every decoder: what a fuzzer once thought of, without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use firn_decoders::TARGETS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Of each corpus something is accepted and something refused: otherwise it does not reach the decoder.
#[test]
fn no_decoder_fails_on_the_kept_corpus() {
    for (name, target) in TARGETS {
        let (mut accepted, mut refused) = (0, 0);
        for file in files(&root().join("testdata/fuzz").join(name)) {
            println!("{}", file.display());
            match target(&fs::read(&file).unwrap()) {
                true => accepted += 1,
                false => refused += 1,
            }
        }
        assert!(accepted > 0 && refused > 0, "{name}: {accepted} accepted, {refused} refused");
    }
}

#[test]
fn every_decoder_has_a_corpus_and_a_fuzz_target() {
    let expected: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for folder in ["testdata/fuzz", "fuzz/fuzz_targets"] {
        let stem = |file: &PathBuf| file.file_stem().unwrap().to_string_lossy().into_owned();
        let found: BTreeSet<String> = files(&root().join(folder)).iter().map(stem).collect();
        assert_eq!(found, expected, "{folder}");
    }
}
