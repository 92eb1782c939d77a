//! What a new grant must satisfy.

use charter_rules::{budget, policy};
use charter_types::keys::args::{GrantTerms, Narrow};
use charter_types::keys::{DEPTH_MAX, Grant, Grantee, KeysError, Policy};
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
    use charter_types::Hash32;
    use charter_types::keys::args::{GrantTerms, Narrow};
    use charter_types::keys::{
        DEPTH_MAX, Effect, Grant, Grantee, Inject, KeysError, Method, Policy, Scheme, Snapshot, Suspension, Target,
    };
    use charter_types::registry::Epochs;
    use sha2::{Digest, Sha256};

    use super::{check_delegation, check_narrowing, check_preimage, check_terms};

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
            needs_approval: false,
            needs_attestation: false,
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
            needs_approval: false,
            needs_attestation: false,
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
