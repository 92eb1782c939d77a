//! May this grant be used for this action now? One pure function, used by contract views, hosts and the indexer.
//!
//! Vectors for other implementations: `contracts/types/vectors/decision.json`.

use serde::{Deserialize, Serialize};

use super::{
    Assurance, Effect, Grant, Grantee, Host, HostId, HostStatus, Inject, Method, Mode, Policy, Rate, Scheme, Secret,
    SecretStatus, Suspension,
};
use crate::json::{FromJson, Json, unknown_variant, variant};
use crate::registry::{Epochs, Standing};
use crate::{AccountId, AnyKey, Ed25519Key, Hash32, Sha256, U128, from_json};

/// What an agent wants done with a credential that it does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Http(HttpAction),
    Near(NearAction),
}

/// A request, without a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpAction {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
    pub path: String,
    pub method: Method,
    pub body_bytes: u32,
    /// Hash of query, headers and body, so that an approval is for exactly this request.
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub content_sha256: Hash32,
    /// Effects beyond the method's own.
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub effects: Vec<Effect>,
}

/// A function call on NEAR, to be signed with the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NearAction {
    pub contract: AccountId,
    pub method: String,
    pub deposit: U128,
    pub gas: u64,
    /// Hash of the arguments.
    pub args_sha256: Hash32,
}

impl Action {
    /// What an approval is for: the hash of the action's JSON.
    pub fn digest(&self, sha256: Sha256) -> Hash32 {
        Hash32(sha256(&serde_json::to_vec(self).unwrap_or_default()))
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    Account(AccountId),
    /// Whoever signs with this key.
    Key(Ed25519Key),
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
    /// The host's generation when the secret was sealed to it; none: it was not.
    pub sealed_generation: Option<u64>,
    pub standing: &'a Standing,
    pub asker: &'a Asker,
    pub now_ms: u64,
}

/// What whoever acts on an `Allow` has to do. One who can't must refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct Obligations {
    /// The registry must still say this when the credential is used.
    pub epochs: Epochs,
    pub secret_version: u32,
    pub host: HostId,
    /// Inject once, here, and nowhere else.
    pub inject: Inject,
    pub response_bytes_max: u32,
    /// Kept by this host for this grant; rates above it are no narrower.
    pub rate: Option<Rate>,
    /// A budget hangs on the grant or above it: `reserve` first, `settle` afterwards.
    pub reserve: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Allow(Obligations),
    Deny(Denial),
    /// Somebody has to approve this very action; `reserve` consumes the approval.
    NeedsApproval {
        digest: Hash32,
        obligations: Obligations,
    },
}

/// Why not. Anything unknown or unclear is one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Denial {
    BrokenLineage,
    NotGrantee,
    Revoked,
    Suspended,
    NotYet,
    Expired,
    AgentPaused,
    Disarmed,
    EpochMoved,
    SecretRevoked,
    SecretRetired,
    HostRevoked,
    HostSuspended,
    NotSealed,
    NotAttested,
    WrongPolicy,
    Target,
    Effect,
    BodyTooLarge,
}

impl Denial {
    /// As in JSON: `NOT_GRANTEE`.
    pub fn code(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl std::fmt::Display for Denial {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::BrokenLineage => "the grants above this one are not all there, or not of this secret",
            Self::NotGrantee => "the grant is for somebody else",
            Self::Revoked => "the grant, or one above it, is revoked or was narrowed",
            Self::Suspended => "the grant, or one above it, is suspended",
            Self::NotYet => "the grant is not good yet",
            Self::Expired => "the grant's time is over",
            Self::AgentPaused => "the agent is paused",
            Self::Disarmed => "the agent's owner pressed the panic button",
            Self::EpochMoved => "the agent changed hands, or was revoked, since this was granted",
            Self::SecretRevoked => "the secret is revoked",
            Self::SecretRetired => "the secret is retired",
            Self::HostRevoked => "the host was revoked since",
            Self::HostSuspended => "the host is out of service",
            Self::NotSealed => "the secret is not sealed to this host",
            Self::NotAttested => "the grant asks for an attested host, and this one is not",
            Self::WrongPolicy => "the policy is not the one that was granted",
            Self::Target => "the grant is not for this host, path and method",
            Self::Effect => "the grant does not allow an action with this effect",
            Self::BodyTooLarge => "the body is longer than the grant allows",
        })
    }
}

