//! Cards as others publish them: which shape they have, whether they are the registered ones, and what they are exported as.
//! `tests/cards/README.md` says where the files come from and who else reads them.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::path::PathBuf;

use charter_client::card::{Comparison, ExportError, Format, Place, Shape, Subject, compare, export, shape};
use charter_client::sha256;
use charter_types::registry::{Agent, AgentKey, Card, PausedBy, Purpose, Status};
use charter_types::{AccountId, AnyKey, Ed25519Key, Hash32, X25519Key};
use serde_json::{Value, json};

#[path = "shared/agent.rs"]
mod shared;

const PUBLISHED: [(&str, Shape); 7] = [
    ("a2a-1.0", Shape::A2a1),
    ("a2a-1.0-unicode", Shape::A2a1),
    ("a2a-0.3", Shape::A2a03),
    ("a2a-0.3-interfaces", Shape::A2a03),
    ("erc-8004", Shape::Erc8004),
    ("erc-8004-endpoints", Shape::Erc8004),
    ("erc-8004-ipfs", Shape::Erc8004),
];
const NOW_MS: u64 = 1_000;

fn path(folder: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cards").join(folder).join(format!("{name}.json"))
}

fn published(name: &str) -> Vec<u8> {
    std::fs::read(path("published", name)).unwrap()
}

fn registry() -> AccountId {
    "registry.near".parse().unwrap()
}

fn key(key: AnyKey, purpose: Purpose, expires_ms: u64) -> AgentKey {
    AgentKey { key, purpose, expires_ms }
}

fn agent(card: &[u8], uri: &str) -> Agent {
    // The base point of ed25519, which everybody knows as a key, and X25519's.
    let mut sign = [0x66; 32];
    sign[0] = 0x58;
    let mut agree = [0; 32];
    agree[0] = 9;
    let keys = vec![
        key(AnyKey::Ed25519(Ed25519Key(sign)), Purpose::Sign, NOW_MS + 1),
        key(AnyKey::X25519(X25519Key(agree)), Purpose::Encrypt, NOW_MS + 1),
        key(AnyKey::Ed25519(Ed25519Key([7; 32])), Purpose::Sign, NOW_MS),
    ];
    shared::agent(card, uri, keys)
}

fn write_as(format: Format, agent: &Agent, card: &[u8], place: Place<'_>) -> Result<Value, ExportError> {
    let registry = registry();
    let subject = Subject { chain_id: "mainnet", registry: &registry, agent, armed: true, now_ms: NOW_MS };
    export(format, &subject, card, place)
}

/// Compares an export with the committed one, or writes it.
fn check(name: &str, exported: &Value) {
    let path = path("exports", name);
    if std::env::var_os("CHARTER_WRITE_EXPORTS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(exported).unwrap() + "\n").unwrap();
    }
    let known: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(&known, exported, "{name}: CHARTER_WRITE_EXPORTS=1 writes it, if that is meant");
}

#[test]
fn published_cards_are_recognised() {
    for (name, expected) in PUBLISHED {
        assert_eq!(shape(&published(name)), expected, "{name}");
    }
}

/// Without any field that its specification requires, a card is of unknown shape.
#[test]
fn a_card_that_lacks_a_required_field_is_of_unknown_shape() {
    let common =
        ["name", "description", "version", "capabilities", "defaultInputModes", "defaultOutputModes", "skills"];
    let required: [(&str, Vec<&str>); 3] = [
        ("a2a-1.0", [&common[..], &["supportedInterfaces"]].concat()),
        ("a2a-0.3", [&common[..], &["url", "protocolVersion"]].concat()),
        ("erc-8004", vec!["type", "name", "description", "services"]),
    ];
    let mut removed = 0;
    for (name, fields) in required {
        let card: Value = serde_json::from_slice(&published(name)).unwrap();
        for field in fields {
            for wrong in [Value::Null, json!(""), json!(5), json!([5])] {
                let mut lacking = card.clone();
                lacking[field] = wrong.clone();
                assert_eq!(shape(lacking.to_string().as_bytes()), Shape::Unknown, "{name} with {field}: {wrong}");
                removed += 1;
            }
        }
    }
    assert_eq!(removed, (8 + 9 + 4) * 4);
}

