#![doc = include_str!("../README.md")]

mod api;
mod gas;
mod migrate;
mod model;
mod records;
mod storage;

use charter_common::{Core, LayoutVersion, Rows, charter_contract};
use charter_types::Named;
use charter_types::escrow::{ChannelId, Fact};
use near_sdk::{PanicOnDefault, env, near};

use model::Totals;
use records::StoredChannel;
use storage::Prefix;

/// Who owes whom what, proven by which voucher.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Escrow {
    layout: LayoutVersion<1>,
    core: Core,
    /// Channels ever opened; part of each id, so that no id comes back.
    open_counter: u64,
    channels: Rows<ChannelId, StoredChannel, { Prefix::CHANNELS }>,
    totals: Totals,
}

// Claims, withdrawals and closes can't be paused.
charter_contract!(Escrow, escrow, features: ["open"]);

#[charter_common::methods(escrow)]
#[near]
impl Escrow {
    #[init]
    pub fn new(Named { account }: Named) -> charter_common::Answer<Self> {
        Ok(Self {
            layout: LayoutVersion,
            core: Core::new(STANDARD, account),
            open_counter: 0,
            channels: Rows::default(),
            totals: Totals::default(),
        })
    }
}

impl Escrow {
    fn emit(&mut self, event: &str, fact: Fact) {
        let by = env::predecessor_account_id();
        self.core.events.emit(STANDARD, event, &by, fact);
    }
}
