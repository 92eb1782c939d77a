//! Any order of payments, repeats, claims, closes, top-ups, waits and starts: a payee says what a small model says that was
//! written apart from it, and one that looks once a minute and claims what is due loses nothing. `PROPTEST_CASES=2000` plays
//! longer.
//!
//! Take a margin out of `Margins::claim_by_ms`, `look_again`'s condition out of `Seen`, the last ones or those that outlast
//! them out of `Ledger::keep`, the time of a claim out of `Ledger::best` or the expiry out of `Ledger::deadline_ms`, and one
//! of these fails.

use std::collections::BTreeMap;

use charter_client::pay::{Answer, Payee, Seen};
use charter_types::Signature64;
use charter_types::escrow::{ChannelId, ClaimRow, Voucher};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof};
use proptest::{collection, proptest};

use crate::chain::{CLAIM_MS, Chain, DELAY_MS, LOOK_MS, id, signed, voucher};
use crate::payee::payee;
use crate::stand_in::{FilesStandIn, Left};

const CHANNELS: u8 = 2;
const CASES: u32 = 64;
/// Half of [`CLAIM_MS`]: by so much a clock is wrong at most, and so long a claim takes.
const HALF_MS: i64 = 30_000;

/// proptest reads the variable itself, but not for who says how many there are without it.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

#[derive(Clone, Debug)]
enum Move {
    /// A voucher for `price` more than the last one, and `over` more or less than that; good for so long.
    Pay {
        price: u128,
        over: i8,
        lasts_ms: Option<u64>,
        bent: bool,
    },
    /// Many for 1 more each, all good for so long, or each for a little less than the one before.
    Many {
        count: u64,
        lasts_ms: u64,
        less_ms: u64,
    },
    /// One that was sent before, counted from the last, at its price or another.
    Again {
        back: usize,
        price: Option<u128>,
    },
    Look,
    /// An answer of a node that was overtaken by others.
    LookLate,
    RequestClose,
    CancelClose,
    Lock(u64),
    TopUp(u128),
    Claim,
    FinalizeClose,
    Wait(u64),
    Compact,
    /// Everything stops, and the payee starts from its disk.
    Start,
}

fn moves() -> impl Strategy<Value = Move> {
    let least_ms = LOOK_MS + CLAIM_MS;
    let lasts_ms = prop_oneof![
        6 => Just(None),
        1 => (0..least_ms).prop_map(Some),
        2 => (least_ms - 1..least_ms + 2).prop_map(Some),
        1 => (0..2 * DELAY_MS).prop_map(Some),
    ];
    let many = (1_u64..24, prop_oneof![least_ms..least_ms + 24, least_ms..DELAY_MS], 0_u64..2)
        .prop_map(|(count, lasts_ms, less_ms)| Move::Many { count, lasts_ms, less_ms });
    let pay = (0_u128..60, prop_oneof![5 => Just(0_i8), 1 => -3_i8..4], lasts_ms, proptest::bool::weighted(0.05))
        .prop_map(|(price, over, lasts_ms, bent)| Move::Pay { price, over, lasts_ms, bent });
    let again = (0_usize..20, prop_oneof![3 => Just(None), 1 => (0_u128..60).prop_map(Some)])
        .prop_map(|(back, price)| Move::Again { back, price });
    prop_oneof![
        12 => pay,
        2 => many,
        4 => again,
        3 => Just(Move::Look),
        1 => Just(Move::LookLate),
        1 => Just(Move::RequestClose),
        1 => Just(Move::CancelClose),
        1 => (0..DELAY_MS).prop_map(Move::Lock),
        1 => (0_u128..500).prop_map(Move::TopUp),
        1 => Just(Move::Claim),
        1 => Just(Move::FinalizeClose),
        3 => (1..CLAIM_MS + 1).prop_map(Move::Wait),
        1 => (1..2 * DELAY_MS).prop_map(Move::Wait),
        1 => Just(Move::Compact),
        1 => Just(Move::Start),
    ]
}

/// A voucher that somebody sent, and for what price it was accepted.
type Sent = (Voucher, Signature64, Option<u128>);

fn good_until_ms(voucher: &Voucher) -> u64 {
    if voucher.expires_at_ms == 0 { u64::MAX } else { voucher.expires_at_ms }
}

