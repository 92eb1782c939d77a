//! Pure state transitions: time, caller and deposit are arguments.

mod balance;
mod draw;
mod panel;
mod record;
mod reviewer;
mod set;
mod settle;
mod task;
mod totals;

use charter_types::tasks::TasksError;

pub use balance::Balance;
pub use draw::{Drawing, draw};
pub use panel::{Panel, Seat};
pub use record::{Earnings, Exclusions, Mark, Record};
pub use reviewer::Reviewer;
pub use set::{Set, check_reviewers};
pub use settle::{Lot, Round, reward_of};
pub use task::{Appeal, Party, Stage, Task};
pub use totals::{Token, Totals};

type Checked<T = ()> = Result<T, TasksError>;

pub fn add(left: u128, right: u128) -> Checked<u128> {
    left.checked_add(right).ok_or(TasksError::Overflow {})
}
