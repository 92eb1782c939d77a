//! Verbs that change a grant, a key or a request: each says what it means first, and signs nothing without consent.

use serde_json::json;

use crate::operator::Office;
use crate::process::text;

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_suspended_resumed_and_renounced_requests_rejected_and_keys_retired() {
    let mut office = Office::open();
    std::fs::create_dir(office.path("bob")).unwrap();
    office.json("bob", "charter init --data-dir ../play --account bob.test.near");
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    office.start_host();
    let service = "http://localhost:PORT";
    office.json("", &format!("charter key add openai --from-env OPENAI_API_KEY --allow GET,POST:{service}/v1 --yes"));
    let call = "charter host call openai GET /v1/models";
    office.json("", call);

    // Bad input and missing consent: nothing is signed.
    let before = office.transactions_of("alice.test.near").await;
    office.refused("", "charter key suspend openai --yes", "invalid value 'openai'");
    office.refused("", "charter key suspend 1", "say --yes");
    office.refused("", "charter key suspend 9 --yes", "there is no grant 9");
    office.refused("", "charter key resume 9 --yes", "there is no grant 9");
    office.refused("", "charter key renounce 9 --yes", "there is no grant 9");
    office.refused("", "charter key reject 1 12 --host 1 --yes", "invalid value '12'");
    let digest = "ab".repeat(32);
    office.refused("", &format!("charter key reject 1 {digest} --yes"), "--host");
    office.refused("", &format!("charter key reject 1 {digest} --host 1 --yes"), "there is no request");
    office.refused("", "charter key retire mistral --yes", "there is no credential mistral");
    office.refused("", "charter key retire openai", "say --yes");
    assert_eq!(office.transactions_of("alice.test.near").await, before);

    // The sheet says what is signed, of which grant, and who made it.
    let said = text(&office.run_in("", "charter key suspend 1 --yes").stderr);
    for line in ["this        stops the grant", "grant       1, of the operator of host 1", "may         GET, POST to"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
    office.refused("", call, "SUSPENDED");
    office.json("", "charter key resume 1 --yes");
    office.json("", call);

    // Bob gives back what he was given; nobody else can.
    office.json("", &format!("charter key grant openai --to bob.test.near --allow GET:{service}/v1/models --yes"));
    office.refused("", "charter key renounce 2 --yes", "KEYS_NOT_GRANTEE");
    office.json("bob", "charter key renounce 2 --yes");
    office.refused("", &format!("charter key check 2 GET {service}/v1/models --as bob.test.near"), "REVOKED");

    // A request that waits for approval is rejected, on the host that asked.
    let approval = format!("charter key grant openai --allow POST:{service}/v1/mail --needs-approval --yes");
    assert_eq!(office.json("", &approval)["grant"], 3);
    let call_3 = "charter host call 3 POST /v1/mail @req.json";
    let error = text(&office.run_in("", call_3).stderr);
    let digest = error.split("charter key approve 3 ").nth(1).unwrap().get(..64).unwrap().to_owned();
    office.json("", &format!("charter key ask 3 {digest} --host 1"));
    office.refused("", &format!("charter key reject 3 {digest} --host 7 --yes"), "by host 7");
    let said = text(&office.run_in("", &format!("charter key reject 3 {digest} --host 1 --yes")).stderr);
    assert!(said.contains("asked by    alice.test.near"), "{said}");
    assert!(said.contains("which the seed in this folder makes"), "{said}");
    office.refused("", call_3, "HOST_NEEDS_APPROVAL");

    // A retired key is gone, here too.
    let retired = office.json("", "charter key retire openai --yes");
    assert_eq!(retired, json!({ "secret": 1, "retired": true, "received_by": [1] }));
    office.refused("", call, "there is no grant of openai");
    office.refused("", "charter key retire openai --yes", "there is no credential openai");
}
