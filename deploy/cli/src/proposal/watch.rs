//! Follows a proposal to its end: a line for whatever changes, until nothing can become of it any more. It reads final
//! blocks, and sends nothing.

use std::time::Duration;

use anyhow::Context;
use charter_client::{At, ClientError};
use charter_types::asset::Asset;
use charter_types::governance::args::{LineRef, ProposalRef};
use charter_types::governance::{
    EXECUTION_MS, Line, LineId, Proposal, ProposalId, ProposalState, UpgradeFailure, methods,
};
use serde::Serialize;
use serde_json::json;

use super::Subject;
use super::count::tally;
use super::words::{due_ms, is_open, is_stale, objections, progress};
use crate::output::{Progress, sentence};
use crate::session::Session;
use crate::units::{left, time};

/// How often the node is asked.
const POLL: Duration = Duration::from_secs(1);
/// So many times in a row it may fail to answer.
const FAILURES_MAX: u32 = 60;

/// How far a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Voting,
    /// The vote has ended, and nobody has counted it.
    Ended,
    /// Approved; its timelock runs, or its line is paused.
    Timelock,
    /// Anybody may carry it out.
    Due,
    Executing,
    Executed,
    Rejected,
    Cancelled,
    /// The line, or the contract that the code is for, has moved on.
    Superseded,
    /// It was not carried out in time.
    Expired,
    /// Its rows were removed.
    Forgotten,
}

impl Stage {
    /// Whether nothing can become of it any more.
    fn is_last(self) -> bool {
        match self {
            Self::Voting | Self::Ended | Self::Timelock | Self::Due | Self::Executing => false,
            Self::Executed | Self::Rejected | Self::Cancelled | Self::Superseded | Self::Expired | Self::Forgotten => {
                true
            }
        }
    }
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    State,
    Votes,
    Objections,
    End,
    Timelock,
    Pause,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Votes => "votes",
            Self::Objections => "objection",
            Self::End => "end",
            Self::Timelock => "timelock",
            Self::Pause => "pause",
        }
    }
}

/// A proposal and its line, both as of one block.
struct Look {
    now_ms: u64,
    line: Line,
    /// `None`: its rows were removed.
    proposal: Option<Proposal>,
}

fn until_ms(proposal: &Proposal) -> u64 {
    proposal.eta_ms.saturating_add(EXECUTION_MS)
}

fn is_replaced(proposal: &Proposal) -> bool {
    proposal.failure == Some(UpgradeFailure::CodeReplaced)
}

impl Look {
    async fn read(session: &Session, proposal: ProposalId, line: LineId) -> anyhow::Result<Self> {
        let (rpc, governance) = (session.rpc(), session.contracts.governance());
        let header = rpc.block(At::Final).await?.header;
        let at = At::Hash(header.hash);
        let known = governance.view(rpc, methods::line, &LineRef { line }, at).await?;
        Ok(Self {
            now_ms: header.timestamp_nanosec / 1_000_000,
            line: known.with_context(|| format!("there is no line {line}"))?,
            proposal: governance.view(rpc, methods::proposal, &ProposalRef { proposal }, at).await?,
        })
    }

    fn stage(&self) -> Stage {
        let Some(proposal) = &self.proposal else { return Stage::Forgotten };
        match proposal.state {
            ProposalState::Executed => Stage::Executed,
            ProposalState::Rejected => Stage::Rejected,
            ProposalState::Cancelled => Stage::Cancelled,
            ProposalState::Executing => Stage::Executing,
            _ if is_stale(proposal, &self.line) || is_replaced(proposal) => Stage::Superseded,
            _ if self.now_ms > until_ms(proposal) => Stage::Expired,
            ProposalState::Voting if self.now_ms < proposal.end_ms => Stage::Voting,
            ProposalState::Voting => Stage::Ended,
            ProposalState::Queued if self.now_ms < due_ms(proposal, &self.line) => Stage::Timelock,
            ProposalState::Queued => Stage::Due,
        }
    }

