//! A release that is voted on by everybody who locked something, each with a key of their own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::governance::args::{CreateLine, LockStake, ProposalRef, ProposeRelease, Vote};
use charter_types::governance::{Choice, LineId, PERIODS, Params, StakeRules, methods};

use super::accounts::Member;
use super::phases::Phases;
use super::sender::Sender;
use super::{Ground, each, share};
use crate::demo::vote;

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;
/// What each voter begins with, and locks. One alone has locked enough for stake to decide.
const FUNDS: u128 = 4 * NEAR;
const STAKE: u128 = 2 * NEAR;
/// Attached for storage; what it does not take comes back.
const STORAGE: u128 = NEAR / 10;
/// A vote, and twice its timelock, take three hours.
const UNLOCK_MS: u64 = 4 * 3_600_000;

pub async fn play(
    ground: &Arc<Ground>,
    phases: &mut Phases,
    mut members: Vec<Member>,
    voters: u64,
) -> anyhow::Result<()> {
    let governance = &ground.contracts.governance;
    let chief = members.first_mut().context("a crowd has somebody in it")?;
    let line = chief.sender.call(governance, methods::create_line, &line()).await?;
    let among = u64::try_from(members.len())?;
    let parts = (0..).map(|number| share(voters, number, among));
    let parts: Vec<(Member, u64)> = members.into_iter().zip(parts).collect();
    let gathered = each(parts, |(member, count)| gather(Arc::clone(ground), member, line, count));
    let mut groups = phases.play("stake", "voters", voters, gathered).await?;
    // What is locked counts from the next period on.
    let period = Duration::from_millis(UNLOCK_MS / PERIODS + 1_000);
    ground.localnet.cheats().advance_time(period).await?;

    let (chief, _) = groups.first_mut().context("a crowd has somebody in it")?;
    let release = ProposeRelease { line, seq: 0, content: vote::content("2.0.0") };
    let proposal = chief.sender.call(governance, methods::propose_release, &release).await?;
    let question = ProposalRef { proposal };
    let shown = ground.view(governance, methods::proposal, &question).await?.context("it was just made")?;
    let ballot = Vote { proposal, content_hash: shown.content_hash, choice: Choice::Yes };
    let groups: Vec<Vec<Sender>> = groups.into_iter().map(|(_, voters)| voters).collect();
    let voted = each(groups, |voters| cast(Arc::clone(ground), voters, ballot));
    phases.play("votes", "votes", voters, voted).await?;
    let shown = ground.view(governance, methods::proposal, &question).await?.context("it is voted on")?;
    let stake = shown.stake.context("the council decides, not what is locked")?;
    let all = STAKE * u128::from(voters);
    ensure!(stake.yes.0 + stake.no.0 == all, "{all} is locked and voted, and this is counted: {stake:?}");
    Ok(())
}

fn line() -> CreateLine {
    let params = Params { vote_ms: 3_600_000, timelock_ms: 3_600_000, extension_ms: 0, ..Params::default() };
    let stake = StakeRules { asset: Asset::Near, unlock_ms: UNLOCK_MS, floor: U128(NEAR) };
    CreateLine { name: "swarm".to_owned(), council: Vec::new(), params, guardian: None, stake: Some(stake) }
}

/// Voters below one member, each with an account, a key and a stake.
async fn gather(
    ground: Arc<Ground>,
    mut member: Member,
    line: LineId,
    count: u64,
) -> anyhow::Result<(Member, Vec<Sender>)> {
    let governance = &ground.contracts.governance;
    let mut voters = Vec::new();
    for number in 0..count {
        let mut voter = member.sender.create(&format!("voter{number}"), FUNDS).await?;
        let lock = LockStake { line, amount: U128(STAKE) };
        voter.pay(governance, methods::lock, &lock, STAKE + STORAGE).await?;
        voters.push(voter);
        ground.tally.add(1);
    }
    Ok((member, voters))
}

/// Every third is against it.
async fn cast(ground: Arc<Ground>, voters: Vec<Sender>, ballot: Vote) -> anyhow::Result<()> {
    for (number, mut voter) in voters.into_iter().enumerate() {
        let choice = if number % 3 == 2 { Choice::No } else { Choice::Yes };
        voter.call(&ground.contracts.governance, methods::vote, &Vote { choice, ..ballot }).await?;
        ground.tally.add(1);
    }
    Ok(())
}
