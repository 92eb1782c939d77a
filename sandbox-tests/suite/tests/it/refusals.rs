//! Every method of registry and keys, called by everybody who may not, and with everything that is wrong: each refusal has
//! its code and leaves the state as it was. A denial in a callback moves the chain of events and nothing else.

use charter_harness::{Call, Harness, failed_with};
use charter_types::keys::args::AddCredential;
use charter_types::keys::{Added, Envelope, Grantee, Wrap};
use charter_types::registry::args::AgentAccount;
use charter_types::{Base64Bytes, Hash32};
use near_workspaces::{Account, AccountId};
use serde_json::{Value, json};

use charter_wasm::Contract;

use crate::people::{DEPOSIT, card, host, ok, policy, register, register_host, terms};

/// What a call has to attach.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deposit {
    None,
    OneYocto,
    Pays,
}

impl Deposit {
    fn yocto(self) -> u128 {
        match self {
            Self::None => 0,
            Self::OneYocto => 1,
            Self::Pays => DEPOSIT,
        }
    }
}

/// A method with arguments that its rightful caller could use, and what everybody else is told. An empty code: may call.
struct Method {
    name: &'static str,
    args: Value,
    deposit: Deposit,
    stranger: &'static str,
    guardian: &'static str,
    operator: &'static str,
    agent: &'static str,
    ex_owner: &'static str,
    /// What an id that nothing has leads to: its field and its code.
    unknown: Option<(&'static str, &'static str)>,
}

/// The same code for everybody but the owner.
fn owners(name: &'static str, args: Value, deposit: Deposit, code: &'static str) -> Method {
    let unknown = Some(("agent", "REGISTRY_UNKNOWN_AGENT"));
    Method { name, args, deposit, stranger: code, guardian: code, operator: code, agent: code, ex_owner: code, unknown }
}

const NOT_OWNER: &str = "REGISTRY_NOT_OWNER";
const NOT_PERMITTED: &str = "REGISTRY_NOT_PERMITTED";
const NOT_GUARDIAN: &str = "REGISTRY_NOT_GUARDIAN";

