//! The registry's answer. A denial keeps the books, releases what was reserved, and fails in a receipt of its own.

use charter_common::{Answer, Failure, authority_answer, fail_later, sha256};
use charter_types::keys::args::{AddCredential, AddWraps, Delegate, GrantSecret, GrantTerms};
use charter_types::keys::{
    Fact, Grant, GrantId, Grantee, KeysError, Mode, Secret, SecretId, Snapshot, Wrap, check_live,
};
use charter_types::registry::{Authority, Epochs};
use charter_types::{AccountId, Hash32};
use near_sdk::{PromiseOrValue, env, near};
use serde::{Deserialize, Serialize};

use super::ask::{Pending, Wish};
use crate::model::{check_delegation, check_terms};
use crate::storage::{StoredGrant, StoredSecret};
use crate::{Keys, KeysExt};

/// What a call stored or touched.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Added {
    pub secret: Option<SecretId>,
    pub grant: Option<GrantId>,
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[near]
impl Keys {
    #[private]
    pub fn on_authority(&mut self) -> PromiseOrValue<Added> {
        let Ok(pending) = borsh::from_slice::<Pending>(&env::input().unwrap_or_default()) else {
            return PromiseOrValue::Value(Added::default());
        };
        let Pending { caller, agent, reserved_bytes, wish } = pending;
        self.core.storage.release(&caller, reserved_bytes);
        let known = authority_answer().ok_or(KeysError::NoAuthority { agent });
        let done = known.map_err(Failure::from).and_then(|authority| self.act(&caller, wish, &authority));
        match done {
            Ok(added) => PromiseOrValue::Value(added),
            Err(failure) => {
                self.emit("denied", &caller, Fact::Denied { agent, code: failure.code.to_owned() });
                PromiseOrValue::Promise(fail_later(failure.text()))
            }
        }
    }
}

impl Keys {
    /// Every check comes before every write: an error must leave nothing behind.
    fn act(&mut self, caller: &AccountId, wish: Wish, authority: &Authority) -> Answer<Added> {
        match wish {
            Wish::AddCredential(args) => {
                Self::check_owner(caller, authority, args.agent)?;
                self.store_credential(caller, args, authority.epochs)
            }
            Wish::AddWraps(args) => self.store_wraps(caller, args, authority),
            Wish::Grant(args) => self.store_grant(caller, args, authority),
            Wish::Delegate(args) => self.store_delegation(caller, args, authority),
            Wish::RevokeGrant(id) => {
                Self::check_revoker(caller, authority)?;
                let grant = self.grant_row(id)?;
                self.set_revoked(grant, caller)?;
                Ok(Added { secret: None, grant: Some(id) })
            }
            Wish::RevokeSecret(id) => {
                Self::check_revoker(caller, authority)?;
                let secret = self.secret_row(id)?;
                self.bump_secret(secret, caller)?;
                Ok(Added { secret: Some(id), grant: None })
            }
        }
    }

    fn check_owner(caller: &AccountId, authority: &Authority, agent: u64) -> Answer {
        if !authority.roles.owner {
            return Err(KeysError::NotOwner { caller: caller.clone() }.into());
        }
        if authority.armed { Ok(()) } else { Err(KeysError::Disarmed { agent }.into()) }
    }

    /// INV-KEY-5: guardians only take away.
    fn check_revoker(caller: &AccountId, authority: &Authority) -> Answer {
        if authority.roles.owner || authority.roles.guardian {
            return Ok(());
        }
        Err(KeysError::NotRevoker { caller: caller.clone() }.into())
    }

    fn store_credential(&mut self, caller: &AccountId, args: AddCredential, epochs: Epochs) -> Answer<Added> {
        let label = (args.agent, args.label_hash);
        // Another call may have stored the label while the registry was asked.
        if self.labels.contains(&label) {
            return Err(KeysError::LabelExists {}.into());
        }
        let ceiling_hash = Hash32::of(&args.ceiling, sha256);
        if let Some(terms) = &args.grant {
            check_terms(terms, &args.ceiling, ceiling_hash, Self::now_ms(), sha256)?;
            self.host_generation(terms)?;
        }
        let id = self.next_secret;
        self.next_secret += 1;
        let secret = Secret {
            id,
            agent: args.agent,
            label_hash: args.label_hash,
            mode: Mode::Sealed,
            version: 1,
            epoch: 0,
            ceiling_hash,
            envelope_sha256: Hash32(sha256(&args.envelope.0)),
            envelope_bytes: length(&args.envelope.0),
            epochs,
        };
        let ledger = &mut self.core.storage;
        self.secrets.insert(&id, caller, &StoredSecret::V1(secret.clone()), ledger)?;
        self.envelopes.insert(&id, caller, &args.envelope, ledger)?;
        self.labels.insert(&label, caller, &id, ledger)?;
        self.emit("secret_added", caller, Fact::Secret(secret.clone()));
        self.insert_wraps(caller, &secret, &args.wraps)?;
        let Some(terms) = args.grant else { return Ok(Added { secret: Some(id), grant: None }) };
        let grant = self.insert_grant(caller, &secret, None, terms, epochs)?;
        Ok(Added { secret: Some(id), grant: Some(grant) })
    }

