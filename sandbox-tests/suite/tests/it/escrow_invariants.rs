//! INV-ESC over random operations on the real wasm: four people who are payers, payees and strangers to each other's
//! channels, who sign vouchers rightly and wrongly, close while payouts are on their way, and delete their accounts, so that
//! transfers come back. `model` says of every transaction whether it goes through, with which code it is refused, and what
//! everybody has afterwards, to the yocto.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/list.rs`: `cargo xtask mutations INV-ESC` takes
//! each of them out and sees a test here fail.

mod model;
mod moves;

use std::collections::BTreeMap;
use std::time::Duration;

use charter_client::sha256;
use charter_harness::arguments::charged_bytes;
use charter_harness::{Call, Caller, Harness, Outcome, answer, call, failed_with};
use charter_types::escrow::args::{ChannelRef, Channels, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ChannelId, ClaimBatch, ClaimRow};
use charter_types::{AccountId, Ed25519Key, Hash32, Nothing};
use ed25519_dalek::{Signer, SigningKey};
use near_workspaces::Account;
use near_workspaces::operations::Function;
use near_workspaces::types::{Gas, NearToken};
use proptest::collection::vec;

use crate::invariants::{Run, invariants};
use model::{Channel, DELAY_MS, Id, Model, Person, Row, Step};
use moves::{Expiry, Forged, Move, Op, RowOf, ops};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 60;
const PEOPLE: usize = 4;
const NAMES: [&str; PEOPLE] = ["ann", "ben", "cid", "dan"];
/// What opens a channel, storage included.
const DEPOSIT: u128 = 100_000_000_000_000_000_000_000;
/// A channel's row, and the payer's own: 10 kB would cost as much.
const STORAGE_MAX: u128 = DEPOSIT / 10;
/// A call is in a later block than the look before it.
const SLACK_MS: u64 = 60_000;
const BYTE_COST: u128 = 10_000_000_000_000_000_000;

struct World {
    harness: Harness,
    people: Vec<Account>,
    model: Model,
    /// Ids of channels, in the order in which they were opened.
    ids: Vec<ChannelId>,
    empty_bytes: u64,
    /// Sums over all that was ever deposited, and that arrived.
    deposited: u128,
    arrived: u128,
}

/// Of an account whose money comes from vouchers alone.
type Balances = BTreeMap<Person, u128>;

impl World {
    fn escrow(&self) -> &AccountId {
        &self.harness.contracts.escrow
    }

    fn key(channel: Id) -> SigningKey {
        SigningKey::from_bytes(&[u8::try_from(channel % 200).unwrap() + 1; 32])
    }

    fn channel(&self, op: &Op) -> Option<Id> {
        op.pick.checked_rem(self.model.channels.len())
    }

    fn known(&self, id: Id) -> Option<&Channel> {
        self.model.channels[id].as_ref()
    }

    fn id(&self, channel: Id) -> ChannelId {
        self.ids[channel]
    }

    /// Who may, if the sequence wants that, and has an account.
    fn caller(&self, op: &Op) -> Option<Person> {
        let channel = self.channel(op).and_then(|id| self.known(id)).filter(|_| op.rightly);
        let right = channel.map(|channel| match op.what {
            Move::TopUp | Move::RequestClose | Move::CancelClose | Move::TopUpAndRequest => channel.payer,
            Move::Claim | Move::Withdraw | Move::Close | Move::WithdrawAndClose | Move::ClaimAndClose => channel.payee,
            Move::Open | Move::FinalizeClose | Move::Wait | Move::Vanish => op.by,
        });
        Some(right.unwrap_or(op.by)).filter(|by| !self.model.gone.contains(by))
    }

