//! A task that is done, judged wrongly by three, and judged anew by seven; and what each of them gets.

use std::time::Duration;

use anyhow::{Context, ensure};
use charter_client::task::{Note, Said, panel};
use charter_client::{Account, At, STORAGE_DEPOSIT, sha256};
use charter_types::asset::Asset;
use charter_types::tasks::args::{
    BalanceRef, CommitVerdict, CommitWork, PostTaskSet, RevealVerdict, RevealWork, Slots, Take, TaskRef,
};
use charter_types::tasks::{APPEAL_PANEL, Answer, Deadlines, Domains, PANEL, SLOT_BOND, Task, Verdict, methods};
use charter_types::{AccountId, Base64Bytes, Hash32, Nothing, U128};

use super::world::World;
use crate::units::near;

/// Ten, so that seven are left beside the three who judged first.
const REVIEWERS: [&str; 10] = ["carol", "hal", "shop", "scout", "rita", "ruth", "rolf", "remy", "rosa", "rene"];
/// What bob gets, and what each reviewer: 0.05 NEAR, and 0.01.
const REWARD: u128 = 50_000_000_000_000_000_000_000;
const FEE: u128 = REWARD / 5;
const DEPOSIT: u128 = REWARD;
const HOUR_MS: u64 = 3_600_000;

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    for name in REVIEWERS {
        let (reviewer, contracts) = (world.person(name)?, world.contracts.clone());
        let attached = SLOT_BOND + STORAGE_DEPOSIT;
        let done = contracts.tasks().pay(&reviewer, methods::bond, &Slots { slots: 1 }, attached).await?;
        world.take(done);
    }
    world.progress.step("task", &format!("{} reviewers, each with {} NEAR to lose", REVIEWERS.len(), near(SLOT_BOND)));
    let task = worked(world).await?;
    judged(world, task, Verdict::Bad, usize::from(PANEL)).await?;
    world.progress.step("task", "bob's answer is judged bad by three who did not look");
    let (bob, contracts) = (world.person("bob")?, world.contracts.clone());
    let pays = FEE * u128::from(APPEAL_PANEL);
    let done = contracts.tasks().pay(&bob, methods::deposit, &Nothing {}, pays + STORAGE_DEPOSIT).await?;
    world.take(done);
    let done = contracts.tasks().call(&bob, methods::appeal, &task).await?;
    world.take(done);
    judged(world, task, Verdict::Good, usize::from(APPEAL_PANEL)).await?;
    settled(world, task).await
}

/// Alice posts a task, and bob does it.
async fn worked(world: &mut World) -> anyhow::Result<TaskRef> {
    let contracts = world.contracts.clone();
    let (alice, bob, tasks) = (world.person("alice")?, world.person("bob")?, contracts.tasks());
    let deadlines = Deadlines {
        work_ms: HOUR_MS,
        reveal_ms: HOUR_MS,
        verdict_ms: HOUR_MS,
        verdict_reveal_ms: HOUR_MS,
        appeal_ms: HOUR_MS,
        show_ms: 0,
    };
    let args = PostTaskSet {
        spec_uri: "https://alice.example/pets.json".to_owned(),
        spec_hash: Hash32(sha256(b"Is it a cat or a dog?")),
        asset: Asset::Near,
        reward: U128(REWARD),
        reviewer_fee: U128(FEE),
        count: 1,
        at_once: 1,
        take_deposit: U128(DEPOSIT),
        deadlines,
        honeypots: None,
    };
    // What storage leaves of it is in her balance.
    let cost = REWARD + FEE * u128::from(PANEL) + 2 * STORAGE_DEPOSIT;
    let done = tasks.pay(&alice, methods::post_task_set, &args, cost).await?;
    let set = world.take(done);
    let done = tasks.pay(&bob, methods::take, &Take { set, agent: None }, DEPOSIT).await?;
    let task = world.take(done);
    let answer = Answer::Inline { bytes: Base64Bytes(b"cat".to_vec()) };
    let TaskRef { set, index } = task;
    let note = Note::new((set, index, look(world, task).await?.attempt), Said::Work(answer.clone()));
    let hash = note.commitment(domains(world), &bob.id);
    let done = tasks.call(&bob, methods::commit_work, &CommitWork { set, index, hash }).await?;
    world.take(done);
    let reveal = RevealWork { set, index, answer, salt: note.salt };
    let done = tasks.call(&bob, methods::reveal_work, &reveal).await?;
    world.take(done);
    Ok(task)
}

