//! Arguments of the contract's methods.

use charter_derive::wire;

use super::{AgentId, AttestationPolicy, Card, Operator, Purpose, Recoverers};
use crate::{AccountId, AnyKey, Base64Bytes, Ed25519Key, Hash32, Signature64, U128, X25519Key};

/// `new`.
#[wire(strict)]
pub struct Setup {
    /// Admin until governance takes over.
    pub account: AccountId,
    /// The contract that is asked about quotes.
    pub verifier: AccountId,
}

#[wire(strict)]
pub struct RegisterAgent {
    pub card: Card,
    pub agent_account: Option<AccountId>,
    #[wire(default)]
    pub operators: Vec<Operator>,
    #[wire(default)]
    pub guardians: Vec<AccountId>,
    /// Left out if there are none: releases before 0003 don't know them.
    #[wire(default)]
    #[cfg_attr(not(near), serde(skip_serializing_if = "Option::is_none"))]
    pub keys: Option<FirstKeys>,
}

impl RegisterAgent {
    /// An agent with nothing but a card.
    pub fn new(card: Card) -> Self {
        Self { card, agent_account: None, operators: Vec::new(), guardians: Vec::new(), keys: None }
    }
}

/// Keys that an agent has from the start. Its id isn't known yet, so their proofs name its owner and a nonce.
#[wire(strict)]
pub struct FirstKeys {
    /// The time in milliseconds, at most [`super::FIRST_KEYS_MS`] ago, and above the nonce that the owner used before.
    pub nonce: u64,
    pub keys: Vec<FirstKey>,
}

#[wire(strict)]
pub struct FirstKey {
    pub key: AnyKey,
    pub purpose: Purpose,
    pub expires_ms: u64,
    /// Signature over [`super::FirstKeyProof`]: by the new key, or for an X25519 key by `endorsed_by`.
    pub proof: Signature64,
    /// A key for signing, earlier in the list, which vouches for an X25519 key.
    pub endorsed_by: Option<Ed25519Key>,
}

/// One of `register_agents`.
#[wire(strict)]
pub struct PlainAgent {
    pub card: Card,
    pub agent_account: Option<AccountId>,
}

#[wire(strict)]
pub struct RegisterAgents {
    pub agents: Vec<PlainAgent>,
}

/// Compare-and-set: `expected_revision` is the revision being replaced.
#[wire(strict)]
pub struct SetCard {
    pub agent: AgentId,
    pub card: Card,
    pub expected_revision: u64,
}

/// 3 to 32 of `a-z`, `0-9` and inner `-`; none: the handle is given back.
#[wire(strict)]
pub struct SetHandle {
    pub agent: AgentId,
    pub handle: Option<String>,
}

#[wire(strict)]
pub struct Handle {
    pub handle: String,
}

#[wire(strict)]
pub struct SetAgentAccount {
    pub agent: AgentId,
    pub agent_account: Option<AccountId>,
}

/// Adds an operator or replaces what one may do.
#[wire(strict)]
pub struct SetOperator {
    pub agent: AgentId,
    pub operator: Operator,
}

/// `authority`, `remove_operator`, `set_guardian`, `remove_guardian`, `offer_transfer`, `set_payout`,
/// `propose_recovery` (with the new owner) and `execute_recovery` (with the proposer).
#[wire(strict)]
pub struct AgentAccount {
    pub agent: AgentId,
    pub account: AccountId,
}

/// Takes an agent over as it was offered: with this card and this handle.
#[wire(strict)]
pub struct AcceptTransfer {
    pub agent: AgentId,
    pub expected_revision: u64,
    pub expected_handle: Option<String>,
}

/// Agrees to be paid for an agent, as long as it is this owner's.
#[wire(strict)]
pub struct AcceptPayout {
    pub agent: AgentId,
    pub owner: AccountId,
}

