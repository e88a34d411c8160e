//! Standard output and standard error, for people and for programs.

use std::io::{self, BufWriter, IsTerminal, Write};

use firn_clock::Timestamp;
use firn_control::{Failure, Line, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::times::Times;

/// Why a command ended early.
#[derive(Debug)]
pub enum Stop {
    /// Something to tell.
    Failure(Failure),
    /// Nobody reads our output any more (`| head`): nothing to tell, and nobody to tell it.
    ReaderGone,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failure(failure)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::ReaderGone,
            _ => Stop::Failure(Failure::failed(format!("cannot write the output: {error}"))),
        }
    }
}

/// How a piece of text looks on a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Less important.
    Dim,
    /// A heading.
    Bold,
    /// Something new.
    Green,
    /// Something gone or wrong.
    Red,
    /// Something other than it was.
    Yellow,
    /// A place in the history.
    Cyan,
}

impl Style {
    fn code(self) -> u8 {
        match self {
            Style::Bold => 1,
            Style::Dim => 2,
            Style::Red => 31,
            Style::Green => 32,
            Style::Yellow => 33,
            Style::Cyan => 36,
        }
    }
}

/// Where a command writes.
pub struct Output {
    /// JSON instead of words.
    pub json: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// How times are shown.
    pub times: Times,
    colours: bool,
    out: BufWriter<io::Stdout>,
    bar: Option<ProgressBar>,
}

impl Output {
    /// As the command line and the terminal ask.
    pub fn new(json: bool, times: Times) -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Output {
            json,
            terminal,
            times,
            colours: terminal && !plain && !json,
            out: BufWriter::new(io::stdout()),
            bar: None,
        }
    }

    /// `text` in a style, where there are styles.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colours { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.to_owned() }
    }

    /// A time, as people write it here.
    pub fn time(&self, time: Timestamp) -> String {
        self.times.show(time)
    }

    /// A line for people.
    pub fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Stop> {
        writeln!(self.out, "{text}")?;
        self.flush_for_people()
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.out.write_all(bytes)?;
        self.flush_for_people()
    }

    /// A line of JSON, as it came.
    pub fn raw(&mut self, value: &RawValue) -> Result<(), Stop> {
        writeln!(self.out, "{}", value.get())?;
        Ok(())
    }

    /// A value as a line of JSON.
    pub fn value(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
        writeln!(self.out)?;
        Ok(())
    }

    fn flush_for_people(&mut self) -> Result<(), Stop> {
        if self.terminal {
            self.out.flush()?;
        }
        Ok(())
    }

    /// Something beside the answer, such as what a time was resolved to: on standard error.
    pub fn note(&mut self, text: impl std::fmt::Display) -> Result<(), Stop> {
        self.clear_progress();
        self.out.flush()?;
        // Without a standard error there is nobody who would miss it.
        let _ = writeln!(io::stderr(), "{text}");
        Ok(())
    }

    /// Shows how far work has come, on a terminal.
    pub fn progress(&mut self, progress: &Progress) {
        if self.json || !io::stderr().is_terminal() {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| ProgressBar::new(0));
        match progress.total {
            Some(total) => {
                bar.set_style(style("{msg} [{bar:30}] {human_pos}/{human_len}"));
                bar.set_length(total.max(progress.done));
            }
            None if progress.done > 0 => bar.set_style(style("{spinner} {msg} {human_pos}")),
            None => bar.set_style(style("{spinner} {msg}")),
        }
        bar.set_message(progress.phase.clone());
        bar.set_position(progress.done);
        bar.tick();
    }

    /// Takes the progress bar away, before something else is written.
    pub fn clear_progress(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Says why a command failed.
    pub fn failure(&mut self, failure: &Failure) {
        self.clear_progress();
        let _ = self.out.flush();
        let text = if self.json {
            serde_json::to_string(&Line::Error(failure.clone())).unwrap_or_default()
        } else {
            format!("firn: {}", failure.message)
        };
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Writes what is still held back.
    pub fn finish(&mut self) -> Result<(), Stop> {
        self.clear_progress();
        self.out.flush()?;
        Ok(())
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
