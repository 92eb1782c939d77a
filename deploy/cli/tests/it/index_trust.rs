//! Whom `charter index …` believes, and what it says of that.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use charter_client::{At, Rpc};
use charter_harness::Harness;
use serde_json::{Value, json};

use crate::process::{charter, run, text};

/// A folder with the deployment.
pub fn folder(harness: &Harness) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let deployment = serde_json::to_string(&harness.contracts).unwrap();
    std::fs::write(folder.path().join("deployment.json"), deployment).unwrap();
    folder
}

/// Mirrors all there is.
pub fn mirror(arguments: &[&str]) {
    let mut command = charter();
    command.args(["index", "run"]).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let all = said.find(|line| line.contains("that is all there is"));
    assert!(all.is_some(), "it ended by itself");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn told(arguments: &[&str]) -> Value {
    let output = run(&[&["index"][..], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_named_once() {
    let harness = Harness::start_among(5, 8).await.unwrap();
    harness.make_blocks(16).await.unwrap();
    let (folder, url) = (folder(&harness), harness.rpc_url());
    let path = folder.path().to_str().unwrap();
    let trusted = Rpc::new(url.clone()).block(At::Height(3)).await.unwrap().header.hash.to_string();
    let place = ["--data-dir", path, "--rpc-url", &url];
    tokio::task::block_in_place(|| {
        let nowhere = run(&[&["index", "run", "--checkpoint", &trusted][..], &place].concat());
        assert!(!nowhere.status.success(), "{}", text(&nowhere.stdout));
        assert!(text(&nowhere.stderr).contains("where does the mirror begin?"), "{}", text(&nowhere.stderr));
        mirror(&[&place[..], &["--checkpoint", &trusted, "--from", "3"]].concat());
        // It goes on from what it has verified.
        mirror(&place);
        let report = told(&[&["verify", "--json"][..], &place].concat());
        assert_eq!((&report["mismatches"], &report["proofs"][0]["verdict"]), (&json!(0), &json!("ok")), "{report}");
        // Whoever wants to believes the node all the same.
        let report = told(&[&["verify", "--json", "--trust-node"][..], &place].concat());
        assert_eq!((&report["mismatches"], &report["proofs"]), (&json!(0), &json!([])), "{report}");
        let other = "7".repeat(43);
        let refused = run(&[&["index", "verify", "--checkpoint", &other][..], &place].concat());
        assert!(!refused.status.success(), "{}", text(&refused.stdout));
        assert!(text(&refused.stderr).contains("the node does not know block"), "{}", text(&refused.stderr));
    });
}

fn key_file(folder: &Path, harness: &Harness) -> String {
    let root = harness.root();
    let path = folder.join("key.json");
    let key = json!({ "account_id": root.id(), "private_key": root.secret_key().to_string() });
    std::fs::write(&path, key.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_are_asked_how_many_events_they_have() {
    let harness = Harness::start().await.unwrap();
    let (folder, url) = (folder(&harness), harness.rpc_url());
    let (path, key) = (folder.path().to_str().unwrap(), key_file(folder.path(), &harness));
    let place = ["--data-dir", path, "--rpc-url", &url];
    let taken =
        tokio::task::block_in_place(|| told(&[&["anchor", "--json", "--credentials", &key][..], &place].concat()));
    let anchors = taken["anchors"].as_array().unwrap();
    assert_eq!(anchors.len(), 4, "{taken}");
    for anchor in anchors {
        // The node of this machine is believed.
        assert_eq!((&anchor["state"], &anchor["proven"]), (&json!("complete"), &json!(false)), "{anchor}");
        assert!(anchor["events"].as_u64().unwrap() > 0 && anchor["height"].as_u64().unwrap() > 0, "{anchor}");
    }
}
