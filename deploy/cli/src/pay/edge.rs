//! Answers in time: an asker and an acker with collateral, and what lateness costs.

mod deal;
mod late;

use anyhow::{Context, bail, ensure};
use charter_client::{At, STORAGE_DEPOSIT};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::escrow::args::{EdgeRef, OpenEdge, RequestRef, TransferMsg};
use charter_types::escrow::{Edge, EdgeId, EdgeState, Request, Signer, methods};
use serde_json::json;

use super::{asset, token};
use crate::files::payments::{Id, Payments, id};
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;
use crate::token::ask;
use crate::units::{Amount, length, money, some_amount, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Opens an edge as its asker, and puts your collateral. The acker joins it with `charter pay edge join`.
    Open {
        /// Who will answer.
        acker: AccountId,
        /// What each of you puts. In NEAR; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        collateral: Amount,
        /// A token (NEP-141) instead of NEAR.
        #[arg(long, value_name = "ACCOUNT")]
        token: Option<AccountId>,
        #[command(flatten)]
        deal: Box<deal::Deal>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Joins an edge as its acker, and puts your collateral.
    Join {
        #[arg(value_parser = id)]
        edge: Id,
        #[command(flatten)]
        consent: Consent,
    },
    /// Shows an edge.
    Show {
        #[arg(value_parser = id)]
        edge: Id,
        /// Also this request that was escalated, by its number.
        #[arg(long, value_name = "NUMBER")]
        request: Option<u64>,
    },
    /// Cuts a live edge as its asker, where there was not even an ack: both pay the cut, to neither of you.
    Cut {
        #[arg(value_parser = id)]
        edge: Id,
        #[command(flatten)]
        consent: Consent,
    },
    /// Ends an edge: before it is live, or after its time. Each gets the rest back.
    End {
        #[arg(value_parser = id)]
        edge: Id,
    },
    #[command(flatten)]
    Late(late::Command),
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Open { acker, collateral, token, deal, consent } => {
            let terms = deal.terms(session, acker, &collateral, asset(token)).await?;
            open(session, terms, &consent).await
        }
        Command::Join { edge, consent } => join(session, &edge, &consent).await,
        Command::Show { edge, request } => show(session, &edge, request).await,
        Command::Cut { edge, consent } => cut(session, &edge, &consent).await,
        Command::End { edge } => {
            let edge = Payments::open(session)?.edge(&edge)?;
            session.contracts.escrow().call(&session.me, methods::end_edge, &EdgeRef { edge }).await?;
            tell(session, edge).await
        }
        Command::Late(command) => late::run(session, command).await,
    }
}

async fn look(session: &Session, edge: EdgeId) -> anyhow::Result<Option<Edge>> {
    let escrow = session.contracts.escrow();
    Ok(escrow.view(session.rpc(), methods::edge, &EdgeRef { edge }, At::Final).await?)
}

async fn find(session: &Session, edge: EdgeId) -> anyhow::Result<Edge> {
    let found = look(session, edge).await?;
    found.with_context(|| format!("ESCROW_UNKNOWN_EDGE: there is no edge {edge}, or no more"))
}

async fn find_request(session: &Session, args: RequestRef) -> anyhow::Result<Request> {
    let escrow = session.contracts.escrow();
    let found = escrow.view(session.rpc(), methods::request, &args, At::Final).await?;
    found.with_context(|| format!("ESCROW_UNKNOWN_REQUEST: no request {} was escalated on this edge", args.counter))
}

fn signer(signer: &Signer) -> String {
    match signer {
        Signer::Ed25519(key) => key.to_string(),
        Signer::Eip191 { address, model } => format!("{address}, for {model} (EIP-191)"),
    }
}

/// What the two agree on, a line each.
fn agreed(asker: &AccountId, terms: &OpenEdge) -> Vec<(&'static str, String)> {
    let money = |amount| money(&terms.asset, amount);
    let mut lines = vec![
        ("asker", format!("{asker}, who signs requests with {}", terms.asker_key)),
        ("acker", format!("{}, who signs acks with {}", terms.acker, terms.acker_key)),
        ("answers", format!("are signed by {}", signer(&terms.signer))),
        ("collateral", format!("{} of each", money(terms.collateral.0))),
        (
            "late",
            format!(
                "{} for each second from a minute after escalation on, {} for a request at most",
                money(terms.rate_per_s.0),
                money(terms.cap.0)
            ),
        ),
        ("escalated", format!("within {} after the deadline", length(terms.window_ms))),
        ("cut", format!("costs each {}, which go to {}", money(terms.cut.0), terms.cut_to)),
        ("ends", time(terms.ends_ms)),
    ];
    lines.extend(terms.offer.map(|offer| ("offer", offer.to_string())));
    lines
}

