//! Test vectors for other implementations, in `contracts/rules/vectors/`: decisions about grants, and about vouchers.
//! `CHARTER_WRITE_VECTORS=1 cargo test --test vectors` writes them anew; without it they are compared.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::path::PathBuf;

use charter_rules::decision::{Evidence, decide};
use charter_rules::voucher::{self, Channel};
use charter_types::asset::Asset;
use charter_types::escrow::{self, EscrowError, Kind, Voucher};
use charter_types::keys::{
    Action, Asker, Assurance, Decision, Effect, Grant, Grantee, Host, HostStatus, HttpAction, Inject, Method, Mode,
    NearAction, NearCall, Policy, Rate, Scheme, Secret, SecretStatus, Snapshot, Suspension, Target,
};
use charter_types::registry::{AgentKey, Epochs, PausedBy, Purpose, Standing, Status};
use charter_types::{AnyKey, Ed25519Key, ErrorCode, Hash32, U128, X25519Key};
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Compares a file of vectors with what they should be, or writes it.
fn compare(name: &str, vectors: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    if std::env::var("CHARTER_WRITE_VECTORS").is_ok() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_string_pretty(vectors).unwrap() + "\n").unwrap();
    }
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(&written, vectors, "{name} says something else: write it anew if that is meant");
}

/// Everything a decision depends on.
#[derive(Clone, Serialize, Deserialize)]
struct Case {
    name: String,
    lineage: Vec<Grant>,
    policy: Policy,
    secret: Secret,
    host: Host,
    sealed_generation: Option<u64>,
    standing: Standing,
    asker: Asker,
    now_ms: u64,
    action: Action,
}

impl Case {
    fn decision(&self) -> Decision {
        let evidence = Evidence {
            lineage: &self.lineage,
            policy: &self.policy,
            secret: &self.secret,
            host: &self.host,
            sealed_generation: self.sealed_generation,
            standing: &self.standing,
            asker: &self.asker,
            now_ms: self.now_ms,
        };
        decide(&evidence, &self.action, sha256)
    }
}

const NOW_MS: u64 = 1_000_000;
const EPOCHS: Epochs = Epochs { agent: 7, owner: 3 };

fn policy() -> Policy {
    Policy {
        effects: vec![Effect::Read, Effect::Write, Effect::Sign],
        targets: vec![Target {
            scheme: Scheme::Https,
            host: "*.openai.com".to_owned(),
            port: 443,
            paths: vec!["/v1".to_owned()],
            methods: vec![Method::Get, Method::Post],
        }],
        inject: Inject::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() },
        body_bytes_max: 1_000,
        response_bytes_max: 1_000,
        rate: None,
        near_calls: vec![NearCall {
            contract: "usdt.near".parse().unwrap(),
            methods: vec!["ft_transfer".to_owned()],
            deposit_max: U128(1),
            gas_max: 30_000_000_000_000,
        }],
    }
}

fn http() -> HttpAction {
    HttpAction {
        scheme: Scheme::Https,
        host: "api.openai.com".to_owned(),
        port: 443,
        path: "/v1/models".to_owned(),
        method: Method::Get,
        body_bytes: 0,
        content_sha256: Hash32::default(),
        effects: Vec::new(),
    }
}

fn grant(id: u64, parent: Option<u64>) -> Grant {
    Grant {
        id,
        agent: 1,
        secret: 1,
        parent,
        depth: u8::from(parent.is_some()),
        grantor: "alice.near".parse().unwrap(),
        grantee: Grantee::Account("bob.near".parse().unwrap()),
        policy_hash: Hash32::of(&policy(), sha256),
        not_before_ms: NOW_MS - 1,
        expires_ms: NOW_MS + 1,
        hosts: Vec::new(),
        rate: None,
        needs_approval: false,
        needs_attestation: false,
        measurements: Vec::new(),
        no_delegation: false,
        has_budget: false,
        suspended: Suspension::No,
        revoked: false,
        generation: 4,
        snapshot: Snapshot {
            epochs: EPOCHS,
            secret_epoch: 2,
            parent_generation: parent.map(|_| 4),
            host_generation: None,
        },
    }
}

