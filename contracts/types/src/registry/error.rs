use super::{AgentId, CARD_URI_BYTES_MAX, GUARDIANS_MAX, KEYS_MAX, OPERATORS_MAX, REARM_MAX};
use crate::AccountId;
use crate::error::failures;

failures! {
    /// What the registry refuses.
    RegistryError {
        UnknownAgent { id: AgentId } = "REGISTRY_UNKNOWN_AGENT", "there is no agent {id}";
        NotOwner { caller: AccountId } = "REGISTRY_NOT_OWNER", "caller {caller} is not the owner";
        NotPermitted { caller: AccountId } = "REGISTRY_NOT_PERMITTED", "caller {caller} is neither the owner nor an operator with this permission";
        NotGuardian { caller: AccountId } = "REGISTRY_NOT_GUARDIAN", "caller {caller} is neither the owner nor a guardian";
        NotOffered { caller: AccountId } = "REGISTRY_NOT_OFFERED", "the agent is not offered to {caller}";
        SameOwner {} = "REGISTRY_SAME_OWNER", "an agent can't be offered to its own owner";
        CardUri { bytes: usize } = "REGISTRY_CARD_URI", "a card's uri has 1 to {CARD_URI_BYTES_MAX} bytes, not {bytes}";
        CardRevision { expected: u64, found: u64 } = "REGISTRY_CARD_REVISION", "the card is at revision {found}, not {expected}";
        TooManyOperators {} = "REGISTRY_TOO_MANY_OPERATORS", "an agent has at most {OPERATORS_MAX} operators";
        TooManyGuardians {} = "REGISTRY_TOO_MANY_GUARDIANS", "an agent has at most {GUARDIANS_MAX} guardians";
        TooManyKeys {} = "REGISTRY_TOO_MANY_KEYS", "an agent has at most {KEYS_MAX} keys";
        TooManyAgents {} = "REGISTRY_TOO_MANY_AGENTS", "at most {REARM_MAX} agents at a time";
        UnknownOperator { account: AccountId } = "REGISTRY_UNKNOWN_OPERATOR", "{account} is no operator of the agent";
        UnknownGuardian { account: AccountId } = "REGISTRY_UNKNOWN_GUARDIAN", "{account} is no guardian of the agent";
        UnknownKey {} = "REGISTRY_UNKNOWN_KEY", "the agent has no such key";
        KeyExists {} = "REGISTRY_KEY_EXISTS", "the agent has this key already";
        WeakKey {} = "REGISTRY_WEAK_KEY", "the key is a point of small order: anybody could sign with it";
        KeyProof {} = "REGISTRY_KEY_PROOF", "the proof is not this key's signature over agent, epoch, key, purpose and expiry";
        Expired { expires_ms: u64, now_ms: u64 } = "REGISTRY_EXPIRED", "expiry {expires_ms} ms is not after now, {now_ms} ms";
        PauseLength { max_ms: u64 } = "REGISTRY_PAUSE_LENGTH", "a guardian pauses for 1 to {max_ms} ms; only the owner pauses without an end";
        NotPaused { id: AgentId } = "REGISTRY_NOT_PAUSED", "agent {id} is not paused";
        Disarmed { id: AgentId } = "REGISTRY_DISARMED", "the owner of agent {id} pressed the panic button: rearm it first";
        NotTransferable { id: AgentId } = "REGISTRY_NOT_TRANSFERABLE", "agent {id} changes hands by offer_transfer and accept_transfer only";
    }
}
