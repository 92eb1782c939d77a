//! Events to changes of rows. Events carry full new values, so nothing of a contract's arithmetic is repeated here.

use charter_types::{escrow, governance, keys, registry};
use serde_json::{Value, json};

use crate::decode::Fact;

/// What happens to one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Put {
        table: &'static str,
        key: String,
        body: Value,
    },
    Remove {
        table: &'static str,
        key: String,
    },
    /// Sets one field of a record that is there.
    Set {
        table: &'static str,
        key: String,
        field: &'static str,
        value: Value,
    },
}

fn put(table: &'static str, key: impl ToString, body: impl serde::Serialize) -> Change {
    Change::Put { table, key: key.to_string(), body: serde_json::to_value(body).unwrap_or_default() }
}

fn remove(table: &'static str, key: impl ToString) -> Change {
    Change::Remove { table, key: key.to_string() }
}

/// The changes that an event means.
pub fn changes(fact: &Fact) -> Vec<Change> {
    match fact {
        Fact::Registry(fact) => registry_changes(fact),
        Fact::Keys(fact) => keys_changes(fact),
        Fact::Governance(fact) => governance_changes(fact),
        Fact::Escrow(fact) => escrow_changes(fact),
    }
}

fn registry_changes(fact: &registry::Fact) -> Vec<Change> {
    vec![match fact {
        registry::Fact::Agent(agent) => put("agent", agent.id, agent),
        registry::Fact::Agents(registered) => {
            return registered.agents().map(|agent| put("agent", agent.id, agent)).collect();
        }
        registry::Fact::AgentRetired(id) => remove("agent", id),
        registry::Fact::Owner(owner) if owner.agents == 0 => remove("owner", &owner.account),
        registry::Fact::Owner(owner) => put("owner", &owner.account, owner),
        registry::Fact::Heartbeat(beat) if beat.last_seen_ms == 0 => remove("heartbeat", beat.agent),
        registry::Fact::Heartbeat(beat) => put("heartbeat", beat.agent, beat),
        registry::Fact::Recovery(recovery) => put("recovery", recovery.agent, recovery),
        registry::Fact::RecoveryRemoved(agent) => remove("recovery", agent),
        registry::Fact::RecoveryProposal(proposal) => {
            put("recovery_proposal", format!("{}/{}", proposal.agent, proposal.proposer), proposal)
        }
        registry::Fact::RecoveryProposalRemoved { agent, proposer } => {
            remove("recovery_proposal", format!("{agent}/{proposer}"))
        }
        registry::Fact::Attestation(record) => put("attestation", record.agent, record),
        registry::Fact::AttestationRemoved(agent) => remove("attestation", agent),
        registry::Fact::AttestationRejected { .. } => return Vec::new(),
        registry::Fact::Reputation(known) => {
            let key = format!("{}/{}/{}/{}", known.agent, known.epoch, known.reporter, known.asset);
            put("reputation", key, known)
        }
        registry::Fact::Reporters(reporters) => put("registry_setting", "reporters", reporters),
        registry::Fact::Verifier(account) => put("registry_setting", "verifier", account),
    }]
}

fn keys_changes(fact: &keys::Fact) -> Vec<Change> {
    match fact {
        keys::Fact::Host(host) => vec![put("host", host.id, host)],
        keys::Fact::Secret(secret) => vec![put("secret", secret.id, secret)],
        keys::Fact::Wrap { secret, version, host, host_generation, sha256, bytes, received, at_ms } => {
            let body = json!({
                "secret": secret, "version": version, "host": host, "host_generation": host_generation,
                "sha256": sha256, "bytes": bytes,
            });
            let mut changes = vec![put("wrap", format!("{secret}/{version}/{host}"), body)];
            if let Some(index) = received {
                let recipient = keys::Recipient { host: *host, version: *version, since_ms: *at_ms };
                let body = json!({ "secret": secret, "index": index, "recipient": recipient });
                changes.push(put("recipient", format!("{secret}/{index}"), body));
            }
            changes
        }
        keys::Fact::WrapRemoved { secret, version, host } => {
            vec![remove("wrap", format!("{secret}/{version}/{host}"))]
        }
        keys::Fact::Granted { grant, policy } => {
            vec![put("key_grant", grant.id, grant), put("key_policy", grant.id, policy)]
        }
        keys::Fact::Grant(grant) => vec![put("key_grant", grant.id, grant)],
        keys::Fact::Budget(budget) => vec![put("budget", budget.grant, budget)],
        keys::Fact::Lease(lease) => vec![put("lease", lease.id, lease)],
        keys::Fact::LeaseEnded(lease) => vec![remove("lease", lease)],
        keys::Fact::Approval(approval) => {
            vec![put("approval", format!("{}/{}", approval.grant, approval.digest), approval)]
        }
        keys::Fact::ApprovalRemoved { grant, digest } => vec![remove("approval", format!("{grant}/{digest}"))],
        keys::Fact::Mpc(account) => vec![put("keys_setting", "mpc", account)],
        keys::Fact::KeyReleased { .. } | keys::Fact::Denied { .. } => Vec::new(),
    }
}

fn governance_changes(fact: &governance::Fact) -> Vec<Change> {
    match fact {
        governance::Fact::Line(line) => vec![put("line", line.id, line)],
        governance::Fact::Release(release) => vec![put("release", release.id, release)],
        governance::Fact::Proposal(proposal) => vec![put("proposal", proposal.id, proposal)],
        governance::Fact::Ballot(ballot) => {
            vec![put("ballot", format!("{}/{}", ballot.proposal, ballot.voter), ballot)]
        }
        governance::Fact::Enrolment(enrolment) => vec![put("enrolment", enrolment.agent, enrolment)],
        governance::Fact::EnrolmentEnded(agent) => vec![remove("enrolment", agent)],
        governance::Fact::Denied { .. } => Vec::new(),
    }
}

fn escrow_changes(fact: &escrow::Fact) -> Vec<Change> {
    match fact {
        escrow::Fact::Channel(channel) => vec![put("channel", channel.id, channel)],
        escrow::Fact::Claims(rows) => {
            let raised = rows.iter().filter(|row| row.claimed().is_some());
            let set = raised.map(|row| Change::Set {
                table: "channel",
                key: row.0.to_string(),
                field: "claimed",
                value: Value::String(row.1.clone()),
            });
            set.collect()
        }
        escrow::Fact::ChannelClosed(id, ..) => vec![remove("channel", id)],
    }
}
