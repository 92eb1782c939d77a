//! Calls that need authority: they reserve storage, ask the registry, and act in the callback on its answer.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, Reservation, encoded, then_call};
use charter_types::AccountId;
use charter_types::contract::{self, Registry};
use charter_types::keys::args::GrantTerms;
use charter_types::keys::methods::on_authority;
use charter_types::keys::{Added, GrantId, Grantee, HostId, KeysError, SecretId, Suspension};
use charter_types::method::{Method, Of};
use charter_types::registry::AgentId;
use charter_types::registry::args::AgentAccount;
use charter_types::registry::methods::authority;
use near_sdk::{Promise, env};

use crate::{Keys, gas};

/// What to do once the registry has answered. The caller is fixed before the promise, and the arguments travel as they
/// came: reading them again costs less than a second encoding of every type.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Pending {
    pub caller: AccountId,
    pub agent: AgentId,
    /// Of the caller's storage balance, for what will be stored.
    pub reserved: Reservation,
    pub wish: Wish,
    /// What the wish depends on here, as it is now.
    pub seen: Vec<Seen>,
    pub input: Vec<u8>,
}

#[derive(Clone, Copy, BorshSerialize, BorshDeserialize)]
pub(crate) enum Wish {
    AddCredential,
    CreateSecret,
    PutEnvelope,
    AddWraps,
    RotateSecret,
    RetireSecret,
    ForgetSecret,
    Grant,
    GrantBatch,
    Delegate,
    Narrow,
    Suspend,
    Resume,
    RevokeGrant,
    RevokeSecret,
    Approve,
    Reject,
}

/// A row that a call depends on. What only takes away depends on none: it is right whatever happened meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum On {
    Secret(SecretId),
    Host(HostId),
    Grant(GrantId),
}

/// A row as it was when the promise left. INV-KEY-8: what moved until the answer comes makes the call void, else what was in
/// flight across a revocation would land alive.
#[derive(PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Seen {
    on: On,
    /// Numbers that only grow, and whether a grant stands still.
    marks: (u64, u64),
}

/// What NEAR and our keys add to a row, and the records' fixed fields, generously.
const ROW_BYTES: u64 = 440;

/// What a call will store, and what it depends on.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    /// Rows that may be added.
    pub rows: usize,
    /// Rows that are changed or removed at most, beside that: they cost gas, and no storage.
    pub touched: usize,
    /// Bytes in the rows beyond the records' fixed fields.
    pub payload: usize,
    pub on: &'a [On],
    /// Grants to be made: hosts that they are for may not move either.
    pub terms: &'a [GrantTerms],
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl Keys {
    /// Reserves storage from the caller's prepaid balance and asks who the caller is.
    pub(crate) fn ask(&mut self, agent: AgentId, wish: Wish, plan: &Plan<'_>) -> Answer<Later<Added>> {
        let caller = env::predecessor_account_id();
        let bytes = count(plan.rows).saturating_mul(ROW_BYTES).saturating_add(count(plan.payload));
        let reserved = self.core.storage.reserve(&caller, bytes)?;
        let for_hosts = plan.terms.iter().filter_map(|terms| match terms.grantee {
            Grantee::Host(host) => Some(On::Host(host)),
            _ => None,
        });
        let seen = plan.on.iter().copied().chain(for_hosts).map(|on| self.see(on)).collect::<Answer<_>>()?;
        let input = env::input().unwrap_or_default();
        let args = authority::write(&AgentAccount { agent, account: caller.clone() });
        let pending = Pending { caller, agent, reserved, wish, seen, input };
        let rows = count(plan.rows.saturating_add(plan.touched));
        Ok(self.promise((authority, gas::AUTHORITY), args, on_authority, &pending, rows))
    }

    /// A view of the registry, and our own `callback` with `pending` (as borsh), which may store `rows` rows, once it has
    /// answered.
    pub(crate) fn promise<V: Method + Of<Registry>, C: Method + Of<contract::Keys>>(
        &self,
        (view, gas): (V, near_sdk::Gas),
        args: Vec<u8>,
        callback: C,
        pending: &impl BorshSerialize,
        rows: u64,
    ) -> Later<C::Answer> {
        let question = then_call(Promise::new(self.registry.clone()), view, args, gas, 0);
        let us = Promise::new(env::current_account_id());
        Later::to(callback, question.then(then_call(us, callback, encoded(pending), gas::callback(rows), 1)))
    }

    fn see(&self, on: On) -> Answer<Seen> {
        let marks = match on {
            On::Secret(id) => self.secret_row(id).map(|secret| (secret.epoch, u64::from(secret.version)))?,
            On::Host(id) => self.host_row(id).map(|host| (host.generation, 0))?,
            On::Grant(id) => {
                let grant = self.grant_row(id)?;
                let stands = match grant.suspended {
                    Suspension::No => 0,
                    Suspension::ByGrantor => 1,
                    Suspension::ByOwner => 2,
                };
                (grant.generation, stands)
            }
        };
        Ok(Seen { on, marks })
    }

    /// Everything that the call depends on is as it was when it was made.
    pub(crate) fn check_unmoved(&self, seen: &[Seen]) -> Answer {
        let same = |seen: &Seen| self.see(seen.on).is_ok_and(|now| now == *seen);
        if seen.iter().all(same) { Ok(()) } else { Err(KeysError::Moved {}.into()) }
    }
}
