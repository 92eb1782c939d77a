use super::{DEPTH_MAX, ENVELOPE_BYTES_MAX, GrantId, HostId, STALENESS_MS_MAX, SecretId, WRAP_BYTES_MAX, WRAPS_MAX};
use crate::AccountId;
use crate::error::failures;
use crate::registry::AgentId;

failures! {
    /// What the key-permission registry refuses.
    KeysError {
        UnknownSecret { id: SecretId } = "KEYS_UNKNOWN_SECRET", "there is no secret {id}";
        UnknownGrant { id: GrantId } = "KEYS_UNKNOWN_GRANT", "there is no grant {id}";
        UnknownHost { id: HostId } = "KEYS_UNKNOWN_HOST", "there is no host {id}";
        NotOwner { caller: AccountId } = "KEYS_NOT_OWNER", "caller {caller} does not own the agent";
        NotGrantee { caller: AccountId } = "KEYS_NOT_GRANTEE", "caller {caller} does not hold the grant it wants to delegate";
        NotRevoker { caller: AccountId } = "KEYS_NOT_REVOKER", "caller {caller} is neither owner nor guardian nor the grantor";
        NotOperator { caller: AccountId } = "KEYS_NOT_OPERATOR", "caller {caller} does not operate the host";
        NoAuthority { agent: AgentId } = "KEYS_NO_AUTHORITY", "the registry knows no agent {agent} or did not answer";
        Disarmed { agent: AgentId } = "KEYS_DISARMED", "the owner of agent {agent} pressed the panic button: rearm it first";
        EpochMoved { agent: AgentId } = "KEYS_EPOCH_MOVED", "agent {agent} changed hands or was revoked since";
        Dead { id: GrantId } = "KEYS_DEAD", "grant {id} is revoked, expired or outdated";
        WeakKey {} = "KEYS_WEAK_KEY", "the key is a point of small order: anybody could use it";
        HostProof {} = "KEYS_HOST_PROOF", "the proof is not sign_key's signature over operator and both keys";
        Staleness {} = "KEYS_STALENESS", "staleness is 1 to {STALENESS_MS_MAX} ms";
        BadPolicy { reason: String } = "KEYS_BAD_POLICY", "{reason}";
        NotWithin {} = "KEYS_NOT_WITHIN", "the policy allows something that the one above it does not";
        WrongPreimage {} = "KEYS_WRONG_PREIMAGE", "the policy given is not the one whose hash is kept";
        Expiry {} = "KEYS_EXPIRY", "a grant ends after now, after its start, and no later than the one above it";
        TooDeep {} = "KEYS_TOO_DEEP", "grants are delegated at most {DEPTH_MAX} deep";
        NoDelegation {} = "KEYS_NO_DELEGATION", "the grant must not be delegated";
        EnvelopeBytes {} = "KEYS_ENVELOPE_BYTES", "an envelope has 1 to {ENVELOPE_BYTES_MAX} bytes";
        WrapBytes {} = "KEYS_WRAP_BYTES", "a sealed data key has 1 to {WRAP_BYTES_MAX} bytes";
        TooManyWraps {} = "KEYS_TOO_MANY_WRAPS", "name 1 to {WRAPS_MAX} hosts, each once";
        LabelExists {} = "KEYS_LABEL_EXISTS", "the agent has a secret with this label already";
        AlreadyRevoked {} = "KEYS_ALREADY_REVOKED", "it is revoked already";
    }
}
