//! The methods of keys.

use super::args::{
    AddCredential, AddWraps, AnchorReceipts, AnswerApproval, ApprovalRef, AttestHost, ChangeHostKeys, Check, CheckLive,
    CreateSecret, Delegate, GrantBatch, GrantRef, GrantSecret, HostRef, LeaseRef, Narrow, PutEnvelope, Received,
    RegisterHost, RequestApproval, RequestKeyRelease, Reserve, RotateSecret, SecretRef, SetHostStatus, Settle, WrapRef,
};
use super::{
    Added, Approval, Budget, Decision, DerivedKey, Envelope, Grant, Host, HostId, Lease, LeaseId, Recipient, SealedKey,
    Secret,
};
use crate::admin::Setup;
use crate::{AccountId, Named, Nothing, Page};

crate::method::methods! { of Keys;
    /// Sets the contract up.
    init new(Setup);

    /// Registers a host under the caller as operator and returns its id. `proof` is the signing key's signature over
    /// `HostProof`.
    call register_host(RegisterHost) -> HostId [Storage, Anyone, Flat];
    /// Takes a host out of service, or back in.
    call set_host_status(SetHostStatus) [Nothing, HostOperator, Flat];
    /// Moves a host's generation: every grant to it is dead, and so is what was sealed to it. It serves again once it has
    /// changed its keys.
    call revoke_host(HostRef) [Nothing, HostOperator, Flat];
    /// Gives a host new keys and a new generation: what was sealed or granted to it is dead. `proof` is the new signing key's
    /// signature over `HostChange`.
    call change_host_keys(ChangeHostKeys) [Nothing, HostOperator, Flat];
    /// Removes a host and gives its storage back. Its id never comes back: what was sealed or granted to it is dead.
    call remove_host(HostRef) [Nothing, HostOperator, Flat];
    /// Takes the registry's word that a TEE holds the host's keys: an agent's attestation names them. Out of prepaid
    /// storage.
    call attest_host(AttestHost) [Nothing, HostOperator, Asks];
    /// Anchors the Merkle root over the receipts of uses `from` to `to`, in order and without gaps.
    call anchor_receipts(AnchorReceipts) [Nothing, HostOperator, Flat];

    /// Stores a secret with its envelope and data keys, and the first grants.
    call add_credential(AddCredential) -> Added [Prepaid, Owner, Asks];
    /// Makes a secret whose ciphertext is not here: derived by NEAR's MPC network, or known by its hash.
    call create_secret(CreateSecret) -> Added [Prepaid, Owner, Asks];
    /// Moves a ciphertext elsewhere, or back. Another ciphertext is another version.
    call put_envelope(PutEnvelope) -> Added [Prepaid, Owner, Asks];
    /// Seals a secret's data key to more hosts.
    call add_wraps(AddWraps) -> Added [Prepaid, Owner, Asks];
    /// Gives a secret a new value; grants stay.
    call rotate_secret(RotateSecret) -> Added [Prepaid, Owner, Asks];
    /// Ends a secret for good: every grant of it is dead, its ciphertext is gone. At once for who pays for it; the agent's
    /// owner is looked up first.
    call retire_secret(SecretRef) -> Added [OneYocto, PayerOrOwner, Asks];
    /// Forgets up to 20 who received a retired secret, the last ones first, with their data keys, and gives that storage
    /// back to who paid. Returns how many are left. Who received a secret has to be told to forget it first.
    call clean_secret(SecretRef) -> u32 [Nothing, Anyone, Flat];
    /// Removes a retired secret that is cleaned, and its label, once the agent's epochs have moved or the agent is gone: not
    /// before, so that nothing else is ever sealed under the label.
    call forget_secret(SecretRef) -> Added [Nothing, Anyone, Asks];
    /// Revokes a secret: every grant of it is dead. Nobody can un-know a key: `who_received` says who must be assumed to
    /// have it, so change it at the provider.
    call revoke_secret(SecretRef) -> Added [Nothing, OwnerOrGuardian, Asks];

    /// Grants the use of a secret within its ceiling.
    call grant(GrantSecret) -> Added [Prepaid, Owner, Asks];
    /// Up to 8 grants at once, all or none.
    call grant_batch(GrantBatch) -> Added [Prepaid, Owner, Asks];
    /// Passes a part of a grant on.
    call delegate(Delegate) -> Added [Prepaid, Grantee, Asks];
    /// Takes some of a grant away; what was delegated from it is dead. At once for who granted it; the agent's owner is
    /// looked up first.
    call narrow(Narrow) -> Added [OneYocto, GrantorOrOwner, Asks];
    /// Suspends a grant and everything delegated from it. At once for who granted it; the agent's owner and guardians are
    /// looked up first.
    call suspend(GrantRef) -> Added [Nothing, GrantorOrRevoker, Asks];
    /// Resumes a suspended grant. Who granted it may, if nobody else suspended it; else the agent's owner.
    call resume(GrantRef) -> Added [OneYocto, GrantorOrOwner, Asks];
    /// Gives a grant back, with everything delegated from it.
    call renounce(GrantRef) -> Added [Nothing, Grantee, Flat];
    /// Revokes a grant and everything delegated from it. At once for who granted it; the agent's owner and guardians are
    /// looked up first.
    call revoke_grant(GrantRef) -> Added [Nothing, GrantorOrRevoker, Asks];
    /// Removes a grant that is dead for good, with its budget, and gives their storage back.
    call remove_grant(GrantRef) [Nothing, Grantor, Flat];

    /// Asks for an approval of exactly one action on one host that the grant allows. The deposit pays for storage until the
    /// approval is used, withdrawn or asked for anew.
    call request_approval(RequestApproval) [Storage, GranteeOrHost, Flat];
    /// Approves an action for one use. At once for who made the topmost grant that asks for approvals; the agent's owner is
    /// looked up first.
    call approve(AnswerApproval) -> Added [OneYocto, GrantorOrOwner, Asks];
    /// Rejects an action, which can't be asked for again until the time it was asked for is over. Who could approve it may.
    call reject(AnswerApproval) -> Added [OneYocto, GrantorOrOwner, Asks];
    /// Takes a wish to have an action approved back, with its storage. Who asked may, unless it is rejected; anybody, once its
    /// time is over or the grant has changed.
    call withdraw_approval(ApprovalRef) [Nothing, Anyone, Flat];

    /// Sets a part of a grant's budget, and of every budget above it, aside for one host, and consumes an approval if the
    /// grant asks for one: for a host that the grant names or is for. Returns the lease, if there is a budget. Out of prepaid
    /// storage.
    call reserve(Reserve) -> Option<LeaseId> [Nothing, HostOperator, Flat];
    /// Ends a lease with what was used of it; the rest goes back into the budgets.
    call settle(Settle) [Nothing, HostOperator, Flat];
    /// Ends a lease that nobody settled in time: all of it counts as spent.
    call expire(LeaseRef) [Nothing, Anyone, Flat];

    /// May this grant be used for this action now? For contracts, which can't read two states at once: asks the registry
    /// and resolves to the decision.
    call check_live(CheckLive) -> Decision [Nothing, Anyone, Asks];
    /// Has NEAR's MPC network derive the secret of a grant for one attested host, for path
    /// `keys/v1/{agent}/{secret}/{epoch}`. A release is one use of every budget of the lineage. Resolves to the MPC contract's
    /// answer.
    call request_key_release(RequestKeyRelease) -> DerivedKey [Nothing, HostOperator, Asks];
    /// Names NEAR's MPC contract.
    call set_mpc(Named) [Nothing, Admin, Flat];

    /// A host.
    view host(HostRef) -> Option<Host>;
    /// Hosts, by id.
    view hosts(Page) -> Vec<Host>;
    /// A secret.
    view secret(SecretRef) -> Option<Secret>;
    /// Secrets, by id.
    view secrets(Page) -> Vec<Secret>;
    /// Ciphertext of a secret.
    view envelope(SecretRef) -> Option<Envelope>;
    /// A secret's data key as sealed to a host.
    view wrap(WrapRef) -> Option<SealedKey>;
    /// Hosts that could ever open a secret, in order: what was revoked must be changed at the provider.
    view who_received(Received) -> Vec<Recipient>;
    /// A grant, the one it was delegated from, and so on up to the root.
    view lineage(GrantRef) -> Vec<Grant>;
    /// Grants, by id.
    view grants(Page) -> Vec<Grant>;
    /// Budgets, by grant.
    view budgets(Page) -> Vec<Budget>;
    /// A lease.
    view lease(LeaseRef) -> Option<Lease>;
    /// What became of the wish to have an action approved.
    view approval(ApprovalRef) -> Option<Approval>;
    /// Highest ids given: hosts, secrets, grants.
    view counts(Nothing) -> (u64, u64, u64);
    /// May this grant be used for this action, given what the registry said at the same block?
    view check(Check) -> Decision;
    /// The registry whose word this contract takes.
    view registry(Nothing) -> AccountId;
    /// NEAR's MPC contract, once it is named.
    view mpc(Nothing) -> Option<AccountId>;

    /// The registry's word on who the caller is.
    callback on_authority -> Added;
    /// The registry's word on the agent whose attestation names a host's keys.
    callback on_attestation;
    /// The registry's word on an agent, for a contract that wants to know whether a grant can be used now.
    callback on_standing -> Decision;
    /// The registry's word on an agent, before a key is derived.
    callback on_release_standing -> DerivedKey;
    /// The derived key, encrypted.
    callback on_released -> DerivedKey;
}
