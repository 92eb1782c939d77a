//! Who and what is there when calls are refused.

use charter_harness::{Caller, Harness, initial_call, ok, view};
use charter_types::asset::Asset;
use charter_types::governance::args::{CreateLine, DelegateStake, LineRef, LockStake, ProposalRef, ProposeRelease};
use charter_types::governance::{Params, StakeRules, methods as governance};
use charter_types::keys::args::AddCredential;
use charter_types::keys::{Envelope, Grantee, Wrap, methods as keys};
use charter_types::registry::args::{AgentAccount, AgentRef, SetAgentAccount, SetOperator, SetRecoverers};
use charter_types::registry::{Operator, Permission, RECOVERY_MS_MIN, Recoverers, Standing, methods as registry};
use charter_types::{AccountId, Base64Bytes, Hash32, U128};
use charter_wasm::Contract;
use near_workspaces::Account;

use super::case::Who;
use super::escrow::Money;
use crate::escrow::open;
use charter_harness::arguments::{DEPOSIT, accept, content, enrolled, policy, prepay, register, register_host, terms};

pub struct Scene {
    pub harness: Harness,
    people: Vec<Account>,
    pub now_ms: u64,
    pub expires_ms: u64,
    /// What the registry says of agent 1.
    pub standing: Option<Standing>,
    /// A release of line 2, which is being voted on, and what the vote repeats of it.
    pub proposal: u64,
    pub content_hash: Hash32,
    pub channel: Hash32,
    pub money: Money,
}

impl Scene {
    /// Agent 1, which went from its ex-owner to its owner, with a guardian, an operator who may do all that operators can,
    /// an account of its own, and a credential that host 1 may use; agent 2 with a recoverer; a line with a proposal; a
    /// channel, and what else the escrow keeps; a set of tasks.
    pub async fn new() -> Self {
        Self::on(Harness::start().await.unwrap()).await
    }

    /// The same on a registry, keys and governance that still have an admin: where governance has taken over, only its votes
    /// can pause.
    pub async fn with_admin() -> Self {
        let mut harness = Harness::start().await.unwrap();
        let mut accounts = Vec::new();
        for name in ["registry-b", "keys-b", "governance-b"] {
            accounts.push(harness.account(name).await.unwrap());
        }
        // They ask this registry, not the one that was there.
        let [registry, keys, lines] = [0, 1, 2].map(|place| accounts[place].id().clone());
        (harness.contracts.registry, harness.contracts.keys, harness.contracts.governance) = (registry, keys, lines);
        for (account, code) in accounts.iter().zip([Contract::Registry, Contract::Keys, Contract::Governance]) {
            account.deploy(code.code()).await.unwrap().into_result().unwrap();
            let new = initial_call(code, harness.root().id(), &harness.contracts).unwrap();
            account.send(account.id(), new, 0).await.unwrap().into_result().unwrap();
        }
        Self::on(harness).await
    }

    async fn on(harness: Harness) -> Self {
        let mut people = Vec::new();
        for who in Who::ALL {
            people.push(harness.account(who.name()).await.unwrap());
        }
        let now_ms = harness.now_ms().await.unwrap();
        let expires_ms = now_ms + 30 * 24 * 3_600_000;
        let (content_hash, channel, money) = (Hash32::default(), Hash32::default(), Money::default());
        let mut scene =
            Self { harness, people, now_ms, expires_ms, standing: None, proposal: 0, content_hash, channel, money };
        scene.agents().await;
        for person in &scene.people[..Who::ALL.len() - 1] {
            for contract in scene.contracts() {
                prepay(person, contract, 5 * DEPOSIT).await;
            }
        }
        scene.credential().await;
        scene.line().await;
        scene.stakes().await;
        scene.channel = open(&scene.harness, scene.person(Who::Owner), scene.person(Who::Friend)).await;
        scene.money = Money::new(&scene).await;
        super::tasks::begin(&scene).await;
        scene
    }

    pub fn person(&self, who: Who) -> &Account {
        let position = Who::ALL.iter().position(|one| *one == who).unwrap();
        &self.people[position]
    }

    pub fn id(&self, who: Who) -> AccountId {
        self.person(who).id().clone()
    }

    /// Those that keep state.
    pub fn contracts(&self) -> [&AccountId; 5] {
        let contracts = &self.harness.contracts;
        [&contracts.registry, &contracts.keys, &contracts.governance, &contracts.escrow, &contracts.tasks]
    }

