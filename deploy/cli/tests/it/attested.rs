//! A host in a TEE, from the nonce to the grant that only it can use: what the verbs print when the verifier says yes.

use charter_harness::arguments::DEPOSIT;
use charter_harness::stand_in_verifier::{report, say, stand_in};
use charter_harness::{Harness, ok};
use charter_types::registry::args::SetAttestationPolicy;
use charter_types::registry::methods as registry;
use charter_types::registry::{AttestationPolicy, Measurement};
use charter_types::verifier::{TcbStatus, Verdict};
use serde_json::{Value, json};

use crate::process::{charter, text};

struct Place(tempfile::TempDir);

impl Place {
    fn json(&self, line: &str) -> Value {
        let mut command = charter();
        let output = command.args(line.split_whitespace()).arg("--json").current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn refused(&self, line: &str) -> String {
        let output = charter().args(line.split_whitespace()).current_dir(self.0.path()).output().unwrap();
        assert!(!output.status.success(), "{line} went through: {}", text(&output.stdout));
        text(&output.stderr)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_attested_and_its_host_with_it() {
    let harness = Harness::start().await.unwrap();
    stand_in(&harness).await;
    let alice = harness.account("alice").await.unwrap();
    let place = Place(tempfile::tempdir().unwrap());
    let write = |name: &str, bytes: &[u8]| std::fs::write(place.0.path().join(name), bytes).unwrap();
    let key = json!({ "account_id": alice.id(), "private_key": alice.secret_key().to_string() });
    write("key.json", key.to_string().as_bytes());
    write("card.json", br#"{"name":"scout"}"#);
    write("quote", &[1; 100]);
    write("collateral", &[2; 100]);
    let (node, root) = (harness.rpc_url(), harness.root().id());
    place.json(&format!("init --data-dir own --chain {node} --contracts {root} --credentials key.json"));
    assert_eq!(place.json("agent register --card card.json")["agent"], 1);
    assert_eq!(place.json("host init")["host"], 1);
    let sha256 = report([0; 64]).measurement(charter_client::sha256);
    let measurement = Measurement { sha256, from_ms: 0, until_ms: u64::MAX, revoked: false };
    let (measurements, tcb) = (vec![measurement], vec![TcbStatus::UpToDate]);
    let policy = Some(AttestationPolicy { measurements, tcb, max_age_ms: 86_400_000 });
    let policy = SetAttestationPolicy { agent: 1, policy };
    ok(&alice, &harness.contracts.registry, registry::set_attestation_policy, &policy, DEPOSIT).await;

    let begun = place.json("agent attest --yes");
    let data: [u8; 64] = hex::decode(begun["report_data"].as_str().unwrap()).unwrap().try_into().unwrap();
    // A quote about something else is no attestation, and the nonce is used up.
    let submit = "agent attest --quote quote --collateral collateral --yes";
    say(&alice, &harness.contracts.verifier, &Verdict::Verified(Box::new(report([7; 64])))).await;
    assert!(place.refused(submit).contains("REGISTRY_WRONG_REPORT_DATA"));
    say(&alice, &harness.contracts.verifier, &Verdict::Verified(Box::new(report(data)))).await;
    assert!(place.refused(submit).contains("REGISTRY_NO_CHALLENGE"));
    assert!(place.refused("host attest --yes").contains("agent 1 is not attested"));

    let begun = place.json("agent attest --yes");
    let data = hex::decode(begun["report_data"].as_str().unwrap()).unwrap().try_into().unwrap();
    say(&alice, &harness.contracts.verifier, &Verdict::Verified(Box::new(report(data)))).await;
    assert_eq!(place.json(submit), json!({ "agent": 1, "attested": true }));
    let attested = place.json("host attest --yes");
    assert_eq!(attested, json!({ "host": 1, "agent": 1, "measurement": sha256 }));
    let shown = place.json("host show");
    assert_eq!(shown["host"]["assurance"]["attested"]["measurement"], json!(sha256), "{shown}");
}
