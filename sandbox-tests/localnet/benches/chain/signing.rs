//! Transactions signed and put straight into a chain of this process.

use std::cell::Cell;

use charter_localnet::chain::Chain;
use near_crypto::{InMemorySigner, SecretKey, Signer};
use near_primitives::account::AccessKey;
use near_primitives::action::{Action, AddKeyAction, CreateAccountAction, DeployContractAction, TransferAction};
use near_primitives::transaction::{SignedTransaction, Transaction, TransactionV0};
use near_primitives::types::{AccountId, Balance};

/// An account that counts its own nonces.
pub struct Sender {
    id: AccountId,
    key: SecretKey,
    nonce: Cell<u64>,
}

impl Sender {
    /// `key` must be of the genesis: keys made later start at a higher nonce.
    pub fn new(id: AccountId, key: SecretKey) -> Self {
        Self { id, key, nonce: Cell::new(0) }
    }

    pub fn send(&self, chain: &mut Chain, to: &AccountId, actions: Vec<Action>) {
        self.nonce.set(self.nonce.get() + 1);
        let transaction = Transaction::V0(TransactionV0 {
            signer_id: self.id.clone(),
            public_key: self.key.public_key(),
            nonce: self.nonce.get(),
            receiver_id: to.clone(),
            block_hash: *chain.head().header.hash(),
            actions,
        });
        let signer: Signer = InMemorySigner::from_secret_key(self.id.clone(), self.key.clone());
        let signature = signer.sign(transaction.get_hash_and_size().0.as_ref());
        chain.submit(SignedTransaction::new(signature, transaction)).expect("the pool takes it");
    }

    pub fn create_with_code(&self, chain: &mut Chain, id: &AccountId, code: &[u8]) {
        let access_key = AccessKey::full_access();
        let actions = vec![
            Action::CreateAccount(CreateAccountAction {}),
            Action::Transfer(TransferAction { deposit: Balance::from_near(1_000) }),
            Action::AddKey(Box::new(AddKeyAction { public_key: self.key.public_key(), access_key })),
            Action::DeployContract(DeployContractAction { code: code.to_vec() }),
        ];
        self.send(chain, id, actions);
    }
}
