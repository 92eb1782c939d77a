//! Pure rules: time and caller are arguments.

mod limits;
mod line;
mod vote;

pub use limits::{check_constitution, check_content, check_name};
pub use line::{change_constitution, check_unmoved, move_head, new_line, spend_guardian};
pub use vote::{cast, check_due, check_forgettable, decide, stop, weight_of};
