//! `charter line …` and `charter council …`: lines of releases, and who decides on them.

mod stake;

use anyhow::ensure;
use charter_client::At;
use charter_types::asset::Asset;
use charter_types::governance::args::{CreateLine, ForgetBallots, PauseLine, ProposalRef, ProposeAmendment};
use charter_types::governance::{
    BOND_MAX, BOND_MIN, Constitution, FORGOTTEN_MAX, LineId, Member, PAUSE_MS_MAX, Params, Pool, Proposal,
    ProposalKind, StakeRules, methods,
};
use charter_types::{AccountId, Nothing, U128};
use serde_json::json;

use crate::key::input::Consent;
use crate::key::words;
use crate::proposal::{self, Subject};
use crate::session::{Group, Session};
use crate::units::{bps, duration_ms, length, near, time, yocto};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Creates a line of releases. Without members you are its council.
    Create {
        name: String,
        #[command(flatten)]
        rules: Box<Rules>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Shows a line: who decides, and which release runs.
    Show { line: LineId },
    /// Lists what is and was voted on: releases, other constitutions, and code on line 1.
    Proposals { line: LineId },
    /// Stops a line for a while, as its guardian, once: nothing that was voted for is carried out, and no release goes on
    /// to more agents, though one that fails goes back.
    Pause {
        line: LineId,
        /// For how long, as 2h or 3d; 7d at most.
        #[arg(value_name = "TIME", value_parser = duration_ms)]
        for_ms: u64,
        #[command(flatten)]
        consent: Consent,
    },
    /// Removes a proposal that is over from the chain, fifteen days after its timelock. Who paid for it and for its votes has
    /// the storage back; the index keeps the events.
    Forget { proposal: u64 },
    /// Removes votes by stake on a proposal that is off the chain, or could be. Who paid for them has the storage back.
    ForgetBallots {
        proposal: u64,
        /// Who voted, and delegates from whom something was taken by who voted itself; up to 100 at once.
        #[arg(required = true)]
        account: Vec<AccountId>,
    },
}

#[derive(clap::Subcommand)]
pub enum Council {
    /// Shows who decides on a line, and how.
    Show { line: LineId },
    /// Proposes another council, other rules of it or of stake, or another guardian. What is not named stays as it is.
    Change {
        line: LineId,
        #[command(flatten)]
        rules: Box<Rules>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Puts in force what was decided, once its time has come. Counts the votes if nobody has.
    Apply { proposal: u64 },
}

/// Who decides, and how.
#[derive(clap::Args)]
pub struct Rules {
    /// A member of the council, with its weight if it is not 1. Every member has to be named: who is not leaves the council.
    #[arg(long, value_name = "ACCOUNT[:WEIGHT]", value_parser = member)]
    member: Vec<Member>,
    /// How long a vote takes, as 1d.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    vote: Option<u64>,
    /// How long one can leave after it, as 1h.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    timelock: Option<u64>,
    /// A vote that turns the outcome when less than this is left moves the end to this long after it, as 1h; 0: it does
    /// not.
    #[arg(long, value_name = "TIME", value_parser = extension)]
    extension: Option<u64>,
    /// Which part of all weight has to say yes, in percent [default: more than half].
    #[arg(long, value_name = "PERCENT", value_parser = bps)]
    quorum: Option<u16>,
    /// Which part of the votes has to be yes, in percent [default: more than half].
    #[arg(long, value_name = "PERCENT", value_parser = bps)]
    threshold: Option<u16>,
    /// What a proposal takes out of its maker's storage balance until it is over, in NEAR; 0: nothing.
    #[arg(long, value_name = "NEAR", value_parser = bond)]
    proposal_bond: Option<u128>,
    /// What an agent takes out of its owner's storage balance until it is off the line, in NEAR; 0: nothing.
    #[arg(long, value_name = "NEAR", value_parser = bond)]
    enrolment_bond: Option<u128>,
    /// Who may stop one decision before it is carried out, or pause the line, once.
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "no_guardian")]
    guardian: Option<AccountId>,
    /// Nobody may.
    #[arg(long)]
    no_guardian: bool,
    #[command(flatten)]
    stake: stake::Options,
}

