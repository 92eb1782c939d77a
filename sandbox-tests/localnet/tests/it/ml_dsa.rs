//! ML-DSA-65 keys (`ProtocolFeature::PostQuantumSignatures`, 85): signatures that a quantum computer can't forge, at 100 Ggas
//! each. State knows them by their hash.

use near_crypto::{KeyType, SecretKey};
use near_primitives::account::{AccessKey, AccessKeyPermission};
use near_primitives::action::{Action, DeleteKeyAction, StakeAction};
use near_primitives::errors::{ActionErrorKind, ActionsValidationError, InvalidAccessKeyError, InvalidTxError};
use near_primitives::transaction::{SignedTransaction, Transaction, TransactionV0};
use near_primitives::types::{Balance, Gas};
use near_primitives::views::FinalExecutionOutcomeView;
use serde_json::json;

use crate::actor::{add_key, call};
use crate::desk::{Desk, burnt, calls_key, calls_to, failure, id, key, refusal, secret, transfer, unsupported};

const ALICE: &str = "alice.test.near";
const BOB: &str = "bob.test.near";
const CHECK: Gas = Gas::from_gigagas(100);

fn ml_dsa(seed: &str) -> SecretKey {
    secret(KeyType::MLDSA65, seed)
}

/// Gas that the transaction burnt before any receipt, above what another one burnt.
fn more(one: &FinalExecutionOutcomeView, other: &FinalExecutionOutcomeView) -> Gas {
    let of = |outcome: &FinalExecutionOutcomeView| outcome.transaction_outcome.outcome.gas_burnt;
    of(one).checked_sub(of(other)).unwrap()
}

#[test]
fn before_85_they_are_refused_wherever_they_stand() {
    let (mut desk, quantum) = (Desk::new(84), ml_dsa("q"));
    let version = InvalidTxError::InvalidTransactionVersion;
    assert_eq!(refusal(desk.send(ALICE, &quantum, BOB, vec![transfer(Balance::from_near(1))])), version);
    let adding = vec![add_key(&quantum, AccessKey::full_access())];
    assert_eq!(refusal(desk.alice(adding)), unsupported("PostQuantumSignatures", 84));
    let inner = desk.delegated(&quantum, BOB, vec![transfer(Balance::from_near(1))]);
    let sent = desk.send(BOB, &key("bob"), ALICE, vec![inner]);
    assert_eq!(refusal(sent), unsupported("PostQuantumSignatures", 84));
}

#[test]
fn a_key_is_added_used_and_deleted() {
    let (mut desk, quantum) = (Desk::new(88), ml_dsa("q"));
    let before = desk.account(ALICE).storage_usage();
    let one = || vec![transfer(Balance::from_near(1))];
    let unknown = refusal(desk.send(ALICE, &quantum, BOB, one()));
    let public_key = Box::new(quantum.public_key());
    let missing = InvalidAccessKeyError::AccessKeyNotFound { account_id: id(ALICE), public_key: public_key.clone() };
    assert_eq!(unknown, InvalidTxError::InvalidAccessKeyError(missing));
    desk.alice(vec![add_key(&quantum, AccessKey::full_access())]).unwrap();
    assert_eq!(desk.account(ALICE).storage_usage(), before + 82, "a hash of 32 bytes");
    let again = failure(desk.alice(vec![add_key(&quantum, AccessKey::full_access())]));
    assert_eq!(again, ActionErrorKind::AddKeyAlreadyExists { account_id: id(ALICE), public_key });

    let by_old = desk.send(ALICE, &key("alice"), BOB, one()).unwrap();
    let by_new = desk.send(ALICE, &quantum, BOB, one()).unwrap();
    assert_eq!(more(&by_new, &by_old), CHECK);
    let receipts = |outcome: &FinalExecutionOutcomeView| outcome.receipts_outcome[0].outcome.gas_burnt;
    assert_eq!(receipts(&by_new), receipts(&by_old), "receipts carry no signature");

    let signed = desk.numbered(
        &quantum,
        near_primitives::transaction::TransactionNonce::from_nonce(desk.chain.head().header.height() * 1_000_000 + 99),
        BOB,
        one(),
    );
    let mut bytes = borsh::to_vec(&signed).unwrap();
    let last = bytes.len() - 1_000;
    bytes[last] ^= 1;
    let forged: SignedTransaction = borsh::from_slice(&bytes).unwrap();
    let balance = desk.account(ALICE).amount();
    assert_eq!(refusal(desk.submit(forged)), InvalidTxError::InvalidSignature);
    assert_eq!(desk.account(ALICE).amount(), balance);
    // Another kind's signature under an ordinary key.
    let transaction = Transaction::V0(TransactionV0 {
        signer_id: id(ALICE),
        public_key: key("alice").public_key(),
        nonce: desk.fresh_nonce(),
        receiver_id: id(BOB),
        block_hash: *desk.chain.head().header.hash(),
        actions: one(),
    });
    let signature = quantum.sign(transaction.get_hash_and_size().0.as_ref());
    assert_eq!(refusal(desk.submit(SignedTransaction::new(signature, transaction))), InvalidTxError::InvalidSignature);

    let delete = DeleteKeyAction { public_key: quantum.public_key() };
    desk.alice(vec![Action::DeleteKey(Box::new(delete))]).unwrap();
    assert_eq!(desk.account(ALICE).storage_usage(), before);
    desk.check_supply();
}