fn registry_methods(someone: &AccountId) -> Vec<Method> {
    use Deposit::{None, OneYocto, Pays};
    let reference = json!({ "agent": 1 });
    let of = json!({ "agent": 1, "account": someone });
    let key = charter_types::Ed25519Key([7; 32]).to_string();
    let proof = charter_types::Signature64([8; 64]).to_string();
    let new_key = json!({ "agent": 1, "key": key, "purpose": "sign", "expires_ms": u64::MAX, "proof": proof });
    let rotated = json!({ "agent": 1, "old": key, "key": key, "expires_ms": u64::MAX, "proof": proof });
    let token = json!({ "receiver_id": someone, "token_id": "1" });
    let operator = json!({ "account": someone, "permissions": [], "expires_ms": u64::MAX });
    let recoverers = json!({ "accounts": [someone], "threshold": 1, "delay_ms": 3_600_000 });
    let hash = "11".repeat(32);
    let quote = json!({
        "agent": 1, "quote": "AA==", "collateral": "AA==", "sign_key": key,
        "encrypt_key": charter_types::X25519Key([9; 32]).to_string(),
    });
    let with_operator = |method: Method| Method { operator: "", ..method };
    let with_guardian = |method: Method| Method { guardian: "", ..method };
    vec![
        with_operator(owners(
            "set_card",
            json!({ "agent": 1, "card": card("x"), "expected_revision": 1 }),
            Pays,
            NOT_PERMITTED,
        )),
        owners("set_handle", json!({ "agent": 1, "handle": "scout" }), Pays, NOT_OWNER),
        with_operator(owners("set_agent_account", json!({ "agent": 1, "agent_account": null }), Pays, NOT_PERMITTED)),
        owners("set_operator", json!({ "agent": 1, "operator": operator }), Pays, NOT_OWNER),
        owners("remove_operator", of.clone(), Pays, NOT_OWNER),
        owners("set_guardian", of.clone(), Pays, NOT_OWNER),
        owners("remove_guardian", of.clone(), Pays, NOT_OWNER),
        Method {
            guardian: "",
            operator: "",
            agent: "",
            ..owners("renounce", reference.clone(), None, "REGISTRY_NO_ROLE")
        },
        with_operator(owners("add_key", new_key, Pays, NOT_PERMITTED)),
        with_operator(owners("rotate_key", rotated, Pays, NOT_PERMITTED)),
        with_operator(owners("remove_key", json!({ "agent": 1, "key": key }), Pays, NOT_PERMITTED)),
        owners("set_payout", of.clone(), Pays, NOT_OWNER),
        owners("accept_payout", reference.clone(), OneYocto, "REGISTRY_NOT_OFFERED"),
        with_guardian(owners("pause", json!({ "agent": 1, "for_ms": 5 }), None, NOT_GUARDIAN)),
        owners("unpause", reference.clone(), Pays, NOT_OWNER),
        with_guardian(owners("revoke_all", reference.clone(), None, NOT_GUARDIAN)),
        Method { unknown: Option::None, ..owners("rearm", json!({ "agents": [1] }), OneYocto, NOT_OWNER) },
        owners("offer_transfer", of.clone(), Pays, NOT_OWNER),
        owners("cancel_transfer", reference.clone(), OneYocto, NOT_OWNER),
        owners("accept_transfer", reference.clone(), Pays, "REGISTRY_NOT_OFFERED"),
        owners("set_transferable", json!({ "agent": 1, "transferable": true }), Pays, NOT_OWNER),
        Method {
            unknown: Some(("token_id", "REGISTRY_UNKNOWN_AGENT")),
            ..owners("nft_transfer", token.clone(), OneYocto, NOT_OWNER)
        },
        Method {
            unknown: Some(("token_id", "REGISTRY_UNKNOWN_AGENT")),
            ..owners("nft_transfer_call", token, OneYocto, NOT_OWNER)
        },
        owners("set_recoverers", json!({ "agent": 1, "recoverers": recoverers }), Pays, NOT_OWNER),
        owners("propose_recovery", of.clone(), Pays, "REGISTRY_NOT_RECOVERER"),
        Method {
            unknown: Some(("agent", "REGISTRY_NO_RECOVERY")),
            ..owners("approve_recovery", of.clone(), OneYocto, "REGISTRY_NO_RECOVERY")
        },
        owners("veto_recovery", reference.clone(), OneYocto, NOT_OWNER),
        owners("execute_recovery", of, None, "REGISTRY_NO_RECOVERY"),
        Method { agent: "", ..owners("heartbeat", reference.clone(), None, "REGISTRY_NOT_AGENT") },
        owners("set_attestation_policy", json!({ "agent": 1 }), Pays, NOT_OWNER),
        Method { operator: "", agent: "", ..owners("begin_attestation", reference.clone(), None, NOT_PERMITTED) },
        Method { operator: "", agent: "", ..owners("submit_attestation", quote, None, NOT_PERMITTED) },
        with_guardian(owners("revoke_measurement", json!({ "agent": 1, "sha256": hash }), None, NOT_GUARDIAN)),
        with_guardian(owners("revoke_attestation", reference.clone(), None, NOT_GUARDIAN)),
        Method {
            unknown: Option::None,
            ..owners(
                "report_reputation",
                json!({ "agent": 1, "asset": "near", "earned": "1", "payments": 1 }),
                None,
                "REGISTRY_NOT_REPORTER",
            )
        },
        owners("retire", reference, OneYocto, NOT_OWNER),
    ]
}

