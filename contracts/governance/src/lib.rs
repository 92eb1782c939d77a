#![doc = include_str!("../README.md")]

mod api;
mod gas;
mod migrate;
mod model;
mod storage;

use charter_common::{Core, Rows, charter_contract};
use charter_types::AccountId;
use charter_types::governance::args::Setup;
use charter_types::governance::{Fact, Line, LineId, ProposalId, ReleaseId, STANDARD, VERSION};
use charter_types::registry::AgentId;
use near_sdk::{PanicOnDefault, env, near};

use storage::{Prefix, StoredBallot, StoredEnrolment, StoredLine, StoredProposal, StoredRelease};

/// Which release may run, and who decided.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Governance {
    core: Core,
    registry: AccountId,
    next_line: LineId,
    next_release: ReleaseId,
    next_proposal: ProposalId,
    lines: Rows<LineId, StoredLine>,
    releases: Rows<ReleaseId, StoredRelease>,
    proposals: Rows<ProposalId, StoredProposal>,
    ballots: Rows<(ProposalId, AccountId), StoredBallot>,
    enrolments: Rows<AgentId, StoredEnrolment>,
}

/// The line that upgrades Charter's own contracts.
pub(crate) const OWN_LINE: LineId = 1;

charter_contract!(Governance, governance, features: ["propose"]);

#[charter_common::methods(governance)]
#[near]
impl Governance {
    #[init]
    pub fn new(Setup { account, registry, council, params }: Setup) -> charter_common::Answer<Self> {
        model::check_council(&council)?;
        model::check_params(&params)?;
        let mut governance = Self {
            core: Core::new(account.clone()),
            registry,
            next_line: OWN_LINE + 1,
            next_release: 1,
            next_proposal: 1,
            lines: Rows::new(Prefix::LINES),
            releases: Rows::new(Prefix::RELEASES),
            proposals: Rows::new(Prefix::PROPOSALS),
            ballots: Rows::new(Prefix::BALLOTS),
            enrolments: Rows::new(Prefix::ENROLMENTS),
        };
        let own = env::current_account_id();
        let line =
            Line { id: OWN_LINE, name: "charter".to_owned(), owner: account.clone(), council, params, head: 0, seq: 0 };
        governance.core.storage.credit(&own, gas::OWN_LINE_STORAGE.as_yoctonear());
        let stored = StoredLine::V1(line.clone());
        governance.lines.insert(&OWN_LINE, &own, &stored, &mut governance.core.storage)?;
        governance.emit("line_created", &account, Fact::Line(line));
        Ok(governance)
    }
}

impl Governance {
    fn emit(&mut self, event: &str, by: &AccountId, fact: Fact) {
        self.core.events.emit((STANDARD, VERSION), event, by, fact);
    }

    fn now_ms() -> u64 {
        env::block_timestamp_ms()
    }
}
