//! Tasks, about a set that the owner posted: the friend has taken its first task, and revealed its second, which is judged by
//! others than the people of the scene.

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, prepay};
use charter_harness::{ok, view};
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::tasks::args::{
    BalanceRef, CommitVerdict, CommitWork, EarningsRef, ForgetMarks, MarksOf, OfAgent, OfAsset, PostTaskSet,
    RevealVerdict, RevealWork, SetRef, ShowHoneypot, Slots, Take, TaskRef, TasksOf, Withdraw,
};
use charter_types::tasks::methods as tasks;
use charter_types::tasks::{
    Answer, DEADLINE_MS_MAX, Deadlines, REVIEWERS_SLACK, SHOW_MS_MAX, SLOT_BOND, TAKE_DEPOSIT_MIN, Verdict,
    WorkCommitment,
};
use charter_types::{Base64Bytes, Hash32, Named, Nothing, Page, U128};

use super::case::{Case, Who};
use super::scene::Scene;

const ONE_YOCTO: &str = "CHARTER_ONE_YOCTO";
const UNKNOWN_SET: &str = "TASKS_UNKNOWN_SET";
const UNKNOWN_TASK: &str = "TASKS_UNKNOWN_TASK";
const NOT_WORKER: &str = "TASKS_NOT_WORKER";
const NOT_REQUESTER: &str = "TASKS_NOT_REQUESTER";
const NOT_ON_PANEL: &str = "TASKS_NOT_ON_PANEL";
const NOT_ATTACHED: &str = "TASKS_NOT_ATTACHED";
const NO_BALANCE: &str = "TASKS_NO_BALANCE";
const TOO_EARLY: &str = "TASKS_TOO_EARLY";
const SALT: Hash32 = Hash32([4; 32]);

/// Who judges, the set, its two tasks, and what the friend has beside its work: a row of what it earns for agent 1. The
/// owner has a balance in a token that the friend is.
pub async fn begin(scene: &Scene) {
    let contract = &scene.harness.contracts.tasks;
    let (owner, friend) = (scene.person(Who::Owner), scene.person(Who::Friend));
    for number in 0..3 + REVIEWERS_SLACK {
        let reviewer = scene.harness.account(&format!("reviewer-{number}")).await.unwrap();
        prepay(&reviewer, contract, DEPOSIT).await;
        ok(&reviewer, contract, tasks::bond, &Slots { slots: 1 }, SLOT_BOND).await;
    }
    ok(owner, contract, tasks::post_task_set, &set(1_000), 10 * DEPOSIT).await;
    let take = Take { set: 1, agent: Some(1) };
    for index in 0..2 {
        let taken = ok(friend, contract, tasks::take, &take, TAKE_DEPOSIT_MIN).await;
        assert_eq!((taken.set, taken.index), (1, index));
    }
    let domains = view(&scene.harness.worker, contract, tasks::domains, &Nothing {}).await.unwrap();
    let worker = scene.id(Who::Friend);
    let answer = answer().hash(sha256);
    let commitment =
        WorkCommitment { domain: domains.work, set: 1, index: 1, attempt: 1, worker: &worker, answer, salt: SALT };
    let committed = CommitWork { set: 1, index: 1, hash: commitment.hash(sha256) };
    ok(friend, contract, tasks::commit_work, &committed, 0).await;
    ok(friend, contract, tasks::reveal_work, &reveal(1), 0).await;
    let judged = view(&scene.harness.worker, contract, tasks::task, &at(1)).await.unwrap().unwrap();
    assert_eq!(judged.panel.unwrap().seats.len(), 3);
    ok(owner, contract, tasks::open_balance, &OfAsset { asset: token(scene) }, DEPOSIT).await;
    ok(friend, contract, tasks::open_earnings, &of_agent(), DEPOSIT).await;
}

/// As long as there can be: nobody is late while all is tried.
fn set(reward: u128) -> PostTaskSet {
    let (work_ms, reveal_ms) = (DEADLINE_MS_MAX, DEADLINE_MS_MAX);
    let (verdict_ms, verdict_reveal_ms, appeal_ms) = (DEADLINE_MS_MAX, DEADLINE_MS_MAX, DEADLINE_MS_MAX);
    PostTaskSet {
        spec_uri: "https://spec.example".to_owned(),
        spec_hash: Hash32([1; 32]),
        asset: Asset::Near,
        reward: U128(reward),
        reviewer_fee: U128(10),
        count: 8,
        at_once: 8,
        take_deposit: U128(TAKE_DEPOSIT_MIN),
        deadlines: Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms: SHOW_MS_MAX },
        honeypots: Some(Hash32([2; 32])),
    }
}

fn at(index: u32) -> TaskRef {
    TaskRef { set: 1, index }
}

fn answer() -> Answer {
    Answer::Inline { bytes: Base64Bytes(b"cat".to_vec()) }
}

fn reveal(index: u32) -> RevealWork {
    RevealWork { set: 1, index, answer: answer(), salt: SALT }
}

fn token(scene: &Scene) -> Asset {
    Asset::Nep141(scene.id(Who::Friend))
}

fn of_agent() -> OfAgent {
    OfAgent { agent: 1, asset: Asset::Near }
}

pub fn cases(scene: &Scene) -> Vec<Case> {
    [work(), judgement(), reviewers(), balances(scene), earnings(), views(scene)].concat()
}

fn of_task(case: Case) -> Case {
    case.unknown("index", 999, UNKNOWN_TASK)
}

