//! Grants: by the owner, or by whoever holds one and passes a part of it on.

use charter_common::{Answer, Later, methods, sha256};
use charter_types::Hash32;
use charter_types::keys::args::{Delegate, GrantBatch, GrantRef, GrantSecret, GrantTerms, Narrow};
use charter_types::keys::{Added, Fact, GRANTS_MAX, Grant, Grantee, KeysError, Policy, Suspension};
use near_sdk::{PromiseOrValue, env, near};

use super::ask::{On, Plan, Wish};
use crate::model::{
    check_delegation, check_named, check_narrowing, check_preimage, check_terms, is_dead_for_good, named_hosts,
};
use crate::{Keys, KeysExt};

#[methods(keys)]
#[near]
impl Keys {
    pub fn grant(&mut self, args: GrantSecret) -> Answer<Later<Added>> {
        self.check_running("grant")?;
        let secret = self.live_secret(args.secret)?;
        check_preimage(&args.ceiling, secret.ceiling_hash, sha256)?;
        let terms = std::slice::from_ref(&args.terms);
        self.check_all_terms(terms, &args.ceiling, &[])?;
        let on = [On::Secret(secret.id)];
        self.ask(secret.agent, Wish::Grant, &Plan { rows: 2, on: &on, terms, ..Plan::default() })
    }

    pub fn grant_batch(&mut self, args: GrantBatch) -> Answer<Later<Added>> {
        self.check_running("grant")?;
        let secret = self.live_secret(args.secret)?;
        check_preimage(&args.ceiling, secret.ceiling_hash, sha256)?;
        if args.grants.is_empty() {
            return Err(KeysError::TooManyGrants {}.into());
        }
        self.check_all_terms(&args.grants, &args.ceiling, &[])?;
        let (rows, on) = (2 * args.grants.len(), [On::Secret(secret.id)]);
        self.ask(secret.agent, Wish::GrantBatch, &Plan { rows, on: &on, terms: &args.grants, ..Plan::default() })
    }

    pub fn delegate(&mut self, args: Delegate) -> Answer<Later<Added>> {
        self.check_running("grant")?;
        let lineage = self.lineage_rows(args.parent)?;
        let parent = lineage.first().ok_or(KeysError::UnknownGrant { id: args.parent })?;
        check_delegation(parent, &args.terms, &env::predecessor_account_id())?;
        check_preimage(&args.parent_policy, parent.policy_hash, sha256)?;
        let terms = std::slice::from_ref(&args.terms);
        self.check_all_terms(terms, &args.parent_policy, &lineage)?;
        let above = lineage.iter().map(|grant| On::Grant(grant.id));
        let on: Vec<On> = above.chain([On::Secret(parent.secret)]).collect();
        self.ask(parent.agent, Wish::Delegate, &Plan { rows: 2, on: &on, terms, ..Plan::default() })
    }

    pub fn narrow(&mut self, args: Narrow) -> Answer<PromiseOrValue<Added>> {
        let grant = self.grant_row(args.grant)?;
        check_narrowing(&grant, &args, Self::now_ms(), sha256)?;
        let caller = env::predecessor_account_id();
        if grant.grantor == caller {
            return Ok(PromiseOrValue::Value(self.narrow_now(&caller, args)?));
        }
        let on = [On::Grant(grant.id)];
        Ok(self.ask(grant.agent, Wish::Narrow, &Plan { touched: 1, on: &on, ..Plan::default() })?.into())
    }

    pub fn suspend(&mut self, GrantRef { grant: id }: GrantRef) -> Answer<PromiseOrValue<Added>> {
        let grant = self.grant_row(id)?;
        let caller = env::predecessor_account_id();
        if grant.grantor == caller && grant.suspended == Suspension::No {
            return Ok(PromiseOrValue::Value(self.set_suspended(&caller, id, Suspension::ByGrantor)?));
        }
        Ok(self.ask(grant.agent, Wish::Suspend, &Plan { touched: 1, ..Plan::default() })?.into())
    }