/// Decides. The order of checks is part of the interface: the first that fails names the denial.
pub fn decide(evidence: &Evidence<'_>, action: &Action, sha256: Sha256) -> Decision {
    if let Err(denial) = check(evidence, action, sha256) {
        return Decision::Deny(denial);
    }
    let obligations = Obligations {
        epochs: evidence.standing.epochs,
        secret_version: evidence.secret.version,
        host: evidence.host.id,
        inject: evidence.policy.inject.clone(),
        response_bytes_max: evidence.policy.response_bytes_max,
        rate: evidence.policy.rate,
        reserve: evidence.lineage.iter().any(|grant| grant.has_budget),
    };
    if evidence.lineage.iter().any(|grant| grant.needs_approval) {
        return Decision::NeedsApproval { digest: action.digest(sha256), obligations };
    }
    Decision::Allow(obligations)
}

fn check(evidence: &Evidence<'_>, action: &Action, sha256: Sha256) -> Result<(), Denial> {
    let Evidence { lineage, policy, secret, standing, now_ms, .. } = *evidence;
    let grant = lineage.first().ok_or(Denial::BrokenLineage)?;
    if !is_grantee(evidence, &grant.grantee) {
        return Err(Denial::NotGrantee);
    }
    check_live(lineage, secret, standing.epochs, now_ms)?;
    check_host(evidence)?;
    if !standing.armed {
        return Err(Denial::Disarmed);
    }
    if !standing.status.is_active(now_ms) {
        return Err(Denial::AgentPaused);
    }
    if Hash32::of(policy, sha256) != grant.policy_hash {
        return Err(Denial::WrongPolicy);
    }
    check_action(policy, action)
}

fn is_grantee(evidence: &Evidence<'_>, grantee: &Grantee) -> bool {
    let operator = || *evidence.asker == Asker::Account(evidence.host.operator.clone());
    match grantee {
        Grantee::Account(account) => *evidence.asker == Asker::Account(account.clone()),
        Grantee::AgentKey(key) => {
            let known = evidence.standing.keys.iter().find(|known| known.key == AnyKey::Ed25519(*key));
            *evidence.asker == Asker::Key(*key) && known.is_some_and(|known| known.expires_ms > evidence.now_ms)
        }
        Grantee::Host(host) => *host == evidence.host.id && operator(),
        Grantee::Measurement(wanted) => {
            let runs = evidence.host.assurance.attested(evidence.now_ms);
            runs.is_some_and(|measurement| measurement == *wanted) && operator()
        }
    }
}

/// Whether the credential may be used on this host: it is in order, the secret was sealed to it as it is now, and it is
/// attested where a grant asks for that.
fn check_host(evidence: &Evidence<'_>) -> Result<(), Denial> {
    let host = evidence.host;
    if host.status != HostStatus::Active {
        return Err(Denial::HostSuspended);
    }
    if evidence.secret.mode == Mode::Sealed {
        let generation = evidence.sealed_generation.ok_or(Denial::NotSealed)?;
        if generation != host.generation {
            return Err(Denial::HostRevoked);
        }
    }
    let outdated = |grant: &Grant| {
        let here = matches!(&grant.grantee, Grantee::Host(named) if *named == host.id);
        here && grant.snapshot.host_generation != Some(host.generation)
    };
    if evidence.lineage.iter().any(outdated) {
        return Err(Denial::HostRevoked);
    }
    let attested = host.assurance.attested(evidence.now_ms).is_some();
    if !attested && evidence.lineage.iter().any(|grant| grant.needs_attestation) {
        return Err(Denial::NotAttested);
    }
    Ok(())
}

