//! Pure state transitions: time, caller and deposit are arguments.

mod attribution;
mod channel;
mod earnings;
mod edge;
mod purse;
mod shares;
mod totals;

use charter_types::escrow::EscrowError;

pub use attribution::{Creator, Reserve};
pub use channel::{Channel, Payout};
pub use earnings::Earnings;
pub use edge::{Edge, EdgePart, Request};
pub use purse::{Drawn, Purse, day_of};
pub use shares::Share;
pub use totals::{Landed, Token, Totals};

type Outcome<T = ()> = Result<T, EscrowError>;

pub fn add(left: u128, right: u128) -> Outcome<u128> {
    left.checked_add(right).ok_or(EscrowError::Overflow {})
}

fn subtract(left: u128, right: u128) -> Outcome<u128> {
    left.checked_sub(right).ok_or(EscrowError::Overflow {})
}
