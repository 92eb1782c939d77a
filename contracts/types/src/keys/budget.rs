//! Budgets: how much a grant and all below it may use, counted on chain so that two hosts can't spend it twice.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{GrantId, HostId};
use crate::{Hash32, U128};

pub type LeaseId = u64;

/// How long a lease can be open.
pub const LEASE_MS_MAX: u64 = 24 * 3_600_000;

/// What is counted.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Unit {
    Uses,
    /// Smallest units of `near`, of a token contract, or of whatever the provider bills in.
    Asset(String),
}

/// A token bucket: `capacity` at once, `refill` more in every `period_ms`.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Allowance {
    pub unit: Unit,
    pub capacity: U128,
    #[wire(default)]
    pub refill: U128,
    /// 0: it never fills again.
    #[wire(default)]
    pub period_ms: u64,
}

/// A grant's budget as it stood at `updated_ms`.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Budget {
    pub grant: GrantId,
    pub allowance: Allowance,
    pub level: U128,
    pub updated_ms: u64,
    /// In open leases.
    pub reserved: U128,
    /// Ever spent, leases that nobody settled included.
    pub spent: U128,
}

/// A part of a budget, and of every budget above it, that one host set aside. What it does not settle counts as spent.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Lease {
    pub id: LeaseId,
    pub grant: GrantId,
    pub host: HostId,
    pub amount: U128,
    pub expires_ms: u64,
    /// The action it was approved for, if the grant asks for approval.
    pub digest: Option<Hash32>,
}
