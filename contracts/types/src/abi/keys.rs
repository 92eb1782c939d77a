//! The methods of keys.

use super::Table;
use crate::admin::Setup;
use crate::keys::args::{
    AddCredential, AddWraps, AnchorReceipts, ApprovalRef, AttestHost, Check, CheckLive, CreateSecret, Delegate,
    GrantBatch, GrantRef, GrantSecret, HostRef, LeaseRef, Narrow, PutEnvelope, Received, RegisterHost, RequestApproval,
    RequestKeyRelease, Reserve, RotateSecret, SecretRef, SetHostStatus, Settle, WrapRef,
};
use crate::keys::{
    Added, Approval, Budget, Decision, Envelope, Grant, Host, HostId, Lease, LeaseId, Recipient, SealedKey, Secret,
};
use crate::{AccountId, Named, Nothing, Page};

/// What NEAR's MPC contract answers `request_app_private_key` with (its CKD response).
#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(schemars::JsonSchema)]
struct DerivedKey {
    big_y: String,
    big_c: String,
}

pub fn table() -> Table {
    let mut table = Table::shared();
    table.init::<Setup>("new");
    table.pay::<RegisterHost, HostId>("register_host");
    table.pay::<SetHostStatus, ()>("set_host_status");
    table.pay::<HostRef, ()>("revoke_host");
    table.pay::<AttestHost, ()>("attest_host");
    table.pay::<AnchorReceipts, ()>("anchor_receipts");
    table.pay::<AddCredential, Added>("add_credential");
    table.pay::<CreateSecret, Added>("create_secret");
    table.pay::<PutEnvelope, Added>("put_envelope");
    table.pay::<AddWraps, Added>("add_wraps");
    table.pay::<RotateSecret, Added>("rotate_secret");
    table.pay::<SecretRef, Added>("retire_secret");
    table.pay::<SecretRef, Added>("revoke_secret");
    table.pay::<GrantSecret, Added>("grant");
    table.pay::<GrantBatch, Added>("grant_batch");
    table.pay::<Delegate, Added>("delegate");
    table.pay::<Narrow, Added>("narrow");
    table.pay::<GrantRef, Added>("suspend");
    table.pay::<GrantRef, Added>("resume");
    table.pay::<GrantRef, Added>("renounce");
    table.pay::<GrantRef, Added>("revoke_grant");
    table.pay::<RequestApproval, ()>("request_approval");
    table.pay::<ApprovalRef, Added>("approve");
    table.pay::<ApprovalRef, Added>("reject");
    table.pay::<Reserve, Option<LeaseId>>("reserve");
    table.pay::<Settle, ()>("settle");
    table.pay::<LeaseRef, ()>("expire");
    table.call::<CheckLive, Decision>("check_live");
    table.pay::<RequestKeyRelease, DerivedKey>("request_key_release");
    table.call::<Named, ()>("set_mpc");
    views(&mut table);
    table.callbacks(&["on_authority", "on_attestation", "on_standing", "on_release_standing", "on_released"]);
    table
}

fn views(table: &mut Table) {
    table.view::<HostRef, Option<Host>>("host");
    table.view::<Page, Vec<Host>>("hosts");
    table.view::<SecretRef, Option<Secret>>("secret");
    table.view::<Page, Vec<Secret>>("secrets");
    table.view::<SecretRef, Option<Envelope>>("envelope");
    table.view::<WrapRef, Option<SealedKey>>("wrap");
    table.view::<Received, Vec<Recipient>>("who_received");
    table.view::<GrantRef, Vec<Grant>>("lineage");
    table.view::<Page, Vec<Grant>>("grants");
    table.view::<Page, Vec<Budget>>("budgets");
    table.view::<LeaseRef, Option<Lease>>("lease");
    table.view::<ApprovalRef, Option<Approval>>("approval");
    table.view::<Nothing, (u64, u64, u64)>("counts");
    table.view::<Check, Decision>("check");
    table.view::<Nothing, AccountId>("registry");
    table.view::<Nothing, Option<AccountId>>("mpc");
}
