//! Gas keys (`ProtocolFeature::GasKeys`, 85): keys that pay for the gas of what they sign, with many nonces.

use near_crypto::{KeyType, SecretKey};
use near_primitives::account::{AccessKey, AccessKeyPermission, GasKeyInfo};
use near_primitives::action::{Action, DeleteAccountAction, DeleteKeyAction, WithdrawFromGasKeyAction};
use near_primitives::errors::{
    ActionErrorKind, ActionsValidationError, DepositCostFailureReason, InvalidAccessKeyError, InvalidTxError,
};
use near_primitives::transaction::{SignedTransaction, TransactionNonce};
use near_primitives::types::Balance;
use serde_json::json;

use crate::actor::{add_key, call};
use crate::desk::{Desk, burnt, calls_key, calls_to, failure, fund, id, key, refusal, transfer, unsupported};

const ALICE: &str = "alice.test.near";
const BOB: &str = "bob.test.near";
/// Bytes of an ordinary ed25519 key with full access; of a gas key; of each of its nonces.
const KEY: u64 = 82;
const GAS_KEY: u64 = 100;
const NONCE: u64 = 83;

fn near(amount: u128) -> Balance {
    Balance::from_near(amount)
}

fn withdraw(key: &SecretKey, amount: Balance) -> Action {
    Action::WithdrawFromGasKey(Box::new(WithdrawFromGasKeyAction { public_key: key.public_key(), amount }))
}

fn delete(key: &SecretKey) -> Action {
    Action::DeleteKey(Box::new(DeleteKeyAction { public_key: key.public_key() }))
}

fn delete_account(beneficiary: &str) -> Action {
    Action::DeleteAccount(DeleteAccountAction { beneficiary_id: id(beneficiary) })
}

fn probe(script: serde_json::Value) -> Action {
    call("run", &json!({ "script": script }), Balance::ZERO)
}

/// A gas key of alice's with three nonces and this much on it.
fn desk(balance: Balance) -> (Desk, SecretKey) {
    let (mut desk, gas_key) = (Desk::new(88), key("gas"));
    desk.alice(vec![add_key(&gas_key, AccessKey::gas_key_full_access(3)), fund(&gas_key, balance)]).unwrap();
    (desk, gas_key)
}

fn invalid(error: ActionsValidationError) -> InvalidTxError {
    InvalidTxError::ActionsValidation(error)
}

fn no_nonce(tx_nonce_index: Option<u16>, num_nonces: u16) -> InvalidTxError {
    InvalidTxError::InvalidNonceIndex { tx_nonce_index, num_nonces }
}

#[test]
fn before_85_each_of_it_is_refused_by_name() {
    let (mut desk, gas_key) = (Desk::new(84), key("gas"));
    for action in
        [add_key(&gas_key, AccessKey::gas_key_full_access(1)), fund(&gas_key, near(1)), withdraw(&gas_key, near(1))]
    {
        assert_eq!(refusal(desk.alice(vec![action])), unsupported("GasKeys", 84));
    }
    let nonce = TransactionNonce::from_nonce(desk.fresh_nonce());
    let signed = desk.numbered(&key("alice"), nonce, BOB, vec![transfer(near(1))]);
    assert_eq!(refusal(desk.submit(signed)), InvalidTxError::InvalidTransactionVersion);
}

