//! Methods that all Charter contracts with state have. What they do is here; [`charter_contract!`](crate::charter_contract)
//! gives a contract the methods themselves, each of which only passes its arguments on.

use charter_types::admin::{Feature, PauseFeature};
use charter_types::error::CommonError;
use charter_types::shared::methods::migrate;
use charter_types::storage::{StorageBalance, StorageDeposit, StorageUnregister, StorageWithdraw};
use charter_types::{AccountId, Named};
use near_sdk::{Gas, NearToken, Promise, env};

use crate::{Answer, Core, Later, StorageLedger, then_call};

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

    pub fn storage_deposit(&mut self, args: StorageDeposit) -> Answer<StorageBalance> {
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
        self.balance(&account)
    }

    pub fn storage_withdraw(&mut self, StorageWithdraw { amount }: StorageWithdraw) -> Answer<StorageBalance> {
        let caller = env::predecessor_account_id();
        let amount = amount.map_or_else(|| self.storage.available(&caller), |amount| amount.0);
        self.storage.debit(&caller, amount)?;
        pay(caller.clone(), amount);
        self.balance(&caller)
    }

    pub fn storage_unregister(&mut self, _: StorageUnregister) -> Answer<bool> {
        let caller = env::predecessor_account_id();
        let Some(deposit) = self.storage.close(&caller)? else { return Ok(false) };
        pay(caller, deposit);
        Ok(true)
    }

    pub fn set_governance(&mut self, Named { account }: Named) -> Answer {
        self.access.set_governance(&env::predecessor_account_id(), account)
    }

    pub fn set_pauser(&mut self, Named { account }: Named) -> Answer {
        self.access.set_pauser(&env::predecessor_account_id(), Some(account))
    }

    pub fn pause_feature(&mut self, features: Features, args: &PauseFeature) -> Answer {
        let feature = feature(features, &args.feature)?;
        self.access.pause(&env::predecessor_account_id(), feature, args.for_ms, env::block_timestamp_ms())
    }

    pub fn unpause_feature(&mut self, features: Features, args: &Feature) -> Answer {
        let feature = feature(features, &args.feature)?;
        self.access.unpause(&env::predecessor_account_id(), feature, env::block_timestamp_ms())
    }

    /// Fails while the feature is paused.
    pub fn check_running(&self, features: Features, name: &str) -> Answer {
        self.access.check_running(feature(features, name)?, name, env::block_timestamp_ms())
    }

    /// Deploys and migrates in one receipt: both happen or neither. Governance has compared the code's hash with what was
    /// voted.
    pub fn upgrade(&self, code: Vec<u8>) -> Answer<Later<()>> {
        self.access.check_admin(&env::predecessor_account_id())?;
        let deployed = Promise::new(env::current_account_id()).deploy_contract(code);
        Ok(Later::to(migrate, then_call(deployed, migrate, Vec::new(), MIGRATE_GAS, 1)))
    }
}

/// Gives a contract with a `core: Core` field the methods of `charter_types::shared`, and its ABI under `__contract_abi`:
/// JSON in zstd, as near-sdk embeds it. The build compresses `abi.json` of the contract's folder.
#[macro_export]
macro_rules! charter_contract {
    ($contract:ident, $folder:ident, features: [$($feature:literal),*]) => {
        /// Names of the pausable features.
        const FEATURES: $crate::Features = &[$($feature),*];

        const _: () = charter_types::shared::methods::complete::<$contract>();

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
                self.core.storage_deposit(args)
            }

            pub fn storage_withdraw(
                &mut self,
                args: charter_types::storage::StorageWithdraw,
            ) -> $crate::Answer<charter_types::storage::StorageBalance> {
                self.core.storage_withdraw(args)
            }

            pub fn storage_unregister(&mut self, args: charter_types::storage::StorageUnregister) -> $crate::Answer<bool> {
                self.core.storage_unregister(args)
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
                self.core.set_governance(args)
            }

            pub fn set_pauser(&mut self, args: charter_types::Named) -> $crate::Answer {
                self.core.set_pauser(args)
            }

            pub fn pause_feature(&mut self, args: charter_types::admin::PauseFeature) -> $crate::Answer {
                self.core.pause_feature(FEATURES, &args)
            }

            pub fn unpause_feature(&mut self, args: charter_types::admin::Feature) -> $crate::Answer {
                self.core.unpause_feature(FEATURES, &args)
            }

            pub fn upgrade(&mut self, code: Vec<u8>) -> $crate::Answer<$crate::Later<()>> {
                self.core.upgrade(code)
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