fn member(text: &str) -> Result<Member, String> {
    let (account, weight) = text.split_once(':').unwrap_or((text, "1"));
    let account = account.parse().map_err(|error| format!("{account} is no account id: {error}"))?;
    let weight = weight.parse().ok().filter(|weight| *weight > 0);
    let weight =
        weight.ok_or_else(|| format!("expected ACCOUNT or ACCOUNT:WEIGHT, as bob.near:3, found \"{text}\""))?;
    Ok(Member { account, weight })
}

/// A time, or none.
fn extension(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { duration_ms(text) }
}

fn bond(text: &str) -> Result<u128, String> {
    let bond = yocto(text)?;
    if bond == 0 || (BOND_MIN..=BOND_MAX).contains(&bond) {
        return Ok(bond);
    }
    Err(format!("expected 0, or {} to {} NEAR, found \"{text}\"", near(BOND_MIN), near(BOND_MAX)))
}

impl Rules {
    /// What was named, and for the rest what there is.
    fn over(self, now: Constitution, pool: Option<&Pool>) -> anyhow::Result<Constitution> {
        let Params { vote_ms, timelock_ms, quorum_bps, threshold_bps, extension_ms, proposal_bond, enrolment_bond } =
            now.params;
        let vote_ms = self.vote.unwrap_or(vote_ms);
        let next = Constitution {
            council: if self.member.is_empty() { now.council } else { self.member },
            params: Params {
                vote_ms,
                timelock_ms: self.timelock.unwrap_or(timelock_ms),
                quorum_bps: self.quorum.unwrap_or(quorum_bps),
                threshold_bps: self.threshold.unwrap_or(threshold_bps),
                // Who shortens the vote alone means no extension that is longer than it.
                extension_ms: self.extension.unwrap_or_else(|| extension_ms.min(vote_ms)),
                proposal_bond: self.proposal_bond.map_or(proposal_bond, U128),
                enrolment_bond: self.enrolment_bond.map_or(enrolment_bond, U128),
            },
            guardian: if self.no_guardian { None } else { self.guardian.or(now.guardian) },
            stake: self.stake.over(now.stake, pool)?,
        };
        stake::check(&next, pool)?;
        Ok(next)
    }
}

/// Somebody who does not exist can't vote, and a name mistyped may be somebody's.
async fn check_people(session: &Session, constitution: &Constitution) -> anyhow::Result<()> {
    for account in constitution.council.iter().map(|member| &member.account).chain(&constitution.guardian) {
        session.check_account(account).await?;
    }
    if let Some(StakeRules { asset: Asset::Nep141(token), .. }) = &constitution.stake {
        session.check_account(token).await?;
    }
    Ok(())
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Create { name, rules, consent } => create(&session, name, *rules, &consent).await,
        Command::Show { line } => show(&session, line).await,
        Command::Proposals { line } => proposals(&session, line).await,
        Command::Pause { line, for_ms, consent } => pause(&session, line, for_ms, &consent).await,
        Command::Forget { proposal } => forget(&session, proposal).await,
        Command::ForgetBallots { proposal, account } => forget_ballots(&session, proposal, account).await,
    }
}

pub async fn run_council(arguments: Group<Council>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Council::Show { line } => {
            let line = proposal::line(&session, line).await?;
            let now = proposal::of_line(&line);
            let value = json!({ "line": line.id, "version": line.version, "constitution": now });
            session.tell(&value, words::sheet(&proposal::constitution(&now)).trim_end())
        }
        Council::Change { line, rules, consent } => change(&session, line, *rules, &consent).await,
        Council::Apply { proposal } => apply(&session, proposal).await,
    }
}

