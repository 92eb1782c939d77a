//! A task that is done, judged wrongly by three, and judged anew by seven; and what each of them gets.

use std::time::Duration;

use anyhow::{Context, ensure};
use charter_client::task::Note;
use charter_client::{Account, At, STORAGE_DEPOSIT, sha256};
use charter_types::asset::Asset;
use charter_types::tasks::args::{CommitVerdict, CommitWork, PostTaskSet, RevealVerdict, RevealWork, Settle, Slots, Take};
use charter_types::tasks::{APPEAL_PANEL, Answer, Deadlines, PANEL, SLOT_BOND, Task, TaskRef, Verdict, methods};
use charter_types::{Base64Bytes, Hash32, Nothing, U128};

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
        let done = contracts.tasks().pay(&reviewer, methods::bond, &Slots { slots: 1 }, SLOT_BOND + STORAGE_DEPOSIT);
        let done = done.await?;
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
    let cost = REWARD + FEE * u128::from(PANEL) + args.storage();
    let done = tasks.pay(&alice, methods::post_task_set, &args, cost).await?;
    let set = world.take(done);
    let done = tasks.pay(&bob, methods::take, &Take { set, agent: None }, DEPOSIT).await?;
    let task = world.take(done);
    let answer = Answer::Inline { bytes: Base64Bytes(b"cat".to_vec()) };
    let note = Note::work(task, look(world, task).await?.attempt, answer);
    let commitment = note.commitment(&contracts.tasks, &bob.id);
    let done = tasks.call(&bob, methods::commit_work, &CommitWork { task, commitment }).await?;
    world.take(done);
    let Note::Work { answer, salt, .. } = note else { anyhow::bail!("a note of work is none") };
    let done = tasks.call(&bob, methods::reveal_work, &RevealWork { task, answer, salt }).await?;
    world.take(done);
    Ok(task)
}

async fn look(world: &World, task: TaskRef) -> anyhow::Result<Task> {
    let found = world.rpc.view(&world.contracts.tasks, methods::task, &task, At::Final).await?;
    found.with_context(|| format!("task {} is gone", task.index))
}

/// All of a panel say the same: first without anybody seeing it, then aloud.
async fn judged(world: &mut World, task: TaskRef, verdict: Verdict, seats: usize) -> anyhow::Result<()> {
    let (shown, contracts) = (look(world, task).await?, world.contracts.clone());
    let round = shown.rounds.last().context("nobody was drawn")?;
    ensure!(round.seats.len() == seats, "{} were drawn, not {seats}", round.seats.len());
    let mut notes = Vec::new();
    for seat in &round.seats {
        let reviewer = who(world, seat.reviewer.as_str())?;
        let note = Note::verdict(task, shown.attempt, round.number, verdict);
        let commitment = note.commitment(&contracts.tasks, &reviewer.id);
        let done =
            contracts.tasks().call(&reviewer, methods::commit_verdict, &CommitVerdict { task, commitment }).await?;
        world.take(done);
        notes.push((reviewer, note));
    }
    for (reviewer, note) in notes {
        let Note::Verdict { verdict, salt, .. } = note else { anyhow::bail!("a note of a verdict is none") };
        let args = RevealVerdict { task, verdict, salt };
        let done = contracts.tasks().call(&reviewer, methods::reveal_verdict, &args).await?;
        world.take(done);
    }
    Ok(())
}

/// One of the people, by account.
fn who(world: &mut World, account: &str) -> anyhow::Result<Account> {
    let name = account.split_once('.').map_or(account, |(name, _)| name);
    world.person(name)
}

/// Anybody settles it: first bob and those who judged first, then those who judged last.
async fn settled(world: &mut World, task: TaskRef) -> anyhow::Result<()> {
    world.wait(Duration::from_millis(HOUR_MS + 1_000)).await?;
    let (anyone, contracts) = (world.person("eve")?, world.contracts.clone());
    loop {
        let done = contracts.tasks().call(&anyone, methods::settle, &Settle { task }).await?;
        if world.take(done).done {
            break;
        }
    }
    let bob = world.person("bob")?.id;
    let asked = charter_types::tasks::args::OfAccount { account: bob, asset: Asset::Near };
    let has = world.rpc.view(&contracts.tasks, methods::balance, &asked, At::Final).await?;
    let has = has.map_or(0, |row| row.amount.0);
    // The deposit came back at the reveal.
    ensure!(has >= REWARD + DEPOSIT, "bob has {} NEAR", near(has));
    let fees = FEE * u128::from(APPEAL_PANEL);
    let text = format!("seven others say good: {} NEAR for bob, {} for them", near(REWARD), near(fees));
    world.progress.step("task", &text);
    world.state.note(|facts| {
        (facts.tasks_judged, facts.tasks_appealed) = (1, 1);
        (facts.task_reward_yocto, facts.task_fees_yocto) = (REWARD, fees);
    })
}
