//! `charter rollout …`: how far a release has got among the agents of its line.

use anyhow::Context;
use charter_client::At;
use charter_types::Hash32;
use charter_types::governance::args::{LineRef, ReportHealth};
use charter_types::governance::{LineId, ReleaseId, Rollout, RolloutState, methods};
use charter_types::registry::AgentId;
use serde_json::json;

use crate::key::words;
use crate::proposal;
use crate::session::{Group, Session};
use crate::units::time;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Shows how far the line's newest release has got, and what the next step waits for.
    Show { line: LineId },
    /// Takes the next step, if its time has come: to more agents, to the end, or back. Anybody may.
    Advance { line: LineId },
    /// Tells how an agent is with the release that it was told to run. The agent's own account signs.
    Report {
        /// The agent's id [default: the profile's].
        #[arg(long)]
        agent: Option<AgentId>,
        #[arg(long)]
        release: ReleaseId,
        /// sha256 of the artifact that it runs.
        #[arg(long)]
        digest: Hash32,
        /// It is not well.
        #[arg(long)]
        failed: bool,
    },
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    let governance = session.contracts.governance();
    match arguments.command {
        Command::Show { line } => show(&session, line).await,
        Command::Advance { line } => {
            governance.call(&session.me, methods::advance, &LineRef { line }).await?;
            show(&session, line).await
        }
        Command::Report { agent, release, digest, failed } => {
            let agent = session.agent(agent)?;
            let args = ReportHealth { agent, release, digest, ok: !failed };
            governance.prepay_and_call(&session.me, methods::report_health, &args).await?;
            let how = if failed { "is not well" } else { "is well" };
            session.tell(&json!(args), &format!("agent {agent} {how} with release {release}"))
        }
    }
}

async fn show(session: &Session, id: LineId) -> anyhow::Result<()> {
    let line = proposal::line(session, id).await?;
    let governance = session.contracts.governance();
    let rollout = governance.view(session.rpc(), methods::rollout, &LineRef { line: id }, At::Final).await?;
    let rollout = rollout.with_context(|| format!("nothing was rolled out on line {id} yet"))?;
    let release = proposal::release(session, rollout.release).await?;
    let named = release.map_or_else(|| "none yet".to_owned(), |release| release.content.semver);
    let owners = |count: u64| if count == 1 { "1 owner".to_owned() } else { format!("{count} owners") };
    let mut sheet = vec![
        ("line", format!("{id}, {}, with agents of {}", line.name, owners(rollout.owners))),
        ("release", named),
        ("reaches", reaches(&rollout).to_owned()),
    ];
    if rollout.release != 0 {
        sheet.push(("reports", format!("{} well, {} not", rollout.ok, rollout.failed)));
    }
    let now_ms = session.now_ms().await?;
    if rollout.state == RolloutState::Running {
        sheet.push(("next step", next_step(&rollout, now_ms)));
    }
    if now_ms < line.paused_until_ms {
        let until = time(line.paused_until_ms);
        sheet.push(("paused", format!("until {until}: it goes to no more agents before, and back if it fails")));
    }
    session.tell(&rollout, words::sheet(&sheet).trim_end())
}

fn reaches(rollout: &Rollout) -> &'static str {
    match (rollout.state, rollout.stage().bps) {
        (RolloutState::Done, _) => "all agents",
        (RolloutState::Drawing, _) => "none yet: which it reaches first is being drawn",
        (RolloutState::RolledBack, _) => "none: it failed, and all go back to the one before",
        (RolloutState::Held, _) => {
            "no more agents than it has: it failed and there is no way back, or owners were silent"
        }
        (RolloutState::Running, 100) => "1 % of the agents",
        (RolloutState::Running, 1_000) => "10 % of the agents",
        (RolloutState::Running, 5_000) => "half of the agents",
        (RolloutState::Running, _) => "all agents, until it is done on trial",
    }
}

fn next_step(rollout: &Rollout, now_ms: u64) -> String {
    let missing = rollout.reports_min().saturating_sub(rollout.fresh);
    let reports = if missing == 1 { "1 more owner has".to_owned() } else { format!("{missing} more owners have") };
    match (now_ms < rollout.until_ms(), missing) {
        (true, 0) => format!("from {} on", time(rollout.until_ms())),
        (true, _) => format!("from {} on, once {reports} reported", time(rollout.until_ms())),
        (false, 0) => format!("now: `charter rollout advance {}`", rollout.line),
        (false, _) => format!("once {reports} reported"),
    }
}
