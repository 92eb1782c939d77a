#![doc = include_str!("../README.md")]

mod api;
mod gas;
mod migrate;
mod model;
mod records;
mod storage;

use charter_common::{Core, LayoutVersion, Rows, charter_contract};
use charter_types::AccountId;
use charter_types::governance::args::Setup;
use charter_types::governance::{Constitution, Fact, LineId, ProposalId, ReleaseId};
use charter_types::registry::AgentId;
use near_sdk::{PanicOnDefault, env, near};

use records::{
    StoredBallot, StoredDelegate, StoredEnrolment, StoredHolding, StoredLine, StoredObjection, StoredOverridden,
    StoredPool, StoredProposal, StoredRelease, StoredReport, StoredRollout, StoredStake, StoredStakeBallot,
    StoredStatement,
};
use storage::Prefix;

/// Which release may run, and who decided.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Governance {
    layout: LayoutVersion<65>,
    core: Core,
    registry: AccountId,
    next_line: LineId,
    next_release: ReleaseId,
    next_proposal: ProposalId,
    /// NEAR that is locked, unlocking or ready, on all lines.
    staked: u128,
    lines: Rows<LineId, StoredLine, { Prefix::LINES }>,
    releases: Rows<ReleaseId, StoredRelease, { Prefix::RELEASES }>,
    proposals: Rows<ProposalId, StoredProposal, { Prefix::PROPOSALS }>,
    ballots: Rows<(ProposalId, AccountId), StoredBallot, { Prefix::BALLOTS }>,
    enrolments: Rows<AgentId, StoredEnrolment, { Prefix::ENROLMENTS }>,
    rollouts: Rows<LineId, StoredRollout, { Prefix::ROLLOUTS }>,
    reports: Rows<(ReleaseId, AccountId), StoredReport, { Prefix::REPORTS }>,
    holdings: Rows<(LineId, AccountId), StoredHolding, { Prefix::HOLDINGS }>,
    objections: Rows<(ProposalId, AccountId), StoredObjection, { Prefix::OBJECTIONS }>,
    statements: Rows<(ReleaseId, AccountId), StoredStatement, { Prefix::STATEMENTS }>,
    pools: Rows<LineId, StoredPool, { Prefix::POOLS }>,
    stakes: Rows<(LineId, AccountId), StoredStake, { Prefix::STAKES }>,
    delegates: Rows<(LineId, AccountId), StoredDelegate, { Prefix::DELEGATES }>,
    stake_ballots: Rows<(ProposalId, AccountId), StoredStakeBallot, { Prefix::STAKE_BALLOTS }>,
    overridden: Rows<(ProposalId, AccountId), StoredOverridden, { Prefix::OVERRIDDEN }>,
}

/// The line that upgrades Charter's own contracts.
pub(crate) const OWN_LINE: LineId = 1;

charter_contract!(Governance, governance, features: ["propose"]);

#[charter_common::methods(governance)]
#[near]
impl Governance {
    #[init]
    pub fn new(Setup { account, registry, council, params }: Setup) -> charter_common::Answer<Self> {
        let constitution = Constitution { council, params, guardian: None, stake: None };
        model::check_constitution(&constitution)?;
        let mut governance = Self {
            layout: LayoutVersion,
            core: Core::new(STANDARD, account.clone()),
            registry,
            next_line: OWN_LINE + 1,
            next_release: 1,
            next_proposal: 1,
            staked: 0,
            lines: Rows::default(),
            releases: Rows::default(),
            proposals: Rows::default(),
            ballots: Rows::default(),
            enrolments: Rows::default(),
            rollouts: Rows::default(),
            reports: Rows::default(),
            holdings: Rows::default(),
            objections: Rows::default(),
            statements: Rows::default(),
            pools: Rows::default(),
            stakes: Rows::default(),
            delegates: Rows::default(),
            stake_ballots: Rows::default(),
            overridden: Rows::default(),
        };
        let own = env::current_account_id();
        let line = model::new_line(OWN_LINE, "charter".to_owned(), account.clone(), constitution);
        governance.core.storage.credit(&own, gas::OWN_LINE_STORAGE.as_yoctonear());
        governance.lines.insert(&OWN_LINE, &own, &line, &mut governance.core.storage)?;
        let rollout = model::settled(&line);
        governance.rollouts.insert(&OWN_LINE, &own, &rollout, &mut governance.core.storage)?;
        governance.emit("line_created", &account, Fact::Line(line));
        governance.emit("rollout_opened", &account, Fact::Rollout(rollout));
        Ok(governance)
    }
}

impl Governance {
    fn emit(&mut self, event: &str, by: &AccountId, fact: Fact) {
        self.core.events.emit(STANDARD, event, by, fact);
    }

    fn now_ms() -> u64 {
        env::block_timestamp_ms()
    }
}
