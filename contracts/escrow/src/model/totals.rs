//! Sums over everything the escrow ever held.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::{U128, escrow};

/// INV-ESC-1: `deposited = held + in_flight + paid + refunded`.
#[derive(Clone, Copy, Default, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    pub deposited: U128,
    pub held: U128,
    pub in_flight: U128,
    pub paid: U128,
    pub refunded: U128,
}

impl Totals {
    pub fn view(&self) -> escrow::Totals {
        let Self { deposited, held, in_flight, paid, refunded } = *self;
        escrow::Totals { deposited, held, in_flight, paid, refunded }
    }
}
