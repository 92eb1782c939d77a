//! Keys, about secret 1 and grant 1 of agent 1. Host 1 holds the grant; the owner made it.

use charter_types::keys::args::{
    AddCredential, AddWraps, AnchorReceipts, AnswerApproval, ApprovalRef, AttestHost, Check, CheckLive, CreateSecret,
    Delegate, GrantBatch, GrantRef, GrantSecret, HostRef, LeaseRef, Narrow, PutEnvelope, Received, RequestApproval,
    RequestKeyRelease, Reserve, RotateSecret, SecretRef, SetHostStatus, Settle, WrapRef,
};
use charter_types::keys::methods as keys;
use charter_types::keys::{Asker, Envelope, Grantee, HostStatus, Mode, Wrap};
use charter_types::method::Method;
use charter_types::{Base64Bytes, Hash32, Named, Page, Signature64, U128};

use super::case::{Case, Who};
use super::scene::Scene;
use charter_harness::arguments::{change_of_host, get, host, policy, terms};

const NOT_OWNER: &str = "KEYS_NOT_OWNER";
const NOT_OPERATOR: &str = "KEYS_NOT_OPERATOR";
const NOT_REVOKER: &str = "KEYS_NOT_REVOKER";
const NOT_GRANTEE: &str = "KEYS_NOT_GRANTEE";
const NO_AUTHORITY: &str = "KEYS_NO_AUTHORITY";
const NOT_PAYER: &str = "KEYS_NOT_PAYER";
const NO_APPROVAL: &str = "KEYS_NO_APPROVAL";
const NO_LEASE: &str = "KEYS_UNKNOWN_LEASE";

pub fn cases(scene: &Scene) -> Vec<Case> {
    [hosts(scene), secrets(scene), grants(scene), approvals(scene), use_of(scene), views(scene)].concat()
}

/// A method about a secret, which is the owner's of its agent.
fn of_secret<M: Method>(method: M, args: &M::Args) -> Case {
    Case::new(method, args, NOT_OWNER).unknown("secret", 999, "KEYS_UNKNOWN_SECRET")
}

fn of_grant<M: Method>(method: M, args: &M::Args, code: &'static str) -> Case {
    Case::new(method, args, code).unknown("grant", 999, "KEYS_UNKNOWN_GRANT")
}

fn of_host<M: Method>(method: M, args: &M::Args) -> Case {
    Case::new(method, args, NOT_OPERATOR).by(Who::Host).unknown("host", 999, "KEYS_UNKNOWN_HOST")
}

fn hosts(scene: &Scene) -> Vec<Case> {
    let register = host(&scene.harness, &scene.harness.contracts.keys, scene.person(Who::Owner), 7);
    let keys = &scene.harness.contracts.keys;
    let change = change_of_host(&scene.harness, keys, scene.person(Who::Host), (1, 0), 8);
    let anchor = AnchorReceipts { host: 1, from: 1, to: 2, merkle_root: Hash32([0x22; 32]) };
    vec![
        // A proof is good for who it names.
        Case::new(keys::register_host, &register, "KEYS_BAD_HOST_PROOF"),
        of_host(keys::set_host_status, &SetHostStatus { host: 1, status: HostStatus::Suspended }),
        of_host(keys::revoke_host, &HostRef { host: 1 }),
        of_host(keys::change_host_keys, &change),
        of_host(keys::remove_host, &HostRef { host: 1 }),
        of_host(keys::attest_host, &AttestHost { host: 1, agent: 1 }),
        of_host(keys::anchor_receipts, &anchor),
    ]
}

fn wraps() -> Vec<Wrap> {
    vec![Wrap { host: 1, host_generation: 0, sealed: Base64Bytes(vec![0]) }]
}

fn envelope() -> Envelope {
    Envelope::Inline(Base64Bytes(vec![0]))
}

fn secrets(scene: &Scene) -> Vec<Case> {
    let (agent, secret, expected_version, rotate_by_ms) = (1, 1, 1, 0);
    // The one that the scene has stored.
    let there = Envelope::Inline(Base64Bytes(vec![1; 64]));
    let (envelope, wraps, ceiling) = (envelope(), wraps(), policy("/"));
    let terms = terms(Grantee::Account(scene.id(Who::Agent)), policy("/v1"), u64::MAX);
    let add = AddCredential {
        agent,
        epochs: None,
        label_hash: Hash32([0x33; 32]),
        ceiling: ceiling.clone(),
        envelope: envelope.clone(),
        wraps: wraps.clone(),
        rotate_by_ms,
        grants: Vec::new(),
    };
    let create = CreateSecret {
        agent,
        label_hash: Hash32([0x44; 32]),
        ceiling: ceiling.clone(),
        mode: Mode::External,
        sha256: Hash32::default(),
        rotate_by_ms,
        grants: Vec::new(),
    };
    let rotate =
        RotateSecret { secret, expected_version, envelope: envelope.clone(), wraps: wraps.clone(), rotate_by_ms };
    let grant = GrantSecret { secret, ceiling: ceiling.clone(), terms: terms.clone() };
    vec![
        Case::new(keys::add_credential, &add, NOT_OWNER).unknown("agent", 999, NO_AUTHORITY),
        Case::new(keys::create_secret, &create, NOT_OWNER).unknown("agent", 999, NO_AUTHORITY),
        of_secret(keys::put_envelope, &PutEnvelope { secret, expected_version, envelope: there }),
        of_secret(keys::add_wraps, &AddWraps { secret, expected_version, wraps }),
        of_secret(keys::rotate_secret, &rotate),
        of_secret(keys::retire_secret, &SecretRef { secret }),
        Case { code: "KEYS_NOT_RETIRED", ..of_secret(keys::clean_secret, &SecretRef { secret }) },
        Case { code: "", ..of_secret(keys::forget_secret, &SecretRef { secret }) },
        of_secret(keys::grant, &grant),
        of_secret(keys::grant_batch, &GrantBatch { secret, ceiling, grants: vec![terms] }),
        Case { code: NOT_REVOKER, ..of_secret(keys::revoke_secret, &SecretRef { secret }) }.may(&[Who::Guardian]),
    ]
}

