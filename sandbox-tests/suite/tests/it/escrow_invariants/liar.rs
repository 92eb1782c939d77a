//! INV-ESC-13: a token that tells of amounts near all there can be, of which it has none. Whoever took it has what it
//! promised; who did not notices nothing. What becomes of the liar's own is nobody's business here, but that its sums agree.

use charter_harness::arguments::DEPOSIT;
use charter_harness::{Call, Caller, call, ok, raw};
use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::escrow::args::{
    ChannelRef, Channels, Distribute, EdgeRef, OfAgent, OfAsset, Open, OpenEdge, PurseRef,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ChannelId, ClaimRow, EdgeId, Split};
use near_workspaces::Account;
use serde_json::{Value, json};

use super::calls::{public, sign};
use super::checks::Purses;
use super::model::{BEN, BOT, DELAY_MS, HOUR_MS, NewEdge, Person, TOKEN};
use super::moves::Op;
use super::verdicts::fail_if_any;
use super::{NAMES, TALLY, World};
use crate::escrow_bytes::{Message, domain};
use crate::escrow_scene::presented;

/// Signs vouchers of the liar's channels.
const KEY: [u8; 32] = [210; 32];
/// Nearly all of it for a share: what is multiplied is as large as it gets.
const BPS: u16 = 9_999;

/// What is there in the liar's token: a channel to everybody but the bot, who pays them, and a purse and an edge of the bot.
pub struct Lied {
    /// With what was deposited, as far as anybody was told.
    channels: Vec<(ChannelId, u128)>,
    edge: EdgeId,
}

impl World {
    fn liars(&self) -> Asset {
        Asset::Nep141(self.liar.clone())
    }

    fn huge_splits(&self) -> Vec<Split> {
        vec![Split { account: self.nobody.clone(), bps: BPS }]
    }

    async fn open_in_liars(&self) -> Lied {
        let (bot, asset) = (&self.people[BOT], self.liars());
        let mut channels = Vec::new();
        for payee in 0..BOT {
            let splits = self.huge_splits();
            let open = Open { asset: asset.clone(), splits, ..Open::new(self.id(payee), public(KEY), DELAY_MS) };
            channels.push((ok(bot, self.escrow(), escrow::open, &open, DEPOSIT).await, 0));
        }
        let purse = OfAgent { agent: self.agent, asset: asset.clone() };
        ok(bot, self.escrow(), escrow::fill_purse, &purse, DEPOSIT).await;
        let most = u128::MAX / 2;
        let ends_ms = self.harness.now_ms().await.unwrap() + HOUR_MS;
        let terms = NewEdge {
            acker: 0,
            asset: TOKEN,
            collateral: most,
            cut: most,
            cut_to: BEN,
            rate_per_s: most,
            cap: most,
            ends_ms,
        };
        let terms = OpenEdge { asset, ..self.open_edge(&terms) };
        let edge = ok(bot, self.escrow(), escrow::open_edge, &terms, DEPOSIT).await;
        Lied { channels, edge }
    }

    /// Vouchers for all that was ever said to be in the liar's channels: in every batch beside what is honest, they are taken
    /// or refused, paid out in vain, and change nothing of it.
    pub(super) fn huge_rows(&self) -> Vec<ClaimRow> {
        let channels = self.lied.iter().flat_map(|lied| &lied.channels);
        let row = |(channel, cumulative): &(ChannelId, u128)| {
            let (domain, cumulative) = (domain(&self.harness), *cumulative);
            let message = Message { domain, about: channel.0, cumulative, ..Message::default() };
            presented(&message, sign(KEY, &message.bytes()).0)
        };
        channels.map(row).collect()
    }