fn terms_of(edge: &Edge) -> OpenEdge {
    OpenEdge {
        acker: edge.acker.clone(),
        asset: edge.asset.clone(),
        collateral: edge.collateral,
        cut: edge.cut,
        cut_to: edge.cut_to.clone(),
        rate_per_s: edge.rate_per_s,
        cap: edge.cap,
        window_ms: edge.window_ms,
        ends_ms: edge.ends_ms,
        asker_key: edge.asker_key,
        acker_key: edge.acker_key,
        signer: edge.signer.clone(),
        offer: edge.offer,
    }
}

fn state(edge: &Edge) -> String {
    match edge.state {
        EdgeState::Open => format!("open: {} has not joined", edge.acker),
        EdgeState::Joined => "joined, and collateral is missing".to_owned(),
        EdgeState::Live => match edge.escalations {
            0 => "live".to_owned(),
            open => format!("live, with {open} escalations open"),
        },
        EdgeState::Ended => "over, and not all has arrived yet: `charter pay edge end` sends it again".to_owned(),
    }
}

fn lines(edge: &Edge) -> Vec<(&'static str, String)> {
    let money = |amount| money(&edge.asset, amount);
    let mut lines = vec![("edge", edge.id.to_string())];
    lines.extend(agreed(&edge.asker, &terms_of(edge)));
    lines.push((
        "has",
        format!("{} of the asker's, {} of the acker's", money(edge.asker_side.0), money(edge.acker_side.0)),
    ));
    lines.push(("late pay", format!("{} so far, of which {} are due", money(edge.late.0), money(edge.asker_due.0))));
    lines.push(("state", state(edge)));
    lines
}

/// Where an edge is now that something was done with it.
async fn tell(session: &Session, id: EdgeId) -> anyhow::Result<()> {
    let edge = look(session, id).await?;
    let text = match &edge {
        None => format!("edge {id} is over, and both have theirs"),
        Some(edge) => format!("edge {id}: {}", state(edge)),
    };
    session.tell(&json!({ "edge": id, "shown": edge }), &text)
}

async fn open(session: &Session, terms: OpenEdge, consent: &Consent) -> anyhow::Result<()> {
    let collateral = terms.collateral.0;
    let mut payments = Payments::open(session)?;
    let this = format!("opens an edge, and puts {} as your collateral", money(&terms.asset, collateral));
    let mut sheet = vec![("this", this)];
    sheet.extend(agreed(&session.me.id, &terms));
    sheet.push(words::storage("0.006", false, "the edge is over"));
    ask(session, consent, sheet, (&terms.asset, &session.contracts.escrow)).await?;
    let own = if terms.asset.is_near() { collateral } else { 0 };
    let attached = own.saturating_add(STORAGE_DEPOSIT);
    let escrow = session.contracts.escrow();
    let edge = escrow.pay(&session.me, methods::open_edge, &terms, attached).await?.value;
    payments.remember_edge(edge)?;
    if let Asset::Nep141(token) = &terms.asset {
        let opened = format!("edge {edge} is open, and your collateral is not there: `charter pay edge end {edge}`");
        token::fill(session, token, collateral, &TransferMsg::Edge { edge }, &opened).await?;
    }
    tell(session, edge).await
}

/// What is missing of the acker's collateral, and what joining does.
fn joins(edge: &Edge) -> anyhow::Result<(u128, String)> {
    let missing = match edge.state {
        EdgeState::Open | EdgeState::Joined => edge.collateral.0.saturating_sub(edge.acker_side.0),
        EdgeState::Live => 0,
        EdgeState::Ended => bail!("ESCROW_EDGE_NOT_LIVE: edge {} is over", edge.id),
    };
    ensure!(missing > 0, "ESCROW_EDGE_JOINED: {} has joined edge {}, and put its collateral", edge.acker, edge.id);
    let (what, all) = (money(&edge.asset, missing), money(&edge.asset, edge.collateral.0));
    let this = match edge.state {
        EdgeState::Open if missing == edge.collateral.0 => format!("joins an edge, and puts {what} as your collateral"),
        EdgeState::Open => format!("joins an edge, and puts {what} that are missing of your collateral of {all}"),
        _ => format!("puts {what} that are missing of your collateral of {all}"),
    };
    Ok((missing, this))
}

