//! Proposals in plain words, to be read before they are voted on.

use charter_types::governance::{
    ArtifactKind, BPS, Constitution, EXECUTION_MS, Line, MAJORITY_BPS, Member, Proposal, ProposalKind, ProposalState,
    Release, UpgradeFailure,
};
use charter_types::{AccountId, Hash32};

use super::Subject;
use crate::key::words;
use crate::units::{length, time};

type Lines = Vec<(&'static str, String)>;

pub fn artifact_kind(kind: ArtifactKind) -> &'static str {
    match kind {
        ArtifactKind::NearWasm => "NEAR wasm",
        ArtifactKind::OciImage => "OCI image",
        ArtifactKind::TeeMeasurement => "TEE measurement",
        ArtifactKind::ModelWeights => "model weights",
        ArtifactKind::Source => "source",
    }
}

pub fn state(state: ProposalState) -> &'static str {
    match state {
        ProposalState::Voting => "voted on",
        ProposalState::Rejected => "rejected",
        ProposalState::Queued => "approved",
        ProposalState::Executing => "being carried out",
        ProposalState::Executed => "carried out",
        ProposalState::Cancelled => "cancelled",
    }
}

fn percent(bps: u16) -> String {
    let (whole, rest) = (bps / 100, bps % 100);
    if rest == 0 { format!("{whole} %") } else { format!("{whole}.{rest:0>2} %") }
}

fn weight(council: &[Member]) -> u64 {
    council.iter().map(|member| member.weight).fold(0, u64::saturating_add)
}

/// The least weight that is a share of another.
fn share(of: u64, bps: u16) -> u128 {
    (u128::from(of) * u128::from(bps)).div_ceil(BPS)
}

fn needed(proposal: &Proposal) -> u128 {
    share(weight(&proposal.council), proposal.quorum_bps())
}

pub fn tally(proposal: &Proposal) -> String {
    let (all, needed) = (weight(&proposal.council), needed(proposal));
    format!("{} yes, {} no, of {all}; {needed} yes are needed", proposal.yes, proposal.no)
}

/// What it is about, in a few words.
pub fn about(kind: &ProposalKind) -> String {
    match kind {
        ProposalKind::Release(release) => format!("release {release}"),
        ProposalKind::ContractUpgrade { contract, .. } => format!("code for {contract}"),
        ProposalKind::Amendment(_) => "another constitution".to_owned(),
    }
}

/// How far it is, and what can be done about it now.
pub fn progress(proposal: &Proposal, line: &Line, now_ms: u64) -> String {
    let until_ms = proposal.eta_ms.saturating_add(EXECUTION_MS);
    match proposal.state {
        _ if is_stale(proposal, line) => format!("{}, but the line has moved on", state(proposal.state)),
        ProposalState::Voting if now_ms < proposal.end_ms => {
            format!("voted on until {}: {}", time(proposal.end_ms), tally(proposal))
        }
        ProposalState::Voting => format!("the vote has ended and nobody has counted it: {}", tally(proposal)),
        // An older release of the contract asked for less, and the count is repeated before anything is carried out.
        ProposalState::Queued if u128::from(proposal.yes) < needed(proposal) => {
            format!("approved when less was asked for, can't be carried out: {}", tally(proposal))
        }
        ProposalState::Queued if now_ms > until_ms => "approved, and not carried out in time".to_owned(),
        ProposalState::Queued if now_ms < proposal.eta_ms => {
            format!("approved, can be carried out from {} on", time(proposal.eta_ms))
        }
        ProposalState::Queued => format!("approved, can be carried out until {}", time(until_ms)),
        other => state(other).to_owned(),
    }
}