    fn insert_wraps(&mut self, caller: &AccountId, secret: &Secret, wraps: &[Wrap]) -> Answer {
        for wrap in wraps {
            let key = (secret.id, secret.version, wrap.host);
            let ledger = &mut self.core.storage;
            if self.wraps.contains(&key) {
                self.wraps.update(&key, &wrap.sealed, ledger)?;
            } else {
                self.wraps.insert(&key, caller, &wrap.sealed, ledger)?;
            }
            let fact = Fact::Wrap {
                secret: secret.id,
                version: secret.version,
                host: wrap.host,
                sha256: Hash32(sha256(&wrap.sealed.0)),
                bytes: length(&wrap.sealed.0),
            };
            self.emit("wrap_added", caller, fact);
        }
        Ok(())
    }

    fn store_wraps(&mut self, caller: &AccountId, args: AddWraps, authority: &Authority) -> Answer<Added> {
        let secret = self.secret_row(args.secret)?;
        Self::check_owner(caller, authority, secret.agent)?;
        Self::check_epochs(&secret, authority)?;
        self.insert_wraps(caller, &secret, &args.wraps)?;
        Ok(Added { secret: Some(secret.id), grant: None })
    }

    fn check_epochs(secret: &Secret, authority: &Authority) -> Answer {
        if secret.epochs == authority.epochs {
            return Ok(());
        }
        Err(KeysError::EpochMoved { agent: secret.agent }.into())
    }

    fn store_grant(&mut self, caller: &AccountId, args: GrantSecret, authority: &Authority) -> Answer<Added> {
        let secret = self.secret_row(args.secret)?;
        Self::check_owner(caller, authority, secret.agent)?;
        Self::check_epochs(&secret, authority)?;
        check_terms(&args.terms, &args.ceiling, secret.ceiling_hash, Self::now_ms(), sha256)?;
        let grant = self.insert_grant(caller, &secret, None, args.terms, authority.epochs)?;
        Ok(Added { secret: Some(secret.id), grant: Some(grant) })
    }

    /// INV-KEY-8: local generations and expiries are checked again here, so a revocation that raced the question wins.
    fn store_delegation(&mut self, caller: &AccountId, args: Delegate, authority: &Authority) -> Answer<Added> {
        let lineage = self.lineage_rows(args.parent)?;
        let parent = self.grant_row(args.parent)?;
        let secret = self.secret_row(parent.secret)?;
        let now_ms = Self::now_ms();
        if !authority.armed {
            return Err(KeysError::Disarmed { agent: parent.agent }.into());
        }
        // A grant that starts later can be passed on before it starts.
        let when = now_ms.max(parent.not_before_ms);
        check_live(&lineage, &secret, authority.epochs, when).map_err(|_| KeysError::Dead { id: parent.id })?;
        check_delegation(&parent, &args.terms, caller)?;
        check_terms(&args.terms, &args.parent_policy, parent.policy_hash, now_ms, sha256)?;
        let grant = self.insert_grant(caller, &secret, Some(&parent), args.terms, authority.epochs)?;
        Ok(Added { secret: Some(secret.id), grant: Some(grant) })
    }

    fn host_generation(&self, terms: &GrantTerms) -> Answer<Option<u64>> {
        match &terms.grantee {
            Grantee::Host(host) => Ok(Some(self.host_row(*host)?.generation)),
            Grantee::Account(_) => Ok(None),
        }
    }

    fn insert_grant(
        &mut self,
        caller: &AccountId,
        secret: &Secret,
        parent: Option<&Grant>,
        terms: GrantTerms,
        epochs: Epochs,
    ) -> Answer<GrantId> {
        let host_generation = self.host_generation(&terms)?;
        let id = self.next_grant;
        self.next_grant += 1;
        let grant = Grant {
            id,
            agent: secret.agent,
            secret: secret.id,
            parent: parent.map(|parent| parent.id),
            depth: parent.map_or(0, |parent| parent.depth + 1),
            grantor: caller.clone(),
            grantee: terms.grantee,
            policy_hash: Hash32::of(&terms.policy, sha256),
            not_before_ms: terms.not_before_ms,
            expires_ms: terms.expires_ms,
            needs_approval: terms.needs_approval || parent.is_some_and(|parent| parent.needs_approval),
            no_delegation: terms.no_delegation,
            revoked: false,
            generation: 0,
            snapshot: Snapshot {
                epochs,
                secret_epoch: secret.epoch,
                parent_generation: parent.map(|parent| parent.generation),
                host_generation,
            },
        };
        self.grants.insert(&id, caller, &StoredGrant::V1(grant.clone()), &mut self.core.storage)?;
        self.emit("granted", caller, Fact::Granted { grant, policy: terms.policy });
        Ok(id)
    }
}
