//! Secrets.

use charter_common::{Answer, sha256};
use charter_types::keys::args::{AddCredential, AddWraps, CreateSecret, GrantTerms, PutEnvelope, RotateSecret};
use charter_types::keys::{
    Added, Envelope, Fact, KeysError, Mode, Recipient, SealedKey, Secret, SecretId, SecretStatus, Wrap,
};
use charter_types::registry::{Authority, Epochs};
use charter_types::{AccountId, Hash32};

use crate::Keys;

/// Data keys removed when a secret is retired; more than eight calls of `add_wraps` can leave.
const WRAPS_REMOVED_MAX: u64 = 64;

/// What is known of a ciphertext without reading it.
fn digest(envelope: &Envelope) -> (Hash32, u32) {
    match envelope {
        Envelope::Inline(bytes) => (Hash32(sha256(&bytes.0)), u32::try_from(bytes.0.len()).unwrap_or(u32::MAX)),
        Envelope::Elsewhere { sha256, bytes, .. } => (*sha256, *bytes),
    }
}

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
    pub(crate) fn sealed_secret(&self, id: SecretId, expected_version: Option<u32>) -> Answer<Secret> {
        let secret = self.live_secret(id)?;
        if secret.mode != Mode::Sealed {
            return Err(KeysError::WrongMode {}.into());
        }
        if expected_version.is_some_and(|expected| expected != secret.version) {
            return Err(KeysError::Version { found: secret.version }.into());
        }
        Ok(secret)
    }

    /// The same in a callback: the secret must belong to the agent as it is now.
    pub(crate) fn secret_now(
        &self,
        id: SecretId,
        expected_version: Option<u32>,
        authority: &Authority,
    ) -> Answer<Secret> {
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
        let (sha256, bytes) = digest(&args.envelope);
        let AddCredential { agent, label_hash, ceiling, envelope, wraps, rotate_by_ms, grants } = args;
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
        self.check_all_terms(&args.grants, &args.ceiling)?;
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
            ids.push(self.insert_grant(caller, &secret, None, terms, epochs)?);
        }
        Ok(Added { secret: Some(id), grants: ids })
    }

    /// Stores data keys and remembers who received them; the caller saves the secret.
    fn insert_wraps(&mut self, caller: &AccountId, secret: &mut Secret, wraps: &[Wrap]) -> Answer {
        for wrap in wraps {
            let key = (secret.id, secret.version, wrap.host);
            let host_generation = self.host_row(wrap.host)?.generation;
            let at_ms = Self::now_ms();
            let received = (!self.wraps.contains(&key)).then_some(secret.recipients);
            if let Some(index) = received {
                let recipient = Recipient { host: wrap.host, version: secret.version, since_ms: at_ms };
                secret.recipients += 1;
                self.recipients.insert(&(secret.id, u64::from(index)), caller, &recipient, &mut self.core.storage)?;
            }
            let sealed = SealedKey { sealed: wrap.sealed.clone(), host_generation };
            self.wraps.put(&key, caller, &sealed, &mut self.core.storage)?;
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

    fn remove_wrap(&mut self, caller: &AccountId, secret: &Secret, host: u64) {
        let version = secret.version;
        if self.wraps.remove(&(secret.id, version, host), &mut self.core.storage) {
            self.emit("wrap_removed", caller, Fact::WrapRemoved { secret: secret.id, version, host });
        }
    }

    pub(super) fn store_wraps(&mut self, caller: &AccountId, args: AddWraps, authority: &Authority) -> Answer<Added> {
        let mut secret = self.secret_now(args.secret, None, authority)?;
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
        let mut secret = self.secret_now(args.secret, Some(args.expected_version), authority)?;
        self.envelopes.put(&secret.id, caller, &args.envelope, &mut self.core.storage)?;
        (secret.envelope_sha256, secret.envelope_bytes) = digest(&args.envelope);
        self.save_secret("envelope_put", caller, secret)?;
        Ok(Added { secret: Some(args.secret), grants: Vec::new() })
    }

    pub(super) fn rotate_now(
        &mut self,
        caller: &AccountId,
        args: RotateSecret,
        authority: &Authority,
    ) -> Answer<Added> {
        let mut secret = self.secret_now(args.secret, Some(args.expected_version), authority)?;
        for wrap in &args.wraps {
            self.remove_wrap(caller, &secret, wrap.host);
        }
        secret.version += 1;
        secret.rotate_by_ms = args.rotate_by_ms;
        (secret.envelope_sha256, secret.envelope_bytes) = digest(&args.envelope);
        self.envelopes.put(&secret.id, caller, &args.envelope, &mut self.core.storage)?;
        self.insert_wraps(caller, &mut secret, &args.wraps)?;
        self.save_secret("secret_rotated", caller, secret)?;
        Ok(Added { secret: Some(args.secret), grants: Vec::new() })
    }

    pub(super) fn retire_now(&mut self, caller: &AccountId, id: SecretId, authority: &Authority) -> Answer<Added> {
        let mut secret = self.grantable_secret(id, authority)?;
        for index in 0..u64::from(secret.recipients).min(WRAPS_REMOVED_MAX) {
            if let Some(recipient) = self.recipients.get(&(id, index)) {
                self.remove_wrap(caller, &secret, recipient.host);
            }
        }
        self.envelopes.remove(&id, &mut self.core.storage);
        self.labels.remove(&(secret.agent, secret.label_hash), &mut self.core.storage);
        secret.status = SecretStatus::Retired;
        secret.epoch += 1;
        self.save_secret("secret_retired", caller, secret)?;
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
