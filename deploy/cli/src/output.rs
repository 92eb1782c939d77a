//! Progress and errors for people on stderr, results on stdout. With `--json` an error is a line of JSON.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// Prints a line on stdout.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*)).to_string().as_bytes()) };
}

/// Prints to stdout. If nobody reads any more, as behind `| head`, there is nothing left to do, and nothing to say.
pub fn print(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        eprintln!("charter: standard output can't be written: {error}");
        std::process::exit(1);
    }
}

/// An error as one sentence: what failed, and why, each said once.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if said.contains(&text) {
            continue;
        }
        if !said.is_empty() {
            said.push_str(": ");
        }
        said.push_str(&text);
    }
    said
}

/// The stable code with which a sentence begins, if it does.
fn code(sentence: &str) -> Option<&str> {
    let (code, _) = sentence.split_once(": ")?;
    let plain = code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    (code.len() > 2 && plain).then_some(code)
}

/// Without what moves the cursor or clears the screen: contracts that are anybody's say why they failed.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        if letter.is_control() && letter != '\n' {
            shown.extend(letter.escape_debug());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Says why a command failed.
pub fn fail(error: &anyhow::Error, in_json: bool) -> ExitCode {
    let text = sentence(error);
    if in_json {
        eprintln!("{}", json!({ "error": { "code": code(&text), "message": text } }));
    } else {
        eprintln!("charter: {}", printable(&text));
    }
    ExitCode::FAILURE
}

/// Until Ctrl-C, or until a supervisor says so (SIGTERM), from now on: a server asks for it before it says that it is ready.
pub fn until_stopped() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

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
        self.write(format_args!("{name:>9}"), text);
    }

    fn write(self, name: fmt::Arguments<'_>, text: &str) {
        if self.colour {
            eprintln!("\u{1b}[1m{name}\u{1b}[0m  {text}");
        } else {
            eprintln!("{name}  {text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::{code, printable, sentence};

    #[test]
    fn a_sentence_says_each_thing_once() {
        let inner = std::io::Error::other("connection refused");
        let error = Err::<(), _>(inner).context("the node can't be reached: connection refused").context("no chain");
        assert_eq!(sentence(&error.unwrap_err()), "no chain: the node can't be reached: connection refused");
        let doubled = Err::<(), _>(anyhow::anyhow!("a.json")).context("a.json").unwrap_err();
        assert_eq!(sentence(&doubled), "a.json");
    }

    #[test]
    fn a_code_is_what_a_sentence_begins_with() {
        assert_eq!(code("KEYS_NOT_OWNER: caller eve.near is not the owner"), Some("KEYS_NOT_OWNER"));
        assert_eq!(code("charter.json: nothing"), None);
        assert_eq!(code("no code"), None);
    }

    #[test]
    fn a_contracts_text_moves_no_cursor() {
        assert_eq!(printable("KEYS_X: \u{1b}[2Jé\n\tgone\r"), "KEYS_X: \\u{1b}[2Jé\n\\tgone\\r");
    }
}
