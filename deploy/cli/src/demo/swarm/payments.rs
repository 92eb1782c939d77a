//! A hundred vouchers on each channel, all to one shop: checked off chain one by one, and claimed in batches.

use std::sync::Arc;

use anyhow::ensure;
use charter_client::pay::{Answer, Conditions, Margins, Payment, Seen};
use charter_client::{Payee, Payer};
use charter_types::escrow::{self, ClaimBatch, ClaimRow, Voucher};
use charter_types::{AccountId, Hash32};
use ed25519_dalek::SigningKey;
use tempfile::TempDir;

use super::accounts::Member;
use super::phases::Phases;
use super::{Ground, each};

/// On each channel.
pub const VOUCHERS: u64 = 100;
/// After so many of each channel the shop claims them, and so has the chain busy, too.
const VOUCHERS_A_CLAIM: u64 = 25;
/// Channels on which a payer sends ahead at once: what is under way is bounded, and the disk is asked once for many.
const CHANNELS_AHEAD: usize = 8;
/// One payment: a ten-thousandth of a NEAR.
const AMOUNT: u128 = 100_000_000_000_000_000_000;

/// Who is paid, by everybody. It has an account, which claims nothing itself: anybody may for it.
pub struct Shop {
    pub id: AccountId,
    payee: Arc<Payee>,
    domain: Hash32,
    /// What both ends of the channels keep on disk.
    folder: TempDir,
}

impl Shop {
    pub fn open(ground: &Ground, chain_id: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let domain = Voucher::domain(chain_id, &ground.contracts.escrow, charter_client::sha256);
        let payee = Arc::new(Payee::open(&folder.path().join("shop"), domain, Margins::default())?);
        let id: AccountId = format!("shop.{}", ground.localnet.root_id()).parse()?;
        Ok(Self { id, payee, domain, folder })
    }

    /// The other end.
    pub fn payer(&self, account: &AccountId) -> anyhow::Result<Payer> {
        let key = SigningKey::generate(&mut rand::rngs::OsRng);
        Ok(Payer::open(&self.folder.path().join(account.as_str()), key, self.domain)?)
    }

    /// All vouchers of all channels, and all claims. Answers how many rows were claimed, too.
    pub async fn be_paid(
        &self,
        ground: &Arc<Ground>,
        phases: &mut Phases,
        mut members: Vec<Member>,
    ) -> anyhow::Result<(Vec<Member>, u64)> {
        let now_ms = ground.now_ms().await?;
        let mut channels = Vec::new();
        for member in &members {
            for channel in member.shown(ground).await? {
                member.payer.see(Seen::new(&channel, now_ms))?;
                self.payee.see(Seen::new(&channel, now_ms))?;
                channels.push(channel.id);
            }
        }
        let count = u64::try_from(channels.len())?;
        let mut claimed = 0;
        for round in 1..=VOUCHERS / VOUCHERS_A_CLAIM {
            let paid = each(members, |member| pay(Arc::clone(ground), Arc::clone(&self.payee), member, now_ms));
            members = phases.play("vouchers", "vouchers", count * VOUCHERS_A_CLAIM, paid).await?;
            let batches = deal(members, self.payee.claim_rows(&channels, now_ms));
            let promised = AMOUNT * u128::from(VOUCHERS_A_CLAIM * round);
            let taken = each(batches, |(member, batches)| claim(Arc::clone(ground), member, batches, promised));
            members = phases.play("claims", "rows", count, taken).await?;
            claimed += count;
            self.payee.compact().await?;
        }
        Ok((members, claimed))
    }
}

/// Vouchers of one payer, sent ahead on a few channels at once.
async fn pay(ground: Arc<Ground>, payee: Arc<Payee>, member: Member, now_ms: u64) -> anyhow::Result<Member> {
    for channels in member.channels.chunks(CHANNELS_AHEAD) {
        let mut promised = Vec::new();
        for channel in channels {
            for _ in 0..VOUCHERS_A_CLAIM {
                promised.push(member.payer.pay(*channel, AMOUNT, Conditions::default(), now_ms));
            }
        }
        let mut answers = Vec::with_capacity(promised.len());
        for payment in promised {
            let Payment { voucher, signature } = payment.await?;
            answers.push(payee.accept(&voucher, &signature, AMOUNT, now_ms));
        }
        for answer in answers {
            let answer = answer.await?;
            ensure!(matches!(answer, Answer::Accepted(_)), "a voucher was refused: {answer:?}");
            ground.tally.add(1);
        }
    }
    member.payer.compact().await?;
    Ok(member)
}

/// Gives out batches as cards are dealt: whoever claims, the shop is paid.
fn deal(members: Vec<Member>, batches: Vec<Vec<ClaimRow>>) -> Vec<(Member, Vec<Vec<ClaimRow>>)> {
    let mut hands: Vec<_> = members.into_iter().map(|member| (member, Vec::new())).collect();
    let count = hands.len();
    for (number, batch) in batches.into_iter().enumerate() {
        hands[number % count].1.push(batch);
    }
    hands
}

async fn claim(
    ground: Arc<Ground>,
    mut member: Member,
    batches: Vec<Vec<ClaimRow>>,
    promised: u128,
) -> anyhow::Result<Member> {
    for rows in batches {
        let batch = ClaimBatch { rows, withdraw: false };
        let escrow = &ground.contracts.escrow;
        let results = member.sender.call(escrow, escrow::methods::claim_batch, &batch).await?;
        let other = results.iter().find(|result| result.claimed() != Some(promised));
        ensure!(other.is_none(), "{promised} was to be claimed on each channel: {other:?}");
        ground.tally.add(u64::try_from(results.len())?);
    }
    Ok(member)
}
