//! What an agent's card offers, at which prices.

use std::path::Path;

use charter_client::card::{self, Comparison, Found, Listed, Subject};
use charter_client::offer::{By, Evidence, Offer, OfferError};
use charter_types::Hash32;
use charter_types::registry::AgentId;
use serde_json::{Value, json};

use super::prices;
use crate::agent;
use crate::key::words;
use crate::session::Session;

pub async fn run(session: &Session, id: AgentId, named: Option<&Path>) -> anyhow::Result<()> {
    let agent = agent::read(session, id).await?;
    let bytes = agent::find_card(session, &agent, named)?;
    let comparison = card::compare(&agent.card, &bytes);
    let (armed, now_ms) = (session.standing(id).await?.armed, session.now_ms().await?);
    let (chain_id, registry) = (session.chain_id.as_str(), &session.contracts.registry);
    let subject = Subject { chain_id, registry, agent: &agent, armed, now_ms };
    let (mut values, mut texts) = (Vec::new(), Vec::new());
    for Listed { index, offer } in card::offers(&subject, &session.contracts.escrow, &bytes)? {
        let checked = match offer {
            Ok(found) => ask(session, found, now_ms).await?,
            Err(error) => Err(error),
        };
        let (value, text) = say(index, &checked);
        values.push(value);
        texts.push(text);
    }
    let sha256 = Hash32(charter_client::sha256(&bytes));
    let whose = match comparison {
        Comparison::Same => format!("of agent {id}, revision {}", agent.card_revision),
        Comparison::Changed => format!("NOT the one that is registered for agent {id}"),
    };
    if texts.is_empty() {
        texts.push("offers      none\n".to_owned());
    }
    let text = format!("{}{}", words::sheet(&[("card", whose)]), texts.concat());
    let value = json!({ "agent": id, "card": sha256, "comparison": comparison, "offers": values });
    session.tell(&value, text.trim_end())
}

/// Asks the chain what neither card nor registry say: whether a key is one of the payee's account.
async fn ask(session: &Session, found: Found, now_ms: u64) -> anyhow::Result<Result<Found, OfferError>> {
    let signed = &found.signed;
    if signed.by == By::PayKey {
        return Ok(Ok(found));
    }
    let checked = match Evidence::read(session.rpc(), &session.contracts, signed).await {
        Ok(evidence) => {
            let escrow = &session.contracts.escrow;
            signed.check(Offer::domain(&session.chain_id, escrow), escrow, &evidence, now_ms)
        }
        // What a node says of a key or an account that is not there.
        Err(error) if matches!(error.cause(), Some("UNKNOWN_ACCESS_KEY" | "UNKNOWN_ACCOUNT")) => {
            Err(OfferError::NotPayee { reason: "the node knows no such key of the payee" })
        }
        Err(error) => return Err(error.into()),
    };
    Ok(checked.map(|_| found))
}

/// An offer for machines and for people.
fn say(index: usize, checked: &Result<Found, OfferError>) -> (Value, String) {
    match checked {
        Ok(Found { signed, hash }) => {
            let mut sheet = prices(&signed.offer);
            sheet.push(("hash", hash.to_string()));
            (json!({ "index": index, "hash": hash, "signed": signed, "refused": null }), words::sheet(&sheet))
        }
        Err(error) => {
            let text = format!("number {index}, refused with {}: {error}", error.code());
            let value = json!({ "index": index, "refused": error.code(), "reason": error.to_string() });
            (value, words::sheet(&[("offer", text)]))
        }
    }
}
