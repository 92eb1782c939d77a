//! A node of a chain that a test writes log by log, with proofs that hold. It can be made to lie.
//!
//! The contracts are not there: their views are answered from rows that the facts of the logs are applied to, by the
//! descriptors but without Postgres.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use charter_client::{Contracts, Rpc, sha256};
use charter_harness::Harness;
use charter_indexer::table::{Change, Source};
use charter_indexer::truth::Truth;
use charter_indexer::{Contract, tables};
use charter_types::event::{EventHead, PREFIX, next_head};
use charter_types::{PAGE_MAX, escrow, governance, keys, registry, tasks};
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{Direction, MerklePathItem, combine_hash, merklize};
use near_primitives::views::{ExecutionOutcomeWithIdView, LightClientBlockLiteView};
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify, OnceCell};

/// Highest id of everything that contracts count.
pub const IDS: u64 = 12;

/// A block as a node of the real protocol shows it.
static TEMPLATE: OnceCell<Value> = OnceCell::const_new();

async fn template() -> Value {
    let harness = Harness::start().await.unwrap();
    Rpc::new(harness.rpc_url()).call("block", json!({ "finality": "final" })).await.unwrap()
}

/// Changes an answer, by method and parameters, before it is sent.
type Lie = Box<dyn FnMut(&str, &Value, &mut Value) + Send>;

struct Receipt {
    id: CryptoHash,
    receiver: String,
    outcome: ExecutionOutcomeWithIdView,
}

struct Block {
    hash: CryptoHash,
    prev_hash: CryptoHash,
    lite: LightClientBlockLiteView,
    /// Over this block and all before it.
    root: CryptoHash,
    receipts: Vec<Receipt>,
    time_ms: u64,
    /// The contracts' chains of events with what they logged in this block.
    heads: BTreeMap<Contract, EventHead>,
}

/// What the contracts know.
#[derive(Default)]
pub struct World {
    pub rows: BTreeMap<&'static str, BTreeMap<String, Value>>,
    heads: BTreeMap<Contract, EventHead>,
    /// Highest id, if it is more than [`IDS`].
    pub ids: u64,
}

/// Answers to questions about owners, which are held back until so many are asked at once.
#[derive(Default)]
struct Gathering {
    barrier: Option<Arc<Barrier>>,
    now: usize,
    most: usize,
}

struct Inner {
    template: Value,
    genesis: CryptoHash,
    blocks: Vec<Block>,
    world: World,
    receipts: u64,
    lie: Option<Lie>,
    hangs: bool,
    gathering: Gathering,
    /// Of blocks to come.
    time_ms: u64,
}

/// The node. It stops when dropped.
pub struct Node {
    inner: Arc<Mutex<Inner>>,
    asked: Arc<Notify>,
    url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn contracts() -> Contracts {
    Contracts::below(&"charter.near".parse().unwrap()).unwrap()
}

impl World {
    pub fn head(&self, contract: Contract) -> EventHead {
        self.heads.get(&contract).copied().unwrap_or_default()
    }

    fn log(&self, contract: Contract, version: &str, name: &str, new: &Value) -> String {
        let EventHead { seq, head } = self.head(contract);
        let data = json!([{ "seq": seq + 1, "prev": head, "by": "by.near", "new": new }]);
        let event = json!({ "standard": contract.standard(), "version": version, "event": name, "data": data });
        format!("{PREFIX}{event}")
    }

    fn add(&mut self, contract: Contract, log: &str) {
        let EventHead { seq, head } = self.head(contract);
        self.heads.insert(contract, EventHead { seq: seq + 1, head: next_head(&head, log, sha256) });
    }

    /// A log of the contract's next event, which changes the rows.
    pub fn emit(&mut self, contract: Contract, name: &str, new: &Value) -> String {
        let log = self.log(contract, "1.0.0", name, new);
        self.add(contract, &log);
        for change in changes(contract, new) {
            self.apply(&change);
        }
        log
    }

    /// A log of the contract's next event in a version that nobody knows, which changes nothing.
    pub fn emit_unknown(&mut self, contract: Contract) -> String {
        let log = self.log(contract, "2.0.0", "of_the_future", &json!({}));
        self.add(contract, &log);
        log
    }

    /// A log of the contract's chain of events as it stands here, which changes nothing.
    pub fn emit_raw(&mut self, contract: Contract, log: String) -> String {
        self.add(contract, &log);
        log
    }

