#![doc = include_str!("../README.md")]

mod api;
mod books;
mod gas;
mod migrate;
mod model;
mod records;
mod storage;

use charter_common::{Core, LayoutVersion, Rows, charter_contract};
use charter_types::AccountId;
use charter_types::escrow::args::Setup;
use charter_types::escrow::{ChannelId, EdgeId, Fact};
use near_sdk::{PanicOnDefault, env, near};

use model::Totals;
use records::{
    StoredChannel, StoredCreator, StoredDraw, StoredEarnings, StoredEdge, StoredPurse, StoredRequest, StoredReserve,
    StoredToken,
};
use storage::{DrawKey, EarningsKey, Prefix, PurseKey, RequestKey, ReserveKey, TokenKey};

/// Who owes whom what, proven by which voucher.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Escrow {
    layout: LayoutVersion<65>,
    core: Core,
    registry: AccountId,
    /// Channels and edges ever opened; part of each id, so that no id comes back.
    open_counter: u64,
    /// Reserves ever opened; the number of each.
    reserve_counter: u64,
    channels: Rows<ChannelId, StoredChannel, { Prefix::CHANNELS }>,
    /// NEAR's.
    totals: Totals,
    tokens: Rows<TokenKey, StoredToken, { Prefix::TOKENS }>,
    purses: Rows<PurseKey, StoredPurse, { Prefix::PURSES }>,
    draws: Rows<DrawKey, StoredDraw, { Prefix::DRAWS }>,
    reserves: Rows<u64, StoredReserve, { Prefix::RESERVES }>,
    reserve_numbers: Rows<ReserveKey, u64, { Prefix::RESERVE_NUMBERS }>,
    /// By the number of their reserve.
    creators: Rows<(u64, AccountId), StoredCreator, { Prefix::CREATORS }>,
    earnings: Rows<EarningsKey, StoredEarnings, { Prefix::EARNINGS }>,
    edges: Rows<EdgeId, StoredEdge, { Prefix::EDGES }>,
    requests: Rows<RequestKey, StoredRequest, { Prefix::REQUESTS }>,
}

/// What of the state is not in rows.
struct Kept {
    core: Core,
    registry: AccountId,
    open_counter: u64,
    reserve_counter: u64,
    totals: Totals,
}

// Claims, withdrawals and closes can't be paused.
charter_contract!(Escrow, escrow, features: ["open"]);

#[charter_common::methods(escrow)]
#[near]
impl Escrow {
    #[init]
    pub fn new(Setup { account, registry }: Setup) -> charter_common::Answer<Self> {
        Ok(Self::of(Kept {
            core: Core::new(STANDARD, account),
            registry: registry.unwrap_or_else(registry_beside),
            open_counter: 0,
            reserve_counter: 0,
            totals: Totals::default(),
        }))
    }
}

/// The registry of the same deployment: contracts are named alike, below one account.
fn registry_beside() -> AccountId {
    let own = env::current_account_id();
    let root = own.as_str().split_once('.').map_or(own.as_str(), |(_, root)| root);
    ["registry.", root].concat().parse().unwrap_or(own)
}

impl Escrow {
    fn of(Kept { core, registry, open_counter, reserve_counter, totals }: Kept) -> Self {
        Self {
            layout: LayoutVersion,
            core,
            registry,
            open_counter,
            reserve_counter,
            channels: Rows::default(),
            totals,
            tokens: Rows::default(),
            purses: Rows::default(),
            draws: Rows::default(),
            reserves: Rows::default(),
            reserve_numbers: Rows::default(),
            creators: Rows::default(),
            earnings: Rows::default(),
            edges: Rows::default(),
            requests: Rows::default(),
        }
    }

    fn emit(&mut self, event: &str, fact: Fact) {
        self.emit_by(event, &env::predecessor_account_id(), fact);
    }

    /// For callbacks that act for who asked.
    fn emit_by(&mut self, event: &str, by: &AccountId, fact: Fact) {
        self.core.events.emit(STANDARD, event, by, fact);
    }
}