    /// Steps of a transaction, with their deposits.
    fn steps(&self, op: &Op, now_ms: u64) -> Option<Vec<(Step, u128)>> {
        let (id, count) = (self.channel(op)?, self.model.channels.len());
        let off = u128::from(op.wrong_deposit);
        let (free, yocto) = (off, 1 - off);
        let top_up = (Step::TopUp(id), op.share * DEPOSIT / 1_000);
        // The first row is about the channel that was picked: else a payee would seldom find its own.
        let claim = || {
            let rows = op
                .rows
                .iter()
                .enumerate()
                .map(|(place, row)| self.row(row, if place == 0 { id } else { row.pick % count }, now_ms));
            let rows = rows.collect();
            (Step::Claim { rows, withdraw: op.withdraw }, free)
        };
        let close = (Step::Close(id), free);
        let mut both = vec![id, (id + 1) % count];
        both.sort_by_key(|one| self.id(*one));
        let withdraw = (Step::Withdraw(both), free);
        Some(match op.what {
            Move::TopUp => vec![top_up],
            Move::Claim => vec![claim()],
            Move::Withdraw if op.withdraw => vec![withdraw],
            Move::Withdraw => vec![(Step::Withdraw(vec![id, id]), free)],
            Move::Close => vec![close],
            Move::RequestClose => vec![(Step::RequestClose(id), yocto)],
            Move::CancelClose => vec![(Step::CancelClose(id), yocto)],
            Move::FinalizeClose => vec![(Step::FinalizeClose(id), free)],
            Move::WithdrawAndClose => vec![(Step::Withdraw(vec![id]), free), close],
            Move::ClaimAndClose => vec![claim(), close],
            Move::TopUpAndRequest => vec![top_up, (Step::RequestClose(id), yocto)],
            Move::Open | Move::Wait | Move::Vanish => return None,
        })
    }

    fn row(&self, row: &RowOf, channel: Id, now_ms: u64) -> Row {
        let deposited = self.known(channel).map_or(DEPOSIT, |channel| channel.deposited);
        let expires_ms = match row.expiry {
            Expiry::Never => 0,
            Expiry::Past => now_ms - SLACK_MS,
            Expiry::Later => now_ms + 10 * DELAY_MS,
        };
        let amount = deposited * row.share / 1_000;
        Row { channel, amount, expires_ms, signed: row.forged.is_none() }
    }

    /// The 134 bytes, as the contract's README has them, and what is presented instead if it is forged.
    fn claim_row(&self, row: &Row, forged: Option<Forged>) -> ClaimRow {
        let other = Hash32([9; 32]);
        let chain_id = if matches!(forged, Some(Forged::Chain)) { "other" } else { &self.harness.chain_id };
        let contract = if matches!(forged, Some(Forged::Contract)) { self.people[0].id() } else { self.escrow() };
        let channel = if matches!(forged, Some(Forged::Channel)) { other } else { self.id(row.channel) };
        let mut bytes = Vec::new();
        bytes.extend((0x8000_0000_u32 + 0x0043_4854).to_le_bytes());
        bytes.push(1 + u8::from(matches!(forged, Some(Forged::Version))));
        bytes.push(u8::from(matches!(forged, Some(Forged::Kind))));
        bytes.extend(domain(chain_id, contract.as_str()));
        bytes.extend(channel.0);
        bytes.extend((row.amount + u128::from(matches!(forged, Some(Forged::Amount)))).to_le_bytes());
        bytes.extend((row.expires_ms + u64::from(matches!(forged, Some(Forged::Expiry)))).to_le_bytes());
        bytes.extend((7 + u64::from(matches!(forged, Some(Forged::Counter)))).to_le_bytes());
        bytes.extend([u8::from(matches!(forged, Some(Forged::Root))); 32]);
        assert_eq!(bytes.len(), 134);
        let key = if matches!(forged, Some(Forged::Key)) { Self::key(row.channel + 1) } else { Self::key(row.channel) };
        let mut signature = key.sign(&bytes).to_bytes();
        if let Some(Forged::Bit(bit)) = forged {
            signature[usize::from(bit / 8)] ^= 1 << (bit % 8);
        }
        let (channel, context_root) = (self.id(row.channel).0, [0; 32]);
        let (cumulative, expires_at_ms) = (row.amount, row.expires_ms);
        ClaimRow { channel, cumulative, expires_at_ms, counter: 7, context_root, signature }
    }