/// What `docs/payments.md` says that a payee knows of one channel.
#[derive(Default)]
struct Known {
    looked: Option<Seen>,
    /// All that was ever accepted, with its price.
    accepted: Vec<(Voucher, u128)>,
}

impl Known {
    fn stands(&self, looked: &Seen) -> u128 {
        looked.claimed.max(self.accepted.last().map_or(0, |(voucher, _)| voucher.cumulative))
    }

    /// The table of `accept`, row by row.
    fn told(&self, voucher: &Voucher, is_signed: bool, price: u128, now_ms: u64) -> &'static str {
        let Some(looked) = self.looked.as_ref().filter(|looked| !looked.closed) else {
            return "ESCROW_UNKNOWN_CHANNEL";
        };
        let before = self.accepted.iter().rev().take(16).find(|(before, _)| before == voucher);
        if let Some((_, paid)) = before {
            return match (is_signed, *paid == price) {
                (false, _) => "ESCROW_BAD_SIGNATURE",
                (true, true) => "repeat",
                (true, false) => "PAY_NOT_NEXT",
            };
        }
        let claimed_ms = now_ms + LOOK_MS + CLAIM_MS;
        let ends_ms = looked.closes_ms.unwrap_or(looked.at_ms + DELAY_MS).max(looked.locked_until_ms);
        if claimed_ms >= ends_ms {
            "ESCROW_CLOSING"
        } else if good_until_ms(voucher) < now_ms {
            "ESCROW_EXPIRED"
        } else if good_until_ms(voucher) < claimed_ms {
            "PAY_EXPIRES_SOON"
        } else if voucher.cumulative > looked.deposited {
            "ESCROW_OVER_DEPOSIT"
        } else if voucher.cumulative == 0 {
            "ESCROW_NOT_HIGHER"
        } else if price == 0 {
            "PAY_WRONG_PRICE"
        } else if !is_signed {
            "ESCROW_BAD_SIGNATURE"
        } else if voucher.cumulative != self.stands(looked) + price {
            "PAY_NOT_NEXT"
        } else if self.longer(voucher, looked.claimed) >= 16 {
            "PAY_TOO_MANY_EXPIRIES"
        } else {
            "accepted"
        }
    }

    /// How many that are not claimed are each good for longer than all that came after them, and than this one.
    fn longer(&self, voucher: &Voucher, claimed: u128) -> usize {
        let mut longest_ms = good_until_ms(voucher);
        let is_longer = |(before, _): &&(Voucher, u128)| {
            let until_ms = good_until_ms(before);
            let is_longer = until_ms > longest_ms;
            longest_ms = longest_ms.max(until_ms);
            is_longer && before.cumulative > claimed
        };
        self.accepted.iter().rev().filter(is_longer).count()
    }

    /// What a claim would bring, of all that was ever accepted: the most that is good for as long as a claim takes, else the
    /// most that is still good. `None`, too, if nobody has looked.
    fn brings(&self, now_ms: u64) -> Option<u128> {
        let looked = self.looked.as_ref().filter(|looked| !looked.closed)?;
        let good = |at_ms| {
            let good = self.accepted.iter().filter(|(voucher, _)| good_until_ms(voucher) >= at_ms);
            good.filter_map(|(voucher, _)| voucher.cumulative.checked_sub(looked.claimed))
                .max()
                .filter(|more| *more > 0)
        };
        good(now_ms + CLAIM_MS).or_else(|| good(now_ms))
    }
}

struct World {
    chain: Chain,
    files: FilesStandIn,
    payee: Payee,
    known: BTreeMap<ChannelId, Known>,
    sent: Vec<Sent>,
    counter: u64,
    /// By how much the payee's clock is ahead of the chain's.
    ahead_ms: i64,
}

impl World {
    fn new(ahead_ms: i64) -> Self {
        let files = FilesStandIn::default();
        let known = (0..CHANNELS).map(|number| (id(number), Known::default())).collect();
        let payee = payee(&files);
        Self { chain: Chain::new(CHANNELS), files, payee, known, sent: Vec::new(), counter: 0, ahead_ms }
    }

    /// What the payee takes for now.
    fn now_ms(&self) -> u64 {
        self.chain.now_ms.saturating_add_signed(self.ahead_ms)
    }

