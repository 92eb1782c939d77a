//! An account that signs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use charter_types::method::{Deposit, Method};
use charter_types::shared::methods::storage_deposit;
use charter_types::storage::StorageDeposit;
use near_crypto::{InMemorySigner, PublicKey, SecretKey, Signer};
use near_jsonrpc_client::methods::send_tx::RpcTransactionError;
use near_primitives::action::{Action, DeployContractAction, FunctionCallAction, TransferAction};
use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::{SignedTransaction, Transaction, TransactionV0};
use near_primitives::types::{AccountId, Balance, Gas};
use near_primitives::views::{
    ExecutionOutcomeWithIdView, ExecutionStatusView, FinalExecutionOutcomeView, FinalExecutionStatus,
};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::rpc::guest_text;
use crate::{At, ClientError, Rpc};

/// Gas for raw calls that name none.
const GAS: Gas = Gas::from_teragas(100);
/// Enough for the storage of any single call here; what is not needed comes back.
pub const STORAGE_DEPOSIT: u128 = 100_000_000_000_000_000_000_000;

/// How often a transaction is signed anew because another of the same key came before it.
const TURNS: usize = 16;
/// How often one is sent if the answer is lost, and how long after.
const DELIVERIES: usize = 3;
const DELIVERY_PAUSE: Duration = Duration::from_millis(500);

/// An account with a full-access key, on a node. Clones share what they know of the key's nonces, so that any number of
/// calls can be under way at once.
#[derive(Clone)]
pub struct Account {
    pub id: AccountId,
    signer: Signer,
    rpc: Rpc,
    last_nonce: Arc<Mutex<u64>>,
}

/// One function call.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    args: Vec<u8>,
    deposit: Balance,
    gas: Gas,
}

impl Call {
    /// A call with the deposit and the gas that the method is declared with. What [`Deposit::Amount`] amounts to is for
    /// the caller to say.
    pub fn new<M: Method>(_: M, args: &M::Args) -> Self {
        let deposit = match M::RULE.deposit {
            Deposit::Nothing | Deposit::Amount => 0,
            Deposit::OneYocto | Deposit::Prepaid | Deposit::OneYoctoByOwner => 1,
            Deposit::Storage | Deposit::StorageByOwner => STORAGE_DEPOSIT,
        };
        Self::raw(M::NAME, M::write(args)).deposit(deposit).gas_tgas(M::RULE.gas.tgas())
    }

    /// Prepays storage for any single call.
    pub fn prepay() -> Self {
        Self::new(storage_deposit, &StorageDeposit::default()).deposit(STORAGE_DEPOSIT)
    }

    /// A method by its name, with arguments as they are: for contracts that are not ours.
    pub fn raw(method: &str, args: Vec<u8>) -> Self {
        Self { method: method.to_owned(), args, deposit: Balance::ZERO, gas: GAS }
    }

    pub fn deposit(mut self, yocto: u128) -> Self {
        self.deposit = Balance::from_yoctonear(yocto);
        self
    }

    /// Attaches more than it is declared with.
    pub(crate) fn with_more(mut self, yocto: u128) -> Self {
        self.deposit = self.deposit.saturating_add(Balance::from_yoctonear(yocto));
        self
    }

    pub fn gas_tgas(mut self, tgas: u64) -> Self {
        self.gas = Gas::from_teragas(tgas);
        self
    }

    /// A little less gas, by a random part: two programs that call the same thing with the same key at the same moment sign
    /// two transactions and not one, which would be carried out once and tell both of them that it was theirs.
    fn unlike_any_other(mut self) -> Self {
        let part = u64::from(rand::random::<u32>());
        self.gas = self.gas.checked_sub(Gas::from_gas(part)).unwrap_or(self.gas);
        self
    }

    pub fn into_action(self) -> Action {
        let Self { method: method_name, args, deposit, gas } = self;
        Action::FunctionCall(Box::new(FunctionCallAction { method_name, args, gas, deposit }))
    }
}

pub fn transfer_action(yocto: u128) -> Action {
    Action::Transfer(TransferAction { deposit: Balance::from_yoctonear(yocto) })
}

pub fn deploy_action(code: Vec<u8>) -> Action {
    Action::DeployContract(DeployContractAction { code })
}

/// A finished transaction.
#[derive(Clone, Debug)]
pub struct Outcome {
    view: FinalExecutionOutcomeView,
}

/// A receipt that failed, or a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whose code it was.
    pub by: AccountId,
    pub text: String,
}

