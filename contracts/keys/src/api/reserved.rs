//! Storage that was reserved for callbacks that never came.

use charter_common::{Answer, methods};
use charter_types::Nothing;
use charter_types::keys::{Fact, KeysError};
use near_sdk::{env, near};

use crate::{Keys, KeysExt};

#[methods(keys)]
#[near]
impl Keys {
    /// A callback that comes all the same only denies.
    pub fn free_reserved(&mut self, _: Nothing) -> Answer {
        let caller = env::predecessor_account_id();
        let bytes = self.core.storage.free_reserved(&caller);
        if bytes == 0 {
            return Err(KeysError::NothingToFree {}.into());
        }
        self.emit("reservation_freed", &caller, Fact::ReservationFreed { bytes });
        Ok(())
    }
}
