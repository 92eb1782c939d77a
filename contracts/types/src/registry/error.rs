use super::{
    ASSET_BYTES_MAX, AgentId, CARD_URI_BYTES_MAX, GUARDIANS_MAX, KEYS_MAX, LISTED_MAX, MAX_AGE_MS_MAX,
    MEASUREMENTS_MAX, OPERATORS_MAX, RECOVERERS_MAX, RECOVERY_MS_MAX, RECOVERY_MS_MIN, REPORTERS_MAX,
};
use crate::AccountId;
use crate::error::failures;

failures! {
    /// What the registry refuses.
    RegistryError {
        UnknownAgent { id: AgentId } = "REGISTRY_UNKNOWN_AGENT", "there is no agent {id}";
        NotOwner { caller: AccountId } = "REGISTRY_NOT_OWNER", "caller {caller} is not the owner";
        NotPermitted { caller: AccountId } = "REGISTRY_NOT_PERMITTED", "caller {caller} is neither the owner nor an operator with this permission";
        NotGuardian { caller: AccountId } = "REGISTRY_NOT_GUARDIAN", "caller {caller} is neither the owner nor a guardian";
        NotAgent { caller: AccountId } = "REGISTRY_NOT_AGENT", "caller {caller} is not the agent's own account";
        NotOffered { caller: AccountId } = "REGISTRY_NOT_OFFERED", "nothing of the agent is offered to {caller}";
        NotYet { from_ms: u64 } = "REGISTRY_NOT_YET", "this takes effect from {from_ms} ms on";
        OfferOver { until_ms: u64 } = "REGISTRY_OFFER_OVER", "the offer was good until {until_ms} ms";
        Changed {} = "REGISTRY_CHANGED", "card, handle or owner of the agent are not what was agreed to";
        ProposalChanged {} = "REGISTRY_PROPOSAL_CHANGED", "the proposal names another new owner or round than was agreed to";
        SameOwner {} = "REGISTRY_SAME_OWNER", "the account owns the agent already";
        CardUri { bytes: usize } = "REGISTRY_BAD_CARD_URI", "a card's uri has 1 to {CARD_URI_BYTES_MAX} bytes (here {bytes}), printable ASCII, and begins with https://, ipfs://, ar://, ni://, near: or data:";
        CardRevision { expected: u64, found: u64 } = "REGISTRY_WRONG_CARD_REVISION", "the card is at revision {found}, not {expected}";
        BadHandle {} = "REGISTRY_BAD_HANDLE", "a handle has 3 to 32 of a-z, 0-9 and inner hyphens";
        HandleTaken {} = "REGISTRY_HANDLE_TAKEN", "another agent has this handle";
        UnknownHandle {} = "REGISTRY_UNKNOWN_HANDLE", "nobody has this handle, and nobody gave it back lately";
        HandleRests { until_ms: u64 } = "REGISTRY_HANDLE_RESTS", "the handle was another agent's until lately: it is free from {until_ms} ms on";
        TooManyOperators {} = "REGISTRY_TOO_MANY_OPERATORS", "an agent has at most {OPERATORS_MAX} operators";
        TooManyPermissions {} = "REGISTRY_TOO_MANY_PERMISSIONS", "an operator's permissions are named once each";
        TooManyGuardians {} = "REGISTRY_TOO_MANY_GUARDIANS", "an agent has at most {GUARDIANS_MAX} guardians";
        TooManyKeys {} = "REGISTRY_TOO_MANY_KEYS", "an agent has at most {KEYS_MAX} keys";
        TooManyAgents { most: usize } = "REGISTRY_TOO_MANY_AGENTS", "1 to {most} agents at a time";
        UnknownOperator { account: AccountId } = "REGISTRY_UNKNOWN_OPERATOR", "{account} is no operator of the agent";
        UnknownGuardian { account: AccountId } = "REGISTRY_UNKNOWN_GUARDIAN", "{account} is no guardian of the agent";
        NoRole { caller: AccountId } = "REGISTRY_NO_ROLE", "caller {caller} has no role to give back";
        UnknownKey {} = "REGISTRY_UNKNOWN_KEY", "the agent has no such key";
        KeyExists {} = "REGISTRY_KEY_EXISTS", "the agent has this key already";
        KeyKind {} = "REGISTRY_WRONG_KEY_KIND", "keys to encrypt to are x25519, all others ed25519";
        WeakKey {} = "REGISTRY_WEAK_KEY", "the key is a point of small order: anybody could use it";
        KeyProof {} = "REGISTRY_BAD_KEY_PROOF", "the proof is not a signature over agent, epoch, key, purpose and expiry by this key or one of the agent's that vouches for it";
        KeyNonce { after_ms: u64, now_ms: u64 } = "REGISTRY_BAD_KEY_NONCE", "the nonce of an agent's first keys is a time after {after_ms} ms and not after now, {now_ms} ms";
        Expired { expires_ms: u64, now_ms: u64 } = "REGISTRY_EXPIRED", "expiry {expires_ms} ms is not after now, {now_ms} ms";
        PauseLength { max_ms: u64 } = "REGISTRY_BAD_PAUSE_LENGTH", "a guardian pauses for 1 to {max_ms} ms; only the owner pauses without an end";
        NotPaused { id: AgentId } = "REGISTRY_NOT_PAUSED", "agent {id} is not paused";
        Disarmed { id: AgentId } = "REGISTRY_DISARMED", "the owner of agent {id} pressed the panic button: rearm it first";
        NotTransferable { id: AgentId } = "REGISTRY_NOT_TRANSFERABLE", "agent {id} changes hands by offer_transfer and accept_transfer only, until its owner calls set_transferable";
        Guarded { id: AgentId } = "REGISTRY_GUARDED", "agent {id} has recoverers: take them away, or offer_transfer the agent, and wait";
        BadTokenId {} = "REGISTRY_BAD_TOKEN_ID", "a token's id is its agent's, in decimal without sign and leading zeros";
        NotRegistered { account: AccountId } = "REGISTRY_NOT_REGISTERED", "{account} has not prepaid storage for an agent here: storage_deposit first";
        BadRecoverers {} = "REGISTRY_BAD_RECOVERERS", "recovery has 1 to {RECOVERERS_MAX} accounts, each once and none the owner, a threshold among them, and a delay of {RECOVERY_MS_MIN} to {RECOVERY_MS_MAX} ms; or no accounts, threshold 0 and delay 0";
        NotRecoverer { caller: AccountId } = "REGISTRY_NOT_RECOVERER", "caller {caller} is no recoverer of the agent";
        NoRecovery {} = "REGISTRY_NO_RECOVERY", "there is no such proposal to recover the agent, or it was vetoed";
        BadMeasurements {} = "REGISTRY_BAD_MEASUREMENTS", "a policy accepts up to {MEASUREMENTS_MAX} measurements and lists 1 to {LISTED_MAX}, each once and ending after it starts, at least one accepted status, an age of 1 to {MAX_AGE_MS_MAX} ms, and keeps what was revoked";
        UnknownMeasurement {} = "REGISTRY_UNKNOWN_MEASUREMENT", "the policy has no such measurement";
        NoPolicy {} = "REGISTRY_NO_POLICY", "the owner has not said which measurements are accepted";
        NoChallenge {} = "REGISTRY_NO_CHALLENGE", "there is no nonce that can still be used: begin_attestation first";
        AttestationPending { until_ms: u64 } = "REGISTRY_ATTESTATION_PENDING", "a quote of the agent is being verified: its verdict comes, or its nonce ends at {until_ms} ms";
        NoVerdict {} = "REGISTRY_NO_VERDICT", "the verifier did not answer";
        ReportData {} = "REGISTRY_WRONG_REPORT_DATA", "the quote is not bound to this chain, contract, agent, nonce and keys";
        NotAccepted {} = "REGISTRY_NOT_ACCEPTED", "the policy accepts neither this measurement nor this platform, or not now";
        NoAttestation {} = "REGISTRY_NO_ATTESTATION", "the agent is not attested";
        EpochMoved {} = "REGISTRY_EPOCH_MOVED", "the agent changed hands or was revoked since";
        PayoutMoved {} = "REGISTRY_PAYOUT_MOVED", "another account is paid for the agent now";
        NotReporter { caller: AccountId } = "REGISTRY_NOT_REPORTER", "reports of {caller} don't count here";
        BadReport {} = "REGISTRY_BAD_REPORT", "an asset is `near` or the account of a token, of at most {ASSET_BYTES_MAX} bytes";
        NoReputation {} = "REGISTRY_NO_REPUTATION", "there is no such report";
        TooManyReporters {} = "REGISTRY_TOO_MANY_REPORTERS", "at most {REPORTERS_MAX} reporters";
    }
}
