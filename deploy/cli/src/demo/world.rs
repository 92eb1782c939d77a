//! Everything the story needs: chain, contracts, people, notes.

use std::time::Duration;

use anyhow::Context;
use charter_client::{Account, Contracts, Done, Outcome, Rpc};
use charter_localnet::Localnet;
use charter_types::AccountId;

use super::state::State;
use crate::chain::{self, Chain};
use crate::deploy::deploy;
use crate::files::DataDir;
use crate::keystore::KeyStore;
use crate::output::Progress;

/// The people of the story; each gets an account below the root.
const PEOPLE: [&str; 7] = ["alice", "bob", "carol", "hal", "shop", "scout", "eve"];
/// What each starts with: 50 NEAR.
const FUNDS: u128 = 50_000_000_000_000_000_000_000_000;

pub struct World {
    pub state: State,
    pub rpc: Rpc,
    pub contracts: Contracts,
    pub progress: Progress,
    pub localnet: Localnet,
    chain: Chain,
    folder: DataDir,
    keys: KeyStore,
}

impl World {
    pub async fn start(folder: &DataDir, rpc_addr: &str, progress: Progress) -> anyhow::Result<Self> {
        progress.step("chain", "starting a NEAR chain in this process");
        let chain = chain::start(&folder.chain(), rpc_addr).await?;
        let rpc = Rpc::new(chain.rpc.url());
        let root = chain.localnet.root_id();
        let contracts = Contracts::below(root)?;
        let folder = DataDir::new(folder.chain().parent().context("a data folder has a name")?)?;
        folder.save_node(&chain.rpc.url())?;
        Ok(Self {
            state: State::open(&folder)?,
            keys: KeyStore::open(&folder.keys())?,
            localnet: chain.localnet.clone(),
            rpc,
            contracts,
            progress,
            chain,
            folder,
        })
    }

    pub fn root(&self) -> Account {
        let localnet = &self.chain.localnet;
        Account::new(localnet.root_id().clone(), localnet.root_key().clone(), self.rpc.clone())
    }

    pub fn chain_id(&self) -> String {
        self.localnet.chain_id().to_owned()
    }

    /// One of [`PEOPLE`].
    pub fn person(&mut self, name: &str) -> anyhow::Result<Account> {
        let id: AccountId = format!("{name}.{}", self.localnet.root_id()).parse()?;
        let key = self.keys.key(&id)?;
        Ok(Account::new(id, key, self.rpc.clone()))
    }

    /// Contracts and people.
    pub async fn deploy(&mut self) -> anyhow::Result<()> {
        let root = self.root();
        let key = self.localnet.root_key().clone();
        let (contracts, sent) = deploy(&root, &key, &self.progress).await?;
        self.folder.save_deployment(&contracts)?;
        for outcome in &sent {
            self.pay(outcome);
        }
        for name in PEOPLE {
            let person = self.person(name)?;
            if self.rpc.account(&person.id, charter_client::At::Final).await.is_err() {
                let key = self.keys.key(&person.id)?;
                let outcome = root.create_account(&person.id, &key, FUNDS).await?;
                self.pay(&outcome);
            }
        }
        self.progress.step("deploy", &format!("{} people with {} NEAR each", PEOPLE.len(), crate::output::near(FUNDS)));
        Ok(())
    }

    /// Books what a transaction cost.
    pub fn pay(&mut self, outcome: &Outcome) {
        self.state.spend(outcome.gas_burnt(), outcome.tokens_burnt());
    }

    /// The same, and gives its value.
    pub fn take<T>(&mut self, done: Done<T>) -> T {
        self.pay(&done.outcome);
        done.value
    }

    /// Lets time pass on the chain.
    pub async fn wait(&self, time: Duration) -> anyhow::Result<()> {
        self.localnet.cheats().advance_time(time).await?;
        Ok(())
    }

    /// The chain's clock, milliseconds.
    pub async fn now_ms(&self) -> anyhow::Result<u64> {
        Ok(self.rpc.block(charter_client::At::Final).await?.header.timestamp_nanosec / 1_000_000)
    }
}
