//! Methods that all Charter contracts with state have. What they do is here; [`charter_contract!`](crate::charter_contract)
//! gives a contract the methods themselves, each of which only passes its arguments on.

use charter_types::admin::{
    Deployment, Feature, FeaturePause, PauseFeature, SetPauser, SharedFact, StorageMove, Upgrade,
};
use charter_types::error::CommonError;
use charter_types::shared::methods::migrate;
use charter_types::storage::{StorageBalance, StorageDeposit, StorageUnregister, StorageWithdraw};
use charter_types::{AccountId, Hash32, Named};
use near_sdk::{AccountContract, Gas, NearToken, Promise, env};
use serde::Serialize;

use crate::{Answer, Core, Later, Standard, StorageLedger, encoded, passed_on, sha256, then_call};

/// Gas for `migrate`, besides what is left of the call's.
const MIGRATE_GAS: Gas = Gas::from_tgas(20);

/// Names of what can be paused in a contract, in an order that never changes.
pub type Features = &'static [&'static str];

fn feature(features: Features, name: &str) -> Answer<usize> {
    let unknown = || CommonError::UnknownFeature { feature: name.to_owned() };
    Ok(features.iter().position(|known| *known == name).ok_or_else(unknown)?)
}

fn pay(to: AccountId, yocto: u128) {
    if yocto > 0 {
        Promise::new(to).transfer(NearToken::from_yoctonear(yocto)).detach();
    }
}

impl Core {
    fn balance(&self, account: &AccountId) -> Answer<StorageBalance> {
        let none = || CommonError::StorageUnknown { account: account.clone() };
        Ok(self.storage.balance(account).ok_or_else(none)?)
    }

    pub fn storage_deposit(&mut self, standard: Standard, args: StorageDeposit) -> Answer<StorageBalance> {
        let StorageDeposit { account_id, registration_only } = args;
        let caller = env::predecessor_account_id();
        let account = account_id.unwrap_or_else(|| caller.clone());
        let attached = env::attached_deposit().as_yoctonear();
        let minimum = StorageLedger::bounds().min.0;
        let known = self.storage.balance(&account).is_some();
        if !known && attached < minimum {
            return Err(CommonError::StorageMinimum { minimum }.into());
        }
        let keep = match (registration_only.unwrap_or(false), known) {
            (true, true) => 0,
            (true, false) => minimum,
            (false, _) => attached,
        };
        self.storage.credit(&account, keep);
        pay(caller, attached.saturating_sub(keep));
        self.told_balance(standard, "storage_deposited", account)
    }

    /// The balance of an account that has just moved.
    fn told_balance(&mut self, standard: Standard, event: &str, account: AccountId) -> Answer<StorageBalance> {
        let balance = self.balance(&account)?;
        self.tell(standard, event, SharedFact::Storage(StorageMove { account, deposited: Some(balance.total) }));
        Ok(balance)
    }

    /// Logs what the caller did.
    pub(crate) fn tell(&mut self, standard: Standard, event: &str, shared: SharedFact) {
        self.events.emit(standard, event, &env::predecessor_account_id(), Told { shared });
    }

    pub fn storage_withdraw(
        &mut self,
        standard: Standard,
        StorageWithdraw { amount }: StorageWithdraw,
    ) -> Answer<StorageBalance> {
        let caller = env::predecessor_account_id();
        // What callbacks reserved that never came is money like any other.
        self.storage.free_reserved(&caller);
        let amount = amount.map_or_else(|| self.storage.available(&caller), |amount| amount.0);
        self.storage.debit(&caller, amount)?;
        pay(caller.clone(), amount);
        self.told_balance(standard, "storage_withdrawn", caller)
    }

    pub fn storage_unregister(&mut self, standard: Standard, _: StorageUnregister) -> Answer<bool> {
        let caller = env::predecessor_account_id();
        self.storage.free_reserved(&caller);
        let Some(deposit) = self.storage.close(&caller)? else { return Ok(false) };
        pay(caller.clone(), deposit);
        self.tell(standard, "storage_closed", SharedFact::Storage(StorageMove { account: caller, deposited: None }));
        Ok(true)
    }

    pub fn set_governance(&mut self, standard: Standard, Named { account }: Named) -> Answer {
        self.access.propose_governance(&env::predecessor_account_id(), account.clone())?;
        self.tell(standard, "governance_proposed", SharedFact::GovernanceProposed(account));
        Ok(())
    }

