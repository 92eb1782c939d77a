//! How fast the chain is: `cargo bench --bench chain [-- --json]`.
//!
//! With `NEAR_SANDBOX_BIN_PATH` set, what a client waits for is measured on that binary too, in the same run.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use charter_localnet::chain::{Chain, ChainOptions};
use charter_localnet::{Config, Genesis, Localnet};
use near_crypto::SecretKey;
use near_jsonrpc_client::methods;
use near_primitives::action::{Action, TransferAction};
use near_primitives::types::{AccountId, Balance};
use serde_json::{Value, json};

#[expect(dead_code, clippy::unwrap_used, reason = "the tests' own helper, of which a benchmark needs a part")]
#[path = "../tests/it/actor.rs"]
mod actor;
#[path = "chain/signing.rs"]
mod signing;

use actor::{Actor, call};
use signing::Sender;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PROBE: &[u8] = include_bytes!("../tests/data/probe.wasm");

/// What this chain is to reach on two cores that do nothing else.
const LIBRARY_START_GOAL_MS: f64 = 1.0;
const PROCESS_START_GOAL_MS: f64 = 10.0;
const CALL_GOAL_MS: f64 = 1.2;
const CALLS_A_SECOND_GOAL: f64 = 7_000.0;
/// Resident memory after `BLOCKS` blocks: 1,241 MiB once transactions were shared (the very first run took 1,553), and a tenth.
const MEMORY_BUDGET_MIB: f64 = 1_365.0;
const BLOCKS: usize = 100_000;

const STARTS: usize = 20;
const RPC_CALLS: usize = 500;
const IN_PROCESS_CALLS: usize = 20_000;
const CALLS_A_BLOCK: usize = 100;

struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    goal: String,
    held: bool,
    /// The same on near-sandbox, where it was measured.
    peer: Option<f64>,
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1_000.0
}

/// A node as a process, as near-sandbox's users start it.
struct Node {
    process: Child,
    home: tempfile::TempDir,
    url: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Node {
    /// Starts a node and says how long its first answer took; making its home is not counted.
    async fn start(binary: &Path) -> Result<(Self, Duration)> {
        let home = tempfile::tempdir()?;
        quiet(Command::new(binary).arg("--home").arg(home.path()).args(["init", "--fast"])).status()?;
        let (rpc, network) = (free_port()?, free_port()?);
        let url = format!("http://127.0.0.1:{rpc}");
        let run = &mut Command::new(binary);
        run.arg("--home").arg(home.path()).arg("run");
        run.args(["--rpc-addr", &format!("127.0.0.1:{rpc}"), "--network-addr", &format!("127.0.0.1:{network}")]);
        let client = reqwest::Client::new();
        let started = Instant::now();
        let process = quiet(run).spawn()?;
        let node = Self { process, home, url };
        while client.get(format!("{}/status", node.url)).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok((node, started.elapsed()))
    }

    fn root(&self) -> Result<Actor> {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(self.home.path().join("validator_key.json"))?)?;
        let id: AccountId = serde_json::from_value(file["account_id"].clone())?;
        let key: SecretKey = serde_json::from_value(file["secret_key"].clone())?;
        Ok(Actor::new(&self.url, &id, &key))
    }
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

async fn starts(binary: &Path, times: usize) -> Result<f64> {
    let mut took = Vec::new();
    for _ in 0..times {
        took.push(Node::start(binary).await?.1);
    }
    Ok(median(took))
}

/// One signed call after the other, each until it is final.
async fn calls(binary: &Path, times: usize) -> Result<f64> {
    let (node, _) = Node::start(binary).await?;
    let root = node.root()?;
    let contract = root.create("bench", Balance::from_near(50)).await;
    contract.deploy(PROBE).await;
    let mut took = Vec::new();
    for _ in 0..times {
        let signed_transaction = root.sign(&contract.id, vec![increment()]).await;
        let wait_until = near_primitives::views::TxExecutionStatus::ExecutedOptimistic;
        let request = methods::send_tx::RpcSendTransactionRequest { signed_transaction, wait_until };
        let sent = Instant::now();
        root.client.call(request).await?;
        took.push(sent.elapsed());
    }
    Ok(median(took))
}

fn increment() -> Action {
    call("run", &json!({ "script": [{ "write": { "key": "k", "len": 8 } }] }), Balance::ZERO)
}

/// A chain in this process, with the contract deployed.
fn chain() -> Result<(Chain, Sender, AccountId)> {
    let genesis = Genesis::default();
    let sender = Sender::new(genesis.root_id().clone(), genesis.root_key.clone());
    let mut chain = Chain::new(genesis, ChainOptions::default())?;
    let contract: AccountId = "bench.test.near".parse()?;
    sender.create_with_code(&mut chain, &contract, PROBE);
    while chain.has_work() {
        chain.produce()?;
    }
    Ok((chain, sender, contract))
}

/// Signed calls a second, signing included, on the one thread that runs the chain.
fn calls_a_second() -> Result<f64> {
    let (mut chain, sender, contract) = chain()?;
    let started = Instant::now();
    for _ in 0..IN_PROCESS_CALLS / CALLS_A_BLOCK {
        for _ in 0..CALLS_A_BLOCK {
            sender.send(&mut chain, &contract, vec![increment()]);
        }
        chain.produce()?;
    }
    while chain.has_work() {
        chain.produce()?;
    }
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a rate for people to read")]
    let calls = IN_PROCESS_CALLS as f64;
    Ok(calls / started.elapsed().as_secs_f64())
}

/// Resident memory, MiB, after many blocks of transfers, calls, failing calls and accounts.
fn memory() -> Result<f64> {
    let (mut chain, sender, contract) = chain()?;
    let before = resident_mib()?;
    let step = BLOCKS / 10;
    for block in 0..BLOCKS {
        let actions = match block % 4 {
            0 => vec![increment()],
            1 => vec![call(
                "run",
                &json!({ "script": [{ "write": { "key": (block % 1_000).to_string(), "len": 64 } }] }),
                Balance::ZERO,
            )],
            2 => vec![Action::Transfer(TransferAction { deposit: Balance::from_yoctonear(1) })],
            _ => vec![call("run", &json!({ "script": [{ "panic": "on purpose" }] }), Balance::from_yoctonear(1))],
        };
        sender.send(&mut chain, &contract, actions);
        chain.produce()?;
        if block % step == 0 && std::io::stderr().is_terminal() {
            eprint!("\rmemory: {block} of {BLOCKS} blocks");
        }
    }
    Ok(resident_mib()? - before)
}

fn resident_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

/// From `Localnet::start` to the first answer over HTTP, in this process.
async fn library_start() -> Result<f64> {
    let client = reqwest::Client::new();
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let localnet = Localnet::start(Config::default()).await?;
        let rpc = localnet.serve("127.0.0.1:0").await?;
        client.get(format!("{}/status", rpc.url())).send().await?;
        took.push(started.elapsed());
    }
    Ok(median(took))
}

