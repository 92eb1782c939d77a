//! Governance where stake decides: on line 3 the owner has locked some and delegated to the guardian, line 4's token is the friend.

use charter_types::U128;
use charter_types::asset::FtOnTransfer;
use charter_types::governance::Choice;
use charter_types::governance::args::{
    DelegateStake, ForgetBallots, LineRef, LockStake, StakeRef, StandAsAgent, VoteAsAgent, VoterRef,
};
use charter_types::governance::methods as governance;

use super::case::{Case, Who};
use super::governance::UNKNOWN_PROPOSAL;
use super::scene::Scene;

const NOT_HOLDER: &str = "GOVERNANCE_NOT_HOLDER";

pub fn cases(scene: &Scene) -> Vec<Case> {
    let stand = StandAsAgent { line: 3, agent: 1 };
    let by_agent =
        VoteAsAgent { agent: 1, proposal: scene.proposal, content_hash: scene.content_hash, choice: Choice::Yes };
    let part = DelegateStake { line: 3, to: scene.id(Who::Guardian), amount: U128(1) };
    let stake = StakeRef { line: 3, account: scene.id(Who::Owner) };
    let voter = VoterRef { proposal: scene.proposal, account: scene.id(Who::Owner) };
    let ballots = ForgetBallots { proposal: scene.proposal, accounts: vec![scene.id(Who::Owner)] };
    let tokens = FtOnTransfer { sender_id: scene.id(Who::Owner), amount: U128(1), msg: r#"{"line":4}"#.to_owned() };
    let of_pool = |case: Case| case.unknown("line", 999, "GOVERNANCE_NO_POOL");
    let of_proposal = |case: Case| case.unknown("proposal", 999, UNKNOWN_PROPOSAL);
    vec![
        of_proposal(Case::new(governance::vote_as_agent, &by_agent, "GOVERNANCE_NOT_BY_STAKE").by(Who::Agent)),
        of_pool(Case::new(governance::lock, &LockStake { line: 3, amount: U128(1) }, "")),
        Case::new(governance::ft_on_transfer, &tokens, "GOVERNANCE_WRONG_ASSET").by(Who::Friend),
        of_pool(Case::new(governance::unlock, &LockStake { line: 3, amount: U128(1) }, NOT_HOLDER)),
        of_pool(Case::new(governance::withdraw_stake, &LineRef { line: 3 }, NOT_HOLDER)),
        of_pool(Case::new(governance::delegate, &part, NOT_HOLDER)),
        of_pool(Case::new(governance::stand, &LineRef { line: 3 }, "")),
        of_pool(Case::new(governance::stand_as_agent, &stand, "GOVERNANCE_NOT_AGENT").by(Who::Agent)),
        Case::new(governance::stand_down, &LineRef { line: 3 }, "GOVERNANCE_NOT_DELEGATE").by(Who::Guardian).unknown(
            "line",
            999,
            "GOVERNANCE_NOT_DELEGATE",
        ),
        Case::new(governance::forget_ballots, &ballots, "GOVERNANCE_OPEN"),
        Case::new(governance::pool, &LineRef { line: 3 }, ""),
        Case::new(governance::stake, &stake, ""),
        Case::new(governance::delegate_of, &stake, ""),
        Case::new(governance::stake_ballot, &voter, ""),
        Case::new(governance::overridden, &voter, ""),
    ]
}