    fn apply(&mut self, change: &Change) {
        let rows = self.rows.entry(change.table().name).or_default();
        match change {
            Change::Put { key, body, .. } => drop(rows.insert(key.clone(), body.clone())),
            Change::Remove { key, .. } => drop(rows.remove(key)),
            Change::Set { key, field, value, .. } => {
                if let Some(body) = rows.get_mut(key) {
                    body[*field] = value.clone();
                }
            }
            Change::RemoveSpan { table, of, by, from, to } => {
                let field = |name| match table.column(name).unwrap().source {
                    Source::Field(field) => field,
                    Source::Key => panic!("{name} is the key"),
                };
                let (owner, place) = (field(of.0), field(by));
                rows.retain(|_, body| body[owner] != of.1 || !(*from..*to).contains(&body[place].as_u64().unwrap()));
            }
        }
    }

    pub fn all(&self, table: &str) -> impl Iterator<Item = &Value> {
        self.rows.get(table).into_iter().flat_map(BTreeMap::values)
    }

    fn row(&self, table: &str, key: &str) -> Value {
        self.rows.get(table).and_then(|rows| rows.get(key)).cloned().unwrap_or_default()
    }

    /// Rows of one parent.
    fn of(&self, table: &str, field: &str, id: &Value) -> Vec<&Value> {
        self.all(table).filter(|body| body[field] == *id).collect()
    }

