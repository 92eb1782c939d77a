//! Work for the indexer: agents, grants, channels with claims, and votes, each by somebody of their own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use charter_client::{Account, At, Call, ClientError, Contracts, Rpc, VoucherSigner, sha256};
use charter_harness::Harness;
use charter_harness::arguments::{card, content, policy, terms};
use charter_types::escrow::args::Open;
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{CLAIM_BATCH_MAX, ClaimBatch, ClaimRow, Voucher};
use charter_types::governance::args::{CreateLine, ProposalRef, ProposeRelease, Vote};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, Params};
use charter_types::keys::args::{CreateSecret, GrantRef, GrantSecret};
use charter_types::keys::methods as keys;
use charter_types::keys::{Grantee, Mode};
use charter_types::registry::args::RegisterAgent;
use charter_types::registry::methods as registry;
use charter_types::{AccountId, Ed25519Key, Hash32};
use ed25519_dalek::SigningKey;
use near_crypto::SecretKey;
use tokio::task::JoinSet;

/// Pause of each of them: busy enough, and it leaves a core to the indexer.
const PACE: Duration = Duration::from_millis(40);
/// What grants are stored out of: 50 NEAR.
const PREPAID: u128 = 50_000_000_000_000_000_000_000_000;
/// A twentieth of a NEAR for each channel, storage included.
const DEPOSIT: u128 = 50_000_000_000_000_000_000_000;
/// What a voucher promises more than the one before.
const AMOUNT: u128 = 1_000;
const HOUR_MS: u64 = 3_600_000;
const MONTH_MS: u64 = 30 * 24 * HOUR_MS;
/// Grants that nobody has revoked yet.
const LIVE_GRANTS_MAX: usize = 8;

/// Everything that is done. A run in which one of them never happened proves nothing about it.
pub const KINDS: [&str; 6] = ["registrations", "grants", "revocations", "channels", "claims", "votes"];

/// Somebody with something to do.
pub struct Person {
    id: AccountId,
    key: SecretKey,
    task: Task,
}

enum Task {
    Register,
    Grant { secret: u64, expires_ms: u64, live: VecDeque<u64> },
    Pay(Box<Channels>),
    Vote { proposal: u64, content_hash: Hash32 },
}

/// Channels of one payer to one payee, all of them with one voucher key.
struct Channels {
    payee: AccountId,
    key: SigningKey,
    domain: Hash32,
    open: Vec<VoucherSigner>,
}

impl Channels {
    /// Opens one more in every fourth round, as long as a batch takes them all; else claims one voucher of each.
    async fn once(&mut self, by: &Account, contracts: &Contracts, round: usize) -> Result<&'static str, ClientError> {
        if round.is_multiple_of(4) && self.open.len() < CLAIM_BATCH_MAX {
            let voucher_key = Ed25519Key(self.key.verifying_key().to_bytes());
            let args = Open::new(self.payee.clone(), voucher_key, HOUR_MS);
            let channel = contracts.escrow().pay(by, escrow::open, &args, DEPOSIT).await?.value;
            self.open.push(VoucherSigner::new(self.key.clone(), self.domain, channel));
            return Ok("channels");
        }
        let mut rows = Vec::new();
        for signer in &mut self.open {
            let (voucher, signature) = signer.pay(AMOUNT).unwrap();
            rows.push(ClaimRow::new(&voucher, &signature));
        }
        contracts.escrow().call(by, escrow::claim_batch, &ClaimBatch { rows, withdraw: false }).await?;
        Ok("claims")
    }
}

/// People with what they need before they can begin, on a chain where nothing fails yet.
pub async fn people(harness: &Harness) -> Vec<Person> {
    let rpc = Rpc::new(harness.rpc_url());
    let mut people = Vec::new();
    for name in ["ann", "ben"] {
        let (id, key) = account(harness, name).await;
        people.push(Person { id, key, task: Task::Register });
    }
    let (id, key) = account(harness, "cat").await;
    let task = secret(harness, &Account::new(id.clone(), key.clone(), rpc.clone())).await;
    people.push(Person { id, key, task });

    let (payee, _) = account(harness, "shop").await;
    let domain = Voucher::domain(&harness.chain_id, &harness.contracts.escrow, sha256);
    let (id, key) = account(harness, "dan").await;
    let channels = Channels { payee, key: SigningKey::from_bytes(&[7; 32]), domain, open: Vec::new() };
    people.push(Person { id, key, task: Task::Pay(Box::new(channels)) });

    let (id, key) = account(harness, "eve").await;
    let task = proposal(harness, &Account::new(id.clone(), key.clone(), rpc)).await;
    people.push(Person { id, key, task });
    people
}

async fn account(harness: &Harness, name: &str) -> (AccountId, SecretKey) {
    let account = harness.account(name).await.unwrap();
    (account.id().clone(), account.secret_key().to_string().parse().unwrap())
}