/// Methods of keys, about secret 1 and grant 1 of agent 1. Nobody here holds a grant; the owner made it.
fn keys_methods(scene: &Scene) -> Vec<Method> {
    use Deposit::{None, OneYocto, Pays};
    let wrap = json!({ "host": 1, "sealed": "AA==" });
    let envelope = json!({ "inline": "AA==" });
    let terms = json!(terms(Grantee::Account(scene.agent.id().clone()), policy("/v1"), u64::MAX));
    let digest = "22".repeat(32);
    let (grant, secret) = (json!({ "grant": 1 }), json!({ "secret": 1 }));
    let approval = json!({ "grant": 1, "digest": digest, "host": 1, "expires_ms": 5 });
    let asks = |name, args, deposit| Method {
        unknown: Some(("secret", "KEYS_UNKNOWN_SECRET")),
        ..owners(name, args, deposit, "KEYS_NOT_OWNER")
    };
    let of_grant = |method: Method| Method { unknown: Some(("grant", "KEYS_UNKNOWN_GRANT")), ..method };
    let hosts = |name, args| Method {
        unknown: Some(("host", "KEYS_UNKNOWN_HOST")),
        ..owners(name, args, None, "KEYS_NOT_OPERATOR")
    };
    let add = json!({
        "agent": 1, "label_hash": "33".repeat(32), "ceiling": policy("/"), "envelope": envelope, "wraps": [wrap],
    });
    let create = json!({ "agent": 1, "label_hash": "44".repeat(32), "ceiling": policy("/"), "mode": "external" });
    let narrower = json!({ "grant": 1, "policy": policy("/v1"), "narrower": policy("/v1/chat"), "expires_ms": scene.expires_ms - 1 });
    let rotated = json!({ "secret": 1, "expected_version": 1, "envelope": envelope, "wraps": [wrap] });
    let reserve = json!({ "grant": 1, "host": 1, "amount": "1", "for_ms": 5 });
    vec![
        Method { unknown: Some(("agent", "KEYS_NO_AUTHORITY")), ..asks("add_credential", add, OneYocto) },
        Method { unknown: Some(("agent", "KEYS_NO_AUTHORITY")), ..asks("create_secret", create, OneYocto) },
        asks("put_envelope", json!({ "secret": 1, "expected_version": 1, "envelope": envelope }), OneYocto),
        asks("add_wraps", json!({ "secret": 1, "wraps": [wrap] }), OneYocto),
        asks("rotate_secret", rotated, OneYocto),
        asks("retire_secret", secret.clone(), OneYocto),
        asks("grant", json!({ "secret": 1, "ceiling": policy("/"), "terms": terms }), OneYocto),
        asks("grant_batch", json!({ "secret": 1, "ceiling": policy("/"), "grants": [terms] }), OneYocto),
        Method {
            unknown: Some(("parent", "KEYS_UNKNOWN_GRANT")),
            ..owners(
                "delegate",
                json!({ "parent": 1, "parent_policy": policy("/v1"), "terms": terms }),
                OneYocto,
                "KEYS_NOT_GRANTEE",
            )
        },
        of_grant(asks("narrow", narrower, OneYocto)),
        Method { guardian: "", ..of_grant(owners("suspend", grant.clone(), None, "KEYS_NOT_REVOKER")) },
        of_grant(owners("resume", grant.clone(), OneYocto, "KEYS_NOT_SUSPENDED")),
        of_grant(owners("renounce", grant.clone(), None, "KEYS_NOT_GRANTEE")),
        Method { guardian: "", ..of_grant(owners("revoke_grant", grant, None, "KEYS_NOT_REVOKER")) },
        Method {
            guardian: "",
            unknown: Some(("secret", "KEYS_UNKNOWN_SECRET")),
            ..owners("revoke_secret", secret, None, "KEYS_NOT_REVOKER")
        },
        of_grant(owners("request_approval", approval, Pays, "KEYS_NOT_GRANTEE")),
        of_grant(owners("approve", json!({ "grant": 1, "digest": digest }), OneYocto, "KEYS_NO_APPROVAL")),
        of_grant(owners("reject", json!({ "grant": 1, "digest": digest }), OneYocto, "KEYS_NO_APPROVAL")),
        hosts("set_host_status", json!({ "host": 1, "status": "suspended" })),
        hosts("revoke_host", json!({ "host": 1 })),
        hosts("attest_host", json!({ "host": 1, "agent": 1 })),
        hosts("anchor_receipts", json!({ "host": 1, "from": 1, "to": 2, "merkle_root": digest })),
        hosts("reserve", reserve),
        Method {
            unknown: Some(("lease", "KEYS_UNKNOWN_LEASE")),
            ..owners("settle", json!({ "lease": 9, "used": "1" }), None, "KEYS_UNKNOWN_LEASE")
        },
        Method {
            unknown: Some(("lease", "KEYS_UNKNOWN_LEASE")),
            ..owners("expire", json!({ "lease": 9 }), None, "KEYS_UNKNOWN_LEASE")
        },
        Method {
            unknown: Option::None,
            ..owners("set_mpc", json!({ "account": scene.agent.id() }), None, "CHARTER_NOT_ADMIN")
        },
    ]
}

