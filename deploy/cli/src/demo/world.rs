//! Everything the story needs: chain, contracts, people, notes.

use std::time::Duration;

use charter_client::{Account, Contracts, Done, Outcome, Rpc};
use charter_localnet::Localnet;
use charter_types::AccountId;
use near_crypto::SecretKey;

use super::state::State;
use crate::chain::{self, Chain};
use crate::deploy::deploy;
use crate::files::DataDir;
use crate::files::keystore::KeyStore;
use crate::output::Progress;
use crate::session::Session;
use crate::units::near;

/// The people of the story; each gets an account below the root.
const PEOPLE: [&str; 13] =
    ["alice", "bob", "carol", "hal", "shop", "scout", "eve", "rita", "ruth", "rolf", "remy", "rosa", "rene"];
/// What each starts with: 50 NEAR.
const FUNDS: u128 = 50_000_000_000_000_000_000_000_000;

pub struct World {
    pub state: State,
    pub rpc: Rpc,
    pub contracts: Contracts,
    pub progress: Progress,
    chain: Chain,
    folder: DataDir,
    keys: KeyStore,
}

impl World {
    pub async fn start(folder: &DataDir, rpc_addr: &str, progress: Progress) -> anyhow::Result<Self> {
        progress.step("chain", "starting a NEAR chain in this process");
        let chain = chain::start(&folder.chain(), rpc_addr).await?;
        let rpc = Rpc::new(chain.rpc.url());
        folder.save_node(&chain.rpc.url())?;
        Ok(Self {
            state: State::open(folder)?,
            keys: KeyStore::open(folder)?,
            contracts: Contracts::below(chain.localnet.root_id())?,
            rpc,
            progress,
            chain,
            folder: folder.clone(),
        })
    }

    /// The chain, for whoever asks it without a server between.
    pub fn localnet(&self) -> &Localnet {
        &self.chain.localnet
    }

    pub fn root(&self) -> Account {
        let localnet = &self.chain.localnet;
        Account::new(localnet.root_id().clone(), localnet.root_key().clone(), self.rpc.clone())
    }

    pub fn chain_id(&self) -> String {
        self.chain.localnet.chain_id().to_owned()
    }

    /// One of [`PEOPLE`].
    pub fn person(&mut self, name: &str) -> anyhow::Result<Account> {
        let id: AccountId = format!("{name}.{}", self.chain.localnet.root_id()).parse()?;
        let key = self.keys.key(&id)?;
        Ok(Account::new(id, key, self.rpc.clone()))
    }

    /// What one of [`PEOPLE`] signs with.
    pub fn secret(&mut self, name: &str) -> anyhow::Result<SecretKey> {
        let id = self.person(name)?.id;
        self.keys.key(&id)
    }

    /// One of [`PEOPLE`] at work with a folder of their own, as the `charter` commands are.
    pub fn session(&mut self, name: &str) -> anyhow::Result<Session> {
        let folder = self.folder.person(name)?;
        Ok(Session::new(self.person(name)?, folder, self.contracts.clone(), self.chain_id()))
    }

    /// Deploys the contracts and creates the people's accounts.
    pub async fn deploy(&mut self) -> anyhow::Result<()> {
        let root = self.root();
        let key = self.chain.localnet.root_key().clone();
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
        self.progress.step("deploy", &format!("{} people with {} NEAR each", PEOPLE.len(), near(FUNDS)));
        Ok(())
    }

    /// Books what a transaction cost.
    pub fn pay(&mut self, outcome: &Outcome) {
        self.state.spend(outcome.gas_burnt(), outcome.tokens_burnt());
    }

    /// Books what a transaction cost, and returns its value.
    pub fn take<T>(&mut self, done: Done<T>) -> T {
        self.pay(&done.outcome);
        done.value
    }

    /// Lets time pass on the chain.
    pub async fn wait(&self, time: Duration) -> anyhow::Result<()> {
        self.chain.localnet.cheats().advance_time(time).await?;
        Ok(())
    }
}