fn base() -> Case {
    Case {
        name: "allowed".to_owned(),
        lineage: vec![grant(2, Some(1)), grant(1, None)],
        policy: policy(),
        secret: Secret {
            id: 1,
            agent: 1,
            label_hash: Hash32([1; 32]),
            mode: Mode::Sealed,
            status: SecretStatus::Active,
            version: 3,
            epoch: 2,
            ceiling_hash: Hash32([2; 32]),
            envelope_sha256: Hash32([3; 32]),
            envelope_bytes: 64,
            rotate_by_ms: 0,
            recipients: 1,
            epochs: EPOCHS,
        },
        host: Host {
            id: 9,
            operator: "hal.near".parse().unwrap(),
            sign_key: Ed25519Key([5; 32]),
            encrypt_key: X25519Key([9; 32]),
            assurance: Assurance::Declared,
            status: HostStatus::Active,
            generation: 6,
            max_staleness_ms: 1_000,
            receipts: 0,
            receipt_root: Hash32::default(),
        },
        sealed_generation: Some(6),
        standing: Standing {
            owner: "alice.near".parse().unwrap(),
            status: Status::Active,
            armed: true,
            epochs: EPOCHS,
            keys: vec![AgentKey {
                key: AnyKey::Ed25519(Ed25519Key([7; 32])),
                purpose: Purpose::Sign,
                expires_ms: NOW_MS + 1,
            }],
        },
        asker: Asker::Account("bob.near".parse().unwrap()),
        now_ms: NOW_MS,
        action: Action::Http(http()),
    }
}

/// Adds a case that differs from [`base`] in one thing.
type Add<'a> = dyn FnMut(&str, &dyn Fn(&mut Case)) + 'a;

fn cases() -> Vec<Case> {
    let mut all = vec![base()];
    let mut add = |name: &str, change: &dyn Fn(&mut Case)| {
        let mut case = Case { name: name.to_owned(), ..base() };
        change(&mut case);
        all.push(case);
    };
    add_askers(&mut add);
    add_the_dead(&mut add);
    add_hosts(&mut add);
    add_actions(&mut add);
    all
}

fn attest(case: &mut Case) {
    case.host.assurance = Assurance::Attested { agent: 5, measurement: Hash32([8; 32]), expires_ms: NOW_MS + 1 };
}

fn add_askers(add: &mut Add<'_>) {
    add("no lineage", &|case| case.lineage.clear());
    add("a parent is missing", &|case| case.lineage.truncate(1));
    add("the secret is another agent's", &|case| case.secret.agent = 2);
    add("another account asks", &|case| case.asker = Asker::Account("eve.near".parse().unwrap()));
    add("a key asks for an account's grant", &|case| case.asker = Asker::Key(Ed25519Key([7; 32])));
    add("the agent's key asks for its grant", &|case| {
        case.lineage[0].grantee = Grantee::AgentKey(Ed25519Key([7; 32]));
        case.asker = Asker::Key(Ed25519Key([7; 32]));
    });
    add("the agent's key is no longer the agent's", &|case| {
        case.lineage[0].grantee = Grantee::AgentKey(Ed25519Key([7; 32]));
        case.asker = Asker::Key(Ed25519Key([7; 32]));
        case.standing.keys.clear();
    });
    add("the agent's key is too old", &|case| {
        case.lineage[0].grantee = Grantee::AgentKey(Ed25519Key([7; 32]));
        case.asker = Asker::Key(Ed25519Key([7; 32]));
        case.standing.keys[0].expires_ms = NOW_MS;
    });
    add("the host's operator asks for the host's grant", &|case| {
        case.lineage[0].grantee = Grantee::Host(9);
        case.lineage[0].snapshot.host_generation = Some(6);
        case.asker = Asker::Account("hal.near".parse().unwrap());
    });
    add("the host of a grant to it was revoked", &|case| {
        case.lineage[0].grantee = Grantee::Host(9);
        case.lineage[0].snapshot.host_generation = Some(5);
        case.asker = Asker::Account("hal.near".parse().unwrap());
    });
    add("a measurement's grant on a host attested with it", &|case| {
        attest(case);
        case.lineage[0].grantee = Grantee::Measurement(Hash32([8; 32]));
        case.asker = Asker::Account("hal.near".parse().unwrap());
    });
    add("a measurement's grant on a host that is not attested", &|case| {
        case.lineage[0].grantee = Grantee::Measurement(Hash32([8; 32]));
        case.asker = Asker::Account("hal.near".parse().unwrap());
    });
}