impl From<Failure> for ClientError {
    fn from(Failure { by, text }: Failure) -> Self {
        Self::Refused { by, text }
    }
}

impl Outcome {
    /// The value the transaction answered with.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        let bytes = self.bytes()?;
        serde_json::from_slice(bytes).map_err(|error| wrong("transaction", error.to_string()))
    }

    /// What method `M` answered, if it was the last call of the transaction.
    pub fn answer<M: Method>(&self) -> Result<M::Answer, ClientError> {
        M::answer(self.bytes()?).map_err(|reason| wrong(M::NAME, reason))
    }

    fn bytes(&self) -> Result<&[u8], ClientError> {
        match &self.view.status {
            FinalExecutionStatus::SuccessValue(bytes) => Ok(bytes),
            other => Err(wrong("transaction", format!("{other:?}"))),
        }
    }

    pub fn transaction_hash(&self) -> CryptoHash {
        self.view.transaction_outcome.id
    }

    /// The receipt that an account executed first, and the block in which it did, by the node's word.
    pub fn receipt_on(&self, account: &AccountId) -> Option<(CryptoHash, CryptoHash)> {
        let found = self.view.receipts_outcome.iter().find(|outcome| outcome.outcome.executor_id == *account)?;
        Some((found.id, found.block_hash))
    }

    fn outcomes(&self) -> impl Iterator<Item = &ExecutionOutcomeWithIdView> {
        std::iter::once(&self.view.transaction_outcome).chain(&self.view.receipts_outcome)
    }

    /// Gas burnt by the transaction and all its receipts.
    pub fn gas_burnt(&self) -> u64 {
        self.outcomes().fold(0, |sum, outcome| sum.saturating_add(outcome.outcome.gas_burnt.as_gas()))
    }

    /// Tokens burnt by the same, yoctoNEAR.
    pub fn tokens_burnt(&self) -> u128 {
        self.outcomes().fold(0, |sum, outcome| sum.saturating_add(outcome.outcome.tokens_burnt.as_yoctonear()))
    }

    /// Receipts that ran, refunds included.
    pub fn receipts(&self) -> usize {
        self.view.receipts_outcome.len()
    }

    /// The failure that answered the transaction.
    pub fn failure(&self) -> Option<Failure> {
        let FinalExecutionStatus::Failure(error) = &self.view.status else { return None };
        // The answer says no more than why.
        let failed = self
            .outcomes()
            .find(|outcome| matches!(&outcome.outcome.status, ExecutionStatusView::Failure(found) if found == error));
        let by = &failed.unwrap_or(&self.view.transaction_outcome).outcome.executor_id;
        Some(Failure { by: by.clone(), text: guest_text(&error_text(error)) })
    }

    /// All receipts that failed, in their order. A callback that settled a failure knows nothing of why: it is here.
    pub fn failures(&self) -> impl Iterator<Item = Failure> {
        self.view.receipts_outcome.iter().filter_map(|outcome| match &outcome.outcome.status {
            ExecutionStatusView::Failure(error) => {
                let by = outcome.outcome.executor_id.clone();
                Some(Failure { by, text: guest_text(&error_text(error)) })
            }
            _ => None,
        })
    }

    /// Failures of receipts besides the one that answers.
    pub fn failed_receipts(&self) -> usize {
        let failed = |status: &ExecutionStatusView| matches!(status, ExecutionStatusView::Failure(_));
        self.view.receipts_outcome.iter().filter(|outcome| failed(&outcome.outcome.status)).count()
    }
}

fn wrong(method: &str, reason: String) -> ClientError {
    ClientError::Answer { method: method.to_owned(), reason }
}

/// Whether a node refused a transaction for its nonce alone.
fn is_late(error: &ClientError) -> bool {
    let refusal = error.as_nearcores::<RpcTransactionError>();
    matches!(refusal, Some(RpcTransactionError::InvalidTransaction { context: InvalidTxError::InvalidNonce { .. } }))
}

fn error_text(error: &near_primitives::errors::TxExecutionError) -> String {
    use near_primitives::errors::{ActionErrorKind, FunctionCallError, TxExecutionError};
    match error {
        TxExecutionError::ActionError(action) => match &action.kind {
            ActionErrorKind::FunctionCallError(FunctionCallError::ExecutionError(text)) => text.clone(),
            kind => kind.to_string(),
        },
        TxExecutionError::InvalidTxError(error) => error.to_string(),
    }
}

impl Account {
    pub fn new(id: AccountId, key: SecretKey, rpc: Rpc) -> Self {
        let signer = InMemorySigner::from_secret_key(id.clone(), key);
        Self { id, signer, rpc, last_nonce: Arc::default() }
    }