    pub fn set_pauser(&mut self, standard: Standard, SetPauser { account }: SetPauser) -> Answer {
        self.access.set_pauser(&env::predecessor_account_id(), account.clone())?;
        self.tell(standard, "pauser_set", SharedFact::Pauser(account));
        Ok(())
    }

    pub fn pause_feature(&mut self, standard: Standard, features: Features, args: PauseFeature) -> Answer {
        let number = feature(features, &args.feature)?;
        let caller = env::predecessor_account_id();
        let until_ms = self.access.pause(&caller, number, args.for_ms, env::block_timestamp_ms())?;
        self.tell(standard, "feature_paused", SharedFact::Pause(FeaturePause { feature: args.feature, until_ms }));
        Ok(())
    }

    pub fn unpause_feature(&mut self, standard: Standard, features: Features, args: Feature) -> Answer {
        let number = feature(features, &args.feature)?;
        self.access.unpause(&env::predecessor_account_id(), number, env::block_timestamp_ms())?;
        self.tell(standard, "feature_unpaused", SharedFact::Unpaused(args.feature));
        Ok(())
    }

    /// Fails while the feature is paused.
    pub fn check_running(&self, features: Features, name: &str) -> Answer {
        self.access.check_running(feature(features, name)?, name, env::block_timestamp_ms())
    }

    /// Which code runs.
    pub fn deployment(&self) -> Deployment {
        Deployment { number: self.deployments, sha256: code_hash() }
    }

    /// Deploys and migrates in one receipt: both happen or neither.
    pub fn upgrade(&self, Upgrade { code, approved, replaces }: Upgrade) -> Answer<Later<()>> {
        let caller = env::predecessor_account_id();
        let running = self.deployment();
        let found = Hash32(sha256(&code));
        // Who may not upgrade learns nothing else, whatever was sent.
        let takes_over = self.access.check_upgrader(&caller, found == running.sha256)?;
        if found != approved {
            return Err(CommonError::WrongHash { expected: approved, found }.into());
        }
        check_replaced(running, replaces)?;
        let deployed = Promise::new(env::current_account_id()).deploy_contract(code);
        let passed = encoded(&(running, takes_over.then_some(caller)));
        Ok(Later::to(migrate, then_call(deployed, migrate, passed, MIGRATE_GAS, 1)))
    }

    /// The state is that of the code before. Another deployment may have come between the decision and this one.
    pub(crate) fn migrated(&mut self, standard: Standard) -> Answer {
        // Release `faa0a5a` passes nothing on.
        let input = env::input().unwrap_or_default();
        if !input.is_empty() {
            // Release 0002 says nothing of who takes over.
            let (replaced, takes_over): (Deployment, Option<AccountId>) =
                passed_on().or_else(|_| passed_on().map(|replaced| (replaced, None)))?;
            check_replaced(Deployment { number: self.deployments, ..replaced }, replaced)?;
            if let Some(governance) = takes_over {
                self.access.take_over(governance.clone())?;
                let told = Told { shared: SharedFact::Governance(governance.clone()) };
                self.events.emit(standard, "governance_set", &governance, told);
            }
        }
        self.deployments += 1;
        let deployment = self.deployment();
        self.tell(standard, "deployed", SharedFact::Deployed(deployment));
        Ok(())
    }

    /// Fails if code and rows that the contract itself pays for take money that it keeps for others: what is free in storage
    /// accounts, and `held`.
    pub(crate) fn check_funds(&self, held: u128) -> Answer {
        let locked = env::storage_byte_cost().as_yoctonear().saturating_mul(u128::from(env::storage_usage()));
        let spendable = env::account_balance().as_yoctonear().saturating_sub(locked);
        let owed = self.storage.free().saturating_add(held);
        if spendable < owed {
            return Err(CommonError::FundsShort { needed: owed - spendable }.into());
        }
        Ok(())
    }
}

/// A fact that all contracts have, in the form of each one's own.
#[derive(Serialize)]
struct Told {
    shared: SharedFact,
}

pub(crate) fn check_replaced(running: Deployment, replaces: Deployment) -> Answer {
    if running == replaces {
        return Ok(());
    }
    Err(CommonError::CodeReplaced { number: running.number, code: running.sha256 }.into())
}

/// The hash of the code of this contract.
pub(crate) fn code_hash() -> Hash32 {
    match env::current_contract_code() {
        AccountContract::Local(hash) | AccountContract::Global(hash) => Hash32(hash),
        AccountContract::None | AccountContract::GlobalByAccount(_) => Hash32::default(),
    }
}