    pub fn resume(&mut self, GrantRef { grant: id }: GrantRef) -> Answer<PromiseOrValue<Added>> {
        let grant = self.grant_row(id)?;
        if grant.suspended == Suspension::No {
            return Err(KeysError::NotSuspended {}.into());
        }
        let caller = env::predecessor_account_id();
        if grant.grantor == caller && grant.suspended == Suspension::ByGrantor {
            return Ok(PromiseOrValue::Value(self.set_suspended(&caller, id, Suspension::No)?));
        }
        let on = [On::Grant(grant.id)];
        Ok(self.ask(grant.agent, Wish::Resume, &Plan { touched: 1, on: &on, ..Plan::default() })?.into())
    }

    pub fn renounce(&mut self, GrantRef { grant: id }: GrantRef) -> Answer<Added> {
        let grant = self.grant_row(id)?;
        let caller = env::predecessor_account_id();
        let holds = match &grant.grantee {
            Grantee::Account(account) => *account == caller,
            Grantee::Host(host) => self.host_row(*host)?.operator == caller,
            Grantee::AgentKey(_) | Grantee::Measurement(_) => false,
        };
        if !holds {
            return Err(KeysError::NotGrantee { caller }.into());
        }
        self.revoke_now(&caller, grant)
    }

    /// What hangs below a grant that is gone is dead, and its budget counts nothing any more; leases below it end as they
    /// would. A grant that is alive can be revoked first.
    pub fn remove_grant(&mut self, GrantRef { grant: id }: GrantRef) -> Answer {
        let grant = self.grant_row(id)?;
        let caller = env::predecessor_account_id();
        if grant.grantor != caller {
            return Err(KeysError::NotPayer { caller }.into());
        }
        let parent = grant.parent.and_then(|parent| self.grants.get(&parent));
        let secret = self.secrets.get(&grant.secret);
        if !is_dead_for_good(&grant, parent.as_ref(), secret.as_ref(), Self::now_ms()) {
            return Err(KeysError::GrantAlive {}.into());
        }
        self.budgets.remove(&id, &mut self.core.storage);
        self.grants.remove(&id, &mut self.core.storage);
        self.emit("grant_removed", &caller, Fact::GrantRemoved(id));
        Ok(())
    }
}

/// Bytes of log that grants may take; NEAR allows 16,384 in a receipt, and up to eight data keys are told beside them.
const GRANT_LOG_BYTES_MAX: usize = 11_000;
/// A grant's event with its budget's, for the longest account ids, without the policy.
const GRANT_LOG_BYTES: usize = 1_500;

/// The events of a call are written in the callback. One that ran out of log there would leave what was reserved reserved.
fn check_log_room(grants: &[GrantTerms]) -> Answer {
    let policy = |terms: &GrantTerms| serde_json::to_vec(&terms.policy).map_or(usize::MAX, |text| text.len());
    let bytes =
        grants.iter().fold(0_usize, |sum, terms| sum.saturating_add(policy(terms)).saturating_add(GRANT_LOG_BYTES));
    if bytes <= GRANT_LOG_BYTES_MAX { Ok(()) } else { Err(KeysError::TooLong {}.into()) }
}

impl Keys {
    /// Terms that don't depend on who asks: within what is above them, and about what exists.
    pub(crate) fn check_all_terms(&self, grants: &[GrantTerms], above: &Policy, lineage: &[Grant]) -> Answer {
        if grants.len() > GRANTS_MAX {
            return Err(KeysError::TooManyGrants {}.into());
        }
        check_log_room(grants)?;
        for terms in grants {
            check_terms(terms, above, Self::now_ms())?;
            check_named(terms, lineage)?;
            for host in named_hosts(terms, lineage.first()) {
                self.host_row(host)?;
            }
        }
        Ok(())
    }

    /// The hash that state keeps of a policy.
    pub(crate) fn policy_hash(policy: &Policy) -> Hash32 {
        Hash32::of(policy, sha256)
    }
}
