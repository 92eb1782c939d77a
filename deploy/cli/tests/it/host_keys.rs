//! A host is known by its keys: what the node says of them is compared with what this folder knows.

use std::path::Path;

use serde_json::{Value, json};

use crate::operator::Office;
use crate::process::text;

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

/// Bob works on a machine of his own, and has a host there.
fn open_bobs(office: &mut Office) {
    let folder = office.path("bob");
    std::fs::create_dir(&folder).unwrap();
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(office.path(name)).unwrap()).unwrap() };
    let (keys, node) = (read("play/keys.json"), read("play/node.json"));
    let file = json!({ "account_id": "bob.test.near", "private_key": keys["bob.test.near"] });
    std::fs::write(folder.join("key.json"), file.to_string()).unwrap();
    let node = node.as_str().unwrap();
    office.json(
        "bob",
        &format!("charter init --data-dir own --chain {node} --contracts test.near --credentials key.json"),
    );
    assert_eq!(office.json("bob", "charter host init")["host"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sealed_to_a_host_whose_key_is_not_the_one_this_folder_knows() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    assert_eq!(office.json("", "charter host init")["host"], 1);
    open_bobs(&mut office);
    let add = |label: &str, host: u64| {
        format!("charter key add {label} --from-env OPENAI_API_KEY --allow GET:a.example/v1 --host {host} --yes")
    };

    // Everybody sees the same fingerprint.
    let shown = office.json("", "charter host show 2");
    assert_eq!(shown["fingerprint"], office.json("bob", "charter host show")["fingerprint"]);
    assert_ne!(shown["fingerprint"], office.json("", "charter host show")["fingerprint"]);
    let fingerprint = shown["fingerprint"].as_str().unwrap().to_owned();

    // The first time it is new, then it is known.
    let said = text(&office.run_in("", &add("first", 2)).stderr);
    assert!(said.contains(&format!("host key    {fingerprint}, new to this folder")), "{said}");
    let said = text(&office.run_in("", &add("second", 2)).stderr);
    assert!(said.contains(&format!("host key    {fingerprint}, as this folder knows it")), "{said}");
    let said = text(&office.run_in("", &add("third", 1)).stderr);
    assert!(said.contains("which the seed in this folder makes"), "{said}");

    // The node names another key for bob's host than it did: as if the file had been written then.
    let before = office.transactions_of("alice.test.near").await;
    edit(&office.path("play/hosts.json"), |known| {
        let place = known.as_object_mut().unwrap().values_mut().next().unwrap();
        place["2"] = json!("0000 0000 0000 0000 0000 0000 0000 0000");
    });
    for line in [
        add("fourth", 2),
        "charter key grant first --allow GET:a.example/v1 --yes".to_owned(),
        "charter key rotate first --from-env NEW_KEY".to_owned(),
    ] {
        office.refused("", &line, "HOST_KEY_DIFFERS: host 2 has the key");
    }
    assert_eq!(office.json("", "charter host show 2")["recognised"], false);

    // And another one for this folder's own host than its seed makes.
    edit(&office.path("play/host/host.json"), |file| {
        let seed = file["seed"].as_str().unwrap();
        let flipped = if seed.starts_with('0') { "1" } else { "0" };
        file["seed"] = json!(format!("{flipped}{}", &seed[1..]));
    });
    office.refused("", &add("fifth", 1), "HOST_KEY_DIFFERS: host 1 has the key");
    assert_eq!(office.transactions_of("alice.test.near").await, before);

    // Only who says so forgets a key.
    office.refused("", "charter host forget x", "invalid value 'x'");
    assert_eq!(office.json("", "charter host forget 2"), json!({ "host": 2, "was_known": true }));
    assert_eq!(office.json("", "charter host forget 2"), json!({ "host": 2, "was_known": false }));
    office.json("", &add("fourth", 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn attestation_is_asked_for_and_refused_in_sentences() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    let before = office.transactions_of("alice.test.near").await;
    office.refused("", "charter host show", "charter host init");
    office.refused("", "charter agent attest --yes", "charter host init");
    office.json("", "charter host init");
    office.refused("", "charter host show 9", "there is no host 9");
    office.refused("", "charter host attest --agent 9 --yes", "agent 9 is not attested");
    office.refused("", "charter host attest --yes", "agent 1 is not attested");
    office.refused("", "charter host attest --host 9 --yes", "there is no host 9");
    office.refused("", "charter agent attest", "say --yes");
    office.refused("", "charter agent attest --agent 9 --yes", "there is no agent 9");
    office.refused("", "charter agent attest --quote card.json --yes", "--collateral");
    office.refused("", "charter agent attest --quote none --collateral none --yes", "none can't be read");
    assert_eq!(office.transactions_of("alice.test.near").await, before + 1);
    // The registry answers for itself: without a policy there is nothing to be attested for.
    office.refused("", "charter agent attest --yes", "REGISTRY_");
    office.refused("", "charter agent attest --quote card.json --collateral card.json --yes", "REGISTRY_");
}