/// Agrees with a proposal as it was read: who proposed it, for whom, and in which round.
#[wire(strict)]
pub struct ApproveRecovery {
    pub agent: AgentId,
    pub proposer: AccountId,
    pub new_owner: AccountId,
    pub round: u64,
}

#[wire(strict)]
pub struct SetTransferable {
    pub agent: AgentId,
    pub transferable: bool,
}

#[wire(strict)]
pub struct AddKey {
    pub agent: AgentId,
    pub key: AnyKey,
    pub purpose: Purpose,
    pub expires_ms: u64,
    /// Signature over [`super::KeyProof`]: by the new key, or for an X25519 key by `endorsed_by`.
    pub proof: Signature64,
    /// A key of the agent for signing, which vouches for an X25519 key.
    pub endorsed_by: Option<Ed25519Key>,
}

/// Replaces `old`; the new key has its purpose.
#[wire(strict)]
pub struct RotateKey {
    pub agent: AgentId,
    pub old: AnyKey,
    pub key: AnyKey,
    pub expires_ms: u64,
    pub proof: Signature64,
    pub endorsed_by: Option<Ed25519Key>,
}

#[wire(strict)]
pub struct RemoveKey {
    pub agent: AgentId,
    pub key: AnyKey,
}

/// Did the agent say this? `signature` is over [`super::Statement`].
#[wire(strict)]
pub struct VerifyProof {
    pub agent: AgentId,
    pub message: Base64Bytes,
    pub public_key: Ed25519Key,
    pub signature: Signature64,
}

/// Without `for_ms` the pause lasts until the owner ends it; only the owner may order that.
#[wire(strict)]
pub struct Pause {
    pub agent: AgentId,
    pub for_ms: Option<u64>,
}

#[wire(strict)]
pub struct Rearm {
    pub agents: Vec<AgentId>,
}

/// No accounts: no recovery.
#[wire(strict)]
pub struct SetRecoverers {
    pub agent: AgentId,
    pub recoverers: Recoverers,
}

/// No policy: the agent is not attested, and nothing is kept of it.
#[wire(strict)]
pub struct SetAttestationPolicy {
    pub agent: AgentId,
    pub policy: Option<AttestationPolicy>,
}

#[wire(strict)]
pub struct RevokeMeasurement {
    pub agent: AgentId,
    pub sha256: Hash32,
}

#[wire(strict)]
pub struct SubmitAttestation {
    pub agent: AgentId,
    pub quote: Base64Bytes,
    /// `dcap_qvl::QuoteCollateralV3` in borsh.
    pub collateral: Base64Bytes,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
}

/// By a listed reporter, about what it paid for the agent in total.
#[wire(strict)]
pub struct ReportReputation {
    pub agent: AgentId,
    pub asset: String,
    pub earned: U128,
    pub payments: u64,
    /// The agent's epoch that the reporter saw: refused, if it is another by now. Left out it is not compared, as releases
    /// before 0007 did not.
    #[cfg_attr(not(near), serde(skip_serializing_if = "Option::is_none"))]
    pub epoch: Option<u64>,
    /// The account whose totals these are: refused, if another one is paid for the agent by now. Left out they are the
    /// agent's as a whole, as all were before 0007.
    #[cfg_attr(not(near), serde(skip_serializing_if = "Option::is_none"))]
    pub account: Option<AccountId>,
    /// Who gets what the row leaves of the deposit: whoever had the reporter report. Nobody: the reporter. Left out then:
    /// releases before 0007 know nobody else.
    #[cfg_attr(not(near), serde(skip_serializing_if = "Option::is_none"))]
    pub rest_to: Option<AccountId>,
}

#[wire(strict)]
pub struct ReputationRef {
    pub agent: AgentId,
    pub epoch: u64,
    pub reporter: AccountId,
    pub asset: String,
}

#[wire(strict)]
pub struct SetReporters {
    pub reporters: Vec<AccountId>,
}

/// Methods that need nothing but the agent.
#[wire(strict)]
#[derive(Copy)]
pub struct AgentRef {
    pub agent: AgentId,
}
