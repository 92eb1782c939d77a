//! How many vouchers a second: `cargo bench --bench vouchers [-- --json]`. It fails if a goal is missed.
//!
//! Checked one by one by the chain's rule, beside ed25519-dalek alone in the same run, and accepted by a `Payee` that answers
//! when they are on disk. The disk is the one below `target`: what is below `/tmp` may be memory.

use std::hint::black_box;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use charter_client::pay::{Answer, Disk, Files, Margins, Payee, Seen};
use charter_client::voucher::{is_signed, sign};
use charter_rules::voucher::{self, Channel};
use charter_types::escrow::{ClaimRow, Kind, Voucher};
use charter_types::{Ed25519Key, Hash32, Signature64};
use ed25519_dalek::{Signature, SigningKey, Verifier, VerifyingKey};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CHECKS: u32 = 20_000;
const CLIENTS: u32 = 1_000;
/// Vouchers that each client sends, one after the other's answer.
const EACH: u32 = 20;
const ROUNDS: usize = 5;

const CHECKS_GOAL: f64 = 28_000.0;
/// Times what one core does in the same run.
const TWO_CORES_GOAL: f64 = 1.9;
const ACCEPTED_GOAL: f64 = 10_000.0;

const DOMAIN: Hash32 = Hash32([1; 32]);
const NOW_MS: u64 = 1_000_000;

struct Figure {
    name: &'static str,
    a_second: f64,
    goal: Option<f64>,
    note: String,
}

impl Figure {
    fn held(&self) -> Option<bool> {
        self.goal.map(|goal| self.a_second >= goal)
    }
}

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn id(number: u32) -> Hash32 {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_le_bytes());
    Hash32(id)
}

/// The first `count` vouchers of a channel, for one more each.
fn vouchers(channel: Hash32, count: u32) -> Vec<(Voucher, Signature64)> {
    let signing = signing();
    let voucher = |counter: u32| {
        let (cumulative, counter, context_root) = (counter.into(), counter.into(), Hash32::default());
        let kind = Kind::Voucher;
        let voucher = Voucher { kind, domain: DOMAIN, channel, cumulative, expires_at_ms: 0, counter, context_root };
        let signature = sign(&signing, &voucher);
        (voucher, signature)
    };
    (1..=count).map(voucher).collect()
}

fn a_second(count: u32, started: Instant) -> f64 {
    f64::from(count) / started.elapsed().as_secs_f64()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// ed25519-dalek with everything prepared: no check can be faster.
fn alone(key: &VerifyingKey, rows: &[ClaimRow]) -> f64 {
    let prepare = |row: &ClaimRow| (row.voucher(DOMAIN).to_bytes(), Signature::from_bytes(&row.signature));
    let prepared: Vec<_> = rows.iter().map(prepare).collect();
    let started = Instant::now();
    let good = prepared.iter().filter(|(bytes, signature)| key.verify(black_box(bytes), signature).is_ok()).count();
    assert_eq!(good, rows.len());
    a_second(CHECKS, started)
}

/// All that a payee asks of a row, from the row as it came.
fn check(key: &VerifyingKey, rows: &[ClaimRow]) {
    let channel = Channel { id: id(0), deposited: u128::MAX, claimed: 0, ends_ms: None, closed: false };
    let is_good = |row: &&ClaimRow| {
        let voucher = black_box(row).voucher(DOMAIN);
        voucher::check(&channel, &voucher, NOW_MS).is_ok() && is_signed(key, &voucher, &Signature64(row.signature))
    };
    assert_eq!(rows.iter().filter(is_good).count(), rows.len());
}

fn one_core(key: &VerifyingKey, rows: &[ClaimRow]) -> f64 {
    let started = Instant::now();
    check(key, rows);
    a_second(CHECKS, started)
}

fn two_cores(key: &VerifyingKey, rows: &[ClaimRow]) -> f64 {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for half in rows.chunks(rows.len().div_ceil(2)) {
            scope.spawn(move || check(key, half));
        }
    });
    a_second(CHECKS, started)
}

/// A disk, and how often it was waited for.
struct Counted {
    disk: Disk,
    syncs: Arc<AtomicU32>,
}

