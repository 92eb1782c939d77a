//! Any order of payments, repeats, claims, closes, top-ups, waits and starts: a payee says what a small model says that was
//! written apart from it, and one that claims what is due loses nothing. `PROPTEST_CASES=2000` plays longer.
//!
//! Take the margin out of `Payee::judge`, `look_again`'s condition out of `Seen`, the window out of `Ledger::keep` or the
//! expiry out of `Ledger::deadline_ms`, and one of these fails.

use std::collections::BTreeMap;

use charter_client::pay::{Answer, Payee, Seen};
use charter_types::Signature64;
use charter_types::escrow::{ChannelId, Voucher};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof};
use proptest::{collection, proptest};

use crate::chain::{CLAIM_MS, Chain, DELAY_MS, id, signed, voucher};
use crate::payee::payee;
use crate::stand_in::{FilesStandIn, Left};

const CHANNELS: u8 = 2;
const CASES: u32 = 64;

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
    TopUp(u128),
    Claim,
    FinalizeClose,
    Wait(u64),
    Compact,
    /// Everything stops, and the payee starts from its disk.
    Start,
}

fn moves() -> impl Strategy<Value = Move> {
    let lasts_ms = prop_oneof![
        4 => Just(None),
        2 => (0..2 * CLAIM_MS).prop_map(Some),
        1 => (0..2 * DELAY_MS).prop_map(Some),
    ];
    let pay = (0_u128..60, prop_oneof![5 => Just(0_i8), 1 => -3_i8..4], lasts_ms, proptest::bool::weighted(0.05))
        .prop_map(|(price, over, lasts_ms, bent)| Move::Pay { price, over, lasts_ms, bent });
    let again = (0_usize..20, prop_oneof![3 => Just(None), 1 => (0_u128..60).prop_map(Some)])
        .prop_map(|(back, price)| Move::Again { back, price });
    prop_oneof![
        12 => pay,
        4 => again,
        3 => Just(Move::Look),
        1 => Just(Move::LookLate),
        1 => Just(Move::RequestClose),
        1 => Just(Move::CancelClose),
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
        let claimed_ms = now_ms + CLAIM_MS;
        let ends_ms = looked.closes_ms.unwrap_or(looked.at_ms + DELAY_MS);
        if claimed_ms >= ends_ms {
            "ESCROW_CLOSING"
        } else if voucher.expires_at_ms != 0 && voucher.expires_at_ms < claimed_ms {
            "ESCROW_EXPIRED"
        } else if voucher.cumulative > looked.deposited {
            "ESCROW_OVER_DEPOSIT"
        } else if voucher.cumulative == 0 {
            "ESCROW_NOT_HIGHER"
        } else if price == 0 {
            "PAY_WRONG_PRICE"
        } else if !is_signed {
            "ESCROW_BAD_SIGNATURE"
        } else if voucher.cumulative == self.stands(looked) + price {
            "accepted"
        } else {
            "PAY_NOT_NEXT"
        }
    }
}

struct World {
    chain: Chain,
    files: FilesStandIn,
    payee: Payee,
    known: BTreeMap<ChannelId, Known>,
    sent: Vec<Sent>,
    counter: u64,
}

impl World {
    fn new() -> Self {
        let files = FilesStandIn::default();
        let known = (0..CHANNELS).map(|number| (id(number), Known::default())).collect();
        let payee = payee(&files);
        Self { chain: Chain::new(CHANNELS), files, payee, known, sent: Vec::new(), counter: 0 }
    }

    fn look(&mut self, channel: ChannelId) {
        let seen = self.chain.show(channel);
        self.payee.see(seen.clone()).unwrap();
        self.known.get_mut(&channel).unwrap().looked = Some(seen);
    }

    async fn send(&mut self, voucher: Voucher, signature: Signature64, price: u128) {
        let now_ms = self.chain.now_ms;
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
        for row in self.payee.claim_rows(channels, self.chain.now_ms).concat() {
            self.chain.claim(&row);
        }
    }

    /// What a diligent payee does.
    fn attend(&mut self) {
        for number in 0..CHANNELS {
            self.look(id(number));
        }
        let due = self.payee.due(self.chain.now_ms);
        self.claim(&due);
        for number in 0..CHANNELS {
            self.look(id(number));
        }
    }

    async fn play(&mut self, channel: ChannelId, one: Move) {
        match one {
            Move::Pay { price, over, lasts_ms, bent } => {
                let known = &self.known[&channel];
                let stands = known.looked.as_ref().map_or(0, |looked| known.stands(looked));
                let cumulative = stands.saturating_add(price).saturating_add_signed(over.into());
                let expires_at_ms = lasts_ms.map_or(0, |lasts_ms| self.chain.now_ms + lasts_ms);
                self.counter += 1;
                let voucher = Voucher { channel, counter: self.counter, expires_at_ms, ..voucher(0, cumulative) };
                let mut signature = signed(&voucher);
                signature.0[0] ^= u8::from(bent);
                self.send(voucher, signature, price).await;
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

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_payee_says_what_the_table_says(moves in collection::vec((0..CHANNELS, moves()), 1..80)) {
        block_on(async {
            let mut world = World::new();
            world.look(id(0));
            for (number, one) in moves {
                world.play(id(number), one).await;
            }
        });
    }

    /// The payer does what it likes. The payee looks once a minute, and claims what is due.
    #[test]
    fn a_payee_that_claims_what_is_due_loses_nothing(moves in collection::vec((0..CHANNELS, moves()), 1..150)) {
        block_on(async {
            let mut world = World::new();
            world.attend();
            for (number, one) in moves {
                match one {
                    Move::Wait(wait_ms) => world.chain.now_ms += wait_ms.min(CLAIM_MS),
                    // It claims only what is due.
                    Move::Claim => {}
                    other => world.play(id(number), other).await,
                }
                world.attend();
            }
            // In the end the payer asks for all of its money, and waits for it.
            for number in 0..CHANNELS {
                world.chain.request_close(id(number));
            }
            for _ in 0..=2 * DELAY_MS / CLAIM_MS {
                world.attend();
                world.chain.now_ms += CLAIM_MS;
                for number in 0..CHANNELS {
                    world.chain.finalize_close(id(number));
                }
            }
            for (channel, known) in &world.known {
                let accepted = known.accepted.last().map_or(0, |(voucher, _)| voucher.cumulative);
                let found = world.chain.show(*channel);
                assert!(found.closed);
                assert_eq!(found.claimed, accepted, "{channel}");
            }
        });
    }
}
