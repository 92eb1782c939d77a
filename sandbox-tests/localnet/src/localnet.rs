//! The running chain: a thread that owns it, and handles that talk to the thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use near_crypto::SecretKey;
use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::AccountId;
use near_primitives::views::{FinalExecutionOutcomeView, TxExecutionStatus};
use tokio::sync::{oneshot, watch};

use crate::chain::{Chain, ChainOptions, SubmitError, TxStatus};
use crate::defect::caught;
use crate::faults::{Faults, RpcFaults};
use crate::genesis::Genesis;
use crate::readers::Readers;
use crate::runtime::{VIEW_GAS, ViewCall, ViewError, view};
use crate::store::Store;
use crate::trie_key::contract_data_prefix;

/// When blocks are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Producer {
    /// As soon as there is work, and until its receipts are done and provable.
    #[default]
    Instant,
    /// As near-sandbox does: as `Instant`, and every so often while there is nothing to do. Where heights are
    /// skipped the head is final two blocks later.
    InstantAndIdle(Duration),
    /// Every so often, work or not.
    Interval(Duration),
    /// Never: blocks come from another chain.
    Follow,
}

/// How to start a chain.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub genesis: Genesis,
    pub producer: Producer,
    pub finality_lag: u64,
    /// What goes wrong, for testing whoever reads the chain.
    pub faults: Faults,
    /// Where the chain is kept. A chain that is there already is resumed, and `genesis` is ignored.
    pub home: Option<PathBuf>,
    /// Whether a block is on the medium before it is seen, so that a power cut takes nothing that was answered.
    pub fsync: bool,
    /// Longest request body of JSON-RPC, bytes [nearcore's: 10 MiB].
    pub body_bytes_max: Option<usize>,
}

/// Why the chain can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Refused(InvalidTxError),
    #[error("the transaction is not known to this chain")]
    Unknown,
    #[error("the view failed: {0:?}")]
    View(ViewError),
    #[error("the patch is refused: {0}")]
    Patch(String),
    #[error("the chain has stopped")]
    Stopped,
    /// A panic while this was done. The chain goes on without it.
    #[error("{0}")]
    Defect(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("{0} can't be used as a home: {1}")]
    Home(PathBuf, String),
}

impl Error {
    fn home(home: Option<&Path>, error: &anyhow::Error) -> Self {
        Self::Home(home.unwrap_or(Path::new("")).to_owned(), format!("{error:#}"))
    }
}

/// Jobs done before a block that is due is made: whoever floods the chain with questions must not keep it from going on.
const JOBS_BEFORE_BLOCK_MAX: usize = 1_000;

/// How long a block that could not be made, because a disk is full for one, waits before it is tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

type Job = Box<dyn FnOnce(&mut Running) + Send>;

/// What the chain's thread owns.
struct Running {
    chain: Chain,
    waiters: Vec<Waiter>,
}

/// Somebody who waits until a transaction has come as far as `until`. Asked here after each block, so that no thread is woken
/// before there is an answer.
struct Waiter {
    hash: CryptoHash,
    until: TxExecutionStatus,
    answer: oneshot::Sender<Result<TxStatus, String>>,
}

impl Running {
    /// Answers a waiter, or keeps it for the next block.
    fn answer_or_keep(&mut self, waiter: Waiter) {
        // Whoever lost patience is gone.
        if waiter.answer.is_closed() {
            return;
        }
        let chain = &self.chain;
        let answer = caught(|| chain.has_reached(&waiter.hash, &waiter.until).then(|| chain.tx_status(&waiter.hash)));
        match answer.transpose() {
            Some(answer) => {
                let _ = waiter.answer.send(answer);
            }
            None => self.waiters.push(waiter),
        }
    }

    fn answer_waiters(&mut self) {
        for waiter in std::mem::take(&mut self.waiters) {
            self.answer_or_keep(waiter);
        }
    }
}