    fn view(&self, contract: Contract, method: &str, args: &Value) -> Value {
        let from = args["from"].as_u64().unwrap_or_default();
        let listed = tables::all()
            .filter(|table| table.contract == contract)
            .find(|table| matches!(table.truth, Truth::Pages { list, .. } if list.name() == method));
        if let Some(table) = listed {
            let Some(Source::Field(id)) = table.columns.first().map(|column| column.source) else { panic!("{method}") };
            let page = from..from.saturating_add(PAGE_MAX);
            return self.all(table.name).filter(|body| page.contains(&body[id].as_u64().unwrap())).cloned().collect();
        }
        let text = |field: &str| match &args[field] {
            Value::String(text) => text.clone(),
            // An asset.
            Value::Object(variant) => {
                let (name, inner) = variant.iter().next().unwrap();
                format!("{name}:{}", inner.as_str().unwrap())
            }
            other => other.to_string(),
        };
        let key = |fields: &[&str]| fields.iter().map(|field| text(field)).collect::<Vec<_>>().join("/");
        let ids = self.ids.max(IDS);
        match method {
            "agent_count" => json!([ids, ids]),
            "counts" => json!([ids, ids, ids]),
            "recovery_proposals" => json!(self.of("recovery_proposal", "agent", &args["agent"])),
            "ballots" => json!(self.of("ballot", "proposal", &args["proposal"])),
            "who_received" => {
                let mut rows = self.of("recipient", "secret", &args["secret"]);
                rows.sort_by_key(|body| body["index"].as_u64());
                let page = rows.iter().filter(|body| body["index"].as_u64() >= Some(from));
                page.take(100).map(|body| body["recipient"].clone()).collect()
            }
            "channels" => {
                let ids = args["channels"].as_array().unwrap().iter();
                ids.map(|id| self.row("channel", id.as_str().unwrap())).filter(|row| !row.is_null()).collect()
            }
            "edges" => {
                let ids = args["edges"].as_array().unwrap().iter();
                ids.map(|id| self.row("edge", id.as_str().unwrap())).filter(|row| !row.is_null()).collect()
            }
            "purse" => self.row("purse", &key(&["agent", "owner", "asset"])),
            "drawn" => self.row("draw", &key(&["agent", "owner", "asset", "payee"])),
            "reserve_of" => self.row("reserve", &key(&["payee", "asset"])),
            "creator" => self.row("creator", &key(&["reserve", "account"])),
            "task_set" => self.row("task_set", &text("set")),
            "task" => self.row("task", &key(&["set", "index"])),
            "reviewer" => self.row("reviewer", &text("account")),
            "balance" => self.row("balance", &key(&["account", "asset"])),
            "record" => self.row("work_record", &text("account")),
            "marks" => {
                let accounts = args["accounts"].as_array().unwrap().iter();
                let mark =
                    |account: &Value| self.row("mark", &format!("{}/{}", text("requester"), account.as_str().unwrap()));
                accounts.map(mark).filter(|row| !row.is_null()).collect()
            }
            "earnings" if contract == Contract::Tasks => {
                self.row("task_earnings", &key(&["agent", "account", "asset"]))
            }
            "earnings" => self.row("earnings", &key(&["agent", "account", "asset"])),
            "request" => self.row("request", &key(&["edge", "counter"])),
            "owner" => self.row("owner", &text("account")),
            "reputation" => self.row("reputation", &key(&["agent", "epoch", "reporter", "asset"])),
            "reporters" | "verifier" => self.row("registry_setting", method),
            "mpc" => self.row("keys_setting", method),
            "lease" => self.row("lease", &text("lease")),
            "enrolment" => self.row("enrolment", &text("agent")),
            "report" => self.row("health_report", &key(&["release", "owner"])),
            "statement" => self.row("statement", &key(&["release", "by"])),
            "objection" => self.row("objection", &key(&["proposal", "owner"])),
            "pool" => self.row("stake_pool", &text("line")),
            "stake" => self.row("stake", &key(&["line", "account"])),
            "delegate_of" => self.row("delegate", &key(&["line", "account"])),
            "stake_ballot" => self.row("stake_ballot", &key(&["proposal", "account"])),
            "overridden" => self.row("overridden", &key(&["proposal", "account"])),
            "holding" => self.row("holding", &key(&["line", "owner"])),
            "approval" => self.row("approval", &key(&["grant", "host", "digest"])),
            "wrap" => {
                let version = &self.row("secret", &text("secret"))["version"];
                let row = self.row("wrap", &format!("{}/{version}/{}", text("secret"), text("host")));
                let Some(bytes) = row["bytes"].as_u64() else { return Value::Null };
                let sealed = STANDARD.encode(vec![0; usize::try_from(bytes).unwrap()]);
                json!({ "sealed": sealed, "host_generation": row["host_generation"] })
            }
            _ => panic!("nobody asks {method}"),
        }
    }
}

/// What a fact changes, if it is one.
pub fn changes(contract: Contract, new: &Value) -> Vec<Change> {
    fn fact<T: serde::de::DeserializeOwned>(new: &Value) -> T {
        serde_json::from_value(new.clone()).unwrap_or_else(|error| panic!("{error}: {new}"))
    }
    match contract {
        Contract::Registry => tables::registry::changes(&fact::<registry::Fact>(new)),
        Contract::Keys => tables::keys::changes(&fact::<keys::Fact>(new)),
        Contract::Governance => tables::governance::changes(&fact::<governance::Fact>(new)),
        Contract::Escrow => tables::escrow::changes(&fact::<escrow::Fact>(new)),
        Contract::Tasks => tables::tasks::changes(&fact::<tasks::Fact>(new)),
    }
}

impl Node {
    /// A chain with one empty block.
    pub async fn start() -> Self {
        let template = TEMPLATE.get_or_init(template).await.clone();
        let genesis = CryptoHash::hash_bytes(b"genesis");
        let (blocks, world) = (Vec::new(), World::default());
        let inner = Arc::new(Mutex::new(Inner {
            template,
            genesis,
            blocks,
            world,
            receipts: 0,
            lie: None,
            hangs: false,
            gathering: Gathering::default(),
            time_ms: 1,
        }));
        let asked = Arc::new(Notify::new());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer)).with_state((Arc::clone(&inner), Arc::clone(&asked)));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let node = Self { inner, asked, url, task };
        node.block(Vec::new());
        node
    }

    pub fn rpc(&self) -> Rpc {
        Rpc::new(self.url.clone())
    }

    /// Adds a block with receipts of contracts and their logs.
    pub fn block(&self, receipts: Vec<(Contract, Vec<String>)>) {
        let contracts = contracts();
        let named = receipts.into_iter().map(|(contract, logs)| (contract.account(&contracts).to_string(), logs));
        self.block_of(named.collect());
    }

    /// The same, of any accounts.
    pub fn block_of(&self, receipts: Vec<(String, Vec<String>)>) {
        self.inner.lock().unwrap().block(receipts);
    }

    /// The hash of the block at a height.
    pub fn hash(&self, height: usize) -> CryptoHash {
        self.inner.lock().unwrap().blocks[height - 1].hash
    }

    /// Says when the next blocks are made.
    pub fn set_time(&self, time_ms: u64) {
        self.inner.lock().unwrap().time_ms = time_ms;
    }

    /// Works on what the contracts know.
    pub fn world<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.inner.lock().unwrap().world)
    }

    /// One event of each fact, all in one receipt of a new block.
    pub fn emit(&self, contract: Contract, facts: &[Value]) {
        let logs = self.world(|world| facts.iter().map(|new| world.emit(contract, "told", new)).collect());
        self.block(vec![(contract, logs)]);
    }

    /// Changes answers from now on.
    pub fn lie(&self, lie: impl FnMut(&str, &Value, &mut Value) + Send + 'static) {
        self.inner.lock().unwrap().lie = Some(Box::new(lie));
    }

    /// Answers nothing any more. What is returned resolves once it was asked something.
    pub fn hang(&self) -> impl Future<Output = ()> + use<> {
        self.inner.lock().unwrap().hangs = true;
        let asked = Arc::clone(&self.asked);
        async move { asked.notified().await }
    }

    pub fn stop_lying(&self) {
        self.inner.lock().unwrap().lie = None;
    }

    /// From now on holds back what it is asked about owners, until so many questions wait.
    pub fn gather(&self, questions: usize) {
        self.inner.lock().unwrap().gathering.barrier = Some(Arc::new(Barrier::new(questions)));
    }

    /// How many questions about owners waited at once, at the most.
    pub fn most_at_once(&self) -> usize {
        self.inner.lock().unwrap().gathering.most
    }
}