/// A secret of an agent, whose use can be granted.
async fn secret(harness: &Harness, owner: &Account) -> Task {
    let contracts = &harness.contracts;
    let args = RegisterAgent::new(card("https://a.example/agent.json"));
    let agent = contracts.registry().call(owner, registry::register_agent, &args).await.unwrap().value;
    owner.call(&contracts.keys, Call::prepay().deposit(PREPAID)).await.unwrap();
    let args = CreateSecret {
        agent,
        label_hash: Hash32([1; 32]),
        mode: Mode::External,
        ceiling: policy("/"),
        sha256: Hash32([2; 32]),
        rotate_by_ms: 0,
        grants: Vec::new(),
    };
    let added = contracts.keys().call(owner, keys::create_secret, &args).await.unwrap().value;
    let expires_ms = harness.now_ms().await.unwrap() + MONTH_MS;
    Task::Grant { secret: added.secret.unwrap(), expires_ms, live: VecDeque::new() }
}

/// A proposal on a line of somebody's own, who alone votes on it and changes their mind for a day.
async fn proposal(harness: &Harness, owner: &Account) -> Task {
    let line = CreateLine {
        name: "busy".to_owned(),
        council: Vec::new(),
        params: Params::default(),
        guardian: None,
        stake: None,
    };
    let council = harness.contracts.governance();
    let line = council.call(owner, governance::create_line, &line).await.unwrap().value;
    let release = ProposeRelease { line, seq: 0, content: content() };
    let proposal = council.call(owner, governance::propose_release, &release).await.unwrap().value;
    let question = ProposalRef { proposal };
    let shown = council.view(owner.rpc(), governance::proposal, &question, At::Final).await.unwrap().unwrap();
    Task::Vote { proposal, content_hash: shown.content_hash }
}

/// What has been done.
#[derive(Clone, Default)]
pub struct Done {
    pub by_kind: BTreeMap<&'static str, u64>,
    pub failed: u64,
    pub last_failure: String,
}

impl Done {
    pub fn calls(&self) -> u64 {
        self.by_kind.values().sum()
    }
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    done: Mutex<Done>,
}

/// People at work, until they are told to stop.
pub struct Load {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Load {
    pub fn start(people: Vec<Person>, contracts: &Contracts, rpc: &Rpc) -> Self {
        let (shared, mut tasks) = (Arc::<Shared>::default(), JoinSet::new());
        for Person { id, key, task } in people {
            let by = Account::new(id, key, rpc.clone());
            let worker = Worker { by, contracts: contracts.clone(), task, round: 0 };
            tasks.spawn(work(worker, Arc::clone(&shared)));
        }
        Self { shared, tasks }
    }

    pub fn done(&self) -> Done {
        self.shared.done.lock().unwrap().clone()
    }

    /// What is under way is still done.
    pub async fn stop(self) -> Done {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.shared.done.lock().unwrap().clone()
    }
}

struct Worker {
    by: Account,
    contracts: Contracts,
    task: Task,
    round: usize,
}

async fn work(mut worker: Worker, shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) {
        let result = worker.once().await;
        worker.round += 1;
        {
            let mut done = shared.done.lock().unwrap();
            match result {
                Ok(kind) => *done.by_kind.entry(kind).or_default() += 1,
                // A head that lost may have taken a call with it: nothing rests on any single one.
                Err(error) => {
                    done.failed += 1;
                    done.last_failure = error.to_string();
                }
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

impl Worker {
    /// One call. Answers what kind it was.
    async fn once(&mut self) -> Result<&'static str, ClientError> {
        let Self { by, contracts, task, round } = self;
        match task {
            Task::Register => {
                let args = RegisterAgent::new(card(&format!("https://a.example/{}/{round}", by.id)));
                contracts.registry().call(by, registry::register_agent, &args).await?;
                Ok("registrations")
            }
            Task::Grant { secret, expires_ms, live } => {
                if live.len() > LIVE_GRANTS_MAX
                    && let Some(grant) = live.pop_front()
                {
                    contracts.keys().call(by, keys::revoke_grant, &GrantRef { grant }).await?;
                    return Ok("revocations");
                }
                let to = Grantee::Account(by.id.clone());
                let terms = terms(to, policy("/v1"), *expires_ms);
                let args = GrantSecret { secret: *secret, ceiling: policy("/"), terms };
                let added = contracts.keys().pay(by, keys::grant, &args, 1).await?.value;
                live.extend(added.grants);
                Ok("grants")
            }
            Task::Pay(channels) => channels.once(by, contracts, *round).await,
            Task::Vote { proposal, content_hash } => {
                let choice = if round.is_multiple_of(2) { Choice::Yes } else { Choice::No };
                let args = Vote { proposal: *proposal, content_hash: *content_hash, choice };
                contracts.governance().call(by, governance::vote, &args).await?;
                Ok("votes")
            }
        }
    }
}
