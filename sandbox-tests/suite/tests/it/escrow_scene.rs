//! What scenarios of the escrow have in common: a chain with a token, people who have some of it, and channels that are
//! opened, filled and claimed on. Vouchers are signed over the test's own bytes.

use std::fmt::Debug;
use std::time::Duration;

use charter_harness::arguments::DEPOSIT;
use charter_harness::{Caller, Harness, Outcome, answer, call, failed_with, ok, raw};
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Channels, Distribute, OfAsset, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{Channel, ChannelId, ClaimBatch, ClaimRow, Split, Totals, WITHDRAW_DELAY_MS_MIN};
use charter_types::method::Method;
use charter_types::{AccountId, Ed25519Key, U128};
use ed25519_dalek::SigningKey;
use near_workspaces::Account;
use serde_json::{Value, json};

use crate::escrow_bytes::{Message, domain};
use crate::staked::{tell, token, tokens_of};

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// What each of the people has of the token.
pub const TOKENS: u128 = 1_000_000_000_000;

/// The key that signs the payers' vouchers.
pub fn voucher_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub struct Scene {
    pub harness: Harness,
    pub token: Account,
    /// A payer, a payee, and two who have a share or nothing to do with it.
    pub ann: Account,
    pub ben: Account,
    pub cid: Account,
    pub dan: Account,
}

impl Scene {
    pub async fn new() -> Self {
        Self::on(Harness::start().await.unwrap()).await
    }

    pub async fn on(harness: Harness) -> Self {
        Self::of(harness, ["ann", "ben", "cid", "dan"], "token").await
    }

    /// Its people and its token have other names.
    pub async fn of(harness: Harness, names: [&str; 4], of_token: &str) -> Self {
        let mut people = Vec::new();
        for name in names {
            people.push(harness.account(name).await.unwrap());
        }
        let holders: Vec<_> = people.iter().map(|person| (person.id().clone(), TOKENS)).collect();
        let token = token(&harness, of_token, &holders).await;
        let [ann, ben, cid, dan] = people.try_into().unwrap();
        Self { harness, token, ann, ben, cid, dan }
    }

    pub fn contract(&self) -> &AccountId {
        &self.harness.contracts.escrow
    }

    pub fn asset(&self) -> Asset {
        Asset::Nep141(self.token.id().clone())
    }

    /// What ben is paid by, in the token.
    pub fn open_args(&self) -> Open {
        let key = Ed25519Key(voucher_key().verifying_key().to_bytes());
        Open { asset: self.asset(), ..Open::new(self.ben.id().clone(), key, WITHDRAW_DELAY_MS_MIN) }
    }

    /// Opened by ann and, in a token, filled.
    pub async fn open(&self, args: &Open, amount: u128) -> ChannelId {
        let id = ok(&self.ann, self.contract(), escrow::open, args, DEPOSIT).await;
        if let Asset::Nep141(token) = &args.asset {
            let msg = json!({ "top_up": { "channel": id } });
            assert_eq!(self.transfer(&self.ann, token, amount, &msg).await, amount, "not taken");
        }
        id
    }

    /// How many of the tokens that somebody sends are taken.
    pub async fn transfer(&self, by: &Account, token: &AccountId, amount: u128, msg: &Value) -> u128 {
        let args = json!({ "receiver_id": self.contract(), "amount": U128(amount), "msg": msg.to_string() });
        let sent = by.send(token, raw("ft_transfer_call", args), 1).await.unwrap();
        assert!(sent.is_success(), "{sent:?}");
        sent.json::<U128>().unwrap().0
    }

    pub async fn send<M: Method>(&self, by: &Account, method: M, args: &M::Args, deposit: u128) -> Outcome {
        by.send(self.contract(), call(method, args), deposit).await.unwrap()
    }

    /// The code of a call, if it fails.
    pub async fn told<M: Method>(&self, by: &Account, method: M, args: &M::Args, deposit: u128) -> Option<String> {
        failed_with(&self.send(by, method, args, deposit).await)
    }

    /// What a call answers, or the code that it fails with.
    pub async fn asked<M: Method>(
        &self,
        by: &Account,
        method: M,
        args: &M::Args,
        deposit: u128,
    ) -> Result<M::Answer, String> {
        let outcome = self.send(by, method, args, deposit).await;
        match failed_with(&outcome) {
            Some(code) => Err(code),
            None => Ok(answer(method, &outcome).unwrap()),
        }
    }

