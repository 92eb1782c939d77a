//! What an agent draws, what creators pull, and what is earned, in a token.

use std::time::Duration;

use charter_harness::ok;
use charter_types::asset::Asset;
use charter_types::contract::Escrow;
use charter_types::escrow::args::{
    Draw, DrawTo, ForgetCreators, ForgetDraws, OfAgent, OfAsset, OpenDrawn, PostRoot, Pull, ReserveOf, SetCaps,
    TransferMsg,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{DAY_MS, FORGOTTEN_MAX, PROOF_MAX, ROOT_MS};
use charter_types::registry::args::{RegisterAgent, SetReporters};
use charter_types::registry::methods as registry;
use charter_types::{AccountId, Hash32, U128};
use near_workspaces::Account;

use super::super::Table;
use crate::escrow_bytes::{Tree, climb, leaf};
use crate::escrow_stage::Stage;
use charter_harness::arguments::{DEPOSIT, card};

pub async fn purses(table: &mut Table, stage: &Stage) {
    let Stage { payer, payee, token, bot, agent, .. } = stage;
    let (agent, asset) = (*agent, stage.asset());
    let (in_near, in_token) = (OfAgent { agent, asset: Asset::Near }, OfAgent { agent, asset: asset.clone() });
    table.note(payer, (Escrow, escrow::fill_purse), "NEAR", &in_near, DEPOSIT).await;
    table.note(payer, (Escrow, escrow::fill_purse), "a row for tokens", &in_token, DEPOSIT).await;
    let told = stage.told(payer, 1_000_000_000, &TransferMsg::Purse { agent });
    table.note(token, (Escrow, escrow::ft_on_transfer), "to a purse", &told, 0).await;
    let (most, until_ms) = (U128(1_000_000_000), table.harness.now_ms().await.unwrap() + 9 * DAY_MS);
    let caps = SetCaps { agent, asset: asset.clone(), per_day: most, per_payee: most, until_ms };
    table.note(payer, (Escrow, escrow::set_caps), "", &caps, DEPOSIT).await;
    let open = stage.drawn_args(&table.harness).await;
    let draw = |to| Draw { agent, asset: asset.clone(), amount: U128(1_000), to };
    let args = draw(DrawTo::Open(open.clone()));
    let channel = table.note(bot, (Escrow, escrow::draw), "opens with 32 splits, in a token", &args, 0).await;
    let args = draw(DrawTo::TopUp(channel));
    table.note(bot, (Escrow, escrow::draw), "adds to a channel with 32 shares", &args, 0).await;
    let mut payees = vec![payee.id().clone()];
    for number in 1..FORGOTTEN_MAX {
        let payee = stage.name(100 + number);
        let open = OpenDrawn { payee: payee.clone(), splits: Vec::new(), ..open.clone() };
        ok(bot, &table.contracts.escrow, escrow::draw, &draw(DrawTo::Open(open)), 0).await;
        payees.push(payee);
    }
    table.harness.wait(Duration::from_millis(DAY_MS)).await.unwrap();
    let forgotten = ForgetDraws { agent, owner: payer.id().clone(), asset: asset.clone(), payees };
    table.note(payee, (Escrow, escrow::forget_draws), "32 payees", &forgotten, 0).await;
    table.note(payer, (Escrow, escrow::empty_purse), "NEAR", &in_near, 0).await;
    table.note(payer, (Escrow, escrow::empty_purse), "a token", &in_token, 0).await;
}

/// Out of a reserve that is there: one creator with as many nodes as there can be, and then as many creators as a call
/// forgets.
pub async fn reserves(table: &mut Table, stage: &Stage) {
    const OWED: u128 = 1_000;
    let Stage { payer, payee, .. } = stage;
    let (contract, asset) = (table.contracts.escrow.clone(), stage.asset());
    let accounts: Vec<AccountId> = (0..FORGOTTEN_MAX).map(|number| stage.name(200 + number)).collect();
    let pull = |account: &AccountId, proof: &[[u8; 32]]| Pull {
        payee: payee.id().clone(),
        asset: asset.clone(),
        account: account.clone(),
        amount: U128(OWED),
        proof: proof.iter().copied().map(Hash32).collect(),
    };
    let post = |root, total| PostRoot { asset: asset.clone(), root: Hash32(root), total: U128(total) };
    let proof: Vec<[u8; 32]> = (0_u8..).take(PROOF_MAX).map(|byte| [byte; 32]).collect();
    let first = post(climb(leaf(accounts[0].as_str(), OWED), &proof), OWED);
    table.note(payee, (Escrow, escrow::post_root), "in a token", &first, 1).await;
    let case = "32 nodes, in a token";
    table.note(payer, (Escrow, escrow::pull), case, &pull(&accounts[0], &proof), DEPOSIT).await;
    let tree = Tree::new(accounts.iter().map(|account| leaf(account.as_str(), OWED)).collect());
    let all = OWED * u128::try_from(accounts.len()).unwrap();
    ok(payee, &contract, escrow::post_root, &post(tree.root(), all), 1).await;
    for (place, account) in accounts.iter().enumerate().skip(1) {
        ok(payer, &contract, escrow::pull, &pull(account, &tree.proof(place)), DEPOSIT).await;
    }
    let question = ReserveOf { payee: payee.id().clone(), asset: asset.clone() };
    let seen = table.harness.look(&contract, escrow::reserve_of, &question).await.unwrap().unwrap();
    table.harness.wait(Duration::from_millis(ROOT_MS)).await.unwrap();
    table.note(payee, (Escrow, escrow::end_root), "in a token", &OfAsset { asset }, 1).await;
    let forgotten = ForgetCreators { reserve: seen.number, accounts };
    table.note(payee, (Escrow, escrow::forget_creators), "32 accounts", &forgotten, 0).await;
}

pub async fn earnings(table: &mut Table, stage: &Stage) {
    let earned = OfAgent { agent: stage.agent, asset: stage.asset() };
    table.note(&stage.payee, (Escrow, escrow::open_earnings), "in a token", &earned, DEPOSIT).await;
    table.note(&stage.payee, (Escrow, escrow::end_earnings), "in a token", &earned, 1).await;
}

/// To a registry that has an admin: the escrow is its reporter there.
pub async fn reputation(table: &mut Table, admin: &Account, owner: &Account) {
    let (registry, escrow) = (table.contracts.registry.clone(), table.contracts.escrow.clone());
    let reporters = SetReporters { reporters: vec![escrow.clone()] };
    ok(admin, &registry, registry::set_reporters, &reporters, 0).await;
    let agent = RegisterAgent::new(card("https://e"));
    let agent = ok(owner, &registry, registry::register_agent, &agent, DEPOSIT).await;
    let earned = OfAgent { agent, asset: Asset::Nep141(admin.id().clone()) };
    ok(owner, &escrow, escrow::open_earnings, &earned, DEPOSIT).await;
    table.note(owner, (Escrow, escrow::sync_reputation), "first, of a token", &earned, DEPOSIT).await;
    table.note(owner, (Escrow, escrow::sync_reputation), "again, of a token", &earned, DEPOSIT).await;
}