fn grants(scene: &Scene) -> Vec<Case> {
    let reference = GrantRef { grant: 1 };
    let terms = terms(Grantee::Account(scene.id(Who::Agent)), policy("/v1"), u64::MAX);
    let delegate = Delegate { parent: 1, parent_policy: policy("/v1"), terms };
    let narrow =
        Narrow { grant: 1, policy: policy("/v1"), narrower: policy("/v1/chat"), expires_ms: scene.expires_ms - 1 };
    vec![
        Case::new(keys::delegate, &delegate, NOT_GRANTEE).unknown("parent", 999, "KEYS_UNKNOWN_GRANT"),
        of_grant(keys::narrow, &narrow, NOT_OWNER),
        of_grant(keys::suspend, &reference, NOT_REVOKER).may(&[Who::Guardian]),
        of_grant(keys::resume, &reference, "KEYS_NOT_SUSPENDED"),
        of_grant(keys::renounce, &reference, NOT_GRANTEE),
        of_grant(keys::revoke_grant, &reference, NOT_REVOKER).may(&[Who::Guardian]),
        of_grant(keys::remove_grant, &reference, NOT_PAYER),
    ]
}

fn approvals(scene: &Scene) -> Vec<Case> {
    let digest = Hash32([0x22; 32]);
    let expires_ms = scene.now_ms + 600_000;
    let request = RequestApproval { grant: 1, digest, host: 1, expires_ms };
    let answer = AnswerApproval { grant: 1, host: 1, digest, expires_ms };
    let reference = ApprovalRef { grant: 1, host: Some(1), digest };
    vec![
        of_grant(keys::request_approval, &request, NOT_GRANTEE).by(Who::Host),
        of_grant(keys::approve, &answer, NO_APPROVAL),
        of_grant(keys::reject, &answer, NO_APPROVAL),
        Case::new(keys::withdraw_approval, &reference, NO_APPROVAL).unknown("grant", 999, NO_APPROVAL),
    ]
}

fn use_of(scene: &Scene) -> Vec<Case> {
    let reserve = Reserve { grant: 1, host: 1, amount: U128(1), for_ms: 5, digest: None };
    let asker = Asker::Account(scene.id(Who::Stranger));
    let live = CheckLive { grant: 1, policy: policy("/v1"), host: 1, asker, action: get("/v1") };
    let (app_public_key, proof) = ("bls12381g1:app".to_owned(), Signature64([8; 64]));
    let release = RequestKeyRelease { grant: 1, host: 1, app_public_key, proof };
    vec![
        of_host(keys::reserve, &reserve),
        Case::new(keys::settle, &Settle { lease: 9, used: U128(1) }, NO_LEASE).unknown("lease", 999, NO_LEASE),
        Case::new(keys::expire, &LeaseRef { lease: 9 }, NO_LEASE).unknown("lease", 999, NO_LEASE),
        Case::new(keys::check_live, &live, "").unknown("grant", 999, "KEYS_UNKNOWN_GRANT"),
        of_host(keys::request_key_release, &release),
        Case::new(keys::set_mpc, &Named { account: scene.id(Who::Agent) }, "CHARTER_NOT_ADMIN"),
    ]
}

fn views(scene: &Scene) -> Vec<Case> {
    let page = Page { from: 1, limit: Some(1) };
    let secret = SecretRef { secret: 1 };
    let asker = Asker::Account(scene.id(Who::Stranger));
    let standing = scene.standing.clone().unwrap();
    let check = Check { grant: 1, policy: policy("/v1"), host: 1, asker, standing, action: get("/v1") };
    vec![
        Case::new(keys::host, &HostRef { host: 1 }, ""),
        Case::new(keys::hosts, &page, ""),
        Case::new(keys::secret, &secret, ""),
        Case::new(keys::secrets, &page, ""),
        Case::new(keys::envelope, &secret, ""),
        Case::new(keys::wrap, &WrapRef { secret: 1, host: 1 }, ""),
        Case::new(keys::who_received, &Received { secret: 1, from: 0, limit: Some(1) }, ""),
        Case::new(keys::lineage, &GrantRef { grant: 1 }, ""),
        Case::new(keys::grants, &page, ""),
        Case::new(keys::budgets, &page, ""),
        Case::new(keys::lease, &LeaseRef { lease: 1 }, ""),
        Case::new(keys::approval, &ApprovalRef { grant: 1, host: Some(1), digest: Hash32([0x22; 32]) }, ""),
        Case::new(keys::check, &check, ""),
    ]
}
