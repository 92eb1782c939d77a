//! Secrets: ciphertext on chain, plaintext nowhere.

use charter_common::{Answer, Core, arguments};
use charter_types::keys::KeysError;
use charter_types::keys::args::{AddCredential, AddWraps};
use near_sdk::{Promise, near};

use super::ask::Wish;
use crate::model::{check_envelope, check_wraps};
use crate::{Keys, KeysExt};

#[near]
impl Keys {
    /// Stores a secret with its envelope and data keys, and the first grant if one is named. Takes `AddCredential`. The
    /// agent's owner, 1 yocto; storage comes out of the prepaid balance. Resolves to `{secret, grant}`.
    #[payable]
    #[handle_result(aliased)]
    pub fn add_credential(&mut self) -> Answer<Promise> {
        let args: AddCredential = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("store")?;
        args.ceiling.check()?;
        check_envelope(&args.envelope.0)?;
        check_wraps(&args.wraps)?;
        self.check_hosts(&args.wraps)?;
        if self.labels.contains(&(args.agent, args.label_hash)) {
            return Err(KeysError::LabelExists {}.into());
        }
        let payload = args.envelope.0.len() + args.wraps.iter().map(|wrap| wrap.sealed.0.len()).sum::<usize>();
        // Secret, envelope, label, a data key per host, and the grant.
        let rows = 4 + u64::try_from(args.wraps.len()).unwrap_or(u64::MAX);
        self.ask(args.agent, Wish::AddCredential(args), rows, payload)
    }

    /// Seals a secret's data key to more hosts. Takes `AddWraps`. Owner, 1 yocto, prepaid storage.
    #[payable]
    #[handle_result(aliased)]
    pub fn add_wraps(&mut self) -> Answer<Promise> {
        let args: AddWraps = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("store")?;
        check_wraps(&args.wraps)?;
        self.check_hosts(&args.wraps)?;
        let agent = self.secret_row(args.secret)?.agent;
        let payload = args.wraps.iter().map(|wrap| wrap.sealed.0.len()).sum();
        let rows = u64::try_from(args.wraps.len()).unwrap_or(u64::MAX);
        self.ask(agent, Wish::AddWraps(args), rows, payload)
    }
}

impl Keys {
    fn check_hosts(&self, wraps: &[charter_types::keys::Wrap]) -> Answer {
        wraps.iter().try_for_each(|wrap| self.host_row(wrap.host).map(|_| ()))
    }
}