fn add_the_dead(add: &mut Add<'_>) {
    add("revoked", &|case| case.lineage[0].revoked = true);
    add("the parent was revoked or narrowed", &|case| case.lineage[1].generation = 5);
    add("the parent is suspended", &|case| case.lineage[1].suspended = Suspension::ByOwner);
    add("it starts now", &|case| case.lineage[0].not_before_ms = NOW_MS);
    add("it starts later", &|case| case.lineage[0].not_before_ms = NOW_MS + 1);
    add("the parent ends now", &|case| case.lineage[1].expires_ms = NOW_MS);
    add("the agent was revoked or sold", &|case| case.standing.epochs.agent = 8);
    add("the owner pressed the panic button", &|case| case.standing.epochs.owner = 4);
    add("the owner has not rearmed the agent", &|case| case.standing.armed = false);
    add("the agent is paused", &|case| {
        case.standing.status = Status::Paused { until_ms: Some(NOW_MS + 1), by: PausedBy::Guardian };
    });
    add("the agent's pause is over", &|case| {
        case.standing.status = Status::Paused { until_ms: Some(NOW_MS), by: PausedBy::Guardian };
    });
    add("the secret was revoked", &|case| case.secret.epoch = 3);
    add("the secret is retired", &|case| case.secret.status = SecretStatus::Retired);
}

fn add_hosts(add: &mut Add<'_>) {
    add("the host is out of service", &|case| case.host.status = HostStatus::Suspended);
    add("the secret is not sealed to the host", &|case| case.sealed_generation = None);
    add("the host was revoked since the secret was sealed to it", &|case| case.sealed_generation = Some(5));
    add("a derived secret is sealed to nobody", &|case| {
        case.secret.mode = Mode::Mpc;
        case.sealed_generation = None;
    });
    add("the parent asks for an attested host", &|case| case.lineage[1].needs_attestation = true);
    add("the parent asks for an attested host and names no measurement", &|case| {
        attest(case);
        case.lineage[1].needs_attestation = true;
    });
    for (name, measurement) in [("the one", 8), ("another", 7)] {
        add(&format!("the parent names a measurement, the host is attested with {name}"), &|case| {
            attest(case);
            case.lineage[1].needs_attestation = true;
            case.lineage[1].measurements = vec![Hash32([measurement; 32])];
        });
    }
    add("the host is revoked", &|case| case.host.status = HostStatus::Revoked);
    add("the grant names the host", &|case| case.lineage[0].hosts = vec![2, 9]);
    add("the grant names other hosts", &|case| case.lineage[0].hosts = vec![2, 3]);
    add("the parent has a rate", &|case| case.lineage[1].rate = Some(Rate { uses: 2, per_ms: 100 }));
}

fn add_actions(add: &mut Add<'_>) {
    add("another policy is shown", &|case| case.policy.body_bytes_max = 1_001);
    for (name, change) in [
        ("the suffix itself", ("openai.com", "/v1")),
        ("another host with the same end", ("evilopenai.com", "/v1")),
        ("upper case", ("API.openai.com", "/v1")),
        ("a letter of another script", ("api.openаi.com", "/v1")),
        ("a trailing dot", ("api.openai.com.", "/v1")),
        ("user info", ("a@api.openai.com", "/v1")),
        ("a longer segment", ("api.openai.com", "/v10")),
        ("a dot segment", ("api.openai.com", "/v1/../admin")),
        ("an encoded dot segment", ("api.openai.com", "/v1/%2e%2e/admin")),
        ("an empty segment", ("api.openai.com", "//v1")),
    ] {
        let (host, path) = change;
        add(name, &|case| {
            case.action = Action::Http(HttpAction { host: host.to_owned(), path: path.to_owned(), ..http() });
        });
    }
    add("another port", &|case| case.action = Action::Http(HttpAction { port: 8_443, ..http() }));
    add("plain http", &|case| case.action = Action::Http(HttpAction { scheme: Scheme::Http, ..http() }));
    add("another method", &|case| case.action = Action::Http(HttpAction { method: Method::Delete, ..http() }));
    add("an effect beyond the policy", &|case| {
        case.action = Action::Http(HttpAction { effects: vec![Effect::Spend], ..http() });
    });
    add("the longest body", &|case| case.action = Action::Http(HttpAction { body_bytes: 1_000, ..http() }));
    add("a longer body", &|case| case.action = Action::Http(HttpAction { body_bytes: 1_001, ..http() }));
    let near = |method: &str, deposit: u128| {
        Action::Near(NearAction {
            contract: "usdt.near".parse().unwrap(),
            method: method.to_owned(),
            deposit: U128(deposit),
            gas: 30_000_000_000_000,
            args_sha256: Hash32([4; 32]),
        })
    };
    add("a NEAR call", &|case| case.action = near("ft_transfer", 1));
    add("a NEAR call of another method", &|case| case.action = near("ft_transfer_call", 1));
    add("a NEAR call with a larger deposit", &|case| case.action = near("ft_transfer", 2));
    add("a budget hangs above", &|case| case.lineage[1].has_budget = true);
    add("the parent asks for approvals", &|case| case.lineage[1].needs_approval = true);
}

