//! Methods that contracts with state have in common.

/// Methods of every contract that keeps state.
pub mod methods {
    use crate::admin::{Deployment, Feature, PauseFeature, SetPauser, Upgrade};
    use crate::event::EventHead;
    use crate::storage::{
        StorageBalance, StorageBalanceBounds, StorageDeposit, StorageOf, StorageUnregister, StorageWithdraw,
    };
    use crate::{AccountId, Named, Nothing};

    crate::method::methods! { of any Stateful;
        /// NEP-145. Credits the deposit to `account_id` or the caller; anyone may pay for anyone.
        call storage_deposit(StorageDeposit) -> StorageBalance [Amount, Anyone, Flat];
        /// NEP-145. Pays free storage money back to the caller, with what was reserved for callbacks that never came, an hour
        /// after the last reservation.
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
        /// Names the account that is to govern the contract. It takes over, and the admin is nobody any more, once it calls
        /// `upgrade` with the code that is there.
        call set_governance(Named) [Nothing, Admin, Flat];
        /// Names who may pause, or nobody.
        call set_pauser(SetPauser) [Nothing, Admin, Flat];
        /// Pauses a feature for at most three days; the pauser's next pause has to wait as long as this one lasts.
        call pause_feature(PauseFeature) [Nothing, Pauser, Flat];
        /// Ends a pause.
        call unpause_feature(Feature) [Nothing, Admin, Flat];
        /// Which code runs here.
        view deployment(Nothing) -> Deployment;
        /// Deploys code and migrates, in one receipt: both happen or neither. The code has to be what was approved, and the
        /// deployment that runs what it was approved to replace.
        call upgrade borsh(Upgrade) [Nothing, Admin, Code];
        /// Brings the state of the code before to this code's, right after it was deployed.
        callback migrate;
        /// Fails with the text given as raw input, so that a callback keeps its books and the transaction shows the failure.
        callback fail;
    }
}
