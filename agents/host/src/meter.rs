//! What a grant obliges its host to count: rates in memory, budgets and approvals on chain.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use charter_client::{Account, At, Call, Contracts, PermissionView};
use charter_types::keys::args::{Reserve, Settle};
use charter_types::keys::{Budget, GrantId, GrantRate, HostId, LeaseId, Unit, methods};
use charter_types::{AccountId, Hash32, Page, U128};

use crate::HostError;

/// How long a request may take before its lease counts as spent.
const LEASE_MS: u64 = 600_000;

/// When each grant was used, as far back as its rate looks.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<GrantId, VecDeque<u64>>>);

impl Rates {
    /// Counts a use for a grant and for those above it, unless one of their rates is used up: what is delegated from a grant
    /// shares its rate.
    pub fn count(&self, rates: &[GrantRate], now_ms: u64) -> Result<(), HostError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for GrantRate { grant, rate } in rates {
            let uses = all.entry(*grant).or_default();
            while uses.front().is_some_and(|at| now_ms.saturating_sub(*at) >= rate.per_ms) {
                uses.pop_front();
            }
            if uses.len() >= usize::try_from(rate.uses).unwrap_or(usize::MAX) {
                return Err(HostError::Rate);
            }
        }
        for GrantRate { grant, .. } in rates {
            all.entry(*grant).or_default().push_back(now_ms);
        }
        Ok(())
    }
}

/// How often a lease is tried to be settled, and the longest pause in between: for an hour.
const SETTLE_TRIES: u32 = 64;
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// A lease on one use. It has to be settled whatever becomes of the request.
pub struct Use<'a> {
    operator: &'a Account,
    contracts: &'a Contracts,
    lease: Option<LeaseId>,
}

/// Tries until the contract has answered: a node that is gone for a while must not leave leases behind.
async fn settle(operator: Account, keys: AccountId, args: Settle) {
    let mut pause = Duration::from_secs(1);
    for number in 1..=SETTLE_TRIES {
        let Err(error) = operator.call(&keys, Call::new(methods::settle, &args)).await else { return };
        match error.code() {
            // An earlier try was carried out, and its answer lost.
            Some("KEYS_UNKNOWN_LEASE") if number > 1 => return,
            Some(_) => {
                tracing::error!("lease {} can't be settled: {error}", args.lease);
                return;
            }
            None => tracing::warn!("lease {} is not settled, next try in {pause:?}: {error}: {error:?}", args.lease),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    tracing::error!("lease {} is not settled, and has to be ended by `expire`", args.lease);
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

    /// Settles the lease. A use that was not made goes back to the budgets. What takes longer than `within` goes on by itself.
    /// A lease that this host never settles, because it ended before, can be ended by anybody by `expire` once its time is
    /// over, and counts as used.
    pub async fn settle(self, was_used: bool, within: Duration) {
        let Some(lease) = self.lease else { return };
        let args = Settle { lease, used: U128(u128::from(was_used)) };
        let settled = tokio::spawn(settle(self.operator.clone(), self.contracts.keys.clone(), args));
        if tokio::time::timeout(within, settled).await.is_err() {
            tracing::warn!("lease {lease} is being settled while its agent has its answer");
        }
    }
}

#[cfg(test)]
mod tests {
    use charter_types::keys::{GrantRate, Rate};

    use super::Rates;

    const fn of(grant: u64, uses: u32) -> GrantRate {
        GrantRate { grant, rate: Rate { uses, per_ms: 100 } }
    }

    #[test]
    fn a_rate_counts_uses_in_its_time_per_grant() {
        let rates = Rates::default();
        let count = |grant, now_ms| rates.count(&[of(grant, 2)], now_ms);
        assert!(count(1, 0).is_ok() && count(1, 50).is_ok());
        assert!(count(1, 99).is_err());
        assert!(count(2, 99).is_ok());
        assert!(count(1, 100).is_ok());
        assert!(count(1, 149).is_err());
        assert!(count(1, 150).is_ok());
    }

    #[test]
    fn delegations_share_the_rate_of_the_grant_above_them() {
        let rates = Rates::default();
        let (first, second) = ([of(2, 2), of(1, 3)], [of(3, 2), of(1, 3)]);
        assert!(rates.count(&first, 0).is_ok() && rates.count(&first, 1).is_ok() && rates.count(&second, 2).is_ok());
        assert!(rates.count(&second, 3).is_err(), "four uses of a grant that allows three");
        assert!(rates.count(&[of(3, 2)], 3).is_ok(), "what was refused counted all the same");
    }
}
