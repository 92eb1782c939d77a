//! An agent's card: reading it before it is registered, comparing it afterwards, and writing it in other words.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charter_client::card::{self, Comparison, Format, Place, Shape, Subject};
use charter_client::sha256;
use charter_types::Hash32;
use charter_types::registry::{Agent, AgentId, Card};
use clap::ValueEnum;
use serde_json::json;

use super::{Which, read};
use crate::session::Session;

#[derive(clap::Args)]
pub struct CardFile {
    /// The agent's card: a JSON file (A2A agent card or ERC-8004 registration). Its hash goes on chain.
    #[arg(long)]
    card: PathBuf,
    /// Where the card is published [default: a name made of its hash, RFC 6920].
    #[arg(long)]
    uri: Option<String>,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Says whether a file is the card that the registry has the hash of, and of which shape it is.
    Verify {
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        card: PathBuf,
    },
    /// Writes an agent in another registry's words, from its card and what the registry says now.
    Export {
        /// The agent's id [default: the profile's].
        agent: Option<AgentId>,
        #[arg(long = "as", value_name = "FORMAT")]
        format: As,
        /// The card, if it was not registered from this folder.
        #[arg(long)]
        card: Option<PathBuf>,
        /// URL of the A2A or MCP endpoint, if the card names none.
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        /// Host, and perhaps a path, that will serve the DID document [default: the host of the card's address].
        #[arg(long, value_name = "HOST[/PATH]")]
        domain: Option<String>,
    },
}

/// What an agent can be exported as.
#[derive(Clone, Copy, ValueEnum)]
pub enum As {
    /// An agent card of A2A 1.0.
    A2a,
    /// A registration file of ERC-8004.
    Erc8004,
    /// A DID document of did:web.
    Did,
    /// `server.json` of the MCP registry.
    Mcp,
}

impl From<As> for Format {
    fn from(format: As) -> Self {
        match format {
            As::A2a => Self::A2a,
            As::Erc8004 => Self::Erc8004,
            As::Did => Self::Did,
            As::Mcp => Self::Mcp,
        }
    }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))
}

impl CardFile {
    /// A card is a JSON object. The chain keeps its hash, so that a swapped file shows; this folder keeps the card.
    pub fn read(&self, session: &Session) -> anyhow::Result<(Card, Shape)> {
        let path = self.card.display();
        let bytes = read_file(&self.card)?;
        card::check(&bytes).with_context(|| format!("{path} is no card"))?;
        let shape = card::shape(&bytes);
        if shape == Shape::Unknown {
            eprintln!(
                "charter: {path} is neither an A2A agent card nor an ERC-8004 registration: it is registered, and nobody can be expected to understand it"
            );
        }
        let hash = sha256(&bytes);
        let named = || format!("ni:///sha-256;{}", URL_SAFE_NO_PAD.encode(hash));
        session.folder.keep_card(Hash32(hash), &bytes)?;
        let card = Card { uri: self.uri.clone().unwrap_or_else(named), sha256: Hash32(hash) };
        Ok((card, shape))
    }
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Verify { which, card } => verify(session, session.agent(which.agent)?, &card).await,
        Command::Export { agent, format, card, endpoint, domain } => {
            let agent = read(session, session.agent(agent)?).await?;
            let place = Place { endpoint: endpoint.as_deref(), domain: domain.as_deref() };
            export(session, &agent, format.into(), card.as_deref(), place).await
        }
    }
}

async fn verify(session: &Session, agent: AgentId, path: &Path) -> anyhow::Result<()> {
    let known = read(session, agent).await?;
    let bytes = read_file(path)?;
    let shape = card::shape(&bytes);
    if card::compare(&known.card, &bytes) == Comparison::Changed {
        let found = Hash32(sha256(&bytes));
        bail!("CARD_CHANGED: {} is {found}, the card of agent {agent} is {}", path.display(), known.card.sha256);
    }
    let value = json!({ "agent": agent, "revision": known.card_revision, "shape": shape, "comparison": "same" });
    let text = format!("{} is the card of agent {agent}, revision {}: {shape}", path.display(), known.card_revision);
    session.tell(&value, &text)
}

/// The shape of a card that was registered from this folder, or that its address holds itself.
pub fn say_shape(session: &Session, agent: &Agent) -> String {
    let found = find_card(session, agent, None).ok();
    let unchanged = found.filter(|bytes| card::compare(&agent.card, bytes) == Comparison::Same);
    unchanged.map_or_else(|| "not seen here".to_owned(), |bytes| card::shape(&bytes).to_string())
}

/// The card's bytes: from the file named, from its address if that holds them, or as this folder kept them.
pub fn find_card(session: &Session, agent: &Agent, named: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    if let Some(path) = named {
        return read_file(path);
    }
    if let Some(bytes) = card::inline(&agent.card.uri) {
        return Ok(bytes);
    }
    let kept = session.folder.card(agent.card.sha256);
    ensure!(
        kept.exists(),
        "the card of agent {} ({}) is not here: name its file with --card",
        agent.id,
        agent.card.uri
    );
    read_file(&kept)
}

async fn export(
    session: &Session,
    agent: &Agent,
    format: Format,
    named: Option<&Path>,
    place: Place<'_>,
) -> anyhow::Result<()> {
    let bytes = find_card(session, agent, named)?;
    let armed = session.standing(agent.id).await?.armed;
    let (chain_id, registry) = (session.chain_id.as_str(), &session.contracts.registry);
    let subject = Subject { chain_id, registry, agent, armed, now_ms: session.now_ms().await? };
    let exported = card::export(format, &subject, &bytes, place)?;
    // The document itself, for people too: it is what they asked for.
    session.tell(&exported, &serde_json::to_string_pretty(&exported)?)
}
