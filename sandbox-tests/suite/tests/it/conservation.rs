//! Conservation of money in the escrow, over random operations on the real wasm.
//!
//! After every step: `deposited = held + in_flight + paid + refunded` (INV-ESC-1), no channel pays more than was claimed
//! or claims more than was deposited (INV-ESC-2), and the contract's balance covers what it holds (INV-ESC-11). Leave out
//! the line `self.totals.held = self.less(self.totals.held, sum)?` in `pay_out`, or the check of `cumulative` against
//! `deposited` in `Channel::claim`, and this fails.

use std::time::Duration;

use charter_harness::{Call, Caller, Harness, call};
use charter_types::Hash32;
use charter_types::escrow::WITHDRAW_DELAY_MS_MIN;
use charter_types::escrow::args::{ChannelRef, Channels};
use charter_types::escrow::methods as escrow;
use charter_types::method::Method;
use near_workspaces::Account;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::TestRunner;

use crate::escrow::{channel, claim, open, row, totals};

#[derive(Clone, Debug)]
enum Op {
    Open,
    TopUp { channel: usize, amount: u64 },
    Claim { channel: usize, thousandths: u16, withdraw: bool },
    Withdraw { channel: usize },
    Close { channel: usize },
    RequestClose { channel: usize },
    CancelClose { channel: usize },
    FinalizeClose { channel: usize },
    Wait,
}

fn op() -> impl Strategy<Value = Op> {
    let channel = 0_usize..4;
    prop_oneof![
        Just(Op::Open),
        (channel.clone(), any::<u64>()).prop_map(|(channel, amount)| Op::TopUp { channel, amount }),
        (channel.clone(), 0_u16..1_200, any::<bool>()).prop_map(|(channel, thousandths, withdraw)| Op::Claim {
            channel,
            thousandths,
            withdraw
        }),
        channel.clone().prop_map(|channel| Op::Withdraw { channel }),
        channel.clone().prop_map(|channel| Op::Close { channel }),
        channel.clone().prop_map(|channel| Op::RequestClose { channel }),
        channel.clone().prop_map(|channel| Op::CancelClose { channel }),
        channel.prop_map(|channel| Op::FinalizeClose { channel }),
        Just(Op::Wait),
    ]
}

/// What one channel's deposit is, storage aside.
const UNIT: u128 = 1_000_000_000_000_000_000_000_000;

struct World {
    harness: Harness,
    payer: Account,
    payee: Account,
    channels: Vec<Hash32>,
}

impl World {
    async fn step(&mut self, op: &Op) {
        let pick = |index: &usize| self.channels.get(*index).copied();
        match op {
            Op::Open if self.channels.len() < 4 => {
                let id = open(&self.harness, &self.payer, &self.payee).await;
                self.channels.push(id);
            }
            Op::Open => {}
            Op::Wait => self.harness.wait(Duration::from_millis(WITHDRAW_DELAY_MS_MIN)).await.unwrap(),
            Op::Claim { channel, thousandths, withdraw } => {
                let Some(id) = pick(channel) else { return };
                let row = row(&self.harness, id, UNIT / 1_000 * u128::from(*thousandths));
                claim(&self.harness, &self.payee, vec![row], *withdraw).await;
            }
            Op::Withdraw { channel } => {
                let Some(id) = pick(channel) else { return };
                self.send(&self.payee, call(escrow::withdraw, &Channels { channels: vec![id] }), 0).await;
            }
            Op::TopUp { channel, amount } => {
                self.send_about(&self.payer, escrow::top_up, pick(channel), u128::from(*amount)).await;
            }
            Op::Close { channel } => self.send_about(&self.payee, escrow::close, pick(channel), 0).await,
            Op::RequestClose { channel } => self.send_about(&self.payer, escrow::request_close, pick(channel), 1).await,
            Op::CancelClose { channel } => self.send_about(&self.payer, escrow::cancel_close, pick(channel), 1).await,
            Op::FinalizeClose { channel } => {
                self.send_about(&self.payer, escrow::finalize_close, pick(channel), 0).await;
            }
        }
    }

    async fn send_about<M: Method<Args = ChannelRef>>(&self, by: &Account, method: M, id: Option<Hash32>, yocto: u128) {
        let Some(channel) = id else { return };
        self.send(by, call(method, &ChannelRef { channel }), yocto).await;
    }

    async fn send(&self, by: &Account, call: Call, yocto: u128) {
        // Refusals are part of the game: the books are what is checked.
        let _ = by.send(&self.harness.contracts.escrow, call, yocto).await.unwrap();
    }

    async fn check(&self, op: &Op) {
        let sums = totals(&self.harness).await;
        let accounted = sums.held.0 + sums.in_flight.0 + sums.paid.0 + sums.refunded.0;
        assert_eq!(sums.deposited.0, accounted, "after {op:?}");
        let mut held = 0;
        for id in &self.channels {
            let Some(channel) = channel(&self.harness, *id).await else { continue };
            assert!(channel.paid <= channel.claimed, "{channel:?}");
            assert!(channel.claimed.0 + channel.refunded.0 <= channel.deposited.0, "{channel:?}");
            held += channel.deposited.0 - channel.paid.0 - channel.refunded.0;
        }
        assert_eq!(sums.held.0, held, "after {op:?}");
        let account = self.harness.worker.view_account(&self.harness.contracts.escrow).await.unwrap();
        let storage = u128::from(account.storage_usage) * 10_000_000_000_000_000_000;
        assert!(account.balance.as_yoctonear() >= held + storage, "after {op:?}");
    }
}

#[test]
fn money_is_conserved_after_every_step() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let ops = vec(op(), 1..30);
    TestRunner::new(config)
        .run(&ops, |ops| {
            runtime.block_on(async {
                let harness = Harness::start().await.unwrap();
                let (payer, payee) = (harness.account("payer").await.unwrap(), harness.account("payee").await.unwrap());
                let mut world = World { harness, payer, payee, channels: Vec::new() };
                for op in &ops {
                    world.step(op).await;
                    world.check(op).await;
                }
            });
            Ok(())
        })
        .unwrap();
}