    pub async fn look<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.contract(), method, args).await.unwrap()
    }

    pub fn row(&self, channel: ChannelId, cumulative: u128) -> ClaimRow {
        row(&self.harness, channel, cumulative)
    }

    /// What is claimed on a channel now, or the code of the refusal; by somebody who has nothing to do with it.
    pub async fn claim(&self, channel: ChannelId, cumulative: u128) -> String {
        let batch = ClaimBatch { rows: vec![self.row(channel, cumulative)], withdraw: false };
        self.asked(&self.dan, escrow::claim_batch, &batch, 0).await.unwrap().remove(0).1
    }

    pub async fn withdraw(&self, by: &Account, channels: &[ChannelId]) -> Result<u128, String> {
        let channels = Channels { channels: channels.to_vec() };
        self.asked(by, escrow::withdraw, &channels, 0).await.map(|sum| sum.0)
    }

    /// By dan, who has nothing to do with it.
    pub async fn distribute(&self, channel: ChannelId, splits: &[Split], shares: &[u8]) -> Result<u128, String> {
        let args = Distribute { channel, splits: splits.to_vec(), offer: None, shares: shares.to_vec() };
        self.asked(&self.dan, escrow::distribute, &args, 0).await.map(|sum| sum.0)
    }

    pub async fn channel(&self, channel: ChannelId) -> Option<Channel> {
        self.look(escrow::channel, &ChannelRef { channel }).await
    }

    pub async fn tokens(&self, of: &AccountId) -> u128 {
        tokens_of(&self.harness, self.token.id(), of).await
    }

    /// What the token's owner has it do.
    pub async fn tell_token(&self, method: &str, args: Value) {
        tell(&self.harness, self.token.id(), method, args).await;
    }

    pub async fn until(&self, ms: u64) {
        until(&self.harness, ms).await;
    }

    /// So much later.
    pub async fn wait(&self, ms: u64) {
        self.harness.wait(Duration::from_millis(ms)).await.unwrap();
    }

    pub async fn now_ms(&self) -> u64 {
        self.harness.now_ms().await.unwrap()
    }

    /// INV-ESC-1: the sums, of which nothing is on its way.
    pub async fn settled(&self, asset: &Asset) -> Totals {
        let sums = self.look(escrow::totals, &OfAsset { asset: asset.clone() }).await;
        assert_eq!(sums.in_flight, U128(0), "{sums:?}");
        let parts = [sums.held, sums.paid, sums.refunded].iter().map(|part| part.0).sum::<u128>();
        assert_eq!(sums.deposited.0, parts, "INV-ESC-1: {sums:?}");
        sums
    }

    /// The same of the token, of which the contract has as much as it holds.
    pub async fn settled_tokens(&self) -> Totals {
        let sums = self.settled(&self.asset()).await;
        assert_eq!(self.tokens(self.contract()).await, sums.held.0, "INV-ESC-1: {sums:?}");
        sums
    }
}

/// A voucher as its payee presents it.
pub fn row(harness: &Harness, channel: ChannelId, cumulative: u128) -> ClaimRow {
    let message = Message { domain: domain(harness), about: channel.0, cumulative, counter: 7, ..Message::default() };
    presented(&message, message.sign(&voucher_key()))
}

/// What a row says of a message, with any signature.
pub fn presented(message: &Message, signature: [u8; 64]) -> ClaimRow {
    ClaimRow {
        channel: message.about,
        cumulative: message.cumulative,
        expires_at_ms: message.expires_ms,
        counter: message.counter,
        context_root: message.root,
        signature,
    }
}

pub fn split(account: &AccountId, bps: u16) -> Split {
    Split { account: account.clone(), bps }
}

/// Lets time pass until the chain's clock shows this, or somewhat more.
pub async fn until(harness: &Harness, ms: u64) {
    let now_ms = harness.now_ms().await.unwrap();
    if ms > now_ms {
        harness.wait(Duration::from_millis(ms - now_ms)).await.unwrap();
    }
}

/// When a contract's receipts of a transaction were executed, the first one first.
pub async fn times(harness: &Harness, outcome: &Outcome, contract: &AccountId) -> Vec<u64> {
    let mut times = Vec::new();
    for one in outcome.receipt_outcomes().iter().filter(|one| one.executor_id == *contract) {
        let block = harness.worker.view_block().block_hash(one.block_hash).await.unwrap();
        times.push(block.timestamp() / 1_000_000);
    }
    times.sort_unstable();
    times
}

/// The code of a receipt that failed; all that the node says of it, if the contract did not end it.
pub fn said(failure: &impl Debug) -> String {
    let failure = format!("{failure:?}");
    let Some((_, told)) = failure.split_once("Smart contract panicked: ") else { return failure };
    told.split([':', '"', '\\']).next().unwrap_or(told).to_owned()
}

/// What an account has, storage of its own included.
pub async fn balance(account: &Account) -> u128 {
    account.view_account().await.unwrap().balance.as_yoctonear()
}

/// What a transaction cost whoever sent it, beside its deposit.
pub fn burnt(outcome: &Outcome) -> u128 {
    outcome.outcomes().iter().map(|one| one.tokens_burnt.as_yoctonear()).sum()
}
