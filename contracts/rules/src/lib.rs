//! What Charter's contracts decide by: pure functions, the same ones for contracts, hosts and programs.
//!
//! There is no near-sdk here. Time and hash functions are arguments; what is decided about are the wire types of
//! `charter-types`.

pub mod attribution;
pub mod budget;
pub mod decision;
pub mod honeypot;
pub mod policy;
pub mod voucher;