/// Gives a contract with a `core: Core` field the methods of `charter_types::shared`, and its ABI under `__contract_abi`:
/// JSON in zstd, as near-sdk embeds it. The build compresses `abi.json` of the contract's folder.
#[macro_export]
macro_rules! charter_contract {
    ($contract:ident, $folder:ident, features: [$($feature:literal),*]) => {
        /// Names of the pausable features.
        const FEATURES: $crate::Features = &[$($feature),*];

        /// Of its events.
        const STANDARD: $crate::Standard = (charter_types::$folder::STANDARD, charter_types::$folder::VERSION);

        const _: () = charter_types::shared::methods::complete::<$contract>();

        impl $crate::Chartered for $contract {
            const STANDARD: $crate::Standard = STANDARD;

            fn core(&mut self) -> &mut $crate::Core {
                &mut self.core
            }
        }

        impl $contract {
            /// Fails while the feature is paused.
            pub(crate) fn check_running(&self, name: &str) -> $crate::Answer {
                self.core.check_running(FEATURES, name)
            }
        }

        #[$crate::methods(shared)]
        #[near_sdk::near]
        impl $contract {
            pub fn storage_deposit(
                &mut self,
                args: charter_types::storage::StorageDeposit,
            ) -> $crate::Answer<charter_types::storage::StorageBalance> {
                self.core.storage_deposit(STANDARD, args)
            }

            pub fn storage_withdraw(
                &mut self,
                args: charter_types::storage::StorageWithdraw,
            ) -> $crate::Answer<charter_types::storage::StorageBalance> {
                self.core.storage_withdraw(STANDARD, args)
            }

            pub fn storage_unregister(&mut self, args: charter_types::storage::StorageUnregister) -> $crate::Answer<bool> {
                self.core.storage_unregister(STANDARD, args)
            }

            pub fn storage_balance_of(
                &self,
                args: charter_types::storage::StorageOf,
            ) -> $crate::Answer<Option<charter_types::storage::StorageBalance>> {
                Ok(self.core.storage.balance(&args.account_id))
            }

            pub fn storage_balance_bounds(&self) -> charter_types::storage::StorageBalanceBounds {
                $crate::StorageLedger::bounds()
            }

            pub fn event_head(&self) -> charter_types::event::EventHead {
                self.core.events.head()
            }

            pub fn governance(&self) -> Option<near_sdk::AccountId> {
                self.core.access.governance().cloned()
            }

            pub fn set_governance(&mut self, args: charter_types::Named) -> $crate::Answer {
                self.core.set_governance(STANDARD, args)
            }

            pub fn set_pauser(&mut self, args: charter_types::admin::SetPauser) -> $crate::Answer {
                self.core.set_pauser(STANDARD, args)
            }

            pub fn pause_feature(&mut self, args: charter_types::admin::PauseFeature) -> $crate::Answer {
                self.core.pause_feature(STANDARD, FEATURES, args)
            }

            pub fn unpause_feature(&mut self, args: charter_types::admin::Feature) -> $crate::Answer {
                self.core.unpause_feature(STANDARD, FEATURES, args)
            }

            pub fn deployment(&self) -> charter_types::admin::Deployment {
                self.core.deployment()
            }

            pub fn upgrade(&mut self, args: charter_types::admin::Upgrade) -> $crate::Answer<$crate::Later<()>> {
                self.core.upgrade(args)
            }

            #[private]
            #[init(ignore_state)]
            pub fn migrate() -> $crate::Answer<Self> {
                $crate::migrate()
            }

            #[private]
            pub fn fail(&self) {
                let text = near_sdk::env::input().unwrap_or_default();
                near_sdk::env::panic_str(&String::from_utf8_lossy(&text));
            }
        }

        $crate::charter_origin!($contract, $folder);
    };
}

/// What contracts without state have, too.
#[macro_export]
macro_rules! charter_origin {
    ($contract:ident, $folder:ident) => {
        // Every method that is declared is here, with the declared types.
        const _: () = charter_types::$folder::methods::complete::<$contract>();

        #[$crate::methods(origin)]
        #[near_sdk::near]
        impl $contract {
            pub fn version(&self) -> String {
                env!("CARGO_PKG_VERSION").to_owned()
            }
        }

        #[cfg(near)]
        const _: () = {
            #[expect(unsafe_code, reason = "near-sdk reserves the name, so the export is written out here")]
            #[unsafe(no_mangle)]
            pub extern "C" fn __contract_abi() {
                let abi = include_bytes!(concat!(env!("CHARTER_ABI_DIR"), "/", stringify!($folder), ".json.zst"));
                near_sdk::env::value_return(abi);
            }
        };
    };
}
