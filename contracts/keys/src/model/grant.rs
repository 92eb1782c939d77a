//! What a new grant must satisfy.

use charter_rules::{budget, policy};
use charter_types::keys::args::{GrantTerms, Narrow};
use charter_types::keys::{DEPTH_MAX, Grant, Grantee, HostId, KeysError, NAMED_MAX, Policy, Secret, SecretStatus};
use charter_types::{AccountId, Hash32, Sha256};

/// INV-KEY-1: no grant allows more than what is above it.
pub fn check_terms(terms: &GrantTerms, above: &Policy, now_ms: u64) -> Result<(), KeysError> {
    policy::check(&terms.policy)?;
    if !policy::within(&terms.policy, above) {
        return Err(KeysError::NotWithin {});
    }
    if terms.expires_ms <= now_ms || terms.expires_ms <= terms.not_before_ms {
        return Err(KeysError::Expiry {});
    }
    terms.budget.as_ref().map_or(Ok(()), budget::check)
}

/// Where a grant may be used: on the host it is for, where its terms say, or where the one above it may be.
pub fn named_hosts(terms: &GrantTerms, parent: Option<&Grant>) -> Vec<HostId> {
    match &terms.grantee {
        Grantee::Host(host) => vec![*host],
        _ if terms.hosts.is_empty() => parent.map(|parent| parent.hosts.clone()).unwrap_or_default(),
        _ => terms.hosts.clone(),
    }
}

/// What a host has to be attested with.
pub fn named_measurements(terms: &GrantTerms, parent: Option<&Grant>) -> Vec<Hash32> {
    if terms.measurements.is_empty() {
        return parent.map(|parent| parent.measurements.clone()).unwrap_or_default();
    }
    terms.measurements.clone()
}

/// Whether one host counts all uses of a grant.
pub fn counts_rate(grantee: &Grantee, hosts: &[HostId]) -> bool {
    hosts.len() == 1 || matches!(grantee, Grantee::Host(_))
}

/// Few, sorted and each once; and only what is named above, if something is.
fn is_part<T: Ord>(named: &[T], above: &[T]) -> bool {
    named.len() <= NAMED_MAX
        && named.windows(2).all(|pair| pair[0] < pair[1])
        && (above.is_empty() || named.iter().all(|one| above.contains(one)))
}

/// Hosts and measurements that a grant names, under the grants above it. What is used up is used up by hosts that are named:
/// who else the secret is sealed to could use up what is not its own.
pub fn check_named(terms: &GrantTerms, lineage: &[Grant]) -> Result<(), KeysError> {
    let parent = lineage.first();
    let hosts = named_hosts(terms, parent);
    let beside = matches!(terms.grantee, Grantee::Host(_)) && !terms.hosts.is_empty() && terms.hosts != hosts;
    if beside || !is_part(&hosts, parent.map_or(&[], |parent| &parent.hosts)) {
        return Err(KeysError::BadHosts {});
    }
    // None would do for a grant of before that needs attestation and names none.
    let closed = parent.is_some_and(|parent| parent.needs_attestation && parent.measurements.is_empty());
    if closed || !is_part(&terms.measurements, parent.map_or(&[], |parent| &parent.measurements)) {
        return Err(KeysError::BadMeasurements {});
    }
    let used_up = terms.budget.is_some()
        || terms.needs_approval
        || lineage.iter().any(|grant| grant.has_budget || grant.needs_approval);
    let named = !hosts.is_empty() || matches!(terms.grantee, Grantee::Measurement(_));
    if used_up && !named {
        return Err(KeysError::HostsNeeded {});
    }
    if terms.policy.rate.is_some() && !counts_rate(&terms.grantee, &hosts) {
        return Err(KeysError::RateHost {});
    }
    Ok(())
}

/// Whether nothing can make a grant live again. `parent` and `secret` are none if their rows are gone.
pub fn is_dead_for_good(grant: &Grant, parent: Option<&Grant>, secret: Option<&Secret>, now_ms: u64) -> bool {
    let same_parent = parent.map(|parent| parent.generation) == grant.snapshot.parent_generation;
    let same_secret = secret
        .is_some_and(|secret| secret.status == SecretStatus::Active && secret.epoch == grant.snapshot.secret_epoch);
    grant.revoked || !same_parent || !same_secret || now_ms >= grant.expires_ms
}

/// State keeps a policy's hash; whoever relies on the policy has to bring it.
pub fn check_preimage(policy: &Policy, hash: Hash32, sha256: Sha256) -> Result<(), KeysError> {
    if Hash32::of(policy, sha256) == hash { Ok(()) } else { Err(KeysError::WrongPreimage {}) }
}

