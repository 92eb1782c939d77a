//! An account with its key, acting through near-jsonrpc-client.

use charter_localnet::Localnet;
use near_crypto::{InMemorySigner, KeyType, SecretKey, Signer};
use near_jsonrpc_client::methods::query::RpcQueryRequest;
use near_jsonrpc_client::{JsonRpcClient, methods};
use near_jsonrpc_primitives::types::query::QueryResponseKind;
use near_primitives::account::AccessKey;
use near_primitives::action::{
    Action, AddKeyAction, CreateAccountAction, DeployContractAction, FunctionCallAction, TransferAction,
};
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::{SignedTransaction, Transaction, TransactionV0};
use near_primitives::types::{AccountId, Balance, BlockReference, Finality, Gas};
use near_primitives::views::{AccessKeyView, AccountView, FinalExecutionOutcomeView, QueryRequest, TxExecutionStatus};
use serde_json::{Value, json};

pub struct Actor {
    pub client: JsonRpcClient,
    pub id: AccountId,
    pub key: SecretKey,
}

pub fn latest() -> BlockReference {
    BlockReference::Finality(Finality::None)
}

pub fn call(method: &str, args: &Value, deposit: Balance) -> Action {
    Action::FunctionCall(Box::new(FunctionCallAction {
        method_name: method.to_owned(),
        args: args.to_string().into_bytes(),
        gas: Gas::from_teragas(60),
        deposit,
    }))
}

pub fn add_key(key: &SecretKey, access_key: AccessKey) -> Action {
    Action::AddKey(Box::new(AddKeyAction { public_key: key.public_key(), access_key }))
}

/// What JSON-RPC answers, without a server between.
pub async fn ask(localnet: &Localnet, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params }).to_string();
    localnet.answer(body.as_bytes()).await.1
}

impl Actor {
    pub fn new(url: &str, id: &AccountId, key: &SecretKey) -> Self {
        Self { client: JsonRpcClient::connect(url), id: id.clone(), key: key.clone() }
    }

    pub fn signer(&self) -> Signer {
        InMemorySigner::from_secret_key(self.id.clone(), self.key.clone())
    }

    pub async fn query(
        &self,
        block_reference: BlockReference,
        request: QueryRequest,
    ) -> Result<QueryResponseKind, String> {
        let answered = self.client.call(RpcQueryRequest { block_reference, request }).await;
        answered.map(|response| response.kind).map_err(|error| error.to_string())
    }

    pub async fn account(&self, account_id: &AccountId) -> Result<AccountView, String> {
        let request = QueryRequest::ViewAccount { account_id: account_id.clone() };
        match self.query(latest(), request).await? {
            QueryResponseKind::ViewAccount(account) => Ok(account),
            other => Err(format!("{other:?}")),
        }
    }

    pub async fn access_key(&self) -> Result<AccessKeyView, String> {
        let (account_id, public_key) = (self.id.clone(), self.key.public_key());
        match self.query(latest(), QueryRequest::ViewAccessKey { account_id, public_key }).await? {
            QueryResponseKind::AccessKey(key) => Ok(key),
            other => Err(format!("{other:?}")),
        }
    }

    /// What a view method answers, as JSON.
    pub async fn view(&self, at: BlockReference, contract: &AccountId, method: &str, args: &Value) -> Value {
        let (account_id, method_name) = (contract.clone(), method.to_owned());
        let request =
            QueryRequest::CallFunction { account_id, method_name, args: args.to_string().into_bytes().into() };
        match self.query(at, request).await {
            Ok(QueryResponseKind::CallResult(result)) => serde_json::from_slice(&result.result).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub async fn head(&self) -> (CryptoHash, u64) {
        let block = self.client.call(methods::block::RpcBlockRequest { block_reference: latest() }).await.unwrap();
        (block.header.hash, block.header.height)
    }

    /// What a transaction names: a block that is not final may be lost, and the transaction with it.
    async fn anchor(&self) -> CryptoHash {
        let block_reference = BlockReference::Finality(Finality::Final);
        self.client.call(methods::block::RpcBlockRequest { block_reference }).await.unwrap().header.hash
    }

    pub async fn sign(&self, receiver_id: &AccountId, actions: Vec<Action>) -> SignedTransaction {
        let transaction = Transaction::V0(TransactionV0 {
            signer_id: self.id.clone(),
            public_key: self.key.public_key(),
            nonce: self.access_key().await.unwrap().nonce + 1,
            receiver_id: receiver_id.clone(),
            block_hash: self.anchor().await,
            actions,
        });
        let signature = self.signer().sign(transaction.get_hash_and_size().0.as_ref());
        SignedTransaction::new(signature, transaction)
    }

    /// Sends and waits until everything is done; `Err` if the node refuses the transaction.
    pub async fn send(
        &self,
        receiver_id: &AccountId,
        actions: Vec<Action>,
    ) -> Result<FinalExecutionOutcomeView, String> {
        let signed_transaction = self.sign(receiver_id, actions).await;
        let wait_until = TxExecutionStatus::Final;
        let request = methods::send_tx::RpcSendTransactionRequest { signed_transaction, wait_until };
        let response = self.client.call(request).await.map_err(|error| format!("{error:?}"))?;
        Ok(response.final_execution_outcome.unwrap().into_outcome())
    }

    /// An account below this one.
    pub async fn create(&self, name: &str, balance: Balance) -> Self {
        let id: AccountId = format!("{name}.{}", self.id).parse().unwrap();
        let key = SecretKey::from_random(KeyType::ED25519);
        let actions = vec![
            Action::CreateAccount(CreateAccountAction {}),
            Action::Transfer(TransferAction { deposit: balance }),
            add_key(&key, AccessKey::full_access()),
        ];
        self.send(&id, actions).await.unwrap();
        Self { client: self.client.clone(), id, key }
    }

    pub async fn deploy(&self, code: &[u8]) {
        let deploy = Action::DeployContract(DeployContractAction { code: code.to_vec() });
        self.send(&self.id, vec![deploy]).await.unwrap();
    }
}