struct Scene {
    harness: Harness,
    owner: Account,
    stranger: Account,
    guardian: Account,
    operator: Account,
    agent: Account,
    ex_owner: Account,
    expires_ms: u64,
}

/// Agent 1, which went from its ex-owner to its owner, with a guardian, an operator who may do all that operators can, an
/// account of its own, and a credential.
async fn scene() -> Scene {
    scene_on(Harness::start().await.unwrap()).await
}

/// The same on a registry and keys that still have an admin: where governance has taken over, only its votes can pause.
async fn scene_with_admin() -> Scene {
    let mut harness = Harness::start().await.unwrap();
    let admin = harness.root().id().clone();
    let (registry, keys) = (harness.account("registry-b").await.unwrap(), harness.account("keys-b").await.unwrap());
    for (account, code) in [(&registry, Contract::Registry), (&keys, Contract::Keys)] {
        account.deploy(code.code()).await.unwrap().into_result().unwrap();
    }
    let verifier = harness.contracts.verifier.clone();
    ok(&registry, registry.id(), "new", json!({ "account": admin, "verifier": verifier }), 0).await;
    ok(&keys, keys.id(), "new", json!({ "account": admin, "registry": registry.id() }), 0).await;
    (harness.contracts.registry, harness.contracts.keys) = (registry.id().clone(), keys.id().clone());
    scene_on(harness).await
}

async fn scene_on(harness: Harness) -> Scene {
    let mut people = Vec::new();
    for name in ["owner", "stranger", "guardian", "operator", "agent", "ex", "hal"] {
        people.push(harness.account(name).await.unwrap());
    }
    let [owner, stranger, guardian, operator, agent, ex_owner, hal] = <[Account; 7]>::try_from(people).unwrap();
    let (registry, keys) = (harness.contracts.registry.clone(), harness.contracts.keys.clone());
    register(&harness, &ex_owner, Vec::new()).await;
    let to_owner = json!(AgentAccount { agent: 1, account: owner.id().clone() });
    ok(&ex_owner, &registry, "offer_transfer", to_owner, DEPOSIT).await;
    ok(&owner, &registry, "accept_transfer", json!({ "agent": 1 }), DEPOSIT).await;
    ok(&owner, &registry, "set_guardian", json!({ "agent": 1, "account": guardian.id() }), DEPOSIT).await;
    let permissions = ["card", "agent_account", "keys", "attest"];
    let wanted = json!({ "account": operator.id(), "permissions": permissions, "expires_ms": u64::MAX });
    ok(&owner, &registry, "set_operator", json!({ "agent": 1, "operator": wanted }), DEPOSIT).await;
    ok(&owner, &registry, "set_agent_account", json!({ "agent": 1, "agent_account": agent.id() }), DEPOSIT).await;
    register_host(&harness, &keys, &hal, 5).await;
    for person in [&owner, &stranger, &guardian, &operator, &agent, &ex_owner] {
        ok(person, &keys, "storage_deposit", json!({}), 5 * DEPOSIT).await;
        ok(person, &registry, "storage_deposit", json!({}), DEPOSIT).await;
    }
    let expires_ms = harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000;
    let args = AddCredential {
        agent: 1,
        label_hash: Hash32([1; 32]),
        ceiling: policy("/"),
        envelope: Envelope::Inline(Base64Bytes(vec![1; 64])),
        wraps: vec![Wrap { host: 1, sealed: Base64Bytes(vec![2; 80]) }],
        rotate_by_ms: 0,
        grants: vec![terms(Grantee::Host(1), policy("/v1"), expires_ms)],
    };
    let added: Added = owner.send(&keys, "add_credential", args, 1).await.unwrap().json().unwrap();
    assert_eq!((added.secret, added.grants), (Some(1), vec![1]));
    Scene { harness, owner, stranger, guardian, operator, agent, ex_owner, expires_ms }
}

