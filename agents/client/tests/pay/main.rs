//! Both ends of payment channels off chain: what they refuse, what is on disk when, what a crash leaves, and offers.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod acks;
mod chain;
mod codes;
mod crash;
mod durable;
mod kill;
mod lasting;
mod listed;
mod model;
mod offers;
mod payee;
mod payer;
mod settle;
mod stand_in;
mod vectors;
mod verdicts;
