//! Budgets: token buckets that hand out leases.

use charter_types::U128;
use charter_types::keys::{Allowance, Budget, GrantId, KeysError, Unit};

/// Longest name of an asset, bytes.
const ASSET_BYTES_MAX: usize = 64;

/// Whether an allowance makes sense.
pub fn check(allowance: &Allowance) -> Result<(), KeysError> {
    let named = match &allowance.unit {
        Unit::Uses => true,
        Unit::Asset(name) => {
            (1..=ASSET_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        }
    };
    let refills = (allowance.refill.0 > 0) == (allowance.period_ms > 0);
    if named && refills && allowance.capacity.0 > 0 && allowance.refill <= allowance.capacity {
        return Ok(());
    }
    Err(KeysError::BadBudget {})
}

/// A full bucket.
pub fn full(grant: GrantId, allowance: Allowance, now_ms: u64) -> Budget {
    let level = allowance.capacity;
    Budget { grant, allowance, level, updated_ms: now_ms, reserved: U128(0), spent: U128(0) }
}

/// Fills up by the whole periods that went by; the rest of a period is not lost.
pub fn refill(budget: &mut Budget, now_ms: u64) {
    let Allowance { capacity, refill, period_ms, .. } = budget.allowance;
    let Some(periods) = now_ms.saturating_sub(budget.updated_ms).checked_div(period_ms) else { return };
    let more = refill.0.saturating_mul(u128::from(periods));
    // Full means full, reserved or not: what is in a lease left the bucket when it was reserved.
    budget.level = U128(budget.level.0.saturating_add(more).min(capacity.0));
    budget.updated_ms = budget.updated_ms.saturating_add(periods.saturating_mul(period_ms));
}

/// Sets `amount` aside.
pub fn reserve(budget: &mut Budget, amount: u128, now_ms: u64) -> Result<(), KeysError> {
    refill(budget, now_ms);
    let left = budget.level.0;
    let short = || KeysError::BudgetShort { grant: budget.grant, left };
    budget.level = U128(left.checked_sub(amount).ok_or_else(short)?);
    budget.reserved = U128(budget.reserved.0.saturating_add(amount));
    Ok(())
}

/// A lease of `amount` ends with `used` of it spent; the rest goes back, as far as the bucket holds it.
pub fn settle(budget: &mut Budget, amount: u128, used: u128, now_ms: u64) {
    refill(budget, now_ms);
    budget.reserved = U128(budget.reserved.0.saturating_sub(amount));
    budget.spent = U128(budget.spent.0.saturating_add(used));
    let back = budget.level.0.saturating_add(amount.saturating_sub(used));
    budget.level = U128(back.min(budget.allowance.capacity.0));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use charter_types::U128;
    use charter_types::keys::{Allowance, KeysError, Unit};

    use super::{check, full, reserve, settle};

    fn allowance(capacity: u128, refill: u128, period_ms: u64) -> Allowance {
        Allowance { unit: Unit::Uses, capacity: U128(capacity), refill: U128(refill), period_ms }
    }

    #[test]
    fn both_sides_of_every_bound() {
        assert_eq!(check(&allowance(1, 0, 0)), Ok(()));
        assert_eq!(check(&allowance(5, 5, 1)), Ok(()));
        for (name, good) in
            [("usdt.tether-token.near", true), ("", false), ("a b", false), ("a\n", false), ("nеar", false)]
        {
            let named = Allowance { unit: Unit::Asset(name.to_owned()), ..allowance(1, 0, 0) };
            assert_eq!(check(&named).is_ok(), good, "{name:?}");
        }
        for bad in [allowance(0, 0, 0), allowance(5, 6, 1), allowance(5, 1, 0), allowance(5, 0, 1)] {
            assert_eq!(check(&bad), Err(KeysError::BadBudget {}));
        }
        let mut budget = full(1, allowance(10, 4, 100), 0);
        assert_eq!(reserve(&mut budget, 11, 0), Err(KeysError::BudgetShort { grant: 1, left: 10 }));
        assert_eq!(reserve(&mut budget, 10, 0), Ok(()));
        assert_eq!(reserve(&mut budget, 1, 99), Err(KeysError::BudgetShort { grant: 1, left: 0 }));
        assert_eq!(reserve(&mut budget, 4, 199), Ok(()), "one period is full, of the second 99 ms are kept");
        assert_eq!(reserve(&mut budget, 4, 200), Ok(()));
        settle(&mut budget, 10, 3, 200);
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
            let mut budget = full(1, allowance(10, 3, 100), 0);
            let (mut now_ms, mut open, mut used_up) = (0, Vec::new(), 0);
            for step in steps {
                match step {
                    Step::Reserve(amount) => if reserve(&mut budget, amount, now_ms).is_ok() { open.push(amount) },
                    Step::Settle(used) => if let Some(amount) = open.pop() {
                        let used = used.min(amount);
                        used_up += used;
                        settle(&mut budget, amount, used, now_ms);
                    },
                    Step::Expire => if let Some(amount) = open.pop() {
                        used_up += amount;
                        settle(&mut budget, amount, amount, now_ms);
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
