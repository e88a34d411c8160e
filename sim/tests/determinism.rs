//! The first thing that must hold: the same seed in two fresh processes writes the same trace, byte for byte.

use std::process::Command;

#[test]
fn a_seed_plays_the_same_in_two_fresh_processes() {
    let meta = Command::new(env!("CARGO_BIN_EXE_firn-sim"))
        .args(["meta", "--seed", "7000", "--seeds", "28", "--profile", "all"])
        .output()
        .expect("firn-sim runs");
    let told = String::from_utf8_lossy(&meta.stdout);
    assert!(meta.status.success(), "{told}{}", String::from_utf8_lossy(&meta.stderr));
    assert!(told.contains("28 seeds from 7000") && told.contains("twice the same"), "{told}");
}
