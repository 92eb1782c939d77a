//! What calls do once the registry has answered. Every check comes before every write: an error must leave nothing behind.

mod grants;
mod secrets;

use charter_common::{Answer, arguments_in};
use charter_types::AccountId;
use charter_types::json::FromJson;
use charter_types::keys::args::{AnswerApproval, GrantRef, SecretRef};
use charter_types::keys::{Added, ApprovalState, Fact, KeysError, Suspension};
use charter_types::registry::Authority;

use crate::Keys;
use crate::api::ask::{Pending, Wish};

/// The arguments, which the call itself has read before.
fn read<T: FromJson>(pending: &Pending) -> Answer<T> {
    arguments_in(&pending.input)
}

fn check_owner(caller: &AccountId, authority: &Authority, agent: u64) -> Answer {
    if !authority.roles.owner {
        return Err(KeysError::NotOwner { caller: caller.clone() }.into());
    }
    if authority.armed { Ok(()) } else { Err(KeysError::Disarmed { agent }.into()) }
}

/// INV-KEY-5: guardians only take away. Without the line on the owner, `narrow` and `resume` would be theirs.
fn check_revoker(caller: &AccountId, authority: &Authority) -> Answer {
    if authority.roles.owner || authority.roles.guardian {
        return Ok(());
    }
    Err(KeysError::NotRevoker { caller: caller.clone() }.into())
}

impl Keys {
    pub(crate) fn act(&mut self, pending: &Pending, authority: &Authority) -> Answer<Added> {
        let caller = &pending.caller;
        match pending.wish {
            // Whoever holds the grant; checked where the grant is read.
            Wish::Delegate => {}
            Wish::RevokeGrant | Wish::Suspend | Wish::RevokeSecret => check_revoker(caller, authority)?,
            // Takes away, so it needs no armed agent.
            Wish::RetireSecret if authority.roles.owner => {}
            _ => check_owner(caller, authority, pending.agent)?,
        }
        match pending.wish {
            Wish::AddCredential => self.store_credential(caller, read(pending)?, authority.epochs),
            Wish::CreateSecret => self.store_bare_secret(caller, read(pending)?, authority.epochs),
            Wish::PutEnvelope => self.replace_envelope(caller, read(pending)?, authority),
            Wish::AddWraps => self.store_wraps(caller, read(pending)?, authority),
            Wish::RotateSecret => self.rotate_now(caller, read(pending)?, authority),
            Wish::RetireSecret => self.retire_now(caller, read::<SecretRef>(pending)?.secret),
            Wish::ForgetSecret => self.forget_now(pending, Some(authority.clone())),
            Wish::Grant => self.grant_now(caller, read(pending)?, authority),
            Wish::GrantBatch => self.grant_all_now(caller, read(pending)?, authority),
            Wish::Delegate => self.delegate_now(caller, read(pending)?, authority),
            Wish::Narrow => self.narrow_now(caller, read(pending)?),
            Wish::Suspend => self.set_suspended(caller, read::<GrantRef>(pending)?.grant, Suspension::ByOwner),
            Wish::Resume => self.set_suspended(caller, read::<GrantRef>(pending)?.grant, Suspension::No),
            Wish::RevokeGrant => {
                let grant = self.grant_row(read::<GrantRef>(pending)?.grant)?;
                self.revoke_now(caller, grant)
            }
            Wish::RevokeSecret => self.revoke_secret_now(caller, read::<SecretRef>(pending)?.secret),
            Wish::Approve => self.set_approval(caller, &read(pending)?, true),
            Wish::Reject => self.set_approval(caller, &read(pending)?, false),
        }
    }

    /// An answer names all that was asked: one that was withdrawn and asked anew, for longer, is another. What is rejected
    /// stays rejected. A request that is answered keeps its size, so nobody needs storage for it.
    pub(crate) fn set_approval(&mut self, by: &AccountId, args: &AnswerApproval, approve: bool) -> Answer<Added> {
        let mut approval = self.approval_row(args.grant, args.host, args.digest).ok_or(KeysError::NoApproval {})?;
        let same = approval.expires_ms == args.expires_ms && approval.expires_ms > Self::now_ms();
        if !same || approval.generation != self.grant_row(args.grant)?.generation {
            return Err(KeysError::NoApproval {}.into());
        }
        if approval.state == ApprovalState::Rejected {
            return Err(KeysError::Rejected {}.into());
        }
        approval.state = if approve { ApprovalState::Approved } else { ApprovalState::Rejected };
        self.save_approval(&approval)?;
        self.emit(if approve { "approved" } else { "rejected" }, by, Fact::Approval(approval));
        Ok(Added { secret: None, grants: vec![args.grant] })
    }
}
