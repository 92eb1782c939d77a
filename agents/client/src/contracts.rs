//! Where the contracts are, and calls of their methods.

use std::marker::PhantomData;

use charter_types::AccountId;
use charter_types::contract;
use charter_types::method::{Contract, Deposit, Method, Of};
use serde::{Deserialize, Serialize};

use crate::{Account, At, Call, ClientError, Outcome, Rpc};

/// The accounts of one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contracts {
    pub registry: AccountId,
    pub keys: AccountId,
    pub governance: AccountId,
    pub escrow: AccountId,
    pub tasks: AccountId,
    pub verifier: AccountId,
}

/// A call that stores, with its outcome and what it answered.
pub struct Done<T> {
    pub value: T,
    pub outcome: Outcome,
}

/// A contract of a deployment. Its methods are the types in `charter_types::<contract>::methods`.
///
/// ```
/// # use charter_client::{Account, ClientError, Contracts};
/// use charter_types::keys::{self, GrantId, args::GrantRef};
///
/// async fn revoke(contracts: &Contracts, owner: &Account, grant: GrantId) -> Result<(), ClientError> {
///     let done = contracts.keys().call(owner, keys::methods::revoke_grant, &GrantRef { grant }).await?;
///     assert_eq!(done.value.grants, [grant]);
///     Ok(())
/// }
/// ```
///
/// Other arguments than declared do not compile:
///
/// ```compile_fail
/// # use charter_client::{Account, ClientError, Contracts};
/// use charter_types::keys::{self, SecretId, args::SecretRef};
///
/// async fn revoke(contracts: &Contracts, owner: &Account, secret: SecretId) -> Result<(), ClientError> {
///     contracts.keys().call(owner, keys::methods::revoke_grant, &SecretRef { secret }).await?;
///     Ok(())
/// }
/// ```
///
/// Nor does another contract's method:
///
/// ```compile_fail
/// # use charter_client::{Account, ClientError, Contracts};
/// use charter_types::keys::{self, GrantId, args::GrantRef};
///
/// async fn revoke(contracts: &Contracts, owner: &Account, grant: GrantId) -> Result<(), ClientError> {
///     contracts.registry().call(owner, keys::methods::revoke_grant, &GrantRef { grant }).await?;
///     Ok(())
/// }
/// ```
pub struct Handle<'a, C> {
    pub account: &'a AccountId,
    contract: PhantomData<C>,
}

impl<C: Contract> Handle<'_, C> {
    /// Calls a method with the deposit and the gas it is declared with, and waits until all of it is final. What it stores
    /// out of prepaid storage is prepaid in the same transaction.
    pub async fn call<M: Method + Of<C>>(
        &self,
        by: &Account,
        method: M,
        args: &M::Args,
    ) -> Result<Done<M::Answer>, ClientError> {
        self.call_with_bond(by, method, args, 0).await
    }

    /// The same for a call that takes a bond out of the storage account: so much more is attached or prepaid.
    pub async fn call_with_bond<M: Method + Of<C>>(
        &self,
        by: &Account,
        method: M,
        args: &M::Args,
        yocto: u128,
    ) -> Result<Done<M::Answer>, ClientError> {
        let call = Call::new(method, args);
        let calls = if M::RULE.deposit == Deposit::Prepaid {
            vec![Call::prepay().with_more(yocto), call]
        } else {
            vec![call.with_more(yocto)]
        };
        self.send::<M>(by, calls).await
    }

    /// The same, with storage prepaid in the same transaction whatever the method is declared with: for what its caller
    /// will store later by calls that take no deposit.
    pub async fn prepay_and_call<M: Method + Of<C>>(
        &self,
        by: &Account,
        method: M,
        args: &M::Args,
    ) -> Result<Done<M::Answer>, ClientError> {
        self.send::<M>(by, vec![Call::prepay(), Call::new(method, args)]).await
    }

    /// The same with another deposit: what the call is about, or nothing for a guardian or an operator.
    pub async fn pay<M: Method + Of<C>>(
        &self,
        by: &Account,
        method: M,
        args: &M::Args,
        yocto: u128,
    ) -> Result<Done<M::Answer>, ClientError> {
        self.send::<M>(by, vec![Call::new(method, args).deposit(yocto)]).await
    }

    async fn send<M: Method>(&self, by: &Account, calls: Vec<Call>) -> Result<Done<M::Answer>, ClientError> {
        let outcome = by.calls(self.account, calls).await?;
        Ok(Done { value: outcome.answer::<M>()?, outcome })
    }

    /// Asks a view.
    pub async fn view<M: Method + Of<C>>(
        &self,
        rpc: &Rpc,
        method: M,
        args: &M::Args,
        at: At,
    ) -> Result<M::Answer, ClientError> {
        rpc.view(self.account, method, args, at).await
    }
}

fn handle<C>(account: &AccountId) -> Handle<'_, C> {
    Handle { account, contract: PhantomData }
}

impl Contracts {
    pub fn registry(&self) -> Handle<'_, contract::Registry> {
        handle(&self.registry)
    }

    pub fn keys(&self) -> Handle<'_, contract::Keys> {
        handle(&self.keys)
    }

    pub fn governance(&self) -> Handle<'_, contract::Governance> {
        handle(&self.governance)
    }

    pub fn escrow(&self) -> Handle<'_, contract::Escrow> {
        handle(&self.escrow)
    }

    pub fn tasks(&self) -> Handle<'_, contract::Tasks> {
        handle(&self.tasks)
    }

    pub fn verifier(&self) -> Handle<'_, contract::Verifier> {
        handle(&self.verifier)
    }

    /// Whether an account is one of them.
    pub fn has(&self, account: &AccountId) -> bool {
        let Self { registry, keys, governance, escrow, tasks, verifier } = self;
        [registry, keys, governance, escrow, tasks, verifier].contains(&account)
    }

    /// Where `charter deploy` puts them: accounts below `root`, by their names.
    pub fn below(root: &AccountId) -> Result<Self, ClientError> {
        let below = |name: &str| {
            let reason = |error| format!("{name}.{root} is no account id: {error}");
            format!("{name}.{root}")
                .parse()
                .map_err(|error| ClientError::Answer { method: "below".to_owned(), reason: reason(error) })
        };
        Ok(Self {
            registry: below("registry")?,
            keys: below("keys")?,
            governance: below("governance")?,
            escrow: below("escrow")?,
            tasks: below("tasks")?,
            verifier: below("verifier")?,
        })
    }
}
