//! What only a person can give: the plaintext of a key, and consent.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use zeroize::Zeroizing;

/// Where the plaintext of a key comes from. Never from the command line: other processes could read it there.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// Read the key from this environment variable.
    #[arg(long, value_name = "NAME")]
    from_env: Option<String>,
    /// Read the key from this file, without a line break at its end.
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Read the key from standard input, without a line break at its end.
    #[arg(long)]
    from_stdin: bool,
}

/// Agrees to what is shown.
#[derive(clap::Args)]
pub struct Consent {
    /// Sign without asking.
    #[arg(long, short)]
    yes: bool,
}

impl Source {
    pub fn read(&self) -> anyhow::Result<Zeroizing<String>> {
        let text = match (&self.from_env, &self.from_file) {
            (Some(name), _) => std::env::var(name).with_context(|| format!("{name} is not set"))?,
            (_, Some(path)) => {
                std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?
            }
            _ => std::io::read_to_string(std::io::stdin()).context("standard input can't be read")?,
        };
        let text = Zeroizing::new(text);
        let key = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
        ensure!(!key.is_empty(), "the key is empty");
        // The host puts it into a header, a query or a password.
        ensure!(key.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "a key is printable ASCII without blanks");
        Ok(key)
    }
}

impl Consent {
    /// Shows what is to be signed, and asks. Without a terminal to answer on, `--yes` is required.
    pub fn ask(&self, text: &str) -> anyhow::Result<()> {
        eprint!("{text}");
        if self.yes {
            return Ok(());
        }
        ensure!(std::io::stdin().is_terminal(), "say --yes to sign this: nobody can be asked here");
        eprint!("Sign this? [y/N] ");
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was signed");
        Ok(())
    }
}
