//! Progress for people on stderr, results on stdout.

use std::io::IsTerminal;

/// Says what is going on, unless the output is for machines.
#[derive(Clone, Copy)]
pub struct Progress {
    quiet: bool,
    colour: bool,
}

impl Progress {
    pub fn new(quiet: bool) -> Self {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { quiet, colour }
    }

    pub fn step(self, name: &str, text: &str) {
        if self.quiet {
            return;
        }
        if self.colour {
            eprintln!("\u{1b}[1m{name:>9}\u{1b}[0m  {text}");
        } else {
            eprintln!("{name:>9}  {text}");
        }
    }
}
