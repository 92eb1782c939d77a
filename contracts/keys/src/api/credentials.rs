//! Secrets: ciphertext on chain, plaintext nowhere.

use charter_common::{Answer, Later, methods};
use charter_types::keys::args::{
    AddCredential, AddWraps, CreateSecret, GrantTerms, PutEnvelope, RotateSecret, SecretRef,
};
use charter_types::keys::{Added, Envelope, KeysError, Mode, Policy, Wrap};
use near_sdk::near;

use super::ask::Wish;
use crate::model::{check_envelope, check_wraps};
use crate::{Keys, KeysExt};

#[methods(keys)]
#[near]
impl Keys {
    pub fn add_credential(&mut self, args: AddCredential) -> Answer<Later<Added>> {
        self.check_running("store")?;
        self.check_new(args.agent, args.label_hash, &args.ceiling, &args.grants)?;
        check_envelope(&args.envelope)?;
        self.check_sealed(&args.wraps)?;
        // Secret, envelope, label; data key and recipient per host; grant and budget each.
        let rows = 3 + 2 * args.wraps.len() + 2 * args.grants.len();
        self.ask(args.agent, Wish::AddCredential, rows, payload(&args.envelope, &args.wraps))
    }

    pub fn create_secret(&mut self, args: CreateSecret) -> Answer<Later<Added>> {
        self.check_running("store")?;
        if args.mode == Mode::Sealed {
            return Err(KeysError::WrongMode {}.into());
        }
        self.check_new(args.agent, args.label_hash, &args.ceiling, &args.grants)?;
        self.ask(args.agent, Wish::CreateSecret, 2 + 2 * args.grants.len(), 0)
    }

    pub fn put_envelope(&mut self, args: PutEnvelope) -> Answer<Later<Added>> {
        self.check_running("store")?;
        check_envelope(&args.envelope)?;
        let secret = self.sealed_secret(args.secret, Some(args.expected_version))?;
        self.ask(secret.agent, Wish::PutEnvelope, 1, payload(&args.envelope, &[]))
    }

    pub fn add_wraps(&mut self, args: AddWraps) -> Answer<Later<Added>> {
        self.check_running("store")?;
        self.check_sealed(&args.wraps)?;
        let secret = self.sealed_secret(args.secret, None)?;
        let sealed = args.wraps.iter().map(|wrap| wrap.sealed.0.len()).sum();
        self.ask(secret.agent, Wish::AddWraps, 2 * args.wraps.len(), sealed)
    }

    pub fn rotate_secret(&mut self, args: RotateSecret) -> Answer<Later<Added>> {
        self.check_running("store")?;
        check_envelope(&args.envelope)?;
        self.check_sealed(&args.wraps)?;
        let secret = self.sealed_secret(args.secret, Some(args.expected_version))?;
        let rows = 1 + 2 * args.wraps.len();
        self.ask(secret.agent, Wish::RotateSecret, rows, payload(&args.envelope, &args.wraps))
    }

    pub fn retire_secret(&mut self, SecretRef { secret }: SecretRef) -> Answer<Later<Added>> {
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
        charter_rules::policy::check(ceiling)?;
        self.check_all_terms(grants, ceiling)?;
        if self.labels.contains(&(agent, label_hash)) {
            return Err(KeysError::LabelExists {}.into());
        }
        Ok(())
    }
}
