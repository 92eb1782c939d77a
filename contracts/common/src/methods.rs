//! Methods that all Charter contracts have.

/// Gives a contract with a `core: Core` field the shared methods. `features` are the names of what can be paused, in an
/// order that never changes.
#[macro_export]
macro_rules! charter_contract {
    ($contract:ident, features: [$($feature:literal),*]) => {
        /// Names of the pausable features.
        const FEATURES: &[&str] = &[$($feature),*];

        impl $contract {
            fn feature(name: &str) -> $crate::Answer<usize> {
                let unknown = || charter_types::error::CommonError::UnknownFeature { feature: name.to_owned() };
                Ok(FEATURES.iter().position(|known| *known == name).ok_or_else(unknown)?)
            }

            /// Fails while the feature is paused.
            pub(crate) fn check_running(&self, name: &str) -> $crate::Answer {
                let feature = Self::feature(name)?;
                self.core.access.check_running(feature, name, near_sdk::env::block_timestamp_ms())
            }
        }

        #[near_sdk::near]
        impl $contract {
            /// NEP-145. Credits the attached deposit to `account_id` or the caller; anyone may pay for anyone.
            #[payable]
            #[handle_result(aliased)]
            pub fn storage_deposit(&mut self) -> $crate::Answer<charter_types::storage::StorageBalance> {
                let charter_types::storage::StorageDeposit { account_id, registration_only } = $crate::arguments()?;
                let caller = near_sdk::env::predecessor_account_id();
                let account = account_id.unwrap_or_else(|| caller.clone());
                let attached = near_sdk::env::attached_deposit().as_yoctonear();
                let minimum = $crate::StorageLedger::bounds().min.0;
                let known = self.core.storage.balance(&account).is_some();
                if !known && attached < minimum {
                    return Err(charter_types::error::CommonError::StorageMinimum { minimum }.into());
                }
                let keep = match (registration_only.unwrap_or(false), known) {
                    (true, true) => 0,
                    (true, false) => minimum,
                    (false, _) => attached,
                };
                self.core.storage.credit(&account, keep);
                if attached > keep {
                    let back = near_sdk::NearToken::from_yoctonear(attached - keep);
                    near_sdk::Promise::new(caller).transfer(back).detach();
                }
                let none = || charter_types::error::CommonError::StorageUnknown { account: account.clone() };
                Ok(self.core.storage.balance(&account).ok_or_else(none)?)
            }

            /// NEP-145. Pays free storage money back to the caller. 1 yoctoNEAR.
            #[payable]
            #[handle_result(aliased)]
            pub fn storage_withdraw(&mut self) -> $crate::Answer<charter_types::storage::StorageBalance> {
                let charter_types::storage::StorageWithdraw { amount } = $crate::arguments()?;
                $crate::Core::check_one_yocto()?;
                let caller = near_sdk::env::predecessor_account_id();
                let amount = amount.map_or_else(|| self.core.storage.available(&caller), |amount| amount.0);
                self.core.storage.debit(&caller, amount)?;
                if amount > 0 {
                    let amount = near_sdk::NearToken::from_yoctonear(amount);
                    near_sdk::Promise::new(caller.clone()).transfer(amount).detach();
                }
                let none = || charter_types::error::CommonError::StorageUnknown { account: caller.clone() };
                Ok(self.core.storage.balance(&caller).ok_or_else(none)?)
            }

            /// NEP-145. Closes the caller's storage account if it pays for nothing, with or without `force`. 1 yoctoNEAR.
            #[payable]
            #[handle_result(aliased)]
            pub fn storage_unregister(&mut self) -> $crate::Answer<bool> {
                $crate::Core::check_one_yocto()?;
                let caller = near_sdk::env::predecessor_account_id();
                let Some(deposit) = self.core.storage.close(&caller)? else { return Ok(false) };
                let deposit = near_sdk::NearToken::from_yoctonear(deposit);
                near_sdk::Promise::new(caller).transfer(deposit).detach();
                Ok(true)
            }

            /// NEP-145.
            #[handle_result(aliased)]
            pub fn storage_balance_of(&self) -> $crate::Answer<Option<charter_types::storage::StorageBalance>> {
                let charter_types::storage::StorageOf { account_id } = $crate::arguments()?;
                Ok(self.core.storage.balance(&account_id))
            }

            /// NEP-145.
            pub fn storage_balance_bounds(&self) -> charter_types::storage::StorageBalanceBounds {
                $crate::StorageLedger::bounds()
            }

            /// Number of the last event and the hash over all of them.
            pub fn event_head(&self) -> charter_types::event::EventHead {
                self.core.events.head()
            }

            /// The governance account, once it is set.
            pub fn governance(&self) -> Option<near_sdk::AccountId> {
                self.core.access.governance().cloned()
            }

            /// Hands the contract to governance. Admin, once; from then on governance itself.
            #[handle_result(aliased)]
            pub fn set_governance(&mut self) -> $crate::Answer {
                let charter_types::Named { account } = $crate::arguments()?;
                self.core.access.set_governance(&near_sdk::env::predecessor_account_id(), account)
            }

            /// Names who may pause. Admin or governance.
            #[handle_result(aliased)]
            pub fn set_pauser(&mut self) -> $crate::Answer {
                let charter_types::Named { account } = $crate::arguments()?;
                self.core.access.set_pauser(&near_sdk::env::predecessor_account_id(), Some(account))
            }

            /// Pauses a feature for a while. Pauser, admin or governance.
            #[handle_result(aliased)]
            pub fn pause_feature(&mut self) -> $crate::Answer {
                let charter_types::admin::PauseFeature { feature, for_ms } = $crate::arguments()?;
                let caller = near_sdk::env::predecessor_account_id();
                let now_ms = near_sdk::env::block_timestamp_ms();
                self.core.access.pause(&caller, Self::feature(&feature)?, for_ms, now_ms)
            }

            /// Ends a pause. Admin or governance.
            #[handle_result(aliased)]
            pub fn unpause_feature(&mut self) -> $crate::Answer {
                let charter_types::admin::Feature { feature } = $crate::arguments()?;
                let caller = near_sdk::env::predecessor_account_id();
                let now_ms = near_sdk::env::block_timestamp_ms();
                self.core.access.unpause(&caller, Self::feature(&feature)?, now_ms)
            }

            /// Deploys the code given as raw input and migrates, in one receipt: both happen or neither. Governance (which
            /// has compared the code's hash with what was voted), or the admin before there is one.
            #[handle_result(aliased)]
            pub fn upgrade(&mut self) -> $crate::Answer<near_sdk::Promise> {
                self.core.access.check_admin(&near_sdk::env::predecessor_account_id())?;
                let code = near_sdk::env::input().unwrap_or_default();
                Ok(near_sdk::Promise::new(near_sdk::env::current_account_id())
                    .deploy_contract(code)
                    .function_call_weight(
                        "migrate",
                        Vec::new(),
                        near_sdk::NearToken::ZERO,
                        near_sdk::Gas::from_tgas(20),
                        near_sdk::GasWeight(1),
                    ))
            }

            /// Runs in the new code, right after it was deployed. This layout is the first one: nothing to change.
            #[private]
            #[init(ignore_state)]
            #[handle_result(aliased)]
            pub fn migrate() -> $crate::Answer<Self> {
                let missing = || charter_types::error::CommonError::BadArguments { reason: "no state to migrate".to_owned() };
                Ok(near_sdk::env::state_read::<Self>().ok_or_else(missing)?)
            }

            /// Fails with the text given as raw input, so that a callback can keep its books and still show the failure.
            #[private]
            pub fn fail(&self) {
                let text = near_sdk::env::input().unwrap_or_default();
                near_sdk::env::panic_str(&String::from_utf8_lossy(&text));
            }

            /// Version of the code.
            pub fn version(&self) -> String {
                env!("CARGO_PKG_VERSION").to_owned()
            }
        }
    };
}

/// Gives a contract its ABI: JSON in zstd, as near-sdk embeds it. The build compresses `abi.json` of the contract's folder.
#[macro_export]
macro_rules! contract_abi {
    ($name:literal) => {
        #[cfg(near)]
        const _: () = {
            #[expect(unsafe_code, reason = "near-sdk reserves the name, so the export is written out here")]
            #[unsafe(no_mangle)]
            pub extern "C" fn __contract_abi() {
                near_sdk::env::value_return(include_bytes!(concat!(env!("CHARTER_ABI_DIR"), "/", $name, ".json.zst")));
            }
        };
    };
}