#[test]
fn what_a_new_gas_key_may_be() {
    let mut desk = Desk::new(88);
    let mut adding = |access_key: AccessKey| desk.alice(vec![add_key(&key("gas"), access_key)]);
    let full = AccessKey::gas_key_full_access;
    let calls = |nonces, allowance| AccessKey::gas_key_function_call(nonces, calls_to(BOB, &[], allowance));
    let limit = AccessKeyPermission::MAX_NONCES_FOR_GAS_KEY;
    for requested_nonces in [0, 1_025] {
        let wrong = ActionsValidationError::GasKeyInvalidNumNonces { requested_nonces, limit };
        assert_eq!(refusal(adding(full(requested_nonces))), invalid(wrong));
    }
    let rich = |nonces, mut access_key: AccessKey| {
        if let AccessKeyPermission::GasKeyFunctionCall(info, _) | AccessKeyPermission::GasKeyFullAccess(info) =
            &mut access_key.permission
        {
            *info = GasKeyInfo { balance: Balance::from_yoctonear(5), num_nonces: nonces };
        }
        access_key
    };
    let balance = Balance::from_yoctonear(5);
    let filled = ActionsValidationError::AddGasKeyWithNonZeroBalance { balance };
    assert_eq!(refusal(adding(rich(1, full(1)))), invalid(filled));
    let allowed = ActionsValidationError::GasKeyFunctionCallAllowanceNotAllowed;
    let none = Some(Balance::ZERO);
    // The first fault is the one that is told.
    assert_eq!(refusal(adding(calls(1, none))), invalid(allowed.clone()));
    assert_eq!(refusal(adding(rich(0, calls(0, none)))), invalid(allowed));
    let nobody = AccessKey::gas_key_function_call(0, calls_to("No Body", &[], None));
    let no_account = ActionsValidationError::InvalidAccountId { account_id: "No Body".to_owned() };
    assert_eq!(refusal(adding(nobody)), invalid(no_account));
    adding(full(limit)).unwrap();
}

/// Storage as nearcore counts it, nonces that begin where an ordinary key's would, and a way back for every byte.
#[test]
fn a_gas_key_comes_and_goes_to_the_byte() {
    let (mut desk, gas_key) = (Desk::new(88), key("gas"));
    let public = gas_key.public_key();
    let before = desk.account(ALICE).storage_usage();
    let height = desk.chain.head().header.height();
    desk.alice(vec![add_key(&gas_key, AccessKey::gas_key_full_access(3)), fund(&gas_key, near(1))]).unwrap();
    assert_eq!(desk.account(ALICE).storage_usage() - before, GAS_KEY + 3 * NONCE);
    let stored = desk.access_key(ALICE, &public).unwrap();
    assert_eq!((stored.nonce, desk.held(&gas_key)), (0, near(1)));
    let first = desk.nonce(ALICE, &public, 0).unwrap();
    assert!(first.is_multiple_of(1_000_000) && first >= height * 1_000_000 && first <= (height + 1) * 1_000_000);
    assert_eq!((desk.nonce(ALICE, &public, 2), desk.nonce(ALICE, &public, 3)), (Some(first), None));
    for access_key in [AccessKey::full_access(), AccessKey::gas_key_full_access(1)] {
        let again = failure(desk.alice(vec![add_key(&gas_key, access_key)]));
        assert!(matches!(again, ActionErrorKind::AddKeyAlreadyExists { .. }), "{again:?}");
    }
    // One NEAR is burnt with it, and no yocto more.
    let (account_id, public_key) = (id(ALICE), Some(Box::new(public.clone())));
    desk.alice(vec![fund(&gas_key, Balance::from_yoctonear(1))]).unwrap();
    let balance = near(1).saturating_add(Balance::from_yoctonear(1));
    let too_high = ActionErrorKind::GasKeyBalanceTooHigh { account_id, public_key, balance };
    assert_eq!(failure(desk.alice(vec![delete(&gas_key)])), too_high);
    desk.alice(vec![withdraw(&gas_key, Balance::from_yoctonear(1))]).unwrap();
    let rolled_back = failure(desk.alice(vec![delete(&gas_key), call("no_such_method", &json!({}), Balance::ZERO)]));
    assert!(matches!(rolled_back, ActionErrorKind::FunctionCallError(_)), "{rolled_back:?}");
    assert_eq!(desk.held(&gas_key), near(1));
    let gas = burnt(&desk.alice(vec![delete(&key("unknown"))]).unwrap());
    let all = burnt(&desk.alice(vec![delete(&gas_key)]).unwrap());
    assert!(all > near(1) && all < near(1).saturating_add(gas.saturating_add(gas)), "{all} and {gas}");
    assert_eq!(desk.account(ALICE).storage_usage(), before);
    assert_eq!((desk.access_key(ALICE, &public), desk.nonce(ALICE, &public, 0)), (None, None));
    desk.check_supply();
}