    fn look(&mut self, channel: ChannelId) {
        let seen = self.chain.show(channel);
        self.payee.see(seen.clone()).unwrap();
        self.known.get_mut(&channel).unwrap().looked = Some(seen);
    }

    async fn send(&mut self, voucher: Voucher, signature: Signature64, price: u128) {
        let now_ms = self.now_ms();
        let known = self.known.get_mut(&voucher.channel).unwrap();
        let is_signed = signature == signed(&voucher);
        let expected = known.told(&voucher, is_signed, price, now_ms);
        let answer = self.payee.accept(&voucher, &signature, price, now_ms).await.unwrap();
        let told = match &answer {
            Answer::Accepted(accepted) if accepted.repeat => "repeat",
            Answer::Accepted(_) => "accepted",
            Answer::Refused(refusal) => refusal.code(),
        };
        assert_eq!(told, expected, "{voucher:?} for {price} at {now_ms}");
        if told == "accepted" {
            known.accepted.push((voucher.clone(), price));
        }
        // Of a channel that is closed the log may have been rid.
        if !self.chain.channels[&voucher.channel].closed {
            let last = known.accepted.last().map(|(voucher, _)| voucher.cumulative);
            assert_eq!(self.payee.last(voucher.channel).map(|row| row.cumulative), last);
        }
        self.sent.push((voucher, signature, (told == "accepted").then_some(price)));
    }

    /// The payee claims whatever a claim would bring something on.
    fn claim(&mut self, channels: &[ChannelId]) {
        for row in self.payee.claim_rows(channels, self.now_ms()).concat() {
            self.chain.claim(&row);
        }
    }

    fn look_at_all(&mut self) {
        for number in 0..CHANNELS {
            self.look(id(number));
        }
    }

    /// A voucher for `price` more than where the channel stands, and `over` more than that.
    async fn pay(&mut self, channel: ChannelId, (price, over): (u128, i8), expires_at_ms: u64, bent: bool) {
        let known = &self.known[&channel];
        let stands = known.looked.as_ref().map_or(0, |looked| known.stands(looked));
        let cumulative = stands.saturating_add(price).saturating_add_signed(over.into());
        self.counter += 1;
        let voucher = Voucher { channel, counter: self.counter, expires_at_ms, ..voucher(0, cumulative) };
        let mut signature = signed(&voucher);
        signature.0[0] ^= u8::from(bent);
        self.send(voucher, signature, price).await;
    }

    /// Whatever has expired and whatever was left out of the log, nothing is forgotten that could be claimed.
    fn check(&self) {
        let unclaimed: BTreeMap<_, _> = self.payee.unclaimed(self.now_ms()).into_iter().collect();
        for (channel, known) in &self.known {
            // Of a channel that is closed the log may have been rid.
            if known.looked.is_some() && !self.chain.channels[channel].closed {
                assert_eq!(unclaimed.get(channel).copied(), known.brings(self.now_ms()), "{channel}");
            }
        }
    }

    async fn play(&mut self, channel: ChannelId, one: Move) {
        match one {
            Move::Pay { price, over, lasts_ms, bent } => {
                let expires_at_ms = lasts_ms.map_or(0, |lasts_ms| self.chain.now_ms + lasts_ms);
                self.pay(channel, (price, over), expires_at_ms, bent).await;
            }
            Move::Many { count, lasts_ms, less_ms } => {
                let expires_at_ms = self.chain.now_ms + lasts_ms;
                for number in 0..count {
                    self.pay(channel, (1, 0), expires_at_ms - number * less_ms, false).await;
                }
            }
            Move::Again { back, price } => {
                let Some((voucher, signature, paid)) = self.sent.iter().rev().nth(back).cloned() else { return };
                self.send(voucher, signature, price.or(paid).unwrap_or(1)).await;
            }
            Move::Look => self.look(channel),
            Move::LookLate => {
                if let Some(looked) = &self.known[&channel].looked {
                    let late = Seen { at_ms: looked.at_ms - 1, closed: true, ..looked.clone() };
                    self.payee.see(late).unwrap();
                }
            }
            Move::RequestClose => self.chain.request_close(channel),
            Move::CancelClose => self.chain.cancel_close(channel),
            Move::Lock(lock_ms) => self.chain.lock(channel, self.chain.now_ms + lock_ms),
            Move::TopUp(amount) => self.chain.top_up(channel, amount),
            Move::Claim => self.claim(&[channel]),
            Move::FinalizeClose => self.chain.finalize_close(channel),
            Move::Wait(wait_ms) => self.chain.now_ms += wait_ms,
            Move::Compact => self.payee.compact().await.unwrap(),
            Move::Start => self.start(),
        }
    }

