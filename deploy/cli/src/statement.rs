//! `charter statement …`: what came of looking at a release, for voters to read and for agents to wait for.

mod said;

use anyhow::{Context, ensure};
use charter_types::governance::args::{ReleaseRef, State, StatementRef};
use charter_types::governance::{Release, ReleaseId, Statement, StatementKind, URI_BYTES_MAX, methods};
use charter_types::text::is_uri;
use charter_types::{AccountId, Hash32};
use serde_json::json;

use crate::key::words;
use crate::proposal;
use crate::session::{Group, Session};

pub use said::{Said, Sources};

#[derive(clap::Subcommand)]
pub enum Command {
    /// States what came of looking at an artifact of a release. It replaces what you stated of the release before.
    #[command(group = clap::ArgGroup::new("verdict").required(true))]
    Add {
        /// The release's id.
        release: ReleaseId,
        /// What was done: an audit, a build from source to the same bytes, a TEE's measurement, a test.
        #[arg(long)]
        kind: Kind,
        /// sha256 of the artifact that was looked at.
        #[arg(long)]
        digest: Hash32,
        /// Nothing speaks against it.
        #[arg(long, group = "verdict")]
        ok: bool,
        /// Something does.
        #[arg(long, group = "verdict")]
        bad: bool,
        /// Where that can be read.
        #[arg(long, value_parser = uri)]
        uri: String,
        /// sha256 of what can be read there.
        #[arg(long)]
        sha256: Hash32,
    },
    /// Takes back what you stated of a release; you have its storage back.
    Retract {
        /// The release's id.
        release: ReleaseId,
    },
    /// Shows what somebody stated of a release.
    Show {
        /// The release's id.
        release: ReleaseId,
        /// Who.
        #[arg(long, value_name = "ACCOUNT")]
        by: AccountId,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Kind {
    Audit,
    Build,
    Measurement,
    Test,
}

impl From<Kind> for StatementKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Audit => Self::Audit,
            Kind::Build => Self::ReproducibleBuild,
            Kind::Measurement => Self::Measurement,
            Kind::Test => Self::Test,
        }
    }
}

fn uri(text: &str) -> Result<String, String> {
    if text.len() <= URI_BYTES_MAX && is_uri(text) {
        return Ok(text.to_owned());
    }
    Err(format!("expected a URI (https, ipfs, ar, ni, near or data) of up to {URI_BYTES_MAX} bytes, found \"{text}\""))
}

fn done(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::ReproducibleBuild => "built again from its source",
        StatementKind::Audit => "audited",
        StatementKind::Measurement => "measured by a TEE",
        StatementKind::Test => "tested",
    }
}

fn verdict(ok: bool) -> &'static str {
    if ok { "good" } else { "BAD" }
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Add { release, kind, digest, ok, uri, sha256, .. } => {
            add(&session, &State { release, kind: kind.into(), digest, ok, uri, sha256 }).await
        }
        Command::Retract { release } => {
            let governance = session.contracts.governance();
            governance.call(&session.me, methods::retract, &ReleaseRef { release }).await?;
            session.tell(&json!({ "release": release }), &format!("you state nothing of release {release} any more"))
        }
        Command::Show { release, by } => show(&session, release, by).await,
    }
}

async fn find(session: &Session, id: ReleaseId) -> anyhow::Result<Release> {
    proposal::release(session, id).await?.with_context(|| format!("there is no release {id}"))
}

async fn add(session: &Session, args: &State) -> anyhow::Result<()> {
    let &State { release: id, digest, ok, .. } = args;
    let release = find(session, id).await?;
    ensure!(
        release.content.artifacts.iter().any(|artifact| artifact.digest == digest),
        "GOVERNANCE_WRONG_DIGEST: release {id}, {}, has no artifact {digest}",
        release.content.semver
    );
    session.contracts.governance().call(&session.me, methods::state, args).await?;
    let (semver, kind) = (&release.content.semver, done(args.kind));
    session.tell(&json!(args), &format!("release {id}, {semver}, is {}: {kind}, says {}", verdict(ok), session.me.id))
}

async fn show(session: &Session, id: ReleaseId, by: AccountId) -> anyhow::Result<()> {
    let release = find(session, id).await?;
    let what = format!("statement of {by} on release {id}");
    let args = StatementRef { release: id, by };
    let said = session.find(&session.contracts.governance, methods::statement, &args, &what).await?;
    let sheet = sheet(&release, &said);
    session.tell(&said, words::sheet(&sheet).trim_end())
}

/// What somebody looked at.
fn looked_at(release: &Release, said: &Statement) -> String {
    let found = release.content.artifacts.iter().find(|artifact| artifact.digest == said.digest);
    let kind = found.map_or("none of the release's", |artifact| proposal::artifact_kind(artifact.kind));
    format!("{kind}, sha256 {}", said.digest)
}

fn sheet(release: &Release, said: &Statement) -> Vec<(&'static str, String)> {
    vec![
        ("release", format!("{}, release {}", release.content.semver, release.id)),
        ("says", said.by.to_string()),
        ("artifact", looked_at(release, said)),
        ("was", done(said.kind).to_owned()),
        ("and is", verdict(said.ok).to_owned()),
        ("read", format!("{}, sha256 {}", said.uri, said.sha256)),
    ]
}