#[test]
fn a_gas_key_signs_with_one_of_its_nonces_and_with_nothing_else() {
    let (mut desk, gas_key) = desk(near(1));
    let give = || vec![transfer(near(1))];
    assert_eq!(refusal(desk.send(ALICE, &gas_key, BOB, give())), no_nonce(None, 3));
    let plain = TransactionNonce::from_nonce(desk.fresh_nonce());
    let signed = desk.numbered(&gas_key, plain, BOB, give());
    assert_eq!(refusal(desk.submit(signed)), no_nonce(None, 3));
    assert_eq!(refusal(desk.by_gas_key(&gas_key, 3, BOB, give())), no_nonce(Some(3), 3));
    assert_eq!(refusal(desk.by_gas_key(&key("alice"), 0, BOB, give())), no_nonce(Some(0), 0));
    let stranger = refusal(desk.by_gas_key(&key("stranger"), 0, BOB, give()));
    let InvalidTxError::InvalidAccessKeyError(InvalidAccessKeyError::AccessKeyNotFound { .. }) = stranger else {
        panic!("{stranger:?}")
    };
    let row = desk.nonce(ALICE, &gas_key.public_key(), 1).unwrap();
    let used = desk.numbered(&gas_key, TransactionNonce::from_nonce_and_index(row, 1), BOB, give());
    assert_eq!(refusal(desk.submit(used)), InvalidTxError::InvalidNonce { tx_nonce: row, ak_nonce: row });
    // An ordinary key may sign transactions of version 1, too.
    let plain = TransactionNonce::from_nonce(desk.fresh_nonce());
    let signed = desk.numbered(&key("alice"), plain, BOB, give());
    desk.submit(signed).unwrap();
}

/// The purpose of many nonces: none waits for another, and one block takes them all.
#[test]
fn each_nonce_counts_by_itself() {
    let (mut desk, gas_key) = desk(near(1));
    let nonce = desk.fresh_nonce();
    let of = |desk: &Desk, nonce, index| {
        desk.numbered(&gas_key, TransactionNonce::from_nonce_and_index(nonce, index), BOB, vec![transfer(near(1))])
    };
    let signed = [of(&desk, nonce, 0), of(&desk, nonce, 1), of(&desk, nonce + 5, 0), of(&desk, nonce, 2)];
    for signed in &signed {
        desk.chain.submit(signed.clone()).unwrap();
    }
    desk.chain.produce().unwrap();
    let mut taken: Vec<_> = desk.chain.head().transactions.iter().map(|signed| signed.get_hash()).collect();
    let mut sent: Vec<_> = signed.iter().map(SignedTransaction::get_hash).collect();
    taken.sort();
    sent.sort();
    assert_eq!(taken, sent);
    let public = gas_key.public_key();
    let rows = [0, 1, 2].map(|index| desk.nonce(ALICE, &public, index).unwrap());
    assert_eq!(rows, [nonce + 5, nonce, nonce]);
    assert_eq!(desk.access_key(ALICE, &public).unwrap().nonce, 0);
}