impl Scene {
    /// Everything in a contract's state; without the contract's own record where only the chain of events may move.
    async fn state(&self, contract: &AccountId, but_head: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
        let rows = self.harness.worker.view_state(contract).await.unwrap();
        let mut rows: Vec<_> = rows.into_iter().filter(|(key, _)| !(but_head && key == b"STATE")).collect();
        rows.sort();
        rows
    }

    async fn refused(&self, contract: &AccountId, by: &Account, method: &str, args: &Value, deposit: u128, code: &str) {
        let (all, rows) = (self.state(contract, false).await, self.state(contract, true).await);
        let outcome = by.send(contract, method, args, deposit).await.unwrap();
        let what = format!("{method} {args} by {} with {deposit}", by.id());
        assert_eq!(failed_with(&outcome).as_deref(), Some(code), "{what}");
        assert_eq!(self.state(contract, true).await, rows, "{what} left a trace");
        // In the first receipt nothing at all moves; in a callback the denial is told.
        let told = outcome.logs().iter().any(|log| log.contains("\"denied\""));
        if !told {
            assert_eq!(self.state(contract, false).await, all, "{what} moved the contract's own record");
        }
    }

    async fn walk(&self, contract: &AccountId, methods: Vec<Method>) {
        for method in methods {
            let Method { name, args, deposit, unknown, .. } = &method;
            let right = deposit.yocto();
            for (by, code) in [
                (&self.stranger, method.stranger),
                (&self.guardian, method.guardian),
                (&self.operator, method.operator),
                (&self.agent, method.agent),
                (&self.ex_owner, method.ex_owner),
            ] {
                if !code.is_empty() {
                    self.refused(contract, by, name, args, right, code).await;
                }
            }
            let bad = "CHARTER_BAD_ARGUMENTS";
            let mut more = args.clone();
            more["surprise"] = json!(1);
            // NEPs say that unknown fields are ignored.
            if !name.starts_with("nft_") {
                self.refused(contract, &self.owner, name, &more, right, bad).await;
            }
            for field in args.as_object().unwrap().keys() {
                let mut wrong = args.clone();
                wrong[field] = json!({ "no": "such", "thing": 1 });
                self.refused(contract, &self.owner, name, &wrong, right, bad).await;
            }
            self.refused(contract, &self.owner, name, &json!([]), right, bad).await;
            if let Some((field, code)) = unknown {
                let mut other = args.clone();
                other[*field] = if args[*field].is_string() { json!("999") } else { json!(999) };
                self.refused(contract, &self.stranger, name, &other, right, code).await;
            }
            // These two ask who calls before they look at the deposit, and the owner is not who they are for.
            let not_for_owners = ["propose_recovery", "request_approval"].contains(name);
            if *deposit != Deposit::None && !not_for_owners {
                self.refused(contract, &self.owner, name, args, 0, "CHARTER_ONE_YOCTO").await;
            }
        }
    }
}

