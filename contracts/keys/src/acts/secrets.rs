//! Secrets.

use charter_common::{Answer, sha256};
use charter_types::keys::args::{
    AddCredential, AddWraps, CreateSecret, GrantTerms, PutEnvelope, RotateSecret, SecretRef,
};
use charter_types::keys::{Added, Fact, KeysError, Mode, Recipient, SealedKey, Secret, SecretId, SecretStatus, Wrap};
use charter_types::registry::{Authority, Epochs};
use charter_types::{AccountId, Hash32};

use crate::Keys;
use crate::api::ask::Pending;
use crate::model::{check_same, digest};

fn check_epochs(secret: &Secret, authority: &Authority) -> Answer {
    if secret.epochs == authority.epochs {
        return Ok(());
    }
    Err(KeysError::EpochMoved { agent: secret.agent }.into())
}

impl Keys {
    /// A secret that was not retired.
    pub(crate) fn live_secret(&self, id: SecretId) -> Answer<Secret> {
        let secret = self.secret_row(id)?;
        if secret.status == SecretStatus::Active { Ok(secret) } else { Err(KeysError::Retired {}.into()) }
    }

    /// A secret with a ciphertext here, at the version the caller has in mind.
    pub(crate) fn sealed_secret(&self, id: SecretId, expected_version: u32) -> Answer<Secret> {
        let secret = self.live_secret(id)?;
        if secret.mode != Mode::Sealed {
            return Err(KeysError::WrongMode {}.into());
        }
        if expected_version != secret.version {
            return Err(KeysError::Version { found: secret.version }.into());
        }
        Ok(secret)
    }

    /// The same in a callback: the secret must belong to the agent as it is now.
    fn secret_now(&self, id: SecretId, expected_version: u32, authority: &Authority) -> Answer<Secret> {
        let secret = self.sealed_secret(id, expected_version)?;
        check_epochs(&secret, authority)?;
        Ok(secret)
    }

    /// The same for a secret of any mode.
    pub(crate) fn grantable_secret(&self, id: SecretId, authority: &Authority) -> Answer<Secret> {
        let secret = self.live_secret(id)?;
        check_epochs(&secret, authority)?;
        Ok(secret)
    }

    pub(super) fn store_credential(
        &mut self,
        caller: &AccountId,
        args: AddCredential,
        epochs: Epochs,
    ) -> Answer<Added> {
        let (sha256, bytes) = digest(&args.envelope, sha256);
        let AddCredential { agent, epochs: sealed_for, label_hash, ceiling, envelope, wraps, rotate_by_ms, grants } =
            args;
        if sealed_for.is_some_and(|sealed_for| sealed_for != epochs) {
            return Err(KeysError::EpochMoved { agent }.into());
        }
        self.check_sealed(&wraps)?;
        let bare = CreateSecret { agent, label_hash, mode: Mode::Sealed, ceiling, sha256, rotate_by_ms, grants };
        let mut secret = self.insert_secret(caller, &bare, bytes, epochs)?;
        self.envelopes.insert(&secret.id, caller, &envelope, &mut self.core.storage)?;
        self.insert_wraps(caller, &mut secret, &wraps)?;
        self.finish_secret(caller, secret, bare.grants)
    }

    pub(super) fn store_bare_secret(
        &mut self,
        caller: &AccountId,
        args: CreateSecret,
        epochs: Epochs,
    ) -> Answer<Added> {
        let secret = self.insert_secret(caller, &args, 0, epochs)?;
        self.finish_secret(caller, secret, args.grants)
    }

    /// Checks the grants that come with a secret too, but leaves them to `finish_secret`: they are stored last.
    fn insert_secret(
        &mut self,
        caller: &AccountId,
        args: &CreateSecret,
        envelope_bytes: u32,
        epochs: Epochs,
    ) -> Answer<Secret> {
        self.check_all_terms(&args.grants, &args.ceiling, &[])?;
        let label = (args.agent, args.label_hash);
        // Another call may have stored the label while the registry was asked.
        if self.labels.contains(&label) {
            return Err(KeysError::LabelExists {}.into());
        }
        let secret = Secret {
            id: self.next_secret,
            agent: args.agent,
            label_hash: args.label_hash,
            mode: args.mode,
            status: SecretStatus::Active,
            version: 1,
            epoch: 0,
            ceiling_hash: Self::policy_hash(&args.ceiling),
            envelope_sha256: args.sha256,
            envelope_bytes,
            rotate_by_ms: args.rotate_by_ms,
            recipients: 0,
            epochs,
        };
        self.next_secret += 1;
        let ledger = &mut self.core.storage;
        self.secrets.insert(&secret.id, caller, &secret, ledger)?;
        self.labels.insert(&label, caller, &secret.id, ledger)?;
        Ok(secret)
    }

    fn finish_secret(&mut self, caller: &AccountId, secret: Secret, grants: Vec<GrantTerms>) -> Answer<Added> {
        let (id, epochs) = (secret.id, secret.epochs);
        self.save_secret("secret_added", caller, secret.clone())?;
        let mut ids = Vec::new();
        for terms in grants {
            ids.push(self.insert_grant(caller, &secret, &[], terms, epochs)?);
        }
        Ok(Added { secret: Some(id), grants: ids })
    }

