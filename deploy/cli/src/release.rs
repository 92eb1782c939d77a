//! `charter release …`: what a line's agents shall run.

use std::path::Path;

use anyhow::ensure;
use charter_client::{At, sha256};
use charter_types::governance::args::{ProposalRef, ProposeRelease};
use charter_types::governance::{
    Artifact, ArtifactKind, LineId, Proposal, ProposalId, ProposalKind, ProposalState, Release, ReleaseContent, methods,
};
use charter_types::{Hash32, Nothing};
use serde_json::json;

use crate::files::read;
use crate::key::input::Consent;
use crate::key::words;
use crate::proposal::{self, Asked, Files, Subject};
use crate::session::{Group, Session};
use crate::statement::{Said, Sources};
use crate::units::time;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Proposes a release to who decides on a line. Of artifacts only their hashes go on chain.
    Propose {
        #[arg(long)]
        line: LineId,
        /// As semver.org has it: 1.2.0.
        #[arg(long)]
        semver: String,
        /// near_wasm, oci_image, tee_measurement, model_weights or source, and its file.
        #[arg(long, value_name = "KIND:FILE", required = true, value_parser = named_file)]
        artifact: Vec<(ArtifactKind, String)>,
        /// The Git commit that it was built from, 40 hex digits.
        #[arg(long)]
        commit: String,
        /// The file of the policies that it asks for, a JSON list of them; without it, it asks for none.
        #[arg(long, value_name = "FILE")]
        permissions: Option<std::path::PathBuf>,
        /// One can't go back to the release before.
        #[arg(long)]
        irreversible: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Lists releases with their proposals.
    List {
        #[arg(long)]
        line: Option<LineId>,
    },
    /// Shows a proposal: what it is about, how the vote stands, when it takes effect, and what was stated of it.
    Show {
        proposal: ProposalId,
        /// Then say whatever changes, until nothing can become of it any more. Nothing is signed. With --json each
        /// change is a line with an object of its own: `change`, `state`, `text`, `now_ms`, `left_ms`, `proposal`.
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        sources: Sources,
    },
    /// Takes back a proposal of yours that is voted on; as the line's guardian, stops one that is decided.
    Cancel {
        proposal: ProposalId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Makes an approved release the line's head, once its time has come. Counts the votes if nobody has.
    Publish { proposal: ProposalId },
}

fn named_file(text: &str) -> Result<(ArtifactKind, String), String> {
    let (kind, file) = text.split_once(':').ok_or("expected KIND:FILE, as oci_image:scout.tar")?;
    let known = serde_json::from_value(json!(kind));
    let expected = || {
        format!(
            "expected near_wasm, oci_image, tee_measurement, model_weights or source before the file, found \"{kind}\""
        )
    };
    Ok((known.map_err(|_| expected())?, file.to_owned()))
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Propose { line, semver, artifact, commit, permissions, irreversible, consent } => {
            let mut artifacts = Vec::new();
            for (kind, file) in artifact {
                let bytes = read(Path::new(&file))?;
                artifacts.push(Artifact { kind, digest: Hash32(sha256(&bytes)), bytes: u64::try_from(bytes.len())? });
            }
            let file = permissions.map(|file| read(&file)).transpose()?;
            let permissions = file.as_ref().map_or(Hash32::default(), |file| Hash32(sha256(file)));
            let reversible = !irreversible;
            let content = ReleaseContent { semver, artifacts, source_commit: commit, permissions, reversible };
            propose(&session, line, content, file.as_deref(), &consent).await
        }
        Command::List { line } => list(&session, line).await,
        Command::Show { proposal, watch, files, sources } => {
            let subject = Subject::read(&session, proposal).await?;
            show(&session, &subject, &files, &sources).await?;
            if watch { proposal::watch(&session, &subject).await } else { Ok(()) }
        }
        Command::Cancel { proposal, consent } => cancel(&session, proposal, &consent).await,
        Command::Publish { proposal } => publish(&session, proposal).await,
    }
}

async fn propose(
    session: &Session,
    id: LineId,
    content: ReleaseContent,
    permissions: Option<&[u8]>,
    consent: &Consent,
) -> anyhow::Result<()> {
    let line = proposal::line(session, id).await?;
    let head = if line.head == 0 { None } else { proposal::release(session, line.head).await? };
    let draft = Release { id: 0, line: id, content: content.clone(), parent: line.head, published: false };
    let mut sheet = vec![("this", format!("proposes a release of line {id}, {}", line.name))];
    sheet.extend(proposal::of_release(&draft, head.as_ref()));
    sheet.extend(permissions.and_then(proposal::unreadable).map(|why| ("beware", why)));
    sheet.extend(proposal::bond(line.params.proposal_bond, proposal::UNTIL_OVER));
    consent.ask(&words::sheet(&sheet))?;
    let args = ProposeRelease { line: id, seq: line.seq, content };
    let proposal = session.call_with_bond(methods::propose_release, &args, line.params.proposal_bond).await?;
    let known = Subject::read(session, proposal).await?.proposal;
    let value = json!({ "proposal": proposal, "line": id, "content_hash": known.content_hash, "end_ms": known.end_ms });
    let until = time(known.end_ms);
    session.tell(&value, &format!("proposal {proposal}: vote until {until} with `charter vote {proposal} yes`"))
}

