//! Whether the contract shows what the model says, of everything, after every step.

use std::collections::BTreeMap;

use charter_client::sha256;
use charter_harness::raw;
use charter_types::asset::Asset;
use charter_types::escrow::args::{
    Channels, CreatorRef, DrawnRef, EarningsRef, Edges, OfAsset, PurseRef, RequestRef, ReserveOf,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{self as shown, EdgeState};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{AccountId, Hash32, U128};
use serde_json::json;

use super::model::{ASSETS, Channel, Edge, NOBODY, PEOPLE, Person, State, TOKEN, Terms};
use super::{BYTE_COST, SLACK_MS, World, calls};
use crate::invariants::failure_of;

/// More than a transaction sends.
const TRANSFERS: u128 = 1_000;

/// What somebody has in its account and in its storage account, and bytes that the latter pays for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Has {
    pub yocto: u128,
    pub prepaid: u128,
    pub bytes: u64,
}

pub type Purses = BTreeMap<Person, Has>;

impl World {
    /// Of everybody. Whoever has no account has what it prepaid all the same.
    pub(super) async fn purses(&self) -> Purses {
        let mut purses = Purses::new();
        for (number, person) in self.people.iter().enumerate() {
            let question = StorageOf { account_id: person.id().clone() };
            let storage = self.view(shared::storage_balance_of, &question).await;
            let prepaid = storage.map_or(0, |storage| storage.total.0);
            let used = storage.map_or(0, |storage| storage.total.0 - storage.available.0);
            let gone = self.model.gone.contains(&number);
            let yocto = if gone { 0 } else { person.view_account().await.unwrap().balance.as_yoctonear() };
            purses.insert(number, Has { yocto, prepaid, bytes: u64::try_from(used / BYTE_COST).unwrap() });
        }
        purses
    }

    /// What is not as the model says. All checks are made, whichever fail.
    pub(super) async fn failures(&mut self, purses: &Purses, what: &str) -> Vec<Option<String>> {
        let mut failures = vec![
            failure_of(self.check_channels(what)).await,
            failure_of(self.check_edges(what)).await,
            failure_of(self.check_purses(what)).await,
            failure_of(self.check_reserves(what)).await,
            failure_of(self.check_earnings(what)).await,
            failure_of(self.check_tokens(what)).await,
            failure_of(self.check_balance(purses, what)).await,
        ];
        for asset in 0..ASSETS {
            failures.push(failure_of(self.check_sums(asset, what)).await);
        }
        failures
    }

    async fn check_earnings(&self, what: &str) {
        for ((account, asset), mine) in &self.model.earnings {
            let question = EarningsRef { agent: self.agent, account: self.id(*account), asset: self.asset(*asset) };
            let row = self.view(escrow::earnings, &question).await.unwrap();
            let shown = (row.earned.0, row.payments);
            assert_eq!(shown, (mine.earned, mine.payments), "INV-ESC-MODEL: what {account} earned: {what}");
        }
    }

    /// By what the contract itself says that it holds. Beside that and storage there is what it was given to begin with, and
    /// its part of what calls cost: that never falls, or what is held would be paid with it.
    async fn check_balance(&mut self, purses: &Purses, what: &str) {
        let account = self.harness.worker.view_account(self.escrow()).await.unwrap();
        let sums = self.view(escrow::totals, &OfAsset::default()).await;
        let prepaid: u128 = purses.values().map(|has| has.prepaid).sum();
        let owed = sums.held.0 + prepaid + u128::from(self.empty_bytes) * BYTE_COST;
        let beside = account.balance.as_yoctonear().checked_sub(owed);
        let Some(beside) = beside else { panic!("INV-ESC-11: {account:?} for {owed}: {what}") };
        // A yocto for each transfer of a token was paid for when something was opened in it.
        assert!(beside + TRANSFERS >= self.beside, "INV-ESC-11: {beside} beside what is owed, {}: {what}", self.beside);
        self.beside = beside;
        let charged: u64 = purses.values().map(|has| has.bytes).sum();
        assert_eq!(charged, account.storage_usage - self.empty_bytes, "INV-ESC-6: bytes charged and held: {what}");
    }

