//! `charter upgrade …`: code for Charter's own contracts, voted for by the council of line 1.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use charter_client::{At, Call, ClientError, sha256};
use charter_types::governance::args::{ExecuteUpgrade, ProposeUpgrade};
use charter_types::governance::{LineId, ProposalId, ProposalKind, methods};
use charter_types::{AccountId, Hash32, Nothing, shared};
use serde_json::json;

use crate::files::read;
use crate::key::input::Consent;
use crate::key::words;
use crate::output::longer;
use crate::proposal::{self, Subject};
use crate::session::{Group, Session};
use crate::units::time;

/// The line that decides about Charter's own contracts.
const OWN_LINE: LineId = 1;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Proposes code for a contract, in place of what runs there now. Only its hash goes on chain.
    Propose {
        /// The contract's account.
        contract: AccountId,
        #[arg(value_name = "WASM")]
        code: PathBuf,
        #[command(flatten)]
        consent: Consent,
    },
    /// Sends approved code to its contract, once its time has come. Counts the votes if nobody has.
    Execute {
        proposal: ProposalId,
        #[arg(value_name = "WASM")]
        code: PathBuf,
    },
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Propose { contract, code, consent } => propose(&session, contract, &read(&code)?, &consent).await,
        Command::Execute { proposal, code } => execute(&session, proposal, read(&code)?).await,
    }
}

async fn propose(session: &Session, contract: AccountId, code: &[u8], consent: &Consent) -> anyhow::Result<()> {
    let running = session.rpc().view(&contract, shared::methods::deployment, &Nothing {}, At::Final).await;
    let replaces = running.with_context(|| format!("{contract} does not say which code it runs"))?;
    let code_hash = Hash32(sha256(code));
    let bond = proposal::line(session, OWN_LINE).await?.params.proposal_bond;
    let mut sheet = vec![
        ("this", format!("proposes code for {contract}")),
        ("new code", format!("sha256 {code_hash}, {} bytes", code.len())),
        ("replaces", format!("deployment {}, sha256 {}", replaces.number, replaces.sha256)),
    ];
    sheet.extend(proposal::bond(bond, proposal::UNTIL_OVER));
    consent.ask(&words::sheet(&sheet))?;
    let args = ProposeUpgrade { contract, code_hash, replaces };
    let proposal = session.call_with_bond(methods::propose_upgrade, &args, bond).await?;
    let until = time(Subject::read(session, proposal).await?.proposal.end_ms);
    let text = format!("proposal {proposal}: vote until {until} with `charter vote {proposal} yes`");
    session.tell(&json!({ "proposal": proposal, "code_hash": code_hash, "replaces": replaces }), &text)
}

async fn execute(session: &Session, id: ProposalId, code: Vec<u8>) -> anyhow::Result<()> {
    let mut subject = Subject::read(session, id).await?;
    let ProposalKind::ContractUpgrade { contract, code_hash } = subject.proposal.kind.clone() else {
        anyhow::bail!("proposal {id} is not about a contract's code");
    };
    let found = Hash32(sha256(&code));
    ensure!(found == code_hash, "GOVERNANCE_WRONG_CODE: the file hashes to {found}; approved is {code_hash}");
    subject.ready(session).await?;
    let running = session.rpc().view(&contract, shared::methods::deployment, &Nothing {}, At::Final).await?;
    ensure!(
        subject.proposal.replaces == Some(running),
        "CHARTER_CODE_REPLACED: {contract} runs deployment {}, sha256 {}, which is not what was voted on: propose it anew",
        running.number,
        running.sha256
    );
    let args = ExecuteUpgrade { proposal: id, code };
    let call = Call::new(methods::execute_upgrade, &args).into_action();
    let outcome = session.me.send_unchecked(&session.contracts.governance, vec![call]).await?;
    if let Some(told) = outcome.failure() {
        // Governance learns that the contract failed. Why, only who reads the outcomes knows.
        let why = outcome.failures().next().filter(|why| why.text != told.text);
        let Some(why) = why else { return Err(ClientError::from(told).into()) };
        let again = format!(": {contract} is as it was, and proposal {id} can be tried again");
        return Err(longer(ClientError::from(why), again));
    }
    let text = format!("{contract} runs {code_hash}");
    session.tell(&json!({ "proposal": id, "contract": contract, "code_hash": code_hash }), &text)
}
