//! Pure rules: time and caller are arguments.

mod adoption;
mod limits;
mod line;
mod rollout;
mod vote;

pub use adoption::{moved_to, told};
pub use limits::{check_constitution, check_content, check_digest, check_name};
pub use line::{change_constitution, check_moving, check_unmoved, move_head, new_line, pause, spend_guardian};
pub use rollout::{advance, begin, count, draw, settled};
pub use vote::{cast, check_due, check_forgettable, check_objectable, decide, object, stop, weight_of};