    async fn check_channels(&mut self, what: &str) {
        let mut seen = Vec::new();
        for some in self.ids.chunks(100) {
            let channels = Channels { channels: some.to_vec() };
            seen.extend(self.view(escrow::channels, &channels).await);
        }
        let mut shown = seen.iter();
        for (number, id) in self.ids.clone().iter().enumerate() {
            if self.model.channels[number].is_none() {
                assert!(!seen.iter().any(|one| one.id == *id), "INV-ESC-6: a channel that is gone: {what}");
                continue;
            }
            let Some(one) = shown.next() else { panic!("INV-ESC-6: a channel is missing: {what}") };
            assert_eq!(one.id, *id, "INV-ESC-6: {what}");
            self.adopt_times(number, one);
            let Some(mine) = &self.model.channels[number] else { unreachable!("it is there") };
            self.check_channel(mine, one, &self.terms[number], what);
        }
    }

    /// When a transfer failed is known to a block or two.
    fn adopt_times(&mut self, number: usize, one: &shown::Channel) {
        let Some(mine) = &mut self.model.channels[number] else { return };
        for (share, chains) in mine.shares.iter_mut().zip(&one.shares) {
            if let (Some(failed_ms), Some(chains_ms)) = (share.failed_ms, chains.failed_ms)
                && failed_ms.abs_diff(chains_ms) < SLACK_MS
            {
                share.failed_ms = Some(chains_ms);
            }
        }
    }

    fn check_channel(&self, mine: &Channel, one: &shown::Channel, terms: &Terms, what: &str) {
        let sent = one.paid.0 + one.shares.iter().map(|share| share.paid.0).sum::<u128>();
        let kept = sent <= one.claimed.0 && one.claimed.0 + one.refunded.0 <= one.deposited.0;
        assert!(kept, "INV-ESC-2: {one:?}: {what}");
        assert_eq!(one.claimed.0, mine.claimed, "INV-ESC-3: the highest that was claimed: {what}");
        let fixed = (&one.payer, &one.payee, &one.asset, one.agent, one.purse);
        let agent = Some(self.agent);
        let (payer, payee, asset) = (self.id(mine.payer), self.id(mine.payee), self.asset(mine.asset));
        let expected = (&payer, &payee, &asset, agent.filter(|_| mine.of_agent), agent.filter(|_| mine.drawn));
        assert_eq!(fixed, expected, "INV-ESC-MODEL: {what}");
        assert_eq!(one.terms_hash, self.terms_hash(terms), "INV-ESC-MODEL: terms: {what}");
        let times = (one.locked_until_ms, one.closes_ms, one.closed);
        assert_eq!(times, (mine.locked_until_ms, mine.closes_ms, mine.closed), "INV-ESC-7: {what}");
        let money = (one.deposited.0, one.paid.0, one.refunded.0);
        // What the payee of a shared channel is sent follows from what is claimed, as shares do.
        let shared = if mine.shares.is_empty() { "" } else { "INV-ESC-8: " };
        assert_eq!(money, (mine.deposited, mine.paid, mine.refunded), "{shared}INV-ESC-9: {what}");
        let shares =
            one.shares.iter().map(|share| (u128::from(share.bps), share.paid.0, share.failed_ms, share.to_payee));
        let expected = mine
            .shares
            .iter()
            .map(|share| (share.bps, share.sent, share.failed_ms.filter(|_| !share.lost), share.lost));
        assert!(shares.eq(expected), "INV-ESC-8: {:?} instead of {:?}: {what}", one.shares, mine.shares);
    }

    /// sha256 of borsh: the splits, and what was offered.
    fn terms_hash(&self, terms: &Terms) -> Option<Hash32> {
        let offer = calls::offer(terms);
        if terms.splits.is_empty() && offer.is_none() {
            return None;
        }
        let mut bytes = u32::try_from(terms.splits.len()).unwrap().to_le_bytes().to_vec();
        for (person, bps) in &terms.splits {
            let account = self.id(*person);
            bytes.extend(u32::try_from(account.as_str().len()).unwrap().to_le_bytes());
            bytes.extend(account.as_str().as_bytes());
            bytes.extend(u16::try_from(*bps).unwrap().to_le_bytes());
        }
        bytes.push(u8::from(offer.is_some()));
        bytes.extend(offer.iter().flat_map(|hash| hash.0));
        Some(Hash32(sha256(&bytes)))
    }

