//! INV-ESC-13: a token that tells of amounts near all there can be, of which it has none. Whoever took it has what it
//! promised; who did not notices nothing. What becomes of the liar's own is nobody's business here, but that its sums agree,
//! that what is claimed of it is sent, and that calls about it are done or refused with a code.

use charter_harness::arguments::DEPOSIT;
use charter_harness::{Call, Caller, Outcome, answer, call, failed_with, ok, raw};
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
use super::verdicts::{fail_if_any, failure_of, is_code};
use super::{NAMES, TALLY, World};
use crate::escrow_bytes::{Message, domain};
use crate::escrow_scene::presented;

/// Signs vouchers of the liar's channels.
const KEY: [u8; 32] = [210; 32];
/// Half of it for a share: multiplied it is more than fits for the payee, too, who is paid within a batch. With one part of
/// its own left to the payee only the share's would be.
const BPS: u16 = 5_000;

/// Which of four lies it is: as large as fits beside all that was told before, to whom was told most.
const ALL_THAT_IS_LEFT: usize = 3;

/// What is there in the liar's token: a channel to everybody but the bot, who pays them, and a purse and an edge of the bot.
pub struct Lied {
    /// By payee.
    channels: Vec<Huge>,
    edge: EdgeId,
}

/// A channel as it was when somebody looked.
struct Huge {
    id: ChannelId,
    deposited: u128,
    closed: bool,
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
            let id = ok(bot, self.escrow(), escrow::open, &open, DEPOSIT).await;
            channels.push(Huge { id, deposited: 0, closed: false });
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
            weak: None,
        };
        let terms = OpenEdge { asset, ..self.open_edge(&terms) };
        let edge = ok(bot, self.escrow(), escrow::open_edge, &terms, DEPOSIT).await;
        Lied { channels, edge }
    }

    /// Vouchers for all that was ever said to be in the liar's channels: in every batch beside what is honest, they are taken
    /// or refused, paid out in vain, and change nothing of it.
    pub(super) fn huge_rows(&self) -> Vec<ClaimRow> {
        let channels = self.lied.iter().flat_map(|lied| &lied.channels);
        let row = |channel: &Huge| {
            let (domain, cumulative) = (domain(&self.harness), channel.deposited);
            let message = Message { domain, about: channel.id.0, cumulative, ..Message::default() };
            presented(&message, sign(KEY, &message.bytes()).0)
        };
        channels.map(row).collect()
    }

    /// Whom the liar promised most, of those who have an account, and a channel that is open.
    pub(super) fn huge_payee(&self) -> Option<Person> {
        let channels = self.lied.iter().flat_map(|lied| &lied.channels).enumerate();
        let open = channels.filter(|(payee, channel)| !channel.closed && !self.model.gone.contains(payee));
        let promised = open.filter(|(_, channel)| channel.deposited > 0);
        promised.max_by_key(|(_, channel)| channel.deposited).map(|(payee, _)| payee)
    }

    /// Who is promised more: whose channel is open, if there is one.
    fn payee_of_lies(&self, op: &Op, channels: &[Huge]) -> Person {
        let known = self.huge_payee().filter(|_| op.pick % 4 == ALL_THAT_IS_LEFT);
        let is_left_out = |payee: &Person| op.rightly && self.model.gone.contains(payee);
        let can_claim = |payee: &Person| !channels[*payee].closed && !is_left_out(payee);
        let others = || (0..channels.len()).map(|place| (op.other + place) % channels.len()).find(can_claim);
        known.or_else(others).unwrap_or(op.other % channels.len())
    }

    /// The liar tells of huge amounts for one of each, which then go round.
    pub(super) async fn lie_hugely(&mut self, op: &Op) {
        if self.lied.is_none() {
            self.lied = Some(self.open_in_liars().await);
        }
        let before = self.purses().await;
        let Some(Lied { channels, edge }) = &self.lied else { return };
        let (payee, edge) = (self.payee_of_lies(op, channels), *edge);
        let channel = channels[payee].id;
        let amount = match op.pick % 4 {
            0 => u128::MAX,
            1 => u128::MAX / 2,
            // Multiplied it is just more than fits.
            2 => u128::MAX / u128::from(BPS) + op.share,
            _ => self.left_of_liars().await.saturating_sub(op.share),
        };
        let targets = [
            json!({ "top_up": { "channel": channel } }),
            json!({ "purse": { "agent": self.agent } }),
            json!({ "edge": { "edge": edge } }),
        ];
        for target in &targets {
            self.tell_a_lie(amount, target).await;
        }
        let what = format!("INV-ESC-13: {amount} of a token that lies for {payee}: {op:?}");
        let round = failure_of(self.send_round(op, (payee, channel), edge, &what)).await;
        let after = self.purses().await;
        self.check_others((&before, &after), &[BOT, payee], &what);
        self.check_liars(&what).await;
        self.note_what_is_there().await;
        let mut failures = self.failures(&after, &what).await;
        failures.push(round);
        fail_if_any(failures);
    }

    /// Of all that there can be.
    async fn left_of_liars(&self) -> u128 {
        let sums = self.view(escrow::totals, &OfAsset { asset: self.liars() }).await;
        u128::MAX - sums.held.0
    }

    async fn tell_a_lie(&self, amount: u128, target: &Value) {
        let (receiver, sender_id, msg) = (self.escrow(), self.id(BOT), target.to_string());
        let lie = json!({ "receiver": receiver, "sender_id": sender_id, "amount": U128(amount), "msg": msg });
        let told = self.harness.root().send(&self.liar, raw("lie", lie), 0).await.unwrap();
        TALLY.note("a huge lie", told.is_success());
    }

    /// Done or refused.
    async fn attempt(&self, by: &Account, call: Call, what: &str) {
        check_end(&by.send(self.escrow(), call, 0).await.unwrap(), what);
    }

    /// What a share is owed of all that is claimed is due to it again and again, for it never arrives.
    async fn distribute(&self, channel: ChannelId, what: &str) {
        let seen = self.view(escrow::channels, &Channels { channels: vec![channel] }).await;
        let args = Distribute { channel, splits: self.huge_splits(), offer: None, shares: vec![0] };
        let outcome = self.harness.root().send(self.escrow(), call(escrow::distribute, &args), 0).await.unwrap();
        check_end(&outcome, what);
        let Some(claimed) = seen.first().map(|one| one.claimed.0) else { return };
        let (parts, whole) = (u128::from(BPS), 10_000);
        let owed = claimed / whole * parts + claimed % whole * parts / whole;
        let sent = match failed_with(&outcome) {
            None => Ok(answer(escrow::distribute, &outcome).unwrap().0),
            Some(code) => Err(code),
        };
        TALLY.note("a huge distribution", sent.is_ok());
        let expected = if owed > 0 { Ok(owed) } else { Err("ESCROW_NOTHING_DUE".to_owned()) };
        assert_eq!(sent, expected, "what a share is sent of {claimed}: {what}");
    }

    /// All that sends: it comes back, for there is none of it.
    async fn send_round(&self, op: &Op, (payee, channel): (Person, ChannelId), edge: EdgeId, what: &str) {
        self.distribute(channel, what).await;
        if op.flag {
            let purse = OfAgent { agent: self.agent, asset: self.liars() };
            self.attempt(&self.people[BOT], call(escrow::empty_purse, &purse), what).await;
        }
        if op.share > 900 {
            self.attempt(&self.people[BOT], call(escrow::end_edge, &EdgeRef { edge }), what).await;
        }
        if self.model.gone.contains(&payee) {
            return;
        }
        let withdraw = call(escrow::withdraw, &Channels { channels: vec![channel] });
        self.attempt(&self.people[payee], withdraw, what).await;
        if op.share > 800 {
            self.attempt(&self.people[payee], call(escrow::close, &ChannelRef { channel }), what).await;
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
        let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
        let seen = self.view(escrow::channels, &Channels { channels: ids }).await;
        for channel in self.lied.iter_mut().flat_map(|lied| &mut lied.channels) {
            match seen.iter().find(|one| one.id == channel.id) {
                Some(one) => (channel.deposited, channel.closed) = (one.deposited.0, one.closed),
                None => channel.closed = true,
            }
        }
    }
}

/// Whatever it was about, a call is not just stopped.
fn check_end(outcome: &Outcome, what: &str) {
    let stopped = failed_with(outcome).filter(|code| !is_code(code));
    assert_eq!(stopped, None, "neither done nor refused: {what}");
}