    async fn agents(&mut self) {
        let (owner, ex_owner) = (self.person(Who::Owner), self.person(Who::ExOwner));
        let contract = &self.harness.contracts.registry;
        let agent = register(&self.harness, ex_owner, Vec::new()).await;
        assert_eq!(agent, 1);
        let of = |who: Who| AgentAccount { agent, account: self.id(who) };
        ok(ex_owner, contract, registry::offer_transfer, &of(Who::Owner), DEPOSIT).await;
        ok(owner, contract, registry::accept_transfer, &accept(&self.harness, contract, agent).await, DEPOSIT).await;
        ok(owner, contract, registry::set_guardian, &of(Who::Guardian), DEPOSIT).await;
        let permissions = vec![Permission::Card, Permission::AgentAccount, Permission::Keys, Permission::Attest];
        let operator = Operator { account: self.id(Who::Operator), permissions, expires_ms: u64::MAX };
        ok(owner, contract, registry::set_operator, &SetOperator { agent, operator }, DEPOSIT).await;
        let own = SetAgentAccount { agent, agent_account: Some(self.id(Who::Agent)) };
        ok(owner, contract, registry::set_agent_account, &own, DEPOSIT).await;
        assert_eq!(register(&self.harness, owner, Vec::new()).await, 2);
        let accounts = vec![self.id(Who::Friend)];
        let recoverers = Recoverers { accounts, threshold: 1, delay_ms: RECOVERY_MS_MIN };
        ok(owner, contract, registry::set_recoverers, &SetRecoverers { agent: 2, recoverers }, DEPOSIT).await;
        let question = AgentRef { agent };
        self.standing = view(&self.harness.worker, contract, registry::standing, &question).await.unwrap();
    }

    async fn credential(&self) {
        let contract = &self.harness.contracts.keys;
        assert_eq!(register_host(&self.harness, contract, self.person(Who::Host), 5).await, 1);
        let args = AddCredential {
            agent: 1,
            epochs: None,
            label_hash: Hash32([1; 32]),
            ceiling: policy("/"),
            envelope: Envelope::Inline(Base64Bytes(vec![1; 64])),
            wraps: vec![Wrap { host: 1, host_generation: 0, sealed: Base64Bytes(vec![2; 80]) }],
            rotate_by_ms: 0,
            grants: vec![terms(Grantee::Host(1), policy("/v1"), self.expires_ms)],
        };
        let added = ok(self.person(Who::Owner), contract, keys::add_credential, &args, 1).await;
        assert_eq!((added.secret, added.grants), (Some(1), vec![1]));
    }

    async fn line(&mut self) {
        let owner = self.person(Who::Owner);
        let contract = &self.harness.contracts.governance;
        let line = CreateLine {
            name: "scout".to_owned(),
            council: Vec::new(),
            params: Params::default(),
            guardian: None,
            stake: None,
        };
        assert_eq!(ok(owner, contract, governance::create_line, &line, DEPOSIT).await, 2);
        ok(owner, contract, governance::enroll, &enrolled(1, 2), 1).await;
        let release = ProposeRelease { line: 2, seq: 0, content: content() };
        let proposal = ok(owner, contract, governance::propose_release, &release, DEPOSIT).await;
        let question = ProposalRef { proposal };
        let found = view(&self.harness.worker, contract, governance::proposal, &question).await.unwrap();
        (self.proposal, self.content_hash) = (proposal, found.unwrap().content_hash);
    }

    /// Lines 3 and 4 are decided by stake, of NEAR and of a token that the friend is. The owner has locked and delegated some
    /// to the guardian, and has a row for the token.
    async fn stakes(&self) {
        let (owner, contract) = (self.person(Who::Owner), &self.harness.contracts.governance);
        for (line, asset) in [(3, Asset::Near), (4, Asset::Nep141(self.id(Who::Friend)))] {
            let stake = Some(StakeRules { asset, unlock_ms: 7 * 24 * 3_600_000, floor: U128(1) });
            let (name, council) = ("staked".to_owned(), Vec::new());
            let args = CreateLine { name, council, params: Params::default(), guardian: None, stake };
            assert_eq!(ok(owner, contract, governance::create_line, &args, DEPOSIT).await, line);
            let amount = U128(if line == 3 { 10 } else { 0 });
            ok(owner, contract, governance::lock, &LockStake { line, amount }, DEPOSIT).await;
        }
        ok(self.person(Who::Guardian), contract, governance::stand, &LineRef { line: 3 }, DEPOSIT).await;
        let part = DelegateStake { line: 3, to: self.id(Who::Guardian), amount: U128(4) };
        ok(owner, contract, governance::delegate, &part, DEPOSIT).await;
    }
}