    fn call(&self, step: &Step, op: &Op) -> Call {
        let reference = |id: &Id| ChannelRef { channel: self.id(*id) };
        match step {
            Step::TopUp(id) => call(escrow::top_up, &reference(id)),
            Step::Claim { rows, withdraw } => {
                let rows = rows.iter().zip(&op.rows).map(|(row, how)| self.claim_row(row, how.forged)).collect();
                call(escrow::claim_batch, &ClaimBatch { rows, withdraw: *withdraw }).tgas(100)
            }
            Step::Withdraw(ids) => {
                let channels = ids.iter().map(|id| self.id(*id)).collect();
                call(escrow::withdraw, &Channels { channels }).tgas(100)
            }
            Step::Close(id) => call(escrow::close, &reference(id)).tgas(100),
            Step::RequestClose(id) => call(escrow::request_close, &reference(id)).tgas(100),
            Step::CancelClose(id) => call(escrow::cancel_close, &reference(id)),
            Step::FinalizeClose(id) => call(escrow::finalize_close, &reference(id)),
        }
    }

    async fn balances(&self) -> Balances {
        let mut balances = Balances::new();
        for (number, person) in self.people.iter().enumerate().filter(|(number, _)| !self.model.gone.contains(number)) {
            balances.insert(number, person.view_account().await.unwrap().balance.as_yoctonear());
        }
        balances
    }

    /// That, or another one like it, that the model lets happen.
    fn rightly(&self, op: &Op, now_ms: u64) -> Op {
        let goes = |op: &Op| match (self.caller(op), self.steps(op, now_ms)) {
            (Some(by), Some(steps)) => self.model.clone().play(&steps, by, now_ms).is_ok(),
            _ => false,
        };
        let tries = if op.rightly { self.ids.len() } else { 0 };
        (0..tries).map(|n| Op { pick: op.pick.wrapping_add(n), ..op.clone() }).find(goes).unwrap_or_else(|| op.clone())
    }

    async fn step(&mut self, op: &Op) {
        match op.what {
            Move::Wait => return self.harness.wait(Duration::from_millis(DELAY_MS + 2 * SLACK_MS)).await.unwrap(),
            Move::Vanish => return self.vanish(op).await,
            Move::Open => return self.open(op).await,
            _ => {}
        }
        let now_ms = self.harness.now_ms().await.unwrap();
        let op = &self.rightly(op, now_ms);
        let (Some(by), Some(steps)) = (self.caller(op), self.steps(op, now_ms)) else { return };
        let before = self.balances().await;
        let calls: Vec<(Call, u128)> = steps.iter().map(|(step, deposit)| (self.call(step, op), *deposit)).collect();
        let outcome = self.send(by, &calls).await;
        let done = outcome.is_success();
        let code = failed_with(&outcome).unwrap_or_default();
        let what = format!("{steps:?} by {}: {done} {code}", NAMES[by]);
        for (call, _) in &calls {
            TALLY.note(&call.method, done);
        }
        let judged = self.model.play(&steps, by, now_ms);
        assert_eq!(
            judged.err().unwrap_or_default(),
            code,
            "INV-ESC-MODEL: the contract and the model disagree: {what}"
        );
        let sent: u128 = if done { steps.iter().map(|(_, deposit)| deposit).sum() } else { 0 };
        if done {
            self.check_rows(&steps, &outcome, &what);
            let topped_up: u128 =
                steps.iter().filter(|(step, _)| matches!(step, Step::TopUp(_))).map(|(_, deposit)| deposit).sum();
            self.deposited += topped_up;
        }
        // One yocto that shows a full-access key signed stays with the contract.
        self.check_money((by, sent), &outcome, before, &what).await;
        self.check(&what).await;
    }

    /// INV-ESC-3, 4 and 5: the last batch's rows, as if they had come one by one.
    fn check_rows(&self, steps: &[(Step, u128)], outcome: &Outcome, what: &str) {
        let Some((Step::Claim { rows, .. }, _)) = steps.first() else { return };
        if steps.len() > 1 {
            return;
        }
        let told: Vec<String> = answer(escrow::claim_batch, outcome).unwrap().into_iter().map(|row| row.1).collect();
        let forged = rows.iter().zip(&told).any(|(row, told)| !row.signed && told.parse::<u128>().is_ok());
        assert!(!forged, "INV-ESC-5: a voucher that nobody signed so was taken: {told:?}: {what}");
        assert_eq!(told, self.model.told, "INV-ESC-4: rows of a batch: {what}");
    }

