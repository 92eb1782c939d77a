//! Arguments of the contract's methods.

use serde::{Deserialize, Serialize};

use super::{AgentId, AttestationPolicy, Card, Operator, Purpose, Recoverers};
use crate::args::arguments;
use crate::{AccountId, AnyKey, Base64Bytes, Ed25519Key, Hash32, Signature64, U128, X25519Key, from_json};

arguments! {
    /// `new`.
    Setup {
        /// Admin until governance takes over.
        account: AccountId,
        /// The contract that is asked about quotes.
        verifier: AccountId,
    }

    RegisterAgent {
        card: Card,
        #[serde(default)]
        agent_account: Option<AccountId>,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        operators: Vec<Operator> = Vec::new(),
        #[serde(default, deserialize_with = "crate::json::or_default")]
        guardians: Vec<AccountId> = Vec::new(),
    }

    /// One of `register_agents`.
    PlainAgent {
        card: Card,
        #[serde(default)]
        agent_account: Option<AccountId>,
    }

    RegisterAgents { agents: Vec<PlainAgent> }

    /// Compare-and-set: `expected_revision` is the revision being replaced.
    SetCard { agent: AgentId, card: Card, expected_revision: u64 }

    /// 3 to 32 of `a-z`, `0-9` and inner `-`; none: the handle is given back.
    SetHandle {
        agent: AgentId,
        #[serde(default)]
        handle: Option<String>,
    }

    Handle { handle: String }

    SetAgentAccount { agent: AgentId, agent_account: Option<AccountId> }

    /// Adds an operator or replaces what one may do.
    SetOperator { agent: AgentId, operator: Operator }

    /// `authority`, `remove_operator`, `set_guardian`, `remove_guardian`, `offer_transfer`, `set_payout`,
    /// `propose_recovery` (with the new owner), `approve_recovery` and `execute_recovery` (with the proposer).
    AgentAccount { agent: AgentId, account: AccountId }

    SetTransferable { agent: AgentId, transferable: bool }

    AddKey {
        agent: AgentId,
        key: AnyKey,
        purpose: Purpose,
        expires_ms: u64,
        /// Signature over [`super::KeyProof`]: by the new key, or for an X25519 key by `endorsed_by`.
        proof: Signature64,
        /// A key of the agent for signing, which vouches for an X25519 key.
        #[serde(default)]
        endorsed_by: Option<Ed25519Key>,
    }

    /// Replaces `old`; the new key has its purpose.
    RotateKey {
        agent: AgentId,
        old: AnyKey,
        key: AnyKey,
        expires_ms: u64,
        proof: Signature64,
        #[serde(default)]
        endorsed_by: Option<Ed25519Key>,
    }

    RemoveKey { agent: AgentId, key: AnyKey }

    /// Did the agent say this? `signature` is over [`super::Statement`].
    VerifyProof { agent: AgentId, message: Base64Bytes, public_key: Ed25519Key, signature: Signature64 }

    /// Without `for_ms` the pause lasts until the owner ends it; only the owner may order that.
    Pause {
        agent: AgentId,
        #[serde(default)]
        for_ms: Option<u64>,
    }

    Rearm { agents: Vec<AgentId> }

    /// No accounts: no recovery.
    SetRecoverers { agent: AgentId, recoverers: Recoverers }

    /// No policy: the agent is not attested, and nothing is kept of it.
    SetAttestationPolicy {
        agent: AgentId,
        #[serde(default)]
        policy: Option<AttestationPolicy>,
    }

    RevokeMeasurement { agent: AgentId, sha256: Hash32 }

    SubmitAttestation {
        agent: AgentId,
        quote: Base64Bytes,
        /// `dcap_qvl::QuoteCollateralV3` in borsh.
        collateral: Base64Bytes,
        sign_key: Ed25519Key,
        encrypt_key: X25519Key,
    }

    /// By a listed reporter, about what it paid the agent in total.
    ReportReputation { agent: AgentId, asset: String, earned: U128, payments: u64 }

    ReputationRef { agent: AgentId, epoch: u64, reporter: AccountId, asset: String }

    SetReporters { reporters: Vec<AccountId> }
}

/// Methods that need nothing but the agent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AgentRef {
    pub agent: AgentId,
}

from_json!(AgentRef { agent });
