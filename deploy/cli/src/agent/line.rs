//! Agents on lines: who decides what they run, and how far their owners follow.

use charter_client::{At, sha256};
use charter_types::governance::args::{AgentRef, Choose, Enroll, LineRef};
use charter_types::governance::{Bump, LineId, Policy, Reason, ReleaseFor, ReleaseId, Rollout, Wanted, methods};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Hash32};
use serde_json::json;

use super::Which;
use crate::key::input::Consent;
use crate::key::words;
use crate::proposal;
use crate::session::Session;
use crate::units::{duration_ms, length};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Puts the agent on a line, whose council then decides what it may run; or moves it to another. It accepts what the
    /// line's release for it asks for, and later only what you accept. If the line takes a bond, it says so and asks.
    Enroll {
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        line: LineId,
        #[command(flatten)]
        follow: Follow,
        #[command(flatten)]
        consent: Consent,
    },
    /// Takes the agent off its line: nobody but its owner decides what it runs.
    Leave {
        #[command(flatten)]
        which: Which,
    },
    /// Says which releases of its line the agent moves to by itself.
    Policy {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        follow: Follow,
    },
    /// Says whose good word a release needs before the agent moves to it by itself: an audit, for one. Without accounts it
    /// needs nobody's.
    Auditors {
        #[command(flatten)]
        which: Which,
        /// Each of them has to have stated that the release is good; up to 4.
        #[arg(long, value_name = "ACCOUNT")]
        account: Vec<AccountId>,
    },
    /// Holds the agent at a release, whatever its line decides, or lets it go.
    #[command(group = clap::ArgGroup::new("where").required(true))]
    Pin {
        #[command(flatten)]
        which: Which,
        /// The release's id.
        #[arg(long, group = "where")]
        release: Option<ReleaseId>,
        /// It may run nothing.
        #[arg(long, group = "where")]
        nothing: bool,
        /// It follows its line again.
        #[arg(long, group = "where")]
        end: bool,
    },
    /// Holds the agent at what it may run now. Its guardians may, too.
    Freeze {
        #[command(flatten)]
        which: Which,
    },
    /// Accepts the permissions that a release asks for. With a manual policy the agent moves to it.
    AcceptRelease {
        #[command(flatten)]
        which: Which,
        /// The release's id.
        #[arg(long)]
        release: ReleaseId,
    },
    /// Shows what the agent may run, as its host asks.
    Runs {
        #[command(flatten)]
        which: Which,
    },
}

/// How far an agent follows its line.
#[derive(clap::Args)]
pub struct Follow {
    /// To none by itself: you accept each.
    #[arg(long, conflicts_with_all = ["up_to", "soak", "new_permissions"])]
    manual: bool,
    /// To releases that differ by no more than this from the one it runs.
    #[arg(long, value_name = "PART", value_parser = ["patch", "minor", "major"], default_value = "minor")]
    up_to: String,
    /// Only once they have been out for so long, as 2d.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    soak: Option<u64>,
    /// Also to those that ask for permissions that you have not accepted.
    #[arg(long)]
    new_permissions: bool,
}

impl Follow {
    fn policy(&self) -> Policy {
        if self.manual {
            return Policy::Manual;
        }
        let bump = match self.up_to.as_str() {
            "patch" => Bump::Patch,
            "major" => Bump::Major,
            _ => Bump::Minor,
        };
        Policy::Auto { bump, soak_ms: self.soak.unwrap_or_default(), new_permissions: self.new_permissions }
    }
}

fn follows(policy: Policy) -> String {
    let Policy::Auto { bump, soak_ms, new_permissions } = policy else {
        return "moves to no release that you have not accepted".to_owned();
    };
    let part = match bump {
        Bump::Patch => "patches",
        Bump::Minor => "patches and minor versions",
        Bump::Major => "all versions",
    };
    let after = if soak_ms == 0 { String::new() } else { format!(", {} after they came out", length(soak_ms)) };
    let unless = if new_permissions { "" } else { ", unless they ask for permissions that you have not accepted" };
    format!("moves to {part} by itself{after}{unless}")
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let (me, governance) = (&session.me, session.contracts.governance());
    match command {
        Command::Enroll { which, line, follow, consent } => {
            enroll(session, session.agent(which.agent)?, line, &follow, &consent).await
        }
        Command::Leave { which } => {
            let agent = session.agent(which.agent)?;
            governance.call(me, methods::leave, &AgentRef { agent }).await?;
            session.tell(&json!({ "agent": agent, "line": null }), &format!("agent {agent} is on no line"))
        }
        Command::Policy { which, follow } => {
            let policy = follow.policy();
            choose(session, &which, Wanted::Policy(policy), &follows(policy)).await
        }
        Command::Auditors { which, account } => {
            // One that does not exist never says anything.
            for account in &account {
                session.check_account(account).await?;
            }
            let text = waits_for(&account);
            choose(session, &which, Wanted::Auditors(account), &text).await
        }
        Command::Pin { which, release, end, .. } => {
            let (wanted, text) = match (end, release) {
                (true, _) => (Wanted::Unpin, "follows its line".to_owned()),
                (false, None) => (Wanted::Pin(0), "may run nothing until it is unpinned".to_owned()),
                (false, Some(id)) => (Wanted::Pin(id), format!("stays at release {id} until it is unpinned")),
            };
            choose(session, &which, wanted, &text).await
        }
        Command::Freeze { which } => {
            let agent = session.agent(which.agent)?;
            governance.call(me, methods::freeze, &AgentRef { agent }).await?;
            runs(session, agent).await
        }
        Command::AcceptRelease { which, release: id } => {
            let release = proposal::release(session, id).await?;
            let release = release.ok_or_else(|| anyhow::anyhow!("there is no release {id}"))?;
            let permissions = release.content.permissions;
            let text = format!("may have what release {id}, {}, asks for", release.content.semver);
            choose(session, &which, Wanted::Accept { release: id, permissions }, &text).await
        }
        Command::Runs { which } => runs(session, session.agent(which.agent)?).await,
    }
}

