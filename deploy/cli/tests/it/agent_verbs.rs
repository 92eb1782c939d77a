//! Cards: which shape they have, whether they are the registered ones, and the same agent in other words. And what is
//! accepted, given back and ended, said in plain words before it is signed.

use serde_json::{Value, json};

use crate::operator::{CARD, Office};
use crate::process::text;

const A2A: &str = r#"{"name":"scout","description":"reads","version":"1.0.0","capabilities":{},
  "supportedInterfaces":[{"url":"https://scout.example/a2a","protocolBinding":"JSONRPC","protocolVersion":"1.0"}],
  "defaultInputModes":["text/plain"],"defaultOutputModes":["text/plain"],
  "skills":[{"id":"read","name":"Read","description":"Reads the news.","tags":["news"]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_recognised_compared_and_exported() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    std::fs::write(office.path("a2a.json"), A2A).unwrap();
    std::fs::write(office.path("other.json"), r#"{"name":"scout"}"#).unwrap();
    let before = office.transactions_of("alice.test.near").await;
    office.refused("", "charter agent verify --card card.json", "this profile has none yet");
    office.refused("", "charter agent verify --agent 9 --card card.json", "there is no agent 9");
    office.refused("", "charter agent export 9 --as a2a", "there is no agent 9");
    office.refused("", "charter agent export x --as a2a", "invalid value 'x'");
    office.refused("", "charter agent export 1 --as pdf", "invalid value 'pdf'");
    assert_eq!(office.transactions_of("alice.test.near").await, before);

    // What is registered is called what it is; what nobody will understand is stored, and called that.
    let registered = office.json("", "charter agent register --card card.json --uri https://scout.example/card.json");
    assert_eq!((&registered["agent"], &registered["shape"]), (&json!(1), &json!("erc-8004")));
    let verified = office.json("", "charter agent verify --card card.json");
    assert_eq!((&verified["comparison"], &verified["shape"]), (&json!("same"), &json!("erc-8004")));
    std::fs::write(office.path("flipped.json"), CARD.replace("news", "newt")).unwrap();
    office.refused("", "charter agent verify --card flipped.json", "CARD_CHANGED: flipped.json is");
    office.refused("", "charter agent verify --card none.json", "none.json can't be read");

    // The same agent in four registries' words, from the card that this folder kept.
    let erc = office.json("", "charter agent export 1 --as erc8004");
    let ours = json!([{ "agentId": 1, "agentRegistry": "near:charter-localnet:registry.test.near" }]);
    assert_eq!((&erc["registrations"], &erc["active"]), (&ours, &json!(true)));
    let did = office.json("", "charter agent export --as did");
    assert_eq!(did["id"], "did:web:scout.example");
    assert_eq!(office.json("", "charter agent export --as did --domain a.example/b")["id"], "did:web:a.example:b");
    assert_eq!(office.json("", "charter agent export --as mcp")["name"], "example.scout.mcp/scout");
    office.refused("", "charter agent export --as a2a", "names no A2A endpoint");
    let a2a = office.json("", "charter agent export --as a2a --endpoint https://scout.example/a2a");
    assert_eq!(a2a["supportedInterfaces"][0]["url"], "https://scout.example/a2a");
    office.json("", "charter agent pause");
    assert_eq!(office.json("", "charter agent export --as erc8004")["active"], false);

    // Whoever has the card only gets a changed one refused.
    std::fs::remove_dir_all(office.path("play/cards")).unwrap();
    office.refused("", "charter agent export --as did", "is not here: name its file with --card");
    office.refused("", "charter agent export --as did --card flipped.json", "the card is changed");
    office.json("", "charter agent export --as did --card card.json");

    let card = office.json("", "charter agent card --card a2a.json");
    assert_eq!((&card["revision"], &card["shape"]), (&json!(2), &json!("a2a-1.0")));
    assert_eq!(office.json("", "charter agent export --as a2a")["name"], "scout");
    office.refused("", "charter agent export --as mcp", "names no MCP endpoint");
    office.refused("", "charter agent export --as did", "name the domain");
    let said = text(&office.run_in("", "charter agent card --card other.json").stdout);
    assert!(said.contains("(unknown shape)"), "{said}");
    office.refused("", "charter agent export --as a2a", "unknown shape");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_given_back_or_ended_is_shown_first() {
    let mut office = Office::open();
    for name in ["bob", "carol"] {
        std::fs::create_dir(office.path(name)).unwrap();
        office.json(name, &format!("charter init --data-dir ../play --account {name}.test.near"));
    }
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json --guardian carol.test.near --operator bob.test.near:card");
    let shown = |office: &mut Office| -> Value { office.json("", "charter agent show --agent 1")["agent"].clone() };

    let before = office.transactions_of("bob.test.near").await;
    office.refused("bob", "charter agent accept --agent 1 --yes", "required");
    office.refused("bob", "charter agent accept --agent 1 --transfer --payout --yes", "cannot be used with");
    office.refused("bob", "charter agent accept --agent 1 --transfer --yes", "REGISTRY_NOT_OFFERED");
    office.refused("bob", "charter agent accept --agent 9 --payout --yes", "there is no agent 9");
    office.refused("bob", "charter agent payout --agent 1 --to nobody.test.near --yes", "is no account");
    office.refused("bob", "charter agent retire --agent 9 --yes", "there is no agent 9");
    office.refused("bob", "charter agent renounce --agent 1", "say --yes");
    assert_eq!(office.transactions_of("bob.test.near").await, before);

    // To be paid takes both consents.
    office.refused("bob", "charter agent accept --agent 1 --payout --yes", "REGISTRY_NOT_OFFERED");
    office.json("", "charter agent payout --to bob.test.near --yes");
    assert_eq!(shown(&mut office)["payout"], "alice.test.near");
    let said = text(&office.run_in("bob", "charter agent accept --agent 1 --payout --yes").stderr);
    assert!(said.contains("paid now    alice.test.near"), "{said}");
    assert_eq!(shown(&mut office)["payout"], "bob.test.near");

    // Roles are given back by who has them.
    let said = text(&office.run_in("bob", "charter agent renounce --agent 1 --yes").stderr);
    assert!(said.contains("roles       operator"), "{said}");
    office.json("carol", "charter agent renounce --agent 1 --yes");
    office.refused("carol", "charter agent renounce --agent 1 --yes", "has no role for agent 1");
    assert_eq!((&shown(&mut office)["operators"], &shown(&mut office)["guardians"]), (&json!([]), &json!([])));

    // Who takes an agent over sees which one, with its card.
    office.json("", "charter agent transfer --to bob.test.near");
    let said = text(&office.run_in("bob", "charter agent accept --agent 1 --transfer --yes").stderr);
    for line in ["this        makes the agent yours", "owner       alice.test.near", ", revision 1, "] {
        assert!(said.contains(line), "{line}: {said}");
    }
    office.refused("", "charter agent retire --yes", "REGISTRY_NOT_OWNER");
    office.json("bob", "charter agent retire --yes");
    office.refused("bob", "charter agent show", "there is no agent 1");
}
