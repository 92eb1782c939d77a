//! Options of `charter index` that are not on its command line. Each has a variable, `CHARTER_INDEX_` and its name, and may
//! stand in a file. What the command line says goes before the environment, and that before the file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

/// The group of verbs that this is about.
const GROUP: &str = "index";
/// The option that names the file.
const FILE: &str = "config";

/// The variable of an option.
fn variable(option: &str) -> String {
    format!("CHARTER_INDEX_{}", option.to_uppercase().replace('-', "_"))
}

/// What the environment says of an option. Whoever fills variables in from elsewhere may leave one empty.
fn from_environment(option: &str) -> Option<OsString> {
    std::env::var_os(variable(option)).filter(|value| !value.is_empty())
}

/// Gives all options their variables.
pub fn named(command: Command) -> Command {
    command.mut_subcommand(GROUP, |group| {
        group.mut_args(with_variable).mut_subcommands(|verb| verb.mut_args(with_variable))
    })
}

fn with_variable(option: Arg) -> Arg {
    let Some(name) = option.get_long().map(str::to_owned) else { return option };
    let value = from_environment(&name);
    // An option without a value is said or not: one that is denied there was not.
    let is_denied = is_flag(&option) && value.as_ref().is_some_and(|value| value == "false");
    if is_denied || (value.is_none() && std::env::var_os(variable(&name)).is_some()) {
        return option;
    }
    // URLs may hold a password, or a provider's key.
    option.env(variable(&name)).hide_env_values(true)
}

fn is_flag(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

/// The command line, and behind it what a file says of options that nobody else spoke of.
pub fn complete(mut words: Vec<OsString>, command: &Command) -> anyhow::Result<Vec<OsString>> {
    let Some(group) = command.find_subcommand(GROUP) else { return Ok(words) };
    if words.get(1).is_none_or(|word| word != GROUP) {
        return Ok(words);
    }
    let (Some(path), Some(verb)) = (file(&words), verb(&words, group)) else { return Ok(words) };
    let table = read(&path)?;
    let more = from_file(&words, group, verb, &table).with_context(|| path.display().to_string())?;
    words.extend(more);
    Ok(words)
}

fn from_file(words: &[OsString], group: &Command, verb: &Command, table: &Table) -> anyhow::Result<Vec<OsString>> {
    let mut more = Vec::new();
    for (name, value) in table {
        let is_name = |option: &&Arg| option.get_long() == Some(name.as_str());
        let mut options = group.get_subcommands().chain([group]).flat_map(Command::get_arguments);
        ensure!(name != FILE && options.any(|option| is_name(&option)), "{name} is no option of `charter index`");
        // What is meant for other verbs is nothing to this one.
        let Some(option) = verb.get_arguments().chain(group.get_arguments()).find(is_name) else { continue };
        let is_said = |option: &Arg| option.get_long().is_some_and(|long| is_said(words, long));
        let is_excluded = verb.get_arguments().any(|other| is_said(other) && exclude_each_other(verb, option, other));
        if is_said(option) || is_excluded {
            continue;
        }
        more.extend(word(option, name, value)?);
    }
    Ok(more)
}

/// Whether the command line or the environment says something of an option.
fn is_said(words: &[OsString], name: &str) -> bool {
    let is_it = |word: &OsString| {
        let rest = word.as_bytes().strip_prefix(b"--").and_then(|word| word.strip_prefix(name.as_bytes()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
    };
    words.iter().any(is_it) || from_environment(name).is_some()
}

fn exclude_each_other(verb: &Command, one: &Arg, other: &Arg) -> bool {
    let excludes = |one: &Arg, other: &Arg| {
        !one.is_global_set() && verb.get_arg_conflicts_with(one).iter().any(|found| found.get_id() == other.get_id())
    };
    excludes(one, other) || excludes(other, one)
}

/// An option as the command line has it. `None`: it is not said.
fn word(option: &Arg, name: &str, value: &Value) -> anyhow::Result<Option<OsString>> {
    if is_flag(option) {
        let is_on = value.as_bool().with_context(|| format!("{name} is true or false"))?;
        return Ok(is_on.then(|| format!("--{name}").into()));
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Array(parts) => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            parts.with_context(|| format!("{name} is a list of texts"))?.join(",")
        }
        _ => bail!("{name} is a text, a whole number, or a list of texts"),
    };
    Ok(Some(format!("--{name}={text}").into()))
}

/// The file that the command line names, or the environment.
fn file(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(rest) = word.as_bytes().strip_prefix(b"--config") else { continue };
        if rest.is_empty() {
            return words.next().map(PathBuf::from);
        }
        if let Some(path) = rest.strip_prefix(b"=") {
            return Some(OsStr::from_bytes(path).into());
        }
    }
    from_environment(FILE).map(PathBuf::from)
}

/// The verb that the command line names.
fn verb<'a>(words: &[OsString], group: &'a Command) -> Option<&'a Command> {
    let mut words = words.iter().skip(2);
    while let Some(word) = words.next() {
        let Some(option) = word.to_str().and_then(|word| word.strip_prefix("--")) else {
            return group.find_subcommand(word);
        };
        let has_value = |known: &Arg| known.get_long() == Some(option) && known.get_action().takes_values();
        if group.get_arguments().any(has_value) {
            words.next();
        }
    }
    None
}

