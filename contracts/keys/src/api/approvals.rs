//! Approvals of single actions.

use charter_common::{Answer, methods};
use charter_rules::decision::may_use_up;
use charter_types::AccountId;
use charter_types::keys::args::{AnswerApproval, ApprovalRef, RequestApproval};
use charter_types::keys::{APPROVAL_MS_MAX, Added, Approval, ApprovalState, Fact, Grant, Grantee, KeysError};
use near_sdk::{PromiseOrValue, env, near};

use super::ask::{On, Plan, Wish};
use crate::{Keys, KeysExt};

#[methods(keys)]
#[near]
impl Keys {
    pub fn request_approval(
        &mut self,
        RequestApproval { grant: id, digest, host, expires_ms }: RequestApproval,
    ) -> Answer {
        let grant = self.grant_row(id)?;
        let secret = self.secret_row(grant.secret)?;
        let host = self.host_row(host)?;
        let caller = env::predecessor_account_id();
        // Nobody else, and for no other host: a stranger's requests would only be in the way of who has to answer them.
        if caller != host.operator && grant.grantee != Grantee::Account(caller.clone()) {
            return Err(KeysError::NotGrantee { caller }.into());
        }
        self.check_host_stands(&host, &secret)?;
        let now_ms = Self::now_ms();
        if !may_use_up(&grant, &secret, &host, now_ms) {
            return Err(KeysError::NotHere { host: host.id }.into());
        }
        if expires_ms <= now_ms || expires_ms - now_ms > APPROVAL_MS_MAX {
            return Err(KeysError::ApprovalTime {}.into());
        }
        let payment = self.core.begin_payment(&caller)?;
        // One that ran out, or was for the grant as it was, makes room for the next.
        if let Some(old) = self.approval_row(id, host.id, digest) {
            if !self.is_over(&old) {
                let rejected = old.state == ApprovalState::Rejected;
                return Err(if rejected { KeysError::Rejected {} } else { KeysError::ApprovalExists {} }.into());
            }
            self.remove_approval("approval_over", &caller, &old);
        }
        let generation = grant.generation;
        let state = ApprovalState::Requested;
        let requested_by = caller.clone();
        let approval = Approval { grant: id, digest, host: host.id, requested_by, state, expires_ms, generation };
        self.approvals.insert(&(id, host.id, digest), &caller, &approval, &mut self.core.storage)?;
        self.emit("approval_requested", &caller, Fact::Approval(approval));
        self.core.finish_payment(payment)
    }

    pub fn approve(&mut self, args: AnswerApproval) -> Answer<PromiseOrValue<Added>> {
        self.answer_approval(&args, Wish::Approve)
    }

    pub fn reject(&mut self, args: AnswerApproval) -> Answer<PromiseOrValue<Added>> {
        self.answer_approval(&args, Wish::Reject)
    }

    pub fn withdraw_approval(&mut self, ApprovalRef { grant, host, digest }: ApprovalRef) -> Answer {
        let caller = env::predecessor_account_id();
        let found = match host {
            Some(host) => self.approval_row(grant, host, digest),
            None => self.early_approvals.get(&(grant, digest)),
        };
        let approval = found.ok_or(KeysError::NoApproval {})?;
        if !self.is_over(&approval) {
            if approval.requested_by != caller {
                return Err(KeysError::NotGrantee { caller }.into());
            }
            if approval.state == ApprovalState::Rejected {
                return Err(KeysError::Rejected {}.into());
            }
        }
        self.remove_approval("approval_withdrawn", &caller, &approval);
        Ok(())
    }
}

impl Keys {
    /// Whether a request is good for nothing any more, whatever its state.
    fn is_over(&self, approval: &Approval) -> bool {
        let generation = self.grants.get(&approval.grant).map(|grant| grant.generation);
        approval.expires_ms <= Self::now_ms() || generation != Some(approval.generation)
    }

    fn answer_approval(&mut self, args: &AnswerApproval, wish: Wish) -> Answer<PromiseOrValue<Added>> {
        let lineage = self.lineage_rows(args.grant)?;
        if self.approval_row(args.grant, args.host, args.digest).is_none() {
            return Err(KeysError::NoApproval {}.into());
        }
        let caller = env::predecessor_account_id();
        if is_approver(&lineage, &caller) {
            return Ok(PromiseOrValue::Value(self.set_approval(&caller, args, matches!(wish, Wish::Approve))?));
        }
        let agent = lineage.first().map(|grant| grant.agent).unwrap_or_default();
        let on: Vec<On> = lineage.iter().map(|grant| On::Grant(grant.id)).collect();
        Ok(self.ask(agent, wish, &Plan { touched: 1, on: &on, ..Plan::default() })?.into())
    }
}

/// Approvals were asked for by the topmost grant that needs them: who holds a part of it can't approve in its place.
fn is_approver(lineage: &[Grant], caller: &AccountId) -> bool {
    lineage.iter().rev().find(|grant| grant.needs_approval).is_some_and(|grant| grant.grantor == *caller)
}