#[test]
fn the_key_pays_for_gas_and_the_account_for_deposits() {
    let (mut desk, gas_key) = desk(Balance::ZERO);
    let InvalidTxError::NotEnoughGasKeyBalance { balance, cost, .. } =
        refusal(desk.by_gas_key(&gas_key, 0, BOB, vec![transfer(near(1))]))
    else {
        panic!("an empty key paid")
    };
    assert_eq!(balance, Balance::ZERO);
    let short = cost.checked_sub(Balance::from_yoctonear(1)).unwrap();
    desk.alice(vec![fund(&gas_key, short)]).unwrap();
    let refused = refusal(desk.by_gas_key(&gas_key, 0, BOB, vec![transfer(near(1))]));
    assert_eq!(refused, InvalidTxError::NotEnoughGasKeyBalance { signer_id: id(ALICE), balance: short, cost });
    desk.alice(vec![fund(&gas_key, Balance::from_yoctonear(1))]).unwrap();
    let before = desk.account(ALICE).amount();
    let outcome = desk.by_gas_key(&gas_key, 0, BOB, vec![transfer(near(1))]).unwrap();
    assert_eq!(before.checked_sub(desk.account(ALICE).amount()), Some(near(1)), "the deposit alone");
    assert_eq!(cost.checked_sub(desk.held(&gas_key)), Some(burnt(&outcome)), "unspent gas is the key's again");

    // A call that fails: the deposit is the account's again, and the gas is the key's.
    desk.alice(vec![fund(&gas_key, near(1))]).unwrap();
    let (account, held) = (desk.account(ALICE).amount(), desk.held(&gas_key));
    let sent = desk.by_gas_key(&gas_key, 0, BOB, vec![call("run", &json!({}), near(2))]).unwrap();
    assert_eq!(desk.account(ALICE).amount(), account);
    assert_eq!(held.checked_sub(desk.held(&gas_key)), Some(burnt(&sent)));

    let all = desk.account(ALICE).amount();
    let more = all.saturating_add(Balance::from_yoctonear(1));
    let poor = |balance, cost, reason| InvalidTxError::NotEnoughBalanceForDeposit {
        signer_id: id(ALICE),
        balance,
        cost,
        reason,
    };
    let refused = refusal(desk.by_gas_key(&gas_key, 0, BOB, vec![transfer(more)]));
    assert_eq!(refused, poor(all, more, DepositCostFailureReason::NotEnoughBalance));
    let InvalidTxError::NotEnoughBalanceForDeposit { balance, reason, .. } =
        refusal(desk.by_gas_key(&gas_key, 0, BOB, vec![transfer(all)]))
    else {
        panic!("its storage is not paid for any more")
    };
    assert_eq!((balance, reason), (Balance::ZERO, DepositCostFailureReason::LackBalanceForState));
    desk.check_supply();
}

/// An account with nothing on it works by its gas key alone.
#[test]
fn an_account_without_balance_acts_by_its_gas_key() {
    let mut desk = Desk::new(88);
    let (name, own, gas_key) = ("poor.test.near", key("poor"), key("gas"));
    let make = |nonces| {
        vec![
            Action::CreateAccount(near_primitives::action::CreateAccountAction {}),
            add_key(&own, AccessKey::full_access()),
            add_key(&gas_key, AccessKey::gas_key_full_access(nonces)),
            fund(&gas_key, near(1)),
        ]
    };
    let lacks = failure(desk.send("test.near", &key("root"), name, make(6)));
    assert!(matches!(lacks, ActionErrorKind::LackBalanceForState { .. }), "{lacks:?}");
    desk.send("test.near", &key("root"), name, make(5)).unwrap();
    assert_eq!(desk.account(name).storage_usage(), 100 + KEY + GAS_KEY + 5 * NONCE);
    let nonce = TransactionNonce::from_nonce_and_index(desk.fresh_nonce(), 4);
    let mut signed = desk.numbered(&gas_key, nonce, ALICE, vec![probe(json!([{ "log": "hi" }]))]);
    if let near_primitives::transaction::Transaction::V1(tx) = &mut signed.transaction {
        tx.signer_id = id(name);
    }
    let sent = desk.submit(crate::desk::signed_with(&id(name), &gas_key, signed.transaction)).unwrap();
    assert_eq!(sent.receipts_outcome[0].outcome.logs, ["hi"]);
    assert_eq!(desk.account(name).amount(), Balance::ZERO);
    desk.check_supply();
}

#[test]
fn a_gas_key_for_calls_makes_those_calls_alone() {
    let (mut desk, gas_key) = (Desk::new(88), key("gas"));
    let access_key = AccessKey::gas_key_function_call(1, calls_to(ALICE, &["run"], None));
    desk.alice(vec![add_key(&gas_key, access_key)]).unwrap();
    let paid = || vec![call("run", &json!({ "script": [] }), near(1_000))];
    let refused = refusal(desk.by_gas_key(&gas_key, 0, ALICE, paid()));
    assert!(matches!(refused, InvalidTxError::NotEnoughGasKeyBalance { .. }), "its balance comes first: {refused:?}");
    desk.send(BOB, &key("bob"), ALICE, vec![fund(&gas_key, near(1))]).unwrap();
    let mut told = |to: &str, actions| match refusal(desk.by_gas_key(&gas_key, 0, to, actions)) {
        InvalidTxError::InvalidAccessKeyError(error) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(ALICE, vec![transfer(near(1))]), InvalidAccessKeyError::RequiresFullAccess);
    // More than the account has, and yet.
    assert_eq!(told(ALICE, paid()), InvalidAccessKeyError::DepositWithFunctionCall);
    assert!(matches!(told(BOB, vec![probe(json!([]))]), InvalidAccessKeyError::ReceiverMismatch { .. }));
    let peek = call("peek", &json!({ "key": "k" }), Balance::ZERO);
    assert!(matches!(told(ALICE, vec![peek]), InvalidAccessKeyError::MethodNameMismatch { .. }));
    desk.by_gas_key(&gas_key, 0, ALICE, vec![probe(json!([]))]).unwrap();
    desk.check_supply();
}

