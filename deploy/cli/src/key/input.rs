//! What only a person can give: the plaintext of a key, and consent.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use charter_host::{SECRET_BYTES_MIN, is_long_enough};
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
        // Errors of the standard library show what they could not read as text.
        let bytes = match (&self.from_env, &self.from_file) {
            (Some(name), _) => {
                std::env::var_os(name).with_context(|| format!("{name} is not set"))?.into_encoded_bytes()
            }
            (_, Some(path)) => std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?,
            _ => {
                let mut bytes = Vec::new();
                std::io::stdin().read_to_end(&mut bytes).context("standard input can't be read")?;
                bytes
            }
        };
        let bytes = Zeroizing::new(bytes);
        ensure!(
            !bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff]),
            "the key is in UTF-16: save the file as plain text (UTF-8)"
        );
        let text = std::str::from_utf8(&bytes).ok().context("the key is not text")?;
        check(text.trim_end_matches(['\r', '\n'])).map(|key| Zeroizing::new(key.to_owned()))
    }
}

/// Fails if a text is not a key alone. No error shows any of it.
fn check(key: &str) -> anyhow::Result<&str> {
    ensure!(!key.is_empty(), "the key is empty");
    ensure!(!key.starts_with('\u{feff}'), "the key begins with a byte order mark: save the file as UTF-8 without one");
    ensure!(!key.contains(['\r', '\n']), "there are several lines: give the key alone");
    let quotes = ['"', '\'', '`', '“', '”', '‘', '’'];
    ensure!(
        !key.starts_with(quotes) && !key.ends_with(quotes),
        "the key is in quotes, which would be sent with it: leave them out"
    );
    ensure!(!is_assignment(key), "this looks like NAME=value: give the value alone");
    ensure!(!key.starts_with(['{', '[']), "this looks like JSON: give the key alone");
    let scheme = key.split_once(' ').map_or("", |(scheme, _)| scheme);
    ensure!(
        !["bearer", "basic", "token"].contains(&scheme.to_ascii_lowercase().as_str()),
        "leave the scheme out (Bearer, Basic): `--inject` says what stands in front of the key"
    );
    // The host puts it into a header, a query or a password.
    ensure!(key.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "a key is printable ASCII without blanks");
    ensure!(
        is_long_enough(key.as_bytes()),
        "the key is too short: {SECRET_BYTES_MIN} characters are expected, not counting - : and , . A shorter one can't be told from ordinary text and would be redacted everywhere"
    );
    Ok(key)
}

/// Whether a text is a line of a shell or of a `.env` file. `=` at the end pads base64.
fn is_assignment(text: &str) -> bool {
    let text = text.strip_prefix("export ").unwrap_or(text);
    let Some((name, value)) = text.split_once('=') else { return false };
    let name = name.trim();
    let identifier = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let shouted = name.len() > 1 && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let lower = name.to_ascii_lowercase();
    let telling = ["key", "token", "secret", "password", "pass", "auth"].iter().any(|word| lower.contains(word));
    identifier && (shouted || telling) && !value.trim_matches('=').is_empty()
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

#[cfg(test)]
mod tests {
    use super::{Source, check};

    fn of_file(bytes: &[u8]) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let source = Source { from_env: None, from_file: Some(file.path().to_owned()), from_stdin: false };
        source.read().map(|key| key.to_string()).map_err(|error| format!("{error:#} {error:?}"))
    }

    #[test]
    fn what_is_not_a_key_alone_is_refused_in_words_that_do_not_show_it() {
        const KEY: &str = "sk-live-0123456789";
        for line_break in ["", "\n", "\r\n", "\n\n"] {
            assert_eq!(of_file(format!("{KEY}{line_break}").as_bytes()).as_deref(), Ok(KEY));
        }
        let in_utf_16: Vec<u8> = KEY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, named) in [
            (format!("\u{feff}{KEY}").into_bytes(), "byte order mark"),
            ([&[0xff, 0xfe], in_utf_16.as_slice()].concat(), "UTF-16"),
            ([KEY.as_bytes(), &[0xff]].concat(), "not text"),
            (format!("\"{KEY}\"").into_bytes(), "quotes"),
            (format!("'{KEY}'\n").into_bytes(), "quotes"),
            (format!("“{KEY}”").into_bytes(), "quotes"),
            (format!("{KEY}\"").into_bytes(), "quotes"),
            (format!("OPENAI_API_KEY={KEY}").into_bytes(), "NAME=value"),
            (format!("OPENAI_API_KEY = {KEY}").into_bytes(), "NAME=value"),
            (format!("export KEY={KEY}").into_bytes(), "NAME=value"),
            (format!("api_key={KEY}").into_bytes(), "NAME=value"),
            (format!("OPENAI_API_KEY=\"{KEY}").into_bytes(), "NAME=value"),
            (format!("{{\"key\": \"{KEY}\"}}").into_bytes(), "JSON"),
            (format!("Bearer {KEY}").into_bytes(), "scheme"),
            (format!("{KEY} {KEY}").into_bytes(), "without blanks"),
            (format!("{KEY}\t").into_bytes(), "without blanks"),
            (format!("{KEY}\n{KEY}\n").into_bytes(), "several lines"),
            (format!("{KEY}\u{200b}").into_bytes(), "printable ASCII"),
            (b"\n".to_vec(), "empty"),
            (b"a".to_vec(), "too short: 8 characters"),
            (b"1234567".to_vec(), "too short"),
            (b"a-b-c-d-e-f".to_vec(), "too short"),
        ] {
            let error = of_file(&bytes).unwrap_err();
            assert!(error.contains(named), "{named}: {error}");
            assert!(!error.contains("0123456789") && !error.contains("1234567"), "{error}");
        }
        for key in [
            "aGVsbG8gd29ybGQ=",
            "QUJDREVGRw==",
            "a=b&c=d+e/f",
            "eyJhbGciOiJIUzI1NiJ9.e30.abc",
            "v1:abcdefgh",
            "12345678",
        ] {
            assert!(check(key).is_ok(), "{key}");
        }
    }

    /// The standard library's own error for this shows the value.
    #[test]
    fn a_variable_that_is_not_text_is_not_shown() {
        use std::os::unix::ffi::OsStrExt;
        let odd = std::ffi::OsStr::from_bytes(b"sk-live-0123456789\xff");
        let shown = std::env::VarError::NotUnicode(odd.to_owned()).to_string();
        assert!(shown.contains("0123456789"), "{shown}");
        let error = std::str::from_utf8(odd.as_encoded_bytes()).unwrap_err().to_string();
        assert!(!error.contains("0123456789"), "{error}");
    }
}
