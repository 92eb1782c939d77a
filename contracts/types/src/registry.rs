//! Agent identity.

pub mod args;
mod attestation;
mod error;
pub mod methods;
pub mod nft;
mod recovery;
mod reputation;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::admin::SharedFact;
use crate::{AccountId, AnyKey, Hash32};

pub use attestation::{
    ATTESTATION_PURPOSE, Attestation, AttestationAnswer, AttestationClaim, AttestationPolicy, AttestationRecord,
    CHALLENGE_MS, Challenge, Invalid, LISTED_MAX, MAX_AGE_MS_MAX, MEASUREMENTS_MAX, Measurement, attestation_state,
};
pub use error::RegistryError;
pub use recovery::{
    HAND_OVER_MARGIN_MS, RECOVERERS_MAX, RECOVERY_MS_MAX, RECOVERY_MS_MIN, ROUNDS_FROM, Recoverers, Recovery,
    RecoveryProposal,
};
pub use reputation::{ASSET_BYTES_MAX, REPORTERS_MAX, Reputation};

pub const STANDARD: &str = "charter_registry";
pub const VERSION: &str = "1.0.0";

/// Longest card address, bytes.
pub const CARD_URI_BYTES_MAX: usize = 128;
pub const OPERATORS_MAX: usize = 8;
pub const GUARDIANS_MAX: usize = 8;
pub const KEYS_MAX: usize = 16;
/// Longest pause a guardian can order; the owner may pause for ever.
pub const GUARDIAN_PAUSE_MS_MAX: u64 = 7 * 24 * 3_600_000;
/// Most agents in one `register_agents`.
pub const BATCH_MAX: usize = 20;
/// Most agents in one `rearm`: the event tells each in full.
pub const REARM_MAX: usize = 8;
/// How long an offer is good.
pub const OFFER_MS: u64 = 30 * 24 * 3_600_000;
/// How long a handle that was given back is nobody's but who gave it back.
pub const HANDLE_REST_MS: u64 = 30 * 24 * 3_600_000;
/// Shortest and longest handle, bytes.
pub const HANDLE_BYTES: std::ops::RangeInclusive<usize> = 3..=32;

pub type AgentId = u64;

/// What authority over an agent was when something was stored. Validity is comparison: if either number moved, the
/// thing is dead. Numbers come from one counter per registry and never come back.
#[wire]
#[derive(Copy, Default, BorshSerialize, BorshDeserialize)]
pub struct Epochs {
    pub agent: u64,
    pub owner: u64,
}

/// Whether the agent may act.
#[wire(tag = "state")]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Status {
    Active,
    /// `until_ms` is absent for a pause that only the owner ends.
    Paused {
        until_ms: Option<u64>,
        by: PausedBy,
    },
    /// It is over for good; nobody else ever gets its id.
    Retired,
}

impl Status {
    pub fn is_active(&self, now_ms: u64) -> bool {
        match self {
            Self::Active => true,
            Self::Paused { until_ms, .. } => until_ms.is_some_and(|until_ms| until_ms <= now_ms),
            Self::Retired => false,
        }
    }
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum PausedBy {
    Owner,
    Guardian,
}

/// A file that describes the agent (ERC-8004 registration or A2A card). The hash makes a swapped file show.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Card {
    pub uri: String,
    pub sha256: Hash32,
}

/// What an operator may do. Never money, roles or hand-over.
#[wire]
#[derive(Copy, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Permission {
    /// Change the card.
    Card,
    /// Name the agent's own account.
    AgentAccount,
    /// Add, rotate and remove keys.
    Keys,
    /// Begin and submit attestations.
    Attest,
}

impl Permission {
    /// In the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Card, Self::AgentAccount, Self::Keys, Self::Attest];
}

#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Operator {
    pub account: AccountId,
    pub permissions: Vec<Permission>,
    pub expires_ms: u64,
}

/// What a key is for.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Purpose {
    /// Signs what the agent says; `verify_proof` asks for one of these.
    Sign,
    /// X25519: others seal to it.
    Encrypt,
    /// Signs vouchers.
    Pay,
    /// Signs for a host of the agent's own.
    Host,
}

/// A key that speaks for the agent. It is no access key: nothing of NEAR can be done with it.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct AgentKey {
    pub key: AnyKey,
    pub purpose: Purpose,
    pub expires_ms: u64,
}

/// What a new key signs to show that its holder wants it registered. Signed under [`KEY_PROOF_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct KeyProof {
    pub agent: AgentId,
    /// The agent's epoch: a proof from before a hand-over is void.
    pub epoch: u64,
    pub key: AnyKey,
    pub purpose: Purpose,
    pub expires_ms: u64,
}

pub const KEY_PROOF_PURPOSE: &str = "charter/registry/key";

/// The same for an agent that is being registered. Signed under [`FIRST_KEY_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct FirstKeyProof {
    pub owner: AccountId,
    /// Of [`args::FirstKeys`]: one registration can use the proof.
    pub nonce: u64,
    pub key: AnyKey,
    pub purpose: Purpose,
    pub expires_ms: u64,
}

pub const FIRST_KEY_PURPOSE: &str = "charter/registry/first-key";

/// How old the nonce of first keys may be.
pub const FIRST_KEYS_MS: u64 = 600_000;

/// What a key of the agent signs to show that the agent said something. Signed under [`STATEMENT_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Statement<'a> {
    pub agent: AgentId,
    /// The agent's epoch: what was said under an earlier owner is void.
    pub epoch: u64,
    pub message: &'a [u8],
}

pub const STATEMENT_PURPOSE: &str = "charter/registry/statement";

/// Whether an agent said something, and why not.
#[wire]
#[derive(Copy)]
pub enum Proof {
    Valid,
    UnknownAgent,
    /// The owner pressed the panic button since.
    Disarmed,
    /// The agent has no such key for signing, or its time is over.
    UnknownKey,
    BadSignature,
}