/// The allowance pays for the check of the signature, and gets back what was not used.
#[test]
fn an_allowance_pays_for_the_signature_too() {
    let (mut desk, quantum) = (Desk::new(88), ml_dsa("q"));
    let near = Balance::from_near(1);
    desk.alice(vec![add_key(&quantum, calls_key(calls_to(ALICE, &[], Some(near))))]).unwrap();
    let run = call("run", &json!({ "script": [] }), Balance::ZERO);
    let sent = desk.send(ALICE, &quantum, ALICE, vec![run]).unwrap();
    let found = desk.access_key(ALICE, &quantum.public_key()).unwrap();
    let AccessKeyPermission::FunctionCall(left) = found.permission else { panic!("it is another key") };
    assert_eq!(near.checked_sub(left.allowance.unwrap()), Some(burnt(&sent)));
}

#[test]
fn a_relayer_pays_for_the_inner_signature_good_or_bad() {
    let (mut desk, quantum) = (Desk::new(88), ml_dsa("q"));
    let alike = || vec![transfer(Balance::from_near(1))];
    desk.alice(vec![add_key(&quantum, AccessKey::full_access())]).unwrap();
    desk.send(BOB, &key("bob"), BOB, vec![add_key(&ml_dsa("relayer"), AccessKey::full_access())]).unwrap();
    let inner = desk.delegated(&key("alice"), BOB, alike());
    let old = desk.send(BOB, &key("bob"), ALICE, vec![inner]).unwrap();
    let inner = desk.delegated(&quantum, BOB, alike());
    let new = desk.send(BOB, &key("bob"), ALICE, vec![inner]).unwrap();
    assert_eq!(more(&new, &old), CHECK);
    let inner = desk.delegated(&quantum, BOB, alike());
    let both = desk.send(BOB, &ml_dsa("relayer"), ALICE, vec![inner]).unwrap();
    assert_eq!(more(&both, &old), CHECK.checked_add(CHECK).unwrap());
    let Action::Delegate(mut inner) = desk.delegated(&quantum, BOB, alike()) else { unreachable!() };
    inner.signature = quantum.sign(b"something else");
    let bogus = desk.send(BOB, &key("bob"), ALICE, vec![Action::Delegate(inner)]);
    assert_eq!(more(bogus.as_ref().unwrap(), &old), CHECK);
    assert_eq!(failure(bogus), ActionErrorKind::DelegateActionInvalidSignature);
    desk.check_supply();
}

#[test]
fn nobody_stakes_with_one() {
    let mut desk = Desk::new(88);
    for other in [ml_dsa("q"), secret(KeyType::SECP256K1, "q")] {
        let public_key = other.public_key();
        let stake = Action::Stake(Box::new(StakeAction { stake: Balance::ZERO, public_key: public_key.clone() }));
        let wrong = ActionsValidationError::UnsuitableStakingKey { public_key: Box::new(public_key) };
        assert_eq!(refusal(desk.alice(vec![stake])), InvalidTxError::ActionsValidation(wrong));
    }
}
