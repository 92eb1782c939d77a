//! Accounts named like Ethereum addresses: the first transfer makes them, and their wallet contract is a global one.

use charter_localnet::{Config, Genesis, Localnet};
use near_primitives::action::{Action, TransferAction};
use near_primitives::errors::{ActionErrorKind, TxExecutionError};
use near_primitives::types::{AccountId, Balance};
use near_primitives::views::FinalExecutionStatus;
use serde_json::json;

use crate::actor::{Actor, call};

fn eth_id() -> AccountId {
    "0x52908400098527886e0f7030069857d2e4169ee7".parse().unwrap()
}

fn transfer(deposit: Balance) -> Action {
    Action::Transfer(TransferAction { deposit })
}

#[tokio::test]
async fn a_transfer_makes_the_account_with_the_wallet_of_its_network() {
    // nearcore's `eth_wallet_global_contract_hash`.
    for (chain_id, wallet) in [
        ("localnet", "FAq9tQRbwJPTV3PQLn2F7AUD3FW2Fw1V8ZeZuazfeu1v"),
        ("testnet", "3PpYvRxBfC5BkZxTw8ZFG3D52w1ZRhvDDWirKoxphMDn"),
        ("mainnet", "2zodJZK2e4nnv5AqwCRnenNSmkikXhEd7PPY6BmfTmW4"),
    ] {
        for version in [84, 88] {
            let mut genesis = Genesis::new(chain_id);
            genesis.config.protocol_version = version;
            let localnet = Localnet::start(Config { genesis, ..Config::default() }).await.unwrap();
            let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
            let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
            let sent = root.send(&eth_id(), vec![transfer(Balance::from_near(3))]).await.unwrap();
            assert!(matches!(sent.status, FinalExecutionStatus::SuccessValue(_)), "{:?}", sent.status);
            let account = root.account(&eth_id()).await.unwrap();
            assert_eq!(account.global_contract_hash.unwrap().to_string(), wallet);
            assert_eq!((account.amount, account.storage_usage), (Balance::from_near(3), 100 + 32));
            assert!(Actor { id: eth_id(), ..root }.access_key().await.is_err(), "it has a key");
        }
    }
}

#[tokio::test]
async fn its_wallet_answers_where_somebody_has_deployed_it_and_nothing_else_makes_it() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let kind = |status: FinalExecutionStatus| match status {
        FinalExecutionStatus::Failure(TxExecutionError::ActionError(error)) => error.kind,
        other => panic!("{other:?}"),
    };
    let two = root.send(&eth_id(), vec![transfer(Balance::from_near(1)); 2]).await.unwrap();
    assert_eq!(kind(two.status), ActionErrorKind::AccountDoesNotExist { account_id: eth_id() });
    root.send(&eth_id(), vec![transfer(Balance::from_near(1))]).await.unwrap();
    let called = root.send(&eth_id(), vec![call("rlp_execute", &json!({}), Balance::ZERO)]).await.unwrap();
    assert!(format!("{:?}", kind(called.status)).contains("CodeDoesNotExist"));
}
