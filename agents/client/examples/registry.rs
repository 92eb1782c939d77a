//! Registers an agent and reads it back:
//! `cargo run --example registry -- RPC_URL ROOT_ID ACCOUNT_ID ACCOUNT_KEY`.

#[path = "shared/start.rs"]
mod start;

use charter_client::{Account, At, Contracts, sha256};
use charter_types::Hash32;
use charter_types::registry::args::{AgentRef, RegisterAgent};
use charter_types::registry::{self, AgentId, Card};

/// The declared deposit pays for storage; what it does not take comes back in the same transaction.
pub async fn register(contracts: &Contracts, owner: &Account) -> anyhow::Result<AgentId> {
    let text = br#"{"name": "scout"}"#;
    let card = Card { uri: "https://example.com/scout.json".to_owned(), sha256: Hash32(sha256(text)) };
    let args = RegisterAgent::new(card);
    let agent = contracts.registry().call(owner, registry::methods::register_agent, &args).await?.value;

    let reference = AgentRef { agent };
    let known = contracts.registry().view(owner.rpc(), registry::methods::agent, &reference, At::Final).await?;
    println!("agent {agent} belongs to {}", known.map_or_else(|| "nobody".to_owned(), |agent| agent.owner.to_string()));
    Ok(agent)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (contracts, owner) = start::from_command_line()?;
    register(&contracts, &owner).await?;
    Ok(())
}
