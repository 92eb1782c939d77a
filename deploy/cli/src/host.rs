//! `charter host …`: the machine that holds keys for the length of one request, and asking it.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use charter_host::{Ask, AskError, Door, Host, HostClient, HostKeys, HttpRequest, Server, Tokens, Upstreams};
use charter_types::keys::{Asker, HostId, Method};
use charter_types::{AccountId, Base64Bytes};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::files::{DataDir, read_json, write_json};
use crate::key::{grant_for, rules};
use crate::output::Progress;
use crate::session::{Group, Session};

/// How old a view of the chain the host acts on.
const STALENESS_MS: u64 = 60_000;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Makes the host's keys and registers it, with you as its operator.
    Init,
    /// Runs the host until Ctrl-C; registers it first if that was not done.
    Run {
        /// Listen on this loopback address instead of the Unix socket in the data folder. Port 0 takes a free one.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// A private address that may be called all the same: a service of your own, for testing.
        #[arg(long, value_name = "ADDRESS:PORT")]
        upstream: Vec<SocketAddr>,
    },
    /// Makes a token for an agent that runs under an account of its own. It is shown once.
    Token {
        /// The account that the host takes its bearer for.
        account: AccountId,
    },
    /// Asks the host for one request with a key. The answer comes without it.
    Call {
        /// A key's name or a grant's number.
        key: String,
        #[arg(value_parser = rules::method)]
        method: Method,
        /// A URL, or a path on the service that the grant is for.
        url: String,
        /// The body: text, @FILE, or @- for standard input.
        body: Option<String>,
        /// A header, as NAME:VALUE. Never a credential: the host refuses those.
        #[arg(long, value_parser = header)]
        header: Vec<(String, String)>,
        /// The grant as you were given it (`charter key permit`), if it was not made here.
        #[arg(long)]
        permit: Option<PathBuf>,
        /// A host at a loopback address, or another socket.
        #[arg(long, value_name = "ADDRESS|PATH")]
        at: Option<String>,
        /// Whose token to show [default: the one of your own host].
        #[arg(long, env = "CHARTER_HOST_TOKEN", hide_env_values = true)]
        token: Option<String>,
    },
}

/// The host's own file. Its seed opens everything that is sealed to the host.
#[derive(Serialize, Deserialize)]
pub struct HostFile {
    /// None until the chain has it.
    id: Option<HostId>,
    operator: AccountId,
    seed: Zeroizing<String>,
}

impl HostFile {
    fn new(operator: AccountId) -> Self {
        let mut seed = Zeroizing::new([0_u8; 64]);
        rand::RngCore::fill_bytes(&mut rand::rngs::OsRng, seed.as_mut());
        Self { id: None, operator, seed: Zeroizing::new(hex::encode(seed.as_ref())) }
    }

    fn path(folder: &DataDir) -> anyhow::Result<PathBuf> {
        Ok(folder.host()?.join("host.json"))
    }

    fn read(folder: &DataDir) -> anyhow::Result<Option<Self>> {
        read_json(&Self::path(folder)?)
    }

    /// The host of this folder.
    pub fn registered(folder: &DataDir) -> anyhow::Result<HostId> {
        let id = Self::read(folder)?.and_then(|file| file.id);
        id.context("name a host with --host, or make one: `charter host init`")
    }

    fn keys(&self) -> anyhow::Result<HostKeys> {
        HostKeys::from_hex(&self.seed).context("the host's seed can't be read")
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("expected NAME:VALUE, found \"{text}\""))?;
    Ok((name.to_owned(), value.trim_start().to_owned()))
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Init => {
            let (id, _, fresh) = init(&session).await?;
            let what = if fresh { "registered" } else { "is registered already" };
            session.tell(
                &json!({ "host": id, "operator": session.me.id }),
                &format!("host {id} of {} {what}", session.me.id),
            )
        }
        Command::Run { listen, upstream } => serve(&session, listen, upstream).await,
        Command::Token { account } => {
            let token = issue(&session.folder, account.clone())?;
            session.tell(&json!({ "account": account, "token": token }), &token)
        }
        Command::Call { key, method, url, body, header, permit, at, token } => {
            let body = body.as_deref().map(read_body).transpose()?.unwrap_or_default();
            let mut headers = header;
            let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if !named && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            let (permit, url) = grant_for(&session, &key, method, &url, permit.as_deref())?;
            let request = HttpRequest { method, url, headers, body: Base64Bytes(body) };
            let client = client(&session.folder, at.as_deref(), token)?;
            call(&session, &client, Ask { grant: permit.grant, policy: permit.policy, request }).await
        }
    }
}

