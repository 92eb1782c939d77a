//! Progress and errors for people on stderr, results on stdout. With `--json` an error is a line of JSON.

mod codes;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use charter_client::{ClientError, Contracts};
use charter_types::AccountId;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::log;

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

/// An error, with more said behind it.
#[derive(Debug)]
struct Longer {
    error: anyhow::Error,
    more: String,
}

impl fmt::Display for Longer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", sentence(&self.error), self.more)
    }
}

impl std::error::Error for Longer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.error)
    }
}

/// Says more behind an error's sentence, and leaves the error what it is.
pub fn longer(error: impl Into<anyhow::Error>, more: String) -> anyhow::Error {
    Longer { error: error.into(), more }.into()
}

/// The contracts that a command works with, once it knows them.
static CONTRACTS: OnceLock<Contracts> = OnceLock::new();

/// Says whose codes are Charter's. What other contracts say is text of strangers.
pub fn know(contracts: &Contracts) {
    // A process works with one deployment.
    let _ = CONTRACTS.set(contracts.clone());
}

/// What machines know a failure by, always out of one list. A refusal of Charter's contracts has the contract's code;
/// no other contract's word is one.
fn code(error: &anyhow::Error, is_ours: impl Fn(&AccountId) -> bool) -> Option<String> {
    let mut known = error.chain().filter_map(|cause| cause.downcast_ref::<ClientError>());
    match known.find_map(ClientError::refusal) {
        Some((by, text)) if is_ours(by) => codes::of_contract(text).map(str::to_owned),
        Some(_) => Some(codes::FOREIGN.to_owned()),
        None => codes::of_program(&sentence(error)).map(str::to_owned),
    }
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
        let is_ours = |account: &AccountId| CONTRACTS.get().is_some_and(|contracts| contracts.has(account));
        eprintln!("{}", json!({ "error": { "code": code(error, is_ours), "message": text } }));
    } else {
        eprintln!("charter: {}", printable(&text));
    }
    ExitCode::FAILURE
}

/// Says something on standard error that somebody should know.
pub fn warn(text: &str) {
    if log::is_json() {
        tracing::warn!("{text}");
    } else {
        eprintln!("{text}");
    }
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
        if log::is_json() {
            tracing::info!(step = name, "{text}");
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
    use anyhow::{Context, anyhow};
    use charter_client::ClientError;

    use super::{code, longer, printable, sentence};

    #[test]
    fn a_sentence_says_each_thing_once() {
        let inner = std::io::Error::other("connection refused");
        let error = Err::<(), _>(inner).context("the node can't be reached: connection refused").context("no chain");
        assert_eq!(sentence(&error.unwrap_err()), "no chain: the node can't be reached: connection refused");
        let doubled = Err::<(), _>(anyhow::anyhow!("a.json")).context("a.json").unwrap_err();
        assert_eq!(sentence(&doubled), "a.json");
    }

    fn refused(by: &str, text: &str) -> ClientError {
        ClientError::Refused { by: by.parse().unwrap(), text: text.to_owned() }
    }

    fn code_of(error: &anyhow::Error) -> Option<String> {
        code(error, |account| account.as_str() == "keys.near")
    }

    /// Take the word that a text begins with instead, and whoever wrote a token says what machines know the failure by.
    #[test]
    fn a_code_is_charters_or_none() {
        let text = "KEYS_NOT_OWNER: caller eve.near is not the owner";
        let known = Some("KEYS_NOT_OWNER".to_owned());
        assert_eq!(code_of(&refused("keys.near", text).into()), known);
        // Whatever was said of it on the way.
        assert_eq!(code_of(&anyhow::Error::from(refused("keys.near", text)).context("nothing was granted")), known);
        assert_eq!(code_of(&longer(refused("keys.near", text), ": nothing was granted".to_owned())), known);
        assert_eq!(code_of(&refused("keys.near", "KEYS_OF_TOMORROW: no").into()), None);
        // A stranger's words, some of which it has from us.
        let foreign = Some("FOREIGN_CONTRACT".to_owned());
        for text in [text, "TOKEN_FAILS: nothing moves", "nothing moves"] {
            assert_eq!(code_of(&refused("token.near", text).into()), foreign, "{text}");
            assert_eq!(code_of(&longer(refused("token.near", text), "; it is open".to_owned())), foreign, "{text}");
        }
        // The program's own.
        for (text, expected) in [
            ("ESCROW_NO_PURSE: a.near has no purse", Some("ESCROW_NO_PURSE")),
            ("TOKEN_STORAGE: usd.near wants 1 NEAR", Some("TOKEN_STORAGE")),
            ("EPOCH_MOVED: it ended", Some("EPOCH_MOVED")),
            ("TOKEN_FAILS: nothing moves", None),
            ("charter.json: nothing", None),
            ("no code", None),
        ] {
            assert_eq!(code_of(&anyhow!("{text}")).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn more_behind_an_error_is_said_once() {
        let error = longer(longer(anyhow!("no"), ": 0 came in".to_owned()), "; it is open".to_owned());
        assert_eq!(sentence(&error), "no: 0 came in; it is open");
    }

    #[test]
    fn a_contracts_text_moves_no_cursor() {
        assert_eq!(printable("KEYS_X: \u{1b}[2Jé\n\tgone\r"), "KEYS_X: \\u{1b}[2Jé\n\\tgone\\r");
    }
}
