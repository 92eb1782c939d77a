//! The registry's records.

use charter_types::registry::args::{AgentRef, ReputationRef};
use charter_types::registry::{
    Agent, AttestationRecord, Fact, Heartbeat, Owner, Recovery, RecoveryProposal, Reputation, RestingHandle, Retirement,
};
use charter_types::{AccountId, Named, Nothing};
use schemars::JsonSchema;
use serde_json::Value;

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, amount, number, record, text, word};
use crate::truth::{Row, Truth};
use crate::views::{self, Chain, HighestId};

pub static TABLES: &[&Table] = &[
    &AGENT,
    &RETIREMENT,
    &RESTING_HANDLE,
    &OWNER,
    &HEARTBEAT,
    &RECOVERY,
    &RECOVERY_PROPOSAL,
    &ATTESTATION,
    &REPUTATION,
    &REGISTRY_SETTING,
];

pub static AGENT: Table = Table {
    name: "agent",
    contract: Contract::Registry,
    about: "Agents that exist.",
    key: Key::Fields(&["id"]),
    columns: &[
        number("id"),
        account("owner").refers(&OWNER).filter(),
        word("status").of("status.state").filter(),
        text("handle"),
        text("card_uri").of("card.uri"),
        account("agent_account").filter(),
        account("payout"),
        number("epoch"),
        number("owner_epoch"),
    ],
    path: "agents",
    record: record::<Agent>,
    truth: Truth::Pages { list: views::AGENTS, last: HighestId::Agent },
};

pub static RETIREMENT: Table = Table {
    name: "retirement",
    contract: Contract::Registry,
    about: "Agents that were retired, by whom and when. Their ids are never given again.",
    key: Key::Fields(&["agent"]),
    columns: &[number("agent").refers(&AGENT), account("owner").refers(&OWNER).filter(), number("at_ms")],
    path: "retirements",
    record: record::<Retirement>,
    truth: Truth::Rebuild,
};

pub static RESTING_HANDLE: Table = Table {
    name: "resting_handle",
    contract: Contract::Registry,
    about: "Handles that were given back, and until when nobody else gets them.",
    key: Key::Fields(&["handle"]),
    columns: &[text("handle"), number("until_ms")],
    path: "resting-handles",
    record: record::<RestingHandle>,
    truth: Truth::Rebuild,
};

pub static OWNER: Table = Table {
    name: "owner",
    contract: Contract::Registry,
    about: "Owners of at least one agent.",
    key: Key::Fields(&["account"]),
    columns: &[number("epoch"), number("agents")],
    path: "owners",
    record: record::<Owner>,
    truth: Truth::One(|chain, row| Box::pin(owner(chain, row))),
};

pub static HEARTBEAT: Table = Table {
    name: "heartbeat",
    contract: Contract::Registry,
    about: "When an agent's own account said last that it is alive.",
    key: Key::Fields(&["agent"]),
    columns: &[number("agent").refers(&AGENT), number("last_seen_ms")],
    path: "heartbeats",
    record: record::<Heartbeat>,
    truth: Truth::Pages { list: views::HEARTBEATS, last: HighestId::Agent },
};

pub static RECOVERY: Table = Table {
    name: "recovery",
    contract: Contract::Registry,
    about: "Who can restore an agent whose owner's key is lost, and who will be able to.",
    key: Key::Fields(&["agent"]),
    columns: &[number("agent").refers(&AGENT), number("round")],
    path: "recoveries",
    record: record::<Recovery>,
    truth: Truth::Pages { list: views::RECOVERIES, last: HighestId::Agent },
};

pub static RECOVERY_PROPOSAL: Table = Table {
    name: "recovery_proposal",
    contract: Contract::Registry,
    about: "Proposals to restore an agent. Void if their round is not the recovery's.",
    key: Key::Fields(&["agent", "proposer"]),
    columns: &[number("agent").refers(&AGENT).filter(), account("proposer"), account("new_owner"), number("ready_ms")],
    path: "recovery-proposals",
    record: record::<RecoveryProposal>,
    truth: Truth::PerParent {
        parent: &RECOVERY,
        of: "agent",
        rows: |chain, agent| Box::pin(chain.ask(views::RECOVERY_PROPOSALS, AgentRef { agent })),
    },
};

