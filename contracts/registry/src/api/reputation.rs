//! Reputation reported by contracts through which money moved.

use charter_common::{Answer, methods, sha256};
use charter_types::registry::args::{ReportReputation, ReputationRef, SetReporters};
use charter_types::registry::{ASSET_BYTES_MAX, Fact, REPORTERS_MAX, RegistryError, Reputation};
use charter_types::{AccountId, Hash32, Named};
use near_sdk::{env, near};

use crate::model::Counted;
use crate::storage::ReputationKey;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn report_reputation(
        &mut self,
        ReportReputation { agent: id, asset, earned, payments, epoch: seen, account, rest_to }: ReportReputation,
    ) -> Answer {
        let reporter = env::predecessor_account_id();
        let payment = self.core.begin_payment(&reporter)?.with_rest_to(rest_to);
        if !self.reporters.contains(&reporter) {
            return Err(RegistryError::NotReporter { caller: reporter }.into());
        }
        if asset.len() > ASSET_BYTES_MAX || (asset != "near" && asset.parse::<AccountId>().is_err()) {
            return Err(RegistryError::BadReport {}.into());
        }
        let agent = self.load_agent(id)?;
        // What was looked up before a hand-over is the seller's, and would be the buyer's baseline.
        if seen.is_some_and(|seen| seen != agent.epoch) {
            return Err(RegistryError::EpochMoved {}.into());
        }
        // INV-REG-9: whoever is not paid for the agent any more would be counted on.
        if account.as_ref().is_some_and(|account| account != agent.payout()) {
            return Err(RegistryError::PayoutMoved {}.into());
        }
        let key = ReputationKey(id, agent.epoch, reporter.clone(), asset.clone());
        let known = self.reputations.get(&key);
        let is_new = known.is_none();
        let first = || {
            Counted::from(Reputation {
                agent: id,
                epoch: agent.epoch,
                reporter: reporter.clone(),
                asset,
                earned,
                payments,
                reported_ms: 0,
                earned_before: earned,
                payments_before: payments,
            })
        };
        let mut counted = known.unwrap_or_else(first);
        let account = account.map_or_else(Hash32::default, |account| Hash32(sha256(account.as_bytes())));
        if counted.count(account, earned.0, payments) || is_new {
            counted.shown.reported_ms = env::block_timestamp_ms();
            self.reputations.put(&key, &reporter, &counted, &mut self.core.storage)?;
            self.emit("reputation_reported", Fact::Reputation(counted.shown));
        }
        // Anybody can have a reporter report, so what it prepaid for other things stays out of it.
        self.core.finish_whole_payment(payment)
    }

    pub fn remove_reputation(&mut self, known: ReputationRef) -> Answer {
        let caller = env::predecessor_account_id();
        if known.reporter != caller {
            return Err(RegistryError::NotReporter { caller }.into());
        }
        let ReputationRef { agent, epoch, reporter, asset } = known.clone();
        if !self.reputations.remove(&ReputationKey(agent, epoch, reporter, asset), &mut self.core.storage) {
            return Err(RegistryError::NoReputation {}.into());
        }
        self.emit("reputation_removed", Fact::ReputationRemoved(known));
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
