//! A release and an upgrade: proposed, voted, delayed, carried out, adopted.

use std::time::Duration;

use anyhow::{Context, ensure};
use charter_client::{At, sha256};
use charter_types::asset::Asset;
use charter_types::governance;
use charter_types::governance::args::{
    AgentRef, CreateLine, DelegateStake, Enroll, ExecuteUpgrade, LineRef, LockStake, ProposalRef, ProposeRelease,
    ProposeUpgrade, Vote,
};
use charter_types::governance::{
    Artifact, ArtifactKind, Choice, Member, PERIODS, Params, Policy, Proposal, ReleaseContent, ReleaseFor, StakeRules,
};
use charter_types::registry::AgentId;
use charter_types::{Hash32, Nothing, U128, shared};
use charter_wasm::Contract;

use super::canary;
use super::world::World;
use crate::deploy::{account_of, code_hash};

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;
/// A vote, and twice its timelock, take three hours.
const UNLOCK_MS: u64 = 4 * 3_600_000;

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    release(world).await?;
    adopt(world).await?;
    canary::play(world).await?;
    let proposal = approved_upgrade(world, Contract::Escrow).await?;
    execute(world, proposal, Contract::Escrow.code()).await?;
    world.progress.step("vote", "the escrow contract upgraded by vote, its bytes checked");
    world.state.note(|facts| facts.upgrades += 1)
}

async fn release(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let people = [world.person("alice")?, world.person("bob")?, world.person("carol")?];
    let council = people.iter().map(|person| Member { account: person.id.clone(), weight: 1 }).collect();
    let params = Params {
        vote_ms: 3_600_000,
        timelock_ms: 3_600_000,
        quorum_bps: 5_000,
        threshold_bps: 6_000,
        extension_ms: 0,
        ..Params::default()
    };
    let stake = StakeRules { asset: Asset::Near, unlock_ms: UNLOCK_MS, floor: U128(NEAR) };
    let done = contracts
        .governance()
        .call(
            &people[0],
            governance::methods::create_line,
            &CreateLine { name: "scout".to_owned(), council, params, guardian: None, stake: Some(stake) },
        )
        .await?;
    let line = world.take(done);
    locked(world, line).await?;
    let proposal = voted(world, &ProposeRelease { line, seq: 0, content: content("1.0.0") }).await?;
    let stake = read(world, proposal).await?.stake.context("the council decides, not what is locked")?;
    // Carol votes herself, with what she had delegated.
    ensure!((stake.yes.0, stake.no.0) == (5 * NEAR, 2 * NEAR), "votes are not what is locked: {stake:?}");
    world.progress.step("vote", "5 NEAR that are locked for release 1.0.0, 2 against it, an hour of timelock");
    pass_time_and_queue(world, proposal).await?;
    let outcome = contracts
        .governance()
        .call(&people[2], governance::methods::publish, &governance::args::ProposalRef { proposal })
        .await?
        .outcome;
    world.pay(&outcome);
    world.state.note(|facts| {
        facts.line = line;
        facts.release_proposal = proposal;
    })
}

/// Alice, bob and carol lock what they vote with; carol delegates a part to bob. It counts from the next period on.
async fn locked(world: &mut World, line: u64) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let governance = contracts.governance();
    let people = [world.person("alice")?, world.person("bob")?, world.person("carol")?];
    for (person, near) in people.iter().zip([3, 2, 2]) {
        let amount = near * NEAR;
        let args = LockStake { line, amount: U128(amount) };
        let done = governance.call_with_bond(person, governance::methods::lock, &args, amount).await?;
        world.take(done);
    }
    let done = governance.call(&people[1], governance::methods::stand, &LineRef { line }).await?;
    world.take(done);
    let part = DelegateStake { line, to: people[1].id.clone(), amount: U128(NEAR) };
    let done = governance.call(&people[2], governance::methods::delegate, &part).await?;
    world.take(done);
    world.wait(Duration::from_millis(UNLOCK_MS / PERIODS + 1_000)).await
}

/// What a release of the line consists of. All ask for the same.
pub fn content(semver: &str) -> ReleaseContent {
    let digest = Hash32(sha256(format!("scout {semver}").as_bytes()));
    ReleaseContent {
        semver: semver.to_owned(),
        artifacts: vec![Artifact { kind: ArtifactKind::OciImage, digest, bytes: 52_428_800 }],
        source_commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        permissions: Hash32(sha256(b"permissions of scout 1.0.0")),
        reversible: true,
    }
}