#[tokio::test]
async fn nobody_does_to_an_agent_what_is_not_theirs_to_do() {
    let scene = scene().await;
    let registry = scene.harness.contracts.registry.clone();
    scene.walk(&registry, registry_methods(scene.stranger.id())).await;
    // What makes an agent larger is refused to an owner whose storage is used up, with the least deposit.
    ok(&scene.owner, &registry, "storage_withdraw", json!({}), 1).await;
    let grows = ["set_handle", "set_operator", "set_guardian", "set_payout", "offer_transfer", "set_recoverers"];
    let mut short = 0;
    for Method { name, args, .. } in registry_methods(scene.stranger.id()) {
        if grows.contains(&name) {
            short += 1;
            scene.refused(&registry, &scene.owner, name, &args, 1, "CHARTER_STORAGE_SHORT").await;
        }
    }
    assert_eq!(short, grows.len());
    let poor = scene.harness.account("poor").await.unwrap();
    let register = json!({ "card": card("x") });
    scene.refused(&registry, &poor, "register_agent", &register, 1, "CHARTER_STORAGE_SHORT").await;
}

#[tokio::test]
async fn nobody_touches_a_credential_that_is_not_theirs() {
    let scene = scene().await;
    let keys = scene.harness.contracts.keys.clone();
    scene.walk(&keys, keys_methods(&scene)).await;
    // Without prepaid storage nothing that needs it is asked.
    let stores =
        ["add_credential", "create_secret", "put_envelope", "add_wraps", "rotate_secret", "grant", "grant_batch"];
    let poor = scene.harness.account("poor").await.unwrap();
    for Method { name, args, deposit, stranger, .. } in keys_methods(&scene) {
        let code = if stores.contains(&name) { "CHARTER_STORAGE_SHORT" } else { stranger };
        scene.refused(&keys, &poor, name, &args, deposit.yocto(), code).await;
    }
    let args = json!(host(&scene.harness, &keys, &scene.owner, 7));
    scene.refused(&keys, &poor, "register_host", &args, DEPOSIT, "KEYS_HOST_PROOF").await;
    let args = json!(host(&scene.harness, &keys, &poor, 7));
    scene.refused(&keys, &poor, "register_host", &args, 1, "CHARTER_STORAGE_SHORT").await;
}

/// What a pause of every feature stops: what stores, grants or uses. Taking away goes on.
const PAUSED: [&str; 10] = [
    "add_credential",
    "create_secret",
    "put_envelope",
    "add_wraps",
    "rotate_secret",
    "grant",
    "grant_batch",
    "delegate",
    "reserve",
    "register_agent",
];

#[tokio::test]
async fn a_pause_stops_what_gives_and_nothing_that_takes_away() {
    let scene = scene_with_admin().await;
    let (registry, keys) = (scene.harness.contracts.registry.clone(), scene.harness.contracts.keys.clone());
    for (contract, feature) in [(&registry, "register"), (&keys, "store"), (&keys, "grant"), (&keys, "release")] {
        let pause = json!({ "feature": feature, "for_ms": 3_600_000 });
        scene.refused(contract, &scene.owner, "pause_feature", &pause, 0, "CHARTER_NOT_PAUSER").await;
        ok(scene.harness.root(), contract, "pause_feature", pause, 0).await;
    }
    let register = json!({ "card": card("x") });
    let mut methods = registry_methods(scene.stranger.id());
    methods.push(owners("register_agent", register, Deposit::Pays, ""));
    let mut stopped = 0;
    for (contract, methods) in [(&registry, methods), (&keys, keys_methods(&scene))] {
        for method in methods {
            let stops = PAUSED.contains(&method.name);
            let (by, code) = if stops { (&scene.owner, "CHARTER_PAUSED") } else { (&scene.stranger, method.stranger) };
            stopped += usize::from(stops);
            scene.refused(contract, by, method.name, &method.args, method.deposit.yocto(), code).await;
        }
    }
    assert_eq!(stopped, PAUSED.len());
    ok(&scene.owner, &keys, "revoke_grant", json!({ "grant": 1 }), 0).await;
}

