//! May this grant be used for this action now? One pure function, used by contract views, hosts and programs.
//!
//! Vectors for other implementations: `contracts/rules/vectors/decision.json`.

use charter_types::keys::{
    Action, Asker, Assurance, Decision, Denial, Effect, Grant, GrantRate, Grantee, Host, HostStatus, Mode, Obligations,
    Policy, Secret, SecretStatus, Suspension,
};
use charter_types::registry::{Epochs, Standing};
use charter_types::{AnyKey, Hash32, Sha256};

use crate::policy;

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
        rates_above: rates(evidence.lineage.get(1..).unwrap_or_default()),
        reserve: evidence.lineage.iter().any(|grant| grant.has_budget),
    };
    if evidence.lineage.iter().any(|grant| grant.needs_approval) {
        return Decision::NeedsApproval { digest: action.digest(sha256), obligations };
    }
    Decision::Allow(obligations)
}

/// Rates of grants, to be counted for each.
fn rates(lineage: &[Grant]) -> Vec<GrantRate> {
    lineage.iter().filter_map(|grant| Some(GrantRate { grant: grant.id, rate: grant.rate? })).collect()
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
            let runs = attested(&evidence.host.assurance, evidence.now_ms);
            runs.is_some_and(|measurement| measurement == *wanted) && operator()
        }
    }
}

/// Whether the credential may be used on this host: it is in order, the secret was sealed to it as it is now, and it is
/// attested where a grant asks for that.
fn check_host(evidence: &Evidence<'_>) -> Result<(), Denial> {
    let host = evidence.host;
    match host.status {
        HostStatus::Active => {}
        HostStatus::Suspended => return Err(Denial::HostSuspended),
        HostStatus::Revoked => return Err(Denial::HostRevoked),
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
    if !evidence.lineage.iter().all(|grant| grant.hosts.is_empty() || grant.hosts.contains(&host.id)) {
        return Err(Denial::NotHere);
    }
    // A grant of before that names no measurement takes none: whoever runs a host can attest any image of its own.
    let measurement = attested(&host.assurance, evidence.now_ms);
    let accepts = |grant: &Grant| measurement.is_some_and(|measurement| grant.measurements.contains(&measurement));
    if !evidence.lineage.iter().all(|grant| !grant.needs_attestation || accepts(grant)) {
        return Err(Denial::NotAttested);
    }
    Ok(())
}

/// Whether something of a grant may be used up on this host: a part of a budget, an approval. Hosts that a secret is sealed
/// to for somebody else's grant may not, and for secrets that are sealed to nobody no host may that is not named. Only grants
/// of release `faa0a5a` have a budget or need approval and name no host: for them it is enough to be sealed to.
pub fn may_use_up(grant: &Grant, secret: &Secret, host: &Host, now_ms: u64) -> bool {
    let named = grant.hosts.contains(&host.id);
    let unnamed = grant.hosts.is_empty();
    match &grant.grantee {
        Grantee::Host(_) | Grantee::Measurement(_) => (named || unnamed) && is_for(grant, host, now_ms),
        Grantee::Account(_) | Grantee::AgentKey(_) => named || (unnamed && secret.mode == Mode::Sealed),
    }
}

/// Whether a grant is for this host itself.
pub fn is_for(grant: &Grant, host: &Host, now_ms: u64) -> bool {
    match &grant.grantee {
        Grantee::Host(named) => *named == host.id && grant.snapshot.host_generation == Some(host.generation),
        Grantee::Measurement(wanted) => attested(&host.assurance, now_ms) == Some(*wanted),
        Grantee::Account(_) | Grantee::AgentKey(_) => false,
    }
}

fn check_action(policy: &Policy, action: &Action) -> Result<(), Denial> {
    match action {
        Action::Http(http) => {
            if !policy.targets.iter().any(|target| policy::target_allows(target, http)) {
                return Err(Denial::Target);
            }
            let allowed = |effect: &Effect| policy.effects.contains(effect);
            if !allowed(&policy::effect(http.method)) || !http.effects.iter().all(allowed) {
                return Err(Denial::Effect);
            }
            if http.body_bytes > policy.body_bytes_max {
                return Err(Denial::BodyTooLarge);
            }
        }
        Action::Near(near) => {
            if !policy.near_calls.iter().any(|call| policy::call_allows(call, near)) {
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

/// The measurement a host was attested with, if that is still good.
pub fn attested(assurance: &Assurance, now_ms: u64) -> Option<Hash32> {
    match assurance {
        Assurance::Attested { measurement, expires_ms, .. } if now_ms < *expires_ms => Some(*measurement),
        _ => None,
    }
}
