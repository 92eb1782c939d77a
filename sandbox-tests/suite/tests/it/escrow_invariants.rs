//! INV-ESC over random operations on the real wasm: four people who are payers, payees, askers, ackers and strangers to
//! each other's money, and the account of an agent. They sign rightly and wrongly, close while payouts are on their way,
//! delete their accounts, and send NEAR and a token that fails, for all or for one, so that transfers come back. Now and then
//! two of them call at once, and a third token lies of more than there can be. `model` says of every transaction whether it
//! goes through, with which code it is refused, and what everybody has afterwards, to the yocto; `between` looks at what is
//! held while money is on its way.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/`: `cargo xtask mutations INV-ESC` takes each
//! of them out and sees a test here fail.

mod between;
mod calls;
mod checks;
mod liar;
mod model;
mod moves;
mod pairs;
mod picks;
mod verdicts;

use std::collections::BTreeMap;

use charter_harness::arguments::{DEPOSIT, accept, charged_bytes, prepay, register};
use charter_harness::{Caller, Harness, Outcome, answer, failed_with, ok};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ChannelId, EdgeId};
use charter_types::method::Method;
use charter_types::registry::args::{AgentAccount, SetAgentAccount};
use charter_types::registry::methods as registry;
use charter_types::{AccountId, U128};
use near_workspaces::Account;
use near_workspaces::operations::Function;
use near_workspaces::types::{Gas, NearToken};
use proptest::collection::vec;
use serde_json::json;

use crate::escrow_scene::{burnt, said, times, until};
use crate::invariants::{Run, STEPS, invariants};
use crate::staked::{tell, token};
use checks::Purses;
use liar::Lied;
use model::{ANN, ASSETS, Act, BOT, DAY_MS, Goal, HOUR_MS, LONG_MS, Model, NEAR, PEOPLE, Person, Step, Terms};
use moves::{Move, Op, Until, next_owner, ops};
use verdicts::{broken_by_row, check_code, fail_if_any, failure_of};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 200;
const NAMES: [&str; PEOPLE] = ["ann", "ben", "cid", "dan", "bot"];
/// What everybody has of the token.
const TOKENS: u128 = 1_000_000_000;
/// A call is in a later block than the look before it.
const SLACK_MS: u64 = 60_000;
const BYTE_COST: u128 = 10_000_000_000_000_000_000;

struct World {
    harness: Harness,
    people: Vec<Account>,
    /// A name that nobody has.
    nobody: AccountId,
    /// In which things are, and one in which nothing is.
    token: AccountId,
    other: AccountId,
    /// In which things are that nobody has.
    liar: AccountId,
    lied: Option<Lied>,
    /// What the registry calls the agent.
    agent: u64,
    model: Model,
    /// Ids of channels and edges, in the order in which they were opened, and the channels' terms.
    ids: Vec<ChannelId>,
    terms: Vec<Terms>,
    edge_ids: Vec<EdgeId>,
    /// Bytes of the contract before anybody stored anything.
    empty_bytes: u64,
    /// What the contract had beside what it owes when somebody looked.
    beside: u128,
}

/// What became of a transaction: done, or refused with this code.
type Came = Result<(), String>;