fn council(council: &[Member]) -> String {
    let all = weight(council);
    let alike = council.iter().all(|member| member.weight == 1);
    let one = |member: &Member| {
        if alike { member.account.to_string() } else { format!("{} with {} of {all}", member.account, member.weight) }
    };
    council.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A constitution, a line for each part of it.
pub fn constitution(constitution: &Constitution) -> Lines {
    let Constitution { council: members, params, guardian } = constitution;
    let (all, quorum) = (weight(members), params.quorum_bps);
    let guardian = guardian.as_ref().map_or_else(
        || "nobody can stop what was decided".to_owned(),
        |guardian| {
            format!("{guardian} may stop one decision before it is carried out, and have open amendments voted on anew")
        },
    );
    let mut lines = vec![
        ("council", council(members)),
        (
            "passes with",
            format!("{} of {all} yes ({}), {} of the votes cast", share(all, quorum), percent(quorum), {
                percent(params.threshold_bps)
            }),
        ),
        ("votes take", format!("{}, then {} to leave", length(params.vote_ms), length(params.timelock_ms))),
        ("guardian", guardian),
    ];
    if quorum < MAJORITY_BPS {
        let needed = share(all, MAJORITY_BPS);
        lines.insert(2, ("changes with", format!("{needed} of {all} yes: who decides, and how")));
    }
    lines
}

/// Another constitution, and who loses its vote by it.
pub fn amendment(now: &Constitution, next: &Constitution) -> Lines {
    let mut lines = constitution(next);
    lines.push(("council now", council(&now.council)));
    let stays = |account: &AccountId| next.council.iter().any(|member| member.account == *account);
    let leave: Vec<&str> =
        now.council.iter().map(|member| &member.account).filter(|account| !stays(account)).map(AsRef::as_ref).collect();
    if !leave.is_empty() {
        lines.push(("LEAVE", format!("{}: they have no vote any more", leave.join(", "))));
    }
    lines
}

pub fn of_line(line: &Line) -> Constitution {
    Constitution { council: line.council.clone(), params: line.params, guardian: line.guardian.clone() }
}

fn asks_for(release: &Release, head: Option<&Release>) -> String {
    let asked = release.content.permissions;
    match head {
        _ if asked == Hash32::default() => "no permissions".to_owned(),
        Some(head) if head.content.permissions == asked => format!("the same permissions as {}", head.content.semver),
        Some(head) => format!("OTHER permissions than {}: policies that hash to {asked}", head.content.semver),
        None => format!("policies that hash to {asked}"),
    }
}

/// A release, with the one that it follows.
pub fn of_release(release: &Release, head: Option<&Release>) -> Lines {
    let content = &release.content;
    let mut lines = vec![("release", {
        let follows = head.map_or_else(|| "the first".to_owned(), |head| format!("after {}", head.content.semver));
        format!("{}, {follows}", content.semver)
    })];
    let artifact = |artifact: &charter_types::governance::Artifact| {
        ("artifact", format!("{}, sha256 {}, {} bytes", artifact_kind(artifact.kind), artifact.digest, artifact.bytes))
    };
    lines.extend(content.artifacts.iter().map(artifact));
    let back = if content.reversible { "one can go back to the one before" } else { "NO WAY BACK to the one before" };
    lines.extend([
        ("built from", format!("commit {}", content.source_commit)),
        ("asks for", asks_for(release, head)),
        ("way back", back.to_owned()),
    ]);
    lines
}

fn upgrade(proposal: &Proposal, contract: &AccountId, code: &Hash32) -> Lines {
    let mut lines = vec![("contract", contract.to_string()), ("new code", format!("sha256 {code}"))];
    if let Some(replaces) = proposal.replaces {
        lines.push(("replaces", format!("deployment {}, sha256 {}", replaces.number, replaces.sha256)));
    }
    lines
}

/// Whether the line has moved since, so that nobody can carry it out any more.
fn is_stale(proposal: &Proposal, line: &Line) -> bool {
    let open = matches!(proposal.state, ProposalState::Voting | ProposalState::Queued);
    let now = match proposal.kind {
        ProposalKind::Release(_) => line.seq,
        ProposalKind::Amendment(_) => line.version,
        ProposalKind::ContractUpgrade { .. } => return false,
    };
    open && proposal.base != Some(now)
}

/// Everything that a voter should know.
pub fn sheet(subject: &Subject, head: Option<&Release>) -> String {
    let Subject { proposal, release, line } = subject;
    let mut lines =
        vec![("proposal", format!("{} of line {}, {}, by {}", proposal.id, line.id, line.name, proposal.proposer))];
    lines.extend(match (&proposal.kind, release) {
        (ProposalKind::Release(_), Some(release)) => of_release(release, head),
        (ProposalKind::Release(id), None) => vec![("release", format!("number {id}"))],
        (ProposalKind::ContractUpgrade { contract, code_hash }, _) => upgrade(proposal, contract, code_hash),
        (ProposalKind::Amendment(next), _) => {
            let mut lines = vec![("this", format!("replaces the constitution of line {}", line.id))];
            lines.extend(amendment(&of_line(line), next));
            lines
        }
    });
    let until_ms = proposal.eta_ms.saturating_add(EXECUTION_MS);
    lines.extend([
        ("content", format!("sha256 {}", proposal.content_hash)),
        ("state", state(proposal.state).to_owned()),
        ("votes", tally(proposal)),
        ("vote until", time(proposal.end_ms)),
        ("in effect", format!("from {} on, by anyone, until {}", time(proposal.eta_ms), time(until_ms))),
    ]);
    if is_stale(proposal, line) {
        lines.push(("beware", "the line has moved on: this can't be carried out, propose it anew".to_owned()));
    }
    match proposal.failure {
        None => {}
        Some(UpgradeFailure::CodeReplaced) => {
            lines.push((
                "beware",
                "CHARTER_CODE_REPLACED: the contract runs other code by now: propose it anew".to_owned(),
            ));
        }
        Some(UpgradeFailure::Failed) => {
            lines
                .push(("beware", "the last attempt failed, as its transaction says; it can be tried again".to_owned()));
        }
    }
    words::sheet(&lines)
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use charter_types::governance::{Line, Member, Params, Proposal, ProposalKind, ProposalState};

    use super::progress;

    /// What cannot be carried out is not called approved.
    #[test]
    fn progress_says_what_can_be_done_now() {
        let council: Vec<Member> =
            (0..5).map(|number| Member { account: format!("m{number}.near").parse().unwrap(), weight: 1 }).collect();
        let params = Params { vote_ms: 10, timelock_ms: 10, quorum_bps: 2_000, threshold_bps: 5_001 };
        let owner: charter_types::AccountId = "owner.near".parse().unwrap();
        let line = Line {
            id: 1,
            name: "line".to_owned(),
            owner: owner.clone(),
            council: council.clone(),
            params,
            head: 0,
            seq: 0,
            version: 0,
            guardian: None,
        };
        let contract = "keys.near".parse().unwrap();
        let code = |yes| Proposal {
            id: 1,
            line: 1,
            kind: ProposalKind::ContractUpgrade { contract: Clone::clone(&contract), code_hash: Hash32([1; 32]) },
            content_hash: Hash32([2; 32]),
            proposer: owner.clone(),
            params,
            council: council.clone(),
            start_ms: 0,
            end_ms: 10,
            eta_ms: 20,
            yes,
            no: 0,
            state: ProposalState::Queued,
            replaces: None,
            base: None,
            failure: None,
            owners: 0,
        };
        let said = |yes, now_ms| progress(&code(yes), &line, now_ms);
        assert!(said(3, 15).starts_with("approved, can be carried out from "));
        assert!(said(3, 25).starts_with("approved, can be carried out until "));
        assert_eq!(
            said(1, 25),
            "approved when less was asked for, can't be carried out: 1 yes, 0 no, of 5; 3 yes are needed"
        );
    }
}
