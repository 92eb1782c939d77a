//! Approvals of single actions.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::keys::args::{ApprovalRef, RequestApproval};
use charter_types::keys::{APPROVAL_MS_MAX, Added, Approval, ApprovalState, Fact, Grant, Grantee, KeysError};
use near_sdk::{PromiseOrValue, env, near};

use super::ask::Wish;
use crate::{Keys, KeysExt};

#[methods(keys)]
#[near]
impl Keys {
    pub fn request_approval(
        &mut self,
        RequestApproval { grant: id, digest, host, expires_ms }: RequestApproval,
    ) -> Answer {
        let grant = self.grant_row(id)?;
        let operator = self.host_row(host)?.operator;
        let caller = env::predecessor_account_id();
        // Nobody else: a stranger could be first with every action, and keep the answer from who needs it.
        if caller != operator && grant.grantee != Grantee::Account(caller.clone()) {
            return Err(KeysError::NotGrantee { caller }.into());
        }
        let now_ms = Self::now_ms();
        if expires_ms <= now_ms || expires_ms - now_ms > APPROVAL_MS_MAX {
            return Err(KeysError::ApprovalTime {}.into());
        }
        let payment = self.core.begin_payment(&caller)?;
        let key = (id, digest);
        // One that ran out, or was for the grant as it was, makes room for the next.
        if let Some(old) = self.approvals.get(&key) {
            if old.expires_ms > now_ms && old.generation == grant.generation {
                return Err(KeysError::ApprovalExists {}.into());
            }
            self.approvals.remove(&key, &mut self.core.storage);
        }
        let generation = grant.generation;
        let state = ApprovalState::Requested;
        let requested_by = caller.clone();
        let approval = Approval { grant: id, digest, host, requested_by, state, expires_ms, generation };
        self.approvals.insert(&key, &caller, &approval, &mut self.core.storage)?;
        self.emit("approval_requested", &caller, Fact::Approval(approval));
        self.core.finish_payment(payment)
    }

    pub fn approve(&mut self, args: ApprovalRef) -> Answer<PromiseOrValue<Added>> {
        self.answer_approval(&args, Wish::Approve)
    }

    pub fn reject(&mut self, args: ApprovalRef) -> Answer<PromiseOrValue<Added>> {
        self.answer_approval(&args, Wish::Reject)
    }
}

impl Keys {
    fn answer_approval(&mut self, args: &ApprovalRef, wish: Wish) -> Answer<PromiseOrValue<Added>> {
        let lineage = self.lineage_rows(args.grant)?;
        if !self.approvals.contains(&(args.grant, args.digest)) {
            return Err(KeysError::NoApproval {}.into());
        }
        let caller = env::predecessor_account_id();
        if is_approver(&lineage, &caller) {
            return Ok(PromiseOrValue::Value(self.set_approval(&caller, args, matches!(wish, Wish::Approve))?));
        }
        let agent = lineage.first().map(|grant| grant.agent).unwrap_or_default();
        Ok(self.ask(agent, wish, 0, 0)?.into())
    }
}

/// Approvals were asked for by the topmost grant that needs them: who holds a part of it can't approve in its place.
fn is_approver(lineage: &[Grant], caller: &AccountId) -> bool {
    lineage.iter().rev().find(|grant| grant.needs_approval).is_some_and(|grant| grant.grantor == *caller)
}
