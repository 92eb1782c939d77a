//! A release that an owner objects to and that makes agents ill: it takes twice the time, and is taken back, by nobody in
//! particular.

use std::time::Duration;

use anyhow::ensure;
use charter_client::At;
use charter_types::governance::args::{LineRef, Object, ProposalRef, ProposeRelease, ReportHealth};
use charter_types::governance::{RolloutState, methods};

use super::vote::{content, pass_time_and_queue, read, told, voted};
use super::world::World;

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let governance = contracts.governance();
    let (alice, scout, anyone) = (world.person("alice")?, world.person("scout")?, world.person("shop")?);
    let (agent, line, good) = (world.state.facts().agents[0], world.state.facts().line, world.state.facts().release);
    let content = content("1.0.1");
    let digest = content.artifacts[0].digest;
    let proposal = voted(world, &ProposeRelease { line, seq: 1, content }).await?;
    let before = read(world, proposal).await?;
    let done = governance.call(&alice, methods::object, &Object { proposal, agent }).await?;
    world.take(done);
    let doubled = read(world, proposal).await?;
    ensure!(
        doubled.eta_ms - before.eta_ms == before.params.timelock_ms,
        "an owner objects and the timelock is as it was: {doubled:?}"
    );
    world.progress.step("vote", "an owner objects to release 1.0.1, so its timelock takes two hours");
    pass_time_and_queue(world, proposal).await?;
    let done = governance.call(&anyone, methods::publish, &ProposalRef { proposal }).await?;
    world.take(done);
    let bad = told(world, agent).await?.release.filter(|release| *release != good);
    let Some(release) = bad else { anyhow::bail!("agent {agent} is not told to run 1.0.1") };
    let report = ReportHealth { agent, release, digest, ok: false };
    let done = governance.prepay_and_call(&scout, methods::report_health, &report).await?;
    world.take(done);
    let reference = LineRef { line };
    let rollout = world.rpc.view(&contracts.governance, methods::rollout, &reference, At::Final).await?;
    let last_ms = rollout.map_or(0, |rollout| rollout.last_ms);
    world.wait(Duration::from_millis(last_ms + 1_000)).await?;
    let done = governance.call(&anyone, methods::advance, &reference).await?;
    ensure!(world.take(done) == RolloutState::RolledBack, "release 1.0.1 is not taken back");
    let now = told(world, agent).await?;
    ensure!(now.release == Some(good), "agent {agent} is not told to go back: {now:?}");
    world
        .progress
        .step("vote", &format!("agent {agent} was not well with it: all are back at 1.0.0, head {}", now.seq));
    world.state.note(|facts| facts.taken_back += 1)
}