fn below(name: &'static str, value: f64, unit: &'static str, goal: f64, peer: Option<f64>) -> Figure {
    Figure { name, value, unit, goal: format!("≤ {goal}"), held: value <= goal, peer }
}

#[tokio::main]
async fn main() -> Result<()> {
    let own = Path::new(env!("CARGO_BIN_EXE_charter-localnet"));
    let peer = std::env::var_os("NEAR_SANDBOX_BIN_PATH").map(PathBuf::from);
    let (peer_start, peer_call) = match &peer {
        Some(binary) => (Some(starts(binary, 5).await?), Some(calls(binary, 20).await?)),
        None => (None, None),
    };
    let rate = calls_a_second()?;
    let figures = [
        below("library: start to first RPC answer", library_start().await?, "ms", LIBRARY_START_GOAL_MS, None),
        below(
            "process: start to first RPC answer",
            starts(own, STARTS).await?,
            "ms",
            PROCESS_START_GOAL_MS,
            peer_start,
        ),
        below("signed call through RPC", calls(own, RPC_CALLS).await?, "ms", CALL_GOAL_MS, peer_call),
        Figure {
            name: "signed calls in process, one core",
            value: rate,
            unit: "/s",
            goal: format!("≥ {CALLS_A_SECOND_GOAL}"),
            held: rate >= CALLS_A_SECOND_GOAL,
            peer: None,
        },
        below("memory after 100,000 blocks", memory()?, "MiB", MEMORY_BUDGET_MIB, None),
    ];
    print(&figures, std::env::args().any(|argument| argument == "--json"));
    Ok(())
}

fn print(figures: &[Figure], as_json: bool) {
    if as_json {
        let figures = figures.iter().map(|figure| {
            json!({
                "name": figure.name, "value": figure.value, "unit": figure.unit, "goal": figure.goal,
                "held": figure.held, "near_sandbox": figure.peer,
            })
        });
        println!("{}", Value::Array(figures.collect()));
        return;
    }
    println!("{:<38} {:>10} {:<4} {:<10} near-sandbox", "", "median", "", "goal");
    for Figure { name, value, unit, goal, held, peer } in figures {
        let verdict = if *held { "held" } else { "MISSED" };
        let peer = peer.map_or_else(|| "-".to_owned(), |peer| format!("{peer:.1} {unit}, ratio {:.1}", peer / value));
        println!("{name:<38} {value:>10.1} {unit:<4} {goal:<8} {verdict:<7} {peer}");
    }
}
