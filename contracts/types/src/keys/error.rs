use super::{
    APPROVAL_MS_MAX, DEPTH_MAX, ENVELOPE_BYTES_MAX, ENVELOPE_URI_BYTES_MAX, GRANTS_MAX, GrantId, HostId, LEASE_MS_MAX,
    NAMED_MAX, STALENESS_MS_MAX, SecretId, WRAP_BYTES_MAX, WRAPS_MAX,
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
        Moved {} = "KEYS_MOVED", "what the call depends on was revoked, rotated, narrowed or answered while the registry was asked";
        NotPayer { caller: AccountId } = "KEYS_NOT_PAYER", "caller {caller} does not pay for it";
        WeakKey {} = "KEYS_WEAK_KEY", "the key is a point of small order: anybody could use it";
        HostProof {} = "KEYS_BAD_HOST_PROOF", "the proof is not sign_key's signature over operator and both keys";
        HostChange {} = "KEYS_BAD_HOST_CHANGE", "the proof is not the new sign_key's signature over host, its next generation, operator and both keys";
        HostGeneration { found: u64 } = "KEYS_HOST_GENERATION", "the host is at generation {found}: read its key again";
        HostRevoked {} = "KEYS_HOST_REVOKED", "the host is revoked, by revoke_host alone and until it changes its keys";
        HostStands {} = "KEYS_HOST_NOT_USABLE", "the host is out of service, or the secret is not sealed to it as it is now";
        NotAttested {} = "KEYS_NOT_ATTESTED", "the registry has no good attestation of this agent with the host's keys on a platform that is up to date";
        Staleness {} = "KEYS_BAD_STALENESS", "staleness is 1 to {STALENESS_MS_MAX} ms";
        Receipts { next: u64 } = "KEYS_RECEIPT_GAP", "receipts are anchored in order and without gaps: the next is {next}";
        BadPolicy { reason: String } = "KEYS_BAD_POLICY", "{reason}";
        NotWithin {} = "KEYS_NOT_WITHIN", "the policy allows something that the one above it does not";
        WrongPreimage {} = "KEYS_WRONG_PREIMAGE", "the policy given is not the one whose hash is kept";
        BadHosts {} = "KEYS_BAD_HOSTS", "name at most {NAMED_MAX} hosts, sorted and each once, and only what the grant above names";
        HostsNeeded {} = "KEYS_HOSTS_NEEDED", "name the hosts that may use up a budget or an approval";
        RateHost {} = "KEYS_RATE_HOST", "a rate is counted by one host, which the grant names: over more it is a budget";
        RateUnknown { id: GrantId } = "KEYS_RATE_UNKNOWN", "grant {id} has a rate that its row does not know: grant anew";
        BadMeasurements {} = "KEYS_BAD_MEASUREMENTS", "name at most {NAMED_MAX} measurements, sorted and each once, and only what the grant above names";
        NotHere { host: HostId } = "KEYS_NOT_HERE", "the grant is not for host {host}";
        Expiry {} = "KEYS_BAD_EXPIRY", "a grant ends after now, after its start, and no later than the one above it";
        TooDeep {} = "KEYS_TOO_DEEP", "grants are delegated at most {DEPTH_MAX} deep";
        TooManyGrants {} = "KEYS_TOO_MANY_GRANTS", "1 to {GRANTS_MAX} grants at a time";
        TooLong {} = "KEYS_EVENTS_TOO_LONG", "the events of this call would be longer than NEAR's logs: name fewer grants or hosts at a time";
        NoDelegation {} = "KEYS_NO_DELEGATION", "the grant must not be delegated";
        EnvelopeBytes {} = "KEYS_BAD_ENVELOPE", "an envelope has 1 to {ENVELOPE_BYTES_MAX} bytes, or a length and an address of 1 to {ENVELOPE_URI_BYTES_MAX}: https, ipfs, ar, ni, near or data";
        OtherCiphertext {} = "KEYS_OTHER_CIPHERTEXT", "this is not the ciphertext that there is: a new one is a new version, by rotate_secret";
        WrongMode {} = "KEYS_WRONG_MODE", "this is not for secrets of this mode";
        Version { found: u32 } = "KEYS_WRONG_VERSION", "the secret is at version {found}";
        Retired {} = "KEYS_RETIRED", "the secret is retired";
        NotRetired {} = "KEYS_NOT_RETIRED", "the secret is not retired";
        NotClean { recipients: u32 } = "KEYS_NOT_CLEAN", "{recipients} recipients are still remembered: clean_secret first";
        LabelHeld { agent: AgentId } = "KEYS_LABEL_HELD", "the label is free once agent {agent} is gone, or its epochs have moved: until then nothing else may be sealed under it";
        GrantAlive {} = "KEYS_GRANT_ALIVE", "the grant is not dead for good";
        WrapBytes {} = "KEYS_BAD_WRAP", "a sealed data key has 1 to {WRAP_BYTES_MAX} bytes";
        TooManyWraps {} = "KEYS_TOO_MANY_WRAPS", "name 1 to {WRAPS_MAX} hosts, each once";
        LabelExists {} = "KEYS_LABEL_EXISTS", "the agent has or had a secret with this label";
        AlreadyRevoked {} = "KEYS_ALREADY_REVOKED", "it is revoked already";
        NotSuspended {} = "KEYS_NOT_SUSPENDED", "the grant is not suspended";
        BadBudget {} = "KEYS_BAD_BUDGET", "a budget has a capacity, a refill no larger than it exactly if it has a period, a name if it is in an asset, printable and without spaces, and the unit of the one above it";
        ReleaseCount {} = "KEYS_RELEASE_COUNT", "a released key can be counted as one use of budgets in uses only: not in an asset, nor in a rate without such a budget";
        BudgetShort { grant: GrantId, left: u128 } = "KEYS_BUDGET_SHORT", "the budget of grant {grant} has {left} left";
        LeaseTime {} = "KEYS_BAD_LEASE_TIME", "a lease is open for 1 to {LEASE_MS_MAX} ms";
        LeaseAmount { amount: u128 } = "KEYS_OVER_LEASE", "the lease is for {amount}; no more can be settled";
        LeaseOpen { until_ms: u64 } = "KEYS_LEASE_OPEN", "the lease can be settled until {until_ms} ms";
        ApprovalTime {} = "KEYS_BAD_APPROVAL_TIME", "an approval is good for 1 to {APPROVAL_MS_MAX} ms";
        ApprovalExists {} = "KEYS_APPROVAL_EXISTS", "this action is waiting for approval already, or was answered";
        Rejected {} = "KEYS_REJECTED", "this action is rejected until its time is over";
        NoApproval {} = "KEYS_NO_APPROVAL", "nobody asked to approve this action like this, or the grant changed since";
        NotApproved {} = "KEYS_NOT_APPROVED", "the action needs an approval for this host that it has not, or no more";
        AppKey {} = "KEYS_BAD_RELEASE_PROOF", "the proof is not the host's signature over grant, secret, its epoch and the key to encrypt to, which is printable and without spaces";
        MpcSilent {} = "KEYS_MPC_SILENT", "the MPC contract did not answer";
        NoMpc {} = "KEYS_NO_MPC", "no MPC contract is set";
    }
}
