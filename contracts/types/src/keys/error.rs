use super::{
    APPROVAL_MS_MAX, DEPTH_MAX, ENVELOPE_BYTES_MAX, ENVELOPE_URI_BYTES_MAX, GRANTS_MAX, GrantId, HostId, LEASE_MS_MAX,
    STALENESS_MS_MAX, SecretId, WRAP_BYTES_MAX, WRAPS_MAX,
};
use crate::AccountId;
use crate::error::failures;
use crate::registry::AgentId;

failures! {
    /// What the key-permission registry refuses.
    KeysError {
        UnknownSecret { id: SecretId } = "KEYS_UNKNOWN_SECRET", "there is no secret {id}";
        UnknownGrant { id: GrantId } = "KEYS_UNKNOWN_GRANT", "there is no grant {id}";
        UnknownHost { id: HostId } = "KEYS_UNKNOWN_HOST", "there is no host {id}";
        UnknownLease { id: u64 } = "KEYS_UNKNOWN_LEASE", "there is no lease {id}";
        NotOwner { caller: AccountId } = "KEYS_NOT_OWNER", "caller {caller} does not own the agent";
        NotGrantee { caller: AccountId } = "KEYS_NOT_GRANTEE", "caller {caller} does not hold the grant";
        NotRevoker { caller: AccountId } = "KEYS_NOT_REVOKER", "caller {caller} is neither owner nor guardian nor the grantor";
        NotApprover { caller: AccountId } = "KEYS_NOT_APPROVER", "caller {caller} neither owns the agent nor made the grant";
        NotOperator { caller: AccountId } = "KEYS_NOT_OPERATOR", "caller {caller} does not operate the host";
        NoAuthority { agent: AgentId } = "KEYS_NO_AUTHORITY", "the registry knows no agent {agent} or did not answer";
        Disarmed { agent: AgentId } = "KEYS_DISARMED", "the owner of agent {agent} pressed the panic button: rearm it first";
        EpochMoved { agent: AgentId } = "KEYS_EPOCH_MOVED", "agent {agent} changed hands or was revoked since";
        Dead { id: GrantId } = "KEYS_GRANT_DEAD", "grant {id} is revoked, suspended, expired or outdated";
        WeakKey {} = "KEYS_WEAK_KEY", "the key is a point of small order: anybody could use it";
        HostProof {} = "KEYS_BAD_HOST_PROOF", "the proof is not sign_key's signature over operator and both keys";
        HostStands {} = "KEYS_HOST_NOT_USABLE", "the host is out of service, or the secret is not sealed to it as it is now";
        NotAttested {} = "KEYS_NOT_ATTESTED", "the registry has no good attestation of this agent with the host's keys";
        Staleness {} = "KEYS_BAD_STALENESS", "staleness is 1 to {STALENESS_MS_MAX} ms";
        Receipts { next: u64 } = "KEYS_RECEIPT_GAP", "receipts are anchored in order and without gaps: the next is {next}";
        BadPolicy { reason: String } = "KEYS_BAD_POLICY", "{reason}";
        NotWithin {} = "KEYS_NOT_WITHIN", "the policy allows something that the one above it does not";
        WrongPreimage {} = "KEYS_WRONG_PREIMAGE", "the policy given is not the one whose hash is kept";
        Expiry {} = "KEYS_BAD_EXPIRY", "a grant ends after now, after its start, and no later than the one above it";
        TooDeep {} = "KEYS_TOO_DEEP", "grants are delegated at most {DEPTH_MAX} deep";
        TooManyGrants {} = "KEYS_TOO_MANY_GRANTS", "1 to {GRANTS_MAX} grants at a time";
        TooLong {} = "KEYS_EVENTS_TOO_LONG", "the events of this call would be longer than NEAR's logs: name fewer grants or hosts at a time";
        NoDelegation {} = "KEYS_NO_DELEGATION", "the grant must not be delegated";
        EnvelopeBytes {} = "KEYS_BAD_ENVELOPE", "an envelope has 1 to {ENVELOPE_BYTES_MAX} bytes, or an address of 1 to {ENVELOPE_URI_BYTES_MAX} and a length";
        WrongMode {} = "KEYS_WRONG_MODE", "this is not for secrets of this mode";
        Version { found: u32 } = "KEYS_WRONG_VERSION", "the secret is at version {found}";
        Retired {} = "KEYS_RETIRED", "the secret is retired";
        WrapBytes {} = "KEYS_BAD_WRAP", "a sealed data key has 1 to {WRAP_BYTES_MAX} bytes";
        TooManyWraps {} = "KEYS_TOO_MANY_WRAPS", "name 1 to {WRAPS_MAX} hosts, each once";
        LabelExists {} = "KEYS_LABEL_EXISTS", "the agent has a secret with this label already";
        AlreadyRevoked {} = "KEYS_ALREADY_REVOKED", "it is revoked already";
        NotSuspended {} = "KEYS_NOT_SUSPENDED", "the grant is not suspended";
        BadBudget {} = "KEYS_BAD_BUDGET", "a budget has a capacity, a refill no larger than it exactly if it has a period, a name if it is in an asset, and the unit of the one above it";
        BudgetShort { grant: GrantId, left: u128 } = "KEYS_BUDGET_SHORT", "the budget of grant {grant} has {left} left";
        LeaseTime {} = "KEYS_BAD_LEASE_TIME", "a lease is open for 1 to {LEASE_MS_MAX} ms";
        LeaseAmount { amount: u128 } = "KEYS_OVER_LEASE", "the lease is for {amount}; no more can be settled";
        LeaseOpen { until_ms: u64 } = "KEYS_LEASE_OPEN", "the lease can be settled until {until_ms} ms";
        ApprovalTime {} = "KEYS_BAD_APPROVAL_TIME", "an approval is good for 1 to {APPROVAL_MS_MAX} ms";
        ApprovalExists {} = "KEYS_APPROVAL_EXISTS", "this action is waiting for approval already, or was answered";
        NoApproval {} = "KEYS_NO_APPROVAL", "nobody asked to approve this action, or the grant changed since";
        NotApproved {} = "KEYS_NOT_APPROVED", "the action needs an approval for this host that it has not, or no more";
        AppKey {} = "KEYS_BAD_RELEASE_PROOF", "the proof is not the host's signature over grant, secret, its epoch and the key to encrypt to";
        MpcSilent {} = "KEYS_MPC_SILENT", "the MPC contract did not answer";
        NoMpc {} = "KEYS_NO_MPC", "no MPC contract is set";
    }
}