    /// Until time alone ends the stage.
    fn left_ms(&self) -> Option<u64> {
        let proposal = self.proposal.as_ref()?;
        let end_ms = match self.stage() {
            Stage::Voting => proposal.end_ms,
            Stage::Timelock => due_ms(proposal, &self.line),
            Stage::Ended | Stage::Due => until_ms(proposal),
            _ => return None,
        };
        Some(end_ms.saturating_sub(self.now_ms))
    }

    /// The same for people, behind something else.
    fn left(&self) -> String {
        let what = match self.stage() {
            Stage::Voting => " to vote",
            Stage::Ended => " to count it and carry it out",
            _ => "",
        };
        self.left_ms().map_or_else(String::new, |ms| format!("; {} left{what}", left(ms)))
    }

    fn state(&self, asset: Option<&Asset>) -> String {
        let Some(proposal) = &self.proposal else { return "nothing is kept of it any more".to_owned() };
        match self.stage() {
            Stage::Rejected => format!("rejected: {}", tally(proposal, asset)),
            Stage::Superseded if is_replaced(proposal) => {
                "superseded: the contract runs other code by now, and it can't be carried out any more".to_owned()
            }
            Stage::Superseded => "superseded: the line has moved on, and it can't be carried out any more".to_owned(),
            Stage::Expired => "the 14 days are over in which it could have been carried out".to_owned(),
            Stage::Due if proposal.failure.is_some() => {
                format!("the attempt to carry it out failed; it can be tried again{}", self.left())
            }
            _ => format!("{}{}", progress(proposal, &self.line, asset, self.now_ms), self.left()),
        }
    }
}

/// What is to be said of a look, after the one before it.
fn changes(before: Option<&Look>, now: &Look, asset: Option<&Asset>) -> Vec<(What, String)> {
    let state = (What::State, now.state(asset));
    let (Some(before), Some(is)) = (before, &now.proposal) else { return vec![state] };
    // What is voted on again begins anew.
    let Some(was) = before.proposal.as_ref().filter(|was| was.round == is.round) else { return vec![state] };
    let mut found = Vec::new();
    if (was.yes, was.no, &was.stake) != (is.yes, is.no, &is.stake) {
        let left = if now.stage() == Stage::Voting { now.left() } else { String::new() };
        found.push((What::Votes, format!("{}{left}", tally(is, asset))));
    }
    if was.objections != is.objections {
        found.extend(objections(is).map(|text| (What::Objections, text)));
    }
    if is_open(is) {
        if was.end_ms != is.end_ms {
            found.push((What::End, format!("the vote goes on until {}", time(is.end_ms))));
        }
        let timelock_ms = |proposal: &Proposal| proposal.eta_ms.saturating_sub(proposal.end_ms);
        if timelock_ms(was) != timelock_ms(is) {
            found.push((What::Timelock, format!("can be carried out from {} on", time(due_ms(is, &now.line)))));
        }
        let paused_until_ms = now.line.paused_until_ms;
        if before.line.paused_until_ms != paused_until_ms {
            let until = time(paused_until_ms);
            found.push((What::Pause, format!("nothing is carried out on its line until {until}, says the guardian")));
        }
    }
    if before.stage() != now.stage() || was.failure != is.failure {
        found.push(state);
    }
    found
}

/// Whether asking once more may help.
fn may_pass(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ClientError>().is_some_and(ClientError::is_transient)
}

fn tell(session: &Session, now: &Look, what: What, text: &str) -> anyhow::Result<()> {
    Progress::new(session.json).step(what.name(), text);
    session.tell_json(&json!({
        "change": what, "state": now.stage(), "text": text, "now_ms": now.now_ms, "left_ms": now.left_ms(),
        "proposal": now.proposal,
    }))
}