#[test]
fn anything_else_is_of_unknown_shape() {
    for other in
        ["", "[]", "{}", "null", "\"card\"", r#"{"name":"scout"}"#, r#"{"type":"registration-v1"}"#, "{\"a\":1}x"]
    {
        assert_eq!(shape(other.as_bytes()), Shape::Unknown, "{other}");
    }
    assert_eq!(Shape::Unknown.to_string(), "unknown shape");
    let version = |version: &str| {
        let mut card: Value = serde_json::from_slice(&published("a2a-0.3")).unwrap();
        card["protocolVersion"] = json!(version);
        shape(card.to_string().as_bytes())
    };
    assert_eq!([version("0.3"), version("0.3.7")], [Shape::A2a03; 2]);
    assert_eq!([version("0.30"), version("0.2.6"), version("1.0")], [Shape::Unknown; 3]);
}

#[test]
fn a_card_with_a_bit_flipped_is_changed() {
    let card = published("erc-8004");
    let registered = Card { uri: "ipfs://x".to_owned(), sha256: Hash32(sha256(&card)) };
    assert_eq!(compare(&registered, &card), Comparison::Same);
    let mut flipped = card.clone();
    for index in 0..card.len() {
        flipped[index] ^= 1;
        assert_eq!(compare(&registered, &flipped), Comparison::Changed, "byte {index}");
        flipped[index] ^= 1;
    }
    assert_eq!(compare(&registered, &card[..card.len() - 1]), Comparison::Changed);
    flipped[0] ^= 1;
    let changed = write_as(Format::Erc8004, &agent(&card, "ipfs://x"), &flipped, Place::default());
    assert_eq!(changed, Err(ExportError::Changed));
}

/// Every published card in every format that it has the words for.
#[test]
fn exports_are_as_committed() {
    let mut count = 0;
    for (name, _) in PUBLISHED {
        let card = published(name);
        let mut agent = agent(&card, &format!("https://cards.example/{name}.json"));
        agent.handle = name.starts_with("a2a").then(|| "clerk".to_owned());
        for (format, suffix) in
            [(Format::A2a, "a2a"), (Format::Erc8004, "erc8004"), (Format::Did, "did"), (Format::Mcp, "mcp")]
        {
            // Where a registration's agent speaks A2A, it does not say: only where its A2A card is.
            let asked = format == Format::A2a && name.starts_with("erc");
            let endpoint = asked.then_some("https://agents.example/a2a");
            let place = Place { endpoint, domain: Some("agents.example/seven") };
            match write_as(format, &agent, &card, place) {
                Ok(exported) => {
                    check(&format!("{name}.{suffix}"), &exported);
                    count += 1;
                }
                Err(error) => assert!(matches!(error, ExportError::NoEndpoint(_)), "{name} as {suffix}: {error}"),
            }
        }
    }
    // Two name an MCP endpoint.
    assert_eq!(count, 7 + 7 + 7 + 2);
}

#[test]
fn an_export_says_what_the_registry_says() {
    let card = published("erc-8004");
    let mut agent = agent(&card, "ipfs://x");
    let written = |agent: &Agent| write_as(Format::Erc8004, agent, &card, Place::default()).unwrap();
    let ours = json!({ "agentId": 7, "agentRegistry": "near:mainnet:registry.near" });
    assert_eq!(written(&agent)["registrations"][1], ours);
    // The card says "active"; the registry decides.
    agent.status = Status::Paused { until_ms: None, by: PausedBy::Owner };
    assert_eq!(written(&agent)["active"], false);
    // What was exported is a card again, and the same one.
    let again = written(&agent).to_string().into_bytes();
    assert_eq!(shape(&again), Shape::Erc8004);
    agent.card.sha256 = Hash32(sha256(&again));
    assert_eq!(write_as(Format::Erc8004, &agent, &again, Place::default()).unwrap().to_string().into_bytes(), again);
}

#[test]
fn a_signature_does_not_outlive_the_card_it_was_made_over() {
    let card = published("a2a-1.0-unicode");
    let exported = write_as(Format::A2a, &agent(&card, "ipfs://x"), &card, Place::default()).unwrap();
    assert!(exported.get("signatures").is_none());
    assert_eq!(exported["name"], "Übersetzer 翻訳 🗺️");
    assert_eq!(exported["capabilities"]["extensions"][0]["uri"], "near:mainnet:registry.near/7");
}

#[test]
fn what_a_card_does_not_say_is_asked_for() {
    let (planner, papers) = (published("a2a-0.3-interfaces"), published("erc-8004-ipfs"));
    let planner_agent = agent(&planner, "ipfs://x");
    let mcp = |place| write_as(Format::Mcp, &planner_agent, &planner, place);
    assert_eq!(mcp(Place::default()), Err(ExportError::NoEndpoint("MCP")));
    let named = mcp(Place { endpoint: Some("https://mcp.routes.example/"), domain: None }).unwrap();
    assert_eq!(named["name"], "example.routes.mcp/route-planner");
    assert_eq!(mcp(Place { endpoint: Some("mcp.routes.example"), domain: None }), Err(ExportError::NoEndpoint("MCP")));
    let papers_agent = agent(&papers, "ipfs://x");
    let a2a = |place| write_as(Format::A2a, &papers_agent, &papers, place);
    assert_eq!(a2a(Place::default()), Err(ExportError::NoEndpoint("A2A")));
    let named = a2a(Place { endpoint: Some("https://papers.example/a2a"), domain: None }).unwrap();
    assert_eq!(shape(named.to_string().as_bytes()), Shape::A2a1);
    let did = write_as(Format::Did, &papers_agent, &papers, Place::default());
    assert_eq!(did, Err(ExportError::NoDomain));
    let unknown = write_as(
        Format::A2a,
        &agent(b"{\"name\":\"a\",\"description\":\"b\"}", "ipfs://x"),
        b"{\"name\":\"a\",\"description\":\"b\"}",
        Place::default(),
    );
    assert_eq!(unknown, Err(ExportError::UnknownShape));
}

#[test]
fn a_security_scheme_that_cannot_be_written_is_an_error() {
    let mut card: Value = serde_json::from_slice(&published("a2a-0.3-interfaces")).unwrap();
    card["securitySchemes"]["passkey"] = json!({ "type": "webauthn" });
    let card = card.to_string().into_bytes();
    let exported = write_as(Format::A2a, &agent(&card, "ipfs://x"), &card, Place::default());
    assert_eq!(exported, Err(ExportError::Scheme("passkey".to_owned())));
}
