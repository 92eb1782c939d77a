//! What flow tests stand on: a chain with all contracts deployed, through near-workspaces.
//!
//! Contracts are deployed once per process; every test gets a fork of that chain. With `CHARTER_TEST_CHAIN=sandbox` a
//! chain is started by near-workspaces' own `sandbox()` instead, and deployed to each time.

pub mod arguments;
mod outcome;
pub mod scanner;
pub mod stand_in_verifier;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use charter_client::Contracts;
use charter_localnet::{Config, Genesis, Localnet, RpcServer};
use charter_types::admin::Setup;
use charter_types::governance::args::{ExecuteUpgrade, ProposalRef, ProposeUpgrade, Vote};
use charter_types::governance::{Choice, Member, Params};
use charter_types::method::Method;
use charter_types::{Named, Nothing, escrow, governance, keys, registry, shared, tasks};
use charter_wasm::{Contract as Code, TEST_AGENTS, TEST_TOKEN};
use near_primitives::transaction::ExecutionStatus;
use near_workspaces::network::{Sandbox, ValidatorKey};
use near_workspaces::types::{KeyType, NearToken, SecretKey};
use near_workspaces::{Account, AccountDetailsPatch, AccountId, CryptoHash, Worker};
use serde_json::json;
use tokio::sync::OnceCell;

use arguments::DEPOSIT;
use outcome::code;
pub use outcome::{Call, Caller, Outcome, answer, call, failed_with, ok, raw, raw_bytes, refused, view};

/// A chain with contracts, for one test.
pub struct Harness {
    pub worker: Worker<Sandbox>,
    pub contracts: Contracts,
    /// What the chain calls itself; signed messages carry it.
    pub chain_id: String,
    root: Account,
    /// Kept alive for as long as the test runs; absent on near-workspaces' own sandbox.
    own: Option<Own>,
}

struct Own {
    localnet: Localnet,
    rpc: RpcServer,
    _home: tempfile::TempDir,
}

/// The chain that all tests of a process fork.
static DEPLOYED: OnceCell<Localnet> = OnceCell::const_new();

/// How long the council of the contracts' line votes, and waits then.
const PERIOD_MS: u64 = 3_600_000;
const PERIOD: Duration = Duration::from_millis(PERIOD_MS + 1_000);

/// Balance of each contract and of each test account.
const CONTRACT_FUNDS: NearToken = NearToken::from_near(8);
const ACCOUNT_FUNDS: NearToken = NearToken::from_near(100);
/// Balance of an account that deploys contracts and makes test accounts.
const ADMIN_FUNDS: NearToken = NearToken::from_near(2_000);

async fn attach(localnet: Localnet) -> anyhow::Result<(Worker<Sandbox>, Own)> {
    let rpc = localnet.serve("127.0.0.1:0").await?;
    let home = tempfile::tempdir()?;
    localnet.write_keys(home.path())?;
    let worker = near_workspaces::sandbox()
        .rpc_addr(&rpc.url())
        .validator_key(ValidatorKey::HomeDir(home.path().to_owned()))
        .await?;
    Ok((worker, Own { localnet, rpc, _home: home }))
}

impl Harness {
    /// A fresh chain with all contracts.
    pub async fn start() -> anyhow::Result<Self> {
        if std::env::var("CHARTER_TEST_CHAIN").is_ok_and(|chain| chain == "sandbox") {
            let worker = near_workspaces::sandbox().await?;
            let root = worker.root_account()?;
            let contracts = deploy(&root, code_of).await?;
            let chain_id = worker.status().await?.chain_id;
            let harness = Self { worker, contracts, chain_id, root, own: None };
            harness.hand_over().await?;
            return Ok(harness);
        }
        let deployed = DEPLOYED.get_or_try_init(deployed_chain).await?;
        let (worker, own) = attach(deployed.fork().await?).await?;
        let root = worker.root_account()?;
        let contracts = Contracts::below(root.id())?;
        let chain_id = own.localnet.chain_id().to_owned();
        Ok(Self { worker, contracts, chain_id, root, own: Some(own) })
    }

    /// A chain with contracts made of `wasm`. They have an admin, the root, and are not governance's yet.
    pub async fn start_with(wasm: impl Fn(Code) -> anyhow::Result<Vec<u8>>) -> anyhow::Result<Self> {
        let mut harness = Self::start().await?;
        let root = harness.root.create_subaccount("admin").initial_balance(ADMIN_FUNDS).transact().await?;
        harness.root = root.into_result()?;
        harness.contracts = deploy(&harness.root, wasm).await?;
        Ok(harness)
    }