async fn create(session: &Session, name: String, rules: Rules, consent: &Consent) -> anyhow::Result<()> {
    let alone = vec![Member { account: session.me.id.clone(), weight: 1 }];
    let plain = Constitution { council: alone, params: Params::default(), guardian: None, stake: None };
    let constitution = rules.over(plain, None)?;
    check_people(session, &constitution).await?;
    let mut sheet = vec![("line", name.clone())];
    sheet.extend(proposal::constitution(&constitution));
    consent.ask(&words::sheet(&sheet))?;
    let Constitution { council, params, guardian, stake } = constitution;
    let args = CreateLine { name: name.clone(), council, params, guardian, stake };
    let line = session.contracts.governance().call(&session.me, methods::create_line, &args).await?.value;
    session.tell(&json!({ "line": line, "name": name }), &format!("line {line}: {name}"))
}

async fn show(session: &Session, id: LineId) -> anyhow::Result<()> {
    let line = proposal::line(session, id).await?;
    let head = if line.head == 0 { None } else { proposal::release(session, line.head).await? };
    let mut sheet = vec![("line", format!("{id}, {}, of {}", line.name, line.owner))];
    match &head {
        None => sheet.push(("release", "none yet".to_owned())),
        Some(head) => {
            sheet.extend(proposal::of_release(head, None).into_iter().filter(|(name, _)| *name != "release"));
            sheet.insert(1, ("release", format!("{}, the line's head number {}", head.content.semver, line.seq)));
        }
    }
    sheet.extend(proposal::constitution(&proposal::of_line(&line)));
    let pool = if line.stake.is_some() { proposal::pool(session, id).await? } else { None };
    let now_ms = session.now_ms().await?;
    if let Some(pool) = &pool {
        sheet.push(("locked", proposal::stake::locked(pool, line.stake.as_ref(), line.params.quorum_bps, now_ms)));
    }
    if now_ms < line.paused_until_ms {
        let until = time(line.paused_until_ms);
        sheet.push(("paused", format!("until {until}: nothing that was voted for is carried out before")));
    }
    session.tell(&json!({ "line": line, "head": head, "pool": pool }), words::sheet(&sheet).trim_end())
}

async fn pause(session: &Session, id: LineId, for_ms: u64, consent: &Consent) -> anyhow::Result<()> {
    let (line, me) = (proposal::line(session, id).await?, &session.me.id);
    ensure!(line.guardian.as_ref() == Some(me), "GOVERNANCE_NOT_GUARDIAN: {me} is not the guardian of line {id} now");
    ensure!(for_ms <= PAUSE_MS_MAX, "GOVERNANCE_BAD_PAUSE: a pause takes {} at most", length(PAUSE_MS_MAX));
    let until = time(session.now_ms().await?.saturating_add(for_ms));
    consent.ask(&words::sheet(&[
        ("this", format!("pauses line {id}, {}, for {}, until {until}", line.name, length(for_ms))),
        ("stops", "releases, constitutions and code from being carried out, and rollouts from going on".to_owned()),
        ("does not", "stop votes, nor a release that fails from going back".to_owned()),
        ("your office", "ends with it, and open amendments are voted on anew".to_owned()),
    ]))?;
    session.contracts.governance().call(&session.me, methods::pause_line, &PauseLine { line: id, ms: for_ms }).await?;
    let until_ms = proposal::line(session, id).await?.paused_until_ms;
    let text = format!("line {id}, {}, is paused until {}", line.name, time(until_ms));
    session.tell(&json!({ "line": id, "paused_until_ms": until_ms }), &text)
}

