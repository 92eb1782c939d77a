//! Events, codes and storage in the mock VM.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "../../../common/testing/mock_vm.rs"]
mod vm;

use charter_tasks::Tasks;
use charter_types::tasks::{
    Answer, Domains, Outcome, SLOT_BOND, TaskState, Verdict, VerdictCommitment, WorkCommitment,
};
use charter_types::{AccountId, Base64Bytes, Hash32};
use near_sdk::test_utils::VMContextBuilder;
use near_sdk::{NearToken, env, testing_env};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vm::{logs, next_call};

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;
const SALT: Hash32 = Hash32([4; 32]);
const MINUTE_MS: u64 = 60_000;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn contract() -> Tasks {
    next_call("admin.near", &json!({ "account": "admin.near", "registry": "registry.near" }), 0);
    Tasks::new().unwrap()
}

/// The same at a time, so many milliseconds after what `next_call` calls now.
fn later(caller: &str, args: &Value, deposit: u128, ms: u64) {
    let mut builder = VMContextBuilder::new();
    builder
        .current_account_id("contract.near".parse().unwrap())
        .predecessor_account_id(caller.parse().unwrap())
        .attached_deposit(NearToken::from_yoctonear(deposit))
        .account_balance(NearToken::from_near(1_000))
        .random_seed([7; 32])
        .block_timestamp(1_000_000_000 + ms * 1_000_000);
    let mut context = builder.build();
    context.input = serde_json::to_vec(args).unwrap().into();
    testing_env!(context);
}

/// Our own call to ourselves.
fn own(args: &impl borsh::BorshSerialize, ms: u64) {
    let mut builder = VMContextBuilder::new();
    builder
        .current_account_id("contract.near".parse().unwrap())
        .predecessor_account_id("contract.near".parse().unwrap())
        .account_balance(NearToken::from_near(1_000))
        .random_seed([7; 32])
        .block_timestamp(1_000_000_000 + ms * 1_000_000);
    let mut context = builder.build();
    context.input = borsh::to_vec(args).unwrap().into();
    testing_env!(context);
}

fn set_args(asset: &Value) -> Value {
    json!({
        "spec_uri": "https://a", "spec_hash": "11".repeat(32), "asset": asset, "reward": "1000", "reviewer_fee": "10",
        "count": 3, "at_once": 2, "take_deposit": (NEAR / 20).to_string(),
        "deadlines": {
            "work_ms": MINUTE_MS, "reveal_ms": MINUTE_MS, "verdict_ms": MINUTE_MS, "verdict_reveal_ms": MINUTE_MS,
            "appeal_ms": MINUTE_MS, "show_ms": 0,
        },
    })
}

const REVIEWERS: [&str; 6] = ["r1.near", "r2.near", "r3.near", "r4.near", "r5.near", "r6.near"];

/// Six reviewers, and a set of three tasks.
fn posted() -> Tasks {
    let mut contract = contract();
    for reviewer in REVIEWERS {
        next_call(reviewer, &json!({ "slots": 1 }), 2 * NEAR);
        contract.bond().unwrap();
    }
    next_call("req.near", &set_args(&json!("near")), NEAR);
    assert_eq!(contract.post_task_set().unwrap(), 1);
    contract
}

/// What an account's rows and reserves cost, yoctoNEAR.
fn used(contract: &Tasks, account: &str) -> u128 {
    next_call("eve.near", &json!({ "account_id": account }), 0);
    let balance = contract.storage_balance_of().unwrap().unwrap();
    balance.total.0 - balance.available.0
}

fn amount(contract: &Tasks, account: &str) -> u128 {
    next_call("eve.near", &json!({ "account": account }), 0);
    contract.balance().unwrap().map_or(0, |balance| balance.amount.0)
}

fn totals(contract: &Tasks) -> [u128; 4] {
    next_call("eve.near", &json!({}), 0);
    let totals = contract.totals().unwrap();
    [totals.received, totals.held, totals.sending, totals.paid].map(|sum| sum.0)
}

fn domains(contract: &Tasks) -> Domains {
    next_call("eve.near", &json!({}), 0);
    contract.domains()
}

fn at(index: u32) -> Value {
    json!({ "set": 1, "index": index })
}

fn with(index: u32, more: &Value) -> Value {
    let mut args = at(index);
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    args
}

