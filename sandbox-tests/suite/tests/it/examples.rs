//! The client's examples do what they say. (`agents/client/examples`; their `main` reads a command line.)

// Each is a program of its own, whose `main` nobody calls here.
#[expect(dead_code, reason = "main is for the command line")]
#[path = "../../../../agents/client/examples/escrow.rs"]
mod escrow;
#[expect(dead_code, reason = "main is for the command line")]
#[path = "../../../../agents/client/examples/governance.rs"]
mod governance;
#[expect(dead_code, reason = "main is for the command line")]
#[path = "../../../../agents/client/examples/keys.rs"]
mod keys;
#[expect(dead_code, reason = "main is for the command line")]
#[path = "../../../../agents/client/examples/registry.rs"]
mod registry;

use charter_client::{Account, Contracts, Rpc};
use charter_harness::Harness;
use charter_types::X25519Key;
use ed25519_dalek::SigningKey;

async fn account(harness: &Harness, name: &str) -> Account {
    let account = harness.account(name).await.unwrap();
    let key = account.secret_key().to_string().parse().unwrap();
    Account::new(account.id().clone(), key, Rpc::new(harness.rpc_url()))
}

#[tokio::test]
async fn an_example_of_each_contract_runs() {
    let harness = Harness::start().await.unwrap();
    let contracts = Contracts::below(harness.root().id()).unwrap();
    let (alice, bob) = (account(&harness, "alice").await, account(&harness, "bob").await);
    assert_eq!(registry::register(&contracts, &alice).await.unwrap(), 1);
    let key = SigningKey::from_bytes(&[5; 32]);
    let host = keys::register_host(&contracts, &bob, &harness.chain_id, &key, X25519Key([9; 32]));
    assert_eq!(host.await.unwrap(), 1);
    // Behind those by which governance took the contracts over.
    assert_eq!(governance::propose(&contracts, &alice).await.unwrap(), 5);
    let claimed = escrow::pay(&contracts, &alice, bob.id.clone(), &harness.chain_id, key).await.unwrap();
    assert_eq!(claimed, 3_000_000_000_000_000_000_000);
}
