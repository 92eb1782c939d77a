//! Strict nonces (`ProtocolFeature::StrictNonce`, 85): one after the other without a gap; what comes early waits.

use charter_localnet::Genesis;
use charter_localnet::chain::{Chain, ChainOptions, SubmitError, TxStatus};
use near_crypto::{InMemorySigner, Signer};
use near_primitives::action::{Action, TransferAction};
use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::{NonceMode, SignedTransaction, Transaction, TransactionNonce, TransactionV1};
use near_primitives::types::Balance;

fn chain(version: u32) -> Chain {
    let mut genesis = Genesis::default();
    genesis.config.protocol_version = version;
    Chain::new(genesis, ChainOptions::default()).unwrap()
}

fn signed(chain: &Chain, nonce: TransactionNonce) -> SignedTransaction {
    let genesis = &chain.genesis;
    let signer: Signer = InMemorySigner::from_secret_key(genesis.root_id().clone(), genesis.root_key.clone());
    let transaction = Transaction::V1(TransactionV1 {
        signer_id: genesis.root_id().clone(),
        public_key: genesis.root_key.public_key(),
        nonce,
        receiver_id: "registrar".parse().unwrap(),
        block_hash: *chain.head().header.hash(),
        actions: vec![Action::Transfer(TransferAction { deposit: Balance::from_yoctonear(1) })],
        nonce_mode: NonceMode::Strict,
    });
    let signature = signer.sign(transaction.get_hash_and_size().0.as_ref());
    SignedTransaction::new(signature, transaction)
}

fn strict(chain: &mut Chain, nonce: u64) -> Result<CryptoHash, InvalidTxError> {
    let signed = signed(chain, TransactionNonce::from_nonce(nonce));
    let hash = signed.get_hash();
    chain.submit(signed).map(|()| hash).map_err(|SubmitError::Invalid(error)| error)
}

fn settle(chain: &mut Chain) {
    while chain.has_work() {
        chain.produce().unwrap();
    }
}

fn executed(chain: &Chain, hash: &CryptoHash) -> bool {
    matches!(chain.tx_status(hash), TxStatus::Executed { .. })
}

#[test]
fn a_gap_waits_until_it_is_filled() {
    let mut chain = chain(88);
    let (third, second) = (strict(&mut chain, 3).unwrap(), strict(&mut chain, 2).unwrap());
    settle(&mut chain);
    assert!(!executed(&chain, &third) && !executed(&chain, &second));
    let first = strict(&mut chain, 1).unwrap();
    settle(&mut chain);
    for hash in [first, second, third] {
        assert!(executed(&chain, &hash));
    }
    let early = strict(&mut chain, 5).unwrap();
    for _ in 0..70 {
        chain.produce().unwrap();
    }
    let TxStatus::Refused(error) = chain.tx_status(&early) else { panic!("it waits for ever") };
    assert_eq!(error, InvalidTxError::InvalidNonce { tx_nonce: 5, ak_nonce: 3 });
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let mut old = chain(84);
    assert_eq!(strict(&mut old, 1), Err(InvalidTxError::InvalidTransactionVersion));
    let mut new = chain(88);
    let for_gas_key = signed(&new, TransactionNonce::from_nonce_and_index(1, 0));
    let Err(SubmitError::Invalid(error)) = new.submit(for_gas_key) else { panic!("no key here is a gas key") };
    assert_eq!(error, InvalidTxError::InvalidNonceIndex { tx_nonce_index: Some(0), num_nonces: 0 });
}
