//! Twelve hundred micropayments over three channels, settled by one receipt.

use charter_client::pay::{Answer, Conditions, Margins, Payment, Seen};
use charter_client::{At, Payee, Payer};
use charter_types::escrow;
use charter_types::escrow::args::{ChannelRef, Open};
use charter_types::escrow::{Channel, ChannelId, ClaimBatch, Voucher};
use ed25519_dalek::SigningKey;

use super::deal;
use super::world::World;

/// Vouchers per channel.
const PAYMENTS: u64 = 400;
/// One payment: a ten-thousandth of a NEAR.
const AMOUNT: u128 = 100_000_000_000_000_000_000;
/// What each payer sets aside, storage included.
const DEPOSIT: u128 = 1_000_000_000_000_000_000_000_000;
const HOUR_MS: u64 = 3_600_000;

/// Off chain: each payment is a voucher that the payee checks as the contract would. They are sent ahead, and each counts when
/// the payee has it on disk.
async fn pay_ahead(ours: &Payer, theirs: &Payee, channel: ChannelId, seen_ms: u64) -> anyhow::Result<u64> {
    let pay = |_| ours.pay(channel, AMOUNT, Conditions::default(), seen_ms);
    let promised: Vec<_> = (0..PAYMENTS).map(pay).collect();
    let mut answers = Vec::new();
    for payment in promised {
        let Payment { voucher, signature } = payment.await?;
        answers.push(theirs.accept(&voucher, &signature, AMOUNT, seen_ms));
    }
    let mut vouchers = 0;
    for answer in answers {
        let answer = answer.await?;
        anyhow::ensure!(matches!(answer, Answer::Accepted(_)), "a voucher was refused: {answer:?}");
        vouchers += 1;
    }
    Ok(vouchers)
}

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let shop = world.person("shop")?;
    let domain = Voucher::domain(&world.chain_id(), &contracts.escrow, charter_client::sha256);
    let folder = tempfile::tempdir()?;
    let theirs = Payee::open(&folder.path().join("shop"), domain, Margins::default())?;
    let mut channels = Vec::new();
    let mut payers = Vec::new();
    let seen_ms = world.session("shop")?.now_ms().await?;
    for name in ["alice", "bob", "carol"] {
        let payer = world.person(name)?;
        let key = SigningKey::generate(&mut rand::rngs::OsRng);
        let ours = Payer::open(&folder.path().join(name), key, domain)?;
        let args = Open::new(shop.id.clone(), ours.voucher_key(), HOUR_MS);
        let done = contracts.escrow().pay(&payer, escrow::methods::open, &args, DEPOSIT).await?;
        let channel = world.take(done);
        let stands: Option<Channel> =
            world.rpc.view(&contracts.escrow, escrow::methods::channel, &ChannelRef { channel }, At::Final).await?;
        let stands = stands.ok_or_else(|| anyhow::anyhow!("there is no channel {channel}"))?;
        ours.see(Seen::new(&stands, seen_ms))?;
        theirs.see(Seen::new(&stands, seen_ms))?;
        payers.push(ours);
        channels.push(channel);
    }
    let mut vouchers = 0;
    for (ours, channel) in payers.iter().zip(&channels) {
        vouchers += pay_ahead(ours, &theirs, *channel, seen_ms).await?;
    }
    world.progress.step("pay", &format!("{vouchers} vouchers checked off chain"));

    // On chain: one receipt claims and pays out all three.
    let rows = theirs.claim_rows(&channels, seen_ms).concat();
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
    })?;
    deal::play(world).await
}