    async fn send(&self, by: Person, calls: &[(Call, u128)]) -> Outcome {
        let mut batch = self.people[by].batch(self.escrow());
        for (Call { method, args, tgas }, deposit) in calls.iter().cloned() {
            let function = Function::new(&method).args(args).gas(Gas::from_tgas(tgas));
            batch = batch.call(function.deposit(NearToken::from_yoctonear(deposit)));
        }
        batch.transact().await.unwrap()
    }

    async fn open(&mut self, op: &Op) {
        let Some(by) = self.caller(op) else { return };
        let payee = op.pick % PEOPLE;
        let key = Self::key(self.ids.len());
        let voucher_key = Ed25519Key(key.verifying_key().to_bytes());
        let args =
            Open { payee: self.people[payee].id().clone(), agent: None, voucher_key, withdraw_delay_ms: DELAY_MS };
        let before = self.balances().await;
        let outcome = self.people[by].send(self.escrow(), call(escrow::open, &args), DEPOSIT).await.unwrap();
        let done = outcome.is_success();
        TALLY.note("open", done);
        let what = format!("open by {} to {}: {done}", NAMES[by], NAMES[payee]);
        assert_eq!(done, payee != by, "INV-ESC-MODEL: {what}");
        if done {
            let id = answer(escrow::open, &outcome).unwrap();
            assert!(!self.ids.contains(&id), "INV-ESC-6: an id came back: {what}");
            let channel = self.view(&[id]).await.remove(0);
            let storage = DEPOSIT - channel.deposited.0;
            assert!(storage <= STORAGE_MAX, "INV-ESC-MODEL: storage took {storage}: {what}");
            self.model.open(by, payee, channel.deposited.0);
            self.ids.push(id);
            self.deposited += channel.deposited.0;
        }
        self.check_money((by, if done { DEPOSIT } else { 0 }), &outcome, before, &what).await;
        self.check(&what).await;
    }

    /// Deletes its account, or makes it again.
    async fn vanish(&mut self, op: &Op) {
        let name = NAMES[op.by];
        if self.model.gone.remove(&op.by) {
            self.people[op.by] = self.harness.account(name).await.unwrap();
            return;
        }
        let heir = self.people[(op.by + 1) % PEOPLE].id();
        self.people[op.by].clone().delete_account(heir).await.unwrap().into_result().unwrap();
        self.model.gone.insert(op.by);
    }

    async fn view(&self, ids: &[ChannelId]) -> Vec<charter_types::escrow::Channel> {
        let channels = Channels { channels: ids.to_vec() };
        self.harness.look(self.escrow(), escrow::channels, &channels).await.unwrap()
    }

    /// INV-ESC-7 and 9: nobody has a yocto more or less than what arrived, what it sent, and gas.
    async fn check_money(&mut self, (by, sent): (Person, u128), outcome: &Outcome, before: Balances, what: &str) {
        let after = self.balances().await;
        let arrived = std::mem::take(&mut self.model.arrived);
        self.arrived += arrived.values().sum::<u128>();
        let burnt: u128 = outcome.outcomes().iter().map(|one| one.tokens_burnt.as_yoctonear()).sum();
        for (person, had) in before {
            let mine = if person == by { sent + burnt } else { 0 };
            let expected = had + arrived.get(&person).copied().unwrap_or_default() - mine;
            assert_eq!(after[&person], expected, "INV-ESC-7: what {} has: {what}", NAMES[person]);
        }
    }

