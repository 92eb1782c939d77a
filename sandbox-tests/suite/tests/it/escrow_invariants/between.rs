//! INV-ESC-1 while money is on its way: after every block in which the contract did something for a transaction. What is seen
//! when all of it is over says nothing of that.

use std::collections::BTreeSet;

use charter_harness::Outcome;
use charter_types::U128;
use charter_types::escrow::args::{Channels, Edges, OfAsset, PurseRef, ReserveOf};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{Channel, Edge, Totals};
use charter_types::method::Method;
use near_workspaces::CryptoHash;
use serde_json::json;

use super::model::{self, ASSETS, NEAR, Person};
use super::{BYTE_COST, World};

/// Whose purses and reserves are there before a transaction or after it.
#[derive(Clone, Default)]
pub struct Keys {
    purses: BTreeSet<(Person, model::Asset)>,
    reserves: BTreeSet<(Person, model::Asset)>,
}

impl World {
    pub(super) fn keys(&self) -> Keys {
        Keys {
            purses: self.model.purses.keys().copied().collect(),
            reserves: self.model.reserves.keys().copied().collect(),
        }
    }

    /// Of a transaction with receipts here in more than one block: else nothing can have been on its way. `sent` is what it
    /// sends of each asset, if that is known.
    pub(super) async fn check_on_the_way(
        &self,
        outcome: &Outcome,
        before: &Keys,
        sent: Option<[u128; ASSETS]>,
        what: &str,
    ) {
        let own = outcome.receipt_outcomes().iter().filter(|one| one.executor_id == *self.escrow());
        let mut blocks: Vec<CryptoHash> = Vec::new();
        for receipt in own {
            if !blocks.contains(&receipt.block_hash) {
                blocks.push(receipt.block_hash);
            }
        }
        if blocks.len() < 2 {
            return;
        }
        let mut keys = self.keys();
        keys.purses.extend(&before.purses);
        keys.reserves.extend(&before.reserves);
        let mut most = [0; ASSETS];
        for block in blocks {
            for (asset, most) in most.iter_mut().enumerate() {
                let sums = self.check_sums_at(block, asset, &keys, what).await;
                *most = sums.in_flight.0.max(*most);
            }
        }
        if let Some(sent) = sent {
            assert_eq!(most, sent, "INV-ESC-1: what was on its way of NEAR and the token: {what}");
        }
    }

    async fn look_at<M: Method>(&self, block: CryptoHash, method: M, args: &M::Args) -> M::Answer {
        self.harness.look_at(block, self.escrow(), method, args).await.unwrap()
    }

    async fn check_sums_at(&self, block: CryptoHash, asset: model::Asset, keys: &Keys, what: &str) -> Totals {
        let sums = self.look_at(block, escrow::totals, &OfAsset { asset: self.asset(asset) }).await;
        let accounted = sums.held.0 + sums.in_flight.0 + sums.paid.0 + sums.refunded.0;
        assert_eq!(sums.deposited.0, accounted, "INV-ESC-1: on the way: {sums:?}: {what}");
        let held = self.held_at(block, asset, keys).await;
        assert_eq!(sums.held.0, held, "INV-ESC-1: held by channels, purses, reserves and edges, on the way: {what}");
        let worker = &self.harness.worker;
        if asset == NEAR {
            let account = worker.view_account(self.escrow()).block_hash(block).await.unwrap();
            let storage = u128::from(account.storage_usage) * BYTE_COST;
            let balance = account.balance.as_yoctonear();
            assert!(balance >= sums.held.0 + storage, "INV-ESC-11: on the way: {balance}: {what}");
        } else {
            let question = worker.view(&self.token, "ft_balance_of").args_json(json!({ "account_id": self.escrow() }));
            let has = question.block_hash(block).await.unwrap().json::<U128>().unwrap().0;
            // What has arrived already is in flight until the callback says so.
            let bounds = sums.held.0..=sums.held.0 + sums.in_flight.0;
            assert!(bounds.contains(&has), "INV-ESC-1: tokens on the way: {has} of {sums:?}: {what}");
        }
        sums
    }

    /// By what everything that is there shows, and not by the sums.
    async fn held_at(&self, block: CryptoHash, asset: model::Asset, keys: &Keys) -> u128 {
        let (of, mut held) = (self.asset(asset), 0);
        for some in self.ids.chunks(100) {
            let channels = self.look_at(block, escrow::channels, &Channels { channels: some.to_vec() }).await;
            held += channels.iter().filter(|one| one.asset == of).map(held_in_channel).sum::<u128>();
        }
        let edges = self.look_at(block, escrow::edges, &Edges { edges: self.edge_ids.clone() }).await;
        held += edges.iter().filter(|one| one.asset == of).map(held_in_edge).sum::<u128>();
        for (owner, _) in keys.purses.iter().filter(|key| key.1 == asset) {
            let question = PurseRef { agent: self.agent, owner: self.id(*owner), asset: of.clone() };
            let purse = self.look_at(block, escrow::purse, &question).await;
            held += purse.map_or(0, |purse| purse.balance.0);
        }
        for (payee, _) in keys.reserves.iter().filter(|key| key.1 == asset) {
            let question = ReserveOf { payee: self.id(*payee), asset: of.clone() };
            let reserve = self.look_at(block, escrow::reserve_of, &question).await;
            held += reserve.map_or(0, |reserve| reserve.reserved.0 - reserve.pulled.0);
        }
        held
    }
}

/// What payee, shares and payer were not sent.
fn held_in_channel(one: &Channel) -> u128 {
    one.deposited.0 - one.paid.0 - one.refunded.0 - one.shares.iter().map(|share| share.paid.0).sum::<u128>()
}

fn held_in_edge(one: &Edge) -> u128 {
    one.asker_side.0 + one.acker_side.0 + one.asker_due.0 + one.cut_due.0
}
