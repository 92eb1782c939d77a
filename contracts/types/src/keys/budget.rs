//! Budgets: how much a grant and all below it may use, counted on chain so that two hosts can't spend it twice.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{GrantId, HostId, KeysError};
use crate::{Hash32, U128, from_json};

pub type LeaseId = u64;

/// How long a lease can be open.
pub const LEASE_MS_MAX: u64 = 24 * 3_600_000;
/// Longest name of an asset, bytes.
const ASSET_BYTES_MAX: usize = 64;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Uses,
    /// Smallest units of `near`, of a token contract, or of whatever the provider bills in.
    Asset(String),
}

/// A token bucket: `capacity` at once, `refill` more in every `period_ms`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    pub unit: Unit,
    pub capacity: U128,
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub refill: U128,
    /// 0: it never fills again.
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub period_ms: u64,
}

/// A grant's budget as it stood at `updated_ms`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct Budget {
    pub grant: GrantId,
    pub allowance: Allowance,
    pub level: U128,
    pub updated_ms: u64,
    /// In open leases.
    pub reserved: U128,
    /// Ever spent, leases that nobody settled included.
    pub spent: U128,
}

/// A part of a budget, and of every budget above it, that one host set aside. What it does not settle counts as spent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct Lease {
    pub id: LeaseId,
    pub grant: GrantId,
    pub host: HostId,
    pub amount: U128,
    pub expires_ms: u64,
    /// The action it was approved for, if the grant asks for approval.
    pub digest: Option<Hash32>,
}

impl Allowance {
    pub fn check(&self) -> Result<(), KeysError> {
        let named = match &self.unit {
            Unit::Uses => true,
            Unit::Asset(name) => (1..=ASSET_BYTES_MAX).contains(&name.len()),
        };
        let refills = (self.refill.0 > 0) == (self.period_ms > 0);
        if named && refills && self.capacity.0 > 0 && self.refill <= self.capacity {
            return Ok(());
        }
        Err(KeysError::BadBudget {})
    }
}

impl Budget {
    pub fn new(grant: GrantId, allowance: Allowance, now_ms: u64) -> Self {
        let level = allowance.capacity;
        Self { grant, allowance, level, updated_ms: now_ms, reserved: U128(0), spent: U128(0) }
    }

    /// Fills up by the whole periods that went by; the rest of a period is not lost.
    pub fn refill(&mut self, now_ms: u64) {
        let Allowance { capacity, refill, period_ms, .. } = self.allowance;
        let Some(periods) = now_ms.saturating_sub(self.updated_ms).checked_div(period_ms) else { return };
        let more = refill.0.saturating_mul(u128::from(periods));
        // Full means full, reserved or not: what is in a lease left the bucket when it was reserved.
        self.level = U128(self.level.0.saturating_add(more).min(capacity.0));
        self.updated_ms = self.updated_ms.saturating_add(periods.saturating_mul(period_ms));
    }

    pub fn reserve(&mut self, amount: u128, now_ms: u64) -> Result<(), KeysError> {
        self.refill(now_ms);
        let left = self.level.0;
        let short = || KeysError::BudgetShort { grant: self.grant, left };
        self.level = U128(left.checked_sub(amount).ok_or_else(short)?);
        self.reserved = U128(self.reserved.0.saturating_add(amount));
        Ok(())
    }

    /// A lease of `amount` ends with `used` of it spent; the rest goes back, as far as the bucket holds it.
    pub fn settle(&mut self, amount: u128, used: u128, now_ms: u64) {
        self.refill(now_ms);
        self.reserved = U128(self.reserved.0.saturating_sub(amount));
        self.spent = U128(self.spent.0.saturating_add(used));
        let back = self.level.0.saturating_add(amount.saturating_sub(used));
        self.level = U128(back.min(self.allowance.capacity.0));
    }
}

from_json!(Allowance { unit, capacity, refill = U128(0), period_ms = 0 });

impl crate::json::FromJson for Unit {
    fn from_json(json: crate::json::Json) -> Result<Self, String> {
        match crate::json::variant(json)? {
            (name, None) if name == "uses" => Ok(Self::Uses),
            (name, Some(asset)) if name == "asset" => crate::json::FromJson::from_json(asset).map(Self::Asset),
            (name, _) => crate::json::unknown_variant(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::{Allowance, Budget, Unit};
    use crate::U128;
    use crate::keys::KeysError;

    fn allowance(capacity: u128, refill: u128, period_ms: u64) -> Allowance {
        Allowance { unit: Unit::Uses, capacity: U128(capacity), refill: U128(refill), period_ms }
    }

    #[test]
    fn both_sides_of_every_bound() {
        assert_eq!(allowance(1, 0, 0).check(), Ok(()));
        assert_eq!(allowance(5, 5, 1).check(), Ok(()));
        for bad in [allowance(0, 0, 0), allowance(5, 6, 1), allowance(5, 1, 0), allowance(5, 0, 1)] {
            assert_eq!(bad.check(), Err(KeysError::BadBudget {}));
        }
        let mut budget = Budget::new(1, allowance(10, 4, 100), 0);
        assert_eq!(budget.reserve(11, 0), Err(KeysError::BudgetShort { grant: 1, left: 10 }));
        assert_eq!(budget.reserve(10, 0), Ok(()));
        assert_eq!(budget.reserve(1, 99), Err(KeysError::BudgetShort { grant: 1, left: 0 }));
        assert_eq!(budget.reserve(4, 199), Ok(()), "one period is full, of the second 99 ms are kept");
        assert_eq!(budget.reserve(4, 200), Ok(()));
        budget.settle(10, 3, 200);
        assert_eq!((budget.level, budget.reserved, budget.spent), (U128(7), U128(8), U128(3)));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Reserve(u128),
        Settle(u128),
        Expire,
        Wait(u64),
    }

    proptest! {
        /// However leases come and go, in any stretch of time no more is handed out than the bucket held at its start and
        /// was filled up with. Take `.min(capacity)` from `settle` or from `refill` and it is.
        #[test]
        fn no_more_is_handed_out_than_the_bucket_gives(
            steps in proptest::collection::vec(prop_oneof![
                (0_u128..12).prop_map(Step::Reserve),
                any::<u8>().prop_map(|used| Step::Settle(u128::from(used) % 12)),
                proptest::strategy::Just(Step::Expire),
                (0_u64..500).prop_map(Step::Wait),
            ], 1..60),
        ) {
            let mut budget = Budget::new(1, allowance(10, 3, 100), 0);
            let (mut now_ms, mut open, mut used_up) = (0, Vec::new(), 0);
            for step in steps {
                match step {
                    Step::Reserve(amount) => if budget.reserve(amount, now_ms).is_ok() { open.push(amount) },
                    Step::Settle(used) => if let Some(amount) = open.pop() {
                        let used = used.min(amount);
                        used_up += used;
                        budget.settle(amount, used, now_ms);
                    },
                    Step::Expire => if let Some(amount) = open.pop() {
                        used_up += amount;
                        budget.settle(amount, amount, now_ms);
                    },
                    Step::Wait(ms) => now_ms += ms,
                }
                prop_assert!(budget.level <= budget.allowance.capacity);
                prop_assert_eq!(budget.reserved, U128(open.iter().sum()));
                prop_assert_eq!(budget.spent, U128(used_up));
                let given = 10 + 3 * u128::from(now_ms / 100);
                prop_assert!(budget.spent.0 + budget.reserved.0 + budget.level.0 <= given);
            }
        }
    }
}
