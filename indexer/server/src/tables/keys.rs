//! The key-permission registry's records.

use charter_client::sha256;
use charter_types::keys::args::{ApprovalRef, LeaseRef, Received, WrapRef};
use charter_types::keys::{
    Anchor, Approval, Budget, Fact, Grant, Host, HostId, Lease, Policy, Recipient, SealedKey, Secret, SecretId,
};
use charter_types::{AccountId, Hash32, Nothing, PAGE_MAX};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, amount, boolean, number, record, word};
use crate::tables::registry::AGENT;
use crate::truth::{Row, Truth};
use crate::views::{self, Chain, HighestId};

pub static TABLES: &[&Table] =
    &[&HOST, &SECRET, &WRAP, &RECIPIENT, &KEY_GRANT, &KEY_POLICY, &BUDGET, &LEASE, &APPROVAL, &ANCHOR, &KEYS_SETTING];

pub static HOST: Table = Table {
    name: "host",
    contract: Contract::Keys,
    about: "Key hosts.",
    key: Key::Fields(&["id"]),
    columns: &[number("id"), account("operator").filter(), word("status"), number("generation"), number("receipts")],
    path: "hosts",
    record: record::<Host>,
    truth: Truth::Pages { list: views::HOSTS, last: HighestId::Host },
};

pub static SECRET: Table = Table {
    name: "secret",
    contract: Contract::Keys,
    about: "Secrets: hashes and lengths, never a ciphertext.",
    key: Key::Fields(&["id"]),
    columns: &[
        number("id"),
        number("agent").refers(&AGENT).filter(),
        word("mode"),
        word("status"),
        number("version"),
        number("epoch"),
    ],
    path: "secrets",
    record: record::<Secret>,
    truth: Truth::Pages { list: views::SECRETS, last: HighestId::Secret },
};

pub static WRAP: Table = Table {
    name: "wrap",
    contract: Contract::Keys,
    about: "Data keys that are on chain: which version of a secret is sealed to which host.",
    key: Key::Fields(&["secret", "version", "host"]),
    columns: &[number("secret").refers(&SECRET).filter(), number("host").refers(&HOST).filter()],
    path: "wraps",
    record: record::<WrapRow>,
    truth: Truth::One(|chain, row| Box::pin(wrap(chain, row))),
};

pub static RECIPIENT: Table = Table {
    name: "recipient",
    contract: Contract::Keys,
    about: "Hosts that could ever open a secret: who would have to forget it.",
    key: Key::Fields(&["secret", "index"]),
    columns: &[
        number("secret").refers(&SECRET).filter(),
        number("host").of("recipient.host").refers(&HOST).filter(),
        number("place").of("index"),
    ],
    path: "recipients",
    record: record::<RecipientRow>,
    truth: Truth::PerParent {
        parent: &SECRET,
        of: "secret",
        rows: |chain, secret| Box::pin(recipients(chain, secret)),
    },
};

pub static KEY_GRANT: Table = Table {
    name: "key_grant",
    contract: Contract::Keys,
    about: "Grants. The policy a grant was made with is in key_policy.",
    key: Key::Fields(&["id"]),
    columns: &[
        number("id"),
        number("agent").refers(&AGENT).filter(),
        number("secret").refers(&SECRET).filter(),
        number("parent"),
        boolean("revoked").filter(),
        word("suspended"),
        number("expires_ms"),
    ],
    path: "grants",
    record: record::<Grant>,
    truth: Truth::Pages { list: views::GRANTS, last: HighestId::Grant },
};

pub static KEY_POLICY: Table = Table {
    name: "key_policy",
    contract: Contract::Keys,
    about: "Policies by the grant they belong to, as they stood in the event.",
    key: Key::Beside("grant"),
    columns: &[number("grant_id").of_key().refers(&KEY_GRANT)],
    path: "policies",
    record: record::<Policy>,
    truth: Truth::One(|chain, row| Box::pin(policy(chain, row))),
};

