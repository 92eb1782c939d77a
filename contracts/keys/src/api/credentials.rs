//! Secrets: ciphertext on chain, plaintext nowhere.

use charter_common::{Answer, Core, arguments};
use charter_types::keys::args::{
    AddCredential, AddWraps, CreateSecret, GrantTerms, PutEnvelope, RotateSecret, SecretRef,
};
use charter_types::keys::{Envelope, KeysError, Mode, Policy, Wrap};
use near_sdk::{Promise, near};

use super::ask::Wish;
use crate::model::{check_envelope, check_wraps};
use crate::{Keys, KeysExt};

#[near]
impl Keys {
    /// Stores a secret with its envelope and data keys, and the first grants. Takes `AddCredential`. The agent's owner, 1
    /// yocto; storage comes out of the prepaid balance. Resolves to `Added`.
    #[payable]
    #[handle_result(aliased)]
    pub fn add_credential(&mut self) -> Answer<Promise> {
        let args: AddCredential = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("store")?;
        self.check_new(args.agent, args.label_hash, &args.ceiling, &args.grants)?;
        check_envelope(&args.envelope)?;
        self.check_sealed(&args.wraps)?;
        // Secret, envelope, label; data key and recipient per host; grant and budget each.
        let rows = 3 + 2 * args.wraps.len() + 2 * args.grants.len();
        self.ask(args.agent, Wish::AddCredential, rows, payload(&args.envelope, &args.wraps))
    }

    /// Makes a secret whose ciphertext is not here: derived by NEAR's MPC network, or known by its hash. Takes
    /// `CreateSecret`. The agent's owner, 1 yocto, prepaid storage. Resolves to `Added`.
    #[payable]
    #[handle_result(aliased)]
    pub fn create_secret(&mut self) -> Answer<Promise> {
        let args: CreateSecret = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("store")?;
        if args.mode == Mode::Sealed {
            return Err(KeysError::WrongMode {}.into());
        }
        self.check_new(args.agent, args.label_hash, &args.ceiling, &args.grants)?;
        self.ask(args.agent, Wish::CreateSecret, 2 + 2 * args.grants.len(), 0)
    }

    /// Puts another ciphertext of the same version in the place of one, or moves it elsewhere. Takes `PutEnvelope`. Owner,
    /// 1 yocto, prepaid storage.
    #[payable]
    #[handle_result(aliased)]
    pub fn put_envelope(&mut self) -> Answer<Promise> {
        let args: PutEnvelope = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("store")?;
        check_envelope(&args.envelope)?;
        let secret = self.sealed_secret(args.secret, Some(args.expected_version))?;
        self.ask(secret.agent, Wish::PutEnvelope, 1, payload(&args.envelope, &[]))
    }

    /// Seals a secret's data key to more hosts. Takes `AddWraps`. Owner, 1 yocto, prepaid storage.
    #[payable]
    #[handle_result(aliased)]
    pub fn add_wraps(&mut self) -> Answer<Promise> {
        let args: AddWraps = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("store")?;
        self.check_sealed(&args.wraps)?;
        let secret = self.sealed_secret(args.secret, None)?;
        let sealed = args.wraps.iter().map(|wrap| wrap.sealed.0.len()).sum();
        self.ask(secret.agent, Wish::AddWraps, 2 * args.wraps.len(), sealed)
    }

    /// Gives a secret a new value; grants stay. Takes `RotateSecret`. Owner, 1 yocto, prepaid storage.
    #[payable]
    #[handle_result(aliased)]
    pub fn rotate_secret(&mut self) -> Answer<Promise> {
        let args: RotateSecret = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("store")?;
        check_envelope(&args.envelope)?;
        self.check_sealed(&args.wraps)?;
        let secret = self.sealed_secret(args.secret, Some(args.expected_version))?;
        let rows = 1 + 2 * args.wraps.len();
        self.ask(secret.agent, Wish::RotateSecret, rows, payload(&args.envelope, &args.wraps))
    }

    /// Ends a secret for good: every grant of it is dead, its ciphertext is gone, its label is free. Takes `SecretRef`.
    /// Owner, 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn retire_secret(&mut self) -> Answer<Promise> {
        let SecretRef { secret } = arguments()?;
        Core::check_one_yocto()?;
        let agent = self.live_secret(secret)?.agent;
        self.ask(agent, Wish::RetireSecret, 0, 0)
    }
}

fn payload(envelope: &Envelope, wraps: &[Wrap]) -> usize {
    let inline = match envelope {
        Envelope::Inline(bytes) => bytes.0.len(),
        Envelope::Elsewhere { .. } => 0,
    };
    inline + wraps.iter().map(|wrap| wrap.sealed.0.len()).sum::<usize>()
}

impl Keys {
    fn check_sealed(&self, wraps: &[Wrap]) -> Answer {
        check_wraps(wraps)?;
        wraps.iter().try_for_each(|wrap| self.host_row(wrap.host).map(|_| ()))
    }

    fn check_new(
        &self,
        agent: u64,
        label_hash: charter_types::Hash32,
        ceiling: &Policy,
        grants: &[GrantTerms],
    ) -> Answer {
        ceiling.check()?;
        self.check_all_terms(grants, ceiling)?;
        if self.labels.contains(&(agent, label_hash)) {
            return Err(KeysError::LabelExists {}.into());
        }
        Ok(())
    }
}