    pub fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Calls a contract and waits until all of it is final. A refusal is an error with the contract's text.
    pub async fn call(&self, contract: &AccountId, call: Call) -> Result<Outcome, ClientError> {
        self.calls(contract, vec![call]).await
    }

    /// Several calls of one contract in one transaction.
    pub async fn calls(&self, contract: &AccountId, calls: Vec<Call>) -> Result<Outcome, ClientError> {
        self.send(contract, calls.into_iter().map(|call| call.unlike_any_other().into_action()).collect()).await
    }

    /// Signs and sends a transaction and waits until all of it is final.
    pub async fn send(&self, receiver: &AccountId, actions: Vec<Action>) -> Result<Outcome, ClientError> {
        let outcome = self.send_unchecked(receiver, actions).await?;
        match outcome.failure() {
            Some(failure) => Err(failure.into()),
            None => Ok(outcome),
        }
    }

    /// The same, but a transaction that failed is an outcome too.
    pub async fn send_unchecked(&self, receiver: &AccountId, actions: Vec<Action>) -> Result<Outcome, ClientError> {
        let block_hash = self.rpc.block(At::Final).await?.header.hash;
        for _ in 1..TURNS {
            match self.send_once(receiver, actions.clone(), block_hash).await {
                // Another transaction of the key came first. This one was not carried out and never will be.
                Err(error) if is_late(&error) => {}
                other => return other,
            }
        }
        self.send_once(receiver, actions, block_hash).await
    }

    async fn send_once(
        &self,
        receiver: &AccountId,
        actions: Vec<Action>,
        block_hash: CryptoHash,
    ) -> Result<Outcome, ClientError> {
        let signed = self.sign(receiver, actions, self.next_nonce().await?, block_hash);
        let hash = signed.get_hash();
        let params = json!({ "signed_tx_base64": signed, "wait_until": "FINAL" });
        let mut lost = None;
        for _ in 0..DELIVERIES {
            if lost.is_some() {
                tokio::time::sleep(DELIVERY_PAUSE).await;
            }
            match self.rpc.call("send_tx", params.clone()).await {
                Ok(view) => return Ok(Outcome { view }),
                // Sent once more, to this node or another one, it is the same transaction, and carried out once.
                Err(error) if error.is_unsure() => lost = Some(error),
                // Once an answer was lost, a refusal may be for what this very transaction did.
                Err(_) if lost.is_some() => break,
                Err(error) => return Err(error),
            }
        }
        let source = lost.unwrap_or_else(|| wrong("send_tx", "there was no answer".to_owned()));
        Err(ClientError::Unknown { hash, source: Box::new(source) })
    }

    /// A nonce that no other call of this account has. Two calls with one nonce would be one transaction if they are equal,
    /// and else one of them would be refused.
    async fn next_nonce(&self) -> Result<u64, ClientError> {
        let known = self.rpc.access_key(&self.id, &self.public_key()).await?.nonce;
        let mut last = self.last_nonce.lock().unwrap_or_else(PoisonError::into_inner);
        let next = known.max(*last).checked_add(1);
        *last = next.ok_or_else(|| wrong("view_access_key", "no nonce is left".to_owned()))?;
        Ok(*last)
    }

    /// Signs a transaction without sending it.
    pub fn sign(
        &self,
        receiver: &AccountId,
        actions: Vec<Action>,
        nonce: u64,
        block_hash: CryptoHash,
    ) -> SignedTransaction {
        let transaction = Transaction::V0(TransactionV0 {
            signer_id: self.id.clone(),
            public_key: self.public_key(),
            nonce,
            receiver_id: receiver.clone(),
            block_hash,
            actions,
        });
        let signature = self.signer.sign(transaction.get_hash_and_size().0.as_ref());
        SignedTransaction::new(signature, transaction)
    }

    /// Creates an account below this one (or any, for a registrar) and gives it a key.
    pub async fn create_account(&self, id: &AccountId, key: &SecretKey, yocto: u128) -> Result<Outcome, ClientError> {
        use near_primitives::account::AccessKey;
        use near_primitives::action::{AddKeyAction, CreateAccountAction};
        let add = AddKeyAction { public_key: key.public_key(), access_key: AccessKey::full_access() };
        let actions =
            vec![Action::CreateAccount(CreateAccountAction {}), transfer_action(yocto), Action::AddKey(Box::new(add))];
        self.send(id, actions).await
    }
}