    async fn check_edges(&self, what: &str) {
        let seen = self.view(escrow::edges, &Edges { edges: self.edge_ids.clone() }).await;
        let there = self.edge_ids.iter().zip(&self.model.edges).filter(|(_, edge)| edge.is_some());
        assert!(there.map(|(id, _)| id).eq(seen.iter().map(|one| &one.id)), "INV-ESC-6: edges: {what}");
        let known = self.model.edges.iter().enumerate().filter_map(|(number, edge)| Some((number, edge.as_ref()?)));
        for ((number, mine), one) in known.zip(&seen) {
            assert!(one.late.0 <= one.collateral.0, "INV-ESC-12: {one:?}: {what}");
            let open = self.model.open_escalations(number);
            self.check_edge(mine, one, u32::try_from(open).unwrap(), what);
        }
        for ((edge, counter), mine) in &self.model.requests {
            let question = RequestRef { edge: self.edge_ids[*edge], counter: *counter };
            let one = self.view(escrow::request, &question).await;
            let Some(one) = one else { panic!("INV-ESC-12: request {counter} is missing: {what}") };
            let shown = (one.deadline_ms, one.escalated_ms, one.late.0, one.open, one.delivered.map(|it| it.at_ms));
            let expected = (mine.deadline_ms, mine.escalated_ms, mine.late, mine.open, mine.delivered_ms);
            assert_eq!(shown, expected, "INV-ESC-12: request {counter} of edge {edge}: {what}");
        }
    }

    fn check_edge(&self, mine: &Edge, one: &shown::Edge, open: u32, what: &str) {
        let parties = [&one.asker, &one.acker, &one.cut_to];
        let expected = [mine.asker, mine.terms.acker, mine.terms.cut_to].map(|person| self.id(person));
        assert_eq!(parties, expected.each_ref(), "INV-ESC-MODEL: {what}");
        let state = match mine.state {
            State::Open => EdgeState::Open,
            State::Joined => EdgeState::Joined,
            State::Live => EdgeState::Live,
            State::Ended => EdgeState::Ended,
        };
        assert_eq!((one.state, one.escalations), (state, open), "INV-ESC-12: {what}");
        let money = [one.asker_side, one.acker_side, one.late, one.asker_due, one.cut_due].map(|sum| sum.0);
        let expected = [mine.has[0], mine.has[1], mine.late, mine.asker_due, mine.cut_due];
        assert_eq!(money, expected, "INV-ESC-12: sides, late pay, what is due of it, and the cut: {what}");
    }

    async fn check_purses(&self, what: &str) {
        let agent = self.agent;
        for owner in 0..PEOPLE {
            for asset in 0..ASSETS {
                let question = PurseRef { agent, owner: self.id(owner), asset: self.asset(asset) };
                let one = self.view(escrow::purse, &question).await;
                let mine = self.model.purses.get(&(owner, asset));
                assert_eq!(one.is_some(), mine.is_some(), "INV-ESC-MODEL: whether {owner} has a purse: {what}");
                let (Some(one), Some(mine)) = (one, mine) else { continue };
                let money = (one.balance.0, one.in_flight.0);
                assert_eq!(money, (mine.left, 0), "INV-ESC-9: the purse of {owner}: {what}");
                let caps = mine.caps.map_or((0, 0, 0), |caps| (caps.per_day, caps.per_payee, caps.until_ms));
                let shown = (one.per_day.0, one.per_payee.0, one.until_ms);
                assert_eq!(shown, caps, "INV-ESC-MODEL: caps of {owner}: {what}");
                let drawn = (one.day, one.drawn.0);
                assert_eq!(drawn, (mine.drawn.day, mine.drawn.amount), "INV-ESC-MODEL: drawn on {owner}: {what}");
            }
        }
        for owner in 0..2 {
            for (asset, payee) in (0..ASSETS).flat_map(|asset| (0..PEOPLE).map(move |payee| (asset, payee))) {
                let (owner_id, payee_id, asset_of) = (self.id(owner), self.id(payee), self.asset(asset));
                let question = DrawnRef { agent, owner: owner_id, asset: asset_of, payee: payee_id };
                let one = self.view(escrow::drawn, &question).await.map(|one| (one.day, one.amount.0));
                let mine = self.model.draws.get(&(owner, asset, payee)).map(|drawn| (drawn.day, drawn.amount));
                assert_eq!(one, mine, "INV-ESC-MODEL: drawn on {owner} for {payee}: {what}");
            }
        }
    }

