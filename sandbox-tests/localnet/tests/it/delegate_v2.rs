//! Meta transactions of version 2 (`ProtocolFeature::DelegateV2`, 85; removed in 87): they may use a gas key's nonces, which
//! costs that key nothing.

use near_crypto::SecretKey;
use near_primitives::account::AccessKey;
use near_primitives::action::delegate::{
    DelegateActionV2, VersionedDelegateActionPayload, VersionedSignedDelegateAction,
};
use near_primitives::action::{Action, WithdrawFromGasKeyAction};
use near_primitives::errors::{ActionErrorKind, ActionsValidationError, InvalidAccessKeyError, InvalidTxError};
use near_primitives::transaction::TransactionNonce;
use near_primitives::types::Balance;
use serde_json::json;

use crate::actor::{add_key, call};
use crate::desk::{Desk, Sent, burnt, calls_to, failure, fund, id, key, refusal, transfer, unsupported};

const ALICE: &str = "alice.test.near";
const BOB: &str = "bob.test.near";

fn payload(nonce: TransactionNonce, by: &SecretKey, to: &str, actions: Vec<Action>) -> DelegateActionV2 {
    DelegateActionV2 {
        sender_id: id(ALICE),
        receiver_id: id(to),
        actions: actions.into_iter().map(|action| action.try_into().unwrap()).collect(),
        nonce,
        max_block_height: 1_000_000,
        public_key: by.public_key(),
    }
}

fn signed(payload: DelegateActionV2, by: &SecretKey) -> Action {
    let delegate_action = VersionedDelegateActionPayload::V2(payload);
    let signature = by.sign(delegate_action.get_nep461_hash().as_bytes());
    Action::DelegateV2(Box::new(VersionedSignedDelegateAction { delegate_action, signature }))
}

/// What alice wants to have sent, signed with a key of hers.
pub fn wanted(nonce: TransactionNonce, by: &SecretKey, to: &str, actions: Vec<Action>) -> Action {
    signed(payload(nonce, by, to, actions), by)
}

/// Bob relays it.
fn relayed(desk: &mut Desk, actions: Vec<Action>) -> Sent {
    desk.send(BOB, &key("bob"), ALICE, actions)
}

fn give() -> Vec<Action> {
    vec![transfer(Balance::from_near(1))]
}

fn key_error(error: InvalidAccessKeyError) -> ActionErrorKind {
    ActionErrorKind::DelegateActionAccessKeyError(error)
}

/// At 85, with a gas key of alice's that holds nothing.
fn desk() -> (Desk, SecretKey) {
    let (mut desk, gas_key) = (Desk::new(85), key("gas"));
    desk.alice(vec![add_key(&gas_key, AccessKey::gas_key_full_access(2))]).unwrap();
    (desk, gas_key)
}

#[test]
fn it_is_there_at_85_and_86_and_refused_by_name_before_and_after() {
    for version in 84..=88 {
        let mut desk = Desk::new(version);
        let nonce = TransactionNonce::from_nonce(desk.fresh_nonce());
        let sent = relayed(&mut desk, vec![wanted(nonce, &key("alice"), BOB, give())]);
        let protocol_feature = "DelegateV2".to_owned();
        match version {
            84 => assert_eq!(refusal(sent), unsupported("DelegateV2", 84)),
            85 | 86 => assert_eq!(desk.access_key(ALICE, &key("alice").public_key()).unwrap().nonce, nonce.nonce()),
            _ => {
                let removed = ActionsValidationError::RemovedProtocolFeature { protocol_feature, version };
                assert_eq!(refusal(sent), InvalidTxError::ActionsValidation(removed));
            }
        }
    }
}

#[test]
fn a_gas_key_lends_a_nonce_and_pays_nothing() {
    let (mut desk, gas_key) = desk();
    let nonce = TransactionNonce::from_nonce_and_index(desk.fresh_nonce(), 1);
    let meta = || wanted(nonce, &gas_key, BOB, give());
    relayed(&mut desk, vec![meta()]).unwrap();
    assert_eq!(desk.held(&gas_key), Balance::ZERO);
    assert_eq!(desk.nonce(ALICE, &gas_key.public_key(), 1), Some(nonce.nonce()));
    let (delegate_nonce, ak_nonce) = (nonce.nonce(), nonce.nonce());
    let again = failure(relayed(&mut desk, vec![meta()]));
    assert_eq!(again, ActionErrorKind::DelegateActionInvalidNonce { delegate_nonce, ak_nonce });
    let beyond = TransactionNonce::from_nonce_and_index(desk.fresh_nonce(), 2);
    let none = failure(relayed(&mut desk, vec![wanted(beyond, &gas_key, BOB, give())]));
    assert_eq!(none, ActionErrorKind::DelegateActionInvalidNonceIndex { nonce_index: 2, num_nonces: 2 });
    // What fails behind it takes the nonce back.
    let (fresh, row) = (desk.fresh_nonce(), desk.nonce(ALICE, &gas_key.public_key(), 0));
    let nonce = TransactionNonce::from_nonce_and_index(fresh, 0);
    let fails = call("no_such_method", &json!({}), Balance::ZERO);
    failure(relayed(&mut desk, vec![wanted(nonce, &gas_key, BOB, give()), fails]));
    assert_eq!(desk.nonce(ALICE, &gas_key.public_key(), 0), row);
    desk.check_supply();
}

