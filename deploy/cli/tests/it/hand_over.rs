//! A deployment ends when governance is in charge of every contract and nobody has a key to one.

use std::path::Path;
use std::time::Duration;

use charter_harness::{Harness, refused, view};
use charter_types::admin::SetPauser;
use charter_types::shared::methods as shared;
use charter_types::{AccountId, Nothing, registry};
use serde_json::{Value, json};

use crate::process::{charter, text};

fn deploy(harness: &Harness, folder: &Path) -> Value {
    let (key, data) = (folder.join("key.json"), folder.join("data"));
    let output = charter()
        .args(["deploy", "--json", "--chain", &harness.rpc_url()])
        .args(["--credentials".as_ref(), key.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn states(deployed: &Value) -> Vec<&str> {
    let steps = deployed["hand_over"].as_array().unwrap();
    steps.iter().map(|entry| entry["step"]["state"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn governance_takes_over_and_no_access_key_is_left() {
    let harness = Harness::start().await.unwrap();
    let (worker, place) = (&harness.worker, harness.account("place").await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let key = json!({ "account_id": place.id(), "private_key": place.secret_key().to_string() });
    std::fs::write(folder.path().join("key.json"), key.to_string()).unwrap();

    let first = deploy(&harness, folder.path());
    assert_eq!((states(&first), &first["complete"]), (vec!["voting"; 5], &json!(false)));
    // Nothing is proposed twice.
    assert_eq!(deploy(&harness, folder.path())["hand_over"], first["hand_over"]);
    harness.wait(Duration::from_hours(24)).await.unwrap();
    let second = deploy(&harness, folder.path());
    assert_eq!((states(&second), &second["complete"]), (vec!["waiting"; 5], &json!(false)));
    let contracts: Vec<AccountId> =
        first["contracts"].as_object().unwrap().values().map(|id| id.as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(contracts.len(), 6);
    for id in &contracts {
        assert_eq!(worker.view_access_keys(id).await.unwrap().len(), 1, "the way back, as long as it may be needed");
    }
    harness.wait(Duration::from_hours(1)).await.unwrap();
    let third = deploy(&harness, folder.path());
    assert_eq!((states(&third), &third["complete"]), (vec!["governed"; 5], &json!(true)));
    for id in &contracts {
        assert!(worker.view_access_keys(id).await.unwrap().is_empty(), "{id}");
    }
    let registry = first["contracts"]["registry"].as_str().unwrap().parse().unwrap();
    // Nobody could list it afterwards.
    let reporters = view(worker, &registry, registry::methods::reporters, &Nothing {}).await.unwrap();
    let listed = ["escrow", "tasks"].map(|name| first["contracts"][name].as_str().unwrap());
    assert_eq!(reporters.iter().map(AccountId::as_str).collect::<Vec<_>>(), listed);
    let late = refused(&place, &registry, shared::set_pauser, &SetPauser { account: None }, 0).await;
    assert_eq!(late, "CHARTER_NOT_ADMIN");
    assert_eq!(deploy(&harness, folder.path()), third, "there is nothing left to do");
}
