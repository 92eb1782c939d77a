#![doc = include_str!("../README.md")]

mod api;
mod gas;
mod migrate;
mod model;
mod storage;

use charter_common::{Core, Rows, charter_contract};
use charter_types::escrow::{ChannelId, Fact, STANDARD, Totals, VERSION};
use near_sdk::{PanicOnDefault, env, near};

use storage::{Prefix, StoredChannel};

/// Who owes whom what, proven by which voucher.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Escrow {
    core: Core,
    /// Channels ever opened; part of each id, so that no id comes back.
    open_counter: u64,
    channels: Rows<ChannelId, StoredChannel>,
    totals: Totals,
}

// Claims, withdrawals and closes can't be paused.
charter_contract!(Escrow, features: ["open"]);
charter_common::contract_abi!("escrow");

#[near]
impl Escrow {
    /// Sets the contract up; `account` is the admin until governance takes over.
    #[init]
    #[handle_result(aliased)]
    pub fn new() -> charter_common::Answer<Self> {
        let charter_types::Named { account } = charter_common::arguments()?;
        Ok(Self {
            core: Core::new(account),
            open_counter: 0,
            channels: Rows::new(Prefix::CHANNELS),
            totals: Totals::default(),
        })
    }
}

impl Escrow {
    fn emit(&mut self, event: &str, fact: Fact) {
        let by = env::predecessor_account_id();
        self.core.events.emit((STANDARD, VERSION), event, &by, fact);
    }
}
