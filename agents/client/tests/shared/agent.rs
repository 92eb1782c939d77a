//! An agent as the registry shows it.

use charter_client::sha256;
use charter_types::Hash32;
use charter_types::registry::{Agent, AgentKey, Card, Status};

/// Agent 7 of alice, with a card and keys.
pub fn agent(card: &[u8], uri: &str, keys: Vec<AgentKey>) -> Agent {
    Agent {
        id: 7,
        owner: "alice.near".parse().unwrap(),
        payout: "alice.near".parse().unwrap(),
        status: Status::Active,
        handle: None,
        card: Card { uri: uri.to_owned(), sha256: Hash32(sha256(card)) },
        card_revision: 3,
        agent_account: None,
        payout_offered_to: None,
        operators: Vec::new(),
        guardians: Vec::new(),
        keys,
        epoch: 5,
        owner_epoch: 0,
        offer: None,
        transferable: false,
        created_ms: 0,
        unconfirmed: Vec::new(),
    }
}
