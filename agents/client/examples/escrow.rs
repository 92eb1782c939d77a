//! Opens a channel to the root account, pays by vouchers off chain, and lets the payee's side claim what it got:
//! `cargo run --example escrow -- RPC_URL ROOT_ID ACCOUNT_ID ACCOUNT_KEY`.

#[path = "shared/start.rs"]
mod start;

use anyhow::Context;
use charter_client::{Account, At, Contracts, Payee, Payer, sha256};
use charter_types::escrow::args::{ChannelRef, Open};
use charter_types::escrow::{self, ClaimBatch, Voucher, WITHDRAW_DELAY_MS_MIN};
use charter_types::{AccountId, Ed25519Key};
use ed25519_dalek::SigningKey;

const DEPOSIT: u128 = 100_000_000_000_000_000_000_000;
const PRICE: u128 = 1_000_000_000_000_000_000_000;

/// The voucher key is no access key: all it can spend is the channel's deposit. Anybody may present vouchers.
pub async fn pay(
    contracts: &Contracts,
    payer: &Account,
    payee: AccountId,
    chain_id: &str,
    voucher_key: SigningKey,
) -> anyhow::Result<u128> {
    let (escrow, rpc) = (contracts.escrow(), payer.rpc());
    let args = Open {
        payee,
        agent: None,
        voucher_key: Ed25519Key(voucher_key.verifying_key().to_bytes()),
        withdraw_delay_ms: WITHDRAW_DELAY_MS_MIN,
    };
    let channel = escrow.pay(payer, escrow::methods::open, &args, DEPOSIT).await?.value;

    // Off chain: each request comes with a voucher for all that was ever paid.
    let domain = Voucher::domain(chain_id, &contracts.escrow, sha256);
    let known = escrow.view(rpc, escrow::methods::channel, &ChannelRef { channel }, At::Final).await?;
    let known = known.context("the channel is not there")?;
    let seen_ms = rpc.block(At::Final).await?.header.timestamp_nanosec / 1_000_000;
    let mut theirs = Payee::new(domain, &known, seen_ms).context("the voucher key is no curve point")?;
    let mut ours = Payer::new(voucher_key, domain, channel);
    // Before the payer, who can ask to close the channel at any moment, could have its money back.
    let claim_by_ms = seen_ms + WITHDRAW_DELAY_MS_MIN / 2;
    for _ in 0..3 {
        let (voucher, signature) = ours.pay(PRICE)?;
        theirs.accept(&voucher, &signature, claim_by_ms)?;
    }

    // On chain: the last voucher settles all of them.
    let batch = ClaimBatch { rows: theirs.best().cloned().into_iter().collect(), withdraw: false };
    let results = escrow.call(payer, escrow::methods::claim_batch, &batch).await?.value;
    let claimed = results.first().and_then(escrow::ClaimResult::claimed).context("nothing was claimed")?;
    println!("{claimed} yoctoNEAR claimed for {} vouchers", theirs.accepted());
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
