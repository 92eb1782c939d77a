//! Registration files of ERC-8004 ("Trustless Agents", section "Agent Registration File").

use serde_json::{Value, json};

use super::export::{Parts, Subject};
use super::{OFFERS, Shape, has_list, has_texts, items, offers, text};

const TYPE: &str = "https://eips.ethereum.org/EIPS/eip-8004#registration-v1";

/// The type in the text of the ERC, name and description, and where the agent is reached. `endpoints` is what `services` was
/// called until 2026; files of then are still out there.
pub fn is_registration(card: &Value) -> bool {
    let service = |item: &Value| has_texts(item, &["name", "endpoint"]);
    let registration = |item: &Value| item["agentId"].is_u64() && text(item, "agentRegistry").is_some();
    text(card, "type") == Some(TYPE)
        && has_texts(card, &["name", "description"])
        && (has_list(card, "services", service) || has_list(card, "endpoints", service))
        && (card["registrations"].is_null() || has_list(card, "registrations", registration))
}

/// Where the agent is reached.
pub fn services(card: &Value) -> &[Value] {
    let named = items(card, "services");
    if named.is_empty() { items(card, "endpoints") } else { named }
}

/// Addresses of a kind of service.
pub fn endpoints<'a>(card: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    services(card).iter().filter(move |item| text(item, "name").is_some_and(|name| name.eq_ignore_ascii_case(kind)))
}

/// The agent as a registration file. What the card has that the ERC knows stays, and what the agent offers; this registry is named among its
/// registrations, and whether the agent is active is what the registry says, not the card.
pub fn export(subject: &Subject<'_>, parts: &Parts<'_>) -> Value {
    let card = parts.card;
    let mut all = if parts.shape == Shape::Erc8004 { services(card).to_vec() } else { Vec::new() };
    if all.is_empty() {
        all.extend(
            parts
                .card_address()
                .map(|(endpoint, version)| json!({ "name": "A2A", "endpoint": endpoint, "version": version })),
        );
    }
    let ours = json!({ "agentId": subject.agent.id, "agentRegistry": subject.registry_name() });
    let others = items(card, "registrations").iter().filter(|item| item["agentRegistry"] != ours["agentRegistry"]);
    let mut file = json!({
        "type": TYPE,
        "name": parts.name,
        "description": parts.description,
        "services": all,
        "x402Support": card["x402Support"].as_bool().unwrap_or(false),
        "active": subject.is_active(),
        "registrations": others.cloned().chain([ours.clone()]).collect::<Vec<_>>(),
        "supportedTrust": items(card, "supportedTrust"),
    });
    if let Some(image) = text(card, "image").or_else(|| text(card, "iconUrl")) {
        file["image"] = json!(image);
    }
    if let Some(found) = offers::within(card) {
        file[OFFERS] = found.clone();
    }
    file
}
