//! The methods of governance.

use super::args::{
    AgentRef, Choose, CreateLine, DelegateStake, Enroll, ExecuteUpgrade, ForgetBallots, ForgetObjections,
    ForgetReports, HoldingRef, LineRef, LockStake, Object, ObjectionRef, PauseLine, ProposalRef, ProposeAmendment,
    ProposeRelease, ProposeUpgrade, ReleaseRef, ReportHealth, ReportRef, Setup, StakeRef, StandAsAgent, State,
    StatementRef, Vote, VoteAsAgent, VoterRef,
};
use super::{
    Ballot, Delegate, Enrolment, Holding, Line, LineId, Objection, Overridden, Pool, Proposal, ProposalId,
    ProposalState, Release, ReleaseFor, Report, Rollout, RolloutState, Stake, StakeBallot, Statement,
};
use crate::asset::FtOnTransfer;
use crate::{AccountId, Nothing, Page, U128};

crate::method::methods! { of Governance;
    /// Sets the contract up with the line for Charter's own contracts. The account it is deployed to pays for that line's
    /// storage out of its balance.
    init new(Setup);

    /// Creates a line of the caller and returns its id. Without a council the owner is the council.
    call create_line(CreateLine) -> LineId [Storage, Anyone, Flat];
    /// Proposes a release and opens the vote on it; returns the proposal's id.
    call propose_release(ProposeRelease) -> ProposalId [Storage, Council, Flat];
    /// Proposes code for one of Charter's own contracts; returns the proposal's id.
    call propose_upgrade(ProposeUpgrade) -> ProposalId [Storage, Council, Flat];
    /// Proposes another constitution for a line: council, parameters and guardian; returns the proposal's id.
    call propose_amendment(ProposeAmendment) -> ProposalId [Storage, Council, Flat];
    /// States what came of looking at a release: an audit, a build from source, a measurement, a test. What the same account
    /// stated before is replaced.
    call state(State) [Storage, Anyone, Flat];
    /// Takes the caller's statement back; its storage goes back to it.
    call retract(ReleaseRef) [OneYocto, Anyone, Flat];
    /// Votes, or changes a vote, until the end. `content_hash` repeats what is voted on. Where stake decides, the vote of who
    /// has delegated some counts for all of it, and is taken from the delegates'.
    call vote(Vote) [Storage, Council, Flat];
    /// Votes with what its owner has delegated to an agent, by the agent's account, which prepaid the ballot.
    call vote_as_agent(VoteAsAgent) [Nothing, Agent, Asks];
    /// Locks `amount` of the attached NEAR on a line. Where the line's stake is a token it is 0, and makes the row into which
    /// the token's `ft_transfer_call` with `{"line":…}` as `msg` locks.
    call lock(LockStake) [Storage, Anyone, Flat];
    /// Locks tokens that have come; called by the token's contract. What is not locked is its sender's again.
    call ft_on_transfer(FtOnTransfer) -> U128 [Nothing, Token, Flat];
    /// Unlocks what is not delegated; returns the time from which it can be withdrawn. Until the period ends it counts.
    call unlock(LockStake) -> u64 [OneYocto, Holder, Flat];
    /// Sends the holder what is unlocked and ready.
    call withdraw_stake(LineRef) -> U128 [OneYocto, Holder, Flat];
    /// Says how much of the caller's stake a delegate votes with, from the next period on.
    call delegate(DelegateStake) [Storage, Holder, Flat];
    /// Makes the caller a delegate of a line.
    call stand(LineRef) [Storage, Anyone, Flat];
    /// Makes an agent's account a delegate of its owner.
    call stand_as_agent(StandAsAgent) [Nothing, Agent, Asks];
    /// The caller is no delegate any more; what was delegated to it is its holders' from now on.
    call stand_down(LineRef) [Nothing, Delegate, Flat];
    /// Closes a vote that has ended: approved, the timelock runs; else it is rejected.
    call queue(ProposalRef) -> ProposalState [Nothing, Anyone, Flat];
    /// Cancels a proposal: who made it may until the first vote's end, the line's guardian until it is carried out, once.
    call cancel(ProposalRef) [Nothing, Proposer, Flat];
    /// Removes a proposal with its ballots, and its release if that was never published, a day after the last moment at which
    /// it could be carried out. Their storage goes back to who paid for it; events keep what was decided.
    call forget_proposal(ProposalRef) [Nothing, Anyone, Flat];
    /// An owner of an agent that was on the line before the proposal objects to it, until its timelock ends. Of those owners
    /// one in a hundred doubles the timelock; one in ten, and at least three, have it voted on again, by two thirds.
    call object(Object) [Prepaid, Owner, Asks];
    /// Removes votes by stake on a proposal that is gone, or could be; their storage goes back to who paid for it.
    call forget_ballots(ForgetBallots) [Nothing, Anyone, Batch];
    /// Removes objections that count no more; their storage goes back to who paid for it.
    call forget_objections(ForgetObjections) [Nothing, Anyone, Batch];
    /// The line's guardian, once: for up to 7 days nothing that was voted for is carried out, and no rollout moves on, though
    /// one that fails goes back.
    call pause_line(PauseLine) [Nothing, LineGuardian, Flat];
    /// Publishes an approved release: the line's head moves, `seq` grows, and the rollout begins with a draw in a receipt of
    /// its own. Refused if the head has moved since the proposal.
    call publish(ProposalRef) [Nothing, Anyone, Flat];
    /// Gives a line the constitution that was approved. Votes that run go on under theirs. The caller pays for the line's
    /// row from then on.
    call amend(ProposalRef) [Storage, Anyone, Flat];
    /// Sends approved code to the contract it is for, which deploys and migrates in one receipt. If the contract refuses,
    /// the proposal stays executable.
    call execute_upgrade borsh(ExecuteUpgrade) -> bool [Nothing, Anyone, Code];
    /// Puts an agent on a line, or moves it to another.
    call enroll(Enroll) [Prepaid, Owner, Asks];
    /// Takes an agent off its line: its owner may, and who put it there once it has another.
    call leave(AgentRef) [OneYocto, PayerOrOwner, Asks];
    /// Says which releases an agent moves to by itself, holds it at one, or accepts what one asks for.
    call choose(Choose) [Prepaid, Owner, Asks];
    /// Holds an agent at what it is told to run now, until its owner unpins it.
    call freeze(AgentRef) [Nothing, OwnerOrGuardian, Asks];
    /// An agent tells how it is with what it was told to run. Its first word on a release stores a row that it prepaid.
    call report_health(ReportHealth) [Nothing, Agent, Asks];
    /// Moves a rollout on as far as it may go now: to the next stage, to its end, or back.
    call advance(LineRef) -> RolloutState [Nothing, Anyone, Flat];
    /// Removes reports on a release that is rolled out no more; their storage goes back to who paid for it.
    call forget_reports(ForgetReports) [Nothing, Anyone, Batch];

    /// A line.
    view line(LineRef) -> Option<Line>;
    /// Lines, by id.
    view lines(Page) -> Vec<Line>;
    /// A proposal.
    view proposal(ProposalRef) -> Option<Proposal>;
    /// Proposals, by id.
    view proposals(Page) -> Vec<Proposal>;
    /// Ballots of a proposal, in the order of its council.
    view ballots(ProposalRef) -> Vec<Ballot>;
    /// All that is locked on a line.
    view pool(LineRef) -> Option<Pool>;
    /// What an account has locked on a line.
    view stake(StakeRef) -> Option<Stake>;
    /// What is delegated to an account on a line.
    view delegate_of(StakeRef) -> Option<Delegate>;
    /// An account's vote by stake.
    view stake_ballot(VoterRef) -> Option<StakeBallot>;
    /// What is taken from a delegate's vote by holders who voted themselves.
    view overridden(VoterRef) -> Option<Overridden>;
    /// What an account states of a release.
    view statement(StatementRef) -> Option<Statement>;
    /// An owner's objection.
    view objection(ObjectionRef) -> Option<Objection>;
    /// Releases, by id.
    view releases(Page) -> Vec<Release>;
    /// Which line an agent is on, and what its owner wants of it there.
    view enrolment(AgentRef) -> Option<Enrolment>;
    /// How many agents of an owner are on a line.
    view holding(HoldingRef) -> Option<Holding>;
    /// How far a line's newest release has got.
    view rollout(LineRef) -> Option<Rollout>;
    /// Rollouts, by line.
    view rollouts(Page) -> Vec<Rollout>;
    /// What an owner's agents said of a release.
    view report(ReportRef) -> Option<Report>;
    /// What an agent may run, for a host that asks at boot and on each beat.
    view release_for(AgentRef) -> ReleaseFor;
    /// Highest ids given: lines, releases, proposals.
    view counts(Nothing) -> (u64, u64, u64);
    /// The registry whose word this contract takes.
    view registry(Nothing) -> AccountId;

    /// Draws which agents a rollout reaches first.
    callback on_draw;
    /// The registry's word on who the caller is.
    callback on_authority;
    /// After a transfer to a holder.
    callback on_withdrawn -> U128;
    /// After an upgrade: done, or to be tried again.
    callback on_upgraded -> bool;
}
