//! Callbacks. They settle and never fail: an error here would roll back our books but not the transfer already made.

use borsh::BorshDeserialize;
use charter_common::{Failure, fail_later, methods, passed_on, succeeded};
use charter_types::tasks::TasksError;
use charter_types::{ErrorCode, U128};
use near_sdk::{PromiseOrValue, near};

use super::balances::Paying;
use super::reputation::Syncing;
use crate::model::Drawing;
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    /// Draws a panel.
    #[private]
    pub fn on_draw(&mut self) {
        if let Some(drawing) = pending::<Drawing>() {
            self.draw_panel(drawing);
        }
    }

    /// After a transfer out of a balance.
    #[private]
    pub fn on_paid(&mut self) -> PromiseOrValue<U128> {
        let (Some(pending), arrived) = (pending::<Paying>(), succeeded(0)) else {
            return PromiseOrValue::Value(U128(0));
        };
        let amount = pending.amount;
        self.settle_paid(pending, arrived);
        if arrived {
            return PromiseOrValue::Value(U128(amount));
        }
        PromiseOrValue::Promise(fail_later(&TasksError::TransferFailed {}.panic_text()))
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
        refused(&TasksError::ReportFailed {}.into())
    }
}

/// What the call whose callback this is passed on.
fn pending<T: BorshDeserialize>() -> Option<T> {
    passed_on().ok()
}

fn refused<T>(failure: &Failure) -> PromiseOrValue<T> {
    PromiseOrValue::Promise(fail_later(failure.text()))
}
