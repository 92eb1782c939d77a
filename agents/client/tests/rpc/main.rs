//! The transport to nodes: every answer is told apart, whatever it is, and of several nodes the right one is asked.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod answers;
mod arbitrary;
mod nodes;
mod sending;
mod stand_in;
