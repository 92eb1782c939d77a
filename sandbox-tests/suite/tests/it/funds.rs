//! What a contract keeps for others pays for nothing of its own.

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, prepay};
use charter_harness::{Caller, Harness, call, code_of, failed_with, ok, refused, view};
use charter_types::admin::{SetPauser, Upgrade};
use charter_types::escrow::args::ChannelRef;
use charter_types::escrow::methods as escrow;
use charter_types::shared::methods as shared;
use charter_types::{Hash32, Named, Nothing};
use charter_wasm::Contract;
use near_workspaces::{Account, AccountId};

use crate::escrow::open;

/// Price of a byte of storage, yoctoNEAR.
const BYTE: u128 = 10_000_000_000_000_000_000;

/// Wasm that does what `code` does and is `bytes` longer: a section that nobody reads.
pub fn longer(code: &[u8], bytes: usize) -> Vec<u8> {
    let mut section = vec![1, b'x'];
    section.resize(bytes, 0);
    let mut long = code.to_vec();
    long.push(0);
    let mut length = section.len();
    while length >= 0x80 {
        long.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    long.push(u8::try_from(length).unwrap());
    long.extend(section);
    long
}

pub async fn upgrade(harness: &Harness, by: &Account, contract: &AccountId, code: Vec<u8>) -> Option<String> {
    let replaces = view(&harness.worker, contract, shared::deployment, &Nothing {}).await.unwrap();
    let args = Upgrade { approved: Hash32(sha256(&code)), code, replaces };
    failed_with(&by.send(contract, call(shared::upgrade, &args), 0).await.unwrap())
}

/// F19, INV-ESC-11. Leave `check_funds` out of `migrate` and the money in the channel pays for the code: closing fails.
#[tokio::test]
async fn money_in_channels_pays_for_no_code() {
    let harness = Harness::start_with(code_of).await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let contract = &harness.contracts.escrow;
    let channels = [open(&harness, &alice, &bob).await, open(&harness, &alice, &bob).await];
    let held = crate::escrow::totals(&harness).await.held.0;
    // Less than ten thousand bytes of code cost.
    harness.leave(contract, held + 9_000 * BYTE).await.unwrap();
    let code = longer(Contract::Escrow.code(), 10_000);
    let before = harness.worker.view_code(contract).await.unwrap();
    assert_eq!(upgrade(&harness, harness.root(), contract, code.clone()).await.as_deref(), Some("CHARTER_FUNDS_SHORT"));
    assert_eq!(harness.worker.view_code(contract).await.unwrap(), before);
    for channel in channels {
        ok(&bob, contract, escrow::close, &ChannelRef { channel }, 0).await;
    }
    assert_eq!(crate::escrow::totals(&harness).await.held.0, 0);
    harness.leave(contract, held + 9_000 * BYTE).await.unwrap();
    assert_eq!(upgrade(&harness, harness.root(), contract, code).await, None, "it is the contract's own by now");
}

/// What is free in storage accounts is no more the contract's, and a take-over counts only once its code has run.
#[tokio::test]
async fn prepaid_storage_pays_for_no_code_and_who_could_not_upgrade_has_not_taken_over() {
    let harness = Harness::start_with(code_of).await.unwrap();
    let (admin, dao) = (harness.root(), harness.account("dao").await.unwrap());
    let contract = &harness.contracts.registry;
    prepay(&dao, contract, DEPOSIT).await;
    ok(admin, contract, shared::set_governance, &Named { account: dao.id().clone() }, 0).await;
    harness.leave(contract, DEPOSIT / 2).await.unwrap();
    let same = || code_of(Contract::Registry).unwrap();
    assert_eq!(upgrade(&harness, &dao, contract, same()).await.as_deref(), Some("CHARTER_FUNDS_SHORT"));
    assert_eq!(view(&harness.worker, contract, shared::governance, &Nothing {}).await.unwrap(), None);
    ok(admin, contract, shared::set_pauser, &SetPauser { account: None }, 0).await;
    harness.leave(contract, DEPOSIT).await.unwrap();
    assert_eq!(upgrade(&harness, &dao, contract, same()).await, None);
    let late = refused(admin, contract, shared::set_pauser, &SetPauser { account: None }, 0).await;
    assert_eq!(late, "CHARTER_NOT_ADMIN");
}
