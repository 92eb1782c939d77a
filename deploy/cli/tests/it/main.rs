//! The command from outside: as a process, with its exit codes and its output.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod demo;
mod kill;
mod operator;
mod process;
mod refusals;
