//! A chain in hand: transactions of any kind, signed with any key, and what became of them.

use borsh::BorshDeserialize;
use charter_localnet::Genesis;
use charter_localnet::chain::{Chain, ChainOptions, SubmitError, TxStatus};
use near_crypto::{InMemorySigner, KeyType, PublicKey, SecretKey, Signer};
use near_primitives::account::{AccessKey, AccessKeyPermission, Account, FunctionCallPermission};
use near_primitives::action::delegate::{DelegateAction, SignedDelegateAction};
use near_primitives::action::{Action, CreateAccountAction, TransferAction, TransferToGasKeyAction};
use near_primitives::errors::{ActionErrorKind, ActionsValidationError, InvalidTxError, TxExecutionError};
use near_primitives::transaction::{
    NonceMode, SignedTransaction, Transaction, TransactionNonce, TransactionV0, TransactionV1,
};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, Balance};
use near_primitives::views::{FinalExecutionOutcomeView, FinalExecutionStatus};

use crate::actor::add_key;

pub type Sent = Result<FinalExecutionOutcomeView, InvalidTxError>;

pub fn id(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub fn secret(kind: KeyType, seed: &str) -> SecretKey {
    SecretKey::from_seed(kind, seed)
}

/// An ordinary key of this name.
pub fn key(seed: &str) -> SecretKey {
    secret(KeyType::ED25519, seed)
}

pub fn transfer(deposit: Balance) -> Action {
    Action::Transfer(TransferAction { deposit })
}

pub fn fund(key: &SecretKey, deposit: Balance) -> Action {
    Action::TransferToGasKey(Box::new(TransferToGasKeyAction { public_key: key.public_key(), deposit }))
}

pub fn calls_to(receiver: &str, methods: &[&str], allowance: Option<Balance>) -> FunctionCallPermission {
    let method_names = methods.iter().map(|name| (*name).to_owned()).collect();
    FunctionCallPermission { allowance, receiver_id: receiver.to_owned(), method_names }
}

pub fn calls_key(permission: FunctionCallPermission) -> AccessKey {
    AccessKey { nonce: 0, permission: AccessKeyPermission::FunctionCall(permission) }
}

/// What a transaction is refused for.
pub fn refusal(sent: Sent) -> InvalidTxError {
    sent.map(|outcome| format!("executed: {:?}", outcome.status)).unwrap_err()
}

pub fn unsupported(feature: &str, version: u32) -> InvalidTxError {
    InvalidTxError::ActionsValidation(ActionsValidationError::UnsupportedProtocolFeature {
        protocol_feature: feature.to_owned(),
        version,
    })
}

/// What an executed transaction failed with.
pub fn failure(sent: Sent) -> ActionErrorKind {
    match sent.unwrap().status {
        FinalExecutionStatus::Failure(TxExecutionError::ActionError(error)) => error.kind,
        other => panic!("{other:?}"),
    }
}

pub fn burnt(outcome: &FinalExecutionOutcomeView) -> Balance {
    let receipts = outcome.receipts_outcome.iter().map(|receipt| receipt.outcome.tokens_burnt);
    receipts.fold(outcome.transaction_outcome.outcome.tokens_burnt, Balance::saturating_add)
}

pub fn signed_with(from: &AccountId, key: &SecretKey, transaction: Transaction) -> SignedTransaction {
    let signer: Signer = InMemorySigner::from_secret_key(from.clone(), key.clone());
    SignedTransaction::new(signer.sign(transaction.get_hash_and_size().0.as_ref()), transaction)
}

/// A chain with alice, who has 100 NEAR, a key of her name and the probe contract, and bob, who has the first two.
pub struct Desk {
    pub chain: Chain,
    supply: Balance,
    sent: u64,
}

impl Desk {
    pub fn new(version: u32) -> Self {
        let mut genesis = Genesis::of_root("desk", id("test.near"), key("root"));
        genesis.config.protocol_version = version;
        let chain = Chain::new(genesis, ChainOptions::default()).unwrap();
        let mut desk = Self { supply: chain.supply().total(), chain, sent: 0 };
        for name in ["alice", "bob"] {
            let create = Action::CreateAccount(CreateAccountAction {});
            let own = add_key(&key(name), AccessKey::full_access());
            let actions = vec![create, transfer(Balance::from_near(100)), own];
            desk.send("test.near", &key("root"), &format!("{name}.test.near"), actions).unwrap();
        }
        let deploy = near_primitives::action::DeployContractAction { code: crate::PROBE.to_vec() };
        desk.alice(vec![Action::DeployContract(deploy)]).unwrap();
        desk
    }

    pub fn settle(&mut self) {
        while self.chain.has_work() {
            self.chain.produce().unwrap();
        }
    }

    /// A nonce that nobody used before, of any key.
    pub fn fresh_nonce(&mut self) -> u64 {
        self.sent += 1;
        self.chain.head().header.height() * 1_000_000 + self.sent
    }

    pub fn submit(&mut self, signed: SignedTransaction) -> Sent {
        let hash = signed.get_hash();
        self.chain.submit(signed).map_err(|SubmitError::Invalid(error)| error)?;
        self.settle();
        match self.chain.tx_status(&hash) {
            TxStatus::Executed { outcome, .. } => Ok(*outcome),
            TxStatus::Refused(error) => Err(error),
            TxStatus::Unknown | TxStatus::Pending => panic!("it is neither executed nor refused"),
        }
    }

    /// As everybody does it.
    pub fn send(&mut self, from: &str, key: &SecretKey, to: &str, actions: Vec<Action>) -> Sent {
        let transaction = Transaction::V0(TransactionV0 {
            signer_id: id(from),
            public_key: key.public_key(),
            nonce: self.fresh_nonce(),
            receiver_id: id(to),
            block_hash: *self.chain.head().header.hash(),
            actions,
        });
        self.submit(signed_with(&id(from), key, transaction))
    }

    /// A transaction of version 1, with the number of one of a gas key's nonces for example.
    pub fn numbered(
        &self,
        key: &SecretKey,
        nonce: TransactionNonce,
        to: &str,
        actions: Vec<Action>,
    ) -> SignedTransaction {
        let transaction = Transaction::V1(TransactionV1 {
            signer_id: id("alice.test.near"),
            public_key: key.public_key(),
            nonce,
            receiver_id: id(to),
            block_hash: *self.chain.head().header.hash(),
            actions,
            nonce_mode: NonceMode::Monotonic,
        });
        signed_with(&id("alice.test.near"), key, transaction)
    }

    /// What alice wants somebody to relay, signed with a key of hers.
    pub fn delegated(&mut self, by: &SecretKey, to: &str, actions: Vec<Action>) -> Action {
        let delegate_action = DelegateAction {
            sender_id: id("alice.test.near"),
            receiver_id: id(to),
            actions: actions.into_iter().map(|action| action.try_into().unwrap()).collect(),
            nonce: self.fresh_nonce(),
            max_block_height: 1_000_000,
            public_key: by.public_key(),
        };
        let signature = by.sign(delegate_action.get_nep461_hash().as_bytes());
        Action::Delegate(Box::new(SignedDelegateAction { delegate_action, signature }))
    }

    /// Of alice's, by one of a gas key's nonces.
    pub fn by_gas_key(&mut self, key: &SecretKey, index: u16, to: &str, actions: Vec<Action>) -> Sent {
        let nonce = TransactionNonce::from_nonce_and_index(self.fresh_nonce(), index);
        let signed = self.numbered(key, nonce, to, actions);
        self.submit(signed)
    }

    /// Of alice's on herself.
    pub fn alice(&mut self, actions: Vec<Action>) -> Sent {
        self.send("alice.test.near", &key("alice"), "alice.test.near", actions)
    }

    fn row<T: BorshDeserialize>(&self, key: &TrieKey) -> Option<T> {
        Some(T::try_from_slice(self.chain.head().state.get(&key.to_vec())?.bytes()).unwrap())
    }

    pub fn account(&self, name: &str) -> Account {
        self.row(&TrieKey::Account { account_id: id(name) }).unwrap()
    }

    pub fn access_key(&self, name: &str, key: &PublicKey) -> Option<AccessKey> {
        self.row(&TrieKey::access_key(id(name), key))
    }

    pub fn nonce(&self, name: &str, key: &PublicKey, index: u16) -> Option<u64> {
        self.row(&TrieKey::gas_key_nonce(id(name), key, index))
    }

    /// What a gas key of alice's holds.
    pub fn held(&self, key: &SecretKey) -> Balance {
        let found = self.access_key("alice.test.near", &key.public_key()).unwrap();
        found.gas_key_info().unwrap().balance
    }

    /// Every token is somewhere, whatever happened.
    pub fn check_supply(&self) {
        assert_eq!(self.chain.supply().total(), self.supply);
    }
}
