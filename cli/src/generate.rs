//! What is made from the definition of the command line: completions and man pages.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use firn_control::Failure;

use crate::arguments::Arguments;
use crate::output::{Output, Stop};

/// A completion script on standard output.
pub fn completions(shell: Shell, out: &mut Output) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "firn", &mut script);
    out.bytes(&script)
}

/// `firn.1` and a page for each command.
pub fn man_pages(dir: &Path, out: &mut Output) -> Result<(), Stop> {
    clap_mangen::generate_to(Arguments::command(), dir).map_err(|error| {
        Failure::failed(format!("cannot write man pages into {}: {error}", dir.display()))
    })?;
    if !out.json {
        out.line(format_args!(
            "man pages are in {}; read one with: man -l {}",
            dir.display(),
            dir.join("firn.1").display()
        ))?;
    }
    Ok(())
}