/// A release that bob proposes, alice and he vote for, and carol does not, by what they have locked.
pub async fn voted(world: &mut World, release: &ProposeRelease) -> anyhow::Result<u64> {
    let contracts = world.contracts.clone();
    let people = [world.person("alice")?, world.person("bob")?, world.person("carol")?];
    let done = contracts.governance().call(&people[1], governance::methods::propose_release, release).await?;
    let proposal = world.take(done);
    let content_hash = read(world, proposal).await?.content_hash;
    let choices = [Choice::Yes, Choice::Yes, Choice::No];
    for (person, choice) in people.iter().zip(choices) {
        let vote = Vote { proposal, content_hash, choice };
        let outcome = contracts.governance().call(person, governance::methods::vote, &vote).await?.outcome;
        world.pay(&outcome);
    }
    world.state.note(|facts| facts.votes += 3)?;
    Ok(proposal)
}

/// Enrolls the agent on the line, and asks as a host does which release it may run.
async fn adopt(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let (agent, line) = (world.state.facts().agents[0], world.state.facts().line);
    let alice = world.person("alice")?;
    let accepted = Some(Hash32(sha256(b"permissions of scout 1.0.0")));
    let enroll = Enroll { agent, line, policy: Policy::default(), accepted };
    let outcome = contracts.governance().call(&alice, governance::methods::enroll, &enroll).await?.outcome;
    world.pay(&outcome);
    let answer = told(world, agent).await?;
    let release = answer.release.filter(|_| answer.seq == 1);
    let release = release.with_context(|| format!("the line has no head: {answer:?}"))?;
    world.progress.step("vote", &format!("agent {agent} may run release {release}, head {}", answer.seq));
    world.state.note(|facts| facts.release = release)
}

/// What an agent may run, as its host asks.
pub async fn told(world: &World, agent: AgentId) -> anyhow::Result<ReleaseFor> {
    let question = AgentRef { agent };
    let contract = &world.contracts.governance;
    Ok(world.rpc.view(contract, governance::methods::release_for, &question, At::Final).await?)
}

pub async fn read(world: &World, proposal: u64) -> anyhow::Result<Proposal> {
    let view: Option<Proposal> = world
        .rpc
        .view(&world.contracts.governance, governance::methods::proposal, &ProposalRef { proposal }, At::Final)
        .await?;
    view.with_context(|| format!("there is no proposal {proposal}"))
}

/// Waits for the end of a vote, has it counted, and waits for its timelock, however long owners made it.
pub async fn pass_time_and_queue(world: &mut World, proposal: u64) -> anyhow::Result<()> {
    let Proposal { params, end_ms, eta_ms, .. } = read(world, proposal).await?;
    world.wait(Duration::from_millis(params.vote_ms + 1_000)).await?;
    let contracts = world.contracts.clone();
    let anyone = world.person("shop")?;
    let outcome = contracts
        .governance()
        .call(&anyone, governance::methods::queue, &governance::args::ProposalRef { proposal })
        .await?
        .outcome;
    world.pay(&outcome);
    world.wait(Duration::from_millis(eta_ms.saturating_sub(end_ms) + 1_000)).await
}

/// An upgrade that may be carried out: proposed and voted by the council of Charter's own line.
pub async fn approved_upgrade(world: &mut World, contract: Contract) -> anyhow::Result<u64> {
    let contracts = world.contracts.clone();
    let root = world.root();
    let account = account_of(contract, &contracts).clone();
    let replaces = world.rpc.view(&account, shared::methods::deployment, &Nothing {}, At::Final).await?;
    let args = ProposeUpgrade { contract: account, code_hash: code_hash(contract), replaces };
    let done = contracts.governance().call(&root, governance::methods::propose_upgrade, &args).await?;
    let proposal = world.take(done);
    let content_hash = read(world, proposal).await?.content_hash;
    let outcome = contracts
        .governance()
        .call(&root, governance::methods::vote, &Vote { proposal, content_hash, choice: Choice::Yes })
        .await?
        .outcome;
    world.pay(&outcome);
    world.state.note(|facts| facts.votes += 1)?;
    pass_time_and_queue(world, proposal).await?;
    Ok(proposal)
}

pub async fn execute(world: &mut World, proposal: u64, code: &[u8]) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let args = ExecuteUpgrade { proposal, code: code.to_vec() };
    let anyone = world.person("shop")?;
    let done = contracts.governance().call(&anyone, governance::methods::execute_upgrade, &args).await?;
    world.pay(&done.outcome);
    Ok(())
}