fn domains(world: &World) -> Domains {
    Domains::of(&world.chain_id(), &world.contracts.tasks, sha256)
}

async fn look(world: &World, task: TaskRef) -> anyhow::Result<Task> {
    let found = world.rpc.view(&world.contracts.tasks, methods::task, &task, At::Final).await?;
    found.with_context(|| format!("task {} is gone", task.index))
}

/// All of a panel say the same: first without anybody seeing it, then aloud.
async fn judged(world: &mut World, task: TaskRef, verdict: Verdict, seats: usize) -> anyhow::Result<()> {
    let (shown, contracts) = (look(world, task).await?, world.contracts.clone());
    let (round, panel) = panel(&shown).context("nobody was drawn")?;
    ensure!(panel.seats.len() == seats, "{} were drawn, not {seats}", panel.seats.len());
    let TaskRef { set, index } = task;
    let mut notes = Vec::new();
    for seat in &panel.seats {
        let reviewer = who(world, &seat.reviewer)?;
        let note = Note::new((set, index, shown.attempt), Said::Verdict { round, verdict });
        let hash = note.commitment(domains(world), &reviewer.id);
        let args = CommitVerdict { set, index, hash };
        let done = contracts.tasks().call(&reviewer, methods::commit_verdict, &args).await?;
        world.take(done);
        notes.push((reviewer, note.salt));
    }
    for (reviewer, salt) in notes {
        let args = RevealVerdict { set, index, verdict, salt };
        let done = contracts.tasks().call(&reviewer, methods::reveal_verdict, &args).await?;
        world.take(done);
    }
    Ok(())
}

/// One of the people, by account.
fn who(world: &mut World, account: &AccountId) -> anyhow::Result<Account> {
    let name = account.as_str().split_once('.').map_or(account.as_str(), |(name, _)| name);
    world.person(name)
}

async fn balance(world: &World, account: &AccountId) -> anyhow::Result<u128> {
    let asked = BalanceRef { account: account.clone(), asset: Asset::Near };
    let found = world.rpc.view(&world.contracts.tasks, methods::balance, &asked, At::Final).await?;
    Ok(found.map_or(0, |row| row.amount.0))
}

/// Anybody settles it: first bob and those who judged first, then those who judged last.
async fn settled(world: &mut World, task: TaskRef) -> anyhow::Result<()> {
    let (anyone, bob, contracts) = (world.person("eve")?, world.person("bob")?.id, world.contracts.clone());
    let judges: Vec<AccountId> = look(world, task)
        .await?
        .appeal
        .and_then(|appeal| appeal.panel)
        .map_or_else(Vec::new, |panel| panel.seats.into_iter().map(|seat| seat.reviewer).collect());
    let mut before = vec![balance(world, &bob).await?];
    for judge in &judges {
        before.push(balance(world, judge).await?);
    }
    world.wait(Duration::from_millis(HOUR_MS + 1_000)).await?;
    loop {
        let done = contracts.tasks().call(&anyone, methods::settle, &task).await?;
        if world.take(done) {
            break;
        }
    }
    let reward = balance(world, &bob).await?.saturating_sub(before[0]);
    let mut fees = 0;
    for (judge, before) in judges.iter().zip(&before[1..]) {
        fees += balance(world, judge).await?.saturating_sub(*before).min(FEE);
    }
    ensure!(reward >= REWARD && fees == FEE * u128::from(APPEAL_PANEL), "bob got {reward}, the seven {fees}");
    let text = format!("seven others say good: {} NEAR for bob, {} for them", near(REWARD), near(fees));
    world.progress.step("task", &text);
    world.state.note(|facts| {
        (facts.tasks_judged, facts.tasks_appealed) = (1, 1);
        (facts.task_reward_yocto, facts.task_fees_yocto) = (REWARD, fees);
    })
}
