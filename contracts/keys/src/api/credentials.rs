//! Secrets: ciphertext on chain, plaintext nowhere.

use charter_common::{Answer, Later, Payer, methods, sha256};
use charter_types::AccountId;
use charter_types::keys::args::{
    AddCredential, AddWraps, CreateSecret, GrantTerms, PutEnvelope, RotateSecret, SecretRef,
};
use charter_types::keys::{
    Added, CLEANED_MAX, Envelope, Fact, HostStatus, KeysError, Mode, Policy, Secret, SecretId, SecretStatus, Wrap,
};
use near_sdk::{PromiseOrValue, env, near};

use super::ask::{On, Plan, Wish};
use crate::model::{check_envelope, check_same, check_wraps};
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
        let payload = payload(&args.envelope, &args.wraps);
        self.ask(args.agent, Wish::AddCredential, &Plan { rows, payload, terms: &args.grants, ..Plan::default() })
    }

    pub fn create_secret(&mut self, args: CreateSecret) -> Answer<Later<Added>> {
        self.check_running("store")?;
        if args.mode == Mode::Sealed {
            return Err(KeysError::WrongMode {}.into());
        }
        self.check_new(args.agent, args.label_hash, &args.ceiling, &args.grants)?;
        let rows = 2 + 2 * args.grants.len();
        self.ask(args.agent, Wish::CreateSecret, &Plan { rows, terms: &args.grants, ..Plan::default() })
    }

    pub fn put_envelope(&mut self, args: PutEnvelope) -> Answer<Later<Added>> {
        self.check_running("store")?;
        check_envelope(&args.envelope)?;
        let secret = self.sealed_secret(args.secret, args.expected_version)?;
        check_same(&secret, &args.envelope, sha256)?;
        let (payload, on) = (payload(&args.envelope, &[]), [On::Secret(secret.id)]);
        self.ask(secret.agent, Wish::PutEnvelope, &Plan { rows: 1, payload, on: &on, ..Plan::default() })
    }

    pub fn add_wraps(&mut self, args: AddWraps) -> Answer<Later<Added>> {
        self.check_running("store")?;
        self.check_sealed(&args.wraps)?;
        let secret = self.sealed_secret(args.secret, args.expected_version)?;
        let payload = args.wraps.iter().map(|wrap| wrap.sealed.0.len()).sum();
        let (rows, on) = (2 * args.wraps.len(), [On::Secret(secret.id)]);
        self.ask(secret.agent, Wish::AddWraps, &Plan { rows, payload, on: &on, ..Plan::default() })
    }

    pub fn rotate_secret(&mut self, args: RotateSecret) -> Answer<Later<Added>> {
        self.check_running("store")?;
        check_envelope(&args.envelope)?;
        self.check_sealed(&args.wraps)?;
        let secret = self.sealed_secret(args.secret, args.expected_version)?;
        self.check_sealed_before(&secret, &args.wraps)?;
        let (payload, on) = (payload(&args.envelope, &args.wraps), [On::Secret(secret.id)]);
        let plan = Plan { rows: 1 + 2 * args.wraps.len(), touched: args.wraps.len(), payload, on: &on, terms: &[] };
        self.ask(secret.agent, Wish::RotateSecret, &plan)
    }

    /// Retiring only takes away, so it asks for no epochs: after a panic or a sale, too, whoever pays gets its storage back.
    pub fn retire_secret(&mut self, SecretRef { secret: id }: SecretRef) -> Answer<PromiseOrValue<Added>> {
        let agent = self.live_secret(id)?.agent;
        let caller = env::predecessor_account_id();
        if self.check_payer(id, &caller).is_ok() {
            return Ok(PromiseOrValue::Value(self.retire_now(&caller, id)?));
        }
        Ok(self.ask(agent, Wish::RetireSecret, &Plan { touched: 2, ..Plan::default() })?.into())
    }

    pub fn clean_secret(&mut self, SecretRef { secret: id }: SecretRef) -> Answer<u32> {
        let caller = env::predecessor_account_id();
        let mut secret = self.secret_row(id)?;
        let before = secret.recipients;
        if secret.status != SecretStatus::Retired {
            return Err(KeysError::NotRetired {}.into());
        }
        for _ in 0..CLEANED_MAX {
            let Some(last) = secret.recipients.checked_sub(1) else { break };
            let key = (id, u64::from(last));
            if let Some(recipient) = self.recipients.get(&key) {
                self.remove_wrap(&caller, id, recipient.version, recipient.host);
            }
            self.recipients.remove(&key, &mut self.core.storage);
            secret.recipients = last;
        }
        let left = secret.recipients;
        self.save_secret("secret_cleaned", &caller, secret)?;
        self.emit("recipients_forgotten", &caller, Fact::RecipientsRemoved { secret: id, left, count: before - left });
        Ok(left)
    }

    pub fn forget_secret(&mut self, SecretRef { secret: id }: SecretRef) -> Answer<Later<Added>> {
        let secret = self.secret_row(id)?;
        self.check_forgettable(&secret)?;
        self.ask(secret.agent, Wish::ForgetSecret, &Plan { touched: 2, ..Plan::default() })
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
    /// Every data key is for a host in service, and sealed to the key that it has.
    pub(crate) fn check_sealed(&self, wraps: &[Wrap]) -> Answer {
        check_wraps(wraps)?;
        wraps.iter().try_for_each(|wrap| {
            let host = self.host_row(wrap.host)?;
            if wrap.host_generation != host.generation {
                return Err(KeysError::HostGeneration { found: host.generation }.into());
            }
            if host.status == HostStatus::Active { Ok(()) } else { Err(KeysError::HostStands {}.into()) }
        })
    }

    /// A new value goes to hosts that could open the old one as they are now. What was revoked is sealed to again by
    /// `add_wraps` alone, where somebody says so.
    pub(crate) fn check_sealed_before(&self, secret: &Secret, wraps: &[Wrap]) -> Answer {
        wraps.iter().try_for_each(|wrap| self.check_host_stands(&self.host_row(wrap.host)?, secret))
    }

    /// Whoever pays for a secret's row.
    fn check_payer(&self, id: SecretId, caller: &AccountId) -> Answer {
        if self.secrets.payer(&id) == Some(Payer::from(caller)) {
            return Ok(());
        }
        Err(KeysError::NotPayer { caller: caller.clone() }.into())
    }

    pub(crate) fn check_forgettable(&self, secret: &Secret) -> Answer {
        if secret.status != SecretStatus::Retired {
            return Err(KeysError::NotRetired {}.into());
        }
        if secret.recipients > 0 {
            return Err(KeysError::NotClean { recipients: secret.recipients }.into());
        }
        Ok(())
    }

    fn check_new(
        &self,
        agent: u64,
        label_hash: charter_types::Hash32,
        ceiling: &Policy,
        grants: &[GrantTerms],
    ) -> Answer {
        charter_rules::policy::check(ceiling)?;
        self.check_all_terms(grants, ceiling, &[])?;
        if self.labels.contains(&(agent, label_hash)) {
            return Err(KeysError::LabelExists {}.into());
        }
        Ok(())
    }
}
