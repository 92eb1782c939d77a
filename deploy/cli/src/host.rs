//! `charter host …`: the machine that opens keys for the length of one request, and asking it.

mod call;
mod trust;

use std::net::SocketAddr;

use anyhow::{Context, anyhow, ensure};
use charter_client::{At, Outcome};
use charter_host::{Door, Host, HostKeys, LetOut, Server, Upstreams};
use charter_types::keys;
use charter_types::keys::{Host as Row, HostId};
use charter_types::{AccountId, Nothing};
use serde_json::json;

use crate::files::host::{HostFile, issue, issue_own, note_listening, socket, tokens};
use crate::output::{Progress, until_stopped};
use crate::session::{Group, Session};

/// How old a view of the chain the host acts on.
const STALENESS_MS: u64 = 60_000;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Makes the host's keys and registers it, with you as its operator.
    Init,
    /// Runs the host until Ctrl-C. Registers it first if that was not done.
    Run {
        /// Listen on this loopback address instead of the Unix socket in the data folder. Port 0 takes a free one.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// A private address that may be called all the same: a service of your own, for testing.
        #[arg(long, value_name = "ADDRESS:PORT")]
        upstream: Vec<SocketAddr>,
        /// A header that agents may set besides the usual ones (docs/operator.md).
        #[arg(long, value_name = "NAME")]
        header: Vec<String>,
        /// A query name that agents may use besides the usual ones.
        #[arg(long, value_name = "NAME")]
        query: Vec<String>,
    },
    /// Makes a token for an agent that runs under an account of its own. The token is shown once.
    Token {
        /// The account that the token stands for.
        account: AccountId,
    },
    #[command(flatten)]
    Trust(trust::Command),
    /// Asks the host for one request with a key. The key is redacted from the answer.
    Call(call::Call),
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Init => {
            let host = register(&session).await?;
            let (id, operator) = (host.id, &session.me.id);
            let what = if host.outcome.is_some() { "registered" } else { "is registered already" };
            session.tell(&json!({ "host": id, "operator": operator }), &format!("host {id} of {operator} {what}"))
        }
        Command::Run { listen, upstream, header, query } => {
            let let_out = LetOut::new(&header, &query).map_err(|error| anyhow!("{}: {error}", error.code()))?;
            serve(&session, listen, upstream, let_out).await
        }
        Command::Token { account } => {
            let token = issue(&session.folder, account.clone())?;
            session.tell(&json!({ "account": account, "token": token }), &token)
        }
        Command::Trust(command) => trust::run(&session, command).await,
        Command::Call(call) => call.run(&session).await,
    }
}

/// The host of a folder, which the chain knows.
pub struct Registered {
    pub id: HostId,
    keys: HostKeys,
    /// The transaction, if the host was registered just now.
    pub outcome: Option<Outcome>,
}

impl Registered {
    /// The host at work. Of private addresses it calls those in `upstreams` only.
    pub fn open(self, session: &Session, upstreams: Upstreams) -> Host {
        let (contracts, chain_id) = (session.contracts.clone(), session.chain_id.clone());
        Host::new(self.id, session.me.clone(), self.keys, contracts, chain_id, upstreams)
    }
}

/// Makes keys, registers the host, and makes a token for its operator. A registration that was interrupted is finished.
pub async fn register(session: &Session) -> anyhow::Result<Registered> {
    let (folder, operator) = (&session.folder, &session.me.id);
    let mut file = HostFile::read(folder)?.unwrap_or_else(|| HostFile::new(operator.clone()));
    ensure!(file.operator == *operator, "the host in this folder is operated by {}, not by {operator}", file.operator);
    let own = file.keys()?;
    if let Some(id) = file.id {
        return Ok(Registered { id, keys: own, outcome: None });
    }
    // Before the chain hears of it: a registered host whose keys nobody has is worth nothing.
    file.write(folder)?;
    issue_own(folder, operator.clone())?;
    let keys = &session.contracts.keys;
    let args = own.registration(&session.chain_id, keys, operator, STALENESS_MS);
    let (last, _, _) = session.rpc().view(keys, keys::methods::counts, &Nothing {}, At::Final).await?;
    let own_row = |row: &Row| row.sign_key == args.sign_key;
    let known = session.rpc().all(keys, keys::methods::hosts, last, own_row).await?;
    let (id, outcome) = if let Some(known) = known.first() {
        (known.id, None)
    } else {
        // Leases and an attestation are stored out of what the operator has prepaid.
        let done = session.contracts.keys().prepay_and_call(&session.me, keys::methods::register_host, &args).await?;
        (done.value, Some(done.outcome))
    };
    file.id = Some(id);
    file.write(folder)?;
    Ok(Registered { id, keys: own, outcome })
}

async fn serve(
    session: &Session,
    listen: Option<SocketAddr>,
    upstream: Vec<SocketAddr>,
    let_out: LetOut,
) -> anyhow::Result<()> {
    let registered = register(session).await?;
    let what = if registered.outcome.is_some() { "registered; " } else { "" };
    let (id, host) = (registered.id, registered.open(session, Upstreams::new(upstream)).letting_out(let_out));
    let door = listen.map_or_else(|| socket(&session.folder).map(Door::Socket), |addr| Ok(Door::Loopback(addr)))?;
    let shown = door.to_string();
    let server = Server::start(host, tokens(&session.folder)?, door).await;
    let server = server.with_context(|| format!("{shown} can't be listened on"))?;
    let stop = until_stopped()?;
    // `charter host call` looks there.
    let addr = if let Door::Loopback(addr) = &server.door { Some(*addr) } else { None };
    note_listening(&session.folder, addr)?;
    let door = server.door.to_string();
    let (address, port) = (addr.map(|addr| addr.ip()), addr.map(|addr| addr.port()));
    session.tell_json(&json!({ "host": id, "at": door, "address": address, "port": port }))?;
    Progress::new(session.json)
        .step("host", &format!("{what}host {id} of {} listens at {door}; Ctrl-C stops", session.me.id));
    stop.await;
    Ok(())
}
