//! Pure rules: time and caller are arguments.

mod adoption;
mod ballot;
mod limits;
mod line;
mod rollout;
mod stake;
mod vote;

pub use adoption::{moved_to, told};
pub use ballot::{Power, cast_stake, recast_stake, stake_vote, take_from, take_later, taken_from};
pub use limits::{check_constitution, check_content, check_digest, check_name};
pub use line::{change_constitution, check_moving, check_unmoved, move_head, new_line, pause, spend_guardian};
pub use rollout::{advance, begin, count, draw, settled};
pub use stake::{check_pool, delegate, is_empty, landed, lock, new_stake, unlock, withdraw};
pub use vote::{cast, check_due, check_forgettable, check_objectable, decide, object, stop, voting, weight_of};