/// A handle to a running chain. The chain stops when its last handle is dropped.
#[derive(Clone)]
pub struct Localnet {
    jobs: Sender<Job>,
    head: watch::Receiver<u64>,
    genesis: Arc<Genesis>,
    producer: Producer,
    pub(crate) body_bytes_max: usize,
    /// Where this handle's RPC server listens.
    pub(crate) rpc_addr: Option<std::net::SocketAddr>,
    pub(crate) faults: RpcFaults,
    pub(crate) readers: Readers,
    pub(crate) started: Instant,
    /// What keeps a replica up to date; ends with its last handle.
    follower: Option<Arc<AbortOnDrop>>,
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Localnet {
    /// Starts a chain on a thread of its own.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let configured = config.home.as_deref().filter(|home| crate::home::exists(home));
        let configured = configured.map(crate::home::node_config).transpose();
        let configured = configured.map_err(|error| Error::home(config.home.as_deref(), &error))?;
        let body_bytes_max = config.body_bytes_max.or(configured.and_then(|node| node.body_bytes_max));
        let body_bytes_max = body_bytes_max.unwrap_or(crate::home::BODY_BYTES_MAX);
        let (producer, faults) = (config.producer, RpcFaults::new(config.faults));
        // A stored chain is replayed, which takes a while.
        let opened = tokio::task::spawn_blocking(move || caught(|| open(&config))).await;
        let chain = opened.map_err(|_| Error::Stopped)?.map_err(Error::Defect)??;
        Ok(Self { body_bytes_max, faults, ..Self::of_chain(chain, producer)? })
    }

    /// A copy of the chain as it is now: blocks and state are shared, nothing is written to disk.
    pub async fn fork(&self) -> Result<Self, Error> {
        let chain = self.with(|chain| chain.fork()).await?;
        Ok(Self { body_bytes_max: self.body_bytes_max, ..Self::of_chain(chain, self.producer)? })
    }

    /// Runs a chain on a thread of its own.
    pub fn of_chain(chain: Chain, producer: Producer) -> Result<Self, Error> {
        let genesis = Arc::clone(&chain.genesis);
        let (jobs, inbox) = channel::<Job>();
        let (heads, head) = watch::channel(chain.head().header.height());
        std::thread::Builder::new().name("localnet".to_owned()).spawn(move || run(chain, &inbox, &heads, producer))?;
        let (body_bytes_max, started) = (crate::home::BODY_BYTES_MAX, Instant::now());
        let (faults, readers) = (RpcFaults::default(), Readers::default());
        let (rpc_addr, follower) = (None, None);
        Ok(Self { jobs, head, genesis, producer, body_bytes_max, rpc_addr, faults, readers, started, follower })
    }

    /// A node for readers that is always `blocks_behind` this chain's head. What is sent to it is never executed.
    pub async fn replica(&self, blocks_behind: usize) -> Result<Self, Error> {
        let copy = self.with(move |chain| chain.behind(blocks_behind)).await?;
        let mut replica = Self::of_chain(copy, Producer::Follow)?;
        let (source, jobs) = (self.clone(), replica.jobs.clone());
        let task = tokio::spawn(async move {
            let mut heads = source.heads();
            while heads.changed().await.is_ok() {
                let Ok(ahead) = source.with(|chain| chain.clone()).await else { return };
                let job: Job = Box::new(move |running| {
                    // A replica that misses a head takes it over with the next one.
                    let _ = caught(|| running.chain.follow(&ahead, blocks_behind));
                });
                if jobs.send(job).is_err() {
                    return;
                }
            }
        });
        replica.follower = Some(Arc::new(AbortOnDrop(task)));
        Ok(replica)
    }

    /// The same chain for readers who are to fail: what is served from this handle has these faults of requests. Faults of
    /// blocks are the chain's own.
    pub fn with_rpc_faults(self, faults: Faults) -> Self {
        Self { faults: RpcFaults::new(faults), ..self }
    }

