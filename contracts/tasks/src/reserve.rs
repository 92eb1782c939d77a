//! Storage of rows that come later, paid for beforehand: whoever posts a set is charged for the rows of as many tasks as can
//! be in work at a time, an appellant for those of its appeal. So nothing that settles a task can fail because somebody has
//! no row, or has withdrawn what would pay for one.

use charter_common::Answer;
use charter_types::AccountId;
use charter_types::asset::Asset;

use crate::Tasks;
use crate::model::Set;
use crate::records::TASK_BYTES;

/// What NEAR adds to a row, the row's payer, its version.
const ROW: u64 = 40 + 20 + 1;
/// Prefix, set, index.
const TASK_KEY: u64 = 1 + 8 + 8;
/// Prefix, account.
const ACCOUNT_KEY: u64 = 1 + 4 + 64;

/// A task's row.
pub const TASK_ROW: u64 = ROW + TASK_KEY + TASK_BYTES;
/// A record's, at most.
const RECORD_ROW: u64 = ROW + ACCOUNT_KEY + 3 * 8 + 16;
/// A balance's in NEAR, at most.
const NEAR_ROW: u64 = ROW + ACCOUNT_KEY + 1 + 2 * 16;

/// A balance's, at most.
fn balance_row(asset: &Asset) -> u64 {
    let name = match asset {
        Asset::Near => 0,
        Asset::Nep141(token) => token.as_str().len().saturating_add(4),
    };
    NEAR_ROW.saturating_add(u64::try_from(name).unwrap_or(u64::MAX))
}

/// What a task in work can take: its row, the worker's record, its balance in NEAR once for the deposit that comes back and
/// once for what is left of bonds, and in the set's asset those of the worker, of the requester, and of three reviewers. (A
/// worker that keeps silent leaves less: its record, two balances of the requester's, and the row of the index that comes
/// back.)
pub fn task_reserve(asset: &Asset) -> u64 {
    let fixed = TASK_ROW.saturating_add(RECORD_ROW).saturating_add(2 * NEAR_ROW);
    fixed.saturating_add(balance_row(asset).saturating_mul(5))
}

/// So many tasks, beyond those that can be in work at once, find paid for what can stay of the ones before them: records, and
/// balances that nobody withdrew. Few stay where the same accounts work and judge; for more the requester is asked when a task
/// is taken.
const STAYING_MAX: u32 = 64;

/// What a set can need for tasks to come.
pub fn set_reserve(set: &Set) -> u64 {
    let (one, to_come) = (task_reserve(&set.asset), set.to_come());
    let later = set.remaining().saturating_sub(to_come).min(STAYING_MAX);
    let stays = one.saturating_sub(TASK_ROW).saturating_mul(u64::from(later));
    one.saturating_mul(u64::from(to_come)).saturating_add(stays)
}

/// What an appeal can take besides its row: balances of seven reviewers and the appellant's, and what is left of bonds for
/// the worker.
pub fn appeal_reserve(asset: &Asset) -> u64 {
    NEAR_ROW.saturating_add(balance_row(asset).saturating_mul(8))
}

impl Tasks {
    /// Charges for rows to come.
    pub(crate) fn set_aside(&mut self, payer: &AccountId, bytes: u64) -> Answer {
        self.core.storage.charge(payer, bytes)?;
        self.reserved_bytes = self.reserved_bytes.saturating_add(bytes);
        Ok(())
    }

    /// Gives back what was charged for rows to come.
    pub(crate) fn set_free(&mut self, payer: &AccountId, bytes: u64) {
        self.core.storage.release(payer, bytes);
        self.reserved_bytes = self.reserved_bytes.saturating_sub(bytes);
    }

    /// What `act` stores for `payer` comes out of what is set aside, and what it frees goes there.
    pub(crate) fn out_of<T>(
        &mut self,
        payer: &AccountId,
        reserved: &mut u64,
        act: impl FnOnce(&mut Self) -> Answer<T>,
    ) -> Answer<T> {
        self.set_free(payer, *reserved);
        let before = self.core.storage.used_bytes(payer);
        let done = act(self)?;
        let after = self.core.storage.used_bytes(payer);
        *reserved = reserved.saturating_add(before).saturating_sub(after);
        self.set_aside(payer, *reserved)?;
        Ok(done)
    }
}