async fn join(session: &Session, named: &Id, consent: &Consent) -> anyhow::Result<()> {
    let mut payments = Payments::open(session)?;
    let id = payments.edge(named)?;
    let edge = find(session, id).await?;
    let (missing, this) = joins(&edge)?;
    let mut sheet = vec![("this", this)];
    sheet.extend(lines(&edge));
    ask(session, consent, sheet, (&edge.asset, &session.contracts.escrow)).await?;
    let (me, escrow, args) = (&session.me, session.contracts.escrow(), EdgeRef { edge: id });
    match &edge.asset {
        Asset::Near => {
            escrow.pay(me, methods::join_edge, &args, missing).await?;
            payments.remember_edge(id)?;
        }
        Asset::Nep141(token) => {
            if edge.state == EdgeState::Open {
                escrow.pay(me, methods::join_edge, &args, 1).await?;
            }
            payments.remember_edge(id)?;
            let again = format!("you joined edge {id}: `charter pay edge join {id}` puts your collateral");
            token::fill(session, token, missing, &TransferMsg::Edge { edge: id }, &again).await?;
        }
    }
    tell(session, id).await
}

async fn show(session: &Session, named: &Id, request: Option<u64>) -> anyhow::Result<()> {
    let id = Payments::open(session)?.edge(named)?;
    let edge = find(session, id).await?;
    let mut sheet = lines(&edge);
    let mut found = None;
    if let Some(counter) = request {
        let request = find_request(session, RequestRef { edge: id, counter }).await?;
        sheet.extend(late::lines(&edge, &request));
        found = Some(request);
    }
    session.tell(&json!({ "edge": edge, "request": found }), words::sheet(&sheet).trim_end())
}

async fn cut(session: &Session, named: &Id, consent: &Consent) -> anyhow::Result<()> {
    let id = Payments::open(session)?.edge(named)?;
    let edge = find(session, id).await?;
    let costs = money(&edge.asset, edge.cut.0);
    let mut sheet = vec![("this", format!("cuts an edge: {costs} of yours and as much of the acker's are gone"))];
    sheet.extend(lines(&edge));
    consent.ask(&words::sheet(&sheet))?;
    session.contracts.escrow().call(&session.me, methods::cut_edge, &EdgeRef { edge: id }).await?;
    tell(session, id).await
}

#[cfg(test)]
mod tests {
    use charter_types::asset::Asset;
    use charter_types::escrow::{Edge, EdgeState, Signer};
    use charter_types::{Ed25519Key, Hash32, U128};

    use super::joins;

    /// Of whose acker's collateral so much is there.
    fn edge(state: EdgeState, acker_side: u128) -> Edge {
        let key = Ed25519Key([7; 32]);
        Edge {
            id: Hash32([1; 32]),
            asker: "a.near".parse().unwrap(),
            acker: "b.near".parse().unwrap(),
            asset: Asset::Nep141("usd.near".parse().unwrap()),
            collateral: U128(1_000),
            cut: U128(0),
            cut_to: "c.near".parse().unwrap(),
            rate_per_s: U128(1),
            cap: U128(1_000),
            window_ms: 60_000,
            ends_ms: 1,
            asker_key: key,
            acker_key: key,
            signer: Signer::Ed25519(key),
            offer: None,
            state,
            asker_side: U128(1_000),
            acker_side: U128(acker_side),
            late: U128(0),
            asker_due: U128(0),
            cut_due: U128(0),
            escalations: 0,
        }
    }

    #[test]
    fn joining_says_what_is_missing_of_the_collateral() {
        let said = |state, here| joins(&edge(state, here)).map_err(|error| error.to_string());
        let missing = "puts 400 usd.near that are missing of your collateral of 1000 usd.near";
        for (state, here, expected) in [
            (EdgeState::Open, 0, (1_000, "joins an edge, and puts 1000 usd.near as your collateral".to_owned())),
            (EdgeState::Open, 600, (400, format!("joins an edge, and {missing}"))),
            (EdgeState::Joined, 600, (400, missing.to_owned())),
        ] {
            assert_eq!(said(state, here), Ok(expected));
        }
        // What was late is taken from the collateral of a live one, and is not to be put again.
        for (state, here, code) in [
            (EdgeState::Joined, 1_000, "ESCROW_EDGE_JOINED: "),
            (EdgeState::Live, 600, "ESCROW_EDGE_JOINED: "),
            (EdgeState::Ended, 0, "ESCROW_EDGE_NOT_LIVE: "),
        ] {
            assert!(said(state, here).unwrap_err().starts_with(code), "{code}");
        }
    }
}