async fn list(session: &Session, line: Option<LineId>) -> anyhow::Result<()> {
    let contract = &session.contracts.governance;
    let of_line = |of: LineId| line.is_none_or(|line| line == of);
    let (_, last_release, last_proposal) =
        session.rpc().view(contract, methods::counts, &Nothing {}, At::Final).await?;
    let releases =
        session.rpc().all(contract, methods::releases, last_release, |release: &Release| of_line(release.line)).await?;
    let wanted = |proposal: &Proposal| of_line(proposal.line) && matches!(proposal.kind, ProposalKind::Release(_));
    let proposals = session.rpc().all(contract, methods::proposals, last_proposal, wanted).await?;
    let mut rows = Vec::new();
    for release in releases {
        // What was carried out long ago may be forgotten; what it published stays.
        let proposal = proposals.iter().find(|proposal| proposal.kind == ProposalKind::Release(release.id));
        if proposal.is_none() && !release.published {
            continue;
        }
        let (id, state) = proposal.map_or((None, ProposalState::Executed), |row| (Some(row.id), row.state));
        if !session.json {
            let name = id.map_or_else(|| "forgotten    ".to_owned(), |id| format!("proposal {id:<4}"));
            say!("{name} line {:<4} {:<12} {}", release.line, release.content.semver, proposal::state(state));
        }
        rows.push(json!({ "proposal": id, "state": state, "release": release }));
    }
    if rows.is_empty() && !session.json {
        say!("no release was proposed yet");
    }
    session.tell_json(&rows)
}

async fn show(session: &Session, subject: &Subject, files: &Files, sources: &Sources) -> anyhow::Result<()> {
    let asked = files.compare(session, subject).await?;
    let said = sources.ask(session, subject).await?;
    let Subject { proposal, release, asset, .. } = subject;
    let value = json!({
        "proposal": proposal, "release": release, "asset": asset, "permissions": asked, "statements": said,
    });
    let asked = asked.as_ref().map_or_else(String::new, Asked::sheet);
    let said = said.as_ref().map_or_else(String::new, Said::sheet);
    session.tell(&value, format!("{}{asked}{said}", subject.sheet(session).await?).trim_end())
}

async fn cancel(session: &Session, id: ProposalId, consent: &Consent) -> anyhow::Result<()> {
    let subject = Subject::read(session, id).await?;
    let Proposal { proposer, state, end_ms, .. } = &subject.proposal;
    let open = *state == ProposalState::Voting && session.now_ms().await? < *end_ms;
    let takes_back = *proposer == session.me.id && open;
    let office = if subject.line.guardian.as_ref() == Some(&session.me.id) && !takes_back {
        ", which ends your office as guardian, and has open amendments voted on anew"
    } else {
        ""
    };
    consent.ask(&format!("{}{:<11} cancels it{office}\n", subject.sheet(session).await?, "this"))?;
    session.contracts.governance().call(&session.me, methods::cancel, &ProposalRef { proposal: id }).await?;
    session.tell(&json!({ "proposal": id, "state": "cancelled" }), &format!("proposal {id} is cancelled"))
}

async fn publish(session: &Session, id: ProposalId) -> anyhow::Result<()> {
    let mut subject = Subject::read(session, id).await?;
    ensure!(matches!(subject.proposal.kind, ProposalKind::Release(_)), "proposal {id} is not about a release");
    subject.ready(session).await?;
    session.contracts.governance().call(&session.me, methods::publish, &ProposalRef { proposal: id }).await?;
    let line = proposal::line(session, subject.line.id).await?;
    let semver = subject.release.map(|release| release.content.semver).unwrap_or_default();
    let (id_of_line, name, seq) = (line.id, &line.name, line.seq);
    let text = if subject.proposal.owners == 0 {
        format!("{semver} is what agents on line {id_of_line}, {name}, may run: head number {seq}")
    } else {
        format!(
            "{semver} is on its way to the agents on line {id_of_line}, {name}: see `charter rollout show {id_of_line}`"
        )
    };
    session.tell(&json!({ "proposal": id, "line": line.id, "head": line.head, "seq": line.seq }), &text)
}