#[test]
fn decisions_are_as_written() {
    let vectors: Vec<Value> = cases()
        .iter()
        .map(|case| {
            let mut vector = json!(case);
            vector["decision"] = json!(case.decision());
            // Whoever reads the file must come to the same decision from it.
            let read: Case = serde_json::from_value(vector.clone()).unwrap();
            assert_eq!(read.decision(), case.decision(), "{}", case.name);
            vector
        })
        .collect();
    compare("decision.json", &json!(vectors));
}

/// What of a voucher a claim carries, as text: numbers in decimal, for readers without 128 bits.
fn row(voucher: &Voucher, signature: &str) -> Value {
    json!({
        "channel": hex::encode(voucher.channel.0), "cumulative": voucher.cumulative.to_string(),
        "expires_at_ms": voucher.expires_at_ms.to_string(), "counter": voucher.counter.to_string(),
        "context_root": hex::encode(voucher.context_root.0), "signature": signature,
    })
}

/// Made by hand for the first case: the R of its signature and a point of order 8, and the s that goes with it. Eight times
/// sB − R − kA is 0, which a check with cofactor asks, as of batches; sB − R − kA itself is not, and the chain asks that.
const COFACTORED: &str = "909236c88adf8aab51ad08646303c616442ff5a37ab6502641d32b5294b2ffd02187ae5f37e0903f9fb4efe4dd2517ae13fd633e00ddb310dc19bf25af4cfc0a";

/// Made by hand for the first case with the key of seed 42: R is the neutral element, and s is k·a. The chain takes it; a strict
/// check refuses it, because R is of small order.
const NEUTRAL: &str = "0100000000000000000000000000000000000000000000000000000000000000bdc9eca10b001ded2dcb6039c91f2aa4d7af2b5ea147a8026bdf7fb7c8b9b20d";

/// A case as the file has it.
fn vector(
    name: &str,
    channel: &escrow::Channel,
    voucher: &Voucher,
    signature: &str,
    at_ms: u64,
    refused: Option<&str>,
) -> Value {
    json!({
        "name": name,
        "channel": {
            "id": hex::encode(channel.id.0), "deposited": channel.deposited.0.to_string(),
            "claimed": channel.claimed.0.to_string(), "closes_ms": channel.closes_ms,
            "locked_until_ms": channel.locked_until_ms, "closed": channel.closed,
        },
        "at_ms": at_ms, "row": row(voucher, signature),
        "signed": hex::encode(voucher.to_bytes()), "refused": refused,
    })
}

/// What is not in a case does not count.
fn channel(signing: &SigningKey) -> escrow::Channel {
    escrow::Channel {
        id: Hash32([2; 32]),
        payer: "alice.near".parse().unwrap(),
        payee: "bob.near".parse().unwrap(),
        asset: Asset::Near,
        agent: None,
        voucher_key: Ed25519Key(signing.verifying_key().to_bytes()),
        deposited: U128(u128::MAX - 1),
        claimed: U128(500),
        paid: U128(0),
        refunded: U128(0),
        withdraw_delay_ms: 900_000,
        closes_ms: None,
        closed: false,
        locked_until_ms: 0,
        terms_hash: None,
        shares: Vec::new(),
        purse: None,
    }
}

