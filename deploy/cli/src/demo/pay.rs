//! Twelve hundred micropayments over three channels, settled by one receipt.

use charter_client::{At, Payee, Payer};
use charter_types::escrow;
use charter_types::escrow::args::{ChannelRef, Open};
use charter_types::escrow::{Channel, ClaimBatch, Voucher};
use ed25519_dalek::SigningKey;

use super::world::World;

/// Vouchers per channel.
const PAYMENTS: u64 = 400;
/// One payment: a ten-thousandth of a NEAR.
const AMOUNT: u128 = 100_000_000_000_000_000_000;
/// What each payer sets aside, storage included.
const DEPOSIT: u128 = 1_000_000_000_000_000_000_000_000;
const HOUR_MS: u64 = 3_600_000;

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let shop = world.person("shop")?;
    let domain = Voucher::domain(&world.chain_id(), &contracts.escrow, charter_client::sha256);
    let mut channels = Vec::new();
    let mut ends = Vec::new();
    let seen_ms = world.session("shop")?.now_ms().await?;
    for name in ["alice", "bob", "carol"] {
        let payer = world.person(name)?;
        let key = SigningKey::generate(&mut rand::rngs::OsRng);
        let voucher_key = charter_types::Ed25519Key(key.verifying_key().to_bytes());
        let args = Open { payee: shop.id.clone(), agent: None, voucher_key, withdraw_delay_ms: HOUR_MS };
        let done = contracts.escrow().pay(&payer, escrow::methods::open, &args, DEPOSIT).await?;
        let channel = world.take(done);
        let stands: Option<Channel> =
            world.rpc.view(&contracts.escrow, escrow::methods::channel, &ChannelRef { channel }, At::Final).await?;
        let payee = stands.and_then(|stands| Payee::new(domain, &stands, seen_ms));
        let payee = payee.ok_or_else(|| anyhow::anyhow!("there is no channel with a key that is a curve point"))?;
        ends.push((Payer::new(key, domain, channel), payee));
        channels.push(channel);
    }
    // Off chain: each payment is a voucher that the payee checks as the contract would.
    let claim_by_ms = seen_ms + HOUR_MS / 2;
    for _ in 0..PAYMENTS {
        for (payer, payee) in &mut ends {
            let (voucher, signature) = payer.pay(AMOUNT)?;
            payee.accept(&voucher, &signature, claim_by_ms)?;
        }
    }
    let vouchers: u64 = ends.iter().map(|(_, payee)| payee.accepted()).sum();
    world.progress.step("pay", &format!("{vouchers} vouchers checked off chain"));

    // On chain: one receipt claims and pays out all three.
    let rows = ends.iter().filter_map(|(_, payee)| payee.best().cloned()).collect();
    let done =
        contracts.escrow().call(&shop, escrow::methods::claim_batch, &ClaimBatch { rows, withdraw: true }).await?;
    let results = world.take(done);
    let settled = u64::try_from(results.iter().filter(|result| result.claimed().is_some()).count())?;
    let claimed: u128 = results.iter().filter_map(charter_types::escrow::ClaimResult::claimed).sum();
    anyhow::ensure!(claimed == AMOUNT * u128::from(vouchers), "claimed {claimed} for {vouchers} vouchers");
    let near = crate::units::near(claimed);
    world.progress.step("pay", &format!("{settled} channels settled by one claim_batch: {near} NEAR"));

    // One channel is closed: the payer gets the rest, storage goes back.
    let outcome = contracts
        .escrow()
        .call(&shop, escrow::methods::close, &escrow::args::ChannelRef { channel: channels[0] })
        .await?
        .outcome;
    world.pay(&outcome);
    world.state.note(|facts| {
        facts.channels = channels;
        facts.vouchers = vouchers;
        facts.claim_receipts = 1;
        facts.channels_settled = settled;
        facts.claimed_yocto = claimed.to_string();
    })
}