async fn proposals(session: &Session, id: LineId) -> anyhow::Result<()> {
    let line = proposal::line(session, id).await?;
    let contract = &session.contracts.governance;
    let wanted = |proposal: &Proposal| proposal.line == id;
    let (_, _, last) = session.rpc().view(contract, methods::counts, &Nothing {}, At::Final).await?;
    let rows = session.rpc().all(contract, methods::proposals, last, wanted).await?;
    let now_ms = session.now_ms().await?;
    if !session.json {
        let by_stake = rows.iter().any(|row| row.stake.is_some());
        let asset = if by_stake { proposal::pool(session, id).await?.map(|pool| pool.asset) } else { None };
        for row in &rows {
            let progress = proposal::progress(row, &line, asset.as_ref(), now_ms);
            say!("proposal {:<4} {:<22} {progress}", row.id, proposal::about(&row.kind));
        }
        if rows.is_empty() {
            say!("nothing was proposed on line {id}, {}, yet", line.name);
        }
    }
    session.tell_json(&rows)
}

async fn change(session: &Session, id: LineId, rules: Rules, consent: &Consent) -> anyhow::Result<()> {
    let line = proposal::line(session, id).await?;
    let now = proposal::of_line(&line);
    let by_stake = now.stake.is_some() || rules.stake.is_named();
    let pool = if by_stake { proposal::pool(session, id).await? } else { None };
    let next = rules.over(now.clone(), pool.as_ref())?;
    ensure!(next != now, "line {id} has this constitution already: name what shall be different");
    check_people(session, &next).await?;
    let mut sheet = vec![("this", format!("proposes another constitution for line {id}, {}", line.name))];
    sheet.extend(proposal::amendment(&now, &next));
    sheet.extend(proposal::bond(line.params.proposal_bond, proposal::UNTIL_OVER));
    consent.ask(&words::sheet(&sheet))?;
    let args = ProposeAmendment { line: id, version: line.version, constitution: next };
    let proposal = session.call_with_bond(methods::propose_amendment, &args, line.params.proposal_bond).await?;
    let until = time(Subject::read(session, proposal).await?.proposal.end_ms);
    let text = format!("proposal {proposal}: vote until {until} with `charter vote {proposal} yes`");
    session.tell(&json!({ "proposal": proposal, "line": id }), &text)
}

async fn apply(session: &Session, id: u64) -> anyhow::Result<()> {
    let mut subject = Subject::read(session, id).await?;
    ensure!(matches!(subject.proposal.kind, ProposalKind::Amendment(_)), "proposal {id} is not about a council");
    subject.ready(session).await?;
    let governance = session.contracts.governance();
    governance.call(&session.me, methods::amend, &ProposalRef { proposal: id }).await?;
    let args = charter_types::governance::args::LineRef { line: subject.line.id };
    let line = governance.view(session.rpc(), methods::line, &args, At::Final).await?;
    let text = format!("line {} has the constitution of proposal {id}", subject.line.id);
    session.tell(&json!({ "proposal": id, "line": line }), &text)
}

async fn forget(session: &Session, id: u64) -> anyhow::Result<()> {
    session.contracts.governance().call(&session.me, methods::forget_proposal, &ProposalRef { proposal: id }).await?;
    let text = format!("proposal {id} is off the chain; its storage is with who paid for it");
    session.tell(&json!({ "proposal": id }), &text)
}

async fn forget_ballots(session: &Session, id: u64, accounts: Vec<AccountId>) -> anyhow::Result<()> {
    ensure!(accounts.len() <= FORGOTTEN_MAX, "GOVERNANCE_TOO_MANY: name 1 to {FORGOTTEN_MAX} accounts");
    let args = ForgetBallots { proposal: id, accounts };
    session.contracts.governance().call(&session.me, methods::forget_ballots, &args).await?;
    let text = format!(
        "of proposal {id}, no vote by stake of {} is on the chain any more; its storage is with who paid for it",
        args.accounts.iter().map(AsRef::<str>::as_ref).collect::<Vec<_>>().join(", ")
    );
    session.tell(&json!({ "proposal": id, "accounts": args.accounts }), &text)
}
