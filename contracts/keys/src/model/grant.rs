//! What a new grant must satisfy.

use charter_types::keys::args::GrantTerms;
use charter_types::keys::{DEPTH_MAX, Grant, Grantee, KeysError, Policy};
use charter_types::{AccountId, Hash32};

/// INV-KEY-1: no grant allows more than what is above it. `above_hash` is the hash that state keeps of `above`.
pub fn check_terms(
    terms: &GrantTerms,
    above: &Policy,
    above_hash: Hash32,
    now_ms: u64,
    sha256: charter_types::Sha256,
) -> Result<(), KeysError> {
    terms.policy.check()?;
    if Hash32::of(above, sha256) != above_hash {
        return Err(KeysError::WrongPreimage {});
    }
    if !terms.policy.within(above) {
        return Err(KeysError::NotWithin {});
    }
    if terms.expires_ms <= now_ms || terms.expires_ms <= terms.not_before_ms {
        return Err(KeysError::Expiry {});
    }
    Ok(())
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
    use charter_types::keys::args::GrantTerms;
    use charter_types::keys::{
        DEPTH_MAX, Effect, Grant, Grantee, Inject, KeysError, Method, Policy, Scheme, Snapshot, Target,
    };
    use charter_types::registry::Epochs;
    use sha2::{Digest, Sha256};

    use super::{check_delegation, check_terms};

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
        }
    }

    fn terms(path: &str) -> GrantTerms {
        GrantTerms {
            grantee: Grantee::Account("bob.near".parse().unwrap()),
            policy: policy(path),
            not_before_ms: 10,
            expires_ms: 100,
            needs_approval: false,
            no_delegation: false,
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
            no_delegation: false,
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
        assert_eq!(check_terms(&terms("/v1/chat"), &above, hash, 99, sha256), Ok(()));
        assert_eq!(check_terms(&terms("/v2"), &above, hash, 99, sha256), Err(KeysError::NotWithin {}));
        assert_eq!(check_terms(&terms("/v1"), &policy("/"), hash, 99, sha256), Err(KeysError::WrongPreimage {}));
        assert_eq!(check_terms(&terms("/v1"), &above, hash, 100, sha256), Err(KeysError::Expiry {}));
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
