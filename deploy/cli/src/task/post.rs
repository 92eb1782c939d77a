//! Posting a set of tasks, and closing it.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use charter_client::{STORAGE_DEPOSIT, sha256};
use charter_types::asset::Asset;
use charter_types::tasks::args::{PostTaskSet, SetRef};
use charter_types::tasks::{APPEAL_PANEL, Deadlines, PANEL, SetId, TAKE_DEPOSIT_MIN, TASKS_MAX, methods};
use charter_types::text::is_uri;
use charter_types::{AccountId, Hash32, U128};
use serde_json::json;

use super::spec::{self, Spec};
use super::{asset, csv, honeypot, money, show};
use crate::files::read;
use crate::key::input::Consent;
use crate::session::Session;
use crate::token;
use crate::units::{Amount, amount, duration_ms, length, money as words_of, near, some_amount, yocto};

/// Tasks that are under way at once, unless somebody says otherwise.
const AT_ONCE: u32 = 100;
/// More than the rows of a task take, with those of everybody who is paid for it: 0.025 NEAR.
const TASK_STORAGE: u128 = 25_000_000_000_000_000_000_000;
/// Of so many more than can be under way, rows that stay are paid for beforehand, too.
const STAYING_MAX: u32 = 64;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Posts a set of tasks, one for each row of a CSV file, and sets the money for all of them aside.
    Post {
        /// A first row with the names of columns, then a row for each task.
        items: PathBuf,
        #[command(flatten)]
        terms: Box<Terms>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Ends a set of yours: nobody takes a task of it any more, and what was set aside for tasks that nobody has is in your
    /// balance. Tasks that somebody has go on to their end.
    Close { set: SetId },
}

#[derive(clap::Args)]
pub struct Terms {
    /// A text file that says what to do with an item.
    #[arg(long, value_name = "FILE")]
    instructions: PathBuf,
    /// What an answer may be; more than once for several [default: any text].
    #[arg(long, value_name = "TEXT")]
    answer: Vec<String>,
    /// Where workers and reviewers find the spec, which is written here and which you put there.
    #[arg(long, value_name = "URI", value_parser = uri)]
    spec_uri: String,
    /// What a worker gets for an answer that is found good. In NEAR; of a token, in its smallest unit.
    #[arg(long, value_name = "AMOUNT", value_parser = some_amount)]
    reward: Amount,
    /// What each of three reviewers gets for a task. In NEAR; of a token, in its smallest unit.
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    fee: Amount,
    /// A token (NEP-141) instead of NEAR.
    #[arg(long, value_name = "ACCOUNT")]
    token: Option<AccountId>,
    /// How many tasks can be under way at once [default: all of them, or 100].
    #[arg(long, value_name = "COUNT")]
    at_once: Option<u32>,
    /// What a worker deposits, in NEAR. It comes back when an answer is revealed, and is yours if none is.
    #[arg(long, value_name = "NEAR", value_parser = yocto, default_value = "0.05")]
    take_deposit: u128,
    /// How long a worker has to commit to an answer, as 1h.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1d")]
    work: u64,
    /// How long, after that, to reveal it.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1h")]
    reveal: u64,
    /// How long reviewers have to commit to a verdict.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1d")]
    verdict: u64,
    /// How long, after that, to reveal it.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1h")]
    verdict_reveal: u64,
    /// How long one can appeal.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1d")]
    appeal: u64,
    /// A CSV file with columns index and answer: tasks whose answers you know, and can show when they are decided.
    #[arg(long, value_name = "FILE")]
    honeypots: Option<PathBuf>,
    /// How long you can show them.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1h", requires = "honeypots")]
    show: u64,
}

fn uri(text: &str) -> Result<String, String> {
    if is_uri(text) { Ok(text.to_owned()) } else { Err(format!("expected a URI like https://…, found \"{text}\"")) }
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Post { items, terms, consent } => post(session, &items, &terms, &consent).await,
        Command::Close { set } => close(session, set).await,
    }
}

/// A text file.
pub fn text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).ok().with_context(|| format!("{} is not text (UTF-8)", path.display()))
}

impl Terms {
    fn deadlines(&self) -> Deadlines {
        Deadlines {
            work_ms: self.work,
            reveal_ms: self.reveal,
            verdict_ms: self.verdict,
            verdict_reveal_ms: self.verdict_reveal,
            appeal_ms: self.appeal,
            show_ms: if self.honeypots.is_some() { self.show } else { 0 },
        }
    }