    async fn check(&mut self, what: &str) {
        let seen = self.view(&self.ids).await;
        let mut shown = seen.iter();
        for (id, channel) in self.ids.iter().zip(&mut self.model.channels) {
            let Some(channel) = channel else {
                assert!(!seen.iter().any(|one| one.id == *id), "INV-ESC-6: a channel that is gone: {what}");
                continue;
            };
            let Some(one) = shown.next() else { panic!("INV-ESC-6: a channel is missing: {what}") };
            let number = |account: &AccountId| self.people.iter().position(|person| person.id() == account).unwrap();
            if let (Some(mine), Some(chains)) = (channel.closes_ms, one.closes_ms)
                && mine.abs_diff(chains) < SLACK_MS
            {
                channel.closes_ms = Some(chains);
            }
            let now = Channel {
                payer: number(&one.payer),
                payee: number(&one.payee),
                deposited: one.deposited.0,
                claimed: one.claimed.0,
                paid: one.paid.0,
                refunded: one.refunded.0,
                closes_ms: one.closes_ms,
                closed: one.closed,
            };
            assert_eq!(one.id, *id, "INV-ESC-6: {what}");
            let kept = now.paid <= now.claimed && now.claimed + now.refunded <= now.deposited;
            assert!(kept && now.claimed >= channel.claimed, "INV-ESC-2: {now:?}: {what}");
            assert_eq!(now, *channel, "INV-ESC-9: {what}");
        }
        self.check_books(what).await;
    }

    async fn check_books(&self, what: &str) {
        let sums = self.harness.look(self.escrow(), escrow::totals, &Nothing {}).await.unwrap();
        let accounted = sums.held.0 + sums.in_flight.0 + sums.paid.0 + sums.refunded.0;
        assert_eq!(sums.deposited.0, accounted, "INV-ESC-1: {sums:?}: {what}");
        let mine = (self.deposited, self.model.held(), 0, self.arrived);
        let chains = (sums.deposited.0, sums.held.0, sums.in_flight.0, sums.paid.0 + sums.refunded.0);
        assert_eq!(chains, mine, "INV-ESC-1: deposited, held, in flight, arrived: {what}");
        let account = self.harness.worker.view_account(self.escrow()).await.unwrap();
        let storage = u128::from(account.storage_usage) * BYTE_COST;
        let balance = account.balance.as_yoctonear();
        assert!(balance >= self.model.held() + storage, "INV-ESC-11: {balance}: {what}");
        let charged = charged_bytes(&self.harness, self.escrow(), &self.people).await;
        assert_eq!(charged, account.storage_usage - self.empty_bytes, "INV-ESC-6: bytes charged and held: {what}");
    }
}

/// sha256 of borsh: purpose, version, chain, contract.
fn domain(chain_id: &str, contract: &str) -> [u8; 32] {
    let text = |text: &str| [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat();
    sha256(&[text("charter/voucher"), vec![1], text(chain_id), text(contract)].concat())
}

invariants!(SEQUENCES, play, {
    inv_esc_1_what_was_deposited_is_held_or_arrived: "INV-ESC-1",
    inv_esc_2_no_channel_gives_more_than_it_has: "INV-ESC-2",
    inv_esc_4_a_batch_is_its_rows_in_any_order: "INV-ESC-4",
    inv_esc_5_a_voucher_bites_as_it_was_signed_or_not_at_all: "INV-ESC-5",
    inv_esc_6_ids_never_come_back_and_storage_does: "INV-ESC-6",
    inv_esc_7_nobody_has_a_yocto_more_or_less_and_none_before_the_grace_ends: "INV-ESC-7",
    inv_esc_9_a_transfer_that_fails_leaves_the_books_as_they_were: "INV-ESC-9",
    inv_esc_11_the_balance_covers_what_is_owed: "INV-ESC-11",
    the_contract_and_a_model_of_it_agree: "INV-ESC-MODEL",
});

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, empty_bytes) = runtime.block_on(async {
        let base = Harness::start().await.unwrap();
        let mut people = Vec::new();
        for name in NAMES {
            people.push(base.account(name).await.unwrap());
        }
        let empty = base.worker.view_account(&base.contracts.escrow).await.unwrap().storage_usage;
        (base, people, empty)
    });
    let run = Run { whose: "escrow", sequences, shrinks: 300, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, vec(ops(), 22..26), async |harness, people, ops| {
        let (model, ids) = (Model::default(), Vec::new());
        let mut world = World { harness, people, model, ids, empty_bytes, deposited: 0, arrived: 0 };
        for op in &ops {
            world.step(op).await;
        }
    })
}
