//! What a grant obliges its host to count: rates in memory, budgets and approvals on chain.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use charter_client::{Account, At, Call, Contracts, PermissionView};
use charter_types::keys::args::{Reserve, Settle};
use charter_types::keys::{Budget, GrantId, HostId, LeaseId, Rate, Unit, methods};
use charter_types::{Hash32, Page, U128};

use crate::HostError;

/// How long a request may take before its lease counts as spent.
const LEASE_MS: u64 = 600_000;

/// When each grant was used, as far back as its rate looks.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<GrantId, VecDeque<u64>>>);

impl Rates {
    /// Counts a use, unless the rate is used up.
    pub fn count(&self, grant: GrantId, rate: Rate, now_ms: u64) -> Result<(), HostError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = all.entry(grant).or_default();
        while uses.front().is_some_and(|at| now_ms.saturating_sub(*at) >= rate.per_ms) {
            uses.pop_front();
        }
        if uses.len() >= usize::try_from(rate.uses).unwrap_or(usize::MAX) {
            return Err(HostError::Rate);
        }
        uses.push_back(now_ms);
        Ok(())
    }
}

/// A lease on one use. It has to be settled whatever becomes of the request.
pub struct Use<'a> {
    operator: &'a Account,
    contracts: &'a Contracts,
    lease: Option<LeaseId>,
}

impl<'a> Use<'a> {
    /// Reserves one use in every budget of the lineage, and consumes the approval for `digest`.
    pub async fn reserve(
        operator: &'a Account,
        contracts: &'a Contracts,
        view: &PermissionView,
        digest: Option<Hash32>,
    ) -> Result<Self, HostError> {
        let host: HostId = view.host.id;
        let Some(grant) = view.lineage.first().map(|grant| grant.id) else { return Err(HostError::Unmet("reserve")) };
        let mut amount = U128(0);
        for budgeted in view.lineage.iter().filter(|grant| grant.has_budget) {
            let page = Page { from: budgeted.id, limit: Some(1) };
            let found: Vec<Budget> =
                operator.rpc().view(&contracts.keys, methods::budgets, &page, At::Hash(view.block)).await?;
            // This host can't know how much of an asset a request will cost.
            if found.first().is_none_or(|budget| budget.allowance.unit != Unit::Uses) {
                return Err(HostError::Unmet("a budget in an asset"));
            }
            amount = U128(1);
        }
        let args = Reserve { grant, host, amount, for_ms: LEASE_MS, digest };
        let outcome = operator.call(&contracts.keys, Call::new(methods::reserve, &args)).await?;
        Ok(Self { operator, contracts, lease: outcome.value()? })
    }

    /// Settles the lease. A use that was not made goes back to the budgets.
    pub async fn settle(self, was_used: bool) -> Result<(), HostError> {
        let Some(lease) = self.lease else { return Ok(()) };
        let args = Settle { lease, used: U128(u128::from(was_used)) };
        self.operator.call(&self.contracts.keys, Call::new(methods::settle, &args)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use charter_types::keys::Rate;

    use super::Rates;

    #[test]
    fn a_rate_counts_uses_in_its_time_per_grant() {
        let rates = Rates::default();
        let rate = Rate { uses: 2, per_ms: 100 };
        assert!(rates.count(1, rate, 0).is_ok() && rates.count(1, rate, 50).is_ok());
        assert!(rates.count(1, rate, 99).is_err());
        assert!(rates.count(2, rate, 99).is_ok());
        assert!(rates.count(1, rate, 100).is_ok());
        assert!(rates.count(1, rate, 149).is_err());
        assert!(rates.count(1, rate, 150).is_ok());
    }
}
