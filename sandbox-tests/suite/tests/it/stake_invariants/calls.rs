//! What a move comes to: who calls what, with which amounts.

use charter_harness::arguments::{DEPOSIT, content};
use charter_harness::{Call, call, raw};
use charter_types::governance::args::{
    DelegateStake, ForgetBallots, LineRef, LockStake, ProposalRef, ProposeAmendment, ProposeRelease, StandAsAgent,
    Vote, VoteAsAgent,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, ProposalState};
use charter_types::{AccountId, Hash32, U128};
use serde_json::json;

use super::model::{ANN, Act, EVE, EVERYBODY, End, LINES, PEOPLE, Person, Step, TOKEN};
use super::moves::{Move, Op, Size};
use super::{Seen, World, constitution};

/// Messages of transfers that name no line, or more than that.
const BROKEN: [&str; 4] = ["", "{}", r#"{"line":"3"}"#, r#"{"line":3,"to":"ann"}"#];

/// What is called, and with what attached.
pub(super) struct Sent {
    pub(super) to: AccountId,
    pub(super) call: Call,
    pub(super) deposit: u128,
}

fn amount(line: u64, size: Size, of: u128) -> u128 {
    let amount = match size {
        Size::Nothing => 0,
        Size::Part(tenths) => of / 10 * tenths + of % 10 * tenths / 10,
        Size::All => of,
        Size::More => of + 2,
    };
    if line == TOKEN { amount / 2 * 2 } else { amount }
}

fn content_hash(seen: &Seen, id: u64, of_another: bool) -> Hash32 {
    let known = seen.proposals.get(&id).map_or(Hash32::default(), |known| known.content_hash);
    if of_another { Hash32([9; 32]) } else { known }
}

pub(super) fn choice(yes: bool) -> Choice {
    if yes { Choice::Yes } else { Choice::No }
}

pub(super) fn state(of: super::State) -> ProposalState {
    match of {
        super::State::Voting => ProposalState::Voting,
        super::State::Rejected => ProposalState::Rejected,
        super::State::Approved => ProposalState::Queued,
    }
}

impl World {
    /// What somebody would call.
    fn step_by(&self, op: &Op, by: Person) -> Step {
        let (line, id) = (op.line, self.proposal(op));
        let available = if LINES.contains(&line) { self.model.available(line, by) } else { 2 };
        let act = match op.what {
            Move::Lock { yocto, short } => {
                let attached = if short && yocto > 0 { yocto - 1 } else { yocto + DEPOSIT };
                Act::Lock { line, amount: yocto, attached }
            }
            Move::Transfer { tokens, broken, other } => Act::Transfer { line, amount: tokens, broken, other },
            Move::Lie { victim, tokens, other } => Act::Lie { line, victim, amount: tokens, other },
            Move::Unlock(size) => Act::Unlock { line, amount: amount(line, size, available) },
            Move::Withdraw => Act::Withdraw { line },
            Move::Delegate { to, size } => {
                let of = available + self.model.part(line, by, to);
                Act::Delegate { line, to, amount: amount(line, size, of) }
            }
            Move::Stand => Act::Stand { line },
            Move::StandAsAgent => Act::StandAsAgent { line },
            Move::StandDown => Act::StandDown { line },
            Move::Propose { amendment } => Act::Propose { line, amendment },
            Move::Vote { yes, of_another } => Act::Vote { id, yes, of_another },
            Move::VoteAsAgent { yes, of_another } => Act::VoteAsAgent { id, yes, of_another },
            Move::Queue => Act::Queue { id },
            Move::Forget => Act::Forget { id },
            Move::ForgetBallots => Act::ForgetBallots { id },
            Move::Fail(_) | Move::Enroll | Move::Leave | Move::Sell { .. } | Move::Wait(_) => {
                unreachable!("{op:?} is no call that is judged")
            }
        };
        // A token that lies is asked for nothing.
        Step { by, paid: op.paid || op.rightly || matches!(act, Act::Lie { .. }), act }
    }

    /// That, or the same by somebody who may.
    pub(super) fn rightly(&self, op: &Op, now_ms: u64) -> Step {
        // One of the people never has anything.
        let gets = matches!(op.what, Move::Lock { .. } | Move::Transfer { .. });
        let all = if gets { EVE } else { PEOPLE };
        let first = if gets && op.by == EVE { ANN } else { op.by };
        let tries = if op.rightly { all } else { 0 };
        let mut steps = (0..tries).map(|more| self.step_by(op, (first + more) % all));
        let right = steps.find(|step| self.model.judge(step, now_ms) == End::Done);
        right.unwrap_or_else(|| self.step_by(op, first))
    }

    pub(super) fn sent(&self, Step { paid, act, .. }: &Step, seen: &Seen) -> Sent {
        if let Some(sent) = self.sent_to_token(act, *paid) {
            return sent;
        }
        let (call, right) = match *act {
            Act::Lock { line, amount, attached } => {
                (call(governance::lock, &LockStake { line, amount: U128(amount) }), attached)
            }
            Act::Unlock { line, amount } => (call(governance::unlock, &LockStake { line, amount: U128(amount) }), 1),
            Act::Withdraw { line } => (call(governance::withdraw_stake, &LineRef { line }), 1),
            Act::Delegate { line, to, amount } => {
                let args = DelegateStake { line, to: self.id(to), amount: U128(amount) };
                (call(governance::delegate, &args), DEPOSIT)
            }
            Act::Stand { line } => (call(governance::stand, &LineRef { line }), DEPOSIT),
            Act::StandAsAgent { line } => {
                (call(governance::stand_as_agent, &StandAsAgent { line, agent: self.agent }), 0)
            }
            Act::StandDown { line } => (call(governance::stand_down, &LineRef { line }), 0),
            _ => self.about_proposals(act, seen),
        };
        // What is wrong with a deposit is that there is one, or none.
        let deposit = if *paid { right } else { u128::from(right == 0) };
        Sent { to: self.contract().clone(), call, deposit }
    }

    fn sent_to_token(&self, act: &Act, paid: bool) -> Option<Sent> {
        let message = |line: u64| json!({ "line": line }).to_string();
        let (other, call, right) = match *act {
            Act::Transfer { line, amount, broken, other } => {
                let place = usize::try_from(amount / 2 % 4).unwrap();
                let msg = if broken { BROKEN[place].to_owned() } else { message(line) };
                let args = json!({ "receiver_id": self.contract(), "amount": U128(amount), "msg": msg });
                (other, raw("ft_transfer_call", args), 1)
            }
            Act::Lie { line, victim, amount, other } => {
                let args = json!({
                    "receiver": self.contract(),
                    "sender_id": self.id(victim),
                    "amount": U128(amount),
                    "msg": message(line),
                });
                (other, raw("lie", args), 0)
            }
            _ => return None,
        };
        let deposit = if paid { right } else { 1 - right };
        Some(Sent { to: self.tokens[usize::from(other)].clone(), call, deposit })
    }

    fn about_proposals(&self, act: &Act, seen: &Seen) -> (Call, u128) {
        match *act {
            Act::Propose { line, amendment: false } => {
                let args = ProposeRelease { line, seq: 0, content: content() };
                (call(governance::propose_release, &args), DEPOSIT)
            }
            Act::Propose { line, amendment: true } => {
                let constitution = constitution(&self.people, &self.tokens[0], line);
                let args = ProposeAmendment { line, version: 0, constitution };
                (call(governance::propose_amendment, &args), DEPOSIT)
            }
            Act::Vote { id, yes, of_another } => {
                let content_hash = content_hash(seen, id, of_another);
                let vote = Vote { proposal: id, content_hash, choice: choice(yes) };
                (call(governance::vote, &vote), DEPOSIT)
            }
            Act::VoteAsAgent { id, yes, of_another } => {
                let (content_hash, choice) = (content_hash(seen, id, of_another), choice(yes));
                let vote = VoteAsAgent { agent: self.agent, proposal: id, content_hash, choice };
                (call(governance::vote_as_agent, &vote), 0)
            }
            Act::Queue { id } => (call(governance::queue, &ProposalRef { proposal: id }), 0),
            Act::Forget { id } => (call(governance::forget_proposal, &ProposalRef { proposal: id }), 0),
            Act::ForgetBallots { id } => {
                let accounts = (0..EVERYBODY).map(|person| self.id(person)).collect();
                (call(governance::forget_ballots, &ForgetBallots { proposal: id, accounts }), 0)
            }
            _ => unreachable!("{act:?} is about no proposal"),
        }
    }
}
