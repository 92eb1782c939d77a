//! Callbacks. They settle and never fail: an error here would roll back our books but not the transfer already made.

use borsh::BorshDeserialize;
use charter_common::{Failure, authority_answer, fail_later, methods, passed_on, succeeded};
use charter_types::escrow::{ChannelId, EscrowError, Fact};
use charter_types::{ErrorCode, U128};
use near_sdk::{PromiseOrValue, env, near};

use super::attribution::{Pulled, Rest};
use super::close::Closing;
use super::distribute::Distribution;
use super::draw::Drawing;
use super::edge_payouts::EdgePending;
use super::payout::Part;
use super::purse::Emptied;
use super::reputation::Syncing;
use crate::model::Payout;
use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    /// After a transfer to a payee.
    #[private]
    pub fn on_paid(&mut self) {
        let parts = Part::read_all(&env::input().unwrap_or_default());
        self.settle_parts(&parts, succeeded(0));
    }

    /// After the transfers of a close: the payee's, then the payer's.
    #[private]
    pub fn on_closed(&mut self) {
        let Some(closing) = pending::<Closing>() else { return };
        // What is nothing was not sent; releases up to 0006 always sent both.
        let last = env::promise_results_count().saturating_sub(1);
        let payout = closing.payout;
        let came_back = Payout {
            to_payee: if succeeded(0) { 0 } else { payout.to_payee },
            to_payer: if succeeded(last) { 0 } else { payout.to_payer },
        };
        self.settle_closing(&closing, came_back);
    }

    /// After a transfer to who has shares.
    #[private]
    pub fn on_distributed(&mut self) {
        if let Some(pending) = pending::<Distribution>() {
            self.settle_distribution(&pending, succeeded(0));
        }
    }

    /// After a transfer to one side of an edge, or to whom a cut goes.
    #[private]
    pub fn on_edge_paid(&mut self) {
        if let Some(pending) = pending::<EdgePending>() {
            self.settle_edge(&pending, succeeded(0));
        }
    }

    /// After a purse was emptied.
    #[private]
    pub fn on_emptied(&mut self) -> PromiseOrValue<U128> {
        let (Some(pending), arrived) = (pending::<Emptied>(), succeeded(0)) else { return sent(0, true) };
        self.settle_emptied(&pending, arrived);
        sent(pending.amount, arrived)
    }

    /// After a transfer to a creator.
    #[private]
    pub fn on_pulled(&mut self) -> PromiseOrValue<U128> {
        let (Some(pending), arrived) = (pending::<Pulled>(), succeeded(0)) else { return sent(0, true) };
        let amount = pending.amount;
        self.settle_pulled(pending, arrived);
        sent(amount, arrived)
    }

    /// After the rest of a reserve was sent to its payee.
    #[private]
    pub fn on_rest_sent(&mut self) -> PromiseOrValue<U128> {
        let (Some(pending), arrived) = (pending::<Rest>(), succeeded(0)) else { return sent(0, true) };
        self.settle_rest(&pending, arrived);
        sent(pending.amount, arrived)
    }

    /// The registry's answer to who draws.
    #[private]
    pub fn on_authority(&mut self) -> PromiseOrValue<ChannelId> {
        let Drawing { caller, reserved, draw } = match passed_on() {
            Ok(drawing) => drawing,
            Err(failure) => return refused(&failure),
        };
        let (agent, authority) = (draw.agent, authority_answer());
        let ready = self.core.storage.end_reservation(&caller, reserved);
        match ready.and_then(|()| self.draw_for(&caller, draw, authority)) {
            Ok(id) => PromiseOrValue::Value(id),
            Err(failure) => {
                self.emit_by("denied", &caller, Fact::Denied { agent, code: failure.code.to_owned() });
                refused(&failure)
            }
        }
    }

    /// The registry's answer to who is paid for an agent.
    #[private]
    pub fn on_agent(&mut self) -> PromiseOrValue<()> {
        let Some(sync) = pending::<Syncing>() else { return PromiseOrValue::Value(()) };
        match self.report(&sync) {
            Ok(reported) => reported.into(),
            Err(failure) => {
                sync.give_back();
                refused(&failure)
            }
        }
    }

    /// After the registry was told. It gives back what its row did not take; if it refused, it gives everything back here.
    #[private]
    pub fn on_reported(&mut self) -> PromiseOrValue<()> {
        let (Some(sync), false) = (pending::<Syncing>(), succeeded(0)) else { return PromiseOrValue::Value(()) };
        sync.give_back();
        refused(&EscrowError::ReportFailed {}.into())
    }
}

/// What the call whose callback this is passed on.
fn pending<T: BorshDeserialize>() -> Option<T> {
    passed_on().ok()
}

fn refused<T>(failure: &Failure) -> PromiseOrValue<T> {
    PromiseOrValue::Promise(fail_later(failure.text()))
}

/// The answer of a transaction that sends: how much, or a failure that shows.
fn sent(amount: u128, arrived: bool) -> PromiseOrValue<U128> {
    if arrived {
        return PromiseOrValue::Value(U128(amount));
    }
    PromiseOrValue::Promise(fail_later(&EscrowError::TransferFailed {}.panic_text()))
}