impl World {
    fn escrow(&self) -> &AccountId {
        &self.harness.contracts.escrow
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.escrow(), method, args).await.unwrap()
    }

    /// What is no call that is judged: time, accounts, and what registry and token are told. Whether it was one of those.
    async fn prepare(&mut self, op: &Op) -> bool {
        match op.what {
            Move::Wait(until) => self.wait(op, until).await,
            Move::Vanish => self.vanish(op.by % BOT).await,
            Move::Fail => {
                let fails = op.flag && op.share < 700;
                tell(&self.harness, &self.token, "fail", json!({ "fails": fails })).await;
                self.model.fails = fails;
            }
            Move::Refuse => {
                let args = json!({ "account_id": self.id(op.other), "refuses": op.flag });
                tell(&self.harness, &self.token, "refuse", args).await;
                if op.flag {
                    self.model.refused.insert(op.other);
                } else {
                    self.model.refused.remove(&op.other);
                }
            }
            Move::Sell => self.sell().await,
            Move::LieHugely => self.lie_hugely(op).await,
            Move::AtOnce => self.at_once(op).await,
            _ => return false,
        }
        true
    }

    async fn wait(&self, op: &Op, until_when: Until) {
        let now_ms = self.harness.now_ms().await.unwrap();
        let edge = self.edge(op).and_then(|id| self.model.edges[id].as_ref());
        let then_ms = match until_when {
            Until::Soon => now_ms + 1_000 * (1 + u64::try_from(op.pick % 180).unwrap()),
            Until::Hour => now_ms + HOUR_MS,
            Until::Day => now_ms + DAY_MS,
            Until::Long => now_ms + LONG_MS + SLACK_MS,
            Until::EdgeOver => edge.map_or(now_ms, |edge| edge.terms.ends_ms + model::WINDOW_MS),
        };
        until(&self.harness, then_ms).await;
    }

    /// Deletes its account, or makes it again.
    async fn vanish(&mut self, person: Person) {
        if self.model.gone.remove(&person) {
            self.people[person] = self.harness.account(NAMES[person]).await.unwrap();
            return;
        }
        let heir = self.people[BOT].id();
        self.people[person].clone().delete_account(heir).await.unwrap().into_result().unwrap();
        self.model.gone.insert(person);
    }

    /// A new owner says anew which account is the agent's.
    async fn sell(&mut self) {
        let (from, to) = (self.model.owner, next_owner(self.model.owner));
        if [from, to].iter().any(|person| self.model.gone.contains(person)) {
            return;
        }
        let (agent, registry) = (self.agent, &self.harness.contracts.registry);
        let (seller, buyer) = (&self.people[from], &self.people[to]);
        let offer = AgentAccount { agent, account: buyer.id().clone() };
        ok(seller, registry, registry::offer_transfer, &offer, DEPOSIT).await;
        let taken = accept(&self.harness, registry, agent).await;
        ok(buyer, registry, registry::accept_transfer, &taken, DEPOSIT).await;
        set_agent_account(&self.harness, buyer, agent, &self.people[BOT]).await;
        self.model.owner = to;
    }

    /// That, or another one like it, that the model lets happen.
    fn rightly(&self, op: &Op, now_ms: u64) -> Op {
        let goes = |op: &Op| {
            let acts = self.acts(op, now_ms);
            acts.is_some_and(|(by, acts)| self.model.clone().play(&acts, by, (now_ms, now_ms)).is_ok())
        };
        let tries = if op.rightly { 16 } else { 0 };
        let another = |n: usize| Op {
            pick: op.pick.wrapping_add(n),
            other: (op.other + n / 2) % (PEOPLE + 1),
            asset: if n % 4 < 2 { op.asset } else { 1 - op.asset },
            flag: op.flag ^ (n % 2 == 1),
            ..op.clone()
        };
        (0..tries).map(another).find(goes).unwrap_or_else(|| op.clone())
    }

    /// Whether there was anything to do.
    async fn step(&mut self, op: &Op) -> bool {
        if self.prepare(op).await {
            return true;
        }
        let now_ms = self.harness.now_ms().await.unwrap();
        let op = &self.rightly(op, now_ms);
        let Some((by, acts)) = self.acts(op, now_ms) else { return false };
        let before = self.purses().await;
        let outcome = self.send(by, &acts, op).await;
        let after = self.purses().await;
        self.judge(op, vec![(by, acts, outcome)], (&before, &after)).await;
        true
    }

    /// Transactions that were sent at once, of which the order makes no difference.
    async fn judge(&mut self, op: &Op, sent: Vec<(Person, Vec<Act>, Outcome)>, (before, after): (&Purses, &Purses)) {
        let (mut failures, mut costs, mut all) = (Vec::new(), Vec::new(), String::new());
        let alone = sent.len() == 1;
        for (by, mut acts, outcome) in sent {
            let came = self.came_of(&acts, &outcome);
            let what = format!("{acts:?} by {}: {came:?}", NAMES[by]);
            // Lies are never taken.
            for act in acts.iter().filter(|act| !matches!(act.step, Step::Lie { .. })) {
                TALLY.note(&self.call(&act.step, op).method, came.is_ok());
            }
            // What storage did not take is what it was about.
            if let (Ok(()), [act @ Act { step: Step::Open { .. } | Step::FillPurse(_), .. }]) = (&came, &mut acts[..]) {
                act.rest = act.attached.saturating_sub(after[&by].prepaid - before[&by].prepaid);
            }
            let (deposited, keys) = (self.model.sums[NEAR].deposited, self.keys());
            let at_ms = self.times_of(&acts, &outcome).await;
            let judged = self.model.play(&acts, by, at_ms);
            let done = judged.is_ok();
            check_code(&acts, &came, &judged, (&self.model, self.lied.is_some()), &what);
            self.note_ids(&acts, &outcome, &came, &what);
            failures.push(failure_of(async { self.check_rows(&acts, &outcome, &what) }).await);
            let sent = if done { self.model.sent } else { [0; ASSETS] };
            let on_the_way = self.check_on_the_way(&outcome, &keys, Some(sent).filter(|_| alone), &what);
            failures.push(failure_of(on_the_way).await);
            let yoctos = if done { acts.iter().filter(|act| act.step.wants_yocto()).count() } else { 0 };
            let kept = u128::try_from(yoctos).unwrap() + self.token_yoctos(&acts, &outcome);
            let spent = self.model.sums[NEAR].deposited - deposited + kept + std::mem::take(&mut self.model.fees);
            let by_root = outcome.outcome().executor_id == *self.harness.root().id();
            costs.push((by, if by_root { 0 } else { spent + burnt(&outcome) }));
            all = [all, what].join("\n");
        }
        let arrived = std::mem::take(&mut self.model.arrived);
        failures.push(failure_of(async { self.check_money((&costs, &arrived), (before, after), &all) }).await);
        failures.extend(self.failures(after, &all).await);
        fail_if_any(failures);
    }

    /// Yoctos that stay beside: with a token that was called, and with this contract if an acker joins in a token.
    fn token_yoctos(&self, acts: &[Act], outcome: &Outcome) -> u128 {
        match acts {
            [Act { step: Step::Send { .. }, attached, .. }] if outcome.is_success() => *attached,
            [Act { step: Step::JoinEdge(_), attached: 1, .. }] if outcome.is_success() => 1,
            _ => 0,
        }
    }

    async fn send(&self, by: Person, acts: &[Act], op: &Op) -> Outcome {
        let contract = self.called(&acts[0].step);
        if let [act @ Act { step: Step::Lie { .. }, .. }] = acts {
            return self.harness.root().send(contract, self.call(&act.step, op), 0).await.unwrap();
        }
        let mut batch = self.people[by].batch(contract);
        for act in acts {
            let call = self.call(&act.step, op);
            let function = Function::new(&call.method).args(call.args).gas(Gas::from_tgas(150));
            batch = batch.call(function.deposit(NearToken::from_yoctonear(act.attached)));
        }
        batch.transact().await.unwrap()
    }

    /// Of tokens that were sent, all is taken or nothing.
    fn came_of(&self, acts: &[Act], outcome: &Outcome) -> Came {
        let failures = outcome.receipt_failures();
        if let Some(code) = failed_with(outcome) {
            // A token that fails does so first; what counts is what the contract says of it then.
            let own = failures.iter().rev().find(|failure| failure.executor_id == *self.escrow());
            return Err(own.map_or(code, said));
        }
        let [Act { step: Step::Send { amount, .. }, .. }] = acts else { return Ok(()) };
        let taken = outcome.clone().json::<U128>().unwrap().0;
        if taken == *amount {
            return Ok(());
        }
        assert_eq!(taken, 0, "INV-ESC-1: a part of {amount}: {outcome:?}");
        let by_it = failures.iter().find(|failure| failure.executor_id == *self.escrow());
        Err(by_it.map_or(String::new(), said))
    }

    /// When the contract did it: in its first receipt or, if it asks the registry, in the next one; and when the last
    /// transfer was over.
    async fn times_of(&self, acts: &[Act], outcome: &Outcome) -> (u64, u64) {
        let times = times(&self.harness, outcome, self.escrow()).await;
        let asks = matches!(acts, [Act { step: Step::Draw { .. }, .. }]);
        let first = times.get(usize::from(asks && times.len() > 1)).copied();
        match (first, times.last()) {
            (Some(first), Some(last)) => (first, *last),
            // A token that refuses asks nobody.
            _ => (self.harness.now_ms().await.unwrap(), 0),
        }
    }

    /// INV-ESC-6: what was opened has an id that nothing had before.
    fn note_ids(&mut self, acts: &[Act], outcome: &Outcome, came: &Came, what: &str) {
        let ([act], Ok(())) = (acts, came) else { return };
        let (id, terms) = match &act.step {
            Step::Open { terms, .. } => (answer(escrow::open, outcome).unwrap(), terms),
            Step::Draw { to: Goal::Open { terms, .. }, .. } => (answer(escrow::draw, outcome).unwrap(), terms),
            Step::OpenEdge(_) => {
                let id = answer(escrow::open_edge, outcome).unwrap();
                assert!(!self.edge_ids.contains(&id) && !self.ids.contains(&id), "INV-ESC-6: an id came back: {what}");
                return self.edge_ids.push(id);
            }
            _ => return,
        };
        assert!(!self.edge_ids.contains(&id) && !self.ids.contains(&id), "INV-ESC-6: an id came back: {what}");
        self.ids.push(id);
        self.terms.push(terms.clone());
    }

    /// INV-ESC-3, 4 and 5: the last batch's rows, as if they had come one by one.
    fn check_rows(&self, acts: &[Act], outcome: &Outcome, what: &str) {
        let [Act { step: Step::Claim { rows, .. }, .. }] = acts else { return };
        if !outcome.is_success() {
            return;
        }
        // Behind them are the liar's.
        let all = answer(escrow::claim_batch, outcome).unwrap();
        let told: Vec<String> = all.into_iter().take(rows.len()).map(|row| row.1).collect();
        let forged = rows.iter().zip(&told).any(|(row, told)| !row.signed && told.parse::<u128>().is_ok());
        assert!(!forged, "INV-ESC-5: a voucher that nobody signed so was taken: {told:?}: {what}");
        let other = self.model.told.iter().zip(&told).find(|(expected, told)| expected != told);
        let names = other.map(|(expected, _)| broken_by_row(expected, rows.len())).unwrap_or_default();
        assert_eq!(told, self.model.told, "{names}rows of a batch: {what}");
    }

    /// INV-ESC-7 and 9: nobody has a yocto more or less than what arrived, what it spent, and gas. What was prepaid for
    /// storage is somebody's still.
    fn check_money(
        &self,
        (costs, arrived): (&[(Person, u128)], &BTreeMap<Person, u128>),
        (before, after): (&Purses, &Purses),
        what: &str,
    ) {
        let all = |has: &checks::Has| has.yocto + has.prepaid;
        for (person, had) in before.iter().filter(|(person, _)| !self.model.gone.contains(*person)) {
            let cost: u128 = costs.iter().filter(|cost| cost.0 == *person).map(|cost| cost.1).sum();
            let expected = all(had) + arrived.get(person).copied().unwrap_or_default() - cost;
            assert_eq!(all(&after[person]), expected, "INV-ESC-7: what {} has: {what}", NAMES[*person]);
        }
    }
}

