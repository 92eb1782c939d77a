#![doc = include_str!("../README.md")]

mod api;
mod books;
mod gas;
mod migrate;
mod model;
mod pool;
mod records;
mod reserve;
mod storage;

use charter_common::{Core, LayoutVersion, Rows, charter_contract};
use charter_types::AccountId;
use charter_types::tasks::args::Setup;
use charter_types::tasks::{Fact, SetId};
use near_sdk::{PanicOnDefault, env, near};

use model::Totals;
use pool::Pool;
use records::{
    StoredAppeal, StoredBalance, StoredEarnings, StoredExclusions, StoredMark, StoredRecord, StoredReviewer, StoredSet,
    StoredTask, StoredToken,
};
use storage::{AccountKey, BalanceKey, EarningsKey, MarkKey, Prefix, TaskKey, TokenKey};

/// Who asks for work, who does it, and who judges it.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Tasks {
    layout: LayoutVersion<1>,
    core: Core,
    registry: AccountId,
    /// Sets ever posted; the number of each.
    set_counter: u64,
    /// NEAR's.
    totals: Totals,
    pool: Pool,
    /// Bytes that accounts are charged for rows to come.
    reserved_bytes: u64,
    sets: Rows<SetId, StoredSet, { Prefix::SETS }>,
    /// Piles of indexes that came back, by set and height.
    returned: Rows<(SetId, u64), u64, { Prefix::RETURNED }>,
    tasks: Rows<TaskKey, StoredTask, { Prefix::TASKS }>,
    appeals: Rows<TaskKey, StoredAppeal, { Prefix::APPEALS }>,
    balances: Rows<BalanceKey, StoredBalance, { Prefix::BALANCES }>,
    tokens: Rows<TokenKey, StoredToken, { Prefix::TOKENS }>,
    records: Rows<AccountKey, StoredRecord, { Prefix::RECORDS }>,
    reviewers: Rows<AccountKey, StoredReviewer, { Prefix::REVIEWERS }>,
    marks: Rows<MarkKey, StoredMark, { Prefix::MARKS }>,
    /// By requester.
    exclusions: Rows<AccountKey, StoredExclusions, { Prefix::EXCLUSIONS }>,
    earnings: Rows<EarningsKey, StoredEarnings, { Prefix::EARNINGS }>,
}

// What is taken goes on to its end, and everybody gets what is theirs: that can't be paused.
charter_contract!(Tasks, tasks, features: ["post", "take"]);

#[charter_common::methods(tasks)]
#[near]
impl Tasks {
    #[init]
    pub fn new(Setup { account, registry }: Setup) -> charter_common::Answer<Self> {
        Ok(Self {
            layout: LayoutVersion,
            core: Core::new(STANDARD, account),
            registry,
            set_counter: 0,
            totals: Totals::default(),
            pool: Pool::default(),
            reserved_bytes: 0,
            sets: Rows::default(),
            returned: Rows::default(),
            tasks: Rows::default(),
            appeals: Rows::default(),
            balances: Rows::default(),
            tokens: Rows::default(),
            records: Rows::default(),
            reviewers: Rows::default(),
            marks: Rows::default(),
            exclusions: Rows::default(),
            earnings: Rows::default(),
        })
    }
}

impl Tasks {
    fn emit(&mut self, event: &str, fact: Fact) {
        self.core.events.emit(STANDARD, event, &env::predecessor_account_id(), fact);
    }
}
