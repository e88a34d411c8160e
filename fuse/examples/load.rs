//! Loads a mounted filesystem with the simplest operations, from several processes, each in a directory of its own.
//!
//! `load DIRECTORY [CLIENTS [FILES]]` prints operations per second.

#![allow(clippy::disallowed_methods, reason = "this is what measures time")]

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// What each client does with each of its files, one phase after the other.
const PHASES: [&str; 6] = ["create", "stat", "rename", "unlink", "mkdir", "rmdir"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["client", files] => client(files.parse()?),
        [directory, rest @ ..] => {
            let number =
                |at: usize, default| rest.get(at).map_or(Ok(default), |text: &&str| text.parse::<usize>());
            load(Path::new(directory), number(0, 1)?, number(1, 20_000)?)
        }
        _ => Err("load DIRECTORY [CLIENTS [FILES]]".into()),
    }
}

/// A client process, which does a phase for each line that it reads, and says when it has.
struct Client {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

fn start(directory: &Path, files: usize) -> Result<Client, Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    command
        .arg("client")
        .arg(files.to_string())
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = command.spawn()?;
    let commands = process.stdin.take().ok_or("no pipe")?;
    let answers = BufReader::new(process.stdout.take().ok_or("no pipe")?);
    Ok(Client { process, commands, answers })
}

fn load(directory: &Path, clients: usize, files: usize) -> Result<(), Box<dyn Error>> {
    let mut started = Vec::new();
    for number in 0..clients {
        let own = directory.join(format!("client-{number}"));
        fs::create_dir_all(&own)?;
        started.push(start(&own, files)?);
    }
    for phase in PHASES {
        let begin = Instant::now();
        for client in &mut started {
            writeln!(client.commands, "{phase}")?;
        }
        for client in &mut started {
            let mut line = String::new();
            client.answers.read_line(&mut line)?;
            if line.trim() != "done" {
                return Err(format!("a client failed in {phase}").into());
            }
        }
        let rate = (clients * files) as f64 / begin.elapsed().as_secs_f64();
        println!("{phase:8} {rate:>9.0}/s");
    }
    for client in started {
        let Client { mut process, commands, .. } = client;
        drop(commands);
        process.wait()?;
    }
    Ok(())
}

/// Works in the current directory, whose path is looked up but once.
fn client(files: usize) -> Result<(), Box<dyn Error>> {
    let paths = |prefix: &str| -> Vec<PathBuf> {
        (0..files).map(|number| PathBuf::from(format!("{prefix}{number}"))).collect()
    };
    let (first, second) = (paths("a"), paths("b"));
    for line in io::stdin().lines() {
        match line?.as_str() {
            "create" => first.iter().try_for_each(|path| File::create_new(path).map(drop)),
            "stat" => first.iter().try_for_each(|path| fs::symlink_metadata(path).map(drop)),
            "rename" => first.iter().zip(&second).try_for_each(|(from, to)| fs::rename(from, to)),
            "unlink" => second.iter().try_for_each(fs::remove_file),
            "mkdir" => first.iter().try_for_each(fs::create_dir),
            "rmdir" => first.iter().try_for_each(fs::remove_dir),
            _ => return Err("an unknown phase".into()),
        }?;
        println!("done");
    }
    Ok(())
}