#[tokio::test]
async fn nothing_can_be_done_with_an_agent_that_is_retired() {
    let scene = scene().await;
    let (registry, keys) = (scene.harness.contracts.registry.clone(), scene.harness.contracts.keys.clone());
    ok(&scene.owner, &registry, "retire", json!({ "agent": 1 }), 1).await;
    for method in registry_methods(scene.stranger.id()) {
        let code = method.unknown.map_or("REGISTRY_UNKNOWN_AGENT", |(_, code)| code);
        // Reporters tell what they paid, whatever became of the agent.
        let code = if method.name == "report_reputation" { "REGISTRY_NOT_REPORTER" } else { code };
        scene.refused(&registry, &scene.owner, method.name, &method.args, method.deposit.yocto(), code).await;
    }
    // What was made in keys is still its owner's to take away, and good for nothing else.
    for method in keys_methods(&scene).into_iter().filter(|method| method.stranger == "KEYS_NOT_OWNER") {
        let by = if method.name == "narrow" { &scene.stranger } else { &scene.owner };
        scene.refused(&keys, by, method.name, &method.args, method.deposit.yocto(), "KEYS_NO_AUTHORITY").await;
    }
    ok(&scene.owner, &keys, "revoke_grant", json!({ "grant": 1 }), 0).await;
}

/// A transaction has at most 1.5 MiB (nearcore's `max_transaction_size`).
const ARGUMENT_BYTES_MAX: usize = 1_400_000;

/// Arguments with one list of 10,000, or as many as a transaction can hold, or one text of 100,000 letters: for every list
/// and text in them.
fn oversized(args: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match args {
        Value::Array(items) => {
            let item = items.first().cloned().unwrap_or_else(|| json!("x"));
            let fits = ARGUMENT_BYTES_MAX / (item.to_string().len() + 1);
            all.push(Value::Array(vec![item; fits.min(10_000)]));
            for long in items.first().map(oversized).unwrap_or_default() {
                all.push(json!([long]));
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                for long in oversized(field) {
                    let mut other = fields.clone();
                    other.insert(name.clone(), long);
                    all.push(Value::Object(other));
                }
            }
        }
        Value::String(_) => all.push(json!("x".repeat(100_000))),
        _ => {}
    }
    all
}

/// Ten thousand of anything, or a thousand levels of it, are refused with a code before they cost much: INV-REG-5 and
/// INV-KEY-9 would not notice, gas would.
async fn walk_huge(scene: &Scene, contract: &AccountId, methods: Vec<Method>) -> usize {
    let mut tried = 0;
    for Method { name, args, deposit, .. } in methods {
        let deep = (0..1_000).fold(json!(1), |inside, _| json!([inside]));
        let wide: serde_json::Map<String, Value> = (0..10_000).map(|field| (format!("f{field}"), json!(1))).collect();
        let mut huge = vec![json!({ "agent": deep }), Value::Object(wide)];
        huge.extend(oversized(&args));
        for args in huge {
            tried += 1;
            let before = scene.state(contract, true).await;
            let outcome = scene.owner.send(contract, name, &args, deposit.yocto()).await.unwrap();
            let code = failed_with(&outcome).unwrap_or_default();
            let start: String = args.to_string().chars().take(80).collect();
            let known = ["CHARTER_", "REGISTRY_", "KEYS_"].iter().any(|contract| code.starts_with(contract));
            assert!(known, "{name} {start}: {code}, {} TGas", outcome.total_gas_burnt.as_tgas());
            assert_eq!(scene.state(contract, true).await, before, "{name} {start} left a trace");
        }
    }
    tried
}

#[tokio::test]
async fn arguments_of_any_size_are_refused_with_a_code() {
    let scene = scene().await;
    let (registry, keys) = (scene.harness.contracts.registry.clone(), scene.harness.contracts.keys.clone());
    let plain = json!({ "card": card("x"), "agent_account": null });
    let operator = json!({ "account": "a.near", "permissions": ["card"], "expires_ms": u64::MAX });
    let register = json!({ "card": card("x"), "operators": [operator], "guardians": ["a.near"] });
    let mut methods = registry_methods(scene.stranger.id());
    methods.push(owners("register_agent", register, Deposit::Pays, ""));
    methods.push(owners("register_agents", json!({ "agents": [plain] }), Deposit::Pays, ""));
    assert!(walk_huge(&scene, &registry, methods).await > 100);
    assert!(walk_huge(&scene, &keys, keys_methods(&scene)).await > 100);
}