fn read(path: &Path) -> anyhow::Result<Table> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{shown} can't be read"))?;
    // The line itself may hold a secret, so it is not shown.
    text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.split('\n').count());
        anyhow!("{shown} is no TOML, line {line}: {}", error.message())
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::io::Write;

    use clap::{Arg, ArgAction, Command};

    use super::complete;

    /// A stand-in for the real one, whose options these are some of.
    fn command_stand_in() -> Command {
        let url = || Arg::new("rpc_url").long("rpc-url");
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let run = Command::new("run").args([
            url(),
            Arg::new("from").long("from"),
            flag("trust"),
            Arg::new("checkpoint").long("checkpoint").conflicts_with("trust"),
        ]);
        let group = Command::new("index")
            .arg(Arg::new("config").long("config").global(true))
            .arg(Arg::new("log").long("log").global(true))
            .subcommands([run, Command::new("verify").args([url(), flag("prove")])]);
        Command::new("charter").subcommand(group)
    }

    fn completed(text: &str, words: &str) -> Result<String, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        let given: Vec<OsString> = words.replace("FILE", path).split(' ').map(OsString::from).collect();
        let count = given.len();
        let whole = complete(given, &command_stand_in()).map_err(|error| format!("{error:#}"))?;
        let more: Vec<_> = whole.iter().skip(count).map(|word| word.to_str().unwrap()).collect();
        Ok(more.join(" "))
    }

    const TEXT: &str = "rpc-url = ['http://a', 'http://b']\nfrom = 7\ntrust = true\nprove = false\nlog = 'json'\n";

    /// Leave `is_said` out and the file overrules the command line; leave `is_excluded` out, and it contradicts it.
    #[test]
    fn a_file_says_what_nobody_else_does() {
        for (words, expected) in [
            ("charter index run --config FILE", "--from=7 --log=json --rpc-url=http://a,http://b --trust"),
            ("charter index --config=FILE run --from 8 --log text", "--rpc-url=http://a,http://b --trust"),
            ("charter index run --rpc-url=c --config FILE --checkpoint x", "--from=7 --log=json"),
            ("charter index --log json --config FILE verify", "--rpc-url=http://a,http://b"),
            ("charter index run", ""),
            ("charter agent run --config FILE", ""),
            ("charter index --config FILE --help", ""),
        ] {
            let more = completed(TEXT, words).unwrap();
            let mut sorted: Vec<_> = more.split(' ').collect();
            sorted.sort_unstable();
            assert_eq!(sorted.join(" "), expected, "{words}");
        }
    }

    #[test]
    fn what_a_file_can_not_say_is_said_without_its_secrets() {
        for (text, expected) in [
            ("rpc-urls = 'x'", "rpc-urls is no option of `charter index`"),
            ("config = 'x'", "config is no option"),
            ("trust = 'yes'", "trust is true or false"),
            ("rpc-url = true", "rpc-url is a text"),
            ("rpc-url = [1]", "rpc-url is a list of texts"),
            ("from = 7\nrpc-url = http://user:geheim@a", "is no TOML, line 2"),
        ] {
            let refused = completed(text, "charter index run --config FILE").unwrap_err();
            assert!(refused.contains(expected) && !refused.contains("geheim"), "{refused}");
        }
        let refused = completed("", "charter index run --config /nowhere/index.toml").unwrap_err();
        assert!(refused.contains("/nowhere/index.toml can't be read"), "{refused}");
    }
}
