//! Pure state transitions: time, caller and deposit are arguments.

mod attribution;
mod channel;
mod earnings;
mod edge;
mod purse;
mod shares;
mod totals;

pub use attribution::{Creator, Reserve};
pub use channel::{Channel, Payout};
pub use earnings::Earnings;
pub use edge::{Edge, EdgePart, Request};
pub use purse::{Drawn, Purse, day_of};
pub use shares::Share;
pub use totals::{Landed, Token, Totals};