/// Taken, committed and revealed by `bob.near`, at once.
fn revealed(contract: &mut Tasks, index: u32, ms: u64) {
    let worker: AccountId = "bob.near".parse().unwrap();
    later("bob.near", &json!({ "set": 1 }), NEAR / 20, ms);
    let taken = contract.take().unwrap();
    assert_eq!((taken.set, taken.index), (1, index));
    later("eve.near", &at(index), 0, ms);
    let attempt = contract.task().unwrap().unwrap().attempt;
    let answer = Answer::Inline { bytes: Base64Bytes(b"cat".to_vec()) };
    let commitment = WorkCommitment {
        domain: domains(contract).work,
        set: 1,
        index,
        attempt,
        worker: &worker,
        answer: answer.hash(sha256),
        salt: SALT,
    };
    let hash = commitment.hash(sha256);
    later("bob.near", &with(index, &json!({ "hash": hash })), 0, ms);
    contract.commit_work().unwrap();
    later("bob.near", &with(index, &json!({ "answer": answer, "salt": SALT })), 0, ms);
    contract.reveal_work().unwrap().detach();
    own(&(1_u64, index, attempt, 1_u8), ms);
    contract.on_draw();
}

fn panel(contract: &Tasks, index: u32) -> Vec<AccountId> {
    next_call("eve.near", &at(index), 0);
    let panel = contract.task().unwrap().unwrap().panel.unwrap();
    panel.seats.into_iter().map(|seat| seat.reviewer).collect()
}

fn judged(contract: &mut Tasks, index: u32, verdicts: &[Verdict], ms: u64) {
    let (seats, domain) = (panel(contract, index), domains(contract).verdict);
    let hash = |reviewer: &AccountId, verdict| {
        VerdictCommitment { domain, set: 1, index, attempt: 1, round: 1, reviewer, verdict, salt: SALT }.hash(sha256)
    };
    for (reviewer, verdict) in seats.iter().zip(verdicts) {
        later(reviewer.as_str(), &with(index, &json!({ "hash": hash(reviewer, *verdict) })), 0, ms);
        contract.commit_verdict().unwrap();
    }
    for (reviewer, verdict) in seats.iter().zip(verdicts) {
        later(reviewer.as_str(), &with(index, &json!({ "verdict": verdict, "salt": SALT })), 0, ms);
        contract.reveal_verdict().unwrap();
    }
}

#[test]
fn posting_puts_down_all_that_the_tasks_can_cost() {
    let contract = posted();
    assert!(logs().contains("\"event\":\"set_changed\""), "{}", logs());
    let [received, held, sending, paid] = totals(&contract);
    assert_eq!((received, sending, paid), (held, 0, 0));
    next_call("eve.near", &json!({ "set": 1 }), 0);
    let set = contract.task_set().unwrap().unwrap();
    assert_eq!((set.escrowed.0, set.remaining()), (3 * 1_030, 3));
    assert_eq!(held, 6 * SLOT_BOND + amount(&contract, "req.near") + 3 * 1_030);
}

#[test]
fn good_work_is_paid_and_nothing_is_left_behind() {
    let mut contract = posted();
    revealed(&mut contract, 0, 0);
    assert_eq!(amount(&contract, "bob.near"), NEAR / 20, "the deposit is back");
    let seats = panel(&contract, 0);
    assert_eq!(seats.len(), 3);
    judged(&mut contract, 0, &[Verdict::Good; 3], 10);
    let before = totals(&contract);
    later("eve.near", &at(0), 0, 10 + MINUTE_MS - 1);
    assert_eq!(contract.settle().unwrap_err().code, "TASKS_TOO_EARLY");
    later("eve.near", &at(0), 0, 10 + MINUTE_MS);
    assert!(contract.settle().unwrap());
    assert!(logs().contains("task_ended"), "{}", logs());
    assert_eq!(totals(&contract), before, "nothing came in or went out");
    assert_eq!(amount(&contract, "bob.near"), NEAR / 20 + 1_000);
    for reviewer in &seats {
        assert_eq!(amount(&contract, reviewer.as_str()), 10);
    }
    next_call("eve.near", &json!({ "account": "bob.near" }), 0);
    let record = contract.record().unwrap().unwrap();
    assert_eq!((record.done_good, record.earned.0), (1, 1_000));
    next_call("eve.near", &json!({}), 0);
    assert_eq!(contract.pool().unwrap().size, 6, "their slots are free again");
    later("eve.near", &at(0), 0, 10 + MINUTE_MS);
    assert_eq!(contract.settle().unwrap_err().code, "TASKS_UNKNOWN_TASK");
}