    /// The arguments, and the spec's bytes.
    fn read(&self, session: &Session, items: &Path) -> anyhow::Result<(PostTaskSet, Vec<u8>)> {
        let table = csv::read(&text(items)?).with_context(|| format!("{} can't be read", items.display()))?;
        let spec = Spec::new(&text(&self.instructions)?, self.answer.clone(), table)?;
        let bytes = spec.bytes()?;
        let count = u32::try_from(spec.items.len()).ok().filter(|count| *count <= TASKS_MAX);
        let count = count.with_context(|| format!("a set has {TASKS_MAX} tasks at most"))?;
        ensure!(
            self.take_deposit >= TAKE_DEPOSIT_MIN,
            "TASKS_TAKE_DEPOSIT_SMALL: a worker deposits {} NEAR or more, not {}",
            near(TAKE_DEPOSIT_MIN),
            near(self.take_deposit)
        );
        let asset = asset(self.token.clone());
        let honeypots = match &self.honeypots {
            Some(path) => Some(honeypot::make(&session.folder, path, &spec)?),
            None => None,
        };
        let args = PostTaskSet {
            spec_uri: self.spec_uri.clone(),
            spec_hash: Hash32(sha256(&bytes)),
            reward: U128(self.reward.of(&asset)?),
            reviewer_fee: U128(self.fee.of(&asset)?),
            count,
            at_once: self.at_once.unwrap_or(AT_ONCE).min(count),
            take_deposit: U128(self.take_deposit),
            deadlines: self.deadlines(),
            honeypots,
            asset,
        };
        Ok((args, bytes))
    }
}

/// What posting attaches for storage. What is not needed is in the balance, or comes back with a token.
fn storage(args: &PostTaskSet) -> u128 {
    let staying = args.count.saturating_sub(args.at_once).min(STAYING_MAX);
    let tasks = u128::from(args.at_once.saturating_add(staying));
    TASK_STORAGE.saturating_mul(tasks).saturating_add(STORAGE_DEPOSIT)
}

/// All that a set can cost.
fn cost(args: &PostTaskSet) -> anyhow::Result<u128> {
    let fees = args.reviewer_fee.0.checked_mul(PANEL.into());
    let each = fees.and_then(|fees| fees.checked_add(args.reward.0));
    each.and_then(|each| each.checked_mul(args.count.into())).context("so much money there is not")
}

/// What is agreed to, a line each.
fn sheet(args: &PostTaskSet, cost: u128) -> Vec<(&'static str, String)> {
    let money = |amount| words_of(&args.asset, amount);
    let Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms } = args.deadlines;
    let mut lines = vec![
        ("this", format!("posts {} tasks, and sets {} aside for them", args.count, money(cost))),
        (
            "each",
            format!(
                "{} to who works, {} to each of {PANEL} reviewers",
                money(args.reward.0),
                money(args.reviewer_fee.0)
            ),
        ),
        ("at once", format!("{} of them, each for a deposit of {} NEAR", args.at_once, near(args.take_deposit.0))),
        ("work", format!("{} to commit to an answer, {} to reveal it", length(work_ms), length(reveal_ms))),
        ("verdict", format!("{} to commit to it, {} to reveal it", length(verdict_ms), length(verdict_reveal_ms))),
        ("appeal", format!("{} to ask {APPEAL_PANEL} others, at the cost of who asks", length(appeal_ms))),
    ];
    if let Some(root) = args.honeypots {
        lines.push(("honeypots", format!("{} to show them once a task is decided; {root}", length(show_ms))));
    }
    lines.push(("spec", args.spec_uri.clone()));
    lines.push(("sha256", args.spec_hash.to_string()));
    lines
}

async fn post(session: &Session, items: &Path, terms: &Terms, consent: &Consent) -> anyhow::Result<()> {
    let (args, bytes) = terms.read(session, items)?;
    let cost = cost(&args)?;
    let has = money::balance(session, &session.me.id, &args.asset).await?.unwrap_or_default();
    let missing = cost.saturating_sub(has);
    let storage = storage(&args);
    let mut sheet = sheet(&args, cost);
    if missing > 0 {
        sheet.push(("pays in", format!("{} that are not in your balance", words_of(&args.asset, missing))));
    }
    let stays = if args.asset.is_near() { ", and is in your balance what is not needed" } else { "" };
    sheet.push((
        "storage",
        format!("{} NEAR more at most, which come back when the set has ended{stays}", near(storage)),
    ));
    token::ask(session, consent, sheet, (&args.asset, &session.contracts.tasks)).await?;
    let mut attached = storage;
    match &args.asset {
        Asset::Near => attached = attached.saturating_add(missing),
        Asset::Nep141(token) if missing > 0 => money::pay_in(session, token, missing).await?,
        Asset::Nep141(_) => {}
    }
    let path = spec::keep(&session.folder, &bytes)?;
    let set = session.contracts.tasks().pay(&session.me, methods::post_task_set, &args, attached).await?.value;
    let text = format!(
        "set {set}: {} tasks can be taken; put {} where it is looked for, at {}",
        args.count,
        path.display(),
        args.spec_uri
    );
    let value = json!({
        "set": set, "count": args.count, "cost": U128(cost), "asset": args.asset, "spec": path,
        "spec_hash": args.spec_hash,
    });
    session.tell(&value, &text)
}

async fn close(session: &Session, set: SetId) -> anyhow::Result<()> {
    let before = show::set(session, set).await?;
    // Rows of tasks that came back are freed some at a time.
    while !session.contracts.tasks().call(&session.me, methods::close_set, &SetRef { set }).await?.value {}
    let text = format!(
        "set {set} is closed: {} that were for tasks nobody took are in your balance",
        words_of(&before.asset, before.escrowed.0)
    );
    session.tell(&json!({ "set": set, "asset": before.asset, "amount": before.escrowed }), &text)
}