    /// The liar tells of huge amounts for one of each, which then go round. Nothing of that is judged but what others have.
    pub(super) async fn lie_hugely(&mut self, op: &Op) {
        if self.lied.is_none() {
            self.lied = Some(self.open_in_liars().await);
        }
        let before = self.purses().await;
        let Some(Lied { channels, edge }) = &self.lied else { return };
        let (payee, edge) = (op.other % channels.len(), *edge);
        let channel = channels[payee].0;
        let amount = match op.pick % 4 {
            0 => u128::MAX,
            1 => u128::MAX / 2,
            2 => u128::MAX / 10_000 + op.share,
            _ => u128::MAX - op.share,
        };
        let targets = [
            json!({ "top_up": { "channel": channel } }),
            json!({ "purse": { "agent": self.agent } }),
            json!({ "edge": { "edge": edge } }),
        ];
        for target in &targets {
            self.tell_a_lie(amount, target).await;
        }
        self.send_round(op, (payee, channel), edge).await;
        let after = self.purses().await;
        let what = format!("INV-ESC-13: {amount} of a token that lies for {payee}: {op:?}");
        self.check_others((&before, &after), &[BOT, payee], &what);
        self.check_liars(&what).await;
        self.note_what_is_there().await;
        fail_if_any(self.failures(&after, &what).await);
    }

    async fn tell_a_lie(&self, amount: u128, target: &Value) {
        let (receiver, sender_id, msg) = (self.escrow(), self.id(BOT), target.to_string());
        let lie = json!({ "receiver": receiver, "sender_id": sender_id, "amount": U128(amount), "msg": msg });
        let told = self.harness.root().send(&self.liar, raw("lie", lie), 0).await.unwrap();
        TALLY.note("a huge lie", told.is_success());
    }

    /// Done or refused.
    async fn attempt(&self, by: &Account, call: Call) {
        drop(by.send(self.escrow(), call, 0).await.unwrap());
    }

    /// All that sends: it comes back, for there is none of it.
    async fn send_round(&self, op: &Op, (payee, channel): (Person, ChannelId), edge: EdgeId) {
        let distribute = Distribute { channel, splits: self.huge_splits(), offer: None, shares: vec![0] };
        self.attempt(self.harness.root(), call(escrow::distribute, &distribute)).await;
        if op.flag {
            let purse = OfAgent { agent: self.agent, asset: self.liars() };
            self.attempt(&self.people[BOT], call(escrow::empty_purse, &purse)).await;
        }
        if op.share > 900 {
            self.attempt(&self.people[BOT], call(escrow::end_edge, &EdgeRef { edge })).await;
        }
        if self.model.gone.contains(&payee) {
            return;
        }
        let withdraw = call(escrow::withdraw, &Channels { channels: vec![channel] });
        self.attempt(&self.people[payee], withdraw).await;
        if op.share > 800 {
            self.attempt(&self.people[payee], call(escrow::close, &ChannelRef { channel })).await;
        }
    }

    fn check_others(&self, (before, after): (&Purses, &Purses), callers: &[Person], what: &str) {
        for (person, had) in before.iter().filter(|(person, _)| !callers.contains(person)) {
            let has = &after[person];
            assert_eq!((has.yocto, has.prepaid), (had.yocto, had.prepaid), "what {} has: {what}", NAMES[*person]);
        }
    }

    async fn check_liars(&self, what: &str) {
        let sums = self.view(escrow::totals, &OfAsset { asset: self.liars() }).await;
        let parts = [sums.held, sums.in_flight, sums.paid, sums.refunded];
        let accounted = parts.iter().try_fold(0_u128, |sum, part| sum.checked_add(part.0));
        assert_eq!(Some(sums.deposited.0), accounted, "INV-ESC-1: of the liar: {sums:?}: {what}");
        assert_eq!(sums.in_flight.0, 0, "INV-ESC-9: of the liar: {what}");
        let purse = PurseRef { agent: self.agent, owner: self.id(BOT), asset: self.liars() };
        let purse = self.view(escrow::purse, &purse).await.map_or(0, |purse| purse.balance.0);
        assert!(purse <= sums.held.0, "INV-ESC-1: the liar's purse: {sums:?}: {what}");
    }

    async fn note_what_is_there(&mut self) {
        let Some(Lied { channels, .. }) = &self.lied else { return };
        let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.0).collect();
        let seen = self.view(escrow::channels, &Channels { channels: ids }).await;
        let there: Vec<(ChannelId, u128)> = seen.iter().map(|one| (one.id, one.deposited.0)).collect();
        if let Some(lied) = &mut self.lied {
            for (id, deposited) in &mut lied.channels {
                *deposited = there.iter().find(|one| one.0 == *id).map_or(*deposited, |one| one.1);
            }
        }
    }
}
