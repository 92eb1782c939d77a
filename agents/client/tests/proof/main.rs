//! What a node says is believed as far as it is borne out, and not a bit further: rightful answers of a chain that is
//! made here, recorded answers of nearcore, and lies about both, by the node alone and by producers who sign them.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod bent;
mod chain;
mod codes;
mod head;
mod header;
mod outcome;
mod recorded;
mod state;
mod trie;
mod world;

use std::fmt::Debug;

use charter_client::proof::ProofError;

/// The code with which it was refused.
#[track_caller]
fn refused<T: Debug>(answer: Result<T, ProofError>) -> &'static str {
    answer.expect_err("this was believed").code()
}
