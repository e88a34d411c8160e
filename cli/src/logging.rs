//! Where the words of the program itself go: standard error, which a mount in the background has in a file.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `FIRN_LOG`, or else `RUST_LOG`, says what, in the syntax of tracing-subscriber; else `-v` does.
pub fn start(verbose: u8, long_running: bool) {
    // A target is matched by its beginning: `firn` is all of our crates.
    let own = match (verbose, long_running) {
        (0, false) => "error",
        (0, true) => "warn,firn=info",
        (1, _) => "warn,firn=debug",
        _ => "debug",
    };
    let asked = ["FIRN_LOG", "RUST_LOG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    let filter = EnvFilter::builder().parse_lossy(asked.as_deref().unwrap_or(own));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(std::io::stderr().is_terminal()).with_target(verbose > 1).init();
}
