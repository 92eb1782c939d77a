//! `view-state dump-state`: a chain that runs is written down, and another one starts from it.

use std::path::Path;
use std::process::{Command, Output};

use charter_localnet::{Config, Localnet};
use near_primitives::types::Balance;
use serde_json::{Value, json};

use crate::actor::{Actor, call, latest};

fn localnet(home: &Path, arguments: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_charter-localnet");
    Command::new(binary).arg("--home").arg(home).args(arguments).output().unwrap()
}

fn json_at(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_running_chain_is_dumped_and_another_goes_on_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let chain = Localnet::start(Config { home: Some(home.to_owned()), ..Config::default() }).await.unwrap();
    let rpc = chain.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), chain.root_id(), chain.root_key());
    let contract = root.create("contract", Balance::from_near(20)).await;
    contract.deploy(crate::PROBE).await;
    let script = json!({ "script": [{ "write": { "key": "k", "len": 7 } }] });
    root.send(&contract.id, vec![call("run", &script, Balance::ZERO)]).await.unwrap();
    let (account, key) = (root.account(&contract.id).await.unwrap(), root.access_key().await.unwrap());

    assert!(localnet(home, &["view-state", "dump-state"]).status.success());
    let dump = json_at(&home.join("output.json"));
    assert_eq!(dump["genesis_height"], root.head().await.1 + 1);
    let kinds: Vec<_> = dump["records"].as_array().unwrap().iter().map(|record| record.as_object().unwrap()).collect();
    for kind in ["Account", "AccessKey", "Contract", "Data"] {
        assert!(kinds.iter().any(|record| record.contains_key(kind)), "no {kind}");
    }
    let elsewhere = home.join("elsewhere.json");
    assert!(localnet(home, &["view-state", "dump-state", "--file", elsewhere.to_str().unwrap()]).status.success());
    assert_eq!(json_at(&elsewhere)["records"], dump["records"]);

    assert!(localnet(home, &["view-state", "dump-state", "--stream"]).status.success());
    let output = home.join("output");
    assert_eq!(json_at(&output.join("records.json")), dump["records"]);
    let next = Localnet::start(Config { home: Some(output), ..Config::default() }).await.unwrap();
    let rpc = next.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), next.root_id(), next.root_key());
    let viewed = root.view(latest(), &contract.id, "peek", &json!({ "key": "k" })).await;
    assert_eq!(viewed, 7);
    assert_eq!(root.account(&contract.id).await.unwrap(), account);
    assert_eq!(root.access_key().await.unwrap(), key);
    let contract = Actor { client: root.client.clone(), ..contract };
    contract.send(&contract.id, vec![call("run", &script, Balance::ZERO)]).await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_dumped_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let none = localnet(folder.path(), &["view-state", "dump-state"]);
    assert!(!none.status.success() && String::from_utf8_lossy(&none.stderr).contains("holds no chain"), "{none:?}");
}

/// Options mean the same wherever they stand, and a chain that is there keeps its name and version.
#[test]
fn a_chain_has_the_version_and_key_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("old");
    assert!(localnet(&home, &["init", "--fast", "--protocol-version", "85", "--chain-id", "old"]).status.success());
    let genesis = json_at(&home.join("genesis.json"));
    assert_eq!((&genesis["protocol_version"], &genesis["chain_id"]), (&json!(85), &json!("old")));
    assert_eq!(genesis["epoch_length"], 60);
    let before = folder.path().join("before");
    assert!(localnet(&before, &["--protocol-version", "86", "init"]).status.success());
    let genesis = json_at(&before.join("genesis.json"));
    assert_eq!((&genesis["protocol_version"], &genesis["epoch_length"]), (&json!(86), &json!(500)));
    // The command of near-sandbox's image, and the key that clients of it have written down.
    let image = folder.path().join("image");
    let seed = ["init", "--fast", "--account-id", "sandbox", "--test-seed", "sandbox", "--chain-id", "sandbox"];
    assert!(localnet(&image, &seed).status.success());
    let written = "ed25519:3JoAjwLppjgvxkk6kNsu5wQj3FfUJnpBKWieC73hVTpBeA6FZiCc5tfyZL3a3tHeQJegQe4qGSv8FLsYp7TYd1r6";
    assert_eq!(json_at(&image.join("validator_key.json"))["secret_key"], written);
    let key = |name: &str| {
        let home = folder.path().join(name);
        assert!(localnet(&home, &["init", "--seed", "7"]).status.success());
        json_at(&home.join("validator_key.json"))["secret_key"].clone()
    };
    assert_eq!(key("seeded"), key("seeded again"));
    assert_ne!(key("seeded once more"), json_at(&home.join("validator_key.json"))["secret_key"]);
    for (arguments, text) in [
        (["run", "--protocol-version", "88"], "is of protocol version 85"),
        (["--chain-id", "new", "run"], "is named old"),
        (["--protocol-version", "83", "run"], "83"),
    ] {
        let refused = localnet(&home, &arguments);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(text), "{said}");
    }
}