#[test]
fn nonce_and_key_are_of_one_kind() {
    let (mut desk, gas_key) = desk();
    let plain = TransactionNonce::from_nonce(desk.fresh_nonce());
    let with_number = TransactionNonce::from_nonce_and_index(desk.fresh_nonce(), 0);
    let sent = relayed(&mut desk, vec![wanted(plain, &gas_key, BOB, give())]);
    assert_eq!(failure(sent), key_error(InvalidAccessKeyError::DelegateActionRequiresNonGasKey));
    let sent = relayed(&mut desk, vec![wanted(with_number, &key("alice"), BOB, give())]);
    assert_eq!(failure(sent), key_error(InvalidAccessKeyError::DelegateActionRequiresGasKey));
    let version_1 = desk.delegated(&gas_key, ALICE, give());
    assert_eq!(
        failure(relayed(&mut desk, vec![version_1])),
        key_error(InvalidAccessKeyError::DelegateActionRequiresNonGasKey)
    );
}

#[test]
fn the_first_fault_is_the_one_that_is_told() {
    let (mut desk, _) = desk();
    let nonce = TransactionNonce::from_nonce(desk.fresh_nonce());
    let mut expired = payload(nonce, &key("nobody"), BOB, give());
    (expired.max_block_height, expired.sender_id) = (1, id(BOB));
    assert_eq!(
        failure(relayed(&mut desk, vec![signed(expired.clone(), &key("nobody"))])),
        ActionErrorKind::DelegateActionExpired
    );
    assert_eq!(
        failure(relayed(&mut desk, vec![signed(expired, &key("another"))])),
        ActionErrorKind::DelegateActionInvalidSignature
    );
    let one = desk.delegated(&key("alice"), ALICE, give());
    let two = wanted(nonce, &key("alice"), BOB, give());
    let both = refusal(relayed(&mut desk, vec![one, two]));
    assert_eq!(both, InvalidTxError::ActionsValidation(ActionsValidationError::DelegateActionMustBeOnlyOne));
}

#[test]
fn a_key_for_calls_makes_those_calls_alone() {
    let (mut desk, calls) = (Desk::new(85), key("calls"));
    let access_key = AccessKey::gas_key_function_call(1, calls_to(BOB, &[], None));
    desk.alice(vec![add_key(&calls, access_key)]).unwrap();
    let paid = call("run", &json!({ "script": [] }), Balance::from_yoctonear(1));
    let nonce = TransactionNonce::from_nonce_and_index(desk.fresh_nonce(), 0);
    let sent = relayed(&mut desk, vec![wanted(nonce, &calls, BOB, vec![paid])]);
    assert_eq!(failure(sent), key_error(InvalidAccessKeyError::DepositWithFunctionCall));
}

/// The relayer's gas key pays for all gas, that of the inner receipt too, and gets back the rest.
#[test]
fn a_relayer_may_pay_by_its_gas_key() {
    let (mut desk, gas_key) = desk();
    desk.alice(vec![fund(&gas_key, Balance::from_near(1))]).unwrap();
    let meta = desk.delegated(&key("alice"), ALICE, give());
    let before = desk.account(ALICE).amount();
    let sent = desk.by_gas_key(&gas_key, 0, ALICE, vec![meta]).unwrap();
    assert_eq!(Balance::from_near(1).checked_sub(desk.held(&gas_key)), Some(burnt(&sent)));
    assert_eq!(desk.account(ALICE).amount(), before);
    desk.check_supply();
}

#[test]
fn from_87_on_nobody_takes_from_a_gas_key_by_a_meta_transaction() {
    for version in [85, 86, 87, 88] {
        let (mut desk, gas_key) = (Desk::new(version), key("gas"));
        let near = Balance::from_near(1);
        desk.alice(vec![add_key(&gas_key, AccessKey::gas_key_full_access(1)), fund(&gas_key, near)]).unwrap();
        let withdraw = WithdrawFromGasKeyAction { public_key: gas_key.public_key(), amount: near };
        let meta = desk.delegated(&key("alice"), ALICE, vec![Action::WithdrawFromGasKey(Box::new(withdraw))]);
        let sent = relayed(&mut desk, vec![meta]);
        if version < 87 {
            sent.unwrap();
            assert_eq!(desk.held(&gas_key), Balance::ZERO);
        } else {
            let not_allowed = ActionsValidationError::WithdrawFromGasKeyNotAllowedInDelegate;
            assert_eq!(refusal(sent), InvalidTxError::ActionsValidation(not_allowed));
        }
        // Funding by one stays possible.
        let meta = desk.delegated(&key("alice"), ALICE, vec![fund(&gas_key, near)]);
        relayed(&mut desk, vec![meta]).unwrap();
        desk.check_supply();
    }
}
