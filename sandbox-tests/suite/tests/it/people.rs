//! Arguments that tests have in common.

use charter_client::sha256;
use charter_harness::{Call, Harness};
use charter_types::registry::args::RegisterAgent;
use charter_types::registry::{AgentId, Card};
use charter_types::{AccountId, Hash32};
use near_workspaces::Account;

/// More than any single call stores.
pub const DEPOSIT: u128 = 100_000_000_000_000_000_000_000;

pub fn card(uri: &str) -> Card {
    Card { uri: uri.to_owned(), sha256: Hash32(sha256(uri.as_bytes())) }
}

pub async fn register(harness: &Harness, owner: &Account, guardians: Vec<AccountId>) -> AgentId {
    let args = RegisterAgent { card: card("https://a/card"), agent_account: None, operators: Vec::new(), guardians };
    let outcome = owner.send(&harness.contracts.registry, "register_agent", args, DEPOSIT).await.unwrap();
    outcome.json().unwrap()
}
