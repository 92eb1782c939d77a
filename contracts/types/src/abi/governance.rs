//! The methods of governance.

use near_abi::{AbiFunctionKind, AbiFunctionModifier};

use super::{Table, parameter};
use crate::governance::args::{
    AgentRef, CreateLine, Enroll, LineRef, ProposalRef, ProposeRelease, ProposeUpgrade, Setup, Vote,
};
use crate::governance::{Ballot, Enrolment, Line, LineId, Proposal, ProposalId, ProposalState, Release, ReleaseFor};
use crate::{AccountId, Nothing, Page};

pub fn table() -> Table {
    let mut table = Table::shared();
    table.init::<Setup>("new");
    table.pay::<CreateLine, LineId>("create_line");
    table.pay::<ProposeRelease, ProposalId>("propose_release");
    table.pay::<ProposeUpgrade, ProposalId>("propose_upgrade");
    table.pay::<Vote, ()>("vote");
    table.pay::<ProposalRef, ProposalState>("queue");
    table.pay::<ProposalRef, ()>("cancel");
    table.pay::<ProposalRef, ()>("publish");
    table.pay::<Enroll, ()>("enroll");
    table.pay::<AgentRef, ()>("leave");
    // `ExecuteUpgrade`, field by field.
    let args = vec![parameter::<ProposalId>("proposal"), parameter::<Vec<u8>>("code")];
    let done = table.answer::<bool>();
    let upgrade = table.borsh("execute_upgrade", AbiFunctionKind::Call, args);
    upgrade.modifiers.push(AbiFunctionModifier::Payable);
    upgrade.result = Some(done);
    table.view::<LineRef, Option<Line>>("line");
    table.view::<Page, Vec<Line>>("lines");
    table.view::<ProposalRef, Option<Proposal>>("proposal");
    table.view::<Page, Vec<Proposal>>("proposals");
    table.view::<ProposalRef, Vec<Ballot>>("ballots");
    table.view::<Page, Vec<Release>>("releases");
    table.view::<AgentRef, Option<Enrolment>>("enrolment");
    table.view::<AgentRef, ReleaseFor>("release_for");
    table.view::<Nothing, (u64, u64, u64)>("counts");
    table.view::<Nothing, AccountId>("registry");
    table.callbacks(&["on_authority", "on_upgraded"]);
    table
}