impl Files for Counted {
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.disk.read(name)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.append(name, bytes)
    }

    fn cut(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        self.disk.cut(name, bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.disk.sync(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.disk.sync_folder()
    }
}

async fn client(payee: Arc<Payee>, vouchers: Vec<(Voucher, Signature64)>) -> Result<()> {
    for (voucher, signature) in vouchers {
        let answer = payee.accept(&voucher, &signature, 1, NOW_MS).await?;
        if !matches!(answer, Answer::Accepted(_)) {
            return Err(format!("{answer:?}").into());
        }
    }
    Ok(())
}

/// Vouchers accepted a second, each on disk before its answer, and how many shared a sync.
async fn accepted() -> Result<(f64, f64)> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let syncs = Arc::new(AtomicU32::new(0));
    let files = Counted { disk: Disk::open(folder.path())?, syncs: Arc::clone(&syncs) };
    let payee = Arc::new(Payee::with_files(files, DOMAIN, Margins::default())?);
    let mut all = Vec::new();
    for number in 0..CLIENTS {
        payee.see(Seen {
            id: id(number),
            voucher_key: Ed25519Key(signing().verifying_key().to_bytes()),
            deposited: u128::MAX,
            claimed: 0,
            withdraw_delay_ms: 900_000,
            locked_until_ms: 0,
            closes_ms: None,
            closed: false,
            at_ms: NOW_MS,
        })?;
        all.push(vouchers(id(number), EACH));
    }
    syncs.store(0, Ordering::Relaxed);
    let started = Instant::now();
    let clients: Vec<_> = all.into_iter().map(|vouchers| tokio::spawn(client(Arc::clone(&payee), vouchers))).collect();
    for client in clients {
        client.await??;
    }
    let count = CLIENTS * EACH;
    Ok((a_second(count, started), f64::from(count) / f64::from(syncs.load(Ordering::Relaxed))))
}

fn main() -> Result<ExitCode> {
    let rows: Vec<_> =
        vouchers(id(0), CHECKS).iter().map(|(voucher, signature)| ClaimRow::new(voucher, signature)).collect();
    let key = signing().verifying_key();
    let (mut dalek, mut one, mut two) = (Vec::new(), Vec::new(), Vec::new());
    let (mut durable, mut shared) = (Vec::new(), Vec::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    for _ in 0..ROUNDS {
        // In turn, so that whatever else the machine does hits all of them.
        dalek.push(alone(&key, &rows));
        one.push(one_core(&key, &rows));
        two.push(two_cores(&key, &rows));
        let (accepted, a_sync) = runtime.block_on(accepted())?;
        durable.push(accepted);
        shared.push(a_sync);
    }
    let (dalek, one, two) = (median(dalek), median(one), median(two));
    let ratio = |figure: f64| format!("{:.2} of ed25519-dalek", figure / dalek);
    let figures = [
        Figure { name: "ed25519-dalek alone, one core", a_second: dalek, goal: None, note: String::new() },
        Figure { name: "checked one by one, one core", a_second: one, goal: Some(CHECKS_GOAL), note: ratio(one) },
        Figure {
            name: "checked one by one, two cores",
            a_second: two,
            goal: Some(TWO_CORES_GOAL * one),
            note: format!("{:.2} of one core", two / one),
        },
        Figure {
            name: "accepted for 1,000 clients, on disk",
            a_second: median(durable),
            goal: Some(ACCEPTED_GOAL),
            note: format!("{:.0} a sync", median(shared)),
        },
    ];
    print(&figures, std::env::args().any(|argument| argument == "--json"));
    let missed = figures.iter().any(|figure| figure.held() == Some(false));
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(figures: &[Figure], as_json: bool) {
    if as_json {
        let figures = figures.iter().map(|figure| {
            let Figure { name, a_second, goal, note } = figure;
            json!({ "name": name, "a_second": a_second, "goal": goal, "held": figure.held(), "note": note })
        });
        println!("{}", Value::Array(figures.collect()));
        return;
    }
    println!("{:<36} {:>9} {:<9}", "", "a second", "goal");
    for figure in figures {
        let Figure { name, a_second, goal, note } = figure;
        let goal = goal.map_or_else(String::new, |goal| format!("≥ {goal:.0}"));
        let verdict = figure.held().map_or("", |held| if held { "held" } else { "MISSED" });
        println!("{name:<36} {a_second:>9.0} {goal:<9} {verdict:<7} {note}");
    }
}