    /// Stores data keys and remembers who received them; the caller saves the secret.
    fn insert_wraps(&mut self, caller: &AccountId, secret: &mut Secret, wraps: &[Wrap]) -> Answer {
        for wrap in wraps {
            let key = (secret.id, secret.version, wrap.host);
            let host_generation = self.host_row(wrap.host)?.generation;
            let at_ms = Self::now_ms();
            let sealed = SealedKey { sealed: wrap.sealed.clone(), host_generation };
            let received = (!self.wraps.contains(&key)).then_some(secret.recipients);
            if let Some(index) = received {
                let recipient = Recipient { host: wrap.host, version: secret.version, since_ms: at_ms };
                secret.recipients += 1;
                self.recipients.insert(&(secret.id, u64::from(index)), caller, &recipient, &mut self.core.storage)?;
                self.wraps.insert(&key, caller, &sealed, &mut self.core.storage)?;
            } else {
                self.wraps.hand_over(&key, caller, &sealed, &mut self.core.storage)?;
            }
            let fact = Fact::Wrap {
                secret: secret.id,
                version: secret.version,
                host: wrap.host,
                host_generation,
                sha256: Hash32(sha256(&wrap.sealed.0)),
                bytes: u32::try_from(wrap.sealed.0.len()).unwrap_or(u32::MAX),
                received,
                at_ms,
            };
            self.emit("wrap_added", caller, fact);
        }
        Ok(())
    }

    pub(crate) fn remove_wrap(&mut self, caller: &AccountId, secret: SecretId, version: u32, host: u64) {
        if self.wraps.remove(&(secret, version, host), &mut self.core.storage) {
            self.emit("wrap_removed", caller, Fact::WrapRemoved { secret, version, host });
        }
    }

    pub(super) fn store_wraps(&mut self, caller: &AccountId, args: AddWraps, authority: &Authority) -> Answer<Added> {
        let mut secret = self.secret_now(args.secret, args.expected_version, authority)?;
        self.check_sealed(&args.wraps)?;
        self.insert_wraps(caller, &mut secret, &args.wraps)?;
        self.save_secret("secret_sealed", caller, secret)?;
        Ok(Added { secret: Some(args.secret), grants: Vec::new() })
    }

    pub(super) fn replace_envelope(
        &mut self,
        caller: &AccountId,
        args: PutEnvelope,
        authority: &Authority,
    ) -> Answer<Added> {
        let secret = self.secret_now(args.secret, args.expected_version, authority)?;
        check_same(&secret, &args.envelope, sha256)?;
        self.envelopes.hand_over(&secret.id, caller, &args.envelope, &mut self.core.storage)?;
        self.save_secret("envelope_put", caller, secret)?;
        Ok(Added { secret: Some(args.secret), grants: Vec::new() })
    }

    pub(super) fn rotate_now(
        &mut self,
        caller: &AccountId,
        args: RotateSecret,
        authority: &Authority,
    ) -> Answer<Added> {
        let mut secret = self.secret_now(args.secret, args.expected_version, authority)?;
        self.check_sealed(&args.wraps)?;
        self.check_sealed_before(&secret, &args.wraps)?;
        for wrap in &args.wraps {
            self.remove_wrap(caller, secret.id, secret.version, wrap.host);
        }
        secret.version += 1;
        secret.rotate_by_ms = args.rotate_by_ms;
        (secret.envelope_sha256, secret.envelope_bytes) = digest(&args.envelope, sha256);
        self.envelopes.hand_over(&secret.id, caller, &args.envelope, &mut self.core.storage)?;
        self.insert_wraps(caller, &mut secret, &args.wraps)?;
        self.save_secret("secret_rotated", caller, secret)?;
        Ok(Added { secret: Some(args.secret), grants: Vec::new() })
    }

    /// O(1): who received it, and what was sealed to them, is forgotten by `clean_secret`. The label stays taken.
    pub(crate) fn retire_now(&mut self, caller: &AccountId, id: SecretId) -> Answer<Added> {
        let mut secret = self.live_secret(id)?;
        self.envelopes.remove(&id, &mut self.core.storage);
        secret.status = SecretStatus::Retired;
        secret.epoch += 1;
        self.save_secret("secret_retired", caller, secret)?;
        Ok(Added { secret: Some(id), grants: Vec::new() })
    }

    /// Removes what is left of a retired secret. Its label is free only when nothing that was sealed under it opens under it
    /// any more: ciphertexts are bound to the agent's epochs.
    pub(crate) fn forget_now(&mut self, pending: &Pending, known: Option<Authority>) -> Answer<Added> {
        let id = charter_common::arguments_in::<SecretRef>(&pending.input)?.secret;
        let secret = self.secret_row(id)?;
        self.check_forgettable(&secret)?;
        if known.is_some_and(|known| known.epochs == secret.epochs) {
            return Err(KeysError::LabelHeld { agent: secret.agent }.into());
        }
        let label = (secret.agent, secret.label_hash);
        // One that was retired in release `faa0a5a` gave its label back then, and another secret may have it.
        if self.labels.get(&label) == Some(id) {
            self.labels.remove(&label, &mut self.core.storage);
        }
        self.secrets.remove(&id, &mut self.core.storage);
        self.emit("secret_forgotten", &pending.caller, Fact::SecretRemoved(id));
        Ok(Added { secret: Some(id), grants: Vec::new() })
    }

    /// O(1): every grant of it compares the epoch.
    pub(super) fn revoke_secret_now(&mut self, caller: &AccountId, id: SecretId) -> Answer<Added> {
        let mut secret = self.secret_row(id)?;
        secret.epoch += 1;
        self.save_secret("secret_revoked", caller, secret)?;
        Ok(Added { secret: Some(id), grants: Vec::new() })
    }
}