#[test]
fn who_says_otherwise_loses_its_slot_and_who_agrees_gets_what_it_lost() {
    let mut contract = posted();
    revealed(&mut contract, 0, 0);
    let seats = panel(&contract, 0);
    judged(&mut contract, 0, &[Verdict::Bad, Verdict::Good, Verdict::Good], 10);
    let before = totals(&contract);
    later("eve.near", &at(0), 0, 10 + MINUTE_MS);
    assert!(contract.settle().unwrap());
    assert_eq!(totals(&contract), before);
    for (place, reviewer) in seats.iter().enumerate() {
        next_call("eve.near", &json!({ "account": reviewer }), 0);
        let reviewer = contract.reviewer().unwrap().unwrap();
        let expected = if place == 0 { (0, SLOT_BOND / 4 * 3) } else { (1, SLOT_BOND / 8) };
        assert_eq!((reviewer.slots, reviewer.returned.0), expected);
    }
    next_call("eve.near", &json!({}), 0);
    let pool = contract.pool().unwrap();
    assert_eq!((pool.size, pool.reviewers), (5, 5));
    let loser = seats[0].as_str();
    next_call(loser, &json!({}), NEAR);
    assert_eq!(contract.withdraw_bond().unwrap().0, SLOT_BOND / 4 * 3);
    assert_eq!(amount(&contract, loser), SLOT_BOND / 4 * 3);
    assert_eq!(totals(&contract), before);
}

#[test]
fn a_silent_worker_loses_its_deposit_and_the_task_is_taken_again() {
    let mut contract = posted();
    let had = amount(&contract, "req.near");
    later("bob.near", &json!({ "set": 1 }), NEAR / 20, 0);
    contract.take().unwrap();
    later("eve.near", &at(0), 0, MINUTE_MS - 1);
    assert_eq!(contract.settle().unwrap_err().code, "TASKS_TOO_EARLY");
    later("eve.near", &at(0), 0, MINUTE_MS);
    assert!(contract.settle().unwrap());
    assert_eq!(amount(&contract, "req.near"), had + NEAR / 20);
    revealed(&mut contract, 0, 2 * MINUTE_MS);
    next_call("eve.near", &at(0), 0);
    let task = contract.task().unwrap().unwrap();
    assert_eq!((task.attempt, task.state), (2, TaskState::Judging));
}

/// All keep silent, and the requester has withdrawn all it could.
#[test]
fn a_stranger_ends_what_everybody_left() {
    let mut contract = posted();
    revealed(&mut contract, 0, 0);
    next_call("req.near", &json!({}), 1);
    contract.storage_withdraw().unwrap();
    next_call("req.near", &json!({}), 1);
    contract.withdraw().unwrap().detach();
    next_call("req.near", &json!({ "set": 1 }), 1);
    assert!(contract.close_set().unwrap());
    let before = totals(&contract);
    later("eve.near", &at(0), 0, 3 * MINUTE_MS);
    assert!(contract.settle().unwrap());
    assert_eq!(totals(&contract), before);
    // Half the reward, and all that three silent seats lost.
    assert_eq!(amount(&contract, "bob.near"), NEAR / 20 + 500 + 3 * (SLOT_BOND / 2));
    next_call("eve.near", &json!({ "set": 1 }), 0);
    assert!(contract.task_set().unwrap().is_none());
}

#[test]
fn what_is_set_aside_is_enough_for_the_longest_names() {
    let long = |name: &str| format!("{}{name}", "l".repeat(64 - name.len()));
    let mut contract = contract();
    let token = json!({ "nep141": long("token.near") });
    let (requester, worker) = (long("req.near"), long("bob.near"));
    let reviewers: Vec<String> = (0..6).map(|number| long(&format!("r{number}.near"))).collect();
    for reviewer in &reviewers {
        next_call(reviewer, &json!({ "slots": 1 }), 2 * NEAR);
        contract.bond().unwrap();
    }
    next_call(&requester, &json!({ "asset": token }), NEAR);
    contract.open_balance().unwrap();
    let sent = json!({ "sender_id": requester, "amount": "5000", "msg": "{\"deposit\":{}}" });
    next_call(&long("token.near"), &sent, 0);
    assert_eq!(contract.ft_on_transfer().unwrap().0, 0);
    let mut args = set_args(&token);
    (args["count"], args["at_once"]) = (json!(1), json!(1));
    next_call(&requester, &args, NEAR);
    contract.post_task_set().unwrap();
    next_call(&requester, &json!({}), 1);
    contract.storage_withdraw().unwrap();
    let before = used(&contract, &requester);
    later(&worker, &json!({ "set": 1 }), NEAR / 20, 0);
    let stored = env::storage_usage();
    contract.take().unwrap();
    assert_eq!(used(&contract, &requester), before, "the row is out of what was set aside");
    assert!(env::storage_usage() > stored);
    later("eve.near", &at(0), 0, MINUTE_MS);
    assert!(contract.settle().unwrap(), "the requester has nothing free, and nobody has a row");
    assert!(used(&contract, &requester) <= before);
}

