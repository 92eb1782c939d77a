//! Transactions that go straight into the chain of this process: no server is between, and nobody has to be asked for a
//! nonce.

use std::sync::Arc;

use anyhow::bail;
use charter_client::{Account, Call, transfer_action};
use charter_types::AccountId;
use charter_types::method::{Deposit, Method};
use near_crypto::{KeyType, SecretKey};
use near_primitives::account::AccessKey;
use near_primitives::action::{Action, AddKeyAction, CreateAccountAction};
use near_primitives::views::FinalExecutionStatus;

use super::Ground;

/// An account whose key nobody else signs with.
pub struct Sender {
    account: Account,
    nonce: u64,
    ground: Arc<Ground>,
}

impl Sender {
    pub async fn new(ground: &Arc<Ground>, id: AccountId, key: SecretKey) -> anyhow::Result<Self> {
        let account = Account::new(id, key, ground.rpc.clone());
        let nonce = ground.rpc.access_key(&account.id, &account.public_key()).await?.nonce;
        Ok(Self { account, nonce, ground: Arc::clone(ground) })
    }

    pub fn id(&self) -> &AccountId {
        &self.account.id
    }

    /// Creates an account below this one with a key of its own, and money of this one's.
    pub async fn create(&mut self, name: &str, yocto: u128) -> anyhow::Result<Self> {
        let id: AccountId = format!("{name}.{}", self.account.id).parse()?;
        let key = SecretKey::from_random(KeyType::ED25519);
        let add = AddKeyAction { public_key: key.public_key(), access_key: AccessKey::full_access() };
        let create = Action::CreateAccount(CreateAccountAction {});
        self.send(&id, vec![create, transfer_action(yocto), Action::AddKey(Box::new(add))]).await?;
        Self::new(&self.ground, id, key).await
    }

    /// Calls a method with the deposit that it is declared with. What it stores out of prepaid storage is prepaid in
    /// the same transaction.
    pub async fn call<M: Method>(
        &mut self,
        contract: &AccountId,
        method: M,
        args: &M::Args,
    ) -> anyhow::Result<M::Answer> {
        let prepaid = (M::RULE.deposit == Deposit::Prepaid).then(Call::prepay);
        let calls = prepaid.into_iter().chain([Call::new(method, args)]);
        let value = self.send(contract, calls.map(Call::into_action).collect()).await?;
        M::answer(&value).map_err(anyhow::Error::msg)
    }

    /// The same with another deposit: what the call is about.
    pub async fn pay<M: Method>(
        &mut self,
        contract: &AccountId,
        method: M,
        args: &M::Args,
        yocto: u128,
    ) -> anyhow::Result<M::Answer> {
        let call = Call::new(method, args).deposit(yocto);
        let value = self.send(contract, vec![call.into_action()]).await?;
        M::answer(&value).map_err(anyhow::Error::msg)
    }

    /// Signs and sends a transaction, waits until all of it is done, and gives back what it answered.
    async fn send(&mut self, receiver: &AccountId, actions: Vec<Action>) -> anyhow::Result<Vec<u8>> {
        let localnet = &self.ground.localnet;
        let anchor = localnet.with(|chain| *chain.head().header.hash()).await?;
        self.nonce += 1;
        let signed = self.account.sign(receiver, actions, self.nonce, anchor);
        let outcome = localnet.submit(signed).await?;
        self.ground.tally.sent();
        match outcome.status {
            FinalExecutionStatus::SuccessValue(value) => Ok(value),
            other => bail!("a transaction of {} to {receiver} failed: {other:?}", self.account.id),
        }
    }
}
