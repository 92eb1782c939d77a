//! Arguments of methods that all contracts share.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::{AccountId, Hash32, U128};

/// `new` of contracts that ask the registry.
#[wire(strict)]
pub struct Setup {
    /// Admin until governance takes over.
    pub account: AccountId,
    pub registry: AccountId,
}

#[wire(strict)]
pub struct PauseFeature {
    pub feature: String,
    pub for_ms: u64,
}

#[wire(strict)]
pub struct Feature {
    pub feature: String,
}

/// Nobody: nobody but the admin can pause.
#[wire(strict)]
pub struct SetPauser {
    pub account: Option<AccountId>,
}

/// Code, and what was decided about it. In borsh.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct Upgrade {
    pub code: Vec<u8>,
    /// What the code has to hash to.
    pub approved: Hash32,
    /// The deployment that it replaces.
    pub replaces: Deployment,
}

/// Which code a contract runs. Numbers never come back, so a decision about one deployment says nothing of a later one with
/// the same code.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct Deployment {
    pub number: u64,
    pub sha256: Hash32,
}

/// What all contracts with state tell of themselves.
#[wire]
pub enum SharedFact {
    /// The contract was set up; this is its admin.
    Started(AccountId),
    /// Who is to take over from the admin.
    GovernanceProposed(AccountId),
    /// It has.
    Governance(AccountId),
    Pauser(Option<AccountId>),
    Pause(FeaturePause),
    Unpaused(String),
    /// New code runs.
    Deployed(Deployment),
    Storage(StorageMove),
}

#[wire]
pub struct FeaturePause {
    pub feature: String,
    pub until_ms: u64,
}

/// Money put into a storage account, or taken out.
#[wire]
pub struct StorageMove {
    pub account: AccountId,
    /// What is deposited now, yoctoNEAR; nothing: the account is closed.
    pub deposited: Option<U128>,
}