    /// Runs `job` on the chain's thread and gives back what it returns. A panic in it is this call's error alone.
    pub async fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Chain) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |running| {
            let _ = answer.send(caught(|| job(&mut running.chain)));
        });
        self.jobs.send(job).map_err(|_| Error::Stopped)?;
        answered.await.map_err(|_| Error::Stopped)?.map_err(Error::Defect)
    }

    /// The account that owns the supply.
    pub fn root_id(&self) -> &AccountId {
        self.genesis.root_id()
    }

    /// Its full-access key, which is also the registrar's.
    pub fn root_key(&self) -> &SecretKey {
        &self.genesis.root_key
    }

    pub fn chain_id(&self) -> &str {
        &self.genesis.config.chain_id
    }

    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Follows the head's height.
    pub fn heads(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// Sends a transaction and waits until all of it is done.
    pub async fn submit(&self, signed: SignedTransaction) -> Result<FinalExecutionOutcomeView, Error> {
        let hash = signed.get_hash();
        self.broadcast(signed).await?;
        match self.wait(hash, TxExecutionStatus::Final, Duration::MAX).await? {
            TxStatus::Executed { outcome, .. } => Ok(*outcome),
            TxStatus::Refused(error) => Err(Error::Refused(error)),
            TxStatus::Unknown | TxStatus::Pending => Err(Error::Unknown),
        }
    }

    /// What a view answers at the head, as over the RPC but without a server between.
    pub async fn view(&self, contract: &AccountId, method: &str, args: Vec<u8>) -> Result<Vec<u8>, Error> {
        let (account_id, method) = (contract.clone(), method.to_owned());
        let found = self.with(|chain| (chain.view_context(chain.head()), chain.head().state.clone()));
        let (context, state) = found.await?;
        let viewed = self.readers.run(move || {
            let call = ViewCall { account_id: &account_id, method: &method, args: &args, gas_max: VIEW_GAS };
            view(&context, state, &call)
        });
        let (value, _logs) = viewed.await?.map_err(Error::View)?;
        Ok(value)
    }

    /// Every row of a contract's state at the head; without nearcore's limit for a state that is viewed whole.
    pub async fn rows(&self, contract: &AccountId) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Error> {
        let prefix = contract_data_prefix(contract);
        let state = self.with(|chain| chain.head().state.clone()).await?;
        let rows = self.readers.run(move || {
            let found = state.range(&prefix);
            found.map(|(key, value)| (key[prefix.len()..].to_vec(), value.bytes().to_vec())).collect()
        });
        rows.await
    }

    /// Admits a transaction to the pool.
    pub async fn broadcast(&self, signed: SignedTransaction) -> Result<(), Error> {
        let submitted = self.with(move |chain| chain.submit(signed)).await?;
        submitted.map_err(|SubmitError::Invalid(error)| Error::Refused(error))
    }

    /// Waits until a transaction has come as far as `until`, or for `patience`, and says how far it is.
    pub async fn wait(
        &self,
        hash: CryptoHash,
        until: TxExecutionStatus,
        patience: Duration,
    ) -> Result<TxStatus, Error> {
        let (answer, answered) = oneshot::channel();
        let waiter = Waiter { hash, until, answer };
        self.jobs.send(Box::new(move |running| running.answer_or_keep(waiter))).map_err(|_| Error::Stopped)?;
        match tokio::time::timeout(patience, answered).await {
            Ok(answered) => answered.map_err(|_| Error::Stopped)?.map_err(Error::Defect),
            Err(_) => self.with(move |chain| chain.tx_status(&hash)).await,
        }
    }

    /// Writes the key files that near-workspaces looks for in a sandbox's home.
    pub fn write_keys(&self, home: &Path) -> Result<(), Error> {
        crate::home::write_keys(home, &self.genesis).map_err(|error| Error::home(Some(home), &error))
    }
}

fn open(config: &Config) -> Result<Chain, Error> {
    let options = ChainOptions {
        finality_lag: config.finality_lag,
        faults: config.faults,
        skips_by_epoch: matches!(config.producer, Producer::InstantAndIdle(_)),
    };
    let Some(home) = &config.home else {
        return Ok(Chain::new(config.genesis.clone(), options)?);
    };
    let at_home = |error: anyhow::Error| Error::home(Some(home), &error);
    if !crate::home::exists(home) {
        crate::home::init(home, &config.genesis).map_err(at_home)?;
    }
    let genesis = crate::home::genesis(home).map_err(at_home)?;
    std::fs::create_dir_all(home.join("data"))?;
    let store = Store::open(&crate::home::log(home), config.fsync)?;
    let chain = Chain::open(genesis, options, store).map_err(|error| at_home(error.into()))?;
    if config.fsync {
        crate::home::sync(home)?;
    }
    Ok(chain)
}