/// Says how far a proposal is, and then whatever changes, until nothing can become of it any more.
pub async fn watch(session: &Session, subject: &Subject) -> anyhow::Result<()> {
    let Subject { proposal: Proposal { id, line, .. }, asset, .. } = subject;
    let (mut before, mut failures) = (None::<Look>, 0_u32);
    loop {
        match Look::read(session, *id, *line).await {
            Ok(now) => {
                failures = 0;
                // Several nodes may answer to one name, and not all of them are equally far.
                if before.as_ref().is_none_or(|before| before.now_ms < now.now_ms) {
                    for (what, text) in changes(before.as_ref(), &now, asset.as_ref()) {
                        tell(session, &now, what, &text)?;
                    }
                    if now.stage().is_last() {
                        return Ok(());
                    }
                    before = Some(now);
                }
            }
            Err(error) if may_pass(&error) && failures < FAILURES_MAX => {
                if failures == 0 {
                    Progress::new(session.json).step("node", &format!("{}: trying again", sentence(&error)));
                }
                failures = failures.saturating_add(1);
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use charter_types::governance::{Line, Proposal, ProposalKind, ProposalState, UpgradeFailure};

    use super::super::words::tests::{code, line};
    use super::{EXECUTION_MS, Look, Stage, What, changes};

    /// A release that three of five are for, where one is enough: the vote takes 10 minutes, and the timelock 10 more.
    fn release(state: ProposalState) -> Proposal {
        let (end_ms, eta_ms) = (600_000, 1_200_000);
        Proposal { kind: ProposalKind::Release(1), base: Some(0), end_ms, eta_ms, state, ..code(3) }
    }

    fn look(proposal: Proposal, now_ms: u64) -> Look {
        Look { now_ms, line: line(), proposal: Some(proposal) }
    }

    fn said(before: &Look, now: &Look) -> Vec<(What, String)> {
        changes(Some(before), now, None)
    }

    /// Leave the line out of it and a proposal that is superseded is watched for two weeks.
    #[test]
    fn time_and_the_line_move_a_proposal_too() {
        let stage = |state, now_ms| look(release(state), now_ms).stage();
        let (voting, queued) = (ProposalState::Voting, ProposalState::Queued);
        let until_ms = 1_200_000 + EXECUTION_MS;
        for (state, now_ms, expected) in [
            (voting, 599_999, Stage::Voting),
            (voting, 600_000, Stage::Ended),
            (voting, until_ms, Stage::Ended),
            (voting, until_ms + 1, Stage::Expired),
            (queued, 1_199_999, Stage::Timelock),
            (queued, 1_200_000, Stage::Due),
            (queued, until_ms, Stage::Due),
            (queued, until_ms + 1, Stage::Expired),
            (ProposalState::Executing, until_ms + 1, Stage::Executing),
            (ProposalState::Executed, 0, Stage::Executed),
            (ProposalState::Rejected, 0, Stage::Rejected),
            (ProposalState::Cancelled, 0, Stage::Cancelled),
        ] {
            assert_eq!(stage(state, now_ms), expected, "{state:?} at {now_ms}");
        }
        let moved = |state| Look { line: Line { seq: 1, ..line() }, ..look(release(state), 0) };
        for (state, expected) in
            [(voting, Stage::Superseded), (queued, Stage::Superseded), (ProposalState::Executed, Stage::Executed)]
        {
            assert_eq!(moved(state).stage(), expected, "{state:?}");
        }
        let paused = Look { line: Line { paused_until_ms: 1_300_000, ..line() }, ..look(release(queued), 1_250_000) };
        assert_eq!((paused.stage(), paused.left_ms()), (Stage::Timelock, Some(50_000)));
        let replaced = Proposal { failure: Some(UpgradeFailure::CodeReplaced), ..code(3) };
        assert_eq!(look(replaced, 25).stage(), Stage::Superseded);
        let gone = Look { proposal: None, ..paused };
        assert_eq!((gone.stage(), gone.left_ms()), (Stage::Forgotten, None));
    }

    #[test]
    fn only_what_can_still_change_is_followed() {
        for stage in [Stage::Voting, Stage::Ended, Stage::Timelock, Stage::Due, Stage::Executing] {
            assert!(!stage.is_last(), "{stage:?}");
        }
        for stage in [Stage::Executed, Stage::Rejected, Stage::Cancelled, Stage::Superseded, Stage::Expired] {
            assert!(stage.is_last(), "{stage:?}");
        }
        assert!(Stage::Forgotten.is_last());
    }

    #[test]
    fn a_change_is_said_once() {
        let voting = |now_ms| look(release(ProposalState::Voting), now_ms);
        let first = changes(None, &voting(1_000), None);
        let text = "voted on until 1970-01-01T00:10:00Z: 3 yes, 0 no, of 5; 1 yes are needed; 9m 59s left to vote";
        assert_eq!(first, [(What::State, text.to_owned())]);
        assert!(said(&voting(1_000), &voting(2_000)).is_empty());
        let later =
            look(Proposal { no: 1, end_ms: 660_000, eta_ms: 1_260_000, ..release(ProposalState::Voting) }, 60_000);
        assert_eq!(
            said(&voting(1_000), &later),
            [
                (What::Votes, "3 yes, 1 no, of 5; 1 yes are needed; 10m left to vote".to_owned()),
                (What::End, "the vote goes on until 1970-01-01T00:11:00Z".to_owned()),
            ]
        );
        let ended = "the vote has ended and nobody has counted it: 3 yes, 0 no, of 5; 1 yes are needed; 14d left \
                     to count it and carry it out";
        let over = Proposal { eta_ms: 600_000, ..release(ProposalState::Voting) };
        let until = look(over.clone(), 599_000);
        assert_eq!(said(&until, &look(over, 600_000)), [(What::State, ended.to_owned())]);
    }

    #[test]
    fn objections_and_a_pause_are_said_with_what_they_do() {
        let queued = release(ProposalState::Queued);
        let before = look(Proposal { owners: 9, ..queued.clone() }, 700_000);
        let doubled = Proposal { owners: 9, objections: 1, eta_ms: 1_800_000, ..queued.clone() };
        assert_eq!(
            said(&before, &look(doubled, 701_000)),
            [
                (What::Objections, "1 of 9 owners objects: the timelock takes twice as long".to_owned()),
                (What::Timelock, "can be carried out from 1970-01-01T00:30:00Z on".to_owned()),
            ]
        );
        let again = Proposal {
            owners: 9,
            objections: 3,
            round: 1,
            yes: 0,
            end_ms: 1_300_000,
            ..release(ProposalState::Voting)
        };
        let said_again = said(&before, &look(again, 702_000));
        let [(What::State, text)] = said_again.as_slice() else { panic!("{said_again:?}") };
        for shown in ["voted on until ", "0 yes, 0 no, of 5", "9m 58s left to vote", "voted on again"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        let paused = Look { line: Line { paused_until_ms: 1_300_000, ..line() }, ..look(queued.clone(), 700_000) };
        let text = "nothing is carried out on its line until 1970-01-01T00:21:40Z, says the guardian";
        assert_eq!(said(&look(queued, 699_000), &paused), [(What::Pause, text.to_owned())]);
    }

    #[test]
    fn an_end_says_why() {
        let queued = look(release(ProposalState::Queued), 1_200_000);
        let state = |now: &Look| {
            let said = said(&queued, now);
            let [(What::State, text)] = said.as_slice() else { panic!("{said:?}") };
            text.clone()
        };
        assert_eq!(state(&look(release(ProposalState::Executed), 1_200_001)), "carried out");
        assert_eq!(state(&look(release(ProposalState::Cancelled), 1_200_001)), "cancelled");
        let rejected = state(&look(release(ProposalState::Rejected), 1_200_001));
        assert_eq!(rejected, "rejected: 3 yes, 0 no, of 5; 1 yes are needed");
        let moved = Look { line: Line { seq: 1, ..line() }, ..look(release(ProposalState::Queued), 1_200_001) };
        assert!(state(&moved).starts_with("superseded: the line has moved on"));
        let late = look(release(ProposalState::Queued), 1_200_001 + EXECUTION_MS);
        assert!(state(&late).starts_with("the 14 days are over"));
        let gone = Look { proposal: None, ..look(release(ProposalState::Queued), 1_200_001) };
        assert_eq!(state(&gone), "nothing is kept of it any more");
        // The attempt was over between two looks.
        let failed = Proposal { failure: Some(UpgradeFailure::Failed), ..release(ProposalState::Queued) };
        assert!(state(&look(failed, 1_200_001)).starts_with("the attempt to carry it out failed"));
    }
}