invariants!(SEQUENCES, play, {
    inv_esc_1_what_was_deposited_is_held_or_arrived_in_every_asset: "INV-ESC-1",
    inv_esc_2_nothing_gives_more_than_it_has: "INV-ESC-2",
    inv_esc_3_any_order_of_vouchers_is_their_maximum: "INV-ESC-3",
    inv_esc_4_a_batch_is_its_rows_in_any_order: "INV-ESC-4",
    inv_esc_5_a_voucher_bites_as_it_was_signed_or_not_at_all: "INV-ESC-5",
    inv_esc_6_ids_never_come_back_and_storage_does: "INV-ESC-6",
    inv_esc_7_nobody_has_a_yocto_more_or_less_and_none_before_the_grace_ends: "INV-ESC-7",
    inv_esc_8_shares_follow_from_what_is_claimed: "INV-ESC-8",
    inv_esc_9_a_transfer_that_fails_leaves_the_books_as_they_were: "INV-ESC-9",
    inv_esc_10_nothing_is_opened_with_a_key_under_which_anybody_can_sign: "INV-ESC-10",
    inv_esc_11_the_balance_covers_what_is_owed: "INV-ESC-11",
    inv_esc_12_a_request_has_one_outcome_and_costs_no_more_than_there_is: "INV-ESC-12",
    inv_esc_13_no_amount_of_a_token_that_lies_stops_anybody_elses_money: "INV-ESC-13",
    the_contract_and_a_model_of_it_agree: "INV-ESC-MODEL",
});