/// Moves the heads of contracts by what one of them logged.
fn tell(heads: &mut BTreeMap<Contract, EventHead>, receiver: &str, logs: &[String]) {
    let contracts = contracts();
    let of = |contract: &Contract| contract.account(&contracts) == receiver;
    let Some(contract) = Contract::ALL.into_iter().find(of) else { return };
    let standard = format!(r#""standard":"{}""#, contract.standard());
    for log in logs.iter().filter(|log| log.starts_with(PREFIX) && log.contains(&standard)) {
        let EventHead { seq, head } = heads.get(&contract).copied().unwrap_or_default();
        heads.insert(contract, EventHead { seq: seq + 1, head: next_head(&head, log, sha256) });
    }
}

impl Inner {
    fn block(&mut self, receipts: Vec<(String, Vec<String>)>) {
        let height = self.blocks.len() + 1;
        let (prev_hash, prev_root) = self.blocks.last().map_or_else(Default::default, |block| (block.hash, block.root));
        let mut made = Vec::new();
        let mut heads = self.blocks.last().map(|block| block.heads.clone()).unwrap_or_default();
        for (receiver, logs) in receipts {
            tell(&mut heads, &receiver, &logs);
            self.receipts += 1;
            let id = CryptoHash::hash_borsh(self.receipts);
            let outcome = json!({
                "proof": [], "block_hash": CryptoHash::default(), "id": id,
                "outcome": {
                    "logs": logs, "receipt_ids": [], "gas_burnt": 0, "tokens_burnt": "0", "executor_id": receiver,
                    "status": { "SuccessValue": "" }, "metadata": { "version": 1, "gas_profile": null },
                },
            });
            made.push(Receipt { id, receiver, outcome: serde_json::from_value(outcome).unwrap() });
        }
        let leaves: Vec<_> = made.iter().map(|receipt| receipt.outcome.to_hashes()).collect();
        let (chunk_root, paths) = merklize(&leaves);
        for (receipt, path) in made.iter_mut().zip(paths) {
            receipt.outcome.proof = path;
        }
        let zero = CryptoHash::default();
        let lite = json!({
            "prev_block_hash": prev_hash, "inner_rest_hash": self.genesis,
            "inner_lite": {
                "height": height, "epoch_id": zero, "next_epoch_id": zero, "prev_state_root": zero,
                "outcome_root": CryptoHash::hash_borsh(chunk_root), "timestamp": height, "timestamp_nanosec": height.to_string(),
                "next_bp_hash": zero, "block_merkle_root": prev_root,
            },
        });
        let lite: LightClientBlockLiteView = serde_json::from_value(lite).unwrap();
        let hash = lite.hash();
        self.blocks.push(Block {
            hash,
            prev_hash,
            lite,
            root: combine_hash(&prev_root, &hash),
            receipts: made,
            time_ms: self.time_ms,
            heads,
        });
    }

    fn find(&self, params: &Value) -> Option<usize> {
        match &params["block_id"] {
            Value::Null => self.blocks.len().checked_sub(1),
            Value::Number(height) => {
                let index = usize::try_from(height.as_u64()?).ok()?.checked_sub(1)?;
                (index < self.blocks.len()).then_some(index)
            }
            hash => self.blocks.iter().position(|block| json!(block.hash) == *hash),
        }
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, Value> {
        let unknown = || json!({ "cause": { "name": "UNKNOWN_BLOCK" } });
        if method == "status" {
            let sync = json!({ "earliest_block_height": 1, "latest_block_height": self.blocks.len() });
            return Ok(json!({ "chain_id": "told", "genesis_hash": self.genesis, "sync_info": sync }));
        }
        if method == "light_client_proof" {
            // A node that lied about a receipt is asked for one that there never was.
            let unknown = || json!({ "cause": { "name": "UNKNOWN_TRANSACTION_OR_RECEIPT" } });
            return self.proof(params).ok_or_else(unknown);
        }
        let index = self.find(params).ok_or_else(unknown)?;
        let block = &self.blocks[index];
        Ok(match method {
            "block" => {
                let mut answer = self.template.clone();
                let header = &mut answer["header"];
                header["height"] = json!(index + 1);
                header["hash"] = json!(block.hash);
                header["prev_hash"] = json!(block.prev_hash);
                header["timestamp_nanosec"] = json!((block.time_ms * 1_000_000).to_string());
                header["block_merkle_root"] = json!(block.lite.inner_lite.block_merkle_root);
                answer
            }
            "changes" => {
                let accounts: BTreeSet<&str> =
                    params["account_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                let watched = block.receipts.iter().filter(|receipt| accounts.contains(receipt.receiver.as_str()));
                let change = |receipt: &Receipt| {
                    let cause = json!({ "type": "receipt_processing", "receipt_hash": receipt.id });
                    json!({ "cause": cause, "type": "account_update", "change": { "account_id": receipt.receiver } })
                };
                json!({ "block_hash": block.hash, "changes": watched.map(change).collect::<Vec<_>>() })
            }
            "query" => {
                let contracts = contracts();
                let of = |contract: &Contract| *contract.account(&contracts) == params["account_id"].as_str().unwrap();
                let contract = Contract::ALL.into_iter().find(of).unwrap();
                let args = STANDARD.decode(params["args_base64"].as_str().unwrap()).unwrap();
                let args = serde_json::from_slice(&args).unwrap();
                let value = match params["method_name"].as_str().unwrap() {
                    "event_head" => json!(block.heads.get(&contract).copied().unwrap_or_default()),
                    method => self.world.view(contract, method, &args),
                };
                json!({ "result": serde_json::to_vec(&value).unwrap(), "logs": [], "block_height": index + 1 })
            }
            _ => panic!("nobody asks {method}"),
        })
    }

    fn proof(&self, params: &Value) -> Option<Value> {
        let mut places = self.blocks.iter().enumerate();
        let (index, receipt) = places.find_map(|(index, block)| {
            Some((index, block.receipts.iter().find(|receipt| json!(receipt.id) == params["receipt_id"])?))
        })?;
        let head = self.blocks.iter().position(|block| json!(block.hash) == params["light_client_head"])?;
        // Each root is made of the one before and the block: those before are one hash, those after one each.
        let before = index.checked_sub(1).map_or_else(CryptoHash::default, |before| self.blocks[before].root);
        let left = MerklePathItem { hash: before, direction: Direction::Left };
        let right = self.blocks.get(index + 1..head).unwrap_or_default().iter();
        let right = right.map(|block| MerklePathItem { hash: block.hash, direction: Direction::Right });
        let path: Vec<_> = std::iter::once(left).chain(right).collect();
        Some(json!({
            "outcome_proof": receipt.outcome, "outcome_root_proof": [], "block_header_lite": self.blocks[index].lite,
            "block_proof": path,
        }))
    }
}

type Shared = (Arc<Mutex<Inner>>, Arc<Notify>);

async fn answer(State((inner, asked)): State<Shared>, Json(request): Json<Value>) -> Json<Value> {
    if inner.lock().unwrap().hangs {
        asked.notify_one();
        std::future::pending::<()>().await;
    }
    let (method, params) = (request["method"].as_str().unwrap(), &request["params"]);
    if params["method_name"] == "owner" {
        let barrier = {
            let gathering = &mut inner.lock().unwrap().gathering;
            gathering.now += 1;
            gathering.most = gathering.most.max(gathering.now);
            gathering.barrier.clone()
        };
        if let Some(barrier) = barrier {
            barrier.wait().await;
        }
        inner.lock().unwrap().gathering.now -= 1;
    }
    let mut inner = inner.lock().unwrap();
    let mut answer = match inner.answer(method, params) {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": "charter", "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": "charter", "error": error }),
    };
    if let Some(lie) = &mut inner.lie {
        lie(method, params, &mut answer);
    }
    Json(answer)
}