fn check_action(policy: &Policy, action: &Action) -> Result<(), Denial> {
    match action {
        Action::Http(http) => {
            let HttpAction { scheme, host, port, path, method, .. } = http;
            let fits = |target: &super::Target| target.allows(*scheme, host, *port, path, *method);
            if !policy.targets.iter().any(fits) {
                return Err(Denial::Target);
            }
            let allowed = |effect: &Effect| policy.effects.contains(effect);
            if !allowed(&method.effect()) || !http.effects.iter().all(allowed) {
                return Err(Denial::Effect);
            }
            if http.body_bytes > policy.body_bytes_max {
                return Err(Denial::BodyTooLarge);
            }
        }
        Action::Near(near) => {
            let fits = |call: &super::NearCall| call.allows(&near.contract, &near.method, near.deposit, near.gas);
            if !policy.near_calls.iter().any(fits) {
                return Err(Denial::Target);
            }
            if !policy.effects.contains(&Effect::Sign) {
                return Err(Denial::Effect);
            }
        }
    }
    Ok(())
}

/// Whether every grant from the first to the root is live by itself and under the one above it, whoever uses it where.
pub fn check_live(lineage: &[Grant], secret: &Secret, epochs: Epochs, now_ms: u64) -> Result<(), Denial> {
    check_live_here(lineage, secret, now_ms)?;
    // INV-KEY-2: without this comparison rights survive a sale, a revocation and a panic.
    let moved = lineage.iter().any(|grant| grant.snapshot.epochs != epochs);
    if moved || secret.epochs != epochs { Err(Denial::EpochMoved) } else { Ok(()) }
}

/// As far as this contract alone can tell, without the registry's epochs.
pub fn check_live_here(lineage: &[Grant], secret: &Secret, now_ms: u64) -> Result<(), Denial> {
    if lineage.is_empty() {
        return Err(Denial::BrokenLineage);
    }
    if secret.status != SecretStatus::Active {
        return Err(Denial::SecretRetired);
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
        if grant.suspended != Suspension::No {
            return Err(Denial::Suspended);
        }
        if now_ms < grant.not_before_ms {
            return Err(Denial::NotYet);
        }
        if now_ms >= grant.expires_ms {
            return Err(Denial::Expired);
        }
        if grant.snapshot.secret_epoch != secret.epoch {
            return Err(Denial::SecretRevoked);
        }
    }
    Ok(())
}

impl Assurance {
    /// The measurement a host was attested with, if that is still good.
    pub fn attested(&self, now_ms: u64) -> Option<Hash32> {
        match self {
            Self::Attested { measurement, expires_ms, .. } if now_ms < *expires_ms => Some(*measurement),
            _ => None,
        }
    }
}

from_json!(HttpAction {
    scheme,
    host,
    port,
    path,
    method,
    body_bytes,
    content_sha256 = Hash32::default(),
    effects = Vec::new(),
});
from_json!(NearAction { contract, method, deposit, gas, args_sha256 });

impl FromJson for Action {
    fn from_json(json: Json) -> Result<Self, String> {
        match variant(json)? {
            (name, Some(data)) if name == "http" => FromJson::from_json(data).map(Self::Http),
            (name, Some(data)) if name == "near" => FromJson::from_json(data).map(Self::Near),
            (name, _) => unknown_variant(&name),
        }
    }
}

impl FromJson for Asker {
    fn from_json(json: Json) -> Result<Self, String> {
        match variant(json)? {
            (name, Some(data)) if name == "account" => FromJson::from_json(data).map(Self::Account),
            (name, Some(data)) if name == "key" => FromJson::from_json(data).map(Self::Key),
            (name, _) => unknown_variant(&name),
        }
    }
}