pub static BUDGET: Table = Table {
    name: "budget",
    contract: Contract::Keys,
    about: "Budgets of grants, as they stood when they were last used.",
    key: Key::Fields(&["grant"]),
    columns: &[number("grant_id").of("grant").refers(&KEY_GRANT), amount("level"), amount("reserved"), amount("spent")],
    path: "budgets",
    record: record::<Budget>,
    truth: Truth::Pages { list: views::BUDGETS, last: HighestId::Grant },
};

pub static ANCHOR: Table = Table {
    name: "anchor",
    contract: Contract::Keys,
    about: "Merkle roots of receipts, by host and the last use they cover.",
    key: Key::Fields(&["host", "to"]),
    columns: &[number("host").refers(&HOST).filter(), number("first_use").of("from"), number("last_use").of("to")],
    path: "anchors",
    record: record::<Anchor>,
    truth: Truth::Rebuild,
};

pub static LEASE: Table = Table {
    name: "lease",
    contract: Contract::Keys,
    about: "Parts of budgets that hosts have set aside.",
    key: Key::Fields(&["id"]),
    columns: &[
        number("id"),
        number("grant_id").of("grant").refers(&KEY_GRANT).filter(),
        number("host").refers(&HOST),
        amount("amount"),
        number("expires_ms"),
    ],
    path: "leases",
    record: record::<Lease>,
    truth: Truth::One(|chain, row| Box::pin(lease(chain, row))),
};

pub static APPROVAL: Table = Table {
    name: "approval",
    contract: Contract::Keys,
    about: "Actions that wait for an approval, or have an answer that was not used yet.",
    key: Key::Fields(&["grant", "host", "digest"]),
    columns: &[
        number("grant_id").of("grant").refers(&KEY_GRANT).filter(),
        number("host").refers(&HOST),
        word("state"),
        number("expires_ms"),
    ],
    path: "approvals",
    record: record::<Approval>,
    truth: Truth::One(|chain, row| Box::pin(approval(chain, row))),
};

pub static KEYS_SETTING: Table = Table {
    name: "keys_setting",
    contract: Contract::Keys,
    about: "Settings of the key-permission registry that changed since its deployment: mpc.",
    key: Key::Beside("setting"),
    columns: &[],
    path: "keys-settings",
    record: record::<AccountId>,
    truth: Truth::One(|chain, row| Box::pin(setting(chain, row))),
};

/// A data key as tables have it: its hash and length.
#[derive(Serialize, JsonSchema)]
struct WrapRow {
    secret: SecretId,
    version: u32,
    host: HostId,
    host_generation: u64,
    sha256: Hash32,
    bytes: u32,
}

/// A host that could open a secret, with its place among those that could.
#[derive(Serialize, JsonSchema)]
struct RecipientRow {
    secret: SecretId,
    index: u64,
    recipient: Recipient,
}

fn value(row: impl Serialize) -> Value {
    serde_json::to_value(row).expect("rows are structs of numbers and hashes")
}

async fn wrap(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([secret, version, host]) = row.parts() else { return Ok(None) };
    let (Ok(secret), Ok(version), Ok(host)) = (secret.parse(), version.parse::<u32>(), host.parse()) else {
        return Ok(None);
    };
    let Some(newest) = chain.row(views::SECRETS, secret).await? else { return Ok(None) };
    // The contract shows data keys of the newest version only; older ones are as their events said.
    if newest["version"] != version {
        return Ok(Some(row.body.clone()));
    }
    let found: Option<SealedKey> = chain.ask(views::WRAP, WrapRef { secret, host }).await?;
    let Some(SealedKey { sealed, host_generation }) = found else { return Ok(None) };
    let bytes = u32::try_from(sealed.0.len()).expect("a contract's answer is shorter than 4 GB");
    let sha256 = Hash32(sha256(&sealed.0));
    Ok(Some(value(WrapRow { secret, version, host, host_generation, sha256, bytes })))
}