/// An offer to take an agent over, good from `from_ms` on, for [`OFFER_MS`].
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Offer {
    pub to: AccountId,
    pub from_ms: u64,
}

/// An agent as views and events show it.
#[wire]
pub struct Agent {
    pub id: AgentId,
    pub owner: AccountId,
    pub status: Status,
    /// A short name, unique in this registry.
    pub handle: Option<String>,
    pub card: Card,
    /// Counts changes of the card; `set_card` names the one it replaces.
    pub card_revision: u64,
    /// The agent's own small account.
    pub agent_account: Option<AccountId>,
    /// Who is paid for the agent's work: the owner, until another account has accepted.
    pub payout: AccountId,
    /// The account asked to be paid.
    pub payout_offered_to: Option<AccountId>,
    pub operators: Vec<Operator>,
    pub guardians: Vec<AccountId>,
    pub keys: Vec<AgentKey>,
    pub epoch: u64,
    /// The owner's epoch when the agent was last armed; another one means that the owner pressed the panic button.
    pub owner_epoch: u64,
    /// Who may take the agent over.
    pub offer: Option<Offer>,
    /// Whether the owner lets `nft_transfer` move the agent.
    pub transferable: bool,
    pub created_ms: u64,
    /// Accounts with a role here that have done nothing with it and have not accepted it: the owner may have named
    /// anybody.
    #[wire(default)]
    pub unconfirmed: Vec<AccountId>,
}

/// One of a batch of registrations; what all have in common stands in [`Registered`].
#[wire]
pub struct RegisteredRow(pub AgentId, pub u64, pub Card, pub Option<AccountId>);

/// Agents registered at once: id, epoch, card and account of each.
#[wire]
pub struct Registered {
    pub owner: AccountId,
    pub owner_epoch: u64,
    pub created_ms: u64,
    pub agents: Vec<RegisteredRow>,
}

impl Registered {
    /// The agents as [`Fact::Agent`] would show each.
    pub fn agents(&self) -> impl Iterator<Item = Agent> {
        self.agents.iter().map(|RegisteredRow(id, epoch, card, account)| Agent {
            id: *id,
            owner: self.owner.clone(),
            status: Status::Active,
            handle: None,
            card: card.clone(),
            card_revision: 1,
            agent_account: account.clone(),
            payout: self.owner.clone(),
            payout_offered_to: None,
            operators: Vec::new(),
            guardians: Vec::new(),
            keys: Vec::new(),
            epoch: *epoch,
            owner_epoch: self.owner_epoch,
            offer: None,
            transferable: false,
            created_ms: self.created_ms,
            unconfirmed: account.iter().cloned().collect(),
        })
    }
}

/// An owner as views and events show it.
#[wire]
pub struct Owner {
    pub account: AccountId,
    pub epoch: u64,
    pub agents: u64,
}

/// The answer other contracts act on.
#[wire]
pub struct Authority {
    pub owner: AccountId,
    pub status: Status,
    /// False from the owner's panic until the agent is rearmed: nothing new may be stored for it.
    pub armed: bool,
    pub roles: Roles,
    pub epochs: Epochs,
}

/// What one account is to one agent, at the time of the answer.
#[wire]
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each role, and they combine")]
pub struct Roles {
    pub owner: bool,
    pub agent: bool,
    pub guardian: bool,
    /// What the account may do as operator.
    pub operator: Vec<Permission>,
    /// Whether the account has used a role, or accepted it. An account that acts on this answer has.
    #[wire(default)]
    pub confirmed: bool,
}

/// What a decision about an agent's credentials needs of the registry, in one answer.
#[wire]
pub struct Standing {
    pub owner: AccountId,
    pub status: Status,
    /// False from the owner's panic until the agent is rearmed.
    pub armed: bool,
    pub epochs: Epochs,
    pub keys: Vec<AgentKey>,
}

/// Payload of a registry event.
#[wire]
pub enum Fact {
    /// What all contracts tell of themselves.
    Shared(SharedFact),
    Agent(Box<Agent>),
    Agents(Registered),
    /// The agent is gone, and all that was kept about it but its reputation. Only events remember whose it was.
    AgentRetired(Retirement),
    /// A handle was given back: nobody else gets it for a while.
    HandleRests(RestingHandle),
    /// Somebody took it, or its time is over.
    HandleFree(String),
    Owner(Owner),
    Heartbeat(Heartbeat),
    Recovery(Recovery),
    RecoveryRemoved(AgentId),
    RecoveryProposal(RecoveryProposal),
    RecoveryProposalRemoved {
        agent: AgentId,
        proposer: AccountId,
    },
    Attestation(Box<AttestationRecord>),
    AttestationRemoved(AgentId),
    /// A quote that was not good enough. Only this line and the chain of events remember it.
    AttestationRejected {
        agent: AgentId,
        code: String,
    },
    Reputation(Reputation),
    ReputationRemoved(args::ReputationRef),
    /// The accounts whose reports of reputation count.
    Reporters(Vec<AccountId>),
    /// The contract that is asked about quotes.
    Verifier(AccountId),
}

/// A handle that was given back.
#[wire]
pub struct RestingHandle {
    pub handle: String,
    pub until_ms: u64,
}

/// The end of an agent.
#[wire]
pub struct Retirement {
    pub agent: AgentId,
    /// Its owner, who retired it.
    pub owner: AccountId,
    pub at_ms: u64,
}

/// When an agent's account said last that it is alive.
#[wire]
#[derive(Copy)]
pub struct Heartbeat {
    pub agent: AgentId,
    /// 0: not since the agent changed hands.
    pub last_seen_ms: u64,
}
