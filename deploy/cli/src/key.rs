//! `charter key …`: credentials that an agent uses without having them, and who may use them for what.

mod add;
mod change;
pub mod notes;
pub mod rules;
mod show;
mod words;

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use charter_rules::policy::target_allows;
use charter_types::AccountId;
use charter_types::Hash32;
use charter_types::keys::{GrantId, HostId, HttpAction, Inject, Method};
use charter_types::registry::AgentId;
use zeroize::Zeroizing;

use crate::session::{Group, Session};
use crate::units::duration_ms;
use notes::Permit;
use rules::{Rule, Terms, What};

/// Where the plaintext of a key comes from. Never from the command line: other processes could read it there.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// Read the key from this environment variable.
    #[arg(long, value_name = "NAME")]
    from_env: Option<String>,
    /// Read it from this file; a line break at its end is not part of it.
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Read it from standard input, likewise.
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

#[derive(clap::Subcommand)]
pub enum Command {
    /// Seals a key to key hosts and grants its use, in one transaction.
    Add {
        /// What you call it. Only a salted hash of it gets on chain.
        label: String,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        terms: Terms,
        /// Where the host puts the key: header:NAME:PREFIX, query:NAME or basic:USER.
        #[arg(long, value_parser = rules::inject, default_value = "header:authorization:Bearer ")]
        inject: Inject,
        /// The most that any later grant may allow [default: what this one does].
        #[arg(long, value_name = "RULE", value_parser = rules::rule)]
        ceiling: Vec<Rule>,
        /// A host to seal the key to [default: the one of `charter host init`].
        #[arg(long)]
        host: Vec<HostId>,
        #[arg(long)]
        agent: Option<AgentId>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Grants the use of a key that is there.
    Grant {
        label: String,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        terms: Terms,
        #[command(flatten)]
        consent: Consent,
    },
    /// Passes a part of a grant that you hold on.
    Delegate {
        grant: GrantId,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        terms: Terms,
        /// The grant as you were given it (`charter key permit`), if it was not made here.
        #[arg(long)]
        permit: Option<PathBuf>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Takes a part of a grant away. What was passed on from it is dead.
    Narrow {
        grant: GrantId,
        #[command(flatten)]
        what: What,
        /// From now on it is good for so long, at most until it was to end.
        #[arg(long, value_name = "TIME", value_parser = duration_ms)]
        expires: Option<u64>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Revokes for good: a grant with all that was passed on from it, a key with all its grants, or a host.
    #[command(group = clap::ArgGroup::new("radius").required(true))]
    Revoke {
        #[arg(long, group = "radius")]
        grant: Option<GrantId>,
        /// A key, by its name.
        #[arg(long, group = "radius")]
        key: Option<String>,
        #[arg(long, group = "radius")]
        host: Option<HostId>,
    },
    /// Lists the keys and grants of an agent, with what became of them.
    List {
        #[arg(long)]
        agent: Option<AgentId>,
    },
    /// Says whether a grant allows a request now, and why not.
    Check {
        /// A key's name or a grant's number.
        key: String,
        #[arg(value_parser = rules::method)]
        method: Method,
        /// A URL, or a path on the service that the grant is for.
        url: String,
        /// For whom [default: the operator of the host].
        #[arg(long = "as")]
        asker: Option<AccountId>,
        /// On which host [default: one that the key is sealed to].
        #[arg(long)]
        host: Option<HostId>,
    },
    /// Gives a key a new value, sealed to the hosts that had the old one.
    Rotate {
        label: String,
        #[command(flatten)]
        source: Source,
    },
    /// Writes a grant with its policy, as whoever holds it needs it.
    Permit { grant: GrantId },
    /// Asks for a request to be approved; `charter host call` says its digest.
    Ask {
        grant: GrantId,
        digest: Hash32,
        #[arg(long)]
        host: HostId,
        #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1h")]
        expires: u64,
    },
    /// Approves one request, once.
    Approve { grant: GrantId, digest: Hash32 },
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Add { label, source, what, terms, inject, ceiling, host, agent, consent } => {
            let key = add::NewKey { label, what, terms, inject, ceiling, hosts: host, agent };
            add::add(&session, key, &source, &consent).await
        }
        Command::Grant { label, what, terms, consent } => add::grant(&session, &label, &what, &terms, &consent).await,
        Command::Delegate { grant, what, terms, permit, consent } => {
            let parent = permit_of(&session, grant, permit.as_deref())?;
            add::delegate(&session, &parent, &what, &terms, &consent).await
        }
        Command::Narrow { grant, what, expires, consent } => {
            change::narrow(&session, grant, &what, expires, &consent).await
        }
        Command::Revoke { grant: Some(grant), .. } => change::revoke_grant(&session, grant).await,
        Command::Revoke { key: Some(label), .. } => change::revoke_key(&session, &label).await,
        Command::Revoke { host: Some(host), .. } => change::revoke_host(&session, host).await,
        Command::Revoke { .. } => bail!("name what to revoke: --grant, --key or --host"),
        Command::List { agent } => show::list(&session, session.agent(agent)?).await,
        Command::Check { key, method, url, asker, host } => {
            show::check(&session, &key, method, &url, asker, host).await
        }
        Command::Rotate { label, source } => add::rotate(&session, &label, &source).await,
        Command::Permit { grant } => {
            println!("{}", serde_json::to_string_pretty(notes::Notes::open(&session.folder)?.permit(grant)?)?);
            Ok(())
        }
        Command::Ask { grant, digest, host, expires } => change::ask(&session, grant, digest, host, expires).await,
        Command::Approve { grant, digest } => change::approve(&session, grant, digest).await,
    }
}

/// A grant's policy: from the file named, or as this machine remembers it.
fn permit_of(session: &Session, grant: GrantId, file: Option<&std::path::Path>) -> anyhow::Result<Permit> {
    let Some(path) = file else { return Ok(notes::Notes::open(&session.folder)?.permit(grant)?.clone()) };
    let permit: Option<Permit> = crate::files::read_json(path)?;
    let permit = permit.with_context(|| format!("{} does not exist", path.display()))?;
    ensure!(permit.grant == grant, "{} is about grant {}, not {grant}", path.display(), permit.grant);
    Ok(permit)
}

/// The grant that is meant by a key's name or a grant's number, and allows the request if one of them does; and the URL.
pub fn grant_for(
    session: &Session,
    key: &str,
    method: Method,
    url: &str,
    file: Option<&std::path::Path>,
) -> anyhow::Result<(Permit, String)> {
    let notes = notes::Notes::open(&session.folder)?;
    let candidates: Vec<Permit> = match key.parse() {
        Ok(grant) => vec![permit_of(session, grant, file)?],
        Err(_) => notes.permits_of(key).cloned().collect(),
    };
    let newest = candidates.first().with_context(|| format!("there is no grant of {key} here"))?;
    let allowed = candidates.iter().find_map(|permit| Some((permit.clone(), target(permit, method, url)?)));
    // What no grant allows is asked for all the same: the host says why not.
    match allowed.or_else(|| Some((newest.clone(), url.to_owned()))).filter(|(_, url)| url.contains("://")) {
        Some(found) => Ok(found),
        None => bail!("no grant of {key} allows {url}: name the whole URL to hear why"),
    }
}

/// The URL that a path means under a grant, if the grant names one host for it.
fn target(permit: &Permit, method: Method, url: &str) -> Option<String> {
    let path = url.split('?').next().unwrap_or(url);
    permit.policy.targets.iter().find_map(|target| {
        let origin = rules::origin(target);
        let path = path.strip_prefix(&origin).unwrap_or(path);
        let there = HttpAction {
            scheme: target.scheme,
            host: target.host.clone(),
            port: target.port,
            path: path.to_owned(),
            method,
            body_bytes: 0,
            content_sha256: Hash32::default(),
            effects: Vec::new(),
        };
        target_allows(target, &there)
            .then(|| if url.contains("://") { url.to_owned() } else { format!("{origin}{url}") })
    })
}

impl Source {
    fn read(&self) -> anyhow::Result<Zeroizing<String>> {
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
    /// Shows what is to be signed. Without a terminal to answer on, `--yes` has to be said.
    fn ask(&self, text: &str) -> anyhow::Result<()> {
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
