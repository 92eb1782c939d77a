//! Pure rules: time and caller are arguments.

mod limits;
mod line;
mod vote;

pub use limits::{check_constitution, check_content, check_name};
pub use line::{change_constitution, move_head, new_line};
pub use vote::{cast, check_due, decide, stop, weight_of};