pub static ATTESTATION: Table = Table {
    name: "attestation",
    contract: Contract::Registry,
    about: "Which code an owner accepts, and what the agent was last attested with.",
    key: Key::Fields(&["agent"]),
    columns: &[
        number("agent").refers(&AGENT),
        word("measurement").of("attestation.measurement"),
        number("expires_ms").of("attestation.expires_ms"),
    ],
    path: "attestations",
    record: record::<AttestationRecord>,
    truth: Truth::Pages { list: views::ATTESTATIONS, last: HighestId::Agent },
};

pub static REPUTATION: Table = Table {
    name: "reputation",
    contract: Contract::Registry,
    about: "What agents were paid in all, by who reports it, per epoch of the agent. Whoever pays itself is in here, too.",
    key: Key::Fields(&["agent", "epoch", "reporter", "asset"]),
    columns: &[
        number("agent").refers(&AGENT).filter(),
        number("epoch"),
        account("reporter"),
        text("asset").filter(),
        amount("earned"),
    ],
    path: "reputations",
    record: record::<Reputation>,
    truth: Truth::One(|chain, row| Box::pin(reputation(chain, row))),
};

pub static REGISTRY_SETTING: Table = Table {
    name: "registry_setting",
    contract: Contract::Registry,
    about: "Settings of the registry that changed since its deployment: reporters, verifier.",
    key: Key::Beside("setting"),
    columns: &[],
    path: "registry-settings",
    record: record::<Setting>,
    truth: Truth::One(|chain, row| Box::pin(setting(chain, row))),
};

/// What a setting is: the verifier's account, or the reporters'.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum Setting {
    Account(AccountId),
    Accounts(Vec<AccountId>),
}

async fn owner(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(account) = row.key.parse() else { return Ok(None) };
    chain.ask(views::OWNER, Named { account }).await
}

async fn reputation(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([agent, epoch, reporter, asset]) = row.parts() else { return Ok(None) };
    let (Ok(agent), Ok(epoch), Ok(reporter)) = (agent.parse(), epoch.parse(), reporter.parse()) else {
        return Ok(None);
    };
    let question = ReputationRef { agent, epoch, reporter, asset: asset.to_owned() };
    chain.ask(views::REPUTATION, question).await
}

async fn setting(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    match row.key {
        "reporters" => chain.ask(views::REPORTERS, Nothing {}).await,
        "verifier" => chain.ask(views::VERIFIER, Nothing {}).await,
        _ => Ok(None),
    }
}

/// What a fact changes.
pub fn changes(fact: &Fact) -> Vec<Change> {
    vec![match fact {
        Fact::Agent(agent) => AGENT.put(agent),
        Fact::Agents(registered) => return registered.agents().map(|agent| AGENT.put(agent)).collect(),
        Fact::AgentRetired(end) => return vec![AGENT.remove(end.agent), RETIREMENT.put(end)],
        Fact::Owner(owner) if owner.agents == 0 => OWNER.remove(&owner.account),
        Fact::Owner(owner) => OWNER.put(owner),
        Fact::Heartbeat(beat) if beat.last_seen_ms == 0 => HEARTBEAT.remove(beat.agent),
        Fact::Heartbeat(beat) => HEARTBEAT.put(beat),
        Fact::Recovery(recovery) => RECOVERY.put(recovery),
        Fact::RecoveryRemoved(agent) => RECOVERY.remove(agent),
        Fact::RecoveryProposal(proposal) => RECOVERY_PROPOSAL.put(proposal),
        Fact::RecoveryProposalRemoved { agent, proposer } => RECOVERY_PROPOSAL.remove(format!("{agent}/{proposer}")),
        Fact::Attestation(record) => ATTESTATION.put(record),
        Fact::AttestationRemoved(agent) => ATTESTATION.remove(agent),
        // Kept in events alone.
        Fact::Shared(_) | Fact::AttestationRejected { .. } => return Vec::new(),
        Fact::Reputation(known) => REPUTATION.put(known),
        Fact::ReputationRemoved(ReputationRef { agent, epoch, reporter, asset }) => {
            REPUTATION.remove(format!("{agent}/{epoch}/{reporter}/{asset}"))
        }
        Fact::HandleRests(handle) => RESTING_HANDLE.put(handle),
        Fact::HandleFree(handle) => RESTING_HANDLE.remove(handle),
        Fact::Reporters(reporters) => REGISTRY_SETTING.put_at("reporters", reporters),
        Fact::Verifier(account) => REGISTRY_SETTING.put_at("verifier", account),
    }]
}