    async fn check_reserves(&self, what: &str) {
        for (payee, asset) in (0..PEOPLE).flat_map(|payee| (0..ASSETS).map(move |asset| (payee, asset))) {
            let question = ReserveOf { payee: self.id(payee), asset: self.asset(asset) };
            let one = self.view(escrow::reserve_of, &question).await;
            let mine = self.model.reserves.get(&(payee, asset));
            assert_eq!(one.is_some(), mine.is_some(), "INV-ESC-MODEL: whether {payee} has a reserve: {what}");
            let (Some(one), Some(mine)) = (one, mine) else { continue };
            assert!(one.pulled.0 <= one.total.0 && one.total.0 <= one.reserved.0, "INV-ESC-2: {one:?}: {what}");
            let mut sent = 0;
            for creator in 0..=NOBODY {
                sent += self.sent_to(one.number, creator).await;
            }
            assert!(sent <= one.pulled.0, "INV-ESC-2: {sent} were sent to creators: {one:?}: {what}");
            let shown = (one.number, one.posted_ms, one.ending, one.in_flight.0);
            assert_eq!(shown, (mine.number, mine.posted_ms, mine.ending, 0), "INV-ESC-MODEL: {what}");
            let money = (one.reserved.0, one.total.0, one.pulled.0);
            assert_eq!(money, (mine.reserved, mine.root.total, mine.pulled), "INV-ESC-9: reserve of {payee}: {what}");
        }
        for number in 1..=self.model.reserve_counter {
            for creator in 0..=NOBODY {
                let paid = self.sent_to(number, creator).await;
                let mine = self.model.creators.get(&(number, creator)).copied().unwrap_or_default();
                assert_eq!(paid, mine, "INV-ESC-9: what creator {creator} was sent of {number}: {what}");
            }
        }
    }

    async fn sent_to(&self, reserve: u64, creator: Person) -> u128 {
        let question = CreatorRef { reserve, account: self.id(creator) };
        self.view(escrow::creator, &question).await.map_or(0, |row| row.paid.0)
    }

    async fn check_sums(&self, asset: usize, what: &str) {
        let sums = self.view(escrow::totals, &OfAsset { asset: self.asset(asset) }).await;
        let accounted = sums.held.0 + sums.in_flight.0 + sums.paid.0 + sums.refunded.0;
        assert_eq!(sums.deposited.0, accounted, "INV-ESC-1: {sums:?}: {what}");
        let known = &self.model.sums[asset];
        let mine = (known.deposited, self.model.held(asset), 0, known.arrived);
        let chains = (sums.deposited.0, sums.held.0, sums.in_flight.0, sums.paid.0 + sums.refunded.0);
        assert_eq!(chains, mine, "INV-ESC-1: deposited, held, in flight, arrived of {asset}: {what}");
    }

    /// To the unit, of everybody; and the contract has exactly what it holds.
    async fn check_tokens(&self, what: &str) {
        for person in 0..=NOBODY {
            let has = self.tokens_of(&self.id(person)).await;
            assert_eq!(has, self.model.tokens[person], "INV-ESC-7: tokens of {person}: {what}");
        }
        let vault = self.tokens_of(self.escrow()).await;
        assert_eq!(vault, self.model.held(TOKEN), "INV-ESC-1: tokens that the contract has: {what}");
        let lied = self.view(escrow::totals, &OfAsset { asset: Asset::Nep141(self.other.clone()) }).await;
        assert_eq!(lied.deposited, U128(0), "INV-ESC-1: of a token in which nothing is: {what}");
    }

    async fn tokens_of(&self, holder: &AccountId) -> u128 {
        let question = raw("ft_balance_of", json!({ "account_id": holder }));
        let answer = self.harness.raw_view(&self.token, question).await.unwrap();
        serde_json::from_slice::<U128>(&answer).unwrap().0
    }
}