async fn recipients(chain: &Chain, secret: SecretId) -> Result<Vec<Value>, IndexerError> {
    let mut rows = Vec::new();
    let mut index = 0;
    loop {
        let question = Received { secret, from: index, limit: None };
        let page: Vec<Recipient> = chain.ask(views::WHO_RECEIVED, question).await?;
        let last = u64::try_from(page.len()).expect("a length fits into 64 bits") < PAGE_MAX;
        for recipient in page {
            rows.push(value(RecipientRow { secret, index, recipient }));
            index += 1;
        }
        if last {
            return Ok(rows);
        }
    }
}

/// The contract keeps a policy's hash, in the grant.
async fn policy(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(id) = row.key.parse() else { return Ok(None) };
    let Ok(policy) = serde_json::from_value::<Policy>(row.body.clone()) else { return Ok(None) };
    let Some(grant) = chain.row(views::GRANTS, id).await? else { return Ok(None) };
    let same = grant["policy_hash"] == value(Hash32::of(&policy, sha256)) && value(&policy) == *row.body;
    Ok(same.then(|| row.body.clone()))
}

async fn lease(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(lease) = row.key.parse() else { return Ok(None) };
    chain.ask(views::LEASE, LeaseRef { lease }).await
}

async fn approval(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([grant, host, digest]) = row.parts() else { return Ok(None) };
    let (Ok(grant), Ok(host), Ok(digest)) = (grant.parse(), host.parse(), digest.parse()) else { return Ok(None) };
    chain.ask(views::APPROVAL, ApprovalRef { grant, host: Some(host), digest }).await
}

async fn setting(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    match row.key {
        "mpc" => chain.ask(views::MPC, Nothing {}).await,
        _ => Ok(None),
    }
}

/// What a fact changes.
pub fn changes(fact: &Fact) -> Vec<Change> {
    match fact {
        Fact::Host(host) => vec![HOST.put(host)],
        Fact::Secret(secret) => vec![SECRET.put(secret)],
        Fact::Wrap { secret, version, host, host_generation, sha256, bytes, received, at_ms } => {
            let (secret, version, host) = (*secret, *version, *host);
            let (host_generation, sha256, bytes) = (*host_generation, *sha256, *bytes);
            let mut changes = vec![WRAP.put(WrapRow { secret, version, host, host_generation, sha256, bytes })];
            if let Some(index) = received.map(u64::from) {
                let recipient = Recipient { host, version, since_ms: *at_ms };
                changes.push(RECIPIENT.put(RecipientRow { secret, index, recipient }));
            }
            changes
        }
        Fact::WrapRemoved { secret, version, host } => vec![WRAP.remove(format!("{secret}/{version}/{host}"))],
        Fact::Granted { grant, policy } => vec![KEY_GRANT.put(grant), KEY_POLICY.put_at(grant.id, policy)],
        Fact::Grant(grant) => vec![KEY_GRANT.put(grant)],
        Fact::Budget(budget) => vec![BUDGET.put(budget)],
        Fact::Lease(lease) => vec![LEASE.put(lease)],
        Fact::LeaseEnded(lease) => vec![LEASE.remove(lease)],
        Fact::Approval(approval) => vec![APPROVAL.put(approval)],
        Fact::ApprovalRemoved { grant, host, digest } => vec![APPROVAL.remove(format!("{grant}/{host}/{digest}"))],
        Fact::SecretRemoved(secret) => vec![SECRET.remove(secret)],
        Fact::GrantRemoved(grant) => vec![KEY_GRANT.remove(grant), KEY_POLICY.remove(grant), BUDGET.remove(grant)],
        Fact::HostRemoved(host) => vec![HOST.remove(host)],
        Fact::RecipientsRemoved { secret, left, count } => {
            vec![RECIPIENT.remove_span(("secret", *secret), "place", u64::from(*left), u64::from(*count))]
        }
        Fact::Anchor(anchor) => vec![ANCHOR.put(anchor)],
        Fact::Mpc(account) => vec![KEYS_SETTING.put_at("mpc", account)],
        // Kept in events alone.
        Fact::Shared(_) | Fact::KeyReleased { .. } | Fact::Denied { .. } => Vec::new(),
    }
}