fn waits_for(auditors: &[AccountId]) -> String {
    if auditors.is_empty() {
        return "waits for nobody's word".to_owned();
    }
    let named: Vec<&str> = auditors.iter().map(AsRef::as_ref).collect();
    format!("moves by itself only to what has a good word of {}", named.join(" and "))
}

async fn enroll(
    session: &Session,
    agent: AgentId,
    line: LineId,
    follow: &Follow,
    consent: &Consent,
) -> anyhow::Result<()> {
    let line = proposal::line(session, line).await?;
    let bond = line.params.enrolment_bond;
    if let Some(taken) = proposal::bond(bond, "it is off the line") {
        let this = ("this", format!("puts agent {agent} on line {}, {}", line.id, line.name));
        consent.ask(&words::sheet(&[this, taken]))?;
    }
    // What reaches a newcomer: while the newest is on its way, the one before.
    let rollout = session.contracts.governance();
    let rollout = rollout.view(session.rpc(), methods::rollout, &LineRef { line: line.id }, At::Final).await?;
    let waits = |rollout: &Rollout| rollout.release == line.head && !rollout.reaches(agent, None, sha256);
    let before = rollout.filter(|rollout| waits(rollout) && rollout.previous != 0);
    let head = proposal::release(session, before.map_or(line.head, |rollout| rollout.previous)).await?;
    let policy = follow.policy();
    // Before the first release: one that asks for nothing.
    let accepted = head.as_ref().map_or_else(Hash32::default, |head| head.content.permissions);
    let args = Enroll { agent, line: line.id, policy, accepted: Some(accepted) };
    session.call_with_bond(methods::enroll, &args, bond).await?;
    let asks = head.map_or_else(
        || "releases that ask for nothing".to_owned(),
        |head| format!("what {} asks for", head.content.semver),
    );
    let text =
        format!("agent {agent} is on line {}, {}; it {}; accepted is {asks}", line.id, line.name, follows(policy));
    let value = json!({ "agent": agent, "line": line.id, "policy": policy, "accepted": accepted, "bond": bond });
    session.tell(&value, &text)
}

async fn choose(session: &Session, which: &Which, wanted: Wanted, text: &str) -> anyhow::Result<()> {
    let agent = session.agent(which.agent)?;
    let args = Choose { agent, wanted };
    session.contracts.governance().call(&session.me, methods::choose, &args).await?;
    session.tell(&json!(args), &format!("agent {agent} {text}"))
}

async fn runs(session: &Session, agent: AgentId) -> anyhow::Result<()> {
    let governance = session.contracts.governance();
    let told = governance.view(session.rpc(), methods::release_for, &AgentRef { agent }, At::Final).await?;
    let release = match told.release {
        Some(id) => proposal::release(session, id).await?.map(|release| (id, release)),
        None => None,
    };
    let what = match (&release, told.reason) {
        (_, Reason::Unmanaged) => "anything: it is on no line".to_owned(),
        (None, _) => "nothing".to_owned(),
        (Some((id, release)), _) => format!("{}, release {id}", release.content.semver),
    };
    let mut sheet = vec![("agent", agent.to_string()), ("may run", what), ("because", because(&told).to_owned())];
    sheet.extend(told.digests.iter().map(|digest| ("artifact", format!("sha256 {digest}"))));
    session.tell(&told, words::sheet(&sheet).trim_end())
}

fn because(told: &ReleaseFor) -> &'static str {
    match told.reason {
        Reason::Unmanaged => "nobody governs its code",
        Reason::NoRelease => "its line has nothing for it yet",
        Reason::Head => "that is its line's newest",
        Reason::Waiting => "the newest has not reached it yet",
        Reason::Pinned => "its owner or a guardian holds it there",
        Reason::Manual => "its owner accepts each release",
        Reason::NewPermissions => "the next one asks for permissions that its owner has not accepted",
        Reason::LargerBump => "the next one differs by more than its owner lets it move",
        Reason::Soaking => "the next one has not been out for long enough",
        Reason::Unaudited => "somebody whose word its owner wants has said nothing good of the next one",
    }
}
