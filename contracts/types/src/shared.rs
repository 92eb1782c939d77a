//! Methods that contracts with state have in common.

/// Methods of every contract that keeps state.
pub mod methods {
    use crate::admin::{Feature, PauseFeature};
    use crate::event::EventHead;
    use crate::storage::{
        StorageBalance, StorageBalanceBounds, StorageDeposit, StorageOf, StorageUnregister, StorageWithdraw,
    };
    use crate::{AccountId, Named, Nothing};

    crate::method::methods! { of any Stateful;
        /// NEP-145. Credits the deposit to `account_id` or the caller; anyone may pay for anyone.
        call storage_deposit(StorageDeposit) -> StorageBalance [Amount, Anyone, Flat];
        /// NEP-145. Pays free storage money back to the caller.
        call storage_withdraw(StorageWithdraw) -> StorageBalance [OneYocto, Anyone, Flat];
        /// NEP-145. Closes the caller's storage account if it pays for nothing, with or without `force`.
        call storage_unregister(StorageUnregister) -> bool [OneYocto, Anyone, Flat];
        /// NEP-145. What an account has deposited and how much of it is free.
        view storage_balance_of(StorageOf) -> Option<StorageBalance>;
        /// NEP-145. The least that an account starts with.
        view storage_balance_bounds(Nothing) -> StorageBalanceBounds;
        /// Number of the last event and the hash over all of them.
        view event_head(Nothing) -> EventHead;
        /// The governance account, once it is set.
        view governance(Nothing) -> Option<AccountId>;
        /// Hands the contract to governance, once; from then on governance itself may.
        call set_governance(Named) [Nothing, Admin, Flat];
        /// Names who may pause.
        call set_pauser(Named) [Nothing, Admin, Flat];
        /// Pauses a feature for at most three days.
        call pause_feature(PauseFeature) [Nothing, Pauser, Flat];
        /// Ends a pause.
        call unpause_feature(Feature) [Nothing, Admin, Flat];
        /// Deploys the code given as raw input and migrates, in one receipt: both happen or neither.
        call upgrade raw(Vec<u8>) [Nothing, Admin, Code];
        /// Brings the state of the code before to this code's, right after it was deployed.
        callback migrate;
        /// Fails with the text given as raw input, so that a callback keeps its books and the transaction shows the failure.
        callback fail;
    }
}