    /// A chain of its own on which so many validators take turns, in epochs of so many heights. The contracts have an
    /// admin, the root, and are not governance's yet.
    pub async fn start_among(validators: u16, epoch_length: u64) -> anyhow::Result<Self> {
        let mut genesis = Genesis::new("charter-tests").with_validators(validators);
        genesis.config.epoch_length = epoch_length;
        let localnet = Localnet::start(Config { genesis, ..Config::default() }).await?;
        let (worker, own) = attach(localnet).await?;
        let root = worker.root_account()?;
        let contracts = deploy(&root, code_of).await?;
        let chain_id = own.localnet.chain_id().to_owned();
        Ok(Self { worker, contracts, chain_id, root, own: Some(own) })
    }

    /// The same contracts once more, below an account of their own, which is their admin.
    pub async fn deploy_below(&self, name: &str) -> anyhow::Result<Contracts> {
        let root = self.root.create_subaccount(name).initial_balance(ADMIN_FUNDS).transact().await?;
        deploy(&root.into_result()?, code_of).await
    }

    /// Makes so many blocks, with whatever there is to do; nothing on a chain that is not in this process.
    pub async fn make_blocks(&self, count: usize) -> anyhow::Result<()> {
        let Some(own) = &self.own else { return Ok(()) };
        own.localnet.with(move |chain| (0..count).try_for_each(|_| chain.produce())).await??;
        Ok(())
    }

    /// The same chain again, to go another way on. near-workspaces' own sandbox can't fork: there it is the chain itself.
    pub async fn fork(&self) -> anyhow::Result<Self> {
        let (contracts, chain_id) = (self.contracts.clone(), self.chain_id.clone());
        let Some(from) = &self.own else {
            return Ok(Self { worker: self.worker.clone(), contracts, chain_id, root: self.root.clone(), own: None });
        };
        let (worker, own) = attach(from.localnet.fork().await?).await?;
        let root = Account::from_secret_key(self.root.id().clone(), self.root.secret_key().clone(), &worker);
        Ok(Self { worker, contracts, chain_id, root, own: Some(own) })
    }

    /// How many random sequences of calls a test tries: as many as wanted where each gets a fork, else one.
    pub fn sequences(&self, wanted: u32) -> u32 {
        if self.own.is_some() { wanted } else { 1 }
    }

    /// An account of the chain this one was forked from, here.
    pub fn rebind(&self, account: &Account) -> Account {
        Account::from_secret_key(account.id().clone(), account.secret_key().clone(), &self.worker)
    }

    /// An account below the root, with 100 NEAR.
    pub async fn account(&self, name: &str) -> anyhow::Result<Account> {
        let created = self.root.create_subaccount(name).initial_balance(ACCOUNT_FUNDS).transact().await?;
        Ok(created.into_result()?)
    }

    /// Council of the line that the contracts are of; their admin, as long as they have one.
    pub fn root(&self) -> &Account {
        &self.root
    }

    /// Lets time pass.
    pub async fn wait(&self, time: Duration) -> anyhow::Result<()> {
        match &self.own {
            Some(own) => own.localnet.cheats().advance_time(time).await?,
            None => self.skip(time).await?,
        }
        Ok(())
    }

    /// Skips blocks until `time` has passed. How far apart skipped blocks are is the node's business: a few show it.
    async fn skip(&self, time: Duration) -> anyhow::Result<()> {
        let start = self.now_ms().await?;
        let end = start + u64::try_from(time.as_millis())?;
        let mut skipped = 0;
        let mut blocks = 10;
        loop {
            self.worker.fast_forward(blocks).await?;
            skipped += blocks;
            let now = self.now_ms().await?;
            if now >= end {
                return Ok(());
            }
            let block_ms = ((now - start) / skipped).max(1);
            blocks = (end - now) / block_ms + 1;
        }
    }