fn work() -> Vec<Case> {
    // More than the owner has.
    let much = set(1_000_000 * SLOT_BOND);
    let commit = CommitWork { set: 1, index: 0, hash: SALT };
    vec![
        Case::new(tasks::post_task_set, &much, "").too_little(&[(0, ONE_YOCTO), (1, "TASKS_NOT_COVERED")]),
        Case::new(tasks::close_set, &SetRef { set: 1 }, NOT_REQUESTER).unknown("set", 999, UNKNOWN_SET),
        Case::new(tasks::take, &Take { set: 1, agent: Some(1) }, "")
            .by(Who::Host)
            .unknown("set", 999, UNKNOWN_SET)
            .too_little(&[0, 1, TAKE_DEPOSIT_MIN - 1].map(|yocto| (yocto, NOT_ATTACHED))),
        of_task(Case::new(tasks::commit_work, &commit, NOT_WORKER)).by(Who::Friend),
        of_task(Case::new(tasks::reveal_work, &reveal(0), NOT_WORKER)).by(Who::Friend),
        of_task(Case::new(tasks::draw, &at(0), "TASKS_WRONG_STATE")),
    ]
}

/// Whoever it is by has no seat either: nobody of the scene has.
fn judgement() -> Vec<Case> {
    let commit = CommitVerdict { set: 1, index: 1, hash: SALT };
    let said = RevealVerdict { set: 1, index: 1, verdict: Verdict::Good, salt: SALT };
    let shown = ShowHoneypot { set: 1, index: 1, answer_hash: SALT, salt: SALT, proof: vec![SALT] };
    let forgotten = ForgetMarks { accounts: vec!["nobody.near".parse().unwrap()] };
    vec![
        of_task(Case::new(tasks::commit_verdict, &commit, NOT_ON_PANEL)),
        of_task(Case::new(tasks::reveal_verdict, &said, NOT_ON_PANEL)),
        of_task(Case::new(tasks::appeal, &at(1), TOO_EARLY)).by(Who::Friend),
        of_task(Case::new(tasks::show_honeypot, &shown, NOT_REQUESTER)),
        Case::new(tasks::forget_marks, &forgotten, ""),
        of_task(Case::new(tasks::settle, &at(1), TOO_EARLY)),
    ]
}

fn reviewers() -> Vec<Case> {
    let slots = Slots { slots: 1 };
    vec![
        Case::new(tasks::bond, &slots, "").too_little(&[0, 1, SLOT_BOND - 1].map(|yocto| (yocto, NOT_ATTACHED))),
        Case::new(tasks::unbond, &slots, "TASKS_NOT_REVIEWER"),
        Case::new(tasks::withdraw_bond, &Nothing {}, "TASKS_NOT_REVIEWER"),
    ]
}

fn balances(scene: &Scene) -> Vec<Case> {
    let near = OfAsset { asset: Asset::Near };
    let part = Withdraw { asset: Asset::Near, amount: Some(U128(1)) };
    let friends = BalanceRef { account: scene.id(Who::Friend), asset: Asset::Near };
    let msg = r#"{"deposit":{}}"#.to_owned();
    let tokens = FtOnTransfer { sender_id: scene.id(Who::Owner), amount: U128(1_000), msg };
    vec![
        Case::new(tasks::open_balance, &near, ""),
        Case::new(tasks::deposit, &Nothing {}, "").too_little(&[(0, ONE_YOCTO)]),
        Case::new(tasks::end_balance, &near, NO_BALANCE).by(Who::Friend),
        Case::new(tasks::withdraw, &part, NO_BALANCE).by(Who::Friend),
        Case::new(tasks::push_balance, &friends, "TASKS_NOT_PAYER").unknown("account", "nobody.near", NO_BALANCE),
        Case::new(tasks::ft_on_transfer, &tokens, NO_BALANCE).by(Who::Friend),
    ]
}

/// The friend has a row, and is nobody's payout account.
fn earnings() -> Vec<Case> {
    let none = "TASKS_NO_EARNINGS";
    vec![
        Case::new(tasks::open_earnings, &of_agent(), ""),
        Case::new(tasks::end_earnings, &of_agent(), none).by(Who::Friend).unknown("agent", 999, none),
        Case::new(tasks::sync_reputation, &of_agent(), none).unknown("agent", 999, "TASKS_UNKNOWN_AGENT"),
    ]
}

fn views(scene: &Scene) -> Vec<Case> {
    let friend = scene.id(Who::Friend);
    let named = Named { account: friend.clone() };
    let page = Page { from: 0, limit: Some(9) };
    let earned = EarningsRef { agent: 1, account: friend.clone(), asset: Asset::Near };
    let marks = MarksOf { requester: scene.id(Who::Owner), accounts: vec![friend.clone()] };
    vec![
        Case::new(tasks::task_set, &SetRef { set: 1 }, ""),
        Case::new(tasks::task_sets, &page, ""),
        Case::new(tasks::task, &at(1), ""),
        Case::new(tasks::tasks, &TasksOf { set: 1, from: 0, limit: Some(9) }, ""),
        Case::new(tasks::reviewer, &named, ""),
        Case::new(tasks::slots, &named, ""),
        Case::new(tasks::pool, &page, ""),
        Case::new(tasks::balance, &BalanceRef { account: friend, asset: Asset::Near }, ""),
        Case::new(tasks::record, &named, ""),
        Case::new(tasks::totals, &OfAsset::default(), ""),
        Case::new(tasks::marks, &marks, ""),
        Case::new(tasks::earnings, &earned, ""),
    ]
}