/// Makes keys, registers the host, and makes a token for its operator. What was begun before is finished. Says whether
/// there was anything to do.
async fn init(session: &Session) -> anyhow::Result<(HostId, HostKeys, bool)> {
    let path = HostFile::path(&session.folder)?;
    let mut file = HostFile::read(&session.folder)?.unwrap_or_else(|| HostFile::new(session.me.id.clone()));
    if file.operator != session.me.id {
        bail!("the host in this folder is operated by {}, not by {}", file.operator, session.me.id);
    }
    let own = file.keys()?;
    if let Some(id) = file.id {
        return Ok((id, own, false));
    }
    // Before the chain hears of it: keys that nobody has are worth nothing.
    write_json(&path, &file)?;
    if !token_path(&session.folder)?.exists() {
        let token = issue(&session.folder, session.me.id.clone())?;
        write_json(&token_path(&session.folder)?, &token)?;
    }
    let keys = &session.contracts.keys;
    let args = own.registration(&session.chain_id, keys, &session.me.id, STALENESS_MS);
    let known: Vec<charter_types::keys::Host> =
        session.all(keys, "hosts", |host: &charter_types::keys::Host| host.id).await?;
    let id = match known.iter().find(|host| host.sign_key == args.sign_key) {
        Some(host) => host.id,
        None => session.contracts.register_host(&session.me, &args).await?.value,
    };
    file.id = Some(id);
    write_json(&path, &file)?;
    Ok((id, own, true))
}

fn token_path(folder: &DataDir) -> anyhow::Result<PathBuf> {
    Ok(folder.host()?.join("token.json"))
}

fn tokens(folder: &DataDir) -> anyhow::Result<Tokens> {
    Ok(Tokens::at(folder.host()?.join("tokens.json")))
}

fn issue(folder: &DataDir, account: AccountId) -> anyhow::Result<String> {
    tokens(folder)?.issue(Asker::Account(account)).context("the file of tokens can't be written")
}

fn socket(folder: &DataDir) -> anyhow::Result<PathBuf> {
    Ok(folder.host()?.join("host.sock"))
}

async fn serve(session: &Session, listen: Option<SocketAddr>, upstream: Vec<SocketAddr>) -> anyhow::Result<()> {
    let (id, keys, fresh) = init(session).await?;
    let operator = session.me.clone();
    let host =
        Host::new(id, operator, keys, session.contracts.clone(), session.chain_id.clone(), Upstreams::new(upstream));
    let door = listen.map_or_else(|| socket(&session.folder).map(Door::Socket), |addr| Ok(Door::Loopback(addr)))?;
    let shown = door.to_string();
    let server = Server::start(host, tokens(&session.folder)?, door).await;
    let server = server.with_context(|| format!("{shown} can't be listened on"))?;
    let door = server.door.to_string();
    session.tell_json(&json!({ "host": id, "at": door }))?;
    let what = if fresh { "registered; " } else { "" };
    Progress::new(session.json)
        .step("host", &format!("{what}host {id} of {} listens at {door}; Ctrl-C stops", session.me.id));
    until_stopped().await
}

async fn until_stopped() -> anyhow::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
        _ = terminated.recv() => Ok(()),
    }
}

fn client(folder: &DataDir, at: Option<&str>, token: Option<String>) -> anyhow::Result<HostClient> {
    let door = match at {
        None => Door::Socket(socket(folder)?),
        Some(at) => at.parse().map_or_else(|_| Door::Socket(Path::new(at).to_owned()), Door::Loopback),
    };
    let token = match token {
        Some(token) => token,
        None => read_json(&token_path(folder)?)?.context("show a token: --token, or `charter host init` here")?,
    };
    Ok(HostClient::new(door, token)?)
}

fn read_body(text: &str) -> anyhow::Result<Vec<u8>> {
    match text.strip_prefix('@') {
        None => Ok(text.as_bytes().to_vec()),
        Some("-") => {
            let mut body = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut body).context("standard input can't be read")?;
            Ok(body)
        }
        Some(path) => std::fs::read(path).with_context(|| format!("{path} can't be read")),
    }
}

async fn call(session: &Session, client: &HostClient, ask: Ask) -> anyhow::Result<()> {
    let answer = match client.call(&ask).await {
        Ok(answer) => answer,
        Err(AskError::Refused { code, digest: Some(digest), .. }) => {
            let grant = ask.grant;
            bail!(
                "{code}: this request has to be approved: `charter key ask {grant} {digest} --host ID`, and whoever granted it says `charter key approve {grant} {digest}`"
            );
        }
        Err(error) => return Err(error.into()),
    };
    let body = &answer.body.0;
    if session.json {
        let text = String::from_utf8(body.clone());
        let body = text.map_or_else(|_| json!({ "base64": answer.body }), |text| json!(text));
        return session.tell_json(&json!({ "status": answer.status, "body": body }));
    }
    eprintln!("{}", answer.status);
    std::io::stdout().write_all(body)?;
    if std::io::stdout().is_terminal() && !body.ends_with(b"\n") {
        println!();
    }
    Ok(())
}
