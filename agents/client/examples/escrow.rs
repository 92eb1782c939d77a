//! Opens a channel to the root account, pays by vouchers off chain, and lets the payee's side claim what it got:
//! `cargo run --example escrow -- RPC_URL ROOT_ID ACCOUNT_ID ACCOUNT_KEY`.

#[path = "shared/start.rs"]
mod start;

use anyhow::Context;
use charter_client::pay::{Answer, Conditions, Margins, Payment, Seen};
use charter_client::{Account, Contracts, Payee, Payer, sha256};
use charter_types::AccountId;
use charter_types::escrow::args::Open;
use charter_types::escrow::{self, ClaimBatch, Voucher, WITHDRAW_DELAY_MS_MIN};
use ed25519_dalek::SigningKey;

const DEPOSIT: u128 = 100_000_000_000_000_000_000_000;
const PRICE: u128 = 1_000_000_000_000_000_000_000;
const PAYMENTS: usize = 3;

/// The voucher key is no access key: all it can spend is the channel's deposit. Anybody may present vouchers.
pub async fn pay(
    contracts: &Contracts,
    payer: &Account,
    payee: AccountId,
    chain_id: &str,
    voucher_key: SigningKey,
) -> anyhow::Result<u128> {
    let escrow = contracts.escrow();
    let domain = Voucher::domain(chain_id, &contracts.escrow, sha256);
    // Each end remembers what it signed or took, in a folder of its own. These two are gone when the example ends.
    let folder = tempfile::tempdir()?;
    let ours = Payer::open(&folder.path().join("payer"), voucher_key, domain)?;
    let theirs = Payee::open(&folder.path().join("payee"), domain, Margins::default())?;
    let args = Open::new(payee, ours.voucher_key(), WITHDRAW_DELAY_MS_MIN);
    let channel = escrow.pay(payer, escrow::methods::open, &args, DEPOSIT).await?.value;

    // Both look at the channel as the chain shows it, and would again every minute.
    let seen = Seen::read(payer.rpc(), contracts, channel).await?.context("the channel is not there")?;
    let now_ms = seen.at_ms;
    ours.see(seen.clone())?;
    theirs.see(seen)?;

    // Off chain: each request comes with a voucher for all that was ever paid.
    for _ in 0..PAYMENTS {
        let Payment { voucher, signature } = ours.pay(channel, PRICE, Conditions::default(), now_ms).await?;
        let answer = theirs.accept(&voucher, &signature, PRICE, now_ms).await?;
        anyhow::ensure!(matches!(answer, Answer::Accepted(_)), "the voucher was refused: {answer:?}");
    }

    // On chain: the last voucher settles all of them.
    let batch = ClaimBatch { rows: theirs.claim_rows(&[channel], now_ms).concat(), withdraw: false };
    let results = escrow.call(payer, escrow::methods::claim_batch, &batch).await?.value;
    let claimed = results.first().and_then(escrow::ClaimResult::claimed).context("nothing was claimed")?;
    println!("{claimed} yoctoNEAR claimed for {PAYMENTS} vouchers");
    Ok(claimed)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (contracts, payer) = start::from_command_line()?;
    let status: serde_json::Value = payer.rpc().call("status", serde_json::json!([])).await?;
    let chain_id = status["chain_id"].as_str().unwrap_or_default().to_owned();
    let payee = contracts.registry.get_parent_account_id().context("the contracts are below no account")?.to_owned();
    pay(&contracts, &payer, payee, &chain_id, SigningKey::from_bytes(&rand::random())).await?;
    Ok(())
}
