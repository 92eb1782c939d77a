//! Reputation reported by contracts through which money moved.

use charter_common::{Answer, methods};
use charter_types::registry::args::{ReportReputation, SetReporters};
use charter_types::registry::{ASSET_BYTES_MAX, Fact, REPORTERS_MAX, RegistryError, Reputation};
use charter_types::{Named, U128};
use near_sdk::{env, near};

use crate::storage::ReputationKey;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn report_reputation(
        &mut self,
        ReportReputation { agent: id, asset, earned, payments }: ReportReputation,
    ) -> Answer {
        let reporter = env::predecessor_account_id();
        if !self.reporters.contains(&reporter) {
            return Err(RegistryError::NotReporter { caller: reporter }.into());
        }
        if asset.is_empty() || asset.len() > ASSET_BYTES_MAX {
            return Err(RegistryError::BadReport {}.into());
        }
        let epoch = self.load_agent(id)?.epoch;
        let key = ReputationKey(id, epoch, reporter.clone(), asset.clone());
        let known = self.reputations.get(&key);
        let (most, count) = known.as_ref().map_or((U128(0), 0), |known| (known.earned, known.payments));
        if known.is_some() && earned <= most && payments <= count {
            return Ok(());
        }
        let reputation = Reputation {
            agent: id,
            epoch,
            reporter: reporter.clone(),
            asset,
            earned: earned.max(most),
            payments: payments.max(count),
            reported_ms: env::block_timestamp_ms(),
        };
        self.reputations.put(&key, &reporter, &reputation, &mut self.core.storage)?;
        self.emit("reputation_reported", Fact::Reputation(reputation));
        Ok(())
    }

    pub fn set_reporters(&mut self, SetReporters { reporters }: SetReporters) -> Answer {
        self.core.access.check_admin(&env::predecessor_account_id())?;
        if reporters.len() > REPORTERS_MAX {
            return Err(RegistryError::TooManyReporters {}.into());
        }
        self.reporters.clone_from(&reporters);
        self.emit("reporters_set", Fact::Reporters(reporters));
        Ok(())
    }

    pub fn set_verifier(&mut self, Named { account }: Named) -> Answer {
        self.core.access.check_admin(&env::predecessor_account_id())?;
        self.verifier = account.clone();
        self.emit("verifier_set", Fact::Verifier(account));
        Ok(())
    }
}
