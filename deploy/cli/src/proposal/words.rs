//! Proposals in plain words, to be read before they are voted on.

use charter_types::asset::Asset;
use charter_types::governance::{
    ArtifactKind, Constitution, EXECUTION_MS, Line, MAJORITY_BPS, Member, Params, Proposal, ProposalKind,
    ProposalState, Release, UpgradeFailure,
};
use charter_types::{AccountId, Hash32, U128};

use super::count::{decides, needed, percent, share, tally, threshold, weight};
use super::{Subject, stake};
use crate::key::words;
use crate::units::{length, near, time};

pub type Lines = Vec<(&'static str, String)>;

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

/// How many owners object.
fn objectors(proposal: &Proposal) -> String {
    let (objections, owners) = (proposal.objections, proposal.owners);
    let named = if owners == 1 { "owner" } else { "owners" };
    let object = if objections == 1 { "objects" } else { "object" };
    format!("{objections} of {owners} {named} {object}")
}

/// Owners who object, and what that does while anything can be done.
pub fn objections(proposal: &Proposal) -> Option<String> {
    if proposal.objections == 0 {
        return None;
    }
    let voices = objectors(proposal);
    if !is_open(proposal) {
        return Some(voices);
    }
    let does = if proposal.round > 0 {
        format!("voted on again, {} of the votes have to be yes", threshold(proposal))
    } else if proposal.is_contested() {
        format!("{} of the votes have to be yes, and the timelock takes twice as long", threshold(proposal))
    } else if proposal.is_stretched() {
        "the timelock takes twice as long".to_owned()
    } else {
        "too few to change anything".to_owned()
    };
    Some(format!("{voices}: {does}"))
}

/// Until when a proposal's bond is kept.
pub const UNTIL_OVER: &str = "the proposal is over, whatever becomes of it";

/// A bond that a call takes, if it takes one.
pub fn bond(bond: U128, until: &str) -> Option<(&'static str, String)> {
    let text = format!("{} NEAR of your storage balance at governance, until {until}", near(bond.0));
    (bond.0 > 0).then_some(("bond", text))
}

/// What it is about, in a few words.
pub fn about(kind: &ProposalKind) -> String {
    match kind {
        ProposalKind::Release(release) => format!("release {release}"),
        ProposalKind::ContractUpgrade { contract, .. } => format!("code for {contract}"),
        ProposalKind::Amendment(_) => "another constitution".to_owned(),
    }
}

/// Whether votes, time or objections may still change what becomes of it.
pub fn is_open(proposal: &Proposal) -> bool {
    matches!(proposal.state, ProposalState::Voting | ProposalState::Queued)
}

/// How far it is, what can be done about it now, and who is against it.
pub fn progress(proposal: &Proposal, line: &Line, asset: Option<&Asset>, now_ms: u64) -> String {
    let said = how_far(proposal, line, asset, now_ms);
    match objections(proposal) {
        Some(objections) if is_open(proposal) => format!("{said}; {objections}"),
        _ => said,
    }
}

/// From when on it may be carried out: not before a pause of its line ends.
pub fn due_ms(proposal: &Proposal, line: &Line) -> u64 {
    if is_open(proposal) { proposal.eta_ms.max(line.paused_until_ms) } else { proposal.eta_ms }
}

fn how_far(proposal: &Proposal, line: &Line, asset: Option<&Asset>, now_ms: u64) -> String {
    let tally = || tally(proposal, asset);
    let (due_ms, until_ms) = (due_ms(proposal, line), proposal.eta_ms.saturating_add(EXECUTION_MS));
    match proposal.state {
        _ if is_stale(proposal, line) => format!("{}, but the line has moved on", state(proposal.state)),
        ProposalState::Voting if now_ms < proposal.end_ms => {
            format!("voted on until {}: {}", time(proposal.end_ms), tally())
        }
        ProposalState::Voting => format!("the vote has ended and nobody has counted it: {}", tally()),
        // An older release of the contract asked for less, and the count is repeated before anything is carried out.
        ProposalState::Queued if proposal.stake.is_none() && u128::from(proposal.yes) < needed(proposal) => {
            format!("approved when less was asked for, can't be carried out: {}", tally())
        }
        ProposalState::Queued if now_ms > until_ms => "approved, and not carried out in time".to_owned(),
        ProposalState::Queued if now_ms < due_ms => {
            format!("approved, can be carried out from {} on", time(due_ms))
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
    let Constitution { council: members, params, guardian, stake: rules } = constitution;
    let (all, quorum) = (weight(members), params.quorum_bps);
    let guardian = guardian.as_ref().map_or_else(
        || "nobody can stop what was decided".to_owned(),
        |guardian| {
            format!(
                "{guardian} may, once, stop a decision before it is carried out or pause the line for up to 7 days, \
                 and so have open amendments voted on anew"
            )
        },
    );
    let mut lines = vec![
        ("council", council(members)),
        (
            "passes with",
            format!("{} of {all} yes ({}), {} of the votes cast", share(all.into(), quorum), percent(quorum), {
                percent(params.threshold_bps)
            }),
        ),
        ("votes take", format!("{}, then {} to leave", length(params.vote_ms), length(params.timelock_ms))),
    ];
    lines.extend(late_votes(params).map(|text| ("late votes", text)));
    lines.extend(bonds(params).map(|text| ("bonds", text)));
    lines.push(("guardian", guardian));
    if quorum < MAJORITY_BPS {
        let needed = share(all.into(), MAJORITY_BPS);
        lines.insert(2, ("changes with", format!("{needed} of {all} yes: who decides, and how")));
    }
    rules.iter().flat_map(|rules| stake::rules(rules, params)).chain(lines).collect()
}

fn late_votes(params: &Params) -> Option<String> {
    let long = length(params.extension_ms);
    let text =
        format!("one that turns the outcome in the last {long} moves the end to {long} after it, by {long} at most");
    (params.extension_ms > 0).then_some(text)
}

fn bonds(params: &Params) -> Option<String> {
    let (proposal, enrolment) = (params.proposal_bond.0, params.enrolment_bond.0);
    let proposal = (proposal > 0).then(|| format!("{} NEAR until a proposal is over", near(proposal)));
    let enrolment = (enrolment > 0).then(|| format!("{} NEAR while an agent is on the line", near(enrolment)));
    let all: Vec<String> = proposal.into_iter().chain(enrolment).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Another constitution, who loses its vote by it, and what is no longer asked.
pub fn amendment(now: &Constitution, next: &Constitution) -> Lines {
    let mut lines = constitution(next);
    if late_votes(&now.params).is_some() && late_votes(&next.params).is_none() {
        lines.push(("late votes", "move the end of a vote no more".to_owned()));
    }
    if bonds(&now.params).is_some() && bonds(&next.params).is_none() {
        lines.push(("bonds", "none any more".to_owned()));
    }
    lines.extend(stake::change(now.stake.as_ref(), next.stake.as_ref()).map(|text| ("stake now", text)));
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
    Constitution {
        council: line.council.clone(),
        params: line.params,
        guardian: line.guardian.clone(),
        stake: line.stake.clone(),
    }
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
pub fn is_stale(proposal: &Proposal, line: &Line) -> bool {
    let now = match proposal.kind {
        ProposalKind::Release(_) => line.seq,
        ProposalKind::Amendment(_) => line.version,
        ProposalKind::ContractUpgrade { .. } => return false,
    };
    is_open(proposal) && proposal.base != Some(now)
}

/// Everything that a voter should know.
pub fn sheet(subject: &Subject, head: Option<&Release>) -> String {
    let Subject { proposal, release, line, asset } = subject;
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
    lines.extend(standing(proposal, line, asset.as_ref()));
    lines.extend(beware(proposal, line).map(|why| ("beware", why.to_owned())));
    words::sheet(&lines)
}

/// How the vote stands, and what follows from it when.
fn standing(proposal: &Proposal, line: &Line, asset: Option<&Asset>) -> Lines {
    let (due_ms, until_ms) = (due_ms(proposal, line), proposal.eta_ms.saturating_add(EXECUTION_MS));
    let mut lines = vec![
        ("content", format!("sha256 {}", proposal.content_hash)),
        ("state", state(proposal.state).to_owned()),
        ("decides", decides(proposal, asset)),
        ("votes", tally(proposal, asset)),
    ];
    lines.extend(proposal.stake.as_ref().and_then(|vote| stake::agents(vote, asset)).map(|text| ("agents", text)));
    lines.extend(objections(proposal).map(|text| ("objections", text)));
    if proposal.bond.0 > 0 {
        lines.push(("bond", format!("{} NEAR, its maker's again once it is over", near(proposal.bond.0))));
    }
    lines.push(("vote until", time(proposal.end_ms)));
    if due_ms > proposal.eta_ms {
        lines.push(("paused", format!("until {}, by the line's guardian", time(line.paused_until_ms))));
    }
    lines.push(("in effect", format!("from {} on, by anyone, until {}", time(due_ms), time(until_ms))));
    lines
}

/// What is in its way.
fn beware(proposal: &Proposal, line: &Line) -> impl Iterator<Item = &'static str> {
    let stale = "the line has moved on: this can't be carried out, propose it anew";
    let failed = proposal.failure.map(|failure| match failure {
        UpgradeFailure::CodeReplaced => "CHARTER_CODE_REPLACED: the contract runs other code by now: propose it anew",
        UpgradeFailure::Failed => "the last attempt failed, as its transaction says; it can be tried again",
    });
    is_stale(proposal, line).then_some(stale).into_iter().chain(failed)
}

#[cfg(test)]
pub mod tests {
    use charter_types::governance::{Constitution, Line, Member, Params, Proposal, ProposalKind, ProposalState};
    use charter_types::{AccountId, Hash32, U128};

    use super::{amendment, bond, constitution, objections, progress, standing, tally};
    use crate::key::words::sheet;

    fn council() -> Vec<Member> {
        (0..5).map(|number| Member { account: format!("m{number}.near").parse().unwrap(), weight: 1 }).collect()
    }

    fn params() -> Params {
        Params {
            vote_ms: 10,
            timelock_ms: 10,
            quorum_bps: 2_000,
            threshold_bps: 5_001,
            extension_ms: 0,
            proposal_bond: U128(0),
            enrolment_bond: U128(0),
        }
    }

    fn owner() -> AccountId {
        "owner.near".parse().unwrap()
    }

    pub fn line() -> Line {
        Line {
            id: 1,
            name: "line".to_owned(),
            owner: owner(),
            council: council(),
            params: params(),
            head: 0,
            seq: 0,
            version: 0,
            guardian: None,
            paused_until_ms: 0,
            stake: None,
        }
    }

    /// Code that was approved by so many.
    pub fn code(yes: u64) -> Proposal {
        let contract = "keys.near".parse().unwrap();
        Proposal {
            id: 1,
            line: 1,
            kind: ProposalKind::ContractUpgrade { contract, code_hash: Hash32([1; 32]) },
            content_hash: Hash32([2; 32]),
            proposer: owner(),
            params: params(),
            council: council(),
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
            objections: 0,
            round: 0,
            bond: U128(0),
            stake: None,
        }
    }

    /// What cannot be carried out is not called approved.
    #[test]
    fn progress_says_what_can_be_done_now() {
        let said = |yes, now_ms| progress(&code(yes), &line(), None, now_ms);
        assert!(said(3, 15).starts_with("approved, can be carried out from "));
        assert!(said(3, 25).starts_with("approved, can be carried out until "));
        assert_eq!(
            said(1, 25),
            "approved when less was asked for, can't be carried out: 1 yes, 0 no, of 5; 3 yes are needed"
        );
        let paused = Line { paused_until_ms: 30, ..line() };
        assert!(progress(&code(3), &paused, None, 25).starts_with("approved, can be carried out from "));
        assert!(progress(&code(3), &paused, None, 30).starts_with("approved, can be carried out until "));
        let sheet = sheet(&standing(&code(3), &paused, None));
        for shown in
            ["decides     the council, with 3 of 5 yes", "paused      until 1970-01-01T00:00:00Z, by the line's"]
        {
            assert!(sheet.contains(shown), "{shown}: {sheet}");
        }
    }

    #[test]
    fn who_objects_and_what_it_does_is_said() {
        let against = |objections, owners| Proposal { objections, owners, ..code(3) };
        assert_eq!(objections(&against(0, 40)), None);
        for (objections_of, expected) in [
            ((1, 1), "1 of 1 owner objects: the timelock takes twice as long"),
            ((1, 101), "1 of 101 owners objects: too few to change anything"),
            ((3, 40), "3 of 40 owners object: the timelock takes twice as long"),
            (
                (4, 40),
                "4 of 40 owners object: two thirds of the votes have to be yes, and the timelock takes twice as long",
            ),
        ] {
            let proposal = against(objections_of.0, objections_of.1);
            assert_eq!(objections(&proposal).as_deref(), Some(expected));
            assert!(progress(&proposal, &line(), None, 15).ends_with(expected), "{expected}");
        }
        let again = Proposal { round: 1, state: ProposalState::Voting, ..against(4, 40) };
        let said = "4 of 40 owners object: voted on again, two thirds of the votes have to be yes";
        assert_eq!(objections(&again).as_deref(), Some(said));
        assert_eq!(tally(&again, None), "3 yes, 0 no, of 5; 3 yes are needed, and two thirds of the votes");
        let over = Proposal { state: ProposalState::Executed, ..again };
        assert_eq!(objections(&over).as_deref(), Some("4 of 40 owners object"));
        assert_eq!(progress(&over, &line(), None, 15), "carried out");
    }

    #[test]
    fn bonds_and_late_votes_are_said_where_there_are_any() {
        let of = |params| Constitution { council: council(), params, guardian: None, stake: None };
        let plain = sheet(&constitution(&of(params())));
        assert!(!plain.contains("late votes") && !plain.contains("bonds"), "{plain}");
        let strict = Params {
            extension_ms: 3_600_000,
            proposal_bond: U128(2_000_000_000_000_000_000_000_000),
            enrolment_bond: U128(100_000_000_000_000_000_000_000),
            ..params()
        };
        let said = sheet(&constitution(&of(strict)));
        for shown in [
            "late votes  one that turns the outcome in the last 1h moves the end to 1h after it, by 1h at most",
            "bonds       2 NEAR until a proposal is over, 0.1 NEAR while an agent is on the line",
        ] {
            assert!(said.contains(shown), "{shown}: {said}");
        }
        let laxer = sheet(&amendment(&of(strict), &of(params())));
        for shown in ["late votes  move the end of a vote no more", "bonds       none any more"] {
            assert!(laxer.contains(shown), "{shown}: {laxer}");
        }
        let bonded = Proposal { bond: strict.proposal_bond, ..code(3) };
        assert!(
            sheet(&standing(&bonded, &line(), None)).contains("bond        2 NEAR, its maker's again once it is over")
        );
        assert_eq!(bond(U128(0), "then"), None);
        let asked = bond(strict.enrolment_bond, "it is off the line").map(|(_, text)| text);
        assert_eq!(asked.as_deref(), Some("0.1 NEAR of your storage balance at governance, until it is off the line"));
    }
}