#[test]
fn anybody_funds_a_gas_key_and_its_owner_alone_takes_out() {
    let (mut desk, gas_key) = desk(near(1));
    desk.send(BOB, &key("bob"), ALICE, vec![fund(&gas_key, near(2))]).unwrap();
    assert_eq!(desk.held(&gas_key), near(3));
    let bob = failure(desk.send(BOB, &key("bob"), ALICE, vec![withdraw(&gas_key, near(1))]));
    assert_eq!(bob, ActionErrorKind::ActorNoPermission { account_id: id(ALICE), actor_id: id(BOB) });
    for other in [key("alice"), key("nobody")] {
        let public_key = Box::new(other.public_key());
        let none = ActionErrorKind::GasKeyDoesNotExist { account_id: id(ALICE), public_key };
        let before = desk.account(BOB).amount();
        let sent = desk.send(BOB, &key("bob"), ALICE, vec![fund(&other, near(5))]);
        let cost = burnt(sent.as_ref().unwrap());
        assert_eq!(failure(sent), none);
        assert_eq!(before.checked_sub(desk.account(BOB).amount()), Some(cost), "the deposit comes back");
        assert_eq!(failure(desk.alice(vec![withdraw(&other, near(1))])), none);
    }
    let gone = failure(desk.send(BOB, &key("bob"), "nobody.test.near", vec![fund(&gas_key, near(1))]));
    assert_eq!(gone, ActionErrorKind::AccountDoesNotExist { account_id: id("nobody.test.near") });
    let more = near(3).saturating_add(Balance::from_yoctonear(1));
    let public_key = Box::new(gas_key.public_key());
    let (account_id, balance, required) = (id(ALICE), near(3), more);
    let short = ActionErrorKind::InsufficientGasKeyBalance { account_id, public_key, balance, required };
    assert_eq!(failure(desk.alice(vec![withdraw(&gas_key, more)])), short);
    let before = desk.account(ALICE).amount();
    let cost = burnt(&desk.alice(vec![withdraw(&gas_key, near(3))]).unwrap());
    assert_eq!(desk.account(ALICE).amount(), before.saturating_add(near(3)).checked_sub(cost).unwrap());
    assert_eq!(desk.held(&gas_key), Balance::ZERO);
    desk.check_supply();
}

/// A refund finds the account where its key is gone.
#[test]
fn a_key_that_ends_itself_leaves_its_refund_to_the_account() {
    let (mut desk, gas_key) = desk(Balance::from_millinear(500));
    let (before, held) = (desk.account(ALICE).amount(), desk.held(&gas_key));
    let sent = desk.by_gas_key(&gas_key, 0, ALICE, vec![delete(&gas_key)]).unwrap();
    let refunded = desk.account(ALICE).amount().checked_sub(before).unwrap();
    assert!(refunded > Balance::ZERO);
    assert_eq!(held, burnt(&sent).saturating_add(refunded));
    desk.check_supply();
}