    /// Hands every contract to governance, which takes over by a voted upgrade to the code that is there.
    async fn hand_over(&self) -> anyhow::Result<()> {
        let (root, council) = (&self.root, &self.contracts.governance);
        let named = Named { account: council.clone() };
        let mut proposals = Vec::new();
        for code in GOVERNED {
            let contract = self.account_of(code);
            root.send(contract, call(shared::methods::set_governance, &named), 0).await?.into_result()?;
            let replaces = view(&self.worker, contract, shared::methods::deployment, &Nothing {}).await?;
            let upgrade = ProposeUpgrade { contract: contract.clone(), code_hash: replaces.sha256, replaces };
            let proposal = ok(root, council, governance::methods::propose_upgrade, &upgrade, DEPOSIT).await;
            let question = ProposalRef { proposal };
            let seen = view(&self.worker, council, governance::methods::proposal, &question).await?;
            let content_hash = seen.context("the proposal that was just made")?.content_hash;
            let vote = Vote { proposal, content_hash, choice: Choice::Yes };
            ok(root, council, governance::methods::vote, &vote, DEPOSIT).await;
            proposals.push((code, proposal));
        }
        self.wait(PERIOD).await?;
        for (_, proposal) in &proposals {
            let reference = ProposalRef { proposal: *proposal };
            ok(root, council, governance::methods::queue, &reference, 0).await;
        }
        self.wait(PERIOD).await?;
        for (code, proposal) in proposals {
            let execute = ExecuteUpgrade { proposal, code: code_of(code)? };
            ok(root, council, governance::methods::execute_upgrade, &execute, 0).await;
        }
        Ok(())
    }

    pub fn account_of(&self, code: Code) -> &AccountId {
        match code {
            Code::Registry => &self.contracts.registry,
            Code::Keys => &self.contracts.keys,
            Code::Governance => &self.contracts.governance,
            Code::Escrow => &self.contracts.escrow,
            Code::Tasks => &self.contracts.tasks,
            Code::Verifier => &self.contracts.verifier,
        }
    }

    /// What a view answers, without the node's server between where the chain is in this process: for tests that look
    /// at everything after every step.
    pub async fn look<M: Method>(&self, contract: &AccountId, method: M, args: &M::Args) -> anyhow::Result<M::Answer> {
        let Some(own) = &self.own else { return view(&self.worker, contract, method, args).await };
        let bytes = own.localnet.view(contract, M::NAME, M::write(args)).await?;
        M::answer(&bytes).map_err(anyhow::Error::msg)
    }

    /// What a view answered after a block: the chain keeps the states of all of them.
    pub async fn look_at<M: Method>(
        &self,
        block: CryptoHash,
        contract: &AccountId,
        _: M,
        args: &M::Args,
    ) -> anyhow::Result<M::Answer> {
        let bytes = self.worker.view(contract, M::NAME).args(M::write(args)).block_hash(block).await?.result;
        M::answer(&bytes).map_err(anyhow::Error::msg)
    }

    /// What a call of this kind answers as a view; the code, if it fails. near-workspaces asks again and again, slower each
    /// time, when a view fails.
    pub async fn raw_view(&self, contract: &AccountId, call: Call) -> Result<Vec<u8>, String> {
        let Some(own) = &self.own else {
            let viewed = self.worker.view(contract, &call.method).args(call.args).await;
            return viewed.map(|details| details.result).map_err(|error| code(&format!("{error:?}")));
        };
        let viewed = own.localnet.view(contract, &call.method, call.args).await;
        viewed.map_err(|error| code(&format!("{error:?}")))
    }

    /// Every row of a contract's state.
    pub async fn rows(&self, contract: &AccountId) -> anyhow::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
        let Some(own) = &self.own else { return Ok(self.worker.view_state(contract).await?.into_iter().collect()) };
        Ok(own.localnet.rows(contract).await?)
    }

    /// Every log line of a contract's receipts that were done, from the beginning; nothing on a chain that can't be walked.
    /// One that failed keeps its logs on the chain, and they tell of what was taken back.
    pub async fn logs(&self, contract: &AccountId) -> anyhow::Result<Vec<String>> {
        let Some(own) = &self.own else { return Ok(Vec::new()) };
        let contract = contract.clone();
        let logs = own.localnet.with(move |chain| {
            let heights = chain.genesis_block().header.height()..=chain.head().header.height();
            let blocks = heights.filter_map(|height| chain.block_by_height(height));
            let outcomes = blocks.flat_map(|block| &block.outcomes).map(|outcome| &outcome.outcome);
            let own = outcomes.filter(|outcome| outcome.executor_id == contract);
            let done = own.filter(|outcome| !matches!(outcome.status, ExecutionStatus::Failure(_)));
            done.flat_map(|outcome| outcome.logs.clone()).collect()
        });
        Ok(logs.await?)
    }

    /// Leaves an account `yocto` beyond what its storage takes.
    pub async fn leave(&self, account: &AccountId, yocto: u128) -> anyhow::Result<()> {
        const BYTE: u128 = 10_000_000_000_000_000_000;
        let storage = u128::from(self.worker.view_account(account).await?.storage_usage) * BYTE;
        let balance = NearToken::from_yoctonear(storage.saturating_add(yocto));
        let with = move |now| AccountDetailsPatch::from(now).balance(balance);
        self.worker.patch(account).account_from_current(with).transact().await?;
        Ok(())
    }

    /// The chain's clock, milliseconds.
    pub async fn now_ms(&self) -> anyhow::Result<u64> {
        Ok(self.worker.view_block().await?.timestamp() / 1_000_000)
    }

    /// The chain itself, where it is in this process.
    pub fn localnet(&self) -> Option<&Localnet> {
        self.own.as_ref().map(|own| &own.localnet)
    }

    /// Address of the node.
    pub fn rpc_url(&self) -> String {
        self.own.as_ref().map_or_else(|| self.worker.rpc_addr(), |own| own.rpc.url())
    }
}

