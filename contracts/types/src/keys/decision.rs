//! May this grant be used for this action now? One pure function, used by contract views, hosts and the indexer.

use serde::{Deserialize, Serialize};

use super::{Grant, Grantee, Host, HostId, Inject, Method, Policy, Scheme, Secret};
use crate::registry::{Authority, Epochs};
use crate::{AccountId, Hash32, Sha256, from_json};

/// A request an agent wants made, without a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
    pub path: String,
    pub method: Method,
    pub body_bytes: u32,
}

/// What is known about a grant, all of it read at one block.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The grant, its parent, and so on up to the root.
    pub lineage: &'a [Grant],
    /// Preimage of the grant's policy.
    pub policy: &'a Policy,
    pub secret: &'a Secret,
    pub host: &'a Host,
    pub authority: &'a Authority,
    /// The account that the asker speaks for.
    pub asker: &'a AccountId,
    pub now_ms: u64,
}

/// What whoever acts on an `Allow` has to do. One who can't must refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligations {
    pub epochs: Epochs,
    pub secret_version: u32,
    pub host: HostId,
    pub inject: Inject,
    pub response_bytes_max: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Allow(Obligations),
    Deny(Denial),
    /// Somebody has to approve this very action.
    NeedsApproval {
        digest: Hash32,
    },
}

/// Why not. Anything unknown or unclear is one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Denial {
    BrokenLineage,
    NotGrantee,
    Revoked,
    NotYet,
    Expired,
    AgentPaused,
    Disarmed,
    EpochMoved,
    SecretRevoked,
    HostRevoked,
    WrongPolicy,
    Target,
    Effect,
    BodyTooLarge,
}

/// Decides. The order of checks is part of the interface: the first that fails names the denial.
pub fn decide(evidence: &Evidence<'_>, action: &Action, sha256: Sha256) -> Decision {
    match check(evidence, action, sha256) {
        Err(denial) => Decision::Deny(denial),
        Ok(()) if evidence.lineage.iter().any(|grant| grant.needs_approval) => {
            let digest = serde_json::to_vec(action).unwrap_or_default();
            Decision::NeedsApproval { digest: Hash32(sha256(&digest)) }
        }
        Ok(()) => Decision::Allow(Obligations {
            epochs: evidence.authority.epochs,
            secret_version: evidence.secret.version,
            host: evidence.host.id,
            inject: evidence.policy.inject.clone(),
            response_bytes_max: evidence.policy.response_bytes_max,
        }),
    }
}

fn check(evidence: &Evidence<'_>, action: &Action, sha256: Sha256) -> Result<(), Denial> {
    let grant = evidence.lineage.first().ok_or(Denial::BrokenLineage)?;
    let grantee = match &grant.grantee {
        Grantee::Account(account) => account == evidence.asker,
        Grantee::Host(host) => *host == evidence.host.id && evidence.host.operator == *evidence.asker,
    };
    if !grantee {
        return Err(Denial::NotGrantee);
    }
    check_live(evidence.lineage, evidence.secret, evidence.authority.epochs, evidence.now_ms)?;
    let outdated = |grant: &Grant| {
        let here = matches!(&grant.grantee, Grantee::Host(host) if *host == evidence.host.id);
        here && grant.snapshot.host_generation != Some(evidence.host.generation)
    };
    if evidence.lineage.iter().any(outdated) {
        return Err(Denial::HostRevoked);
    }
    if !evidence.authority.armed {
        return Err(Denial::Disarmed);
    }
    if !evidence.authority.status.is_active(evidence.now_ms) {
        return Err(Denial::AgentPaused);
    }
    if Hash32::of(evidence.policy, sha256) != grant.policy_hash {
        return Err(Denial::WrongPolicy);
    }
    let fits = evidence
        .policy
        .targets
        .iter()
        .any(|target| target.allows(action.scheme, &action.host, action.port, &action.path, action.method));
    if !fits {
        return Err(Denial::Target);
    }
    if !evidence.policy.effects.contains(&action.method.effect()) {
        return Err(Denial::Effect);
    }
    if action.body_bytes > evidence.policy.body_bytes_max {
        return Err(Denial::BodyTooLarge);
    }
    Ok(())
}

/// Whether every grant from the first to the root is live by itself and under the one above it, whoever uses it where.
pub fn check_live(lineage: &[Grant], secret: &Secret, epochs: Epochs, now_ms: u64) -> Result<(), Denial> {
    if lineage.is_empty() {
        return Err(Denial::BrokenLineage);
    }
    for (index, grant) in lineage.iter().enumerate() {
        let parent = lineage.get(index + 1);
        if grant.parent != parent.map(|parent| parent.id)
            || grant.snapshot.parent_generation.is_some() != parent.is_some()
            || grant.agent != secret.agent
            || grant.secret != secret.id
        {
            return Err(Denial::BrokenLineage);
        }
        let outdated = parent.is_some_and(|parent| grant.snapshot.parent_generation != Some(parent.generation));
        if grant.revoked || outdated {
            return Err(Denial::Revoked);
        }
        if now_ms < grant.not_before_ms {
            return Err(Denial::NotYet);
        }
        if now_ms >= grant.expires_ms {
            return Err(Denial::Expired);
        }
        if grant.snapshot.epochs != epochs {
            return Err(Denial::EpochMoved);
        }
        if grant.snapshot.secret_epoch != secret.epoch {
            return Err(Denial::SecretRevoked);
        }
    }
    if secret.epochs == epochs { Ok(()) } else { Err(Denial::EpochMoved) }
}

from_json!(Action { scheme, host, port, path, method, body_bytes });