/// A name, the channel, what is promised on it, and when it is presented.
type VoucherCase = (&'static str, escrow::Channel, Voucher, u64);

fn voucher_cases(open: &escrow::Channel, best: &Voucher) -> Vec<VoucherCase> {
    let domain = |chain_id: &str, contract: &str| Voucher::domain(chain_id, &contract.parse().unwrap(), sha256);
    let open = || open.clone();
    let best = || best.clone();
    let closing = || escrow::Channel { closes_ms: Some(200), ..open() };
    let locked = |locked_until_ms| escrow::Channel { locked_until_ms, ..closing() };
    vec![
        ("one more than was claimed", open(), best(), 100),
        ("all that was deposited", open(), Voucher { cumulative: u128::MAX - 1, ..best() }, 100),
        ("more than was deposited", open(), Voucher { cumulative: u128::MAX, ..best() }, 100),
        ("what was claimed", open(), Voucher { cumulative: 500, ..best() }, 100),
        ("nothing", escrow::Channel { claimed: U128(0), ..open() }, Voucher { cumulative: 0, ..best() }, 100),
        ("at the last moment", open(), Voucher { expires_at_ms: 100, ..best() }, 100),
        ("a moment later", open(), Voucher { expires_at_ms: 99, ..best() }, 100),
        ("the latest time there is", open(), Voucher { expires_at_ms: u64::MAX, ..best() }, 100),
        ("any count and root", open(), Voucher { counter: u64::MAX, context_root: Hash32([255; 32]), ..best() }, 100),
        ("before a closing channel ends", closing(), best(), 199),
        ("when a closing channel ends", closing(), best(), 200),
        ("a channel that is closed", escrow::Channel { closed: true, ..open() }, best(), 100),
        ("another channel", open(), Voucher { channel: Hash32([3; 32]), ..best() }, 100),
        (
            "expired, of a channel that ended: the channel is looked at first",
            closing(),
            Voucher { expires_at_ms: 1, ..best() },
            200,
        ),
        ("signed for another chain", open(), Voucher { domain: domain("testnet", "escrow.near"), ..best() }, 100),
        ("signed for another contract", open(), Voucher { domain: domain("mainnet", "escrow2.near"), ..best() }, 100),
        ("before the lock of a closing channel ends", locked(300), best(), 299),
        ("when the lock of a closing channel ends", locked(300), best(), 300),
        ("before a closing channel ends whose lock is over", locked(150), best(), 199),
        ("when a closing channel ends whose lock is over", locked(150), best(), 200),
        (
            "after the lock of a channel that nobody asked to close",
            escrow::Channel { locked_until_ms: 50, ..open() },
            best(),
            100,
        ),
    ]
}

fn signature(text: &str) -> Signature {
    let mut bytes = [0; 64];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    Signature::from_bytes(&bytes)
}

#[test]
fn vouchers_are_as_written() {
    let signing = SigningKey::from_bytes(&[42; 32]);
    let own = Voucher::domain("mainnet", &"escrow.near".parse().unwrap(), sha256);
    let open = channel(&signing);
    let best = Voucher {
        kind: Kind::Voucher,
        domain: own,
        channel: open.id,
        cumulative: 501,
        expires_at_ms: 0,
        counter: 1,
        context_root: Hash32::default(),
    };
    let vectors = voucher_cases(&open, &best).into_iter().map(|(name, channel, voucher, at_ms)| {
        let signature = signing.sign(&voucher.to_bytes());
        let told = voucher::check(&Channel::from(&channel), &voucher, at_ms).map_err(|error| error.code());
        let told =
            told.and_then(|()| if voucher.domain == own { Ok(()) } else { Err(EscrowError::Signature {}.code()) });
        vector(name, &channel, &voucher, &hex::encode(signature.to_bytes()), at_ms, told.err())
    });
    let key = signing.verifying_key();
    assert!(key.verify(&best.to_bytes(), &signature(COFACTORED)).is_err());
    let refused = Some(EscrowError::Signature {}.code());
    let cofactored = vector("good by a check with cofactor alone", &open, &best, COFACTORED, 100, refused);
    assert!(key.verify(&best.to_bytes(), &signature(NEUTRAL)).is_ok());
    assert!(key.verify_strict(&best.to_bytes(), &signature(NEUTRAL)).is_err());
    let neutral = vector("good but by a strict check", &open, &best, NEUTRAL, 100, None);
    let vectors: Vec<Value> = vectors.chain([cofactored, neutral]).collect();
    compare(
        "voucher.json",
        &json!({
            "chain_id": "mainnet", "contract": "escrow.near", "domain": hex::encode(own.0),
            "voucher_key": hex::encode(key.to_bytes()), "cases": vectors,
        }),
    );
}