async fn deployed_chain() -> anyhow::Result<Localnet> {
    let genesis = Genesis::new("charter-tests");
    let localnet = Localnet::start(Config { genesis, ..Config::default() }).await?;
    let (worker, own) = attach(localnet.clone()).await?;
    let root = worker.root_account()?;
    let contracts = deploy(&root, code_of).await?;
    let chain_id = localnet.chain_id().to_owned();
    Harness { worker, contracts, chain_id, root, own: Some(own) }.hand_over().await?;
    Ok(localnet)
}

/// A contract's wasm.
pub fn code_of(contract: Code) -> anyhow::Result<Vec<u8>> {
    or_broken(contract.name(), contract.code())
}

/// One of the two releases of the tests' agent.
pub fn test_agent(release: usize) -> anyhow::Result<Vec<u8>> {
    or_broken(&format!("test_agent_{release}"), TEST_AGENTS[release - 1])
}

/// The tests' token.
pub fn test_token() -> anyhow::Result<Vec<u8>> {
    or_broken("test_token", TEST_TOKEN)
}

/// `cargo xtask mutations` puts broken contracts into a folder, to see whether tests notice.
fn or_broken(name: &str, code: &[u8]) -> anyhow::Result<Vec<u8>> {
    if let Ok(folder) = std::env::var("CHARTER_WASM_DIR") {
        let broken = std::path::Path::new(&folder).join(format!("charter_{name}.wasm"));
        if broken.exists() {
            return Ok(std::fs::read(broken)?);
        }
    }
    Ok(code.to_vec())
}

/// Those that governance governs: all that keep state.
const GOVERNED: [Code; 5] = [Code::Registry, Code::Keys, Code::Governance, Code::Escrow, Code::Tasks];

/// Deploys every contract below `root`, its admin.
async fn deploy(root: &Account, wasm: impl Fn(Code) -> anyhow::Result<Vec<u8>>) -> anyhow::Result<Contracts> {
    let contracts = Contracts::below(root.id())?;
    for code in Code::ALL {
        let key = SecretKey::from_random(KeyType::ED25519);
        let created = root.create_subaccount(code.name()).keys(key).initial_balance(CONTRACT_FUNDS).transact().await?;
        let contract = created.into_result()?.deploy(&wasm(code)?).await?.into_result()?;
        let Some(new) = initial_call(code, root.id(), &contracts) else { continue };
        contract.as_account().send(contract.id(), new, 0).await?.into_result()?;
    }
    Ok(contracts)
}

/// What sets a contract up with `admin`. The verifier keeps nothing, so there is nothing to set up or to govern.
pub fn initial_call(code: Code, admin: &AccountId, contracts: &Contracts) -> Option<Call> {
    let account = admin.clone();
    Some(match code {
        Code::Verifier => return None,
        Code::Registry => {
            let verifier = contracts.verifier.clone();
            call(registry::methods::new, &registry::args::Setup { account, verifier })
        }
        // The registry is beside it; releases before 0007 know none.
        Code::Escrow => call(escrow::methods::new, &escrow::args::Setup { account, registry: None }),
        Code::Keys => call(keys::methods::new, &Setup { account, registry: contracts.registry.clone() }),
        Code::Tasks => call(tasks::methods::new, &Setup { account, registry: contracts.registry.clone() }),
        Code::Governance => governance_setup(admin, contracts),
    })
}

/// Without what later releases brought and may be left out: kept wasm of all of them is set up so.
fn governance_setup(root: &AccountId, contracts: &Contracts) -> Call {
    let Params { quorum_bps, threshold_bps, .. } = Params::default();
    let setup = json!({
        "account": root,
        "registry": contracts.registry,
        "council": [Member { account: root.clone(), weight: 1 }],
        "params": {
            "vote_ms": PERIOD_MS,
            "timelock_ms": PERIOD_MS,
            "quorum_bps": quorum_bps,
            "threshold_bps": threshold_bps,
        },
    });
    raw(<governance::methods::new as Method>::NAME, setup)
}