/// Leave the nonces out of `remove_account`, and they are there when the account comes again.
#[test]
fn an_account_goes_with_its_gas_keys() {
    let mut desk = Desk::new(88);
    let (name, own, gas_keys) = ("short.test.near", key("short"), [key("one"), key("two")]);
    let make = |nonces, amounts: [u128; 2]| {
        let mut actions = vec![
            Action::CreateAccount(near_primitives::action::CreateAccountAction {}),
            transfer(near(5)),
            add_key(&own, AccessKey::full_access()),
        ];
        for (gas_key, amount) in gas_keys.iter().zip(amounts) {
            actions.push(add_key(gas_key, AccessKey::gas_key_full_access(nonces)));
            actions.push(fund(gas_key, Balance::from_millinear(amount)));
        }
        actions
    };
    desk.send("test.near", &key("root"), name, make(300, [0, 0])).unwrap();
    let large = failure(desk.send(name, &own, name, vec![delete_account(BOB)]));
    assert_eq!(large, ActionErrorKind::DeleteAccountWithLargeState { account_id: id(name) });
    desk.send(name, &own, name, gas_keys.iter().map(delete).collect()).unwrap();
    let again = |nonces| {
        let with = |gas_key| add_key(gas_key, AccessKey::gas_key_full_access(nonces));
        gas_keys.iter().map(with).collect::<Vec<_>>()
    };
    desk.send(name, &own, name, again(50)).unwrap();
    let funds = |amounts: [u128; 2]| {
        let of = |(gas_key, amount)| fund(gas_key, Balance::from_millinear(amount));
        gas_keys.iter().zip(amounts).map(of).collect::<Vec<_>>()
    };
    desk.send(name, &own, name, funds([600, 500])).unwrap();
    let balance = Balance::from_millinear(1_100);
    let too_high = ActionErrorKind::GasKeyBalanceTooHigh { account_id: id(name), public_key: None, balance };
    assert_eq!(failure(desk.send(name, &own, name, vec![delete_account(BOB)])), too_high);
    desk.send(name, &own, name, vec![withdraw(&gas_keys[0], Balance::from_millinear(100))]).unwrap();
    let gone = desk.send(name, &own, name, vec![delete_account(BOB)]).unwrap();
    assert!(burnt(&gone) > near(1));
    assert_eq!(desk.nonce(name, &gas_keys[0].public_key(), 40), None);
    desk.send("test.near", &key("root"), name, make(1, [0, 0])).unwrap();
    let left = desk.chain.head().state.clone();
    let rows = (0..50).filter(|index| {
        let row = near_primitives::trie_key::TrieKey::gas_key_nonce(id(name), gas_keys[0].public_key(), *index);
        left.get(&row.to_vec()).is_some()
    });
    assert_eq!(rows.count(), 1);
    desk.check_supply();
}

/// An ordinary key's allowance gets back what a gas key's balance would.
#[test]
fn an_allowance_gets_its_refund_too() {
    let (mut desk, calls) = (Desk::new(88), key("calls"));
    desk.alice(vec![add_key(&calls, calls_key(calls_to(ALICE, &[], Some(near(1)))))]).unwrap();
    let sent = desk.send(ALICE, &calls, ALICE, vec![probe(json!([]))]).unwrap();
    let AccessKeyPermission::FunctionCall(left) = desk.access_key(ALICE, &calls.public_key()).unwrap().permission
    else {
        panic!("it is another key")
    };
    assert_eq!(near(1).checked_sub(left.allowance.unwrap()), Some(burnt(&sent)));
}

/// Bytes are counted by the key's name in the state, which is a hash where the key is long.
#[test]
fn keys_of_every_kind_can_be_gas_keys() {
    for kind in [KeyType::ED25519, KeyType::SECP256K1, KeyType::MLDSA65] {
        let (mut desk, gas_key) = (Desk::new(88), crate::desk::secret(kind, "gas"));
        desk.alice(vec![add_key(&gas_key, AccessKey::gas_key_full_access(2)), fund(&gas_key, near(1))]).unwrap();
        let before = desk.account(ALICE).storage_usage();
        let sent = desk.by_gas_key(&gas_key, 1, BOB, vec![transfer(near(1))]).unwrap();
        assert_eq!(near(1).checked_sub(desk.held(&gas_key)), Some(burnt(&sent)), "{kind:?}");
        desk.alice(vec![delete(&gas_key)]).unwrap();
        let id_bytes = u64::try_from(gas_key.public_key().trie_id_len()).unwrap();
        assert_eq!(before - desk.account(ALICE).storage_usage(), id_bytes + 67 + 2 * (id_bytes + 50), "{kind:?}");
        desk.check_supply();
    }
}