async fn set_agent_account(harness: &Harness, owner: &Account, agent: u64, account: &Account) {
    let own = SetAgentAccount { agent, agent_account: Some(account.id().clone()) };
    ok(owner, &harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
}

/// The chain on which sequences begin: its people, the tokens, and what the registry calls the agent.
async fn base() -> (Harness, Vec<Account>, [AccountId; 3], u64) {
    let base = Harness::start().await.unwrap();
    let mut people = Vec::new();
    for name in NAMES {
        people.push(base.account(name).await.unwrap());
    }
    let holders: Vec<_> = people.iter().map(|person| (person.id().clone(), TOKENS)).collect();
    let of = async |name: &str, holders: &[_]| token(&base, name, holders).await.id().clone();
    let tokens = [of("token", &holders).await, of("other", &[]).await, of("liar", &[]).await];
    let agent = register(&base, &people[ANN], Vec::new()).await;
    set_agent_account(&base, &people[ANN], agent, &people[BOT]).await;
    prepay(&people[BOT], &base.contracts.escrow, 10 * DEPOSIT).await;
    (base, people, tokens, agent)
}

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, tokens, agent) = runtime.block_on(base());
    let run = Run { whose: "escrow", sequences, shrinks: 300, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, vec(ops(), 30..34), async |harness, people, ops| {
        let escrow = harness.contracts.escrow.clone();
        // A fork's clock goes on with its first block.
        prepay(&people[BOT], &escrow, 1).await;
        let usage = harness.worker.view_account(&escrow).await.unwrap().storage_usage;
        let empty_bytes = usage - charged_bytes(&harness, &escrow, &people).await;
        let nobody = format!("nobody.{}", harness.root().id()).parse().unwrap();
        let mut balances = vec![TOKENS; PEOPLE];
        balances.push(0);
        let model = Model { tokens: balances, owner: ANN, ..Model::default() };
        let [token, other, liar] = tokens.clone();
        let (ids, terms, edge_ids) = (Vec::new(), Vec::new(), Vec::new());
        let (lied, beside) = (None, 0);
        let mut world = World {
            harness,
            people,
            nobody,
            token,
            other,
            liar,
            lied,
            agent,
            model,
            ids,
            terms,
            edge_ids,
            empty_bytes,
            beside,
        };
        let mut steps = 0;
        // A move for which there is nothing yet is no step: then there may be when its turn comes again.
        for (number, op) in ops.iter().cycle().take(8 * ops.len()).enumerate() {
            if number >= ops.len() && steps >= STEPS {
                break;
            }
            steps += u32::from(world.step(op).await);
        }
        TALLY.note_steps(steps);
    })
}
