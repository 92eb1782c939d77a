//! Requests that were not answered in time: the ack, its escalation, the answer, the late pay.

use anyhow::{anyhow, bail};
use charter_client::{ack, sha256};
use charter_types::escrow::args::{Deliver, Escalate, RequestRef};
use charter_types::escrow::{Edge, EdgeId, Exchange, Request, Signer, methods};
use charter_types::{AnySignature, Ed25519Key, Hash32, Signature64};
use ed25519_dalek::Signer as _;
use serde_json::json;

use super::{find, find_request};
use crate::files::payments::{Id, Payments, id};
use crate::session::Session;
use crate::units::{duration_ms, money, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Signs an ack with this folder's key, as an acker: you answer the request by then, or pay.
    Ack {
        #[command(flatten)]
        which: Which,
        /// sha256 of what is asked.
        #[arg(long, value_name = "HASH")]
        asked: Hash32,
        /// How long you have to answer, as 30s.
        #[arg(long, value_name = "TIME", value_parser = duration_ms)]
        within: u64,
    },
    /// Says whether an ack is worth something to its asker: whether silence could be escalated. Check it when you get it.
    Check {
        #[command(flatten)]
        ack: Acked,
        /// How long you are ready to wait for the answer from now on, as 30s [default: as long as the ack says].
        #[arg(long, value_name = "TIME", value_parser = duration_ms)]
        within: Option<u64>,
    },
    /// Presents an ack whose deadline is over, as its asker: from a minute later on each second costs the acker.
    Escalate {
        #[command(flatten)]
        ack: Acked,
    },
    /// Shows that there is an answer: that stops the clock. Anybody can.
    Deliver {
        #[command(flatten)]
        which: Which,
        /// sha256 of the answer.
        #[arg(long, value_name = "HASH")]
        response: Hash32,
        /// The signature of who signs answers on the edge [default: made here, if that is this folder's key].
        #[arg(long)]
        signature: Option<AnySignature>,
    },
    /// Sends the asker the late pay that is due. Anybody can.
    ClaimLate {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(clap::Args)]
pub struct Which {
    #[arg(value_parser = id)]
    edge: Id,
    /// The request's number on the edge.
    number: u64,
}

/// An ack, as `charter pay edge ack` prints it.
#[derive(clap::Args)]
pub struct Acked {
    #[command(flatten)]
    which: Which,
    /// sha256 of what is asked, as in the request.
    #[arg(long, value_name = "HASH")]
    asked: Hash32,
    /// The ack's deadline, milliseconds since 1970.
    #[arg(long, value_name = "MS")]
    deadline_ms: u64,
    /// The ack's signature.
    #[arg(long)]
    signature: Signature64,
}

impl Acked {
    fn read(&self, payments: &Payments) -> anyhow::Result<Escalate> {
        let RequestRef { edge, counter } = self.which.read(payments)?;
        let Self { asked, deadline_ms, signature, .. } = *self;
        Ok(Escalate { edge, counter, asked, deadline_ms, signature })
    }
}

impl Which {
    fn read(&self, payments: &Payments) -> anyhow::Result<RequestRef> {
        Ok(RequestRef { edge: payments.edge(&self.edge)?, counter: self.number })
    }
}

/// What became of a request, a line each.
pub fn lines(edge: &Edge, request: &Request) -> Vec<(&'static str, String)> {
    let answered = match &request.delivered {
        Some(delivered) => format!("answered at {}: {}", time(delivered.at_ms), delivered.response_hash),
        None if request.open => "not answered: each second costs".to_owned(),
        None => "not answered, and it has cost all that it can".to_owned(),
    };
    vec![
        ("request", format!("{}, of {}", request.counter, request.asked)),
        ("deadline", format!("{}, escalated at {}", time(request.deadline_ms), time(request.escalated_ms))),
        ("answer", answered),
        ("cost", format!("{} so far", money(&edge.asset, request.late.0))),
    ]
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let (me, escrow) = (&session.me, session.contracts.escrow());
    match command {
        Command::Ack { which, asked, within } => {
            sign_ack(session, &payments, which.read(&payments)?, asked, within).await
        }
        Command::Check { ack, within } => check(session, &payments, &ack.read(&payments)?, within).await,
        Command::Escalate { ack } => {
            let args = ack.read(&payments)?;
            escrow.call(me, methods::escalate, &args).await?;
            tell(session, RequestRef { edge: args.edge, counter: args.counter }).await
        }
        Command::Deliver { which, response: response_hash, signature } => {
            let request = which.read(&payments)?;
            let signature = match signature {
                Some(signature) => signature,
                None => answer(session, &payments, request, response_hash).await?,
            };
            let RequestRef { edge, counter } = request;
            let args = Deliver { edge, counter, response_hash, signature };
            escrow.call(me, methods::deliver, &args).await?;
            tell(session, request).await
        }
        Command::ClaimLate { which } => {
            let request = which.read(&payments)?;
            let edge = find(session, request.edge).await?;
            let amount = escrow.call(me, methods::claim_late, &request).await?.value;
            let text = format!("sent {} to {}", money(&edge.asset, amount.0), edge.asker);
            session.tell(&json!({ "edge": edge.id, "request": request.counter, "amount": amount }), &text)
        }
    }
}

/// What is signed about a request.
fn exchange(payments: &Payments, request: RequestRef, asked: Hash32) -> Exchange {
    let RequestRef { edge, counter } = request;
    Exchange { domain: payments.domain, edge, counter, asked }
}

async fn sign_ack(
    session: &Session,
    payments: &Payments,
    request: RequestRef,
    asked: Hash32,
    within: u64,
) -> anyhow::Result<()> {
    let edge = find(session, request.edge).await?;
    check_key(payments, edge.acker_key, edge.id)?;
    let deadline_ms = session.now_ms().await?.saturating_add(within);
    let message = exchange(payments, request, asked).ack(deadline_ms, sha256).to_bytes();
    let signature = Signature64(payments.key()?.sign(&message).to_bytes());
    let text = format!(
        "request {} is to be answered by {}: --asked {asked} --deadline-ms {deadline_ms} --signature {signature}",
        request.counter,
        time(deadline_ms)
    );
    let value = json!({
        "edge": edge.id, "request": request.counter, "asked": asked, "deadline_ms": deadline_ms, "signature": signature,
    });
    session.tell(&value, &text)
}

/// For its asker, who is told of a bad one by a code.
async fn check(session: &Session, payments: &Payments, given: &Escalate, within: Option<u64>) -> anyhow::Result<()> {
    let edge = find(session, given.edge).await?;
    let now_ms = session.now_ms().await?;
    let answer_by_ms = within.map_or(u64::MAX, |within| now_ms.saturating_add(within));
    ack::check(&edge, payments.domain, given, answer_by_ms, now_ms)
        .map_err(|error| anyhow!("{}: {error}", error.code()))?;
    let Escalate { counter, deadline_ms, .. } = *given;
    let text = format!("request {counter} is to be answered by {}, or {} pays", time(deadline_ms), edge.acker);
    session.tell(&json!({ "edge": edge.id, "request": counter, "deadline_ms": deadline_ms }), &text)
}

fn check_key(payments: &Payments, expected: Ed25519Key, edge: EdgeId) -> anyhow::Result<()> {
    let own = payments.public_key()?;
    if own != expected {
        bail!("PAY_WRONG_KEY: on edge {edge} {expected} signs this, and this folder has {own}");
    }
    Ok(())
}

/// The answer's signature, by this folder's key.
async fn answer(
    session: &Session,
    payments: &Payments,
    request: RequestRef,
    response_hash: Hash32,
) -> anyhow::Result<AnySignature> {
    let edge = find(session, request.edge).await?;
    let Signer::Ed25519(key) = edge.signer else {
        bail!("an Ethereum account signs answers on this edge: name its --signature")
    };
    check_key(payments, key, edge.id)?;
    let asked = find_request(session, request).await?.asked;
    let message = exchange(payments, request, asked).response(response_hash, sha256).to_bytes();
    Ok(AnySignature::Ed25519(Signature64(payments.key()?.sign(&message).to_bytes())))
}

async fn tell(session: &Session, args: RequestRef) -> anyhow::Result<()> {
    let (edge, request) = (find(session, args.edge).await?, find_request(session, args).await?);
    let text: Vec<String> =
        lines(&edge, &request).into_iter().map(|(name, line)| format!("{name:<11} {line}")).collect();
    session.tell(&json!({ "edge": edge.id, "request": request }), &text.join("\n"))
}