#[test]
fn a_balance_is_its_owners_and_its_row_is_pushed_by_who_pays() {
    let mut contract = posted();
    revealed(&mut contract, 0, 0);
    next_call("eve.near", &json!({ "account": "bob.near" }), 1);
    assert_eq!(contract.push_balance().err().unwrap().code, "TASKS_NOT_PAYER");
    next_call("bob.near", &json!({ "amount": (NEAR / 20 + 1).to_string() }), 1);
    assert_eq!(contract.withdraw().err().unwrap().code, "TASKS_NOT_COVERED");
    next_call("bob.near", &json!({}), 1);
    assert_eq!(contract.end_balance().unwrap_err().code, "TASKS_BALANCE_IN_USE");
    let paid_by_requester = used(&contract, "req.near");
    next_call("bob.near", &json!({}), NEAR);
    contract.open_balance().unwrap();
    assert!(used(&contract, "req.near") < paid_by_requester, "the owner pays for it now");
    next_call("req.near", &json!({ "account": "bob.near" }), 1);
    assert_eq!(contract.push_balance().err().unwrap().code, "TASKS_NOT_PAYER");
    next_call("bob.near", &json!({}), 1);
    contract.withdraw().unwrap().detach();
    let [received, held, sending, paid] = totals(&contract);
    assert_eq!((sending, paid, received), (NEAR / 20, 0, held + sending));
}

#[test]
fn refusals_have_codes() {
    let mut contract = posted();
    next_call("req.near", &json!({ "set": 1 }), NEAR / 20);
    assert_eq!(contract.take().unwrap_err().code, "TASKS_OWN_SET");
    next_call("bob.near", &json!({ "set": 1 }), NEAR / 20 - 1);
    assert_eq!(contract.take().unwrap_err().code, "TASKS_NOT_ATTACHED");
    next_call("bob.near", &json!({ "set": 2 }), NEAR);
    assert_eq!(contract.take().unwrap_err().code, "TASKS_UNKNOWN_SET");
    next_call("eve.near", &json!({ "set": 1 }), 1);
    assert_eq!(contract.close_set().unwrap_err().code, "TASKS_NOT_REQUESTER");
    next_call("eve.near", &json!({ "slots": 1 }), 1);
    assert_eq!(contract.unbond().unwrap_err().code, "TASKS_NOT_REVIEWER");
    next_call("r1.near", &json!({ "slots": 2 }), 1);
    assert_eq!(contract.unbond().unwrap_err().code, "TASKS_SLOTS_BUSY");
    next_call("r1.near", &json!({ "slots": 16 }), 20 * NEAR);
    assert_eq!(contract.bond().unwrap_err().code, "TASKS_BAD_SLOTS");
    next_call("r1.near", &json!({ "slots": 1 }), 1);
    contract.unbond().unwrap();
    next_call("bob.near", &json!({ "set": 1 }), NEAR / 20);
    assert_eq!(contract.take().unwrap_err().code, "TASKS_FEW_REVIEWERS");
    next_call("eve.near", &set_args(&json!({ "nep141": "usdt.near" })), NEAR);
    assert_eq!(contract.post_task_set().unwrap_err().code, "TASKS_NOT_COVERED");
    next_call("usdt.near", &json!({ "sender_id": "eve.near", "amount": "5", "msg": "" }), 0);
    assert_eq!(contract.ft_on_transfer().unwrap_err().code, "TASKS_BAD_MESSAGE");
    next_call("usdt.near", &json!({ "sender_id": "eve.near", "amount": "5", "msg": "{\"deposit\":{}}" }), 0);
    assert_eq!(contract.ft_on_transfer().unwrap_err().code, "TASKS_NO_BALANCE");
}

#[test]
fn an_outcome_is_known_before_it_is_final() {
    let mut contract = posted();
    revealed(&mut contract, 0, 0);
    judged(&mut contract, 0, &[Verdict::Bad, Verdict::Bad, Verdict::Unfetchable], 10);
    next_call("eve.near", &at(0), 0);
    let task = contract.task().unwrap().unwrap();
    assert_eq!((task.state, task.outcome), (TaskState::Decided, Some(Outcome::Bad)));
    assert_eq!(task.final_ms, Some(1_000 + 10 + MINUTE_MS));
    assert_eq!(task.settle_from_ms, task.final_ms);
}
