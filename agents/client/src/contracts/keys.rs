//! The methods of keys.

use charter_types::keys::args::{
    AddCredential, ApprovalRef, Delegate, GrantRef, GrantSecret, HostRef, Narrow, RegisterHost, RequestApproval,
    RotateSecret, SecretRef,
};
use charter_types::keys::{Added, GrantId, HostId, SecretId};
use serde::Serialize;

use super::{Contracts, Reply, STORAGE_DEPOSIT, Sent, done};
use crate::{Account, Call};

impl Contracts {
    /// Prepays storage and makes a call with 1 yocto, in one transaction.
    async fn keys_prepaid(&self, caller: &Account, method: &str, args: &impl Serialize) -> Reply<Added> {
        done(caller.calls(&self.keys, vec![Self::prepay(), Call::json(method, args).deposit(1)]).await?)
    }

    async fn keys_signs(&self, caller: &Account, method: &str, args: &impl Serialize) -> Sent {
        caller.call(&self.keys, Call::json(method, args).deposit(1)).await
    }

    async fn keys_free(&self, caller: &Account, method: &str, args: &impl Serialize) -> Sent {
        caller.call(&self.keys, Call::json(method, args)).await
    }

    pub async fn register_host(&self, operator: &Account, args: &RegisterHost) -> Reply<HostId> {
        done(operator.call(&self.keys, Call::json("register_host", args).deposit(STORAGE_DEPOSIT)).await?)
    }

    pub async fn add_credential(&self, owner: &Account, args: &AddCredential) -> Reply<Added> {
        self.keys_prepaid(owner, "add_credential", args).await
    }

    pub async fn rotate_secret(&self, owner: &Account, args: &RotateSecret) -> Reply<Added> {
        self.keys_prepaid(owner, "rotate_secret", args).await
    }

    pub async fn grant(&self, owner: &Account, args: &GrantSecret) -> Reply<Added> {
        self.keys_prepaid(owner, "grant", args).await
    }

    pub async fn delegate(&self, holder: &Account, args: &Delegate) -> Reply<Added> {
        self.keys_prepaid(holder, "delegate", args).await
    }

    pub async fn narrow(&self, grantor: &Account, args: &Narrow) -> Sent {
        self.keys_signs(grantor, "narrow", args).await
    }

    pub async fn revoke_grant(&self, caller: &Account, grant: GrantId) -> Sent {
        self.keys_free(caller, "revoke_grant", &GrantRef { grant }).await
    }

    pub async fn revoke_secret(&self, caller: &Account, secret: SecretId) -> Sent {
        self.keys_free(caller, "revoke_secret", &SecretRef { secret }).await
    }

    pub async fn revoke_host(&self, operator: &Account, host: HostId) -> Sent {
        self.keys_free(operator, "revoke_host", &HostRef { host }).await
    }

    /// By who holds the grant, or by the host's operator.
    pub async fn request_approval(&self, holder: &Account, args: &RequestApproval) -> Sent {
        holder.call(&self.keys, Call::json("request_approval", args).deposit(STORAGE_DEPOSIT)).await
    }

    pub async fn approve(&self, approver: &Account, args: &ApprovalRef) -> Sent {
        self.keys_signs(approver, "approve", args).await
    }
}