/// The chain's thread: jobs as they come, blocks when they are due.
fn run(chain: Chain, inbox: &Receiver<Job>, heads: &watch::Sender<u64>, producer: Producer) {
    let mut running = Running { chain, waiters: Vec::new() };
    let mut last_block = Instant::now();
    let mut failed = false;
    loop {
        let before = running.chain.head().header.height();
        let stepped = caught(|| {
            let next = match producer {
                Producer::Instant => next_instant(&mut running, inbox, last_block, None, failed),
                Producer::InstantAndIdle(pause) => next_instant(&mut running, inbox, last_block, Some(pause), failed),
                Producer::Interval(pause) => {
                    let least = if failed { PAUSE_AFTER_FAILURE } else { Duration::ZERO };
                    next_interval(&mut running, inbox, pause.max(least))
                }
                Producer::Follow => inbox.recv().map_or(Next::End, |job| {
                    job(&mut running);
                    Next::Nothing
                }),
            };
            let produced = match next {
                Next::End => return Ok(false),
                Next::Nothing => Ok(()),
                Next::Due => running.chain.produce_due(),
                Next::Block => running.chain.produce(),
            };
            produced.map(|()| true)
        });
        let stepped = stepped.unwrap_or_else(|text| Err(std::io::Error::other(text)));
        failed = stepped.is_err();
        match stepped {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::error!(%error, "a block could not be made"),
        }
        let height = running.chain.head().header.height();
        // A block that failed may have refused what somebody waits for.
        if height != before || failed {
            last_block = Instant::now();
            let _ = heads.send(height);
            running.answer_waiters();
        }
    }
}

/// What the chain's thread does after the jobs.
enum Next {
    /// Every handle is gone.
    End,
    Nothing,
    /// A block of what is due.
    Due,
    /// A block of everything there is.
    Block,
}

/// Does the jobs that wait until a block is due: because there is work, or because nothing happened for long enough.
fn next_instant(
    running: &mut Running,
    inbox: &Receiver<Job>,
    last_block: Instant,
    idle: Option<Duration>,
    failed: bool,
) -> Next {
    let head = running.chain.head().header.height();
    loop {
        for _ in 0..JOBS_BEFORE_BLOCK_MAX {
            match inbox.try_recv() {
                Ok(job) => job(running),
                Err(TryRecvError::Disconnected) if failed || !running.chain.has_work() => return Next::End,
                Err(TryRecvError::Disconnected) => return Next::Block,
                Err(TryRecvError::Empty) => break,
            }
        }
        // A cheat made one: whoever waits for the head has to hear of it.
        if running.chain.head().header.height() != head {
            return Next::Nothing;
        }
        let idle_at = idle.map(|pause| last_block + pause);
        let due = [running.chain.due_at(last_block), idle_at].into_iter().flatten().min();
        let pause = if failed { PAUSE_AFTER_FAILURE } else { Duration::ZERO };
        let due = due.map(|due| due.max(last_block + pause));
        let waited = match due.map(|due| due.saturating_duration_since(Instant::now())) {
            None => inbox.recv().map_err(RecvTimeoutError::from),
            Some(Duration::ZERO) => return Next::Due,
            Some(pause) => inbox.recv_timeout(pause),
        };
        if let Ok(job) = waited {
            job(running);
        }
    }
}

fn next_interval(running: &mut Running, inbox: &Receiver<Job>, pause: Duration) -> Next {
    let due = Instant::now() + pause;
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // However short the pause, who asks gets an answer.
            return match inbox.try_recv() {
                Ok(job) => {
                    job(running);
                    Next::Block
                }
                Err(TryRecvError::Empty) => Next::Block,
                Err(TryRecvError::Disconnected) => Next::End,
            };
        }
        match inbox.recv_timeout(left) {
            Ok(job) => job(running),
            Err(RecvTimeoutError::Timeout) => return Next::Block,
            Err(RecvTimeoutError::Disconnected) => return Next::End,
        }
    }
}
