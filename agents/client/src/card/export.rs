//! One agent in the words of other registries: card and registry entry together.

use charter_types::AccountId;
use charter_types::registry::{Agent, AgentKey};
use reqwest::Url;
use serde_json::{Value, json};
use thiserror::Error;

use super::{Comparison, Shape, a2a, compare, did, erc8004, mcp, shape_of, text};

/// What to write an agent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An agent card of A2A 1.0.
    A2a,
    /// A registration file of ERC-8004.
    Erc8004,
    /// A DID document of did:web.
    Did,
    /// The MCP registry's `server.json`.
    Mcp,
}

/// An agent as the registry has it.
pub struct Subject<'a> {
    pub chain_id: &'a str,
    pub registry: &'a AccountId,
    pub agent: &'a Agent,
    /// False from the owner's panic until the agent is rearmed.
    pub armed: bool,
    pub now_ms: u64,
}

impl Subject<'_> {
    /// The registry among all chains' (CAIP style), as ERC-8004's `agentRegistry` wants it.
    pub fn registry_name(&self) -> String {
        format!("near:{}:{}", self.chain_id, self.registry)
    }

    /// The agent among all registries'.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry_name(), self.agent.id)
    }

    pub fn is_active(&self) -> bool {
        self.armed && self.agent.status.is_active(self.now_ms)
    }

    /// Keys that speak for the agent now.
    pub fn keys(&self) -> impl Iterator<Item = &AgentKey> {
        self.agent.keys.iter().filter(|key| self.armed && key.expires_ms > self.now_ms)
    }
}

/// Where the exported file says the agent is, if the card does not.
#[derive(Clone, Copy, Default)]
pub struct Place<'a> {
    /// URL of the A2A or MCP endpoint.
    pub endpoint: Option<&'a str>,
    /// Host, and perhaps a path, that will serve the DID document.
    pub domain: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    #[error("the card is changed: it is not the one whose hash the registry has")]
    Changed,
    #[error("the card is of unknown shape: only A2A agent cards and ERC-8004 registrations can be exported")]
    UnknownShape,
    #[error("the card names no {0} endpoint: name its https address")]
    NoEndpoint(&'static str),
    #[error("the card is at no https address: name the domain that will serve the document")]
    NoDomain,
    #[error("A2A 1.0 has no such security scheme as {0}")]
    Scheme(String),
}

/// What exports have in common.
pub struct Parts<'a> {
    pub card: &'a Value,
    pub shape: Shape,
    pub name: &'a str,
    pub description: &'a str,
    pub version: String,
    pub interfaces: Vec<Value>,
    pub endpoint: Option<&'a str>,
    pub domain: Option<&'a str>,
    /// The card's own address.
    uri: &'a str,
}

impl Parts<'_> {
    /// Where an A2A card of the agent can be had, and its version of A2A: the registered address of an A2A card that others
    /// can resolve, else the well-known place on the host of its first interface.
    pub fn card_address(&self) -> Option<(String, &str)> {
        let first = self.interfaces.first()?;
        let version = text(first, "protocolVersion")?;
        let is_a2a = matches!(self.shape, Shape::A2a1 | Shape::A2a03);
        if is_a2a && ["https://", "ipfs://", "ar://"].iter().any(|scheme| self.uri.starts_with(scheme)) {
            return Some((self.uri.to_owned(), version));
        }
        let url = origin(text(first, "url")?)?;
        Some((url.join("/.well-known/agent-card.json").ok()?.into(), version))
    }

    /// Where the agent is reached, and by what: only addresses, no names and numbers of other kinds.
    pub fn services(&self) -> Vec<(&str, &str)> {
        let named = erc8004::services(self.card).iter().map(|one| (text(one, "name"), text(one, "endpoint")));
        let a2a = self.interfaces.iter().map(|one| (Some("A2A"), text(one, "url")));
        let is_erc = self.shape == Shape::Erc8004;
        let all: Vec<_> = if is_erc { named.collect() } else { a2a.collect() };
        let both = all.into_iter().filter_map(|(kind, url)| Some((kind?, url?)));
        both.filter(|(_, url)| Url::parse(url).is_ok()).collect()
    }
}

/// An address on the web, with a host.
pub fn origin(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

/// Writes the agent whose card is `bytes` in another registry's words. Fails rather than say what nobody said.
pub fn export(format: Format, subject: &Subject<'_>, bytes: &[u8], place: Place<'_>) -> Result<Value, ExportError> {
    let agent = subject.agent;
    if compare(&agent.card, bytes) == Comparison::Changed {
        return Err(ExportError::Changed);
    }
    let card: Value = serde_json::from_slice(bytes).map_err(|_| ExportError::UnknownShape)?;
    let shape = shape_of(&card);
    let (Some(name), Some(description)) = (text(&card, "name"), text(&card, "description")) else {
        return Err(ExportError::UnknownShape);
    };
    if shape == Shape::Unknown {
        return Err(ExportError::UnknownShape);
    }
    let mut interfaces = a2a::interfaces(shape, &card);
    if let (Format::A2a, Some(url)) = (format, place.endpoint) {
        interfaces = vec![json!({ "url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0" })];
    }
    let parts = Parts {
        card: &card,
        shape,
        name,
        description,
        version: text(&card, "version").map_or_else(|| format!("{}.0.0", agent.card_revision), str::to_owned),
        interfaces,
        endpoint: place.endpoint,
        domain: place.domain,
        uri: &agent.card.uri,
    };
    match format {
        Format::A2a => a2a::export(subject, &parts),
        Format::Erc8004 => Ok(erc8004::export(subject, &parts)),
        Format::Did => did::export(subject, &parts),
        Format::Mcp => mcp::export(subject, &parts),
    }
}