/// What becomes of a grant lies within what it was, and ends no later.
pub fn check_narrowing(grant: &Grant, args: &Narrow, now_ms: u64, sha256: Sha256) -> Result<(), KeysError> {
    if grant.revoked {
        return Err(KeysError::AlreadyRevoked {});
    }
    check_preimage(&args.policy, grant.policy_hash, sha256)?;
    policy::check(&args.narrower)?;
    if !policy::within(&args.narrower, &args.policy) {
        return Err(KeysError::NotWithin {});
    }
    let fine = args.expires_ms <= grant.expires_ms && args.expires_ms > now_ms && args.expires_ms > grant.not_before_ms;
    if fine { Ok(()) } else { Err(KeysError::Expiry {}) }
}

/// What delegation asks for beyond that: the caller holds the grant, the grant may be delegated, and what comes of it
/// neither outlives it nor starts before it.
pub fn check_delegation(parent: &Grant, terms: &GrantTerms, caller: &AccountId) -> Result<(), KeysError> {
    if parent.grantee != Grantee::Account(caller.clone()) {
        return Err(KeysError::NotGrantee { caller: caller.clone() });
    }
    if parent.no_delegation {
        return Err(KeysError::NoDelegation {});
    }
    if parent.depth >= DEPTH_MAX {
        return Err(KeysError::TooDeep {});
    }
    if terms.expires_ms > parent.expires_ms || terms.not_before_ms < parent.not_before_ms {
        return Err(KeysError::Expiry {});
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_types::keys::args::{GrantTerms, Narrow};
    use charter_types::keys::{
        Allowance, DEPTH_MAX, Effect, Grant, Grantee, Inject, KeysError, Method, Policy, Rate, Scheme, Snapshot,
        Suspension, Target, Unit,
    };
    use charter_types::registry::Epochs;
    use charter_types::{Hash32, U128};
    use sha2::{Digest, Sha256};

    use super::{check_delegation, check_named, check_narrowing, check_preimage, check_terms};

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    fn policy(path: &str) -> Policy {
        Policy {
            effects: vec![Effect::Read],
            targets: vec![Target {
                scheme: Scheme::Https,
                host: "api.a.com".to_owned(),
                port: 443,
                paths: vec![path.to_owned()],
                methods: vec![Method::Get],
            }],
            inject: Inject::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() },
            body_bytes_max: 10,
            response_bytes_max: 10,
            rate: None,
            near_calls: Vec::new(),
        }
    }

    fn terms(path: &str) -> GrantTerms {
        GrantTerms {
            grantee: Grantee::Account("bob.near".parse().unwrap()),
            policy: policy(path),
            not_before_ms: 10,
            expires_ms: 100,
            hosts: Vec::new(),
            needs_approval: false,
            measurements: Vec::new(),
            no_delegation: false,
            budget: None,
        }
    }

    fn parent() -> Grant {
        Grant {
            id: 1,
            agent: 1,
            secret: 1,
            parent: None,
            depth: DEPTH_MAX - 1,
            grantor: "alice.near".parse().unwrap(),
            grantee: Grantee::Account("bob.near".parse().unwrap()),
            policy_hash: Hash32::default(),
            not_before_ms: 10,
            expires_ms: 100,
            hosts: Vec::new(),
            rate: None,
            needs_approval: false,
            needs_attestation: false,
            measurements: Vec::new(),
            no_delegation: false,
            has_budget: false,
            suspended: Suspension::No,
            revoked: false,
            generation: 0,
            snapshot: Snapshot {
                epochs: Epochs::default(),
                secret_epoch: 0,
                parent_generation: None,
                host_generation: None,
            },
        }
    }

    #[test]
    fn a_grant_stays_within_what_is_above_it() {
        let above = policy("/v1");
        let hash = Hash32::of(&above, sha256);
        assert_eq!(check_terms(&terms("/v1/chat"), &above, 99), Ok(()));
        assert_eq!(check_terms(&terms("/v2"), &above, 99), Err(KeysError::NotWithin {}));
        assert_eq!(check_terms(&terms("/v1"), &above, 100), Err(KeysError::Expiry {}));
        assert_eq!(check_preimage(&above, hash, sha256), Ok(()));
        assert_eq!(check_preimage(&policy("/"), hash, sha256), Err(KeysError::WrongPreimage {}));
    }

    #[test]
    fn what_is_used_up_is_used_up_by_hosts_that_are_named_above_too() {
        let uses = Allowance { unit: Unit::Uses, capacity: U128(1), refill: U128(0), period_ms: 0 };
        let budget = |hosts: &[u64]| GrantTerms { hosts: hosts.to_vec(), budget: Some(uses.clone()), ..terms("/") };
        let rate = |hosts: &[u64]| {
            let mut terms = GrantTerms { hosts: hosts.to_vec(), ..terms("/") };
            terms.policy.rate = Some(Rate { uses: 1, per_ms: 1 });
            terms
        };
        let above = |hosts: &[u64]| Grant { hosts: hosts.to_vec(), has_budget: true, ..parent() };
        for (terms, lineage, answer) in [
            (terms("/"), vec![], Ok(())),
            (budget(&[]), vec![], Err(KeysError::HostsNeeded {})),
            (budget(&[1, 2]), vec![], Ok(())),
            (GrantTerms { grantee: Grantee::Host(3), ..budget(&[]) }, vec![], Ok(())),
            (GrantTerms { grantee: Grantee::Host(3), ..budget(&[1]) }, vec![], Err(KeysError::BadHosts {})),
            (budget(&[2, 1]), vec![], Err(KeysError::BadHosts {})),
            (budget(&[1, 1]), vec![], Err(KeysError::BadHosts {})),
            (budget(&[1, 2, 3, 4, 5]), vec![], Err(KeysError::BadHosts {})),
            (rate(&[]), vec![], Err(KeysError::RateHost {})),
            (rate(&[1, 2]), vec![], Err(KeysError::RateHost {})),
            (rate(&[1]), vec![], Ok(())),
            (terms("/"), vec![above(&[])], Err(KeysError::HostsNeeded {})),
            (terms("/"), vec![above(&[1, 2])], Ok(())),
            (budget(&[2]), vec![above(&[1, 2])], Ok(())),
            (budget(&[3]), vec![above(&[1, 2])], Err(KeysError::BadHosts {})),
            (GrantTerms { grantee: Grantee::Host(3), ..budget(&[]) }, vec![above(&[1])], Err(KeysError::BadHosts {})),
            (rate(&[]), vec![above(&[1, 2])], Err(KeysError::RateHost {})),
        ] {
            assert_eq!(check_named(&terms, &lineage), answer, "{terms:?} under {lineage:?}");
        }
        let measured = |named: &[u8]| GrantTerms {
            measurements: named.iter().map(|one| Hash32([*one; 32])).collect(),
            ..terms("/")
        };
        let pinned = Grant { needs_attestation: true, measurements: vec![Hash32([1; 32])], ..parent() };
        assert_eq!(check_named(&measured(&[1, 2]), &[]), Ok(()));
        assert_eq!(check_named(&measured(&[2, 1]), &[]), Err(KeysError::BadMeasurements {}));
        assert_eq!(check_named(&measured(&[1]), std::slice::from_ref(&pinned)), Ok(()));
        assert_eq!(check_named(&measured(&[2]), std::slice::from_ref(&pinned)), Err(KeysError::BadMeasurements {}));
        let early = Grant { needs_attestation: true, ..parent() };
        assert_eq!(check_named(&measured(&[2]), &[early]), Err(KeysError::BadMeasurements {}));
    }

    #[test]
    fn narrowing_twice_widens_nothing() {
        let narrow = |from: &str, to: &str, expires_ms| Narrow {
            grant: 1,
            policy: policy(from),
            narrower: policy(to),
            expires_ms,
        };
        let grant = Grant { policy_hash: Hash32::of(&policy("/v1"), sha256), ..parent() };
        let check = |grant: &Grant, args: &Narrow| check_narrowing(grant, args, 20, sha256);
        assert_eq!(check(&grant, &narrow("/v1", "/v1/chat", 90)), Ok(()));
        assert_eq!(check(&grant, &narrow("/v1", "/v1", 101)), Err(KeysError::Expiry {}));
        assert_eq!(check(&grant, &narrow("/v1", "/v1", 20)), Err(KeysError::Expiry {}));
        let once = Grant { policy_hash: Hash32::of(&policy("/v1/chat"), sha256), expires_ms: 90, ..grant };
        assert_eq!(check(&once, &narrow("/v1/chat", "/v1", 90)), Err(KeysError::NotWithin {}));
        assert_eq!(check(&once, &narrow("/v1", "/v1", 90)), Err(KeysError::WrongPreimage {}));
        assert_eq!(check(&once, &narrow("/v1/chat", "/v1/chat", 91)), Err(KeysError::Expiry {}));
    }

    #[test]
    fn delegation_is_for_the_holder_to_the_fourth_depth_and_within_the_time() {
        let bob = "bob.near".parse().unwrap();
        let eve: charter_types::AccountId = "eve.near".parse().unwrap();
        assert_eq!(check_delegation(&parent(), &terms("/"), &bob), Ok(()));
        let stranger = check_delegation(&parent(), &terms("/"), &eve);
        assert_eq!(stranger, Err(KeysError::NotGrantee { caller: eve }));
        let deep = Grant { depth: DEPTH_MAX, ..parent() };
        assert_eq!(check_delegation(&deep, &terms("/"), &bob), Err(KeysError::TooDeep {}));
        let shut = Grant { no_delegation: true, ..parent() };
        assert_eq!(check_delegation(&shut, &terms("/"), &bob), Err(KeysError::NoDelegation {}));
        for (not_before_ms, expires_ms) in [(9, 100), (10, 101)] {
            let terms = GrantTerms { not_before_ms, expires_ms, ..terms("/") };
            assert_eq!(check_delegation(&parent(), &terms, &bob), Err(KeysError::Expiry {}));
        }
    }
}