    fn start(&mut self) {
        self.files = self.files.crash(Left { tail: 0, names: false });
        self.payee = payee(&self.files);
        for known in self.known.values_mut() {
            known.looked = None;
        }
    }
}

/// A payee that does what the page asks for, and no more: it looks once a minute, and what it claims is on chain some time
/// later.
struct Diligent {
    world: World,
    looks_at_ms: u64,
    claim_takes_ms: u64,
    /// On their way, and when they are there.
    claims: Option<(u64, Vec<ClaimRow>)>,
}

impl Diligent {
    fn new(ahead_ms: i64, claim_takes_ms: u64) -> Self {
        let world = World::new(ahead_ms);
        Self { looks_at_ms: world.chain.now_ms, world, claim_takes_ms, claims: None }
    }

    /// Time goes on by so much, and the payee does what it has to.
    fn wait(&mut self, wait_ms: u64) {
        let end_ms = self.world.chain.now_ms + wait_ms;
        loop {
            let lands_at_ms = self.claims.as_ref().map_or(u64::MAX, |(lands_at_ms, _)| *lands_at_ms);
            let next_ms = lands_at_ms.min(self.looks_at_ms);
            if next_ms > end_ms {
                break;
            }
            self.world.chain.now_ms = next_ms;
            if lands_at_ms == next_ms { self.land() } else { self.look() }
        }
        self.world.chain.now_ms = end_ms;
    }

    fn look(&mut self) {
        self.looks_at_ms += LOOK_MS;
        self.world.look_at_all();
        let now_ms = self.world.now_ms();
        let rows = self.world.payee.claim_rows(&self.world.payee.due(now_ms), now_ms).concat();
        self.claims = Some((self.world.chain.now_ms + self.claim_takes_ms, rows));
    }

    fn land(&mut self) {
        let (_, rows) = self.claims.take().unwrap();
        for row in rows {
            self.world.chain.claim(&row);
        }
        self.world.look_at_all();
    }
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_payee_says_what_the_table_says(moves in collection::vec((0..CHANNELS, moves()), 1..80)) {
        block_on(async {
            let mut world = World::new(0);
            world.look(id(0));
            for (number, one) in moves {
                world.play(id(number), one).await;
                world.check();
            }
        });
    }

    /// The payer does what it likes. The payee looks once a minute and claims what is due; its claims take their time, its
    /// clock goes wrong, and both together by as much as a margin is for.
    #[test]
    fn a_payee_that_claims_what_is_due_loses_nothing(
        moves in collection::vec((0..CHANNELS, moves()), 1..150),
        ahead_ms in -HALF_MS..=HALF_MS,
        claim_takes_ms in 0..=CLAIM_MS / 2,
    ) {
        block_on(async {
            let mut diligent = Diligent::new(ahead_ms, claim_takes_ms);
            diligent.wait(0);
            for (number, one) in moves {
                match one {
                    Move::Wait(wait_ms) => diligent.wait(wait_ms),
                    // It claims only what is due.
                    Move::Claim => {}
                    other => diligent.world.play(id(number), other).await,
                }
            }
            // In the end the payer asks for all of its money, and takes it as soon as it can.
            for number in 0..CHANNELS {
                diligent.world.chain.request_close(id(number));
            }
            for _ in 0..=3 * DELAY_MS / LOOK_MS {
                diligent.wait(LOOK_MS);
                for number in 0..CHANNELS {
                    diligent.world.chain.finalize_close(id(number));
                }
            }
            for (channel, known) in &diligent.world.known {
                let accepted = known.accepted.last().map_or(0, |(voucher, _)| voucher.cumulative);
                let found = diligent.world.chain.show(*channel);
                assert!(found.closed);
                assert_eq!(found.claimed, accepted, "{channel}");
            }
        });
    }
}
